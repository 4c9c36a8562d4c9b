# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Security Token Service: who is asking."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..service import Call, Handler

if TYPE_CHECKING:
    from ..world import World


def get_caller_identity(world: World, call: Call) -> dict[str, Any]:
    return {"UserId": call.identity.user_id, "Account": call.identity.account_id, "Arn": call.identity.arn}


OPERATIONS: dict[str, Handler] = {"GetCallerIdentity": get_caller_identity}
