# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test sessions of NonInteractiveCommands, with a node in a process of its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from unit.support.node_peer import (
    COMPLETE,
    EXIT_CODE,
    OUTPUT,
    REQUEST,
    STD_ERR,
    Peer,
    PeerSession,
    Run,
    content,
    separate,
    shared_stage,
)

FAST = {"fast": True}


@pytest.fixture(scope="module")
def node() -> Iterator[Run]:
    with shared_stage(FAST) as run_on_it:
        yield run_on_it


async def complete(peer: Peer, said: dict[str, Any], version: str = "1.2.694.0") -> tuple[PeerSession, dict[str, Any]]:
    """Run a command to its end."""
    session = await peer.begin(said)
    await session.shake_hands(version)
    return session, await session.ended()


def test_the_handshake(node: Run) -> None:
    async def test(peer: Peer) -> None:
        session, unused = await complete(peer, separate("true"))
        first = session.received[0]
        assert (first.payload_type, first.sequence, first.flags) == (REQUEST, 0, 1)
        assert json.loads(first.payload) == {
            "AgentVersion": "3.3.1611.0",
            "RequestedClientActions": [
                {
                    "ActionType": "SessionType",
                    "ActionParameters": {"SessionType": "NonInteractiveCommands", "Properties": None},
                }
            ],
        }
        said = json.loads(session.payload(COMPLETE))
        assert said["HandshakeTimeToComplete"] > 0 and said["CustomerMessage"] == ""
        old, unused = await complete(peer, separate("true"), "1.2.295.0")
        assert "Please update session manager plugin" in old.payload(COMPLETE).decode()

    node(test)


def test_exit_codes_and_both_outputs(node: Run) -> None:
    async def test(peer: Peer) -> None:
        session, done = await complete(peer, separate("sh -c 'echo out {{word}}; echo err >&2; exit 7'"))
        assert (session.output, session.payload(STD_ERR)) == (b"out standard\n", b"err\n")
        assert session.payload(EXIT_CODE) == b"EXIT_CODE: 7"
        assert session.states == ["Connected", "Terminating"] and done["FinalTaskStatus"] == "Success"
        session, unused = await complete(peer, separate("sh -c 'kill -9 $$'"))
        assert session.payload(EXIT_CODE) == b"EXIT_CODE: -1"
        # There is no input, and no shell.
        session, unused = await complete(peer, separate("cat"))
        assert (session.output, session.payload(EXIT_CODE)) == (b"", b"EXIT_CODE: 0")
        session, unused = await complete(peer, separate("echo $HOME ; exit"))
        assert session.output == b"$HOME ; exit\n"

    node(test)


def test_commands_that_cannot_start(node: Run) -> None:
    async def test(peer: Peer) -> None:
        session, done = await complete(peer, separate("no-such-program x"))
        text = 'Error occurred starting the command: exec: "no-such-program": executable file not found in $PATH\n'
        assert (session.payload(EXIT_CODE), session.payload(STD_ERR)) == (b"EXIT_CODE: 1", text.encode())
        assert (done["FinalTaskStatus"], done["Output"]) == ("Failed", text)
        session, done = await complete(peer, separate("echo 'x"))
        text = "Unable to start command: Failed to parse commands input: EOF found when expecting closing quote\n\n"
        assert (session.payload(EXIT_CODE), session.payload(STD_ERR)) == (b"", text.encode())
        assert (done["FinalTaskStatus"], done["Output"]) == ("Failed", text)

    node(test)


def test_a_client_that_cannot_do_the_handshake(node: Run) -> None:
    async def test(peer: Peer) -> None:
        session = await peer.begin(separate("echo never"))
        await session.shake_hands(status=3)
        done = await session.ended()
        assert done["FinalTaskStatus"] == "Failed"
        assert done["Output"] == (
            "Encountered error while initiating handshake. SessionType failed on client with status 3 error: no"
        )
        assert session.output == b""

    node(test)


def test_input_before_the_handshake_is_lost_and_control_characters_are_signals(node: Run) -> None:
    script = 'trap "echo got; exit 3" INT; echo ready; while :; do sleep 0.02; done'

    async def test(peer: Peer) -> None:
        session = await peer.begin(separate(f"sh -c '{script}'"))
        await session.until(lambda: session.payload(REQUEST))
        await session.send(b"\x03")
        await session.until(lambda: session.acknowledged == [0])
        await session.shake_hands()
        await session.until(lambda: b"ready" in session.output)
        await session.send(b"text")
        await session.until(lambda: session.acknowledged == [0, 1, 2])
        assert b"got" not in session.output
        await session.send(b"a\x03")
        await session.ended()
        assert session.output == b"ready\ngot\n" and session.payload(EXIT_CODE) == b"EXIT_CODE: 3"

    node(test)


def test_output_that_is_not_separate_comes_at_the_end_without_an_exit_code(node: Run) -> None:
    async def test(peer: Peer) -> None:
        script = "sh -c 'echo out; echo err >&2; exit 7'"
        session, done = await complete(peer, content("NonInteractiveCommands", {}, commands=script))
        assert session.output == b"out\nerr\n" and done["FinalTaskStatus"] == "Success"
        assert {message.payload_type for message in session.received} == {REQUEST, COMPLETE, OUTPUT}
        session, done = await complete(peer, content("NonInteractiveCommands", {}, commands="no-such-program"))
        assert b"executable file not found" in session.payload(STD_ERR) and session.payload(EXIT_CODE) == b""

    node(test)


def test_prefixes(node: Run) -> None:
    async def test(peer: Peer) -> None:
        script = "sh -c 'echo one; sleep 0.1; printf two; sleep 0.1; echo three; echo four >&2'"
        said = separate(script, stdOutSeparatorPrefix="o:", stdErrSeparatorPrefix="e:")
        session, unused = await complete(peer, said)
        assert (session.output, session.payload(STD_ERR)) == (b"o:one\no:twothree\n", b"e:four\n")

    node(test)


def test_a_pause_loses_the_rest_of_the_output(node: Run, tmp_path: Path) -> None:
    script = "echo one; " + "".join(
        f"while [ ! -e {tmp_path}/{each} ]; do sleep 0.02; done; echo {each}; " for each in "ab"
    )

    async def test(peer: Peer) -> None:
        session = await peer.begin(separate(f"sh -c '{script} exit 5'"))
        await session.shake_hands()
        await session.until(lambda: b"one" in session.output)
        await session.say("pause_publication")
        await asyncio.sleep(0.3)
        (tmp_path / "a").touch()
        await asyncio.sleep(0.3)
        await session.say("start_publication")
        (tmp_path / "b").touch()
        done = await session.ended()
        # If the pause comes before the node waits for more output, it also loses the line that it would have kept.
        assert session.output in (b"one\na\n", b"one\n") and session.payload(EXIT_CODE) == b"EXIT_CODE: 5"
        assert done["FinalTaskStatus"] == "Failed"

    node(test)


@pytest.mark.parametrize("properties", [{"separateOutputStream": True}, {}])
def test_the_end_of_a_session_kills_its_command(node: Run, properties: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "pid"
    said = content("NonInteractiveCommands", {}, commands=f"sh -c 'echo $$ > {path}; exec sleep 300'", **properties)

    async def test(peer: Peer) -> None:
        session = await peer.begin(said)
        await session.shake_hands()
        async with asyncio.timeout(30):
            while not path.exists() or not path.read_text():
                await asyncio.sleep(0.01)
        await session.say("channel_closed")
        assert (await session.ended())["FinalTaskStatus"] == "Success"
        assert not Path(f"/proc/{int(path.read_text())}").exists()
        assert session.payload(EXIT_CODE) == b""

    node(test)
