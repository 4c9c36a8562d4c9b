# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The data channel of one session: both sequences, acknowledgements, resending, and reconnecting.

Source: agent/session/datachannel/datachannel.go of amazon-ssm-agent; for the numbers, agent/session/config/config.go.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable

from ..messages import FIN, SYN, Message, MessageError, acknowledgement
from .cancel import Cancel
from .encryption import Encryption
from .service import Service, ServiceError, SessionTerminatedError
from .websocket import PING_SECONDS, SocketClosedError, WebSocket

TICK_SECONDS = 0.1
BUFFERED_MESSAGES = 100_000
RETRIES = 5
FIRST_PAUSE_SECONDS = 0.1
DRAIN_SECONDS = 2.0
OUTPUT, SIZE, HANDSHAKE_REQUEST, HANDSHAKE_RESPONSE, HANDSHAKE_COMPLETE = 1, 3, 5, 6, 7
CHALLENGE_REQUEST, CHALLENGE_RESPONSE, STD_ERR, EXIT_CODE = 8, 9, 11, 12
_ENCRYPTED = (OUTPUT, STD_ERR, EXIT_CODE)


class UnprocessedError(Exception):
    """A message that was not processed. It is not acknowledged, so the client sends it again."""


class ResendTimer:
    """How long to wait for an acknowledgement, from the times that earlier ones took. All values are seconds."""

    def __init__(self) -> None:
        self.timeout = 0.2
        self._round_trip = 0.1
        self._variation = 0.0

    def count(self, took: float) -> None:
        self._variation = 0.75 * self._variation + 0.25 * abs(self._round_trip - took)
        self._round_trip = 0.875 * self._round_trip + 0.125 * took
        self.timeout = min(1.0, self._round_trip + max(0.01, 4 * self._variation))


class DataStream:
    """The stream of one session.

    ``receive`` processes an input message, in the thread that reads; it raises ``UnprocessedError`` if it does not.
    ``active`` is set unless the gateway has paused the output. ``channel_closed`` of the gateway sets ``cancel``.
    """

    def __init__(
        self,
        service: Service,
        session_id: str,
        receive: Callable[[Message], None],
        cancel: Cancel,
        *,
        double_on_close: bool,
    ) -> None:
        self.active = threading.Event()
        self.active.set()
        # Set once the client has the key. The output is encrypted from then on.
        self.encryption: Encryption | None = None
        self._service = service
        self._session_id = session_id
        self._receive = receive
        self._cancel = cancel
        self._double_on_close = double_on_close
        self._over = threading.Event()
        self._channel: WebSocket
        self._expected = 0
        self._early: dict[int, Message] = {}
        self._sending = threading.Lock()
        self._next = 0
        # The messages that are not acknowledged, in order: the frame, and when it was sent last.
        self._flight: dict[int, tuple[bytes, float]] = {}
        self._flight_changed = threading.Condition()
        self._timer = ResendTimer()

    # --- opening and closing ------------------------------------------------------------------------

    def open(self) -> None:
        """Open the channel. Raises ``ServiceError`` after the last attempt."""
        self._channel = self._connect()
        for work in (self._read, self._keep):
            threading.Thread(target=work, name=f"{work.__name__} {self._session_id}", daemon=True).start()

    def _connect(self) -> WebSocket:
        pause = random.uniform(1, 2) * FIRST_PAUSE_SECONDS
        for unused in range(RETRIES):
            try:
                return self._service.open_data_channel(self._session_id)
            except SessionTerminatedError:
                raise
            except ServiceError:
                if self._over.wait(pause):
                    raise
            pause *= 2
        return self._service.open_data_channel(self._session_id)

    def drain(self) -> None:
        """Wait until all output is acknowledged, for at most two seconds."""
        with self._flight_changed:
            self._flight_changed.wait_for(lambda: not self._flight, DRAIN_SECONDS)

    def close(self) -> None:
        """Close the channel. Its threads end soon, but are not waited for."""
        self._over.set()
        self._channel.close()

    # --- sending ------------------------------------------------------------------------------------

    def send(self, payload_type: int, payload: bytes) -> None:
        """Send output. It is kept until it is acknowledged. Nothing is sent for an empty payload."""
        if not payload:
            return
        with self._sending:
            number = self._next
            flags = SYN if number == 0 else 0
            if self.encryption is not None and payload_type in _ENCRYPTED:
                payload = self.encryption.encrypt(payload)
            message = Message("output_stream_data", payload, number, flags, payload_type)
            frame = message.encode()
            with self._flight_changed:
                if len(self._flight) < BUFFERED_MESSAGES:
                    self._flight[number] = (frame, time.monotonic())
            if self.active.is_set():
                self._try(frame)
            self._next += 1

    def send_state(self, state: str) -> None:
        """Tell the gateway the state of the session, such as ``Connected``."""
        said = {"SchemaVersion": 1, "SessionState": state, "SessionId": self._session_id}
        self._try(Message.of_json("agent_session_state", said, flags=SYN | FIN).encode())

    def _try(self, frame: bytes) -> None:
        with contextlib.suppress(SocketClosedError):
            self._channel.send(frame)

    def _keep(self) -> None:
        """Resend the oldest message when it is overdue, and ping, until the session is over."""
        pinged = time.monotonic()
        while not self._over.wait(TICK_SECONDS):
            if self.active.is_set():
                self._resend()
            if time.monotonic() - pinged > PING_SECONDS:
                pinged = time.monotonic()
                with contextlib.suppress(SocketClosedError):
                    self._channel.ping()

    def _resend(self) -> None:
        with self._flight_changed:
            if not self._flight:
                return
            number, (frame, sent) = next(iter(self._flight.items()))
            if time.monotonic() - sent <= self._timer.timeout:
                return
            self._flight[number] = (frame, time.monotonic())
        self._try(frame)

    # --- receiving ----------------------------------------------------------------------------------

    def _read(self) -> None:
        """Handle what the gateway sends, and reconnect when the socket ends, until the session is over."""
        while True:
            try:
                for frame in self._channel.receive():
                    self._handle(frame)
            except SocketClosedError:
                self._channel.discard()
                if self._over.is_set() or not self._reconnect():
                    return

    def _reconnect(self) -> bool:
        try:
            self._channel = self._connect()
        except ServiceError:
            # As in the agent, the program goes on without a channel.
            return False
        self.active.set()
        if self._over.is_set():
            self._channel.close()
        return True

    def _handle(self, frame: bytes) -> None:
        with contextlib.suppress(MessageError):
            message = Message.decode(frame)
            if message.type == "input_stream_data":
                self._take(message)
            elif message.type == "acknowledge":
                self._count_acknowledgement(message)
            elif message.type == "channel_closed":
                self._cancel.set()
            elif message.type == "pause_publication":
                self.active.clear()
            elif message.type == "start_publication":
                self.active.set()

    def _count_acknowledgement(self, message: Message) -> None:
        self.active.set()
        said = message.json()
        number = said.get("AcknowledgedMessageSequenceNumber") if isinstance(said, dict) else None
        with self._flight_changed:
            if number in self._flight:
                unused, sent = self._flight.pop(number)
                self._timer.count(time.monotonic() - sent)
                self._flight_changed.notify_all()

    def _take(self, message: Message) -> None:
        self.active.set()
        if message.sequence == self._expected:
            self._take_expected(message)
        elif message.sequence < self._expected:
            self._acknowledge(message)
        elif len(self._early) < BUFFERED_MESSAGES and self._acknowledge(message):
            self._early[message.sequence] = message

    def _take_expected(self, message: Message) -> None:
        try:
            self._receive(message)
            # Here is the agent's defect: the message has been processed, but will be again.
            if not self._acknowledge(message) and self._double_on_close:
                return
            self._expected += 1
            while (early := self._early.pop(self._expected, None)) is not None:
                self._expected += 1
                self._receive(early)
        except UnprocessedError:
            return

    def _acknowledge(self, message: Message) -> bool:
        """Return whether the acknowledgement could be sent."""
        try:
            self._channel.send(acknowledgement(message).encode())
        except SocketClosedError:
            return False
        return True
