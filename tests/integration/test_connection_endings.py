# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test that no end of Ansible leaves a command on a node, or a session, behind."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import environment
import pytest

from emulator.gateway import Gateway
from emulator.node.part import NodeProcesses
from emulator.testing import LocalAWS

NODE = "i-0123456789abcdef0"
GONE = "i-0123456789abcdef9"
REGION = "us-east-1"
WORLD = {"regions": {REGION: {"nodes": [{"id": NODE, "agent": {"fast": True}}, {"id": GONE}]}}}
# Only a test that is broken waits so long.
DEADLINE = 120
BAD_WORDS = ("Traceback", "Exception ignored", "errantly")


@pytest.fixture(scope="module")
def shared() -> Iterator[LocalAWS]:
    with LocalAWS(WORLD, parts=[Gateway(), NodeProcesses()]) as aws:
        yield aws


@pytest.fixture
def stage(shared: LocalAWS, tmp_path: Path) -> Iterator[Stage]:
    found = Stage(shared, tmp_path)
    try:
        yield found
    finally:
        found.end_processes()


class Stage:
    """A node, and the processes of Ansible that use it."""

    def __init__(self, aws: LocalAWS, folder: Path) -> None:
        self.aws = aws
        self.folder = folder
        self.since = aws.position
        # A number of seconds that no other test sleeps for, so that its command can be found on the node.
        self.sleep = f"sleep 1000.{time.time_ns() % 10**9:09d}"
        self._processes: list[subprocess.Popen[str]] = []
        hosts = {name: {"ansible_host": NODE} for name in ("n", *(f"n{number}" for number in range(10)))}
        hosts["gone"] = {"ansible_host": GONE}
        variables = {
            "ansible_connection": "sessionops.aws.aws_ssm",
            "ansible_aws_ssm_region": REGION,
            "ansible_python_interpreter": sys.executable,
            "ansible_remote_tmp": str(folder / "remote"),
        }
        (folder / "hosts.yml").write_text(json.dumps({"all": {"hosts": hosts, "vars": variables}}))

    def start(self, *command: str, output: Any = subprocess.PIPE) -> subprocess.Popen[str]:
        """Start Ansible in a process group of its own."""
        ours = {name: value for name, value in self.aws.clean_env().items() if not name.startswith("ANSIBLE_REMOTE")}
        started = subprocess.Popen(
            [command[0], "-i", "hosts.yml", *command[1:]],
            cwd=self.folder,
            env={**ours, "ANSIBLE_RETRY_FILES_ENABLED": "false"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._processes.append(started)
        return started

    def play(self, tasks: Sequence[Mapping[str, Any]], **play: Any) -> subprocess.Popen[str]:
        """Start a play with these tasks."""
        written = [{"hosts": "n", "gather_facts": False, "tasks": tasks, **play}]
        (self.folder / "play.yml").write_text(json.dumps(written))
        return self.start("ansible-playbook", "play.yml")

    def sleeping(self, count: int = 1) -> None:
        """Wait until the command runs on the node so often."""
        wait_until(lambda: len(self.commands()) == count, "the command does not run")

    def commands(self) -> list[int]:
        """Return the processes of the command on the node."""
        return [pid for pid, words in processes() if " ".join(words) == self.sleep]

    def end(self, process: subprocess.Popen[str]) -> str:
        """Wait until a process has ended, and return its output."""
        printed, unused = process.communicate(timeout=DEADLINE)
        return printed or ""

    def calls(self, operation: str) -> list[Any]:
        return [call.params for call in self.aws.calls(operation, since=self.since) if call.outcome == "ok"]

    def sessions_left(self) -> int:
        """Return how many sessions are neither ended nor about to end."""
        listed = self.aws.client("ssm", region=REGION).describe_sessions(State="Active")["Sessions"]
        return sum(session["Status"] not in ("Terminating", "Terminated") for session in listed)

    def is_clean(self, printed: str) -> None:
        """Check that nothing is left of what was started, and that the next task works."""
        wait_until(lambda: not self.commands(), "the command still runs on the node")
        wait_until(lambda: not self.sessions_left(), "a session is left")
        assert len(self.calls("TerminateSession")) <= len(self.calls("StartSession"))
        wait_until(lambda: not self._workers(), "a worker is left")
        assert not [word for word in BAD_WORDS if word in printed], printed

    def next_task_works(self) -> None:
        printed = self.end(self.start("ansible", "n", "-m", "ansible.builtin.raw", "-a", "echo still-here"))
        assert "still-here" in printed, printed

    def _workers(self) -> list[int]:
        """Return the processes that work in the folder of this test, other than on the node."""
        found = []
        for pid, words in processes():
            with contextlib.suppress(OSError):
                if os.readlink(f"/proc/{pid}/cwd") == str(self.folder) and any("ansible" in word for word in words):
                    found.append(pid)
        return found

    def end_processes(self) -> None:
        for pid in [*self._workers(), *self.commands()]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for process in self._processes:
            process.kill()
            process.communicate()


def processes() -> Iterator[tuple[int, list[str]]]:
    """Yield the ID and the command line of each process."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                yield int(entry.name), entry.joinpath("cmdline").read_text("utf-8", "replace").rstrip("\0").split("\0")


def wait_until(is_true: Callable[[], object], otherwise: str) -> None:
    deadline = time.monotonic() + DEADLINE
    while not is_true():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.05)


def shell(command: str, **more: Any) -> dict[str, Any]:
    return {"name": "Run a command", "ansible.builtin.raw": command, **more}


# --- signals ---


@pytest.mark.parametrize(
    ("number", "group"), [(signal.SIGINT, True), (signal.SIGTERM, False), (signal.SIGHUP, False)], ids=str
)
def test_a_signal_ends_the_command_and_the_session(stage: Stage, number: signal.Signals, group: bool) -> None:
    play = stage.play([shell(stage.sleep)])
    stage.sleeping()
    (os.killpg if group else os.kill)(play.pid, number)
    printed = stage.end(play)
    assert play.returncode != 0
    stage.is_clean(printed)


