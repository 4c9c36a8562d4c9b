# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test which replies and bodies are accepted as the service's own."""

from __future__ import annotations

import contextlib
import copy
import datetime
import functools
import gc
import json
from typing import Any

import botocore.session
import pytest
from ansible_collections.sessionops.aws.plugins.module_utils._ssm import api, replies
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.errors import CREDENTIAL_CALLS, SSMError
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.nodes import connection_status

from emulator.testing import LocalAWS
from unit.support.module_runner import connection

NODE = "i-0a1b2c3d4e5f60001"
NOW = datetime.datetime(2026, 11, 23, 12, tzinfo=datetime.UTC)
USED = {
    "ssm": {
        "AddTagsToResource",
        "CreateDocument",
        "DeleteDocument",
        "DescribeDocument",
        "DescribeDocumentPermission",
        "DescribeInstanceInformation",
        "DescribeInstanceProperties",
        "DescribeSessions",
        "GetConnectionStatus",
        "GetDocument",
        "ListDocumentVersions",
        "ListDocuments",
        "ListTagsForResource",
        "ModifyDocumentPermission",
        "RemoveTagsFromResource",
        "ResumeSession",
        "StartSession",
        "TerminateSession",
        "UpdateDocument",
        "UpdateDocumentDefaultVersion",
    },
    "ec2": {"DescribeInstances"},
    "kms": {"GenerateDataKey"},
    "sts": {"AssumeRole", "AssumeRoleWithWebIdentity"},
    "sso": {"GetRoleCredentials"},
    "sso-oidc": {"CreateToken"},
    "signin": {"CreateOAuth2Token"},
}
DESCRIBED: dict[str, Any] = {
    "Name": "Doc",
    "DocumentVersion": "2",
    "DefaultVersion": "1",
    "LatestVersion": "2",
    "Status": "Active",
    "CreatedDate": NOW,
    "PlatformTypes": ["Linux"],
    "Tags": [{"Key": "team", "Value": ""}],
}


@functools.cache
def model(service: str) -> Any:
    return botocore.session.Session().get_service_model(service)


def shape(operation: str, service: str = "ssm") -> Any:
    return model(service).operation_model(operation).output_shape


def is_right(operation: str, reply: Any, service: str = "ssm") -> bool:
    try:
        replies.check_reply(shape(operation, service), reply)
    except replies.WrongReplyError:
        return False
    return True


def body_is_right(operation: str, body: bytes, service: str = "ssm") -> bool:
    with contextlib.suppress(Exception):
        replies.check_body(model(service).resolved_protocol, shape(operation, service), body)
        return True
    return False


def described(**members: Any) -> dict[str, Any]:
    return {"Document": {**DESCRIBED, **members}, "ResponseMetadata": {"HTTPStatusCode": 200}}


def test_what_the_service_gives_is_right() -> None:
    assert is_right("DescribeDocument", described())
    # Members and enum values that the installed botocore does not know yet.
    assert is_right("DescribeDocument", described(Status="Reviewing", Novel=[1]))


@pytest.mark.parametrize(
    "members",
    [
        {"DocumentVersion": "abc"},
        {"DocumentVersion": "$LATEST"},
        {"DocumentVersion": "0"},
        {"DocumentVersion": "9" * 5000},
        {"DefaultVersion": "1\n"},
        {"LatestVersion": "abc"},
        {"Name": ""},
        {"Status": ["Active"]},
        {"Status": "<b>"},
        {"Status": "A" * 65},
        {"CreatedDate": "2026-11-23"},
        {"CreatedDate": datetime.datetime(2026, 11, 23)},
        {"CreatedDate": datetime.datetime(1, 1, 1, tzinfo=datetime.UTC)},
        {"CreatedDate": datetime.datetime.max.replace(tzinfo=datetime.UTC)},
        {"PlatformTypes": "Linux"},
        {"PlatformTypes": [None]},
        {"Tags": [{"Value": "a"}]},
        {"Tags": [{"Key": "", "Value": "a"}]},
        {"Tags": [["Key", "Value"]]},
        {"Tags": {}},
    ],
    ids=str,
)
def test_what_no_service_gives_is_wrong(members: dict[str, Any]) -> None:
    assert not is_right("DescribeDocument", described(**members))


@pytest.mark.parametrize("member", ["Name", "DocumentVersion", "DefaultVersion"])
def test_a_member_that_is_needed_is_there(member: str) -> None:
    reply = described()
    del reply["Document"][member]
    assert not is_right("DescribeDocument", reply)
    assert not is_right("DescribeDocument", {})


@pytest.mark.parametrize(("value", "right"), [(True, True), ("true", False), (1, False)])
def test_a_boolean_is_one(value: Any, right: bool) -> None:
    reply = {"DocumentVersions": [{"DocumentVersion": "1", "IsDefaultVersion": value}]}
    assert is_right("ListDocumentVersions", reply) is right


@pytest.mark.parametrize(("value", "right"), [(1_767_225_600_000, True), (10**30, False), (True, False), (1.5, False)])
def test_a_number_is_one_that_its_type_holds(value: Any, right: bool) -> None:
    keys = {"accessKeyId": "A", "secretAccessKey": "S", "sessionToken": "T", "expiration": value}
    assert is_right("GetRoleCredentials", {"roleCredentials": keys}, "sso") is right


def test_a_map_has_texts_for_keys() -> None:
    def reply(counts: Any) -> dict[str, Any]:
        overview = {"InstanceAssociationStatusAggregatedCount": counts}
        return {"InstanceProperties": [{"InstanceId": NODE, "AssociationOverview": overview}]}

    assert is_right("DescribeInstanceProperties", reply({"Success": 1}))
    for counts in ({1: 1}, {"Success": "1"}, [1]):
        assert not is_right("DescribeInstanceProperties", reply(counts))


@pytest.mark.parametrize(
    ("body", "right"),
    [
        ({"Sessions": []}, True),
        ({"Sessions": None}, True),
        ({"Sessions": [{"SessionId": "a", "OutputUrl": {}, "StartDate": 1.5}]}, True),
        ({"Sessions": ""}, False),
        ({"Sessions": {}}, False),
        ({"Sessions": "abc"}, False),
        ({"Sessions": [{"SessionId": "a", "OutputUrl": ""}]}, False),
        ({"Sessions": [{"SessionId": "a", "StartDate": True}]}, False),
        ({"Sessions": [""]}, False),
        ([], False),
        ("Sessions", False),
        (None, False),
    ],
    ids=str,
)
def test_what_botocore_would_take_for_a_list(body: Any, right: bool) -> None:
    assert body_is_right("DescribeSessions", json.dumps(body).encode()) is right


@pytest.mark.parametrize(
    ("body", "right"), [(b"", True), (b"{}", True), (b"<html>", False), (b"[]", False), (b"\xff", False)]
)
def test_a_reply_without_members_may_have_no_body(body: bytes, right: bool) -> None:
    assert body_is_right("DeleteDocument", body) is right
    assert body_is_right("DescribeSessions", b"") is False


@pytest.mark.parametrize(
    ("inner", "right"),
    [
        ("<reservationSet/>", True),
        ("<reservationSet>\n  </reservationSet>", True),
        (
            "<reservationSet><item><instancesSet><item><instanceId>i</instanceId><ebsOptimized>true</ebsOptimized>"
            "</item></instancesSet></item></reservationSet>",
            True,
        ),
        ("<reservationSet>none</reservationSet>", False),
        ("<reservationSet><other/></reservationSet>", False),
        ("<reservationSet><item>none</item></reservationSet>", False),
        (
            "<reservationSet><item><instancesSet><item><instanceId><i/></instanceId></item></instancesSet></item>"
            "</reservationSet>",
            False,
        ),
        (
            "<reservationSet><item><instancesSet><item><ebsOptimized>abc</ebsOptimized></item></instancesSet></item>"
            "</reservationSet>",
            False,
        ),
        ("<reservationSet>", False),
    ],
    ids=str,
)
def test_what_botocore_would_take_for_an_empty_list_of_ec2(inner: str, right: bool) -> None:
    body = f"<DescribeInstancesResponse xmlns='http://ec2/'>{inner}</DescribeInstancesResponse>".encode()
    assert body_is_right("DescribeInstances", body, "ec2") is right


def test_a_result_of_sts_is_in_its_wrapper() -> None:
    assert body_is_right("AssumeRole", b"<A><AssumeRoleResult/></A>", "sts")
    assert not body_is_right("AssumeRole", b"<A><Other/></A>", "sts")


def structures(found: Any, seen: dict[str, Any]) -> dict[str, Any]:
    """Return all structures in a shape, by name."""
    if found is not None and found.type_name == "structure" and found.name not in seen:
        seen[found.name] = found
        for member in found.members.values():
            structures(member, seen)
    elif found is not None and found.type_name == "list":
        structures(found.member, seen)
    return seen


def test_what_is_needed_is_in_the_service_model() -> None:
    """A name that is not in the model would never be checked."""
    known: dict[str, Any] = {}
    for service, operations in USED.items():
        for operation in operations:
            structures(shape(operation, service), known)
    for name, members in replies.REQUIRED_MEMBERS.items():
        assert set(members) <= set(known[name].members), name
    assert set(CREDENTIAL_CALLS) <= set().union(*USED.values())


def test_the_check_of_a_shape_ends_with_its_client() -> None:
    before = len(replies._PARSED)
    other = botocore.session.Session().get_service_model("ssm").operation_model("DescribeDocument").output_shape
    replies.check_reply(other, copy.deepcopy(described()))
    assert len(replies._PARSED) == before + 1
    del other
    gc.collect()
    assert len(replies._PARSED) == before


PAGE = "<!DOCTYPE html><html><body>TheVerySecretBody<br></body></html>"


@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        (200, PAGE, "the service answered 200 with an HTML page (GetConnectionStatus)."),
        (403, PAGE, "the service answered 403 with an HTML page (GetConnectionStatus)."),
        (500, PAGE, "the service answered 500 with an HTML page (GetConnectionStatus)."),
        (200, "None", "the service returned an invalid reply (GetConnectionStatus, status 200)."),
        (500, "None", "the service answered 500 without an AWS error (GetConnectionStatus)."),
        (400, ["No"], "the service answered 400 without an AWS error (GetConnectionStatus)."),
        (
            400,
            {"__type": ["No"], "message": "No"},
            "the service answered 400 without an AWS error (GetConnectionStatus).",
        ),
        (
            400,
            {"__type": "Odd", "message": {"No": "No"}},
            "the service answered 400 without an AWS error (GetConnectionStatus).",
        ),
        (400, {"__type": "Odd", "message": "Not now."}, "Odd: Not now."),
        (200, {"Status": []}, "the service returned an invalid reply."),
    ],
    ids=str,
)
def test_an_error_has_the_operation_and_the_status_and_not_the_body(status: int, body: Any, sentence: str) -> None:
    kind = "text/plain" if body != PAGE else "text/html"
    fault = {"op": "GetConnectionStatus", "do": {"raw": body, "status": status, "content_type": kind}}
    with LocalAWS({"regions": {"us-east-1": {"nodes": [{"id": NODE}]}}, "faults": [fault]}) as aws:
        client = connection(aws).client("ssm", "us-east-1", retries={"total_max_attempts": 1})
        with pytest.raises(SSMError) as raised:
            api.get_connection_status(client, NODE)
        assert str(raised.value) == f"Could not get the connection status of {NODE}: {sentence}"


@pytest.mark.parametrize("status", [500, 502, 503])
def test_an_error_of_ec2_that_cannot_be_read_is_tried_again(status: int) -> None:
    fault = {"op": "DescribeInstances", "do": {"raw": PAGE, "status": status}, "times": 2}
    with LocalAWS({"regions": {"us-east-1": {}}, "faults": [fault]}) as aws:
        client = connection(aws).client("ec2", "us-east-1", retries={"mode": "standard", "total_max_attempts": 3})
        assert list(api.describe_instances(client, [])) == [[]]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("Waiting", "AWS returned the status Waiting, which this version of sessionops.aws does not know."),
        ("TheVerySecretBody!", "the service returned an invalid reply."),
        ("a" * 65, "the service returned an invalid reply."),
        ("", "the service returned an invalid reply."),
    ],
)
def test_a_new_status_is_named_if_it_is_a_word(given: str, reason: str) -> None:
    fault = {"op": "GetConnectionStatus", "do": {"set": {"Status": given}}}
    with LocalAWS({"regions": {"us-east-1": {"nodes": [{"id": NODE}]}}, "faults": [fault]}) as aws:
        found = connection_status.get_status(aws.client("ssm"), NODE)
    assert found.status == connection_status.UNKNOWN
    assert found.reason is not None
    assert found.reason.endswith(reason)


def test_a_listing_that_goes_back_to_where_it_was_is_an_error() -> None:
    nodes = [{"id": f"{NODE[:-1]}{number}"} for number in range(3)]
    fault = {"op": "DescribeInstanceProperties", "page": 2, "do": {"page": "repeat"}}
    world = {"limits": {"page_size": 1}, "regions": {"us-east-1": {"nodes": nodes}}, "faults": [fault]}
    with LocalAWS(world) as aws, pytest.raises(SSMError) as raised:
        list(api.describe_instance_properties(aws.client("ssm"), []))
    assert str(raised.value) == "Could not list the managed nodes: the service returned an invalid reply."
