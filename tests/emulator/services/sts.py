# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""STS: GetCallerIdentity, and AssumeRole for the roles that the world lists, which any identity may assume."""

from __future__ import annotations

import datetime
import secrets
from typing import TYPE_CHECKING, Any

from ..service import APIError, Call, Handler, Identity, Service

if TYPE_CHECKING:
    from ..world import World


# The lifetime of a role's credentials in seconds, unless a call gives DurationSeconds.
_LIMITS: dict[str, int] = {"role_seconds": 3600}


def assume_role(world: World, call: Call) -> dict[str, Any]:
    arn, session = call.params["RoleArn"], call.params["RoleSessionName"]
    if arn not in world.roles:
        text = f"User: {call.identity.arn} is not authorized to perform: sts:AssumeRole on resource: {arn}"
        raise APIError("AccessDenied", text, 403)
    name = arn.rpartition("/")[2]
    identity = Identity(
        access_key=f"ASIA{secrets.token_hex(8).upper()}",
        secret_key=secrets.token_urlsafe(30),
        account_id=arn.split(":")[4],
        arn=f"arn:aws:sts::{arn.split(':')[4]}:assumed-role/{name}/{session}",
        user_id=f"AROAEXAMPLEROLE000000:{session}",
        session_token=secrets.token_urlsafe(60),
    )
    world.identities[identity.access_key] = identity
    # Use the machine's clock and not the world's, because clients compare the time with their own.
    seconds = call.params.get("DurationSeconds", world.limit("role_seconds"))
    expiration = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
    return {
        "Credentials": {
            "AccessKeyId": identity.access_key,
            "SecretAccessKey": identity.secret_key,
            "SessionToken": identity.session_token,
            "Expiration": expiration,
        },
        "AssumedRoleUser": {"AssumedRoleId": identity.user_id, "Arn": identity.arn},
    }


def get_caller_identity(world: World, call: Call) -> dict[str, Any]:
    return {"UserId": call.identity.user_id, "Account": call.identity.account_id, "Arn": call.identity.arn}


_OPERATIONS: dict[str, Handler] = {"AssumeRole": assume_role, "GetCallerIdentity": get_caller_identity}

SERVICE = Service("sts", _OPERATIONS, limits=_LIMITS)
