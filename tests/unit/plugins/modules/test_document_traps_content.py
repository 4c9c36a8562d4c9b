# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What goes wrong with the content and the versions of SSM documents; document_traps.rst has a table of it all."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.errors import SSMError
from document_flows import document, in_force, session
from trap_tasks import (
    CREATE,
    DEFAULT,
    DELETE,
    SHARE,
    TAG,
    UPDATE,
    Stage,
    last,
    latest,
    names,
    present,
    refused,
    settle,
    unchanged,
    under,
)

ONE, TWO, THREE = (session(number) for number in ("one", "two", "three"))
COMPACT, OTHER = (json.dumps(content, separators=(",", ":")) for content in (ONE, TWO))
COMMENTED = "# why it is so\n" + yaml.safe_dump(ONE)
Switches = dict[str, str]
Task = dict[str, Any]


@under("duplicate_scope")
@pytest.mark.parametrize(
    "same",
    [ONE, json.dumps(dict(reversed(ONE.items())), indent=4), yaml.safe_dump(ONE), COMMENTED],
    ids=["mapping", "other order", "YAML", "comments"],
)
def test_trap_01_white_space_and_the_order_of_keys_make_no_version(same: Any, switches: Switches) -> None:
    with Stage(document(COMPACT), switches=switches) as stage:
        unchanged(stage, content=same)
        settle(stage, [UPDATE, DEFAULT], content=TWO)
        assert in_force(present(stage)) == TWO


def test_trap_01_exact_comparison_makes_a_version_of_other_bytes() -> None:
    spacious = json.dumps(ONE, indent=8)
    with Stage(document(COMPACT)) as stage:
        unchanged(stage, content=COMPACT, content_comparison="exact")
        settle(stage, [UPDATE, DEFAULT], content=spacious, content_comparison="exact")
        assert latest(stage)["content"] == spacious


@under("duplicate_scope")
def test_trap_02_comments_count_only_in_an_exact_comparison(switches: Switches) -> None:
    with Stage(document(COMMENTED, document_format="YAML"), switches=switches) as stage:
        edited = COMMENTED.replace("why it is so", "another reason")
        unchanged(stage, content=edited)
        assert latest(stage)["content"] == COMMENTED
        done = settle(stage, [UPDATE, DEFAULT], content=edited, content_comparison="exact")
        assert latest(stage)["content"] == edited
        assert (done["diff"][0]["before"], done["diff"][0]["after"]) == (COMMENTED, edited)


@under("duplicate_scope", "version_order")
def test_trap_03_duplicate_content_is_searched_in_the_versions_and_put_into_force(switches: Switches) -> None:
    # The content is in two versions, and the latest is neither.
    with Stage(document(COMPACT, OTHER, json.dumps(ONE), THREE), switches=switches) as stage:
        if switches["duplicate_scope"] == "any":
            settle(stage, [DEFAULT], attempted=[UPDATE, DEFAULT], content=COMPACT)
            assert (present(stage)["default"], max(present(stage)["versions"])) == (3, 4)
        else:
            settle(stage, [UPDATE, DEFAULT], content=COMPACT)
            assert (present(stage)["default"], max(present(stage)["versions"])) == (5, 5)
        assert in_force(present(stage)) == ONE


@under("duplicate_scope", "version_order")
@pytest.mark.parametrize(
    ("had", "task"),
    [
        ({}, {"content": COMPACT, "target_type": "/"}),
        ({}, {"content": ONE, "target_type": "/", "display_name": "Shown"}),
        ({"content": COMMENTED, "document_format": "YAML"}, {"content": ONE, "document_format": "YAML"}),
        ({"content": COMMENTED, "document_format": "YAML"}, {"content": COMMENTED, "content_comparison": "exact"}),
    ],
    ids=["target type", "display name", "format", "exact"],
)
def test_trap_03_a_version_that_is_all_that_was_asked_for_is_looked_for(
    had: Task, task: Task, switches: Switches
) -> None:
    first = {"content": COMPACT, "target_type": "/", "display_name": "Shown", **had}
    # One has the content alone, and the last one nothing of it. Its target type is sent again if the task has none.
    last_type = "/AWS::EC2::Instance" if "target_type" in task else "/"
    others = [{"content": json.dumps(ONE, indent=1)}, {"content": OTHER, "target_type": last_type}]
    described = {"name": "Team-Doc", "document_type": "Session", "versions": [first, *others]}
    with Stage({**described, "default_version": 1}, switches=switches) as stage:
        unchanged(stage, **task)
    with Stage(described, switches=switches) as stage:
        if switches["duplicate_scope"] == "any":
            done = settle(stage, [DEFAULT], attempted=[UPDATE, DEFAULT], **{**task, "content": first["content"]})
            assert done["document"]["default_version"] == "1"
        else:
            settle(stage, [UPDATE, DEFAULT], **task)
        assert in_force(present(stage)) == ONE


@under("duplicate_scope", "version_order")
def test_trap_04_going_back_to_an_older_content_says_which_version_it_is(switches: Switches) -> None:
    with Stage(document(COMPACT, OTHER, THREE), switches=switches) as stage:
        if switches["duplicate_scope"] == "any":
            done = settle(stage, [DEFAULT], attempted=[UPDATE, DEFAULT], content=COMPACT)
            assert done["actions"] == ["make version 1 the default"]
            assert done["document"]["default_version"] == "1"
        else:
            done = settle(stage, [UPDATE, DEFAULT], content=COMPACT)
            assert done["document"]["default_version"] == "4"
        assert in_force(present(stage)) == ONE


@under("duplicate_scope")
def test_trap_04_going_back_without_putting_into_force(switches: Switches) -> None:
    with Stage(document(COMPACT, OTHER), switches=switches) as stage:
        stage.ensure(content=COMPACT, default_version="keep")
        assert present(stage)["default"] == 2
        again = stage.ensure(content=COMPACT, default_version="keep")
        assert not again["changed"]
        assert len(present(stage)["versions"]) == (2 if switches["duplicate_scope"] == "any" else 3)


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
        assert in_force(present(stage)) == THREE


@under("duplicate_scope", "promote_unready")
def test_trap_06_a_new_version_is_put_into_force_unless_it_is_staged(switches: Switches) -> None:
    with Stage(document(ONE), switches=switches) as stage:
        settle(stage, [UPDATE, DEFAULT], content=TWO)
        assert in_force(present(stage)) == TWO
        settle(stage, [UPDATE], content=THREE, default_version="keep")
        assert in_force(present(stage)) == TWO
        settle(stage, [TAG], tags={"team": "a"})
        assert in_force(present(stage)) == TWO, "a task about tags puts nothing into force"


def test_trap_07_a_default_that_lags_is_moved_though_the_content_is_the_same() -> None:
    with Stage(document(ONE, TWO, default_version=1)) as stage:
        unchanged(stage, content=TWO, default_version="keep")
        done = settle(stage, [DEFAULT], content=TWO)
        assert done["document"]["default_version"] == "2"
        assert in_force(present(stage)) == TWO
        settle(stage, [DEFAULT], default_version="1")
        assert in_force(present(stage)) == ONE


@under("promote_unready")
def test_trap_08_the_default_is_set_by_number(switches: Switches) -> None:
    with Stage(document(ONE), switches=switches) as stage:
        stage.ensure(content=TWO)
        assert last(stage, DEFAULT)["DocumentVersion"] == "2"
        stage.ensure(content=THREE, default_version="keep")
        settle(stage, [DEFAULT], default_version="latest")
        assert last(stage, DEFAULT)["DocumentVersion"] == "3"
        refused(stage, "not latest, keep or a version number", default_version="$LATEST")
        refused(stage, "has no version 4", default_version="4")
    described = document(ONE, TWO, THREE, fail_versions={2: "no access to the bucket"})
    with Stage({**described, "default_version": 3}, switches=switches) as stage:
        refused(stage, "Version 2 of document Team-Doc is Failed: no access to the bucket.", default_version="2")
        refused(stage, "Version 2 of document Team-Doc is Failed", default_version="2", content=session("four"))
        stage.ensure(state="absent", document_version="1")
        refused(stage, "has no version 1", default_version="1", content=session("four"))


@under("promote_unready", "update_unready")
def test_trap_09_a_version_is_put_into_force_when_it_is_active(switches: Switches) -> None:
    with Stage(document(ONE), switches=switches, limits={"document_transition_reads": 3}) as stage:
        settle(stage, [UPDATE, DEFAULT], content=TWO)
        calls = names(stage.aws.calls())
        between = stage.aws.calls()[calls.index(UPDATE) + 1 : calls.index(DEFAULT)]
        looks = [call for call in between if call.params.get("DocumentVersion") in ("2", "$LATEST")]
        assert len(looks) > 3, "it was Updating for three looks"


@pytest.mark.parametrize("wait", [True, False])
@under("promote_unready", "update_unready")
def test_trap_09_a_version_that_is_on_its_way_is_waited_for_before_an_update(switches: Switches, wait: bool) -> None:
    on_the_way = {"content": TWO, "status": "Updating", "reads": 3}
    described = document(ONE, default_version=1)
    described["versions"].append(on_the_way)
    with Stage(described, switches=switches) as stage:
        assert stage.ensure(content=THREE, wait=wait)["changed"]
        assert [entry.outcome for entry in stage.aws.writes()] == ["ok", "ok"]
        assert in_force(present(stage)) == THREE


@under("duplicate_scope")
@pytest.mark.parametrize("default_version", [None, "keep", "latest"])
def test_trap_10_a_failed_version_is_not_good_because_it_is_in_force(
    default_version: str | None, switches: Switches
) -> None:
    failed = document(COMPACT, OTHER, fail_versions={1: "no access to the bucket"})
    with Stage({**failed, "default_version": 1}, switches=switches) as stage:
        refused(stage, "Version 1 of document Team-Doc is Failed", content=ONE, default_version=default_version)
        unchanged(stage, content=TWO, default_version="keep")
        settle(stage, [DEFAULT], content=TWO)
    failed = document(COMPACT, OTHER, fail_versions={2: "no access to the bucket"})
    with Stage({**failed, "default_version": 1}, switches=switches) as stage:
        refused(stage, "Version 2 of document Team-Doc is Failed", default_version="latest")


@under("promote_unready", "update_unready")
def test_trap_10_a_version_that_failed_is_never_reported_as_good(switches: Switches) -> None:
    with Stage(document(ONE, fail_versions={2: "no access to the bucket"}), switches=switches) as stage:
        with pytest.raises(SSMError, match=r"Version 2 .* is Failed: no access to the bucket"):
            stage.ensure(content=TWO)
        assert names(stage.aws.writes()) == [UPDATE]
        assert in_force(present(stage)) == ONE
        refused(stage, "is Failed: no access to the bucket", content=TWO)
        settle(stage, [UPDATE, DEFAULT], content=THREE)
        assert in_force(present(stage)) == THREE


def test_trap_11_what_is_compared_is_the_latest_version() -> None:
    with Stage(document(ONE, TWO, default_version=1)) as stage:
        shown = unchanged(stage, content=TWO, default_version="keep")["document"]
        assert (shown["document_version"], shown["latest_version"], shown["default_version"]) == ("2", "2", "1")
        assert all("DocumentVersion" in call.params for call in stage.aws.calls("DescribeDocument"))
        assert all("DocumentVersion" in call.params for call in stage.aws.calls("GetDocument"))
        assert stage.info(names=["Team-Doc"])["documents"][0]["document_version"] == "1"
        assert stage.info(names=["Team-Doc"], document_version="$LATEST")["documents"][0]["document_version"] == "2"


def test_trap_12_content_is_read_in_the_format_that_it_is_stored_in() -> None:
    with Stage(document(COMMENTED, document_format="YAML")) as stage:
        unchanged(stage, content=COMMENTED + "\n# more\n")
        unchanged(stage, content=COMMENTED, content_comparison="exact")
        [found] = stage.info(names=["Team-Doc"], include=["content"])["documents"]
        assert found["content"] == COMMENTED
        assert {call.params["DocumentFormat"] for call in stage.aws.calls("GetDocument")} == {"YAML"}
        [found] = stage.info(names=["Team-Doc"], include=["content"], document_format="JSON")["documents"]
        assert json.loads(found["content"]) == ONE


@under("duplicate_scope", "target_type_omitted")
def test_trap_13_the_format_changes_only_when_the_task_says_so(switches: Switches) -> None:
    with Stage(document(ONE, target_type="/AWS::EC2::Instance"), switches=switches) as stage:
        unchanged(stage, content=COMMENTED)
        settle(stage, [UPDATE], document_format="YAML")
        assert latest(stage)["format"] == "YAML"
        assert yaml.safe_load(latest(stage)["content"]) == ONE
        settle(stage, [UPDATE, DEFAULT], content=TWO)
        assert latest(stage)["format"] == "YAML"
        assert latest(stage)["target_type"] == "/AWS::EC2::Instance"


@under("duplicate_scope")
def test_trap_13_a_text_that_the_format_cannot_hold_comes_in_its_own(switches: Switches) -> None:
    tabs = json.dumps(ONE, indent="\t")
    with Stage(document(TWO, document_format="YAML"), switches=switches) as stage:
        settle(stage, [UPDATE, DEFAULT], content=tabs)
        assert (latest(stage)["format"], latest(stage)["content"]) == ("JSON", tabs)
        edited = COMMENTED.replace("one", "more")
        settle(stage, [UPDATE, DEFAULT], content=edited)
        assert (latest(stage)["format"], latest(stage)["content"]) == ("YAML", edited)


def test_trap_14_another_type_is_refused_before_any_write() -> None:
    with Stage(document(ONE)) as stage:
        refused(stage, "which cannot be changed to Command: set recreate", content=ONE, document_type="Command")


def test_trap_14_with_recreate_the_document_is_made_anew_with_all_that_it_had() -> None:
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
        held = present(stage)
        assert (held["type"], list(held["versions"])) == ("Command", [1])
        assert (held["tags"], held["permissions"]) == ({"team": "a"}, {"2" * 12: "$LATEST"})
        assert (latest(stage)["display_name"], latest(stage)["target_type"]) == ("Shown", "/")


@pytest.mark.parametrize("wait", [True, False])
def test_trap_14_a_document_that_cannot_be_made_anew_is_put_back(wait: bool) -> None:
    had: Task = {"tags": {"team": "a", "aws:own": "x"}, "display_name": "Shown", "permissions": {"2" * 12: "$LATEST"}}
    refused_by_aws = {"schemaVersion": "2.2", "mainSteps": []}
    task: Task = {"content": refused_by_aws, "document_type": "Command", "recreate": True, "force_unshare": True}
    with Stage({**document(COMMENTED, document_format="YAML"), **had}) as stage:
        before = present(stage)
        with pytest.raises(SSMError) as caught:
            stage.ensure(**task, wait=wait)
        shared_again = f"share the document with {'2' * 12}"
        assert f"The old document was put back: create the document; {shared_again}. Done before" in str(caught.value)
        assert f"Not done: {shared_again}." in str(caught.value)
        assert present(stage) == {**before, "tags": {"team": "a"}}
    with Stage(document(ONE, tags={"team": "a"})) as stage:
        stage.aws.add_fault(op=CREATE, times="always", do={"error": "InternalServerError", "status": 500})
        with pytest.raises(SSMError, match=r"Done before that: delete the document, which had the tag team=a\.$"):
            stage.ensure(**task, wait=wait)
        assert stage.held() is None


def old_command(script: str) -> dict[str, Any]:
    """A Command document of schema 1.2."""
    properties = [{"id": "0.aws:runShellScript", "runCommand": [script]}]
    return {"schemaVersion": "1.2", "runtimeConfig": {"aws:runShellScript": {"properties": properties}}}


def test_trap_15_a_command_of_schema_1_2_is_made_anew_or_left() -> None:
    with Stage(document(old_command("a"), document_type="Command", tags={"team": "a"})) as stage:
        unchanged(stage, content=old_command("a"))
        settle(stage, [TAG], content=old_command("a"), tags={"team": "b"})
        refused(stage, "schema version 1.2, which AWS does not update", content=old_command("b"))
        settle(stage, [DELETE, CREATE], content=old_command("b"), recreate=True)
        assert in_force(present(stage)) == old_command("b")
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
        refused(stage, "requires other documents than it should", **other)
        settle(stage, [DELETE, CREATE], **other, recreate=True)
        [found] = stage.info(names=["Team-Doc"])["documents"]
        assert found["requires"] == [{"name": "Team-Schema", "version": "2"}]
        assert in_force(present(stage)) == {"flag": False}


@under("duplicate_scope")
def test_trap_17_a_version_name_is_given_once_and_stays(switches: Switches) -> None:
    with Stage(document(ONE), switches=switches) as stage:
        settle(stage, [UPDATE, DEFAULT], content=TWO, version_name="v2")
        assert latest(stage)["version_name"] == "v2"
        again = unchanged(stage, content=TWO, version_name="v3")
        assert again["warnings"] == [
            "Version 2 of document Team-Doc is not called v3: a version gets its name when it is made."
        ]
        refused(stage, "has the name v2 already", content=THREE, version_name="v2")
        settle(stage, [UPDATE, DEFAULT], content=THREE, version_name="v3")
        refused(stage, "Version 2 of document Team-Doc has the name v2 already", content=ONE, version_name="v2")


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
        held = present(stage)
        with pytest.raises(SSMError, match="change the content, too"):
            stage.ensure(display_name="Third")
        assert present(stage) == held


def manifest(checksum: str) -> dict[str, Any]:
    """The content of a Package, whose only file has this SHA-256."""
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
        refused(stage, "needs attachments", **package)
        settle(stage, [CREATE], **package, attachments=SOURCES)
        unchanged(stage, **package, attachments=ELSEWHERE)
        unchanged(stage, **package)
        refused(stage, "needs attachments", content=manifest("b" * 64))
        settle(stage, [UPDATE, DEFAULT], content=manifest("b" * 64), attachments=ELSEWHERE)
        assert last(stage, UPDATE)["Attachments"] == [{"Key": "SourceUrl", "Values": ELSEWHERE[0]["values"]}]


def test_trap_21_a_checksum_in_the_manifest_makes_a_version_of_a_package() -> None:
    with Stage() as stage:
        stage.ensure(document_type="Package", content=manifest("a" * 64), attachments=SOURCES)
        settle(stage, [UPDATE, DEFAULT], content=manifest("b" * 64), attachments=SOURCES)
        found = stage.client.get_document(Name="Team-Doc")["AttachmentsContent"]
        assert [(one["Name"], one["Hash"]) for one in found] == [("agent.zip", "b" * 64)]
