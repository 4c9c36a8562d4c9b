# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Commands and files on a node, over one session.

``Client`` starts the session, waits for the marker of the bootstrap, and sends the helper. Input that came before the
marker would be echoed or lost. After that, any number of jobs run side by side. ``step`` is one turn for all of them:
it feeds input to those that have some, and gives what came to the jobs that it belongs to.

Input is fed only as fast as the job reads it. More would fill the memory of the node.

While a job runs and nothing comes, the node is asked every ``alive_interval`` seconds whether it is there. The second
question goes over a new socket, because the old one may be dead without a sign. After ``alive_count`` intervals without
an answer, the session counts as lost. The time that it takes to open a new socket does not count.

The node is also asked if nothing was sent to it for ``alive_interval`` seconds, whatever comes from it, because only
input keeps Session Manager from ending a session as idle.

A node without Python runs the loop of ``shell_loop.py`` instead: one command at a time, without input.
"""

from __future__ import annotations

import collections
import dataclasses
import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from . import channel
from .frames import MAX_PAYLOAD
from .lines import (
    INTERPRETERS,
    NO_PYTHON,
    READY,
    Answer,
    End,
    LineError,
    Reader,
    Writer,
    bootstrap,
    encoded_path,
    end_of,
    read_of,
    texts_of,
)
from .link import Limits, Link, Service, SessionError, closed_reason, output_of
from .shell_loop import LOOP, ShellError, ShellReader, ShellWriter
from .words import in_words, on_one_line

_PIECE = 32 * 1024  # bytes of input in one request
_AHEAD = 256 * 1024  # bytes that a job may be fed before it has read them
_ON_THE_WAY = 512 * 1024  # bytes that wait for an acknowledgement; no more is fed beyond it
_CHECK = 2.0  # seconds from one call of ``check`` to the next
_STILL_RUNNING = 10.0  # seconds after which the user is told, again and again
_CANCEL_SECONDS = 8.0  # the helper kills a command 5 seconds after it asked it to end
_SHOWN = 200  # characters of what the node printed instead of the marker
_KEPT = 4096  # bytes of it that are kept; more would fill the memory of the controller
_REASON = 1000  # characters of what the agent or the service says at the end of a session
_STALE = 1.0  # seconds after which an idle session is asked whether it is there
_PYTHON_ERROR = re.compile(r"[\w.]+(Error|Exception)\b")
# What to do about some of the reasons that SSM Agent gives.
_HINTS = {
    "Plugin with name": "Check that the node's disk is not full, and that its SSM Agent is up to date.",
    "RunAs user": "Create the user on the node, or change Run As in the Session document or the preferences.",
}
_WINDOWS = ("PowerShell", "is not recognized as")

Output = Callable[[str, bytes], None]


class JobError(Exception):
    """The node refused a request, or could not carry it out, for example because a file does not exist."""


class TooLongError(Exception):
    """A command took longer than it was allowed to, and was ended on the node."""


@dataclasses.dataclass(frozen=True)
class Node:
    """Who runs commands where. Without Python, all but ``user`` are empty."""

    user: str
    home: str = ""
    python: str = ""
    system: str = ""


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
        self.received = 0  # bytes
        self.ended: End | None = None
        self.hello: list[str] = []
        self.input: Iterator[bytes] | None = None
        self.fed = 0
        self.read = 0
        self._on_output = on_output
        self._kinds = kinds

    def take(self, answer: Answer) -> None:
        """Take an answer of the helper. Raises ``LineError``."""
        if answer.kind == "x":
            self.ended = end_of(answer)
        elif answer.kind == "c":
            self.read = read_of(answer)
        elif answer.kind == "h":
            self.hello = texts_of(answer, ("user", "home", "python", "system"))
        elif answer.kind not in self._kinds:
            raise LineError("The node sent output that was not asked for.")
        elif self._on_output is not None:
            self._on_output(answer.kind, answer.data)
        else:
            (self.err if answer.kind == "e" else self.out).extend(answer.data)
        self.received += len(answer.data)


class _HelperLanguage:
    """The helper's."""

    def __init__(self) -> None:
        self.writer = Writer()
        self._reader = Reader()

    def execute(self, job: int, command: bytes, stdin: str) -> Iterator[bytes]:
        return self.writer.request("exec", job, command=encoded_path(command), stdin=stdin)

    def probe(self, job: int) -> Iterator[bytes]:
        return self.writer.request("hello", job)

    def stray(self) -> str:
        """Return the error of Python with which the helper ended; an empty text if there was none."""
        printed = _printable(self._reader.stray)
        return printed if _PYTHON_ERROR.match(printed) else ""

    def confirm(self) -> Iterator[bytes]:
        """Return what tells the helper that its answers have come, if it must be told now."""
        size = self._reader.to_confirm()
        return iter(()) if size is None else self.writer.got(size)

    def take(self, data: bytes) -> list[Answer]:
        """Return the answers that are complete now. Raises ``LineError``."""
        return self._reader.feed(data)


class _ShellLanguage:
    """The shell loop's. One job runs at a time; others wait."""

    def __init__(self) -> None:
        self._writer = ShellWriter()
        self._reader = ShellReader()
        self._running: collections.deque[int] = collections.deque()

    def execute(self, job: int, command: bytes, unused_stdin: str) -> Iterator[bytes]:
        self._running.append(job)
        return self._writer.command(command)

    def probe(self, unused_job: int) -> Iterator[bytes]:
        return iter((b"\n",))  # passed over; the agent acknowledges it

    def stray(self) -> str:
        return ""

    def confirm(self) -> Iterator[bytes]:
        return iter(())

    def take(self, data: bytes) -> list[Answer]:
        """Return the answers that are complete now. Raises ``ShellError``."""
        found = []
        for end in self._reader.feed(data):
            if not self._running:
                raise ShellError("The shell on the node told the end of a command that was not sent.")
            job = self._running.popleft()
            status = json.dumps({"rc": end.status}).encode()
            found += [Answer(job, "o", end.out), Answer(job, "e", end.err), Answer(job, "x", status)]
        return found


class Client:
    """One session with a node, and the jobs in it. ``tell`` takes a verbosity and a line of text for the user."""

    def __init__(
        self,
        service: Service,
        limits: Limits,
        tell: Callable[[int, str], None],
        *,
        interpreters: Sequence[str] = INTERPRETERS,
        typed: bool = False,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """Start the session and the helper. Raises ``SessionError``; then no session is left.

        ``typed`` is whether the session runs a shell, into which the bootstrap is typed, and not the bootstrap itself.
        ``check`` is called every 2 seconds while something is waited for. What it raises ends the wait.
        """
        self._check = check
        self._limits = limits
        self._tell = tell
        self._language: _HelperLanguage | _ShellLanguage
        self._numbers = 0
        self._jobs: dict[int, Job] = {}
        started = self._sent_at = time.monotonic()
        self._heard()
        self._link = Link(service, limits, tell)
        deadline = self._link.started_at + limits.connect
        try:
            rest = self._wait_for_marker(bootstrap(interpreters) if typed else "", deadline)
            self.node = self._greet(rest, deadline)
        except BaseException:
            self.close()
            raise
        tell(3, f"SESSION {self.session_id} opened in {time.monotonic() - started:.2f} s")

    @property
    def session_id(self) -> str:
        return self._link.session_id

    def execute(self, command: bytes, stdin: str = "none", on_output: Output | None = None) -> Job:
        """Start a command in ``/bin/sh``. ``stdin`` is ``none``, or ``open`` if ``feed`` follows."""
        if stdin != "none":
            self._helper()
        job = self._new_job(on_output)
        self._send(self._language.execute(job.number, command, stdin))
        return job

    def feed(self, job: Job, pieces: Iterator[bytes]) -> None:
        """Give a job its input, piece by piece, as it reads it. Its input ends with the last piece."""
        job.input = pieces

    def feed_now(self, job: Job, data: bytes) -> None:
        """Give a job a little input at once, such as a password. Its input stays open."""
        job.fed += len(data)
        self._send(self._helper().writer.request("feed", job.number, data))

    def run(self, command: bytes, stdin: bytes | None = None, timeout: float | None = None) -> Ended:
        """Run a command to its end. Raises ``SessionError``, ``JobError`` or ``TooLongError``."""
        job = self.execute(command, "none" if stdin is None else "open")
        if stdin is not None:
            self.feed(job, pieces_of(stdin))
        ended = self.finish(job, timeout)
        return Ended(ended.status, bytes(job.out), bytes(job.err))

    def put(self, source: BinaryIO, path: bytes) -> None:
        """Write a file on the node. Raises ``SessionError`` or ``JobError``; then the file is as it was before."""
        writer, digest = self._helper().writer, hashlib.sha256()
        while piece := source.read(_PIECE):
            digest.update(piece)
        size = source.tell()
        source.seek(0)
        job = self._new_job(None)
        self._send(writer.request("put", job.number, path=encoded_path(path), size=size, sha256=digest.hexdigest()))
        self.feed(job, iter(lambda: source.read(_PIECE), b""))
        self.finish(job)

    def get(self, path: bytes, target: BinaryIO) -> None:
        """Copy a file of the node into ``target``. Raises ``SessionError`` or ``JobError``."""
        writer, digest = self._helper().writer, hashlib.sha256()

        def write(unused_kind: str, data: bytes) -> None:
            digest.update(data)
            target.write(data)

        job = self._new_job(write, "g")
        self._send(writer.request("get", job.number, path=encoded_path(path)))
        if self.finish(job).sha256 != digest.hexdigest():
            raise JobError("the file arrived damaged")

    def finish(self, job: Job, timeout: float | None = None) -> End:
        """Wait for the end of a job, and return what the helper says of it.

        Raises ``TooLongError`` if that takes more than ``timeout`` seconds, and ``JobError`` if the job failed.
        """
        if not self.wait_until(lambda: job.ended is not None, job, timeout):
            self._end_early(job, f"took longer than {in_words(timeout or 0)}")
        ended = job.ended or End()
        if ended.error:
            raise JobError(ended.error)
        return ended

    def _end_early(self, job: Job, took: str) -> None:
        """End a job on the node, and raise ``TooLongError``."""
        if isinstance(self._language, _ShellLanguage):  # which cannot end a command
            self.close()
            raise TooLongError(f"{took}, and may still run on the node, because its session was ended")
        self.cancel(job)
        self.wait_until(lambda: job.ended is not None, job, _CANCEL_SECONDS)
        self._jobs.pop(job.number, None)
        is_over = job.ended is not None and not job.ended.left
        raise TooLongError(f"{took}, and {'was ended' if is_over else 'may still run'} on the node")

    def cancel(self, job: Job) -> None:
        """Begin to end a job: SIGTERM to its processes, and SIGKILL after 5 seconds."""
        job.input = None
        if isinstance(self._language, _HelperLanguage):
            self._send(self._language.writer.request("cancel", job.number))

    def step(self, seconds: float) -> None:
        """Do what there is to do, and wait for at most ``seconds``. Raises ``SessionError`` if the session is lost."""
        for job in list(self._jobs.values()):
            self._feed(job)
        before = self._link.output_at, self._link.unacknowledged
        events = self._link.wait(min(seconds, self._until_question()))
        data = output_of(events)
        # The shell loop does not answer while a command runs, but the agent acknowledges.
        acknowledged = isinstance(self._language, _ShellLanguage) and self._link.unacknowledged < before[1]
        if self._link.output_at != before[0] or acknowledged:
            self._heard()
        self._take(data)
        reason = closed_reason(events)
        if reason is not None:
            raise SessionError(_why_ended(reason or self._language.stray()))
        self._ask()

    def wait_until(self, done: Callable[[], bool], job: Job | None = None, seconds: float | None = None) -> bool:
        """Step until something is done, or the time is up. Return whether it is done.

        If an error ends the wait, the job is cancelled on the node. If a signal does, the session must be closed,
        because it may have been in the middle of a step.
        """
        started = told = time.monotonic()
        deadline = None if seconds is None else started + seconds
        try:
            while not done():
                now = time.monotonic()
                if deadline is not None and now >= deadline:
                    return False
                if job is not None and now - told >= _STILL_RUNNING:
                    told = now
                    self._tell(3, f"STILL RUNNING after {now - started:.0f} s, {job.received} bytes received")
                self._check()
                self.step(min(_CHECK, (deadline or now + _CHECK) - now))
        except Exception:
            if job is not None:
                self.abandon(job)
            raise
        return True

    def abandon(self, job: Job) -> None:
        """Cancel a job that nobody waits for any more."""
        if self._jobs.pop(job.number, None) is None or job.ended is not None:
            return
        self.cancel(job)
        self._link.write()

    def is_alive(self) -> bool:
        """Return whether the session still runs. An idle one is asked, which takes one round trip."""
        try:
            self.step(0)
            if time.monotonic() - self._heard_at < _STALE:
                return not self._link.has_ended
            answered = self._heard_at
            self._probe()
            self.wait_until(lambda: self._heard_at > answered, seconds=self._limits.connect)
        except SessionError:
            return False
        return self._heard_at > answered

    def close(self) -> None:
        """End the session, and with it all jobs."""
        self._link.close()

    # --- starting ---

    def _wait_for_marker(self, typed: str, deadline: float) -> bytes:
        """Wait until the node prints that it takes the helper. Return what came after that."""
        printed = b""
        while time.monotonic() < deadline:
            events = self._link.wait(deadline - time.monotonic())
            if typed and any(isinstance(event, channel.Ready) for event in events):
                line = f"{typed}\n".encode()
                self._send(line[start : start + MAX_PAYLOAD] for start in range(0, len(line), MAX_PAYLOAD))
            printed += output_of(events)
            for marker in (READY, NO_PYTHON):
                if (at := printed.find(marker)) >= 0:
                    self._language = _ShellLanguage() if marker == NO_PYTHON else _HelperLanguage()
                    return printed[at + len(marker) :]
            reason = closed_reason(events)
            if reason is not None:
                raise SessionError(_why_ended(reason) + _instead(printed))
            printed = printed[-_KEPT:]
        raise SessionError(_no_marker(printed, self._limits.connect))

    def _greet(self, rest: bytes, deadline: float) -> Node:
        """Send the helper, and return what it says of the node."""
        self._heard()
        if isinstance(self._language, _ShellLanguage):
            self._link.send(LOOP.encode() + b"\n")
            return self._greet_shell(deadline)
        source = Path(__file__).with_name("helper.py").read_bytes()
        self._send(self._language.writer.program(source))
        job = self._new_job(None)
        self._send(self._language.probe(job.number))
        self._take(rest)
        self.wait_until(lambda: bool(job.hello), seconds=deadline - time.monotonic())
        self._jobs.pop(job.number, None)
        if not job.hello:
            raise SessionError(f"The node did not start the helper within {in_words(self._limits.connect)}.")
        return Node(*job.hello)

    def _greet_shell(self, deadline: float) -> Node:
        job = self.execute(b'id -un 2>/dev/null || echo "$USER"')
        self.wait_until(lambda: job.ended is not None, seconds=deadline - time.monotonic())
        if job.ended is None:
            raise SessionError(f"The node did not start a shell within {in_words(self._limits.connect)}.")
        return Node(job.out.decode("utf-8", "replace").strip())

    # --- jobs ---

    def _new_job(self, on_output: Output | None, kinds: str = "oe") -> Job:
        self._numbers += 1
        job = self._jobs[self._numbers] = Job(self._numbers, on_output, kinds)
        if len(self._jobs) == 1:
            self._heard()  # silence counts from now
        return job

    def _helper(self) -> _HelperLanguage:
        if not isinstance(self._language, _HelperLanguage):
            raise JobError("this requires Python 3.8 or newer on the node, which has none; use raw to install it")
        return self._language

    def _send(self, messages: Iterator[bytes]) -> None:
        for message in messages:
            self._link.send(message)
            self._sent_at = time.monotonic()

    def _feed(self, job: Job) -> None:
        """Send input of a job, as much as it and the channel take now."""
        while job.input is not None and job.fed - job.read < _AHEAD and self._link.unacknowledged < _ON_THE_WAY:
            data = next(job.input, None)
            if data is None:
                job.input = None
                self._send(self._helper().writer.request("feed", job.number, end=True))
                return
            self.feed_now(job, data)

    def _take(self, data: bytes) -> None:
        try:
            for answer in self._language.take(data) if data else ():
                job = self._jobs.get(answer.job)
                if job is not None:
                    job.take(answer)
                    if job.ended is not None:
                        del self._jobs[answer.job]
        except (LineError, ShellError) as error:
            raise SessionError(str(error)) from None
        self._send(self._language.confirm())

    # --- silence ---

    def _heard(self) -> None:
        self._heard_at = time.monotonic()
        self._asked = 0
        self._ask_at = self._heard_at + self._limits.alive_interval

    def _until_question(self) -> float:
        """Return for how many seconds no question is necessary."""
        interval = self._limits.alive_interval
        if not self._jobs or not interval:
            return _STILL_RUNNING
        return max(0.0, min(self._ask_at, self._sent_at + interval) - time.monotonic())

    def _ask(self) -> None:
        """Ask a silent node whether it is there. Raises ``SessionError`` once it did not answer often enough."""
        if self._until_question() > 0:
            return
        if time.monotonic() < self._ask_at:  # it is not silent
            self._probe()
            return
        self._asked += 1
        silent = time.monotonic() - self._heard_at
        if self._asked >= self._limits.alive_count:
            raise SessionError(f"The node did not answer for {in_words(round(silent))}.")
        self._probe()
        if self._asked > 1:
            self._link.resume(f"The node did not answer for {in_words(round(silent))}.")
        self._ask_at = time.monotonic() + self._limits.alive_interval

    def _probe(self) -> None:
        """Send what makes the node answer."""
        self._numbers += 1
        self._send(self._language.probe(self._numbers))


def pieces_of(data: bytes) -> Iterator[bytes]:
    """Return data in pieces for ``Client.feed``."""
    return (data[start : start + _PIECE] for start in range(0, len(data), _PIECE))


def _why_ended(reason: str) -> str:
    """Return a sentence for the end of a session that nobody here asked for."""
    reason = on_one_line(reason[:_REASON]).rstrip(".")
    if not reason:
        return "The session was ended."
    hint = next((f" {hint}" for words, hint in _HINTS.items() if words in reason), "")
    return f"The session ended: {reason}.{hint}"


def _no_marker(printed: bytes, seconds: float) -> str:
    if any(word in _printable(printed) for word in _WINDOWS):
        return "The node runs Windows, which is not supported. Use the connection plugin amazon.aws.aws_ssm."
    instead = _instead(printed) or " It printed nothing."
    remedy = "If it needs more time, set ansible_aws_ssm_connect_timeout."
    return f"The node did not start a shell within {in_words(seconds)}.{instead} {remedy}"


def _instead(printed: bytes) -> str:
    """Return a sentence with what the node printed instead of the marker, or an empty text."""
    shown = _printable(printed)
    return f" It printed: {shown}" if shown else ""


def _printable(printed: bytes) -> str:
    """Return the end of what was printed, on one line."""
    return on_one_line(printed.decode("utf-8", "replace"))[-_SHOWN:]
