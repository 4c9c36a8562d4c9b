# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Tell whether a process has ended."""

from __future__ import annotations

import contextlib
import os
import select


class Controller:
    """A process whose end is the end of its sessions."""

    def __init__(self, pid: int, started: str) -> None:
        """Watch a process. ``started`` is what ``started_at`` returned for it, because numbers are used again."""
        self._pid, self._started = pid, started
        self.descriptor: int | None = None  # that can be read once the process has ended, where the system has that
        if hasattr(os, "pidfd_open"):
            with contextlib.suppress(OSError):
                self.descriptor = os.pidfd_open(pid)
        self._is_another = not started or started_at(pid) != started

    def has_ended(self) -> bool:
        """Return whether the process has ended."""
        if self._is_another:
            return True
        if self.descriptor is None:
            return started_at(self._pid) != self._started
        poll = select.poll()
        poll.register(self.descriptor, select.POLLIN)
        return bool(poll.poll(0))


def started_at(pid: int) -> str:
    """Return what tells a process from others that had its number before; an empty text if it has ended.

    Where there is no ``/proc``, it is the same for all, and only tells whether there is such a process.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            state, *others = file.read().rpartition(b")")[2].split()
        return "" if state in (b"Z", b"X") else others[18].decode()
    except (FileNotFoundError, ProcessLookupError):
        if os.path.exists("/proc/self/stat"):
            return ""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass
    return "running"
