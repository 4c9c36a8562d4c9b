# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test the traps in the versions of SSM documents; document_traps.rst has a table of all traps."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.errors import SSMError

from unit.support.document_stage import default_content, document, session
from unit.support.trap_stage import (
    COMPACT,
    CREATE,
    DEFAULT,
    ONE,
    OTHER,
    PREFERENCES,
    TAG,
    THREE,
    TWO,
    UPDATE,
    Stage,
    Switches,
    Task,
    last,
    latest,
    names,
    present,
    refused,
    settle,
    unchanged,
    under,
)


def test_trap_05_an_update_is_of_the_latest_version_whatever_is_the_default() -> None:
    with Stage(document(ONE, TWO, default_version=1)) as stage:
        settle(stage, [UPDATE, DEFAULT], content=THREE)
        assert last(stage, UPDATE)["DocumentVersion"] in ("$LATEST", "2")
        assert present(stage)["default"] == 3


def test_trap_05_an_update_of_another_version_is_refused() -> None:
    with Stage(document(ONE, TWO, default_version=1)) as stage:
        refused(stage, "only the latest version", content=THREE, document_version="1")
        settle(stage, [UPDATE, DEFAULT], content=THREE, document_version="$LATEST")
    with Stage(document(ONE, TWO, default_version=1)) as stage:
        assert stage.ensure(content=THREE, document_version="2")["changed"]
        assert default_content(present(stage)) == THREE


@under("duplicate_scope", "promote_unready")
def test_trap_06_a_new_version_becomes_the_default_unless_keep_is_set(switches: Switches) -> None:
    with Stage(document(ONE), switches=switches) as stage:
        settle(stage, [UPDATE, DEFAULT], content=TWO)
        assert default_content(present(stage)) == TWO
        settle(stage, [UPDATE], content=THREE, default_version="keep")
        assert default_content(present(stage)) == TWO
        settle(stage, [TAG], tags={"team": "a"})
        assert default_content(present(stage)) == TWO, "a task about tags puts nothing into force"


def test_trap_07_the_default_changes_without_a_new_version() -> None:
    with Stage(document(ONE, TWO, default_version=1)) as stage:
        unchanged(stage, content=TWO, default_version="keep")
        done = settle(stage, [DEFAULT], content=TWO)
        assert done["document"]["default_version"] == "2"
        assert default_content(present(stage)) == TWO
        settle(stage, [DEFAULT], default_version="1")
        assert default_content(present(stage)) == ONE


@under("duplicate_scope", "version_order")
def test_trap_07_content_is_compared_with_the_version_that_becomes_the_default(switches: Switches) -> None:
    task: Task = {"name": PREFERENCES, "content": OTHER}
    described = document(COMPACT, OTHER, THREE, name=PREFERENCES, default_version=1)
    with Stage(described, switches=switches) as stage:
        settle(stage, [DEFAULT], **task, default_version="2")
        # Version 2 has the content, but version 1 becomes the default. So the content has to be the latest version.
        if switches["duplicate_scope"] == "any":
            for changed in (True, False):
                done = stage.ensure(**task, default_version="1")
                assert done["changed"] is changed
                assert any(
                    "Version 2 of document" in one and "No new version is created" in one for one in done["warnings"]
                )
        else:
            settle(stage, [UPDATE, DEFAULT], **task, default_version="1")
            assert latest(stage, PREFERENCES)["content"] == OTHER
        assert default_content(present(stage, PREFERENCES)) == ONE


@pytest.mark.parametrize("task", [{"content": ONE, "document_type": "Session"}, {"session_preferences": {}}])
def test_trap_08_a_document_that_has_to_be_created_has_no_other_default_than_its_first_version(task: Task) -> None:
    with Stage() as stage:
        refused(stage, "a new document has only version 1", default_version="2", **task)
        settle(stage, [CREATE], default_version="1", **task)
        assert present(stage)["default"] == 1


@under("promote_unready")
def test_trap_08_the_default_is_set_by_number(switches: Switches) -> None:
    with Stage(document(ONE), switches=switches) as stage:
        stage.ensure(content=TWO)
        assert last(stage, DEFAULT)["DocumentVersion"] == "2"
        stage.ensure(content=THREE, default_version="keep")
        settle(stage, [DEFAULT], default_version="latest")
        assert last(stage, DEFAULT)["DocumentVersion"] == "3"
        refused(stage, "it must be latest, keep, the number of a version or the name", default_version="$LATEST")
        refused(stage, "has no version 4", default_version="4")
    described = document(ONE, TWO, THREE, fail_versions={2: "no access to the bucket"})
    failed = "Version 2 of document Team-Doc has the status Failed"
    with Stage({**described, "default_version": 3}, switches=switches) as stage:
        refused(stage, f"{failed}: no access to the bucket. Set default_version to", default_version="2")
        refused(stage, failed, default_version="2", content=session("four"))
        stage.ensure(state="absent", document_version="1")
        refused(stage, "has no version 1. Its latest version is 3.", default_version="1", content=session("four"))


def release(number: int, name: str | None) -> dict[str, Any]:
    """Return a version of a Command document."""
    step = {"action": "aws:runShellScript", "name": "run", "inputs": {"runCommand": ["true"]}}
    content = {"schemaVersion": "2.2", "description": str(number), "mainSteps": [step]}
    return {"content": content, **({"version_name": name} if name else {})}


@under("promote_unready")
def test_trap_08_a_version_is_made_the_default_by_its_name(switches: Switches) -> None:
    command = document(document_type="Command", default_version=1)
    # A number always means the version number, even if another version has that number as its name.
    command["versions"] = [release(1, "release-1"), release(2, "3"), release(3, None), release(4, "1.10")]
    with Stage(command, switches=switches) as stage:
        done = settle(stage, [UPDATE], content=release(5, None)["content"], version_name="v5", default_version="keep")
        assert done["document"]["default_version"] == "1"
        done = settle(stage, [DEFAULT], default_version="v5")
        assert (done["actions"], last(stage, DEFAULT)["DocumentVersion"]) == (["make version 5 the default"], "5")
        settle(stage, [DEFAULT], default_version="1.10")
        assert present(stage)["default"] == 4
        settle(stage, [DEFAULT], default_version="3")
        assert present(stage)["default"] == 3
        settle(stage, [UPDATE, DEFAULT], content=release(6, None)["content"], default_version="release-1")
        assert present(stage)["default"] == 1
        listed = " Its versions are 1 (release-1), 2 (3), 3, 4 (1.10), 5 (v5), 6."
        for name, meant in {"release-2": " Did you mean 'release-1'?", "Latest": " Did you mean 'latest'?"}.items():
            said = refused(stage, listed, default_version=name)
            assert said == f"Document Team-Doc has no version named {name!r}.{listed}{meant}"
        said = refused(stage, listed, default_version="new", version_name="new", content=release(7, None)["content"])
        assert said.endswith(" To make the version of this task the default, set default_version to latest.")


def test_trap_08_a_name_that_no_version_has_is_reported_whatever_else_is_wrong() -> None:
    with Stage({**document(*(session(str(number)) for number in range(12))), "name": "Team-Doc"}) as stage:
        refused(stage, " Its latest versions are 3, 4, 5, 6, 7, 8, 9, 10, 11, 12.", default_version="release")
        stage.aws.add_fault(op="ListDocumentVersions", do={"error": "AccessDeniedException"}, times="always")
        said = refused(stage, "has no version", default_version="release")
        assert said == "Document Team-Doc has no version named 'release'."
        new: Task = {"name": "New-Doc", "content": ONE, "document_type": "Session", "default_version": "release"}
        refused(stage, "the task creates document New-Doc, and a new document has only version 1", **new)
        refused(stage, "belongs to Amazon", name="AWS-RunShellScript", default_version="release")


@under("promote_unready", "update_unready")
def test_trap_09_a_version_becomes_the_default_when_it_is_active(switches: Switches) -> None:
    with Stage(document(ONE), switches=switches, limits={"document_transition_reads": 3}) as stage:
        settle(stage, [UPDATE, DEFAULT], content=TWO)
        calls = names(stage.aws.calls())
        between = stage.aws.calls()[calls.index(UPDATE) + 1 : calls.index(DEFAULT)]
        looks = [call for call in between if call.params.get("DocumentVersion") in ("2", "$LATEST")]
        assert len(looks) > 3, "it was Updating for three looks"


@pytest.mark.parametrize("wait", [True, False])
@under("promote_unready", "update_unready")
def test_trap_09_an_update_waits_until_the_latest_version_is_ready(switches: Switches, wait: bool) -> None:
    on_the_way = {"content": TWO, "status": "Updating", "reads": 3}
    described = document(ONE, default_version=1)
    described["versions"].append(on_the_way)
    with Stage(described, switches=switches) as stage:
        assert stage.ensure(content=THREE, wait=wait)["changed"]
        assert [entry.outcome for entry in stage.aws.writes()] == ["ok", "ok"]
        assert default_content(present(stage)) == THREE


@under("duplicate_scope")
@pytest.mark.parametrize("default_version", [None, "keep", "latest"])
def test_trap_10_a_failed_version_is_an_error_even_if_it_is_the_default(
    default_version: str | None, switches: Switches
) -> None:
    failed = document(COMPACT, OTHER, name=PREFERENCES, fail_versions={1: "no access to the bucket"})
    with Stage({**failed, "default_version": 1}, switches=switches) as stage:
        task: Task = {"name": PREFERENCES, "content": ONE, "default_version": default_version}
        refused(stage, f"Version 1 of document {PREFERENCES} has the status Failed", **task)
        unchanged(stage, name=PREFERENCES, content=TWO, default_version="keep")
        settle(stage, [DEFAULT], name=PREFERENCES, content=TWO)
    failed = document(COMPACT, OTHER, fail_versions={2: "no access to the bucket"})
    with Stage({**failed, "default_version": 1}, switches=switches) as stage:
        refused(stage, "Version 2 of document Team-Doc has the status Failed", default_version="latest")


@under("promote_unready", "update_unready")
def test_trap_10_a_version_that_failed_is_never_reported_as_good(switches: Switches) -> None:
    with Stage(document(ONE, fail_versions={2: "no access to the bucket"}), switches=switches) as stage:
        with pytest.raises(SSMError, match=r"Version 2 .* has the status Failed: no access to the bucket"):
            stage.ensure(content=TWO)
        assert names(stage.aws.writes()) == [UPDATE]
        assert default_content(present(stage)) == ONE
        refused(stage, "has the status Failed: no access to the bucket. Change the content to", content=TWO)
        settle(stage, [UPDATE, DEFAULT], content=THREE)
        assert default_content(present(stage)) == THREE


@under("duplicate_scope")
def test_trap_17_a_version_name_is_given_once_and_stays(switches: Switches) -> None:
    with Stage(document(ONE), switches=switches) as stage:
        settle(stage, [UPDATE, DEFAULT], content=TWO, version_name="v2")
        assert latest(stage)["version_name"] == "v2"
        again = unchanged(stage, content=TWO, version_name="v3")
        assert again["warnings"] == [
            "Version 2 of document Team-Doc already has this content. It is not renamed to v3, because a version "
            "gets its name when it is created."
        ]
        position = stage.aws.position
        assert "warnings" not in unchanged(stage, content=TWO, version_name="v2")
        # The latest version has the name, so the task does not look up another one.
        assert stage.operations(position) == ["DescribeDocument"] * 2
        refused(stage, "is already named v2", content=THREE, version_name="v2")
        settle(stage, [UPDATE, DEFAULT], content=THREE, version_name="v3")
        refused(stage, "Version 2 of document Team-Doc is already named v2", content=ONE, version_name="v2")


def test_trap_17_a_name_for_a_version_that_is_not_made_is_refused_before_any_call() -> None:
    with Stage(document(ONE)) as stage:
        for more in ({}, {"tags": {"team": "a"}}, {"display_name": "Shown"}, {"default_version": "1"}):
            said = refused(stage, "this task creates no version", version_name="release-2", **more)
        assert said == (
            "version_name is 'release-2', but this task creates no version, and an existing version cannot be renamed. "
            "Set content to create a version, or set default_version to the name of a version to make that version "
            "the default."
        )
        assert stage.operations() == []
        settle(stage, [UPDATE], version_name="release-2", target_type="/")
        settle(stage, [UPDATE], version_name="release-3", document_format="YAML")
        settle(stage, ["DeleteDocument"], version_name="release-2", state="absent")


@under("duplicate_scope", "target_type_omitted")
def test_trap_18_the_target_type_alone_makes_a_version_and_is_sent_again(switches: Switches) -> None:
    with Stage(document(COMPACT), switches=switches) as stage:
        settle(stage, [UPDATE], target_type="/AWS::EC2::Instance")
        assert latest(stage)["content"] == COMPACT
        assert latest(stage)["target_type"] == "/AWS::EC2::Instance"
        settle(stage, [UPDATE, DEFAULT], content=TWO)
        assert latest(stage)["target_type"] == "/AWS::EC2::Instance"


@under("duplicate_scope", "target_type_omitted")
def test_trap_19_a_display_name_is_kept_and_goes_with_new_content(switches: Switches) -> None:
    with Stage(document(COMPACT, display_name="Shown"), switches=switches) as stage:
        unchanged(stage, content=ONE, display_name="Shown")
        settle(stage, [UPDATE, DEFAULT], content=TWO)
        assert latest(stage)["display_name"] == "Shown"
        settle(stage, [UPDATE, DEFAULT], content=THREE, display_name="Other")
        assert latest(stage)["display_name"] == "Other"
        stored_document = present(stage)
        with pytest.raises(SSMError, match="change the content, too"):
            stage.ensure(display_name="Third")
        assert present(stage) == stored_document
