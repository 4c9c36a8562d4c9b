# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test ssm_session_info with faults, with invalid input, and under each behaviour that AWS may have."""

from __future__ import annotations

import copy
import datetime
import re
from types import SimpleNamespace
from typing import Any

import botocore.loaders
import pytest
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.errors import SSMError
from botocore.model import ServiceModel
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.testing import LocalAWS
from unit.support.module_runner import Runner
from unit.support.session_stage import NODE, ids, list_sessions, opened, terminate_sessions, world

JANE = "arn:aws:sts::123456789012:assumed-role/Admin/jane"
MARY = "arn:aws:iam::123456789012:user/mary"
OTHER_NODE = "mi-0a1b2c3d4e5f60003"
DOCUMENT = "arn:aws:ssm:us-east-1:123456789012:document/Team-Shell"

# The world's clock is at 2026-11-23T12:00:00Z.
SESSIONS = [
    {"session_id": "a", "target": NODE, "owner": JANE, "started": "30m", "document_name": "Team-Shell"},
    {"session_id": "b", "target": NODE, "owner": MARY, "started": "2026-11-23T10:00:00Z", "status": "Disconnected"},
    {"session_id": "c", "target": OTHER_NODE, "owner": MARY, "started": "1d", "access_type": "JustInTime"},
    {"session_id": "d", "target": NODE, "owner": MARY, "status": "Terminated", "started": "5d", "ended": "4d"},
    {"session_id": "e", "target": NODE, "owner": MARY, "status": "Failed", "started": "6d"},
    {"session_id": "old", "target": NODE, "owner": MARY, "status": "Terminated", "started": "40d", "ended": "31d"},
]

FILTERS: dict[str, tuple[dict[str, Any], list[str], list[str]]] = {
    # The options, the IDs of the matching sessions, and the keys of the filters in the request.
    "none": ({}, ["a", "b", "c"], []),
    "history": ({"state": "history"}, ["d", "e"], []),
    "all": ({"state": "all"}, ["a", "b", "c", "d", "e"], []),
    "session_id": ({"session_id": "b"}, ["b"], ["SessionId"]),
    "session_id-all": ({"session_id": "e", "state": "all"}, ["e"], ["SessionId"]),
    "target": ({"target": OTHER_NODE}, ["c"], ["Target"]),
    "owner": ({"owner": JANE}, ["a"], ["Owner"]),
    # AWS compares whole ARNs, so only whole ARNs are sent as a filter.
    "owner-name": ({"owner": "mary"}, ["b", "c"], []),
    "owner-role": ({"owner": "Admin/jane"}, ["a"], []),
    "owner-kind": ({"owner": "user/mary"}, ["b", "c"], []),
    "owner-part": ({"owner": "ary"}, [], []),
    "owner-role-alone": ({"owner": "Admin"}, [], []),
    "status": ({"status": "Disconnected"}, ["b"], ["Status"]),
    "status-all": ({"status": "Failed", "state": "all"}, ["e"], ["Status"]),
    "access_type": ({"access_type": "JustInTime"}, ["c"], ["AccessType"]),
    "invoked_after": ({"invoked_after": "2026-11-23T09:00:00Z"}, ["a", "b"], ["InvokedAfter"]),
    "invoked_after-equal": ({"invoked_after": "2026-11-23T10:00:00Z"}, ["a", "b"], ["InvokedAfter"]),
    "invoked_after-just-later": ({"invoked_after": "2026-11-23T10:00:00.001Z"}, ["a"], ["InvokedAfter"]),
    "invoked_after-zone": ({"invoked_after": "2026-11-23T11:00:00+01:00"}, ["a", "b"], ["InvokedAfter"]),
    "invoked_after-ago": ({"invoked_after": "2h ago"}, ["a", "b"], []),
    "invoked_after-ago-less": ({"invoked_after": "1h59m59s"}, ["a"], []),
    "invoked_before": ({"invoked_before": "2026-11-23T11:00:00Z"}, ["b", "c"], ["InvokedBefore"]),
    "invoked_before-equal": ({"invoked_before": "2026-11-23T10:00:00Z"}, ["c"], ["InvokedBefore"]),
    "invoked_before-just-later": ({"invoked_before": "2026-11-23T10:00:00.001Z"}, ["b", "c"], ["InvokedBefore"]),
    "invoked_before-ago": ({"invoked_before": "2h"}, ["c"], []),
    "between": ({"invoked_after": "1d", "invoked_before": "2h"}, ["c"], []),
    "older_than": ({"older_than": "2h"}, ["c"], []),
    "older_than-less": ({"older_than": "1h59m59s"}, ["b", "c"], []),
    "document_name": ({"document_name": "Team-Shell"}, ["a"], []),
    "document_name-arn": ({"document_name": DOCUMENT}, ["a"], []),
}
WAYS = [
    {"session_filters": "applied"},
    {"session_filters": "ignored"},
    {"session_order": "oldest"},
    {"invoked_after_equal": "left_out", "invoked_before_equal": "listed"},
    {"session_owner": "without_prefix"},
]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: "-".join(way.values()))
@pytest.mark.parametrize("name", FILTERS)
def test_every_filter_in_every_way_that_aws_may_be(name: str, way: dict[str, str]) -> None:
    options, wanted, sent = FILTERS[name]
    with LocalAWS(world(SESSIONS, switches=way)) as aws:
        found = list_sessions(aws, **options)
        assert (ids(found), found["listed_at"], found["changed"]) == (wanted, "2026-11-23T12:00:00Z", False)
        assert [one["key"] for one in aws.calls()[0].params.get("Filters", [])] == sent


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ({"invoked_after": "2026-11-23T10:00:00Z"}, "2026-11-23T09:59:59Z"),
        ({"invoked_after": "2026-11-23T10:00:00.75Z"}, "2026-11-23T09:59:59Z"),
        ({"invoked_before": "2026-11-23T10:00:00Z"}, "2026-11-23T10:00:01Z"),
        ({"invoked_before": "2026-11-23T11:00:00.75+01:00"}, "2026-11-23T10:00:01Z"),
        ({"invoked_after": "0001-01-01"}, None),
        ({"invoked_before": "9999-12-31T23:59:59.5Z"}, None),
    ],
    ids=str,
)
def test_times_are_sent_in_whole_seconds_and_a_little_wider(options: dict[str, Any], sent: str | None) -> None:
    with LocalAWS(world(SESSIONS)) as aws:
        list_sessions(aws, **options)
        assert [one["value"] for one in aws.calls()[0].params.get("Filters", [])] == ([sent] if sent else [])


def test_more_filters_than_one_call_takes() -> None:
    every: dict[str, Any] = {
        "session_id": "c",
        "target": OTHER_NODE,
        "owner": MARY,
        "status": "Connected",
        "access_type": "JustInTime",
        "invoked_after": "2026-11-20",
        "invoked_before": "2026-11-23",
    }
    with LocalAWS(world(SESSIONS)) as aws:
        assert ids(list_sessions(aws, **every)) == ["c"]
        assert ids(list_sessions(aws, **{**every, "invoked_before": "2026-11-22"})) == []


def test_an_owner_is_found_with_and_without_its_prefix() -> None:
    with LocalAWS(world(SESSIONS, switches={"session_owner": "without_prefix"})) as aws:
        assert list_sessions(aws, owner=JANE)["sessions"][0]["owner"] == JANE.removeprefix("arn:")
        assert ids(list_sessions(aws, owner="jane")) == ["a"]


@pytest.mark.parametrize(
    ("shown", "asked", "same"),
    [
        (DOCUMENT, "Team-Shell", True),
        (DOCUMENT, DOCUMENT, True),
        (DOCUMENT, DOCUMENT.replace("123456789012", "210987654321"), False),
        ("Team-Shell", DOCUMENT, True),
        ("Team-Shell", "Shell", False),
        (None, "Team-Shell", False),
    ],
)
def test_documents_by_name_and_by_arn(shown: str | None, asked: str, same: bool) -> None:
    given = {"op": "DescribeSessions", "do": {"set": {"Sessions.0.DocumentName": shown}}}
    with LocalAWS(world([opened("a")], faults=[given])) as aws:
        assert ids(list_sessions(aws, document_name=asked)) == ["a"] * same


# --- pages ----------------------------------------------------------------------------------------------------------


def test_every_page_is_read_and_none_that_is_not_needed() -> None:
    with LocalAWS(world(450)) as aws:
        assert len(list_sessions(aws)["sessions"]) == 450
        assert len(aws.calls("DescribeSessions")) == 3
        position = aws.position
        assert ids(list_sessions(aws, max_items=5)) == [f"s-{number}" for number in range(1, 6)]
        assert len(aws.calls("DescribeSessions", since=position)) == 1


def test_pages_are_cut_before_the_filter_so_that_empty_ones_are_no_end() -> None:
    with LocalAWS(world(450)) as aws:
        assert ids(list_sessions(aws, session_id="s-449")) == ["s-449"]
        assert ids(list_sessions(aws, older_than="448h")) == ["s-449", "s-450"]


@pytest.mark.parametrize("page", [1, 2, 3])
def test_an_empty_page_with_a_token_is_no_end(page: int) -> None:
    empty = {"op": "DescribeSessions", "page": page, "do": {"page": "empty"}}
    with LocalAWS(world(450, faults=[empty])) as aws:
        assert len(list_sessions(aws)["sessions"]) == 450
        assert len(aws.calls("DescribeSessions")) == 4


@pytest.mark.parametrize(
    "do",
    [
        {"raw": "{}", "status": 200},
        {"raw": "<html>", "status": 200},
        {"raw": "[]", "status": 200},
        {"raw": '{"Sessions": [{}]}', "status": 200},
        {"truncate": True},
        {"drop": "before"},
        {"error": "ExpiredTokenException"},
        {"error": "InternalServerError", "status": 500},
        {"page": "repeat"},
    ],
    ids=str,
)
@pytest.mark.parametrize("page", [1, 2])
def test_a_listing_that_breaks_is_an_error_and_nothing_is_ended(do: dict[str, Any], page: int) -> None:
    if do.get("page") and page == 1:
        page = 2  # only later pages have a token to repeat
    fault = {"op": "DescribeSessions", "page": page, "times": "always", "do": do}
    with LocalAWS(world(450, faults=[fault]), strict=False) as aws:
        tasks: list[tuple[Runner, dict[str, Any]]] = [
            (terminate_sessions, {"older_than": "0s", "max_sessions": 1000}),
            (list_sessions, {}),
        ]
        for task, options in tasks:
            with pytest.raises(SSMError, match="Could not list the sessions in state Active") as caught:
                task(aws, **options)
            assert "\n" not in str(caught.value)
        assert aws.writes() == []


def test_a_page_of_the_second_listing_that_is_lost_is_an_error_too() -> None:
    fault = {"op": "DescribeSessions", "match": {"State": "History"}, "do": {"drop": "before"}}
    with LocalAWS(world(2, faults=[fault])) as aws:
        with pytest.raises(SSMError, match="Could not list the sessions in state History"):
            list_sessions(aws, state="all")


# --- both states ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reads", [0, 1, 2])
@pytest.mark.parametrize("where", ["Active", "History"])
def test_a_session_that_ends_between_the_two_listings_is_neither_lost_nor_doubled(reads: int, where: str) -> None:
    ending = opened("ending", status="Terminating", reads=reads)
    with LocalAWS(world([ending, opened("open")], switches={"terminating_in": where})) as aws:
        found = list_sessions(aws, state="all")["sessions"]
        assert [session["session_id"] for session in found] == ["ending", "open"]
        # With one read left, both listings return the session, and the later listing counts.
        assert found[0]["status"] == ("Terminating" if reads == 2 else "Terminated")


@settings(max_examples=30)
@given(
    ages=st.lists(st.integers(0, 12), max_size=12),
    statuses=st.lists(st.sampled_from(["Connected", "Terminating", "Terminated"]), min_size=12, max_size=12),
    size=st.integers(1, 5),
    most=st.none() | st.integers(1, 12),
    order=st.sampled_from(["newest", "oldest"]),
)
def test_both_states_in_order_and_each_session_once(
    ages: list[int], statuses: list[str], size: int, most: int | None, order: str
) -> None:
    sessions = [
        opened(f"s-{number:02}", started=f"{age}h", status=statuses[number], reads=number % 3 if age % 2 else 0)
        for number, age in enumerate(ages)
    ]
    described = world(sessions, limits={"page_size": size}, switches={"session_order": order})
    with LocalAWS(described) as aws:
        found = list_sessions(aws, state="all", max_items=most)["sessions"]
    keys = [(session["start_date"], session["session_id"]) for session in found]
    assert keys == sorted(sorted(keys, key=lambda key: key[1]), key=lambda key: key[0], reverse=True)
    assert len({session["session_id"] for session in found}) == len(found) == min(most or 99, len(sessions))


def test_one_session_is_looked_for_in_as_few_calls_as_it_takes() -> None:
    with LocalAWS(world([opened("open"), *SESSIONS[3:]])) as aws:
        for session_id, calls in {
            "open": ["Active"],
            "d": ["Active", "History"],
            "none": ["Active", "History"],
        }.items():
            position = aws.position
            list_sessions(aws, state="all", session_id=session_id)
            assert [call.params["State"] for call in aws.calls(since=position)] == calls


def test_max_items_that_the_active_sessions_fill_asks_for_no_past_ones() -> None:
    with LocalAWS(world(SESSIONS)) as aws:
        assert ids(list_sessions(aws, state="all", max_items=3)) == ["a", "b", "c"]
        assert len(aws.calls()) == 1
        assert ids(list_sessions(aws, state="all", max_items=4)) == ["a", "b", "c", "d"]


def test_ties_are_in_the_order_of_their_ids() -> None:
    with LocalAWS(world([opened(name, started="1h") for name in ("b", "c", "a")])) as aws:
        assert ids(list_sessions(aws)) == ["a", "b", "c"]


# --- sessions as AWS returns them -----------------------------------------------------------------------------------


def test_a_status_that_no_model_has_comes_through_as_it_is() -> None:
    given = {"op": "DescribeSessions", "do": {"set": {"Sessions.0.Status": "Hibernated"}}}
    with LocalAWS(world(1, faults=[given])) as aws:
        assert list_sessions(aws)["sessions"][0]["status"] == "Hibernated"


def test_members_that_aws_leaves_out_are_left_out() -> None:
    bare = {"op": "DescribeSessions", "times": "always", "do": {"raw": '{"Sessions": [{"SessionId": "a"}]}'}}
    with LocalAWS(world([], faults=[bare])) as aws:
        assert list_sessions(aws)["sessions"] == [{"session_id": "a"}]
        assert ids(list_sessions(aws, access_type="Standard")) == ["a"]
        # The start of this session is not known.
        times: list[dict[str, Any]] = [{"older_than": "0s"}, {"invoked_after": "2000-01-01"}, {"invoked_before": "0s"}]
        others: list[dict[str, Any]] = [{"owner": JANE}, {"target": NODE}, {"status": "Connected"}]
        for options in (*times, *others, {"access_type": "JustInTime"}):
            assert ids(list_sessions(aws, **options)) == []


@pytest.mark.parametrize(("given", "shown"), [({}, None), ({"S3OutputUrl": "s3://b/k"}, {"s3_output_url": "s3://b/k"})])
def test_an_output_url_with_nothing_in_it_is_left_out(given: dict[str, str], shown: dict[str, str] | None) -> None:
    with LocalAWS(world(1)) as aws:
        aws.add_fault(op="DescribeSessions", do={"set": {"Sessions.0.OutputUrl": given}})
        assert list_sessions(aws)["sessions"][0].get("output_url") == shown


def test_any_other_member_is_kept_though_it_is_empty() -> None:
    given = {"op": "DescribeSessions", "do": {"set": {"Sessions.0.Details": ""}}}
    with LocalAWS(world(1, faults=[given])) as aws:
        assert list_sessions(aws)["sessions"][0]["details"] == ""


def test_the_clock_is_that_of_aws() -> None:
    # The world's clock stands still, years before the controller's.
    with LocalAWS(world([opened("a", started="2h")], clock="2021-05-05T05:05:05Z")) as aws:
        assert ids(list_sessions(aws, invoked_after="2h")) == ["a"]
        assert ids(list_sessions(aws, older_than="119m")) == ["a"]
        assert ids(list_sessions(aws, older_than="2h")) == []
        assert list_sessions(aws)["listed_at"] == "2021-05-05T05:05:05Z"


def test_the_clock_is_that_of_the_first_page() -> None:
    with LocalAWS(world(4, limits={"page_size": 2})) as aws:

        def later(**unused: Any) -> None:
            aws.world.clock.advance(datetime.timedelta(hours=1))

        client = aws.client("ssm")
        client.meta.events.register("after-call.ssm.DescribeSessions", later)
        found = list_sessions.with_client(client, older_than="3h30m")
        assert len(aws.calls()) == 2
        assert (ids(found), found["listed_at"]) == (["s-4"], "2026-11-23T12:00:00Z")


# --- bad input ------------------------------------------------------------------------------------------------------

PAST = ("Terminated", "Failed")
NO_OWNERS = (
    "b*",
    "bob smith",
    "arn:aws:iam::123456789012:role/Admin",
    "arn:aws:sts::123456789012:assumed-role/Admin",
    "arn:aws:ec2:us-east-1:123456789012:instance/i-0a1b2c3d",
)
NO_DOCUMENTS = ("a b", "ab", "x" * 129, "arn:aws:ssm:us-east-1:123456789012:parameter/Team", "file.json/x")
# Combinations of times that no session can match.
NEVER: list[tuple[str, dict[str, Any], str]] = [
    ("2026-11-23", {"invoked_before": "2026-11-22"}, "earlier than invoked_before"),
    ("2026-11-23", {"invoked_before": "2026-11-23T01:00:00+01:00"}, "earlier than invoked_before"),
    ("1h", {"invoked_before": "2h"}, "longer than invoked_before"),
    ("2h", {"invoked_before": "2h ago"}, "longer than invoked_before"),
    ("1h", {"older_than": "61m"}, "longer than older_than"),
]

EMPTY = ["session_id", "target", "owner", "status", "access_type", "document_name"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        *(({option: text}, f"{option} is empty. Set a value") for option in EMPTY for text in ("", "  ")),
        ({"older_than": ""}, "older_than: '' is not a duration"),
        ({"invoked_after": ""}, "invoked_after: '' is not a time"),
        ({"invoked_before": "tomorrow"}, "invoked_before: 'tomorrow' is not a time"),
        ({"owner": "x" * 401}, "owner has 401 characters; the maximum is 400"),
        ({"session_id": NODE}, f"^session_id: '{NODE}' is the ID of a target, not of a session. .* use target"),
        ({"session_id": "arn:aws:ssm:us-east-1:123456789012:session/a"}, "is an ARN. Use the ID in the ARN: a"),
        ({"session_id": "a" * 97}, "session_id: .* is not a session ID"),
        ({"target": "jane-0a1b2c3d4e5f6a7b8"}, "is not a target ID; expected i-.* This looks like a session ID"),
        ({"target": "web-1"}, "^target: 'web-1' is not a target ID; expected i-..., mi-..., ecs:CLUSTER_TASK_RUNT"),
        *(
            ({"owner": text}, f"^owner: '{re.escape(text)}' is not the owner of a session; expected the ARN")
            for text in NO_OWNERS
        ),
        *(({"document_name": text}, "^document_name: .* is not a document") for text in NO_DOCUMENTS),
        *(
            ({"status": text}, f"^status is {text} and state is active: .* Set state to history or all.$")
            for text in PAST
        ),
        *(
            (
                {"status": text, "state": "history"},
                f"^status is {text} and state is history: .* state to active or all.",
            )
            for text in ("Connected", "Connecting", "Disconnected")
        ),
        *(
            (
                {"invoked_after": after, **more},
                f"^invoked_after is {after} and .* match both, because invoked_after must be {rule}.$",
            )
            for after, more, rule in NEVER
        ),
        ({"max_items": 0}, "max_items: 0 is out of range; expected at least 1"),
        ({"max_items": -3}, "max_items: -3 is out of range; expected at least 1"),
    ],
)
def test_bad_input_is_refused_before_any_call(options: dict[str, Any], sentence: str) -> None:
    with LocalAWS(world(1)) as aws:
        with pytest.raises(SSMError, match=sentence):
            list_sessions(aws, **options)
        assert aws.calls() == []


ACCOUNT_LESS = "arn:aws:ssm:us-east-1::document/AWS-StartSSHSession"
ECS = "ecs:my_shop_0123456789abcdef0123456789abcdef_0123456789abcdef0123456789abcdef-0265927825"


@pytest.mark.parametrize(
    "options",
    [
        {"session_id": "x" * 96},
        *({"target": target} for target in (OTHER_NODE, "i-0a1b2c3d", ECS)),
        {"target": "sagemaker-cluster:aa11bbbbb222_controller-group-i-111222333444555aa"},
        {"owner": "x" * 400},
        *(
            {"owner": f"arn:aws-cn:iam::123456789012:{kind}"}
            for kind in ("root", "user/division/bob", "federated-user/x")
        ),
        *({"document_name": name} for name in ("x" * 128, "a.b", ACCOUNT_LESS)),
        *({"status": "Terminating", "state": state} for state in ("active", "history", "all")),
        *({"status": status, "state": "all"} for status in ("Failed", "Connected")),
        # These can match later, or on another clock.
        {"invoked_after": "2026-11-24T11:59:59Z"},
        {"invoked_after": "2026-11-20", "older_than": "30d"},
        {"invoked_after": "2h", "invoked_before": "2020-01-01"},
    ],
    ids=str,
)
def test_what_can_match_is_asked_for(options: dict[str, Any]) -> None:
    with LocalAWS(world([])) as aws:
        assert ids(list_sessions(aws, **options)) == []
        assert aws.calls()


def test_a_start_that_is_still_to_come_is_an_error_by_the_clock_of_aws() -> None:
    with LocalAWS(world(SESSIONS)) as aws:
        with pytest.raises(
            SSMError, match="is 2026-11-24T12:00:01Z, which is in the future: AWS's clock shows 2026-11-23T12:00:00Z"
        ):
            list_sessions(aws, invoked_after="2026-11-24T12:00:01Z")
        with pytest.raises(SSMError, match="No session can match"):
            list_sessions(aws, invoked_after="9999-12-31")


def test_a_filter_that_the_installed_botocore_is_too_old_for() -> None:
    model = copy.deepcopy(botocore.loaders.Loader().load_service_model("ssm", "service-2"))
    model["shapes"]["SessionFilterKey"]["enum"].remove("AccessType")
    with LocalAWS(world(SESSIONS)) as aws:
        real = aws.client("ssm")
        mapping = real.meta.method_to_api_mapping
        meta = SimpleNamespace(service_model=ServiceModel(model, "ssm"), method_to_api_mapping=mapping)
        client = SimpleNamespace(meta=meta, describe_sessions=real.describe_sessions)

        def listed(**options: Any) -> list[str]:
            return ids(list_sessions.with_client(client, **options))

        with pytest.raises(SSMError, match=r"^access_type requires botocore 1\.39\.0 or newer; the installed version"):
            listed(access_type="Standard")
        assert aws.calls() == []
        assert listed(target=NODE) == ["a", "b"]
