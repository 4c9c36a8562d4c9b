# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Managed nodes, EC2 instances and hybrid machines alike, as Systems Manager lists them."""

from __future__ import annotations

from typing import Any

from . import api, transform
from .errors import DENIED, tolerating

# An EC2 instance in one of these has no agent running. Hybrid machines have no state.
_NOT_RUNNING = frozenset({"pending", "shutting-down", "stopping", "stopped", "terminated"})

Node = dict[str, Any]


def find(client: api.Client, region: str) -> list[Node]:
    """Every managed node of ``region``, with its members in snake_case, sorted by id; terminated ones are left out."""
    shapes = [shape for shape in _listing(client) if shape.get("InstanceState") != "terminated"]
    nodes = [{"region": region, **_members(shape)} for shape in shapes]
    return sorted(nodes, key=lambda node: str(node["instance_id"]))


def may_be_connected(node: Node) -> bool:
    """Whether it makes sense to ask for the node's connection status."""
    return node.get("instance_state") not in _NOT_RUNNING


def _members(shape: api.Shape) -> Node:
    members = transform.resource(shape)
    if "name" in members:
        members["instance_name"] = members.pop("name")  # Ansible reserves the variable "name"
    return members


def _listing(client: api.Client) -> list[api.Shape]:
    """DescribeInstanceProperties, in pages of 1,000, or else DescribeInstanceInformation, in pages of 50.

    The latter is the older of the two. Policies that allow just that one are common, and old versions of botocore know
    no other.
    """
    if hasattr(client, "describe_instance_properties"):
        with tolerating(DENIED):
            return api.describe_instance_properties(client)
    return api.describe_instance_information(client)
