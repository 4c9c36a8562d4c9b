# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test that large files come in a session of their own, and that they come whatever happens to it."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import io
import json
import os
import random
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.sessionops.aws.plugins.plugin_utils._session import caller as caller_module
from ansible_collections.sessionops.aws.plugins.plugin_utils._session import fetch as fetch_module
from ansible_collections.sessionops.aws.plugins.plugin_utils._session import lines
from ansible_collections.sessionops.aws.plugins.plugin_utils._session import session as session_module
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.fetch import command

from emulator.node.words import split_words
from emulator.services.ssm.sessions.store import Sessions
from emulator.testing import LocalAWS
from unit.support.helper_terminal import Terminal, helper_on_a_terminal
from unit.support.session_client import NODE, PATIENT, REGION, Told, a_node
from unit.support.session_holder import Worker, a_holder
from unit.support.session_stage import still_open
from unit.support.waiting import until

INTERACTIVE, FETCH = "AWS-StartInteractiveCommand", "AWS-StartNonInteractiveCommand"
MOST = 1000
SIZE = 400_000
DENIED = {"op": "StartSession", "match": {"DocumentName": FETCH}, "times": "always"}


def a_file(folder: Path, size: int) -> Path:
    """Make a file that cannot be compressed."""
    path = folder / "large"
    path.write_bytes(random.Random(1).randbytes(size))
    return path


@pytest.fixture
def large(tmp_path: Path) -> Path:
    return a_file(tmp_path, SIZE)


@contextlib.contextmanager
def a_worker(
    told: Told | None = None, *, agent: dict[str, Any] | None = None, descriptors: int = 1000, **world: Any
) -> Iterator[tuple[LocalAWS, Worker]]:
    given = world.pop("given", {})
    with a_node(agent, **world) as aws, a_holder(descriptors) as holder:
        worker = Worker(holder, aws, told, **given)
        try:
            yield aws, worker
        finally:
            worker.close()


def got(worker: Worker, path: Path, most: int = MOST) -> bytes:
    target = io.BytesIO()
    worker.get(os.fsencode(path), target, most)
    return target.getvalue()


def documents(aws: LocalAWS) -> list[str]:
    """Return the documents that sessions were started with."""
    return [call.params["DocumentName"] for call in aws.calls("StartSession")]


def all_end(aws: LocalAWS, started: int) -> None:
    """Wait until all sessions but that of the host have ended."""
    until(lambda: len(still_open(aws)) == 1)
    assert len(documents(aws)) == started


def taken_in_it(told: Told) -> int | None:
    """Return how many bytes came in the other session if it failed; None if it did not."""
    ends = [re.search(r"^FETCHING .* stopped at byte (\d+): ", text) for unused, text in told.lines]
    return max((int(found[1]) for found in ends if found), default=None)


class TestASessionOfItsOwn:
    """A file with more bytes than ``most`` comes in another session, which is ended at once."""

    @pytest.mark.parametrize("size", [MOST + 1, 65_536, 65_537, SIZE])
    @pytest.mark.parametrize("content", [random.Random(2).randbytes, b"a\n".ljust, bytes])
    def test_a_file_comes_byte_by_byte(self, tmp_path: Path, size: int, content: Callable[[int], bytes]) -> None:
        path = tmp_path / "file"
        path.write_bytes(content(size))
        told = Told()
        with a_worker(told) as (aws, worker):
            assert got(worker, path) == path.read_bytes()
            all_end(aws, 2)
            assert documents(aws) == [INTERACTIVE, FETCH]
            assert taken_in_it(told) is None
            assert worker.run(b"echo still here").out == b"still here\n"

    @pytest.mark.parametrize("size", [0, 1, MOST])
    def test_a_small_file_starts_none(self, tmp_path: Path, size: int) -> None:
        path = tmp_path / "file"
        path.write_bytes(bytes(size))
        with a_worker() as (aws, worker):
            assert got(worker, path) == bytes(size)
            assert documents(aws) == [INTERACTIVE]

    def test_without_a_limit_none_is_started(self, large: Path) -> None:
        with a_worker() as (aws, worker):
            target = io.BytesIO()
            worker.get(os.fsencode(large), target)
            assert target.getvalue() == large.read_bytes()
            assert documents(aws) == [INTERACTIVE]

    def test_output_is_streamed_and_no_path_is_in_the_call(self, large: Path) -> None:
        """AWS logs the parameters of StartSession. With one stream, the agent would write all output to its disk."""
        with a_worker() as (aws, worker):
            got(worker, large)
            parameters = aws.calls("StartSession")[1].params["Parameters"]
            assert parameters["separateOutputStream"] == ["true"]
            assert str(large.parent) not in parameters["command"][0]
            assert len(parameters["command"][0]) < 1000

    def test_the_command_is_words_of_the_agent(self) -> None:
        words = split_words(command("/usr/bin/python3", 12, 7, 5))
        assert (words[0], words[1], words[3:]) == ("/usr/bin/python3", "-ISc", ["12", "7", "5"])
        assert "{{" not in command("/usr/bin/python3", 12, 7, 5)  # the agent would take it for a parameter
        compile(words[2], "program", "exec")

    @pytest.mark.parametrize(
        ("system", "executable"),
        [
            ("Darwin", "/usr/bin/python3"),  # it has no /proc
            ("Linux", ""),
            ("Linux", "python3"),
            ("Linux", "/opt/my python/bin/python3"),
            ("Linux", "/bin/sh -c 'id' #"),
            ("Linux", "/{{ssm:secret}}"),
        ],
    )
    def test_a_node_without_such_a_python_starts_none(
        self, large: Path, monkeypatch: pytest.MonkeyPatch, system: str, executable: str
    ) -> None:
        """The command is in a call that the credentials of the controller sign."""
        node_of = lines.node_of

        def changed(answer: lines.Answer) -> lines.Node:
            return dataclasses.replace(node_of(answer), system=system, executable=executable)

        monkeypatch.setattr(session_module, "node_of", changed)
        with a_worker() as (aws, worker):
            assert got(worker, large) == large.read_bytes()
            assert documents(aws) == [INTERACTIVE]

    def test_several_files_come_side_by_side(self, tmp_path: Path) -> None:
        paths = [tmp_path / str(number) for number in range(3)]
        for number, path in enumerate(paths):
            path.write_bytes(random.Random(number).randbytes(SIZE // 2))
        with a_node() as aws, a_holder() as holder:
            found = {}

            def fetch(path: Path) -> None:
                worker = Worker(holder, aws)
                found[path] = got(worker, path)
                worker.close()

            threads = [threading.Thread(target=fetch, args=(path,)) for path in paths]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert found == {path: path.read_bytes() for path in paths}
            assert sorted(documents(aws)) == [INTERACTIVE] + [FETCH] * 3
            until(lambda: len(still_open(aws)) == 1)

    def test_a_controller_that_is_slow_fills_no_memory(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The session is given up, because it cannot wait. The session of the host can."""
        monkeypatch.setattr(fetch_module, "_MOST_PIECES", 16)
        monkeypatch.setattr(caller_module, "_MOST_WAITING", 100_000)
        has_failed = threading.Event()
        failed = fetch_module.Fetch._failed

        def failing(fetch: fetch_module.Fetch, error: Exception) -> None:
            has_failed.set()
            failed(fetch, error)

        monkeypatch.setattr(fetch_module.Fetch, "_failed", failing)

        class Slow(io.BytesIO):
            def write(self, data: Any) -> int:
                assert has_failed.wait(30)
                return super().write(data)

        path = a_file(tmp_path, 3_000_000)
        told = Told()
        with a_worker(told) as (aws, worker):
            target = Slow()
            worker.get(os.fsencode(path), target, MOST)
            assert target.getvalue() == path.read_bytes()
            assert documents(aws) == [INTERACTIVE, FETCH]
        assert "The controller could not write the file fast enough." in told

    def test_it_is_encrypted_like_all_others(self, large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The preferences of the account encrypt the sessions of all documents of AWS."""
        key = "1234abcd-12ab-34cd-56ef-1234567890ab"
        content = {"schemaVersion": "1.0", "sessionType": "Standard_Stream", "inputs": {"kmsKeyId": key}}
        preferences = {"name": "SSM-SessionManagerRunShell", "document_type": "Session", "content": content}
        region = {"documents": [preferences], "kms_keys": [{"id": key}]}
        with a_node(region=region) as aws, a_holder() as holder:
            monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", aws.url)
            told = Told()
            worker = Worker(holder, aws, told)
            assert got(worker, large) == large.read_bytes()
            worker.close()
            assert taken_in_it(told) is None
            assert len(aws.calls("GenerateDataKey")) == 2


class TestTheRest:
    """Whatever does not come in the other session comes in that of the host."""

    @pytest.mark.parametrize(
        ("error", "attempts"), [("AccessDeniedException", 1), ("InvalidDocument", 1), ("TargetNotConnected", 2)]
    )
    def test_a_session_that_is_refused_is_not_tried_again(self, large: Path, error: str, attempts: int) -> None:
        """What may work later is tried a second time, and again once the host has another session."""
        told = Told()
        with a_worker(told, faults=[{**DENIED, "do": {"error": error}}]) as (aws, worker):
            for unused in range(3):
                assert got(worker, large) == large.read_bytes()
            assert documents(aws) == [INTERACTIVE] + attempts * [FETCH]
        assert taken_in_it(told) == 0
        assert told.warnings == []
        assert error in told or "permission" in told or "is not connected" in told

    def test_what_is_denied_for_one_node_is_not_tried_for_another(self, large: Path) -> None:
        """Each denied call is an event in the logs of the account, and there can be hundreds of nodes."""
        other = "i-0123456789abcdef9"
        nodes = [{"id": node, "agent": {"fast": True}} for node in (NODE, other)]
        fault = {**DENIED, "do": {"error": "AccessDeniedException"}}
        with a_node(region={"nodes": nodes}, faults=[fault]) as aws, a_holder() as holder:
            for target in (NODE, other):
                with contextlib.closing(Worker(holder, aws, target=target)) as worker:
                    assert got(worker, large) == large.read_bytes()
            assert sorted(documents(aws)) == [INTERACTIVE, INTERACTIVE, FETCH]

    def test_an_agent_that_would_write_the_output_to_its_disk_runs_no_command(self, large: Path) -> None:
        told = Told()
        nodes = [{"id": NODE, "agent": {"fast": True}, "agent_version": "3.1.1476.0"}]
        with a_worker(told, region={"nodes": nodes}) as (aws, worker):
            assert got(worker, large) == large.read_bytes()
            assert documents(aws) == [INTERACTIVE, FETCH]
            until(lambda: len(still_open(aws)) == 1)
        assert "This requires SSM Agent 3.1.1511 or newer" in told

    def test_a_session_for_which_aws_is_too_busy_is_tried_again_with_the_next_file(self, large: Path) -> None:
        """The file does not wait for it."""
        fault = {**DENIED, "times": 1, "do": {"error": "ThrottlingException"}}
        with a_worker(faults=[fault]) as (aws, worker):
            for unused in range(2):
                assert got(worker, large) == large.read_bytes()
            all_end(aws, 3)

    def test_without_room_for_another_session_none_is_started(self, large: Path) -> None:
        told = Told()
        with a_worker(told, descriptors=12) as (aws, worker):
            assert got(worker, large) == large.read_bytes()
            assert documents(aws) == [INTERACTIVE]
        assert "cannot open more files" in told

    def test_without_room_for_another_thread_none_is_started(
        self, large: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def start(unused: Any) -> None:
            raise RuntimeError("can't start new thread")

        with a_worker() as (aws, worker):
            monkeypatch.setattr(fetch_module.Fetch, "start", start)
            assert got(worker, large) == large.read_bytes()
            assert documents(aws) == [INTERACTIVE]

    @pytest.mark.parametrize(
        "do",
        [
            {"drop": True},
            {"double": True},
            {"damage": True},
            {"reorder": True},
            {"cut": "client"},
            {"cut": "agent"},
            {"close": "client"},
            {"close": "agent"},
            {"end": True},
            {"pause": 0.2},
        ],
        ids=lambda do: "-".join(map(str, do)),
    )
    def test_no_byte_is_lost_or_wrong_whatever_the_line_does(
        self, large: Path, monkeypatch: pytest.MonkeyPatch, do: dict[str, Any]
    ) -> None:
        """The 200th message of a session is one of the other session. The rest begins after what came before it."""
        monkeypatch.setattr(fetch_module, "_WORTH", SIZE)
        monkeypatch.setattr(fetch_module, "_WINDOW", 1.0)  # the agent may send again only ten messages in a second
        told = Told()
        rule = {"op": "frame:output_stream_data", "match": {"sequence": 200}, "do": do}
        limits = dataclasses.replace(PATIENT, connect=3.0)  # after a pause, nothing comes any more
        with a_worker(told, faults=[rule], given={"limits": limits}) as (aws, worker):
            assert got(worker, large) == large.read_bytes()
            until(lambda: len(still_open(aws)) == 1)
            assert documents(aws)[:2] == [INTERACTIVE, FETCH]
            assert aws.unused_faults() == []
        if do in ({"cut": "client"}, {"close": "client"}):
            assert 0 < (taken_in_it(told) or 0) < SIZE

    def test_another_session_goes_on_where_one_was_lost(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Session Manager closes sockets about hourly. The rest would take long in the session of the host."""
        path = a_file(tmp_path, 1_000_000)
        told = Told()
        monkeypatch.setattr(fetch_module, "_WORTH_A_SECOND", 1)
        rule = {"op": "frame:output_stream_data", "match": {"sequence": 700}, "do": {"close": "client"}}
        with a_worker(told, faults=[rule]) as (aws, worker):
            assert got(worker, path) == path.read_bytes()
            all_end(aws, 3)
            assert aws.calls("ResumeSession") == []
        assert taken_in_it(told) is None

    def test_a_session_that_was_slower_than_that_of_the_host_is_the_last(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = a_file(tmp_path, 1_000_000)
        told = Told()
        monkeypatch.setattr(fetch_module, "_WORTH_A_SECOND", 1e9)
        rule = {"op": "frame:output_stream_data", "match": {"sequence": 700}, "do": {"close": "client"}}
        with a_worker(told, faults=[rule]) as (aws, worker):
            assert got(worker, path) == path.read_bytes()
            assert documents(aws) == [INTERACTIVE, FETCH]
        assert 256 * 1024 <= (taken_in_it(told) or 0) < 1_000_000

    def test_a_line_that_is_slow_for_all_sessions_is_no_reason_to_give_up(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Users report 0.6 MB/s of AWS."""
        path = a_file(tmp_path, 1_000_000)
        told = Told()
        monkeypatch.setattr(fetch_module, "_WINDOW", 0.5)
        with a_worker(told, limits={"session_bytes_per_second": 600_000}) as (aws, worker):
            assert got(worker, path) == path.read_bytes()
            assert documents(aws) == [INTERACTIVE, FETCH]
        assert taken_in_it(told) is None

    def test_a_session_that_becomes_slow_is_given_up(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """SSM Agent sends only ten messages in a second again, and meanwhile what comes early would fill the memory."""
        path = a_file(tmp_path, 6_000_000)
        told = Told()
        monkeypatch.setattr(fetch_module, "_WINDOW", 0.5)
        monkeypatch.setattr(fetch_module, "_WORTH_A_SECOND", 1e6)
        rule = {"op": "frame:output_stream_data", "match": {"from": "agent"}, "after": 300, "every_frames": 20}
        with a_worker(told, faults=[{**rule, "times": 100, "do": {"drop": True}}]) as (aws, worker):
            assert got(worker, path) == path.read_bytes()
            assert documents(aws) == [INTERACTIVE, FETCH]
        assert "It came slower than in the session of the host." in told

    def test_a_session_that_falls_silent_is_given_up(self, large: Path) -> None:
        told = Told()
        rule = {"op": "frame:output_stream_data", "match": {"sequence": 200}, "do": {"silence": True}}
        limits = dataclasses.replace(PATIENT, connect=2.0)
        with a_worker(told, faults=[rule], given={"limits": limits}) as (aws, worker):
            assert got(worker, large) == large.read_bytes()
            until(lambda: len(still_open(aws)) == 1)
        assert 0 < (taken_in_it(told) or 0) < SIZE
        assert "The node did not answer for 2 seconds." in told

    @pytest.mark.parametrize(
        "program",
        ["import sys;sys.exit('no such file')", "print('~0 0 g - 3 00000000 YWJj')", "print('~1 0 x - 2 0 e30=')"],
    )
    def test_a_program_that_cannot_print_the_file_is_no_harm(
        self, large: Path, monkeypatch: pytest.MonkeyPatch, program: str
    ) -> None:
        monkeypatch.setattr(fetch_module, "_PROGRAM", program)
        told = Told()
        with a_worker(told) as (aws, worker):
            for unused in range(3):
                assert got(worker, large) == large.read_bytes()
            assert documents(aws) == [INTERACTIVE, FETCH, FETCH]
        assert taken_in_it(told) == 0

    def test_another_file_in_its_place_is_noticed(self, large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The helper has the checksum of the file that was asked for."""
        other = large.with_name("other")
        other.write_bytes(random.Random(9).randbytes(SIZE))
        program = fetch_module._PROGRAM.replace('"/proc/%s/fd/%s"%(sys.argv[1],sys.argv[2])', repr(str(other)))
        monkeypatch.setattr(fetch_module, "_PROGRAM", program)
        with a_worker() as (aws, worker):
            assert got(worker, large) == large.read_bytes()
            assert documents(aws) == [INTERACTIVE, FETCH]


class TestChanges:
    """A file may change while it is read."""

    def test_a_file_that_was_replaced_comes_as_it_was(self, large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        before = large.read_bytes()

        def replace() -> None:
            other = large.with_name("other")
            other.write_bytes(b"new" * SIZE)
            other.replace(large)

        with self.when_it_starts(monkeypatch, replace) as worker:
            assert got(worker, large) == before

    def test_a_file_that_grows_comes_with_what_was_added(self, large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def grow() -> None:
            with large.open("ab") as file:
                file.write(b"more")

        with self.when_it_starts(monkeypatch, grow) as worker:
            assert got(worker, large) == large.read_bytes()

    def test_a_file_that_became_another_is_read_again(self, large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """What was read before is not in the file any more. Logs and databases change all the time."""
        take = fetch_module.Fetch.take

        def truncating(fetch: fetch_module.Fetch) -> bytes:
            piece = take(fetch)
            if piece:
                large.write_bytes(b"new")
            return piece

        monkeypatch.setattr(fetch_module.Fetch, "take", truncating)
        with a_worker() as (unused, worker):
            assert got(worker, large) == b"new"

    @contextlib.contextmanager
    def when_it_starts(self, monkeypatch: pytest.MonkeyPatch, change: Callable[[], None]) -> Iterator[Worker]:
        started = fetch_module.Fetch._started_session

        def changing(fetch: fetch_module.Fetch) -> Any:
            change()
            return started(fetch)

        monkeypatch.setattr(fetch_module.Fetch, "_started_session", changing)
        with a_worker() as (unused, worker):
            yield worker


class TestEnds:
    """Nothing is left, whoever ends it."""

    @pytest.fixture(params=[100, 500])
    def stuck(
        self, request: pytest.FixtureRequest, large: Path, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[tuple[LocalAWS, Worker, Any]]:
        """A file that is on its way in a session that has fallen silent, maybe after it brought enough for another."""
        monkeypatch.setattr(fetch_module, "_WORTH_A_SECOND", 1)
        rule = {"op": "frame:output_stream_data", "match": {"sequence": request.param}, "do": {"silence": True}}
        with a_node(faults=[rule]) as aws, a_holder() as holder:
            worker = Worker(holder, aws)
            job = worker._new_job(lambda kind, data: None, "g")
            worker.remote.request("get", job.number, path=str(large), most=MOST)
            while aws.unused_faults():
                worker.step(0.02)
            assert len(still_open(aws)) == 2
            yield aws, worker, holder
            worker.close()

    def test_a_worker_that_has_gone_leaves_no_session(self, stuck: tuple[LocalAWS, Worker, Any]) -> None:
        aws, worker, holder = stuck
        worker.close()
        all_end(aws, 2)
        with contextlib.closing(Worker(holder, aws)) as other:
            assert other.run(b"echo here").out == b"here\n"

    def test_the_end_of_the_holder_leaves_no_session(self, stuck: tuple[LocalAWS, Worker, Any]) -> None:
        aws, worker, holder = stuck
        holder.end()
        assert still_open(aws) == set()
        job = next(iter(worker._jobs.values()))
        worker.wait_until(lambda: job.is_over, job)
        assert "was stopped" in str(job.lost)

    def test_the_end_of_the_session_of_the_host_ends_it(self, stuck: tuple[LocalAWS, Worker, Any]) -> None:
        aws, worker, unused = stuck
        first = next(iter(aws.world.state(REGION, Sessions).by_id))
        aws.client("ssm").terminate_session(SessionId=first)
        job = next(iter(worker._jobs.values()))
        worker.wait_until(lambda: job.is_over, job)
        assert job.lost is not None
        until(lambda: not still_open(aws))

    def test_a_session_that_cannot_be_ended_is_told(self, large: Path) -> None:
        told = Told()
        fault = {"op": "TerminateSession", "times": 1, "do": {"error": "AccessDeniedException"}}
        with a_worker(told, faults=[fault]) as (unused, worker):
            assert got(worker, large) == large.read_bytes()
            until(lambda: worker.remote.is_there() and told.warnings)
        assert "The session stays open until its time limits." in told.warnings[0]


class TestTheHelper:
    """A file that waits is no work for the helper, and can be cancelled."""

    @pytest.fixture
    def terminal(self) -> Iterator[Terminal]:
        with helper_on_a_terminal() as started:
            yield started

    def test_the_rest_begins_where_it_is_asked_for(self, terminal: Terminal, large: Path) -> None:
        for at in (0, 1, 65_536, SIZE - 1, SIZE, SIZE + 1):
            job = terminal.begin("get", path=str(large), most=MOST)
            process, file = lines.place_of(terminal.answer(job, "f"))
            assert Path(f"/proc/{process}/fd/{file}").samefile(large)
            assert terminal.run("true").said["rc"] == 0
            terminal.tell("rest", job, at=at)
            ended = terminal.end_of(job)
            assert ended.out == large.read_bytes()[at:]
            assert ended.said["sha256"] == hashlib.sha256(large.read_bytes()).hexdigest()

    def test_a_file_that_waits_can_be_cancelled(self, terminal: Terminal, large: Path) -> None:
        job = terminal.begin("get", path=str(large), most=MOST)
        terminal.answer(job, "f")
        terminal.tell("cancel", job)
        assert terminal.end_of(job).said == {"error": "cancelled"}
        terminal.tell("rest", job, at=0)  # of a job that is over
        assert terminal.run("true").said["rc"] == 0

    @pytest.mark.parametrize("said", [{}, {"process": "1", "file": 2}, {"process": 1, "file": True}])
    def test_an_answer_that_says_no_place_is_an_error(self, said: dict[str, Any]) -> None:
        with pytest.raises(lines.LineError, match="did not send where a file is open"):
            lines.place_of(lines.Answer(1, "f", json.dumps(said).encode()))
