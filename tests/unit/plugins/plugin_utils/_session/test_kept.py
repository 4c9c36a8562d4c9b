# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test what a holder makes of its sessions and of the workers that use them."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import errno
import os
import random
import socket
import sys
import threading
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from ansible_collections.sessionops.aws.plugins.plugin_utils._connection import holding
from ansible_collections.sessionops.aws.plugins.plugin_utils._connection.service import Calls
from ansible_collections.sessionops.aws.plugins.plugin_utils._connection.settings import Settings
from ansible_collections.sessionops.aws.plugins.plugin_utils._session import caller, wire
from ansible_collections.sessionops.aws.plugins.plugin_utils._session import holder as holder_module
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.controller import Controller
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.errors import NotSentError, SessionError
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.jobs import Job, loss_of, pieces_of
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.kept import Kept
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.session import Session

from emulator.testing import LocalAWS
from unit.support.session_client import NODE, PATIENT, Told, a_node, settings_for, tell_node, without_python
from unit.support.session_holder import LocalHolder, Worker, a_holder
from unit.support.session_stage import still_open
from unit.support.stream_servers import dropping_idle_connections
from unit.support.waiting import until

OTHER = "mi-0123456789abcdef1"
TWO = {"nodes": [{"id": node, "agent": {"fast": True}} for node in (NODE, OTHER)]}


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAWS]:
    with a_node(region=TWO) as served:
        yield served


@pytest.fixture
def holder() -> Iterator[LocalHolder]:
    with a_holder() as running:
        yield running


@contextlib.contextmanager
def a_worker(holder: LocalHolder, aws: LocalAWS, told: Told | None = None, **given: Any) -> Iterator[Worker]:
    worker = Worker(holder, aws, told, **given)
    try:
        yield worker
    finally:
        worker.close()


def calls(aws: LocalAWS, since: int) -> list[str]:
    return [call.operation for call in aws.calls(since=since)]


def running(worker: Worker, path: Path, command: str = "exec sleep 60") -> tuple[Job, int]:
    """Start a command, and return it once it runs, with the number of its process."""
    job = worker.execute(f"echo $$ > {path}.part; mv {path}.part {path}; {command}".encode())
    while not path.exists():
        worker.step(0.02)
    return job, int(path.read_text())


def is_running(pid: int) -> bool:
    return os.path.exists(f"/proc/{pid}")


def test_workers_share_a_session(aws: LocalAWS, holder: LocalHolder) -> None:
    """However many come at once (community.aws 1853, 2209, amazon.aws 2636, kubespray 10514)."""
    before = aws.position

    def work(number: int) -> bytes:
        with a_worker(holder, aws) as worker:
            return worker.run(b"cat", b"%d" % number).out

    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        assert list(pool.map(work, range(50))) == [b"%d" % number for number in range(50)]
    assert calls(aws, before) == ["StartSession"]
    holder.end()
    assert calls(aws, before) == ["StartSession", "TerminateSession"]


def test_jobs_of_several_workers_run_side_by_side(aws: LocalAWS, holder: LocalHolder) -> None:
    """Each has the input and output of its own, although all number their jobs alike (packer 10584, 10035)."""
    with a_worker(holder, aws) as one, a_worker(holder, aws) as other:
        waiting = one.execute(b"read -r x; echo $x", "open")
        one.step(0)  # sends it, because its input may come later
        assert other.run(b"echo here").out == b"here\n"
        one.feed(waiting, pieces_of(b"late\n"))
        one.finish(waiting)
        assert bytes(waiting.out) == b"late\n"


def test_another_node_has_another_session(aws: LocalAWS, holder: LocalHolder) -> None:
    before = aws.position
    with a_worker(holder, aws), a_worker(holder, aws, target=OTHER):
        assert [call.params["Target"] for call in aws.calls("StartSession", since=before)] == [NODE, OTHER]


def test_limits_of_a_later_worker_apply(aws: LocalAWS, holder: LocalHolder) -> None:
    """ansible-core sets a time limit for each attempt of wait_for_connection, which is no reason for a new session."""
    before = aws.position
    with a_worker(holder, aws):
        pass
    limits = dataclasses.replace(PATIENT, alive_interval=0.2, alive_count=2)
    with a_worker(holder, aws, limits=limits) as worker:
        job = worker.execute(b"sleep 60")
        worker.step(0.1)
        tell_node(aws, "stop", target=NODE)
        try:
            with pytest.raises(SessionError, match="The node did not answer for"):
                worker.finish(job)
        finally:
            tell_node(aws, "continue", target=NODE)
    assert aws.calls("StartSession", since=before)[1:] == []


def test_a_worker_that_is_gone_leaves_no_command_behind(aws: LocalAWS, holder: LocalHolder, tmp_path: Path) -> None:
    """Ctrl+C, a time limit, and a killed worker look the same (mitogen 263, 241, sigil 39)."""
    before = aws.position
    with a_worker(holder, aws) as other:
        worker = Worker(holder, aws)
        unused, pid = running(worker, tmp_path / "pid")
        assert is_running(pid)
        worker.close()
        until(lambda: not is_running(pid))
        assert other.run(b"echo here").out == b"here\n"
    assert calls(aws, before) == ["StartSession"]


def test_an_idle_session_that_has_ended_is_replaced_without_a_word(aws: LocalAWS, holder: LocalHolder) -> None:
    """It may expire just as a task comes (amazon-ssm-agent 261)."""
    before = aws.position
    told = Told()
    with a_worker(holder, aws, told) as worker:
        for unused in range(2):
            worker.run(b"true")
            (session,) = still_open(aws)
            aws.client("ssm").terminate_session(SessionId=session)
            time.sleep(1.1)  # a session that answered less than a second ago is not asked
        assert worker.run(b"echo here").out == b"here\n"
    assert calls(aws, before).count("StartSession") == 3
    assert told.warnings == []


def test_an_idle_session_stays_open_behind_a_proxy(holder: LocalHolder) -> None:
    """Proxies drop connections over which nothing comes, and pings keep them (session-manager-plugin 15)."""
    opened = []
    with a_node(region=TWO) as aws, dropping_idle_connections(urllib.parse.urlsplit(aws.url).port or 0, 1.0) as port:
        aws.world.channels = f"ws://127.0.0.1:{port}"
        for target, interval in ((NODE, 0.2), (OTHER, 60.0)):
            limits = dataclasses.replace(PATIENT, keepalive=interval)
            with a_worker(holder, aws, target=target, limits=limits) as worker:
                (shown,) = [text for unused, text in worker.told.lines if "opened in" in text]
                opened.append(shown.split()[1])
        until(lambda: aws.calls("ResumeSession"))
        time.sleep(0.5)
        assert {call.params["SessionId"] for call in aws.calls("ResumeSession")} == {opened[1]}
        holder.end()


def test_a_command_is_never_run_twice(aws: LocalAWS, holder: LocalHolder, tmp_path: Path) -> None:
    with a_worker(holder, aws) as worker:
        job, unused = running(worker, tmp_path / "pid", f"echo once >> {tmp_path}/times; sleep 60")
        until((tmp_path / "times").exists)
        (session,) = still_open(aws)
        aws.client("ssm").terminate_session(SessionId=session)
        with pytest.raises(SessionError) as raised:
            worker.finish(job)
        assert not isinstance(raised.value, NotSentError)
        assert worker.run(b"echo here").out == b"here\n"
    assert (tmp_path / "times").read_text() == "once\n"


def test_a_session_that_cannot_be_started_fails_all_who_wait(holder: LocalHolder) -> None:
    """They asked before it was known. Each attempt would take the same time."""
    slow = {"op": "StartSession", "do": {"delay": 1.0}}
    with a_node({"fail_start": "No room"}, faults=[slow]) as aws:

        def fail(unused: int) -> str:
            with pytest.raises(NotSentError) as raised:
                Worker(holder, aws)
            return str(raised.value)

        with concurrent.futures.ThreadPoolExecutor(10) as pool:
            assert set(pool.map(fail, range(10))) == {"The session ended: No room."}
        assert len(aws.calls("StartSession")) <= 2


def test_a_job_for_which_no_session_can_be_started_was_not_sent(holder: LocalHolder) -> None:
    with a_node() as aws:
        with a_worker(holder, aws) as worker:
            (session,) = still_open(aws)
            aws.client("ssm").terminate_session(SessionId=session)
            time.sleep(1.1)
            aws.add_fault(op="StartSession", times=1, do={"error": "TargetNotConnected"})
            with pytest.raises(NotSentError, match="TargetNotConnected"):
                worker.run(b"true")
            assert worker.run(b"echo here").out == b"here\n"


def reset(holder: LocalHolder, aws: LocalAWS, told: Told | None = None) -> None:
    remote = holder.connect(told)
    remote.ask("reset", settings_for(aws).as_json())
    remote.close()


def test_a_reset_ends_the_session_and_only_that(aws: LocalAWS, holder: LocalHolder) -> None:
    """Nothing happens if there is none (ansible 33590, 79755)."""
    before = aws.position
    reset(holder, aws)
    assert calls(aws, before) == []
    with a_worker(holder, aws, target=OTHER):
        with a_worker(holder, aws):
            pass
        reset(holder, aws)
        assert calls(aws, before) == ["StartSession", "StartSession", "TerminateSession"]
        reset(holder, aws)
        with a_worker(holder, aws) as worker:
            assert worker.run(b"echo here").out == b"here\n"
    assert calls(aws, before).count("StartSession") == 3


def test_a_reset_does_not_end_what_others_run(aws: LocalAWS, holder: LocalHolder) -> None:
    """Their session ends with their last job. Who comes after the reset has another."""
    before = aws.position
    with a_worker(holder, aws) as other:
        waiting = other.execute(b"read -r x; echo $x", "open")
        other.step(0)  # sends it, because its input may come later
        reset(holder, aws)
        with a_worker(holder, aws) as worker:
            worker.run(b"true")
            assert calls(aws, before) == ["StartSession", "StartSession"]
            other.feed(waiting, pieces_of(b"late\n"))
            other.finish(waiting)
            assert bytes(waiting.out) == b"late\n"
            until(lambda: "TerminateSession" in calls(aws, before))
            assert worker.run(b"echo here").out == b"here\n"
    assert len(still_open(aws)) == 1


def test_a_session_that_nobody_uses_ends(aws: LocalAWS, holder: LocalHolder) -> None:
    before = aws.position
    with a_worker(holder, aws, idle=0.5) as worker:
        worker.run(b"sleep 1")  # it is used for as long as a job runs
        assert calls(aws, before) == ["StartSession"]
    until(lambda: calls(aws, before) == ["StartSession", "TerminateSession"])


def test_workers_that_come_when_the_session_ends_are_served(aws: LocalAWS, holder: LocalHolder) -> None:
    """The session is idle for as long as it may be at the moment of its next use (ansible 16731)."""
    chance = random.Random(4711)
    for number in range(12):
        time.sleep(chance.uniform(0.04, 0.06))
        with a_worker(holder, aws, idle=0.05) as worker:
            assert worker.run(b"cat", b"%d" % number).out == b"%d" % number


def test_a_session_that_is_old_ends_with_its_last_job(aws: LocalAWS, holder: LocalHolder) -> None:
    before = aws.position
    with a_worker(holder, aws, lifetime=0.5) as worker:
        assert worker.run(b"sleep 1; echo done").out == b"done\n"
        until(lambda: calls(aws, before) == ["StartSession", "TerminateSession"])
        assert worker.run(b"echo here").out == b"here\n"


def test_whoever_comes_when_a_session_is_old_has_another(aws: LocalAWS, holder: LocalHolder) -> None:
    """Otherwise jobs that overlap would keep it for ever."""
    before = aws.position
    with a_worker(holder, aws, lifetime=0.5) as worker:
        waiting = worker.execute(b"read -r x; echo $x", "open")
        worker.step(0.6)
        time.sleep(0.6)
        with a_worker(holder, aws, lifetime=60.0) as other:
            assert other.run(b"echo here").out == b"here\n"
            assert calls(aws, before) == ["StartSession", "StartSession"]
            worker.feed(waiting, pieces_of(b"late\n"))
            worker.finish(waiting)
            assert bytes(waiting.out) == b"late\n"
            assert worker.run(b"echo again").out == b"again\n"
            worker.close()
            # Nobody could find a session that this worker alone had.
            until(lambda: len(still_open(aws)) == 1)
            assert other.run(b"echo here").out == b"here\n"
    assert calls(aws, before).count("StartSession") == 3


def test_a_host_that_waits_to_try_again_lets_others_start(aws: LocalAWS, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holder_module, "_AT_ONCE", 1)
    with a_holder(descriptors=12) as holder:
        told = Told()
        waiting = threading.Thread(target=open_and_close, args=(holder, aws, told, "i-00000000000000009"))
        waiting.start()
        with a_worker(holder, aws, target=OTHER) as worker:
            until(lambda: "TargetNotConnected" in told)
            assert worker.run(b"echo here").out == b"here\n"
        with a_worker(holder, aws) as worker:
            assert worker.run(b"echo here").out == b"here\n"
        assert waiting.is_alive()
        holder.end()
        waiting.join()


def open_and_close(holder: LocalHolder, aws: LocalAWS, told: Told, target: str) -> None:
    with contextlib.suppress(NotSentError):
        Worker(holder, aws, told, target=target, attempts=100, wait=5.0).close()


def test_credentials_that_take_long_hold_up_no_other(aws: LocalAWS, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holder_module, "_AT_ONCE", 1)
    made, asked, found = Calls, threading.Event(), threading.Event()

    def slow(settings: Settings, *more: Any) -> Calls:
        if settings.target == OTHER:
            asked.set()
            found.wait(30)
        return made(settings, *more)

    monkeypatch.setattr(holding, "Calls", slow)
    with a_holder(descriptors=12) as holder:
        waiting = holder.connect()
        waiting.request("open", 0, version=wire.VERSION, settings=settings_for(aws, target=OTHER).as_json())
        assert asked.wait(30)
        with a_worker(holder, aws) as worker:
            assert worker.run(b"echo here").out == b"here\n"
        assert waiting.wait(0) == []
        found.set()
        waiting.close()


def test_a_python_that_was_installed_is_found_by_the_next_task(holder: LocalHolder, tmp_path: Path) -> None:
    """A session that started without Python never has it."""
    with a_node(without_python(tmp_path, "ln")) as aws:
        with a_worker(holder, aws) as worker:
            assert worker.node.python == ""
            install = f"ln -s {os.path.realpath(sys.executable)} {tmp_path}/python3"
            assert worker.run(install.encode()).status == 0
        with a_worker(holder, aws) as worker:
            assert worker.node.python
            assert worker.run(b"cat", b"here").out == b"here"
        with a_worker(holder, aws) as worker:
            worker.run(b"true")
        assert len(aws.calls("StartSession")) == 2


def test_sessions_for_which_there_is_no_room_take_turns(aws: LocalAWS) -> None:
    """An idle one makes room. If there is none, they wait (mitogen 549, 249, 957)."""
    before = aws.position
    with a_holder(descriptors=12) as holder:
        with a_worker(holder, aws) as worker:
            worker.run(b"true")
        with a_worker(holder, aws, target=OTHER) as other:
            job = other.execute(b"sleep 2; echo done")
            other.step(0.1)
            with a_worker(holder, aws) as worker:
                assert worker.run(b"echo here").out == b"here\n"
                assert job.ended is None
            other.finish(job)
    assert calls(aws, before).count("StartSession") == 3


def test_a_node_that_hangs_holds_up_no_other(holder: LocalHolder) -> None:
    """Other sessions go on while the session with it starts (mitogen 598)."""
    with a_node(region=TWO) as aws, a_worker(holder, aws) as other:
        tell_node(aws, "stop", target=OTHER)
        limits = dataclasses.replace(PATIENT, connect=20.0)
        failures: list[str] = []

        def open_hanging() -> None:
            try:
                Worker(holder, aws, target=OTHER, limits=limits)
            except NotSentError as error:
                failures.append(str(error))

        hanging = threading.Thread(target=open_hanging)
        hanging.start()
        for unused in range(5):
            assert other.run(b"echo here").out == b"here\n"
        assert hanging.is_alive()
        tell_node(aws, "continue", target=OTHER)
        holder.end()
        hanging.join()
        assert failures == ["The background process that holds the sessions was stopped. Run Ansible again."]


def test_a_start_that_hangs_does_not_keep_sessions_from_ending(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holder_module, "_AT_ONCE", 1)
    with a_node(region=TWO) as aws, a_holder() as holder:
        with a_worker(holder, aws) as worker:
            assert worker.run(b"echo here").out == b"here\n"
        tell_node(aws, "stop", target=OTHER)
        hanging = holder.connect()
        hanging.request("open", 0, version=wire.VERSION, settings=settings_for(aws, target=OTHER).as_json())
        until(lambda: len(aws.calls("StartSession")) == 2)
        resetting = holder.connect()
        resetting.ask("reset", settings_for(aws).as_json())
        assert len(aws.calls("TerminateSession")) == 1
        assert hanging.wait(0) == []
        resetting.close()
        hanging.close()
        tell_node(aws, "continue", target=OTHER)


def test_sessions_end_although_the_socket_cannot_be_removed(aws: LocalAWS, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its folder may be gone, or another process may be stopped while it starts a holder."""
    before = aws.position
    with a_holder() as holder:
        monkeypatch.setattr(holder.holder, "_leave", lambda: 1 / 0)
        with a_worker(holder, aws) as worker:
            assert worker.run(b"echo here").out == b"here\n"
    assert calls(aws, before) == ["StartSession", "TerminateSession"]


def test_a_look_at_the_controller_that_fails_ends_nothing(holder: LocalHolder) -> None:
    """Where the system does not tell the end of a process, each look needs a descriptor."""

    class Hidden:
        def has_ended(self) -> bool:
            raise OSError(errno.EMFILE, "Too many open files")

    holder.holder._controller = cast(Controller, Hidden())
    assert not holder.holder._is_over(0)


def test_a_session_for_which_there_is_no_descriptor_is_told(
    aws: LocalAWS, holder: LocalHolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*unused: Any, **unused_too: Any) -> Session:
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as limited:
        limited.setattr(holding, "Session", refuse)
        with pytest.raises(NotSentError, match=r"Could not start a session: Too many open files\."):
            Worker(holder, aws)
    with a_worker(holder, aws) as worker:
        assert worker.run(b"echo here").out == b"here\n"


def test_what_fails_is_told_before_its_session_is_ended(holder: LocalHolder, tmp_path: Path) -> None:
    """The end of many sessions takes long if the network is down."""
    limits = dataclasses.replace(PATIENT, alive_interval=0.2, alive_count=2)
    with a_node(faults=[{"op": "TerminateSession", "do": {"delay": 2}}]) as aws:
        with a_worker(holder, aws, limits=limits) as worker:
            job, unused = running(worker, tmp_path / "pid")
            tell_node(aws, "stop")
            with pytest.raises(SessionError, match="did not answer"):
                worker.finish(job)
            assert aws.calls("TerminateSession") == []
        tell_node(aws, "continue")
        holder.end()


def test_stopping_ends_everything_and_tells_what_is_left(holder: LocalHolder, tmp_path: Path) -> None:
    """A session that cannot be ended is told once (amazon.aws 3044, aws-cli 9837, amazon-ssm-agent 514)."""
    denied = {"op": "TerminateSession", "do": {"error": "AccessDeniedException"}}
    with a_node(faults=[denied]) as aws:
        worker = Worker(holder, aws)
        job, unused = running(worker, tmp_path / "pid")
        told = Told()
        stopping = holder.connect(told)
        stopping.ask("stop")
        with pytest.raises(SessionError, match="was stopped"):
            worker.finish(job)
        worker.close()
        stopping.close()
        assert (1, "SESSIONS at the end of the run: 1") in told.lines
        warnings = [*told.warnings, *worker.told.warnings]
        assert len(warnings) == 1 and "ssm:TerminateSession" in warnings[0]
        assert len(aws.calls("TerminateSession")) == 1


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (b"\xff" * 100, "too long"),
        (wire.encode({"do": 5, "job": 0}), "not a request"),
        (wire.encode({"do": "exec", "job": 0, "version": wire.VERSION}), "does not understand"),
        (wire.encode({"do": "open", "job": 0, "version": wire.VERSION + 1}), "another version"),
        (wire.encode({"do": "open", "job": 0, "version": wire.VERSION, "settings": {"target": "x"}}), "not understand"),
        (wire.encode({"do": "open", "job": 0, "version": wire.VERSION, "settings": []}), "does not understand"),
        (wire.encode({"do": "open", "job": "x"}), "not a request"),
    ],
    ids=str,
)
def test_what_is_no_request_is_refused(aws: LocalAWS, holder: LocalHolder, sent: bytes, text: str) -> None:
    remote = holder.connect()
    remote._connection.setblocking(True)
    remote._connection.sendall(sent)
    remote._connection.setblocking(False)
    (answer,) = remote.wait(30)
    assert text in str(loss_of(answer))
    remote.close()
    with a_worker(holder, aws) as worker:
        assert worker.run(b"echo here").out == b"here\n"


def test_a_request_that_is_not_known_is_refused_and_the_session_stays(aws: LocalAWS, holder: LocalHolder) -> None:
    with a_worker(holder, aws) as worker:
        worker.remote.request("got", 7, bytes=1 << 40)
        (answer,) = worker.remote.wait(30)
        assert (answer.job, answer.kind) == (7, "l")
        assert worker.run(b"echo here").out == b"here\n"


def test_a_worker_that_does_not_read_is_dropped(
    aws: LocalAWS, holder: LocalHolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its answers would fill the memory of the holder. Other workers do not notice."""
    monkeypatch.setattr(caller, "_MOST_UNREAD", 1 << 20)
    with a_worker(holder, aws) as other, a_worker(holder, aws) as worker:
        worker.execute(b"head -c 20000000 /dev/urandom; sleep 60")
        for unused in range(20):
            assert other.run(b"echo here").out == b"here\n"
            time.sleep(0.1)
        until(lambda: not worker.remote.is_there())


def test_a_worker_without_a_word_holds_up_nothing(aws: LocalAWS, holder: LocalHolder) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.connect(str(holder.path))
        with a_worker(holder, aws) as worker:
            assert worker.run(b"echo here").out == b"here\n"


def test_a_command_on_a_node_without_python_ends_with_its_worker(holder: LocalHolder, tmp_path: Path) -> None:
    """The shell there cannot end a command, so the session is ended, and the next worker has another."""
    with a_node(without_python(tmp_path)) as aws:
        worker = Worker(holder, aws)
        assert worker.node.python == ""
        worker.execute(b"sleep 60")
        worker.step(0.1)
        worker.close()
        with a_worker(holder, aws) as other:
            assert other.run(b"echo here").out == b"here\n"
        assert len(aws.calls("StartSession")) == 2


def test_a_fault_of_the_holder_itself_is_told(
    aws: LocalAWS, holder: LocalHolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for an answer that never comes, and no session is left."""
    before = aws.position
    with a_worker(holder, aws) as worker:
        monkeypatch.setattr(Kept, "_hand_out", lambda unused, answer: 1 / 0)
        with pytest.raises(SessionError, match="report it: ZeroDivisionError"):
            worker.run(b"true")
        monkeypatch.undo()
    with a_worker(holder, aws) as worker:
        assert worker.run(b"echo here").out == b"here\n"
        until(lambda: "TerminateSession" in calls(aws, before))
        assert len(still_open(aws)) == 1


def test_a_worker_that_has_gone_while_its_session_starts_is_not_started_for_again(holder: LocalHolder) -> None:
    """A task may have a time limit that is shorter than the start takes."""
    slow = {"op": "StartSession", "do": {"delay": 0.5}}
    with a_node({"fail_start": "No room"}, faults=[slow]) as aws:
        remote = holder.connect()
        remote.request("open", 0, version=wire.VERSION, settings=settings_for(aws).as_json())
        until(lambda: aws.calls("StartSession"))
        remote.close()
        time.sleep(1.5)
        holder.end()
        assert len(aws.calls("StartSession")) == 1


def test_what_a_worker_wanted_is_not_run_after_it_has_gone(holder: LocalHolder, tmp_path: Path) -> None:
    slow = {"op": "StartSession", "do": {"delay": 0.5}}
    with a_node(faults=[slow]) as aws:
        remote = holder.connect()
        remote.request("open", 0, version=wire.VERSION, settings=settings_for(aws).as_json())
        remote.request("exec", 1, command=f"touch {tmp_path}/ran", stdin="none")
        until(lambda: aws.calls("StartSession"))
        remote.close()
        with a_worker(holder, aws) as worker:
            worker.run(b"true")
        assert not (tmp_path / "ran").exists()


def test_a_start_that_is_stopped_ends_at_once(holder: LocalHolder) -> None:
    """The holder waits for its threads, and the user for the holder."""
    with a_node({"marker_delay_seconds": 60}) as aws:
        remotes = [holder.connect(), holder.connect()]
        for remote in remotes:
            remote.request("open", 0, version=wire.VERSION, settings=settings_for(aws).as_json())
        until(lambda: aws.calls("StartSession"))
        remotes[0].close()
        holder.end()
        assert [thread for thread in threading.enumerate() if isinstance(thread, Kept)] == []
        (answer,) = remotes[1].wait(0)
        assert "was stopped" in str(loss_of(answer))
        remotes[1].close()
        assert len(aws.calls("StartSession")) == len(aws.calls("TerminateSession")) == 1


def test_a_thread_that_cannot_start_holds_up_nobody(
    aws: LocalAWS, holder: LocalHolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number of threads can be limited, as in a pod."""

    def refuse(unused: Kept) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as limited:
        limited.setattr(Kept, "start", refuse)
        with pytest.raises(NotSentError, match="RuntimeError"):
            Worker(holder, aws)
    with a_worker(holder, aws) as worker:
        assert worker.run(b"echo here").out == b"here\n"


def test_workers_wait_their_turn_if_there_are_few_descriptors(aws: LocalAWS) -> None:
    def work(number: int) -> bytes:
        with a_worker(few, aws, target=(NODE, OTHER)[number % 2]) as worker:
            return worker.run(b"cat", b"%d" % number).out

    with a_holder(descriptors=12) as few, concurrent.futures.ThreadPoolExecutor(30) as pool:
        assert list(pool.map(work, range(30))) == [b"%d" % number for number in range(30)]


def test_many_more_hosts_than_descriptors_take_turns(aws: LocalAWS) -> None:
    """A thread whose session has ended makes room for others (mitogen 549, 249, 957)."""

    def work(number: int) -> bytes:
        with a_worker(few, aws, stream_endpoint=f"{aws.url}/{number}") as worker:
            return worker.run(b"cat", b"%d" % number).out

    with a_holder(descriptors=30) as few, concurrent.futures.ThreadPoolExecutor(4) as pool:
        try:
            assert list(pool.map(work, range(14), timeout=60)) == [b"%d" % number for number in range(14)]
        finally:
            few.holder.stop()


def test_much_output_of_a_node_without_python_arrives(holder: LocalHolder, tmp_path: Path) -> None:
    """It comes at once, with the end of the command, and is longer than a message to the worker."""
    size = wire.MAX_DATA + 1000
    with a_node(without_python(tmp_path)) as aws, a_worker(holder, aws) as worker:
        assert worker.run(f"head -c {size} /dev/zero | tr '\\0' x".encode()).out == b"x" * size


def test_descriptors_with_large_numbers_work(aws: LocalAWS, holder: LocalHolder) -> None:
    """More than 1023 fail where select() is used (mitogen 549, 249, 957)."""
    with contextlib.ExitStack() as opened:
        for unused in range(1100):
            opened.enter_context(open(os.devnull, "rb"))
        with a_worker(holder, aws) as worker:
            assert worker.remote._connection.fileno() > 1023
            assert worker.run(b"echo here").out == b"here\n"
