# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The control channel of a node. It is opened again for ever, each time with a new token."""

from __future__ import annotations

import collections
import contextlib
import random
import threading
import time
from collections.abc import Callable

from ..messages import Message, MessageError
from .service import Service, ServiceError
from .websocket import PING_SECONDS, SocketClosedError, WebSocket

# The longest pause, as a multiple of the shortest.
LONGEST_PAUSE = 5


class ControlChannel:
    """The control channel.

    ``receive`` gets each message. ``joined`` is called each time that the gateway has taken the token: it answers the
    ping that follows the token.
    """

    def __init__(self, service: Service, receive: Callable[[Message], None], joined: Callable[[], None]) -> None:
        self._service = service
        self._receive = receive
        self._joined = joined
        self._base = service.settings.agent.reconnect_seconds
        # The messages that are not sent yet, because the channel is not open.
        self._waiting: collections.deque[bytes] = collections.deque()
        self._sending = threading.Lock()
        self._channel: WebSocket | None = None

    def run(self) -> None:
        """Keep the channel open. It never returns."""
        pause = self._base
        while True:
            try:
                channel = self._service.open_control_channel()
            except ServiceError:
                time.sleep(min(pause * random.uniform(1, 2), LONGEST_PAUSE * self._base))
                pause = min(pause * 2, LONGEST_PAUSE * self._base)
                continue
            pause = self._base
            self._serve(channel)
            time.sleep(random.uniform(0, self._base))

    def _serve(self, channel: WebSocket) -> None:
        """Handle what the channel receives until it ends."""
        ended = threading.Event()
        threading.Thread(target=self._keep, args=(channel, ended), name="pings", daemon=True).start()
        with contextlib.suppress(SocketClosedError):
            while True:
                self._handle(channel.receive())
        ended.set()
        channel.discard()

    def _keep(self, channel: WebSocket, ended: threading.Event) -> None:
        """Send what waits once the gateway has taken the token, then ping until the channel has ended."""
        while not channel.answered.wait(0.2):
            if ended.is_set():
                return
        with self._sending:
            self._channel = channel
            self._send_waiting()
        self._joined()
        with contextlib.suppress(SocketClosedError):
            while not ended.wait(PING_SECONDS):
                channel.ping()

    def _handle(self, frames: list[bytes]) -> None:
        for frame in frames:
            with contextlib.suppress(MessageError):
                self._receive(Message.decode(frame))

    def send(self, message: Message) -> None:
        """Send a message, now or when the channel is open again."""
        with self._sending:
            self._waiting.append(message.encode())
            self._send_waiting()

    def _send_waiting(self) -> None:
        if self._channel is None:
            return
        try:
            while self._waiting:
                self._channel.send(self._waiting[0])
                self._waiting.popleft()
        except SocketClosedError:
            self._channel = None
