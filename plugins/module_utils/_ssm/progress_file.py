# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Progress lines for a person who waits for a task. Ansible shows a module's own output only at its end."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable

from .option_text import counted

# The environment variable with the path of a file, to which a module appends lines while it works.
ENVIRONMENT_VARIABLE = "SESSIONOPS_PROGRESS_FILE"
# The minimum number of seconds between two lines of the same kind.
EVERY = 1.0


class Progress:
    """Appends lines to the file at ``path``, at most one of each kind per second. If ``path`` is None, it does nothing.

    A file that cannot be written, such as one of another user, does not fail the task.
    """

    def __init__(self, path: str | None, now: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._now = now
        self._counted_at = now()
        self._paused_at = -EVERY

    def counter(self, total: int) -> Callable[[object], None]:
        """Return a function to call with each of ``total`` results. It reports how many have come so far."""
        if not self._path or total < 2:
            return lambda result: None
        numbers = itertools.count(1)
        self._counted_at = self._now()

        def count(result: object) -> None:
            number = next(numbers)
            if self._now() - self._counted_at >= EVERY:
                self._counted_at = self._now()
                self._write(f"Checked {number:,} of {total:,} targets.")

        return count

    def pause(self, pending: str, left: float) -> None:
        """Report, before a pause, the pending targets (in words) and the seconds left until the timeout."""
        if self._now() - self._paused_at >= EVERY:
            self._paused_at = self._now()
            self._write(f"{pending}. {counted(round(left), 'second')} left.")

    def _write(self, line: str) -> None:
        if self._path:
            try:
                with open(self._path, "a", encoding="utf-8") as stream:
                    stream.write(line + "\n")
            except OSError:
                self._path = None


def from_environment() -> Progress:
    """Return a ``Progress`` for the file that the environment variable names, if it is set."""
    return Progress(os.environ.get(ENVIRONMENT_VARIABLE))
