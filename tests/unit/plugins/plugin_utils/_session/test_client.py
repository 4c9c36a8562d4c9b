# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test sessions with a node of the emulator: commands, input, files, silence, lost sockets, and every ending."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import os
import pwd
import re
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import pytest
from ansible_collections.sessionops.aws.plugins.plugin_utils._session import channel
from ansible_collections.sessionops.aws.plugins.plugin_utils._session import client as client_module
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.client import (
    Client,
    Job,
    JobError,
    TooLongError,
    pieces_of,
)
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.frames import PayloadType
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.lines import INTERPRETERS, Answer, LineError
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.link import SessionError

from emulator.testing import LocalAWS
from unit.support.session_client import NODE, PATIENT, REGION, Told, a_client, a_node, open_client, tell_node

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
    monkeypatch.setattr(client_module, "_CANCEL_SECONDS", 0.5)
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


# What the agent sent when its socket ended comes again at ten messages in a second, so not much may be on its way.
@pytest.mark.parametrize(
    ("do", "back"),
    [
        ({"close": "client"}, 2 * MB),
        ({"cut": "client"}, 2 * MB),
        ({"close": "agent"}, 20_000),
        ({"cut": "agent"}, 20_000),
    ],
)
def test_sockets_that_end_lose_nothing(do: dict[str, str], back: int, tmp_path: Path) -> None:
    """Files in both directions, with commands beside them, while a socket ends five times.

    Reported in session-manager-plugin 135 and amazon-ssm-agent 266, 274 and 149.
    """
    data = os.urandom(2 * MB)
    rules = [
        {"op": "frame:input_stream_data", "every_frames": 700, "times": 5, "do": do},
        {"op": "frame:input_stream_data", "probability": 0.01, "do": {"drop": True}},
    ]
    with a_node(faults=rules) as aws, a_client(aws) as client:
        for number in range(2):
            client.put(io.BytesIO(data), os.fsencode(tmp_path / "file"))
            assert hashlib.sha256((tmp_path / "file").read_bytes()).digest() == hashlib.sha256(data).digest()
            assert client.run(b"cat", b"%d" % number).out == b"%d" % number
        (tmp_path / "file").write_bytes(data[:back])
        aws.disturb(**do)
        fetched = io.BytesIO()
        client.get(os.fsencode(tmp_path / "file"), fetched)
        assert fetched.getvalue() == data[:back]
        if "client" in do.values():
            assert len(aws.calls("ResumeSession")) >= 5
        assert len(aws.calls("StartSession")) == 1


def stop_node_during(client: Client, aws: LocalAWS, command: bytes) -> Job:
    """Start a command, and stop the node while it runs."""
    job = client.execute(command)
    client.step(0.1)
    tell_node(aws, "stop")
    return job


def test_a_silent_node_is_noticed_while_a_command_runs() -> None:
    """Otherwise the user waits for the idle timeout.

    Reported in amazon.aws 3070, session-manager-plugin 47, amazon-ssm-agent 173 and aws-cli 7488.
    """
    limits = dataclasses.replace(PATIENT, alive_interval=0.3, alive_count=3)
    with a_node() as aws, a_client(aws, limits=limits) as client:
        job = stop_node_during(client, aws, b"sleep 60")
        with pytest.raises(SessionError, match="The node did not answer for"):
            client.finish(job)
        assert len(aws.calls("ResumeSession")) == 1
        tell_node(aws, "continue")


def test_a_network_that_drops_everything_is_noticed_while_a_command_runs() -> None:
    """No socket is closed, and nothing is refused (ansible 55568, 18305, 82661)."""
    limits = dataclasses.replace(PATIENT, alive_interval=0.3, alive_count=3)
    with a_node() as aws, a_client(aws, limits=limits) as client:
        job = client.execute(b"sleep 60")
        client.step(0.1)
        aws.disturb(silence=True)
        with pytest.raises(SessionError, match="The node did not answer for"):
            client.finish(job)


def test_the_time_of_a_slow_resume_is_not_taken_for_silence() -> None:
    """The service is slow to answer ResumeSession. The node is asked again before it counts as lost."""
    slow = {"op": "ResumeSession", "do": {"delay": 2.0}}
    limits = dataclasses.replace(PATIENT, alive_interval=0.5, alive_count=3)
    with a_node(faults=[slow]) as aws, a_client(aws, limits=limits) as client:
        job = stop_node_during(client, aws, b"sleep 1; echo once")
        threading.Timer(1.5, tell_node, (aws, "continue")).start()
        client.finish(job)
        assert bytes(job.out) == b"once\n"


def test_a_node_that_comes_back_in_time_is_waited_for() -> None:
    limits = dataclasses.replace(PATIENT, alive_interval=0.5, alive_count=20)
    with a_node() as aws, a_client(aws, limits=limits) as client:
        job = stop_node_during(client, aws, b"sleep 1; echo once")
        threading.Timer(2, tell_node, (aws, "continue")).start()
        client.finish(job)
        assert bytes(job.out) == b"once\n"
        assert aws.calls("ResumeSession")


def test_a_session_that_somebody_else_ends_is_told(aws: LocalAWS) -> None:
    with a_client(aws) as client:
        job = client.execute(b"sleep 60")
        client.step(0.1)
        aws.client("ssm").terminate_session(SessionId=client.session_id)
        with pytest.raises(SessionError, match="The session was ended"):
            client.finish(job)
        assert not client.is_alive()


def test_an_idle_session_is_asked_before_it_is_used(aws: LocalAWS) -> None:
    with a_client(aws) as client:
        assert client.is_alive()
        client.run(b"true")
        time.sleep(1.1)
        assert client.is_alive()


def test_a_question_leaves_nothing_behind(aws: LocalAWS) -> None:
    """A question that is not answered in time, or is interrupted, is no job."""
    with a_client(aws, limits=dataclasses.replace(PATIENT, connect=1.0)) as client:
        client.run(b"true")
        time.sleep(1.1)
        tell_node(aws, "stop")
        assert not client.is_alive()
        tell_node(aws, "continue")
        assert client._jobs == {}


def test_no_session_is_left(aws: LocalAWS) -> None:
    """Sessions end with the client, and also if they could not be used."""
    with a_client(aws) as client:
        client.run(b"true")
    with a_node({"marker_delay_seconds": 60}) as slow:
        with pytest.raises(SessionError, match=r"did not start a shell within 1 second\. It printed nothing"):
            open_client(slow, limits=dataclasses.replace(PATIENT, connect=1.0))
        assert [call.outcome for call in slow.calls("TerminateSession")] == ["ok"]
    assert len(aws.calls("TerminateSession")) <= len(aws.calls("StartSession"))


@pytest.mark.parametrize(
    ("agent", "text"),
    [
        (
            {"fail_start": "Plugin with name InteractiveCommands not found"},
            r"Plugin with name InteractiveCommands not found\. Check that the node's disk is not full",
        ),
        ({"run_as": "nosuchuser4711"}, "nosuchuser4711"),
        (
            {"fail_start": "No\x1b[31m\x9b2J\u202e room.\nfatal: x"},
            r"The session ended: No \[31m 2J room\. fatal: x\.$",
        ),
        ({"fail_start": "x" * 100_000}, "The session ended: x{1000}\\.$"),
    ],
)
def test_the_agents_reason_is_told_and_nothing_is_tried_again(agent: dict[str, str], text: str) -> None:
    """Only the end of the channel tells it.

    Reported in amazon-ssm-agent 217, 219, 431, 518, 170 and 225, and session-manager-plugin 91 and 49.
    """
    with a_node(agent) as aws:
        with pytest.raises(SessionError, match=text):
            open_client(aws)
        assert len(aws.calls("StartSession")) == 1


def test_a_node_that_prints_and_prints_instead_of_the_marker_does_not_fill_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Babbling:
        session_id, started_at, closed = "session-1", time.monotonic(), False

        def __init__(self, *unused: object) -> None:
            printed: list[channel.Event] = [channel.Data(PayloadType.OUTPUT, b"x" * MB)]
            self.events = iter([printed] * 64 + [[channel.Closed("Enough")]])

        def wait(self, unused: float) -> list[channel.Event]:
            return next(self.events)

        def close(self) -> None:
            Babbling.closed = True

    monkeypatch.setattr(client_module, "Link", Babbling)
    tracemalloc.start()
    try:
        with pytest.raises(SessionError, match=r"^The session ended: Enough\. It printed: x{200}$"):
            Client(mock.Mock(), PATIENT, Told())
        assert tracemalloc.get_traced_memory()[1] < 16 * MB
    finally:
        tracemalloc.stop()
    assert Babbling.closed


@pytest.mark.parametrize(("kinds", "kind"), [("oe", "g"), ("g", "o"), ("g", "e")])
def test_output_that_was_not_asked_for_is_refused(kinds: str, kind: str) -> None:
    given: list[bytes] = []
    job = Job(1, lambda unused, data: given.append(data), kinds)
    with pytest.raises(LineError, match="not asked for"):
        job.take(Answer(1, kind, b"x"))
    assert not given


def test_a_session_that_cannot_be_terminated_is_told_once() -> None:
    """A session that AWS does not know has ended (amazon.aws 3044, 3045, 3056, aws-cli 9837)."""
    for error, warnings in (("AccessDeniedException", 1), ("ValidationException", 0), ("DoesNotExistException", 0)):
        fault = {"op": "TerminateSession", "do": {"error": error}}
        with a_node(faults=[fault]) as aws:
            told = Told()
            open_client(aws, told).close()
            assert len(told.warnings) == warnings
            assert len(aws.calls("TerminateSession")) == 1
            assert all("ssm:TerminateSession" in warning for warning in told.warnings)


def test_a_banner_before_the_marker_is_passed_over() -> None:
    """It is no output of a command (community.aws 1756, 2054, 1768, ansible 6309, 22371)."""
    with a_node({"banner": "\x1b[?2004h" + "Welcome\r\n" * 400}) as aws, a_client(aws) as client:
        assert client.run(b"echo out").out == b"out\n"
        assert client.run(b"echo out").err == b""


@pytest.mark.parametrize("profile", ["", "set -u", "set -e", "exec bash -l", "unset PS1", "cd /; exec sh"])
def test_a_document_with_a_shell_works(profile: str) -> None:
    """Nothing depends on the prompt or on the kind of POSIX shell (amazon.aws 3032, community.aws 1163, 1597)."""
    content = {
        "schemaVersion": "1.0",
        "description": "A shell",
        "sessionType": "Standard_Stream",
        "inputs": {"shellProfile": {"linux": profile}},
    }
    region = {"documents": [{"name": "Shell", "document_type": "Session", "content": content}]}
    with a_node(region=region) as aws, a_client(aws, document="Shell") as client:
        assert client.run(b"cat", ALL_BYTES).out == ALL_BYTES


def test_a_node_without_python_runs_commands(tmp_path: Path) -> None:
    """Only a shell and POSIX's own programs are there."""
    for program in ("sh", "stty", "od", "sed", "cksum", "printf", "cat", "id", "sleep", "head", "tr", "echo"):
        found = subprocess.run(["which", program], capture_output=True, text=True, check=True).stdout.strip()
        (tmp_path / program).symlink_to(found)
    with a_node({"path": str(tmp_path)}) as aws:
        with a_client(aws) as client:
            assert client.node.python == ""
            assert client.node.user
            for command in (b"echo out; echo err >&2; exit 3", b"true", b"printf '\\377\\000x'"):
                ended = client.run(command)
                assert (ended.status, ended.out, ended.err) == locally(command.decode(), None)
            with pytest.raises(JobError, match=r"requires Python 3\.8"):
                client.put(io.BytesIO(b"x"), b"/tmp/x")
            with pytest.raises(JobError, match=r"requires Python 3\.8"):
                client.run(b"cat", b"input")
        with a_client(aws) as client:
            with pytest.raises(TooLongError, match="may still run on the node"):
                client.run(b"sleep 1000", timeout=0.3)
        with a_client(aws) as client:
            with pytest.raises(SessionError, match="a command that was not sent"):
                client.run(b"printf '~x 0 0.\\n~x 0 0.\\n' > /dev/tty; sleep 1000")


def test_bytes_in_the_environment_reach_the_command() -> None:
    """A variable need not be UTF-8, and those of a snap are left out (mitogen 600, subiquity 1890, certbot 8245)."""
    agent = {"environment": {"X": "\udce4", "LD_LIBRARY_PATH": "/snap/x/lib", "SNAP": "/snap/x"}}
    with a_node(agent) as aws, a_client(aws) as client:
        assert client.run(b"printenv X").out == b"\xe4\n"
        assert client.run(b"printenv SNAP LD_LIBRARY_PATH").status == 1
        assert b"LC_CTYPE" not in client.run(b"env").out  # Python sets it for itself


def test_no_token_is_told(aws: LocalAWS) -> None:
    """Tokens and URLs were printed by others (backplane-cli 973, toolkit 6149, amazon.aws 2659)."""
    told = Told()
    with a_client(aws, told) as client:
        aws.disturb(client.session_id, close="client")
        assert client.run(b"echo x").out == b"x\n"
    assert "Resuming session" in told
    assert not any("data-channel" in text or "TokenValue" in text for unused, text in told.lines)


def test_the_session_says_why_it_was_started(aws: LocalAWS) -> None:
    with a_client(aws, reason="Ansible: n1"):
        assert aws.calls("StartSession")[-1].params["Reason"] == "Ansible: n1"
        assert aws.calls("StartSession")[-1].params["Target"] == NODE
    assert aws.world.regions == [REGION]


def test_a_long_command_is_told_again_and_again(aws: LocalAWS, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user sees which host takes so long (ansible 84008)."""
    for name in ("_STILL_RUNNING", "_CHECK"):
        monkeypatch.setattr(client_module, name, 0.1)
    told = Told()
    with a_client(aws, told) as client:
        client.run(b"echo x; sleep 0.5")
    assert any(re.fullmatch(r"STILL RUNNING after \d+ s, \d+ bytes received", text) for unused, text in told.lines)


def test_a_command_that_prints_a_little_does_not_make_its_session_idle() -> None:
    """Only what is sent to the node counts for the idle timeout, and a small output needs no confirmation."""
    limits = dataclasses.replace(PATIENT, alive_interval=1.0)
    with a_node(limits={"session_idle_seconds": 3}) as aws, a_client(aws, limits=limits) as client:
        ended = client.run(b"for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 0.5; echo x; done")
        assert (ended.status, ended.out) == (0, b"x\n" * 12)


def test_the_end_of_an_idle_session_is_told_in_the_words_of_the_service() -> None:
    """The reason is told (amazon-ssm-agent 261)."""
    with a_node(limits={"session_idle_seconds": 1}) as aws, a_client(aws) as client:
        with pytest.raises(SessionError, match="timed out due to inactivity"):
            client.run(b"sleep 60")
        assert aws.calls("TerminateSession") == []


def test_jobs_that_the_node_has_no_room_for_wait_their_turn() -> None:
    """None is lost (mitogen 644, kubespray 10514, rpc-openstack 1070)."""
    with a_node({"open_files": 40}) as aws, a_client(aws) as client:
        jobs = [client.execute(b"sleep 0.3; echo %d" % number) for number in range(30)]
        for job in jobs:
            client.finish(job)
        assert [bytes(job.out) for job in jobs] == [b"%d\n" % number for number in range(30)]
        assert client.run(b"ulimit -n").out == b"40\n"


def test_a_node_that_runs_windows_is_refused(tmp_path: Path) -> None:
    said = "stty : The term 'stty' is not recognized as the name of a cmdlet, function, script file."
    (tmp_path / "sh").write_text(f'#!/bin/sh\necho "{said}"\nexec /bin/sleep 60\n')
    (tmp_path / "sh").chmod(0o755)
    with a_node({"path": str(tmp_path)}) as aws:
        with pytest.raises(SessionError, match="runs Windows, which is not supported"):
            open_client(aws, limits=dataclasses.replace(PATIENT, connect=2.0))


def test_a_node_that_restarts_ends_its_commands_and_comes_back() -> None:
    """A play may update the agent (amazon-ssm-agent 617, 665, 306, 637)."""
    with a_node() as aws:
        with a_client(aws) as client:
            job = client.execute(b"sleep 60")
            client.step(0.1)
            tell_node(aws, "restart")
            with pytest.raises(SessionError):
                client.finish(job)
        with a_client(aws) as client:
            assert client.run(b"echo back").out == b"back\n"


@pytest.mark.parametrize(("name", "found"), [("python3.11", True), ("platform-python", True), ("old", False)])
def test_the_first_python_that_is_new_enough_is_used(tmp_path: Path, name: str, found: bool) -> None:
    """The only Python has an unusual name, or is given by its path, or is too old."""
    for program in ("sh", "stty", "od", "sed", "cksum", "cat", "id"):
        where = subprocess.run(["which", program], capture_output=True, text=True, check=True).stdout.strip()
        (tmp_path / program).symlink_to(where)
    if found:
        (tmp_path / name).write_text(f'#!/bin/sh\nexec {os.path.realpath(sys.executable)} "$@"\n')
        (tmp_path / name).chmod(0o755)
    for old in ("python3", "python"):
        (tmp_path / old).write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / old).chmod(0o755)
    interpreters = (str(tmp_path / name), *INTERPRETERS)
    with a_node({"path": str(tmp_path)}) as aws, a_client(aws, interpreters=interpreters) as client:
        assert bool(client.node.python) == found
        assert client.run(b"echo out").out == b"out\n"
