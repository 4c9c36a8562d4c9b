# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""What Systems Manager last heard of nodes, from one listing rather than a call for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from .. import api, conversion
from .filters import PROPERTY_VALUES, FilterSet
from .listing import Listing
from .targets import is_node

Ping = dict[str, Any]

# What tells why a node is not connected; both listings have most of it.
MEMBERS = frozenset(
    {
        "AgentVersion",
        "ComputerName",
        "InstanceState",
        "IsLatestVersion",
        "LastPingDateTime",
        "PingStatus",
        "PlatformName",
        "PlatformType",
        "PlatformVersion",
        "ResourceType",
    }
)


def find(client: api.Client, targets: Sequence[str]) -> dict[str, Ping]:
    """What is listed of those ``targets`` that are managed nodes, in snake_case; an ``SSMError`` if the listing fails.

    So few that one filter names them all are asked for by their ids. Of more, the whole listing is read until the last
    of them is found: that is a page for a thousand nodes, where filters take a call for forty.
    """
    wanted = {target for target in targets if is_node(target)}
    if not wanted:
        return {}
    conditions = {"InstanceIds": tuple(sorted(wanted))} if len(wanted) <= PROPERTY_VALUES else {}
    return _collect(Listing(client).find(FilterSet(conditions)), wanted)


def _collect(pages: Iterator[api.NodePage], wanted: set[str]) -> dict[str, Ping]:
    found: dict[str, Ping] = {}
    for page in pages:
        found |= {shape["InstanceId"]: _ping(shape) for shape in page.nodes if shape.get("InstanceId") in wanted}
        if len(found) == len(wanted):
            break
    return found


def _ping(shape: api.Shape) -> Ping:
    return conversion.resource({key: value for key, value in shape.items() if key in MEMBERS})
