# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The calls that an agent makes apart from sessions, so that the stock agent can join.

They are not in AWS's public service model, so the engine does not know them. Only the agent of a node that the world
has is answered here; every other request goes to the engine.

Source: https://github.com/aws/amazon-ssm-agent, whose SDK has the models of these calls.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiohttp import web

from ..server import serve
from ..service import APIError
from ..world import World
from . import access

JSON_TYPE = "application/x-amz-json-1.1"
# The service that each call is signed for, and the member that has the ID of the node.
CALLS = {
    "AmazonSSM.UpdateInstanceInformation": ("ssm", "InstanceId"),
    "AmazonSSM.ListInstanceAssociations": ("ssm", "InstanceId"),
    "EC2WindowsMessageDeliveryService.GetMessages": ("ec2messages", "Destination"),
}
# How long a poll for messages without any lasts. The agent's own limit is above it.
POLL_SECONDS = 20.0


async def answer(request: web.Request, world: World) -> web.StreamResponse:
    """Answer a POST to ``/``."""
    target = request.headers.get("X-Amz-Target", "")
    if target not in CALLS:
        return await serve(request)
    service, member = CALLS[target]
    try:
        region = await access.signed_region(request, world, service)
        node = access.node_with_agent(world, region, await _named(request, member))
    except APIError as error:
        body = {"__type": error.code, "message": error.message}
        return web.json_response(body, status=error.status, content_type=JSON_TYPE)
    if service == "ec2messages":
        await asyncio.sleep(POLL_SECONDS)
    return web.json_response(_reply(target, node.id), content_type=JSON_TYPE)


async def _named(request: web.Request, member: str) -> str:
    try:
        said: Any = json.loads(await request.read())
    except ValueError:
        said = None
    return str(said.get(member)) if isinstance(said, dict) else ""


def _reply(target: str, node: str) -> dict[str, Any]:
    if target.endswith("ListInstanceAssociations"):
        return {"Associations": []}
    if target.endswith("GetMessages"):
        return {"Destination": node, "Messages": [], "MessagesRequestId": "no-messages"}
    return {}
