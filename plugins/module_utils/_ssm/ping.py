# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""What Systems Manager last heard of nodes, from one listing rather than a call for each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from . import api, transform
from .errors import DENIED, tolerating

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

_NODE = re.compile(r"(i|mi)-\w+", re.ASCII)
# The most values that a filter of the two listings takes, by the service's model.
_PROPERTY_VALUES = 40
_INFORMATION_VALUES = 100
_INVALID_ID = frozenset({"InvalidInstanceId"})


def find(client: api.Client, targets: Sequence[str]) -> dict[str, Ping]:
    """What is listed of those ``targets`` that are managed nodes, in snake_case; an ``SSMError`` if the listing fails.

    So few that one filter names them all are asked for by their ids. Of more, the whole listing is read until the last
    of them is found: that is a page for a thousand nodes, where filters take a call for forty.
    """
    wanted = {target for target in targets if _NODE.fullmatch(target)}
    if not wanted:
        return {}
    if hasattr(client, "describe_instance_properties"):
        with tolerating(DENIED):
            return _collect(_properties(client, wanted), wanted)
    return _collect(_information(client, wanted), wanted)


def _properties(client: api.Client, wanted: set[str]) -> Iterator[api.NodePage]:
    filters = [{"key": "InstanceIds", "valueSet": sorted(wanted)}] if len(wanted) <= _PROPERTY_VALUES else []
    with tolerating(_INVALID_ID if filters else ()):
        yield from api.describe_instance_properties(client, filters)
        return
    yield from api.describe_instance_properties(client, [])


def _information(client: api.Client, wanted: set[str]) -> Iterator[api.NodePage]:
    filters = [{"Key": "InstanceIds", "Values": sorted(wanted)}] if len(wanted) <= _INFORMATION_VALUES else []
    # By its reference the service may refuse a filter for an id that it does not know.
    with tolerating(_INVALID_ID if filters else ()):
        yield from api.describe_instance_information(client, filters)
        return
    yield from api.describe_instance_information(client, [])


def _collect(pages: Iterator[api.NodePage], wanted: set[str]) -> dict[str, Ping]:
    found: dict[str, Ping] = {}
    for page in pages:
        found |= {shape["InstanceId"]: _ping(shape) for shape in page.nodes if shape.get("InstanceId") in wanted}
        if len(found) == len(wanted):
            break
    return found


def _ping(shape: api.Shape) -> Ping:
    return transform.resource({key: value for key, value in shape.items() if key in MEMBERS})
