# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""A module as ansible-core sends it, taken apart, so that the node can put it together of parts that it has.

ansible-core sends a module as a Python program of about 170 KB. It has a zip file in base64, and most members of the
zip file are the same for all modules. A payload is

* its parts: the compressed data of the members, each with a name made of its SHA-256, and
* its recipe: a line of JSON, and then all bytes that are in no part::

      {"pieces": [4500, 39, "0123456789abcdef", 77, ...], "encoded": [1, 114], "sha256": "..."}

``pieces`` has, in their order, how many bytes of the recipe come next, or the name of the part that comes next.
``encoded`` is the index of the first piece that is in base64, and the index after the last one. ``sha256`` is that of
the whole module.

``helper.py`` puts them together.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Iterator

# What comes before keeps the search from beginning anew at each character.
_ENCODED = re.compile(rb"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{4096,}={0,2}")
_LEAST = 64  # bytes of a part; a smaller one is not worth its name
_NAME = 16  # hexadecimal digits of a SHA-256; if two parts have the same name, the SHA-256 of the module shows it
_LOCAL_HEADER = 30  # bytes before the name of a member
_NAME_AT, _EXTRA_AT = 26, 28  # of their lengths, each of 2 bytes, in that header


@dataclasses.dataclass(frozen=True)
class Payload:
    """The recipe of a module, and its parts by name, in the order in which the recipe has them last."""

    recipe: bytes
    parts: dict[str, bytes]


def parts_of(module: bytes) -> Payload | None:
    """Take a module apart. Return None for what has no zip file in base64.

    Arguments of the module can have base64, too. The zip file is longer than most.
    """
    found = max(_ENCODED.finditer(module), key=lambda each: len(each[0]), default=None)
    if found is None:
        return None
    try:
        packed = base64.b64decode(found[0])
        members = list(_members(packed))
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        return None
    if base64.b64encode(packed) != found[0]:  # another way to write the same bytes
        return None
    parts: dict[str, bytes] = {}
    texts = [module[: found.start()]]
    pieces: list[int | str] = [found.start()]
    at = 0
    for start, end in members:
        part = packed[start:end]
        name = hashlib.sha256(part).hexdigest()[:_NAME]
        parts.pop(name, None)
        parts[name] = part
        texts.append(packed[at:start])
        pieces += [start - at, name]
        at = end
    texts += [packed[at:], module[found.end() :]]
    pieces += [len(texts[-2]), len(texts[-1])]
    said = {"pieces": pieces, "encoded": [1, len(pieces) - 1], "sha256": hashlib.sha256(module).hexdigest()}
    return Payload(b"\n".join((json.dumps(said).encode(), b"".join(texts))), parts)


def _members(packed: bytes) -> Iterator[tuple[int, int]]:
    """Yield where the data of each member begins and ends, in its order in the file."""
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        infos = sorted(archive.infolist(), key=lambda info: info.header_offset)
    at = 0
    for info in infos:
        header = packed[info.header_offset : info.header_offset + _LOCAL_HEADER]
        more = sum(int.from_bytes(header[field : field + 2], "little") for field in (_NAME_AT, _EXTRA_AT))
        start = info.header_offset + _LOCAL_HEADER + more
        end = start + info.compress_size
        if at <= start and info.compress_size >= _LEAST and end <= len(packed):
            yield start, end
            at = end
