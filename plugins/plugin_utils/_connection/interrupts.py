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
import weakref
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _State:
    """What all connections of the process share."""

    def __init__(self) -> None:
        self.active: list[Interrupts] = []
        # The handlers of the signals before the first connection began.
        self.earlier: dict[int, Any] = {}
        # Whether the process was told to end.
        self.is_ending = False


_state = _State()


class InterruptedBySignal(BaseException):
    """The process was told to end. Whoever catches it ends the session, and then calls ``pass_on``."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number
        _state.is_ending = True

    def pass_on(self) -> None:
        """Do what the signal would have done."""
        if self.number in _state.earlier:
            signal.signal(self.number, _state.earlier[self.number])
        try:
            signal.raise_signal(self.number)
        finally:
            if _state.active and self.number in _state.earlier:  # the signal did not end the process
                signal.signal(self.number, _interrupt)


class Interrupts:
    """Turns signals into ``InterruptedBySignal`` from ``begin`` to ``end``.

    A process can have several, one for each connection. They may end in any order: the first that begins replaces the
    handlers of the signals, and the last that ends puts them back.
    """

    def __init__(self) -> None:
        self._close: weakref.WeakMethod[Callable[[], None]] | None = None

    def begin(self, close: Callable[[], None] | None = None) -> None:
        """Begin, if this is the main thread.

        ``close`` is the method of the connection that ends its session. It is called if another connection ends
        because of a signal, and does not keep the connection alive.
        """
        if self in _state.active or threading.current_thread() is not threading.main_thread():
            return
        self._close = weakref.WeakMethod(close) if close else None
        _state.active.append(self)
        if len(_state.active) == 1:
            _state.is_ending = False
            _install()

    def end(self) -> None:
        """End. After a signal, end the sessions of all other connections too, because nobody else will."""
        if self not in _state.active:
            return
        _state.active.remove(self)
        if _state.is_ending:
            with held():
                for other in list(_state.active):
                    other.close_connection()
        if not _state.active:
            _state.is_ending = False
            _put_back()

    def close_connection(self) -> None:
        """End the session of the connection, if it is still there."""
        close = self._close and self._close()
        self._close = None
        if close:
            with contextlib.suppress(Exception):
                close()


def _install() -> None:
    for number in _SIGNALS:
        # None stands for a handler that is not of Python. It could not be put back.
        if signal.getsignal(number) not in (signal.SIG_IGN, None, _interrupt):
            _state.earlier[number] = signal.signal(number, _interrupt)


def _put_back() -> None:
    """Put the earlier handlers back, each on its own.

    Only the main thread can. Python may drop a connection in any thread; then ``_interrupt`` stays, and passes signals
    on.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    while _state.earlier:
        number, handler = _state.earlier.popitem()
        if signal.getsignal(number) is _interrupt:  # otherwise somebody else has replaced it since
            with contextlib.suppress(OSError, TypeError, ValueError):
                signal.signal(number, handler)


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
    interruption = InterruptedBySignal(number)
    if _state.active:
        raise interruption
    interruption.pass_on()
