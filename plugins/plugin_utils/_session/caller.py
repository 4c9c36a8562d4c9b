# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""A worker of Ansible, as the holder of sessions sees it: requests that came, and answers that wait to be sent."""

from __future__ import annotations

import collections
import json
import socket
from typing import Any

from . import wire

_RECEIVE = 256 * 1024  # bytes
DOES_NOT_UNDERSTAND = (
    "The process that holds the sessions does not understand a request. If sessionops.aws was updated during the run, "
    "run Ansible again."
)
# A worker that does not read so many bytes of answers is dropped. They would fill the memory of the holder.
_MOST_UNREAD = 64 * 1024 * 1024
_MOST_WAITING = 1024 * 1024  # bytes beyond which it gets no more of a file that comes in a session of its own


class Caller:
    """A connection of a worker. ``has_gone`` is whether it is of no more use."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self.connection = connection
        self.has_gone = False
        self.requests: collections.deque[wire.Request] = collections.deque()  # that were not carried out yet
        self.jobs: dict[int, int] = {}  # the session's numbers of the jobs that run
        self._decoder = wire.Decoder()
        self._unread = bytearray()

    def fileno(self) -> int:
        return self.connection.fileno()

    @property
    def has_room(self) -> bool:
        """Whether the worker should be sent more of a file. More would only wait."""
        return len(self._unread) < _MOST_WAITING

    @property
    def wants_write(self) -> bool:
        """Whether answers wait until the worker has read others."""
        return bool(self._unread)

    def read(self) -> None:
        """Add what came to ``requests``. Raises nothing."""
        try:
            received = self.connection.recv(_RECEIVE)
            self.has_gone = self.has_gone or not received
            self.requests += map(wire.request_of, self._decoder.feed(received))
        except BlockingIOError:
            pass
        except wire.MessageError as error:
            self.refuse(0, f"{DOES_NOT_UNDERSTAND} {error}")
            self.has_gone = True
        except OSError:
            self.has_gone = True

    def answer(self, job: int, kind: str, data: bytes) -> None:
        """Send an answer. Output can be longer than a message."""
        for start in range(0, len(data) or 1, wire.MAX_DATA):
            self._send({"job": job, "kind": kind}, data[start : start + wire.MAX_DATA])

    def refuse(self, job: int, text: str, *, sent: bool = False) -> None:
        """Say that the session of a job is lost. ``sent`` is whether the node may have got something of the job."""
        self.answer(job, "l", json.dumps({"text": text, "sent": sent}).encode())

    def tell(self, verbosity: int, text: str) -> None:
        """Send a line of text for the user."""
        self._send({"tell": verbosity, "text": text})

    def write(self) -> None:
        """Send what the worker takes now. Raises nothing."""
        try:
            while self._unread and not self.has_gone:
                del self._unread[: self.connection.send(self._unread)]
        except BlockingIOError:
            self.has_gone = self.has_gone or len(self._unread) > _MOST_UNREAD
        except OSError:
            self.has_gone = True

    def close(self) -> None:
        """Disconnect. What was not sent yet is lost."""
        self.has_gone = True
        self.connection.close()

    def _send(self, said: dict[str, Any], data: bytes = b"") -> None:
        self._unread += wire.encode(said, data)
        self.write()
