# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs a command for a test, and leaves nothing of it behind when it hangs."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from environment import variables

# Seconds, many times what any takes on a machine with nothing else to do. A command that takes longer hangs.
TIMEOUT = 900


class Done(NamedTuple):
    """How a command ended, and what it wrote."""

    status: int
    printed: str
    complained: str


def run(command: Sequence[str], directory: Path, settings: Mapping[str, str] | None = None) -> str:
    """What the command wrote to its standard output; an AssertionError with the end of it when it failed."""
    done = attempt(command, directory, settings)
    assert done.status == 0, f"{done.printed[-6000:]}\n{done.complained[-3000:]}"
    return done.printed


def attempt(
    command: Sequence[str],
    directory: Path,
    settings: Mapping[str, str] | None = None,
    base: Mapping[str, str] | None = None,
) -> Done:
    """Run a command that may fail; ``settings`` are environment variables besides ``base``, which all others share."""
    child = subprocess.Popen(
        command,
        cwd=directory,
        env={**(variables() if base is None else base), **(settings or {})},
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
    return Done(child.returncode, printed, complained)


def _end(child: subprocess.Popen[str]) -> None:
    """End the command and all that it started, which may want to end what they started in their turn."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.communicate(timeout=10)
