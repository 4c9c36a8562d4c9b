# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test that AWX and the modules accept what examples/awx/ and the guide tell people to set up."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import dateutil.rrule
import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from awx import EXAMPLE, NEEDED, TASKS, TEMPLATES
from environment import DEPENDENCIES, ROOT

GUIDE = (ROOT / "docs" / "docsite" / "rst" / "awx.rst").read_text()
SCHEDULES = [entry["awx.awx.schedule"] for entry in TASKS if "awx.awx.schedule" in entry]


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


def test_the_guide_has_the_permissions_that_are_needed_and_no_others() -> None:
    block = re.search(r"code-block:: json\n\n(.*?)\n\n\S", GUIDE, flags=re.DOTALL)
    assert block
    allowed = [action for statement in json.loads(block[1])["Statement"] for action in statement["Action"]]
    # The inventory's fallback, the call that needs no permission, and the permission that the guide adds separately.
    more, free, extra = "ssm:DescribeInstanceInformation", "sts:GetCallerIdentity", "iam:ListAccountAliases"
    assert set(allowed) == set().union(*NEEDED.values(), {more}) - {free, extra}
    assert extra in GUIDE


@pytest.mark.parametrize("entry", TEMPLATES, ids=lambda entry: entry["playbook"])
def test_a_template_asks_for_variables_that_its_playbook_has(entry: dict[str, Any]) -> None:
    text = (ROOT / "playbooks" / entry["playbook"]).read_text()
    known = set(re.findall(r"^# (sessionops_\w+) ", text, flags=re.MULTILINE))
    asked = {question["variable"] for question in entry.get("survey_spec", {}).get("spec", [])}
    assert asked | set(entry.get("extra_vars", {})) <= known
    assert (EXAMPLE / "project" / entry["playbook"]).is_file()


@pytest.mark.parametrize(
    "entry", [entry for entry in TEMPLATES if "survey_spec" in entry], ids=lambda entry: entry["playbook"]
)
def test_awx_takes_the_survey_of_a_template(entry: dict[str, Any]) -> None:
    """Apply the checks of JobTemplateSurveySpec in awx/api/views/__init__.py."""
    kinds = {"text": str, "textarea": str, "multiplechoice": str, "integer": int}
    survey = entry["survey_spec"]
    assert isinstance(survey["name"], str) and isinstance(survey["description"], str)
    for question in survey["spec"]:
        assert isinstance(question["required"], bool)
        default = question.get("default")
        assert default is None or isinstance(default, kinds[question["type"]])
        assert question["type"] != "multiplechoice" or default in question["choices"]


@pytest.mark.parametrize("entry", SCHEDULES, ids=lambda entry: entry["name"])
def test_a_schedule_launches_a_template_with_answers_to_its_survey(entry: dict[str, Any]) -> None:
    launched = next(known for known in TEMPLATES if known["name"] == entry["unified_job_template"])
    questions = {known["variable"]: known for known in launched.get("survey_spec", {}).get("spec", [])}
    answers = entry.get("extra_data", {})
    assert set(answers) <= set(questions)
    assert all("default" in known for name, known in questions.items() if name not in answers)
    assert all(value in questions[name].get("choices", [value]) for name, value in answers.items())
    start, rule = entry["rrule"].split(" ", 1)
    assert "INTERVAL=" in rule  # AWX requires INTERVAL; the standard does not
    assert next(iter(dateutil.rrule.rrulestr(f"{start}\n{rule}"))).tzinfo


@pytest.mark.parametrize("path", sorted((EXAMPLE / "project").glob("[!f]*.yml")), ids=lambda path: path.name)
def test_awx_lists_the_playbooks_of_the_project(path: Path) -> None:
    """Apply valid_playbook_re of awx/main/utils/ansible.py, which does not match ansible.builtin.import_playbook."""
    lines = path.read_text().splitlines()
    assert any(re.match(r"^\s*?-?\s*?(?:hosts|include|import_playbook):\s*?.*?$", line) for line in lines)


def test_the_execution_environment_can_be_made(tmp_path: Path) -> None:
    command = ["ansible-builder", "create", "-f", str(EXAMPLE / "execution-environment.yml"), "-c", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "sessionops.aws" in (tmp_path / "_build" / "requirements.yml").read_text()
