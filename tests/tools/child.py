# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs a command for a test, and leaves nothing of it behind when it hangs."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from environment import variables

# Seconds. A command that takes longer hangs.
TIMEOUT = 300


def run(command: Sequence[str], directory: Path) -> str:
    """What the command wrote to its standard output; an AssertionError with the end of it when it failed."""
    child = subprocess.Popen(
        command,
        cwd=directory,
        env=variables(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        printed, complained = child.communicate(timeout=TIMEOUT)
    except BaseException:
        _end(child)
        raise
    assert child.returncode == 0, f"{printed[-6000:]}\n{complained[-3000:]}"
    return printed


def _end(child: subprocess.Popen[str]) -> None:
    """End the command and all that it started, which may want to end what they started in their turn."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.communicate(timeout=10)
