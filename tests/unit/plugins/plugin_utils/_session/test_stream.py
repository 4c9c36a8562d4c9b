# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test how a WebSocket is reached: TLS, certificates, proxies, IPv6, and what is said if it cannot be."""

from __future__ import annotations

import logging
import select
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.stream import (
    Route,
    Stream,
    StreamError,
    open_stream,
)
from websockets.sync.server import Server, ServerConnection, serve

from unit.support.stream_servers import Certificates, Proxy, serving, tls_in_front_of

SECRET = "session-4711?role=secret-role"
WAIT = 30.0


def echo(connection: ServerConnection) -> None:
    """Send everything back; end with a code if asked to, and cut the connection if asked to."""
    for message in connection:
        if message == b"close":
            connection.close(1000, "Bye")
        elif message == b"cut":
            connection.socket.shutdown(socket.SHUT_RDWR)
        elif message == b"many":
            for number in range(500):
                connection.send(b"%d" % number)
        else:
            connection.send(message)


@pytest.fixture(scope="module")
def plain() -> Iterator[int]:
    import threading

    with serve(echo, "127.0.0.1", 0) as server:
        assert isinstance(server, Server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.socket.getsockname()[1]
        server.shutdown()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def secure(plain: int, certificates: Certificates) -> Iterator[int]:
    with tls_in_front_of(plain, certificates.context("127.0.0.1", "localhost")) as port:
        yield port


def receive(stream: Stream, count: int = 1) -> list[bytes]:
    """Return the next messages, or raise what the stream raises."""
    found: list[bytes] = []
    deadline = time.monotonic() + WAIT
    while len(found) < count and time.monotonic() < deadline:
        stream.flush()
        select.select([stream], [], [], 1)
        found += stream.receive()
    return found


def trip(stream: Stream, data: bytes) -> bytes:
    stream.send_binary(data)
    return receive(stream)[0]


def test_messages_pass_over_plain_and_over_tls(plain: int, secure: int, certificates: Certificates) -> None:
    for url, route in (
        (f"ws://127.0.0.1:{plain}/{SECRET}", Route()),
        (f"wss://127.0.0.1:{secure}/{SECRET}", Route(ca_file=certificates.ca_file)),
        (f"wss://localhost:{secure}/{SECRET}", Route(ca_file=certificates.ca_file)),
        (f"wss://127.0.0.1:{secure}/{SECRET}", Route(verify=False)),
    ):
        stream = open_stream(url, route, WAIT)
        data = bytes(range(256)) * 2000
        assert trip(stream, data) == data
        stream.close()


def test_many_messages_in_one_packet_all_arrive_over_tls(secure: int, certificates: Certificates) -> None:
    """TLS may hold more than one read returns, of which a selector knows nothing."""
    stream = open_stream(f"wss://127.0.0.1:{secure}/", Route(ca_file=certificates.ca_file), WAIT)
    stream.send_binary(b"many")
    assert receive(stream, 500) == [b"%d" % number for number in range(500)]
    stream.close()


@pytest.mark.parametrize(("ask", "text"), [(b"close", "closed with code 1000"), (b"cut", "connection was lost")])
def test_an_end_is_told_as_it_was(plain: int, ask: bytes, text: str) -> None:
    stream = open_stream(f"ws://127.0.0.1:{plain}/", Route(), WAIT)
    stream.send_binary(ask)
    with pytest.raises(StreamError, match=text):
        receive(stream)
    stream.close()


def test_a_certificate_of_another_authority_or_name_is_refused(
    plain: int, secure: int, certificates: Certificates, tmp_path: Path
) -> None:
    other = Certificates(tmp_path)
    with tls_in_front_of(plain, certificates.context("elsewhere.example")) as wrong_name:
        for port, ca_file in ((secure, other.ca_file), (wrong_name, certificates.ca_file)):
            with pytest.raises(StreamError, match=f"Could not verify 127.0.0.1:{port}: ") as caught:
                open_stream(f"wss://127.0.0.1:{port}/{SECRET}", Route(ca_file=ca_file), WAIT)
            assert "4711" not in str(caught.value)


def test_an_ipv6_address_is_reached(plain: int, certificates: Certificates) -> None:
    with tls_in_front_of(plain, certificates.context("::1"), "::1") as port:
        stream = open_stream(f"wss://[::1]:{port}/", Route(ca_file=certificates.ca_file), WAIT)
        assert trip(stream, b"six") == b"six"
        stream.close()


@pytest.mark.parametrize("credentials", ["", "user:p@ss"])
def test_a_proxy_is_used_with_its_credentials(secure: int, certificates: Certificates, credentials: str) -> None:
    proxy = Proxy(credentials)
    with serving(proxy.handle) as port:
        user = credentials.replace("@", "%40") + "@" if credentials else ""
        route = Route(proxy=f"http://{user}127.0.0.1:{port}", ca_file=certificates.ca_file)
        stream = open_stream(f"wss://127.0.0.1:{secure}/", route, WAIT)
        assert trip(stream, b"through") == b"through"
        assert proxy.asked == [f"127.0.0.1:{secure}"]
        stream.close()


def test_a_proxy_that_refuses_is_told_with_its_status(secure: int) -> None:
    proxy = Proxy("user:right")
    with serving(proxy.handle) as port:
        with pytest.raises(StreamError, match=f"through the proxy 127.0.0.1:{port}: .*407") as caught:
            open_stream(f"wss://127.0.0.1:{secure}/{SECRET}", Route(proxy=f"http://user:wr0ng@127.0.0.1:{port}"), WAIT)
    assert "wr0ng" not in str(caught.value)
    assert "4711" not in str(caught.value)


def test_a_proxy_that_is_dead_or_silent_is_told(secure: int) -> None:
    with pytest.raises(StreamError, match=r"through the proxy 127.0.0.1:1: Connection refused"):
        open_stream(f"wss://127.0.0.1:{secure}/", Route(proxy="http://127.0.0.1:1"), WAIT)
    with serving(Proxy(silent=True).handle) as port:
        with pytest.raises(StreamError, match=f"through the proxy 127.0.0.1:{port}: no answer in time"):
            open_stream(f"wss://127.0.0.1:{secure}/", Route(proxy=f"http://127.0.0.1:{port}"), 0.3)
    with pytest.raises(StreamError, match="must have an address that begins with http://"):
        open_stream(f"wss://127.0.0.1:{secure}/", Route(proxy="socks5://127.0.0.1:1"), WAIT)


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\nno entry\n", "status 403: no entry."),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "status 200."),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "refused the WebSocket"),
        (b"", "closed the connection before"),
    ],
)
def test_a_refused_upgrade_is_told(answer: bytes, text: str) -> None:
    def handle(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(answer)

    with serving(handle) as port:
        with pytest.raises(StreamError) as caught:
            open_stream(f"ws://127.0.0.1:{port}/{SECRET}", Route(), WAIT)
    assert text in str(caught.value)
    assert "4711" not in str(caught.value)


def test_a_server_that_says_nothing_does_not_hold_up_longer_than_allowed() -> None:
    def handle(connection: socket.socket) -> None:
        while connection.recv(4096):
            pass

    with serving(handle) as port:
        with pytest.raises(StreamError, match="in time"):
            open_stream(f"ws://127.0.0.1:{port}/", Route(), 0.3)


def test_nothing_is_logged(plain: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    stream = open_stream(f"ws://127.0.0.1:{plain}/{SECRET}", Route(), WAIT)
    assert trip(stream, b"the-secret-token") == b"the-secret-token"
    stream.close()
    logged = [record.getMessage() for record in caplog.records if not record.name.startswith("websockets.server")]
    assert not any("secret" in line for line in logged)
