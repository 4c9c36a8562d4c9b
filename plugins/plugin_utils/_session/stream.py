# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""The WebSocket of a data channel.

``open_stream`` blocks until the WebSocket is open, or the time is up. After that nothing blocks: ``receive`` returns
what has come, ``send`` keeps what the socket does not take yet, and ``flush`` writes it later.

``websockets`` is used only for the bytes of the protocol, because its own connections do not honour what botocore does:
proxies, certificates and endpoints of the user's own. No error has a part of the URL but its host, because the rest
names the session.
"""

from __future__ import annotations

import base64
import collections
import dataclasses
import http.client
import logging
import os
import socket
import ssl
import time
import urllib.parse
from typing import Any

try:
    from websockets.client import ClientProtocol
    from websockets.exceptions import InvalidStatus
    from websockets.frames import Opcode
    from websockets.protocol import State
    from websockets.uri import parse_uri

    MISSING = ""
except ImportError as error:
    MISSING = str(error)

_PIECE = 65536
_MAX_MESSAGE = 1 << 20
_SHOWN = 200  # characters of a body in an error
# At DEBUG, websockets logs what it sends, which includes the token.
_SILENT = logging.Logger("sessionops.aws.stream", level=logging.CRITICAL + 1)


class StreamError(Exception):
    """The WebSocket cannot be opened, or is lost. The text is a sentence, without the URL and without data."""


@dataclasses.dataclass(frozen=True)
class Route:
    """How to reach the host of a stream.

    ``proxy`` is the URL of an HTTP proxy, or an empty text. ``ca_file`` is a file or folder of certificates that are
    trusted; None for those of the system. ``verify`` is whether the server's certificate is checked.
    """

    proxy: str = ""
    ca_file: str | None = None
    verify: bool = True


class Stream:
    """An open WebSocket. ``fileno`` is for a selector; ``wants_write`` is whether ``flush`` has something to write."""

    def __init__(self, sock: socket.socket, protocol: Any) -> None:
        self._socket = sock
        self._protocol = protocol
        self._waiting: collections.deque[bytes] = collections.deque()
        self._fragments = bytearray()

    def fileno(self) -> int:
        return self._socket.fileno()

    @property
    def wants_write(self) -> bool:
        return bool(self._waiting)

    def send_text(self, text: str) -> None:
        self._protocol.send_text(text.encode())
        self.flush()

    def send_binary(self, data: bytes) -> None:
        """Send a message. ``flush`` writes it. Raises ``StreamError`` once the WebSocket is closed."""
        if self._protocol.state is not State.OPEN:
            raise StreamError(self._closed())
        self._protocol.send_binary(data)

    def ping(self) -> None:
        """Send a ping, so that nothing between here and the service takes the connection for unused."""
        if self._protocol.state is State.OPEN:
            self._protocol.send_ping(b"keepalive")
            self.flush()

    def flush(self) -> None:
        """Write what the socket takes now. Raises ``StreamError`` if it is lost."""
        self._waiting.extend(filter(None, self._protocol.data_to_send()))
        while self._waiting:
            data = b"".join(self._waiting)
            self._waiting.clear()
            try:
                written = self._socket.send(data)
            except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
                written = 0
            except OSError as error:
                raise StreamError(f"The connection was lost: {_why(error)}.") from None
            if written < len(data):
                self._waiting.append(data[written:])
                return

    def receive(self) -> list[bytes]:
        """Return the binary messages that have come. Raises ``StreamError`` once the WebSocket is closed."""
        at_end = self._read()
        messages = [message for event in self._protocol.events_received() if (message := self._message(event))]
        if messages:
            return messages  # the end comes with the next call, because the socket stays readable
        if at_end or self._protocol.state is not State.OPEN:
            raise StreamError(self._closed())
        self.flush()  # answers to pings
        return []

    def close(self) -> None:
        """Close the socket, without waiting for the other side."""
        try:
            if self._protocol.state is State.OPEN:
                self._protocol.send_close(1000)
                self.flush()
        except StreamError:
            pass
        self._socket.close()

    def _read(self) -> bool:
        """Read all that has come. Return whether the connection is at its end."""
        while True:
            try:
                data = self._socket.recv(_PIECE)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return False
            except OSError:
                data = b""
            if not data:
                self._protocol.receive_eof()
                return True
            self._protocol.receive_data(data)

    def _message(self, frame: Any) -> bytes:
        """Return the binary message that a frame completes; nothing for other frames, and for the server's reply."""
        opcode = getattr(frame, "opcode", None)
        if opcode is Opcode.BINARY:
            self._fragments.clear()
        elif opcode is not Opcode.CONT:
            return b""
        self._fragments += frame.data
        return bytes(self._fragments) if frame.fin else b""

    def _closed(self) -> str:
        received = self._protocol.close_rcvd
        return f"The WebSocket was closed with code {received.code}." if received else "The connection was lost."


def open_stream(url: str, route: Route, seconds: float) -> Stream:
    """Open the WebSocket of a data channel within ``seconds``. Raises ``StreamError``."""
    deadline = time.monotonic() + seconds
    parts = urllib.parse.urlsplit(url)
    host, secure = parts.hostname or "", parts.scheme == "wss"
    port = parts.port or (443 if secure else 80)
    named = f"{parts.hostname}:{port}"
    sock = _connected(host, port, named, route, seconds)
    try:
        if secure:
            sock.settimeout(_left(deadline, named))
            sock = _context(route).wrap_socket(sock, server_hostname=host)
        return _upgraded(sock, url, named, deadline)
    except ssl.SSLError as error:
        sock.close()
        raise StreamError(f"Could not verify {named}: {_why(error)}.") from None
    except OSError as error:
        sock.close()
        raise StreamError(f"Could not open the WebSocket on {named}: {_why(error)}.") from None
    except BaseException:
        sock.close()
        raise


def _connected(host: str, port: int, named: str, route: Route, seconds: float) -> socket.socket:
    """Return a TCP connection to the host, through the proxy if there is one."""
    try:
        if route.proxy:
            return _through_proxy(host, port, route.proxy, seconds)
        sock = socket.create_connection((host, port), timeout=seconds)
    except OSError as error:
        proxy = f" through the proxy {_proxy_name(route.proxy)}" if route.proxy else ""
        raise StreamError(f"Could not connect to {named}{proxy}: {_why(error)}.") from None
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def _through_proxy(host: str, port: int, proxy: str, seconds: float) -> socket.socket:
    parts = urllib.parse.urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    if parts.scheme != "http":
        raise StreamError(
            f"The proxy {_proxy_name(proxy)} must have an address that begins with http://, because the connection to "
            "the proxy itself cannot be encrypted."
        )
    headers = {}
    if parts.username:
        pair = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
        headers["Proxy-Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    tunnel = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=seconds)
    tunnel.set_tunnel(host, port, headers)
    try:
        tunnel.connect()
    except http.client.HTTPException as error:
        tunnel.close()
        raise OSError(f"the proxy's answer is not HTTP ({type(error).__name__})") from None
    except OSError:
        tunnel.close()
        raise
    return tunnel.sock


def _proxy_name(proxy: str) -> str:
    parts = urllib.parse.urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    return f"{parts.hostname}:{parts.port or 80}"


def _context(route: Route) -> ssl.SSLContext:
    is_folder = bool(route.ca_file) and os.path.isdir(str(route.ca_file))
    context = ssl.create_default_context(
        cafile=None if is_folder else route.ca_file, capath=route.ca_file if is_folder else None
    )
    if not route.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _upgraded(sock: socket.socket, url: str, named: str, deadline: float) -> Stream:
    """Make the connection a WebSocket."""
    protocol = ClientProtocol(parse_uri(url), max_size=_MAX_MESSAGE, logger=_SILENT)
    request = protocol.connect()
    request.headers["User-Agent"] = "sessionops.aws"
    protocol.send_request(request)
    sock.settimeout(_left(deadline, named))
    for data in protocol.data_to_send():
        sock.sendall(data)
    while protocol.state is State.CONNECTING and protocol.handshake_exc is None:
        sock.settimeout(_left(deadline, named))
        data = sock.recv(_PIECE)
        if not data:
            raise StreamError(f"{named} closed the connection before it opened the WebSocket.")
        protocol.receive_data(data)
    if protocol.state is not State.OPEN:
        raise StreamError(f"{named} refused the WebSocket: {_refused(protocol.handshake_exc)}")
    sock.setblocking(False)
    return Stream(sock, protocol)


def _refused(error: Exception | None) -> str:
    """Return why the upgrade failed, with the status and the first characters of the body."""
    if isinstance(error, InvalidStatus):
        body = (error.response.body or b"")[:_SHOWN].decode("utf-8", "replace")
        text = "".join(char if char.isprintable() else " " for char in body).strip()
        return f"status {error.response.status_code}{': ' + text if text else ''}."
    return "the answer is not that of a WebSocket."


def _left(deadline: float, named: str) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise StreamError(f"{named} did not open the WebSocket in time.")
    return left


def _why(error: OSError) -> str:
    """Return the reason of a failure, without a full stop."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message.rstrip(".")
    return str(error.strerror or error).rstrip(".")
