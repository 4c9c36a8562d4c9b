# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test how many calls the inventory of a large fleet makes, and when."""

from __future__ import annotations

import collections
import time
from typing import Any

import pytest
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.nodes import ec2

from emulator.testing import LocalAWS
from unit.support.inventory_source import parse

REGIONS = ["us-east-1", "eu-west-1", "us-west-2"]


def world(count: int, **settings: Any) -> dict[str, Any]:
    """Return a world with ``count`` nodes in each region, of which every fifth is stopped."""
    regions = {
        name: {
            "nodes": [
                {"generate": count * 4 // 5, "id": f"i-{place}0%015x"},
                {"generate": count // 5, "id": f"i-{place}f%015x", "instance_state": "stopped"},
            ]
        }
        for place, name in enumerate(REGIONS, start=1)
    }
    return {"regions": regions, **settings}


def calls(aws: LocalAWS) -> dict[str, int]:
    return dict(collections.Counter(call.operation for call in aws.calls()))


@pytest.mark.parametrize(("count", "pages"), [(5, 1), (100, 1), (1010, 2)])
def test_a_fleet_takes_its_pages_and_one_status_for_each_candidate(count: int, pages: int) -> None:
    with LocalAWS(world(count)) as aws:
        parsed = parse(aws, regions=REGIONS)
        assert calls(aws) == {"DescribeInstanceProperties": 3 * pages, "GetConnectionStatus": 3 * count * 4 // 5}
        asked = collections.Counter(call.params["Target"] for call in aws.calls("GetConnectionStatus"))
        assert set(asked.values()) == {1}
    assert len(parsed.hosts) == 3 * count
    assert len(parsed.group("ssm_connected")) == 3 * count * 4 // 5
    assert parsed.group("ssm_unknown") == []
    assert parsed.group("ssm_not_connected") == sorted(parsed.group("ssm_not_connected"))


def test_statuses_are_asked_for_while_later_pages_are_still_coming() -> None:
    slow_pages = {"DescribeInstanceProperties": 60}
    with LocalAWS(world(50, latency_ms=slow_pages, limits={"page_size": 5})) as aws:
        parse(aws, regions=REGIONS)
        order = [call.operation for call in aws.calls()]
    last_page = len(order) - order[::-1].index("DescribeInstanceProperties")
    assert order[:last_page].count("GetConnectionStatus") > 0


def test_no_more_calls_are_made_at_a_time_than_there_are_workers() -> None:
    latency = 0.1
    slow = {"latency_ms": {"GetConnectionStatus": latency * 1000}}
    with LocalAWS({"regions": {"us-east-1": {"nodes": [{"generate": 12, "id": "i-%017x"}]}}, **slow}) as aws:
        started = time.monotonic()
        parse(aws, max_workers=2)
        # 12 calls by two workers take at least six times the latency, however fast the machine is.
        assert time.monotonic() - started >= 12 / 2 * latency
        assert len(aws.calls("GetConnectionStatus")) == 12


def test_throttled_calls_lose_no_status() -> None:
    rule = {"op": "GetConnectionStatus", "do": {"error": "ThrottlingException"}, "times": 20}
    with LocalAWS(world(30, faults=[rule])) as aws:
        parsed = parse(aws, regions=REGIONS)
        assert len(aws.calls("GetConnectionStatus")) == 72 + 20
    assert parsed.group("ssm_unknown") == [] and len(parsed.group("ssm_connected")) == 72


@pytest.mark.parametrize(
    ("managed", "others", "expected"),
    [
        (3, 0, 1),  # one request with all IDs
        (200, 3000, 1),
        (1000, 0, 1),  # one page of all instances
        (2000, 0, 2),
        (400, 4000, 3),  # one page that lacks some of them, and two requests for the rest
    ],
)
def test_details_of_ec2_take_few_calls(managed: int, others: int, expected: int) -> None:
    nodes = [{"generate": managed, "id": "i-1%016x"}]
    if others:
        nodes.insert(0, {"generate": others, "id": "i-2%016x", "managed": False})
    with LocalAWS({"regions": {"us-east-1": {"nodes": nodes}}}) as aws:
        ids = [f"i-1{number:016x}" for number in range(1, managed + 1)]
        found = ec2.details(aws.client("ec2"), [*ids, "mi-0a1b2c3d4e5f60001"])
        assert sorted(found) == ids
        assert calls(aws) == {"DescribeInstances": expected}


def test_an_instance_that_is_gone_is_no_error() -> None:
    with LocalAWS({"regions": {"us-east-1": {"nodes": [{"id": "i-10000000000000001"}]}}}) as aws:
        gone = [f"i-3{number:016x}" for number in range(300)]
        assert list(ec2.details(aws.client("ec2"), ["i-10000000000000001", gone[0]])) == ["i-10000000000000001"]
        assert list(ec2.details(aws.client("ec2"), ["i-10000000000000001", *gone])) == ["i-10000000000000001"]
