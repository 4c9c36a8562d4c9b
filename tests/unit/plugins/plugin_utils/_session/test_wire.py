# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test the messages between a worker and the holder."""

from __future__ import annotations

import pytest
from ansible_collections.sessionops.aws.plugins.plugin_utils._session import wire
from hypothesis import given
from hypothesis import strategies as st

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3), max_leaves=5
)
MESSAGES = st.lists(st.tuples(st.dictionaries(st.text(max_size=5), JSON, max_size=3), st.binary(max_size=50)))


@given(MESSAGES, st.integers(1, 20))
def test_messages_arrive_as_they_were_in_pieces_of_any_size(messages: list[wire.Message], size: int) -> None:
    sent = b"".join(wire.encode(said, data) for said, data in messages)
    decoder = wire.Decoder()
    found = [message for at in range(0, len(sent), size) for message in decoder.feed(sent[at : at + size])]
    assert found == messages


@pytest.mark.parametrize("lengths", [(wire.MAX_OBJECT + 1, 0), (2, wire.MAX_DATA + 1), (2**32 - 1, 2**32 - 1)])
def test_a_message_that_is_too_long_is_refused_before_it_comes(lengths: tuple[int, int]) -> None:
    with pytest.raises(wire.MessageError, match="too long"):
        wire.Decoder().feed(b"".join(length.to_bytes(4, "big") for length in lengths))


@pytest.mark.parametrize("packed", [b"", b"[]", b"{", b"\xff", b"[" * 5000])
def test_what_is_not_an_object_is_refused(packed: bytes) -> None:
    with pytest.raises(wire.MessageError, match="not a JSON object"):
        wire.Decoder().feed(len(packed).to_bytes(4, "big") + bytes(4) + packed)


def test_nothing_too_long_is_sent() -> None:
    for said, data in (({"x": "y" * wire.MAX_OBJECT}, b""), ({}, bytes(wire.MAX_DATA + 1))):
        with pytest.raises(wire.MessageError):
            wire.encode(said, data)
