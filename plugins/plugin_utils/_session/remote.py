# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""The connection of a worker to the holder of sessions.

A worker is a new process for each task, so nothing here imports a library that takes long to load: neither boto3, nor
websockets, nor ssl.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable, Mapping
from typing import Any

from . import wire
from .errors import GoneError, JobError, SessionError
from .jobs import Job
from .lines import Answer, LineError, Node, node_of

_RECEIVE = 256 * 1024  # bytes
_MOST_UNSENT = 256 * 1024  # bytes that wait for the holder; no more input is sent beyond it
_LONG = 3600.0  # seconds
_GONE = (
    "The background process that holds the sessions has ended. If it was killed, for example for lack of memory, its "
    "sessions stay open until their idle timeout, and their commands can run until then. To end the sessions earlier, "
    "use sessionops.aws.ssm_session_terminate. The next task starts another process."
)
_INVALID = "The background process that holds the sessions sent an answer that is not valid:"


class Remote:
    """Carries the requests and answers of jobs. ``tell`` takes a verbosity and a line of text for the user."""

    def __init__(self, connection: socket.socket, tell: Callable[[int, str], None]) -> None:
        connection.setblocking(False)
        self._connection = connection
        self._tell = tell
        self._decoder = wire.Decoder()
        self._unsent = bytearray()

    @property
    def has_room(self) -> bool:
        """Whether input can be sent. More would only wait."""
        return len(self._unsent) < _MOST_UNSENT

    def ask(self, do: str, settings: Mapping[str, Any] | None = None) -> Answer:
        """Send a first request, and return its answer. Raises ``SessionError``; then nothing was sent to a node."""
        self.request(do, 0, version=wire.VERSION, settings=settings)
        job = Job(0, lambda kind, data: None, "h")
        while True:
            for answer in self.wait(_LONG):
                job.take(answer)
                if job.lost is not None:
                    raise job.lost
                return answer

    def open(self, settings: Mapping[str, Any]) -> Node:
        """Take part in the session of some settings, and return who runs commands where."""
        try:
            return node_of(self.ask("open", settings))
        except LineError as error:
            raise SessionError(str(error)) from None

    def request(self, do: str, job: int, raw: bytes = b"", **members: Any) -> None:
        """Send a request. Raises ``JobError`` if it is too long.

        One that input follows is sent with the input, or by ``wait``, so that both can share a message to the node.
        """
        try:
            self._unsent += wire.encode({"do": do, "job": job, **members}, raw)
        except wire.MessageError:
            raise JobError("the command is too long") from None
        if not (do == "put" or members.get("stdin") == "open"):
            self._write()

    def wait(self, seconds: float) -> list[Answer]:
        """Return what came, after at most ``seconds``. Raises ``SessionError`` if the holder has ended."""
        deadline = time.monotonic() + seconds
        while True:
            self._write()
            poll = select.poll()
            poll.register(self._connection, select.POLLIN | (select.POLLOUT if self._unsent else 0))
            left = max(0.0, deadline - time.monotonic())
            events = poll.poll(left * 1000)
            answers = self._read() if any(event & ~select.POLLOUT for unused, event in events) else []
            if answers or not left:
                return answers

    def is_there(self) -> bool:
        """Return whether the holder is there. What it said in the meantime is lost, so no job may run."""
        try:
            self.wait(0)
        except SessionError:
            return False
        return True

    def close(self) -> None:
        """Disconnect. The holder cancels the jobs that have not ended."""
        self._connection.close()

    def _read(self) -> list[Answer]:
        try:
            received = self._connection.recv(_RECEIVE)
            messages = self._decoder.feed(received)
        except BlockingIOError:
            return []
        except wire.MessageError as error:
            raise SessionError(f"{_INVALID} {error} Run Ansible again.") from None
        except OSError:
            received = b""
        if not received:
            raise GoneError(_GONE)
        answers = []
        for said, data in messages:
            if "tell" in said:
                self._tell(said["tell"], said["text"])
            else:
                answers.append(Answer(said["job"], said["kind"], data))
        return answers

    def _write(self) -> None:
        """Send what the holder takes now. Raises nothing, because ``wait`` meets the end of the holder."""
        try:
            while self._unsent:
                del self._unsent[: self._connection.send(self._unsent)]
        except BlockingIOError:
            pass
        except OSError:
            self._unsent.clear()
