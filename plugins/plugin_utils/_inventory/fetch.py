# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""The nodes of all regions at once, and what is asked of each while they are still being listed."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

from ansible_collections.sessionops.aws.plugins.module_utils._ssm.errors import SSMError
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.fanout import Outcome
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.nodes import connection_status, ec2, listing, tags
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.region_pool import Lanes

from .options import Plan
from .presumed_status import Status, presumed

# How many regions are listed at a time: there are some thirty.
_LISTINGS = 16

_STATUS = "status"
_TAGS = "tags"


class Question(NamedTuple):
    """What one call asks of one node: its status or its tags."""

    about: str
    node: str


AskLanes = Lanes[Question, connection_status.Readiness | Outcome[dict[str, str]]]


class Clients(NamedTuple):
    """The boto3 clients of one region; that of EC2 is only there when it is needed."""

    ssm: Any
    ec2: Any = None


@dataclasses.dataclass
class Region:
    """The nodes of one region, and when the service listed them by its own clock."""

    nodes: list[listing.Node] = dataclasses.field(default_factory=list)
    served_at: datetime.datetime | None = None
    warnings: list[str] = dataclasses.field(default_factory=list)
    applied: set[int] = dataclasses.field(default_factory=set)  # the places of the exclude_filters that nodes met


@dataclasses.dataclass
class Found:
    """What AWS said.

    ``asked`` has the status of each node that was asked for, by ID. Nodes that were not asked have none there.
    ``warnings`` are of what is left out: without any, the regions are complete.
    """

    regions: dict[str, Region]
    asked: dict[str, Status] = dataclasses.field(default_factory=dict)
    warnings: list[str] = dataclasses.field(default_factory=list)


def fetch(plan: Plan, clients: Mapping[str, Clients]) -> Found:
    """List the nodes of the regions that are the keys of ``clients``, and ask for their statuses and details."""
    with _lanes(plan, clients) as lanes:
        with ThreadPoolExecutor(min(len(clients), _LISTINGS), thread_name_prefix="ssm-list") as pool:
            listings = {region: pool.submit(_list, plan, region, clients[region], lanes) for region in clients}
        found = _collect(listings, strict=plan.strict_permissions)
        found.warnings += _without_effect(plan, found, clients)
    if plan.ec2_details:
        _add_tags(found, lanes, strict=plan.strict_permissions)
    return _with_statuses(found, lanes, plan)


def ask(
    plan: Plan, known: Mapping[str, Region], wanted: Mapping[str, list[str]], clients: Mapping[str, Clients]
) -> Found:
    """Ask for the statuses of nodes that are known already; ``wanted`` are IDs, by region."""
    with _lanes(plan, clients) as lanes:
        for region, targets in wanted.items():
            lanes.put(region, [Question(_STATUS, target) for target in targets])
            lanes.close(region)
    return _with_statuses(Found(dict(known)), lanes, plan)


def candidates(region: Region, plan: Plan) -> list[str]:
    """The IDs of the nodes that are to be asked for."""
    return _candidates(region.nodes, region.served_at, plan)


def _candidates(listed: list[listing.Node], now: datetime.datetime | None, plan: Plan) -> list[str]:
    moment = now or datetime.datetime.now(datetime.UTC)
    return [node["instance_id"] for node in listed if presumed(node, moment, plan) is None]


def _questions(listed: list[listing.Node], now: datetime.datetime | None, plan: Plan) -> list[Question]:
    """What is asked of each node of a page: statuses first, for they are what every host needs."""
    hybrid = [node["instance_id"] for node in listed if plan.ec2_details and tags.is_hybrid(node["instance_id"])]
    return [
        *(Question(_STATUS, target) for target in _candidates(listed, now, plan)),
        *(Question(_TAGS, target) for target in hybrid),
    ]


def _lanes(plan: Plan, clients: Mapping[str, Clients]) -> AskLanes:
    def ask_one(region: str, question: Question) -> connection_status.Readiness | Outcome[dict[str, str]]:
        client = clients[region].ssm
        if question.about == _STATUS:
            return connection_status.ask_one(client, question.node)
        answer = tags.ask_one(client, question.node)
        if answer.error and plan.strict_permissions:  # the inventory fails, so that no other call is of use
            raise SSMError(f"Region {region}: {answer.error}", answer.error.exception)
        return answer

    return Lanes(ask_one, list(clients), plan.max_workers)


def _list(plan: Plan, name: str, clients: Clients, lanes: AskLanes) -> Region:
    """List one region, and put what is asked of its nodes into their lane page by page.

    A node that turns out to be excluded may have been asked for by then. What came of it is dropped.
    """
    region = Region()
    whole = False
    try:
        for page in listing.pages(clients.ssm, name, plan.selection):
            region.served_at = region.served_at or page.served_at
            region.nodes += page.nodes
            region.applied |= page.applied
            if page.excluded:
                region.nodes = [node for node in region.nodes if node["instance_id"] not in page.excluded]
            lanes.put(name, _questions(page.nodes, region.served_at, plan))
            if lanes.stopped:
                break
        if plan.ec2_details and not lanes.stopped:
            _add_details(region, name, clients.ec2, strict=plan.strict_permissions)
        whole = True
    finally:
        lanes.close(name, drop=not whole)
    return region


def _add_details(region: Region, name: str, client: Any, *, strict: bool) -> None:
    try:
        details = ec2.details(client, (node["instance_id"] for node in region.nodes))
    except SSMError as error:
        if strict or not error.denied:
            raise
        region.warnings.append(f"The hosts of region {name} have no variables of EC2. {error}")
        return
    for node in region.nodes:
        node.update(details.get(node["instance_id"], {}))


def _collect(listings: Mapping[str, Future[Region]], *, strict: bool) -> Found:
    """What the listings came to; the first error that is not to be a warning."""
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
    """Make warnings of what regions failed with, and raise the first error that is not to be one."""
    for name in errors:
        found.regions.pop(name, None)
    for name, failed in errors.items():
        if strict or not found.regions or not failed.regional:
            raise SSMError(f"Region {name}: {failed}", failed.exception)
        found.warnings.append(f"Region {name} is left out. {failed}")


def _without_effect(plan: Plan, found: Found, clients: Mapping[str, Clients]) -> list[str]:
    """Return a warning for each entry of exclude_filters that excludes nothing, such as a tag that is misspelt.

    Where a region is left out, its nodes may be what the entry is for.
    """
    if set(found.regions) != set(clients):
        return []
    applied = set[int]().union(*(region.applied for region in found.regions.values()))
    return [
        f"exclude_filters: no node has {conditions}, so this entry excludes nothing."
        for place, conditions in enumerate(plan.selection.excludes)
        if conditions.named_by_user and place not in applied
    ]


def _add_tags(found: Found, lanes: AskLanes, *, strict: bool) -> None:
    """Give hybrid nodes their tags.

    Where only the permission is missing, they have none and a warning says so. Another error leaves out the region.
    """
    answers = {answer.target: answer for answer in lanes.results.values() if isinstance(answer, Outcome)}
    errors: dict[str, SSMError] = {}
    for name, region in found.regions.items():
        asked = [node for node in region.nodes if node["instance_id"] in answers]
        failed = [error for node in asked if (error := _tag(node, answers[node["instance_id"]]))]
        broken = [error for error in failed if not error.denied]
        if broken:
            errors[name] = broken[0]
        elif failed:
            text = f"The tags of {len(failed)} of {len(asked)} hybrid nodes in region {name} are missing."
            found.warnings.append(f"{text} {failed[0]}")
    _leave_out(found, errors, strict=strict)


def _tag(node: listing.Node, answer: Outcome[dict[str, str]]) -> SSMError | None:
    """Give one node its tags, if it has any; the error that kept them from being read."""
    if answer.value is not None:
        node[tags.VARIABLE] = answer.value
    return answer.error


def _with_statuses(found: Found, lanes: AskLanes, plan: Plan) -> Found:
    kept = {node["instance_id"] for region in found.regions.values() for node in region.nodes}
    asked = [answer for answer in lanes.results.values() if isinstance(answer, connection_status.Readiness)]
    answers = [answer for answer in asked if answer.target in kept]
    if plan.strict_permissions and answers and all(answer.error and answer.error.denied for answer in answers):
        raise answers[0].error or SSMError("")
    found.asked = {answer.target: Status(answer.status, reason=answer.reason) for answer in answers}
    return found
