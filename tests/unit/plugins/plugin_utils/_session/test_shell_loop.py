# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test the loop for nodes without Python, in the shells that nodes have."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator

import pytest
from ansible_collections.sessionops.aws.plugins.plugin_utils._session import frames, lines, shell_loop

from unit.support.helper_terminal import Terminal

SHELLS = [["dash", "-c"], ["bash", "-c"], ["bash", "--posix", "-c"]]
ALL_BUT_NUL = bytes(range(1, 256))


@pytest.fixture(scope="module", params=SHELLS, ids=" ".join)
def node(request: pytest.FixtureRequest) -> Iterator[ShellNode]:
    terminal = Terminal(lines.bootstrap(["/nosuch/python3"]), under=request.param)
    try:
        terminal.wait_for(lines.NO_PYTHON + b"\n")
        yield ShellNode(terminal)
    finally:
        terminal.close()


class ShellNode:
    """The loop on a terminal. It gets each line twice, as the agent may write a message."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._writer = shell_loop.ShellWriter()
        self._reader = shell_loop.ShellReader()
        os.write(terminal.fd, shell_loop.LOOP.encode() + b"\n")

    def run(self, command: bytes) -> shell_loop.Ended:
        for line in self._writer.command(command):
            assert len(line) <= frames.MAX_PAYLOAD
            os.write(self._terminal.fd, line * 2)
        ended: list[shell_loop.Ended] = []
        while not ended:
            ended = self._reader.feed(self._terminal.read())
        return ended[0]


@pytest.mark.parametrize(
    ("command", "status", "out", "err"),
    [
        (b"echo out; echo err >&2; exit 3", 3, b"out\n", b"err\n"),
        (b"printf '\\000\\377'", 0, b"\0\xff", b""),
        (b"cat", 0, b"", b""),
        (b"kill -9 $$", 137, b"", b""),
        (b"exit 255", 255, b"", b""),
        (b"", 0, b"", b""),
        (b"printf %s '" + ALL_BUT_NUL.replace(b"'", b"") + b"'", 0, ALL_BUT_NUL.replace(b"'", b""), b""),
        (b"printf %s '" + b"x" * 5000 + b"'", 0, b"x" * 5000, b""),
        (b"exec 4>&1 2>/dev/null; echo hidden; nosuchcommand", 127, b"hidden\n", b""),
    ],
)
def test_a_command_gives_its_exact_output_and_status(
    node: ShellNode, command: bytes, status: int, out: bytes, err: bytes
) -> None:
    assert node.run(command) == shell_loop.Ended(status, out, err)


def test_a_part_that_is_lost_or_damaged_ends_the_session() -> None:
    for damaged in (b"1 4294967295 - \n", b"0 1 - true\n"):
        node = subprocess.run(
            ["sh", "-c", shell_loop.LOOP], input=damaged, stdout=subprocess.PIPE, timeout=30, check=False
        )
        assert node.stdout == b"~broken\n"
        with pytest.raises(shell_loop.ShellError, match="lost a part"):
            shell_loop.ShellReader().feed(node.stdout)


@pytest.mark.parametrize("data", [b"", b"a", ALL_BUT_NUL * 3])
def test_the_checksum_is_that_of_cksum(data: bytes) -> None:
    assert shutil.which("cksum")
    printed = subprocess.run(["cksum"], input=data, stdout=subprocess.PIPE, check=True).stdout
    assert shell_loop.cksum(data) == int(printed.split()[0])


def test_the_loop_is_one_line() -> None:
    assert "\n" not in shell_loop.LOOP
    assert len(shell_loop.LOOP) < 1024
