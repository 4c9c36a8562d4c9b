# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What tests about sessions share: worlds of sessions, the modules that list and end them, pauses without time."""

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
    """A world with these sessions, or with so many open ones of which s-1 is the newest."""
    if isinstance(sessions, int):
        sessions = [opened(f"s-{number}", started=f"{number}h") for number in range(1, sessions + 1)]
    return {"regions": {REGION: {"sessions": sessions}}, **settings}


def opened(session_id: str, **more: Any) -> dict[str, Any]:
    """An open session of a world."""
    return {"session_id": session_id, "target": NODE, "owner": "jane", **more}


def ids(result: dict[str, Any], key: str = "sessions") -> list[str]:
    """The ids of the sessions under a key of a result."""
    return [session["session_id"] for session in result[key]]


def still_open(aws: LocalAWS) -> set[str]:
    """The ids of the sessions that AWS holds for open, whatever a task says."""
    found = aws.world.state(REGION, Sessions).by_id.values()
    return {session.session_id for session in found if not session.has_ended and session.status != "Terminating"}


@contextlib.contextmanager
def hurried() -> Iterator[list[float]]:
    """Pauses of the module and of botocore take no time, though the module's clock goes on as if they had.

    Yields the module's pauses.
    """
    now = [0.0]
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        now[0] += seconds
        pauses.append(seconds)

    clock = SimpleNamespace(sleep=sleep, monotonic=lambda: now[0])
    # botocore.endpoint takes nothing from time but sleep.
    quick = SimpleNamespace(sleep=lambda seconds: None)
    with mock.patch.object(termination, "time", clock), mock.patch.object(botocore.endpoint, "time", quick):
        yield pauses
