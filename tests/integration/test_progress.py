# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test that a long task of ssm_connection_status prints progress if asked to, with the same result as without."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import child
import pytest
from environment import variables

from emulator import environment
from emulator.testing import LocalAWS

ONE, TWO = "i-0a1b2c3d4e5f60001", "mi-0a1b2c3d4e5f60002"
WORLD = {"regions": {"us-east-1": {"nodes": [{"id": ONE, "status": "connected"}, {"id": TWO}]}, "eu-west-1": {}}}
LINE = "Waiting for 1 of 2 targets to have the status connected."


def playbook(folder: Path, **task: Any) -> Path:
    options = {"targets": [ONE, TWO], "wait_for": "connected", "wait_delay": 0.1, "wait_timeout": 120}
    wait = {"name": "Wait", "sessionops.aws.ssm_connection_status": options, "register": "done", **task}
    keep = {
        "ansible.builtin.copy": {"content": "{{ done | to_json }}", "dest": str(folder / "done.json"), "mode": "600"}
    }
    (folder / "playbook.yml").write_text(
        json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [wait, keep]}])
    )
    return folder / "playbook.yml"


def result(folder: Path) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads((folder / "done.json").read_text())
    return found


@pytest.fixture
def aws() -> Iterator[LocalAWS]:
    with LocalAWS(WORLD) as running:
        running.set_status(TWO, "notconnected")
        yield running


def test_lines_are_shown_before_the_task_ends(aws: LocalAWS, tmp_path: Path) -> None:
    command = ["ansible-playbook", "-v", str(playbook(tmp_path))]
    # Print each line at once, as on a terminal.
    inside = {**environment.clean(variables(), aws.url, aws.world), "PYTHONUNBUFFERED": "1"}
    shown: list[str] = []
    with subprocess.Popen(command, env=inside, stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL) as run:
        assert run.stdout is not None
        for line in run.stdout:
            shown.append(line)
            # The node connects only after this line, and the task waits for the node. A line at the end would be late.
            if LINE in line:
                aws.set_status(TWO, "connected")
    assert run.returncode == 0, "".join(shown)
    order = [
        next(number for number, line in enumerate(shown) if text in line) for text in ("TASK [Wait]", LINE, "ok: ")
    ]
    assert order == sorted(order)
    with_lines = result(tmp_path)
    assert with_lines["connected"] == [ONE, TWO]

    quiet = child_run(aws, tmp_path)
    assert LINE not in quiet
    assert result(tmp_path) == with_lines


@pytest.mark.parametrize(
    "task",
    [
        {"check_mode": True},
        {"async": 60, "poll": 1},
        {"vars": {"ansible_pipelining": True}},
        {"environment": {"SESSIONOPS_PROGRESS_FILE": "/nowhere/progress"}},
    ],
    ids=str,
)
def test_it_is_a_module_like_any_other(aws: LocalAWS, tmp_path: Path, task: dict[str, Any]) -> None:
    aws.set_status(TWO, ["notconnected", "connected"])
    playbook(tmp_path, **task)
    child_run(aws, tmp_path, "-v")
    assert result(tmp_path)["connected"] == [ONE, TWO]


def test_a_file_that_somebody_follows_is_written_all_the_same(aws: LocalAWS, tmp_path: Path) -> None:
    for flags in ([], ["-v"]):
        aws.set_status(TWO, ["notconnected", "connected"])
        followed = tmp_path / f"followed{len(flags)}"
        playbook(tmp_path, environment={"SESSIONOPS_PROGRESS_FILE": str(followed)})
        child_run(aws, tmp_path, *flags)
        assert LINE in followed.read_text()


def test_defaults_of_the_action_group_reach_it(aws: LocalAWS, tmp_path: Path) -> None:
    defaults = {"group/sessionops.aws.aws": {"region": "eu-west-1"}}
    playbook(tmp_path, module_defaults=defaults, failed_when=False)
    aws.set_status(ONE, "connected", region="eu-west-1")
    aws.set_status(TWO, "connected", region="eu-west-1")
    child_run(aws, tmp_path)
    assert {call.region for call in aws.calls()} == {"eu-west-1"}


def child_run(aws: LocalAWS, folder: Path, *options: str) -> str:
    inside = environment.clean({}, aws.url, aws.world)
    settings = [f"{name}={value}" for name, value in inside.items()]
    playing = ["ansible-playbook", *options, str(folder / "playbook.yml")]
    return child.run(["env", *settings, f"ANSIBLE_ASYNC_DIR={folder / 'async'}", *playing], folder)
