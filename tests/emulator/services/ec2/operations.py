# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""DescribeInstances and DescribeRegions."""

from __future__ import annotations

import fnmatch
import functools
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ... import model
from ...paging import items_of_listing, paginate, with_token
from ...service import APIError, Call, Handler, Service
from ..ssm.nodes.store import Node, Nodes, kind_of, private_dns_name
from .instances import STATE_CODES, public_dns_name, reservation, reservation_id

if TYPE_CHECKING:
    from ...world import World

_LIMITS: dict[str, int] = {"ec2_page": 1000}
# The maximum number of values of one filter.
MOST_VALUES = 200


def describe_instances(world: World, call: Call) -> dict[str, Any]:
    params = call.params
    _refuse_dry_run(params)
    _check_max_results(params)
    # Read these for every page, because every member must be read. Only the first page uses them.
    ids = list(params.get("InstanceIds", []))
    matches = [_filter(item, call.region) for item in params.get("Filters", [])]
    instances = items_of_listing(world, call, lambda: _select(world.state(call.region, Nodes), ids, matches))
    page, token = paginate(instances, call, default=world.limit("ec2_page"), world=world)
    return with_token({"Reservations": [reservation(node, world, call.region) for node in page]}, token)


def _select(nodes: Nodes, ids: list[str], matches: list[Callable[[Node], bool]]) -> list[Node]:
    return [node for node in _by_ids(nodes, ids) if all(match(node) for match in matches)]


def _refuse_dry_run(params: Mapping[str, Any]) -> None:
    if params.get("DryRun"):
        raise APIError("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412)


def _check_max_results(params: Mapping[str, Any]) -> None:
    wanted = params.get("MaxResults")
    if wanted is None:
        return
    if params.get("InstanceIds"):
        text = "The parameter instancesSet cannot be used with the parameter maxResults"
        raise APIError("InvalidParameterCombination", text)
    if not 5 <= wanted <= 1000:
        bound = "greater than 5" if wanted < 5 else "less than 1000"
        text = f"Value ( {wanted} ) for parameter maxResults is invalid. Expecting a value {bound}."
        raise APIError("InvalidParameterValue", text)


def _by_ids(nodes: Nodes, ids: list[str]) -> list[Node]:
    if not ids:
        return [node for node in nodes.all() if node.kind == "ec2"]
    for given in ids:
        if kind_of(given) != "ec2" or not re.fullmatch(r"i-[0-9a-f]+", given):
            raise APIError("InvalidInstanceID.Malformed", f'Invalid id: "{given}"')
    missing = [given for given in dict.fromkeys(ids) if nodes.find(given) is None]
    if missing:
        text = f"The instance ID '{missing[0]}' does not exist"
        if len(missing) > 1:
            text = f"The instance IDs '{', '.join(missing)}' do not exist"
        raise APIError("InvalidInstanceID.NotFound", text)
    return nodes.with_ids(ids)


@functools.cache
def documented_filters() -> frozenset[str]:
    """Return the names of all filters that EC2 has, from the text of the model. The emulator supports some of them."""
    member = model.operation_model("ec2", "DescribeInstances").input_shape.members["Filters"]
    return frozenset(re.findall(r"<li> *<p> *<code>([a-z][a-z.-]*)</code> *-", member.documentation))


Getter = Callable[[Node, str], str | None]


FILTERS: dict[str, Getter] = {
    "architecture": lambda node, region: node.architecture,
    "availability-zone": lambda node, region: node.availability_zone,
    "dns-name": public_dns_name,
    "image-id": lambda node, region: node.get("image_id"),
    "instance-id": lambda node, region: node.id,
    "instance-state-code": lambda node, region: str(STATE_CODES[node.instance_state]),
    "instance-state-name": lambda node, region: node.instance_state,
    "instance-type": lambda node, region: node.get("instance_type"),
    "ip-address": lambda node, region: node.get("public_ip_address"),
    "key-name": lambda node, region: node.get("key_name"),
    "platform": lambda node, region: "windows" if node.platform == "Windows" else None,
    "private-dns-name": lambda node, region: private_dns_name(node.get("ip_address"), region),
    "private-ip-address": lambda node, region: node.get("ip_address"),
    "reservation-id": lambda node, region: reservation_id(node),
    "subnet-id": lambda node, region: node.get("subnet_id"),
    "tenancy": lambda node, region: "default",
    "vpc-id": lambda node, region: node.get("vpc_id"),
}


def _filter(item: Mapping[str, Any], region: str) -> Callable[[Node], bool]:
    """Return the predicate of one filter. One of its values must match; they may contain the wildcards * and ?."""
    name = item.get("Name", "")
    if len(item.get("Values", [])) > MOST_VALUES:
        raise APIError("FilterLimitExceeded", f"The maximum number of filter values is {MOST_VALUES}")
    patterns = [_wildcard(value) for value in item.get("Values", [])]
    if name == "tag-key":
        return lambda node: any(pattern.fullmatch(key) for key in node.tags for pattern in patterns)
    if name.startswith("tag:"):
        key = name.removeprefix("tag:")
        return lambda node: key in node.tags and _any(patterns, node.tags[key])
    if name not in FILTERS and name in documented_filters():
        raise NotImplementedError(f"the filter {name} of DescribeInstances")
    if name not in FILTERS:
        raise APIError("InvalidParameterValue", f"The filter '{name}' is invalid")
    get = FILTERS[name]
    return lambda node: _any(patterns, get(node, region))


def _wildcard(value: str) -> re.Pattern[str]:
    # fnmatch supports [sets], EC2 does not.
    return re.compile(fnmatch.translate(value.replace("[", "[[]")))


def _any(patterns: list[re.Pattern[str]], value: str | None) -> bool:
    return value is not None and any(pattern.fullmatch(value) for pattern in patterns)


def describe_regions(world: World, call: Call) -> dict[str, Any]:
    params = call.params
    _refuse_dry_run(params)
    wanted = params.get("RegionNames")
    unknown = [name for name in wanted or [] if name not in world.regions]
    if unknown:
        raise APIError("InvalidParameterValue", f"Invalid region names: {', '.join(unknown)}")
    if params.get("Filters"):
        raise NotImplementedError("filters of DescribeRegions")
    names = [name for name in world.regions if wanted is None or name in wanted]
    regions = [
        {"RegionName": name, "Endpoint": f"ec2.{name}.amazonaws.com", "OptInStatus": "opt-in-not-required"}
        for name in names
    ]
    return {"Regions": regions}


_OPERATIONS: dict[str, Handler] = {"DescribeInstances": describe_instances, "DescribeRegions": describe_regions}

SERVICE = Service("ec2", _OPERATIONS, limits=_LIMITS)
