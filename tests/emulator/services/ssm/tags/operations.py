# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""AddTagsToResource, RemoveTagsFromResource and ListTagsForResource, for documents and managed nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ....service import APIError, Call, Handler, Service
from ..documents.shapes import tag_list
from ..documents.store import Documents
from ..nodes.store import Nodes, kind_of
from .rules import check_keys, check_tags

if TYPE_CHECKING:
    from ....world import World


_NOT_MANAGED = "resourceId should be in format mi-[0-9a-f]{17} for resource type ManagedInstance"


def _tags(world: World, call: Call) -> dict[str, str]:
    """Return the tags of the resource that a call names. This is the resource's own mapping: changes take effect."""
    kind, name = call.params["ResourceType"], call.params["ResourceId"]
    if kind == "Document":
        document = world.state(call.region, Documents).by_owner_and_name.get((call.identity.account_id, name))
        found = document.tags if document and document.deleting_reads is None else None
    elif kind == "ManagedInstance":
        found = _node_tags(world, call.region, name)
    else:
        raise APIError("InvalidResourceType", f"Resources of type {kind} are not emulated")
    if found is None:
        raise APIError("InvalidResourceId", f"The resource ID isn't valid: {name}")
    return found


def _node_tags(world: World, region: str, name: str) -> dict[str, str] | None:
    """Return the tags of a hybrid node, or None if it is not registered.

    Raises ``APIError`` for an EC2 instance, whose tags belong to EC2.
    """
    if kind_of(name) != "hybrid":
        raise APIError("ValidationException", _NOT_MANAGED)
    node = world.state(region, Nodes).find(name)
    return node.tags if node and node.registered else None


def add_tags_to_resource(world: World, call: Call) -> dict[str, Any]:
    tags = _tags(world, call)
    tags.update(check_tags(tags, call.params["Tags"]))
    return {}


def remove_tags_from_resource(world: World, call: Call) -> dict[str, Any]:
    tags = _tags(world, call)
    check_keys(call.params["TagKeys"])
    for key in call.params["TagKeys"]:
        tags.pop(key, None)
    return {}


def list_tags_for_resource(world: World, call: Call) -> dict[str, Any]:
    return {"TagList": tag_list(_tags(world, call))}


_OPERATIONS: dict[str, Handler] = {
    "AddTagsToResource": add_tags_to_resource,
    "RemoveTagsFromResource": remove_tags_from_resource,
    "ListTagsForResource": list_tags_for_resource,
}

SERVICE = Service("ssm", _OPERATIONS)
