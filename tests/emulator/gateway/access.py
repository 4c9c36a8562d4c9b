# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The signed requests of agents, and the replies to them.

The replies are those that the agent understands: 201 and XML for a success, and the code as the name of the element for
an error.
"""

from __future__ import annotations

import datetime
from xml.sax.saxutils import escape

from aiohttp import web

from .. import sigv4
from ..server import read_headers
from ..service import APIError
from ..services.ssm.nodes.store import Node, Nodes
from ..world import World

SERVICE = "ssmmessages"


async def signed_region(request: web.Request, world: World, service: str = SERVICE) -> str:
    """Return the region that a request was signed for. Raises ``APIError`` if the signature is not valid."""
    received = sigv4.Request(request.method, request.raw_path, read_headers(request), await request.read())
    scope = sigv4.read_scope(received.headers)
    if scope is not None and scope.service != service:
        raise APIError("InvalidSignatureException", f"Credential should be scoped to correct service: '{service}'.")
    sigv4.verify(received, scope, "json", world.identities, datetime.datetime.now(datetime.UTC))
    if scope is None or scope.region not in world.regions:
        raise APIError("AccessDeniedException", "The world does not have the region.")
    return scope.region


def node_with_agent(world: World, region: str, name: str) -> Node:
    """Return a node whose agent may join. Raises ``APIError`` if the world does not have one of this ID."""
    node = world.state(region, Nodes).find(name)
    if node is None or node.agent is None:
        raise APIError("AccessDeniedException", f"The world has no node {name} with an agent in {region}.")
    return node


def created(element: str, token: str) -> web.Response:
    """Return the reply to a POST that creates a token."""
    members = f"<MessageSchemaVersion>1.0</MessageSchemaVersion><TokenValue>{escape(token)}</TokenValue>"
    return web.Response(status=201, text=f"<{element}>{members}</{element}>", content_type="text/xml")


def refused(error: APIError) -> web.Response:
    """Return the reply to a request that is refused."""
    text = f"<{error.code}><Message>{escape(error.message)}</Message></{error.code}>"
    return web.Response(status=error.status, text=text, content_type="text/xml")
