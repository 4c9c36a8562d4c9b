# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test the operations on sessions."""

from __future__ import annotations

import re
from typing import Any

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.direct import Direct
from emulator.service import APIError
from emulator.services.ssm.sessions.store import Sessions
from emulator.testing import LocalAWS
from emulator.world_values import WorldError

NODE = "i-0a1b2c3d4e5f60001"
NODES = [
    {"id": NODE, "status": "connected"},
    {"id": "i-0a1b2c3d4e5f60002", "status": "notconnected"},
    {"id": "mi-0a1b2c3d4e5f60003", "status": ["notconnected", "connected"]},
]
JANE = "arn:aws:sts::123456789012:assumed-role/Admin/jane"
MARY = "arn:aws:iam::123456789012:user/mary"
KNOWN = [
    {
        "session_id": "jane-1",
        "target": NODE,
        "owner": JANE,
        "started": "3d",
        "reason": "a {{ reason }} of 5%",
        "document_name": "SSM-SessionManagerRunShell",
        "max_session_duration": "1050",
        "access_type": "JustInTime",
    },
    {"session_id": "jane-2", "target": NODE, "owner": JANE, "started": "30m", "status": "Disconnected"},
    {"session_id": "mary-3", "target": "mi-0a1b2c3d4e5f60003", "owner": "mary", "started": "2026-11-21T12:00:00Z"},
    {"session_id": "mary-4", "target": NODE, "owner": MARY, "status": "Terminated", "started": "5d", "ended": "4d"},
    {
        "session_id": "mary-5",
        "target": NODE,
        "owner": MARY,
        "status": "Failed",
        "started": "30d",
        "output_url": {"S3OutputUrl": "s3://bucket/key"},
        "details": "gone",
    },
    {"session_id": "mary-6", "target": NODE, "owner": MARY, "status": "Terminated", "started": "32d", "ended": "31d"},
    {"session_id": "other-7", "target": NODE, "owner": "other", "started": "1h", "terminate": "AccessDeniedException"},
]
SHELL = "SSM-SessionManagerRunShell"


def world(sessions: Any = None, documents: Any = None, **more: Any) -> Direct:
    sections = {"nodes": NODES, "sessions": KNOWN if sessions is None else sessions, "documents": documents or []}
    return Direct({"us-east-1": sections}, **more)


def listed(aws: Direct, state: str = "Active", **filters: str) -> list[str]:
    """Return the IDs of the sessions that match these filters."""
    params: dict[str, Any] = {"Filters": [{"key": key, "value": value} for key, value in filters.items()]}
    found = aws.every("DescribeSessions", "Sessions", State=state, **(params if filters else {}))
    return [session["SessionId"] for session in found]


def shown(aws: Direct, session_id: str, state: str = "Active") -> dict[str, Any]:
    found = aws.every("DescribeSessions", "Sessions", State=state)
    return next((session for session in found if session["SessionId"] == session_id), {})


# --- listing --------------------------------------------------------------------------------------------------------


def test_the_newest_come_first_and_the_ended_apart() -> None:
    aws = world()
    assert listed(aws) == ["jane-2", "other-7", "mary-3", "jane-1"]
    assert listed(aws, "History") == ["mary-4", "mary-5"]


def test_what_is_told_of_a_session() -> None:
    aws = world()
    assert {key: str(value) for key, value in shown(aws, "jane-1").items()} == {
        "SessionId": "jane-1",
        "Target": NODE,
        "Status": "Connected",
        "StartDate": "2026-11-20 12:00:00+00:00",
        "DocumentName": SHELL,
        "Owner": JANE,
        "Reason": "a {{ reason }} of 5%",
        "OutputUrl": "{}",
        "MaxSessionDuration": "1050",
        "AccessType": "JustInTime",
    }
    assert shown(aws, "mary-3")["Owner"] == MARY
    ended = shown(aws, "mary-4", "History")
    assert ended["EndDate"].isoformat() == "2026-11-19T12:00:00+00:00"
    assert "OutputUrl" not in ended
    failed = shown(aws, "mary-5", "History")
    assert (failed["OutputUrl"], failed["Details"]) == ({"S3OutputUrl": "s3://bucket/key"}, "gone")


def test_filters() -> None:
    aws = world()
    assert listed(aws, Owner=JANE) == ["jane-2", "jane-1"]
    assert listed(aws, Owner="jane") == []
    assert listed(aws, Target="mi-0a1b2c3d4e5f60003") == ["mary-3"]
    assert listed(aws, Status="Disconnected") == ["jane-2"]
    assert listed(aws, SessionId="jane-1") == ["jane-1"]
    assert listed(aws, AccessType="JustInTime") == ["jane-1"]
    assert listed(aws, InvokedAfter="2026-11-21T12:00:00Z") == ["jane-2", "other-7", "mary-3"]
    assert listed(aws, InvokedBefore="2026-11-21T12:00:00Z") == ["jane-1"]
    assert listed(aws, Owner=JANE, InvokedBefore="2026-11-23T00:00:00Z") == ["jane-1"]
    assert listed(aws, "History", SessionId="jane-1") == []


def test_what_aws_may_do_with_the_very_time_of_a_filter() -> None:
    at = "2026-11-21T12:00:00Z"  # the start of mary-3
    for after, before in (("listed", "left_out"), ("left_out", "listed")):
        aws = world(switches={"invoked_after_equal": after, "invoked_before_equal": before})
        assert ("mary-3" in listed(aws, InvokedAfter=at)) == (after == "listed")
        assert ("mary-3" in listed(aws, InvokedBefore=at)) == (before == "listed")


def test_a_service_that_takes_no_notice_of_filters() -> None:
    aws = world(switches={"session_filters": "ignored"})
    assert listed(aws, Owner=JANE, Target="i-0") == listed(aws)
    assert aws.code("DescribeSessions", State="Active", Filters=[{"key": "Colour", "value": "red"}]) != "ok"


def test_the_other_order() -> None:
    assert listed(world(switches={"session_order": "oldest"})) == listed(world())[::-1]


def test_owners_without_their_prefix() -> None:
    aws = world(switches={"session_owner": "without_prefix"})
    assert shown(aws, "jane-1")["Owner"] == JANE.removeprefix("arn:")
    assert listed(aws, Owner=JANE) == ["jane-2", "jane-1"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("Status", "connected"),
        ("AccessType", "standard"),
        ("InvokedAfter", "yesterday"),
        ("InvokedAfter", "2026-11-21"),
        ("InvokedBefore", "2026-13-21T12:00:00Z"),
        ("InvokedBefore", "2026-11-21T12:00:00+01:00"),
        ("Colour", "red"),
    ],
)
def test_filters_that_aws_does_not_have(key: str, value: str) -> None:
    params = {"State": "Active", "Filters": [{"key": key, "value": value}]}
    assert world().code("DescribeSessions", **params) == "ValidationException"


def test_a_page_is_cut_before_the_filters_apply() -> None:
    aws = world([{"target": f"i-{number}", "started": f"{number}m"} for number in range(1, 8)])
    only = {"Filters": [{"key": "Target", "value": "i-7"}]}
    pages = list(aws.pages("DescribeSessions", "Sessions", State="Active", MaxResults=2, **only))
    assert [[session["Target"] for session in page] for page in pages] == [[], [], [], ["i-7"]]


@settings(max_examples=40)
@given(
    ages=st.lists(st.integers(0, 40 * 24), max_size=40),
    size=st.integers(1, 200),
    owner=st.sampled_from([JANE, MARY, ""]),
)
def test_every_session_is_listed_once(ages: list[int], size: int, owner: str) -> None:
    entries = [
        {
            "session_id": f"s-{number}",
            "target": NODE,
            "owner": (JANE, MARY)[number % 2],
            "started": f"{age}h",
            "status": ("Connected", "Terminated", "Disconnected", "Failed")[number % 4],
        }
        for number, age in enumerate(ages)
    ]
    aws = world(entries)
    params: dict[str, Any] = {"MaxResults": size}
    if owner:
        params["Filters"] = [{"key": "Owner", "value": owner}]
    found = []
    for state in ("Active", "History"):
        sessions = aws.every("DescribeSessions", "Sessions", State=state, **params)
        assert [s["StartDate"] for s in sessions] == sorted((s["StartDate"] for s in sessions), reverse=True)
        found += [session["SessionId"] for session in sessions]
    wanted = [
        entry["session_id"]
        for entry, age in zip(entries, ages, strict=True)
        if owner in ("", entry["owner"]) and (entry["status"] in ("Connected", "Disconnected") or age <= 30 * 24)
    ]
    assert sorted(found) == sorted(map(str, wanted))


def test_bad_tokens() -> None:
    assert world().code("DescribeSessions", State="Active", NextToken="x") == "InvalidNextToken"


# --- starting -------------------------------------------------------------------------------------------------------


def test_starting_a_session() -> None:
    aws = world([])
    made = aws("StartSession", Target=NODE, Reason="to see")
    assert re.fullmatch(r"operator-[a-z0-9]{26}", made["SessionId"])
    host = "ssmmessages.us-east-1.sessionops.invalid"
    assert made["StreamUrl"] == f"wss://{host}/v1/data-channel/{made['SessionId']}?role=publish_subscribe"
    assert [shown(aws, made["SessionId"])["Status"] for unused in range(3)] == ["Connecting", "Connected", "Connected"]
    found = shown(aws, made["SessionId"])
    assert found["Owner"] == aws.world.default_identity.arn
    assert (found["Reason"], found["DocumentName"], found["AccessType"]) == ("to see", SHELL, "Standard")
    assert found["StartDate"] == aws.world.now
    assert "EndDate" not in found


def test_ids_and_tokens_are_the_worlds_own() -> None:
    def start(seed: int) -> tuple[str, str]:
        made = world([], seed=seed)("StartSession", Target=NODE)
        return made["SessionId"], made["TokenValue"]

    assert start(1) == start(1)
    assert start(1)[0] != start(2)[0]
    assert start(1)[1] != start(2)[1]


def test_only_a_connected_node_takes_a_session() -> None:
    aws = world([])
    for target in ("i-0a1b2c3d4e5f60002", "mi-0a1b2c3d4e5f60003", "i-0a1b2c3d4e5f6ffff", "nonsense"):
        with pytest.raises(APIError, match=f"^TargetNotConnected: {target} is not connected\\.$"):
            aws("StartSession", Target=target)
    assert listed(aws) == []
    assert aws.code("GetConnectionStatus", Target="mi-0a1b2c3d4e5f60003") == "ok"
    assert aws.code("StartSession", Target="mi-0a1b2c3d4e5f60003") == "ok"


DOCUMENTS = [
    {
        "name": "Port",
        "document_type": "Session",
        "content": {
            "schemaVersion": "1.0",
            "sessionType": "Port",
            "parameters": {
                "port": {"type": "String", "allowedPattern": "^[0-9]+$"},
                "mode": {"type": "String", "allowedValues": ["a", "b"], "default": "a"},
                "many": {"type": "StringList", "default": []},
            },
            "properties": {"portNumber": "{{ port }}"},
        },
    },
    {"name": "Old", "document_type": "Command", "content": {"schemaVersion": "1.2", "runtimeConfig": {"aws:x": {}}}},
    {
        "name": "Broken",
        "document_type": "Session",
        "content": {"schemaVersion": "1.0", "sessionType": "Standard_Stream", "inputs": {}},
        "status": "Failed",
    },
    {
        "name": SHELL,
        "document_type": "Session",
        "content": {"schemaVersion": "1.0", "sessionType": "Standard_Stream", "inputs": {"maxSessionDuration": "1390"}},
    },
]


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"DocumentName": "Nowhere"}, "InvalidDocument"),
        ({"DocumentName": "Old"}, "InvalidDocument"),
        ({"DocumentName": "Broken"}, "InvalidDocument"),
        ({"DocumentName": "AWS-RunShellScript"}, "InvalidDocument"),
        ({"DocumentName": "AWS-StartSSHSession"}, "ok"),
        ({"DocumentName": "arn:aws:ssm:us-east-1:123456789012:document/Port", "Parameters": {"port": ["80"]}}, "ok"),
        ({"DocumentName": "Port"}, "ValidationException"),
        ({"DocumentName": "Port", "Parameters": {"port": ["x"]}}, "ValidationException"),
        ({"DocumentName": "Port", "Parameters": {"port": ["1", "2"]}}, "ValidationException"),
        ({"DocumentName": "Port", "Parameters": {"port": ["1"], "mode": ["c"]}}, "ValidationException"),
        ({"DocumentName": "Port", "Parameters": {"port": ["1"], "other": ["c"]}}, "ValidationException"),
        ({"DocumentName": "Port", "Parameters": {"port": ["1"], "many": ["c", "d"], "mode": ["b"]}}, "ok"),
        ({"Parameters": {"port": ["1"]}}, "ValidationException"),
    ],
)
def test_the_document_of_a_session(params: dict[str, Any], code: str) -> None:
    aws = world([], DOCUMENTS)
    assert aws.code("StartSession", Target=NODE, **params) == code
    assert len(listed(aws)) == (code == "ok")


def test_a_session_lasts_as_long_as_its_document_says() -> None:
    aws = world([], DOCUMENTS)
    made = aws("StartSession", Target=NODE)
    assert shown(aws, made["SessionId"])["MaxSessionDuration"] == "1390"


# --- resuming -------------------------------------------------------------------------------------------------------


def test_resuming_gives_a_new_token() -> None:
    aws = world([])
    made = aws("StartSession", Target=NODE)
    again = aws("ResumeSession", SessionId=made["SessionId"])
    assert again["SessionId"] == made["SessionId"]
    assert again["StreamUrl"] == made["StreamUrl"]
    assert again["TokenValue"] != made["TokenValue"]
    sessions = aws.world.state("us-east-1", Sessions)
    assert sessions.by_token(made["TokenValue"]) is None
    assert sessions.by_token(again["TokenValue"]) is sessions.by_id[made["SessionId"]]
    aws("TerminateSession", SessionId=made["SessionId"])
    assert sessions.by_token(again["TokenValue"]) is None


def test_what_can_be_resumed() -> None:
    aws = world()
    aws("ResumeSession", SessionId="jane-2")
    assert shown(aws, "jane-2")["Status"] == "Connected"
    aws("TerminateSession", SessionId="jane-2")
    for session_id in ("jane-2", "mary-4", "nobody-9"):
        assert aws.code("ResumeSession", SessionId=session_id) == "DoesNotExistException"


# --- ending ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reads", [0, 1, 2])
def test_ending_takes_so_many_listings(reads: int) -> None:
    aws = world(limits={"session_terminating_reads": reads})
    assert aws("TerminateSession", SessionId="jane-1") == {"SessionId": "jane-1"}
    for unused in range(reads):
        assert listed(aws, SessionId="jane-1", Status="Terminating") == ["jane-1"]
    found = shown(aws, "jane-1", "History")
    assert (found["Status"], found["EndDate"]) == ("Terminated", aws.world.now)
    assert "jane-1" not in listed(aws)


def test_where_an_ending_session_is_listed_is_a_choice() -> None:
    for state, other in (("Active", "History"), ("History", "Active")):
        aws = world(switches={"terminating_in": state}, limits={"session_terminating_reads": 2})
        aws("TerminateSession", SessionId="jane-1")
        assert "jane-1" not in listed(aws, other)
        assert "jane-1" in listed(aws, state)


def test_a_session_does_not_move_between_two_pages() -> None:
    aws = world(limits={"session_terminating_reads": 1})
    aws("TerminateSession", SessionId="jane-2")
    found = aws.every("DescribeSessions", "Sessions", State="Active", MaxResults=1)
    assert [session["SessionId"] for session in found] == ["jane-2", "other-7", "mary-3", "jane-1"]


@pytest.mark.parametrize("choice", ["ValidationException", "ok"])
def test_ending_what_has_ended(choice: str) -> None:
    aws = world(switches={"terminate_ended": choice})
    aws("TerminateSession", SessionId="jane-1")
    for session_id in ("jane-1", "mary-4", "mary-5"):
        assert aws.code("TerminateSession", SessionId=session_id) == choice
    if choice != "ok":
        with pytest.raises(APIError, match="Session is not in a valid state"):
            aws("TerminateSession", SessionId="mary-4")
    assert shown(aws, "mary-5", "History")["Status"] == "Failed"


def test_ending_what_never_was() -> None:
    assert world().code("TerminateSession", SessionId="nobody-9") == "DoesNotExistException"
    echo = world(switches={"terminate_unknown": "echo"})
    assert echo("TerminateSession", SessionId="nobody-9") == {"SessionId": "nobody-9"}


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("DescribeSessions", {"State": "Active"}),
        ("TerminateSession", {"SessionId": "jane-1"}),
        ("ResumeSession", {"SessionId": "jane-2"}),
        ("StartSession", {"Target": NODE}),
        ("GetConnectionStatus", {"Target": NODE}),
    ],
)
def test_every_operation_can_be_throttled(operation: str, params: dict[str, Any]) -> None:
    region = {"nodes": NODES, "sessions": KNOWN}
    with LocalAWS({"regions": {"us-east-1": region}, "throttle": {operation: {"rate": 0.0001, "burst": 1}}}) as aws:
        call = getattr(aws.client("ssm"), xform_name(operation))
        call(**params)
        with pytest.raises(ClientError, match="ThrottlingException"):
            call(**params)
        assert [entry.outcome for entry in aws.calls()] == ["ok", "ThrottlingException"]


def test_a_session_that_is_not_ours_to_end() -> None:
    aws = world()
    with pytest.raises(APIError) as found:
        aws("TerminateSession", SessionId="other-7")
    assert found.value.code == "AccessDeniedException"
    resource = "arn:aws:ssm:us-east-1:123456789012:session/other-7"
    action = f"User: {aws.world.default_identity.arn} is not authorized to perform: ssm:TerminateSession"
    assert found.value.message.startswith(f"{action} on resource: {resource} because")
    assert shown(aws, "other-7")["Status"] == "Connected"


# --- the world's file -----------------------------------------------------------------------------------------------


def test_many_sessions_from_one_entry() -> None:
    aws = world([{"generate": 120, "session_id": "s-%d", "target": "i-%017x", "started": "2h"}])
    found = aws.every("DescribeSessions", "Sessions", State="Active")
    assert [session["SessionId"] for session in found] == [f"s-{number}" for number in range(1, 121)]
    assert found[15]["Target"] == "i-00000000000000010"
    assert len({session["StartDate"] for session in found}) == 120
    generated = world([{"generate": 3, "target": NODE, "owner": JANE}])
    assert len(set(listed(generated))) == 3
    assert all(re.fullmatch("jane-[a-z0-9]{26}", session_id) for session_id in listed(generated))
    longest = world([{"target": NODE, "owner": "x" * 200}])
    assert [len(session_id) for session_id in listed(longest)] == [96]


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({}, "must be a list"),
        ([5], "must be a mapping"),
        ([{"owner": JANE}], "must have a target"),
        ([{"target": NODE, "colour": "red"}], "unknown key colour"),
        ([{"target": NODE, "output_url": {"Url": "x"}}], "unknown key Url"),
        ([{"target": NODE, "status": "Fine"}], "Fine"),
        ([{"target": NODE, "started": "soon"}], "soon"),
        ([{"target": NODE, "started": 5}], "5"),
        ([{"target": NODE, "session_id": "a"}] * 2, "session a: defined twice"),
        ([{"target": NODE, "reason": 5}], "must be a string"),
        ([{"target": NODE, "terminate": "No"}], "terminate of a session must be AccessDeniedException"),
        ([{"target": NODE, "ended": "1h"}], "has ended, but its status is Connected"),
        ([{"target": NODE, "status": "Failed", "started": "1h", "ended": "2h"}], "ended before"),
    ],
)
def test_a_world_with_a_mistake(section: Any, message: str) -> None:
    with pytest.raises(WorldError, match=message):
        world(section)


# --- through boto3 --------------------------------------------------------------------------------------------------


def test_sessions_through_boto3() -> None:
    with LocalAWS({"regions": {"us-east-1": {"nodes": NODES, "sessions": KNOWN}}}) as local:
        ssm = local.client("ssm")
        made = ssm.start_session(Target=NODE, DocumentName="AWS-StartSSHSession", Parameters={"portNumber": ["22"]})
        pages = ssm.get_paginator("describe_sessions").paginate(State="Active", PaginationConfig={"PageSize": 2})
        found = [session["SessionId"] for page in pages for session in page["Sessions"]]
        assert found == [made["SessionId"], "jane-2", "other-7", "mary-3", "jane-1"]
        ssm.resume_session(SessionId=made["SessionId"])
        ssm.terminate_session(SessionId=made["SessionId"])
        with pytest.raises(ssm.exceptions.ClientError, match="Session is not in a valid state"):
            ssm.terminate_session(SessionId=made["SessionId"])
        with pytest.raises(ssm.exceptions.DoesNotExistException):
            ssm.resume_session(SessionId=made["SessionId"])
        with pytest.raises(ssm.exceptions.TargetNotConnected):
            ssm.start_session(Target="i-0a1b2c3d4e5f60002")
        with pytest.raises(ssm.exceptions.InvalidDocument):
            ssm.start_session(Target=NODE, DocumentName="Nowhere")
        assert [entry.operation for entry in local.writes()].count("TerminateSession") == 2
