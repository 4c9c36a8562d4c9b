# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Waiting for targets: who is asked again, and what ends it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from ansible_collections.sessionops.aws.plugins.module_utils._ssm import readiness
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.readiness import Readiness


class Clock:
    """Time that passes only in sleep()."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(readiness, "time", made)
    return made


class Nodes:
    """Each target's answers one after the other; the last one stays."""

    def __init__(self, **answers: list[str]) -> None:
        self.answers = answers
        self.asked: list[list[str]] = []

    def __call__(self, targets: Sequence[str]) -> list[Readiness]:
        self.asked.append(list(targets))
        return [Readiness(target, self._next(target)) for target in targets]

    def _next(self, target: str) -> str:
        left = self.answers[target]
        return left.pop(0) if len(left) > 1 else left[0]


def settled(found: list[Readiness]) -> dict[str, bool]:
    return {entry.target: entry.settled for entry in found}


def test_only_targets_that_are_not_there_yet_are_asked_again() -> None:
    nodes = Nodes(a=["connected"], b=["notconnected", "connected"], c=["unknown", "notconnected", "connected"])
    found = readiness.wait(nodes, ["a", "b", "c"], "connected", timeout=60, delay=5)
    assert nodes.asked == [["a", "b", "c"], ["b", "c"], ["c"]]
    assert settled(found) == {"a": True, "b": True, "c": True}


def test_time_runs_out(clock: Clock) -> None:
    nodes = Nodes(a=["connected"], b=["notconnected"])
    found = readiness.wait(nodes, ["a", "b"], "connected", timeout=12, delay=5)
    assert settled(found) == {"a": True, "b": False}
    assert clock.now == 10
    assert len(nodes.asked) == 3


def test_consecutive_answers_start_again_after_a_relapse() -> None:
    nodes = Nodes(a=["connected", "notconnected", "connected", "connected"])
    found = readiness.wait(nodes, ["a"], "connected", timeout=60, delay=1, consecutive=2)
    assert len(nodes.asked) == 4
    assert settled(found) == {"a": True}


def test_the_last_answer_may_come_at_the_deadline() -> None:
    nodes = Nodes(a=["notconnected", "connected"])
    assert settled(readiness.wait(nodes, ["a"], "connected", timeout=5, delay=5)) == {"a": True}


def test_no_time_means_one_question() -> None:
    nodes = Nodes(a=["notconnected"])
    assert settled(readiness.wait(nodes, ["a"], "connected", timeout=0, delay=5)) == {"a": False}
    assert len(nodes.asked) == 1


def test_waiting_for_a_node_to_go() -> None:
    nodes = Nodes(a=["connected", "notconnected"])
    found = readiness.wait(nodes, ["a"], "notconnected", timeout=60, delay=1)
    assert [entry.status for entry in found] == ["notconnected"]
