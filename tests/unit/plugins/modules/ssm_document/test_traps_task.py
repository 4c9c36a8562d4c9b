# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test the traps between a playbook and AWS in tasks about SSM documents; document_traps.rst has a table of all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.errors import SSMError

from unit.support.document_stage import accounts, default_content, document, session
from unit.support.trap_stage import (
    CREATE,
    DEFAULT,
    DELETE,
    ONE,
    SHARE,
    TAG,
    THREE,
    TWO,
    UPDATE,
    Stage,
    Switches,
    Task,
    documentation,
    latest,
    present,
    refused,
    settle,
    shared,
    unchanged,
    under,
)

PREFERENCES = "SSM-SessionManagerRunShell"
A, B = accounts(0, 2)


@pytest.mark.parametrize(
    ("operation", "task"),
    [
        (UPDATE, {"content": TWO}),
        (DEFAULT, {"content": TWO}),
        (TAG, {"tags": {"team": "a"}}),
        (SHARE, shared(A)),
        (DELETE, {"state": "absent"}),
    ],
)
def test_trap_32_too_many_updates_is_tried_again(operation: str, task: Task) -> None:
    with Stage(document(ONE)) as stage:
        stage.aws.add_fault(op=operation, do={"error": "TooManyUpdates", "message": "busy"})
        assert stage.ensure(**task)["changed"]
        assert [call.outcome for call in stage.aws.calls(operation)] == ["TooManyUpdates", "ok"]
        unchanged(stage, **task)


@pytest.mark.parametrize("operation", ["DescribeDocument", "GetDocument", UPDATE, DEFAULT])
def test_trap_32_throttling_is_tried_again(operation: str) -> None:
    with Stage(document(ONE), attempts=3) as stage:
        stage.aws.add_fault(op=operation, do={"error": "ThrottlingException", "message": "Rate exceeded"})
        assert stage.ensure(content=TWO)["actions"] == ["create a new version", "make it the default"]
        assert default_content(present(stage)) == TWO
        unchanged(stage, content=TWO)


def test_trap_33_both_arns_are_returned() -> None:
    runbook = {"schemaVersion": "0.3", "mainSteps": [{"name": "wait", "action": "aws:sleep", "inputs": {}}]}
    with Stage(document(ONE), document(runbook, name="Run", document_type="Automation")) as stage:
        place = "arn:aws:ssm:us-east-1:123456789012"
        shown = unchanged(stage, content=ONE)["document"]
        assert shown["arn"] == f"{place}:document/Team-Doc"
        assert "automation_definition_arn" not in shown
        shown = unchanged(stage, name="Run", content=runbook)["document"]
        assert shown["arn"] == f"{place}:document/Run"
        assert shown["automation_definition_arn"] == f"{place}:automation-definition/Run"
        [found] = stage.info(names=["AWS-RunShellScript"])["documents"]
        assert found["arn"] == "arn:aws:ssm:us-east-1::document/AWS-RunShellScript"


def test_trap_34_preferences_that_exist_are_taken_over() -> None:
    with Stage(document(ONE, name=PREFERENCES)) as stage:
        settle(stage, [UPDATE, DEFAULT], name=PREFERENCES, session_preferences={})
        assert default_content(present(stage, PREFERENCES))["inputs"]["idleSessionTimeout"] == "20"
        done = settle(stage, [DELETE], name=PREFERENCES, state="absent")
        assert "session preferences of the account" in done["warnings"][0]


def test_trap_34_preferences_that_somebody_makes_meanwhile_are_updated() -> None:
    with Stage(document(ONE, name=PREFERENCES)) as stage:
        stage.aws.add_fault(op="DescribeDocument", do={"error": "InvalidDocument", "message": "not yet"})
        done = stage.ensure(name=PREFERENCES, document_type="Session", content=TWO)
        assert [call.outcome for call in stage.aws.calls(CREATE)] == ["DocumentAlreadyExists"]
        assert done["actions"] == ["create a new version", "make it the default"]
        assert default_content(present(stage, PREFERENCES)) == TWO
        unchanged(stage, name=PREFERENCES, content=TWO)


def with_inputs(**inputs: Any) -> dict[str, Any]:
    return {**ONE, "inputs": inputs}


@under("session_numbers", "session_unknown_inputs")
def test_trap_35_preferences_have_real_booleans_and_minutes_in_quotes(switches: Switches) -> None:
    preferences: Task = {
        "cloud_watch_log_group_name": "/sessions",
        "cloud_watch_streaming_enabled": True,
        "max_session_duration": 60,
    }
    with Stage(switches=switches) as stage:
        settle(stage, [CREATE], name=PREFERENCES, session_preferences=preferences)
        inputs = default_content(present(stage, PREFERENCES))["inputs"]
        assert inputs["cloudWatchStreamingEnabled"] is True
        assert inputs["runAsEnabled"] is False
        assert (inputs["idleSessionTimeout"], inputs["maxSessionDuration"]) == ("20", "60")


@under("session_numbers", "session_unknown_inputs")
def test_trap_35_booleans_in_quotes_come_with_a_warning(switches: Switches) -> None:
    quoted = with_inputs(cloudWatchStreamingEnabled="true", runAsEnabled="false", idleSessionTimeout="20")
    with Stage(document(ONE, name=PREFERENCES), switches=switches) as stage:
        done = settle(stage, [UPDATE, DEFAULT], name=PREFERENCES, content=quoted)
        assert done["warnings"] == [
            "The value of inputs.cloudWatchStreamingEnabled is in quotes, and the agent on a node cannot read such a "
            "document. Use true or false without quotes.",
            "The console cannot edit preferences with quotes around the value of runAsEnabled. Use true or false "
            "without quotes.",
        ]
        assert default_content(present(stage, PREFERENCES)) == quoted, "content that somebody wrote is not rewritten"


@pytest.mark.parametrize("streaming", ["true", "False", ""])
def test_trap_35_quotes_that_the_agent_cannot_read_are_replaced(streaming: str) -> None:
    wanted: Task = {"cloud_watch_log_group_name": "/sessions", "cloud_watch_streaming_enabled": streaming == "true"}
    quoted = with_inputs(cloudWatchLogGroupName="/sessions", cloudWatchStreamingEnabled=streaming)
    with Stage(document({**quoted, "sessionType": "Standard_Stream"}, name=PREFERENCES)) as stage:
        [found] = stage.info(names=[PREFERENCES], include=["content"])["documents"]
        assert found["session_preferences"] is None, "no options express a document that the agent cannot read"
        settle(stage, [UPDATE, DEFAULT], name=PREFERENCES, session_preferences=wanted)
        inputs = default_content(present(stage, PREFERENCES))["inputs"]
        assert inputs["cloudWatchStreamingEnabled"] is wanted["cloud_watch_streaming_enabled"]


def test_trap_36_a_schema_version_that_yaml_made_a_number_is_a_string_again() -> None:
    step = {"action": "aws:runShellScript", "name": "run", "inputs": {"runCommand": ["true"]}}
    with Stage() as stage:
        settle(stage, [CREATE], document_type="Command", content={"schemaVersion": 2.2, "mainSteps": [step]})
        assert default_content(present(stage))["schemaVersion"] == "2.2"
        unchanged(stage, content={"schemaVersion": "2.2", "mainSteps": [step]})


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (
            "description: 2026-01-31",
            "content: the value at description is a date, which JSON cannot represent. Put it in quotes.",
        ),
        (
            "inputs: {2026-01-31: a}",
            "content: a key of inputs is a date, which JSON cannot represent. Put it in quotes.",
        ),
        ("description: .nan", "content: the value at description is a number that is not finite, which"),
    ],
)
def test_trap_36_what_json_cannot_represent_is_refused_before_any_call(value: str, sentence: str) -> None:
    content = {**ONE, **yaml.safe_load(value)}
    with Stage() as stage:
        refused(stage, sentence, content=content)
        assert stage.operations() == []


def test_trap_36_a_date_in_a_string_is_never_converted() -> None:
    text = yaml.safe_dump(ONE) + "parameters: {day: {type: String, default: 2026-01-31}}\n"
    with Stage() as stage:
        settle(stage, [CREATE], document_type="Session", content=text)
        assert latest(stage)["content"] == text
        unchanged(stage, content=text.replace("2026-01-31", "'2026-01-31'"))


@under("session_numbers")
def test_trap_36_numbers_in_a_string_are_never_converted(switches: Switches) -> None:
    content = with_inputs(idleSessionTimeout=20)
    with Stage(switches=switches) as stage:
        settle(stage, [CREATE], document_type="Session", content=content, name="Team-Mapping")
        assert default_content(present(stage, "Team-Mapping")) == with_inputs(idleSessionTimeout="20")
        text = json.dumps(content)
        if switches["session_numbers"] == "refused":
            with pytest.raises(SSMError, match="InvalidDocumentContent"):
                stage.ensure(document_type="Session", content=text)
            assert stage.stored() is None
        else:
            settle(stage, [CREATE], document_type="Session", content=text)
            assert default_content(present(stage)) == content


@under("session_unknown_inputs")
def test_trap_37_keys_of_the_content_and_of_tags_are_never_rewritten(switches: Switches) -> None:
    parameters = {name: {"type": "String", "default": ""} for name in ("my_param", "myParam", "My-Param")}
    content = {**ONE, "parameters": parameters, "inputs": {"s3KeyPrefix": "{{ my_param }}"}}
    tags = {"my_tag": "a", "myTag": "b", "My Tag": "c"}
    with Stage(switches=switches) as stage:
        settle(stage, [CREATE], document_type="Session", content=content, tags=tags)
        assert default_content(present(stage)) == content
        assert present(stage)["tags"] == tags
        [found] = stage.info(names=["Team-Doc"], include=["content"])["documents"]
        assert (found["content_parsed"], found["tags"]) == (content, tags)
        odd = with_inputs(my_input="x")
        if switches["session_unknown_inputs"] == "accepted":
            settle(stage, [UPDATE, DEFAULT], content=odd)
            assert default_content(present(stage)) == odd
        else:
            with pytest.raises(SSMError, match=r"InvalidDocumentContent.*my_input"):
                stage.ensure(content=odd)
            assert default_content(present(stage)) == content


PORT = """\
schemaVersion: "1.0"
sessionType: Port
parameters: {portNumber: {type: String, default: "80"}}
properties: {portNumber: "{{ portNumber }}"}
"""


@pytest.mark.parametrize("way", ["content_path", "string", "mapping"])
def test_trap_38_a_parameter_in_braces_reaches_aws_untouched(way: str, tmp_path: Path) -> None:
    path = tmp_path / "port.yml"
    text = PORT if way == "string" else PORT.replace("\n", "\r\n")
    path.write_bytes(text.encode())
    options: dict[str, Task] = {"content_path": {"content_path": str(path)}, "string": {"content": text}}
    with Stage() as stage:
        settle(stage, [CREATE], document_type="Session", **options.get(way, {"content": yaml.safe_load(PORT)}))
        assert default_content(present(stage)) == yaml.safe_load(PORT)
        assert "{{ portNumber }}" in latest(stage)["content"]
        if way != "mapping":
            assert latest(stage)["content"] == text
    assert "!unsafe" in documentation()


def test_trap_39_a_string_and_the_mapping_that_it_stands_for_are_the_same() -> None:
    text = json.dumps(ONE)
    for first, second in ((text, json.loads(text)), (json.loads(text), text)):
        with Stage() as stage:
            settle(stage, [CREATE], document_type="Session", content=first)
            unchanged(stage, content=second)
            assert default_content(present(stage)) == ONE


def test_trap_40_size_and_name_are_checked_before_any_call() -> None:
    with Stage() as stage:
        long = {**ONE, "description": "x" * 65536}
        refused(stage, "the maximum for a document is 65536", document_type="Session", content=long)
        for name in ("ab", "a" * 129, "with space"):
            refused(stage, "it must be 3 to 128 letters", name=name, content=ONE)
        assert stage.operations() == []


@under("reserved_names")
@pytest.mark.parametrize("name", ["aws_team", "Awsome", "AMAZON-team"])
def test_trap_40_a_name_like_those_of_aws_is_a_warning_and_aws_decides(name: str, switches: Switches) -> None:
    task: Task = {"name": name, "document_type": "Session", "content": ONE}
    with Stage(switches=switches) as stage:
        assert "AWS reserves names that begin with" in stage.ensure(check_mode=True, **task)["warnings"][0]
        assert stage.aws.writes() == []
        if switches["reserved_names"] == "documented" or name.startswith("AMAZON"):
            with pytest.raises(SSMError, match="ValidationException"):
                stage.ensure(**task)
            assert stage.stored(name) is None
        else:
            assert "AWS reserves names" in settle(stage, [CREATE], **task)["warnings"][0]
            assert stage.stored(name) is not None


@pytest.mark.parametrize(
    ("task", "writes"),
    [
        ({"content": ONE}, []),
        ({"content": TWO}, [UPDATE, DEFAULT]),
        ({"tags": {"team": "b"}}, [TAG]),
        (shared(B), [SHARE]),
        ({"target_type": "/"}, [UPDATE]),
        ({"state": "absent", "force_unshare": True}, [SHARE, DELETE]),
        ({"name": "New-Doc", "document_type": "Session", "content": ONE}, [CREATE]),
        ({"name": "New-Doc", "state": "absent"}, []),
    ],
)
def test_trap_41_check_mode_says_what_a_run_does_and_writes_nothing(task: Task, writes: list[str]) -> None:
    with Stage(document(json.dumps(ONE), tags={"team": "a"}, permissions=[A])) as stage:
        done = settle(stage, writes, **task)
        assert bool(done["diff"]) is bool(writes)


@under("version_order", "duplicate_scope")
def test_trap_42_keep_versions_deletes_the_oldest_but_never_the_default(switches: Switches) -> None:
    contents = [session(str(number)) for number in range(5)]
    with Stage(document(*contents, default_version=2), switches=switches) as stage:
        settle(stage, [DELETE, DELETE], keep_versions=2)
        assert list(present(stage)["versions"]) == [2, 4, 5]
        settle(stage, [UPDATE, DEFAULT, DELETE, DELETE], content=ONE, keep_versions=2)
        assert list(present(stage)["versions"]) == [5, 6]
        assert default_content(present(stage)) == ONE


def test_trap_42_versions_that_are_all_shared_are_not_deleted() -> None:
    with Stage(document(ONE, TWO, THREE, permissions={A: "$ALL"})) as stage:
        done = unchanged(stage, content=THREE, keep_versions=1)
        assert done["warnings"] == [
            "keep_versions deletes no version, because all versions of document Team-Doc are shared ($ALL). To delete "
            "old versions, set permissions.shared_document_version to $DEFAULT or $LATEST."
        ]
        # The permissions after the task count, not those before it.
        task = {"keep_versions": 1, **shared(A, shared_document_version="$LATEST")}
        settle(stage, [SHARE, DELETE, DELETE], **task)
    with Stage(document(ONE, TWO, THREE)) as stage:
        settle(stage, [SHARE], keep_versions=1, **shared(A, shared_document_version="$ALL"))


def test_trap_42_a_document_with_1000_versions_accepts_no_more_until_one_is_deleted() -> None:
    with Stage(document(*(session(str(number)) for number in range(1000)))) as stage:
        with pytest.raises(SSMError, match="DocumentVersionLimitExceeded"):
            stage.ensure(content=ONE)
        assert default_content(present(stage)) == session("999")
        # Only one version, to make room, is deleted before the change. If the change fails, no other version is lost.
        settle(stage, [DELETE, UPDATE, DEFAULT, DELETE], content=ONE, keep_versions=999)
        assert len(present(stage)["versions"]) == 999
        assert default_content(present(stage)) == ONE


@pytest.mark.parametrize(
    ("operation", "task"),
    [
        ("DescribeDocument", {"content": TWO}),
        ("GetDocument", {"content": TWO}),
        ("DescribeDocumentPermission", shared(A)),
        ("ListDocumentVersions", {"content": TWO, "keep_versions": 1}),
    ],
)
def test_trap_43_a_read_that_iam_denies_names_the_permission(operation: str, task: Task) -> None:
    with Stage(document(ONE)) as stage:
        denied = {"error": "AccessDeniedException", "message": "not authorized"}
        stage.aws.add_fault(op=operation, times="always", do=denied)
        refused(stage, f"ssm:{operation}", **task)


@pytest.mark.parametrize(("operation", "task"), [(UPDATE, {"content": TWO}), (TAG, {"tags": {"team": "a"}})])
def test_trap_43_a_change_that_iam_denies_names_the_permission(operation: str, task: Task) -> None:
    with Stage(document(ONE)) as stage:
        denied = {"error": "AccessDeniedException", "message": "not authorized"}
        stage.aws.add_fault(op=operation, times="always", do=denied)
        refused(stage, f"ssm:{operation}", writes=(operation,), **task)


def test_trap_44_sessions_use_the_default_version_of_the_preferences() -> None:
    with Stage(document(ONE, name=PREFERENCES)) as stage:
        settle(stage, [UPDATE], name=PREFERENCES, content=TWO, default_version="keep")
        assert default_content(present(stage, PREFERENCES)) == ONE
        settle(stage, [DEFAULT], name=PREFERENCES, content=TWO)
        assert default_content(present(stage, PREFERENCES)) == TWO
    sentence = "Sessions that are open when the preferences change are expected to keep the preferences"
    assert f"{sentence} that they started with" in documentation()
