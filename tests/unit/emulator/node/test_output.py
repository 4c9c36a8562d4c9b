# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test the agent's check of UTF-8, which loses bytes."""

from __future__ import annotations

import pytest

from emulator.node.output import checked_text


@pytest.mark.parametrize(
    ("data", "sent", "held"),
    [
        (b"", b"", b""),
        ("text, gr\u00fc\u00df dich \U0001f600".encode(), "text, gr\u00fc\u00df dich \U0001f600".encode(), b""),
        # A character that is not complete is held back.
        (b"abc\xe2\x82", b"abc", b"\xe2\x82"),
        # In the last three bytes everything from an invalid byte on is.
        (b"abc\xffde", b"abc", b"\xffde"),
        (b"abc\xff", b"abc", b"\xff"),
        # Before them it is sent as it is.
        (b"abc\xffdef", b"abc\xffdef", b""),
        (b"\xff\xfe\xfd\xfc\xfb", b"\xff\xfe", b"\xfd\xfc\xfb"),
        # A real U+FFFD is cut to its first byte, or held back at the end.
        (b"a\xef\xbf\xbdbcd", b"a\xefbcd", b""),
        (b"abc\xef\xbf\xbd", b"abc", b"\xef\xbf\xbd"),
        # Surrogates and forms that are too long are invalid.
        (b"\xed\xa0\x80abcd", b"\xed\xa0\x80abcd", b""),
        (b"\xc0\x80abcd", b"\xc0\x80abcd", b""),
    ],
)
def test_what_is_sent_and_what_is_held_back(data: bytes, sent: bytes, held: bytes) -> None:
    assert checked_text(data) == (sent, held)


def test_what_is_held_back_goes_on_with_more_output() -> None:
    sent, held = checked_text("\u20ac".encode()[:2])
    assert checked_text(held + "\u20ac".encode()[2:] + b"!") == ("\u20ac!".encode(), b"")
    assert sent == b""
