# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Small servers between a client and its WebSocket: one adds TLS, one drops idle connections, one is an HTTP proxy."""

from __future__ import annotations

import base64
import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import trustme


class Certificates:
    """A certificate authority of the test's own. ``ca_file`` has its certificate."""

    def __init__(self, folder: Path) -> None:
        self._authority = trustme.CA()
        self.ca_file = str(folder / "ca.pem")
        self._authority.cert_pem.write_to_path(self.ca_file)

    def context(self, *names: str) -> ssl.SSLContext:
        """Return the context of a server with these names."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert(*names).configure_cert(context)
        return context


@contextlib.contextmanager
def serving(handle: Callable[[socket.socket], None], host: str = "127.0.0.1") -> Iterator[int]:
    """Serve each connection in a thread of its own. Yields the port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as listener:
        open_sockets: list[socket.socket] = []

        def accept() -> None:
            while True:
                try:
                    connection, unused_address = listener.accept()
                except OSError:
                    return
                open_sockets.append(connection)
                threading.Thread(target=_quietly, args=(handle, connection), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            for connection in open_sockets:
                with contextlib.suppress(OSError):
                    connection.close()


@contextlib.contextmanager
def tls_in_front_of(port: int, context: ssl.SSLContext, host: str = "127.0.0.1") -> Iterator[int]:
    """Serve TLS, and pass what comes to a port of 127.0.0.1. Yields the port."""

    def handle(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secure:
            with socket.create_connection(("127.0.0.1", port)) as behind:
                _relay(secure, behind)

    with serving(handle, host) as own:
        yield own


@contextlib.contextmanager
def dropping_idle_connections(port: int, seconds: float) -> Iterator[int]:
    """Pass what comes to a port of 127.0.0.1. Connections over which nothing comes for some seconds end."""

    def handle(connection: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", port)) as behind:
            for one in (connection, behind):
                one.settimeout(seconds)
            _relay(connection, behind)

    with serving(handle) as own:
        yield own


class Proxy:
    """An HTTP proxy. ``asked`` has the targets of all CONNECT requests, as in ``["127.0.0.1:443"]``."""

    def __init__(self, credentials: str = "", status: int = 200, silent: bool = False) -> None:
        self._credentials = credentials
        self._status = status
        self._silent = silent
        self.asked: list[str] = []

    def handle(self, connection: socket.socket) -> None:
        request = b""
        while b"\r\n\r\n" not in request:
            request += connection.recv(4096)
        target = request.split(b" ")[1].decode()
        self.asked.append(target)
        if self._silent:
            connection.recv(1)
            return
        expected = base64.b64encode(self._credentials.encode())
        status = self._status if not self._credentials or expected in request else 407
        if status != 200:
            connection.sendall(b"HTTP/1.1 %d Refused\r\nContent-Length: 0\r\n\r\n" % status)
            return
        host, unused_colon, port = target.rpartition(":")
        with socket.create_connection((host.strip("[]"), int(port))) as behind:
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            _relay(connection, behind)


def _quietly(handle: Callable[[socket.socket], None], connection: socket.socket) -> None:
    with contextlib.suppress(OSError), connection:
        handle(connection)


def _relay(one: socket.socket, other: socket.socket) -> None:
    """Pass bytes on in both directions, until one side ends."""
    back = threading.Thread(target=_pass_on, args=(other, one), daemon=True)
    back.start()
    _pass_on(one, other)
    back.join(timeout=1)


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)
