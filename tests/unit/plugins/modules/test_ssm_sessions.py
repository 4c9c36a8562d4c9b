# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""ssm_session_info and ssm_session_terminate where AWS is not kind, or may be one way or another."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.errors import SSMError
from ansible_collections.sessionops.aws.plugins.modules import ssm_session_info, ssm_session_terminate
from running import Runner

from emulator.testing import LocalAWS

listing = Runner(ssm_session_info.ARGUMENT_SPEC, ssm_session_info.session_info)
terminate = Runner(ssm_session_terminate.ARGUMENT_SPEC, ssm_session_terminate.session_terminate)

NODE = "i-0a1b2c3d4e5f60001"


def world(count: int, *, faults: list[Any] | None = None, **settings: Any) -> dict[str, Any]:
    """A world with ``count`` open sessions, s-1 the newest."""
    sessions = [
        {"session_id": f"s-{number}", "target": NODE, "owner": "jane", "status": "Connected", "started": f"{number}h"}
        for number in range(1, count + 1)
    ]
    region = {"nodes": [{"id": NODE, "status": "connected"}], "sessions": sessions}
    return {"regions": {"us-east-1": region}, "faults": faults or [], **settings}


def ids(result: dict[str, Any], key: str = "sessions") -> list[str]:
    return [session["session_id"] for session in result[key]]


def test_every_page_is_read_and_none_that_is_not_needed() -> None:
    with LocalAWS(world(450)) as aws:
        assert len(listing(aws)["sessions"]) == 450
        assert len(aws.calls("DescribeSessions")) == 3
        position = aws.position
        assert ids(listing(aws, max_items=5)) == [f"s-{number}" for number in range(1, 6)]
        assert len(aws.calls("DescribeSessions", since=position)) == 1


def test_pages_are_cut_before_the_filter_so_that_empty_ones_are_no_end() -> None:
    with LocalAWS(world(450)) as aws:
        assert ids(listing(aws, session_id="s-449")) == ["s-449"]


@pytest.mark.parametrize(
    "do",
    [
        {"raw": "{}", "status": 200},
        {"raw": "<html>", "status": 200},
        {"raw": "[]", "status": 200},
        {"truncate": True},
        {"drop": "before"},
        {"error": "ExpiredTokenException"},
        {"page": "repeat"},
    ],
    ids=str,
)
@pytest.mark.parametrize("page", [1, 2])
def test_a_listing_that_breaks_is_an_error_and_nothing_is_ended(do: dict[str, Any], page: int) -> None:
    if do.get("page") and page == 1:
        page = 2  # only a later page has a token to repeat
    with LocalAWS(world(450, faults=[{"op": "DescribeSessions", "page": page, "do": do}]), strict=False) as aws:
        with pytest.raises(SSMError, match="Could not list the sessions") as caught:
            terminate(aws, older_than="0s", max_sessions=1000)
        assert "\n" not in str(caught.value)
        assert aws.writes() == []


@pytest.mark.parametrize("ended", ["ValidationException", "ok"])
@pytest.mark.parametrize("unknown", ["DoesNotExistException", "echo"])
def test_an_ended_session_is_no_error_whatever_aws_answers(ended: str, unknown: str) -> None:
    with LocalAWS(world(2, switches={"terminate_ended": ended, "terminate_unknown": unknown})) as aws:
        assert ids(terminate(aws, session_ids=["s-1"], wait_delay=0), "terminated") == ["s-1"]
        position = aws.position
        again = terminate(aws, session_ids=["s-1", "s-9"], wait_delay=0)
        assert (again["changed"], again["terminated"], again["already_ended"]) == (False, [], ["s-1", "s-9"])
        assert aws.writes(since=position) == []


@pytest.mark.parametrize("code", ["ValidationException", "DoesNotExistException"])
def test_a_session_that_ends_just_before_it_is_its_turn(code: str) -> None:
    fault = {"op": "TerminateSession", "do": {"error": code, "commit": True}}
    with LocalAWS(world(1, faults=[fault], limits={"session_terminating_reads": 0})) as aws:
        done = terminate(aws, session_ids=["s-1"])
        assert (done["changed"], done["already_ended"]) == (False, ["s-1"])


def test_a_refusal_for_a_session_that_is_open_still_is_a_failure() -> None:
    fault = {"op": "TerminateSession", "do": {"error": "ValidationException"}}
    with LocalAWS(world(1, faults=[fault])) as aws:
        done = terminate(aws, session_ids=["s-1"])
        assert done["failed"]
        assert ids(done, "failures") == ["s-1"]


def test_one_that_may_not_be_ended_does_not_keep_the_others() -> None:
    described = world(3)
    described["regions"]["us-east-1"]["sessions"][1]["terminate"] = "AccessDeniedException"
    with LocalAWS(described) as aws:
        done = terminate(aws, target=NODE, wait_delay=0)
        assert done["failed"]
        assert done["changed"]
        assert ids(done, "terminated") == ["s-1", "s-3"]
        assert ids(done, "failures") == ["s-2"]
        assert "1 of 3 sessions could not be ended" in done["msg"]
        assert ids(listing(aws)) == ["s-2"]


def test_check_mode_lists_what_a_run_ends() -> None:
    with LocalAWS(world(5)) as aws:
        planned = terminate(aws, older_than="2h", check_mode=True)
        assert aws.writes() == []
        done = terminate(aws, older_than="2h", wait_delay=0)
        assert planned["terminated"] == done["terminated"]
        assert ids(done, "terminated") == ["s-3", "s-4", "s-5"]


def test_a_selection_that_is_too_large_ends_nothing() -> None:
    with LocalAWS(world(11)) as aws:
        done = terminate(aws, target=NODE)
        assert done["failed"]
        assert len(done["selected"]) == 11
        assert aws.writes() == []


def test_waiting_for_the_end_of_a_session_that_stays() -> None:
    with LocalAWS(world(1, limits={"session_terminating_reads": 1000})) as aws:
        done = terminate(aws, session_ids=["s-1"], wait_timeout=0)
        assert done["failed"]
        assert "still active 0 seconds after" in done["msg"]


@pytest.mark.parametrize("work", [terminate, listing])
def test_an_empty_age_is_refused_and_does_not_mean_any_age(work: Runner) -> None:
    with LocalAWS(world(3)) as aws:
        with pytest.raises(SSMError, match="older_than is '', which is no duration"):
            work(aws, older_than="")
        assert aws.calls() == []
