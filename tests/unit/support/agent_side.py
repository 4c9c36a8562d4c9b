# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A model of the agent's side of a data channel, and of a network between it and the client, with a logical clock.

It is written from the protocol, and shares only the codec of frames with the client that it tests. Like the agent, it
resends only its oldest message, acknowledges each message after it has taken it, and takes one message twice if its
acknowledgement cannot be sent.
"""

from __future__ import annotations

import dataclasses
import heapq
import itertools
import json
import random
import uuid
from collections.abc import Callable

from ansible_collections.sessionops.aws.plugins.plugin_utils._session import channel, frames

RESEND_AFTER = 0.2
TICK = 0.1


def counted_ids() -> Callable[[], uuid.UUID]:
    """Return a function that returns a new UUID each time, the same ones in every run."""
    numbers = itertools.count(1)
    return lambda: uuid.UUID(int=next(numbers))


class Agent:
    """Takes input in order, and sends output until it is acknowledged."""

    def __init__(self) -> None:
        self.taken: list[tuple[int, bytes]] = []  # payload type and payload
        self._expected = 0
        self._early: dict[int, frames.Message] = {}
        self._next = 0
        self._flight: dict[int, tuple[bytes, float]] = {}
        self._new_id = counted_ids()

    def output(self, data: bytes, now: float, kind: int = frames.PayloadType.OUTPUT) -> bytes:
        """Return the frame of new output."""
        frame = self._frame(frames.OUTPUT, data, number=self._next, kind=kind)
        self._flight[self._next] = (frame, now)
        self._next += 1
        return frame

    def receive(self, frame: bytes) -> list[bytes]:
        """Take a frame, and return the acknowledgement of it, if it has one."""
        message = frames.decode(frame)
        if message.message_type == frames.ACKNOWLEDGE:
            self._flight.pop(json.loads(message.payload)["AcknowledgedMessageSequenceNumber"], None)
            return []
        if message.sequence_number >= self._expected:
            self._early.setdefault(message.sequence_number, message)
        while self._expected in self._early:
            taken = self._early.pop(self._expected)
            self.taken.append((taken.payload_type, taken.payload))
            self._expected += 1
        said = {
            "AcknowledgedMessageType": message.message_type,
            "AcknowledgedMessageId": str(message.message_id),
            "AcknowledgedMessageSequenceNumber": message.sequence_number,
            "IsSequentialMessage": True,
        }
        return [self._frame(frames.ACKNOWLEDGE, json.dumps(said).encode())]

    def overdue(self, now: float) -> list[bytes]:
        """Return the oldest message again, if it is overdue."""
        for number, (frame, sent) in self._flight.items():
            if now - sent < RESEND_AFTER:
                return []
            self._flight[number] = (frame, now)
            return [frame]
        return []

    def resumed(self, now: float) -> list[bytes]:
        """Return everything again that is not acknowledged."""
        self._flight = {number: (frame, now) for number, (frame, unused) in self._flight.items()}
        return [frame for frame, unused in self._flight.values()]

    @property
    def has_everything_acknowledged(self) -> bool:
        return not self._flight

    def _frame(self, message_type: str, data: bytes, *, number: int = 0, kind: int = 0) -> bytes:
        return frames.encode(frames.Message(message_type, data, self._new_id(), 1, number, 0, kind))


@dataclasses.dataclass(frozen=True)
class Weather:
    """What happens to frames: probabilities, delays in seconds, and the times at which all sockets are cut."""

    lost: float = 0.0
    doubled: float = 0.0
    damaged: float = 0.0
    delay: float = 0.01
    spread: float = 0.0
    cuts: tuple[float, ...] = ()
    away: float = 0.3  # seconds from a cut to the new socket


class Line:
    """Carries frames between a channel and an agent until both have everything, or until ``limit`` seconds."""

    def __init__(self, client: channel.Channel, agent: Agent, weather: Weather, seed: int) -> None:
        self.client = client
        self.agent = agent
        self.now = 0.0
        self.events: list[channel.Event] = []
        self._weather = weather
        self._random = random.Random(seed)
        self._order = itertools.count()
        self._under_way: list[tuple[float, int, int, bool, bytes]] = []
        self._socket = 0
        self._connected = True
        self._back_at = 0.0
        self._cuts = sorted(weather.cuts)
        self._next_tick = TICK

    def run(self, done: Callable[[], bool], limit: float = 600.0) -> bool:
        """Carry frames until ``done``. Return whether that came within ``limit`` seconds of the logical clock."""
        while not done():
            if self.now > limit:
                return False
            self._send_from_client()
            self.now = max(self.now, self._next_time())
            self._happen()
        return True

    def to_client(self, frame_or_frames: bytes | list[bytes]) -> None:
        """Send frames of the agent."""
        for frame in [frame_or_frames] if isinstance(frame_or_frames, bytes) else frame_or_frames:
            self._carry(frame, to_client=True)

    def _send_from_client(self) -> None:
        for frame in self.client.frames_to_send(self.now):
            self._carry(frame, to_client=False)

    def _carry(self, frame: bytes, *, to_client: bool) -> None:
        if not self._connected:
            return
        chance = self._random.random
        for unused in range(2 if chance() < self._weather.doubled else 1):
            if chance() < self._weather.lost:
                continue
            sent = _damaged(frame, self._random) if to_client and chance() < self._weather.damaged else frame
            arrives = self.now + self._weather.delay + chance() * self._weather.spread
            heapq.heappush(self._under_way, (arrives, next(self._order), self._socket, to_client, sent))

    def _next_time(self) -> float:
        times = [self._next_tick]
        if self._under_way:
            times.append(self._under_way[0][0])
        if self._cuts:
            times.append(self._cuts[0])
        if not self._connected:
            times.append(self._back_at)
        timer = self.client.next_timer()
        if timer is not None:
            times.append(timer)
        return min(times)

    def _happen(self) -> None:
        if self._cuts and self._cuts[0] <= self.now:
            self._cuts.pop(0)
            self._cut()
        if not self._connected and self._back_at <= self.now:
            self._connected = True
            self.client.resumed()
            self.to_client(self.agent.resumed(self.now))
        while self._under_way and self._under_way[0][0] <= self.now:
            unused_time, unused_order, socket, to_client, frame = heapq.heappop(self._under_way)
            if socket == self._socket and self._connected:
                self._arrive(frame, to_client=to_client)
        if self._next_tick <= self.now:
            self._next_tick = self.now + TICK
            self.to_client(self.agent.overdue(self.now))

    def _cut(self) -> None:
        self._socket += 1
        self._connected = False
        self._back_at = self.now + self._weather.away
        self.client.socket_lost()

    def _arrive(self, frame: bytes, *, to_client: bool) -> None:
        if to_client:
            self.events += self.client.receive(frame, self.now)
        else:
            self.to_client(self.agent.receive(frame))


def _damaged(frame: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(120, len(frame)) if len(frame) > 120 else 4
    return frame[:at] + bytes([frame[at] ^ 0xFF]) + frame[at + 1 :]
