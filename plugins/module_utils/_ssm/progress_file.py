# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Lines for a person who waits for a task: a module's own output is not shown before its end."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable

from .option_text import counted

# Names a file that a module appends lines to while it works.
VARIABLE = "SESSIONOPS_PROGRESS_FILE"
# Seconds between two lines of a kind.
EVERY = 1.0


class Progress:
    """Lines to the file that the environment names, at most one of a kind in a second; to nobody if it names none.

    A file that cannot be written, as that of another user, is no reason to fail.
    """

    def __init__(self, path: str | None, now: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._now = now
        self._asked_at = now()
        self._paused_at = -EVERY

    def counter(self, total: int) -> Callable[[object], None]:
        """What to call with each of ``total`` answers."""
        if not self._path or total < 2:
            return lambda answer: None
        counted = itertools.count(1)
        self._asked_at = self._now()

        def count(answer: object) -> None:
            number = next(counted)
            if self._now() - self._asked_at >= EVERY:
                self._asked_at = self._now()
                self._write(f"{number:,} of {total:,} targets have been asked for.")

        return count

    def pause(self, pending: str, left: float) -> None:
        """Say before a pause which targets are pending, in words, and how many seconds are left for them."""
        if self._now() - self._paused_at >= EVERY:
            self._paused_at = self._now()
            self._write(f"{pending}, {counted(round(left), 'second')} left.")

    def _write(self, line: str) -> None:
        if self._path:
            try:
                with open(self._path, "a", encoding="utf-8") as stream:
                    stream.write(line + "\n")
            except OSError:
                self._path = None


def from_environment() -> Progress:
    """The progress that the environment asks for."""
    return Progress(os.environ.get(VARIABLE))
