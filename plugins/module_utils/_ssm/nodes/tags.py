# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""The tags of nodes: as a variable, and those of hybrid nodes as Systems Manager keeps them.

No listing of Systems Manager has tags, so that each hybrid node takes a call. GetResources of the Resource Groups
Tagging API gives those of a hundred resources, but is no help here: what its index lacks is missing from a reply just
as what has no tags is (aws/aws-sdk issue 302, and the API reference, which names kinds of resources that it lacks). Its
permission also cannot be limited to nodes, and its endpoint is one more that a private network must reach.
"""

from __future__ import annotations

from collections.abc import Sequence

from .. import api, conversion
from ..errors import SSMError
from ..fanout import Outcome

# What has the tags of a node of either kind.
VARIABLE = "ec2_tags"


def is_hybrid(node: str) -> bool:
    """Whether Systems Manager keeps the tags of the node with this ID itself."""
    return node.startswith("mi-")


def ask_one(client: api.Client, node: str) -> Outcome[dict[str, str]]:
    """The tags of one hybrid node, none for one that is not registered any more; ``client`` is one of Systems Manager.

    Raises only what all other nodes would meet too, such as expired credentials.
    """
    try:
        found = api.list_node_tags(client, node)
    except SSMError as error:
        if error.hopeless:
            raise
        return Outcome(node, error=error.lean())
    return Outcome(node, None if found is None else tag_values(found))


def tag_values(tag_list: Sequence[api.Shape] | None) -> dict[str, str]:
    """The tags, without those that Ansible would read as something of its own where an inventory is written as JSON."""
    return {key: value for key, value in conversion.tags(tag_list).items() if not key.startswith("__ansible_")}
