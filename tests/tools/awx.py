# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run inventory updates and jobs as AWX does: with ansible-runner, in the environment that AWX sets up.

The behaviour of AWX is taken from its sources: awx/main/tasks/jobs.py, awx/main/utils/safe_yaml.py,
awx/main/management/commands/inventory_import.py, awx/main/models/inventory.py and awx/api/views/__init__.py.
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

import yaml
from environment import DEPENDENCIES, OLDEST, ROOT, TREE
from runner import IDENT

from emulator.testing import LocalAWS

EXAMPLE = ROOT / "examples" / "awx"
RUNNER = ROOT / "tests" / "tools" / "runner.py"
TASKS = yaml.safe_load((EXAMPLE / "controller.yml").read_text())[0]["tasks"]
# The variables that AWX always sets (awx/settings), and those of an inventory update (STANDARD_INVENTORY_UPDATE_ENV).
EVER = {
    "ANSIBLE_FORCE_COLOR": "True",
    "ANSIBLE_HOST_KEY_CHECKING": "False",
    "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True",
}
UPDATE = {
    "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True",
    "ANSIBLE_INVENTORY_EXPORT": "True",
    "ANSIBLE_VERBOSE_TO_STDERR": "True",
    "ANSIBLE_HOST_PATTERN_MISMATCH": "error",
}
# Variables that are empty if a credential lacks their value: the first two with AWX's own type of credential, the
# others with custom types.
TOKENS = ("AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN")
EMPTY = (*TOKENS, "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_CA_BUNDLE")


def task(module: str) -> dict[str, Any]:
    """Return the options of the one task in the example that uses a module."""
    found: list[dict[str, Any]] = [entry[module] for entry in TASKS if module in entry]
    assert len(found) == 1
    return found[0]


SOURCE = task("awx.awx.inventory_source")
TEMPLATES = [entry["awx.awx.job_template"] for entry in TASKS if "awx.awx.job_template" in entry]
# The permissions that each source file or playbook needs.
NEEDED = {
    SOURCE["source_path"]: {"ssm:DescribeInstanceProperties", "ssm:GetConnectionStatus"},
    "wait_until_ready.yml": {"ssm:DescribeInstanceProperties", "ssm:GetConnectionStatus"},
    "audit_sessions.yml": {"ssm:DescribeSessions", "sts:GetCallerIdentity", "iam:ListAccountAliases"},
    "end_stale_sessions.yml": {"ssm:DescribeSessions", "ssm:TerminateSession"},
}


@dataclasses.dataclass(frozen=True)
class Job:
    """The folder that AWX creates for one run, with the project in it, and the exit status of the run."""

    folder: Path
    status: int = 0

    @property
    def artifacts(self) -> Path:
        return self.folder / "artifacts" / IDENT

    @property
    def output(self) -> Path:
        """The file to which an update writes the inventory."""
        return self.artifacts / "output.json"

    @property
    def printed(self) -> str:
        return (self.artifacts / "stdout").read_text()

    @property
    def sentences(self) -> str:
        """The printed text without colours, and with single spaces in place of line breaks."""
        return " ".join(re.sub(r"\x1b\[[0-9;]*m", "", self.printed).split())

    def inventory(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.output.read_text())
        return found


def run(aws: LocalAWS, folder: Path, *words: str, empty: Sequence[str] = EMPTY, **settings: str) -> Job:
    """Run a folder with runner.py, whose further arguments are ``words``.

    ``settings`` are environment variables of the job, and ``empty`` names variables with an empty value.
    """
    scratch = folder / "scratch"
    scratch.mkdir()
    credential = {name: value for name, value in aws.env.items() if value and "REGION" not in name}
    (folder / "env").mkdir(exist_ok=True)
    (folder / "env" / "envvars").write_text(json.dumps({**EVER, **dict.fromkeys(empty, ""), **credential, **settings}))
    outside = {
        "PATH": os.environ["PATH"],
        # In a container the home may be missing or read-only. Files in this one can be neither created nor read.
        "HOME": os.devnull,
        "ANSIBLE_HOME": str(scratch),
        "ANSIBLE_REMOTE_TMP": str(scratch / "tmp"),
        "ANSIBLE_COLLECTIONS_PATH": f"{TREE}:{DEPENDENCIES}",
        "ANSIBLE_DEPRECATION_WARNINGS": "false",  # amazon.aws causes one on newer versions of ansible-core
        "LC_ALL": "C.UTF-8",
        **({"PYTHONPATH": str(OLDEST)} if os.environ["TEST_CORE"] == "oldest" else {}),
    }
    command = [sys.executable, str(RUNNER), str(folder), *words]
    done = subprocess.run(command, env=outside, stdin=subprocess.DEVNULL, timeout=300, check=False)
    return Job(folder, done.returncode)


def project(tmp_path: Path, name: str) -> Path:
    """Create a folder for a run, with the example's project."""
    folder = tmp_path / name
    shutil.copytree(EXAMPLE / "project", folder / "project")
    return folder


def update(aws: LocalAWS, folder: Path, **settings: str) -> Job:
    """Run an inventory update."""
    (folder / "args").write_text(" ".join((*listing(folder), "--output", str(Job(folder).output))))
    return run(aws, folder, **{**SOURCE["source_vars"], **UPDATE, **settings})


def listing(folder: Path) -> list[str]:
    """Return the command of an update."""
    source = folder / "project" / SOURCE["source_path"]
    return ["ansible-inventory", "--list", "--export", "-i", str(source), "--playbook-dir", str(source.parent)]


def configure(folder: Path, line: str) -> None:
    """Append an option to the inventory file."""
    with (folder / "project" / SOURCE["source_path"]).open("a") as file:
        file.write(f"{line}\n")


def permissions(aws: LocalAWS) -> set[str]:
    """Return the permissions that the calls so far needed: ``{"ssm:DescribeSessions"}``."""
    return {f"{call.service}:{call.operation}" for call in aws.calls()}


def seen_by_jobs(inventory: dict[str, Any]) -> dict[str, Any]:
    """Return the part of an updated inventory that a job gets: the enabled hosts, and their groups."""
    hosts = enabled(inventory)
    groups = {
        name: {**group, "hosts": [host for host in group.get("hosts", []) if host in hosts]}
        for name, group in inventory.items()
        if name != "_meta"
    }
    variables = inventory["_meta"]["hostvars"]
    return {"_meta": {"hostvars": {host: variables[host] for host in hosts}}, **groups}


def enabled(inventory: dict[str, Any]) -> list[str]:
    """Return the hosts that AWX enables: those whose variable equals the wanted value, as lower-case strings."""
    variables = inventory["_meta"]["hostvars"]
    wanted = SOURCE["enabled_value"].lower()
    return sorted(host for host, known in variables.items() if str(known[SOURCE["enabled_var"]]).lower() == wanted)


class Unsafe(yaml.SafeDumper):
    """Write each string with the tag ``!unsafe``, so that it is not a template."""

    def represent_data(self, data: Any) -> yaml.Node:
        return self.represent_scalar("!unsafe", data) if isinstance(data, str) else super().represent_data(data)


def launch(
    aws: LocalAWS,
    folder: Path,
    template: dict[str, Any],
    inventory: dict[str, Any],
    empty: Sequence[str] = EMPTY,
    **answers: Any,
) -> Job:
    """Run a job template with answers to its survey and the hosts of an inventory.

    AWX allows templates in the job template's own variables, and marks all other strings as unsafe, including names.
    """
    survey = {entry["variable"]: entry.get("default") for entry in template.get("survey_spec", {}).get("spec", [])}
    given = {"awx_job_template_name": template["playbook"]} | template.get("extra_vars", {})
    given |= {name: value for name, value in survey.items() if value is not None} | answers
    written = [
        yaml.dump(
            {name: value}, Dumper=yaml.SafeDumper if template.get("extra_vars", {}).get(name) == value else Unsafe
        )
        for name, value in given.items()
    ]
    (folder / "env").mkdir()
    (folder / "env" / "extravars").write_text("".join(written))
    hosts = folder / "inventory" / "hosts"
    hosts.parent.mkdir()
    hosts.write_text(f"#!{sys.executable}\nprint({json.dumps(json.dumps(inventory))})\n")
    hosts.chmod(0o700)
    return run(aws, folder, template["playbook"], empty=empty)


def template(playbook: str) -> dict[str, Any]:
    return next(entry for entry in TEMPLATES if entry["playbook"] == playbook)


EMPTY_INVENTORY: dict[str, Any] = {"_meta": {"hostvars": {}}}
