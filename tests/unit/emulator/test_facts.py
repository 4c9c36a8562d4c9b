# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test the error codes and texts that AWS is known to send, by which programs distinguish errors.

FIDELITY.md has the sources. An assumed behaviour that AWS may not have is tested here with each value of its switch.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from emulator.direct import Direct
from emulator.service import APIError
from emulator.testing import LocalAWS
from unit.support import every_operation, signed_requests

NODE, BARE, HYBRID = every_operation.NODE, "i-00000000000000009", every_operation.HYBRID
ENDED = "operator-00000000000000001"
REGION: dict[str, Any] = {
    **every_operation.REGION,
    "nodes": [*every_operation.REGION["nodes"], {"id": BARE, "managed": False}],
    "sessions": [
        *every_operation.REGION["sessions"],
        {"session_id": ENDED, "target": NODE, "status": "Terminated", "ended": "1h", "started": "2h"},
    ],
}
SHARE: dict[str, Any] = {"Name": "free", "PermissionType": "Share"}


def answered(operation: str, switches: dict[str, str] | None = None, **params: Any) -> tuple[str, str]:
    """Call an operation and return its error code and text, or ``("ok", "")`` if it succeeds."""
    try:
        Direct({"us-east-1": REGION}, switches=switches or {})(operation, **params)
    except APIError as error:
        return error.code, error.message
    return "ok", ""


def resource_type(*values: str) -> dict[str, Any]:
    return {"Filters": [{"Key": "ResourceType", "Values": list(values)}]}


ONE_VALUE = "ResourceType filter may contain only one value."
VALID = "ResourceType filter is invalid, valid values are EC2Instance, ManagedInstance"
TEXTS: list[tuple[str, dict[str, Any], str, str]] = [
    ("TerminateSession", {"SessionId": ENDED}, "ValidationException", "Session is not in a valid state"),
    (
        "DescribeInstanceInformation",
        resource_type("EC2Instance", "ManagedInstance"),
        "InvalidInstanceInformationFilterValue",
        ONE_VALUE,
    ),
    ("DescribeInstanceInformation", resource_type("Bogus"), "InvalidInstanceInformationFilterValue", VALID),
    (
        "DescribeInstanceInformation",
        {"InstanceInformationFilterList": [{"key": "ResourceType", "valueSet": ["EC2Instance", "ManagedInstance"]}]},
        "InvalidInstanceInformationFilterValue",
        ONE_VALUE,
    ),
    (
        "ModifyDocumentPermission",
        {**SHARE, "AccountIdsToAdd": ["all", "111122223333"]},
        "DocumentPermissionLimit",
        "Accounts can either be all or a group of AWS accounts",
    ),
    (
        "ListTagsForResource",
        {"ResourceType": "ManagedInstance", "ResourceId": NODE},
        "ValidationException",
        "resourceId should be in format mi-[0-9a-f]{17} for resource type ManagedInstance",
    ),
    (
        "DeleteDocument",
        {"Name": "free", "DocumentVersion": "2"},
        "InvalidDocumentOperation",
        "Default version of the document can't be deleted.",
    ),
    (
        "UpdateDocument",
        {"Name": "free", "Content": json.dumps({**every_operation.STREAM, "description": "3"}), "DocumentVersion": "1"},
        "InvalidDocumentVersion",
        "Version provided for document free is not latest. Please provide the latest version to update document free",
    ),
    (
        "StartSession",
        {"Target": NODE, "DocumentName": "none"},
        "InvalidDocument",
        "Document with name none does not exist.",
    ),
    ("StartSession", {"Target": BARE}, "TargetNotConnected", f"{BARE} is not connected."),
    (
        "StartSession",
        {"Target": "ecs:cluster_task_runtime"},
        "TargetNotConnected",
        "ecs:cluster_task_runtime is not connected.",
    ),
    (
        "ListDocuments",
        {"Filters": [{"Key": f"tag:{name}", "Values": ["x"]} for name in ("a", "b")]},
        "ValidationException",
        "Only a single tag key can be used to filter documents",
    ),
]


@pytest.mark.parametrize(("operation", "params", "code", "text"), TEXTS)
def test_an_error_has_the_text_that_was_seen(operation: str, params: dict[str, Any], code: str, text: str) -> None:
    assert answered(operation, **params) == (code, text)


CODES: list[tuple[str, dict[str, Any], str]] = [
    ("TerminateSession", {"SessionId": "operator-0fffffffffffffff0"}, "DoesNotExistException"),
    ("ListTagsForResource", {"ResourceType": "Document", "ResourceId": "none"}, "InvalidResourceId"),
    ("ListTagsForResource", {"ResourceType": "ManagedInstance", "ResourceId": HYBRID}, "ok"),
    ("DescribeDocumentPermission", {**SHARE, "PermissionType": "Bogus"}, "ValidationException"),
    ("ModifyDocumentPermission", {**SHARE, "PermissionType": "Bogus"}, "ValidationException"),
    ("ListTagsForResource", {"ResourceType": "Bogus", "ResourceId": "free"}, "ValidationException"),
    ("DescribeInstanceInformation", resource_type("EC2Instance"), "ok"),
    (
        "DescribeInstanceProperties",
        {"FiltersWithOperator": [{"Key": "ResourceType", "Values": ["EC2Instance", "ManagedInstance"]}]},
        "InvalidInstancePropertyFilterValue",
    ),
]


@pytest.mark.parametrize(("operation", "params", "code"), CODES)
def test_an_error_has_the_code_that_is_known_or_assumed(operation: str, params: dict[str, Any], code: str) -> None:
    assert answered(operation, **params)[0] == code


# For each switch, a call whose result it changes, and the results, that of the default first.
UNDECIDED: list[tuple[str, str, dict[str, Any], dict[str, str]]] = [
    (
        "terminate_ended",
        "TerminateSession",
        {"SessionId": ENDED},
        {"ValidationException": "ValidationException", "ok": "ok"},
    ),
    (
        "resume_ended",
        "ResumeSession",
        {"SessionId": ENDED},
        {"DoesNotExistException": "DoesNotExistException", "no_token": "ok"},
    ),
    (
        "terminate_unknown",
        "TerminateSession",
        {"SessionId": "operator-0fffffffffffffff0"},
        {"DoesNotExistException": "DoesNotExistException", "echo": "ok"},
    ),
    (
        "unknown_instance_id",
        "DescribeInstanceInformation",
        {"Filters": [{"Key": "InstanceIds", "Values": ["i-0ffffffffffffffff"]}]},
        {"empty": "ok", "InvalidInstanceId": "InvalidInstanceId"},
    ),
    (
        "unknown_instance_id",
        "DescribeInstanceInformation",
        {"Filters": [{"Key": "InstanceIds", "Values": [BARE]}]},
        {"empty": "ok", "InvalidInstanceId": "ok"},
    ),
    (
        "status_unknown_target",
        "GetConnectionStatus",
        {"Target": "i-0ffffffffffffffff"},
        {"notconnected": "ok", "error: AccessDeniedException": "AccessDeniedException"},
    ),
    (
        "duplicate_scope",
        "UpdateDocument",
        {"Name": "free", "Content": json.dumps(every_operation.STREAM), "DocumentVersion": "2"},
        {"latest": "ok", "any": "DuplicateDocumentContent"},
    ),
]


@pytest.mark.parametrize(("name", "operation", "params", "answers"), UNDECIDED)
def test_what_is_not_known_is_a_choice(
    name: str, operation: str, params: dict[str, Any], answers: dict[str, str]
) -> None:
    assert answered(operation, **params)[0] == next(iter(answers.values()))
    for choice, code in answers.items():
        assert answered(operation, {name: choice}, **params)[0] == code


def test_two_values_of_the_other_keys_are_alternatives() -> None:
    aws = Direct({"us-east-1": REGION})
    for name, values in (("PingStatus", ["Online", "Inactive"]), ("PlatformTypes", ["Linux", "MacOS"])):
        found = aws("DescribeInstanceInformation", Filters=[{"Key": name, "Values": values}])
        assert len(found["InstanceInformationList"]) == 3


def test_a_version_can_be_made_the_default_while_it_is_made() -> None:
    aws = Direct({"us-east-1": REGION}, limits={"document_transition_reads": 5})
    content = json.dumps({**every_operation.STREAM, "description": "3"})
    made = aws("UpdateDocument", Name="free", Content=content, DocumentVersion="$LATEST")["DocumentDescription"]
    assert made["Status"] == "Updating"
    assert aws.code("UpdateDocument", Name="free", Content=json.dumps(every_operation.STREAM), DocumentVersion="3") == (
        "InvalidDocumentOperation"
    )
    assert aws.code("UpdateDocumentDefaultVersion", Name="free", DocumentVersion="3") == "ok"


def test_all_with_a_capital_does_nothing() -> None:
    aws = Direct({"us-east-1": REGION})
    assert aws.code("ModifyDocumentPermission", **SHARE, AccountIdsToAdd=["All"]) == "ok"
    assert aws("DescribeDocumentPermission", **SHARE)["AccountIds"] == []


def test_versions_come_newest_first() -> None:
    found = Direct({"us-east-1": REGION})("ListDocumentVersions", Name="doc-a")["DocumentVersions"]
    assert [version["DocumentVersion"] for version in found] == ["2", "1"]


@pytest.mark.parametrize(
    "inputs",
    [
        # The console writes this if no maximum is set.
        {"maxSessionDuration": ""},
        # From AWS's documentation of the schema of Session documents.
        {"cloudWatchStreamingEnabled": True, "cloudWatchLogGroupName": ""},
    ],
)
def test_preferences_as_the_console_and_awss_page_have_them(inputs: dict[str, Any]) -> None:
    content = json.dumps({**every_operation.STREAM, "inputs": inputs})
    assert answered("CreateDocument", Name="new", Content=content, DocumentType="Session") == ("ok", "")


def test_every_session_is_a_standard_one() -> None:
    aws = Direct({"us-east-1": REGION})
    found = [
        session for state in ("Active", "History") for session in aws.every("DescribeSessions", "Sessions", State=state)
    ]
    assert {session["AccessType"] for session in found} == {"Standard"}


STATES = {
    "Connected": "Active",
    "Connecting": "Active",
    "Disconnected": "Active",
    "Terminating": "Active",
    "Terminated": "History",
    "Failed": "History",
}


@pytest.mark.parametrize(("status", "state"), STATES.items())
def test_a_session_is_in_the_list_of_its_status_and_in_no_other(status: str, state: str) -> None:
    region = {"nodes": every_operation.REGION["nodes"], "sessions": [{"target": NODE, "status": status, "reads": 9}]}
    aws = Direct({"us-east-1": region})
    listed = {name: aws("DescribeSessions", State=name)["Sessions"] for name in ("Active", "History")}
    assert {name: [session["Status"] for session in found] for name, found in listed.items() if found} == {
        state: [status]
    }


def test_what_ec2_says_to_a_stranger() -> None:
    with LocalAWS({"regions": {"us-east-1": {}}}) as aws:
        who = aws.world.default_identity
        wrong = signed_requests.call_query(
            aws, "ec2", "DescribeRegions", identity=dataclasses.replace(who, secret_key="wrong")
        )
        unknown = signed_requests.call_query(
            aws, "ec2", "DescribeRegions", identity=dataclasses.replace(who, access_key="AKIANONE")
        )
        assert (wrong.status, wrong.code) == (403, "SignatureDoesNotMatch")
        text = "AWS was not able to validate the provided access credentials"
        assert (unknown.status, unknown.code, unknown.message) == (401, "AuthFailure", text)
