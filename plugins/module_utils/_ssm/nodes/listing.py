# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""List managed nodes, both EC2 instances and hybrid machines, with Systems Manager."""

from __future__ import annotations

import datetime
import functools
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from .. import api, conversion
from ..errors import SSMError
from .filters import FilterSet, Selection, information_requests, property_requests

# No agent runs on an EC2 instance in one of these states. Hybrid machines have no state.
NOT_RUNNING = frozenset({"pending", "shutting-down", "stopping", "stopped", "terminated"})
_TERMINATED = "terminated"
# Host variables that Ansible reserves for something else. Nodes have no members Port and Environment yet.
_RESERVED = frozenset({"environment", "name", "port", "tags", "vars", "when"})

Node = dict[str, Any]


class Page(NamedTuple):
    """Some of the nodes of a region."""

    nodes: list[Node]
    served_at: datetime.datetime  # when the service listed them, by its own clock, in UTC
    excluded: frozenset[str] = frozenset()  # IDs of nodes that the caller must drop from earlier pages
    applied: frozenset[int] = frozenset()  # indexes in Selection.excludes of the conditions that a node met


def pages(client: api.Client, region: str, selection: Selection) -> Iterator[Page]:
    """Yield pages of the selected nodes of ``region``, with their members in snake_case. No node is on two pages.

    Terminated instances are left out. A listing that fails raises ``SSMError``, perhaps after some good pages.

    Nodes that are excluded by tags are listed twice. The first listing keeps them off the pages. The second, at the
    end, finds nodes that were tagged in the meantime: they are in ``excluded`` of the last page, which has no nodes.
    """
    listing = NodeLister(client, information=selection.needs_information)
    tagged = {index: conditions for index, conditions in enumerate(selection.excludes) if conditions.tags}
    first = _excluded(listing, tagged)
    excluded = frozenset[str]().union(*first.values())
    page: Page | None = None
    for page in _included(listing, region, selection):
        yield page._replace(nodes=[node for node in page.nodes if node["instance_id"] not in excluded])
    if tagged and page:
        last = _excluded(listing, tagged)
        applied = frozenset(index for found in (first, last) for index, nodes in found.items() if nodes)
        yield Page([], page.served_at, frozenset[str]().union(*last.values()), applied)


def _excluded(listing: NodeLister, tagged: Mapping[int, FilterSet]) -> dict[int, frozenset[str]]:
    """Return the IDs of the nodes that now meet each of the conditions on tags, by its index."""
    return {
        index: frozenset(shape["InstanceId"] for page in listing.find(conditions) for shape in page.nodes)
        for index, conditions in tagged.items()
    }


def _included(listing: NodeLister, region: str, selection: Selection) -> Iterator[Page]:
    """Yield pages of the selected nodes. Conditions on tags in ``excludes`` are not applied here."""
    untagged = [(index, conditions) for index, conditions in enumerate(selection.excludes) if not conditions.tags]
    seen: set[str] = set()
    for conditions in selection.includes:
        for page in listing.find(conditions):
            fresh = [shape for shape in page.nodes if shape["InstanceId"] not in seen]
            seen.update(shape["InstanceId"] for shape in fresh)
            met = [{index for index, conditions in untagged if conditions.matches(shape)} for shape in fresh]
            wanted = [shape for shape, indexes in zip(fresh, met, strict=True) if not indexes]
            listed = [shape for shape in wanted if shape.get("InstanceState") != _TERMINATED]
            applied = frozenset[int]().union(*met)
            yield Page([_node(shape, region) for shape in listed], page.served_at, applied=applied)


class NodeLister:
    """Lists nodes with DescribeInstanceProperties (pages of 1,000) or DescribeInstanceInformation (pages of 50).

    DescribeInstanceInformation is the older operation. Many policies allow only this one, and old versions of botocore
    have only this one. It is used if the other operation is denied or missing, and then for all further calls. With
    ``information``, it is used from the start.
    """

    def __init__(self, client: api.Client, *, information: bool = False) -> None:
        self._client = client
        self._information = information or not hasattr(client, "describe_instance_properties")

    def find(self, conditions: FilterSet) -> Iterator[api.NodePage]:
        """Yield the pages of the nodes that meet the conditions."""
        try:
            yield from self._find(conditions)
        except SSMError as error:
            if error.code != "InvalidInstanceId" or "InstanceIds" not in conditions.wanted:
                raise
            # One ID that is not registered (any more) fails the whole request. So compare the IDs here.
            for page in self._find(conditions.without("InstanceIds")):
                yield page._replace(nodes=[shape for shape in page.nodes if conditions.matches(shape)])

    def _find(self, conditions: FilterSet) -> Iterator[api.NodePage]:
        has_page = False
        if not self._information:
            try:
                for page in self._with_properties(conditions):
                    has_page = True
                    yield page
                return
            except SSMError as error:
                if has_page or not error.denied:
                    raise
            self._information = True
        yield from self._with_information(conditions)

    def _with_properties(self, conditions: FilterSet) -> Iterator[api.NodePage]:
        for filters in property_requests(conditions):
            yield from api.describe_instance_properties(self._client, filters)

    def _with_information(self, conditions: FilterSet) -> Iterator[api.NodePage]:
        for filters in information_requests(conditions):
            for page in api.describe_instance_information(self._client, filters):
                yield page._replace(nodes=[shape for shape in page.nodes if conditions.matches(shape)])


def _node(shape: api.Shape, region: str) -> Node:
    node: Node = {"region": region}
    for member, value in shape.items():
        # Nearly all members are texts, which need no conversion, and there may be millions of them.
        node[variable(member)] = value if isinstance(value, str) else _plain(member, value)
    return node


@functools.cache
def variable(member: str) -> str:
    """Convert ``ComputerName`` to ``computer_name``. A name that Ansible reserves gets the prefix ``instance_``."""
    name = conversion.snake(member)
    return f"instance_{name}" if name in _RESERVED else name


def _plain(member: str, value: Any) -> Any:
    return next(iter(conversion.resource({member: value}).values()))
