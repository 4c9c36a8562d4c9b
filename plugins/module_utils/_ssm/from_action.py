# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Data that an action plugin of this collection passes to its module, besides the options of the task."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

# This is not an option, so results do not show it.
ARGUMENT = "_sessionops_from_action"


def take(params: MutableMapping[str, Any]) -> dict[str, Any]:
    """Remove the data from the parameters of a module and return it; empty if no action plugin passed any."""
    passed = params.pop(ARGUMENT, None)
    return passed if isinstance(passed, dict) else {}
