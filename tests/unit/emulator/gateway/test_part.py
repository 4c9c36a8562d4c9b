# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test who may open a channel, and what it says of the node."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import aiohttp
import pytest

from emulator.gateway import Gateway
from emulator.gateway.relay import Relay
from emulator.messages import Message
from emulator.testing import LocalAWS
from emulator.world import World
from emulator.world_values import WorldError
from unit.support import signed_requests
from unit.support.gateway_peers import NODE, Peers, play, running

BARE = "i-00000000000000001"
CONTROL, DATA = f"/v1/control-channel/{NODE}", "/v1/data-channel"
SECTION = {"nodes": [{"id": NODE, "agent": {}}, {"id": BARE}]}


# --- the status of a node -------------------------------------------------------------------------------------------


def test_a_node_is_connected_while_its_control_channel_is_open() -> None:
    async def scenario(peers: Peers) -> None:
        assert (await peers.call("GetConnectionStatus", Target=NODE))["Status"] == "notconnected"
        assert await peers.code("StartSession", Target=NODE) == "TargetNotConnected"
        control = await peers.connected(NODE)
        assert await peers.code("StartSession", Target=NODE) == "ok"
        control.abort()
        await peers.until_connected(NODE, "notconnected")
        assert await peers.code("StartSession", Target=NODE) == "TargetNotConnected"
        await peers.connected(NODE)

    play(scenario)


def test_a_second_control_channel_takes_the_place_of_the_first() -> None:
    async def scenario(peers: Peers) -> None:
        first = await peers.connected(NODE)
        second = await peers.control(NODE)
        assert await first.ended() == 1000
        assert (await peers.call("GetConnectionStatus", Target=NODE))["Status"] == "connected"
        await peers.call("StartSession", Target=NODE)
        assert (await second.read()).type == "interactive_shell"

    play(scenario)


def test_a_status_that_was_set_does_not_open_a_channel() -> None:
    async def scenario(peers: Peers) -> None:
        async with peers.http.post(
            f"{peers.server.url}/_emulator/world",
            json={"target": NODE, "status": "connected"},
            headers={"X-Emulator-Token": peers.world.token},
        ) as answer:
            assert answer.status == 200
        assert await peers.code("StartSession", Target=NODE) == "TargetNotConnected"

    play(scenario)


def test_sessions_on_other_nodes_are_as_without_a_gateway() -> None:
    async def scenario(peers: Peers) -> None:
        started = await peers.call("StartSession", Target=BARE)
        assert started["StreamUrl"].startswith("wss://ssmmessages.us-east-1.sessionops.invalid/")
        await peers.until(started["SessionId"], "Connected")
        path = f"{peers.server.url}/v1/data-channel/{started['SessionId']}"
        assert await (await peers.client(started, path)).ended() == 1008
        await peers.call("TerminateSession", SessionId=started["SessionId"])
        await peers.until(started["SessionId"], "Terminated")

    play(scenario, SECTION)


@pytest.mark.parametrize(
    ("node", "message"),
    [({"agent": "yes"}, "agent of .* must be a mapping"), ({"agent": {}, "status": "connected"}, "have a status")],
)
def test_a_world_with_a_mistake(node: dict[str, Any], message: str) -> None:
    with pytest.raises(WorldError, match=message):
        World({"regions": {"us-east-1": {"nodes": [{"id": NODE, **node}]}}})


# --- who may open a channel -----------------------------------------------------------------------------------------


def test_an_agent_exchanges_its_signature_for_a_token() -> None:
    async def scenario(peers: Peers) -> None:
        status, body = await peers.post(CONTROL)
        assert status == 201
        assert body.startswith("<CreateControlChannelResponse><MessageSchemaVersion>1.0</MessageSchemaVersion>")
        old, new = await peers.token(CONTROL), await peers.token(CONTROL)
        assert await (await peers.control(NODE, old)).ended() == 1008
        assert await (await peers.control(NODE, "")).ended() == 1008
        control = await peers.control(NODE, new)
        await peers.until_connected(NODE, "connected")
        await control.socket.close()

    play(scenario)


def test_a_signature_must_be_valid() -> None:
    async def scenario(peers: Peers) -> None:
        stranger = dataclasses.replace(peers.world.default_identity, secret_key="another")
        for signing, code in (
            ({"identity": stranger}, "InvalidSignatureException"),
            ({"service": "ssm"}, "InvalidSignatureException"),
        ):
            status, body = await peers.post(CONTROL, **signing)
            assert status == 400 and body.startswith(f"<{code}>")
        async with peers.http.post(peers.server.url + CONTROL) as answer:
            assert answer.status == 400 and "MissingAuthenticationToken" in await answer.text()
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await peers.open(CONTROL)
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await peers.open(f"{DATA}/x", {"Authorization": "AWS4-HMAC-SHA256"})

    play(scenario)


def test_an_agent_joins_only_for_a_node_with_an_agent() -> None:
    async def scenario(peers: Peers) -> None:
        for path in (f"/v1/control-channel/{BARE}", "/v1/control-channel/i-00000000000000009", f"{DATA}/nobody-1"):
            status, body = await peers.post(path)
            assert status == 400 and body.startswith("<AccessDeniedException>")

    play(scenario, SECTION)


def test_a_client_needs_the_token_of_its_session() -> None:
    async def scenario(peers: Peers) -> None:
        await peers.connected(NODE)
        one = await peers.call("StartSession", Target=NODE)
        two = await peers.call("StartSession", Target=NODE)
        assert one["StreamUrl"].startswith(f"ws://127.0.0.1:{peers.server.url.rpartition(':')[2]}{DATA}/")
        assert await (await peers.client(two, one["StreamUrl"])).ended() == 1008
        assert await (await peers.client(one, f"{peers.server.url}{DATA}/nobody-1")).ended() == 1008
        assert (await peers.session(one["SessionId"]))["Status"] == "Connecting"
        token = await peers.token(f"{DATA}/{one['SessionId']}")
        assert await (await peers.client({**one, "TokenValue": token})).ended() == 1008
        assert peers.frames(one["SessionId"], "open") == [
            ("client to service", "open", "the token is not valid"),
            ("client to service", "open", "the token is not valid"),
        ]

    play(scenario)


def test_a_client_may_write_the_version_as_a_number_and_have_no_id() -> None:
    async def scenario(peers: Peers) -> None:
        async with running(peers) as session:
            client = await peers.open(session.started["StreamUrl"])
            token = session.started["TokenValue"]
            await client.say(TokenValue=token, MessageSchemaVersion=1, ClientId="", ClientVersion="1.2.0.0")
            assert (await client.read()).type == "start_publication"

    play(scenario)


def test_a_client_may_also_have_its_token_in_a_header() -> None:
    async def scenario(peers: Peers) -> None:
        async with running(peers) as session:
            token = session.started["TokenValue"]
            client = await peers.open(session.started["StreamUrl"], {"Authorization": f"Bearer {token}"})
            await client.say(TokenValue=token, ClientId="", ClientVersion="1.2.694.0")
            assert (await client.read()).type == "start_publication"
            other = await peers.open(session.started["StreamUrl"], {"Authorization": f"Bearer {token}"})
            await other.say(TokenValue="another", ClientId="", ClientVersion="1.2.694.0")
            assert await other.ended() == 1008

    play(scenario)


def test_data_channels_may_be_somewhere_else() -> None:
    async def scenario(peers: Peers) -> None:
        await peers.connected(NODE)
        peers.world.channels = "wss://localhost:4433"
        started = await peers.call("StartSession", Target=NODE)
        assert started["StreamUrl"].startswith("wss://localhost:4433/v1/data-channel/")
        url = f"{peers.server.url}{DATA}/{started['SessionId']}"
        async with peers.http.ws_connect(url, headers={"Host": "localhost:4433"}):
            pass
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await peers.http.ws_connect(url, headers={"Host": "localhost:4434"})

    play(scenario)


# --- contract violations --------------------------------------------------------------------------------------------

BAD_ACK = Message.of_json("acknowledge", {"AcknowledgedMessageId": "x"}, flags=3)
UNKNOWN_STATE = Message.of_json("agent_session_state", {"SessionState": "Tired"}, flags=3)
DAMAGED = Message("input_stream_data", b"x", payload_type=1).encode()[:-1] + b"y"


@pytest.mark.parametrize(
    ("side", "frame", "text"),
    [
        ("client", "hello", "a text frame that is not the first frame"),
        ("client", b"hello", "A frame of 5 bytes is too short for a message."),
        ("client", Message("output_stream_data").encode(), "a message of type output_stream_data"),
        ("client", DAMAGED, "input_stream_data: the digest is not that of the payload"),
        ("agent", Message("input_stream_data").encode(), "a message of type input_stream_data"),
        ("agent", Message("acknowledge", b"[]").encode(), "acknowledge: the payload is not a JSON object"),
        ("agent", Message("acknowledge", b"[").encode(), "The payload of acknowledge is not JSON."),
        ("agent", UNKNOWN_STATE.encode(), "agent_session_state: a SessionState of 'Tired'"),
        (
            "client",
            BAD_ACK.encode(),
            "acknowledge: AcknowledgedMessageType, AcknowledgedMessageSequenceNumber, IsSequentialMessage is missing or"
            " of another type",
        ),
    ],
)
def test_what_must_never_be_sent_fails_the_run_and_is_not_relayed(side: str, frame: str | bytes, text: str) -> None:
    async def scenario(peers: Peers) -> None:
        peers.expected.append(f"{side} of a session: {text}")
        async with running(peers) as session:
            sender, other = (session.client, session.agent) if side == "client" else (session.agent, session.client)
            for unused in range(2):
                await (sender.socket.send_str(frame) if isinstance(frame, str) else sender.socket.send_bytes(frame))
            after = "input_stream_data" if side == "client" else "output_stream_data"
            await sender.send(after, b"after", payload_type=1)
            assert (await other.read()).payload == b"after"

    play(scenario)


@pytest.mark.parametrize(("key", "most"), [("", 1024), ("alias/sessions", 1052)])
def test_a_large_payload_is_relayed_and_fails_the_run(key: str, most: int) -> None:
    async def scenario(peers: Peers) -> None:
        peers.expected.append(f"client of a session: a payload of {most + 1} bytes, more than {most}")
        async with running(peers) as session:
            for size in (most, most + 1):
                await session.client.send("input_stream_data", bytes(size), payload_type=1)
                assert len((await session.agent.read()).payload) == size

    inputs = {"s3EncryptionEnabled": True, "cloudWatchEncryptionEnabled": True, "kmsKeyId": key}
    content = {"schemaVersion": "1.0", "sessionType": "Standard_Stream", "inputs": inputs}
    play(
        scenario,
        {"documents": [{"name": "SSM-SessionManagerRunShell", "document_type": "Session", "content": content}]},
    )


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        (b"x", "the first frame is not a text frame"),
        ("x", "the first frame is not JSON"),
        ("{}", "the first frame has no MessageSchemaVersion 1.0"),
        (
            '{"MessageSchemaVersion": "1.0", "TokenValue": "x"}',
            "the first frame lacks RequestId, ClientId, ClientVersion",
        ),
    ],
)
def test_a_first_frame_that_no_client_sends(frame: str | bytes, text: str) -> None:
    async def scenario(peers: Peers) -> None:
        peers.expected.append(f"client of a session: {text}")
        channel = await peers.open(f"{DATA}/x")
        await (channel.socket.send_str(frame) if isinstance(frame, str) else channel.socket.send_bytes(frame))
        assert await channel.ended() == 1008

    play(scenario)


def test_what_an_agent_must_never_send() -> None:
    async def scenario(peers: Peers) -> None:
        peers.expected += [
            "POST of an agent: the first frame lacks RequestId",
            f"agent of {NODE}: A frame of 1 bytes is too short for a message.",
            f"agent of {NODE}: agent_task_complete: TaskId is missing",
            "agent of a session: ClientInstanceId is that of another node",
        ]
        status, body = await peers.post(CONTROL, {"MessageSchemaVersion": "1.0"})
        assert status == 400 and "RequestId" in body
        control = await peers.connected(NODE)
        await control.socket.send_bytes(b"x")
        await control.send("agent_task_complete", b"{}")
        started = await peers.call("StartSession", Target=NODE)
        await control.read("interactive_shell")
        client = await peers.client(started)
        await peers.agent(started["SessionId"], BARE, await peers.token(f"{DATA}/{started['SessionId']}"))
        await client.read("start_publication")

    play(scenario)


# --- the journal, and what tests and other processes can do ---------------------------------------------------------


def test_a_frame_is_recorded_without_its_payload() -> None:
    async def scenario(peers: Peers) -> None:
        async with running(peers) as session:
            await session.client.send("input_stream_data", b"a secret", sequence=3, payload_type=1)
            await session.agent.read()
        url = f"{peers.server.url}/_emulator/frames?session={session.id}&type=input_stream_data"
        async with peers.http.get(url, headers={"X-Emulator-Token": peers.world.token}) as answer:
            (frame,) = (await answer.json())["frames"]
        assert frame.pop("at") > 0 and frame.pop("seq") > 1
        assert frame == {
            "session": session.id,
            "direction": "client to agent",
            "type": "input_stream_data",
            "sequence": 3,
            "payload_type": 1,
            "size": 8,
            "fault": None,
        }
        async with peers.http.get(url) as answer:
            assert answer.status == 403

    play(scenario)


def test_the_journal_from_a_place_on() -> None:
    async def scenario(peers: Peers) -> None:
        async with running(peers) as session:
            *unused, last = peers.gateway.frames(session.id)
            await session.client.send("input_stream_data", b"x", payload_type=1)
            await session.agent.read()
            assert [frame.type for frame in peers.gateway.frames(since=last.seq)] == ["input_stream_data"]
        url = f"{peers.server.url}/_emulator/frames?since=x"
        async with peers.http.get(url, headers={"X-Emulator-Token": peers.world.token}) as answer:
            assert answer.status == 400

    play(scenario)


def test_a_test_in_another_thread() -> None:
    with LocalAWS({"regions": {"us-east-1": {"nodes": [{"id": NODE, "agent": {}}]}}}, parts=[Gateway()]) as aws:
        assert aws.frames() == [] and aws.disturb(cut="client") == []
        assert not aws.answers_at_once
        headers = {"X-Emulator-Token": aws.world.token, "Content-Type": "application/json"}
        for body, status in ((b'{"do": {"cut": "client"}}', 200), (b'{"do": {"cut": "both"}}', 400), (b"[]", 400)):
            assert signed_requests.send(aws, body, headers, path="/_emulator/channels").status == status
    with LocalAWS() as aws:
        with pytest.raises(RuntimeError, match="not served by a Gateway"):
            aws.frames()


def test_a_bug_of_the_gateway_is_a_violation_and_it_lives_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*unused: object) -> None:
        raise ZeroDivisionError

    async def scenario(peers: Peers) -> None:
        async with running(peers) as session:
            monkeypatch.setattr(Relay, "check_time", fail)
            while not peers.server.engine.violations:
                await asyncio.sleep(0.01)
            monkeypatch.setattr(Relay, "receive", fail)
            await session.client.send("input_stream_data", b"x")
            await session.client.ended()
        found = peers.server.engine.violations
        assert len(found) == 2 and all("ZeroDivisionError" in text for text in found)
        found.clear()

    play(scenario)


def test_a_gateway_that_has_not_started_serves_nothing() -> None:
    with pytest.raises(aiohttp.web.HTTPServiceUnavailable):
        Gateway().frames()
    asyncio.run(Gateway().stop())
