# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The filters of DescribeInstanceInformation and DescribeInstanceProperties."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ....service import APIError
from .store import Node, kind_of

VALUES: dict[str, Callable[[Node], str | None]] = {
    "InstanceIds": lambda node: node.id,
    "AgentVersion": lambda node: node.agent_version,
    "PingStatus": lambda node: node.ping_status,
    "PlatformTypes": lambda node: node.platform,
    "ActivationIds": lambda node: node.get("activation_id"),
    "IamRole": lambda node: node.get("iam_role"),
    "ResourceType": lambda node: node.resource_type,
    "AssociationStatus": lambda node: node.get("association_status"),
    "SourceIds": lambda node: node.get("source_id"),
    "SourceTypes": lambda node: node.get("source_type"),
}
ALLOWED: dict[str, tuple[str, ...]] = {
    "PingStatus": ("Online", "ConnectionLost", "Inactive"),
    "PlatformTypes": ("Windows", "Linux", "MacOS"),
    "ResourceType": ("EC2Instance", "ManagedInstance"),
    "AssociationStatus": ("Success", "Pending", "Failed"),
}
# DescribeInstanceProperties, which the console uses, accepts more keys than AWS documents. These are the members of its
# reply.
PROPERTY_VALUES: dict[str, Callable[[Node], str | None]] = {
    **VALUES,
    "AvailabilityZone": lambda node: node.availability_zone if node.kind == "ec2" else None,
    "ComputerName": lambda node: node.get("computer_name"),
    "InstanceState": lambda node: node.instance_state if node.kind == "ec2" else None,
    "InstanceType": lambda node: node.get("instance_type"),
    "IPAddress": lambda node: node.get("ip_address"),
    "KeyName": lambda node: node.get("key_name"),
    "PlatformName": lambda node: node.get("platform_name"),
    "PlatformVersion": lambda node: node.get("platform_version"),
}
# The keys that accept only one value (recorded: `tests/emulator/FIDELITY.md`).
SINGLE = ("ResourceType",)
BAD_VALUE = {
    "DescribeInstanceInformation": "InvalidInstanceInformationFilterValue",
    "DescribeInstanceProperties": "InvalidInstancePropertyFilterValue",
}
Predicate = Callable[[Node], bool]


def information_predicates(params: Mapping[str, Any]) -> list[Predicate]:
    """Return the predicates of DescribeInstanceInformation's filters, all of which a node must match."""
    old, new = params.get("InstanceInformationFilterList"), params.get("Filters")
    if old and new:
        raise APIError("ValidationException", "InstanceInformationFilterList and Filters can not be used together.")
    if old:
        return [_by_key("DescribeInstanceInformation", VALUES, item["key"], list(item["valueSet"])) for item in old]
    keys = {item["Key"] for item in new or []}
    tag_keys = {key for key in keys if is_tag(key)}
    if tag_keys and tag_keys != keys:
        raise APIError("ValidationException", "Tag filters can't be combined with other filter types.")
    return [_string_filter(item["Key"], list(item["Values"])) for item in new or []]


def property_predicates(params: Mapping[str, Any]) -> list[Predicate]:
    """Return the predicates of DescribeInstanceProperties' filters, all of which a node must match."""
    found = [
        _by_key("DescribeInstanceProperties", VALUES, item["key"], list(item["valueSet"]))
        for item in params.get("InstancePropertyFilterList", [])
    ]
    for item in params.get("FiltersWithOperator", []):
        key, values = item["Key"], list(item["Values"])
        if is_tag(key):
            found.append(_by_tag(key, values))
        else:
            found.append(_by_operator(key, values, item.get("Operator", "Equal")))
    return found


def is_tag(key: str) -> bool:
    return key == "tag-key" or key.startswith("tag:")


def _string_filter(key: str, values: list[str]) -> Predicate:
    return _by_tag(key, values) if is_tag(key) else _by_key("DescribeInstanceInformation", VALUES, key, values)


def _by_tag(key: str, values: list[str]) -> Predicate:
    if key == "tag-key":
        return lambda node: any(value in node.tags for value in values)
    name = key.removeprefix("tag:")
    return lambda node: node.tags.get(name) in values


def _by_key(operation: str, getters: dict[str, Callable[[Node], str | None]], key: str, values: list[str]) -> Predicate:
    if key not in getters:
        raise APIError("InvalidFilterKey", f"The filter key {key} is not valid.")
    check_values(operation, key, values)
    get, wanted = getters[key], frozenset(values)
    return lambda node: get(node) in wanted


def check_values(operation: str, key: str, values: Iterable[str]) -> None:
    """Raise ``APIError`` for a value that no node can have, or for two values of a key that accepts one."""
    values = list(values)
    if key in SINGLE and len(values) > 1:
        raise APIError(BAD_VALUE[operation], f"{key} filter may contain only one value.")
    for value in values:
        if key in ALLOWED and value not in ALLOWED[key]:
            text = f"{key} filter is invalid, valid values are {', '.join(ALLOWED[key])}"
            raise APIError(BAD_VALUE[operation], text)
        if key == "InstanceIds" and kind_of(value) not in ("ec2", "hybrid"):
            raise APIError("InvalidInstanceId", f"{value} is not a valid instance id.")


def _by_operator(key: str, values: list[str], operator: str) -> Predicate:
    if key not in PROPERTY_VALUES:
        raise APIError("InvalidFilterKey", f"The filter key {key} is not valid.")
    if operator in ("Equal", "NotEqual"):
        check_values("DescribeInstanceProperties", key, values)
    get, compare = PROPERTY_VALUES[key], COMPARISONS[operator]

    def predicate(node: Node) -> bool:
        actual = get(node)
        return actual is not None and compare(actual, values)

    return predicate


def _version_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """Return a sort key for version numbers: 3.10 is larger than 3.9, and numbers come before other text."""
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in text.split("."))


COMPARISONS: dict[str, Callable[[str, list[str]], bool]] = {
    "Equal": lambda actual, values: actual in values,
    "NotEqual": lambda actual, values: actual not in values,
    "BeginWith": lambda actual, values: any(actual.startswith(value) for value in values),
    "LessThan": lambda actual, values: any(_version_key(actual) < _version_key(value) for value in values),
    "GreaterThan": lambda actual, values: any(_version_key(actual) > _version_key(value) for value in values),
}
