# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test sessions on a terminal, with a node in a process of its own."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import time
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator.node.part import NodeProcesses
from unit.support.node_peer import (
    NODE,
    OUTPUT,
    REGION,
    SIZE,
    Peer,
    PeerSession,
    Run,
    content,
    interactive,
    shared_stage,
    stage,
)

FAST = {"fast": True}
RAW = "stty raw -echo; echo ready; exec "


@pytest.fixture(scope="module")
def node() -> Iterator[Run]:
    with shared_stage(FAST) as run_on_it:
        yield run_on_it


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(test)


async def ready(peer: Peer, command: str) -> PeerSession:
    """Begin a session whose terminal is raw, and wait until it is."""
    session = await peer.begin(interactive(RAW + command))
    await session.until(lambda: b"ready" in session.output)
    return session


def exists(pid: bytes | int) -> bool:
    return Path(f"/proc/{int(pid)}").exists()


async def gone(pid: bytes | int) -> None:
    async with asyncio.timeout(30):
        while exists(pid):
            await asyncio.sleep(0.01)


async def written(path: Path, size: int) -> bytes:
    """Wait until a program has written this much to a file, and return what is in it.

    An acknowledgement says only that the program could read it.
    """
    async with asyncio.timeout(30):
        while len(path.read_bytes()) < size:
            await asyncio.sleep(0.01)
    return path.read_bytes()


# --- bytes ------------------------------------------------------------------------------------------


def test_a_raw_terminal_is_clean_for_input_and_for_text(node: Run) -> None:
    data = bytes(range(256)) * 64

    async def test(peer: Peer) -> None:
        session = await ready(peer, f"sh -c 'head -c {len(data)} | sha256sum'")
        for start in range(0, len(data), 1024):
            await session.send(data[start : start + 1024])
        done = await session.ended()
        assert hashlib.sha256(data).hexdigest().encode() in session.output
        assert sorted(session.acknowledged) == list(range(len(data) // 1024))
        assert (done["FinalTaskStatus"], done["Output"]) == ("Success", "")
        assert session.states == ["Connected", "Terminating"]

    node(test)


def test_messages_have_at_most_1024_bytes_and_none_is_empty(node: Run) -> None:
    async def test(peer: Peer) -> None:
        session = await peer.begin(interactive("stty raw; head -c 5000 /dev/zero | tr '\\0' x; printf '\\377'"))
        await session.ended()
        assert session.output == b"x" * 5000
        sizes = [len(message.payload) for message in session.received]
        assert min(sizes) > 0 and max(sizes) <= 1024
        assert [message.flags for message in session.received] == [1] + [0] * (len(sizes) - 1)
        assert sorted(message.sequence for message in session.received) == list(range(len(sizes)))

    node(test)


def test_output_that_is_no_text_is_damaged(node: Run) -> None:
    async def test(peer: Peer) -> None:
        session = await peer.begin(interactive("stty raw; printf 'a\\377bcd\\357\\277\\275efg\\377'; sleep 0.1"))
        await session.ended()
        assert session.output == b"a\xffbcd\xefefg"

    node(test)


def test_the_first_output_takes_a_second() -> None:
    async def test() -> None:
        async with stage({}) as peer:
            session = await peer.begin(interactive("echo one"))
            began = time.monotonic()
            await session.until(lambda: b"one" in session.output)
            # The socket may have been open for a moment when the clock was read.
            assert time.monotonic() - began > 0.8

    run(test())


# --- acknowledgements -------------------------------------------------------------------------------


def test_a_program_that_does_not_read_blocks_its_own_session_only(node: Run) -> None:
    async def test(peer: Peer) -> None:
        stuck = await ready(peer, "sleep 300")
        for unused in range(200):
            await stuck.send(b"x" * 1024)
        await stuck.say("channel_closed")
        other = await peer.begin(interactive("echo fine"))
        await other.ended()
        assert b"fine" in other.output
        assert 0 < len(stuck.acknowledged) < 200 and stuck.completion is None
        await peer.end(stuck)
        assert (await stuck.ended())["FinalTaskStatus"] == "Success"
        assert len(stuck.acknowledged) < 200

    node(test)


def test_messages_out_of_order_and_doubled_ones_are_acknowledged(node: Run) -> None:
    async def test(peer: Peer) -> None:
        session = await ready(peer, "head -c 6")
        await session.send(b"cd", number=1)
        await session.until(lambda: session.acknowledged == [1])
        first = await session.send(b"ab", number=0)
        await session.until(lambda: session.acknowledged == [1, 0])
        await session.repeat(first)
        await session.until(lambda: session.acknowledged == [1, 0, 0])
        await session.send(b"ef", number=2)
        await session.ended()
        assert session.output.endswith(b"abcdef")

    node(test)


def test_output_is_resent_until_it_is_acknowledged(node: Run) -> None:
    async def test(peer: Peer) -> None:
        session = await peer.push(interactive("echo one; read x"))
        session.silent = True
        await session.until(lambda: len(session.received) >= 3)
        assert len({message.id for message in session.received}) == 1
        session.silent = False
        await session.until(lambda: session.sockets)
        await session.send(b"\n")
        assert (await session.ended())["FinalTaskStatus"] == "Success"

    node(test)


def test_input_before_the_program_has_started_is_not_acknowledged() -> None:
    async def test() -> None:
        async with stage({**FAST, "marker_delay_seconds": 0.5}) as peer:
            session = await peer.begin(interactive(RAW + "head -c 4"))
            early = await session.send(b"late")
            await session.until(lambda: b"ready" in session.output)
            assert session.acknowledged == []
            await session.repeat(early)
            await session.ended()
            assert session.output.endswith(b"late") and session.acknowledged == [0]

    run(test())


# --- sockets that end -------------------------------------------------------------------------------


@pytest.mark.parametrize("double", [True, False])
def test_a_message_is_doubled_when_its_socket_is_closed(tmp_path: Path, double: bool) -> None:
    path = tmp_path / "taken"

    async def test() -> None:
        async with stage({**FAST, "double_on_close": double}) as peer:
            session = await ready(peer, f"cat > {path}")
            # While the node is stopped, all of this waits in its socket.
            await peer.nodes.pause(REGION, NODE)
            (pid,) = peer.nodes.processes()
            async with asyncio.timeout(30):
                while Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] not in "Tt":
                    await asyncio.sleep(0.01)
            for number in range(20):
                await session.send(b"%02d" % number)
            closing = asyncio.create_task(session.sockets[0].close(code=1000))
            await asyncio.sleep(0.05)
            await peer.nodes.resume(REGION, NODE)
            await closing
            await session.until(lambda: len(session.sockets) == 2)
            assert session.hellos[0]["TokenValue"] != session.hellos[1]["TokenValue"]
            for message in session.unacknowledged:
                await session.repeat(message)
            await session.until(lambda: len(set(session.acknowledged)) == 20)
            taken = b"".join(b"%02d" % number for number in range(20))
            wanted = b"00" + taken if double else taken
            assert await written(path, len(wanted)) == wanted

    run(test())


def test_an_aborted_socket_loses_nothing(node: Run, tmp_path: Path) -> None:
    path = tmp_path / "taken"

    async def test(peer: Peer) -> None:
        session = await ready(peer, f"cat > {path}")
        for number in range(200):
            await session.send(b"%04d" % number)
            if number == 150:
                transport = session.sockets[0]._req.transport  # type: ignore[union-attr] # it is open
                assert transport is not None
                transport.abort()
                await session.until(lambda: len(session.sockets) == 2)
        while session.unacknowledged:
            for message in session.unacknowledged:
                await session.repeat(message)
            await asyncio.sleep(0.05)
        await written(path, 800)
        await session.send(b"0200")
        async with asyncio.timeout(30):
            while not path.read_bytes().endswith(b"0200"):
                await asyncio.sleep(0.01)
        numbers = [int(each) for each in re.findall(b"....", path.read_bytes())]
        assert sorted(set(numbers)) == list(range(201))
        assert numbers == sorted(numbers) and len(numbers) <= 202

    node(test)


def test_output_goes_on_on_the_next_socket(node: Run) -> None:
    async def test(peer: Peer) -> None:
        session = await ready(peer, "cat")
        await session.send(b"one")
        await session.until(lambda: session.output.endswith(b"one"))
        await session.sockets[0].close()
        await session.until(lambda: len(session.sockets) == 2)
        await session.send(b"two")
        await session.until(lambda: session.output.endswith(b"onetwo"))
        numbers = [message.sequence for message in session.received]
        assert sorted(set(numbers)) == list(range(len(set(numbers))))

    node(test)


def test_a_pause_holds_the_output_back(node: Run, tmp_path: Path) -> None:
    flag = tmp_path / "flag"

    async def test(peer: Peer) -> None:
        command = f"echo ready; while [ ! -e {flag} ]; do sleep 0.02; done; echo late; sleep 300"
        session = await peer.begin(interactive(command))
        await session.until(lambda: b"ready" in session.output)
        await session.say("pause_publication")
        await asyncio.sleep(0.3)
        flag.touch()
        await asyncio.sleep(0.3)
        assert b"late" not in session.output
        await session.say("start_publication")
        await session.until(lambda: b"late" in session.output)

    node(test)


# --- the end ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["data channel", "control channel"])
def test_what_left_its_group_lives_on_until_the_node_ends(by: str) -> None:
    async def test() -> None:
        async with stage(FAST) as peer:
            command = "setsid sh -c 'echo apart $$ end; exec sleep 300' & echo program $$ end; exec sleep 300"
            session = await peer.begin(interactive(command))
            await session.until(lambda: session.output.count(b"end") == 2)
            apart, program = (re.findall(name + rb" (\d+)", session.output)[0] for name in (b"apart", b"program"))
            await (session.say("channel_closed") if by == "data channel" else peer.end(session))
            assert (await session.ended())["FinalTaskStatus"] == "Success"
            assert not exists(program) and exists(apart)
        await gone(apart)

    run(test())


def test_what_runs_on_the_terminal_is_hung_up(node: Run) -> None:
    async def test(peer: Peer) -> None:
        session = await peer.begin(interactive("sleep 300 & echo pid $! end; read x"))
        await session.until(lambda: b"end" in session.output)
        pid = session.output.split()[-2]
        await session.say("channel_closed")
        await session.ended()
        await gone(pid)

    node(test)


# --- surroundings -----------------------------------------------------------------------------------


def test_the_surroundings_of_a_program(tmp_path: Path) -> None:
    agent = {
        **FAST,
        "environment": {"NAME": "caf\udce9"},
        "path": "/usr/bin:/bin",
        "home": "/nowhere",
        "cwd": str(tmp_path),
        "open_files": 64,
        "mask": "027",
    }
    command = (
        'echo "$TERM:$LANG:$PATH:$HOME:$(pwd):$(ulimit -n):$(umask)"; tty; env | grep -c AWS; printf %s "$NAME" | od -c'
    )

    async def test() -> None:
        async with stage(agent) as peer:
            session = await peer.begin(interactive(command))
            await session.ended()
            lines = session.output.decode().splitlines()
            assert lines[0] == f"xterm-256color:C.UTF-8:/usr/bin:/bin:/nowhere:{tmp_path}:64:0027"
            assert lines[1].startswith("/dev/pts/") and lines[2] == "0"
            assert lines[3].split() == ["0000000", "c", "a", "f", "351"]

    run(test())


def test_the_size_of_the_terminal(node: Run) -> None:
    async def test(peer: Peer) -> None:
        session = await peer.begin(interactive("echo ready; read x; stty size"))
        await session.until(lambda: b"ready" in session.output)
        await session.send(b'{"cols": 123, "rows": 45}', SIZE)
        await session.send(b"\n")
        await session.ended()
        assert b"45 123" in session.output

    node(test)


def test_a_shell_has_its_profile_typed_in() -> None:
    async def test() -> None:
        async with stage({**FAST, "banner": "Authorized users only.\n"}) as peer:
            profile = {"shellProfile": {"linux": "echo profile-$((1 + 1))"}}
            session = await peer.begin(content("Standard_Stream", profile, commands="echo never"))
            await session.until(lambda: b"profile-2" in session.output)
            assert session.received[0].payload == b"Authorized users only.\n"
            await session.send(b"exit 3\n")
            assert (await session.ended())["FinalTaskStatus"] == "Success"
            assert b"never" not in session.output
            assert {message.payload_type for message in session.received} == {OUTPUT}

    run(test())


@pytest.mark.skipif(os.getuid() != 0, reason="only root can run programs as another user")
def test_another_user() -> None:
    async def test() -> None:
        async with stage({**FAST, "run_as": "nobody"}) as peer:
            command = "echo $(id -un) $(id -G) $HOME"
            session = await peer.begin(interactive(command))
            await session.ended()
            assert session.output.split() == [b"nobody", b"65534", b"/home/nobody"]
            elevated = await peer.begin(content("InteractiveCommands", {}, commands=command, runAsElevated=True))
            await elevated.ended()
            assert elevated.output.split()[0] == b"root"

    run(test())


# --- sessions that cannot start ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("agent", "text"),
    [
        (
            {"run_as": "no-such-user"},
            "Unable to start command: failed to start pty since RunAs user no-such-user does not exist\n",
        ),
        (
            {"fail_start": "Plugin with name InteractiveCommands not found"},
            "Plugin with name InteractiveCommands not found",
        ),
        (
            {"cwd": "/no/such"},
            "Unable to start command: Failed to start pty: fork/exec sh: no such file or directory\n\n",
        ),
    ],
)
def test_an_agent_that_cannot_start_a_session(agent: dict[str, Any], text: str) -> None:
    async def test() -> None:
        async with stage({**FAST, **agent}) as peer:
            session = await peer.push(interactive("true"))
            done = await session.ended()
            assert (done["FinalTaskStatus"], done["Output"]) == ("Failed", text)
            assert "Terminating" not in session.states

    run(test())


def test_a_document_that_cannot_start(node: Run) -> None:
    wrong = {
        "This node is emulated and does not forward ports.": content("Port", {}, portNumber="22"),
        "Plugin with name Nothing not found": content("Nothing", {}),
        "Commands cannot be empty for session type InteractiveCommands": interactive(" "),
        "Unable to start command: please set the RunAs default user\n": interactive("true", runAsEnabled=True),
    }

    async def test(peer: Peer) -> None:
        for text, said in wrong.items():
            session = await peer.push(said)
            done = await session.ended()
            assert (done["FinalTaskStatus"], done["Output"]) == ("Failed", text)

    node(test)


def test_many_sessions_at_once(node: Run) -> None:
    async def test(peer: Peer) -> None:
        sessions = [await peer.push(interactive(f"echo number {number}")) for number in range(10)]
        for number, session in enumerate(sessions):
            await session.ended()
            assert b"number %d" % number in session.output
        assert isinstance(peer.nodes, NodeProcesses)

    node(test)
