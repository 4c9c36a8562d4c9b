# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Find and kill the processes that descend from a process (Linux only; elsewhere none are found).

A process that adopts orphans finds also daemons among its descendants.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
KILL_SECONDS = 5.0


def adopt_orphans() -> None:
    """Make this process the parent of descendants whose own parent ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def children(pid: int) -> list[int]:
    """Return the IDs of the children of a process, also of those that have ended but were not waited for."""
    found: list[int] = []
    with contextlib.suppress(OSError):  # the process may end meanwhile, and each of its threads
        for path in list(Path(f"/proc/{pid}/task").glob("*/children")):
            with contextlib.suppress(OSError):
                found += [int(child) for child in path.read_text(encoding="ascii").split()]
    return found


def kill_descendants(pid: int) -> None:
    """Kill all descendants of a process with SIGKILL. It should not start further ones meanwhile."""
    deadline = time.monotonic() + KILL_SECONDS
    while (running := _running_descendants(pid)) and time.monotonic() < deadline:
        for each in running:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(each, signal.SIGKILL)
        time.sleep(0.005)


def _running_descendants(pid: int) -> list[int]:
    found: list[int] = []
    waiting = children(pid)
    while waiting:
        each = waiting.pop()
        waiting += children(each)
        if _is_running(each):
            found.append(each)
    return found


def _is_running(pid: int) -> bool:
    """Return whether a process exists and is not a zombie."""
    try:
        # The state follows the name, which is in parentheses and may contain anything.
        state = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b") ")[2][:1]
    except OSError:
        return False
    return state not in b"ZX"
