# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test what all modules have in common, run by ansible-core."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import child
import pytest
from environment import DEPENDENCIES, TREE, variables

from emulator.testing import LocalAWS

NODE = "i-0a1b2c3d4e5f60001"
SESSIONS = [{"session_id": f"s-{number}", "target": NODE, "owner": "jane", "started": "1d"} for number in range(3)]
WORLD = {"regions": {"us-east-1": {"nodes": [{"id": NODE, "status": "connected"}], "sessions": SESSIONS}}}


def play(
    aws: LocalAWS, folder: Path, module: str, options: dict[str, Any], env: dict[str, str] | None = None
) -> child.Done:
    """Run one task. ``env`` overrides the variables that point to the emulator."""
    task = {f"sessionops.aws.{module}": options}
    (folder / "play.yml").write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]))
    return child.attempt(["ansible-playbook", "play.yml"], folder, {**aws.env, **(env or {})})


def test_a_warning_is_shown_and_is_no_use_of_what_is_deprecated(tmp_path: Path) -> None:
    denied = [{"op": "DescribeInstanceProperties", "do": {"error": "AccessDeniedException"}}]
    denied.append({"op": "DescribeInstanceInformation", "do": {"error": "AccessDeniedException"}})
    with LocalAWS({**WORLD, "faults": denied}) as aws:
        done = play(aws, tmp_path, "ssm_connection_status", {"targets": [NODE], "include_ping": True})
    assert done.status == 0, done.printed
    assert "[WARNING]: Could not read the ping data. Could not list the managed nodes" in " ".join(
        done.complained.split()
    )
    # amazon.aws imports a module that newer versions of ansible-core deprecate.
    deprecated = [line for line in done.complained.splitlines() if "DEPRECATION" in line]
    assert [line for line in deprecated if "ansible.module_utils._text" not in line] == []


ABSENT: dict[str, Any] = {"name": "Prefs", "state": "absent"}
NULL: list[tuple[str, dict[str, Any]]] = [
    ("ssm_session_terminate", {"target": None}),
    ("ssm_session_terminate", {"session_ids": None}),
    ("ssm_session_terminate", {"session_ids": [None]}),
    ("ssm_session_terminate", {"older_than": "1h", "target": None}),
    ("ssm_session_terminate", {"older_than": "1h", "exclude_session_ids": None}),
    ("ssm_session_terminate", {"older_than": "1h", "exclude_session_ids": [None]}),
    ("ssm_document", {**ABSENT, "document_version": None}),
    ("ssm_document", {**ABSENT, "version_name": None}),
    ("ssm_document", {**ABSENT, "document_version_name": None}),
    ("ssm_document_info", {"names": None}),
    ("ssm_document_info", {"document_types": [None]}),
]


@pytest.mark.parametrize(("module", "options"), NULL, ids=str)
def test_null_means_neither_all_nor_none(module: str, options: dict[str, Any], tmp_path: Path) -> None:
    with LocalAWS(WORLD) as aws:
        done = play(aws, tmp_path, module, options)
        assert done.status == 2
        assert list(options)[-1] in done.printed
        assert aws.calls() == []


def test_null_is_as_good_as_left_out_where_that_takes_nothing_away(tmp_path: Path) -> None:
    content = {"schemaVersion": "1.0", "sessionType": "Standard_Stream", "inputs": {}}
    options = {"name": "Prefs", "content": content, "document_type": "Session", "version_name": None}
    with LocalAWS(WORLD) as aws:
        assert play(aws, tmp_path, "ssm_document", options).status == 0
        assert [call.operation for call in aws.writes()] == ["CreateDocument"]


NO_KEYS = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SESSION_TOKEN": ""}
UNKNOWN = "Could not connect to AWS: the profile nosuch does not exist. Check profile, AWS_PROFILE and AWS's"
BOTH = "profile cannot be combined with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of the environment."
NO_REGION = {"AWS_REGION": "", "AWS_DEFAULT_REGION": ""}
REFUSED: list[tuple[dict[str, str], dict[str, Any], str]] = [
    ({**NO_KEYS, **NO_REGION, "AWS_PROFILE": "nosuch"}, {}, UNKNOWN),
    ({**NO_KEYS, **NO_REGION}, {"profile": "nosuch"}, UNKNOWN),
    ({**NO_KEYS}, {"profile": "nosuch"}, UNKNOWN),
    ({}, {"profile": "nosuch", "access_key": "", "secret_key": "", "session_token": ""}, UNKNOWN),
    ({}, {"profile": "work"}, BOTH),
    (NO_REGION, {"profile": "work"}, BOTH),
    (NO_REGION, {}, "No region was found. Set region or AWS_REGION"),
]


@pytest.mark.parametrize(("env", "options", "sentence"), REFUSED, ids=str)
def test_credentials_that_cannot_be_are_one_sentence(
    env: dict[str, str], options: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    with LocalAWS(WORLD) as aws:
        done = play(aws, tmp_path, "ssm_session_info", options, env)
        assert done.status == 2
        assert sentence in " ".join((done.printed + done.complained).replace('\\"', '"').split())
        assert aws.calls() == []


CONFIG = {"retries": {"total_max_attempts": 1}}
FROM_VARIABLE = "{{ lookup('ansible.builtin.env', 'GIVEN') }}"  # with -vvv Ansible prints the task's text
# No server listens on port 9.
WITH_PASSWORD = "http://user:canary1canary2@127.0.0.1:9"
SECRET: list[tuple[dict[str, str], dict[str, Any]]] = [
    ({"GIVEN": WITH_PASSWORD}, {"endpoint_url": FROM_VARIABLE, "aws_config": CONFIG}),
    ({"GIVEN": WITH_PASSWORD}, {"aws_endpoint_url": FROM_VARIABLE, "nosuch": "option"}),
    ({"GIVEN": WITH_PASSWORD}, {"aws_config": {"proxies": {"https": FROM_VARIABLE}}, "state": "nosuch"}),
    ({"AWS_URL": WITH_PASSWORD}, {"state": "nosuch"}),
    ({"AWS_URL": "http://canary1canary2@127.0.0.1:9"}, {"aws_config": CONFIG}),
    ({"AWS_ENDPOINT_URL_SSM": WITH_PASSWORD}, {"aws_config": CONFIG}),
    ({"AWS_ENDPOINT_URL": "", "HTTPS_PROXY": "user:canary1canary2@127.0.0.1:9"}, {"aws_config": CONFIG}),
    ({"AWS_ENDPOINT_URL": "", "HTTPS_PROXY": "user:canary1/canary2@127.0.0.1:9"}, {"aws_config": CONFIG}),
]


@pytest.mark.parametrize(("env", "options"), SECRET, ids=str)
def test_no_output_has_the_password_of_a_url(env: dict[str, str], options: dict[str, Any], tmp_path: Path) -> None:
    quiet = {"ANSIBLE_VERBOSITY": "3", "no_proxy": "", "NO_PROXY": ""}
    with LocalAWS(WORLD) as aws:
        done = play(aws, tmp_path, "ssm_session_info", options, {**quiet, **env})
    assert done.status == 2
    assert "module_args" in done.printed
    assert "canary" not in done.printed + done.complained


MODULES: dict[str, dict[str, Any]] = {
    "ssm_connection_status": {"targets": [NODE]},
    "ssm_document": ABSENT,
    "ssm_document_info": {"names": ["Prefs"]},
    "ssm_session_info": {},
    "ssm_session_terminate": {"session_ids": ["s-0"]},
}


def test_all_modules_are_here() -> None:
    assert set(MODULES) == {
        path.stem for path in (TREE / "ansible_collections/sessionops/aws/plugins/modules").glob("*.py")
    }


@pytest.mark.parametrize("module", MODULES)
def test_a_missing_amazon_aws_is_one_sentence(module: str, tmp_path: Path) -> None:
    paths = [path for path in variables()["PYTHONPATH"].split(":") if path != str(DEPENDENCIES)]
    bare = {"ANSIBLE_COLLECTIONS_PATH": str(TREE), "PYTHONPATH": ":".join(paths), "ANSIBLE_VERBOSITY": "3"}
    with LocalAWS(WORLD) as aws:
        done = play(
            aws, tmp_path, module, {**MODULES[module], "secret_key": FROM_VARIABLE}, {**bare, "GIVEN": "canary"}
        )
        assert aws.calls() == []
    assert done.status == 2
    assert '"msg": "sessionops.aws requires the collection amazon.aws 10.1.0 or newer, which cannot' in done.printed
    assert ". Run ansible-galaxy collection install --upgrade amazon.aws on the controller." in done.printed
    assert "Traceback" not in done.printed + done.complained
    assert "canary" not in done.printed + done.complained
