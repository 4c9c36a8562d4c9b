# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test sessions with a node of the emulator: their start, silence, lost sockets, and every ending."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import os
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from ansible_collections.sessionops.aws.plugins.plugin_utils._session import channel, session
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.errors import JobError, SessionError, TooLongError
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.frames import PayloadType
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.jobs import Job
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.lines import INTERPRETERS
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.session import Session

from emulator.testing import LocalAWS
from unit.support.session_client import (
    NODE,
    PATIENT,
    REGION,
    Client,
    Told,
    a_client,
    a_node,
    open_client,
    tell_node,
    without_python,
)

MB = 1 << 20


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAWS]:
    with a_node() as served:
        yield served


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
    """Its session is resumed, although nothing closed the sockets (amazon-ssm-agent 266)."""
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
        aws.client("ssm").terminate_session(SessionId=client.session.session_id)
        with pytest.raises(SessionError, match="The session was terminated, and no reason was given"):
            client.finish(job)
        assert not client.session.is_alive()


def test_an_idle_session_is_asked_before_it_is_used(aws: LocalAWS) -> None:
    with a_client(aws) as client:
        assert client.session.is_alive()
        client.run(b"true")
        time.sleep(1.1)
        assert client.session.is_alive()


def test_a_question_leaves_nothing_behind(aws: LocalAWS) -> None:
    """A question that is not answered in time, or is interrupted, is no job."""
    with a_client(aws, limits=dataclasses.replace(PATIENT, connect=1.0)) as client:
        client.run(b"true")
        time.sleep(1.1)
        tell_node(aws, "stop")
        assert not client.session.is_alive()
        tell_node(aws, "continue")
        assert client.session._running == set()


def test_no_session_is_left(aws: LocalAWS) -> None:
    """Sessions end with the client, and also if they could not be used."""
    with a_client(aws) as client:
        client.run(b"true")
    with a_node({"marker_delay_seconds": 60}) as slow:
        with pytest.raises(SessionError, match=r"did not start a shell within 1 second\..* It printed nothing"):
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
        session_id, started_at, closed, limits = "session-1", time.monotonic(), False, PATIENT

        def __init__(self, *unused: object) -> None:
            printed: list[channel.Event] = [channel.Data(PayloadType.OUTPUT, b"x" * MB)]
            self.events = iter([printed] * 64 + [[channel.Closed("Enough")]])

        def wait(self, *unused: object) -> list[channel.Event]:
            return next(self.events)

        def close(self) -> None:
            Babbling.closed = True

    monkeypatch.setattr(session, "Link", Babbling)
    tracemalloc.start()
    try:
        with pytest.raises(SessionError, match=r"^The session ended: Enough\. It printed: x{200}$"):
            Session(mock.Mock(), PATIENT, Told())
        assert tracemalloc.get_traced_memory()[1] < 16 * MB
    finally:
        tracemalloc.stop()
    assert Babbling.closed


def test_a_session_that_cannot_be_terminated_is_told_once() -> None:
    """A session that AWS does not know has ended (amazon.aws 3044, 3045, 3056, aws-cli 9837).

    Also reported in amazon-ssm-agent 514.
    """
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
        assert client.run(b"cat", bytes(range(256))).out == bytes(range(256))


def test_a_shell_that_runs_nothing_is_told() -> None:
    """It prints the bootstrap, which says nothing to the user."""
    inputs = {"shellProfile": {"linux": "exec cat"}}
    content = {"schemaVersion": "1.0", "description": "Cat", "sessionType": "Standard_Stream", "inputs": inputs}
    region = {"documents": [{"name": "Cat", "document_type": "Session", "content": content}]}
    limits = dataclasses.replace(PATIENT, connect=2.0)
    with (
        a_node(region=region) as aws,
        pytest.raises(SessionError, match=r"the input of the plugin, and ran nothing of it\."),
    ):
        open_client(aws, document="Cat", limits=limits)


def test_a_node_without_python_runs_commands(tmp_path: Path) -> None:
    """Only a shell and POSIX's own programs are there."""
    with a_node(without_python(tmp_path)) as aws:
        with a_client(aws) as client:
            assert client.node.python == ""
            assert client.node.user
            for command, expected in (
                (b"echo out; echo err >&2; exit 3", (3, b"out\n", b"err\n")),
                (b"true", (0, b"", b"")),
                (b"printf '\\377\\000x'", (0, b"\xff\0x", b"")),
            ):
                ended = client.run(command)
                assert (ended.status, ended.out, ended.err) == expected
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
        aws.disturb(client.session.session_id, close="client")
        assert client.run(b"echo x").out == b"x\n"
    assert "Resuming session" in told
    assert not any("data-channel" in text or "TokenValue" in text for unused, text in told.lines)


def test_the_session_says_why_it_was_started(aws: LocalAWS) -> None:
    with a_client(aws, reason="Ansible: n1"):
        assert aws.calls("StartSession")[-1].params["Reason"] == "Ansible: n1"
        assert aws.calls("StartSession")[-1].params["Target"] == NODE
    assert aws.world.regions == [REGION]


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
