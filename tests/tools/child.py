# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run a command for a test, and end all of its processes if it hangs."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from environment import variables

# In seconds, many times what any command takes on an idle machine. A command that takes longer hangs.
TIMEOUT = 900


class Done(NamedTuple):
    """The exit status of a command, and what it wrote to standard output and standard error."""

    status: int
    printed: str
    complained: str


def run(command: Sequence[str], directory: Path, settings: Mapping[str, str] | None = None) -> str:
    """Run a command and return its standard output. Raises ``AssertionError`` with its last output if it fails."""
    done = attempt(command, directory, settings)
    assert done.status == 0, f"{done.printed[-6000:]}\n{done.complained[-3000:]}"
    return done.printed


def attempt(
    command: Sequence[str],
    directory: Path,
    settings: Mapping[str, str] | None = None,
    base: Mapping[str, str] | None = None,
) -> Done:
    """Run a command that may fail. ``settings`` are added to the environment ``base``, by default ``variables()``."""
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
    """End a command and its processes: with SIGTERM, so that they can end their own children, then with SIGKILL."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.communicate(timeout=10)
