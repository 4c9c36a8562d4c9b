# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test the processes of nodes: how they are started, what can happen to them, and that they leave nothing behind."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any
from unittest import mock

import aiohttp
import pytest

from emulator.messages import Message
from emulator.node import part
from emulator.node.part import NodeError
from emulator.server import TOKEN_HEADER, Server
from emulator.testing import LocalAWS
from emulator.world import World
from unit.support.node_peer import NODE, REGION, Peer, interactive, stage

TESTS = Path(part.__file__).resolve().parents[2]
FAST = {"fast": True}
WORLD = {"regions": {REGION: {"nodes": [{"id": NODE, "agent": FAST}]}}}


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(test)


def exists(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def gone(pid: int) -> None:
    deadline = time.monotonic() + 30
    while exists(pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def settings(url: str, peer: Peer, **more: Any) -> bytes:
    identity = peer.world.default_identity
    given = {
        "endpoint": url,
        "region": REGION,
        "node_id": NODE,
        "access_key": identity.access_key,
        "secret_key": identity.secret_key,
        "session_token": identity.session_token,
        "agent_version": "3.3.1611.0",
        "platform": "linux",
        "agent": FAST,
        **more,
    }
    return json.dumps(given).encode() + b"\n"


def start_node() -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "emulator.node"]
    return subprocess.Popen(command, cwd=TESTS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


async def begin_sleep(peer: Peer) -> int:
    """Begin a session, and return the ID of its process, which sleeps."""
    session = await peer.begin(interactive("echo pid $$ end; exec sleep 300"))
    await session.until(lambda: b"end" in session.output)
    return int(session.output.split()[-2])


@pytest.mark.parametrize("how", ["end of stdin", "SIGTERM"])
def test_a_node_ends_with_all_that_runs_on_it(how: str) -> None:
    async def test() -> None:
        peer = Peer()
        server = Server(World(WORLD), [peer])
        await server.start()
        with start_node() as node:
            assert node.stdin is not None and node.stdout is not None
            node.stdin.write(settings(server.url, peer))
            node.stdin.flush()
            assert await asyncio.to_thread(node.stdout.readline) == b"joined\n"
            pid = await begin_sleep(peer)
            if how == "SIGTERM":
                node.terminate()
            else:
                node.stdin.close()
            assert await asyncio.to_thread(node.wait, 30) == 0
            gone(pid)
        await server.stop()

    run(test())


def test_wrong_settings_are_refused_without_their_values() -> None:
    given = {"secret_key": "hidden", "agent": {"fsat": True}}
    done = subprocess.run(
        [sys.executable, "-m", "emulator.node"],
        input=json.dumps(given).encode() + b"\n",
        cwd=TESTS,
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stderr) == (64, b"emulator.node: endpoint of the settings must be a string\n")


def test_nodes_of_an_endpoint_in_a_thread() -> None:
    peer = Peer()
    with LocalAWS(WORLD, parts=[peer, peer.nodes]):
        pids = set(peer.nodes.processes())
        assert len(pids) == 1 and all(map(exists, pids))
        assert peer.hellos[0]["AgentVersion"] == "3.3.1611.0" and peer.hellos[0]["PlatformType"] == "linux"
    assert not any(map(exists, pids)) and not peer.nodes.processes()


def test_only_nodes_with_an_agent_have_a_process() -> None:
    peer = Peer()
    with LocalAWS({"regions": {REGION: {"nodes": [{"id": NODE}]}}}, parts=[peer, peer.nodes]):
        assert not peer.nodes.processes()


def test_a_node_that_ends_before_it_joins() -> None:
    async def test() -> None:
        peer = Peer()
        server = Server(World(WORLD), [peer, peer.nodes])
        with mock.patch.object(sys, "executable", "/bin/false"):
            with pytest.raises(NodeError, match=f"^node {NODE} of {REGION} ended with status 1 before it joined"):
                await server.start()
        assert not peer.nodes.processes()

    run(test())


def test_the_control_channel_is_opened_again() -> None:
    async def test() -> None:
        async with stage({**FAST, "reconnect_seconds": 0.02}) as peer:
            session = await peer.begin(interactive("read x"))
            peer.refusing = True
            await peer.control[0].close()
            # What the node has to say waits until the channel is open.
            await session.say("channel_closed")
            await asyncio.sleep(0.1)
            peer.refusing = False
            await session.ended()
            assert len({hello["TokenValue"] for hello in peer.hellos}) == len(peer.hellos) == 2

    run(test())


def test_messages_that_a_node_cannot_use_are_ignored() -> None:
    async def test() -> None:
        async with stage(FAST) as peer:
            for frame in [
                b"",
                b"x" * 200,
                Message("interactive_shell", b"not JSON").encode(),
                Message.of_json("interactive_shell", []).encode(),
                Message.of_json("channel_closed", {"SessionId": "unknown"}).encode(),
                Message.of_json("agent_task_acknowledge", {}).encode(),
            ]:
                await peer.control[0].send_bytes(frame)
            session = await peer.begin(interactive("echo fine"))
            await session.ended()
            assert b"fine" in session.output

    run(test())


def test_what_can_happen_to_a_node() -> None:
    async def test() -> None:
        async with stage(FAST) as peer:
            (pid,) = peer.nodes.processes()
            await peer.nodes.pause(REGION, NODE)
            async with asyncio.timeout(30):
                while Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] not in "Tt":
                    await asyncio.sleep(0.01)
            await peer.nodes.resume(REGION, NODE)
            program = await begin_sleep(peer)
            await peer.nodes.restart(REGION, NODE)
            await asyncio.to_thread(gone, program)
            assert not exists(pid) and len(peer.hellos) == 2
            program = await begin_sleep(peer)
            await peer.nodes.away(REGION, NODE, 0.1)
            assert not peer.nodes.processes()
            await asyncio.to_thread(gone, program)
            await peer.until(lambda: len(peer.hellos) == 3)
            # It has said hello, and is about to be counted as back.
            await begin_sleep(peer)
            await peer.nodes.kill(REGION, NODE)
            assert not peer.nodes.processes()
            with pytest.raises(NodeError, match=r"^no process runs for node"):
                await peer.nodes.pause(REGION, NODE)
            with pytest.raises(NodeError, match=r"^i-1 of us-east-1 is not a node with an agent"):
                await peer.nodes.restart(REGION, "i-1")
            # A node that is stopped is ended too.
            await peer.nodes.restart(REGION, NODE)
            await peer.nodes.pause(REGION, NODE)
            (pid,) = peer.nodes.processes()
        assert not exists(pid)

    run(test())


def test_the_control_route() -> None:
    async def ask(aws: LocalAWS, said: Any, token: str | None = None) -> tuple[int, Any]:
        headers = {TOKEN_HEADER: aws.world.token if token is None else token}
        async with aiohttp.ClientSession() as client:
            async with client.post(f"{aws.url}/_emulator/node", json=said, headers=headers) as answer:
                return answer.status, await answer.json()

    peer = Peer()
    with LocalAWS(WORLD, parts=[peer, peer.nodes]) as aws:
        (pid,) = peer.nodes.processes()
        assert run_and_return(ask(aws, {"target": NODE, "do": "kill"}, "wrong"))[0] == 403
        assert exists(pid)
        for do in ("stop", "continue", "restart", "kill"):
            assert run_and_return(ask(aws, {"target": NODE, "do": do})) == (200, {"target": NODE})
        assert not peer.nodes.processes()
        for said, text in [
            ({"target": NODE, "do": "stop"}, "NodeError: no process runs"),
            ({"target": NODE, "do": "dance"}, "KeyError: 'dance'"),
            ({"target": NODE, "do": "away"}, "KeyError: 'seconds'"),
            ([], "AttributeError"),
        ]:
            status, answer = run_and_return(ask(aws, said))
            assert status == 400 and text in answer["error"]


def run_and_return(what: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(what)
