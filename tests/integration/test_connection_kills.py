# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test what is left if a controller, the holder of its sessions, or a node is killed at any moment.

``make kills`` does it 200 times, and the tests a few times. A controller is a process that forks workers, as Ansible
does, without the seconds that Ansible takes to start.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.sessionops.aws.plugins.plugin_utils._connection import starting
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.jobs import Jobs
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.remote import Remote

from emulator.testing import LocalAWS
from unit.support.connection_plugin import environment
from unit.support.session_client import REGION, Told, a_node, settings_for, tell_node
from unit.support.session_holder import holders, short_folder
from unit.support.session_stage import still_open
from unit.support.waiting import until

ROUNDS = int(os.environ.get("SESSIONOPS_KILLS", "6"))
IDLE = 5  # seconds after which AWS ends a session that nobody uses
WORKERS, COMMANDS = 3, 4
DEADLINE = 60.0
FORK = multiprocessing.get_context("fork")


class Stage:
    """A node with a file that commands write to, and a file in which workers say what has succeeded."""

    def __init__(self, aws: LocalAWS, runtime: Path, folder: Path) -> None:
        self.aws = aws
        self.runtime = runtime
        self.ran = folder / "ran"
        self.told = folder / "told"
        self.settings = settings_for(aws).as_json()

    def controller(self, name: str) -> int:
        """Fork a controller, whose workers run commands, and return its process."""
        pid = os.fork()
        if pid:
            return pid
        status = 1
        try:
            workers = [FORK.Process(target=self.work, args=(f"{name}.{number}",)) for number in range(WORKERS)]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
            status = sum(bool(worker.exitcode) for worker in workers)
        finally:
            os._exit(status)

    def work(self, name: str) -> None:
        """Run commands, one after the other, each with a connection of its own, as tasks do."""
        for number in range(COMMANDS):
            remote = Remote(starting.find_or_start(persist=False), Told())
            jobs = Jobs(remote, remote.open(self.settings), Told())
            word = f"{name}.{number}"
            ended = jobs.run(f"echo {word} >> {self.ran}; sleep 0.05; echo {word}".encode())
            assert (ended.status, ended.out) == (0, f"{word}\n".encode())
            remote.close()
            with self.told.open("a") as told:
                told.write(f"{word}\n")

    def words(self, path: Path) -> list[str]:
        return path.read_text().split() if path.exists() else []

    def kill(self, what: str, controller: int) -> None:
        if what == "node":
            tell_node(self.aws, "restart")
            return
        for pid in [controller] if what == "controller" else holders(self.runtime):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with (
        short_folder() as runtime,
        environment(XDG_RUNTIME_DIR=runtime, AWS_REGION=REGION),
        a_node(limits={"session_idle_seconds": IDLE}, strict=False) as aws,
    ):
        yield Stage(aws, Path(runtime, "sessionops-aws"), tmp_path)


def test_nothing_runs_twice_and_nothing_is_left(stage: Stage) -> None:
    chance = random.Random(4711)
    started = time.monotonic()
    assert os.waitpid(stage.controller("undisturbed"), 0)[1] == 0
    takes = time.monotonic() - started  # a kill after the end would show nothing
    for number in range(ROUNDS):
        what = ("controller", "holder", "node")[number % 3]
        controller = stage.controller(f"{number}")
        time.sleep(chance.uniform(0.0, takes))
        stage.kill(what, controller)
        os.waitpid(controller, 0)
        after = stage.controller(f"{number}-after")
        unused, status = os.waitpid(after, 0)
        assert status == 0, f"round {number}: the next play failed after the {what} was killed"
        ran, told = stage.words(stage.ran), stage.words(stage.told)
        assert len(set(ran)) == len(ran), f"round {number}: a command ran twice"
        assert set(told) <= set(ran), f"round {number}: a command that did not run was told to have succeeded"
        until(lambda: not holders(stage.runtime), f"round {number}: a holder is left", seconds=DEADLINE)
    until(lambda: not still_open(stage.aws), "a session is left", seconds=DEADLINE)
