# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Read the tags of hybrid nodes from Systems Manager, and convert the tags of nodes to a host variable.

No listing of Systems Manager returns tags, so each hybrid node takes a call. GetResources of the Resource Groups
Tagging API returns the tags of a hundred resources in one call, but does not help here. A resource that its index lacks
is missing from a reply, just like a resource without tags (aws/aws-sdk issue 302; the API reference names kinds of
resources that it lacks). Its permission cannot be limited to nodes. And a private network would have to reach one more
endpoint.
"""

from __future__ import annotations

from collections.abc import Sequence

from .. import api, conversion
from ..errors import SSMError
from ..fanout import CallOutcome

# The host variable with the tags of a node, whether it is hybrid or an EC2 instance.
HOST_VARIABLE = "ec2_tags"


def is_hybrid(node: str) -> bool:
    """Return whether a node ID is that of a hybrid node. Only for these, Systems Manager itself stores the tags."""
    return node.startswith("mi-")


def get_tags(client: api.Client, node: str) -> CallOutcome[dict[str, str]]:
    """Return the tags of one hybrid node; none if it is not registered any more. ``client`` is for Systems Manager.

    Raises only what would affect every node, such as expired credentials. Any other error is in the outcome.
    """
    try:
        found = api.list_node_tags(client, node)
    except SSMError as error:
        if error.affects_every_call:
            raise
        return CallOutcome(node, error=error.without_traceback())
    return CallOutcome(node, None if found is None else tag_values(found))


def tag_values(tag_list: Sequence[api.Shape] | None) -> dict[str, str]:
    """Convert AWS's list of tags to a dict such as ``{"team": "ops"}``.

    Tags whose keys begin with ``__ansible_`` are left out: in an inventory in JSON, Ansible gives them a meaning of its
    own.
    """
    return {key: value for key, value in conversion.tags(tag_list).items() if not key.startswith("__ansible_")}
