# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A command and everything that it starts, none of which may outlive it."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path

PASSED_ON = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
PR_SET_CHILD_SUBREAPER = 36
NOT_FOUND, NOT_RUNNABLE = 127, 126
GRACE = 2.0
LAST = 10.0


async def run_child(
    command: Sequence[str],
    environment: Mapping[str, str],
    owned: Callable[[], Collection[int]] = frozenset,
) -> int:
    """Run a command to its end and return its status as a shell would.

    ``owned`` returns the IDs of child processes that are not the command's, though they began while it ran: they are
    neither ended nor waited for.
    """
    _adopt_orphans()
    mine = set(_children())
    on_terminal = sys.stdin is not None and sys.stdin.isatty()
    with _passing_signals_on(on_terminal) as passed_on_to:
        try:
            # Apart from a terminal, which sends its interrupts to the group itself and lets only that group read.
            group = None if on_terminal else 0
            process = await asyncio.create_subprocess_exec(*command, env=dict(environment), process_group=group)
        except FileNotFoundError:
            print(f"emulator: no such command: {command[0]}", file=sys.stderr)
            return NOT_FOUND
        except OSError as error:
            print(f"emulator: cannot run {command[0]}: {error.strerror}", file=sys.stderr)
            return NOT_RUNNABLE
        passed_on_to(process)
        try:
            status = await process.wait()
        finally:
            await _end_leftovers(mine, owned)
    return status if status >= 0 else 128 - status


def _adopt_orphans() -> None:
    """Become the parent of a descendant whose own parent ended, so that it can be found (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


@contextlib.contextmanager
def _passing_signals_on(on_terminal: bool) -> Iterator[Callable[[asyncio.subprocess.Process], None]]:
    """Pass signals on to the process that the function is called with; those that come before wait for it.

    The process may run, and tell somebody so, before its parent goes on, whom a signal meant for it must not end.
    """
    loop = asyncio.get_running_loop()
    early: list[signal.Signals] = []
    processes: list[asyncio.subprocess.Process] = []

    def pass_on(number: signal.Signals) -> None:
        # A terminal has sent its interrupt to the child already.
        if on_terminal and number == signal.SIGINT:
            return
        if not processes:
            early.append(number)
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                if on_terminal:
                    process.send_signal(number)
                else:
                    os.killpg(process.pid, number)

    def begin(process: asyncio.subprocess.Process) -> None:
        processes.append(process)
        for number in early:
            pass_on(number)

    for number in PASSED_ON:
        loop.add_signal_handler(number, pass_on, number)
    try:
        yield begin
    finally:
        for number in PASSED_ON:
            loop.remove_signal_handler(number)


def _children() -> list[int]:
    """The processes whose parent is this one."""
    found: list[int] = []
    for path in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += [int(pid) for pid in path.read_text(encoding="ascii").split()]
    return found


async def _end_leftovers(mine: set[int], owned: Callable[[], Collection[int]]) -> None:
    """Ask every process that the command left behind to end, and after a while make it."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + GRACE
    number = signal.SIGTERM
    asked: set[tuple[int, int]] = set()
    while left := [pid for pid in _children() if pid not in mine and pid not in owned()]:
        if loop.time() > deadline:
            number = signal.SIGKILL
        if loop.time() > deadline + LAST:
            print(f"emulator: left behind, for nothing ends them: {left}", file=sys.stderr)
            return
        for pid in left:
            _signal_and_reap(pid, number, asked)
        await asyncio.sleep(0.02)


def _signal_and_reap(pid: int, number: signal.Signals, asked: set[tuple[int, int]]) -> None:
    if (pid, number) not in asked:
        asked.add((pid, number))
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
