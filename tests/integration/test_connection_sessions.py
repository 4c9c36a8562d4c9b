# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test that each host has one session for a whole run, whatever the strategy, and what restarts and losses do to it."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from emulator.testing import LocalAWS
from unit.support.session_client import NODE, REGION, a_node, tell_node
from unit.support.session_stage import still_open
from unit.support.waiting import until

HOSTS = 5
NODES = [f"i-{number:017x}" for number in range(1, HOSTS)] + [NODE]
ENCRYPTED = {
    "schemaVersion": "1.0",
    "sessionType": "InteractiveCommands",
    "inputs": {"kmsKeyId": "alias/sessions"},
    "parameters": {"command": {"type": "String"}},
    "properties": {"linux": {"commands": "{{ command }}"}},
}
REGION_OF_NODES = {
    "nodes": [{"id": node, "agent": {"fast": True}} for node in NODES],
    "documents": [{"name": "Encrypted", "document_type": "Session", "content": ENCRYPTED}],
    "kms_keys": [{"id": "1234abcd-12ab-34cd-56ef-1234567890ab", "alias": "alias/sessions"}],
}
# Only a test that is broken waits so long.
DEADLINE = 120


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAWS]:
    with a_node(region=REGION_OF_NODES) as served:
        yield served


class Run:
    """A run of ansible-playbook, and the calls of AWS that it made."""

    def __init__(self, aws: LocalAWS, folder: Path, plays: Sequence[Mapping[str, Any]], *more: str) -> None:
        self.aws = aws
        self.since = aws.position
        hosts = {f"n{number}": {"ansible_host": node} for number, node in enumerate(NODES)}
        given = {
            "ansible_connection": "sessionops.aws.aws_ssm",
            "ansible_aws_ssm_region": REGION,
            "ansible_aws_ssm_connect_timeout": DEADLINE,
            "ansible_python_interpreter": sys.executable,
            "ansible_remote_tmp": str(folder / "remote"),
        }
        (folder / "hosts.json").write_text(json.dumps({"all": {"hosts": hosts, "vars": given}}))
        (folder / "plays.json").write_text(
            json.dumps([{"hosts": "all", "gather_facts": False, **play} for play in plays])
        )
        kept = {name: value for name, value in aws.clean_env().items() if not name.startswith("ANSIBLE_REMOTE")}
        self.process = subprocess.Popen(
            ["ansible-playbook", "-i", "hosts.json", "plays.json", *more],
            cwd=folder,
            env=kept,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def end(self) -> str:
        """Wait for the end of the run and of its sessions, and return what it printed."""
        printed, unused = self.process.communicate(timeout=DEADLINE)
        assert self.process.returncode == 0, printed
        until(lambda: not still_open(self.aws), "a session is left", seconds=DEADLINE)
        return str(printed)

    def sessions(self) -> list[int]:
        """Return how many sessions were started and ended."""
        return [len(self.aws.calls(f"{verb}Session", since=self.since)) for verb in ("Start", "Terminate")]


def raw(command: str, **more: Any) -> dict[str, Any]:
    return {"ansible.builtin.raw": command, **more}


def test_a_run_has_one_session_for_each_host(aws: LocalAWS, tmp_path: Path) -> None:
    """Plays, loops, strategies and batches (community.aws 1853, 2209, 494, amazon.aws 2636, 2643, 2680).

    Also reported in amazon.aws 2753.
    """
    tasks = [raw("echo {{ item }}", loop=[1, 2]), {"ansible.builtin.ping": {}}]
    plays: list[dict[str, Any]] = [
        {"tasks": tasks},
        {"tasks": tasks, "strategy": "free"},
        {"tasks": tasks, "serial": 2},
    ]
    run = Run(aws, tmp_path, plays, "--forks", "4")
    run.end()
    assert run.sessions() == [HOSTS, HOSTS]


def test_tasks_that_hosts_delegate_to_one_node_run_at_the_same_time(aws: LocalAWS, tmp_path: Path) -> None:
    """Each waits until all others run, too (packer 10584, 10035, kubespray 10514, mitogen 496).

    Also reported in rpc-openstack 1070.
    """
    command = (
        f"touch {tmp_path}/here-{{{{ inventory_hostname }}}}; "
        f"until [ $(ls {tmp_path} | grep -c here-) = {HOSTS} ]; do sleep 0.05; done"
    )
    run = Run(aws, tmp_path, [{"tasks": [raw(command, delegate_to="n0", timeout=DEADLINE)]}])
    run.end()
    assert run.sessions() == [1, 1]


def test_tasks_in_encrypted_sessions(aws: LocalAWS, tmp_path: Path) -> None:
    """Each kind of task works, also while sockets are closed."""
    data = random.Random(1).randbytes(300_000)
    (tmp_path / "binary").write_bytes(data)
    (tmp_path / "script").write_text("#!/bin/sh\necho args $*\n")
    copied, fetched = str(tmp_path / "copied"), str(tmp_path / "fetched")
    tasks: list[dict[str, Any]] = [
        {"ansible.builtin.shell": "echo out; echo err >&2; exit 3", "register": "r", "failed_when": "r.rc != 3"},
        {"ansible.builtin.copy": {"src": str(tmp_path / "binary"), "dest": copied, "mode": "0640"}},
        {"ansible.builtin.fetch": {"src": copied, "dest": fetched, "flat": True}},
        {
            "ansible.builtin.script": f"{tmp_path}/script a b",
            "register": "s",
            "failed_when": "'args a b' not in s.stdout",
        },
        {"ansible.builtin.command": "sleep 1", "async": 30, "poll": 1},
        {
            "ansible.builtin.command": {"cmd": "cat", "stdin": "hello"},
            "register": "c",
            "failed_when": "c.stdout != 'hello'",
        },
        {"ansible.builtin.meta": "reset_connection"},
        {"ansible.builtin.wait_for_connection": {"timeout": DEADLINE}},
    ]
    document = {"ansible_aws_ssm_document": "Encrypted"}
    run = Run(aws, tmp_path, [{"hosts": "n0", "vars": document, "tasks": tasks}])
    while run.process.poll() is None:
        time.sleep(1)
        aws.disturb(close="client")
    run.end()
    assert Path(fetched).read_bytes() == data
    assert run.sessions() == [2, 2]
    assert len(aws.calls("GenerateDataKey", since=run.since)) == 2


def test_sockets_that_the_service_closes_all_the_time(aws: LocalAWS, tmp_path: Path) -> None:
    """It closes them every hour, and nobody notices (session-manager-plugin 135)."""
    run = Run(aws, tmp_path, [{"hosts": "n0", "tasks": [raw("sleep 0.2; echo here", loop=list(range(12)))]}])
    while run.process.poll() is None:
        time.sleep(0.3)
        aws.disturb(close="client")
    run.end()
    assert run.sessions() == [1, 1]
    assert aws.calls("ResumeSession", since=run.since)


def test_a_node_that_restarts_is_waited_for(aws: LocalAWS, tmp_path: Path) -> None:
    """The sockets, and the sessions, end with it (session-manager-plugin 55, packer 11190, ansible 83018).

    Also reported in packer-plugin 289 and 699. The module finds the option for its connect_timeout.
    """
    boot = tmp_path / "boot"
    boot.write_text("one\n")
    reboot = {
        "reboot_command": f"touch {tmp_path}/reboots",
        "boot_time_command": f"cat {boot}",
        "reboot_timeout": DEADLINE,
        "test_command": "true",
        "connect_timeout": 5,
    }
    tasks = [
        raw("echo before"),
        {"ansible.builtin.reboot": reboot},
        raw(f"cat {boot}", register="after", failed_when="after.stdout_lines != ['two']"),
        {"ansible.builtin.wait_for_connection": {"timeout": DEADLINE}},
    ]
    run = Run(aws, tmp_path, [{"hosts": f"n{HOSTS - 1}", "tasks": tasks}])

    def restart() -> None:
        while not (tmp_path / "reboots").exists() and run.process.poll() is None:
            time.sleep(0.05)
        boot.write_text("two\n")
        tell_node(aws, "away", seconds=3)

    restarting = threading.Thread(target=restart)
    restarting.start()
    printed = run.end()
    restarting.join()
    assert "ok=4 " in printed and "changed=3 " in printed, printed
    assert "does not allow the connection timeout to be overridden" not in printed, printed


def test_sessions_that_may_not_be_ended_fail_nothing(tmp_path: Path) -> None:
    """The callback warns once for each (aws-cli 9837, amazon-ssm-agent 514)."""
    denied = {"op": "TerminateSession", "times": "always", "do": {"error": "AccessDeniedException"}}
    (tmp_path / "ansible.cfg").write_text("[defaults]\ncallbacks_enabled = sessionops.aws.end_sessions\n")
    with a_node(region=REGION_OF_NODES, faults=[denied]) as aws:
        run = Run(aws, tmp_path, [{"hosts": "n0,n1", "tasks": [raw("echo here"), raw("echo here")]}])
        printed, unused = run.process.communicate(timeout=DEADLINE)
    assert run.process.returncode == 0, printed
    assert printed.count("ssm:TerminateSession") == 2, printed
