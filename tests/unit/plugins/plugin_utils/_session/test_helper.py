# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test the helper and its language on a terminal, as the agent would run them on a node."""

from __future__ import annotations

import ast
import errno
import os
import pwd
import re
import select
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.sessionops.aws.plugins.plugin_utils._session import helper as helper_module
from ansible_collections.sessionops.aws.plugins.plugin_utils._session import lines

from unit.support.helper_terminal import SOURCE, Ended, Terminal, helper_on_a_terminal
from unit.support.waiting import until

ALL_BYTES = bytes(range(256))


@pytest.fixture(scope="module")
def terminal() -> Iterator[Terminal]:
    """A helper for tests that leave nothing behind. It gets each block twice."""
    with helper_on_a_terminal(double=True) as found:
        yield found


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def processor_time(pid: int) -> float:
    """Return the seconds that a process has used a processor."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize(
    ("command", "given", "status", "out", "err"),
    [
        ("echo out; echo err >&2; exit 3", None, 3, b"out\n", b"err\n"),
        ("exit 255", None, 255, b"", b""),
        ("kill -9 $$", None, -9, b"", b""),
        ("kill -15 $$", None, -15, b"", b""),
        ("cat", None, 0, b"", b""),
        ("cat", ALL_BYTES * 300, 0, ALL_BYTES * 300, b""),
        ("cat >&2", ALL_BYTES, 0, b"", ALL_BYTES),
        ("true", b"x" * 300_000, 0, b"", b""),
        (r"printf '\0\377\303'", None, 0, b"\0\xff\xc3", b""),
        ("printf '\\033[31mred\\033[0m\\r\\n'", None, 0, b"\x1b[31mred\x1b[0m\r\n", b""),
        ("head -c 300 /dev/zero | tr '\\0' x", None, 0, b"x" * 300, b""),
        ("head -c 3000000 /dev/zero", None, 0, bytes(3_000_000), b""),
        ("echo \udcff汉", None, 0, b"\xff" + "汉\n".encode(), b""),
        ("nosuchcommand 2>/dev/null", None, 127, b"", b""),
        ("yes | head -n 1", None, 0, b"y\n", b""),
    ],
)
def test_a_command_gives_its_exact_output_and_status(
    terminal: Terminal, command: str, given: bytes | None, status: int, out: bytes, err: bytes
) -> None:
    assert terminal.run(command, given) == Ended({"rc": status, "cancelled": False}, out, err)


def test_hello_says_who_runs_where(terminal: Terminal) -> None:
    said = terminal.answer(terminal.begin("hello"), "h").said()
    assert said["uid"] == os.getuid()
    assert said["system"] == os.uname().sysname
    assert Path(said["home"]) == Path(said["cwd"])
    assert re.fullmatch(r"3\.\d+\.\d+", said["python"])


def test_a_command_gets_a_clean_slate(terminal: Terminal) -> None:
    """Limits, mask and descriptors are those of the node (mitogen 435, 195, amazon-ssm-agent 598)."""
    found = terminal.run(
        "tty; ls /proc/self/fd; grep -hoP 'Sig(Ign|Blk):\\t\\K.*' /proc/self/status; ps -o sid= -o pid= $$"
    )
    assert b"not a tty" in found.out
    # ls has the folder open itself.
    assert found.out.split(b"\n")[1:5] == [b"0", b"1", b"2", b"3"]
    blocked, ignored, session, process = found.out.split()[-4:]
    # The C library keeps two signals for itself, which no program can reset.
    of_programs = sum(1 << (number - 1) for number in signal.valid_signals())
    assert (int(blocked, 16) & of_programs, int(ignored, 16) & of_programs) == (0, 0)
    assert session == process


def test_signals_that_the_agent_ignores_are_not_ignored_in_commands() -> None:
    with helper_on_a_terminal(under=("sh", "-c", "trap '' USR2 ALRM PIPE HUP INT TERM; eval \"$0\"")) as terminal:
        assert terminal.run("kill -s USR2 $$").said["rc"] == -signal.SIGUSR2
        masks = terminal.run("grep -E 'SigBlk|SigIgn' /proc/self/status").out.split()[1::2]
        # glibc keeps two signals for itself, and lets nobody change what they do.
        known = sum(1 << number - 1 for number in signal.valid_signals())
        assert [int(mask, 16) & known for mask in masks] == [0, 0]


def test_the_helper_needs_no_newer_python_than_3_8() -> None:
    ast.parse(SOURCE, feature_version=(3, 8))


def test_jobs_run_side_by_side(terminal: Terminal) -> None:
    slow = terminal.begin("exec", command="sleep 0.5; echo slow")
    started = time.monotonic()
    assert terminal.run("echo fast").out == b"fast\n"
    assert terminal.end_of(slow).out == b"slow\n"
    assert time.monotonic() - started >= 0.3


def test_input_is_fed_while_the_command_runs(terminal: Terminal) -> None:
    job = terminal.begin("exec", command="read a; echo got $a; read b; echo got $b; cat", stdin="open")
    terminal.tell("feed", job, b"one\n")
    assert terminal.answer(job, "o").data == b"got one\n"
    terminal.tell("feed", job, b"two\nrest", end=True)
    assert terminal.end_of(job).out == b"got two\nrest"


def test_input_that_nobody_reads_blocks_nothing_and_what_was_read_is_told(terminal: Terminal) -> None:
    job = terminal.begin("exec", command="head -c 200000 >/dev/null; echo read; sleep 100", stdin="open")
    for unused in range(80):
        terminal.tell("feed", job, os.urandom(65536))
    assert terminal.answer(job, "c").said()["read"] >= 65536
    assert terminal.run("echo there").out == b"there\n"
    terminal.tell("cancel", job)
    assert terminal.end_of(job).said == {"rc": -15, "cancelled": True, "left": False}


# Waits, in a child of the command's shell, until the shell has ended.
ORPHANED = """while grep -q "^PPid:.'$$'$" /proc/$$/status; do sleep 0.02; done"""


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("trap '' TERM; sleep 100 & echo $!; wait; sleep 100", -9),
        ("sh -c 'trap \"\" TERM; echo $$; sleep 100; sleep 100' & wait", -15),
        (f"sh -c 'trap \"\" TERM; {ORPHANED}; echo $$; sleep 100; sleep 100' & exit 3", 3),
    ],
    ids=["the shell", "a child", "a child that the shell left"],
)
def test_a_cancelled_command_has_ended_when_all_its_processes_have(
    terminal: Terminal, command: str, status: int
) -> None:
    job = terminal.begin("exec", command=command)
    child = int(terminal.answer(job, "o").data)
    started = time.monotonic()
    terminal.tell("cancel", job)
    assert terminal.end_of(job).said == {"rc": status, "cancelled": True, "left": False}
    assert not is_running(child)
    assert time.monotonic() - started >= 4


def test_the_number_of_a_command_stays_its_own_until_the_job_ends(terminal: Terminal) -> None:
    """Otherwise a signal could reach a group of others, which got the same number."""
    job = terminal.begin("exec", command="setsid sleep 100 & echo $! $$")
    child, shell = map(int, terminal.answer(job, "o").data.split())
    until(lambda: not is_running(shell), seconds=10)
    assert terminal.run("true").said["rc"] == 0
    assert Path(f"/proc/{shell}").exists()
    terminal.tell("cancel", job)
    assert terminal.end_of(job).said == {"rc": 0, "cancelled": True, "left": False}
    os.kill(child, signal.SIGKILL)


# Root without this capability can signal other users as little as a user can signal what became root under sudo.
WITHOUT_KILL = ("setpriv", "--bounding-set=-kill", "--inh-caps=-kill", "sh", "-c")
AS_ANOTHER_USER = f"setpriv --reuid={pwd.getpwnam('nobody').pw_uid} --clear-groups"
needs_root = pytest.mark.skipif(os.getuid() != 0 or not shutil.which("setpriv"), reason="needs root and setpriv")


@needs_root
@pytest.mark.parametrize(
    ("command", "said"),
    [
        (f"exec {AS_ANOTHER_USER} sh -c 'echo $$; exec sleep 100'", {"error": "cancelled"}),
        (f"{AS_ANOTHER_USER} sh -c 'echo $$; exec sleep 100'; true", {"rc": -15}),
    ],
    ids=["all", "a child"],
)
def test_processes_that_cannot_be_signalled_are_told_and_not_waited_for(command: str, said: dict[str, object]) -> None:
    with helper_on_a_terminal(under=WITHOUT_KILL) as terminal:
        slow = terminal.begin("exec", command="trap '' TERM; echo started; sleep 100; sleep 100")
        terminal.answer(slow, "o")
        job = terminal.begin("exec", command=command)
        process = int(terminal.answer(job, "o").data)
        for each in (slow, job):
            terminal.tell("cancel", each)
        first = terminal.next_end()
        assert (first.job, first.said()) == (job, {**said, "cancelled": True, "left": True})
        assert is_running(process)
        os.kill(process, signal.SIGKILL)


@needs_root
def test_a_program_that_cannot_be_signalled_loses_its_input(tmp_path: Path) -> None:
    """This ends what waits for a password."""
    with helper_on_a_terminal(under=WITHOUT_KILL) as terminal:
        job = terminal.begin("exec", command=f"{AS_ANOTHER_USER} sh -c 'echo ready; exec cat'; true", stdin="open")
        terminal.answer(job, "o")
        terminal.tell("cancel", job)
        assert terminal.end_of(job).said == {"rc": -15, "cancelled": True, "left": False}


def test_a_process_that_nobody_reaps_does_not_run() -> None:
    process = subprocess.Popen(["sleep", "100"], start_new_session=True)
    assert helper_module.is_running(process.pid)
    process.send_signal(signal.SIGKILL)
    until(lambda: not is_running(process.pid), seconds=10)
    os.killpg(process.pid, 0)
    assert not helper_module.is_running(process.pid)
    process.wait()
    assert not helper_module.is_running(process.pid)


def test_a_child_that_holds_the_output_is_waited_for(terminal: Terminal) -> None:
    """It is waited for, as over ssh (ansible 80863, 81514, 5923)."""
    started = time.monotonic()
    assert terminal.run("(sleep 0.5; echo late) & echo early").out == b"early\nlate\n"
    assert time.monotonic() - started >= 0.4
    left = int(terminal.run("sleep 100 >/dev/null 2>&1 & echo $!").out)
    assert terminal.run("true").said["rc"] == 0
    assert is_running(left)
    os.kill(left, signal.SIGKILL)


@pytest.mark.parametrize("size", [0, 1, 65536, 300_001])
def test_a_file_is_put_and_got_byte_by_byte(terminal: Terminal, tmp_path: Path, size: int) -> None:
    data, path = os.urandom(size), tmp_path / "it's ü \udcff"
    assert terminal.put(path, data, mode=0o640).said == {"size": size}
    assert path.read_bytes() == data
    assert path.stat().st_mode & 0o7777 == 0o640
    found = terminal.end_of(terminal.begin("get", path=lines.encoded_path(os.fsencode(path))))
    assert found.out == data
    assert (found.said["size"], found.said["mode"]) == (size, 0o640)
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("changed", [{"sha256": "0" * 64}, {"size": 3}])
def test_a_damaged_file_leaves_the_old_one(terminal: Terminal, tmp_path: Path, changed: dict[str, object]) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    assert terminal.put(path, b"new!", **changed).said == {"error": "the file arrived damaged"}
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_file_that_is_dropped_leaves_nothing(terminal: Terminal, tmp_path: Path) -> None:
    job = terminal.begin("put", path=str(tmp_path / "file"), size=10, sha256="")
    terminal.tell("feed", job, b"12345")
    assert terminal.run("true").said["rc"] == 0
    assert len(os.listdir(tmp_path)) == 1
    terminal.tell("drop", job)
    assert terminal.run("true").said["rc"] == 0
    assert os.listdir(tmp_path) == []


def test_the_mode_of_a_file_is_kept_if_none_is_given(terminal: Terminal, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(0o751)
    (tmp_path / "link").symlink_to("file")
    assert "error" not in terminal.put(tmp_path / "link", b"new", mode=None).said
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o751


def test_a_file_may_have_the_longest_name(terminal: Terminal, tmp_path: Path) -> None:
    path = tmp_path / ("x" * 255)
    assert "error" not in terminal.put(path, b"new").said
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize(
    ("do", "path", "why"),
    [
        ("put", "/nosuch/file", "No such file or directory"),
        ("put", "/", "Is a directory"),
        ("get", "/nosuch", "No such file or directory"),
        ("get", "/etc", "Is a directory"),
        ("put", "/dev/null", "it is not a regular file"),
        ("get", "/dev/null", "it is not a regular file"),
    ],
)
def test_what_cannot_begin_says_so(terminal: Terminal, do: str, path: str, why: str) -> None:
    job = terminal.begin(do, path=path, size=1, sha256="")
    assert terminal.end_of(job).said == {"error": why, "started": False}


@pytest.mark.parametrize("do", ["get", "put"])
def test_a_named_pipe_is_refused_and_blocks_nothing(tmp_path: Path, do: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    with helper_on_a_terminal() as terminal:
        for name in ("pipe", "link"):
            job = terminal.begin(do, path=str(tmp_path / name), size=1, sha256="")
            assert terminal.end_of(job).said == {"error": "it is not a regular file", "started": False}
        assert terminal.run("echo there").out == b"there\n"
    assert sorted(os.listdir(tmp_path)) == ["link", "pipe"]


def test_files_that_the_kernel_makes_are_read(terminal: Terminal) -> None:
    found = terminal.end_of(terminal.begin("get", path="/proc/version"))
    assert found.out == Path("/proc/version").read_bytes()


def test_a_request_without_meaning_fails_alone(terminal: Terminal) -> None:
    assert terminal.end_of(terminal.begin("fly")).said["started"] is False
    assert terminal.end_of(terminal.begin("exec")).said["started"] is False
    assert terminal.end_of(terminal.begin("exec", command=1)).said["started"] is False
    assert terminal.run("echo there").out == b"there\n"


def test_no_line_is_longer_than_8_kib() -> None:
    """Session logs refuse a long line, and the agent tries again for weeks (amazon-ssm-agent 452)."""
    with helper_on_a_terminal() as terminal:
        job = terminal.begin("exec", command="head -c 400000 /dev/urandom; head -c 400000 /dev/zero")
        printed = bytearray()
        while b" x " not in printed:
            printed += terminal.read()
            terminal.confirm(len(printed))
    assert job == 1
    assert 7000 < max(map(len, bytes(printed).split(b"\n"))) <= 8192


def test_no_more_is_on_its_way_than_the_client_can_miss() -> None:
    """The helper stops writing until it is told that its answers have come (amazon-ssm-agent 353, 145, 204)."""
    with helper_on_a_terminal() as terminal:
        job = terminal.begin("exec", command="head -c 3000000 /dev/urandom")
        printed = len(terminal.read())
        while select.select([terminal.fd], [], [], 0.5)[0]:
            printed += len(terminal.read())
        assert 131072 <= printed <= 131072 + 8192
        terminal.confirm(printed)
        assert terminal.read()
        terminal.tell("cancel", job)


def test_the_end_of_the_terminal_ends_the_helper_its_jobs_and_what_it_wrote(tmp_path: Path) -> None:
    """Nothing is left on the node (mitogen 1348, 571, 264)."""
    with helper_on_a_terminal() as terminal:
        job = terminal.begin("exec", command="trap '' HUP; sleep 100 & echo $!; wait")
        child = int(terminal.answer(job, "o").data)
        put = terminal.begin("put", path=str(tmp_path / "file"), size=10, sha256="")
        terminal.tell("feed", put, b"12345")
        terminal.run("true")
        assert len(os.listdir(tmp_path)) == 1
    until(lambda: not is_running(child), seconds=10)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("what", ["gap", "damage"])
def test_a_gap_or_damage_ends_the_session(what: str) -> None:
    with helper_on_a_terminal() as terminal:
        blocks = list(terminal.writer.request("hello", 1))
        if what == "gap":
            blocks = list(terminal.writer.request("hello", 2))
        else:
            blocks[0] = blocks[0][:-1] + b"?"
        terminal.send(iter(blocks))
        terminal.wait_for(b"~broken\n")


@pytest.mark.parametrize("members", [{"do": "got", "bytes": "many"}, {"do": "feed", "raw": b"unpacked", "zlib": True}])
def test_a_request_that_cannot_be_one_ends_the_session(members: dict[str, Any]) -> None:
    with helper_on_a_terminal() as terminal:
        terminal.send(terminal.writer.request(job=0, **members))
        terminal.wait_for(b"~broken\n")


@pytest.mark.parametrize(
    "line", [b"[]", b"{}", b'{"do":"x","job":"1"}', b'{"do":1,"job":1}', b'{"do":"x","job":1,"raw":""}']
)
def test_a_line_that_is_not_a_request_is_refused(line: bytes) -> None:
    with pytest.raises(helper_module.BrokenError):
        helper_module.request_in(line)


def test_jobs_for_which_the_node_has_no_room_wait_and_none_is_lost() -> None:
    # A job takes four descriptors while it runs, and more while it starts.
    with helper_on_a_terminal(under=("sh", "-c", 'ulimit -n 40; eval "$0"')) as terminal:
        assert terminal.run("ulimit -n").out == b"40\n"
        jobs = [terminal.begin("exec", command=f"sleep 0.2; echo {number}") for number in range(30)]
        assert [terminal.end_of(job).out for job in jobs] == [b"%d\n" % number for number in range(30)]


def test_a_job_that_waits_and_then_fails_does_not_hold_up_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """All wait for the last job that runs. Nothing else ends after the first of them has failed."""
    errors = iter([errno.EMFILE, errno.EMFILE, errno.ENOENT, errno.ENOENT])
    started: list[int] = []

    def start(unused_helper: object, job: int, *unused: object) -> helper_module.Job:
        if job != 1 and (error := next(errors, 0)):
            raise OSError(error, os.strerror(error))
        started.append(job)
        return helper_module.Job()

    monkeypatch.setitem(helper_module.KINDS, "exec", start)
    helper = helper_module.Helper(0, 1, 0)
    for number in (1, 2, 3):
        helper.take({"do": "exec", "job": number}, b"")
    del helper.jobs[1]
    helper.start_postponed()
    assert not helper.postponed
    assert started == [1]
    assert len(helper.answers.waiting) == 2


def test_a_job_that_waits_gets_its_input_and_can_be_cancelled() -> None:
    with helper_on_a_terminal(under=("sh", "-c", 'ulimit -n 16; eval "$0"')) as terminal:
        slow = [terminal.begin("exec", command="sleep 0.5", stdin="none") for unused in range(3)]
        fed = terminal.begin("exec", command="cat", stdin="open")
        dropped = terminal.begin("exec", command="echo never")
        terminal.tell("feed", fed, b"one ")
        terminal.tell("cancel", dropped)
        terminal.tell("feed", fed, b"two", end=True)
        assert terminal.end_of(dropped).said == {"error": "cancelled", "started": False}
        assert terminal.end_of(fed).out == b"one two"
        assert [terminal.end_of(job).said["rc"] for job in slow] == [0, 0, 0]


def test_a_helper_that_waits_takes_no_time() -> None:
    """Others burned a processor for weeks (mitogen 1348)."""
    with helper_on_a_terminal() as terminal:
        job = terminal.begin("exec", command="sleep 1")
        terminal.run("true")
        before, started = processor_time(terminal.process.pid), time.monotonic()
        terminal.end_of(job)
        # A loop that does not wait would use a whole processor.
        assert processor_time(terminal.process.pid) - before <= 0.2 * (time.monotonic() - started)


def test_variables_of_a_snap_and_bytes_in_variables_do_not_harm() -> None:
    variables = {
        b"PATH": os.environb[b"PATH"],
        b"HOME": b"/nosuch",
        b"SNAP": b"/snap/agent/1",
        b"LD_LIBRARY_PATH": b"/snap/agent/1/lib",
        b"X": b"\344",
    }
    with helper_on_a_terminal(variables=variables) as terminal:
        found = terminal.run("env; pwd")
        assert b"X=\344\n" in found.out
        assert b"SNAP" not in found.out
        assert b"LD_LIBRARY_PATH" not in found.out
        # Ansible looks for files below the account's home directory, whatever HOME was.
        home = os.fsencode(pwd.getpwuid(os.getuid()).pw_dir)
        assert b"HOME=" + home + b"\n" in found.out
        assert found.out.endswith(b"\n" + home + b"\n")


@pytest.mark.parametrize("shell", [["dash", "-c"], ["bash", "-c"], ["bash", "--posix", "-euc"]])
def test_the_bootstrap_is_short_and_runs_in_each_shell(shell: list[str]) -> None:
    assert len(lines.bootstrap()) < 1000
    assert "\n" not in lines.bootstrap()
    with helper_on_a_terminal(under=shell) as terminal:
        assert terminal.run("echo there").out == b"there\n"
        assert terminal.printed == b"~READY\n"


def test_the_bootstrap_may_be_typed_into_a_shell_that_echoes() -> None:
    terminal = Terminal("exec bash --norc -i")
    try:
        terminal.wait_for(b"$ " if os.getuid() else b"# ")
        os.write(terminal.fd, lines.bootstrap().encode() + b"\n")
        terminal.start()
        assert terminal.run("echo there").out == b"there\n"
    finally:
        terminal.close()


def test_a_python_that_is_too_old_is_passed_over(tmp_path: Path) -> None:
    for name, status in (("python3", 1), ("python3.9", 0)):
        (tmp_path / name).write_text(f'#!/bin/sh\n[ {status} = 1 ] && exit 1\nexec /usr/bin/env -S python3 "$@"\n')
        (tmp_path / name).chmod(0o755)
    command = lines.bootstrap([str(tmp_path / "python3"), "/nosuch/python", str(tmp_path / "python3.9")])
    terminal = Terminal(command)
    try:
        terminal.start()
        assert terminal.run("echo there").out == b"there\n"
    finally:
        terminal.close()


def test_a_node_without_python_says_so() -> None:
    terminal = Terminal(lines.bootstrap(["/nosuch/python3"]))
    try:
        terminal.wait_for(lines.NO_PYTHON + b"\n")
        os.write(terminal.fd, b"echo from the loop\n")
        terminal.wait_for(b"from the loop")
    finally:
        terminal.close()


def test_a_pipe_that_an_earlier_event_closed_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both pipes are readable at once, and what reads one closes the other."""
    monkeypatch.setattr(os, "environb", {})
    helper = helper_module.Helper(os.open(os.devnull, os.O_RDONLY), os.open(os.devnull, os.O_WRONLY), 0)
    pipes = []
    for unused in range(2):
        reader, writer = os.pipe()
        os.write(writer, b"x")
        os.close(writer)
        pipes.append(os.fdopen(reader, "rb", buffering=0))

    def close_both(unused: object) -> None:
        for pipe in pipes:
            helper.forget(pipe)
            pipe.close()

    for pipe in pipes:
        helper.watch(pipe, selectors.EVENT_READ, close_both)
    helper.step()
    assert all(pipe.closed for pipe in pipes)
    helper.selector.close()
    os.close(helper.source)
    os.close(helper.answers.fd)
