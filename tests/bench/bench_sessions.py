# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Listing and ending many sessions at 80 ms latency.

A listing can only go from page to page, 200 sessions each. Ending takes the pages of the active list, for the plan,
and then rounds of calls side by side.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fleet import LATENCY
from harness import Emulator, Row, in_turns, rounds

PAGE = 200
WORKERS = 32


def world(count: int) -> dict[str, Any]:
    """So many open sessions."""
    sessions = [
        {"generate": 1, "target": "mi-00000000000000001", "owner": "first"},
        {"generate": count - 1, "target": "i-00000000000000001"},
    ]
    return {"latency_ms": LATENCY * 1000, "regions": {"us-east-1": {"sessions": sessions}}}


def listing(count: int) -> dict[str, Any]:
    """A task that lists all sessions, or the first of them, and fails unless it has so many."""
    return {
        "sessionops.aws.ssm_session_info": {"max_items": 1} if count == 1 else {},
        "register": "listed",
        "failed_when": f"listed.sessions | default([]) | length != {count}",
    }


def ending(target: str, count: int) -> dict[str, Any]:
    """A task that ends the sessions on a target, and fails unless it has ended so many."""
    return {
        "sessionops.aws.ssm_session_terminate": {"target": target, "wait": False, "max_sessions": 10_000},
        "register": "ended",
        "failed_when": f"ended.terminated | default([]) | length != {count}",
    }


def rows(quick: bool) -> Iterator[Row]:
    """Both against what the latency alone takes."""
    yield from _listed(400 if quick else 10_000, 1 if quick else 3)
    yield from _ended(40 if quick else 500)


def _listed(count: int, times: int) -> Iterator[Row]:
    with Emulator(world(count)) as aws:
        took = in_turns(
            times,
            start=lambda: aws.playbook(listing(1)).seconds - LATENCY,
            many=lambda: aws.playbook(listing(count)).seconds,
        )
        counts = aws.counts()
    pages = rounds(count, PAGE)
    wrong = "" if counts == {"DescribeSessions": {"ok": times * (1 + pages)}} else f"calls: {counts}"
    yield from _against(took["start"], f"{count:,} sessions listed", took["many"], pages, wrong)


def _ended(count: int) -> Iterator[Row]:
    with Emulator(world(count + 1)) as aws:
        pages = rounds(count + 1, PAGE)
        start = aws.playbook(ending("i-00000000000000002", 0)).seconds - LATENCY * pages
        many = aws.playbook(ending("i-00000000000000001", count)).seconds
        ended = aws.counts()["TerminateSession"]
    wrong = "" if ended == {"ok": count} else f"calls: {ended}"
    yield from _against(start, f"{count:,} sessions ended", many, pages + rounds(count, WORKERS), wrong)


def _against(start: float, what: str, seconds: float, calls: int, wrong: str) -> Iterator[Row]:
    floor = calls * LATENCY
    beyond = seconds - start
    yield Row("start of a play with one task", start)
    yield Row(f"the floor, {calls} calls one after the other", floor)
    yield Row(f"{what}, beyond the start", beyond, "s", beyond / floor, "the floor", 1.15, wrong)
