# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""The data channel of one session: messages in order, each acknowledged, sent again if they are lost.

Each direction has sequence numbers of its own, from 0. They belong to the session, not to the socket.

What comes in
    A message with the expected number is delivered, and so are those after it that came early. Each stream message is
    acknowledged, one by one, also if it came before: its first acknowledgement may have been lost. A message that is
    damaged is dropped, so that it comes again. Unknown payload types are acknowledged and passed over.

What goes out
    Data waits until the session is ready, because the agent loses what comes before. After that, messages are in flight
    up to a window, in bytes. It begins with 16 KiB, grows by what is acknowledged to at most 256 KiB, and is halved if
    a message must be sent again.

    A message is overdue if it is not acknowledged in time. The time follows the round trips. If the oldest message is
    overdue, all that are overdue are sent again, because one in 100 ms, as the plugin sends them, leaves hundreds
    waiting for many seconds. Messages are sent again with exactly the same bytes.

What is encrypted
    If the session is to be encrypted, the channel asks for a data key (``KeyWanted``), and says nothing to the agent
    before ``encrypt``. Then all input and output is encrypted. What cannot be decrypted closes the channel.

When the socket is lost
    ``socket_lost()`` keeps everything. Nothing is sent until ``resumed()``, which sends all that is not acknowledged
    again, oldest first, and the latest acknowledgements. The agent sends again only its oldest message, ten times in a
    second, so what was lost on the way from it takes that long.

Nothing here knows sockets, clocks, threads or chance: ``now`` is any clock in seconds that does not go back.
"""

from __future__ import annotations

import collections
import dataclasses
import json
import uuid
from collections.abc import Callable

from . import frames, handshake
from .encryption import Cipher, EncryptionError
from .frames import MAX_PAYLOAD, Message, PayloadType

MIN_WINDOW = 16 * 1024
MAX_WINDOW = 256 * 1024
# Messages that came early and are kept, and their bytes. The number is the plugin's. SSM Agent sends only ten lost
# messages in a second again, and goes on with what comes after them meanwhile.
MAX_EARLY = 10_000
MAX_EARLY_BYTES = 4 * 1024 * 1024
# Acknowledgements that are sent again over a new socket, because they may be lost. The agent sends a message again for
# each lost one, but only ten in a second.
_REPEATED = 4096

# In seconds. The first values and the formula are those of the plugin, which has them from TCP (RFC 6298). The plugin
# waits at most 1 second. A full window on a slow line takes longer, and would be sent again for nothing.
_FIRST_ROUND_TRIP = 0.1
_FIRST_TIMEOUT = 0.2
_LEAST_MARGIN = 0.01
_MAX_TIMEOUT = 4.0
# The agent marks the handshake as complete just after it has said so, and loses input until then.
_AFTER_HANDSHAKE = 0.05


@dataclasses.dataclass(frozen=True)
class Data:
    """Output of the session. ``kind`` is ``OUTPUT``, ``STDERR`` or ``EXIT_CODE``; ``data`` is never empty."""

    kind: PayloadType
    data: bytes


@dataclasses.dataclass(frozen=True)
class Ready:
    """The session takes input. ``session_type`` is empty if there was no handshake, as with interactive commands."""

    session_type: str = ""
    message: str = ""


@dataclasses.dataclass(frozen=True)
class Closed:
    """The channel is closed. ``reason`` is what the agent or the service says, or why this side cannot go on.

    ``by_peer`` is whether the session has ended. If not, it must be ended, because this side cannot go on.
    """

    reason: str = ""
    by_peer: bool = True


@dataclasses.dataclass(frozen=True)
class Paused:
    """The service says that the agent is away for now."""


@dataclasses.dataclass(frozen=True)
class Started:
    """The service says that the agent is there again."""


@dataclasses.dataclass(frozen=True)
class KeyWanted:
    """The session waits for ``encrypt``, with a data key of the AWS KMS key ``key_id``.

    ``challenge`` is for the encryption context of the data key. It is empty if the agent sends none.
    """

    key_id: str
    challenge: str


Event = Data | Ready | Closed | Paused | Started | KeyWanted

_DELIVERED = (PayloadType.OUTPUT, PayloadType.STDERR, PayloadType.EXIT_CODE)
# The agent waits for these before it takes input.
_ANSWERS = (PayloadType.HANDSHAKE_RESPONSE, PayloadType.CHALLENGE_RESPONSE)


@dataclasses.dataclass
class _Sent:
    """A message that is not acknowledged."""

    frame: bytes
    size: int  # of the payload, in bytes
    sent_at: float
    again: bool = False  # sent more than once


class Channel:
    """One side of a data channel: the client's.

    ``epoch`` is the time in seconds since 1970 at which ``now`` would have been 0. ``new_id`` returns a new UUID.
    """

    def __init__(self, epoch: float, new_id: Callable[[], uuid.UUID]) -> None:
        self._epoch = epoch
        self._new_id = new_id
        self._receiver = _Receiver()
        self._sender = _Sender()
        self._urgent: collections.deque[bytes] = collections.deque()  # acknowledgements
        self._acknowledged: collections.deque[bytes] = collections.deque(maxlen=_REPEATED)
        # When the agent last sent output, new or again; None if it never did.
        self.output_at: float | None = None
        self._ready_at: float | None = None
        self._takes_input = False
        self._request: handshake.Request | None = None
        self._cipher: Cipher | None = None
        self._challenged = False
        self._connected = True
        self.closed = False
        self.paused = False

    def receive(self, frame: bytes, now: float) -> list[Event]:
        """Take a binary frame, and return what it means, in order. A frame that is damaged means nothing."""
        if self.closed:
            return []
        try:
            message = frames.decode(frame)
        except frames.FrameError:
            return []
        if message.message_type == frames.OUTPUT:
            return self._receive_stream(message, now)
        if message.message_type == frames.ACKNOWLEDGE:
            self._sender.acknowledged(_acknowledged_number(message.payload), now)
            return self._heard()
        if message.message_type == frames.CHANNEL_CLOSED:
            return self._close(handshake.read_closed(message.payload), by_peer=True)
        if message.message_type == frames.PAUSE_PUBLICATION and not self.paused:
            self.paused = True
            return [Paused()]
        return self._heard() if message.message_type == frames.START_PUBLICATION else []

    def send(self, kind: PayloadType, data: bytes) -> None:
        """Send a message of at most 1024 bytes. It waits until the session is ready and the window has room."""
        if len(data) > MAX_PAYLOAD:
            raise ValueError(f"A message has at most {MAX_PAYLOAD} bytes.")
        self._sender.add(kind, data)

    def encrypt(self, cipher: Cipher, encrypted_key: bytes) -> None:
        """Go on with the handshake after ``KeyWanted``. ``encrypted_key`` is the data key for the agent."""
        if self._request is None:
            raise ValueError("No data key was wanted.")
        self._cipher = cipher
        self._sender.add(PayloadType.HANDSHAKE_RESPONSE, handshake.response(self._request, encrypted_key))

    def frames_to_send(self, now: float) -> list[bytes]:
        """Return the frames to send now, in order. Each counts as sent."""
        if not self._connected or self.closed:
            return []
        self._takes_input = self._takes_input or (self._ready_at is not None and now >= self._ready_at)
        sending = [*self._urgent, *self._sender.overdue(now)]
        self._urgent.clear()
        while message := self._sender.next_message(takes_input=self._takes_input and not self.paused):
            number, kind, data = message
            # Only once, because a message that is sent again must have the same bytes.
            payload = self._cipher.encrypt(data) if self._cipher and kind == PayloadType.OUTPUT else data
            frame = self._frame(frames.INPUT, payload, now, number=number, kind=kind)
            self._sender.sent(number, frame, len(data), now)
            sending.append(frame)
        return sending

    def next_timer(self) -> float | None:
        """Return when ``frames_to_send`` may have more, if nothing is received before. None if never."""
        if not self._connected or self.closed:
            return None
        times = [self._sender.overdue_at(), None if self._takes_input else self._ready_at]
        known = [time for time in times if time is not None]
        return min(known) if known else None

    def socket_lost(self) -> None:
        """Keep everything, and send nothing until ``resumed``."""
        self._connected = False
        self._urgent.clear()

    def resumed(self) -> None:
        """Send everything again that is not acknowledged, and the latest acknowledgements, and go on."""
        self._connected = True
        self.paused = False
        self._urgent.extend(self._acknowledged)
        self._sender.send_all_again()

    @property
    def unacknowledged(self) -> int:
        """The bytes that the agent has not acknowledged, sent or waiting."""
        return self._sender.in_flight + self._sender.waiting

    def _receive_stream(self, message: Message, now: float) -> list[Event]:
        if not self._receiver.takes(message):
            return []
        self.output_at = now
        acknowledgement = self._acknowledgement(message, now)
        self._urgent.append(acknowledgement)
        self._acknowledged.append(acknowledgement)
        events = self._heard()
        for delivered in self._receiver.in_order(message):
            events += self._deliver(delivered, now)
        return events

    def _deliver(self, message: Message, now: float) -> list[Event]:
        if self.closed:
            return []
        try:
            return self._by_kind(message, now)
        except (handshake.HandshakeError, EncryptionError) as error:
            return self._close(str(error), by_peer=False)

    def _by_kind(self, message: Message, now: float) -> list[Event]:
        if message.payload_type in _DELIVERED:
            self._check_key()
            payload = self._decrypted(message.payload) if message.payload else b""
            data = [Data(PayloadType(message.payload_type), payload)] if payload else []
            return [*self._become_ready(now, ""), *data]
        if message.payload_type == PayloadType.HANDSHAKE_REQUEST:
            return self._asked(handshake.read_request(message.payload))
        if message.payload_type == PayloadType.CHALLENGE_REQUEST:
            self._sender.add(PayloadType.CHALLENGE_RESPONSE, self._challenge_response(message.payload))
            return []
        if message.payload_type == PayloadType.HANDSHAKE_COMPLETE:
            self._check_key()
            return self._become_ready(now + _AFTER_HANDSHAKE, handshake.read_complete(message.payload))
        return []

    def _asked(self, request: handshake.Request) -> list[Event]:
        if self._request is not None:
            raise handshake.HandshakeError("The handshake of the session began twice.")
        if refused := handshake.why_refused(request):
            return self._close(refused, by_peer=False)
        self._request = request
        if request.kms_key_id:
            return [KeyWanted(request.kms_key_id, request.kms_challenge)]
        self._sender.add(PayloadType.HANDSHAKE_RESPONSE, handshake.response(request))
        return []

    def _challenge_response(self, payload: bytes) -> bytes:
        """Encrypt what the agent encrypted. Only once, because otherwise the relay could turn output into input."""
        if self._cipher is None or self._challenged:
            raise handshake.HandshakeError("The handshake of the session has a challenge that was not expected.")
        self._challenged = True
        return handshake.challenge_response(
            self._cipher.encrypt(self._cipher.decrypt(handshake.read_challenge(payload)))
        )

    def _check_key(self) -> None:
        """Refuse to go on without encryption in a session that is to be encrypted."""
        if self._cipher is None and self._request is not None and self._request.kms_key_id:
            raise handshake.HandshakeError("The session went on before it was encrypted.")

    def _decrypted(self, data: bytes) -> bytes:
        return data if self._cipher is None else self._cipher.decrypt(data)

    def _become_ready(self, when: float, message: str) -> list[Event]:
        """Take input from ``when`` on. Only the first call counts."""
        if self._ready_at is not None:
            return []
        self._ready_at = when
        return [Ready(self._request.session_type if self._request else "", message)]

    def _close(self, reason: str, *, by_peer: bool) -> list[Event]:
        self.closed = True
        return [Closed(reason, by_peer)]

    def _heard(self) -> list[Event]:
        """Whoever sends messages is not away, whatever was said before."""
        if not self.paused:
            return []
        self.paused = False
        return [Started()]

    def _acknowledgement(self, message: Message, now: float) -> bytes:
        said = {
            "AcknowledgedMessageType": message.message_type,
            "AcknowledgedMessageId": str(message.message_id),
            "AcknowledgedMessageSequenceNumber": message.sequence_number,
            "IsSequentialMessage": True,
        }
        flags = frames.FIRST | frames.LAST
        return self._frame(frames.ACKNOWLEDGE, json.dumps(said).encode(), now, flags=flags)

    def _frame(
        self, message_type: str, data: bytes, now: float, *, number: int = 0, flags: int = 0, kind: int = 0
    ) -> bytes:
        created = max(1, int((self._epoch + now) * 1000))
        return frames.encode(Message(message_type, data, self._new_id(), created, number, flags, kind))


class _Receiver:
    """Puts the messages of the agent in order."""

    def __init__(self) -> None:
        self._expected = 0
        self._early: dict[int, Message] = {}
        self._early_bytes = 0

    def takes(self, message: Message) -> bool:
        """Return whether a message is delivered, kept, or known already. If not, it must come again."""
        if message.sequence_number <= self._expected or message.sequence_number in self._early:
            return True
        has_room = self._early_bytes + len(message.payload) <= MAX_EARLY_BYTES
        return has_room and message.sequence_number < self._expected + MAX_EARLY

    def in_order(self, message: Message) -> list[Message]:
        """Take a message, and return those that are complete now, in order."""
        if message.sequence_number >= self._expected and message.sequence_number not in self._early:
            self._early[message.sequence_number] = message
            self._early_bytes += len(message.payload)
        complete = []
        while self._expected in self._early:
            complete.append(self._early.pop(self._expected))
            self._early_bytes -= len(complete[-1].payload)
            self._expected += 1
        return complete


class _Sender:
    """Keeps each message until it is acknowledged."""

    def __init__(self) -> None:
        self._next_number = 0
        self._flight: dict[int, _Sent] = {}  # by sequence number, in the order of the numbers
        self._queue: collections.deque[tuple[PayloadType, bytes]] = collections.deque()
        self._answers: collections.deque[tuple[PayloadType, bytes]] = collections.deque()
        self._window = MIN_WINDOW
        self._timeout = _Timeout()
        self._all_again = False
        self.in_flight = 0  # bytes
        self.waiting = 0  # bytes

    def add(self, kind: PayloadType, data: bytes) -> None:
        """Take a message to send. The answers of the handshake go first, because the agent waits for them."""
        (self._answers if kind in _ANSWERS else self._queue).append((kind, data))
        self.waiting += len(data)

    def next_message(self, *, takes_input: bool) -> tuple[int, PayloadType, bytes] | None:
        """Take the next message from the queue, with its number; None if it must wait, or if there is none.

        The number is given only now, because the agent takes nothing before the answer to its handshake.
        """
        queue = self._answers or self._queue
        if not queue:
            return None
        kind, data = queue[0]
        has_room = self.in_flight + len(data) <= self._window
        if not (kind in _ANSWERS or (takes_input and has_room)):
            return None
        queue.popleft()
        self.waiting -= len(data)
        self._next_number += 1
        return self._next_number - 1, kind, data

    def sent(self, number: int, frame: bytes, size: int, now: float) -> None:
        """Keep what was sent."""
        self._flight[number] = _Sent(frame, size, now)
        self.in_flight += size

    def overdue(self, now: float) -> list[bytes]:
        """Return what must be sent again: all that is overdue if the oldest message is, and all after a new socket."""
        oldest = self.overdue_at()
        if oldest is None or (now < oldest and not self._all_again):
            return []
        allowed = float("-inf") if self._all_again else self._timeout.seconds
        late = [sent for sent in self._flight.values() if sent.sent_at + allowed <= now]
        for sent in late:
            sent.sent_at, sent.again = now, True
        if not self._all_again:
            self._timeout.missed()
        self._all_again = False
        self._window = max(MIN_WINDOW, self._window // 2)
        return [sent.frame for sent in late]

    def overdue_at(self) -> float | None:
        """Return when the oldest message is overdue; None if nothing is in flight."""
        oldest = next(iter(self._flight.values()), None)
        return None if oldest is None else oldest.sent_at + self._timeout.seconds

    def send_all_again(self) -> None:
        self._all_again = bool(self._flight)
        self._timeout.forget_misses()

    def acknowledged(self, number: int | None, now: float) -> None:
        """Take an acknowledgement. One that nothing waits for is passed over."""
        sent = self._flight.pop(number, None) if number is not None else None
        if sent is None:
            return
        self.in_flight -= sent.size
        self._window = min(MAX_WINDOW, self._window + sent.size)
        if not sent.again:  # otherwise it is not known which of the messages was acknowledged
            self._timeout.took(now - sent.sent_at)


class _Timeout:
    """How long an acknowledgement may take, in seconds."""

    def __init__(self) -> None:
        self._base = _FIRST_TIMEOUT
        self._round_trip = _FIRST_ROUND_TRIP
        self._variation = 0.0
        self._misses = 0

    @property
    def seconds(self) -> float:
        return min(self._base * (1 << self._misses), _MAX_TIMEOUT)

    def took(self, seconds: float) -> None:
        """Take the time from a message, sent once, to its acknowledgement."""
        self._variation = 0.75 * self._variation + 0.25 * abs(self._round_trip - seconds)
        self._round_trip = 0.875 * self._round_trip + 0.125 * seconds
        self._base = min(self._round_trip + max(_LEAST_MARGIN, 4 * self._variation), _MAX_TIMEOUT)
        self._misses = 0

    def missed(self) -> None:
        """Wait twice as long, until an acknowledgement of a message that was sent once says how long it takes."""
        self._misses = min(self._misses + 1, 10)

    def forget_misses(self) -> None:
        """Start again, because the socket is new."""
        self._misses = 0


def _acknowledged_number(payload: bytes) -> int | None:
    """Return the sequence number in an acknowledgement; None if it has none."""
    try:
        said = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    number = said.get("AcknowledgedMessageSequenceNumber") if isinstance(said, dict) else None
    return number if isinstance(number, int) and not isinstance(number, bool) else None
