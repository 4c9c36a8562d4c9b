# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""The messages between a worker of Ansible and the holder of its sessions.

A message is the length of its JSON object and the length of its data, each of 4 bytes, big-endian, then the object, and
then the data, which is any bytes. Both ends belong to the same user and are of the same version, so whatever is not a
message is an error, and ends the connection.

From a worker come requests. All have ``do`` and ``job``, the number of a job that the worker chose, and are those of
``helper.py``. Here, ``build`` has a recipe that is not compressed, and all of its parts::

    {"do": "build", "job": 1, "recipe": 14000, "parts": {"0123456789abcdef": 4100, ...}}

``rest`` is only the holder's. The others are::

    {"do": "open", "job": 0, "version": 3, "settings": {...}}  take part in the session of these settings
    {"do": "reset", "job": 0, "version": 3, "settings": {...}} end that session
    {"do": "stop", "job": 0, "version": 3}                     end all sessions, and the holder

The first request of a connection is one of these. From the holder come the helper's answers, as ``job`` and ``kind``,
and ``tell``, a line of ``text`` for the user from a verbosity on. ``open`` is answered with ``h``, and the others with
``x``. Of its own kind is ``l``: the session of a job is lost, with the members ``text`` and ``sent``, which is whether
anything of the job was sent to the node.

Nothing here knows sockets, so that both ends can be tested without them.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

# Both ends must have the same. Increase it if the meaning of any message changes.
VERSION = 3

_LENGTHS = 8
MAX_OBJECT = 1024 * 1024  # bytes; a command can be one argument of Linux, of 128 KiB, and JSON can need 6 for 1
MAX_DATA = 1024 * 1024  # bytes

Message = tuple[dict[str, Any], bytes]


@dataclasses.dataclass(frozen=True)
class Request:
    """A request of a worker. ``members`` are all but ``do`` and ``job``."""

    do: str
    job: int
    members: dict[str, Any]
    raw: bytes


class MessageError(ValueError):
    """What came is not a message, or is longer than one can be. The text has no part of it."""


def encode(said: Mapping[str, Any], data: bytes = b"") -> bytes:
    """Return the bytes of a message. Raises ``MessageError`` if it is too long."""
    packed = json.dumps(said).encode()
    _check(len(packed), len(data))
    return len(packed).to_bytes(4, "big") + len(data).to_bytes(4, "big") + packed + data


def request_of(message: Message) -> Request:
    """Return the request that a message is. Raises ``MessageError``."""
    members = dict(message[0])
    do, job = members.pop("do", None), members.pop("job", None)
    if not isinstance(do, str) or not isinstance(job, int):
        raise MessageError("A message is not a request.")
    return Request(do, job, members, message[1])


class Decoder:
    """Takes messages apart."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, received: bytes) -> list[Message]:
        """Return the messages that are complete now. Raises ``MessageError``; nothing can be read after that."""
        self._held += received
        found = []
        while (message := self._next()) is not None:
            found.append(message)
        return found

    def _next(self) -> Message | None:
        if len(self._held) < _LENGTHS:
            return None
        size, more = (int.from_bytes(self._held[at : at + 4], "big") for at in (0, 4))
        _check(size, more)  # before it is waited for, because it would fill the memory
        end = _LENGTHS + size + more
        if len(self._held) < end:
            return None
        packed, data = bytes(self._held[_LENGTHS : _LENGTHS + size]), bytes(self._held[_LENGTHS + size : end])
        del self._held[:end]
        return _object(packed), data


def _check(size: int, more: int) -> None:
    if size > MAX_OBJECT or more > MAX_DATA:
        raise MessageError("A message is too long.")


def _object(packed: bytes) -> dict[str, Any]:
    try:
        said = json.loads(packed)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise MessageError("A message is not a JSON object.")
    return said
