# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test the traps in preferences, other Session documents and documents of other owners; see document_traps.rst."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.documents import preferences
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.errors import SSMError
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from unit.support.document_stage import default_content, document, session
from unit.support.trap_stage import (
    DEFAULT,
    ONE,
    PREFERENCES,
    THREE,
    TWO,
    UPDATE,
    Stage,
    Switches,
    Task,
    latest,
    present,
    settle,
    unchanged,
    under,
)

AT_ONCE = "takes effect immediately, even though version"
LATEST_USED = "use its latest version"
NODES = {"nodes": [{"id": "i-0123456789abcdef0"}]}


def started_by(stage: Stage, **document_name: str) -> str:
    """Start a session and return its maximum duration, which differs between the versions in these tests."""
    started = stage.client.start_session(Target="i-0123456789abcdef0", **document_name)
    listed = stage.client.describe_sessions(State="Active")["Sessions"]
    return str(next(one for one in listed if one["SessionId"] == started["SessionId"])["MaxSessionDuration"])


def lasting(minutes: int) -> dict[str, Any]:
    return {**session(f"{minutes} minutes"), "inputs": {"maxSessionDuration": str(minutes)}}


def test_trap_45_sessions_use_the_latest_version_of_a_named_document() -> None:
    regions = {"us-east-1": {**NODES, "documents": [document(lasting(10)), document(lasting(10), name=PREFERENCES)]}}
    with Stage(regions=regions) as stage:
        for name, used in (("Team-Doc", "20"), (PREFERENCES, "10")):
            settle(stage, [UPDATE], name=name, content=lasting(20), default_version="keep")
            assert started_by(stage, **({} if name == PREFERENCES else {"DocumentName": name})) == used


@pytest.mark.parametrize(
    ("default", "task", "sentence"),
    [
        (2, {"content": THREE, "default_version": "keep"}, AT_ONCE),
        (2, {"content": THREE, "default_version": "1"}, AT_ONCE),
        (2, {"target_type": "/"}, AT_ONCE),
        (2, {"default_version": "1"}, LATEST_USED),
        (1, {"content": ONE, "default_version": "keep"}, AT_ONCE),
        (1, {"content": ONE}, ""),
        (1, {"state": "absent", "document_version": "2"}, "use the previous version"),
        (1, {"content": THREE}, ""),
        (1, {"content": TWO}, ""),
        (1, {"default_version": "2"}, ""),
        (1, {"default_version": "latest"}, ""),
        (1, {"tags": {"team": "a"}}, ""),
        (2, {"state": "absent", "document_version": "1"}, ""),
    ],
)
def test_trap_45_a_version_that_sessions_use_though_it_is_not_the_default_is_a_warning(
    default: int, task: Task, sentence: str
) -> None:
    for name in ("Team-Doc", PREFERENCES):
        with Stage(document(ONE, TWO, name=name, default_version=default)) as stage:
            for check_mode in (True, False):
                said = stage.ensure(name=name, check_mode=check_mode, **task).get("warnings", [])
                expected = sentence if name == "Team-Doc" else ""
                about = [one for one in said if "Session document" in one]
                assert [expected in one for one in about] == ([True] if expected else [])


@pytest.mark.parametrize("default_version", [None, "latest", "keep", "1"])
@pytest.mark.parametrize("wanted", [{"content": ONE}, {"content": json.dumps(ONE), "content_comparison": "exact"}])
@under("duplicate_scope")
def test_trap_45_content_that_sessions_do_not_use_yet_is_the_latest_version_after_the_task(
    switches: Switches, wanted: Task, default_version: str | None
) -> None:
    # The default version has the content, but in other bytes than the task sends.
    spacious = json.dumps(ONE, indent=8)
    moves = default_version in (None, "latest")
    with Stage(document(spacious, TWO, default_version=1), switches=switches) as stage:
        settle(stage, [UPDATE, DEFAULT] if moves else [UPDATE], **wanted, default_version=default_version)
        assert json.loads(latest(stage)["content"]) == ONE
        assert present(stage)["default"] == (3 if moves else 1)


@pytest.mark.parametrize("default", [1, 2])
def test_trap_45_content_that_aws_rejects_as_a_duplicate_stays_unused_with_a_warning(default: int) -> None:
    same = json.dumps(ONE)
    described = document(same, same + "\n", TWO, default_version=default)
    with Stage(described, switches={"duplicate_scope": "any"}) as stage:
        for unused in range(2):
            # Versions 1 and 2 have the content. The one that is the default stays the default.
            done = stage.ensure(content=same)
            assert done["changed"] is False
            [said] = [one for one in done["warnings"] if LATEST_USED in one]
            assert "delete the later versions, or change the content" in said
        assert present(stage)["default"] == default
        assert json.loads(latest(stage)["content"]) == TWO
        assert len(present(stage)["versions"]) == 3


@under("duplicate_scope")
def test_trap_45_preferences_are_used_from_the_default_version_so_no_version_is_made(switches: Switches) -> None:
    with Stage(document(ONE, TWO, name=PREFERENCES, default_version=1), switches=switches) as stage:
        unchanged(stage, name=PREFERENCES, content=ONE)


@pytest.mark.parametrize("name", ["AWS-RunShellScript", "AWS-StartSSHSession"])
@pytest.mark.parametrize(
    "task",
    [
        {"state": "absent"},
        {"state": "absent", "force": True, "force_unshare": True, "wait": False},
        {"state": "absent", "document_version": "1"},
        {"state": "absent", "version_name": "v1"},
        {"content": TWO},
        {"content": TWO, "document_type": "Session", "recreate": True, "force_unshare": True},
        {"session_preferences": {}},
        {"default_version": "1"},
        {"default_version": "2"},
        {"tags": {"team": "a"}},
        {"tags": {}},
        {"permissions": {"account_ids": ["111122223333"]}},
        {"target_type": "/"},
        {"keep_versions": 1},
        {},
    ],
)
def test_trap_46_a_document_of_aws_is_refused_in_one_sentence_before_any_write(name: str, task: dict[str, Any]) -> None:
    with Stage() as stage:
        for check_mode in (True, False):
            position = stage.aws.position
            with pytest.raises(SSMError, match=rf"^Document {name} belongs to Amazon, and only its owner can"):
                stage.ensure(name=name, check_mode=check_mode, **task)
            # DescribeDocument returns the owner, so no other call is needed.
            assert stage.operations(position) == ["DescribeDocument"]


@pytest.mark.parametrize("owner", ["123456789012", "111122223333", ""])
@pytest.mark.parametrize("task", [{"state": "absent"}, {"content": ONE}, {"tags": {}}])
def test_trap_46_a_document_that_is_named_by_its_arn_is_refused_before_any_call(owner: str, task: Task) -> None:
    with Stage() as stage:
        with pytest.raises(SSMError, match=r"is an ARN\. .* of another account can be changed only by that account\.$"):
            stage.ensure(name=f"arn:aws:ssm:us-east-1:{owner}:document/Team-Doc", **task)
        assert stage.operations() == []


FULL = {
    "s3BucketName": "audit-bucket",
    "s3KeyPrefix": "",
    "s3EncryptionEnabled": True,
    "cloudWatchLogGroupName": "/ssm/all",
    "cloudWatchEncryptionEnabled": True,
    "cloudWatchStreamingEnabled": True,
    "kmsKeyId": "alias/ssm",
    "runAsEnabled": True,
    "runAsDefaultUser": "ops",
    "idleSessionTimeout": "20",
    "maxSessionDuration": "",
    "shellProfile": {"linux": "exec bash", "windows": ""},
}


def with_inputs(**inputs: Any) -> dict[str, Any]:
    return {**ONE, "description": preferences.DESCRIPTION, "inputs": inputs}


@pytest.mark.parametrize(
    ("given_preferences", "changed"),
    [
        ({"idle_session_timeout": 15}, {"idleSessionTimeout": "15"}),
        ({"max_session_duration": 60}, {"maxSessionDuration": "60"}),
        ({"shell_profile": {"windows": "cd /"}}, {"shellProfile": {"linux": "exec bash", "windows": "cd /"}}),
        ({"kms_key_id": ""}, {"kmsKeyId": ""}),
        ({"run_as_enabled": False}, {"runAsEnabled": False}),
        ({"s3_key_prefix": "eu"}, {"s3KeyPrefix": "eu"}),
        ({}, {}),
        ({"run_as_enabled": True, "max_session_duration": 0, "s3_bucket_name": None}, {}),
    ],
)
@pytest.mark.parametrize("quoted", [False, True])
def test_trap_47_one_preference_is_changed_and_the_rest_stays(
    given_preferences: Task, changed: dict[str, Any], quoted: bool
) -> None:
    inputs = {**FULL, **({"s3EncryptionEnabled": "true"} if quoted else {})}
    task: Task = {"session_preferences": given_preferences, "purge_session_preferences": False}
    with Stage(document(with_inputs(**inputs), name=PREFERENCES)) as stage:
        settle(stage, [UPDATE, DEFAULT] if changed else [], name=PREFERENCES, **task)
        assert default_content(present(stage, PREFERENCES)) == with_inputs(**{**inputs, **changed})


def test_trap_47_what_options_cannot_say_stays_too() -> None:
    odd = {**with_inputs(s3BucketName="{{ bucket }}", newInput="x"), "parameters": {"bucket": {"type": "String"}}}
    task: Task = {
        "session_preferences": {"idle_session_timeout": 5, "description": "d"},
        "purge_session_preferences": False,
    }
    with Stage(document(odd), switches={"session_unknown_inputs": "accepted"}) as stage:
        settle(stage, [UPDATE, DEFAULT], **task)
        expected = {**odd, "description": "d", "inputs": {**odd["inputs"], "idleSessionTimeout": "5"}}
        assert default_content(present(stage)) == expected


def test_trap_47_a_change_starts_from_what_sessions_use() -> None:
    versions = [with_inputs(kmsKeyId="alias/used"), with_inputs(kmsKeyId="alias/staged")]
    task: Task = {"session_preferences": {"idle_session_timeout": 5}, "purge_session_preferences": False}
    cases: list[tuple[str, Task, str]] = [
        (PREFERENCES, {}, "alias/used"),
        (PREFERENCES, {"default_version": "keep"}, "alias/staged"),
        ("Team-Doc", {}, "alias/staged"),
    ]
    for name, more, key in cases:
        with Stage(document(*versions, name=name, default_version=1)) as stage:
            settle(stage, [UPDATE] if more else [UPDATE, DEFAULT], name=name, **task, **more)
            made = present(stage, name)["versions"][3]
            assert json.loads(made["content"])["inputs"] == {"kmsKeyId": key, "idleSessionTimeout": "5"}


@pytest.mark.parametrize("deleting", [False, True])
def test_trap_47_a_document_that_is_not_there_gets_the_defaults(deleting: bool) -> None:
    going = document(with_inputs(**FULL), name=PREFERENCES, deleting_reads=5)
    task: Task = {"session_preferences": {"idle_session_timeout": 5}, "purge_session_preferences": False}
    with Stage(*([going] if deleting else [])) as stage:
        stage.ensure(name=PREFERENCES, **task)
        assert default_content(present(stage, PREFERENCES)) == preferences.to_content({"idle_session_timeout": 5})


@pytest.mark.parametrize(
    ("content", "task", "sentence"),
    [
        ({"sessionType": "Port", "properties": {}}, {"idle_session_timeout": 5}, "Standard_Stream, and this"),
        ({}, {"idle_session_timeout": 61}, "must be 1 to 60 minutes"),
        ({}, {"s3_key_prefix": "x"}, "requires s3_bucket_name"),
        ({}, {"cloud_watch_streaming_enabled": True}, "requires cloud_watch_log_group_name"),
    ],
)
def test_trap_47_what_cannot_be_merged_is_refused(content: dict[str, Any], task: Task, sentence: str) -> None:
    found = {"schemaVersion": "1.0", "sessionType": "Standard_Stream", **content}
    found |= {} if "properties" in found else {"inputs": {}}
    with Stage(document(found)) as stage:
        with pytest.raises(SSMError, match=sentence):
            stage.ensure(session_preferences=task, purge_session_preferences=False)
        assert stage.aws.writes() == []


LOST = (
    "turns off logging to the S3 bucket audit-bucket, logging to the CloudWatch log group /ssm/all, encryption with "
    "the KMS key alias/ssm, run-as and the shell profile for Linux."
)
HINT = " To keep the preferences that the task does not set, set purge_session_preferences to false."


@pytest.mark.parametrize(
    ("name", "task", "sentence"),
    [
        (PREFERENCES, {"session_preferences": {"idle_session_timeout": 15}}, LOST + HINT),
        ("Team-Doc", {"session_preferences": {"idle_session_timeout": 15}}, LOST + HINT),
        (PREFERENCES, {"content": with_inputs(idleSessionTimeout="20")}, LOST),
        (PREFERENCES, {"content": json.dumps(with_inputs(idleSessionTimeout="20"))}, LOST),
        ("Team-Doc", {"content": with_inputs(), "default_version": "keep"}, LOST),
        (PREFERENCES, {"default_version": "1"}, LOST),
        (
            PREFERENCES,
            {
                "content": with_inputs(
                    **FULL
                    | dict.fromkeys(
                        ("s3EncryptionEnabled", "cloudWatchEncryptionEnabled", "cloudWatchStreamingEnabled"), False
                    )
                )
            },
            "turns off the check that the S3 bucket is encrypted, the check that the log group is encrypted and "
            "streaming to the log group.",
        ),
        # Nothing is turned off, or not yet.
        (PREFERENCES, {"content": with_inputs(), "default_version": "keep"}, ""),
        ("Team-Doc", {"default_version": "1"}, ""),
        (
            PREFERENCES,
            {
                "content": with_inputs(
                    **FULL,
                )
            },
            "",
        ),
        (PREFERENCES, {"content": with_inputs(**{**FULL, "kmsKeyId": "alias/other"})}, ""),
        (PREFERENCES, {"tags": {"team": "a"}}, ""),
    ],
)
def test_trap_47_what_is_turned_off_is_named(name: str, task: Task, sentence: str) -> None:
    with Stage(document(with_inputs(), with_inputs(**FULL), name=name)) as stage:
        for check_mode in (True, False):
            said = stage.ensure(name=name, check_mode=check_mode, **task).get("warnings", [])
            lost = [one for one in said if "turns off" in one]
            assert lost == ([f"This change to document {name} {sentence}"] if sentence else [])


def test_trap_48_what_the_console_wrote_is_no_change() -> None:
    with Stage(document(with_inputs(**FULL), name=PREFERENCES)) as stage:
        task = {
            "s3_bucket_name": "audit-bucket",
            "cloud_watch_log_group_name": "/ssm/all",
            "cloud_watch_streaming_enabled": True,
            "kms_key_id": "alias/ssm",
            "run_as_enabled": True,
            "run_as_default_user": "ops",
            "shell_profile": {"linux": "exec bash"},
        }
        unchanged(stage, name=PREFERENCES, session_preferences=task)
        # content_comparison=exact compares bytes, so this is a change.
        settle(stage, [UPDATE, DEFAULT], name=PREFERENCES, session_preferences=task, content_comparison="exact")


BOOLEANS = st.sampled_from([True, False, "true", "false", "True", ""])
TEXTS = st.sampled_from(["", "a", "logs-1", "Upper Case", "{{ x }}", "x" * 600, "/a/b"])
MINUTES = st.sampled_from(["", "1", "20", "60", "61", "1440", "0", "020", "x", 5])
INPUTS = st.fixed_dictionaries(
    {},
    optional={
        "s3BucketName": TEXTS,
        "s3KeyPrefix": TEXTS,
        "s3EncryptionEnabled": BOOLEANS,
        "cloudWatchLogGroupName": TEXTS,
        "cloudWatchEncryptionEnabled": BOOLEANS,
        "cloudWatchStreamingEnabled": BOOLEANS,
        "kmsKeyId": TEXTS,
        "runAsEnabled": BOOLEANS,
        "runAsDefaultUser": TEXTS,
        "idleSessionTimeout": MINUTES,
        "maxSessionDuration": MINUTES,
        "shellProfile": st.fixed_dictionaries({}, optional={"linux": TEXTS, "windows": TEXTS}),
    },
)


def test_trap_48_what_info_returns_is_accepted_and_changes_nothing() -> None:
    with Stage(switches={"session_numbers": "accepted"}) as stage:

        @given(INPUTS, st.sampled_from([None, "", "described"]))
        def check(inputs: dict[str, Any], description: str | None) -> None:
            stage.reset()
            content = {"schemaVersion": "1.0", "sessionType": "Standard_Stream", "inputs": inputs}
            content |= {} if description is None else {"description": description}
            try:
                stage.client.create_document(Name="Team-Doc", DocumentType="Session", Content=json.dumps(content))
            except ClientError:
                return
            [found] = stage.info(names=["Team-Doc"], include=["content"])["documents"]
            if found["session_preferences"] is not None:
                unchanged(stage, session_preferences=found["session_preferences"])
                unchanged(stage, session_preferences=found["session_preferences"], purge_session_preferences=False)

        check()


def test_trap_48_the_example_of_aws_with_streaming_and_no_group_is_returned_as_it_works() -> None:
    example = with_inputs(cloudWatchLogGroupName="", cloudWatchStreamingEnabled=True, idleSessionTimeout="20")
    with Stage(document(example)) as stage:
        [found] = stage.info(names=["Team-Doc"], include=["content"])["documents"]
        assert found["session_preferences"]["cloud_watch_streaming_enabled"] is False
        unchanged(stage, session_preferences=found["session_preferences"])
