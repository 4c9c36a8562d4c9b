# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test options of ssm_document that AWS rejects: the task fails before it deletes or changes anything."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.errors import SSMError

from emulator.testing import LocalAWS
from unit.support.document_stage import document_info as info
from unit.support.document_stage import ensure_document as ensure

OWNER, OTHER = "123456789012", "111122223333"
CONTENT = {"schemaVersion": "1.0", "sessionType": "Standard_Stream", "inputs": {}}
TAGS = {"team": "a", "cost-center": "12"}
REMADE: dict[str, Any] = {"document_type": "Command", "recreate": True, "content": {"schemaVersion": "2.2"}}


def world(**document: Any) -> dict[str, Any]:
    """Return a world with one document of two versions."""
    versions = [{"content": CONTENT}, {"content": {**CONTENT, "description": "two"}}]
    prefs = {"name": "Prefs", "document_type": "Session", "versions": versions, "tags": TAGS, **document}
    return {"regions": {"us-east-1": {"documents": [prefs]}}}


def attached(*values: str, **named: str) -> dict[str, Any]:
    return {"attachments": [{"key": "S3FileUrl", "values": list(values), "name": named.get("name")}]}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"tags": {"": "x"}}, "tags: the key '' must be 1 to 128 characters long"),
        ({"tags": {"k" * 129: "x"}}, "must be 1 to 128 characters long"),
        ({"tags": {"k": "v" * 257}}, "of 'k' must be at most 256 characters long"),
        ({"tags": {"bad*key": "x"}}, r"the key 'bad\*key' contains '\*', which AWS does not allow in tags"),
        ({"tags": {"team": "a, b (c)"}}, "'a, b \\(c\\)' of 'team' contains ',', which AWS does not allow"),
        ({"tags": {"team": ["a"]}}, "contains '\\[', which AWS does not allow"),
        ({"tags": {f"k{number}": "" for number in range(51)}}, r"have 51 tags; the maximum is 50\. Set fewer tags\.$"),
        ({"requires": [{"name": ""}]}, "name in requires is '': it must be the name or ARN of a document"),
        ({"requires": [{"name": "Other", "version": "x"}]}, "version in requires is 'x'"),
        ({"requires": [{"name": "Other", "version_name": "a b"}]}, "version_name in requires is 'a b'"),
        ({"requires": [{"name": "Other", "require_type": ""}]}, "require_type in requires is ''"),
        (attached(), "must have exactly one value"),
        (attached("s3://b/a", "s3://b/b"), "must have exactly one value"),
        (attached("s3://b/a", name="a b"), "name in attachments is 'a b'"),
        ({"display_name": "a*b"}, r"display_name is 'a\*b'"),
        ({"target_type": ""}, "target_type is '': it must begin with a slash"),
        ({"target_type": "AWS::EC2::Instance"}, "target_type is 'AWS::EC2::Instance': it must begin with a slash"),
        ({"default_version": "9" * 5000}, r"default_version is '9{60}\.\.\.': it must be latest, keep"),
        ({"keep_versions": True}, "keep_versions is true: it must be 1 to 999"),
        ({"keep_versions": 1000}, "keep_versions is 1000: it must be 1 to 999"),
        ({"default_version": ""}, "default_version is '': it must be latest, keep, the number"),
        ({"default_version": "007"}, "default_version is '007': it must be latest, keep, the number"),
        ({"default_version": "$LATEST"}, r"or the name of a version\. Did you mean 'latest'\?"),
        ({"default_version": "release 2"}, "default_version is 'release 2': it must be"),
        ({"document_version": "9" * 5000}, "it must be .LATEST or a version number"),
    ],
)
def test_what_aws_takes_nowhere_costs_no_call(options: dict[str, Any], sentence: str) -> None:
    for more in ({}, REMADE):
        with LocalAWS(world()) as aws:
            for check_mode in (True, False):
                with pytest.raises(SSMError, match=sentence):
                    ensure(aws, name="Prefs", check_mode=check_mode, **{**more, **options})
            assert aws.calls() == []


@pytest.mark.parametrize(
    ("document", "options", "sentence"),
    [
        ({}, {"content": {"a": 1}}, "content has no schemaVersion, which a document of type Session requires"),
        ({}, {**REMADE, "content": {"a": 1}, "document_type": "Policy"}, "which a document of type Policy requires"),
        (
            {},
            {"display_name": "New"},
            "create a version of document Prefs if only display_name changes: change the content",
        ),
        (
            {"versions": [{"content": '{"schemaVersion": "1.0", "sessionType": "Port", "properties": {}}'}]},
            {
                "display_name": "New",
                "content": '{"schemaVersion": "1.0", "sessionType": "Port", "properties": {}}',
            },
            "if only display_name changes",
        ),
        *(({}, {**more, "tags": {"Aws:mine": "x"}}, "Only AWS can set tags") for more in ({}, REMADE)),
        (
            {"tags": {f"k{number}": "" for number in range(50)}},
            {"tags": {"new": ""}, "purge_tags": False},
            "would have 51 tags; the maximum is 50. Set fewer tags, or set purge_tags to true",
        ),
    ],
)
def test_what_aws_does_not_take_for_this_document_changes_nothing(
    document: dict[str, Any], options: dict[str, Any], sentence: str
) -> None:
    with LocalAWS(world(**document)) as aws:
        for check_mode in (True, False):
            with pytest.raises(SSMError, match=sentence):
                ensure(aws, name="Prefs", check_mode=check_mode, **options)
        assert aws.writes() == []


SESSION: dict[str, Any] = {"document_type": "Session"}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"content": CONTENT}, r"creating it requires a type. Set document_type to Session\."),
        ({"content": {"schemaVersion": "0.3"}}, "Set document_type to Automation"),
        ({"content": {"schemaVersion": "2.2"}}, "Set document_type to Command"),
        ({"content": "plain", "document_format": "TEXT"}, r"Set document_type\."),
        ({**SESSION, "content": '{"a": 1, "a": 2}'}, "a key occurs twice in a mapping, line 1, column 10"),
        ({**SESSION, "content": "a: 1\nb: {c: 1, c: 2}"}, "a key occurs twice in a mapping, line 2, column 11"),
        ({**SESSION, "content": '{"a": NaN}'}, "NaN and Infinity are not JSON, line 1, column 7"),
        ({**SESSION, "content": '{"a": "\\ud800"}'}, "the value at a has an unpaired surrogate, which is not valid"),
        ({**SESSION, "content": ""}, "content is empty"),
        ({**SESSION, "content": "", "document_format": "TEXT"}, "content is empty"),
        (
            {**SESSION, "content": {**CONTENT, "schemaVersion": "2.2"}},
            "wrong schemaVersion: a document of type Session requires 1.0",
        ),
        ({**SESSION, "content": {"schemaVersion": "1.0", "inputs": {}}}, "content has no sessionType"),
        ({**SESSION, "content": {"schemaVersion": "1.0", "sessionType": "Standard_Stream"}}, "has no inputs"),
        ({**SESSION, "content": {"schemaVersion": "1.0", "sessionType": "Port", "inputs": {}}}, "has no properties"),
        ({**SESSION, "content": {**CONTENT, "inputs": {"idleSessionTimeout": 61}}}, "must be 1 to 60 minutes"),
        ({**SESSION, "content": {**CONTENT, "inputs": {"maxSessionDuration": "1h"}}}, "must be 1 to 1440 minutes"),
        (
            {"document_type": "Automation", "content": {"schemaVersion": "2.2"}},
            "a document of type Automation requires 0.3",
        ),
        ({"document_type": "ChangeCalendar", "content": {"a": 1}}, "Set document_format to TEXT"),
    ],
)
def test_check_mode_refuses_what_a_run_does(options: dict[str, Any], sentence: str) -> None:
    with LocalAWS(world()) as aws:
        sentences = set()
        for check_mode in (True, False):
            with pytest.raises(SSMError, match=sentence) as caught:
                ensure(aws, name="New-Document", check_mode=check_mode, **options)
            sentences.add(str(caught.value))
        assert len(sentences) == 1
        assert aws.writes() == []


@pytest.mark.parametrize("tag", [{"\u540d\u524d": "\u6771\u4eac 1"}, {"a_b.c:d/e=f+g-h@i": ""}], ids=str)
def test_tags_of_any_script(tag: dict[str, str]) -> None:
    with LocalAWS(world()) as aws:
        assert ensure(aws, name="Prefs", tags=tag)["document"]["tags"] == tag


def test_no_tag_is_lost_where_aws_refuses_the_new_ones() -> None:
    with LocalAWS(world()) as aws:
        aws.add_fault(op="AddTagsToResource", do={"error": "AccessDeniedException"}, times="always")
        with pytest.raises(SSMError, match="Actions not done: remove the tags cost-center") as failure:
            ensure(aws, name="Prefs", tags={"team": "b"})
        assert failure.value.result == {}
        assert ensure(aws, name="Prefs")["document"]["tags"] == TAGS


def test_tags_are_removed_first_where_there_is_no_room() -> None:
    full = {f"k{number}": "" for number in range(50)}
    with LocalAWS(world(tags={**full, "aws:own": "x"})) as aws:
        assert ensure(aws, name="Prefs", tags={"new": "1"})["document"]["tags"] == {"new": "1", "aws:own": "x"}
        assert [call.operation for call in aws.writes()] == ["RemoveTagsFromResource", "AddTagsToResource"]


def test_a_failure_midway_returns_what_was_done() -> None:
    with LocalAWS(world()) as aws:
        aws.add_fault(op="RemoveTagsFromResource", do={"error": "AccessDeniedException"}, times="always")
        with pytest.raises(SSMError) as failure:
            ensure(aws, name="Prefs", tags={"new": "1"})
        assert failure.value.result == {"changed": True, "actions": ["set the tags new"]}


def test_the_accounts_of_a_text_with_blanks() -> None:
    with LocalAWS(world()) as aws:
        done = ensure(aws, name="Prefs", permissions={"account_ids": ["111122223333", " 444455556666"]})
        assert done["document"]["permissions"]["account_ids"] == ["111122223333", "444455556666"]


def test_the_owner_of_a_document_is_none_of_those_that_it_is_shared_with() -> None:
    options: dict[str, Any] = {"permissions": {"account_ids": [OWNER, OTHER]}}
    with LocalAWS(world(permissions=["all"])) as aws:
        assert ensure(aws, name="Prefs", **options)["document"]["permissions"]["account_ids"] == [OTHER]
        assert not ensure(aws, name="Prefs", **options)["changed"]
        assert ensure(aws, name="Prefs", permissions={"account_ids": [OWNER]})["changed"]
        assert not ensure(aws, name="Prefs", permissions={"account_ids": [OWNER]})["document"]["permissions"][
            "account_ids"
        ]


def test_the_types_of_a_text_with_blanks() -> None:
    with LocalAWS(world()) as aws:
        found = info(aws, document_types=["Command", " Session"])["documents"]
        assert [document["name"] for document in found] == ["Prefs"]


@pytest.mark.parametrize(("purge", "others"), [({}, []), ({"purge": True}, []), ({"purge": False}, [OTHER])], ids=str)
def test_the_sharing_with_others_ends_unless_it_is_to_stay(purge: dict[str, bool], others: list[str]) -> None:
    new = "444455556666"
    with LocalAWS(world(permissions=[OTHER])) as aws:
        done = ensure(aws, name="Prefs", permissions={"account_ids": [new], **purge})
        assert done["document"]["permissions"]["account_ids"] == [*others, new]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"names": ["a b"]},
            "an entry of names is 'a b': it must be the name or ARN of a document, of 3 to 128 characters.",
        ),
        ({"names": [""]}, "an entry of names is '': it must be the name or ARN of a document, of 3 to 128 characters."),
        ({"document_version": ""}, "document_version is '': it must be $LATEST, $DEFAULT or a version number."),
        ({"document_version": "0"}, "document_version is '0': it must be $LATEST, $DEFAULT or a version number."),
        (
            {"version_name": "a b"},
            "version_name is 'a b': it must be 1 to 128 letters, digits, underscores, hyphens and dots.",
        ),
        (
            {"document_types": ["Sesion"]},
            "document_types: unknown document type 'Sesion'. Did you mean 'Session'?",
        ),
        (
            {"document_types": ["X"]},
            "document_types: unknown document type 'X'. For a type that AWS added later, use DocumentType in filters.",
        ),
        ({"filters": {"Nme": "x"}}, "filters: 'Nme' is not a filter of ListDocuments. Did you mean 'Name'?"),
        ({"filters": {"Name": ""}}, "filters has no value for Name. Set a value or omit the filter."),
    ],
)
def test_what_selects_no_document_is_refused_before_any_call(options: dict[str, Any], sentence: str) -> None:
    with LocalAWS(world()) as aws:
        with pytest.raises(SSMError) as caught:
            info(aws, **options)
        assert str(caught.value) == sentence
        assert aws.calls() == []


def test_a_filter_that_looks_like_no_other_is_left_to_aws() -> None:
    with LocalAWS(world()) as aws:
        with pytest.raises(SSMError, match="InvalidFilterKey"):
            info(aws, filters={"Weather": "fine"})
        assert [one["name"] for one in info(aws, filters={"tag:team": "a"})["documents"]] == ["Prefs"]
