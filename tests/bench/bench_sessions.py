# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Listing and terminating many sessions at 80 ms latency.

A listing reads one page after the other, with 200 sessions each. Termination first lists the active sessions, for the
plan, and then makes rounds of concurrent calls.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Any

from fleet import LATENCY
from harness import MAX_RATIO, Emulator, Row, rounds

PAGE = 200
WORKERS = 32


def world(count: int) -> dict[str, Any]:
    """Return a world of ``count`` active sessions."""
    sessions = [
        {"generate": 1, "target": "mi-00000000000000001", "owner": "first"},
        {"generate": count - 1, "target": "i-00000000000000001"},
    ]
    return {"latency_ms": LATENCY * 1000, "regions": {"us-east-1": {"sessions": sessions}}}


def listing(count: int) -> dict[str, Any]:
    """Return a task that lists all sessions (only the first if ``count`` is 1), and fails unless it lists ``count``."""
    return {
        "sessionops.aws.ssm_session_info": {"max_items": 1} if count == 1 else {},
        "register": "listed",
        "failed_when": f"listed.sessions | default([]) | length != {count}",
    }


def termination(target: str, count: int) -> dict[str, Any]:
    """Return a task that terminates the sessions of a target, and fails unless it terminates ``count``."""
    return {
        "sessionops.aws.ssm_session_terminate": {"target": target, "wait": False, "max_sessions": 10_000},
        "register": "ended",
        "failed_when": f"ended.terminated | default([]) | length != {count}",
    }


def rows(quick: bool) -> Iterator[Row]:
    """Yield the rows that compare listing and termination with the time that the latency alone takes."""
    yield from _listing_rows(400 if quick else 10_000, 1 if quick else 3)
    yield from _termination_rows(40 if quick else 500, 1 if quick else 3)


def _listing_rows(count: int, times: int) -> Iterator[Row]:
    with Emulator(world(count)) as aws:
        took = aws.measure_task(times, listing(1), listing(count))
        counts = aws.counts()
    pages = rounds(count, PAGE)
    failure = "" if counts == {"DescribeSessions": {"ok": (times + 1) * (1 + pages)}} else f"calls: {counts}"
    floor_is = f"{pages} pages one after the other"
    what = f"{count:,} sessions listed"
    yield from took.rows(what, pages * LATENCY, floor_is, less=LATENCY, large=True, failure=failure)


def _termination_rows(count: int, times: int) -> Iterator[Row]:
    times_taken, pages = [], rounds(count + 1, PAGE)
    for unused in range(times):  # each in a new world, because a session can be terminated only once
        with Emulator(world(count + 1)) as aws:
            start = aws.playbook(termination("i-00000000000000002", 0)).seconds - LATENCY * pages
            many = aws.playbook(termination("i-00000000000000001", count)).seconds
            ended = aws.counts()["TerminateSession"]
        if ended != {"ok": count}:
            yield Row("calls", sum(ended.values()), "calls", failure=str(ended))
        times_taken.append((start, many))
    start, many = (statistics.median(column) for column in zip(*times_taken, strict=True))
    floor = (pages + rounds(count, WORKERS)) * LATENCY
    yield Row("start of a play with one task that terminates nothing", start)
    yield Row(f"the floor: {pages} pages one after the other, and {count} calls, {WORKERS} at a time", floor)
    beyond = many - start
    yield Row(f"{count:,} sessions terminated, beyond the start", beyond, "s", beyond / floor, "the floor", MAX_RATIO)
