# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test the tags of hybrid machines: variables, names and groups made of them, the calls, and failures."""

from __future__ import annotations

import collections
import time
from typing import Any

import pytest
from ansible.errors import AnsibleParserError
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.nodes.tags import tag_values
from hypothesis import given
from hypothesis import strategies as st

from emulator.testing import LocalAWS
from unit.support.inventory_source import Source, parse

WEB = "i-0a1b2c3d4e5f60001"
KIOSK, TILL, BARE = (f"mi-0a1b2c3d4e5f6000{number}" for number in range(2, 5))
WORLD: dict[str, Any] = {
    "regions": {
        "us-east-1": {
            "nodes": [
                {"id": WEB, "tags": {"Name": "web-1", "Site": "north"}},
                {"id": KIOSK, "tags": {"Name": "kiosk-2", "Site": "north", "__ansible_vault": "x"}},
                {"id": TILL, "tags": {"Name": "till-3", "Site": "south"}, "status": "notconnected"},
                {"id": BARE, "name": "activation"},
            ]
        },
        "eu-west-1": {"nodes": [{"id": "i-0a1b2c3d4e5f60009"}]},
    }
}
NAMED: dict[str, Any] = {
    "ec2_details": True,
    "hostnames": ["tag:Name"],
    "keyed_groups": [{"key": "ec2_tags.Site", "prefix": "site"}],
}
LIST_TAGS = "ListTagsForResource"
BOTH = {"regions": ["us-east-1", "eu-west-1"]}


def failing(do: dict[str, Any], times: Any = "always", node: str | None = None) -> dict[str, Any]:
    """Return the world with tags that cannot be read, of one node or of all."""
    match = {"match": {"ResourceId": node}} if node else {}
    return {**WORLD, "faults": [{"op": LIST_TAGS, "do": do, "times": times, **match}]}


def calls(aws: LocalAWS, since: int = 0) -> dict[str, int]:
    return dict(collections.Counter(call.operation for call in aws.calls(since=since)))


def test_hybrid_machines_have_names_and_groups_by_their_tags_like_instances() -> None:
    with LocalAWS(WORLD) as aws:
        parsed = parse(aws, **NAMED)
        assert calls(aws) == {
            "DescribeInstanceProperties": 1,
            "DescribeInstances": 1,
            "GetConnectionStatus": 4,
            LIST_TAGS: 3,
        }
    assert sorted(parsed.hosts) == ["kiosk-2", BARE, "till-3", "web-1"]
    assert (parsed.group("site_north"), parsed.group("site_south")) == (["kiosk-2", "web-1"], ["till-3"])
    assert parsed.hosts["kiosk-2"]["ec2_tags"] == {"Name": "kiosk-2", "Site": "north"}
    assert parsed.hosts[BARE]["ec2_tags"] == {}
    assert not parsed.warnings


def test_tags_are_read_for_details_only_and_of_hybrid_machines_only() -> None:
    with LocalAWS(WORLD) as aws:
        assert not [name for variables in parse(aws).hosts.values() for name in variables if name.startswith("ec2_")]
        parse(aws, ec2_details=True, region="eu-west-1")
        assert LIST_TAGS not in calls(aws)
        position = aws.position
        parse(aws, ec2_details=True, filters={"ResourceType": "ManagedInstance"}, status_source="none")
        assert calls(aws, position) == {"DescribeInstanceProperties": 1, LIST_TAGS: 3}


DENIED = {"error": "AccessDeniedException"}
BROKEN = {"raw": "{}", "status": 200}


@pytest.mark.parametrize(
    ("do", "sentence"),
    [
        (DENIED, "AccessDeniedException. The caller needs the permission ssm:ListTagsForResource."),
        (BROKEN, "the service returned an invalid reply."),
        ({"error": "ExpiredTokenException"}, "ExpiredTokenException. Check the credentials"),
    ],
)
def test_tags_that_cannot_be_read_are_an_error(do: dict[str, Any], sentence: str) -> None:
    with LocalAWS(failing(do), strict=False) as aws, pytest.raises(AnsibleParserError) as raised:
        parse(aws, **BOTH, **NAMED)
    text = str(raised.value)
    assert "Could not list the tags of node mi-0a1b2c3d4e5f6000" in text and sentence in text
    assert "Expired" in text or text.startswith("Region us-east-1: Could not list")


def test_tags_that_may_not_be_read_are_missing_with_one_warning() -> None:
    with LocalAWS(failing(DENIED)) as aws:
        parsed = parse(aws, **BOTH, **NAMED, strict_permissions=False)
    assert parsed.warnings == [
        "The tags of 3 of 3 hybrid nodes in region us-east-1 are missing. Could not list the tags of node"
        f" {KIOSK}: AccessDeniedException. The caller needs the permission ssm:ListTagsForResource."
    ]
    assert {KIOSK, TILL, BARE, "web-1"} < set(parsed.hosts)
    assert parsed.group("site_north") == ["web-1"]
    assert "ec2_tags" not in parsed.hosts[KIOSK]


def test_a_policy_may_be_for_some_machines_only() -> None:
    with LocalAWS(failing(DENIED, node=TILL)) as aws:
        parsed = parse(aws, **NAMED, strict_permissions=False)
    assert ["The tags of 1 of 3 hybrid nodes" in warning for warning in parsed.warnings] == [True]
    assert {"kiosk-2", TILL} < set(parsed.hosts)


def test_another_error_leaves_out_its_region_as_a_whole() -> None:
    with LocalAWS(failing(BROKEN, node=TILL), strict=False) as aws:
        parsed = parse(aws, **BOTH, **NAMED, strict_permissions=False)
        assert list(parsed.hosts) == ["i-0a1b2c3d4e5f60009"]
        [warning] = parsed.warnings
        assert warning.startswith(f"Region us-east-1 is left out. Could not list the tags of node {TILL}: ")
        with pytest.raises(AnsibleParserError, match="Region us-east-1: Could not list the tags"):
            parse(aws, **NAMED, strict_permissions=False)


def test_a_machine_that_was_deregistered_meanwhile_has_no_tags_and_is_no_error() -> None:
    with LocalAWS(failing({"error": "InvalidResourceId"}, node=TILL)) as aws:
        parsed = parse(aws, **NAMED)
    assert not parsed.warnings
    assert "ec2_tags" not in parsed.hosts[TILL] and "kiosk-2" in parsed.hosts


def test_throttled_calls_lose_no_tag() -> None:
    with LocalAWS(failing({"error": "ThrottlingException"}, times=5)) as aws:
        assert {"kiosk-2", "till-3", "web-1"} < set(parse(aws, **NAMED).hosts)
        assert calls(aws)[LIST_TAGS] == 3 + 5


@pytest.mark.parametrize("strict", [True, False])
def test_a_machine_that_is_excluded_late_is_in_no_error_and_no_warning(strict: bool) -> None:
    site = [{"Key": "tag:Site", "Values": ["south"]}]
    nobody: dict[str, Any] = {"set": {"InstanceInformationList": []}}
    late = {"op": "DescribeInstanceInformation", "match": {"Filters": site}, "do": nobody}
    world = WORLD if strict else failing(BROKEN, node=TILL)
    with LocalAWS({**world, "faults": [late, *world.get("faults", [])]}, strict=False) as aws:
        excluded = {"exclude_filters": [{"tag:Site": "south"}]}
        parsed = parse(aws, **NAMED, **excluded, strict_permissions=strict)
        assert calls(aws)[LIST_TAGS] == 3
    assert sorted(parsed.hosts) == ["kiosk-2", BARE, "web-1"] and not parsed.warnings


FLEET = {"regions": {"us-east-1": {"nodes": [{"generate": 1000, "id": "mi-%017x", "tags": {"Site": "north"}}]}}}


def test_a_fleet_takes_one_call_for_each_machine() -> None:
    with LocalAWS(FLEET) as aws:
        parsed = parse(aws, ec2_details=True, status_source="ping_status")
        assert calls(aws) == {"DescribeInstanceProperties": 1, LIST_TAGS: 1000}
        assert len({call.params["ResourceId"] for call in aws.calls(LIST_TAGS)}) == 1000
    assert len(parsed.hosts) == 1000
    assert {variables["ec2_tags"]["Site"] for variables in parsed.hosts.values()} == {"north"}


def test_no_more_calls_are_made_once_one_was_denied() -> None:
    rule = {"op": LIST_TAGS, "do": DENIED, "times": "always"}
    with LocalAWS({**FLEET, "faults": [rule]}) as aws:
        with pytest.raises(AnsibleParserError, match="ssm:ListTagsForResource"):
            parse(aws, ec2_details=True, status_source="ping_status", max_workers=4)
        assert len(aws.calls(LIST_TAGS)) <= 4


def test_statuses_and_tags_share_the_workers() -> None:
    latency = 0.1
    slow = dict.fromkeys(("GetConnectionStatus", LIST_TAGS), latency * 1000)
    nodes = [{"generate": 6, "id": "mi-%017x"}]
    with LocalAWS({"regions": {"us-east-1": {"nodes": nodes}}, "latency_ms": slow}) as aws:
        started = time.monotonic()
        parse(aws, ec2_details=True, max_workers=2)
        # 12 calls by two workers take at least six times the latency, however fast the machine is.
        assert time.monotonic() - started >= 12 / 2 * latency
        assert calls(aws)[LIST_TAGS] == calls(aws)["GetConnectionStatus"] == 6


def test_tags_are_kept_with_the_nodes_unless_some_are_missing() -> None:
    with LocalAWS(failing(DENIED, times=1, node=KIOSK)) as aws:
        source = Source(aws)
        source.write_cached(**NAMED, strict_permissions=False, cache_statuses_seconds=60)
        assert KIOSK in source.parse().hosts
        first = source.parse()
        assert "kiosk-2" in first.hosts
        position = aws.position
        assert source.parse().hosts == first.hosts
        assert calls(aws, position) == {}


@given(st.dictionaries(st.one_of(st.text(max_size=128), st.just("__ansible_type")), st.text(max_size=256)))
def test_all_tags_are_kept_but_those_that_ansible_reads_as_its_own(tags: dict[str, str]) -> None:
    found = tag_values([{"Key": key, "Value": value} for key, value in tags.items()])
    assert found == {key: tags[key] for key in tags if not key.startswith("__ansible_")}
