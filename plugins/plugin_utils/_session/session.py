# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""A session with a node, and the program in it that carries out jobs.

``Session`` starts the session, waits for the marker of the bootstrap, and sends the helper. Input that came before the
marker would be echoed or lost. After that it carries the requests and the answers of jobs, of which it knows no more
than which of them run.

While a job runs and nothing comes, the node is asked every ``alive_interval`` seconds whether it is there. The second
question goes over a new socket, because the old one may be dead without a sign. After ``alive_count`` intervals without
an answer, the session counts as lost. The time that it takes to open a new socket does not count.

The node is also asked if nothing was sent to it for ``alive_interval`` seconds, whatever comes from it, because only
input keeps Session Manager from ending a session as idle.

A node without Python runs the loop of ``shell_loop.py`` instead: one command at a time, without input.
"""

from __future__ import annotations

import collections
import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from . import channel
from .errors import SessionError
from .frames import MAX_PAYLOAD
from .helper import DICTIONARY, Parts, deflated
from .limits import Limits
from .lines import (
    ECHO,
    INTERPRETERS,
    NO_PYTHON,
    READY,
    STARTS,
    Answer,
    LineError,
    Node,
    Reader,
    Writer,
    bootstrap,
    node_of,
)
from .link import Link, Pause, Service, closed_by, output_of
from .shell_loop import LOOP, ShellError, ShellReader, ShellWriter
from .words import in_words, on_one_line

# Read once, because an update of the collection replaces the file while a holder runs.
_HELPER = Path(__file__).with_name("helper.py").read_bytes()
_ON_THE_WAY = 512 * 1024  # bytes that wait for an acknowledgement; no more input should be sent beyond it
_CHECK = 2.0  # seconds from one call of ``pause`` to the next
_SHOWN = 200  # characters of what the node printed instead of the marker
_KEPT = 4096  # bytes of it that are kept; more would fill the memory of the controller
_REASON = 1000  # characters of what the agent or the service says at the end of a session
_STALE = 1.0  # seconds after which an idle session is asked whether it is there
_LONG = 3600.0  # seconds
_NOBODY = 0  # the job of the requests that are the session's own
_PYTHON_ERROR = re.compile(r"[\w.]+(Error|Exception)\b")
# What to do about some of the reasons that SSM Agent gives. The first regular expression that is found counts.
_HINTS = {
    "Plugin with name": "Check that the node's disk is not full, and that its SSM Agent is up to date.",
    "inactivity": "Set ansible_aws_ssm_alive_interval to less than the idle timeout, and not to 0.",
    "maximum duration": (
        "Set ansible_aws_ssm_session_lifetime, in seconds, to that duration minus the time of your longest task. Use "
        "async for longer tasks."
    ),
    "Fetching data key.*AccessDenied": "Allow the role of the node kms:Decrypt with the AWS KMS key of the session.",
    "Fetching data key": "Check that the node reaches AWS KMS, and that the key is enabled and in the node's region.",
    "Handshake timed out": "SSM Agent waits 15 seconds for a data key. Check that the controller reaches AWS KMS.",
    "waiting for encryption": "SSM Agent waits 15 seconds for an answer. Check the network.",
    "RunAs user": "Create the user on the node, or change Run As in the Session document or the preferences.",
}
# The user of a session whose node has no Python.
_WHO = 'id -un 2>/dev/null || echo "$USER"'
_REACHES_KMS = "Check that the node reaches AWS KMS."
_MORE_TIME = "To allow more time, raise ansible_aws_ssm_connect_timeout."
_WINDOWS = ("PowerShell", "is not recognized as")
_REQUIRES_PYTHON = "this requires Python 3.8 or newer on the node, where none was found; use raw to install it"


class _HelperLanguage:
    """The helper's."""

    has_python = True

    def __init__(self) -> None:
        self.writer = Writer()
        self._reader = Reader()
        self._parts = Parts()  # that the helper has

    def request(self, do: str, job: int, raw: bytes, **members: Any) -> Iterator[bytes]:
        if do == "build":
            raw, members = self._without_what_is_there(raw, **members)
        return self.writer.add(do, job, raw, **members)

    def flush(self) -> Iterator[bytes]:
        """Return what is left of the requests."""
        return self.writer.flush()

    def probe(self) -> Iterator[bytes]:
        return self.writer.request("hello", _NOBODY)

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
        answers = self._reader.feed(data)
        if any(answer.kind == "m" for answer in answers):
            self._parts = Parts()  # the helper has forgotten them
        return answers

    def _without_what_is_there(self, raw: bytes, recipe: int, parts: dict[str, int]) -> tuple[bytes, dict[str, Any]]:
        """Return the raw bytes and members of a request ``build`` with only the parts that the helper does not have."""
        text = raw[:recipe]
        packed = deflated(text, self._parts.recipe)
        new, at, raws = {}, recipe, [packed]
        for name, size in parts.items():
            if not self._parts.has(name):
                self._parts.keep(name, size)
                raws.append(raw[at : at + size])
                new[name] = size
            at += size
        self._parts.recipe = text[-DICTIONARY:]
        self._parts.trim()
        return b"".join(raws), {"recipe": len(packed), "parts": new}


class _ShellLanguage:
    """The shell loop's. One job runs at a time; others wait. What the loop cannot do is answered with an error."""

    has_python = False

    def __init__(self) -> None:
        self._writer = ShellWriter()
        self._reader = ShellReader()
        self._running: collections.deque[int] = collections.deque()
        self._refused: list[Answer] = []

    def request(self, do: str, job: int, unused_raw: bytes, **members: Any) -> Iterator[bytes]:
        if do == "exec" and members["stdin"] == "none":
            self._running.append(job)
            return self._writer.command(str(members["command"]).encode("utf-8", "surrogateescape"))
        if do in STARTS:
            self._refused.append(Answer(job, "x", json.dumps({"error": _REQUIRES_PYTHON}).encode()))
        return iter(())

    def flush(self) -> Iterator[bytes]:
        return iter(())

    def probe(self) -> Iterator[bytes]:
        return iter((b"\n",))  # passed over; the agent acknowledges it

    def stray(self) -> str:
        return ""

    def confirm(self) -> Iterator[bytes]:
        return iter(())

    def take(self, data: bytes) -> list[Answer]:
        """Return the answers that are complete now. Raises ``ShellError``."""
        found, self._refused = self._refused, []
        for end in self._reader.feed(data):
            if not self._running:
                raise ShellError("The shell on the node reported the end of a command that was not sent to it.")
            job = self._running.popleft()
            status = json.dumps({"rc": end.status}).encode()
            found += [Answer(job, "o", end.out), Answer(job, "e", end.err), Answer(job, "x", status)]
        return found


class Session:
    """One session with a node. ``tell`` takes a verbosity and a line of text for the user."""

    def __init__(
        self,
        service: Service,
        limits: Limits,
        tell: Callable[[int, str], None],
        *,
        interpreters: Sequence[str] = INTERPRETERS,
        typed: bool = False,
        pause: Pause = time.sleep,
    ) -> None:
        """Start the session and the helper. Raises ``SessionError``; then no session is left.

        ``typed`` is whether the session runs a shell, into which the bootstrap is typed, and not the bootstrap itself.
        ``pause`` is called with 0 every 2 seconds while something is waited for. What it raises ends the wait.
        """
        self._sleep = pause
        self._language: _HelperLanguage | _ShellLanguage
        self._running: set[int] = set()
        self._over: SessionError | None = None  # raised once what came before has been returned
        started = self._sent_at = time.monotonic()
        self._link = Link(service, limits, tell, pause)
        self._heard()
        try:
            rest = self._wait_for_marker(bootstrap(interpreters) if typed else "")
            self.node = self._greet(rest)
        except BaseException:
            self.close()
            raise
        tell(3, f"SESSION {self.session_id} opened in {time.monotonic() - started:.2f} s")

    @property
    def session_id(self) -> str:
        return self._link.session_id

    @property
    def limits(self) -> Limits:
        """How long things may take from now on."""
        return self._link.limits

    @limits.setter
    def limits(self, limits: Limits) -> None:
        self._link.limits = limits

    @property
    def has_room(self) -> bool:
        """Whether input can be sent. More would only wait for what was sent before."""
        return self._link.unacknowledged < _ON_THE_WAY

    def request(self, do: str, job: int, raw: bytes = b"", **members: Any) -> None:
        """Send a request of a job, whose number is not 0, and what follows its line. ``wait`` sends the end of it.

        A command on a node without Python cannot be cancelled, so its session is ended.
        """
        if do == "cancel" and not self._language.has_python:
            self.close()
            return
        if do in STARTS:
            if not self._running:
                self._heard()  # silence counts from now
            self._running.add(job)
        self._send(self._language.request(do, job, raw, **members))
        if do == "cancel":  # maybe nobody waits after that
            self._send(self._language.flush())
            self._link.write()

    def wait(self, seconds: float, also: Any = None) -> list[Answer]:
        """Return what came for jobs, after at most ``seconds``, or as soon as ``also`` can be read.

        ``also`` is None, or what has a file descriptor. Raises ``SessionError`` if the session is lost.
        """
        answers = [answer for answer in self._turn(seconds, also) if answer.job != _NOBODY]
        self._running.difference_update(answer.job for answer in answers if answer.kind == "x")
        return answers

    def is_alive(self) -> bool:
        """Return whether the session still runs. It must be idle. It is asked, which takes one round trip."""
        try:
            self._turn(0)
            if time.monotonic() - self._heard_at < _STALE:
                return not self._link.has_ended
            answered = self._heard_at
            self._probe()
            deadline = time.monotonic() + self.limits.connect
            while self._heard_at <= answered and time.monotonic() < deadline:
                self._turn(min(_CHECK, deadline - time.monotonic()))
                self._sleep(0)
        except SessionError:
            return False
        return self._heard_at > answered

    def close(self) -> None:
        """End the session, and with it all jobs."""
        self._link.close()

    def _turn(self, seconds: float, also: Any = None) -> list[Answer]:
        """Do what there is to do, wait for at most ``seconds``, and return what came."""
        if self._over is not None:
            raise self._over
        if answers := self._language.take(b""):
            return answers
        self._send(self._language.flush())
        before = self._link.output_at, self._link.unacknowledged
        events = self._link.wait(min(seconds, self._until_question()), also)
        data = output_of(events)
        # The shell loop does not answer while a command runs, but the agent acknowledges.
        acknowledged = not self._language.has_python and self._link.unacknowledged < before[1]
        if self._link.output_at != before[0] or acknowledged:
            self._heard()
        answers = self._answers_in(data)
        closed = closed_by(events)
        if closed is None:
            self._ask()
        else:
            self._over = SessionError(_why_ended(closed, self._language.stray()))
            if not answers:
                raise self._over
        return answers

    def _answers_in(self, data: bytes) -> list[Answer]:
        try:
            answers = self._language.take(data) if data else []
        except (LineError, ShellError) as error:
            raise SessionError(str(error)) from None
        self._send(self._language.confirm())
        return answers

    def _send(self, messages: Iterator[bytes]) -> None:
        for message in messages:
            self._link.send(message)
            self._sent_at = time.monotonic()

    # --- starting ---

    def _time_left(self) -> float:
        """Return for how many seconds the node may still take to start."""
        return self._link.started_at + self.limits.connect - time.monotonic()

    def _wait_for_marker(self, typed: str) -> bytes:
        """Wait until the node prints that it takes the helper. Return what came after that."""
        printed, is_ready = b"", False
        while (left := self._time_left()) > 0:
            events = self._link.wait(min(_CHECK, left))
            self._sleep(0)
            ready = any(isinstance(event, channel.Ready) for event in events)
            is_ready = is_ready or ready
            if typed and ready:
                line = f"{typed}\n".encode()
                self._send(line[start : start + MAX_PAYLOAD] for start in range(0, len(line), MAX_PAYLOAD))
            printed += output_of(events)
            for marker in (READY, NO_PYTHON):
                if (at := printed.find(marker)) >= 0:
                    self._language = _ShellLanguage() if marker == NO_PYTHON else _HelperLanguage()
                    return printed[at + len(marker) :]
            closed = closed_by(events)
            if closed is not None:
                raise SessionError(_why_ended(closed) + _instead(printed))
            printed = printed[-_KEPT:]
        if self._link.is_encrypted and not is_ready:
            limit = in_words(self.limits.connect)
            raise SessionError(f"SSM Agent did not decrypt the data key within {limit}. {_REACHES_KMS} {_MORE_TIME}")
        raise SessionError(_no_marker(printed, self.limits.connect))

    def _greet(self, rest: bytes) -> Node:
        """Send the helper, and return what it says of the node."""
        self._heard()
        if isinstance(self._language, _ShellLanguage):
            self._link.send(LOOP.encode() + b"\n")
            self._send(self._language.request("exec", _NOBODY, b"", command=_WHO, stdin="none"))
            wanted, what = "o", "a shell"
        else:
            self._send(self._language.writer.program(_HELPER))
            self._probe()
            wanted, what = "h", "the program that runs the commands"
        answers = self._answers_in(rest)
        while True:
            for answer in answers:
                if answer.kind == wanted:
                    return self._node(answer)
            left = self._time_left()
            if left <= 0:
                limit = in_words(self.limits.connect)
                raise SessionError(f"The node did not start {what} within {limit}. {_MORE_TIME}")
            answers = self._turn(min(_CHECK, left))
            self._sleep(0)

    def _node(self, answer: Answer) -> Node:
        if answer.kind == "o":
            return Node(answer.data.decode("utf-8", "replace").strip())
        try:
            return node_of(answer)
        except LineError as error:
            raise SessionError(str(error)) from None

    # --- silence ---

    def _heard(self) -> None:
        self._heard_at = time.monotonic()
        self._asked = 0
        self._ask_at = self._heard_at + self.limits.alive_interval

    def _until_question(self) -> float:
        """Return for how many seconds no question is necessary."""
        interval = self.limits.alive_interval
        if not self._running or not interval:
            return _LONG
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
        if self._asked >= self.limits.alive_count:
            text = f"The node did not answer for {in_words(round(silent))}. Check whether it runs. To wait longer,"
            raise SessionError(f"{text} raise ansible_aws_ssm_alive_count.")
        self._probe()
        if self._asked > 1:
            self._link.resume(f"The node did not answer for {in_words(round(silent))}.")
        self._ask_at = time.monotonic() + self.limits.alive_interval

    def _probe(self) -> None:
        """Send what makes the node answer."""
        self._send(self._language.probe())


def _why_ended(closed: channel.Closed, otherwise: str = "") -> str:
    """Return a sentence for the end of a session that nobody here asked for. ``otherwise`` is another reason."""
    if not closed.by_peer:
        return closed.reason
    reason = on_one_line((closed.reason or otherwise)[:_REASON]).rstrip(".")
    if not reason:
        return (
            "The session was terminated, and no reason was given. Somebody may have ended the session, or its process "
            "on the node."
        )
    hint = next((f" {hint}" for words, hint in _HINTS.items() if re.search(words, reason)), "")
    return f"The session ended: {reason}.{hint}"


def _no_marker(printed: bytes, seconds: float) -> str:
    if any(word in _printable(printed) for word in _WINDOWS):
        return "The node runs Windows, which is not supported. Use the connection plugin amazon.aws.aws_ssm."
    instead = _instead(printed) or " It printed nothing."
    if ECHO in printed:
        instead = (
            " It printed the input of the plugin, and ran nothing of it. Also check the shell profile of the Session "
            "document."
        )
    return f"The node did not start a shell within {in_words(seconds)}. {_MORE_TIME}{instead}"


def _instead(printed: bytes) -> str:
    """Return a sentence with what the node printed instead of the marker, or an empty text."""
    shown = _printable(printed)
    return f" It printed: {shown}" if shown else ""


def _printable(printed: bytes) -> str:
    """Return the end of what was printed, on one line."""
    return on_one_line(printed.decode("utf-8", "replace"))[-_SHOWN:]
