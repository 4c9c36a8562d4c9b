# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test the clock of a world."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from emulator.clock import Clock
from emulator.testing import LocalAWS
from emulator.world import World
from emulator.world_values import WorldError

NOON = datetime.datetime(2026, 11, 23, 12, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)


def test_a_clock_stands_still_until_it_is_advanced() -> None:
    clock = World().clock
    assert clock.now() == clock.now() == NOON
    clock.advance(HOUR)
    assert clock.now() == NOON + HOUR
    with pytest.raises(ValueError, match="cannot be set back"):
        clock.advance(-HOUR)


def test_a_running_clock_goes_on_from_its_start_as_time_passes() -> None:
    seconds = iter([1000.0, 1000.0, 1002.5, 1003.0])
    clock = Clock(NOON, running=True, elapsed=lambda: next(seconds))
    assert clock.now() == NOON
    assert clock.now() == NOON + datetime.timedelta(seconds=2.5)
    clock.advance(HOUR)
    assert clock.now() == NOON + HOUR + datetime.timedelta(seconds=3)


def test_a_world_chooses_its_clock() -> None:
    assert World({"clock": {"start": "2026-11-23T13:00:00+01:00"}}).now == NOON
    running = World({"clock": {"start": "2026-11-23T12:00:00Z", "running": True}})
    first = running.now
    assert NOON < first < running.now < NOON + HOUR


@pytest.mark.parametrize(
    ("clock", "text"),
    [
        ("noon", "not an ISO 8601 time: 'noon'"),
        ({"start": "noon"}, "not an ISO 8601 time: 'noon'"),
        ({"speed": 2}, "clock: unknown key speed; allowed: running, start"),
        ({"running": "yes please"}, "running of clock must be true or false, not 'yes please'"),
    ],
)
def test_a_mistake_in_a_clock_is_named(clock: Any, text: str) -> None:
    with pytest.raises(WorldError, match=text):
        World({"clock": clock})


def test_a_session_of_a_running_world_starts_when_it_is_started() -> None:
    node = "i-0123456789abcdef0"
    world = {"clock": {"running": True}, "regions": {"us-east-1": {"nodes": [{"id": node}]}}}
    with LocalAWS(world) as aws:
        before = aws.world.now
        aws.client("ssm").start_session(Target=node)
        found = aws.client("ssm").describe_sessions(State="Active")["Sessions"][0]["StartDate"]
        # Times in replies have milliseconds.
        assert before - datetime.timedelta(milliseconds=1) <= found <= aws.world.now
