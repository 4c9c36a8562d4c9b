# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test the wait for targets: which are polled, when they are polled again, and what ends the wait."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.errors import SSMError
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.nodes import wait
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.nodes.connection_status import Readiness
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.nodes.wait import Clock, Tally, Wait, WaitResult
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

DENIED = SSMError("You may not.", ClientError({"Error": {"Code": "AccessDeniedException"}}, "GetConnectionStatus"))
BROKEN = SSMError("It broke.", ClientError({"Error": {"Code": "InternalServerError"}}, "GetConnectionStatus"))
ERRORS = {"denied": DENIED, "broken": BROKEN}


class Scene:
    """Targets with a list of answers each, and a clock.

    Each poll takes the next answer; the last one repeats. Time passes only in pauses and, with ``look``, in polls.
    """

    def __init__(
        self, given: dict[str, list[str]] | None = None, *, look: float = 0, spread: float = 1, **answers: list[str]
    ) -> None:
        self.answers = given or answers
        self.asked: list[list[str]] = []
        self.asked_at: list[float] = []
        self.pauses: list[float] = []
        self.said: list[tuple[list[str], list[str], float]] = []
        self.summaries: list[str] = []
        self.now = 0.0
        self._look = look
        self._spread = spread

    def ask(self, targets: Sequence[str]) -> list[Readiness]:
        self.asked.append(list(targets))
        self.asked_at.append(self.now)
        self.now += self._look
        return [self._answer(target) for target in targets]

    def _answer(self, target: str) -> Readiness:
        left = self.answers[target]
        status = left.pop(0) if len(left) > 1 else left[0]
        if status in ERRORS:
            return Readiness(target, "unknown", str(ERRORS[status]), ERRORS[status])
        return Readiness(target, status)

    def _sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.pauses.append(seconds)
        self.now += seconds

    def wait(
        self, wanted: str = "connected", *, timeout: float = 60, delay: float = 5, consecutive: int = 1
    ) -> WaitResult:
        clock = Clock(lambda: self.now, self._sleep, lambda low, high: min(max(self._spread, low), high))
        given = Wait(wanted, timeout, delay, consecutive)
        return wait.wait(self.ask, list(self.answers), given, clock, self._pausing)

    def _pausing(self, account: Tally, left: float) -> None:
        self.said.append((account.targets, account.pending, left))
        self.summaries.append(account.summary())


def test_only_targets_that_are_not_there_yet_are_asked_again() -> None:
    scene = Scene(a=["connected"], b=["notconnected", "connected"], c=["unknown", "notconnected", "connected"])
    done = scene.wait()
    assert scene.asked == [["a", "b", "c"], ["b", "c"], ["c"]]
    assert done.late == []
    assert [(status.target, status.status) for status in done.statuses] == [(name, "connected") for name in "abc"]


def test_the_last_look_is_at_the_deadline_however_long_the_pauses_are() -> None:
    scene = Scene(a=["connected"], b=["notconnected"])
    done = scene.wait(timeout=12)
    assert scene.asked_at == [0, 5, 10, 12]
    assert done.late == ["b"]


@pytest.mark.parametrize("delay", [3, 4, 5, 500])
def test_what_became_true_in_the_last_pause_is_seen(delay: float) -> None:
    scene = Scene(a=["notconnected"])
    scene.answers["a"] = ["notconnected"] * (1 if delay > 4 else 2) + ["connected"]
    assert scene.wait(timeout=5, delay=delay).late == []
    assert scene.now <= 5


def test_a_look_that_takes_longer_than_the_time_is_finished_and_followed_by_one_more() -> None:
    scene = Scene(look=20, a=["notconnected", "connected"], b=["notconnected"])
    assert scene.wait(timeout=15).late == ["b"]
    assert scene.asked == [["a", "b"], ["a", "b"]]


def test_no_time_means_one_question() -> None:
    scene = Scene(a=["notconnected"])
    assert scene.wait(timeout=0).late == ["a"]
    assert len(scene.asked) == 1


@pytest.mark.parametrize("relapse", ["notconnected", "unknown", "denied", "broken"])
def test_consecutive_answers_start_again_after_any_other(relapse: str) -> None:
    scene = Scene(a=["connected", relapse, "connected", "connected"])
    assert scene.wait(consecutive=2).late == []
    assert len(scene.asked) == 4


def test_before_each_pause_it_is_told_who_is_pending_and_how_much_time_is_left() -> None:
    scene = Scene(a=["connected"], b=["notconnected"], c=["notconnected", "connected"])
    scene.wait(timeout=12)
    every = ["a", "b", "c"]
    assert scene.said == [(every, ["b", "c"], 12), (every, ["b"], 7), (every, ["b"], 2)]


@pytest.mark.parametrize(
    ("answers", "wanted", "consecutive", "said"),
    [
        ({"a": ["notconnected"]}, "connected", 1, "Waiting for 1 of 1 target to have the status connected"),
        ({"a": ["connected"]}, "notconnected", 1, "Waiting for 1 of 1 target to have the status notconnected"),
        (
            {"a": ["unknown"], "b": ["connected"]},
            "connected",
            1,
            "Waiting for 1 of 2 targets to have the status connected",
        ),
        (
            {"a": ["connected"]},
            "connected",
            3,
            "Waiting for 1 of 1 target to have the status connected 3 times in a row "
            "(1 has it, but not yet often enough)",
        ),
        (
            {"a": ["connected"], "b": ["connected"]},
            "connected",
            2,
            "Waiting for 2 of 2 targets to have the status connected 2 times in a row "
            "(2 have it, but not yet often enough)",
        ),
        (
            {"a": ["connected"], "b": ["denied"], "c": ["connected"]},
            "connected",
            2,
            "Waiting for 3 of 3 targets to have the status connected 2 times in a row "
            "(2 have it, but not yet often enough)",
        ),
        (
            {"a": ["notconnected"], "b": ["connected"]},
            "notconnected",
            2,
            "Waiting for 2 of 2 targets to have the status notconnected 2 times in a row "
            "(1 has it, but not yet often enough)",
        ),
        (
            {str(number): ["notconnected"] for number in range(1_200)},
            "connected",
            1,
            "Waiting for 1,200 of 1,200 targets to have the status connected",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_of_no_target_that_has_the_status_is_it_said_that_it_lacks_it(
    answers: dict[str, list[str]], wanted: str, consecutive: int, said: str
) -> None:
    scene = Scene(answers)
    scene.wait(wanted, timeout=1, consecutive=consecutive)
    assert scene.summaries[0] == said


@pytest.mark.parametrize(("answers", "seconds"), [(["notconnected", "connected"], 5), (["notconnected"], 12)])
def test_how_long_it_took_is_told_whatever_the_clock_showed_before(answers: list[str], seconds: float) -> None:
    scene = Scene(a=answers)
    scene.now = 1000.0
    assert scene.wait(timeout=12).seconds == seconds


def test_a_target_that_was_there_too_seldom_is_late() -> None:
    scene = Scene(a=["notconnected", "connected"])
    done = scene.wait(timeout=5, consecutive=2)
    assert done.late == ["a"]
    assert [status.status for status in done.statuses] == ["connected"]


def test_waiting_for_a_node_to_go() -> None:
    scene = Scene(a=["connected", "unknown", "notconnected"])
    done = scene.wait("notconnected")
    assert [status.status for status in done.statuses] == ["notconnected"]
    assert len(scene.asked) == 3  # unknown does not count as not connected


@pytest.mark.parametrize("spread", [0, 0.9, 1.1, 2])
def test_pauses_are_a_little_longer_or_shorter(spread: float) -> None:
    scene = Scene(spread=spread, a=["notconnected"])
    scene.wait(timeout=60, delay=8)
    assert {round(pause / 8, 6) for pause in scene.pauses[:-1]} == {min(max(spread, 0.75), 1.25)}


def test_a_target_that_may_not_be_asked_for_is_asked_again_for_a_minute() -> None:
    scene = Scene(a=["connected"], b=["denied"] * 3 + ["connected"])
    assert scene.wait(timeout=600).late == []


def test_when_only_refusals_are_left_for_a_minute_the_wait_is_given_up() -> None:
    scene = Scene(a=["notconnected"] * 4 + ["connected"], b=["denied"])
    done = scene.wait(timeout=600)
    assert (done.late, done.refused) == (["b"], True)
    assert done.seconds == 20 + 60


@pytest.mark.parametrize("status", ["unknown", "broken"])
def test_what_is_unknown_for_any_other_reason_is_waited_for_until_the_time_is_over(status: str) -> None:
    scene = Scene(a=[status] * 20 + ["connected"], b=["denied"] * 20 + ["connected"])
    assert scene.wait(timeout=600).late == []


def test_refusals_end_nothing_while_another_target_may_come() -> None:
    scene = Scene(a=["notconnected"] * 20 + ["connected"], b=["denied"])
    done = scene.wait(timeout=120)
    assert (done.late, done.refused, done.seconds) == (["b"], False, 120)


def test_an_error_that_ends_it_says_how_far_it_had_come() -> None:
    class Expiring(Scene):
        def ask(self, targets: Sequence[str]) -> list[Readiness]:
            if len(self.asked) == 2:
                raise SSMError("Could not ask: ExpiredTokenException.", DENIED.exception)
            return super().ask(targets)

    scene = Expiring(a=["connected"], b=["notconnected"])
    with pytest.raises(SSMError) as error:
        scene.wait()
    assert (
        str(error.value)
        == "Could not ask: ExpiredTokenException. Before this error, 1 of 2 targets had the status connected."
    )
    assert error.value.code == "AccessDeniedException"  # the original error of AWS stays available


STATUSES = st.sampled_from(["connected", "notconnected", "unknown", "denied", "broken"])


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.lists(STATUSES, min_size=1, max_size=8), min_size=1),
    st.integers(1, 3),
    st.floats(0, 100),
    st.floats(0.5, 50),
    st.floats(0, 20),
)
def test_whatever_the_answers_are(
    answers: dict[str, list[str]], consecutive: int, timeout: float, delay: float, look: float
) -> None:
    scene = Scene({target: list(given) for target, given in answers.items()}, look=look)
    done = scene.wait(timeout=timeout, delay=delay, consecutive=consecutive)
    heard: dict[str, list[str]] = {target: [] for target in answers}
    for number, pending in enumerate(scene.asked):
        for target in heard:
            there = heard[target][-consecutive:] == ["connected"] * consecutive
            assert (target in pending) is not there, f"look {number} asks for all that are pending and for no other"
        for target in pending:
            given_before = len(heard[target])
            heard[target].append(answers[target][min(given_before, len(answers[target]) - 1)])
    assert [status.target for status in done.statuses] == list(answers)
    assert done.late == [name for name in answers if heard[name][-consecutive:] != ["connected"] * consecutive]
    assert all(at <= timeout + look for at in scene.asked_at)
    if done.late and not done.refused:
        assert scene.asked_at[-1] >= timeout
