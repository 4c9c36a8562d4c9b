# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""End a session if the process is told to end.

A worker process of Ansible ends at once on a signal, such as that of Ctrl+C, and would leave its session behind.
"""

from __future__ import annotations

import signal
import threading
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


def _interrupt(number: int, unused_frame: FrameType | None) -> None:
    raise InterruptedBySignal(number)
