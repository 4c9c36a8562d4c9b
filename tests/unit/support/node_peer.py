# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The other side of a node: a small gateway, which is also the client of the sessions on it.

async with node_peer.stage({"fast": True}) as peer:
    session = await peer.begin(interactive("cat"))
    await session.send(b"hello")
    await session.until(lambda: b"hello" in session.output)

Every wait ends with an error after 30 seconds, so that a test that is broken does not hang.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import itertools
import json
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Iterator, Mapping, Sequence
from typing import Any

from aiohttp import WSMsgType, web

from emulator import sigv4
from emulator.messages import Message, acknowledgement
from emulator.node.part import NodeProcesses
from emulator.server import Server
from emulator.world import World

REGION = "us-east-1"
NODE = "i-0123456789abcdef0"
WAIT_SECONDS = 30.0
OUTPUT, SIZE, REQUEST, RESPONSE, COMPLETE, STD_ERR, EXIT_CODE = 1, 3, 5, 6, 7, 11, 12


def interactive(command: str, **inputs: Any) -> dict[str, Any]:
    """Return the content that starts a session of InteractiveCommands."""
    return content("InteractiveCommands", inputs, commands=command)


def separate(command: str, **properties: Any) -> dict[str, Any]:
    """Return the content that starts a session of NonInteractiveCommands with separate output."""
    return content("NonInteractiveCommands", {}, commands=command, separateOutputStream="true", **properties)


def content(session_type: str, inputs: Mapping[str, Any], **properties: Any) -> dict[str, Any]:
    document = {
        "schemaVersion": "1.0",
        "sessionType": session_type,
        "parameters": {"word": {"type": "String", "default": "standard"}},
        "inputs": inputs,
        "properties": {"linux": properties},
    }
    return {"DocumentName": "Test", "RunAsUser": "", "Parameters": {}, "DocumentContent": document}


class Waiting:
    """Lets coroutines wait until something that was received makes a condition true."""

    def __init__(self) -> None:
        self._changed = asyncio.Condition()

    async def changed(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(WAIT_SECONDS), self._changed:
            await self._changed.wait_for(lambda: bool(condition()))


class PeerSession(Waiting):
    """One session. It acknowledges what the node sends, unless ``silent`` is set, and never resends by itself."""

    def __init__(self, session_id: str) -> None:
        super().__init__()
        self.session_id = session_id
        self.silent = False
        self.sockets: list[web.WebSocketResponse] = []
        self.hellos: list[dict[str, Any]] = []
        self.received: list[Message] = []
        self.states: list[str] = []
        self.acknowledged: list[int] = []
        self.completion: dict[str, Any] | None = None
        self._sent: list[Message] = []

    def payload(self, payload_type: int) -> bytes:
        """Return all that was received of one type, in order and once."""
        once = {message.sequence: message for message in self.received if message.payload_type == payload_type}
        return b"".join(once[number].payload for number in sorted(once))

    @property
    def output(self) -> bytes:
        return self.payload(OUTPUT)

    @property
    def unacknowledged(self) -> list[Message]:
        return [message for message in self._sent if message.sequence not in self.acknowledged]

    async def send(self, payload: bytes, payload_type: int = OUTPUT, number: int | None = None) -> Message:
        """Send input in the next message, or in the message of a number."""
        sequence = len(self._sent) if number is None else number
        message = Message("input_stream_data", payload, sequence, 0, payload_type)
        self._sent.append(message)
        await self.repeat(message)
        return message

    async def repeat(self, message: Message) -> None:
        await self.sockets[-1].send_bytes(message.encode())

    async def say(self, message_type: str, said: Any = None) -> None:
        """Send a message of the gateway, such as ``pause_publication``."""
        await self.sockets[-1].send_bytes(Message.of_json(message_type, said or {}).encode())

    async def shake_hands(self, version: str = "1.2.694.0", status: int = 1) -> None:
        """Answer the node's request, and wait until the handshake is complete if it succeeds."""
        await self.until(lambda: self.payload(REQUEST))
        action = {"ActionType": "SessionType", "ActionStatus": status, "ActionResult": None, "Error": "no"}
        said = {"ClientVersion": version, "ProcessedClientActions": [action], "Errors": None}
        await self.send(json.dumps(said).encode(), RESPONSE)
        if status == 1:
            await self.until(lambda: self.payload(COMPLETE))

    async def ended(self) -> dict[str, Any]:
        """Wait until the node has completed the session, and return what it said."""
        await self.until(lambda: self.completion is not None)
        return self.completion or {}

    async def serve(self, socket: web.WebSocketResponse) -> None:
        self.sockets.append(socket)
        await self.changed()
        async for frame in socket:
            if frame.type is WSMsgType.BINARY:
                await self._take(socket, Message.decode(frame.data))
                await self.changed()

    async def _take(self, socket: web.WebSocketResponse, message: Message) -> None:
        if message.type == "acknowledge":
            self.acknowledged.append(message.json()["AcknowledgedMessageSequenceNumber"])
        elif message.type == "agent_session_state":
            self.states.append(message.json()["SessionState"])
        else:
            assert message.type == "output_stream_data" and message.valid
            self.received.append(message)
            if not self.silent:
                with contextlib.suppress(ConnectionError):
                    await socket.send_bytes(acknowledgement(message).encode())


class Peer(Waiting):
    """A part of a server, which serves the channels of nodes."""

    def __init__(self) -> None:
        super().__init__()
        self.sessions: dict[str, PeerSession] = {}
        self.control: list[web.WebSocketResponse] = []
        self.hellos: list[dict[str, Any]] = []
        self.refusing = False
        self.nodes = NodeProcesses()
        self.world: World
        self._tokens: set[str] = set()
        self._numbers = itertools.count(1)

    def routes(self) -> Sequence[web.RouteDef]:
        return [
            web.post("/v1/control-channel/{id}", self._create),
            web.post("/v1/data-channel/{id}", self._create),
            web.get("/v1/control-channel/{id}", self._open_control),
            web.get("/v1/data-channel/{id}", self._open_data),
        ]

    async def start(self, server: Server) -> None:
        self.world = server.world

    async def stop(self) -> None:
        for socket in [*self.control, *(socket for session in self.sessions.values() for socket in session.sockets)]:
            await socket.close()

    def processes(self) -> Collection[int]:
        return ()

    # --- what the node asks for ---------------------------------------------------------------------

    async def _create(self, request: web.Request) -> web.Response:
        await self._verify(request)
        assert (await request.json())["MessageSchemaVersion"] == "1.0"
        if self.refusing:
            return web.Response(status=503)
        token = f"token-{next(self._numbers)}"
        self._tokens.add(token)
        body = f"<Created><MessageSchemaVersion>1.0</MessageSchemaVersion><TokenValue>{token}</TokenValue></Created>"
        return web.Response(status=201, text=body, content_type="application/xml")

    async def _verify(self, request: web.Request) -> None:
        headers = {name.lower(): value for name, value in request.headers.items()}
        received = sigv4.Request(request.method, request.raw_path, headers, await request.read())
        scope = sigv4.read_scope(headers)
        assert scope is not None and (scope.service, scope.region) == ("ssmmessages", REGION)
        now = datetime.datetime.now(datetime.UTC)
        sigv4.verify(received, scope, "json", self.world.identities, now)

    async def _open(self, request: web.Request) -> tuple[web.WebSocketResponse, dict[str, Any]]:
        await self._verify(request)
        socket = web.WebSocketResponse(max_msg_size=0)
        await socket.prepare(request)
        hello = await socket.receive_json(timeout=WAIT_SECONDS)
        self._tokens.remove(hello["TokenValue"])
        return socket, hello

    async def _open_control(self, request: web.Request) -> web.WebSocketResponse:
        socket, hello = await self._open(request)
        self.hellos.append(hello)
        self.control.append(socket)
        await self.changed()
        async for frame in socket:
            message = Message.decode(frame.data)
            assert message.type == "agent_task_complete"
            session = self.sessions[message.json()["TaskId"]]
            session.completion = message.json()
            await session.changed()
        return socket

    async def _open_data(self, request: web.Request) -> web.WebSocketResponse:
        socket, hello = await self._open(request)
        session = self.sessions[request.match_info["id"]]
        session.hellos.append(hello)
        await session.serve(socket)
        return socket

    # --- what a test does ---------------------------------------------------------------------------

    async def push(self, said: dict[str, Any]) -> PeerSession:
        """Start a session on the node, and return it at once."""
        session = PeerSession(f"tester-{next(self._numbers):026d}")
        self.sessions[session.session_id] = session
        text = json.dumps({**said, "SessionId": session.session_id})
        task = {"SchemaVersion": 1, "TaskId": session.session_id, "Topic": "test", "Content": text}
        await self.control[-1].send_bytes(Message.of_json("interactive_shell", task).encode())
        return session

    async def begin(self, said: dict[str, Any]) -> PeerSession:
        """Start a session on the node, and return it when its data channel is open."""
        session = await self.push(said)
        await session.until(lambda: session.sockets)
        return session

    async def end(self, session: PeerSession) -> None:
        """Tell the node by its control channel that a session is over."""
        said = {"SessionId": session.session_id, "MessageType": "channel_closed"}
        await self.control[-1].send_bytes(Message.of_json("channel_closed", said).encode())


Run = Callable[[Callable[[Peer], Coroutine[Any, Any, None]]], None]


@contextlib.contextmanager
def shared_stage(agent: Mapping[str, Any]) -> Iterator[Run]:
    """Yield a function that runs a test, so that several tests share one node. The test gets the node's peer."""
    with asyncio.Runner() as runner:
        shared = stage(agent)
        peer = runner.run(_entered(shared))
        try:
            yield lambda test: runner.run(test(peer))
        finally:
            runner.run(_left(shared))


async def _entered(shared: contextlib.AbstractAsyncContextManager[Peer]) -> Peer:
    return await shared.__aenter__()


async def _left(shared: contextlib.AbstractAsyncContextManager[Peer]) -> None:
    await shared.__aexit__(None, None, None)


@contextlib.asynccontextmanager
async def stage(agent: Mapping[str, Any]) -> AsyncIterator[Peer]:
    """Serve a world with one node, whose agent has these options, and yield the other side of it."""
    peer = Peer()
    world = World({"regions": {REGION: {"nodes": [{"id": NODE, "agent": dict(agent)}]}}})
    server = Server(world, [peer, peer.nodes])
    await server.start()
    try:
        yield peer
    finally:
        await server.stop()
