# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The agent's check of the UTF-8 of output, which is not right for bytes that are no text.

Source: ``processStdoutData`` in agent/session/plugins/shell/shell.go of amazon-ssm-agent.
"""

from __future__ import annotations

_REPLACEMENT = "\ufffd".encode()
# The most bytes of one character.
_LONGEST = 4


def checked_text(data: bytes) -> tuple[bytes, bytes]:
    """Return what the agent sends of ``data`` now, and what it holds back until more output comes.

    What is invalid in the last three bytes is held back, with all that follows it. Elsewhere an invalid byte is sent as
    it is. U+FFFD counts as invalid, because the agent's language decodes invalid bytes to it, and loses two bytes.
    """
    sent = bytearray()
    place = 0
    while place < len(data):
        stop = _first_invalid(data, place)
        sent += data[place:stop]
        if len(data) - stop < _LONGEST:
            return bytes(sent), data[stop:]
        sent.append(data[stop])
        place = stop + (len(_REPLACEMENT) if data.startswith(_REPLACEMENT, stop) else 1)
    return bytes(sent), b""


def _first_invalid(data: bytes, place: int) -> int:
    """Return the index of the first byte from ``place`` that is not valid, or the length."""
    end = len(data)
    try:
        data[place:].decode()
    except UnicodeDecodeError as error:
        end = place + error.start
    found = data.find(_REPLACEMENT, place, end)
    return end if found < 0 else found
