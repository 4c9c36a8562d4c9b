# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test how a WebSocket is reached: TLS, certificates, proxies, IPv6, and what is said if it cannot be."""

from __future__ import annotations

import contextlib
import logging
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
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
        elif message == b"last":
            connection.send(b"bye")
            connection.socket.shutdown(socket.SHUT_RDWR)
        elif message == b"garbage":
            connection.socket.sendall(b"\xf3\x00")
        elif message == b"big":
            connection.send(b"x" * 200_000)
        elif message == b"fragments":
            connection.send(b"x" * 50_000 for unused in range(4))
        elif message == b"many":
            for number in range(500):
                connection.send(b"%d" % number)
        else:
            connection.send(message)


def text_first(connection: ServerConnection) -> None:
    connection.send(["some", "text"])
    connection.send(b"after")
    connection.recv()


@contextlib.contextmanager
def served(handle: Callable[[ServerConnection], None]) -> Iterator[int]:
    with serve(handle, "127.0.0.1", 0) as server:
        assert isinstance(server, Server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.socket.getsockname()[1]
        finally:
            server.shutdown()


@pytest.fixture(scope="module")
def plain() -> Iterator[int]:
    with served(echo) as port:
        yield port


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
        data = bytes(range(256)) * 400
        assert trip(stream, data) == data
        stream.close()


def test_many_messages_in_one_packet_all_arrive_over_tls(secure: int, certificates: Certificates) -> None:
    """TLS may hold more than one read returns, of which a selector knows nothing."""
    stream = open_stream(f"wss://127.0.0.1:{secure}/", Route(ca_file=certificates.ca_file), WAIT)
    stream.send_binary(b"many")
    assert receive(stream, 500) == [b"%d" % number for number in range(500)]
    stream.close()


@pytest.mark.parametrize(
    ("ask", "text"),
    [
        (b"close", "closed with code 1000"),
        (b"cut", "connection was lost"),
        (b"garbage", "what came was not the protocol of a WebSocket"),
        # No agent sends so much, and what is not complete is kept in memory.
        (b"big", "a message of more than 131072 bytes came"),
        (b"fragments", "a message of more than 131072 bytes came"),
    ],
)
def test_an_end_is_told_as_it_was(plain: int, ask: bytes, text: str) -> None:
    stream = open_stream(f"ws://127.0.0.1:{plain}/", Route(), WAIT)
    stream.send_binary(ask)
    with pytest.raises(StreamError, match=text):
        receive(stream)
    stream.close()


class EndlessSocket:
    """Has more to read whenever it is asked, and takes nothing."""

    def __init__(self, coming: bytes) -> None:
        self.reads = 0
        self._coming = coming

    def recv(self, unused_size: int) -> bytes:
        self.reads += 1
        assert self.reads < 500
        return self._coming

    def send(self, unused_data: bytes) -> int:
        raise BlockingIOError


def test_a_server_that_sends_faster_than_it_is_read_does_not_hold_up(
    plain: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with contextlib.closing(open_stream(f"ws://127.0.0.1:{plain}/", Route(), WAIT)) as stream:
        endless = EndlessSocket(b"\x82\x01x" * 1000)
        with monkeypatch.context() as patched:
            patched.setattr(stream, "_socket", endless)
            assert len(stream.receive()) == 1000 * endless.reads


def test_a_server_that_asks_and_does_not_read_does_not_fill_the_memory(
    plain: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with contextlib.closing(open_stream(f"ws://127.0.0.1:{plain}/", Route(), WAIT)) as stream:
        with monkeypatch.context() as patched:
            patched.setattr(stream, "_socket", EndlessSocket((b"\x89\x7d" + b"p" * 125) * 500))
            with pytest.raises(StreamError, match="does not read"):
                list(iter(stream.receive, None))


def test_text_is_passed_over_also_in_fragments() -> None:
    with (
        served(text_first) as port,
        contextlib.closing(open_stream(f"ws://127.0.0.1:{port}/", Route(), WAIT)) as stream,
    ):
        assert receive(stream) == [b"after"]


def test_what_came_before_the_end_is_not_lost(plain: int) -> None:
    """The end may be read together with the last message."""
    stream = open_stream(f"ws://127.0.0.1:{plain}/", Route(), WAIT)
    stream.send_binary(b"last")
    stream.flush()
    select.select([stream], [], [], WAIT)
    time.sleep(0.2)  # the end has come, too
    assert receive(stream) == [b"bye"]
    for unused in range(3):
        with pytest.raises(StreamError, match="connection was lost"):
            receive(stream)
    with pytest.raises(StreamError):
        stream.send_text("more")
    stream.close()


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1/", "ws:///", "ws://127.0.0.1:port/", "ws://127.0.0.1:99999/", "ws://[::1/", "ws://u@h/"],
)
def test_a_url_that_is_not_valid_is_one_sentence(url: str) -> None:
    with pytest.raises(StreamError, match=r"^The URL of the session's stream is not valid\.$"):
        open_stream(f"{url}{SECRET}", Route(), WAIT)


@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_a_host_that_cannot_be_one_is_one_sentence(scheme: str) -> None:
    with pytest.raises(StreamError, match=r"Could not connect to a\.\.b:80: the name of the host is not valid"):
        open_stream(f"{scheme}://a..b:80/{SECRET}", Route(), WAIT)


@contextlib.contextmanager
def no_answer() -> Iterator[int]:
    """Listen on a port that takes no connection. Yields the port."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for unused in range(8):  # more than the queue of the system takes
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def resolve_to(monkeypatch: pytest.MonkeyPatch, *ports: int) -> None:
    """Let every name have several addresses."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in ports]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: found)


def test_the_time_limit_is_that_of_all_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """An endpoint of a VPC has an address in each subnet."""
    with no_answer() as silent:
        resolve_to(monkeypatch, *[silent] * 60)
        for proxy in ("", "http://proxy.example:3128"):
            began = time.monotonic()
            with pytest.raises(StreamError, match="no answer in time"):
                open_stream("ws://node.example/", Route(proxy=proxy), 1.0)
            assert time.monotonic() - began < 30  # not 60 times the limit


def test_an_address_that_answers_is_found_behind_one_that_does_not(plain: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with no_answer() as silent:
        resolve_to(monkeypatch, 1, silent, plain)
        stream = open_stream("ws://node.example/", Route(), 6.0)
    assert trip(stream, b"found") == b"found"
    stream.close()


@pytest.mark.parametrize(
    ("content", "why"), [(None, "No such file or directory"), ("not PEM", "they are not in PEM format")]
)
def test_certificates_that_cannot_be_read_are_told(secure: int, tmp_path: Path, content: str | None, why: str) -> None:
    path = tmp_path / "own.pem"
    if content:
        path.write_text(content)
    with pytest.raises(StreamError) as caught:
        open_stream(f"wss://127.0.0.1:{secure}/", Route(ca_file=str(path)), WAIT)
    assert str(caught.value) == (
        f"The CA certificates in {path} cannot be read: {why}. Set ansible_aws_ssm_ca_bundle or AWS_CA_BUNDLE to a "
        "file or folder with CA certificates in PEM format, or set neither."
    )


def test_a_certificate_of_another_authority_or_name_is_refused(
    plain: int, secure: int, certificates: Certificates, tmp_path: Path
) -> None:
    """The bundle of the user is honoured (session-manager-plugin 68, teleport 42371)."""
    other = Certificates(tmp_path)
    with tls_in_front_of(plain, certificates.context("elsewhere.example")) as wrong_name:
        for port, ca_file in ((secure, other.ca_file), (wrong_name, certificates.ca_file)):
            with pytest.raises(StreamError, match=f"Could not verify 127.0.0.1:{port}: ") as caught:
                open_stream(f"wss://127.0.0.1:{port}/{SECRET}", Route(ca_file=ca_file), WAIT)
            assert "4711" not in str(caught.value)
            assert "ansible_aws_ssm_ca_bundle or AWS_CA_BUNDLE" in str(caught.value)


def test_an_ipv6_address_is_reached(plain: int, certificates: Certificates) -> None:
    """Dual-stack endpoints have one (session-manager-plugin 87, amazon-ssm-agent 545, amazon-ecs-agent 4709)."""
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


@pytest.mark.parametrize(
    ("user", "why"),
    [("", "it requires a user name and a password"), ("user:wr0ng@", "it refused the user name and the password")],
)
def test_a_proxy_that_wants_other_credentials_is_told(secure: int, user: str, why: str) -> None:
    with serving(Proxy("user:right").handle) as port:
        with pytest.raises(StreamError) as caught:
            open_stream(f"wss://127.0.0.1:{secure}/{SECRET}", Route(proxy=f"http://{user}127.0.0.1:{port}"), WAIT)
    assert str(caught.value) == (
        f"Could not connect to 127.0.0.1:{secure} through the proxy 127.0.0.1:{port}: {why} (status 407). Put a user "
        "name and a password into HTTPS_PROXY, as in http://USER:PASSWORD@HOST:PORT."
    )


def test_a_proxy_that_refuses_is_told_with_its_status(secure: int) -> None:
    with serving(Proxy(status=403).handle) as port:
        with pytest.raises(StreamError, match=rf"through the proxy 127.0.0.1:{port}: it refused .*\(status 403\)\.$"):
            open_stream(f"wss://127.0.0.1:{secure}/{SECRET}", Route(proxy=f"http://127.0.0.1:{port}"), WAIT)


@pytest.mark.parametrize("proxy", ["http://proxy:port", "http://", "http://[::1:3128", "proxy:99999"])
def test_a_proxy_whose_url_is_not_valid_is_told(secure: int, proxy: str) -> None:
    with pytest.raises(StreamError, match=r"^The URL of the proxy is not valid\. Check HTTPS_PROXY\.$"):
        open_stream(f"wss://127.0.0.1:{secure}/{SECRET}", Route(proxy=proxy), WAIT)


def test_an_ipv6_address_is_reached_through_a_proxy(plain: int, certificates: Certificates) -> None:
    proxy = Proxy()
    with tls_in_front_of(plain, certificates.context("::1"), "::1") as secure, serving(proxy.handle) as port:
        route = Route(proxy=f"http://127.0.0.1:{port}", ca_file=certificates.ca_file)
        stream = open_stream(f"wss://[::1]:{secure}/", route, WAIT)
        assert trip(stream, b"six") == b"six"
        assert proxy.asked == [f"[::1]:{secure}"]
        stream.close()


def test_a_proxy_that_answers_bit_by_bit_does_not_hold_up_longer_than_allowed(secure: int) -> None:
    def handle(connection: socket.socket) -> None:
        connection.recv(4096)
        while True:
            connection.sendall(b"x")
            time.sleep(0.1)

    with serving(handle) as port:
        with pytest.raises(StreamError, match="no answer in time"):
            open_stream(f"wss://127.0.0.1:{secure}/", Route(proxy=f"http://127.0.0.1:{port}"), 0.5)


@pytest.mark.parametrize(("answer", "why"), [(b"SSH-2.0\r\n\r\n", "is not HTTP"), (b"", "it closed the connection")])
def test_a_proxy_that_is_none_is_told(secure: int, answer: bytes, why: str) -> None:
    def handle(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(answer)

    with serving(handle) as port:
        with pytest.raises(StreamError, match=f"through the proxy 127.0.0.1:{port}: .*{why}"):
            open_stream(f"wss://127.0.0.1:{secure}/", Route(proxy=f"http://127.0.0.1:{port}"), WAIT)


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
    """A proxy may not know WebSockets (teleport 16323)."""

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
