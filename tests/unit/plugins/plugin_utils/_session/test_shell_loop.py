# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test the loop for nodes without Python, in the shells that nodes have."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.sessionops.aws.plugins.plugin_utils._session import frames, lines, shell_loop

from unit.support.helper_terminal import Terminal
from unit.support.waiting import until

SHELLS = [
    ["dash", "-c"],
    ["bash", "-c"],
    ["bash", "--posix", "-c"],
    *([name, *more, "-c"] for name, *more in (["busybox", "sh"], ["mksh"]) if shutil.which(name)),
]
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

    def begin(self, command: bytes) -> None:
        for line in self._writer.command(command):
            assert len(line) <= frames.MAX_PAYLOAD
            os.write(self._terminal.fd, line * 2)

    def run(self, command: bytes) -> shell_loop.Ended:
        self.begin(command)
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


def test_a_command_has_no_terminal(node: ShellNode) -> None:
    """It would read requests from it, and print among the answers."""
    command = b"(: </dev/tty) 2>/dev/null || echo none; cut -d' ' -f6 /proc/$$/stat; echo $$"
    out = node.run(command).out.split()
    assert out[0] == b"none"
    assert out[1] == out[2]


def test_a_command_on_a_node_without_setsid_may_print_on_the_terminal(tmp_path: Path) -> None:
    for program in ("sh", "stty", "od", "sed", "cksum", "printf", "sleep"):
        (tmp_path / program).symlink_to(str(shutil.which(program)))
    terminal = Terminal(lines.bootstrap(["/nosuch/python3"]), variables={b"PATH": os.fsencode(tmp_path)})
    try:
        terminal.wait_for(lines.NO_PYTHON + b"\n")
        found = ShellNode(terminal).run(
            b"printf Password: >/dev/tty; echo out; sleep 0.1; printf Again: >/dev/tty; exit 3"
        )
        assert found == shell_loop.Ended(3, b"out\n", b"")
    finally:
        terminal.close()


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_the_end_of_the_session_ends_the_command(shell: list[str], tmp_path: Path) -> None:
    """The agent kills the shell, and closes the terminal."""
    terminal = Terminal(lines.bootstrap(["/nosuch/python3"]), under=shell)
    try:
        terminal.wait_for(lines.NO_PYTHON + b"\n")
        pid_file = tmp_path / "pid"
        ShellNode(terminal).begin(b"echo $$ >%s.new; mv %s.new %s; exec sleep 1000" % ((os.fsencode(pid_file),) * 3))
        until(pid_file.exists)
        pid = int(pid_file.read_text())
        terminal.process.kill()
    finally:
        terminal.close()
    until(lambda: not Path(f"/proc/{pid}").exists())


@pytest.mark.parametrize("before", [b"", b"\n", b"motd\n", b"Password: ", b"~x: ~o ~e what? ", b"~5 ~\n"])
def test_an_answer_is_found_behind_what_others_print(before: bytes) -> None:
    printed = before + b"~o 61 62.\n" + before + b"~e 63.\r\n" + before + b"~x 5 3.\n"
    assert shell_loop.ShellReader().feed(printed) == [shell_loop.Ended(3, b"ab", b"c")]


@pytest.mark.parametrize(
    "line",
    [
        b"~x 0 1000.",
        b"~x 0 -1.",
        b"~x 0 \xd9\xa1.",
        b"~x 0 .",
        b"~x 1234567890 0.",
        b"~x 0 0 0.",
        b"~o 6.",
        b"~o 6G.",
        b"~o" + b" 61" * 17 + b".",
        b"~o .",
        b"~x 1 3",
        b"~e 61  62.",
    ],
)
def test_what_the_loop_does_not_write_is_refused(line: bytes) -> None:
    with pytest.raises(shell_loop.ShellError, match="not an answer"):
        shell_loop.ShellReader().feed(line + b"\n")


@pytest.mark.parametrize("answer", [b"~o 61 62 63 64.", b"~x 5 3."])
@pytest.mark.parametrize("place", range(1, 7))
def test_nothing_is_lost_to_what_others_print_in_the_middle_of_a_line(answer: bytes, place: int) -> None:
    printed = answer[:place] + b"\r\nBroadcast message\r\n" + answer[place:] + b"\n~x 5 3.\n"
    with pytest.raises(shell_loop.ShellError, match="not an answer"):
        shell_loop.ShellReader().feed(printed)


def test_a_line_that_goes_on_and_on_is_refused() -> None:
    reader = shell_loop.ShellReader()
    for unused in range(64):
        assert reader.feed(b"x" * 1024) == []
    with pytest.raises(shell_loop.ShellError, match="too long"):
        reader.feed(b"x")


def test_a_part_that_is_lost_or_damaged_ends_the_session() -> None:
    for damaged in (b"1 4294967295 - \n", b"0 1 - true\n"):
        node = subprocess.run(
            ["sh", "-c", shell_loop.LOOP], input=damaged, stdout=subprocess.PIPE, timeout=30, check=False
        )
        assert node.stdout == b"\n~broken\n"
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
