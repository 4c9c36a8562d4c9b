# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Managed nodes, EC2 instances and hybrid machines alike, as Systems Manager lists them."""

from __future__ import annotations

import datetime
import functools
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from .. import api, conversion
from ..errors import SSMError
from .filters import FilterSet, Selection, information_requests, property_requests

# An EC2 instance in one of these has no agent running. Hybrid machines have no state.
NOT_RUNNING = frozenset({"pending", "shutting-down", "stopping", "stopped", "terminated"})
_TERMINATED = "terminated"
# Variables of a host that Ansible reserves for something else; Port and Environment are not members of a node yet.
_RESERVED = frozenset({"environment", "name", "port", "tags", "vars", "when"})

Node = dict[str, Any]


class Page(NamedTuple):
    """Some of the nodes of a region, and when the service listed them by its own clock.

    ``excluded`` are the IDs of nodes that are left out: any of them that earlier pages have is to be dropped.
    ``applied`` has the places, in ``Selection.excludes``, of those that a node met.
    """

    nodes: list[Node]
    served_at: datetime.datetime
    excluded: frozenset[str] = frozenset()
    applied: frozenset[int] = frozenset()


def pages(client: api.Client, region: str, selection: Selection) -> Iterator[Page]:
    """Yield the selected nodes of ``region`` as they come, with their members in snake_case, and none of them twice.

    Terminated instances are left out. A listing that breaks off raises, after pages that were good.

    What tags exclude is listed twice. Listed first, it keeps its nodes off the pages. Listed again at the end, it
    catches a tag that came meanwhile, so that no such tag ever shows a node: the last page, which has no nodes, says
    which those are.
    """
    listing = Listing(client, information=selection.information_only)
    tagged = {place: conditions for place, conditions in enumerate(selection.excludes) if conditions.tags}
    first = _excluded(listing, tagged)
    excluded = frozenset[str]().union(*first.values())
    page: Page | None = None
    for page in _included(listing, region, selection):
        yield page._replace(nodes=[node for node in page.nodes if node["instance_id"] not in excluded])
    if tagged and page:
        last = _excluded(listing, tagged)
        applied = frozenset(place for found in (first, last) for place, nodes in found.items() if nodes)
        yield Page([], page.served_at, frozenset[str]().union(*last.values()), applied)


def _excluded(listing: Listing, tagged: Mapping[int, FilterSet]) -> dict[int, frozenset[str]]:
    """Return the IDs of the nodes that have excluded tags now, for each of the conditions."""
    return {
        place: frozenset(shape["InstanceId"] for page in listing.find(conditions) for shape in page.nodes)
        for place, conditions in tagged.items()
    }


def _included(listing: Listing, region: str, selection: Selection) -> Iterator[Page]:
    """Yield the nodes that are wanted as far as their own members tell, which is all but their tags."""
    untagged = [(place, conditions) for place, conditions in enumerate(selection.excludes) if not conditions.tags]
    seen: set[str] = set()
    for conditions in selection.includes:
        for page in listing.find(conditions):
            fresh = [shape for shape in page.nodes if shape["InstanceId"] not in seen]
            seen.update(shape["InstanceId"] for shape in fresh)
            met = [{place for place, each in untagged if each.met_by(shape)} for shape in fresh]
            wanted = [shape for shape, places in zip(fresh, met, strict=True) if not places]
            listed = [shape for shape in wanted if shape.get("InstanceState") != _TERMINATED]
            applied = frozenset[int]().union(*met)
            yield Page([_node(shape, region) for shape in listed], page.served_at, applied=applied)


class Listing:
    """DescribeInstanceProperties, in pages of 1,000, or else DescribeInstanceInformation, in pages of 50.

    The latter is the older of the two. Policies that allow just that one are common, and old versions of botocore know
    no other. Once it had to serve, it serves for the rest, as it does from the start with ``information``.
    """

    def __init__(self, client: api.Client, *, information: bool = False) -> None:
        self._client = client
        self._information = information or not hasattr(client, "describe_instance_properties")

    def find(self, conditions: FilterSet) -> Iterator[api.NodePage]:
        """Yield the pages of nodes that meet the conditions."""
        try:
            yield from self._find(conditions)
        except SSMError as error:
            if error.code != "InvalidInstanceId" or "InstanceIds" not in conditions.wanted:
                raise
            # One ID that is not registered (any more) makes an error of the whole request: judge by ID here.
            for page in self._find(conditions.without("InstanceIds")):
                yield page._replace(nodes=[shape for shape in page.nodes if conditions.met_by(shape)])

    def _find(self, conditions: FilterSet) -> Iterator[api.NodePage]:
        begun = False
        if not self._information:
            try:
                for page in self._with_properties(conditions):
                    begun = True
                    yield page
                return
            except SSMError as error:
                if begun or not error.denied:
                    raise
            self._information = True
        yield from self._with_information(conditions)

    def _with_properties(self, conditions: FilterSet) -> Iterator[api.NodePage]:
        for filters in property_requests(conditions):
            yield from api.describe_instance_properties(self._client, filters)

    def _with_information(self, conditions: FilterSet) -> Iterator[api.NodePage]:
        for filters in information_requests(conditions):
            for page in api.describe_instance_information(self._client, filters):
                yield page._replace(nodes=[shape for shape in page.nodes if conditions.met_by(shape)])


def _node(shape: api.Shape, region: str) -> Node:
    node: Node = {"region": region}
    for member, value in shape.items():
        # Nearly all members are texts, and there may be millions of them.
        node[variable(member)] = value if isinstance(value, str) else _plain(member, value)
    return node


@functools.cache
def variable(member: str) -> str:
    """``ComputerName`` as ``computer_name``; a name that Ansible reserves gets a prefix."""
    name = conversion.snake(member)
    return f"instance_{name}" if name in _RESERVED else name


def _plain(member: str, value: Any) -> Any:
    return next(iter(conversion.resource({member: value}).values()))
