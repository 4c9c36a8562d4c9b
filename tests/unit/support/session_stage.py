# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Helpers for tests about sessions: worlds, the modules that list and end sessions, and pauses that take no time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from unittest import mock

import botocore.endpoint
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.sessions import listing, termination
from ansible_collections.sessionops.aws.plugins.modules import ssm_session_info, ssm_session_terminate

from emulator.services.ssm.sessions.store import Sessions
from emulator.testing import LocalAWS
from unit.support.module_runner import Runner

REGION = "us-east-1"
NODE = "i-0a1b2c3d4e5f60001"

list_sessions = Runner(ssm_session_info.ARGUMENT_SPEC, listing.run)
terminate_sessions = Runner(ssm_session_terminate.ARGUMENT_SPEC, termination.run)


def world(sessions: int | list[dict[str, Any]], **settings: Any) -> dict[str, Any]:
    """Return a world with these sessions, or with as many open sessions, of which s-1 is the newest."""
    if isinstance(sessions, int):
        sessions = [opened(f"s-{number}", started=f"{number}h") for number in range(1, sessions + 1)]
    return {"regions": {REGION: {"sessions": sessions}}, **settings}


def opened(session_id: str, **more: Any) -> dict[str, Any]:
    """Return an open session of a world."""
    return {"session_id": session_id, "target": NODE, "owner": "jane", **more}


def ids(result: dict[str, Any], key: str = "sessions") -> list[str]:
    """Return the session IDs of one list in a result."""
    return [session["session_id"] for session in result[key]]


def still_open(aws: LocalAWS) -> set[str]:
    """Return the IDs of the sessions that are open on the emulator, whatever a task reports."""
    found = aws.world.state(REGION, Sessions).by_id.values()
    return {session.session_id for session in found if not session.has_ended and session.status != "Terminating"}


@contextlib.contextmanager
def without_waiting() -> Iterator[list[float]]:
    """Make pauses of the module and of botocore take no time. The module's clock moves by each pause.

    Yields the module's pauses, in seconds.
    """
    now = [0.0]
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        now[0] += seconds
        pauses.append(seconds)

    clock = SimpleNamespace(sleep=sleep, monotonic=lambda: now[0])
    # botocore.endpoint uses nothing of the time module but sleep.
    quick = SimpleNamespace(sleep=lambda seconds: None)
    with mock.patch.object(termination, "time", clock), mock.patch.object(botocore.endpoint, "time", quick):
        yield pauses
