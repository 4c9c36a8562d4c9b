# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test the rules for frames: which are valid, and which frames they affect."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.fault_rules import FaultError
from emulator.faults import Faults
from emulator.frame_faults import FrameFault, make_frame_fault
from emulator.world import World
from emulator.world_values import WorldError

DROP: dict[str, Any] = {"do": {"drop": True}}


def made(frame_type: str = "acknowledge", **rule: Any) -> FrameFault:
    return make_frame_fault({"op": f"frame:{frame_type}", **DROP, **rule})


def never() -> float:
    return 1.0


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"op": "frame:nothing"}, "must be frame: and one of"),
        ({"page": 1}, "unknown key page in a fault"),
        ({"match": {"colour": 1}}, "unknown key colour in match of a fault for frames"),
        ({"match": 5}, "match of a fault must be a mapping"),
        ({"times": 0}, "times of a fault"),
        ({"after": -1}, "after of a fault"),
        ({"every_frames": 0}, "every_frames of a fault"),
        ({"probability": 1.5}, "probability of a fault"),
        ({"probability": 0}, "probability of a fault"),
        ({"probability": 0.5, "every_frames": 2}, "only one of probability, every_frames"),
        ({"do": None}, "must be a mapping"),
        ({"do": {}}, "must have one of"),
        ({"do": {"explode": True}}, "unknown key explode"),
        ({"do": {"drop": False}}, "drop of a fault must be true"),
        ({"do": {"drop": True, "double": True}}, "must have one of"),
        ({"do": {"delay": 1, "double": True}}, "must have one of"),
        ({"do": {"delay": 0}}, "delay of a fault must be a number of seconds"),
        ({"do": {"cut": "both"}}, "cut of a fault must be client or agent"),
        ({"do": {"refuse": True}}, "unknown key refuse"),
        ({"op": "frame:open"}, "unknown key drop"),
        ({"op": "frame:agent_session_state", "do": {"double": True}}, "unknown key double"),
        ({"op": "frame:channel_closed", "do": {"end": True}}, "unknown key end"),
        ({"every_seconds": 1, "do": {"cut": "client"}}, "needs op frame:"),
        ({"op": "frame:*", "every_seconds": 1}, "one of cut, close"),
        ({"op": "frame:*", "every_seconds": "1", "do": {"cut": "client"}}, "every_seconds of a fault must be"),
        ({"op": "frame:*", "every_seconds": 1, "after": 1, "do": {"cut": "client"}}, "cannot have after"),
        (
            {"op": "frame:*", "every_seconds": 1, "match": {"from": "client"}, "do": {"cut": "client"}},
            "unknown key from",
        ),
    ],
)
def test_a_rule_with_a_mistake(rule: dict[str, Any], message: str) -> None:
    given = {"op": "frame:acknowledge", **DROP, **rule}
    with pytest.raises(FaultError, match=message):
        make_frame_fault(given)
    with pytest.raises(WorldError, match=message):
        World({"faults": [given]})


def test_which_frames_a_rule_is_for() -> None:
    assert made().matches("acknowledge", {}, never)
    assert not made().matches("input_stream_data", {}, never)
    assert made("*").matches("input_stream_data", {}, never)
    assert not made("*").matches("channel_closed", {}, never)
    assert not made(match={"from": "agent"}).matches("acknowledge", {"from": "client"}, never)
    assert made(match={"from": "agent"}).matches("acknowledge", {"from": "agent", "sequence": 1}, never)


def test_how_often_a_rule_is_applied() -> None:
    assert made().times == 1 and made(every_frames=2).times is None and made(probability=1, times=3).times == 3
    every = made(every_frames=3, after=1)
    assert [every.matches("acknowledge", {}, never) for unused in range(7)] == [0, 0, 0, 1, 0, 0, 1]
    chances = iter([0.4, 0.6, 0.5])
    half = made(probability=0.5)
    assert [half.matches("acknowledge", {}, lambda: next(chances)) for unused in range(3)] == [1, 0, 0]


def test_a_rule_that_was_not_applied_is_reported_unless_it_is_left_to_chance() -> None:
    faults = Faults(
        [{"op": "frame:acknowledge", **DROP}, {"op": "frame:*", **DROP, "probability": 0.01}], {"StartSession"}
    )
    assert faults.unused() == ["drop on frame:acknowledge (fired 0, wanted 1)"]
    assert [rule.op for rule in faults.for_frames()] == ["frame:acknowledge", "frame:*"]


def test_rules_for_calls_and_for_frames_are_apart() -> None:
    faults = Faults([{"op": "frame:*", **DROP, "times": "always"}], {"StartSession"})
    assert faults.match("StartSession", {}, 1) is None
    faults.add({"op": "*", "do": {"drop": "before"}, "times": "always"})
    assert len(faults.for_frames()) == 1
    assert faults.match("StartSession", {}, 1) is faults.rules[1]
