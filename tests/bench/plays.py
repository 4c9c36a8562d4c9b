# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run plays over Session Manager, over ssh to a server on this machine, and on this machine itself."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import json
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from environment import variables
from harness import Emulator, its_own_processors, run_measured

NODE = "i-0123456789abcdef0"
FAST = "i-0123456789abcdef1"
WORLD = {"regions": {"us-east-1": {"nodes": [{"id": NODE, "agent": {}}, {"id": FAST, "agent": {"fast": True}}]}}}
SESSION = {"ansible_connection": "sessionops.aws.aws_ssm", "ansible_host": NODE}
LOCAL = {"ansible_connection": "local"}
SECONDS_TO_START = 30
TIMES = 5

TRUE: dict[str, Any] = {"ansible.builtin.command": "true", "loop": list(range(10))}
PLAY20: list[dict[str, Any]] = [
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
]
PLAY10 = [TRUE]


def play(aws: Emulator, folder: Path, host: Mapping[str, Any], tasks: Sequence[Mapping[str, Any]]) -> float:
    """Run tasks with nothing left of an earlier play, and return the seconds."""
    (folder / "play.json").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
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
    end_connections(aws, folder)
    return used.seconds


def end_connections(aws: Emulator, folder: Path) -> None:
    """End those of ssh, and wait for the end of the sessions."""
    for control in folder.glob("control-*"):
        subprocess.run(["ssh", "-S", control, "-O", "exit", "n"], capture_output=True, check=False)
    deadline = time.monotonic() + SECONDS_TO_START
    # Not the calls, because the session of a file can end by itself.
    while left := aws.open_sessions():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{left} sessions were not ended")
        time.sleep(0.1)


@contextlib.contextmanager
def ssh(folder: Path) -> Iterator[dict[str, Any]]:
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
        "Subsystem": "sftp internal-sftp",
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


@contextlib.contextmanager
def delayed(port: int, seconds: float) -> Iterator[int]:
    """Serve a port of this machine also on another one, which delays what is sent in each direction."""

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                loop.call_later(seconds, writer.write, data)
        loop.call_later(seconds, writer.close)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(forward(reader, there[1]), forward(there[0], writer))

    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(serve, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
