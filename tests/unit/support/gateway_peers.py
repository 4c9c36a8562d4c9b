# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A small agent and a small client, whose tests say each frame that they send.

They know just enough of the protocol to test the gateway: they acknowledge nothing and resend nothing by themselves.
The server runs in the event loop of the test, and operations are called without HTTP.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Self
from xml.etree import ElementTree

import aiohttp
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from emulator import performing
from emulator.gateway import Gateway
from emulator.messages import Message
from emulator.server import Server
from emulator.service import APIError, Call, Identity
from emulator.world import World

# Long enough that only a broken gateway exceeds it.
DEADLINE = 30
SCHEMA = {"MessageSchemaVersion": "1.0"}
NODE = "i-0123456789abcdef0"


class EndedError(Exception):
    """The socket has ended; ``code`` is that of its close frame, None if there was none."""

    def __init__(self, code: int | None) -> None:
        super().__init__(f"closed with {code}")
        self.code = code


class Channel:
    """One open WebSocket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def say(self, **members: Any) -> None:
        """Send a text frame."""
        await self.socket.send_str(json.dumps({**SCHEMA, "RequestId": str(uuid.uuid4()), **members}))

    async def send(self, message: Message | str, payload: bytes = b"", **fields: Any) -> None:
        """Send a message, or one of a type and a payload."""
        if isinstance(message, str):
            message = Message(message, payload, **fields)
        await self.socket.send_bytes(message.encode())

    async def raw(self) -> bytes:
        """Return the next binary frame. Raises ``EndedError`` if the socket ends instead."""
        message = await self.socket.receive(timeout=DEADLINE)
        if message.type != aiohttp.WSMsgType.BINARY:
            code = message.data if message.type == aiohttp.WSMsgType.CLOSE else self.socket.close_code
            raise EndedError(None if code == aiohttp.WSCloseCode.ABNORMAL_CLOSURE else code)
        frame: bytes = message.data
        return frame

    async def read(self, *types: str) -> Message:
        """Return the next message, or the next one of these types."""
        while True:
            message = Message.decode(await self.raw())
            if not types or message.type in types:
                return message

    async def ended(self) -> int | None:
        """Wait until the socket ends, whatever comes before, and return its close code."""
        try:
            while True:
                await self.raw()
        except EndedError as end:
            return end.code

    def abort(self) -> None:
        """End the connection at once."""
        connection = self.socket._response.connection
        assert connection is not None and connection.transport is not None
        connection.transport.abort()


class Peers:
    """A world that is served by a gateway, with its agents and clients: ``async with Peers(world) as peers``.

    Leaving the context fails on a contract violation that is not ``expected``, and on an unused fault.
    """

    def __init__(self, world: Mapping[str, Any], region: str = "us-east-1") -> None:
        self.world = World(world)
        self.region = region
        self.gateway = Gateway()
        self.server = Server(self.world, [self.gateway])
        # The contract violations that the test expects.
        self.expected: list[str] = []

    async def __aenter__(self) -> Self:
        await self.server.start()
        self.http = aiohttp.ClientSession()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *unused: object) -> None:
        await self.http.close()
        await self.server.stop()
        if kind is None:
            expected = [f"contract violation: ssmmessages: {text}" for text in self.expected]
            assert self.server.complaints() == expected

    async def call(self, operation: str, **params: Any) -> dict[str, Any]:
        """Call an operation of Systems Manager."""
        call = Call("ssm", operation, params, self.world.default_identity, self.region)
        return performing.perform(self.world, call)

    async def code(self, operation: str, **params: Any) -> str:
        """Call an operation and return its error code, or ``ok``."""
        try:
            await self.call(operation, **params)
        except APIError as error:
            return error.code
        return "ok"

    def frames(self, session: str, *types: str) -> list[tuple[str, str, str | None]]:
        """Return direction, type and fault of the frames of a session, optionally only those of some types."""
        found = self.gateway.frames(session)
        return [(frame.direction, frame.type, frame.fault) for frame in found if not types or frame.type in types]

    def signed(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        service: str = "ssmmessages",
        identity: Identity | None = None,
        more: Mapping[str, str] | None = None,
    ) -> dict[str, str]:
        """Return the headers of a request of an agent, with ``more`` among them."""
        who = identity or self.world.default_identity
        headers = {**({"Content-Type": "application/json"} if body else {}), **(more or {})}
        request = AWSRequest(method, self.server.url + path, headers, body)
        SigV4Auth(Credentials(who.access_key, who.secret_key, who.session_token), service, self.region).add_auth(
            request
        )
        return dict(request.headers.items())

    async def post(self, path: str, said: Mapping[str, Any] | None = None, **signing: Any) -> tuple[int, str]:
        """Send a POST of an agent, and return the status and the body."""
        body = json.dumps({**SCHEMA, "RequestId": str(uuid.uuid4())} if said is None else said).encode()
        headers = self.signed("POST", path, body, **signing)
        async with self.http.post(self.server.url + path, data=body, headers=headers) as answer:
            return answer.status, await answer.text()

    async def token(self, path: str) -> str:
        """Create a token, as an agent does."""
        status, body = await self.post(path)
        assert status == 201, body
        return ElementTree.fromstring(body).findtext("TokenValue") or ""  # noqa: S314  (our own server wrote it)

    async def open(self, path: str, headers: Mapping[str, str] | None = None) -> Channel:
        """Open a WebSocket without saying anything."""
        url = path if "://" in path else self.server.url + path
        return Channel(await self.http.ws_connect(url, headers=headers, max_msg_size=0))

    async def control(self, node: str, token: str | None = None) -> Channel:
        """Open the control channel of a node."""
        path = f"/v1/control-channel/{node}"
        token = await self.token(path) if token is None else token
        path += "?role=subscribe&stream=input"
        channel = await self.open(path, self.signed("GET", path))
        await channel.say(TokenValue=token, AgentVersion="3.3.0.0", PlatformType="linux", Cookie=None)
        return channel

    async def agent(self, session: str, node: str, token: str | None = None) -> Channel:
        """Open the agent's end of a session."""
        path = f"/v1/data-channel/{session}"
        token = await self.token(path) if token is None else token
        path += "?role=publish_subscribe"
        channel = await self.open(path, self.signed("GET", path))
        await channel.say(TokenValue=token, ClientInstanceId=node, ClientId="")
        state = {"SchemaVersion": 1, "SessionState": "Connected", "SessionId": session}
        await channel.send(Message.of_json("agent_session_state", state, flags=3))
        return channel

    async def client(self, started: Mapping[str, Any], url: str | None = None) -> Channel:
        """Open the client's end of a session. ``started`` is the reply of StartSession or ResumeSession."""
        channel = await self.open(url or started["StreamUrl"])
        await channel.say(TokenValue=started["TokenValue"], ClientId=str(uuid.uuid4()), ClientVersion="1.2.694.0")
        return channel

    async def connected(self, node: str) -> Channel:
        """Open the control channel of a node, and wait until the node is connected."""
        channel = await self.control(node)
        await self.until_connected(node, "connected")
        return channel

    async def until_connected(self, node: str, status: str) -> None:
        """Wait until a node has a connection status."""
        async with asyncio.timeout(DEADLINE):
            while (await self.call("GetConnectionStatus", Target=node))["Status"] != status:
                await asyncio.sleep(0.01)

    async def session(self, session_id: str) -> dict[str, Any]:
        """Return a session as DescribeSessions has it."""
        for state in ("Active", "History"):
            for session in (await self.call("DescribeSessions", State=state))["Sessions"]:
                if session["SessionId"] == session_id:
                    found: dict[str, Any] = session
                    return found
        raise AssertionError(f"{session_id} is not listed")

    async def until(self, session_id: str, status: str) -> dict[str, Any]:
        """Wait until a session has a status, and return it."""
        async with asyncio.timeout(DEADLINE):
            while (session := await self.session(session_id))["Status"] != status:
                await asyncio.sleep(0.01)
        return session


def play(scenario: Callable[[Peers], Awaitable[None]], section: Mapping[str, Any] | None = None, **world: Any) -> None:
    """Run a scenario in a world whose region has a node with an agent, and what ``section`` says."""
    region = {"nodes": [{"id": NODE, "agent": {}}], **(section or {})}

    async def go() -> None:
        async with Peers({"regions": {"us-east-1": region}, **world}) as peers:
            await scenario(peers)

    asyncio.run(go())


async def terminating(agent: Channel, session: str) -> None:
    """Let an agent say that it ends a session, and leave."""
    state = {"SchemaVersion": 1, "SessionState": "Terminating", "SessionId": session}
    await agent.send(Message.of_json("agent_session_state", state, flags=3))
    await agent.socket.close()


async def completed(control: Channel, session: str, output: str = "", status: str = "Success") -> None:
    """Let an agent say that the task of a session is complete."""
    said = {
        "SchemaVersion": 1,
        "TaskId": session,
        "Topic": "agent_task_complete",
        "FinalTaskStatus": status,
        "Output": output,
    }
    await control.send(Message.of_json("agent_task_complete", said))


@contextlib.asynccontextmanager
async def running(peers: Peers, node: str = NODE, **start: Any) -> AsyncIterator[Running]:
    """Yield a session on a node, both of whose ends are open and have heard that the other one is there."""
    control = await peers.connected(node)
    started = await peers.call("StartSession", Target=node, **start)
    session = started["SessionId"]
    await control.read("interactive_shell")
    agent = await peers.agent(session, node)
    client = await peers.client(started)
    await agent.read("start_publication")
    await client.read("start_publication")
    yield Running(session, started, control, agent, client)


class Running:
    """An open session."""

    def __init__(
        self, session: str, started: Mapping[str, Any], control: Channel, agent: Channel, client: Channel
    ) -> None:
        self.id = session
        self.started = started
        self.control = control
        self.agent = agent
        self.client = client
