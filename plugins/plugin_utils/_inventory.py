# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""The inventory's nodes: fetched from all regions at once, and shaped into hosts."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from ansible.utils.unsafe_proxy import wrap_var
from ansible_collections.sessionops.aws.plugins.module_utils._ssm import nodes, readiness
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.errors import SSMError
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.fanout import fan_out

# ansible-core gives no types for it.
_mark_unsafe: Any = wrap_var

GROUPS = {
    readiness.CONNECTED: "ssm_connected",
    readiness.NOT_CONNECTED: "ssm_not_connected",
    readiness.UNKNOWN: "ssm_unknown",
}


@dataclasses.dataclass(frozen=True)
class Fetched:
    """The nodes of all regions, each with its connection status, and what the user should be warned of."""

    nodes: list[nodes.Node]
    warnings: list[str]


@dataclasses.dataclass(frozen=True)
class Host:
    """One host of the inventory."""

    name: str
    group: str
    variables: dict[str, Any]


def fetch(clients: Mapping[str, Any], workers: int, *, strict: bool) -> Fetched:
    """The nodes of the regions that are the keys of ``clients``, in that order.

    ``workers`` statuses of a region are asked for at a time. Unless ``strict``, a region whose nodes may not be listed
    is a warning.
    """
    found = Fetched([], [])
    for outcome in fan_out(lambda region: _region(clients[region], region, workers), list(clients)):
        if outcome.error is None:
            found.nodes.extend(outcome.value or [])
        elif outcome.error.denied and not strict:
            found.warnings.append(f"Region {outcome.target} is left out. {outcome.error}")
        else:
            raise SSMError(f"Region {outcome.target}: {outcome.error}", outcome.error.exception)
    unknown = [node for node in found.nodes if "connection_status_reason" in node]
    if unknown:
        reason = unknown[0]["connection_status_reason"]
        found.warnings.append(
            f"The connection status of {len(unknown)} of {len(found.nodes)} nodes is unknown. {reason}"
        )
    return found


def hosts(found: Sequence[nodes.Node], hostnames: Sequence[str]) -> list[Host]:
    """The nodes as hosts, sorted by name, with no string among their variables that Ansible would template."""
    names = _names(found, hostnames)
    made = [
        Host(name, GROUPS[node["connection_status"]], {key: _untrusted(value) for key, value in node.items()})
        for name, node in zip(names, found, strict=True)
    ]
    return sorted(made, key=lambda host: host.name)


def _region(client: Any, region: str, workers: int) -> list[nodes.Node]:
    """The nodes of one region with their connection statuses."""
    found = nodes.find(client, region)
    candidates = [str(node["instance_id"]) for node in found if nodes.may_be_connected(node)]
    statuses = {status.target: status for status in readiness.ask(client, candidates, workers)}
    return [{**node, **_status(statuses.get(str(node["instance_id"])))} for node in found]


def _status(asked: readiness.Readiness | None) -> dict[str, str]:
    if asked is None:
        return {"connection_status": readiness.NOT_CONNECTED}
    reason = {"connection_status_reason": asked.reason} if asked.reason else {}
    return {"connection_status": asked.status, **reason}


def _names(found: Sequence[nodes.Node], hostnames: Sequence[str]) -> list[str]:
    """A name for each node: the first of ``hostnames`` that it has, or its ID where that is not its alone."""
    preferred = [next((str(node[key]) for key in hostnames if node.get(key)), "") for node in found]
    shared = collections.Counter(preferred)
    return [
        name if name and shared[name] == 1 else str(node["instance_id"])
        for name, node in zip(preferred, found, strict=True)
    ]


def _untrusted(value: Any) -> Any:
    """The value with every string marked that ansible-core before 2.19 would take for a template."""
    if isinstance(value, str):
        return _mark_unsafe(value) if "{" in value else value
    if isinstance(value, Mapping):
        return {_untrusted(key): _untrusted(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_untrusted(entry) for entry in value]
    return value
