# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""The loop that stands in for the helper on a node without Python: one command after the other, in a POSIX shell.

It is enough for ``raw``, and so for installing Python. It needs only ``printf``, ``cksum``, ``od`` and ``sed``, which
every POSIX system and busybox have. Nothing is written to the disk.

If the node has ``setsid``, a command has no terminal. So it cannot read requests, and what it would ask on a terminal
fails at once. The end of the session ends its process group.

A request is a line of at most 1024 bytes, so that it is one message of the channel, which the agent may write twice::

    NUMBER CKSUM FLAG PART

``PART`` is a part of the command, in which every byte but letters and digits is an octal escape of ``printf %b``.
``CKSUM`` is the POSIX checksum of ``PART``. ``FLAG`` is ``+`` if the command goes on in the next line, or ``-``. A
number that was seen before is passed over. A gap or a wrong checksum ends the session with the line ``~broken``.

Answers are lines: ``~o HEX.`` and ``~e HEX.`` have up to 16 bytes of standard output or error, and
``~x NUMBER STATUS.`` ends a command; the number is that of its last line. The full stop shows that nothing is missing
where others have written to the terminal in the middle of a line. What stands before an answer was written by others,
too. Standard input is empty.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

_MAX_PART = 960
_PLAIN = re.compile(rb"[A-Za-z0-9]")
_MAX_LINE = 64 * 1024  # bytes; the loop's lines have at most 51
# The beginning of the last answer in a line, and an answer.
_BEGIN = re.compile(rb".*(?=~[oex] )", re.DOTALL)
_ANSWER = re.compile(rb"~([oe])((?: [0-9a-f]{2}){1,16})\.\r?|~x [0-9]{1,9} ([0-9]{1,3})\.\r?")
# The rest of an answer that others have cut in two before its first blank.
_REST = re.compile(rb"(?:[oe]?(?: [0-9a-f]{2}){1,16}|x? [0-9]{1,9} [0-9]{1,3})\.\r?")

# `4` is the terminal, `5` the exit status, `3` the standard error. The status is printed after the substitution, and so
# after all output. What the shell itself says of a command that was killed is not its output.
# `setsid` replaces itself with the command, because it does not lead a process group. So `$!` is its own number.
# The `exit` lets mksh carry out the trap.
LOOP = (
    "exec 4>&1;n=0;c=;t=;command -v setsid >/dev/null 2>&1&&t=setsid;"
    'h(){ od -An -v -tx1|sed "s/^ */~$1 /;s/ *\\$/./" >&4;};'
    "while read -r i s x p;do "
    '[ "$i" = "$n" ]||{ [ "$i" -gt "$n" ]&&break;continue;} 2>/dev/null;'
    'set -- $(printf %s "$p"|cksum);[ "$1" = "$s" ]||break;'
    'n=$((n+1));c=$c$p;[ "$x" = + ]&&continue;'
    'r=$({ { { ($t sh -c "$(printf %b "$c")" </dev/null 2>&3 3>&- 4>&- 5>&-&'
    'trap "kill -- -$!" HUP;wait $!;exit $?);echo $? >&5;} 2>/dev/null|h o;}'
    " 3>&1|h e;} 5>&1);"
    'printf "\\n~x %s.\\n" "$i $r";c=;'
    'done;echo;echo "~broken"'
)


class ShellError(ValueError):
    """The loop printed ``~broken``, or what is not an answer. The session cannot be used after that."""


@dataclasses.dataclass(frozen=True)
class Ended:
    """The end of a command, with all that it printed. ``status`` is that of a shell: 128 + N for signal N."""

    status: int
    out: bytes
    err: bytes


class ShellWriter:
    """Makes commands into lines, each for one message. The numbers begin with 0."""

    def __init__(self) -> None:
        self._number = 0

    def command(self, command: bytes) -> Iterator[bytes]:
        """Return the lines of a command, which must have no NUL."""
        parts = list(_parts(command)) or [b""]
        for place, part in enumerate(parts):
            flag = "-" if place == len(parts) - 1 else "+"
            yield f"{self._number} {cksum(part)} {flag} ".encode() + part + b"\n"
            self._number += 1


class ShellReader:
    """Makes what the loop prints into ends of commands. Other lines are passed over."""

    def __init__(self) -> None:
        self._held = b""
        self._printed = {b"o": bytearray(), b"e": bytearray()}

    def feed(self, data: bytes) -> list[Ended]:
        """Return the commands that have ended. Raises ``ShellError``."""
        *lines, self._held = (self._held + data).split(b"\n")
        if len(self._held) > _MAX_LINE:
            raise ShellError("The shell on the node printed a line that is too long.")
        return [end for line in lines if (end := self._take(line)) is not None]

    def _take(self, line: bytes) -> Ended | None:
        before = _BEGIN.match(line)
        if before is None:
            if line.rstrip().endswith(b"~broken"):
                raise ShellError("The shell on the node lost a part of a command, or the node lacks cksum, od or sed.")
            if _REST.fullmatch(line):
                raise ShellError("The shell on the node printed what is not an answer.")
            return None
        found = _ANSWER.fullmatch(line, before.end())
        if found is None:
            raise ShellError("The shell on the node printed what is not an answer.")
        kind, printed, status = found.groups()
        if kind:
            self._printed[kind] += bytes.fromhex(printed.decode())
            return None
        end = Ended(int(status), bytes(self._printed[b"o"]), bytes(self._printed[b"e"]))
        for held in self._printed.values():
            held.clear()
        return end


def cksum(data: bytes) -> int:
    """Return the checksum that the POSIX program ``cksum`` prints."""
    length = len(data)
    tail = length.to_bytes((length.bit_length() + 7) // 8, "little")
    crc = 0
    for byte in (*data, *tail):
        crc = ((crc << 8) & 0xFFFFFFFF) ^ _TABLE[(crc >> 24) ^ byte]
    return crc ^ 0xFFFFFFFF


def _entry(value: int) -> int:
    crc = value << 24
    for unused in range(8):
        crc = (crc << 1) ^ 0x04C11DB7 if crc & 0x80000000 else crc << 1
    return crc & 0xFFFFFFFF


_TABLE = tuple(map(_entry, range(256)))


def _parts(command: bytes) -> Iterator[bytes]:
    """Return the escaped command in parts. No escape is cut."""
    part = b""
    for byte in command:
        char = bytes([byte])
        escaped = char if _PLAIN.match(char) else b"\\0%03o" % byte
        if len(part) + len(escaped) > _MAX_PART:
            yield part
            part = b""
        part += escaped
    if part:
        yield part
