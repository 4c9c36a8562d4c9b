# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Encode and decode the messages of a data channel.

A message is one binary WebSocket frame. All integers are big-endian::

    offset  bytes
         0      4  length of the header up to here and the fields below, without the payload's length: always 116
         4     32  message type, ASCII, padded with blanks (or NULs)
        36      4  schema version: 1
        40      8  time of creation, in milliseconds since 1970
        48      8  sequence number
        56      8  flags: 1 the first of a sequence, 2 the last
        64     16  message ID: a UUID whose two halves are swapped
        80     32  SHA-256 of the payload
       112      4  payload type
       116      4  length of the payload
       120         payload

Source: ``agentmessage`` in https://github.com/aws/session-manager-plugin and in
https://github.com/aws/amazon-ssm-agent.
"""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import struct
import uuid

INPUT = "input_stream_data"
OUTPUT = "output_stream_data"
ACKNOWLEDGE = "acknowledge"
CHANNEL_CLOSED = "channel_closed"
START_PUBLICATION = "start_publication"
PAUSE_PUBLICATION = "pause_publication"

# The plugin and the agent send at most this many bytes of payload. What the service accepts is not documented.
MAX_PAYLOAD = 1024

FIRST = 1
LAST = 2

_HEADER = struct.Struct(">I32sIQqQ16s32sII")
_HEADER_LENGTH = _HEADER.size - 4  # the field does not count the payload's length
_SCHEMA_VERSION = 1
_TYPE_LENGTH = 32


class PayloadType(enum.IntEnum):
    """What the payload of a stream message is.

    The other numbers are: 2 error and 4 parameter (not used), 3 size of the terminal, 10 flag (of port sessions).
    """

    OUTPUT = 1
    HANDSHAKE_REQUEST = 5
    HANDSHAKE_RESPONSE = 6
    HANDSHAKE_COMPLETE = 7
    CHALLENGE_REQUEST = 8
    CHALLENGE_RESPONSE = 9
    STDERR = 11
    EXIT_CODE = 12


class FrameError(ValueError):
    """A frame is not a message. The text says why, and has no part of the payload."""


@dataclasses.dataclass(frozen=True)
class Message:
    """A message. ``payload_type`` is a ``PayloadType`` in stream messages, another number if it is unknown, else 0."""

    message_type: str
    payload: bytes
    message_id: uuid.UUID
    created: int  # milliseconds since 1970
    sequence_number: int = 0
    flags: int = 0
    payload_type: int = 0


def encode(message: Message) -> bytes:
    """Return the frame of a message. The same message always gives the same bytes."""
    name = message.message_type.encode("ascii")
    if not 0 < len(name) <= _TYPE_LENGTH:
        raise FrameError("The message type must have 1 to 32 characters.")
    return (
        _HEADER.pack(
            _HEADER_LENGTH,
            name.ljust(_TYPE_LENGTH),
            _SCHEMA_VERSION,
            message.created,
            message.sequence_number,
            message.flags,
            _swapped(message.message_id.bytes),
            hashlib.sha256(message.payload).digest(),
            message.payload_type,
            len(message.payload),
        )
        + message.payload
    )


def decode(frame: bytes) -> Message:
    """Return the message of a frame. Raises ``FrameError`` if it is too short, damaged, or has no type or time.

    As in the plugin, the header's own length says where the payload begins, because it may grow. The payload is the
    rest of the frame. The messages that start and pause publication need only a type.
    """
    if len(frame) < _HEADER.size:
        raise FrameError(f"A message of {len(frame)} bytes is shorter than its header.")
    length, name, unused_version, created, number, flags, swapped, digest, kind, size = _HEADER.unpack_from(frame)
    message_type = _type_of(name)
    start = length + 4
    if length < _HEADER_LENGTH or start > len(frame):
        raise FrameError(f"The header's length is {length}, but the message has {len(frame)} bytes.")
    if length > _HEADER_LENGTH:
        (size,) = struct.unpack_from(">I", frame, length)
    payload = frame[start:]
    if message_type not in (START_PUBLICATION, PAUSE_PUBLICATION):
        _check(payload, size, created, digest)
    return Message(message_type, payload, uuid.UUID(bytes=_swapped(swapped)), created, number, flags, kind)


def _type_of(name: bytes) -> str:
    try:
        message_type = name.decode("ascii").strip(" \0")
    except UnicodeDecodeError:
        message_type = ""
    if not message_type:
        raise FrameError("The message has no type.")
    return message_type


def _check(payload: bytes, size: int, created: int, digest: bytes) -> None:
    if not created:
        raise FrameError("The message has no time of creation.")
    if (size or payload) and hashlib.sha256(payload).digest() != digest:
        raise FrameError("The payload does not match its digest.")


def _swapped(identifier: bytes) -> bytes:
    return identifier[8:] + identifier[:8]
