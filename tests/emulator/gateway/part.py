# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The gateway as a part of the server: its routes, and the times at which it looks for what is due."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import traceback
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any

from aiohttp import web

from ..fault_rules import FaultError
from ..frame_faults import CHANNEL_EFFECTS, OPEN, check_effects
from ..server import CONTROL, Server
from ..service import APIError
from ..services.ssm.nodes.store import Nodes
from ..sigv4 import ALGORITHM
from .access import created, node_with_agent, refused, signed_region
from .frames import AGENT_OPEN, CLIENT_OPEN, CONTROL_OPEN, BreachError, read_open
from .hub import Hub
from .idle_agent import answer
from .journal import Frame
from .relay import Relay, Side
from .sockets import Socket

# How often it looks for what is due, in seconds.
TICK = 0.05

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Gateway:
    """The part of a server that serves the channels of sessions. One instance serves one server."""

    def __init__(self) -> None:
        self._hub: Hub | None = None
        self._ticking: asyncio.Task[None] | None = None

    def routes(self) -> Sequence[web.RouteDef]:
        return [
            web.post("/v1/control-channel/{node}", self._refusing(self._create_control)),
            web.get("/v1/control-channel/{node}", self._refusing(self._open_control)),
            web.post("/v1/data-channel/{session}", self._refusing(self._create_data)),
            web.get("/v1/data-channel/{session}", self._refusing(self._open_data)),
            web.get(f"{CONTROL}frames", self._get_frames),
            web.post(f"{CONTROL}channels", self._disturb),
            web.post("/", self._answer_agent),
        ]

    async def start(self, server: Server) -> None:
        world = server.world
        self._hub = world.gateway = Hub(world, server.engine.violations)
        if not world.channels:
            world.channels = server.url.replace("http:", "ws:", 1)
        for region in world.regions:
            nodes = world.state(region, Nodes)
            for node in nodes.all():
                if node.agent is not None:
                    nodes.set_status(node.id, "notconnected")  # until it joins
        self._ticking = asyncio.ensure_future(self._tick(self._hub))

    async def stop(self) -> None:
        if self._ticking is not None:
            self._ticking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ticking
        if self._hub is not None:
            self._hub.world.gateway = None
            await self._hub.stop()

    def processes(self) -> Collection[int]:
        return ()

    def frames(self, session: str | None = None, frame_type: str | None = None, since: int = 0) -> list[Frame]:
        """Return the frames after number ``since``, optionally only those of one session or of one type."""
        return self._running.journal.select(session, frame_type, since)

    def disturb(self, do: Mapping[str, Any], session: str | None = None) -> list[str]:
        """Apply an effect of ``CHANNEL_EFFECTS`` to a session, or to all. Return the IDs of the sessions.

        It must be called in the thread of the server. Raises ``FaultError`` if the effect is not valid.
        """
        check_effects(do, CHANNEL_EFFECTS, "do")
        relays = list(self._running.live(session))
        for relay in relays:
            relay.disturb(do)
        return [relay.session.session_id for relay in relays]

    @property
    def _running(self) -> Hub:
        if self._hub is None:
            raise web.HTTPServiceUnavailable(text="The gateway has not started.")
        return self._hub

    def _refusing(self, handler: Handler) -> Handler:
        """Return a handler that answers an ``APIError`` as agents understand it, and reports a bug as a violation."""

        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                return await handler(request)
            except APIError as error:
                return refused(error)
            except (web.HTTPException, ConnectionError):
                raise
            except Exception:
                self._running.violated(traceback.format_exc())
                raise

        return handle

    async def _tick(self, hub: Hub) -> None:
        while True:
            await asyncio.sleep(TICK)
            try:
                hub.check_time()
            except Exception:  # report a bug of the emulator as a violation, and keep the gateway running
                hub.violated(traceback.format_exc())

    # --- control channels -------------------------------------------------------------------------------------------

    async def _create_control(self, request: web.Request) -> web.StreamResponse:
        hub = self._running
        region = await signed_region(request, hub.world)
        node = node_with_agent(hub.world, region, request.match_info["node"])
        await self._check_body(request)
        control = hub.control(region, node.id)
        control.token = hub.create_token()
        return created("CreateControlChannelResponse", control.token)

    async def _open_control(self, request: web.Request) -> web.StreamResponse:
        hub = self._running
        region = await signed_region(request, hub.world)
        node = node_with_agent(hub.world, region, request.match_info["node"])
        socket = await Socket.accept(request)
        said = await self._first(socket, CONTROL_OPEN, f"agent of {node.id}")
        if not _is_token(said, hub.control(region, node.id).token):
            await socket.refuse()
        else:
            await hub.serve_control(region, node.id, socket)
        return socket.response

    # --- data channels ----------------------------------------------------------------------------------------------

    async def _create_data(self, request: web.Request) -> web.StreamResponse:
        hub = self._running
        region = await signed_region(request, hub.world)
        relay = self._agents_relay(region, request)
        await self._check_body(request)
        relay.agent_token = hub.create_token()
        return created("CreateDataChannelResponse", relay.agent_token)

    def _agents_relay(self, region: str, request: web.Request) -> Relay:
        """Return the relay that an agent asks for. Raises ``APIError`` if there is no such session any more."""
        relay = self._running.relay(request.match_info["session"])
        if relay is None:
            raise APIError("AccessDeniedException", "There is no such session.")
        node_with_agent(self._running.world, region, relay.session.target)
        if relay.has_ended:
            raise APIError("ValidationException", "Session is already terminated")
        return relay

    async def _open_data(self, request: web.Request) -> web.StreamResponse:
        """Open an end of a session. Only an agent signs its request; a client may have another authorization."""
        if not request.headers.get("Authorization", "").lstrip().startswith(ALGORITHM):
            return await self._open_client(request)
        region = await signed_region(request, self._running.world)
        relay = self._agents_relay(region, request)
        socket = await Socket.accept(request)
        said = await self._first(socket, AGENT_OPEN, "agent of a session")
        if _is_token(said, relay.agent_token) and said is not None:
            if said["ClientInstanceId"] != relay.session.target:
                self._running.violated("agent of a session: ClientInstanceId is that of another node")
            await self._serve(relay, "agent", socket)
        else:
            await socket.refuse()
        return socket.response

    async def _open_client(self, request: web.Request) -> web.StreamResponse:
        relay = self._running.relay(request.match_info["session"])
        socket = await Socket.accept(request)
        said = await self._first(socket, CLIENT_OPEN, "client of a session")
        if relay is None or relay.is_over or not _is_token(said, relay.session.token):
            name = request.match_info["session"]
            self._running.journal.add(name, "client to service", OPEN, fault="the token is not valid")
            await socket.refuse()
        else:
            await self._serve(relay, "client", socket)
        return socket.response

    async def _serve(self, relay: Relay, side: Side, socket: Socket) -> None:
        """Serve an end that has shown its token, unless a fault refuses it."""
        session = relay.session
        fault = self._running.match(
            OPEN, {"from": side, "session": session.session_id, "target": session.target, "sequence": 0}
        )
        self._running.journal.add(
            session.session_id, f"{side} to service", OPEN, fault=fault.kind if fault is not None else None
        )
        if fault is not None:
            await socket.refuse()
        else:
            await relay.serve(side, socket)

    # --- what agents and clients send first -------------------------------------------------------------------------

    async def _check_body(self, request: web.Request) -> None:
        """Raise ``APIError`` unless the body of a POST has what the agent sends, and report it."""
        try:
            read_open((await request.read()).decode("utf-8", "replace"), ("RequestId",))
        except BreachError as error:
            self._running.violated(f"POST of an agent: {error}")
            raise APIError("ValidationException", str(error)) from None

    async def _first(self, socket: Socket, members: tuple[str, ...], sender: str) -> dict[str, Any] | None:
        """Return the first frame of a socket; None if there is none, or if it is not valid."""
        frame = await socket.first()
        if frame is None:
            return None
        try:
            return read_open(frame, members)
        except BreachError as error:
            self._running.violated(f"{sender}: {error}")
            return None

    # --- control routes, and the other calls of agents --------------------------------------------------------------

    async def _get_frames(self, request: web.Request) -> web.StreamResponse:
        query = request.query
        try:
            since = int(query.get("since", "0"))
        except ValueError:
            return web.json_response({"error": "since is a sequence number"}, status=400)
        found = self.frames(query.get("session"), query.get("type"), since)
        return web.json_response({"frames": [frame._asdict() for frame in found]})

    async def _disturb(self, request: web.Request) -> web.StreamResponse:
        """Disturb the channels of a session, or of all: ``{"session": ..., "do": {"cut": "client"}}``."""
        try:
            given = await request.json()
            if not isinstance(given, dict):
                raise FaultError("the body must be a JSON object")
            disturbed = self.disturb(given.get("do") or {}, given.get("session"))
        except ValueError as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response({"sessions": disturbed})

    async def _answer_agent(self, request: web.Request) -> web.StreamResponse:
        return await answer(request, self._running.world)


def _is_token(said: Mapping[str, Any] | None, token: str | None) -> bool:
    """Return whether a first frame has the current token of its channel."""
    if said is None or token is None:
        return False
    return hmac.compare_digest(str(said["TokenValue"]).encode(errors="replace"), token.encode())
