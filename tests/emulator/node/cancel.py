# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A flag that ends a session. A thread can wait for it alone, or together with files."""

from __future__ import annotations

import os
import threading


class Cancel:
    """Is set once, by any thread. ``fileno`` is readable from then on."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._read_end, self._write_end = os.pipe()

    def set(self) -> None:
        with self._lock:
            if not self._event.is_set():
                self._event.set()
                os.write(self._write_end, b"x")

    def is_set(self) -> bool:
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait for at most this many seconds, and return whether the flag is set."""
        return self._event.wait(seconds)

    def fileno(self) -> int:
        return self._read_end

    def close(self) -> None:
        """Close the files. The flag counts as set, and no thread may wait for the files any more."""
        with self._lock:
            self._event.set()
            os.close(self._read_end)
            os.close(self._write_end)
