# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test the conversion between session_preferences and document content, in both directions."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.documents import preferences
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.errors import SSMError
from hypothesis import given
from hypothesis import strategies as st

from emulator.testing import LocalAWS

texts = st.text("abc-/ {", max_size=20).filter(lambda text: "{{" not in text)
forms = st.fixed_dictionaries(
    {},
    optional={
        "description": texts,
        "s3_bucket_name": st.sampled_from(["logs", "my.logs-1"]),
        "s3_encryption_enabled": st.booleans(),
        "cloud_watch_log_group_name": st.sampled_from(["/sessions", "a.b#c"]),
        "cloud_watch_encryption_enabled": st.booleans(),
        "kms_key_id": st.sampled_from(["alias/sessions", "arn:aws:kms:us-east-1:123456789012:key/1-2"]),
        "run_as_enabled": st.booleans(),
        "idle_session_timeout": st.integers(1, 60),
        "max_session_duration": st.one_of(st.none(), st.integers(1, 1440)),
        "shell_profile": st.fixed_dictionaries({}, optional={"linux": texts, "windows": texts}),
    },
)


def filled(form: dict[str, Any]) -> dict[str, Any]:
    """Return the preferences with a default for every missing option."""
    shells = {"linux": "", "windows": "", **form.get("shell_profile", {})}
    return {**preferences.DEFAULTS, **form, "shell_profile": shells}


@given(forms)
def test_what_is_written_is_read_back(form: dict[str, Any]) -> None:
    assert preferences.from_content(preferences.to_content(form)) == filled(form)


@given(forms)
def test_booleans_are_booleans_and_minutes_are_strings(form: dict[str, Any]) -> None:
    inputs = preferences.to_content(form)["inputs"]
    assert all(isinstance(value, bool) for key, value in inputs.items() if key.endswith("Enabled"))
    assert isinstance(inputs["idleSessionTimeout"], str)
    assert isinstance(inputs.get("maxSessionDuration", ""), str)


@pytest.mark.parametrize("numbers", ["refused", "accepted"])
@pytest.mark.parametrize("unknown", ["refused", "accepted"])
def test_aws_takes_it(numbers: str, unknown: str) -> None:
    switches = {"session_numbers": numbers, "session_unknown_inputs": unknown}
    everything = {
        "s3_bucket_name": "logs",
        "s3_key_prefix": "sessions",
        "cloud_watch_log_group_name": "/sessions",
        "cloud_watch_streaming_enabled": True,
        "kms_key_id": "alias/sessions",
        "run_as_enabled": True,
        "run_as_default_user": "operator",
        "max_session_duration": 1440,
        "shell_profile": {"linux": "exec bash -l"},
    }
    with LocalAWS({"switches": switches}) as aws:
        for name, form in (("Everything", everything), ("Nothing", {})):
            content = json.dumps(preferences.to_content(form))
            aws.client("ssm").create_document(Name=name, DocumentType="Session", Content=content)


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"idle_session_timeout": 61}, "must be 1 to 60 minutes"),
        ({"idle_session_timeout": 0}, "must be 1 to 60 minutes"),
        ({"max_session_duration": 1441}, "is 1441: it must be 1 to 1440 minutes, or 0 for no limit"),
        ({"max_session_duration": False}, "is false: it must be 1 to 1440 minutes, or 0 for no limit"),
        ({"max_session_duration": True}, "is true: it must be"),
        ({"idle_session_timeout": True}, "idle_session_timeout is true: it must be 1 to 60 minutes"),
        ({"s3_key_prefix": "x"}, "requires s3_bucket_name"),
        ({"s3_key_prefix": "a\n{{ x }}", "s3_bucket_name": "logs"}, "cannot define parameters"),
        ({"cloud_watch_streaming_enabled": True}, "requires cloud_watch_log_group_name"),
        ({"run_as_default_user": "operator"}, "requires run_as_enabled=true"),
        ({"run_as_enabled": True, "run_as_default_user": "two words"}, "without spaces"),
        ({"s3_bucket_name": "Upper"}, "it must be 3 to 63"),
        ({"cloud_watch_log_group_name": "a b"}, "it must be 1 to 512"),
        ({"shell_profile": {"windows": "x" * 513}}, "513 characters"),
    ],
)
def test_what_would_not_work_is_refused(form: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SSMError, match=sentence):
        preferences.to_content(form)


def document(**inputs: Any) -> dict[str, Any]:
    """Return a document with these inputs, as another tool may have written it."""
    return {"schemaVersion": "1.0", "sessionType": "Standard_Stream", "inputs": inputs}


def test_what_others_wrote_is_read_all_the_same() -> None:
    read = preferences.from_content(
        document(runAsEnabled="true", s3EncryptionEnabled="", idleSessionTimeout=30, maxSessionDuration="")
    )
    assert read is not None
    assert (read["run_as_enabled"], read["s3_encryption_enabled"]) == (True, False)
    assert (read["idle_session_timeout"], read["max_session_duration"]) == (30, None)


@pytest.mark.parametrize("inputs", [{}, {"idleSessionTimeout": ""}, {"idleSessionTimeout": "5"}])
def test_what_others_wrote_can_be_given_back_as_it_was_read(inputs: dict[str, Any]) -> None:
    read = preferences.from_content(document(**inputs))
    assert read is not None
    # None is accepted only for the option that has no default.
    assert [name for name, value in read.items() if value is None] == ["max_session_duration"]
    assert preferences.from_content(preferences.to_content(read)) == read
    assert read["idle_session_timeout"] == int(inputs.get("idleSessionTimeout") or 20)


@pytest.mark.parametrize(
    "content",
    [
        {"schemaVersion": "1.0", "sessionType": "Port", "properties": {}},
        document(somethingNew=True),
        document(idleSessionTimeout="{{ minutes }}"),
        document(s3BucketName="{{ bucket }}"),
        document(runAsEnabled="perhaps"),
        document(shellProfile={"linux": 7}),
        document(shellProfile={"macos": "exec zsh"}),
        {**document(), "parameters": {}},
        ["a list"],
        None,
    ],
)
def test_what_the_typed_form_cannot_say_has_none(content: Any) -> None:
    assert preferences.from_content(content) is None


def test_warnings_of_what_nodes_and_the_console_do_not_understand() -> None:
    assert preferences.preference_warnings(preferences.to_content({}), preferences=True) == []
    streaming = preferences.preference_warnings(document(cloudWatchStreamingEnabled="true"), preferences=False)
    assert len(streaming) == 1 and "the agent" in streaming[0]
    assert preferences.preference_warnings(document(cloudWatchStreamingEnabled="{{ yes }}"), preferences=False) == []
    console = preferences.preference_warnings(document(runAsEnabled="false"), preferences=True)
    assert ["runAsEnabled" in console[0], "idleSessionTimeout" in console[1]] == [True, True]
    assert "SSMSessionRunAs" in preferences.preference_warnings(document(runAsEnabled=True), preferences=False)[0]


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [
        ({"runAsEnabled": True, "runAsDefaultUser": "ssm-user"}, "The agent creates this user only if run-as is off"),
        ({"runAsEnabled": ""}, "Set it to true or false"),
        ({"maxSessionDuratoin": "5"}, "input 'maxSessionDuratoin', and may reject or ignore it. Did you mean 'maxS"),
        ({"max_session_duration": "5"}, "Did you mean 'maxSessionDuration'?"),
        ({"idleSessionTimeout": "30", "maxSessionDuration": "20"}, "so the idle timeout has no effect"),
        ({"idleSessionTimeout": 9, "maxSessionDuration": "8"}, "so the idle timeout has no effect"),
        ({"idleSessionTimeout": "20", "maxSessionDuration": "20"}, ""),
        ({"idleSessionTimeout": "20", "maxSessionDuration": ""}, ""),
        ({"idleSessionTimeout": "{{ x }}", "maxSessionDuration": "1"}, ""),
        ({"runAsEnabled": False, "runAsDefaultUser": "ssm-user"}, ""),
        ({"runAsEnabled": True, "runAsDefaultUser": "ops"}, ""),
    ],
)
def test_odd_values_that_lock_people_out_come_with_a_warning(inputs: dict[str, Any], sentence: str) -> None:
    said = preferences.preference_warnings(document(**inputs), preferences=False)
    assert [sentence in one for one in said] == ([True] if sentence else [])


def test_boundaries_of_buckets_and_keys() -> None:
    for accepted in ({"s3_bucket_name": "abc"}, {"s3_bucket_name": "a" * 63}, {"kms_key_id": "k" * 2048}):
        assert preferences.to_content(accepted)
    for refused in ({"s3_bucket_name": "ab"}, {"s3_bucket_name": "a" * 64}, {"kms_key_id": "k" * 2049}):
        with pytest.raises(SSMError, match=f"session_preferences.{next(iter(refused))} is"):
            preferences.to_content(refused)
    with pytest.raises(SSMError, match="without spaces"):
        preferences.to_content({"run_as_enabled": True, "run_as_default_user": "\n"})


def test_no_option_hides_what_is_no_secret() -> None:
    for name in ("s3_key_prefix", "kms_key_id"):
        assert preferences.OPTIONS[name]["no_log"] is False


@pytest.mark.parametrize(
    ("before", "after", "lost"),
    [
        ({"maxSessionDuration": "60"}, {}, ["the maximum session duration of 60 minutes"]),
        ({"maxSessionDuration": "1"}, {"maxSessionDuration": ""}, ["the maximum session duration of 1 minute"]),
        ({"maxSessionDuration": "{{ limit }}"}, {}, ["the maximum session duration"]),
        ({"maxSessionDuration": "60"}, {"maxSessionDuration": "{{ limit }}"}, []),
        ({"maxSessionDuration": "60"}, {"maxSessionDuration": "30"}, []),
        ({"maxSessionDuration": ""}, {}, []),
        ({"shellProfile": {"windows": "cls"}}, {"shellProfile": {"linux": "ls"}}, ["the shell profile for Windows"]),
        ({"shellProfile": {"linux": "a"}}, {"shellProfile": {"linux": "b", "windows": "c"}}, []),
        ({"shellProfile": {"linux": "a"}}, {"shellProfile": {"macos": "b"}}, []),
    ],
)
def test_a_limit_or_a_profile_that_is_no_more_is_named(
    before: dict[str, Any], after: dict[str, Any], lost: list[str]
) -> None:
    assert preferences.removed_safeguards(document(**before), document(**after)) == lost


def test_every_option_says_how_it_is_cleared_where_null_does_not() -> None:
    names = ["kms_key_id", "run_as_enabled", "max_session_duration", "shell_profile", "shell_profile.linux"]
    names.append("idle_session_timeout")
    said = preferences.null_warnings(names)
    kept = "is null, so with purge_session_preferences=false its value in the document stays."
    assert said == [
        f"session_preferences.kms_key_id {kept} To clear it, set an empty string.",
        f"session_preferences.run_as_enabled {kept} To turn it off, set false.",
        f"session_preferences.max_session_duration {kept} To remove the maximum session duration, set 0.",
        f"session_preferences.shell_profile {kept} To clear a shell profile, set it to an empty string.",
        f"session_preferences.shell_profile.linux {kept} To clear it, set an empty string.",
        f"session_preferences.idle_session_timeout {kept}",
    ]
