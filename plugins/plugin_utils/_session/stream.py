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
import contextlib
import dataclasses
import logging
import os
import re
import socket
import ssl
import time
import urllib.parse
from collections.abc import Iterator
from typing import Any

from .words import on_one_line

try:
    from websockets.client import ClientProtocol
    from websockets.exceptions import InvalidStatus, PayloadTooBig, WebSocketException
    from websockets.frames import Opcode
    from websockets.protocol import State
    from websockets.uri import parse_uri

    MISSING = ""
except ImportError as error:
    MISSING = str(error)

NOT_TRUSTED = (
    "If your own CA issued the certificate, set ansible_aws_ssm_ca_bundle or AWS_CA_BUNDLE to the file with the "
    "certificate of that CA."
)
PROXY_CREDENTIALS = "Put a user name and a password into HTTPS_PROXY, as in http://USER:PASSWORD@HOST:PORT."
_NOT_REACHED = (
    "Check the network. If only a VPC endpoint or a proxy can be reached, set ansible_aws_ssm_stream_endpoint_url or "
    "HTTPS_PROXY."
)

_PIECE = 65536
_PIECES = 16  # that are read at once; whoever sends faster than they are read must not hold up what has a time limit
_MAX_WAITING = 1 << 23  # bytes that the socket does not take; a window and the acknowledgements for one are far less
# A message of an agent has at most 1024 bytes and a header. Those of Session Manager itself are small, too.
_MAX_MESSAGE = 1 << 17
_MAX_ANSWER = 1 << 16  # of a proxy
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})\b")
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
        self._is_text = False  # what the fragments are of
        self._at_end = False

    def fileno(self) -> int:
        return self._socket.fileno()

    @property
    def wants_write(self) -> bool:
        return bool(self._waiting)

    def send_text(self, text: str) -> None:
        with _no_protocol_error():
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
            if len(data) > _MAX_WAITING:
                raise StreamError("The connection was lost: the other side does not read what is sent.")
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
        with _no_protocol_error():
            self._read()
            events = self._protocol.events_received()
            messages = [message for event in events if (message := self._message(event))]
        if messages:
            return messages  # the end comes with the next call, because the socket stays readable
        if self._at_end or self._protocol.state is not State.OPEN:
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

    def _read(self) -> None:
        """Read what has come. Afterwards ``_at_end`` is whether the connection is at its end."""
        for unused in range(_PIECES):
            if self._at_end:
                return
            try:
                data = self._socket.recv(_PIECE)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            except OSError:
                data = b""
            if data:
                self._protocol.receive_data(data)
            else:
                self._at_end = True
                self._protocol.receive_eof()

    def _message(self, frame: Any) -> bytes:
        """Return the binary message that a frame completes; nothing for other frames, and for the server's reply."""
        opcode = getattr(frame, "opcode", None)
        if opcode in (Opcode.BINARY, Opcode.TEXT):
            self._fragments.clear()
            self._is_text = opcode is Opcode.TEXT
        elif opcode is not Opcode.CONT:
            return b""
        if self._is_text:
            return b""
        self._fragments += frame.data
        return bytes(self._fragments) if frame.fin else b""

    def _closed(self) -> str:
        received, error = self._protocol.close_rcvd, self._protocol.parser_exc
        if received:
            return f"The WebSocket was closed with code {received.code}."
        if isinstance(error, PayloadTooBig):
            return f"The WebSocket was closed, because a message of more than {_MAX_MESSAGE} bytes came."
        if error is not None and not isinstance(error, EOFError):
            return "The WebSocket was closed, because what came was not the protocol of a WebSocket."
        return "The connection was lost."


@contextlib.contextmanager
def _no_protocol_error() -> Iterator[None]:
    """Turn the errors of ``websockets`` into ``StreamError``. Their texts can have parts of the URL or of the data."""
    try:
        yield
    except (EOFError, ValueError, WebSocketException):
        raise StreamError("The WebSocket was closed, or what came was not its protocol.") from None


def open_stream(url: str, route: Route, seconds: float) -> Stream:
    """Open the WebSocket of a data channel within ``seconds``. Raises ``StreamError``.

    The system's own time limit applies while the name of the host is resolved.
    """
    deadline = time.monotonic() + seconds
    try:
        parts = urllib.parse.urlsplit(url)
        host, secure, uri = parts.hostname or "", parts.scheme == "wss", parse_uri(url)
    except (ValueError, WebSocketException):
        raise StreamError("The URL of the session's stream is not valid.") from None
    named = f"{host}:{uri.port}"
    context = _context(route) if secure else None
    sock = _connected(host, uri.port, named, route, deadline)
    try:
        if context:
            sock.settimeout(_left(deadline))
            sock = context.wrap_socket(sock, server_hostname=host)
        return _upgraded(sock, uri, named, deadline)
    except ssl.SSLCertVerificationError as error:
        sock.close()
        raise StreamError(f"Could not verify {named}: {_why(error)}. {NOT_TRUSTED}") from None
    except ssl.SSLError as error:
        sock.close()
        remedy = "Check the port, and whether a proxy or a firewall changes the connection."
        raise StreamError(f"Could not open a TLS connection to {named}: {_why(error)}. {remedy}") from None
    except (OSError, ValueError, WebSocketException) as error:
        sock.close()
        raise StreamError(f"Could not open the WebSocket on {named}: {_why(error)}.") from None
    except BaseException:
        sock.close()
        raise


def check_certificates(path: str | None) -> None:
    """Raise ``StreamError`` if a file or folder of certificates cannot be read."""
    if not path:
        return
    try:
        if os.path.isdir(path):
            os.listdir(path)
        else:
            with open(path, "rb") as file:
                file.read(1)
    except OSError as error:
        raise StreamError(_unreadable(path, _why(error))) from None


def _unreadable(path: str, why: str) -> str:
    return (
        f"The CA certificates in {path} cannot be read: {why}. Set ansible_aws_ssm_ca_bundle or AWS_CA_BUNDLE to a "
        "file or folder with CA certificates in PEM format, or set neither."
    )


def _connected(host: str, port: int, named: str, route: Route, deadline: float) -> socket.socket:
    """Return a TCP connection to the host, through the proxy if there is one."""
    try:
        if route.proxy:
            return _through_proxy(host, port, route.proxy, deadline)
        return _tcp(host, port, deadline)
    except (OSError, ValueError) as error:
        proxy = f" through the proxy {_proxy(route.proxy).netloc}" if route.proxy else ""
        remedy = "" if route.proxy else f" {_NOT_REACHED}"
        raise StreamError(f"Could not connect to {named}{proxy}: {_why(error)}.{remedy}") from None


def _tcp(host: str, port: int, deadline: float) -> socket.socket:
    """Connect to the first address of the host that answers. The addresses share the time that is left."""
    failure = OSError("the name has no address")
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for number, (family, kind, protocol, unused_name, address) in enumerate(found):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(_left(deadline) / (len(found) - number))
            sock.connect(address)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return sock
        except OSError as error:
            sock.close()
            failure = error
        except BaseException:
            sock.close()
            raise
    raise failure


def _through_proxy(host: str, port: int, proxy: str, deadline: float) -> socket.socket:
    parts = _proxy(proxy)
    if parts.scheme != "http":
        raise StreamError(
            f"The proxy {parts.netloc} must have an address that begins with http://, because the connection to the "
            "proxy itself cannot be encrypted. Check HTTPS_PROXY."
        )
    credentials = _proxy_credentials(proxy)
    target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
    if credentials:
        lines.append(f"Proxy-Authorization: Basic {base64.b64encode(credentials.encode()).decode()}")
    sock = _tcp(str(parts.hostname), parts.port or 80, deadline)
    try:
        sock.settimeout(_left(deadline))
        sock.sendall("\r\n".join([*lines, "", ""]).encode("ascii"))
        _check_answer(_answer(sock, deadline), is_known=bool(credentials))
    except BaseException:
        sock.close()
        raise
    return sock


def _answer(sock: socket.socket, deadline: float) -> bytes:
    """Return the answer of a proxy to CONNECT, to the end of its headers."""
    answer = b""
    while b"\r\n\r\n" not in answer and len(answer) < _MAX_ANSWER:
        sock.settimeout(_left(deadline))
        data = sock.recv(_PIECE)
        if not data:
            break
        answer += data
    return answer


def _check_answer(answer: bytes, *, is_known: bool) -> None:
    """Raise ``OSError`` unless the proxy has connected. ``is_known`` is whether it got a user name."""
    status = _STATUS.match(answer)
    if not answer:
        raise OSError("it closed the connection")
    if not status:
        raise OSError("the proxy's answer is not HTTP")
    if status[1] == b"407":
        why = "it refused the user name and the password" if is_known else "it requires a user name and a password"
        raise OSError(f"{why} (status 407). {PROXY_CREDENTIALS}")
    if not status[1].startswith(b"2"):
        raise OSError(f"it refused the connection (status {status[1].decode()})")


def _proxy(proxy: str) -> urllib.parse.SplitResult:
    """Return the URL of a proxy with its host and port as ``netloc``. Raises ``StreamError``."""
    try:
        parts = urllib.parse.urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        host, port = parts.hostname, parts.port or 80
    except ValueError:
        host, port = None, 0
    if not host:
        raise StreamError("The URL of the proxy is not valid. Check HTTPS_PROXY.")
    return parts._replace(netloc=f"[{host}]:{port}" if ":" in host else f"{host}:{port}")


def _proxy_credentials(proxy: str) -> str:
    """Return the user name and the password of a proxy's URL, as ``user:password``; an empty text if there are none."""
    parts = urllib.parse.urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    if not parts.username:
        return ""
    return f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"


def _context(route: Route) -> ssl.SSLContext:
    """Return the context for TLS. Raises ``StreamError`` for certificates that cannot be read."""
    check_certificates(route.ca_file)
    is_folder = bool(route.ca_file) and os.path.isdir(str(route.ca_file))
    try:
        context = ssl.create_default_context(
            cafile=None if is_folder else route.ca_file, capath=route.ca_file if is_folder else None
        )
    except OSError:  # also the error of OpenSSL
        raise StreamError(_unreadable(str(route.ca_file), "they are not in PEM format")) from None
    if not route.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _upgraded(sock: socket.socket, uri: Any, named: str, deadline: float) -> Stream:
    """Make the connection a WebSocket."""
    protocol = ClientProtocol(uri, max_size=_MAX_MESSAGE, logger=_SILENT)
    request = protocol.connect()
    request.headers["User-Agent"] = "sessionops.aws"
    protocol.send_request(request)
    sock.settimeout(_left(deadline))
    for data in protocol.data_to_send():
        sock.sendall(data)
    while protocol.state is State.CONNECTING and protocol.handshake_exc is None:
        sock.settimeout(_left(deadline))
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
        text = on_one_line((error.response.body or b"")[:_SHOWN].decode("utf-8", "replace"))
        return f"status {error.response.status_code}{': ' + text if text else ''}."
    return "the answer is not that of a WebSocket. Check whether a proxy or a firewall changes it."


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _why(error: Exception) -> str:
    """Return the reason of a failure, without a full stop."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message.rstrip(".")
    if isinstance(error, OSError):
        return str(error.strerror or error).rstrip(".")
    return "the name of the host is not valid" if isinstance(error, ValueError) else "what came is not a WebSocket"
