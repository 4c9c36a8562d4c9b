# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Read the ping data of nodes from one listing, instead of one call for each node."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .. import api, conversion
from .filters import PROPERTY_VALUES, FilterSet
from .listing import NodeLister
from .results import Ping
from .targets import is_node

# Members that help to find out why a node is not connected. Both listings have most of them.
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


def find_pings(client: api.Client, targets: Sequence[str]) -> dict[str, Ping]:
    """Return the ping data of those ``targets`` that are managed nodes and listed, by ID.

    An example is ``{"i-0a1b2c3d4e5f6a7b8": {"ping_status": "Online", "platform_type": "Linux"}}``. Raises ``SSMError``
    if the listing fails. Nodes that fit into one filter are requested by ID. For more nodes, the whole listing is read
    until all are found: it has 1,000 nodes a page, and a filter takes only 40.
    """
    wanted = {target for target in targets if is_node(target)}
    if not wanted:
        return {}
    conditions = {"InstanceIds": tuple(sorted(wanted))} if len(wanted) <= PROPERTY_VALUES else {}
    return _collect(NodeLister(client).find(FilterSet(conditions)), wanted)


def _collect(pages: Iterator[api.NodePage], wanted: set[str]) -> dict[str, Ping]:
    found: dict[str, Ping] = {}
    for page in pages:
        found |= {shape["InstanceId"]: _ping(shape) for shape in page.nodes if shape.get("InstanceId") in wanted}
        if len(found) == len(wanted):
            break
    return found


def _ping(shape: api.Shape) -> Ping:
    return conversion.resource({key: value for key, value in shape.items() if key in MEMBERS})
