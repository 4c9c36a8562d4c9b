# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Turn nodes into hosts with their variables and readiness group."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.sessionops.aws.plugins.module_utils._ssm.errors import SSMError
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.nodes import connection_status, listing

from .fetch import Found
from .inferred_status import Status, infer_status
from .options import GetOption, InventoryPlan
from .trust import untrusted

READINESS_GROUPS = {
    connection_status.CONNECTED: "ssm_connected",
    connection_status.NOT_CONNECTED: "ssm_not_connected",
    connection_status.UNKNOWN: "ssm_unknown",
}
NO_CONNECTION = "none"
OWN_CONNECTION = "sessionops.aws.aws_ssm"


@dataclasses.dataclass(frozen=True)
class Host:
    """One node as a host that has no name yet."""

    instance_id: str
    group: str  # one of READINESS_GROUPS
    variables: dict[str, Any]  # data from AWS and what follows from it, without hostvars_prefix and hostvars_suffix
    connection_variables: dict[str, str]  # the variables of the connection plugin


def make_hosts(found: Found, plan: InventoryPlan, get: GetOption) -> list[Host]:
    """Return the nodes that have one of the wanted ``statuses`` as hosts, sorted by ID.

    Ansible will not evaluate any text from AWS in their variables. ``get`` reads the options.
    """
    wanted = [status for status in READINESS_GROUPS if status in get("statuses")]
    common = _connection_options(get)
    # The name of a region is the user's own text, not one from AWS, whether its nodes come from the cache or not.
    regions = {name: name for name in plan.regions}
    made = []
    for node, status in _nodes_with_status(found, plan):
        if status.status in wanted:
            given = {name: untrusted(value) for name, value in node.items()}
            given["region"] = regions[node["region"]]
            variables = {**given, **_status_variables(status)}
            connection_variables = _connection_variables(given, common)
            made.append(Host(node["instance_id"], READINESS_GROUPS[status.status], variables, connection_variables))
    made.sort(key=lambda host: host.instance_id)
    return made


def all_warnings(found: Found) -> list[str]:
    """Return the warnings for the user: what is left out, and for how many nodes the status could not be read."""
    unread = [status for status in found.asked.values() if status.reason]
    if not unread:
        return found.warnings
    count = sum(len(region.nodes) for region in found.regions.values())
    first = "The first reason: " if len(unread) > 1 else ""
    text = f"The connection status of {len(unread)} of {count} nodes is unknown. {first}{unread[0].reason}"
    return [*found.warnings, text]


def _nodes_with_status(found: Found, plan: InventoryPlan) -> Iterator[tuple[listing.Node, Status]]:
    regions: dict[str, str] = {}
    for name, region in found.regions.items():
        for node in region.nodes:
            first = regions.setdefault(node["instance_id"], name)
            if first != name:
                raise SSMError(
                    f"Node {node['instance_id']} is listed in both {first} and {name}. A node is in one region only: "
                    "check that endpoint_url does not serve several regions."
                )
            yield node, found.asked.get(node["instance_id"]) or _inferred(node, region.served_at, plan)


def _inferred(node: listing.Node, now: Any, plan: InventoryPlan) -> Status:
    status = infer_status(node, now, plan)
    if status is None:
        raise SSMError(f"The connection status of node {node['instance_id']} was not read.")
    return status


def _status_variables(status: Status) -> dict[str, Any]:
    reason = {"connection_status_reason": untrusted(status.reason)} if status.reason else {}
    return {
        "connection_status": status.status,
        "connection_status_source": status.source,
        "ssm_connected": status.status == connection_status.CONNECTED,
        **reason,
    }


def _connection_options(get: GetOption) -> dict[str, str]:
    """Return the variables of the connection plugin that all hosts share; an empty dict if none is wanted."""
    if get("connection") == NO_CONNECTION:
        return {}
    options = {"ansible_connection": get("connection"), "ansible_aws_ssm_profile": get("profile")}
    if get("connection") == OWN_CONNECTION:
        options["ansible_aws_ssm_assume_role_arn"] = get("assume_role_arn")
        options["ansible_aws_ssm_endpoint_url"] = get("endpoint_url")
    return {name: value for name, value in options.items() if value}


def _connection_variables(node: listing.Node, common: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of the connection plugin for a host. Both plugins read the same names."""
    if not common:
        return {}
    variables = {
        **common,
        "ansible_aws_ssm_instance_id": node["instance_id"],
        "ansible_aws_ssm_region": node["region"],
    }
    if node.get("platform_type") == "Windows":
        variables["ansible_shell_type"] = "powershell"
    return variables
