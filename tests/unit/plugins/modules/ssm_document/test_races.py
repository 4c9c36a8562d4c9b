# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test changes that another client makes to a document after the task has read it and before it writes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.errors import SSMError

from unit.support.document_stage import NAME, Stage, default_content, document, session, without_waiting

ONE, TWO, THREE = session("one"), session("two"), session("three")

Change = Callable[[Any], Any]


def meanwhile(stage: Stage, operation: str, change: Change, *, at_rest: bool = True) -> None:
    """Call ``change`` with another client right before the first call of ``operation`` is sent.

    ``at_rest``: the version that it creates is no longer Creating or Updating when the task goes on.
    """
    other = stage.aws.client("ssm")
    pending = [change]

    def act(**unused: Any) -> None:
        if pending:
            pending.pop()(other)
            if at_rest and stage.stored():
                other.list_document_versions(Name=NAME)

    stage.client.meta.events.register(f"before-call.ssm.{operation}", act)


def create(content: Any) -> Change:
    return lambda client: client.create_document(Name=NAME, DocumentType="Session", Content=json.dumps(content))


def update(content: Any, **more: Any) -> Change:
    request = {"Name": NAME, "DocumentVersion": "$LATEST", "Content": json.dumps(content), **more}
    return lambda client: client.update_document(**request)


def delete(**version: str) -> Change:
    return lambda client: client.delete_document(Name=NAME, **version)


def outcome(stage: Stage, **task: Any) -> dict[str, Any]:
    """Run a task, and check that a second run changes nothing. Return the first result."""
    with without_waiting():
        done = stage.ensure(**task)
    position = stage.aws.position
    again = stage.ensure(**task)
    assert (again["changed"], stage.aws.writes(since=position)) == (False, [])
    return done


def test_a_document_that_somebody_else_made_is_updated() -> None:
    with Stage() as stage:
        meanwhile(stage, "CreateDocument", create(ONE))
        done = outcome(stage, content=TWO, document_type="Session")
        stored_document = stage.stored()
        assert done["actions"] == ["create a new version", "make it the default"]
        assert stored_document and (sorted(stored_document["versions"]), default_content(stored_document)) == (
            [1, 2],
            TWO,
        )


def test_a_document_that_somebody_else_made_alike_is_no_change() -> None:
    with Stage() as stage:
        meanwhile(stage, "CreateDocument", create(ONE))
        done = outcome(stage, content=ONE, document_type="Session")
        assert (done["changed"], done["actions"], done["document"]["latest_version"]) == (False, [], "1")


def test_a_version_that_somebody_else_made_alike_is_only_put_into_force() -> None:
    with Stage(document(ONE)) as stage:
        meanwhile(stage, "UpdateDocument", update(TWO))
        # The same bytes as the other client sent.
        done = outcome(stage, content=json.dumps(TWO))
        assert done["actions"] == ["make version 2 the default"]


def test_a_version_that_somebody_else_is_making_is_waited_for() -> None:
    with Stage(document(ONE)) as stage:
        meanwhile(stage, "UpdateDocument", update(THREE), at_rest=False)
        done = outcome(stage, content=TWO)
        stored_document = stage.stored()
        assert done["actions"] == ["create a new version", "make it the default"]
        assert stored_document and (sorted(stored_document["versions"]), default_content(stored_document)) == (
            [1, 2, 3],
            TWO,
        )


def test_a_document_that_somebody_else_deleted_is_made_again() -> None:
    with Stage(document(ONE)) as stage:
        meanwhile(stage, "UpdateDocument", delete())
        done = outcome(stage, content=TWO, document_type="Session")
        stored_document = stage.stored()
        assert done["actions"] == ["create the document"]
        assert stored_document and default_content(stored_document) == TWO


def test_a_version_name_that_somebody_else_took_is_reported() -> None:
    with Stage(document(ONE)) as stage:
        meanwhile(stage, "UpdateDocument", update(THREE, VersionName="release-2"))
        with without_waiting(), pytest.raises(SSMError, match=r"Version 2 .* is already named release-2") as caught:
            stage.ensure(content=TWO, version_name="release-2")
        stored_document = stage.stored()
        assert "\n" not in str(caught.value)
        assert stored_document and sorted(stored_document["versions"]) == [1, 2]


def test_a_document_that_somebody_else_deleted_needs_no_deletion() -> None:
    with Stage(document(ONE)) as stage:
        meanwhile(stage, "DeleteDocument", delete())
        outcome(stage, state="absent")
        assert stage.stored() is None


def test_a_version_that_somebody_else_deleted_needs_no_deletion() -> None:
    with Stage(document(ONE, TWO)) as stage:
        meanwhile(stage, "DeleteDocument", delete(DocumentVersion="1"))
        outcome(stage, state="absent", document_version="1")
        stored_document = stage.stored()
        assert stored_document and sorted(stored_document["versions"]) == [2]


def test_a_document_that_somebody_else_shared_is_not_deleted() -> None:
    def share(client: Any) -> None:
        client.modify_document_permission(Name=NAME, PermissionType="Share", AccountIdsToAdd=["111122223333"])

    with Stage(document(ONE)) as stage:
        meanwhile(stage, "DeleteDocument", share)
        with without_waiting(), pytest.raises(SSMError, match="Set force_unshare"):
            stage.ensure(state="absent")
        stored_document = stage.stored()
        assert stored_document and stored_document["permissions"] == {"111122223333": "$DEFAULT"}


@pytest.mark.parametrize("wait", [True, False])
def test_a_document_that_aws_still_describes_is_not_called_deleted(wait: bool) -> None:
    with Stage(document(ONE)) as stage:
        answer = {"error": "InvalidDocument", "message": "Document with name Team-Doc does not exist."}
        stage.aws.add_fault(op="DeleteDocument", times="always", do=answer)
        with pytest.raises(SSMError, match=r"whose owner is 123456789012, so nothing was deleted\.") as caught:
            # The outcome is known at once, so the task does not wait, however long wait_timeout is.
            stage.ensure(state="absent", wait=wait, wait_timeout=100000)
        assert "Actions done before" not in str(caught.value) and caught.value.result == {}
        assert stage.stored() is not None


def test_a_deletion_whose_answer_was_lost_is_waited_for_though_aws_describes_the_document() -> None:
    with Stage(document(ONE), attempts=3) as stage:
        stage.aws.add_fault(op="DeleteDocument", do={"drop": "after"})
        found = stage.client.describe_document(Name=NAME)["Document"]
        stale = {"raw": json.dumps({"Document": found}, default=lambda moment: moment.timestamp()), "status": 200}
        # One stale reply for the check after the lost reply, and one for the first poll of the wait.
        stage.aws.add_fault(op="DescribeDocument", after=1, times=2, do=stale)
        with without_waiting():
            assert stage.ensure(state="absent")["actions"] == ["delete the document"]
        assert stage.stored() is None


def test_the_second_race_is_reported() -> None:
    with Stage() as stage:
        stage.aws.add_fault(op="CreateDocument", times="always", do={"error": "DocumentAlreadyExists"})
        with without_waiting(), pytest.raises(SSMError, match="DocumentAlreadyExists"):
            stage.ensure(content=ONE, document_type="Session")
        assert len(stage.aws.calls("CreateDocument")) == 1


def test_without_wait_a_version_is_put_into_force_only_when_it_is_active() -> None:
    with Stage(document(ONE, fail_versions={2: "no"}), switches={"promote_unready": "ok"}) as stage:
        with without_waiting(), pytest.raises(SSMError, match=r"Version 2 .* has the status Failed"):
            stage.ensure(content=TWO, wait=False)
        stored_document = stage.stored()
        assert stored_document and default_content(stored_document) == ONE


def test_without_wait_a_document_is_made_anew_only_when_the_old_one_is_gone() -> None:
    with Stage(document(ONE), limits={"document_deleting_reads": 3}) as stage:
        step = {"action": "aws:runShellScript", "name": "run", "inputs": {"runCommand": ["id"]}}
        command = {"schemaVersion": "2.2", "mainSteps": [step]}
        outcome(stage, content=command, document_type="Command", recreate=True, wait=False)
        stored_document = stage.stored()
        assert stored_document and stored_document["type"] == "Command"


def test_without_wait_a_document_that_is_being_deleted_is_made_when_it_is_gone() -> None:
    with Stage(document(ONE, deleting_reads=3)) as stage:
        outcome(stage, content=TWO, document_type="Session", wait=False)
        stored_document = stage.stored()
        assert stored_document and default_content(stored_document) == TWO


def test_content_that_aws_takes_no_second_time_cannot_be_staged() -> None:
    with Stage(document(ONE, TWO, THREE), switches={"duplicate_scope": "any"}) as stage, without_waiting():
        stored_document = stage.stored()
        assert stored_document
        done = stage.ensure(content=stored_document["versions"][1]["content"], default_version="keep")
        assert done["changed"] is False
        assert done["warnings"][0] == (
            "Version 1 of document Team-Doc already has this content. No new version is created, because AWS rejects "
            "the content as a duplicate. The default version is 3. To make version 1 the default, set default_version "
            "to 1."
        )


def test_a_document_that_is_gone_when_it_is_read_again_is_returned_as_none() -> None:
    with Stage(document(ONE)) as stage:
        meanwhile(stage, "AddTagsToResource", lambda client: None)
        stage.aws.add_fault(op="DescribeDocument", after=1, do={"error": "InvalidDocument", "message": "gone"})
        done = stage.ensure(tags={"team": "a"})
        assert (done["changed"], done["document"]) == (True, None)


def test_content_that_somebody_else_made_meanwhile_is_in_the_diff() -> None:
    with Stage(document(json.dumps(ONE))) as stage:
        meanwhile(stage, "AddTagsToResource", update(TWO))
        done = stage.ensure(content=json.dumps(ONE), default_version="keep", tags={"team": "a"})
        [content] = [part for part in done["diff"] if "content of version 2" in part["after_header"]]
        assert "description: two\n" in content["after"]


@pytest.mark.parametrize("operation", ["DescribeDocument", "GetDocument"])
def test_an_older_version_that_is_gone_when_it_is_compared_is_not_the_wanted_one(operation: str) -> None:
    name = "SSM-SessionManagerRunShell"
    with Stage(document(ONE, TWO, name=name, default_version=1)) as stage, without_waiting():
        gone = {"error": "InvalidDocumentVersion", "message": "gone"}
        stage.aws.add_fault(op=operation, after=1, do=gone)
        done = stage.ensure(name=name, content=THREE, content_comparison="exact")
        assert done["actions"] == ["create a new version", "make it the default"]


def test_content_that_cannot_be_read_is_not_taken_for_the_wanted_one() -> None:
    with Stage(document(ONE)) as stage, without_waiting():
        stage.aws.add_fault(op="GetDocument", do={"error": "InvalidDocumentVersion", "message": "gone"})
        assert stage.ensure(content=TWO)["actions"] == ["create a new version", "make it the default"]
