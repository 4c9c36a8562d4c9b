# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test the codec of messages: against bytes of the published layout, and with what is damaged."""

from __future__ import annotations

import contextlib
import hashlib
import struct
import uuid

import pytest
from ansible_collections.sessionops.aws.plugins.plugin_utils._session import frames
from hypothesis import given
from hypothesis import strategies as st

IDENTIFIER = uuid.UUID("00112233-4455-6677-8899-aabbccddeeff")


def message(**changed: object) -> frames.Message:
    given: dict[str, object] = {
        "message_type": frames.OUTPUT,
        "payload": b"hello",
        "message_id": IDENTIFIER,
        "created": 1_700_000_000_123,
        "sequence_number": 7,
        "flags": 1,
        "payload_type": frames.PayloadType.OUTPUT,
    }
    return frames.Message(**{**given, **changed})  # type: ignore[arg-type] # of any field


def test_each_field_is_where_the_protocol_has_it() -> None:
    frame = frames.encode(message())
    assert frame[0:4] == (116).to_bytes(4, "big")
    assert frame[4:36] == b"output_stream_data" + b" " * 14
    assert frame[36:40] == (1).to_bytes(4, "big")
    assert frame[40:48] == (1_700_000_000_123).to_bytes(8, "big")
    assert frame[48:56] == (7).to_bytes(8, "big")
    assert frame[56:64] == (1).to_bytes(8, "big")
    assert frame[64:80].hex() == "8899aabbccddeeff0011223344556677"
    assert frame[80:112] == hashlib.sha256(b"hello").digest()
    assert frame[112:116] == (1).to_bytes(4, "big")
    assert frame[116:120] == (5).to_bytes(4, "big")
    assert frame[120:] == b"hello"


@given(
    st.sampled_from([frames.INPUT, frames.OUTPUT, frames.ACKNOWLEDGE, frames.CHANNEL_CLOSED]),
    st.binary(max_size=2000),
    st.uuids(),
    st.integers(1, 2**63),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(0, 3),
    st.integers(0, 2**32 - 1),
)
def test_what_is_encoded_is_decoded(
    kind: str, payload: bytes, identifier: uuid.UUID, created: int, number: int, flags: int, payload_type: int
) -> None:
    given_message = frames.Message(kind, payload, identifier, created, number, flags, payload_type)
    assert frames.decode(frames.encode(given_message)) == given_message


def test_a_type_may_be_padded_with_nuls() -> None:
    frame = bytearray(frames.encode(message()))
    frame[4:36] = frame[4:36].rstrip(b" ").ljust(32, b"\0")
    assert frames.decode(bytes(frame)) == message()


def test_a_longer_header_is_skipped() -> None:
    frame = frames.encode(message())
    longer = struct.pack(">I", 124) + frame[4:116] + b"\1" * 8 + frame[116:]
    assert frames.decode(longer).payload == b"hello"


@given(st.integers(0, 124), st.integers(1, 255))
def test_no_damaged_payload_is_taken(at: int, change: int) -> None:
    frame = bytearray(frames.encode(message()))
    frame[at] ^= change
    found = None
    with contextlib.suppress(frames.FrameError):
        found = frames.decode(bytes(frame))
    assert found is None or found.payload == b"hello"


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_an_error(data: bytes) -> None:
    with contextlib.suppress(frames.FrameError):
        frames.decode(data)


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        (b"", "shorter than its header"),
        (frames.encode(message())[:119], "shorter than its header"),
        (frames.encode(message())[:122], "does not match its digest"),
        (frames.encode(message(created=0)), "no time of creation"),
        (struct.pack(">I", 10_000) + frames.encode(message())[4:], "The header's length is 10000"),
        (frames.encode(message())[:4] + b"\xff" * 32 + frames.encode(message())[36:], "no type"),
        (frames.encode(message())[:4] + b" " * 32 + frames.encode(message())[36:], "no type"),
    ],
)
def test_what_is_no_message_is_refused(frame: bytes, why: str) -> None:
    with pytest.raises(frames.FrameError, match=why):
        frames.decode(frame)


def test_what_starts_and_pauses_publication_needs_only_a_type() -> None:
    frame = frames.encode(message(message_type=frames.PAUSE_PUBLICATION, created=0))[:-1]
    assert frames.decode(frame).message_type == frames.PAUSE_PUBLICATION
