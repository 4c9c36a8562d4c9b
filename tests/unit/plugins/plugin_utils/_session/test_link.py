# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test what a link makes of sockets that end at an awkward moment, which a network only does by chance."""

from __future__ import annotations

import collections
import errno
import selectors
import socket
import time
import uuid
from collections.abc import Callable, Iterator

import pytest
from ansible_collections.sessionops.aws.plugins.plugin_utils._session import frames, holder
from ansible_collections.sessionops.aws.plugins.plugin_utils._session import link as link_module
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.encryption import DataKey
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.errors import SessionError
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.frames import Message, PayloadType
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.limits import Limits
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.link import Link, Started, output_of
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.stream import Route, StreamError

from unit.support.session_client import Told

LOST = StreamError("The connection was lost.")


class Script:
    """A stream. Each call of ``receive`` takes the next entry of ``coming``: frames, or an error."""

    def __init__(self, *coming: list[bytes] | StreamError, sends: bool = True, opens: bool = True) -> None:
        self._coming = collections.deque(coming)
        self._sends, self._opens = sends, opens
        self._socket, self._silent = socket.socketpair()
        self.wants_write = False
        self.closed = False

    def fileno(self) -> int:
        return self._socket.fileno()

    def receive(self) -> list[bytes]:
        if not self._coming:
            return []
        match self._coming.popleft():
            case StreamError() as error:
                raise error
            case received:
                return received

    def send_text(self, unused_text: str) -> None:
        if not self._opens:
            raise LOST

    def send_binary(self, unused_frame: bytes) -> None:
        if not self._sends:
            raise LOST

    def ping(self) -> None:
        pass

    def flush(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True
        self._socket.close()
        self._silent.close()


class FakeService:
    """Calls that succeed. ``made`` has their names."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.key_size = 64

    def start(self) -> Started:
        self.made.append("start")
        return Started("session-1", "token", "wss://host/")

    def resume(self, unused_session_id: str) -> str:
        self.made.append("resume")
        return "token"

    def terminate(self, unused_session_id: str) -> None:
        self.made.append("terminate")

    def data_key(self, unused_session_id: str, unused_key_id: str, unused_challenge: str) -> DataKey:
        self.made.append("data_key")
        return DataKey(bytes(self.key_size), b"encrypted")

    def route(self, unused_url: str) -> Route:
        return Route()


Opened = Callable[..., tuple[Link, FakeService]]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[Opened]:
    """Return a function that opens a link over streams that follow one another."""
    links: list[Link] = []
    scripts: list[Script] = []

    def open_link(*streams: Script, resume: float = 30.0) -> tuple[Link, FakeService]:
        following = iter(streams)
        scripts.extend(streams)
        monkeypatch.setattr(link_module, "open_stream", lambda *unused: next(following))
        service = FakeService()
        links.append(Link(service, Limits(resume=resume), Told()))
        return links[-1], service

    yield open_link
    for link in links:
        link.close()
    for script in scripts:
        script.close()


def output(number: int, data: bytes, kind: PayloadType = PayloadType.OUTPUT) -> bytes:
    return frames.encode(Message(frames.OUTPUT, data, uuid.uuid4(), 1, number, 0, kind))


def test_a_close_that_came_with_data_is_noticed_at_once(opened: Opened) -> None:
    """The service may leave its socket open after it has closed the WebSocket, so that there is nothing to read."""
    link, service = opened(Script([output(0, b"last")], LOST), Script([output(1, b"next")]))
    assert output_of(link.wait(0)) == b"last"
    began = time.monotonic()
    link.wait(60)
    assert service.made == ["start", "resume"]
    assert time.monotonic() - began < 30
    assert output_of(link.wait(0)) == b"next"


def test_what_came_is_kept_if_nothing_can_be_written(opened: Opened) -> None:
    link, unused = opened(Script([output(0, b"last")], sends=False), Script())
    assert output_of(link.wait(0)) == b"last"


def test_a_socket_that_was_open_for_long_begins_a_new_loss(opened: Opened) -> None:
    """Nothing comes over the sockets of an idle session for hours, and each is lost once."""
    losses = [Script(LOST) for unused in range(4)]
    link, service = opened(*losses, Script([output(0, b"here")]), resume=0.2)
    for unused in losses:
        link.wait(0)
        time.sleep(0.25)
    assert output_of(link.wait(0)) == b"here"
    assert service.made.count("resume") == len(losses)


def test_writing_at_once_waits_for_nothing(opened: Opened) -> None:
    link, service = opened(Script([output(0, b"x")], sends=False), Script())
    link.wait(0)
    link.send(b"cancel")
    link.write()
    assert service.made == ["start"]


def test_a_stream_that_does_not_take_the_token_is_closed(opened: Opened) -> None:
    stream = Script(opens=False)
    with pytest.raises(SessionError):
        opened(stream)
    assert stream.closed


@pytest.mark.parametrize(
    "payload",
    [
        b"no JSON",
        b'{"RequestedClientActions": [{"ActionType": "KMSEncryption", "ActionParameters": {}}]}',
    ],
)
def test_a_session_that_is_refused_is_ended(opened: Opened, payload: bytes) -> None:
    link, service = opened(Script([output(0, payload, PayloadType.HANDSHAKE_REQUEST)]))
    link.wait(0)
    assert link.has_ended
    link.close()
    assert service.made == ["start", "terminate"]


def test_a_data_key_of_another_size_ends_the_session(opened: Opened) -> None:
    kms = b'{"RequestedClientActions": [{"ActionType": "KMSEncryption", "ActionParameters": {"KMSKeyId": "alias/x"}}]}'
    link, service = opened(Script([output(0, kms, PayloadType.HANDSHAKE_REQUEST)]))
    service.key_size = 32
    with pytest.raises(SessionError, match=r"^AWS KMS returned a data key of 32 bytes in place of 64\.$"):
        link.wait(0)
    link.close()
    assert service.made == ["start", "data_key", "terminate"]


def test_no_session_is_started_if_no_descriptor_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody would end it."""

    def refuse() -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(selectors, "DefaultSelector", refuse)
    service = FakeService()
    with pytest.raises(OSError, match="Too many open files"):
        Link(service, Limits(), Told())
    assert service.made == []


def test_a_session_that_is_not_wanted_any_more_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening its data channel can take long."""
    monkeypatch.setattr(link_module, "open_stream", lambda *unused: 1 / 0)

    def stop(unused_seconds: float) -> None:
        raise SessionError("stopped")

    service = FakeService()
    with pytest.raises(SessionError, match="stopped"):
        Link(service, Limits(), Told(), stop)
    assert service.made == ["start", "terminate"]


def test_opening_a_socket_takes_less_than_the_end_of_a_holder(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[float] = []

    def refuse(unused_url: str, unused_route: Route, seconds: float) -> None:
        given.append(seconds)
        raise LOST

    monkeypatch.setattr(link_module, "open_stream", refuse)
    with pytest.raises(SessionError):
        Link(FakeService(), Limits(connect=600.0), Told())
    assert given[0] < holder._END_SECONDS / 2


def test_a_session_that_has_ended_is_not_ended_again(opened: Opened) -> None:
    closed = frames.encode(Message(frames.CHANNEL_CLOSED, b"{}", uuid.uuid4(), 1, 0, 0, 0))
    link, service = opened(Script([closed]))
    link.wait(0)
    link.close()
    assert service.made == ["start"]
