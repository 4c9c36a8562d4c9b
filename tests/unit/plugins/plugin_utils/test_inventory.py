# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Nodes fetched, and shaped into hosts."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.errors import SSMError
from ansible_collections.sessionops.aws.plugins.plugin_utils import _inventory
from hypothesis import given
from hypothesis import strategies as st

from emulator.testing import LocalAWS


def node(instance_id: str, **members: Any) -> dict[str, Any]:
    return {"instance_id": instance_id, "connection_status": "connected", **members}


def names(nodes: list[dict[str, Any]], *hostnames: str) -> list[str]:
    return [host.name for host in _inventory.hosts(nodes, hostnames)]


def test_the_first_name_that_a_node_has_counts() -> None:
    found = [node("i-1", computer_name="web"), node("i-2", instance_name="db", computer_name="x"), node("i-3")]
    assert names(found, "instance_name", "computer_name") == ["db", "i-3", "web"]


def test_a_name_that_two_nodes_share_is_used_for_neither() -> None:
    found = [node("i-1", computer_name="web"), node("i-2", computer_name="web"), node("i-3", computer_name="db")]
    assert names(found, "computer_name") == ["db", "i-1", "i-2"]


def test_each_status_has_its_group() -> None:
    found = [node(f"i-{status}", connection_status=status) for status in ("connected", "notconnected", "unknown")]
    assert [host.group for host in _inventory.hosts(found, [])] == ["ssm_connected", "ssm_not_connected", "ssm_unknown"]


@given(st.dictionaries(st.text(), st.text() | st.lists(st.text()) | st.integers() | st.none()))
def test_values_stay_as_they_are(members: dict[str, Any]) -> None:
    shaped = _inventory.hosts([{**members, **node("i-1")}], ["instance_id"])
    assert shaped[0].variables == {**members, **node("i-1")}


WORLD = {
    "regions": {
        "us-east-1": {
            "nodes": [
                {"id": "i-0a1b2c3d4e5f60001", "status": "connected"},
                {"id": "i-0a1b2c3d4e5f60002", "status": "connected", "instance_state": "stopped"},
                {"id": "mi-0a1b2c3d4e5f60003", "status": "error: AccessDeniedException"},
            ]
        }
    }
}
PROPERTIES_DENIED = {"op": "DescribeInstanceProperties", "do": {"error": "AccessDeniedException"}}
INFORMATION_DENIED = {"op": "DescribeInstanceInformation", "do": {"error": "AccessDeniedException"}}


def fetch(aws: LocalAWS, *, strict: bool = True) -> _inventory.Fetched:
    return _inventory.fetch({"us-east-1": aws.client("ssm")}, 32, strict=strict)


def statuses(found: _inventory.Fetched) -> dict[str, str]:
    return {node["instance_id"]: node["connection_status"] for node in found.nodes}


def test_nodes_that_cannot_be_connected_are_not_asked_and_one_error_is_one_unknown() -> None:
    with LocalAWS(WORLD) as aws:
        found = fetch(aws)
        assert statuses(found) == {
            "i-0a1b2c3d4e5f60001": "connected",
            "i-0a1b2c3d4e5f60002": "notconnected",
            "mi-0a1b2c3d4e5f60003": "unknown",
        }
        assert {call.params["Target"] for call in aws.calls("GetConnectionStatus")} == {
            "i-0a1b2c3d4e5f60001",
            "mi-0a1b2c3d4e5f60003",
        }
        assert ["1 of 3 nodes is unknown" in warning for warning in found.warnings] == [True]


def test_the_older_listing_serves_where_the_newer_is_denied() -> None:
    with LocalAWS({**WORLD, "faults": [PROPERTIES_DENIED]}) as aws:
        assert statuses(fetch(aws))["i-0a1b2c3d4e5f60001"] == "connected"


@pytest.mark.parametrize("strict", [True, False])
def test_a_region_that_may_not_be_listed(strict: bool) -> None:
    with LocalAWS({**WORLD, "faults": [PROPERTIES_DENIED, INFORMATION_DENIED]}) as aws:
        if strict:
            with pytest.raises(SSMError, match="Region us-east-1: Could not list the managed nodes"):
                fetch(aws)
        else:
            found = fetch(aws, strict=False)
            assert found.nodes == []
            assert "Region us-east-1 is left out." in found.warnings[0]


@pytest.mark.parametrize("body", ["{}", "<html>", "[]"])
def test_a_listing_that_is_not_from_aws_is_no_empty_inventory(body: str) -> None:
    fault = {"op": "DescribeInstanceProperties", "do": {"raw": body, "status": 200}}
    with LocalAWS({**WORLD, "faults": [fault]}) as aws:
        with pytest.raises(SSMError, match="Could not list the managed nodes"):
            fetch(aws, strict=False)
