# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One WebSocket to the gateway, over a blocking socket.

One thread reads: ``open``, ``receive`` and ``discard`` belong to it. Any thread may send, and may ``close``.

The protocol answers the gateway's close frame as soon as it is read, together with the messages before it. From then on
nothing can be sent, also not the acknowledgements of these messages.
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from collections.abc import Mapping

from websockets.client import ClientProtocol
from websockets.exceptions import WebSocketException
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

CONNECT_SECONDS = 15.0
# The agent's deadlines for reading: at first, and after each pong.
FIRST_READ_SECONDS = 114.0
NEXT_READ_SECONDS = 60.0
PING_SECONDS = 54.0
# How long a socket that this side has closed waits for the other side.
LINGER_SECONDS = 1.0
_CHUNK = 65536


class SocketClosedError(Exception):
    """The socket cannot be opened, or is closed, or closing."""


class WebSocket:
    """A WebSocket that is open after ``open``. ``answered`` is set once the gateway has answered a ping."""

    def __init__(self, host: str, port: int, target: str) -> None:
        self.answered = threading.Event()
        self._protocol = ClientProtocol(parse_uri(f"ws://{host}:{port}{target}"), max_size=None)
        self._address = (host, port)
        self._socket = socket.socket()
        # Taken for changes of the protocol; never while waiting for the network.
        self._state = threading.Lock()
        # Taken while bytes are written, so that frames of several threads do not mix.
        self._writing = threading.Lock()
        self._parts: list[bytes] = []
        self._ended = False
        self._deadline = time.monotonic() + FIRST_READ_SECONDS

    def open(self, headers: Mapping[str, str]) -> None:
        """Connect. Raises ``SocketClosedError`` if the gateway does not accept the WebSocket."""
        self._socket.close()
        try:
            self._socket = socket.create_connection(self._address, timeout=CONNECT_SECONDS)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            request = self._protocol.connect()
            for name, value in headers.items():
                request.headers[name] = value
            self._protocol.send_request(request)
            self._flush()
            while self._protocol.state is State.CONNECTING and self._protocol.handshake_exc is None:
                self._protocol.receive_data(self._recv())
            if self._protocol.handshake_exc is not None:
                raise self._protocol.handshake_exc
            self._socket.settimeout(None)
        except (OSError, WebSocketException) as error:
            self.discard()
            raise SocketClosedError(f"the WebSocket did not open: {error}") from None

    def _recv(self) -> bytes:
        data = self._socket.recv(_CHUNK)
        if not data:
            raise ConnectionResetError("the connection was closed")
        return data

    def receive(self) -> list[bytes]:
        """Wait for messages and return them. Raises ``SocketClosedError`` once all are returned and it has ended."""
        while True:
            messages = self._take()
            if messages:
                return messages
            if self._ended:
                raise SocketClosedError("the WebSocket has ended")
            self._read()

    def _read(self) -> None:
        data = b""
        with contextlib.suppress(OSError):
            if self._wait():
                data = self._socket.recv(_CHUNK)
        with self._state:
            if data:
                self._protocol.receive_data(data)
                self._ended = self._protocol.parser_exc is not None
            else:
                self._ended = True
                self._protocol.receive_eof()

    def _wait(self) -> bool:
        """Wait until there is something to read. Returns False if the deadline has passed."""
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        # In steps, because another thread may bring the deadline forward.
        while (left := self._deadline - time.monotonic()) > 0:
            if poll.poll(min(left, 0.5) * 1000):
                return True
        return False

    def _take(self) -> list[bytes]:
        """Return the complete messages among the frames that were read, and answer control frames."""
        with self._state:
            frames = [event for event in self._protocol.events_received() if isinstance(event, Frame)]
        messages: list[bytes] = []
        for frame in frames:
            if frame.opcode is Opcode.PONG:
                self.answered.set()
                self._deadline = time.monotonic() + NEXT_READ_SECONDS
            elif frame.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
                self._parts.append(bytes(frame.data))
                if frame.fin:
                    messages.append(b"".join(self._parts))
                    self._parts.clear()
            elif frame.opcode is Opcode.CLOSE:
                self._ended = True
        if any(frame.opcode in (Opcode.PING, Opcode.CLOSE) for frame in frames):
            with contextlib.suppress(OSError):
                self._flush()
        return messages

    def send_text(self, text: str) -> None:
        """Send a text frame. Raises ``SocketClosedError``."""
        self._send(Opcode.TEXT, text.encode())

    def send(self, data: bytes) -> None:
        """Send a binary frame. Raises ``SocketClosedError``."""
        self._send(Opcode.BINARY, data)

    def ping(self) -> None:
        """Send a ping as the agent does. Raises ``SocketClosedError``."""
        self._send(Opcode.PING, b"keepalive")

    def _send(self, opcode: Opcode, data: bytes) -> None:
        protocol = self._protocol
        send = {Opcode.TEXT: protocol.send_text, Opcode.BINARY: protocol.send_binary, Opcode.PING: protocol.send_ping}
        try:
            with self._writing:
                with self._state:
                    send[opcode](data)
                    data = b"".join(protocol.data_to_send())
                self._socket.sendall(data)
        except (OSError, WebSocketException) as error:
            raise SocketClosedError(f"the WebSocket cannot send: {type(error).__name__}") from None

    def _flush(self) -> None:
        with self._writing:
            with self._state:
                data = b"".join(self._protocol.data_to_send())
            self._socket.sendall(data)

    def close(self) -> None:
        """Say that this side closes, and end the reading soon."""
        with contextlib.suppress(OSError, WebSocketException):
            with self._state:
                self._protocol.send_close(1000)
            self._flush()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)
        self._deadline = time.monotonic() + LINGER_SECONDS

    def discard(self) -> None:
        """Close the connection. Only the thread that reads may do this."""
        self._ended = True
        self._socket.close()
