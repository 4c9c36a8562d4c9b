# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The status of many targets at 80 ms latency, in one task and in a loop.

The floor is the time that the latency alone takes: the number of consecutive rounds of calls times the latency.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fleet import LATENCY, targets, task, world
from harness import Emulator, Row, rounds

WORKERS = 32
TARGETS = 1000
LOOPED = 20


def loop(count: int) -> dict[str, Any]:
    """Return a task that checks ``count`` targets in a loop, one at a time."""
    one = {"targets": "{{ item }}"}
    return {"sessionops.aws.ssm_connection_status": one, "loop": targets(count)}


def rows(quick: bool) -> Iterator[Row]:
    """Yield the rows that compare one task with the floor, and a loop with one task."""
    count, looped, times = (40, 2, 1) if quick else (TARGETS, LOOPED, 3)
    with Emulator(world(count, latency_ms={"GetConnectionStatus": LATENCY * 1000})) as aws:
        took = aws.measure_task(times, task(1), task(count))
        loops = aws.playbook(loop(looped)).seconds - took.start + LATENCY
        counts = aws.counts()
    expected = {"GetConnectionStatus": {"ok": (times + 1) * (count + 1) + looped}}
    side_by_side = min(count, WORKERS)
    yield from took.rows(
        f"{count:,} targets in one task",
        rounds(count, side_by_side) * LATENCY,
        f"{count:,} calls, {side_by_side} at a time",
        less=LATENCY,
        failure="" if counts == expected else f"calls: {counts}",
    )
    each, one_task = loops / looped, took.whole - took.start + LATENCY
    yield Row(
        f"{count:,} targets in a loop, beyond the start (extrapolated from {looped})",
        each * count,
        ratio=each * count / one_task,
        against="one task",
    )
