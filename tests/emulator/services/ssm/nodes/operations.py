# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""DescribeInstanceInformation, DescribeInstanceProperties and GetConnectionStatus."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ....paging import items_of_listing, paginate, with_token
from ....service import APIError, Call, Handler, Section, Service, without_none
from .filters import Predicate, information_predicates, property_predicates
from .store import Node, Nodes, error_of, read_nodes

if TYPE_CHECKING:
    from ....world import World

_SWITCHES: dict[str, tuple[str, ...]] = {
    # The spelling of statuses. The service model has lower case; older pages and examples of AWS have `Connected`.
    "status_case": ("lower", "title"),
    # The reply to an ID that no node has. AWS documents an error, but an unregistered ID yields an empty list.
    "unknown_instance_id": ("empty", "InvalidInstanceId"),
    # The status of a target that does not exist. AWS does not document it.
    "status_unknown_target": ("notconnected", "error: AccessDeniedException"),
}
TITLE_CASE = {"connected": "Connected", "notconnected": "NotConnected"}


def describe_instance_information(world: World, call: Call) -> dict[str, Any]:
    nodes = world.state(call.region, Nodes)
    predicates = information_predicates(call.params)
    listed = [node for node in nodes.all() if node.registered and node.running]
    _refuse_unknown_ids(world, call, nodes)
    # The filters apply after the page is cut, so a page may be empty without being the last one.
    found = items_of_listing(world, call, lambda: [(node, _meets(node, predicates)) for node in _of_ids(listed, call)])
    page, token = paginate(found, call, default=10, world=world)
    return with_token({"InstanceInformationList": [_information(node) for node, shown in page if shown]}, token)


def describe_instance_properties(world: World, call: Call) -> dict[str, Any]:
    nodes = world.state(call.region, Nodes)
    predicates: list[Predicate] = [lambda node: node.registered, *property_predicates(call.params)]
    found = items_of_listing(world, call, lambda: _select(nodes.all(), predicates))
    page, token = paginate(found, call, default=10, world=world)
    return with_token({"InstanceProperties": [_properties(node) for node in page]}, token)


def get_connection_status(world: World, call: Call) -> dict[str, Any]:
    target = call.params["Target"]
    status = world.state(call.region, Nodes).status_of(target)
    value = status.poll() if status is not None else world.switch("status_unknown_target")
    code = error_of(value)
    if code is not None:
        raise APIError(code, _denial(call, target) if code == "AccessDeniedException" else code)
    return {"Target": target, "Status": TITLE_CASE[value] if world.switch("status_case") == "title" else value}


def _denial(call: Call, target: str) -> str:
    service = "ec2" if target.startswith("i-") else "ssm"
    kind = "instance" if service == "ec2" else "managed-instance"
    resource = f"arn:aws:{service}:{call.region}:{call.identity.account_id}:{kind}/{target}"
    action = f"{call.service}:{call.operation}"
    return (
        f"User: {call.identity.arn} is not authorized to perform: {action} on resource: {resource}"
        f" because no identity-based policy allows the {action} action"
    )


def _select(nodes: Sequence[Node], predicates: list[Predicate]) -> list[Node]:
    return [node for node in nodes if _meets(node, predicates)]


def _meets(node: Node, predicates: list[Predicate]) -> bool:
    return all(predicate(node) for predicate in predicates)


def _wanted_ids(call: Call) -> list[str]:
    """Return the values of the InstanceIds filters of DescribeInstanceInformation."""
    filters = [(item["key"], item["valueSet"]) for item in call.params.get("InstanceInformationFilterList", [])]
    filters += [(item["Key"], item["Values"]) for item in call.params.get("Filters", [])]
    return [value for key, values in filters for value in values if key == "InstanceIds"]


def _of_ids(listed: list[Node], call: Call) -> list[Node]:
    """Return the nodes with the wanted IDs, or all nodes if the call names none. Pages are cut from this list."""
    wanted = frozenset(_wanted_ids(call))
    return [node for node in listed if node.id in wanted] if wanted else listed


def _refuse_unknown_ids(world: World, call: Call, nodes: Nodes) -> None:
    """Raise ``APIError`` for an ID that no node has. Nodes that exist but are not registered are only left out."""
    if world.switch("unknown_instance_id") == "empty":
        return
    for value in _wanted_ids(call):
        if nodes.find(value) is None:
            raise APIError("InvalidInstanceId", f"{value} is not registered.")


def _common(node: Node) -> dict[str, Any]:
    """Return the members that both listings have."""
    hybrid = node.kind == "hybrid"
    return {
        "InstanceId": node.id,
        "PingStatus": node.ping_status,
        "LastPingDateTime": node.last_ping,
        "AgentVersion": node.agent_version,
        "PlatformType": node.platform,
        "PlatformName": node.get("platform_name"),
        "PlatformVersion": node.get("platform_version"),
        "ActivationId": node.get("activation_id"),
        "IamRole": node.get("iam_role"),
        "RegistrationDate": node.registration_date if hybrid else None,
        "ResourceType": node.resource_type,
        "IPAddress": node.get("ip_address"),
        "ComputerName": node.get("computer_name"),
        "AssociationStatus": node.get("association_status"),
        "SourceId": node.get("source_id"),
        "SourceType": node.get("source_type"),
    }


def _information(node: Node) -> dict[str, Any]:
    name = node.get("name") if node.kind == "hybrid" else None
    return without_none(**_common(node), IsLatestVersion=node.is_latest_version, Name=name)


def _properties(node: Node) -> dict[str, Any]:
    members = {**_common(node), "Name": node.tags.get("Name") if node.kind == "ec2" else node.get("name")}
    if node.kind == "ec2":
        members |= {
            "InstanceType": node.get("instance_type"),
            "InstanceRole": node.get("instance_profile"),
            "KeyName": node.get("key_name"),
            "InstanceState": node.instance_state,
            "Architecture": node.architecture,
            "LaunchTime": node.launch_time,
            "AvailabilityZone": node.availability_zone,
        }
    return without_none(**members)


_OPERATIONS: dict[str, Handler] = {
    "DescribeInstanceInformation": describe_instance_information,
    "DescribeInstanceProperties": describe_instance_properties,
    "GetConnectionStatus": get_connection_status,
}

SERVICE = Service("ssm", _OPERATIONS, _SWITCHES, section=Section("nodes", Nodes, read_nodes))
