# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run a command, and end every process that it leaves behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from .family import adopt_orphans, children

PASSED_ON = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
NOT_FOUND, NOT_RUNNABLE = 127, 126
TERM_SECONDS = 2.0
KILL_SECONDS = 10.0


async def run_child(
    command: Sequence[str],
    environment: Mapping[str, str],
    owned: Callable[[], Collection[int]] = frozenset,
) -> int:
    """Run a command to its end and return its exit status as a shell would.

    ``owned`` returns the IDs of child processes that were started while the command ran, but not by it. They are
    neither ended nor waited for.
    """
    adopt_orphans()
    earlier_children = set(children(os.getpid()))
    on_terminal = sys.stdin is not None and sys.stdin.isatty()
    with _passing_signals_on(on_terminal) as pass_on_to:
        try:
            # Its own process group, except on a terminal: that signals the foreground group itself on Ctrl+C, and
            # lets only that group read.
            group = None if on_terminal else 0
            process = await asyncio.create_subprocess_exec(*command, env=dict(environment), process_group=group)
        except FileNotFoundError:
            print(f"emulator: no such command: {command[0]}", file=sys.stderr)
            return NOT_FOUND
        except OSError as error:
            print(f"emulator: cannot run {command[0]}: {error.strerror}", file=sys.stderr)
            return NOT_RUNNABLE
        pass_on_to(process)
        try:
            status = await process.wait()
        finally:
            await _end_leftovers(earlier_children, owned)
    return status if status >= 0 else 128 - status


@contextlib.contextmanager
def _passing_signals_on(on_terminal: bool) -> Iterator[Callable[[asyncio.subprocess.Process], None]]:
    """Pass signals on to a child. Yields a function that must be called with the child once it has started.

    Signals that arrive before that call are passed on by it. They must not end this process: the child may already
    run, and have told somebody to signal it, before its parent continues.
    """
    loop = asyncio.get_running_loop()
    early: list[signal.Signals] = []
    processes: list[asyncio.subprocess.Process] = []

    def pass_on(number: signal.Signals) -> None:
        # The terminal has already sent its interrupt to the child.
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

    def started(process: asyncio.subprocess.Process) -> None:
        processes.append(process)
        for number in early:
            pass_on(number)

    for number in PASSED_ON:
        loop.add_signal_handler(number, pass_on, number)
    try:
        yield started
    finally:
        for number in PASSED_ON:
            loop.remove_signal_handler(number)


async def _end_leftovers(earlier_children: set[int], owned: Callable[[], Collection[int]]) -> None:
    """Send SIGTERM to every process that the command left behind, and SIGKILL after ``TERM_SECONDS``."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + TERM_SECONDS
    number = signal.SIGTERM
    signalled: set[tuple[int, int]] = set()
    while leftovers := [pid for pid in children(os.getpid()) if pid not in earlier_children and pid not in owned()]:
        if loop.time() > deadline:
            number = signal.SIGKILL
        if loop.time() > deadline + KILL_SECONDS:
            print(f"emulator: could not end these processes: {leftovers}", file=sys.stderr)
            return
        for pid in leftovers:
            _signal_and_reap(pid, number, signalled)
        await asyncio.sleep(0.02)


def _signal_and_reap(pid: int, number: signal.Signals, signalled: set[tuple[int, int]]) -> None:
    if (pid, number) not in signalled:
        signalled.add((pid, number))
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
