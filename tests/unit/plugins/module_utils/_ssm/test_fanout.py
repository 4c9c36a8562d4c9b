# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test calls for many targets at once: their order, errors of single targets, and errors that end all calls."""

from __future__ import annotations

import threading

import pytest
from ansible_collections.sessionops.aws.plugins.module_utils._ssm import fanout
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.errors import SSMError
from botocore.exceptions import ClientError, NoCredentialsError
from hypothesis import given
from hypothesis import strategies as st


@given(st.lists(st.text(), max_size=60), st.integers(1, 64))
def test_one_outcome_for_each_target_in_order(targets: list[str], workers: int) -> None:
    outcomes = fanout.fan_out(str.upper, targets, workers)
    assert [outcome.target for outcome in outcomes] == targets
    assert [outcome.value for outcome in outcomes] == [target.upper() for target in targets]


@pytest.mark.parametrize(
    ("targets", "workers", "width"),
    [(0, 32, 1), (1, 32, 1), (5, 32, 5), (8, 32, 8), (20, 32, 8), (53, 32, 8), (54, 32, 9), (600, 32, 32), (600, 6, 6)],
)
def test_each_thread_has_a_handful_of_calls_to_make(targets: int, workers: int, width: int) -> None:
    assert fanout.thread_count(targets, workers) == width


def test_an_error_stays_with_its_target() -> None:
    denied = SSMError("no", ClientError({"Error": {"Code": "AccessDeniedException"}}, "GetConnectionStatus"))

    def call(target: str) -> str:
        if target == "b":
            raise denied
        return target

    outcomes = fanout.fan_out(call, ["a", "b", "c"])
    assert [(outcome.value, outcome.error) for outcome in outcomes] == [("a", None), (None, denied), ("c", None)]


def test_an_error_that_all_would_meet_is_raised_and_ends_it() -> None:
    made = []

    def call(target: str) -> str:
        made.append(target)
        raise SSMError("no credentials", NoCredentialsError())

    with pytest.raises(SSMError, match="no credentials"):
        fanout.fan_out(call, [str(number) for number in range(10_000)])
    assert len(made) <= fanout.DEFAULT_WORKERS  # only the calls in progress when the first one failed


def test_what_was_done_before_such_an_error_can_be_kept() -> None:
    expired = SSMError("expired", ClientError({"Error": {"Code": "ExpiredTokenException"}}, "TerminateSession"))

    def call(target: str) -> str:
        if target == "b":
            raise expired
        return target

    # One worker makes the order of the calls predictable.
    outcomes = fanout.fan_out_keeping_errors(call, ["a", "b", "c"], 1)
    assert [(outcome.value, outcome.error, outcome.attempted) for outcome in outcomes] == [
        ("a", None, True),
        (None, expired, True),
        (None, expired, False),
    ]


def test_a_defect_is_not_taken_for_an_answer() -> None:
    def call(target: str) -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fanout.fan_out(call, ["a"])


def test_calls_are_made_side_by_side() -> None:
    together = threading.Barrier(8, timeout=30)
    assert len(fanout.fan_out(lambda target: together.wait(), [str(number) for number in range(8)], 8)) == 8


@given(st.integers(0, 100_000), st.integers(1, 64))
def test_the_width_never_exceeds_what_was_asked_for(targets: int, workers: int) -> None:
    assert 1 <= fanout.thread_count(targets, workers) <= workers


def test_an_interrupt_begins_no_further_call() -> None:
    made: list[str] = []
    begun = threading.Event()

    def call(target: str) -> None:
        made.append(target)
        begun.set()
        if target == "0":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fanout.fan_out(call, [str(number) for number in range(10_000)], 4)
    assert begun.is_set()
    assert len(made) < 10_000


def test_what_is_kept_of_an_error_holds_no_frames() -> None:
    def call(target: str) -> None:
        reply = ClientError({"Error": {"Code": "ThrottlingException"}}, "GetConnectionStatus")
        try:
            raise reply
        except ClientError as error:
            raise SSMError("slower", error) from error

    outcome = fanout.fan_out(call, ["a"])[0]
    assert outcome.error is not None
    assert outcome.error.__traceback__ is None
    assert outcome.error.__cause__ is not None
    assert outcome.error.__cause__.__traceback__ is None
    assert outcome.error.code == "ThrottlingException"


def test_no_more_calls_are_under_way_than_there_are_threads() -> None:
    lock, now, most = threading.Lock(), [0], [0]

    def call(target: str) -> None:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        with lock:
            now[0] -= 1

    fanout.fan_out(call, [str(number) for number in range(5000)], 6)
    assert 1 <= most[0] <= 6
