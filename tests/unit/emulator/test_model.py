# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test the checks of requests and replies against the service models."""

from __future__ import annotations

import datetime
from typing import Any

import botocore
import pytest

from emulator import breaches, model, patterns, replies
from emulator.service import APIError


def refused(service: str, operation: str, params: dict[str, Any]) -> APIError:
    with pytest.raises(APIError) as error:
        model.check_input(service, operation, params)
    return error.value


def test_one_error_has_the_sentence_of_aws() -> None:
    error = refused("ssm", "DescribeSessions", {"State": "Open"})
    assert error.code == "ValidationException"
    assert error.message == (
        "1 validation error detected: Value 'Open' at 'state' failed to satisfy constraint: "
        "Member must satisfy enum value set: [Active, History]"
    )


def test_all_errors_are_counted_and_nested_paths_are_named() -> None:
    params = {"MaxResults": 201, "Filters": [{"key": "Bogus", "value": ""}]}
    message = refused("ssm", "DescribeSessions", params).message
    assert message.startswith("4 validation errors detected: ")
    assert "Value null at 'state' failed to satisfy constraint: Member must not be null" in message
    assert "Value '201' at 'maxResults' failed to satisfy constraint: Member must have value less than or" in message
    assert "at 'filters.1.member.key' failed to satisfy constraint: Member must satisfy enum value set" in message
    assert "at 'filters.1.member.value' failed to satisfy constraint: Member must have length greater" in message


def test_a_list_of_plain_values_is_named_as_a_whole() -> None:
    params = {"Name": "abc", "PermissionType": "Share", "AccountIdsToAdd": ["123456789012", "12"]}
    message = refused("ssm", "ModifyDocumentPermission", params).message
    assert "at 'accountIdsToAdd' failed to satisfy constraint: Member must satisfy constraint: [" in message


def test_an_unknown_member_is_refused() -> None:
    assert "'tarrget'" in refused("ssm", "GetConnectionStatus", {"Target": "x", "Tarrget": "x"}).message


def test_a_missing_member_of_ec2_and_a_bad_one_have_other_codes() -> None:
    assert refused("ec2", "TerminateInstances", {}).code == "MissingParameter"
    assert refused("ec2", "TerminateInstances", {"InstanceIds": [], "Bogus": 1}).code == "InvalidParameterValue"
    assert refused("sts", "GetCallerIdentity", {"Bogus": 1}).code == "ValidationError"


@pytest.mark.parametrize(
    ("pattern", "text", "good"),
    [
        ("^a+$", "aaa", True),
        ("a+", "xaaax", False),
        ("a+", "aaa\n", False),
        (r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$", "Übergröße 日本 7", True),
        (r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$", "☕", False),
        (r"\p{L}", "ß", True),
        (r"\w+", "ß", False),
        (".{1,3}", "a\u2028b", False),
        ("[.]", "x", False),
        ("(?i)all|[0-9]{12}", "ALL", True),
    ],
)
def test_patterns_match_whole_values_as_in_java(pattern: str, text: str, good: bool) -> None:
    assert patterns.matches("Any", pattern, text) is good


def test_the_one_wrong_pattern_of_the_model_is_put_right() -> None:
    member = model.operation_model("ssm", "DescribeSessions").output_shape.members["Sessions"].member
    pattern = member.members["MaxSessionDuration"].metadata["pattern"]
    good = [str(minutes) for minutes in range(1, 1441)]
    assert [text for text in good if not patterns.matches("MaxSessionDuration", pattern, text)] == []
    assert not any(patterns.matches("MaxSessionDuration", pattern, text) for text in ("0", "1441", "01", "1500", "x"))
    # Remove the correction once AWS's own pattern is right.
    assert any(not patterns.matches("AsTheModelHasIt", pattern, text) for text in good)


MOMENT = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    "result",
    [
        {"Sesions": []},
        {"Sessions": {}},
        {"Sessions": [{"Status": "connected"}]},
        {"Sessions": [{"StartDate": "2026-01-01"}]},
        {"Sessions": [{"StartDate": MOMENT.replace(tzinfo=None)}]},
        {"Sessions": [{"Owner": ""}]},
        {"Sessions": [{"Reason": "a\nb"}]},
        {"Sessions": [{"DocumentName": "a b"}]},
        {"NextToken": 3},
        {"NextToken": True},
        None,
    ],
)
def test_a_reply_that_the_model_does_not_allow_is_a_breach(result: Any) -> None:
    assert breaches.output_breaches("ssm", "DescribeSessions", result)


def test_each_breach_says_where_it_is() -> None:
    sessions = [{"Owner": "x"}, {"Owner": "", "OutputUrl": {"S3OutputUrl": 1}}, {"Owner": ""}]
    assert breaches.output_breaches("ssm", "DescribeSessions", {"Sessions": sessions}) == [
        "DescribeSessions.Sessions[1].Owner: '': Member must have length greater than or equal to 1",
        "DescribeSessions.Sessions[1].OutputUrl.S3OutputUrl: int where the model has string",
        "DescribeSessions.Sessions[2].Owner: '': Member must have length greater than or equal to 1",
    ]


def test_a_good_reply_is_not() -> None:
    result = {"Sessions": [{"Status": "Connected", "StartDate": MOMENT, "OutputUrl": {}}], "NextToken": "x"}
    assert breaches.output_breaches("ssm", "DescribeSessions", result) == []


def test_only_errors_that_the_operation_has_are_known() -> None:
    assert model.error_is_known("ssm", "StartSession", "TargetNotConnected")
    assert model.error_is_known("ssm", "StartSession", "ThrottlingException")
    assert not model.error_is_known("ssm", "StartSession", "DuplicateDocumentContent")
    assert not model.error_is_known("ec2", "DescribeInstances", "ThrottlingException")


def test_a_member_newer_than_the_model_is_sent_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    output = model.operation_model("ssm", "DescribeSessions").output_shape
    members = output.members["Sessions"].member.members
    monkeypatch.delitem(members, "AccessType")
    result = {"Sessions": [{"AccessType": "Standard"}]}
    assert breaches.output_breaches("ssm", "DescribeSessions", result) == []
    assert b"AccessType" in replies.json_reply(output, result).body
    monkeypatch.delitem(members, "Owner")
    assert breaches.output_breaches("ssm", "DescribeSessions", {"Sessions": [{"Owner": "x"}]})


def test_every_member_of_the_since_table_is_in_the_newest_model() -> None:
    shapes = model.service_model("ssm")._service_description["shapes"]
    known = {(name, member) for name, shape in shapes.items() for member in shape.get("members", ())}
    # The installed botocore may be too old for a member.
    newer = {member for member, since in model.SINCE.items() if since[0].isdigit() and installed() < numbers(since)}
    assert set(model.SINCE) - newer <= known
    assert newer.isdisjoint(known)
    # This still finds misspelt shapes.
    assert {name for name, _member in model.SINCE} <= set(shapes)


def numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def installed() -> list[int]:
    return numbers(botocore.__version__)
