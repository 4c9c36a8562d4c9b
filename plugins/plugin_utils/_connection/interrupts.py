# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""End a session if the process is told to end.

A worker process of Ansible ends at once on a signal, such as that of Ctrl+C, and would leave its session behind. If the
main process is killed, or its terminal is closed, nobody tells the workers, and they would work to the end of the task.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class InterruptedBySignal(BaseException):
    """The process was told to end. Whoever catches it ends the session, and then calls ``pass_on``."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number

    def pass_on(self) -> None:
        """Do what the signal would have done."""
        signal.raise_signal(self.number)


class Interrupts:
    """Turns signals into ``InterruptedBySignal`` from ``begin`` to ``end``."""

    def __init__(self) -> None:
        self._earlier: dict[int, Any] = {}

    def begin(self) -> None:
        if self._earlier or threading.current_thread() is not threading.main_thread():
            return
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._earlier[number] = signal.signal(number, _interrupt)

    def end(self) -> None:
        for number, handler in self._earlier.items():
            signal.signal(number, handler)
        self._earlier.clear()


@contextlib.contextmanager
def held() -> Iterator[None]:
    """Let signals wait until the block is left, also that of a task's time limit.

    A call that starts or ends a session must not be interrupted, because then nobody knows whether there is a session.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (*_SIGNALS, signal.SIGALRM))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def check_parent() -> None:
    """Raise ``InterruptedBySignal`` in a worker whose main process has ended."""
    parent = multiprocessing.parent_process()
    if parent is not None and parent.pid != os.getppid():
        raise InterruptedBySignal(signal.SIGHUP)


def _interrupt(number: int, unused_frame: FrameType | None) -> None:
    raise InterruptedBySignal(number)
