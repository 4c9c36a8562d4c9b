# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The messages of control channels and data channels, as the gateway and the nodes of the emulator write them.

It is written from the sources of the agent and of the client, not from the collection's own code, so that a mistake
there is found. Source: ``agentmessage`` in https://github.com/aws/amazon-ssm-agent and
https://github.com/aws/session-manager-plugin.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import struct
import time
import uuid
from typing import Any, Self

_FIXED = struct.Struct(">I32sIQqQ16s32sI")
SYN, FIN = 1, 2


class MessageError(ValueError):
    """A frame that is not a message."""


@dataclasses.dataclass
class Message:
    """One message. ``valid`` is whether the digest is that of the payload; the agent does not check it."""

    type: str
    payload: bytes = b""
    sequence: int = 0
    flags: int = 0
    payload_type: int = 0
    id: uuid.UUID = dataclasses.field(default_factory=uuid.uuid4)
    created: int = dataclasses.field(default_factory=lambda: int(time.time() * 1000))
    valid: bool = True

    @classmethod
    def of_json(cls, message_type: str, said: Any, **fields: Any) -> Self:
        return cls(message_type, json.dumps(said).encode(), **fields)

    def json(self) -> Any:
        """Return the payload of a message whose payload is JSON. Raises ``MessageError``."""
        try:
            return json.loads(self.payload)
        except ValueError:
            raise MessageError(f"The payload of {self.type} is not JSON.") from None

    def encode(self) -> bytes:
        low_first = self.id.bytes[8:] + self.id.bytes[:8]
        head = _FIXED.pack(
            _FIXED.size,
            self.type.encode().ljust(32),
            1,
            self.created,
            self.sequence,
            self.flags,
            low_first,
            hashlib.sha256(self.payload).digest(),
            self.payload_type,
        )
        return head + struct.pack(">I", len(self.payload)) + self.payload

    @classmethod
    def decode(cls, frame: bytes) -> Self:
        if len(frame) < _FIXED.size + 4:
            raise MessageError(f"A frame of {len(frame)} bytes is too short for a message.")
        header, name, unused, created, sequence, flags, low_first, digest, payload_type = _FIXED.unpack_from(frame)
        payload = frame[header + 4 :]
        message_type = name.decode("ascii", "replace").strip(" \0")
        if not (header and message_type and created):
            raise MessageError("A message must have a header length, a type and a time of creation.")
        identifier = uuid.UUID(bytes=low_first[8:] + low_first[:8])
        valid = not payload or hashlib.sha256(payload).digest() == digest
        return cls(message_type, payload, sequence, flags, payload_type, identifier, created, valid)


def acknowledgement(message: Message) -> Message:
    """Return what acknowledges a stream message."""
    said = {
        "AcknowledgedMessageType": message.type,
        "AcknowledgedMessageId": str(message.id),
        "AcknowledgedMessageSequenceNumber": message.sequence,
        "IsSequentialMessage": True,
    }
    return Message.of_json("acknowledge", said, flags=SYN | FIN)
