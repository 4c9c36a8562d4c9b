# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The status of many targets with a limit of 20 calls per second and a burst of 40.

No client can be faster than the rate, unless it gives up on refused calls and so loses targets.
"""

from __future__ import annotations

from collections.abc import Iterator

from fleet import LATENCY, task, world
from harness import MAX_RATIO, Emulator, Row, in_turns

RATE, BURST = 20, 40
CALL = "GetConnectionStatus"


def rows(quick: bool) -> Iterator[Row]:
    """Yield the rows that compare one task with the time that the rate limit alone takes."""
    count, times = (60, 1) if quick else (1000, 2)
    settings = {"throttle": {CALL: {"rate": RATE, "burst": BURST}}, "latency_ms": {CALL: LATENCY * 1000}}
    with Emulator(world(count, **settings)) as aws:
        took = in_turns(
            times,
            start=lambda: aws.playbook(task(1)).seconds - LATENCY,
            many=lambda: aws.playbook(task(count)).seconds,
        )
        outcomes = aws.counts()[CALL]
    ideal = (count - BURST) / RATE
    beyond = took["many"] - took["start"]
    lost = times * (count + 1) - outcomes["ok"]
    refused = sum(outcomes.values()) - outcomes["ok"]
    yield Row("start of a play with one task", took["start"])
    yield Row(f"the ideal time of {count:,} targets at that rate", ideal)
    yield Row(
        f"{count:,} targets in one task, beyond the start",
        beyond,
        ratio=beyond / ideal,
        against="the ideal time",
        max_ratio=MAX_RATIO,
        failure=f"{lost} targets have no status" if lost else "",
    )
    yield Row("calls refused for each task", refused / times, "calls")
