# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""List the nodes of all regions in parallel, and read their statuses and tags while the listing goes on."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

from ansible_collections.sessionops.aws.plugins.module_utils._ssm.errors import SSMError
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.fanout import CallOutcome
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.nodes import connection_status, ec2, listing, tags
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.region_pool import RegionPool

from .inferred_status import Status, infer_status
from .options import InventoryPlan

# How many regions are listed at a time. AWS has some thirty.
_MAX_LISTINGS = 16

_STATUS = "status"
_TAGS = "tags"


class _NodeCall(NamedTuple):
    """A call for one node: GetConnectionStatus or ListTagsForResource."""

    kind: str  # _STATUS or _TAGS
    node: str


_Calls = RegionPool[_NodeCall, connection_status.Readiness | CallOutcome[dict[str, str]]]


class Clients(NamedTuple):
    """The boto3 clients of one region. ``ec2`` is None if EC2 is not needed."""

    ssm: Any
    ec2: Any = None


@dataclasses.dataclass
class Region:
    """The nodes of one region, such as ``{"region": "us-east-1", "instance_id": "i-...", "ping_status": "Online"}``."""

    nodes: list[listing.Node] = dataclasses.field(default_factory=list)
    served_at: datetime.datetime | None = None  # when the service listed them, by its own clock
    warnings: list[str] = dataclasses.field(default_factory=list)
    matched_excludes: set[int] = dataclasses.field(
        default_factory=set
    )  # indexes of the exclude_filters that nodes matched


@dataclasses.dataclass
class Found:
    """What AWS returned.

    ``asked`` maps the ID of each node whose status was read to that status: ``{"i-...": Status("connected")}``.
    ``warnings`` say what is left out. Without warnings the regions are complete.
    """

    regions: dict[str, Region]
    asked: dict[str, Status] = dataclasses.field(default_factory=dict)
    warnings: list[str] = dataclasses.field(default_factory=list)


def fetch(plan: InventoryPlan, clients: Mapping[str, Clients]) -> Found:
    """List the nodes of the regions that are the keys of ``clients``, and read their statuses and details."""
    with _node_calls(plan, clients) as calls:
        with ThreadPoolExecutor(min(len(clients), _MAX_LISTINGS), thread_name_prefix="ssm-list") as pool:
            listings = {region: pool.submit(_list, plan, region, clients[region], calls) for region in clients}
        found = _collect(listings, strict=plan.strict_permissions)
        found.warnings += _without_effect(plan, found, clients)
    if plan.ec2_details:
        _add_tags(found, calls, strict=plan.strict_permissions)
    return _with_statuses(found, calls, plan)


def ask(
    plan: InventoryPlan, known: Mapping[str, Region], wanted: Mapping[str, list[str]], clients: Mapping[str, Clients]
) -> Found:
    """Read the statuses of nodes that are already listed. ``wanted`` are their IDs, by region."""
    with _node_calls(plan, clients) as calls:
        for region, nodes in wanted.items():
            calls.put(region, [_NodeCall(_STATUS, node) for node in nodes])
            calls.close(region)
    return _with_statuses(Found(dict(known)), calls, plan)


def candidates(region: Region, plan: InventoryPlan) -> list[str]:
    """Return the IDs of the nodes whose status cannot be inferred and must be read."""
    return _candidates(region.nodes, region.served_at, plan)


def _candidates(listed: list[listing.Node], now: datetime.datetime | None, plan: InventoryPlan) -> list[str]:
    moment = now or datetime.datetime.now(datetime.UTC)
    return [node["instance_id"] for node in listed if infer_status(node, moment, plan) is None]


def _calls_for(listed: list[listing.Node], now: datetime.datetime | None, plan: InventoryPlan) -> list[_NodeCall]:
    """Return the calls for the nodes of a page. Statuses come first, because every host needs one."""
    hybrid = [node["instance_id"] for node in listed if plan.ec2_details and tags.is_hybrid(node["instance_id"])]
    return [
        *(_NodeCall(_STATUS, node) for node in _candidates(listed, now, plan)),
        *(_NodeCall(_TAGS, node) for node in hybrid),
    ]


def _node_calls(plan: InventoryPlan, clients: Mapping[str, Clients]) -> _Calls:
    def perform(region: str, call: _NodeCall) -> connection_status.Readiness | CallOutcome[dict[str, str]]:
        client = clients[region].ssm
        if call.kind == _STATUS:
            return connection_status.get_status(client, call.node)
        result = tags.get_tags(client, call.node)
        if result.error and plan.strict_permissions:  # the inventory fails, so the other calls are pointless
            raise SSMError(f"Region {region}: {result.error}", result.error.exception)
        return result

    return RegionPool(perform, list(clients), plan.max_workers)


def _list(plan: InventoryPlan, name: str, clients: Clients, calls: _Calls) -> Region:
    """List one region, and queue the calls for its nodes page by page.

    A call may already have been made for a node that turns out to be excluded. Its result is discarded.
    """
    region = Region()
    complete = False
    try:
        for page in listing.pages(clients.ssm, name, plan.selection):
            region.served_at = region.served_at or page.served_at
            region.nodes += page.nodes
            region.matched_excludes |= page.applied
            if page.excluded:
                region.nodes = [node for node in region.nodes if node["instance_id"] not in page.excluded]
            calls.put(name, _calls_for(page.nodes, region.served_at, plan))
            if calls.stopped:
                break
        if plan.ec2_details and not calls.stopped:
            _add_details(region, name, clients.ec2, strict=plan.strict_permissions)
        complete = True
    finally:
        calls.close(name, drop=not complete)
    return region


def _add_details(region: Region, name: str, client: Any, *, strict: bool) -> None:
    try:
        details = ec2.details(client, (node["instance_id"] for node in region.nodes))
    except SSMError as error:
        if strict or not error.denied:
            raise
        region.warnings.append(f"The hosts of region {name} have no EC2 variables. {error}")
        return
    for node in region.nodes:
        node.update(details.get(node["instance_id"], {}))


def _collect(listings: Mapping[str, Future[Region]], *, strict: bool) -> Found:
    """Return what the listings found. Raises the first error that must not become a warning."""
    found = Found({})
    errors: dict[str, SSMError] = {}
    for name, listed in listings.items():
        try:
            found.regions[name] = listed.result()
            found.warnings += found.regions[name].warnings
        except SSMError as error:
            errors[name] = error
    _leave_out(found, errors, strict=strict)
    return found


def _leave_out(found: Found, errors: Mapping[str, SSMError], *, strict: bool) -> None:
    """Leave out the regions that failed, with a warning each. Raises the first error that must not become one."""
    for name in errors:
        found.regions.pop(name, None)
    for name, failed in errors.items():
        if strict or not found.regions or not failed.may_be_regional:
            raise SSMError(f"Region {name}: {failed}", failed.exception)
        found.warnings.append(f"Region {name} is left out. {failed}")


def _without_effect(plan: InventoryPlan, found: Found, clients: Mapping[str, Clients]) -> list[str]:
    """Return a warning for each entry of exclude_filters that excludes nothing, such as a misspelled tag.

    If a region is left out, there are no such warnings, because the entry may be meant for its nodes.
    """
    if set(found.regions) != set(clients):
        return []
    applied = set[int]().union(*(region.matched_excludes for region in found.regions.values()))
    return [
        f"exclude_filters: no node matches {conditions}, so this entry excludes nothing."
        for index, conditions in enumerate(plan.selection.excludes)
        if conditions.named_by_user and index not in applied
    ]


def _add_tags(found: Found, calls: _Calls, *, strict: bool) -> None:
    """Add the tags of hybrid nodes.

    If only the permission is missing, the nodes have no tags and there is a warning. Any other error leaves out the
    region.
    """
    results = {result.target: result for result in calls.results.values() if isinstance(result, CallOutcome)}
    errors: dict[str, SSMError] = {}
    for name, region in found.regions.items():
        hybrid = [node for node in region.nodes if node["instance_id"] in results]
        failed = [error for node in hybrid if (error := _add_tags_of(node, results[node["instance_id"]]))]
        broken = [error for error in failed if not error.denied]
        if broken:
            errors[name] = broken[0]
        elif failed:
            text = f"The tags of {len(failed)} of {len(hybrid)} hybrid nodes in region {name} are missing."
            found.warnings.append(f"{text} {failed[0]}")
    _leave_out(found, errors, strict=strict)


def _add_tags_of(node: listing.Node, result: CallOutcome[dict[str, str]]) -> SSMError | None:
    """Add the tags of one node, or return the error if they could not be read."""
    if result.value is not None:
        node[tags.HOST_VARIABLE] = result.value
    return result.error


def _with_statuses(found: Found, calls: _Calls, plan: InventoryPlan) -> Found:
    listed = {node["instance_id"] for region in found.regions.values() for node in region.nodes}
    statuses = [result for result in calls.results.values() if isinstance(result, connection_status.Readiness)]
    results = [result for result in statuses if result.target in listed]
    if plan.strict_permissions and results and all(result.error and result.error.denied for result in results):
        raise results[0].error or SSMError("")
    found.asked = {result.target: Status(result.status, reason=result.reason) for result in results}
    return found
