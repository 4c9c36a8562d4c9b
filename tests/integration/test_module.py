# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What all modules have in common, as ansible-core runs them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import child
import pytest

from emulator.testing import LocalAWS

NODE = "i-0a1b2c3d4e5f60001"
SESSIONS = [{"session_id": f"s-{number}", "target": NODE, "owner": "jane", "started": "1d"} for number in range(3)]
WORLD = {"regions": {"us-east-1": {"nodes": [{"id": NODE, "status": "connected"}], "sessions": SESSIONS}}}


def play(aws: LocalAWS, folder: Path, module: str, options: dict[str, Any]) -> child.Done:
    """Run one task."""
    task = {f"sessionops.aws.{module}": options}
    (folder / "play.yml").write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]))
    return child.attempt(["ansible-playbook", "play.yml"], folder, aws.env)


def test_a_warning_is_shown_and_is_no_use_of_what_is_deprecated(tmp_path: Path) -> None:
    denied = [{"op": "DescribeInstanceProperties", "do": {"error": "AccessDeniedException"}}]
    denied.append({"op": "DescribeInstanceInformation", "do": {"error": "AccessDeniedException"}})
    with LocalAWS({**WORLD, "faults": denied}) as aws:
        done = play(aws, tmp_path, "ssm_connection_status", {"targets": [NODE], "include_ping": True})
    assert done.status == 0, done.printed
    assert "[WARNING]: There is no ping data. Could not list the managed nodes" in " ".join(done.complained.split())
    # amazon.aws imports what newer versions deprecate.
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
