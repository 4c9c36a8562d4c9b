# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test commands and files as jobs on a node of the emulator: input, output, time limits, and many side by side."""

from __future__ import annotations

import io
import os
import pwd
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ansible_collections.sessionops.aws.plugins.plugin_utils._session import jobs
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.errors import JobError, TooLongError
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.jobs import Job, pieces_of
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.lines import Answer, LineError

from emulator.testing import LocalAWS
from unit.support.session_client import Client, Told, a_client, a_node

MB = 1 << 20


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAWS]:
    with a_node() as served:
        yield served


@pytest.fixture(scope="module")
def client(aws: LocalAWS) -> Iterator[Client]:
    with a_client(aws) as opened:
        yield opened


def locally(command: str, stdin: bytes | None) -> tuple[int, bytes, bytes]:
    """Run a command as the connection ``local`` of ansible-core does."""
    done = subprocess.run(
        ["/bin/sh", "-c", command], input=b"" if stdin is None else stdin, capture_output=True, check=False, timeout=60
    )
    return done.returncode, done.stdout, done.stderr


ALL_BYTES = bytes(range(256))
AWKWARD = {
    "nothing": ("true", None),
    "every byte": ("cat", ALL_BYTES * 64),
    "every byte to both": ("tee /dev/stderr", ALL_BYTES),
    "nul bytes": ("printf 'x\\000y\\000'", None),
    "invalid utf-8": ("printf '\\377\\376\\303(\\200'", None),
    "half a character at the end": ("printf 'a\\342\\202'; printf '\\360\\237\\220' >&2", None),
    "the replacement character": ("printf '\\357\\277\\275x\\357\\277\\275'", None),
    "no newline": ("printf out; printf err >&2", None),
    "300 columns": ("head -c 300 /dev/zero | tr '\\0' W", None),
    "a long line": ("head -c 262145 /dev/zero | tr '\\0' W", None),
    "escape codes": ("printf 'a\\rb\\tc\\033[31mred\\033[0m\\033[?2004h\\033]0;t\\007'", None),
    "lines like answers": ("echo '~0 1 o - 1 00000000 QQ=='; echo '~READY'; echo '~broken'", None),
    "10 megabytes": ("head -c 10485760 /dev/zero", None),
    "exit 255": ("exit 255", None),
    "exit 1 with words": ("echo no >&2; exit 1", None),
    "killed": ("kill -KILL $$", None),
    "ended by SIGTERM": ("kill -TERM $$", None),
    "not found": ("/no/such/program", None),
    "bad syntax": ("if", None),
    "a background child": ("sleep 0.2 & echo started", None),
    "a child that lets go": ("sleep 60 >/dev/null 2>&1 </dev/null & echo $((1+1))", None),
    "input that nobody reads": ("true", b"x" * 300_000),
    "input to the end": ("wc -c", b"x" * MB),
    "interleaved": ("i=0; while [ $i -lt 200 ]; do echo o$i; echo e$i >&2; i=$((i+1)); done", None),
    "no terminal": ("test -t 0 || test -t 1 || test -t 2 || echo none; (: </dev/tty) 2>/dev/null || echo no tty", None),
    "quotes": ("""printf '%s' "it's" '"' '\\'""", None),
    "text with unicode": ("printf 'ü汉🐘'", None),
    "a closed pipe": ("yes | head -n 1", None),
}


@pytest.mark.parametrize("name", AWKWARD)
def test_a_command_gives_what_it_gives_locally(client: Client, name: str) -> None:
    """Its output is not wrapped, its input is its own, and its end is no part of its output.

    Reported in community.aws 1157, 2482, 1720, 113 and 558, ansible 31893, 44813, 472, 80863 and 81514, mitogen 732,
    and session-manager-plugin 59.
    """
    command, stdin = AWKWARD[name]
    ended = client.run(command.encode(), stdin)
    status, out, err = locally(command, stdin)
    assert (ended.status, ended.err) == (status, err)
    assert ended.out == out


def test_a_command_has_a_clean_process(client: Client) -> None:
    """Nothing of the helper is left in it (ansible 31893, 44813, amazon-ssm-agent 598, 498, mitogen 195)."""
    command = b"grep -E '^Sig(Ign|Blk)' /proc/self/status | cut -f2; ls /proc/self/fd | tr '\\n' ' '; pwd"
    ignored, blocked, *others = client.run(command).out.decode().split()
    own = 1 << 31 | 1 << 32  # two signals of the C library, which nobody can set
    assert [int(mask, 16) & ~own for mask in (ignored, blocked)] == [0, 0]
    assert others == ["0", "1", "2", "3", pwd.getpwuid(os.getuid()).pw_dir]


def test_jobs_run_side_by_side(client: Client) -> None:
    waiting = client.execute(b"read -r x; echo $x", "open")
    assert [client.run(b"echo %d" % number).out for number in range(3)] == [b"0\n", b"1\n", b"2\n"]
    assert waiting.ended is None
    client.feed(waiting, pieces_of(b"late\n"))
    client.finish(waiting)
    assert bytes(waiting.out) == b"late\n"


def test_the_helper_keeps_nothing_of_jobs_that_have_ended(client: Client) -> None:
    """One process per account was left on a node (mitogen 159, 10,000 of them)."""
    helper = int(client.run(b"echo $PPID").out)
    before = resident(helper)
    for job in [client.execute(b"echo %d" % number) for number in range(500)]:
        client.finish(job)
    assert resident(helper) - before < 4 * MB
    assert Path(f"/proc/{helper}/task/{helper}/children").read_text() == ""


def resident(process: int) -> int:
    """Return the memory of a process, in bytes."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_a_command_can_have_a_terminal(client: Client) -> None:
    """A program asks there for a password, and sees what it would see at a console. Its output is not changed."""
    asks = r"""tty >&2; printf 'a\nb\r\n\377'; read -r x </dev/tty; echo "<$x>"; stty -a | grep -o -- '-echo '; cat"""
    job = client.execute(asks.encode(), "terminal")
    while b"\xff" not in job.out:
        client.step(0.1)
    client.feed_now(job, b"secret\n")
    client.feed(job, pieces_of(b"more\n"))
    assert client.finish(job).status == 0
    lines = bytes(job.out).split(b"\n", 1)
    assert lines[0].startswith(b"/dev/pts/")
    assert lines[1] == b"a\nb\r\n\xff<secret>\n-echo \nmore\n"
    assert job.err == b""


def test_a_command_in_a_terminal_can_be_cancelled(client: Client) -> None:
    job = client.execute(b"exec sleep 1000", "terminal")
    client.step(0.1)
    client.cancel(job)
    assert client.finish(job).status in (-15, -1)  # the end of a terminal is SIGHUP


def test_a_program_that_does_not_read_blocks_nothing(aws: LocalAWS) -> None:
    """5 MB are sent to a program that never reads. Other commands run, and the program can be ended."""
    with a_client(aws) as client:
        job = client.execute(b"exec sleep 1000", "open")
        client.feed(job, pieces_of(b"x" * (5 * MB)))
        for unused in range(20):
            assert client.run(b"echo here").out == b"here\n"
        client.cancel(job)
        assert client.finish(job).status == -15
        assert client.run(b"echo still").out == b"still\n"


def test_a_command_that_takes_too_long_is_ended_and_the_session_stays(client: Client) -> None:
    """Only its own command is ended, and no other of the session (ansible 43071)."""
    other = client.execute(b"sleep 1; echo other")
    with pytest.raises(TooLongError, match=r"took longer than 0\.2 seconds, and was ended on the node"):
        client.run(b"echo $$ > /tmp/sessionops-pid; exec sleep 1000", timeout=0.2)
    client.finish(other)
    assert bytes(other.out) == b"other\n"


def test_a_command_that_may_outlive_its_limit_is_not_said_to_be_ended(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "_CANCEL_SECONDS", 0.5)
    with pytest.raises(TooLongError, match=r"took longer than 0\.2 seconds, and may still run on the node"):
        client.run(b"trap '' TERM; for i in 1 2 3 4 5 6; do sleep 0.5; done", timeout=0.2)


def test_an_error_that_ends_the_wait_ends_the_command(client: Client, tmp_path: Path) -> None:
    class WrongError(Exception):
        pass

    def refuse(unused_kind: str, unused_data: bytes) -> None:
        raise WrongError

    job = client.execute(b"echo $$; exec sleep 1000", "none", refuse)
    with pytest.raises(WrongError):
        client.finish(job)
    pid = subprocess.run(["pgrep", "-xf", "sleep 1000"], capture_output=True, text=True, check=False).stdout.split()
    deadline = time.monotonic() + 30
    while pid and time.monotonic() < deadline:
        client.step(0.05)
        pid = [each for each in pid if os.path.exists(f"/proc/{each}")]
    assert pid == []


@pytest.mark.parametrize("size", [0, 1, 1012, 32768, 3 * MB + 7])
def test_files_arrive_as_they_are(client: Client, tmp_path: Path, size: int) -> None:
    data = os.urandom(size)
    path = tmp_path / "\udcffodd näme\n"
    client.put(io.BytesIO(data), os.fsencode(path))
    assert path.read_bytes() == data
    back = io.BytesIO()
    client.get(os.fsencode(path), back)
    assert back.getvalue() == data


def test_a_file_that_cannot_be_written_or_read_is_told(client: Client, tmp_path: Path) -> None:
    attempts: tuple[tuple[Callable[[], object], str], ...] = (
        (lambda: client.put(io.BytesIO(b"x"), b"/no/such/folder/file"), "No such file or directory"),
        (lambda: client.put(io.BytesIO(b"x"), os.fsencode(tmp_path)), "Is a directory"),
        (lambda: client.get(b"/no/such/file", io.BytesIO()), "No such file or directory"),
        (lambda: client.get(os.fsencode(tmp_path), io.BytesIO()), "Is a directory"),
    )
    for work, text in attempts:
        with pytest.raises(JobError, match=text):
            work()
    assert list(tmp_path.iterdir()) == []
    assert client.run(b"echo here").out == b"here\n"


@pytest.mark.parametrize(("kinds", "kind"), [("oe", "g"), ("g", "o"), ("g", "e")])
def test_output_that_was_not_asked_for_is_refused(kinds: str, kind: str) -> None:
    given: list[bytes] = []
    job = Job(1, lambda unused, data: given.append(data), kinds)
    with pytest.raises(LineError, match="not asked for"):
        job.take(Answer(1, kind, b"x"))
    assert not given


def test_a_long_command_is_told_again_and_again(aws: LocalAWS, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user sees which host takes so long (ansible 84008)."""
    for name in ("_STILL_RUNNING", "_STEP"):
        monkeypatch.setattr(jobs, name, 0.1)
    told = Told()
    with a_client(aws, told) as client:
        client.run(b"echo x; sleep 0.5")
    assert any(re.fullmatch(r"STILL RUNNING after \d+ s, 2 bytes of output", text) for unused, text in told.lines)
