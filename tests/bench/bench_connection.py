# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plays over Session Manager against the same plays over ssh and on this machine, each from a cold start.

The node waits for a second before its first output, as SSM Agent does. The server of ssh runs on the processor of the
emulator and its node. Without OpenSSH's server, only the plays over Session Manager and on this machine are measured.
The last row is one command on a session, or a connection of ssh, that is open. Its node does not sleep between reads.
"""

from __future__ import annotations

import contextlib
import getpass
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from environment import variables
from harness import Emulator, Row, in_turns, its_own_processors, run_measured

NODE = "i-0123456789abcdef0"
FAST = "i-0123456789abcdef1"
WORLD = {"regions": {"us-east-1": {"nodes": [{"id": NODE, "agent": {}}, {"id": FAST, "agent": {"fast": True}}]}}}
SECONDS_TO_START = 30
TIMES = 5

# Runs a command with a connection plugin again and again, and prints the median of the seconds that each took.
COMMANDS = """
import json, statistics, sys, time
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import connection_loader, init_plugin_loader
init_plugin_loader()
variables, times = json.load(sys.stdin)
context = PlayContext()
context.remote_addr = variables["ansible_host"]
plugin = connection_loader.get(variables["ansible_connection"], context)
plugin.set_options(var_options=variables)
took = []
for unused in range(times + 1):
    began = time.perf_counter()
    status, unused, printed = plugin.exec_command("true", sudoable=False)
    took.append(time.perf_counter() - began)
    assert status == 0, printed
print(statistics.median(took[1:]))
"""
TRUE = {"ansible.builtin.command": "true", "loop": list(range(10))}
SHORT: list[dict[str, Any]] = [{"ansible.builtin.ping": {}}]
PLAYS: dict[str, list[dict[str, Any]]] = {
    "play20, 20 module runs in 11 tasks": [
        {"ansible.builtin.ping": {}},
        TRUE,
        {"ansible.builtin.copy": {"content": "hello\n", "dest": "{{ folder }}/small", "mode": "0600"}},
        {"ansible.builtin.shell": "echo out; echo err >&2"},
        {"ansible.builtin.stat": {"path": "/etc/passwd"}},
        {"ansible.builtin.setup": {"gather_subset": ["!all", "min"]}},
        {"ansible.builtin.file": {"path": "{{ folder }}/folder", "state": "directory"}},
        {"ansible.builtin.slurp": {"src": "/etc/passwd"}},
        {"ansible.builtin.raw": "id"},
        {"ansible.builtin.lineinfile": {"path": "{{ folder }}/small", "line": "x"}},
        {"ansible.builtin.command": "id"},
    ],
    "play10, a loop of 10 commands": [TRUE],
}


def rows(quick: bool) -> Iterator[Row]:
    """Yield the median of each play with each connection, and how Session Manager compares with the others."""
    with tempfile.TemporaryDirectory() as made, _ssh(Path(made)) as ssh, Emulator(WORLD) as aws:
        folder = Path(made)
        connections = {
            "session": {"ansible_connection": "sessionops.aws.aws_ssm", "ansible_host": NODE},
            "local": {"ansible_connection": "local"},
            **({"ssh": ssh} if ssh else {}),
        }
        for title, tasks in {"a short play": SHORT}.items() if quick else PLAYS.items():
            (folder / "play.json").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))

            def seconds(name: str, aws: Emulator = aws, folder: Path = folder) -> float:
                return _play(aws, folder, connections[name])

            took = in_turns(1 if quick else TIMES, **{name: lambda name=name: seconds(name) for name in connections})
            for name, median in took.items():
                if name != "session":
                    yield Row(f"{title}, with connection {name}", median)
            if "ssh" in took:
                ratio = took["session"] / took["ssh"]
                yield Row(f"{title}, over Session Manager", took["session"], "s", ratio, "ssh", 1.0)
            ratio = took["session"] / took["local"]
            yield Row(f"{title}, over Session Manager", took["session"], "s", ratio, "local")
        connections["session"]["ansible_host"] = FAST
        del connections["local"]  # it opens nothing

        def command_seconds(name: str) -> float:
            return _command(aws, folder, connections[name], 20 if quick else 200)

        took = in_turns(
            1 if quick else TIMES, **{name: lambda name=name: command_seconds(name) for name in connections}
        )
        milliseconds = took["session"] * 1000
        if "ssh" in took:
            ratio = took["session"] / took["ssh"]
            yield Row("true, on an open session", milliseconds, "ms", ratio, "ssh", 1.0)
        else:
            yield Row("true, on an open session", milliseconds, "ms")
        if not ssh:
            yield Row("plays with connection ssh, because there is no sshd here", 0, "runs")


def _play(aws: Emulator, folder: Path, host: Mapping[str, Any]) -> float:
    """Run the play with nothing left of an earlier one, and return its seconds."""
    here = folder / "work"
    shutil.rmtree(here, ignore_errors=True)
    here.mkdir()
    common = {
        "ansible_python_interpreter": sys.executable,
        "folder": str(here),
        "ansible_remote_tmp": str(here / "tmp"),
    }
    (folder / "hosts.json").write_text(json.dumps({"all": {"hosts": {"n": {**common, **host}}}}))
    command = ["ansible-playbook", "-i", str(folder / "hosts.json"), str(folder / "play.json")]
    used = run_measured(command, {**aws.environment, "AWS_REGION": "us-east-1", "ANSIBLE_PIPELINING": "true"})
    _end_connections(aws, folder)
    return used.seconds


def _command(aws: Emulator, folder: Path, host: Mapping[str, Any], times: int) -> float:
    """Run ``true`` so often, and return the median of the seconds."""
    done = subprocess.run(
        [sys.executable, "-c", COMMANDS],
        input=json.dumps([dict(host), times]),
        env={**variables(), **aws.environment, "AWS_REGION": "us-east-1"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    _end_connections(aws, folder)
    return float(done.stdout)


def _end_connections(aws: Emulator, folder: Path) -> None:
    """End those of ssh, and wait for the end of the sessions."""
    for control in folder.glob("control-*"):
        subprocess.run(["ssh", "-S", control, "-O", "exit", "n"], capture_output=True, check=False)
    deadline = time.monotonic() + SECONDS_TO_START
    while True:
        counts = aws.counts()
        started, ended = (sum(counts.get(name, {}).values()) for name in ("StartSession", "TerminateSession"))
        if started == ended:
            return
        if time.monotonic() > deadline:
            raise RuntimeError(f"{started - ended} sessions were not ended")
        time.sleep(0.1)


@contextlib.contextmanager
def _ssh(folder: Path) -> Iterator[dict[str, Any]]:
    """Serve ssh on this machine. Yields the variables of a host that uses it; none if there is no server."""
    server = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/usr/bin")
    if server is None:
        yield {}
        return
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "Port": port,
        "ListenAddress": "127.0.0.1",
        "HostKey": folder / "host",
        "AuthorizedKeysFile": folder / "user.pub",
        "PidFile": "none",
        "StrictModes": "no",
        "UsePAM": "no",
        "PermitRootLogin": "yes",
        "SetEnv": "SHLVL=1",  # bash reads no ~/.bashrc then, whose time is not that of ssh
    }
    (folder / "sshd_config").write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    if getpass.getuser() == "root":
        Path("/run/sshd").mkdir(exist_ok=True)  # sshd requires it
    with its_own_processors():
        process = subprocess.Popen([server, "-D", "-q", "-f", folder / "sshd_config"], env=variables())
    try:
        hosts = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
        yield {
            "ansible_connection": "ansible.builtin.ssh",
            "ansible_host": "127.0.0.1",
            "ansible_port": port,
            "ansible_user": getpass.getuser(),
            "ansible_ssh_private_key_file": str(folder / "user"),
            "ansible_ssh_common_args": f"{hosts} -o ControlMaster=auto -o ControlPersist=60s",
            "ansible_control_path": str(folder / "control-%%C"),
        }
    finally:
        process.terminate()
        process.wait(timeout=SECONDS_TO_START)
