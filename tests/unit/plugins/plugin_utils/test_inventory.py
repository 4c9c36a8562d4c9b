# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Nodes shaped into hosts."""

from __future__ import annotations

from typing import Any

from ansible_collections.sessionops.aws.plugins.plugin_utils import _inventory
from hypothesis import given
from hypothesis import strategies as st


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
