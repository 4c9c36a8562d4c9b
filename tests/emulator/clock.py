# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The clock of a world."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable

from .world_values import WorldError, iso_time, mapping


class Clock:
    """A clock that stands still, so that a test gets the same times in every run, or that runs in real time.

    ``elapsed`` returns seconds and never decreases, like ``time.monotonic``.
    """

    def __init__(
        self, start: datetime.datetime, running: bool = False, elapsed: Callable[[], float] = time.monotonic
    ) -> None:
        self._start = start
        self._elapsed = elapsed if running else lambda: 0.0
        self._started = self._elapsed()

    def now(self) -> datetime.datetime:
        return self._start + datetime.timedelta(seconds=self._elapsed() - self._started)

    def advance(self, by: datetime.timedelta) -> None:
        """Set the clock forward. Raises ``ValueError`` if ``by`` is negative."""
        if by < datetime.timedelta(0):
            raise ValueError("a clock cannot be set back")
        self._start += by


def read_clock(value: object) -> Clock:
    """Read ``clock`` of a world: the time at which it stands still, or ``{start: TIME, running: true}``."""
    if isinstance(value, dict):
        given = mapping(value, "clock", {"start", "running"})
        if not isinstance(given.get("running", False), bool):
            raise WorldError(f"running of clock must be true or false, not {given['running']!r}")
        return Clock(iso_time(given.get("start", DEFAULT)), given.get("running", False))
    return Clock(iso_time(value))


DEFAULT = "2026-11-23T12:00:00Z"
