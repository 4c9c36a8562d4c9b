# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test the traps in document types and in what cannot be changed later; document_traps.rst has a table of all traps."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.errors import SSMError

from unit.support.document_stage import default_content, document
from unit.support.trap_stage import (
    COMMENTED,
    CREATE,
    DEFAULT,
    DELETE,
    ONE,
    SHARE,
    TAG,
    TWO,
    UPDATE,
    Stage,
    Switches,
    Task,
    last,
    latest,
    present,
    refused,
    settle,
    unchanged,
    under,
)


def test_trap_14_another_type_is_refused_before_any_write() -> None:
    with Stage(document(ONE)) as stage:
        refused(stage, "which cannot be changed to Command. Set recreate", content=ONE, document_type="Command")


def test_trap_14_with_recreate_the_document_is_created_again_with_all_that_it_had() -> None:
    had: Task = {
        "tags": {"team": "a"},
        "display_name": "Shown",
        "target_type": "/",
        "permissions": {"2" * 12: "$LATEST"},
    }
    command = {"schemaVersion": "2.2", "mainSteps": [{"action": "aws:runShellScript", "name": "run", "inputs": {}}]}
    task: Task = {"content": command, "document_type": "Command", "recreate": True}
    with Stage(document(ONE, TWO, **had)) as stage:
        refused(stage, "force_unshare", **task)
        settle(stage, [SHARE, DELETE, CREATE, SHARE], **task, force_unshare=True)
        stored_document = present(stage)
        assert (stored_document["type"], list(stored_document["versions"])) == ("Command", [1])
        assert (stored_document["tags"], stored_document["permissions"]) == ({"team": "a"}, {"2" * 12: "$LATEST"})
        assert (latest(stage)["display_name"], latest(stage)["target_type"]) == ("Shown", "/")


@pytest.mark.parametrize("wait", [True, False])
def test_trap_14_a_document_that_cannot_be_created_again_is_restored(wait: bool) -> None:
    had: Task = {"tags": {"team": "a", "aws:own": "x"}, "display_name": "Shown", "permissions": {"2" * 12: "$LATEST"}}
    refused_by_aws = {"schemaVersion": "2.2", "mainSteps": []}
    task: Task = {"content": refused_by_aws, "document_type": "Command", "recreate": True, "force_unshare": True}
    with Stage({**document(COMMENTED, document_format="YAML"), **had}) as stage:
        before = present(stage)
        with pytest.raises(SSMError) as caught:
            stage.ensure(**task, wait=wait)
        back = ["create the document", f"share the document with {'2' * 12}"]
        restored = f"The old document was restored. Actions of the restoration: {'; '.join(back)}. Actions done before"
        assert restored in str(caught.value)
        assert "Actions not done" not in str(caught.value)
        assert (caught.value.result["changed"], caught.value.result["actions"][-2:]) == (True, back)
        assert present(stage) == {**before, "tags": {"team": "a"}}


def test_trap_14_what_cannot_be_restored_is_reported_and_returned() -> None:
    command = {"schemaVersion": "2.2", "mainSteps": [{"action": "aws:runShellScript", "name": "run", "inputs": {}}]}
    task: Task = {"content": command, "document_type": "Command", "recreate": True, "force_unshare": True}
    gone = "The old document was deleted and could not be restored: "
    with Stage(document(ONE, tags={"team": "a"})) as stage:
        stage.aws.add_fault(op=CREATE, times="always", do={"error": "DocumentLimitExceeded"})
        with pytest.raises(SSMError, match=f"{gone}Could not create .*DocumentLimitExceeded") as caught:
            stage.ensure(**task)
        had = "delete the document, which had the tag team=a"
        assert str(caught.value).endswith(f"Actions done before the error: {had}.")
        assert caught.value.result == {
            "changed": True,
            "actions": [had],
            "lost_content": caught.value.result["lost_content"],
        }
        assert json.loads(caught.value.result["lost_content"]) == ONE
        assert stage.stored() is None
    with Stage(document(ONE, permissions={"2" * 12: "$LATEST"})) as stage:
        stage.aws.add_fault(op=CREATE, do={"error": "DocumentLimitExceeded"})
        stage.aws.add_fault(op=SHARE, after=1, times="always", do={"error": "AccessDeniedException"})
        with pytest.raises(
            SSMError, match=r"the restoration: create the document\. The rest could not be restored: Could not change"
        ):
            stage.ensure(**task)
        assert present(stage)["type"] == "Session"


def old_command(script: str) -> dict[str, Any]:
    """Return a Command document of schema 1.2."""
    properties = [{"id": "0.aws:runShellScript", "runCommand": [script]}]
    return {"schemaVersion": "1.2", "runtimeConfig": {"aws:runShellScript": {"properties": properties}}}


def test_trap_15_a_command_of_schema_1_2_is_created_again_or_left() -> None:
    with Stage(document(old_command("a"), document_type="Command", tags={"team": "a"})) as stage:
        unchanged(stage, content=old_command("a"))
        settle(stage, [TAG], content=old_command("a"), tags={"team": "b"})
        refused(stage, "schema version 1.2, which AWS does not update", content=old_command("b"))
        settle(stage, [DELETE, CREATE], content=old_command("b"), recreate=True)
        assert default_content(present(stage)) == old_command("b")
        assert present(stage)["tags"] == {"team": "b"}


def test_trap_15_a_session_document_of_schema_1_0_is_updated_in_place() -> None:
    with Stage(document(ONE)) as stage:
        settle(stage, [UPDATE, DEFAULT], content=TWO, recreate=True)
        assert list(present(stage)["versions"]) == [1, 2]


@under("duplicate_scope")
def test_trap_16_requirements_cannot_be_changed_in_place(switches: Switches) -> None:
    config: Task = {"content": json.dumps({"flag": True}), "document_type": "ApplicationConfiguration"}
    with Stage(switches=switches) as stage:
        settle(stage, [CREATE], **config, requires=[{"name": "Team-Schema", "version": "1"}])
        settle(stage, [UPDATE, DEFAULT], content='{"flag": false}', requires=[{"name": "Team-Schema"}])
        assert all("Requires" not in call.params for call in stage.aws.calls(UPDATE))
        other: Task = {"requires": [{"name": "Team-Schema", "version": "2"}]}
        refused(stage, "has other requirements than the task sets, and", **other)
        settle(stage, [DELETE, CREATE], **other, recreate=True)
        [found] = stage.info(names=["Team-Doc"])["documents"]
        assert found["requires"] == [{"name": "Team-Schema", "version": "2"}]
        assert default_content(present(stage)) == {"flag": False}


def manifest(checksum: str) -> dict[str, Any]:
    """Return the content of a Package whose only file has this SHA-256 checksum."""
    return {
        "schemaVersion": "2.0",
        "version": "1.0",
        "packages": {"amazon": {"_any": {"x86_64": {"file": "agent.zip"}}}},
        "files": {"agent.zip": {"checksums": {"sha256": checksum}}},
    }


SOURCES = [{"key": "SourceUrl", "values": ["https://s3.amazonaws.com/bucket/one"]}]
ELSEWHERE = [{"key": "SourceUrl", "values": ["https://s3.amazonaws.com/bucket/two"]}]


@under("duplicate_scope")
def test_trap_20_attachments_are_sent_with_each_version_and_never_compared(switches: Switches) -> None:
    with Stage(switches=switches) as stage:
        package: Task = {"document_type": "Package", "content": manifest("a" * 64)}
        refused(stage, "requires attachments", **package)
        settle(stage, [CREATE], **package, attachments=SOURCES)
        unchanged(stage, **package, attachments=ELSEWHERE)
        unchanged(stage, **package)
        refused(stage, "requires attachments", content=manifest("b" * 64))
        settle(stage, [UPDATE, DEFAULT], content=manifest("b" * 64), attachments=ELSEWHERE)
        assert last(stage, UPDATE)["Attachments"] == [{"Key": "SourceUrl", "Values": ELSEWHERE[0]["values"]}]


def test_trap_21_a_checksum_in_the_manifest_makes_a_version_of_a_package() -> None:
    with Stage() as stage:
        stage.ensure(document_type="Package", content=manifest("a" * 64), attachments=SOURCES)
        settle(stage, [UPDATE, DEFAULT], content=manifest("b" * 64), attachments=SOURCES)
        found = stage.client.get_document(Name="Team-Doc")["AttachmentsContent"]
        assert [(one["Name"], one["Hash"]) for one in found] == [("agent.zip", "b" * 64)]
