# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""The language between the client and the helper on the node; ``helper.py`` describes it.

``bootstrap()`` is the command of the session. It starts a Python that prints ``~READY``, and then reads the helper from
its input. ``Writer`` makes requests into blocks, each for one message of the channel. ``Reader`` makes answers from
what the terminal prints.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import json
import re
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

from .frames import MAX_PAYLOAD
from .words import on_one_line

_HEADER = 12
MAX_BLOCK = MAX_PAYLOAD - _HEADER  # bytes of data
# Bytes of answers after which the helper is told that they are here. It must be well below the helper's ``AHEAD``.
_CONFIRMED_AFTER = 16 * 1024

# Where Python is looked for, in this order. The first that is 3.8 or newer is used. Red Hat's platform-python is not in
# the path.
INTERPRETERS = (
    "python3",
    *(f"python3.{minor}" for minor in range(14, 7, -1)),
    "/usr/libexec/platform-python",
    "python",
)

# What the helper sends is well below these. More would fill the memory of the controller.
_MAX_LINE = 64 * 1024  # bytes; the helper's lines have 8 KiB
_MAX_PACKED = 128 * 1024  # bytes of an answer, compressed or not; the helper reads at most 64 KiB of output at once
_MAX_ANSWER = 1024 * 1024  # bytes of an answer, uncompressed
_MAX_SHOWN = 200  # characters of an error of the node

# The beginning of the last answer in a line, and an answer.
_BEGIN = re.compile(rb".*(?=~\d{1,10} )", re.DOTALL)
_BASE64 = rb"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?"
_LINE = re.compile(
    rb"~(\d{1,10}) (\d{1,10}) ([oegchmfx]) ([-z+]) (\d{1,9}) ([0-9a-f]{8}) (" + _BASE64 + rb")\r?",
)

_PATH = re.compile(r"/[A-Za-z0-9_./+-]+")

STARTS = frozenset({"exec", "put", "get"})  # the requests that begin a job
READY = b"~READY"
NO_PYTHON = b"~SHELL"
ECHO = b'printf "~SHE""LL'  # of the bootstrap, if a terminal prints what is typed and nothing runs it

# Reads blocks, as ``helper.Blocks`` does, until an empty one, and runs what they hold. The first line of the session is
# only printed once the terminal is raw, because what came before would be echoed.
_LOADER = """\
import os,zlib
def r(n):
 b=b""
 while len(b)<n:
  c=os.read(0,n-len(b))
  if not c:os._exit(1)
  b+=c
 return b
os.write(1,b"~READY\\n")
n=0;s=b""
while 1:
 h=r(12);i,l,c=[int.from_bytes(h[k:k+4],"big")for k in(0,4,8)];d=r(l)
 if i<n:continue
 if i>n or zlib.crc32(d)!=c:os._exit(1)
 n+=1
 if not l:break
 s+=d
exec(compile(zlib.decompress(s),"helper","exec"),{"__name__":"helper","NEXT_BLOCK":n})
"""


class LineError(ValueError):
    """What the node printed is not an answer, or an answer is missing. The text has no part of it."""


@dataclasses.dataclass(frozen=True)
class Answer:
    """An answer of the helper. ``kind`` is a letter of ``helper.py``; ``data`` is uncompressed."""

    job: int
    kind: str
    data: bytes

    def said(self) -> dict[str, Any]:
        """Return the data of an answer that is JSON. Raises ``LineError``."""
        try:
            said = json.loads(self.data)
        except (ValueError, RecursionError):
            said = None
        if not isinstance(said, dict):
            raise LineError("The node sent an answer that is not a JSON object.")
        return said


@dataclasses.dataclass(frozen=True)
class End:
    """The end of a job, as the helper tells it.

    ``status`` is that of a command, and negative if a signal ended it. ``error`` is why the job failed, as one short
    line. ``sha256`` is that of a file that was got. ``left`` is whether processes of a command that was cancelled still
    run on the node.
    """

    status: int = 0
    error: str = ""
    sha256: str = ""
    left: bool = False


@dataclasses.dataclass(frozen=True)
class Node:
    """Who runs commands where. Without Python, all but ``user`` are empty. ``executable`` is the path of Python."""

    user: str
    home: str = ""
    python: str = ""
    executable: str = ""
    system: str = ""

    @property
    def has_open_files(self) -> bool:
        """Whether another Python of the same user can read a file that the helper has open, below ``/proc``.

        Its path must be one that means nothing else in a command.
        """
        return self.system == "Linux" and _PATH.fullmatch(self.executable) is not None


def end_of(answer: Answer) -> End:
    """Return what an answer ``x`` says. Raises ``LineError``."""
    said = answer.said()
    left = said.get("left") is True
    if "error" in said:
        return End(error=on_one_line(str(said["error"])[:_MAX_SHOWN]) or "no reason was given", left=left)
    if not ("rc" in said or "size" in said):
        raise LineError("The node did not send the result of the command.")
    status = _whole(said.get("rc", 0))
    if status is None or not -256 < status < 256:
        raise LineError("The node sent an exit status that is not valid.")
    return End(status, "", str(said.get("sha256", "")), left)


def read_of(answer: Answer) -> int:
    """Return how many bytes of input a job has read, as an answer ``c`` says. Raises ``LineError``."""
    read = _whole(answer.said().get("read"))
    if read is None or read < 0:
        raise LineError("The node sent a number of bytes that is not valid.")
    return read


def place_of(answer: Answer) -> tuple[int, int]:
    """Return the process and the descriptor that a file is open in, as an answer ``f`` says. Raises ``LineError``."""
    said = answer.said()
    process, file = _whole(said.get("process")), _whole(said.get("file"))
    if process is None or file is None:
        raise LineError("The node did not send where a file is open.")
    return process, file


def _whole(value: object) -> int | None:
    """Return a whole number; None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def node_of(answer: Answer) -> Node:
    """Return what an answer ``h`` says. Raises ``LineError``."""
    said = answer.said()
    texts = {field.name: said.get(field.name) for field in dataclasses.fields(Node)}
    if not all(isinstance(text, str) for text in texts.values()):
        raise LineError("The node did not send its user and its system.")
    return Node(**{name: str(text) for name, text in texts.items()})


def bootstrap(interpreters: Sequence[str] = INTERPRETERS) -> str:
    """Return the command of a session, of less than 1 KB, without line ends and single quotes.

    It works in every POSIX shell, also if it is typed into one. It prints ``~READY`` when a helper may be sent, or
    ``~SHELL`` if no Python was found; the word is put together from two, so that an echo of the command has neither.

    The helper must be a child of the shell. At the end of a session the agent kills the shell, and only a helper that
    lives on can end its jobs.
    """
    load = packed_program(_LOADER)
    listed = " ".join(interpreters)
    check = '"$p" -ISc "import sys,zlib;sys.exit(sys.version_info<(3,8))" >/dev/null 2>&1'
    return (
        f"stty raw -echo;for p in {listed};do {check}&&{{ \"$p\" -ISc '{load}';exit;}};done;"
        'printf "~SHE""LL\\n";read -r l;eval "$l"'
    )


def packed_program(source: str) -> str:
    """Return a program of Python as one line that is shorter, without single quotes."""
    packed = base64.b64encode(zlib.compress(source.encode(), 9)).decode()
    return f'import zlib,base64;exec(zlib.decompress(base64.b64decode("{packed}")))'


class Writer:
    """Makes blocks, each at most 1024 bytes with its header. The numbers begin with 0.

    Requests that are added one after the other share blocks, because each block is a message with a header of its own.
    """

    def __init__(self) -> None:
        self._number = 0
        self._held = bytearray()  # less than a block

    def program(self, source: bytes) -> Iterator[bytes]:
        """Return the blocks that send the helper."""
        yield from self._full_blocks(zlib.compress(source, 9))
        yield from self.flush()
        yield self._block(b"")

    def request(self, do: str, job: int, raw: bytes = b"", **members: Any) -> Iterator[bytes]:
        """Return the blocks of a request, and of what was added before."""
        yield from self.add(do, job, raw, **members)
        yield from self.flush()

    def add(self, do: str, job: int, raw: bytes = b"", **members: Any) -> Iterator[bytes]:
        """Return the blocks that are full with a request. ``flush`` must follow.

        ``raw`` is what follows the line of the request. It is compressed if that is shorter.
        """
        packed = zlib.compress(raw, 1) if len(raw) > MAX_BLOCK // 2 else raw
        said: dict[str, Any] = {"do": do, "job": job, **members}
        if len(packed) < len(raw):
            raw, said["zlib"] = packed, True
        if raw:
            said["raw"] = len(raw)
        yield from self._full_blocks(json.dumps(said).encode() + b"\n" + raw)

    def flush(self) -> Iterator[bytes]:
        """Return the block with what is left of the requests; none if nothing is."""
        if self._held:
            yield self._block(bytes(self._held))
            self._held.clear()

    def got(self, size: int) -> Iterator[bytes]:
        """Return the blocks that tell the helper how many bytes of answers have come."""
        return self.request("got", 0, bytes=size)

    def _full_blocks(self, data: bytes) -> Iterator[bytes]:
        data = bytes(self._held) + data
        end = len(data) - len(data) % MAX_BLOCK
        self._held[:] = data[end:]
        for start in range(0, end, MAX_BLOCK):
            yield self._block(data[start : start + MAX_BLOCK])

    def _block(self, data: bytes) -> bytes:
        header = b"".join(value.to_bytes(4, "big") for value in (self._number, len(data), zlib.crc32(data)))
        self._number += 1
        return header + data


class Reader:
    """Makes output into answers.

    Lines without an answer are passed over, and so is what stands before an answer. The last of such lines is
    ``stray``, such as the reason why the helper ended.
    """

    def __init__(self) -> None:
        self.stray = b""
        self._held = b""
        self._next_number = 0
        self._of: tuple[int, str] | None = None  # the answer that goes on in the next line
        self._parts = bytearray()
        self._taken = 0
        self._confirmed = 0

    def feed(self, data: bytes) -> list[Answer]:
        """Return the answers that are complete now. Raises ``LineError``; the session cannot be used after that."""
        *lines, self._held = (self._held + data).split(b"\n")
        if len(self._held) > _MAX_LINE:
            raise LineError("The node printed a line that is too long.")
        return [answer for line in lines if (answer := self._take(line)) is not None]

    def to_confirm(self) -> int | None:
        """Return how many bytes of answers have come, if the helper must be told now; else None."""
        if self._taken - self._confirmed < _CONFIRMED_AFTER:
            return None
        self._confirmed = self._taken
        return self._taken

    def _take(self, line: bytes) -> Answer | None:
        """Return the answer that is complete with a line."""
        before = _BEGIN.match(line)
        if before is None:
            if line.rstrip().endswith(b"~broken"):
                raise LineError("The node lost a part of a request.")
            self.stray = line.strip() or self.stray
            return None
        line = line[before.end() :]
        self._taken += len(line) + 1
        number, job, kind, flag, part = _read(line)
        if number != self._next_number or self._of not in (None, (job, kind)):
            raise LineError("An answer of the node did not arrive.")
        self._next_number += 1
        self._parts += part
        if len(self._parts) > _MAX_PACKED:
            raise LineError("The node sent an answer that is too long.")
        self._of = (job, kind) if flag == "+" else None
        if flag == "+":
            return None
        whole, self._parts = bytes(self._parts), bytearray()
        return Answer(job, kind, _unpacked(whole) if flag == "z" else whole)


def encoded_path(path: bytes) -> str:
    """Return bytes as a text of JSON: what is not UTF-8 becomes lone surrogates, which the helper turns back."""
    return path.decode("utf-8", "surrogateescape")


def _read(line: bytes) -> tuple[int, int, str, str, bytes]:
    """Return the number, job, kind, flag and data of a line."""
    found = _LINE.fullmatch(line)
    if found is None:
        raise LineError("The node printed a line that is not an answer.")
    number, job, kind, flag, length, crc, data = found.groups()
    part = binascii.a2b_base64(data)
    if len(part) != int(length) or zlib.crc32(part) != int(crc, 16):
        raise LineError("An answer of the node arrived damaged.")
    return int(number), int(job), kind.decode(), flag.decode(), part


def _unpacked(data: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    try:
        unpacked = unpacker.decompress(data, _MAX_ANSWER)
    except zlib.error:
        unpacked = b""
    if not unpacker.eof or unpacker.unused_data:
        raise LineError("An answer of the node arrived damaged.")
    return unpacked
