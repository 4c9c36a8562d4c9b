# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Commands and files on a node, as jobs side by side.

``Jobs`` knows the requests and the answers of the helper, and what they say of each job. A ``Transport``
carries them: the session itself, or a connection to the process that holds it. ``step`` is one turn for all jobs: it
feeds input to those that have some, and gives what came to the jobs that it belongs to.

Input is fed only as fast as the job reads it, because more would fill the memory of the node. A module is given at
once: it is short, and the job reads all of it before it does anything.
"""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Protocol

from .errors import JobError, NotSentError, SessionError, TooLongError
from .lines import Answer, End, LineError, Node, encoded_path, end_of, read_of
from .payload import parts_of
from .wire import MAX_DATA
from .words import in_words

_PIECE = 32 * 1024  # bytes of input in one request
_AHEAD = 256 * 1024  # bytes that a job may be fed before it has read them
_STEP = 2.0  # seconds that a step waits at most
_STILL_RUNNING = 10.0  # seconds after which the user is told, again and again
_CANCEL_SECONDS = 8.0  # the helper kills a command 5 seconds after it asked it to end

Output = Callable[[str, bytes], None]


class Transport(Protocol):
    """Carries the requests and answers of ``helper.py``. Its methods raise ``SessionError``."""

    def request(self, do: str, job: int, raw: bytes = b"", **members: Any) -> None:
        """Send a request, and what follows its line."""

    def wait(self, seconds: float) -> list[Answer]:
        """Return what came, after at most ``seconds``."""

    @property
    def has_room(self) -> bool:
        """Whether input can be sent. More would only wait."""


@dataclasses.dataclass(frozen=True)
class Ended:
    """The end of a command. ``status`` is negative if a signal ended it."""

    status: int
    out: bytes
    err: bytes


class Job:
    """A request that is carried out on the node. ``kinds`` are those of the output that it can have."""

    def __init__(self, number: int, on_output: Output | None = None, kinds: str = "oe") -> None:
        self.number = number
        self.out = bytearray()
        self.err = bytearray()
        self.received = 0  # bytes of output
        self.ended: End | None = None
        self.lost: SessionError | None = None
        self.input: Iterator[bytes] | None = None
        self.whole = b""  # input that the node may not be able to put together
        self.fed = 0
        self.read = 0
        self._on_output = on_output
        self._kinds = kinds

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come."""
        return self.ended is not None or self.lost is not None

    def take(self, answer: Answer) -> None:
        """Take an answer of the helper. Raises ``LineError``."""
        if answer.kind == "x":
            self.ended = end_of(answer)
        elif answer.kind == "l":
            self.lost = loss_of(answer)
        elif answer.kind == "c":
            self.read = read_of(answer)
        elif answer.kind == "m" and self.whole:
            self.input, self.whole = pieces_of(self.whole), b""
        elif answer.kind not in self._kinds:
            raise LineError("The node sent output that was not asked for.")
        elif self._on_output is not None:
            self._on_output(answer.kind, answer.data)
        else:
            (self.err if answer.kind == "e" else self.out).extend(answer.data)
        if answer.kind in self._kinds:
            self.received += len(answer.data)


def loss_of(answer: Answer) -> SessionError:
    """Return why the session of a job is lost, as an answer ``l`` says, which only the holder of sessions sends."""
    said = answer.said()
    return (SessionError if said.get("sent") else NotSentError)(str(said.get("text")))


class Jobs:
    """The jobs on a node. ``tell`` takes a verbosity and a line of text for the user."""

    def __init__(self, transport: Transport, node: Node, tell: Callable[[int, str], None]) -> None:
        self.node = node
        self._transport = transport
        self._tell = tell
        self._numbers = 0
        self._jobs: dict[int, Job] = {}

    def execute(self, command: bytes, stdin: str = "none", on_output: Output | None = None) -> Job:
        """Start a command in ``/bin/sh``. ``stdin`` is ``none``, or ``open`` if ``feed`` follows.

        With ``terminal``, ``feed`` can follow, and the command has a terminal of its own. All of its output is ``o``.
        """
        job = self._new_job(on_output)
        self._transport.request("exec", job.number, command=encoded_path(command), stdin=stdin)
        return job

    def feed(self, job: Job, pieces: Iterator[bytes]) -> None:
        """Give a job its input, piece by piece, as it reads it. Its input ends with the last piece."""
        job.input = pieces

    def give(self, job: Job, data: bytes, reuse: bool = True) -> None:
        """Give a job all of its input. With ``reuse``, parts that the node has from other jobs are not sent again."""
        payload = parts_of(data) if reuse and len(data) <= MAX_DATA else None
        if payload is None:
            self.feed(job, pieces_of(data))
            return
        job.whole = data
        raw = b"".join((payload.recipe, *payload.parts.values()))
        sizes = {name: len(part) for name, part in payload.parts.items()}
        self._transport.request("build", job.number, raw, recipe=len(payload.recipe), parts=sizes)

    def feed_now(self, job: Job, data: bytes) -> None:
        """Give a job a little input at once, such as a password. Its input stays open."""
        job.fed += len(data)
        self._transport.request("feed", job.number, data)

    def run(
        self, command: bytes, stdin: bytes | None = None, timeout: float | None = None, *, reuse: bool = True
    ) -> Ended:
        """Run a command to its end. Raises ``SessionError``, ``JobError`` or ``TooLongError``.

        ``reuse`` is that of ``give``.
        """
        job = self.execute(command, "none" if stdin is None else "open")
        if stdin is not None:
            self.give(job, stdin, reuse)
        ended = self.finish(job, timeout)
        return Ended(ended.status, bytes(job.out), bytes(job.err))

    def put(self, source: BinaryIO, path: bytes) -> None:
        """Write a file on the node. Raises ``SessionError`` or ``JobError``; then the file is as it was before."""
        digest = hashlib.sha256()
        while piece := source.read(_PIECE):
            digest.update(piece)
        size = source.tell()
        source.seek(0)
        job = self._new_job(None)
        sha256 = digest.hexdigest()
        self._transport.request("put", job.number, path=encoded_path(path), size=size, sha256=sha256)
        self.feed(job, iter(lambda: source.read(_PIECE), b""))
        self.finish(job)

    def get(self, path: bytes, target: BinaryIO, most: int | None = None) -> None:
        """Copy a file of the node into ``target``. Raises ``SessionError`` or ``JobError``.

        The holder of sessions reads a file of more than ``most`` bytes in a session of its own. If that is not the file
        of the session of the job, for example because it was changed meanwhile, the file is read again, in one session.
        """
        if self._get(path, target, {} if most is None else {"most": most}):
            return
        target.seek(0)
        target.truncate()
        if most is None or not self._get(path, target, {}):
            raise JobError("the file arrived damaged")

    def _get(self, path: bytes, target: BinaryIO, limit: dict[str, int]) -> bool:
        """Copy a file. Return whether its checksum is that of what arrived."""
        digest = hashlib.sha256()

        def write(unused_kind: str, data: bytes) -> None:
            digest.update(data)
            target.write(data)

        job = self._new_job(write, "g")
        self._transport.request("get", job.number, b"", path=encoded_path(path), **limit)
        return self.finish(job).sha256 == digest.hexdigest()

    def finish(self, job: Job, timeout: float | None = None) -> End:
        """Wait for the end of a job, and return what the helper says of it.

        Raises ``TooLongError`` if that takes more than ``timeout`` seconds, ``JobError`` if the job failed, and
        ``SessionError`` if its session was lost.
        """
        if not self.wait_until(lambda: job.is_over, job, timeout):
            self._end_early(job, f"took longer than {in_words(timeout or 0)}")
        if job.lost is not None:
            raise job.lost
        ended = job.ended or End()
        if ended.error:
            raise JobError(ended.error)
        return ended

    def cancel(self, job: Job) -> None:
        """Begin to end a job: SIGTERM to its processes, and SIGKILL after 5 seconds. Without Python, end the session.

        The shell loop on a node without Python cannot end a command.
        """
        job.input, job.whole = None, b""
        self._transport.request("cancel", job.number)

    def abandon(self, job: Job) -> None:
        """Cancel a job that nobody waits for any more."""
        if self._jobs.pop(job.number, None) is not None and not job.is_over:
            self.cancel(job)

    def step(self, seconds: float) -> None:
        """Do what there is to do, and wait for at most ``seconds``. Raises ``SessionError`` if the session is lost."""
        for job in list(self._jobs.values()):
            self._feed(job)
        try:
            for answer in self._transport.wait(seconds):
                self._take(answer)
        except LineError as error:
            raise SessionError(str(error)) from None

    def wait_until(self, done: Callable[[], bool], job: Job, seconds: float | None = None) -> bool:
        """Step until something is done, or the time is up. Return whether it is done.

        If an error ends the wait, the job is cancelled on the node. If a signal does, the transport must be closed,
        because it may have been in the middle of a step.
        """
        started = told = time.monotonic()
        deadline = None if seconds is None else started + seconds
        try:
            while not done():
                now = time.monotonic()
                if deadline is not None and now >= deadline:
                    return False
                if now - told >= _STILL_RUNNING:
                    told = now
                    self._tell(3, f"STILL RUNNING after {now - started:.0f} s, {job.received} bytes of output")
                self.step(min(_STEP, (deadline or now + _STEP) - now))
        except Exception:
            self.abandon(job)
            raise
        return True

    def _new_job(self, on_output: Output | None, kinds: str = "oe") -> Job:
        self._numbers += 1
        job = self._jobs[self._numbers] = Job(self._numbers, on_output, kinds)
        return job

    def _feed(self, job: Job) -> None:
        """Send input of a job, as much as it and the transport take now."""
        while job.input is not None and job.fed - job.read < _AHEAD and self._transport.has_room:
            data = next(job.input, None)
            if data is None:
                job.input = None
                self._transport.request("feed", job.number, end=True)
                return
            self.feed_now(job, data)

    def _take(self, answer: Answer) -> None:
        job = self._jobs.get(answer.job)
        if job is not None:
            job.take(answer)
            if job.is_over:
                del self._jobs[answer.job]

    def _end_early(self, job: Job, took: str) -> None:
        """End a job on the node, and raise ``TooLongError``."""
        self.cancel(job)
        if not self.node.python:
            self._jobs.pop(job.number, None)
            raise TooLongError(f"{took}. Its session was ended, but the command may still run on the node")
        self.wait_until(lambda: job.is_over, job, _CANCEL_SECONDS)
        self._jobs.pop(job.number, None)
        is_over = job.ended is not None and not job.ended.left
        raise TooLongError(f"{took}, and {'was ended' if is_over else 'may still run'} on the node")


def pieces_of(data: bytes) -> Iterator[bytes]:
    """Return data in pieces for ``Jobs.feed``."""
    return (data[start : start + _PIECE] for start in range(0, len(data), _PIECE))
