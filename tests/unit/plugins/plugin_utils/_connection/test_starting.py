# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test that the first task starts the holder of sessions, once, and that the others find it."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.sessionops.aws.plugins.plugin_utils._connection import starting
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.errors import SessionError
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.jobs import Jobs, loss_of
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.remote import Remote

from unit.support.connection_plugin import environment
from unit.support.session_client import Told, a_node, settings_for
from unit.support.session_holder import holders, short_folder
from unit.support.waiting import until


@pytest.fixture(autouse=True)
def runtime() -> Iterator[Path]:
    """A folder of the test's own for sockets. Its holder ends with the test."""
    with short_folder() as made, environment(XDG_RUNTIME_DIR=made, AWS_REGION="us-east-1"):
        yield Path(made, "sessionops-aws")
        starting.ask("stop", Told(), persist=False)


def links(process: int) -> dict[str, str]:
    """Return what the descriptors of a process are."""
    found = {}
    for number in os.listdir(f"/proc/{process}/fd"):
        with contextlib.suppress(FileNotFoundError):
            found[number] = os.readlink(f"/proc/{process}/fd/{number}")
    return found


def find_in_child(results: multiprocessing.SimpleQueue[str]) -> None:
    """Do what a worker of Ansible does, and report what it was answered."""
    try:
        remote = Remote(starting.find_or_start(persist=False), Told())
        remote.request("open", 0, version=0)
        (answer,) = remote.wait(60)
        results.put(str(loss_of(answer)))
    except Exception as error:
        results.put(repr(error))


def test_workers_that_start_at_once_have_one_holder(runtime: Path) -> None:
    """One in four succeeded where each started its own (ansible 29018, 20748)."""
    forked = multiprocessing.get_context("fork")
    results = forked.SimpleQueue()
    workers = [forked.Process(target=find_in_child, args=(results,)) for unused in range(50)]
    for worker in workers:
        worker.start()
    found = [results.get() for unused in workers]
    for worker in workers:
        worker.join()
    assert {"another version" in text for text in found} == {True}, found
    assert len(holders(runtime)) == 1
    assert len([path for path in runtime.iterdir() if path.is_socket()]) == 1


def test_a_holder_serves_sessions_and_keeps_nothing_of_its_starter(runtime: Path) -> None:
    """It has no descriptor of the worker, so that $(ansible-playbook) returns (ansible 7417), and no terminal."""
    with a_node() as aws, tempfile.TemporaryFile() as mine:
        os.set_inheritable(mine.fileno(), True)
        connection = starting.find_or_start(persist=False)
        remote = Remote(connection, Told())
        node = remote.open(settings_for(aws).as_json())
        assert Jobs(remote, node, Told()).run(b"cat", b"x" * 3_000_000).out == b"x" * 3_000_000
        (holder,) = holders(runtime)
        opened = links(holder)
        assert os.readlink(f"/proc/self/fd/{mine.fileno()}") not in opened.values()
        assert {opened[number] for number in "012"} == {os.devnull}
        assert not any(link.startswith("pipe:") for link in opened.values())
        assert os.getsid(holder) == holder
        shown = Path(f"/proc/{holder}/cmdline").read_text() + Path(f"/proc/{holder}/environ").read_text()
        assert aws.world.default_identity.secret_key not in shown
        remote.close()
        starting.ask("stop", Told(), persist=False)
        assert len(aws.calls("TerminateSession")) == len(aws.calls("StartSession")) == 1
        until(lambda: not [path for path in runtime.iterdir() if path.is_socket()])


def test_a_holder_that_was_killed_is_replaced(runtime: Path) -> None:
    """Its socket is still there, and nobody waits for it (ansible 27793, 22600)."""
    first = starting.find_or_start(persist=False)
    (holder,) = holders(runtime)
    os.kill(holder, signal.SIGKILL)
    os.waitpid(holder, 0)  # until then, its socket can still take a connection
    assert first.recv(1) == b""
    first.close()
    second = starting.find_or_start(persist=False)
    second.close()
    assert len(holders(runtime)) == 1 and holders(runtime) != [holder]


def test_a_holder_that_ends_at_the_same_moment_has_nothing_to_reset(monkeypatch: pytest.MonkeyPatch) -> None:
    """ansible-core resets connections in its own process, where a failure would end the play."""
    ours, theirs = socket.socketpair()
    theirs.close()
    monkeypatch.setattr(starting, "find", lambda unused_persist: ours)
    starting.ask("reset", Told(), {}, persist=False)


@pytest.mark.parametrize(
    ("program", "text"),
    [
        ("raise SystemExit('No room.')", "Could not start the process that holds the sessions: No room."),
        ("import nosuch", "ModuleNotFoundError: No module named 'nosuch'."),
        ("import sys; sys.exit(1)", "it printed nothing."),
        ("print('ready')", "it printed nothing."),
        ("import os; os.kill(os.getpid(), 9)", "it printed nothing."),
        ("import sys; sys.exit('refused: websockets is missing.')", "websockets is missing."),
    ],
)
def test_a_holder_that_ends_at_its_start_says_why(
    runtime: Path, monkeypatch: pytest.MonkeyPatch, program: str, text: str
) -> None:
    """Others wait for a socket that never comes (ansible 27793, 22600, nuage 411)."""
    monkeypatch.setattr(starting, "_START", program)
    with pytest.raises(SessionError) as raised:
        starting.find_or_start(persist=False)
    assert str(raised.value).endswith(text)
    assert [path.name for path in runtime.iterdir()] == ["lock"]


def test_the_last_worker_of_a_play_that_has_ended_starts_no_holder(
    runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ansible-core removes the temporary files of a task also if its controller was killed."""
    with subprocess.Popen(["true"]) as done:
        done.wait()
    monkeypatch.setattr(starting, "controller", lambda: done.pid)
    with pytest.raises(SessionError, match="Ansible has ended"):
        starting.find_or_start(persist=False)
    assert holders(runtime) == []
    monkeypatch.undo()


def test_a_holder_that_ends_leaves_its_place_to_the_next(runtime: Path) -> None:
    """The callback ends it after each playbook, and the next playbook starts at once."""
    for unused in range(3):
        remote = Remote(starting.find_or_start(persist=False), Told())
        remote.ask("stop")
        remote.close()
        first = starting.find_or_start(persist=False)
        until(lambda: len(holders(runtime)) == 1, seconds=60)
        second = starting.find(persist=False)
        assert second is not None
        first.close()
        second.close()


def test_an_update_of_the_collection_has_a_holder_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A holder that outlives its play has the code of before."""
    before = starting.name_of(persist=True)
    assert starting.name_of(persist=True) == before
    files = [path for path, *unused in starting._CODE]
    assert any(path.endswith("_session/kept.py") for path in files) and starting.__file__ in files
    monkeypatch.setattr(starting, "_CODE", [(path, 0, 0) for path in files])
    assert starting.name_of(persist=True) != before


def test_who_has_a_holder_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another play, and another environment, whose credentials may be others."""
    own = starting.name_of(persist=False)
    assert starting.name_of(persist=False) == own
    assert starting.name_of(persist=True) != own
    for name in (
        "AWS_PROFILE",
        "AWS_ACCESS_KEY_ID",
        "AWS_CONFIG_FILE",
        "HTTPS_PROXY",
        "no_proxy",
        "SSL_CERT_FILE",
        "HOME",
    ):
        with environment(**{name: "x"}):
            assert starting.name_of(persist=False) != own, name
    monkeypatch.setattr(starting, "controller", lambda: 1)
    assert starting.name_of(persist=False) != own


def test_a_holder_that_may_outlive_the_play_is_found_by_the_next(runtime: Path) -> None:
    """It ends once it has had no session for a while, which is not waited for here."""
    with a_node() as aws:
        given = {**settings_for(aws, persist=True, idle=60.0).as_json()}
        program = (
            "import json,sys;from ansible.plugins.loader import init_plugin_loader;init_plugin_loader();"
            "from ansible_collections.sessionops.aws.plugins.plugin_utils._connection import starting;"
            "from ansible_collections.sessionops.aws.plugins.plugin_utils._session.remote import Remote;"
            "remote=Remote(starting.find_or_start(True),print);print(remote.open(json.load(sys.stdin)).user)"
        )
        for unused in range(2):
            done = subprocess.run(
                [sys.executable, "-c", program], input=json.dumps(given), capture_output=True, text=True, check=True
            )
            assert done.stdout.strip()
        assert len(aws.calls("StartSession")) == 1
        starting.ask("stop", Told(), persist=True)
        assert len(aws.calls("TerminateSession")) == 1


def test_a_worker_imports_nothing_that_takes_long() -> None:
    """It is a new process for each task. Some of it must not be loaded after a fork on macOS (amazon.aws 2975)."""
    program = (
        "import sys;from ansible.plugins.loader import init_plugin_loader, connection_loader;init_plugin_loader();"
        "import ansible.executor.task_executor;before=set(sys.modules);"
        "connection_loader.get('sessionops.aws.aws_ssm', class_only=True);"
        "print(*sorted(set(sys.modules)-before))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    slow = ("boto3", "botocore", "websockets", "ssl", "urllib.request", "http", "ansible_collections.amazon", "asyncio")
    assert [name for name in loaded if name.startswith(slow)] == []
    assert "ansible_collections.sessionops.aws.plugins.plugin_utils._session.remote" in loaded
