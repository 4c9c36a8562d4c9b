# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""ListAccountAliases, the one operation of IAM that ``amazon.aws.aws_caller_info`` calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..service import Call, Handler, Service

if TYPE_CHECKING:
    from ..world import World


def list_account_aliases(world: World, call: Call) -> dict[str, Any]:
    """Return no alias: an account has at most one, and the account of a world has none."""
    return {"AccountAliases": [], "IsTruncated": False}


_OPERATIONS: dict[str, Handler] = {"ListAccountAliases": list_account_aliases}

SERVICE = Service("iam", _OPERATIONS)
