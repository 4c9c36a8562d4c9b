# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test ssm_document with faults, with failed versions, and under each behaviour that AWS may have."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.errors import SSMError
from botocore.config import Config

from emulator.testing import LocalAWS
from unit.support.document_stage import document_info as info
from unit.support.document_stage import ensure_document as ensure

DUPLICATE = "DuplicateDocumentContent"
ONE = {"schemaVersion": "1.0", "sessionType": "Standard_Stream", "inputs": {}}
TWO = {**ONE, "description": "two"}
THREE = {**ONE, "description": "three"}


def world(*contents: Any, **settings: Any) -> dict[str, Any]:
    """Return a world with one document whose versions have these contents. The last one is the default."""
    document = {"name": "Prefs", "document_type": "Session", "versions": [{"content": one} for one in contents]}
    return {"regions": {"us-east-1": {"documents": [document] if contents else []}}, **settings}


def default_content(aws: LocalAWS) -> Any:
    return json.loads(aws.client("ssm").get_document(Name="Prefs")["Content"])


@pytest.mark.parametrize("scope", ["latest", "any"])
@pytest.mark.parametrize("target_type", ["dropped", "kept"])
def test_going_back_to_an_older_content(scope: str, target_type: str) -> None:
    switches = {"duplicate_scope": scope, "target_type_omitted": target_type}
    with LocalAWS(world(switches=switches)) as aws:
        for content in (ONE, TWO, THREE):
            ensure(aws, name="Prefs", document_type="Session", content=json.dumps(content))
        done = ensure(aws, name="Prefs", content=json.dumps(ONE))
        assert done["changed"]
        assert default_content(aws) == ONE
        # If AWS rejects content that any version has, no version is created, so none may be reported.
        assert ("create a new version" in done["actions"]) is (scope == "latest")
        position = aws.position
        again = ensure(aws, name="Prefs", content=json.dumps(ONE))
        assert not again["changed"]
        # Sessions use the latest version, so each run tries again to create one with this content.
        assert [one.outcome for one in aws.writes(since=position)] == ([DUPLICATE] if scope == "any" else [])


@pytest.mark.parametrize("behaviour", ["dropped", "kept"])
def test_the_target_type_survives_new_content(behaviour: str) -> None:
    with LocalAWS(world(switches={"target_type_omitted": behaviour})) as aws:
        ensure(aws, name="Prefs", document_type="Session", content=ONE, target_type="/AWS::EC2::Instance")
        assert ensure(aws, name="Prefs", content=TWO)["document"]["target_type"] == "/AWS::EC2::Instance"


def test_the_default_is_moved_only_to_an_active_version() -> None:
    with LocalAWS(world(ONE, limits={"document_transition_reads": 3})) as aws:
        assert ensure(aws, name="Prefs", content=TWO)["document"]["status"] == "Active"
        names = [call.operation for call in aws.calls()]
        assert names.index("UpdateDocumentDefaultVersion") > names.index("UpdateDocument") + 3


def test_a_version_that_fails_is_said_with_its_reason_and_not_put_into_force() -> None:
    described = world(ONE)
    described["regions"]["us-east-1"]["documents"][0]["fail_versions"] = {2: "the attachment cannot be read"}
    with LocalAWS(described) as aws:
        with pytest.raises(SSMError) as caught:
            ensure(aws, name="Prefs", content=TWO)
        sentence = str(caught.value)
        assert sentence.startswith(
            "Version 2 of document Prefs has the status Failed: the attachment cannot be read. Change the content to "
            "create another version. Actions"
        )
        assert "Actions done before the error: create a new version." in sentence
        assert "Actions not done: make it the default." in sentence
        assert default_content(aws) == ONE


def test_a_version_that_failed_earlier_is_not_reported_as_good() -> None:
    described = world(ONE)
    described["regions"]["us-east-1"]["documents"][0]["fail_versions"] = {2: "no"}
    with LocalAWS(described) as aws:
        with pytest.raises(SSMError, match=r"has the status Failed: no\. Change the content"):
            ensure(aws, name="Prefs", content=TWO)
        with pytest.raises(SSMError, match=r"has the status Failed: no\. Change the content"):
            ensure(aws, name="Prefs", content=TWO)
        assert default_content(aws) == ONE


def test_waiting_ends() -> None:
    with LocalAWS(world(ONE, limits={"document_transition_reads": 1000})) as aws:
        with pytest.raises(SSMError, match="is still Updating after 0 seconds"):
            ensure(aws, name="Prefs", content=TWO, wait_timeout=0)


def test_a_failure_midway_says_what_was_done_and_a_second_run_repairs() -> None:
    fault = {"op": "UpdateDocumentDefaultVersion", "do": {"error": "InternalServerError", "status": 500}}
    with LocalAWS(world(ONE, faults=[fault])) as aws:
        with pytest.raises(SSMError) as caught:
            ensure(aws, name="Prefs", content=TWO, tags={"team": "a"})
        assert "Actions done before the error: create a new version." in str(caught.value)
        assert "Actions not done: set the tags team." in str(caught.value)
        position = aws.position
        assert ensure(aws, name="Prefs", content=TWO, tags={"team": "a"})["changed"]
        assert [call.operation for call in aws.writes(since=position)] == [
            "UpdateDocumentDefaultVersion",
            "AddTagsToResource",
        ]
        assert default_content(aws) == TWO


@pytest.mark.parametrize("operation", ["DescribeDocument", "GetDocument"])
@pytest.mark.parametrize("body", ["{}", "", "<html>Sign in</html>", "[]", '{"Document": {"Na', '{"Document": {}}'])
def test_an_answer_that_is_not_from_aws_is_never_taken_for_no_document(operation: str, body: str) -> None:
    fault = {"op": operation, "do": {"raw": body, "status": 200}}
    with LocalAWS(world(ONE, faults=[fault])) as aws:
        with pytest.raises(SSMError, match=r"the service returned an invalid reply|Could not"):
            ensure(aws, name="Prefs", content=TWO)
        assert aws.writes() == []


def test_a_denied_call_names_the_permission() -> None:
    fault = {"op": "DescribeDocument", "do": {"error": "AccessDeniedException", "message": "no"}}
    with LocalAWS(world(ONE, faults=[fault])) as aws:
        with pytest.raises(SSMError, match=r"AccessDeniedException: no. The caller needs .* ssm:DescribeDocument"):
            ensure(aws, name="Prefs", content=ONE)


def test_a_missing_document_is_known_by_its_code_whatever_the_text() -> None:
    fault = {"op": "DescribeDocument", "do": {"error": "InvalidDocument", "message": "No matching value was found"}}
    with LocalAWS(world(faults=[fault])) as aws:
        assert ensure(aws, name="Prefs", state="absent")["changed"] is False


def test_a_document_that_is_gone_when_it_is_deleted() -> None:
    fault = {"op": "DeleteDocument", "do": {"error": "InvalidDocument", "commit": True}}
    with LocalAWS(world(ONE, faults=[fault])) as aws:
        assert ensure(aws, name="Prefs", state="absent")["changed"]


def test_info_makes_no_call_for_each_document_unless_asked() -> None:
    documents = [{"name": f"Doc-{number:03}", "document_type": "Session", "content": ONE} for number in range(120)]
    with LocalAWS({"regions": {"us-east-1": {"documents": documents}}}) as aws:
        assert len(info(aws)["documents"]) == 120
        assert [call.operation for call in aws.calls()] == ["ListDocuments"] * 3
        position = aws.position
        with_content = info(aws, include=["content"])["documents"]
        assert all(document["content_parsed"] == ONE for document in with_content)
        assert len(aws.calls("GetDocument", since=position)) == 120


def test_a_listing_that_breaks_off_is_an_error_and_not_a_shorter_list() -> None:
    documents = [{"name": f"Doc-{number:03}", "document_type": "Session", "content": ONE} for number in range(120)]
    fault = {"op": "ListDocuments", "page": 3, "do": {"raw": "<html>", "status": 200}}
    with LocalAWS({"regions": {"us-east-1": {"documents": documents}}, "faults": [fault]}) as aws:
        with pytest.raises(SSMError, match="Could not list documents"):
            info(aws)


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("ListDocuments", '{"DocumentIdentifiers": [{}]}'),
        ("ListDocumentVersions", '{"DocumentVersions": [{}]}'),
        ("DescribeDocumentPermission", '{"AccountIds": [], "AccountSharingInfoList": [{}]}'),
    ],
)
def test_an_entry_that_says_nothing_is_an_error_in_one_sentence(operation: str, body: str) -> None:
    fault = {"op": operation, "do": {"raw": body, "status": 200}}
    with LocalAWS(world(ONE, faults=[fault])) as aws:
        with pytest.raises(SSMError, match=r"^Could not .*: the service returned an invalid reply\.$"):
            info(aws, include=["versions", "permissions"])


@pytest.mark.parametrize("operation", ["CreateDocument", "UpdateDocument"])
def test_an_answer_to_a_write_that_says_nothing_is_an_error_in_one_sentence(operation: str) -> None:
    fault = {"op": operation, "do": {"raw": '{"DocumentDescription": {}}', "status": 200}}
    with LocalAWS(world(*([ONE] if operation == "UpdateDocument" else []), faults=[fault])) as aws:
        with pytest.raises(SSMError, match=r"Could not .*: the service returned an invalid reply\."):
            ensure(aws, name="Prefs", document_type="Session", content=TWO)


def test_a_task_about_tags_puts_no_staged_version_into_force() -> None:
    described = world(ONE, TWO)
    described["regions"]["us-east-1"]["documents"][0]["default_version"] = 1
    with LocalAWS(described) as aws:
        ensure(aws, name="Prefs", tags={"team": "a"})
        assert default_content(aws) == ONE
        assert [call.operation for call in aws.writes()] == ["AddTagsToResource"]


def test_deleting_the_session_preferences_warns() -> None:
    described = world(ONE)
    described["regions"]["us-east-1"]["documents"][0]["name"] = "SSM-SessionManagerRunShell"
    with LocalAWS(described) as aws:
        assert ensure(aws, name="SSM-SessionManagerRunShell", state="absent")["warnings"]
        assert "warnings" not in ensure(aws, name="SSM-SessionManagerRunShell", state="absent")


def test_a_lost_answer_to_an_update_is_no_reason_to_say_that_nothing_changed() -> None:
    fault = {"op": "UpdateDocument", "do": {"drop": "after"}}
    with LocalAWS(world(ONE, faults=[fault], switches={"update_unready": "ok"})) as aws:
        client = aws.client("ssm", config=Config(retries={"total_max_attempts": 3}))
        done = ensure.with_client(client, name="Prefs", content=TWO, default_version="keep")
        assert done["actions"] == ["create a new version"]
        assert done["document"]["latest_version"] == "2"


def test_a_default_version_that_does_not_exist_is_refused_in_check_mode_too() -> None:
    with LocalAWS(world(ONE, TWO)) as aws:
        for check_mode in (True, False):
            with pytest.raises(SSMError, match=r"Document Prefs has no version 3\. Its latest version is 2\."):
                ensure(aws, name="Prefs", default_version="3", check_mode=check_mode)
        assert aws.writes() == []


def test_tags_that_are_not_text_are_compared_as_the_text_that_aws_keeps() -> None:
    with LocalAWS(world(ONE)) as aws:
        assert ensure(aws, name="Prefs", tags={"cost": 1, "flag": True, "empty": None})["changed"]
        assert not ensure(aws, name="Prefs", tags={"cost": 1, "flag": True, "empty": None})["changed"]


def test_the_name_of_the_latest_version_takes_no_call_of_its_own() -> None:
    named = world()
    versions = [{"content": ONE, "version_name": "v1"}]
    named["regions"]["us-east-1"]["documents"] = [{"name": "Prefs", "document_type": "Session", "versions": versions}]
    with LocalAWS(named) as aws:
        assert ensure(aws, name="Prefs", content=ONE, version_name="v1")["changed"] is False
        assert len(aws.calls("DescribeDocument")) == 1
