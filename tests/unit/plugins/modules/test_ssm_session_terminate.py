# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test ssm_session_terminate: which sessions it ends, which it spares, and what it reports about each."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from ansible_collections.sessionops.aws.plugins.module_utils._ssm import option_time
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.clients import client_config
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.errors import SSMError
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.sessions import listing as session_listing
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.sessions import termination

from emulator.testing import LocalAWS
from unit.support.session_stage import (
    NODE,
    ids,
    list_sessions,
    opened,
    still_open,
    terminate_sessions,
    without_waiting,
    world,
)

JANE = "arn:aws:iam::123456789012:user/jane"
LAB = "mi-0a1b2c3d4e5f60001"
AGED: dict[str, Any] = {"older_than": "30m"}
# Lists and mappings that became one string, and other strings that are not session IDs.
NO_IDS = ("a b", "a\nb", "{'session_id': 'a'}", "a;b", "a*", "arn:aws:ssm:us-east-1:123456789012:document/a")
JANES = "jane-0a1b2c3d4e5f6a7b8"
UNCERTAIN = "It is not known whether the session has ended."


@pytest.mark.parametrize("ended", ["ValidationException", "ok"])
@pytest.mark.parametrize("unknown", ["DoesNotExistException", "echo"])
def test_an_ended_session_is_no_error_whatever_aws_answers(ended: str, unknown: str) -> None:
    with LocalAWS(world(2, switches={"terminate_ended": ended, "terminate_unknown": unknown})) as aws:
        assert ids(terminate_sessions(aws, session_ids=["s-1"], wait_delay=0), "terminated") == ["s-1"]
        position = aws.position
        again = terminate_sessions(aws, session_ids=["s-1", "s-9"], wait_delay=0)
        assert (again["changed"], again["terminated"], again["already_ended"]) == (False, [], [])
        assert again["not_active"] == ["s-1", "s-9"]
        assert again["warnings"] == [
            "2 sessions to end are not active: s-1, s-9. They have ended, or their IDs are wrong. Use missing=fail "
            "to find out which."
        ]
        assert aws.writes(since=position) == []


@pytest.mark.parametrize(
    ("code", "status", "ended_by_the_call"),
    [
        ("ValidationException", 400, False),
        ("DoesNotExistException", 400, False),
        ("ValidationException", 500, False),
        ("AccessDeniedException", 400, False),
        ("InternalServerError", 500, True),
    ],
)
def test_a_session_that_has_ended_though_the_call_failed(code: str, status: int, ended_by_the_call: bool) -> None:
    fault = {"op": "TerminateSession", "do": {"error": code, "status": status, "commit": True}}
    with LocalAWS(world(1, faults=[fault], limits={"session_terminating_reads": 0})) as aws:
        done = terminate_sessions(aws, session_ids=["s-1"])
        assert (done["changed"], "failed" in done) == (ended_by_the_call, False)
        assert (ids(done, "terminated"), done["already_ended"]) == (
            (["s-1"], []) if ended_by_the_call else ([], ["s-1"])
        )


def test_a_session_that_ends_just_before_and_that_aws_ends_again() -> None:
    ending = opened("s-1", status="Terminating", reads=1)
    with LocalAWS(world([ending], switches={"terminate_ended": "ok"})) as aws:
        done = terminate_sessions(aws, session_ids=["s-1"])
        assert (done["changed"], done["already_ended"], aws.writes()) == (False, ["s-1"], [])


def test_a_refusal_for_a_session_that_is_open_still_is_a_failure() -> None:
    fault = {"op": "TerminateSession", "do": {"error": "ValidationException", "message": "No."}}
    with LocalAWS(world(1, faults=[fault])) as aws:
        done = terminate_sessions(aws, session_ids=["s-1"])
        assert (done["failed"], done["changed"]) == (True, False)
        assert done["failures"] == [
            {
                "session_id": "s-1",
                "reason": "Could not end session s-1: ValidationException: No. It is still active.",
            }
        ]


def test_many_refusals_are_looked_into_with_one_listing() -> None:
    fault = {"op": "TerminateSession", "times": 5, "do": {"error": "ValidationException", "commit": True}}
    with LocalAWS(world(5, faults=[fault], limits={"session_terminating_reads": 0})) as aws:
        assert len(terminate_sessions(aws, target=NODE)["already_ended"]) == 5
        assert len(aws.calls("DescribeSessions")) == 2


def test_one_that_may_not_be_ended_does_not_keep_the_others() -> None:
    sessions = [opened(f"s-{number}", started=f"{number}h") for number in (1, 2, 3)]
    sessions[1]["terminate"] = "AccessDeniedException"
    with LocalAWS(world(sessions)) as aws:
        done = terminate_sessions(aws, target=NODE, wait_delay=0)
        assert (done["failed"], done["changed"]) == (True, True)
        assert (ids(done, "terminated"), ids(done, "failures")) == (["s-1", "s-3"], ["s-2"])
        assert done["diff"] == {"before": "s-1\ns-2\ns-3\n", "after": "s-2\n"}
        assert done["msg"].startswith("1 of 3 sessions could not be ended. Could not end session s-2: AccessDenied")
        for usual in ("session/${aws:username}-*", "session/${aws:userid}-*", "aws:ssmmessages:session-id"):
            assert usual in done["msg"]
        assert "\n" not in done["msg"]
        assert "still active" not in done["msg"], "that goes without saying"
        assert ids(list_sessions(aws)) == ["s-2"]


def test_what_became_of_a_session_is_not_known_when_the_list_cannot_be_read_either() -> None:
    faults = [
        {"op": "TerminateSession", "match": {"SessionId": "s-2"}, "do": {"error": "AccessDeniedException"}},
        {
            "op": "DescribeSessions",
            "after": 1,
            "times": "always",
            "do": {"error": "InternalServerError", "status": 500},
        },
    ]
    with LocalAWS(world(2, faults=faults)) as aws, without_waiting():
        done = terminate_sessions(aws, target=NODE, wait_timeout=5)
        assert (done["failed"], done["changed"], done["already_ended"]) == (True, True, [])
        assert ids(done, "terminated") == ["s-1"]
        reasons = {failure["session_id"]: failure["reason"] for failure in done["failures"]}
        assert reasons["s-2"].startswith("Could not end session s-2: AccessDeniedException. ")
        assert f" {UNCERTAIN} Could not list the sessions in state Active: " in reasons["s-2"]
        assert reasons["s-2"].endswith(" Run the task again.")
        assert reasons["s-1"].startswith("The state of session s-1 could not be checked after the request to end it. ")
        assert done["msg"] == (
            f"1 of 2 sessions could not be ended. {reasons['s-2']} "
            f"1 of 2 sessions may still be active after the request to end it. {reasons['s-1']}"
        )
        assert done["diff"] == {"before": "s-1\ns-2\n", "after": "s-1\ns-2\n"}


@pytest.mark.parametrize("way", ["applied", "ignored"])
@pytest.mark.parametrize(
    ("wanted", "pages"), [(["s-2", "s-1"], 1), (["s-1", "s-4"], 2), (["s-5", "s-1"], 3), (["s-5"], 3)], ids=str
)
def test_sessions_are_found_on_any_page_and_no_page_is_read_after_that(wanted: list[str], pages: int, way: str) -> None:
    with LocalAWS(world(8, limits={"page_size": 2}, switches={"session_filters": way})) as aws:
        done = terminate_sessions(aws, session_ids=wanted, wait=False)
        assert (ids(done, "terminated"), done["already_ended"]) == (wanted, [])
        assert len(aws.calls("DescribeSessions")) == pages


def test_check_mode_lists_what_a_run_ends() -> None:
    with LocalAWS(world(5)) as aws:
        planned = terminate_sessions(aws, older_than="2h", check_mode=True)
        assert aws.writes() == []
        done = terminate_sessions(aws, older_than="2h", wait_delay=0)
        assert planned == done
        assert ids(done, "terminated") == ["s-3", "s-4", "s-5"]


@pytest.mark.parametrize("session_id", ["AROAEXAMPLEID:jane-0a1b", "j\u00f6rg@example.com-0a1b", "o'neil,j-0a1b"])
def test_what_aws_lists_can_be_ended_and_spared(session_id: str) -> None:
    with LocalAWS(world([opened(session_id), opened("other")])) as aws:
        assert ids(terminate_sessions(aws, target=NODE, exclude_session_ids=[session_id]), "terminated") == ["other"]
        assert ids(terminate_sessions(aws, session_ids=[session_id]), "terminated") == [session_id]


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("selected", [{"target": NODE}, {"session_ids": [JANES, "bob-00000000000000001"]}], ids=str)
@pytest.mark.parametrize(
    "slip",
    [
        "jane-0a1b2c3d4e5f6a7b",  # one character too short
        "Jane-0A1B2C3D4E5F6A7B8",
        "jane-0a1b2c3d4e5f6a7b9",
        "mary-x,jane-0a1b2c3d4e5f6a7b9",
    ],
)
def test_an_exclusion_with_a_slip_ends_no_session(slip: str, selected: dict[str, Any], check_mode: bool) -> None:
    sessions = [opened(JANES), opened("bob-00000000000000001")]
    with LocalAWS(world(sessions)) as aws:
        with pytest.raises(
            SSMError,
            match=rf"^No session was ended\. The entry .* of exclude_session_ids resembles {JANES}, which is the ID",
        ):
            terminate_sessions(aws, **selected, exclude_session_ids=[slip], check_mode=check_mode)
        assert aws.writes() == []


def test_the_name_that_an_id_begins_with_excludes_nothing_and_is_refused() -> None:
    with LocalAWS(world([opened("mary-ann-0a1b2c3d4e5f6a7b8"), opened("mary-0a1b2c3d4e5f6a7b7")])) as aws:
        with pytest.raises(
            SSMError,
            match="The entry 'mary-ann' of exclude_session_ids resembles mary-ann-0a1b2c3d4e5f6a7b8, which is the",
        ):
            terminate_sessions(aws, target=NODE, exclude_session_ids=["mary-ann"])
        assert aws.writes() == []


def test_an_exclusion_of_another_session_is_no_slip() -> None:
    sessions = [opened(JANES), opened("jane-8b7a6f5e4d3c2b1a0", target=LAB)]
    with LocalAWS(world(sessions)) as aws:
        done = terminate_sessions(
            aws, target=NODE, exclude_session_ids=["jane-8b7a6f5e4d3c2b1a0", "bob-0a1b2c3d4e5f6a7b8"]
        )
        assert (ids(done, "terminated"), "warnings" in done) == ([JANES], False)


@pytest.mark.parametrize(("excluded", "besides"), [([], ""), (["s-1"], " besides those excluded")])
def test_a_selection_that_matches_nothing_says_so(excluded: list[str], besides: str) -> None:
    with LocalAWS(world([opened("s-1", target=LAB)] if not excluded else 1)) as aws:
        done = terminate_sessions(aws, target=NODE, exclude_session_ids=excluded)
        assert done["msg"] == f"The selection matches no active session{besides}."
        assert (done["changed"], done["terminated"], aws.writes()) == (False, [], [])


@pytest.mark.parametrize("way", ["applied", "ignored"])
@pytest.mark.parametrize(
    ("options", "ended"),
    [
        ({"target": LAB}, "a"),
        ({"owner": JANE}, "b"),
        ({"status": "Disconnected"}, "c"),
        ({"document_name": "Team-Shell"}, "d"),
        ({"older_than": "2d"}, "e"),
        ({"older_than": "30m", "target": NODE}, "bcde"),
        ({"older_than": "30m", "exclude_session_ids": ["s-a", "s-e", "s-e"]}, "bcd"),
        ({"session_ids": ["s-e", "s-a", "s-e"], "exclude_session_ids": ["s-a"]}, "e"),
        ({"session_ids": [" ", "s-e", ""]}, "e"),
        # Ansible splits "a, e " at its commas like this.
        ({"session_ids": ["s-a", " s-e "]}, "ae"),
        ({"older_than": "30m", "exclude_session_ids": ["s-a", " s-e\n"]}, "bcd"),
        ({"older_than": "30m", "exclude_session_ids": ["s-a,s-e", "s-b,s-c"]}, "d"),
        ({"session_ids": ["s-a", "s-e"], "exclude_session_ids": ["s-d,s-e"]}, "a"),
        ({"target": f" {LAB} "}, "a"),
        ({"owner": f"{JANE}\n"}, "b"),
        ({"document_name": " Team-Shell"}, "d"),
        ({"owner": "jane"}, "b"),
    ],
    ids=str,
)
def test_what_is_selected_is_ended_and_nothing_else(options: dict[str, Any], ended: str, way: str) -> None:
    listed = [
        opened("s-a", target=LAB, owner="mary"),
        opened("s-b"),
        opened("s-c", owner="mary", status="Disconnected"),
        opened("s-d", owner="mary", document_name="Team-Shell"),
        opened("s-e", owner="mary", started="3d"),
        opened("gone", owner="jane", status="Terminated"),
    ]
    with LocalAWS(world(listed, switches={"session_filters": way})) as aws:
        planned = terminate_sessions(aws, **options, check_mode=True)
        done = terminate_sessions(aws, **options, wait_delay=0)
        assert set(ids(done, "terminated")) == {f"s-{letter}" for letter in ended}
        assert planned == done
        assert still_open(aws) == {f"s-{letter}" for letter in "abcde" if letter not in ended}


def test_a_name_that_several_owners_have_ends_no_session() -> None:
    role = "arn:aws:sts::123456789012:assumed-role/Admin/jane"
    listing = [opened("user"), opened("jane-role", owner=role), opened("other", owner="mary")]
    with LocalAWS(world(listing)) as aws:
        for check_mode in (True, False):
            with pytest.raises(
                SSMError, match=f"'jane' matches 2 owners \\({JANE}, {role}\\). No session was ended. Set owner"
            ):
                terminate_sessions(aws, owner="jane", check_mode=check_mode)
        assert aws.writes() == []
        assert ids(terminate_sessions(aws, owner="jane", exclude_session_ids=["jane-role"]), "terminated") == ["user"]
        assert ids(terminate_sessions(aws, owner="Admin/jane"), "terminated") == ["jane-role"]


@pytest.mark.parametrize("limit", [0, 1, 10])
def test_a_selection_that_is_too_large_ends_nothing_and_is_shown(limit: int) -> None:
    with LocalAWS(world(12)) as aws:
        for check_mode in (True, False):
            done = terminate_sessions(
                aws, target=NODE, exclude_session_ids=["s-1"], max_sessions=limit, check_mode=check_mode
            )
            assert (done["failed"], done["changed"], done["terminated"]) == (True, False, [])
            assert done["msg"] == (
                f"The selection matches 11 sessions, but max_sessions is {limit}. No session was ended. "
                "Narrow the selection or raise max_sessions to at least 11."
            )
            assert ids(done, "selected") == [f"s-{number}" for number in range(2, 13)]
            assert done["selected"][0]["owner"] == JANE
        assert aws.writes() == []
        assert (
            len(
                terminate_sessions(aws, target=NODE, exclude_session_ids=["s-1"], max_sessions=11, wait=False)[
                    "terminated"
                ]
            )
            == 11
        )


def test_the_limit_is_for_selections_only() -> None:
    with LocalAWS(world(3)) as aws:
        done = terminate_sessions(aws, session_ids=["s-1", "s-2", "s-3"], max_sessions=1, wait_delay=0)
        assert ids(done, "terminated") == ["s-1", "s-2", "s-3"]


@pytest.mark.parametrize("given", [[], [""], ["", "  "]])
def test_no_ids_are_nothing_to_do(given: list[str]) -> None:
    with LocalAWS(world(3)) as aws:
        done = terminate_sessions(aws, session_ids=given)
        assert (done["changed"], done["terminated"], done["already_ended"]) == (False, [], [])
        assert aws.calls() == []


def test_an_id_that_nobody_knows() -> None:
    listing = [opened("open"), *(opened(name, status="Terminated") for name in ("gone", "gone-too"))]
    with LocalAWS(world(listing)) as aws:
        with pytest.raises(SSMError, match=r"^No session was ended: AWS lists nobody, none neither .* missing=ok\.$"):
            terminate_sessions(aws, session_ids=["open", "nobody", "gone", "none"], missing="fail")
        assert aws.writes() == []
        assert len(aws.calls()) == 2  # one listing for each state, however many IDs are not active
        done = terminate_sessions(aws, session_ids=["open", "gone-too", "gone"], missing="fail", wait_delay=0)
        assert (ids(done, "terminated"), done["already_ended"]) == (["open"], ["gone-too", "gone"])


def test_what_is_not_active_is_not_looked_for_where_it_makes_no_difference() -> None:
    with LocalAWS(world(1)) as aws:
        assert terminate_sessions(aws, session_ids=["gone"])["not_active"] == ["gone"]
        assert [call.params["State"] for call in aws.calls()] == ["Active"]


# --- waiting --------------------------------------------------------------------------------------------------------


def test_waiting_for_the_end_of_a_session_that_stays() -> None:
    with LocalAWS(world(1, limits={"session_terminating_reads": 1000})) as aws:
        done = terminate_sessions(aws, session_ids=["s-1"], wait_timeout=0)
        assert (done["failed"], done["changed"], ids(done, "terminated")) == (True, True, ["s-1"])
        assert done["msg"] == (
            "1 of 1 session may still be active after the request to end it. Session s-1 is still active 0 seconds "
            "after the request to end it. Run the task again or raise wait_timeout."
        )
        assert done["diff"] == {"before": "s-1\n", "after": "s-1\n"}


def test_the_last_look_is_at_the_deadline() -> None:
    # The session is closed at the fourth poll. The polls are at 0, 4 and 8 seconds, and the last one at the timeout.
    for timeout, gone in ((8, False), (9, True)):
        with LocalAWS(world(1, limits={"session_terminating_reads": 3})) as aws, without_waiting() as pauses:
            done = terminate_sessions(aws, session_ids=["s-1"], wait_timeout=timeout, wait_delay=4)
        assert ("failed" not in done) is gone
        assert sum(pauses) == timeout


def test_the_last_look_begins_at_the_deadline_however_long_looks_take() -> None:
    now, begun = [0.0], []

    def look(client: Any, state: str, pending: Sequence[str]) -> dict[str, Any]:
        begun.append(now[0])
        now[0] += 7
        return {} if begun[-1] >= 10 else {"s-1": {"SessionId": "s-1", "Status": "Connected"}}

    with (
        mock.patch.object(
            termination,
            "time",
            SimpleNamespace(monotonic=lambda: now[0], sleep=lambda s: now.append(now.pop() + s)),
        ),
        mock.patch.object(session_listing, "find_by_id", look),
    ):
        assert termination.wait_until_closed(None, ["s-1"], 10, 1) == {}
    assert begun == [0, 8, 15]


@pytest.mark.parametrize("status", ["Terminated", "Failed"])
def test_a_session_that_is_listed_for_active_with_its_end_behind_it_is_gone(status: str) -> None:
    shown = {"op": "DescribeSessions", "after": 1, "do": {"set": {"Sessions.0.Status": status}}}
    with LocalAWS(world(1, faults=[shown], limits={"session_terminating_reads": 1000})) as aws, without_waiting():
        assert "failed" not in terminate_sessions(aws, session_ids=["s-1"])
        assert len(aws.calls("DescribeSessions")) == 2


def test_only_sessions_that_are_still_there_are_looked_for() -> None:
    with LocalAWS(world(2, limits={"session_terminating_reads": 3})) as aws, without_waiting():
        client = aws.client("ssm")
        terminate_sessions(aws, session_ids=["s-1"], wait=False)
        terminate_sessions(
            aws, session_ids=["s-2"], wait=False
        )  # lists once more, so that s-1 is closed one poll earlier
        position = aws.position
        assert termination.wait_until_closed(client, ["s-1", "s-2"], 60, 1) == {}
        looks = [call.params.get("Filters") for call in aws.calls(since=position)]
        assert looks == [None, None, None, [{"key": "SessionId", "value": "s-2"}]]


def test_a_look_that_fails_is_not_the_end_of_the_wait() -> None:
    fault = {"op": "DescribeSessions", "after": 1, "do": {"error": "InternalServerError", "status": 500}}
    with LocalAWS(world(1, faults=[fault])) as aws, without_waiting():
        assert "failed" not in terminate_sessions(aws, session_ids=["s-1"])


@pytest.mark.parametrize("code", ["AccessDeniedException", "ExpiredTokenException", "InternalServerError"])
def test_a_wait_that_fails_does_not_hide_what_was_ended(code: str) -> None:
    fault = {"op": "DescribeSessions", "after": 1, "times": "always", "do": {"error": code, "status": 500}}
    with LocalAWS(world(3, faults=[fault])) as aws, without_waiting() as pauses:
        done = terminate_sessions(aws, target=NODE, wait_timeout=5)
        assert (done["failed"], done["changed"]) == (True, True)
        assert ids(done, "terminated") == ["s-1", "s-2", "s-3"]
        assert (
            "The state of session s-1 could not be checked after the request to end it. Could not list the sessions"
            in done["msg"]
        )
        assert sum(pauses) == (5 if code == "InternalServerError" else 0), "a wait that is in vain"


def test_no_session_is_lost_when_aws_throttles() -> None:
    rates = {"TerminateSession": {"rate": 60, "burst": 5}, "DescribeSessions": {"rate": 20, "burst": 1}}
    with LocalAWS(world(60, throttle=rates)) as aws:
        client = aws.client("ssm", config=client_config())  # with the retries of the module's own client
        done = terminate_sessions.with_client(client, target=NODE, max_sessions=60)
        assert "failed" not in done
        assert (len(done["terminated"]), still_open(aws)) == (60, set())
        assert "ThrottlingException" in {call.outcome for call in aws.calls()}


# --- errors that end a task midway ----------------------------------------------------------------------------------


def test_a_token_that_expires_midway_does_not_hide_what_was_ended() -> None:
    count, good = 200, 7
    fault = {"op": "TerminateSession", "after": good, "times": "always", "do": {"error": "ExpiredTokenException"}}
    with LocalAWS(world(count, faults=[fault])) as aws:
        done = terminate_sessions(aws, target=NODE, max_sessions=count)
        ended, failed = set(ids(done, "terminated")), set(ids(done, "failures"))
        assert (done["failed"], done["changed"], len(ended)) == (True, True, good)
        assert still_open(aws) == failed
        assert not ended & failed
        assert len(ended | failed) == count
        assert done["msg"].startswith(
            f"{count - good} of {count} sessions could not be ended. The first reason: Could not end session"
        )
        assert done["msg"].endswith(" See failures for all reasons.")
        assert "ExpiredTokenException" in done["msg"]
        assert "because another call had failed" in done["failures"][-1]["reason"]
        assert UNCERTAIN not in done["msg"], "AWS has answered that call and no other"
        assert len(aws.writes()) < count, "calls in vain"
        assert len(aws.calls("DescribeSessions")) == 1, "a wait that is in vain"


def test_an_answer_that_is_lost_before_a_token_expires_is_not_taken_for_one() -> None:
    faults = [
        {"op": "TerminateSession", "do": {"drop": "after"}},
        {"op": "TerminateSession", "times": "always", "do": {"error": "ExpiredTokenException"}},
    ]
    with LocalAWS(world(1, faults=faults)) as aws:
        done = terminate_sessions.with_client(aws.client("ssm", config=client_config()), session_ids=["s-1"])
        assert still_open(aws) == set()
        assert done["failures"][0]["reason"].endswith(f" {UNCERTAIN} Run the task again.")


def test_a_system_that_starts_few_threads_ends_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    start = threading.Thread.start
    started: list[threading.Thread] = []

    def limited(thread: threading.Thread) -> None:
        if thread.name.startswith("ssm"):
            if len(started) == few:
                raise RuntimeError("can't start new thread")
            started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    for few in (0, 3):
        started.clear()
        with LocalAWS(world(8)) as aws:
            assert len(terminate_sessions(aws, target=NODE, wait_delay=0)["terminated"]) == 8
            assert len(started) == few


@pytest.mark.parametrize(
    "options",
    [
        {"session_ids": ["a" * 96]},
        {"owner": "a" * 400},
        {"target": NODE, "max_sessions": option_time.MOST},
        {"target": NODE, "wait_timeout": option_time.MOST, "wait_delay": option_time.MOST},
    ],
    ids=str,
)
def test_the_longest_and_the_most_that_an_option_takes(options: dict[str, Any]) -> None:
    with LocalAWS(world([])) as aws:
        assert "failed" not in terminate_sessions(aws, **options)
        assert len(aws.calls()) == 1


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        *(
            ({option: text}, f"{option} is empty")
            for option in ("target", "owner", "document_name")
            for text in ("", " ")
        ),
        ({"status": "", "target": NODE}, "status is empty"),
        ({"older_than": ""}, "older_than: '' is not a duration"),
        ({"older_than": "2h", "max_sessions": -1}, "max_sessions: -1 is out of range; expected 0 to 1000000000"),
        ({"older_than": "2h", "wait_timeout": -1}, "wait_timeout: -1 is out of range"),
        ({"older_than": "2h", "wait_delay": -0.5}, "wait_delay: -0.5 is out of range"),
        ({"older_than": "2h", "wait_delay": float("nan")}, "wait_delay: nan is out of range"),
        ({"older_than": "24"}, "older_than: '24' is not a duration"),
        ({}, "No sessions are selected. Set session_ids or at least one of target, owner"),
        ({"session_ids": ["a" * 97]}, r"^session_ids: 'a{60}\.\.\.' is not a session ID; expected"),
        *(
            ({**more, option: ["a", entry]}, f"^{option}: '{entry}' is the ID of a target, not of a session")
            for entry in (NODE, LAB)
            for option, more in (("session_ids", {}), ("exclude_session_ids", AGED))
        ),
        ({"target": "web-1"}, "^target: 'web-1' is not a target ID; expected i-"),
        ({"owner": "arn:aws:iam::123456789012:role/Admin"}, "^owner: .* is not the owner of a session"),
        *(({"session_ids": [entry]}, "^session_ids: .* is not a session ID; expected .* jane-0a") for entry in NO_IDS),
        *(
            ({**AGED, "exclude_session_ids": [entry]}, "^exclude_session_ids: .* is not a session ID")
            for entry in NO_IDS
        ),
        *(
            (
                {**AGED, "exclude_session_ids": ["s-1", entry]},
                "it would protect no session.*use owner or target to select",
            )
            for entry in ("", " ", "jane", "alice,bob", "jane@example.com")
        ),
        *(
            (
                {**more, option: [f"arn:aws:ssm:us-east-1:123456789012:session/{JANES}"]},
                f"Use the ID in the ARN: {JANES}",
            )
            for option, more in (("session_ids", {}), ("exclude_session_ids", AGED))
        ),
    ],
)
def test_bad_input_is_refused_before_any_call(options: dict[str, Any], sentence: str) -> None:
    with LocalAWS(world(3)) as aws:
        with pytest.raises(SSMError, match=sentence):
            terminate_sessions(aws, **options)
        assert aws.calls() == []
