# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The status of many targets at 80 ms latency, in one task and in a loop.

The floor is what the latency alone takes: so many rounds of calls, one after the other. What an Ansible task takes
before it makes its first call is measured by the same task with one target, and subtracted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fleet import LATENCY, targets, task, world
from harness import Emulator, Row, in_turns, rounds

WORKERS = 32
TARGETS = 1000
LOOPED = 20


def loop(count: int) -> dict[str, Any]:
    """The same with a task for each target."""
    one = {"targets": "{{ item }}"}
    return {"sessionops.aws.ssm_connection_status": one, "loop": targets(count)}


def rows(quick: bool) -> Iterator[Row]:
    """One task against the floor, and against a loop."""
    count, looped, times = (40, 2, 1) if quick else (TARGETS, LOOPED, 3)
    with Emulator(world(count, latency_ms={"GetConnectionStatus": LATENCY * 1000})) as aws:
        took = in_turns(
            times,
            start=lambda: aws.playbook(task(1)).seconds - LATENCY,
            many=lambda: aws.playbook(task(count)).seconds,
        )
        loops = aws.playbook(loop(looped)).seconds - took["start"]
        counts = aws.counts()
    floor = rounds(count, min(count, WORKERS)) * LATENCY
    beyond = took["many"] - took["start"]
    each = loops / looped
    expected = {"GetConnectionStatus": {"ok": times * (count + 1) + looped}}
    wrong = "" if counts == expected else f"calls: {counts}"
    yield Row("start of a play with one task", took["start"])
    yield Row(f"the floor of {count:,} targets, {WORKERS} side by side", floor)
    yield Row(f"{count:,} targets in one task, beyond the start", beyond, "s", beyond / floor, "the floor", 1.15, wrong)
    yield Row(
        f"{count:,} targets in a loop, beyond the start ({looped} measured, the rest by that)",
        each * count,
        ratio=each * count / beyond,
        against="one task",
    )
