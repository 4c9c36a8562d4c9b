# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""A running session: its data channel, over as many sockets as it takes.

``Link.wait`` is the only place that waits. It writes what the channel has to send, reads what came, and returns it as
events. If the socket is lost, or closed with any code, it calls ResumeSession and goes on with a new socket, because
Session Manager closes sockets about hourly. It gives up if nothing comes over any new socket for ``resume_seconds``,
or if ResumeSession says that the session has ended.
"""

from __future__ import annotations

import contextlib
import dataclasses
import selectors
import time
import uuid
from collections.abc import Callable
from typing import Any, Protocol

from . import channel, handshake
from .channel import Channel, Event
from .encryption import Cipher, DataKey, EncryptionError
from .errors import CallError, SessionError
from .frames import PayloadType
from .limits import Limits
from .stream import Route, Stream, StreamError, open_stream
from .words import in_words, on_one_line

_LONGEST_OPENING = 20.0  # seconds for one WebSocket, which no signal interrupts
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0


@dataclasses.dataclass(frozen=True)
class Started:
    """The reply of StartSession. ``token`` and ``url`` are secret."""

    session_id: str
    token: str = dataclasses.field(repr=False)
    url: str = dataclasses.field(repr=False)


class Service(Protocol):
    """The calls of AWS for the sessions with one node. Each raises ``CallError``."""

    def start(self) -> Started:
        """Start a session."""

    def resume(self, session_id: str) -> str | None:
        """Return a new token for the session; None if it has ended."""

    def terminate(self, session_id: str) -> None:
        """End the session."""

    def data_key(self, session_id: str, key_id: str, challenge: str) -> DataKey:
        """Return a data key of an AWS KMS key for the session. ``challenge`` is the agent's, or empty."""

    def route(self, url: str) -> Route:
        """Return how the WebSocket at a URL is reached. Raises nothing."""


# Waits for some seconds. Raises ``SessionError`` if the session is not wanted any more.
Pause = Callable[[float], None]


class Link:
    """One session, started. ``tell`` takes a verbosity and a line of text for the user."""

    def __init__(
        self, service: Service, limits: Limits, tell: Callable[[int, str], None], pause: Pause = time.sleep
    ) -> None:
        """Start a session, and open its data channel. Raises ``SessionError``; then no session is left.

        ``pause`` is called before the data channel is opened, and before each attempt to resume the session.
        """
        self._service, self.limits, self._tell, self._sleep = service, limits, tell, pause
        self._client_id = uuid.uuid4()
        # One for all waits, because there may be no descriptor for more. If there is none, no session is started.
        self._selector = selectors.DefaultSelector()
        try:
            self._started = service.start()
        except BaseException:
            self._selector.close()
            raise
        self.started_at = time.monotonic()  # the time until StartSession succeeded is not the node's
        self.is_encrypted = False
        self.session_id = self._started.session_id
        self._channel = Channel(time.time() - time.monotonic(), uuid.uuid4)
        self._has_ended = False
        self._lost_since: float | None = None
        self._failures = 0
        self._opened_at = self.started_at
        self._ping_at = time.monotonic() + limits.keepalive
        self._stream: Stream | None = None
        try:
            pause(0)
            self._stream = self._opened(self._started.token, limits.connect)
        except StreamError as error:
            self.close()
            raise SessionError(str(error)) from None
        except BaseException:
            self.close()
            raise

    @property
    def has_ended(self) -> bool:
        """Whether the session has ended, or can only be ended."""
        return self._has_ended or self._channel.closed

    @property
    def output_at(self) -> float | None:
        """When the agent last sent output, new or again, by ``time.monotonic``; None if it never did."""
        return self._channel.output_at

    @property
    def unacknowledged(self) -> int:
        """The bytes that the agent has not acknowledged, sent or waiting."""
        return self._channel.unacknowledged

    def send(self, data: bytes) -> None:
        """Send input of at most 1024 bytes as one message. ``wait`` writes it."""
        self._channel.send(PayloadType.OUTPUT, data)

    def wait(self, seconds: float, also: Any = None) -> list[Event]:
        """Return what came, after at most ``seconds``, or as soon as ``also`` can be read.

        ``also`` is None, or what has a file descriptor. Raises ``SessionError`` when the session cannot go on.
        """
        try:
            return self._turn(seconds, also)
        except StreamError as error:
            self.resume(str(error))
            return []

    def close(self) -> None:
        """End the session. What goes wrong is told, and raises nothing."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None
        self._selector.close()
        if self._has_ended:
            return
        self._has_ended = True
        try:
            self._service.terminate(self.session_id)
        except CallError as error:
            self._tell(0, str(error))

    def write(self) -> None:
        """Write what can be written at once. Raises nothing: ``wait`` meets the error again."""
        if self._stream is not None:
            with contextlib.suppress(StreamError):
                self._write(self._stream)

    def _turn(self, seconds: float, also: Any) -> list[Event]:
        stream = self._stream
        if stream is None or self.has_ended:
            raise SessionError("The session has ended.")
        # Read first. If the write fails, what has come would be lost with the socket.
        received = stream.receive()
        if not received:
            self._write(stream)
            self._select(stream, self._until_timer(seconds), also)
            received = stream.receive()
        events: list[Event] = []
        for frame in received:
            self._lost_since, self._failures = None, 0
            events += self._channel.receive(frame, time.monotonic())
        if any(isinstance(event, channel.Closed) and event.by_peer for event in events):
            self._has_ended = True
        self.write()
        for event in events:
            if isinstance(event, channel.KeyWanted) and not self.has_ended:
                self._encrypt(event)
                self.write()
        return events

    def _encrypt(self, wanted: channel.KeyWanted) -> None:
        """Get a data key. The time that it takes is not the node's."""
        began = time.monotonic()
        try:
            data_key = self._service.data_key(self.session_id, wanted.key_id, wanted.challenge)
            self._channel.encrypt(Cipher(data_key.plaintext), data_key.ciphertext)
        except EncryptionError as error:
            raise SessionError(str(error)) from None
        self.started_at += time.monotonic() - began
        self.is_encrypted = True
        self._tell(3, f"SESSION {self.session_id} is encrypted with the AWS KMS key {on_one_line(wanted.key_id)}")

    def _select(self, stream: Stream, seconds: float, also: Any) -> None:
        """Wait until the socket can be read, or takes what waits to be written, or ``also`` can be read."""
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if stream.wants_write else 0)
        watched = [(stream, events)] if also is None else [(stream, events), (also, selectors.EVENT_READ)]
        for what, wanted in watched:
            self._selector.register(what, wanted)
        try:
            self._selector.select(seconds)
        finally:
            for what, unused in watched:
                self._selector.unregister(what)

    def _write(self, stream: Stream) -> None:
        now = time.monotonic()
        for frame in self._channel.frames_to_send(now):
            stream.send_binary(frame)
        if now >= self._ping_at:
            self._ping_at = now + self.limits.keepalive
            stream.ping()
        stream.flush()

    def _until_timer(self, seconds: float) -> float:
        timer = self._channel.next_timer()
        until = self._ping_at if timer is None else min(timer, self._ping_at)
        return max(0.0, min(seconds, until - time.monotonic()))

    def _opened(self, token: str, seconds: float) -> Stream:
        route = self._service.route(self._started.url)
        stream = open_stream(self._started.url, route, min(seconds, _LONGEST_OPENING))
        try:
            stream.send_text(handshake.open_channel(token, self._client_id, uuid.uuid4()))
        except BaseException:
            stream.close()
            raise
        return stream

    def resume(self, why: str) -> None:
        """Give the socket up, and go on with a new one. Raises ``SessionError``."""
        self._tell(4, f"{why} Resuming session {self.session_id}.")
        if self._stream is not None:
            self._stream.close()
        self._channel.socket_lost()
        now = time.monotonic()
        if self._lost_since is None or now - self._opened_at > self.limits.resume:
            self._lost_since, self._failures = now, 0  # a socket that was open for so long was a good one
        deadline = self._lost_since + self.limits.resume
        while time.monotonic() < deadline:
            self._sleep(self._pause_before_resume())
            self._failures += 1
            try:
                token = self._new_token()
                self._stream = self._opened(token, min(self.limits.connect, max(1.0, deadline - time.monotonic())))
            except CallError as error:
                if error.lasting:
                    raise
                why = str(error)
            except StreamError as error:
                why = str(error)
            else:
                self._opened_at = time.monotonic()
                self._channel.resumed()
                return
        failed = f"{why} The session could not be resumed within {in_words(self.limits.resume)}."
        raise SessionError(f"{failed} Check the network. To try longer, raise ansible_aws_ssm_resume_timeout.")

    def _pause_before_resume(self) -> float:
        if not self._failures:
            return 0.0
        return min(_LONGEST_PAUSE, _FIRST_PAUSE * (1 << min(self._failures, 10)))

    def _new_token(self) -> str:
        token = self._service.resume(self.session_id)
        if not token:
            self._has_ended = True
            raise SessionError("The session has ended. Somebody may have ended it, or it reached a time limit.")
        return token


def output_of(events: list[Event]) -> bytes:
    """Return the output among the events."""
    return b"".join(event.data for event in events if isinstance(event, channel.Data))


def closed_by(events: list[Event]) -> channel.Closed | None:
    """Return how the session ended; None if it has not ended."""
    return next((event for event in events if isinstance(event, channel.Closed)), None)
