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

import pytest

from emulator.gateway import Gateway
from emulator.node.part import NodeProcesses
from emulator.testing import LocalAWS
from unit.support.waiting import until

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
            [sys.executable, "-c", WITH_SIGNALS, *command],
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
        write_play(self.folder, tasks, **play)
        return self.start("ansible-playbook", "-i", "hosts.yml", "play.yml")

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
        """Check that nothing is left of what was started (ansible 30775, 5197, 26359, amazon.aws 2728)."""
        wait_until(lambda: not self.commands(), "the command still runs on the node")
        wait_until(lambda: not self.sessions_left(), "a session is left")
        assert len(self.calls("TerminateSession")) <= len(self.calls("StartSession"))
        wait_until(lambda: not self.workers(), "a worker is left")
        assert not [word for word in BAD_WORDS if word in printed], printed

    def next_task_works(self) -> None:
        printed = self.end(
            self.start("ansible", "-i", "hosts.yml", "n", "-m", "ansible.builtin.raw", "-a", "echo still-here")
        )
        assert "still-here" in printed, printed

    def workers(self) -> list[int]:
        """Return the processes that work in the folder of this test, other than on the node."""
        found = []
        for pid, words in processes():
            with contextlib.suppress(OSError):
                if os.readlink(f"/proc/{pid}/cwd") == str(self.folder) and any("ansible" in word for word in words):
                    found.append(pid)
        return found

    def holders(self) -> list[int]:
        """Return the processes that hold sessions for this test."""
        held = {pid for pid, words in processes() if "sessionops.aws: sessions of Ansible" in words}
        return [pid for pid in self.workers() if pid in held]

    def end_processes(self) -> None:
        for pid in [*self.workers(), *self.commands()]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for process in self._processes:
            process.kill()
            process.communicate()


def write_play(folder: Path, tasks: Sequence[Mapping[str, Any]], **play: Any) -> None:
    written = [{"hosts": "n", "gather_facts": False, "tasks": tasks, **play}]
    (folder / "play.yml").write_text(json.dumps(written))


def processes() -> Iterator[tuple[int, list[str]]]:
    """Yield the ID and the command line of each process."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                yield int(entry.name), entry.joinpath("cmdline").read_text("utf-8", "replace").rstrip("\0").split("\0")


# Runs a command that ignores no signal, whatever the tests were started with, as nohup does with SIGHUP.
WITH_SIGNALS = """
import os, signal, sys
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
    signal.signal(number, signal.SIG_DFL)
os.execvp(sys.argv[1], sys.argv[1:])
"""


def wait_until(is_true: Callable[[], object], otherwise: str) -> None:
    until(is_true, otherwise, seconds=DEADLINE)


def shell(command: str, **more: Any) -> dict[str, Any]:
    return {"name": "Run a command", "ansible.builtin.raw": command, **more}


# --- signals ---


@pytest.mark.parametrize(
    ("number", "group"), [(signal.SIGINT, True), (signal.SIGTERM, False), (signal.SIGHUP, False)], ids=str
)
def test_a_signal_ends_the_command_and_the_session(stage: Stage, number: signal.Signals, group: bool) -> None:
    """Nothing is left on the node (mitogen 263, 241, sigil 39, awx 378, 1840, 10151, amazon-ssm-agent 156, 483)."""
    play = stage.play([shell(stage.sleep)])
    stage.sleeping()
    (os.killpg if group else os.kill)(play.pid, number)
    printed = stage.end(play)
    assert play.returncode != 0
    stage.is_clean(printed)


def test_a_second_signal_does_not_interrupt_the_end(stage: Stage) -> None:
    stage.aws.add_fault(op="TerminateSession", do={"delay": 1})
    play = stage.play([shell(stage.sleep)])
    stage.sleeping()
    workers = [pid for pid in stage.workers() if pid != play.pid]
    for unused in range(5):
        for pid in (play.pid, *workers):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        time.sleep(0.1)
    stage.is_clean(stage.end(play))


def test_a_signal_while_ten_sessions_start(stage: Stage) -> None:
    stage.aws.add_fault(op="StartSession", times=5, do={"delay": 1})
    play = stage.play([shell(stage.sleep)], hosts="n?")
    # The sessions that are not delayed run then, and the others are about to start.
    wait_until(stage.commands, "no command runs")
    os.killpg(play.pid, signal.SIGINT)
    stage.is_clean(stage.end(play))


def test_a_signal_between_two_attempts_of_a_task(stage: Stage) -> None:
    again = {"register": "done", "until": "done is failed", "retries": 9, "delay": 300}
    play = stage.play([shell(f"touch {stage.folder}/ran", **again)])
    wait_until((stage.folder / "ran").exists, "the command has not run")
    os.kill(play.pid, signal.SIGTERM)
    stage.is_clean(stage.end(play))


def test_a_killed_controller_ends_its_sessions_all_the_same(stage: Stage) -> None:
    play = stage.play([shell(stage.sleep)])
    stage.sleeping()
    play.kill()
    stage.is_clean(stage.end(play))


def test_a_killed_worker_leaves_no_command(stage: Stage) -> None:
    """Its session is used by the next task."""
    play = stage.play([shell(stage.sleep)])
    stage.sleeping()
    for pid in stage.workers():
        if pid != play.pid and pid not in stage.holders():
            os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not stage.commands(), "the command still runs on the node")
    play.kill()
    stage.is_clean(stage.end(play))


def test_a_killed_holder_leaves_a_session_that_is_found_by_its_reason(stage: Stage) -> None:
    """The task fails, and the next one works (mitogen 571, 264)."""
    tasks = [shell(stage.sleep, ignore_unreachable=True), shell("echo still-here")]
    play = stage.play(tasks)
    stage.sleeping()
    (holder,) = stage.holders()
    os.kill(holder, signal.SIGKILL)
    printed = stage.end(play)
    assert "The next task starts another process. The command may have run." in printed, printed
    assert "ok=2 " in printed, printed
    # Nobody is left who could end the first session, or its command.
    wait_until(lambda: stage.sessions_left() == 1, "the session of the second task is left")
    assert stage.commands()
    info = {"name": "List", "sessionops.aws.ssm_session_info": {"region": REGION}, "register": "found"}
    mine = f"found.sessions | selectattr('reason', 'search', 'process {play.pid}$') | map(attribute='session_id')"
    terminate = {"region": REGION, "session_ids": f"{{{{ {mine} | list }}}}", "wait": True}
    end = {"name": "End it", "sessionops.aws.ssm_session_terminate": terminate}
    second = stage.play([info, end], hosts="localhost", connection="local")
    printed = stage.end(second)
    assert second.returncode == 0 and "changed=1" in printed, printed
    stage.is_clean(printed)


# --- containers, in which all processes end with the first ---


IN_A_CONTAINER = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")


def may_make_a_container() -> bool:
    return subprocess.run([*IN_A_CONTAINER, "true"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not may_make_a_container(), reason="this user may not make a namespace of processes here")
@pytest.mark.parametrize("callback", [True, False])
def test_a_container_that_ends_with_the_playbook(stage: Stage, callback: bool) -> None:
    """The callback ends the sessions. Without it, exactly those of the hosts are left."""
    if callback:
        (stage.folder / "ansible.cfg").write_text("[defaults]\ncallbacks_enabled = sessionops.aws.end_sessions\n")
    write_play(stage.folder, [shell("echo here")], hosts="n,n1")
    before = stage.sessions_left()
    play = stage.start(*IN_A_CONTAINER, "ansible-playbook", "-i", "hosts.yml", "play.yml")
    printed = stage.end(play)
    assert play.returncode == 0, printed
    assert stage.sessions_left() - before == (0 if callback else 1)
    for session in stage.aws.client("ssm", region=REGION).describe_sessions(State="Active")["Sessions"]:
        stage.aws.client("ssm", region=REGION).terminate_session(SessionId=session["SessionId"])


# --- what starts Ansible ---


def test_the_output_ends_with_ansible(stage: Stage) -> None:
    """A process in the background that kept it would make $(...) wait (ansible 7417)."""
    line = "echo \"<$(ansible -i hosts.yml n -m ansible.builtin.raw -a 'echo here' 2>&1 | grep here)>\""
    shown = stage.end(stage.start("bash", "-c", line))
    assert "<here" in shown, shown
    stage.is_clean(shown)


def test_a_home_with_a_long_path(stage: Stage) -> None:
    """The path of a socket is short (ansible 11536, 12144, 16840, 10826, kismatic 93, metron 122)."""
    home = stage.folder / ("x" * 200)
    home.mkdir()
    printed = stage.end(
        stage.start(
            "env", f"HOME={home}", "ansible", "-i", "hosts.yml", "n", "-m", "ansible.builtin.raw", "-a", "echo here"
        )
    )
    assert "here" in printed, printed
    stage.is_clean(printed)


# --- ends of tasks ---


def test_what_fails_leaves_nothing(stage: Stage) -> None:
    tasks = [
        shell("exit 3", ignore_errors=True, ignore_unreachable=True),
        shell(stage.sleep, timeout=2, ignore_errors=True, ignore_unreachable=True),
        shell("echo still-here", ignore_unreachable=True),
    ]
    play = stage.play(tasks, hosts="n,gone")
    printed = stage.end(play)
    stage.is_clean(printed)
    assert "Timed out after 2 second" in printed and "non-zero return code" in printed, printed
    assert "ok=3 " in printed and "unreachable=0" in printed, printed


def test_a_session_that_somebody_ends(stage: Stage) -> None:
    play = stage.play([shell(stage.sleep)])
    stage.sleeping()
    stage.aws.disturb(end=True)
    printed = stage.end(play)
    assert play.returncode == 4 and "The command may have run." in printed, printed
    stage.is_clean(printed)


def test_an_output_that_nobody_reads(stage: Stage) -> None:
    """No traceback and no token are printed (session-manager-plugin 60)."""
    command = f"ansible -i hosts.yml n0,n1 -m ansible.builtin.raw -a 'echo {'x' * 70000}' | head -c 1"
    piped = stage.start("bash", "-c", command)
    printed = stage.end(piped)
    stage.is_clean(printed)
    stage.next_task_works()
