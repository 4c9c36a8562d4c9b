# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test that it can be chosen what goes wrong: frames are lost or changed, sockets end, somebody ends the session."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from emulator.messages import Message
from unit.support.gateway_peers import NODE, Peers, Running, completed, play, running

INPUT, OUTPUT = "input_stream_data", "output_stream_data"


def rule(op: str = INPUT, *, do: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"op": f"frame:{op}", "do": do, **more}


async def send(session: Running, count: int) -> None:
    """Let the client send so many messages, each with its number as payload."""
    for number in range(count):
        await session.client.send(INPUT, b"%d" % number, sequence=number, payload_type=1)


async def payloads(session: Running, count: int) -> list[bytes]:
    """Return the payloads of the next messages that the agent gets."""
    return [(await session.agent.read(INPUT)).payload for unused in range(count)]


@pytest.mark.parametrize(
    ("fault", "arrives"),
    [
        (rule(do={"drop": True}), b"123"),
        (rule(do={"drop": True}, after=1, times=2), b"03"),
        (rule(do={"drop": True}, match={"sequence": 2}), b"013"),
        (rule(do={"drop": True}, every_frames=2), b"02"),
        (rule("*", do={"drop": True}, match={"from": "client", "payload_type": 1}, after=2, times="always"), b"01"),
        (rule(do={"drop": True}, probability=1, after=1), b"0"),
        (rule(do={"double": True}, after=1), b"01123"),
        (rule(do={"reorder": True}), b"1023"),
        (rule(do={"reorder": True}, times=2), b"2013"),
        (rule(do={"delay": 0.1}), b"0123"),
    ],
)
def test_frames_are_lost_doubled_and_reordered(fault: dict[str, Any], arrives: bytes) -> None:
    async def scenario(peers: Peers) -> None:
        async with running(peers) as session:
            await send(session, 4)
            assert b"".join(await payloads(session, len(arrives))) == arrives
            await session.agent.send(OUTPUT, b"back", payload_type=1)
            assert (await session.client.read(OUTPUT)).payload == b"back"
            marks = [fault for _direction, _type, fault in peers.frames(session.id, INPUT)]
            assert len(marks) == 4 and set(marks) - {None} == set(fault["do"])

    play(scenario, faults=[fault])


def test_a_frame_is_damaged_in_one_bit() -> None:
    async def scenario(peers: Peers) -> None:
        async with running(peers) as session:
            sent = Message(INPUT, b"abc", payload_type=1)
            await session.client.send(sent)
            damaged = Message.decode(await session.agent.raw())
            assert (damaged.payload, damaged.valid) == (b"abb", False)
            await session.client.send(Message(INPUT))
            assert (await session.agent.raw())[80] != Message(INPUT).encode()[80]

    play(scenario, faults=[rule(do={"damage": True}, times=2)])


def test_a_loss_rate_is_the_same_in_every_run_of_a_seed() -> None:
    lost: list[list[str | None]] = []

    async def scenario(peers: Peers) -> None:
        async with running(peers) as session:
            await send(session, 300)
            while len(peers.frames(session.id, INPUT)) < 300:
                await asyncio.sleep(0.01)
            lost.append([fault for _direction, _type, fault in peers.frames(session.id, INPUT)])

    for seed in (1, 1, 2):
        play(scenario, faults=[rule(do={"drop": True}, probability=0.1)], seed=seed)
    assert lost[0] == lost[1] != lost[2]
    assert 10 < lost[0].count("drop") < 60


@pytest.mark.parametrize(("do", "code"), [({"cut": "client"}, None), ({"close": "client"}, 1000)])
def test_a_clients_socket_ends_and_the_agents_stays(do: dict[str, Any], code: int | None) -> None:
    async def scenario(peers: Peers) -> None:
        async with running(peers) as session:
            await send(session, 1)
            assert await session.client.ended() == code
            assert (await payloads(session, 1)) == [b"0"]
            assert (await session.agent.read()).type == "pause_publication"
            await peers.until(session.id, "Disconnected")
            session.client = await peers.client(await peers.call("ResumeSession", SessionId=session.id))
            assert (await session.agent.read()).type == "start_publication"
            await send(session, 1)
            assert await payloads(session, 1) == [b"0"]

    play(scenario, faults=[rule(do=do)])


@pytest.mark.parametrize(("do", "code"), [({"cut": "agent"}, None), ({"close": "agent"}, 1000)])
def test_an_agents_socket_ends_and_the_clients_stays(do: dict[str, Any], code: int | None) -> None:
    async def scenario(peers: Peers) -> None:
        async with running(peers) as session:
            await session.agent.send(OUTPUT, b"x", payload_type=1)
            assert (await session.client.read()).payload == b"x"
            assert await session.agent.ended() == code
            assert (await session.client.read()).type == "pause_publication"
            assert (await peers.session(session.id))["Status"] == "Connected"
            session.agent = await peers.agent(session.id, NODE)
            assert (await session.client.read()).type == "start_publication"

    play(scenario, faults=[rule(OUTPUT, do=do)])


def test_a_token_is_refused_when_the_client_comes_back() -> None:
    async def scenario(peers: Peers) -> None:
        async with running(peers) as session:
            session.client.abort()
            resumed = await peers.call("ResumeSession", SessionId=session.id)
            assert await (await peers.client(resumed)).ended() == 1008
            client = await peers.client(resumed)
            await client.read("start_publication")
            opened = [fault for _direction, _type, fault in peers.frames(session.id, "open")]
            assert opened == [None, None, "refuse", None]

    play(scenario, faults=[rule("open", match={"from": "client"}, after=1, do={"refuse": True})])


def test_silence_relays_nothing_and_keeps_the_sockets() -> None:
    async def scenario(peers: Peers) -> None:
        async with running(peers) as session:
            peers.gateway.disturb({"silence": True}, session.id)
            await send(session, 2)
            await session.agent.send(OUTPUT, b"x", payload_type=1)
            while len(peers.frames(session.id, INPUT, OUTPUT)) < 3:
                await asyncio.sleep(0.01)
            assert {fault for _direction, _type, fault in peers.frames(session.id, INPUT, OUTPUT)} == {"silence"}
            with pytest.raises(TimeoutError):
                await session.agent.socket.receive(timeout=0.05)
            assert (await peers.session(session.id))["Status"] == "Connected"

    play(scenario)


def test_somebody_else_ends_the_session() -> None:
    async def scenario(peers: Peers) -> None:
        async with running(peers) as session:
            assert peers.gateway.disturb({"end": True}) == [session.id]
            assert (await session.agent.read()).type == "channel_closed"
            await completed(session.control, session.id)
            await session.agent.socket.close()
            assert (await session.client.read("channel_closed")).json()["Output"] == ""
            await peers.until(session.id, "Terminated")
            assert peers.gateway.disturb({"end": True}) == []

    play(scenario)


def test_an_agent_is_told_that_nobody_listens() -> None:
    async def scenario(peers: Peers) -> None:
        async with running(peers) as session:
            await send(session, 1)
            assert await payloads(session, 1) == [b"0"]
            assert [(await session.agent.read()).type for unused in range(2)] == [
                "pause_publication",
                "start_publication",
            ]

    play(scenario, faults=[rule(do={"pause": 0.05})])


def test_a_socket_is_closed_again_and_again() -> None:
    async def scenario(peers: Peers) -> None:
        async with running(peers) as session:
            for unused in range(2):
                assert await session.client.ended() == 1000
                session.client = await peers.client(await peers.call("ResumeSession", SessionId=session.id))
            peers.world.faults.rules.clear()

    play(
        scenario,
        faults=[
            {"op": "frame:*", "every_seconds": 0.1, "do": {"close": "client"}},
            {"op": "frame:*", "every_seconds": 0.1, "match": {"session": "another"}, "do": {"cut": "agent"}},
        ],
    )


def test_a_timed_rule_is_used_up() -> None:
    async def scenario(peers: Peers) -> None:
        async with running(peers) as session:
            assert await session.client.ended() is None
            client = await peers.client(session.started)
            await client.read("start_publication")
            with pytest.raises(TimeoutError):
                await client.socket.receive(timeout=0.3)

    play(scenario, faults=[{"op": "frame:*", "every_seconds": 0.1, "times": 1, "do": {"cut": "client"}}])


def test_a_session_that_never_starts_and_one_whose_end_is_never_reported() -> None:
    async def scenario(peers: Peers) -> None:
        control = await peers.connected(NODE)
        lost = await peers.call("StartSession", Target=NODE)
        found = await peers.call("StartSession", Target=NODE)
        assert (await control.read()).json()["TaskId"] == found["SessionId"]
        await completed(control, found["SessionId"])
        await control.read("agent_task_acknowledge")
        assert (await peers.session(found["SessionId"]))["Status"] == "Connecting"
        assert peers.frames(lost["SessionId"]) == [("service to agent", "interactive_shell", "drop")]

    play(
        scenario,
        faults=[rule("interactive_shell", do={"drop": True}), rule("agent_task_complete", do={"drop": True})],
    )


def test_the_end_of_a_session_can_be_lost() -> None:
    async def scenario(peers: Peers) -> None:
        async with running(peers) as session:
            await completed(session.control, session.id)
            await session.agent.socket.close()
            await peers.until(session.id, "Terminated")
            assert await session.client.ended() == 1000
            assert peers.frames(session.id, "channel_closed") == [("service to client", "channel_closed", "drop")]

    play(scenario, faults=[rule("channel_closed", do={"drop": True})])
