# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test sessions from their start to their end, as the agent and the client see them."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import aiohttp
import pytest

from emulator.gateway import outlet
from emulator.messages import Message, acknowledgement
from unit.support.gateway_peers import DEADLINE, NODE, Channel, Peers, completed, play, running, terminating

IDLE = "Your session timed out due to inactivity and has been terminated."
COMMAND: dict[str, Any] = {"DocumentName": "AWS-StartInteractiveCommand", "Parameters": {"command": ["id -u"]}}


def document(inputs: dict[str, Any]) -> dict[str, Any]:
    """Return a section with the session preferences of the region."""
    full = {"s3EncryptionEnabled": True, "cloudWatchEncryptionEnabled": True, **inputs}
    content = {"schemaVersion": "1.0", "sessionType": "Standard_Stream", "inputs": full}
    return {"documents": [{"name": "SSM-SessionManagerRunShell", "document_type": "Session", "content": content}]}


# --- from start to end ----------------------------------------------------------------------------------------------


def test_a_session_from_start_to_end() -> None:
    async def scenario(peers: Peers) -> None:
        async with running(peers, **COMMAND) as session:
            assert (await peers.session(session.id))["Status"] == "Connected"
            sent = Message("input_stream_data", b"\x00\xff", 7, payload_type=1)
            await session.client.send(sent)
            assert await session.agent.raw() == sent.encode()
            await session.agent.send(acknowledgement(sent))
            assert (await session.client.read()).json()["AcknowledgedMessageSequenceNumber"] == 7
            await session.agent.send("output_stream_data", b"0\n", payload_type=1)
            await terminating(session.agent, session.id)
            await completed(session.control, session.id, "bye")
            assert (await session.client.read()).payload == b"0\n"
            closed = (await session.client.read()).json()
            assert (closed["SessionId"], closed["DestinationId"], closed["Output"]) == (session.id, NODE, "bye")
            assert await session.client.ended() == 1000
            ended = await peers.session(session.id)
            assert ended["Status"] == "Terminated" and "EndDate" in ended
            done = await session.control.read()
            assert (done.type, done.json()["TaskId"]) == ("agent_task_acknowledge", session.id)

    play(scenario)


def test_a_node_learns_what_to_run() -> None:
    async def scenario(peers: Peers) -> None:
        control = await peers.connected(NODE)
        started = await peers.call("StartSession", Target=NODE, **COMMAND)
        asked = (await control.read()).json()
        assert (asked["TaskId"], asked["SchemaVersion"]) == (started["SessionId"], 1)
        content = json.loads(asked["Content"])
        assert content["Parameters"] == {"command": "id -u"}
        assert (content["DocumentName"], content["SessionId"]) == (COMMAND["DocumentName"], started["SessionId"])
        assert content["SessionOwner"] == peers.world.default_identity.arn
        assert content["RunAsUser"] == "deploy"
        inner = content["DocumentContent"]
        assert (inner["schemaVersion"], inner["sessionType"]) == ("1.0", "InteractiveCommands")
        assert inner["properties"]["linux"] == {"commands": "{{ command }}", "runAsElevated": False}
        assert inner["inputs"]["runAsEnabled"] is False and inner["inputs"]["kmsKeyId"] == ""

    play(scenario, identities=[{"run_as": "deploy"}])


def test_without_a_document_a_node_runs_a_shell() -> None:
    async def scenario(peers: Peers) -> None:
        control = await peers.connected(NODE)
        await peers.call("StartSession", Target=NODE)
        content = json.loads((await control.read()).json()["Content"])
        assert content["DocumentName"] == "SSM-SessionManagerRunShell"
        assert content["DocumentContent"]["sessionType"] == "Standard_Stream"
        assert content["DocumentContent"]["inputs"]["runAsDefaultUser"] == "nobody"

    play(scenario, document({"runAsEnabled": True, "runAsDefaultUser": "nobody"}))


@pytest.mark.parametrize("order", ["task first", "data channel first", "task only", "data channel only"])
def test_a_session_has_ended_when_its_agent_says_so(order: str) -> None:
    async def scenario(peers: Peers) -> None:
        async with running(peers) as session:
            await session.agent.send("output_stream_data", b"last", payload_type=1)
            if order.startswith("task"):
                await completed(session.control, session.id, "bye")
                await session.control.read("agent_task_acknowledge")
            if order != "task only":
                await terminating(session.agent, session.id)
            if order == "data channel first":
                await peers.until(session.id, "Terminating")
                assert await peers.code("ResumeSession", SessionId=session.id) == "DoesNotExistException"
                await completed(session.control, session.id, "bye")
            assert (await session.client.read("output_stream_data", "channel_closed")).payload == b"last"
            closed = await session.client.read("channel_closed")
            assert closed.json()["Output"] == ("" if order == "data channel only" else "bye")
            await peers.until(session.id, "Terminated")

    play(scenario)


def test_a_session_that_the_agent_cannot_run_has_failed() -> None:
    async def scenario(peers: Peers) -> None:
        control = await peers.connected(NODE)
        started = await peers.call("StartSession", Target=NODE)
        await completed(control, started["SessionId"], "no such user", "Failed")
        await peers.until(started["SessionId"], "Failed")
        client = await peers.client(started)
        assert (await client.read()).json()["Output"] == "no such user"
        assert await client.ended() == 1000
        assert await (await peers.client(started)).ended() == 1008

    play(scenario)


def test_a_client_that_comes_after_the_end_gets_all_there_was() -> None:
    async def scenario(peers: Peers) -> None:
        control = await peers.connected(NODE)
        started = await peers.call("StartSession", Target=NODE)
        session = started["SessionId"]
        assert (await peers.session(session))["Status"] == "Connecting"
        agent = await peers.agent(session, NODE)
        for number in range(3):
            await agent.send("output_stream_data", b"%d" % number, sequence=number, payload_type=1)
        await terminating(agent, session)
        await completed(control, session)
        await peers.until(session, "Terminated")
        client = await peers.client(started)
        assert [(await client.read()).payload for unused in range(3)] == [b"0", b"1", b"2"]
        assert (await client.read()).type == "channel_closed"
        status, body = await peers.post(f"/v1/data-channel/{session}")
        assert status == 400 and "Session is already terminated" in body

    play(scenario)


# --- ended from outside ---------------------------------------------------------------------------------------------


def test_terminate_session_is_said_on_the_data_channel() -> None:
    async def scenario(peers: Peers) -> None:
        async with running(peers) as session:
            await peers.call("TerminateSession", SessionId=session.id)
            assert (await peers.session(session.id))["Status"] == "Terminating"
            assert await peers.code("TerminateSession", SessionId=session.id) == "ValidationException"
            closed = await session.agent.read("channel_closed")
            assert closed.json()["SessionId"] == session.id
            await completed(session.control, session.id)
            await terminating(session.agent, session.id)
            assert (await session.client.read()).type == "channel_closed"
            assert (await peers.session(session.id))["Status"] == "Terminated"

    play(scenario)


def test_terminate_session_is_said_on_the_control_channel_if_the_data_channel_is_not_open() -> None:
    async def scenario(peers: Peers) -> None:
        control = await peers.connected(NODE)
        started = await peers.call("StartSession", Target=NODE)
        await peers.call("TerminateSession", SessionId=started["SessionId"])
        assert (await control.read("channel_closed")).json()["SessionId"] == started["SessionId"]
        late = await peers.agent(started["SessionId"], NODE)
        assert (await late.read()).type == "channel_closed"
        await completed(control, started["SessionId"])
        await terminating(late, started["SessionId"])
        await peers.until(started["SessionId"], "Terminated")
        assert await (await peers.client(started)).ended() == 1008

    play(scenario)


def test_a_session_of_an_agent_that_hears_nothing_ends_in_time() -> None:
    async def scenario(peers: Peers) -> None:
        async with running(peers) as session:
            await peers.call("TerminateSession", SessionId=session.id)
            assert (await session.client.read()).type == "channel_closed"
            assert (await peers.session(session.id))["Status"] == "Terminated"
            await session.agent.read("channel_closed")
            assert await session.agent.ended() == 1000

    play(scenario, limits={"session_terminating_seconds": 1})


def test_a_session_of_a_node_that_has_gone_ends_at_once() -> None:
    async def scenario(peers: Peers) -> None:
        async with running(peers) as session:
            session.agent.abort()
            session.control.abort()
            await peers.until_connected(NODE, "notconnected")
            await session.client.read("pause_publication")
            await peers.call("TerminateSession", SessionId=session.id)
            assert (await peers.session(session.id))["Status"] == "Terminated"
            assert (await session.client.read()).type == "channel_closed"

    play(scenario)


@pytest.mark.parametrize(
    ("limit", "text"),
    [("session_idle_seconds", IDLE), ("session_duration_seconds", "maximum duration")],
)
def test_a_session_ends_when_its_time_is_over(limit: str, text: str) -> None:
    async def scenario(peers: Peers) -> None:
        async with running(peers) as session:
            assert text in (await session.agent.read("channel_closed")).json()["Output"]
            await completed(session.control, session.id, "cancelled")
            await terminating(session.agent, session.id)
            assert text in (await session.client.read("channel_closed")).json()["Output"]

    play(scenario, limits={limit: 1})


@pytest.mark.parametrize(("activity", "ends"), [("input", True), ("input_and_output", False)])
def test_output_may_be_activity(activity: str, ends: bool) -> None:
    async def scenario(peers: Peers) -> None:
        async with running(peers) as session:
            for number in range(15):
                await asyncio.sleep(0.1)
                await session.agent.send("output_stream_data", b"x", sequence=number, payload_type=1)
            assert ((await peers.session(session.id))["Status"] == "Terminating") == ends

    play(scenario, limits={"session_idle_seconds": 1}, switches={"session_activity": activity})


def test_a_session_has_the_rate_of_the_world() -> None:
    async def scenario(peers: Peers) -> None:
        async with running(peers) as session:
            began = time.monotonic()
            for number in range(100):
                await session.client.send("input_stream_data", bytes(1000), sequence=number, payload_type=1)
            for unused in range(100):
                await session.agent.read("input_stream_data")
            assert time.monotonic() - began >= 0.4  # more is a matter of the machine

    play(scenario, limits={"session_bytes_per_second": 250_000})


# --- away and back --------------------------------------------------------------------------------------------------


def test_a_client_comes_back_with_a_new_token() -> None:
    async def scenario(peers: Peers) -> None:
        async with running(peers) as session:
            session.client.abort()
            assert (await session.agent.read()).type == "pause_publication"
            await peers.until(session.id, "Disconnected")
            await session.agent.send("output_stream_data", b"kept", payload_type=1)
            resumed = await peers.call("ResumeSession", SessionId=session.id)
            assert (await peers.session(session.id))["Status"] == "Disconnected"
            assert await (await peers.client(session.started)).ended() == 1008
            client = await peers.client(resumed, session.started["StreamUrl"])
            assert [(await client.read()).type for unused in range(2)] == ["output_stream_data", "start_publication"]
            assert (await session.agent.read()).type == "start_publication"
            assert (await peers.session(session.id))["Status"] == "Connected"

    play(scenario)


def test_an_agent_comes_back_with_a_new_token() -> None:
    async def scenario(peers: Peers) -> None:
        async with running(peers) as session:
            token = await peers.token(f"/v1/data-channel/{session.id}")
            await session.agent.socket.close()
            assert (await session.client.read()).type == "pause_publication"
            await session.client.send("input_stream_data", b"kept", payload_type=1)
            newer = await peers.token(f"/v1/data-channel/{session.id}")
            assert await (await peers.agent(session.id, NODE, token)).ended() == 1008
            agent = await peers.agent(session.id, NODE, newer)
            assert [(await agent.read()).type for unused in range(2)] == ["input_stream_data", "start_publication"]
            assert (await session.client.read()).type == "start_publication"

    play(scenario)


def test_an_agent_that_comes_back_hears_that_its_client_is_away() -> None:
    async def scenario(peers: Peers) -> None:
        async with running(peers) as session:
            session.client.abort()
            await session.agent.read("pause_publication")
            session.agent.abort()
            agent = await peers.agent(session.id, NODE)
            assert (await agent.read()).type == "pause_publication"

    play(scenario)


def test_a_second_socket_takes_the_place_of_the_first() -> None:
    async def scenario(peers: Peers) -> None:
        async with running(peers) as session:
            second = await peers.client(session.started)
            await second.read("start_publication")
            assert await session.client.ended() == 1000
            await second.send("input_stream_data", b"two", payload_type=1)
            assert (await session.agent.read("input_stream_data")).payload == b"two"
            assert (await peers.session(session.id))["Status"] == "Connected"

    play(scenario)


def test_resume_of_an_ended_session_may_have_no_token() -> None:
    async def scenario(peers: Peers) -> None:
        async with running(peers) as session:
            await peers.call("TerminateSession", SessionId=session.id)
            assert await peers.call("ResumeSession", SessionId=session.id) == {"SessionId": session.id}
            await completed(session.control, session.id)

    play(scenario, switches={"resume_ended": "no_token"})


def test_a_slow_reader_slows_the_other_side_down_and_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlet, "WINDOW", 5)
    frames, payload = 400, bytes(64 * 1024)

    async def send(channel: Channel) -> None:
        for number in range(frames):
            await channel.send("output_stream_data", payload, sequence=number, payload_type=1)

    async def scenario(peers: Peers) -> None:
        async with running(peers) as session:
            sending = asyncio.ensure_future(send(session.agent))
            await asyncio.sleep(0.3)
            assert not sending.done() and len(peers.frames(session.id)) < frames
            for number in range(frames):
                assert (await session.client.read()).sequence == number
            await asyncio.wait_for(sending, DEADLINE)

    play(scenario)


def test_only_so_many_frames_wait_for_a_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlet, "ROOM", 3)

    async def scenario(peers: Peers) -> None:
        control = await peers.connected(NODE)
        started = await peers.call("StartSession", Target=NODE)
        await control.read("interactive_shell")
        agent = await peers.agent(started["SessionId"], NODE)
        for number in range(5):
            await agent.send("output_stream_data", b"x", sequence=number, payload_type=1)
        while len(found := peers.frames(started["SessionId"], "output_stream_data")) < 5:
            await asyncio.sleep(0.01)
        assert [fault for _direction, _type, fault in found] == [None, None, None, "no room", "no room"]
        client = await peers.client(started)
        assert [(await client.read()).sequence for unused in range(3)] == [0, 1, 2]
        assert (await client.read()).type == "start_publication"

    play(scenario)


def test_a_ping_is_answered() -> None:
    async def scenario(peers: Peers) -> None:
        async with running(peers) as session:
            url = session.started["StreamUrl"]
            async with peers.http.ws_connect(url, autoping=False) as socket:
                await Channel(socket).say(TokenValue=session.started["TokenValue"], ClientId="x", ClientVersion="1")
                await socket.ping(b"keepalive")
                while (message := await socket.receive(timeout=DEADLINE)).type != aiohttp.WSMsgType.PONG:
                    assert message.type == aiohttp.WSMsgType.BINARY
                assert message.data == b"keepalive"

    play(scenario)
