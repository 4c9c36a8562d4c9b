# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test ssm_document_info: the documents it finds, the calls it makes, and that content is returned byte for byte."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
import yaml
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.errors import SSMError

from unit.support.document_stage import NAME, accounts, document, session
from unit.support.trap_stage import Stage, names

ONE, TWO = session("one"), session("two")
A, B = accounts(0, 2)
HERE = "arn:aws:ssm:us-east-1:123456789012:document"
TEXTS = {
    "JSON": '\r\n{\t"schemaVersion": "1.0",\r\n "sessionType": "Standard_Stream", "inputs": {"s3KeyPrefix": "ü"}}\n',
    "YAML": "\n# é \U0001f600\nschemaVersion: '1.0'\r\nsessionType: Standard_Stream\ninputs: {}\n\n\n",
    "TEXT": "\r\nBEGIN:VCALENDAR\r\nX: \u2028 \U0001f600\n",
}


def info(stage: Stage, **options: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = stage.info(**options)["documents"]
    return found


@pytest.mark.parametrize("text_format", TEXTS)
@pytest.mark.parametrize("listed", [True, False], ids=["listed", "named"])
def test_content_comes_byte_for_byte(text_format: str, listed: bool) -> None:
    kind = "ChangeCalendar" if text_format == "TEXT" else "Session"
    with Stage() as stage:
        stage.ensure(content=TEXTS[text_format], document_format=text_format, document_type=kind)
        [found] = info(stage, include=["content"], **({} if listed else {"names": [NAME]}))
        assert found["content"] == TEXTS[text_format]
        [described] = info(stage, names=[NAME])
        assert described["hash"] == hashlib.sha256(TEXTS[text_format].encode()).hexdigest()


def test_names_that_do_not_exist_are_left_out_and_the_order_is_that_of_the_names() -> None:
    with Stage(document(ONE, name="Doc-A"), document(ONE, name="Doc-B")) as stage:
        wanted = ["Doc-B", "No-Doc", f"{HERE}/No-Doc", "Doc-A", "Doc-B"]
        found = info(stage, names=wanted, include=["content", "versions", "permissions", "tags"])
        assert [one["name"] for one in found] == ["Doc-B", "Doc-A"]
        assert info(stage, names=[]) == []
        assert info(stage, names=["Doc-A"], document_version="7") == []


@pytest.mark.parametrize("options", [{"names": [f"{HERE}/{NAME}"]}, {"owner": "All", "filters": {"Name": "Team"}}])
def test_permissions_of_an_own_document_are_found_by_its_arn_too(options: dict[str, Any]) -> None:
    with Stage(document(ONE, permissions={A: "$LATEST"})) as stage:
        [found] = info(stage, include=["permissions"], **options)
        assert found["permissions"]["shared_document_versions"] == {A: "$LATEST"}


def test_permissions_of_another_account_are_not_those_of_an_own_document_of_the_same_name() -> None:
    own = document(ONE, permissions=[A])
    theirs = document(TWO, owner=B, permissions=["123456789012"])
    with Stage(own, theirs) as stage:
        [found] = info(stage, names=[f"arn:aws:ssm:us-east-1:{B}:document/{NAME}"], include=["permissions", "content"])
        assert found["content_parsed"] == TWO
        assert found["permissions"]["account_ids"] == []


def test_a_version_of_listed_documents_is_described_and_its_content_not_converted() -> None:
    text = "# staged\n" + yaml.safe_dump(TWO)
    versions = [{"content": json.dumps(ONE)}, {"content": text, "document_format": "YAML", "version_name": "next"}]
    staged = {"name": "Doc-Staged", "document_type": "Session", "default_version": 1, "versions": versions}
    with Stage(staged, document(ONE, name="Doc-Single")) as stage:
        for asked in ({"document_version": "2"}, {"version_name": "next"}):
            [found] = info(stage, include=["content"], **asked)
            assert (found["name"], found["document_version"], found["content"]) == ("Doc-Staged", "2", text)
        found_all = info(stage, document_version="$LATEST", include=["content"])
        assert [one["document_version"] for one in found_all] == ["1", "2"]
        position = stage.aws.position
        assert len(info(stage)) == 2
        assert names(stage.aws.calls(since=position)) == ["ListDocuments"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"filters": {"Owner": "Self"}}, [NAME]),
        ({"filters": {"Owner": ["Self"], "DocumentType": "Session", "tag:cost": 1}}, [NAME]),
        ({"filters": {"Owner": "Amazon", "Name": "AWS-StartSSH"}}, ["AWS-StartSSHSession"]),
        ({"document_types": ["Command"]}, []),
    ],
)
def test_the_filters_of_aws_take_the_place_of_the_options(options: dict[str, Any], expected: list[str]) -> None:
    with Stage(document(ONE, tags={"cost": "1"})) as stage:
        assert [one["name"] for one in info(stage, **options)] == expected


@pytest.mark.parametrize(
    "options",
    [
        {"filters": {"Owner": "Self"}, "owner": "Amazon"},
        {"filters": {"DocumentType": "Session"}, "document_types": ["Session"]},
        {"names": [NAME], "owner": "All"},
        {"names": [], "filters": {"Name": "x"}},
        {"document_version": "1", "version_name": "v1"},
        {"filters": {"Name": None}},
        {"filters": {"Name": ["x", None]}},
    ],
)
def test_options_that_contradict_or_say_nothing_are_refused_before_any_call(options: dict[str, Any]) -> None:
    with Stage() as stage:
        with pytest.raises(SSMError, match=r"^[^\n]*\.$"):
            info(stage, **options)
        assert stage.operations() == []


@pytest.mark.parametrize("options", [{"names": [NAME]}, {"names": [f"{HERE}/{NAME}"]}, {}])
def test_no_version_is_sent_unless_one_was_asked_for(options: dict[str, Any]) -> None:
    with Stage(document(ONE, TWO, default_version=1)) as stage:
        [found] = info(stage, include=["content", "versions", "permissions", "tags"], **options)
        assert (found["document_version"], found["content_parsed"]) == ("1", ONE)
        assert not [one for one in stage.aws.calls() if "DocumentVersion" in one.params or "VersionName" in one.params]


@pytest.mark.parametrize("code", ["InvalidDocument", "InvalidDocumentVersion"])
@pytest.mark.parametrize("options", [{"names": [NAME]}, {}], ids=["named", "listed"])
def test_content_that_cannot_be_read_is_said_and_not_left_out(options: dict[str, Any], code: str) -> None:
    with Stage(document(ONE)) as stage:
        stage.aws.add_fault(op="GetDocument", do={"error": code, "message": "gone"})
        result = stage.info(include=["content", "tags"], **options)
        [found] = result["documents"]
        assert (found["content"], found["content_parsed"]) == (None, None)
        [sentence] = result["warnings"]
        assert sentence.startswith(f"The content of document {NAME} could not be read: ")
        assert "warnings" not in stage.info(include=["content", "versions"], **options)


def test_versions_that_cannot_be_read_are_said_and_not_an_empty_list_in_silence() -> None:
    with Stage(document(ONE)) as stage:
        stage.aws.add_fault(op="ListDocumentVersions", do={"error": "InvalidDocument", "message": "gone"})
        [sentence] = stage.info(include=["versions"])["warnings"]
        assert sentence.startswith(f"The versions of document {NAME} could not be read: ")
