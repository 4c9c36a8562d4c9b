# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The inventory and the playbooks work as AWX runs them: by ansible-runner, in an environment of AWX's making.

What AWX does is known from its sources, awx/main/tasks/jobs.py and awx/main/management/commands/inventory_import.py.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from environment import DEPENDENCIES, TREE
from runner import IDENT

from emulator.testing import LocalAWS

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "awx"
RUNNER = ROOT / "tests" / "tools" / "runner.py"
TASKS = yaml.safe_load((EXAMPLE / "controller.yml").read_text())[0]["tasks"]
# Always set for an inventory update, by awx/settings and STANDARD_INVENTORY_UPDATE_ENV.
UPDATE = {
    "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True",
    "ANSIBLE_INVENTORY_EXPORT": "True",
    "ANSIBLE_VERBOSE_TO_STDERR": "True",
}
# What a credential does not have is an empty text: the first two in that of AWX itself, the rest in those of one's own.
TOKENS = ("AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN")
EMPTY = (*TOKENS, "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_CA_BUNDLE")


def task(module: str) -> dict[str, Any]:
    """The options of the one task of the example that uses a module."""
    found: list[dict[str, Any]] = [entry[module] for entry in TASKS if module in entry]
    assert len(found) == 1
    return found[0]


SOURCE = task("awx.awx.inventory_source")
TEMPLATES = [entry["awx.awx.job_template"] for entry in TASKS if "awx.awx.job_template" in entry]


@dataclasses.dataclass(frozen=True)
class Job:
    """A folder as AWX makes it for each run, with the project in it, and what came of the run."""

    folder: Path
    status: int = 0

    @property
    def artifacts(self) -> Path:
        return self.folder / "artifacts" / IDENT

    @property
    def output(self) -> Path:
        """Where an update writes the inventory."""
        return self.artifacts / "output.json"

    @property
    def printed(self) -> str:
        return (self.artifacts / "stdout").read_text()

    def inventory(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.output.read_text())
        return found


def run(aws: LocalAWS, folder: Path, *arguments: str, empty: Sequence[str] = EMPTY, **settings: str) -> Job:
    """Run a folder; ``settings`` are environment variables of the job, and ``empty`` those without a value."""
    home = folder / "home"
    home.mkdir()
    credential = {name: value for name, value in aws.env.items() if value and "REGION" not in name}
    (folder / "env").mkdir(exist_ok=True)
    (folder / "env" / "envvars").write_text(json.dumps({**dict.fromkeys(empty, ""), **credential, **settings}))
    outside = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "ANSIBLE_HOME": str(home / ".ansible"),
        "ANSIBLE_REMOTE_TMP": str(home / "tmp"),
        "ANSIBLE_COLLECTIONS_PATH": f"{TREE}:{DEPENDENCIES}",
        "ANSIBLE_DEPRECATION_WARNINGS": "false",  # amazon.aws causes one on newer versions of ansible-core
        "LC_ALL": "C.UTF-8",
    }
    command = [sys.executable, str(RUNNER), str(folder), *arguments]
    done = subprocess.run(command, env=outside, stdin=subprocess.DEVNULL, timeout=300, check=False)
    return Job(folder, done.returncode)


def project(tmp_path: Path, name: str) -> Path:
    """A new folder for a run, with the example's project."""
    folder = tmp_path / name
    shutil.copytree(EXAMPLE / "project", folder / "project")
    return folder


def update(aws: LocalAWS, folder: Path, verbosity: str = "", **settings: str) -> Job:
    """An inventory update."""
    source = folder / "project" / SOURCE["source_path"]
    words = ["ansible-inventory", "--list", "--export", "-i", str(source)]
    words += ["--output", str(Job(folder).output), "--playbook-dir", str(source.parent), verbosity]
    (folder / "args").write_text(" ".join(words).strip())
    return run(aws, folder, **UPDATE, **settings)


def enabled(inventory: dict[str, Any]) -> list[str]:
    """The hosts that AWX enables: those whose variable is, as a text in lower case, what it is to be."""
    variables = inventory["_meta"]["hostvars"]
    wanted = SOURCE["enabled_value"].lower()
    return sorted(host for host, known in variables.items() if str(known[SOURCE["enabled_var"]]).lower() == wanted)


CONNECTED = ["i-0a1b2c3d4e5f60001", "i-0a1b2c3d4e5f60007", "mi-0a1b2c3d4e5f60006"]


def test_an_update_lists_every_node_and_enables_those_that_are_connected(tmp_path: Path) -> None:
    with LocalAWS("demo") as aws:
        job = update(aws, project(tmp_path, "update"))
        assert job.status == 0, job.printed
        inventory = job.inventory()
        assert len(inventory["_meta"]["hostvars"]) == 8
        assert enabled(inventory) == inventory["ssm_connected"]["hosts"] == CONNECTED
        assert inventory["platform_windows"]["hosts"] == ["i-0a1b2c3d4e5f60007"]
        assert aws.writes() == []


def test_an_update_that_finds_what_was_there_changes_nothing(tmp_path: Path) -> None:
    described: dict[str, Any] = {"regions": {"us-east-1": {"nodes": [{"id": "i-%017x", "generate": 30}]}}}
    with LocalAWS(described) as aws:
        first, second = (update(aws, project(tmp_path, name)) for name in ("first", "second"))
        assert first.output.read_bytes() == second.output.read_bytes()


@pytest.mark.parametrize("verbosity", ["", "-vvvvv"])
def test_nothing_but_the_inventory_is_on_standard_output(verbosity: str, tmp_path: Path) -> None:
    with LocalAWS("demo") as aws:
        folder = project(tmp_path, "update")
        job = update(aws, folder)
        source = folder / "project" / SOURCE["source_path"]
        command = ["ansible-inventory", "--list", "--export", "-i", str(source), *([verbosity] if verbosity else [])]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        paths = {"ANSIBLE_COLLECTIONS_PATH": f"{TREE}:{DEPENDENCIES}", "ANSIBLE_HOME": str(folder / "home")}
        done = subprocess.run(
            command, env={**kept, **aws.env, **UPDATE, **paths}, capture_output=True, text=True, check=True
        )
        assert set(json.loads(done.stdout)) == set(job.inventory())


@pytest.mark.parametrize("code", ["AccessDeniedException", "ExpiredTokenException"])
def test_an_update_that_cannot_list_fails_with_a_sentence(code: str, tmp_path: Path) -> None:
    operations = ("DescribeInstanceProperties", "DescribeInstanceInformation")
    faults = [{"op": operation, "times": "always", "do": {"error": code}} for operation in operations]
    with LocalAWS({"regions": {"us-east-1": {}, "eu-west-1": {}}, "faults": faults}, strict=False) as aws:
        job = update(aws, project(tmp_path, "update"))
        assert job.status != 0
        assert not job.output.exists()
        assert "Could not list the managed nodes" in " ".join(job.printed.split())
        assert code in job.printed
        assert "Traceback" not in job.printed


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("max_workers: 0", "max_workers is 0"),
        ("status_source: guess", "status_source"),
        ("hostnames: [tag:Name]", "ec2_details"),
    ],
)
def test_an_update_with_a_bad_option_fails_with_a_sentence(line: str, sentence: str, tmp_path: Path) -> None:
    with LocalAWS("demo") as aws:
        folder = project(tmp_path, "update")
        with (folder / "project" / SOURCE["source_path"]).open("a") as file:
            file.write(f"{line}\n")
        job = update(aws, folder)
        assert job.status != 0
        assert not job.output.exists()
        assert sentence in job.printed
        assert "Traceback" not in job.printed
        assert aws.calls() == []


def test_an_update_without_a_region_fails_with_a_sentence(tmp_path: Path) -> None:
    with LocalAWS("demo") as aws:
        folder = project(tmp_path, "update")
        (folder / "project" / SOURCE["source_path"]).write_text("plugin: sessionops.aws.aws_ssm\n")
        job = update(aws, folder)
        assert job.status != 0
        assert "region" in job.printed
        assert "Traceback" not in job.printed


def launch(
    aws: LocalAWS,
    folder: Path,
    template: dict[str, Any],
    inventory: dict[str, Any],
    empty: Sequence[str] = EMPTY,
    **answers: Any,
) -> Job:
    """A job of a template, with the answers to its survey and the hosts of an inventory."""
    survey = {entry["variable"]: entry.get("default") for entry in template.get("survey_spec", {}).get("spec", [])}
    given = {**template.get("extra_vars", {}), **{name: value for name, value in survey.items() if value is not None}}
    (folder / "env").mkdir()
    (folder / "env" / "extravars").write_text(json.dumps({**given, **answers}))
    hosts = folder / "inventory" / "hosts"
    hosts.parent.mkdir()
    hosts.write_text(f"#!{sys.executable}\nprint({json.dumps(json.dumps(inventory))})\n")
    hosts.chmod(0o700)
    return run(aws, folder, template["playbook"], empty=empty)


def template(playbook: str) -> dict[str, Any]:
    return next(entry for entry in TEMPLATES if entry["playbook"] == playbook)


EMPTY_INVENTORY: dict[str, Any] = {"_meta": {"hostvars": {}}}


def test_a_job_that_waits_for_nodes(tmp_path: Path) -> None:
    with LocalAWS("demo") as aws:
        targets = "i-0a1b2c3d4e5f60001\nmi-0a1b2c3d4e5f60006\n"
        folder = project(tmp_path, "job")
        job = launch(aws, folder, template("wait_until_ready.yml"), EMPTY_INVENTORY, sessionops_targets=targets)
        assert job.status == 0, job.printed
        assert len(aws.calls("GetConnectionStatus")) == 2


def test_a_job_that_reports(tmp_path: Path) -> None:
    with LocalAWS("demo") as aws:
        reports = tmp_path / "reports"
        folder = project(tmp_path, "job")
        answers = {"sessionops_report_dir": str(reports)}
        # A module of amazon.aws takes part, to which an empty AWS_PROFILE is the name of a profile.
        job = launch(aws, folder, template("audit_sessions.yml"), EMPTY_INVENTORY, TOKENS, **answers)
        assert job.status == 0, job.printed
        assert sorted(path.name for path in reports.iterdir()) == ["sessions.csv", "sessions.html", "sessions.json"]


def test_a_job_that_ends_sessions_does_so_only_when_it_is_told_to(tmp_path: Path) -> None:
    with LocalAWS("demo") as aws:
        job = launch(aws, project(tmp_path, "dry"), template("end_stale_sessions.yml"), EMPTY_INVENTORY)
        assert job.status == 0, job.printed
        assert "bob-0b1c2d3e4f5a60718" in job.printed
        assert aws.writes() == []
        answers = {"sessionops_dry_run": "false"}
        job = launch(aws, project(tmp_path, "real"), template("end_stale_sessions.yml"), EMPTY_INVENTORY, **answers)
        assert job.status == 0, job.printed
        assert [call.params for call in aws.writes()] == [{"SessionId": "bob-0b1c2d3e4f5a60718"}]


def test_a_job_on_the_hosts_that_an_update_found(tmp_path: Path) -> None:
    """By the variables of the inventory, where a template is given a group rather than IDs."""
    with LocalAWS("demo") as aws:
        found = update(aws, project(tmp_path, "update")).inventory()
        folder = project(tmp_path, "job")
        shape = {"playbook": "wait_until_ready.yml"}
        position = aws.position
        job = launch(aws, folder, shape, found, sessionops_group="ssm_connected")
        assert job.status == 0, job.printed
        asked = {(call.region, call.params["Target"]) for call in aws.calls("GetConnectionStatus", since=position)}
        assert asked == {
            ("us-east-1", "i-0a1b2c3d4e5f60001"),
            ("us-east-1", "mi-0a1b2c3d4e5f60006"),
            ("eu-west-1", "i-0a1b2c3d4e5f60007"),
        }


@pytest.mark.parametrize("entry", TASKS, ids=lambda entry: entry["name"])
def test_the_modules_of_awx_know_every_option(entry: dict[str, Any]) -> None:
    (name,) = (key for key in entry if key.startswith("awx.awx."))
    path = DEPENDENCIES / "ansible_collections" / "awx" / "awx" / "plugins" / "modules" / f"{name.split('.')[-1]}.py"
    documented = re.search(r"DOCUMENTATION = r?['\"]{3}(.*?)['\"]{3}", path.read_text(), flags=re.DOTALL)
    assert documented
    options = yaml.safe_load(documented[1])["options"]
    keys = ("type", "choices", "required", "elements", "default")
    spec = {option: {key: known[key] for key in keys if key in known} for option, known in options.items()}
    assert ArgumentSpecValidator(spec).validate(entry[name]).error_messages == []


@pytest.mark.parametrize("entry", TEMPLATES, ids=lambda entry: entry["playbook"])
def test_a_template_asks_for_variables_that_its_playbook_has(entry: dict[str, Any]) -> None:
    text = (ROOT / "playbooks" / entry["playbook"]).read_text()
    known = set(re.findall(r"^# (sessionops_\w+) ", text, flags=re.MULTILINE))
    asked = {question["variable"] for question in entry.get("survey_spec", {}).get("spec", [])}
    assert asked | set(entry.get("extra_vars", {})) <= known
    assert (EXAMPLE / "project" / entry["playbook"]).is_file()


@pytest.mark.parametrize("path", sorted((EXAMPLE / "project").glob("[!f]*.yml")), ids=lambda path: path.name)
def test_awx_lists_the_playbooks_of_the_project(path: Path) -> None:
    """By valid_playbook_re of awx/main/utils/ansible.py, which knows no ansible.builtin.import_playbook."""
    lines = path.read_text().splitlines()
    assert any(re.match(r"^\s*?-?\s*?(?:hosts|include|import_playbook):\s*?.*?$", line) for line in lines)


def test_the_execution_environment_can_be_made(tmp_path: Path) -> None:
    command = ["ansible-builder", "create", "-f", str(EXAMPLE / "execution-environment.yml"), "-c", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "sessionops.aws" in (tmp_path / "_build" / "requirements.yml").read_text()
