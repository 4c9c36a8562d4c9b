# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A terminal on which the bootstrap runs, as the agent runs it on a node, and the helper on it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ansible_collections.sessionops.aws.plugins.plugin_utils._session import helper, lines

SOURCE = Path(helper.__file__).read_bytes()
PART = 65536

# Makes the terminal that is standard input the terminal of a session, and runs a program in it.
_ON_A_TERMINAL = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""


class Ended(NamedTuple):
    """How a job ended, and what it printed."""

    said: dict[str, Any]
    out: bytes
    err: bytes


class Terminal:
    """A command on a terminal of its own. ``double`` writes each block twice, as the agent may."""

    def __init__(
        self,
        command: str,
        under: Sequence[str] = ("/bin/sh", "-c"),
        variables: Mapping[bytes, bytes] | None = None,
        double: bool = False,
    ) -> None:
        environment = dict(os.environb) if variables is None else dict(variables)
        self.fd, other_end = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-ISc", _ON_A_TERMINAL, *under, command],
            stdin=other_end,
            stdout=other_end,
            stderr=other_end,
            env=environment,
        )
        os.close(other_end)
        self.printed = bytearray()
        self.writer = lines.Writer()
        self._double = double
        self._reader = lines.Reader()
        self._answers: list[lines.Answer] = []
        self._job = 0

    def wait_for(self, marker: bytes, seconds: float = 30) -> None:
        """Read until a marker was printed."""
        while marker not in self.printed:
            self.printed += self.read(seconds)

    def read(self, seconds: float = 30) -> bytes:
        """Return what is printed next; nothing if the terminal was closed."""
        assert select.select([self.fd], [], [], seconds)[0], f"nothing was printed after {bytes(self.printed)!r}"
        try:
            return os.read(self.fd, 65536)
        except OSError:
            return b""

    def start(self) -> None:
        """Send the helper."""
        self.wait_for(lines.READY + b"\n")
        self.send(self.writer.program(SOURCE))

    def send(self, blocks: Iterator[bytes]) -> None:
        """Write blocks, and read while the terminal takes no more, so that neither side waits for the other."""
        for block in blocks:
            data = block * 2 if self._double else block
            while data:
                readable, writable, unused = select.select([self.fd], [self.fd], [], 30)
                assert readable or writable, "the terminal takes nothing"
                if readable:
                    self._take(self.read())
                if writable:
                    data = data[os.write(self.fd, data[:1024]) :]

    def _take(self, data: bytes) -> None:
        self._answers += self._reader.feed(data)

    def confirm(self, size: int) -> None:
        """Tell the helper how many bytes of answers were read, without reading more."""
        for block in self.writer.got(size):
            os.write(self.fd, block)

    def _confirm(self) -> None:
        """Tell the helper that its answers have come, so that it goes on."""
        size = self._reader.to_confirm()
        if size is not None:
            self.send(self.writer.got(size))

    def begin(self, do: str, raw: bytes = b"", **members: Any) -> int:
        """Send a request for a new job, and return its number."""
        self._job += 1
        self.send(self.writer.request(do, self._job, raw, **members))
        return self._job

    def tell(self, do: str, job: int, raw: bytes = b"", **members: Any) -> None:
        """Send a request for a job that is there."""
        self.send(self.writer.request(do, job, raw, **members))

    def answer(self, job: int, kinds: str, seconds: float = 30) -> lines.Answer:
        """Return the next answer of a job that is of one of the kinds."""
        return self._next(lambda answer: answer.job == job and answer.kind in kinds, seconds)

    def next_end(self) -> lines.Answer:
        """Return the next end of any job."""
        return self._next(lambda answer: answer.kind == "x", 30)

    def _next(self, is_wanted: Callable[[lines.Answer], bool], seconds: float) -> lines.Answer:
        limit = time.monotonic() + seconds
        while time.monotonic() < limit:
            for found in self._answers:
                if is_wanted(found):
                    self._answers.remove(found)
                    return found
            data = self.read(limit - time.monotonic())
            assert data, "the terminal was closed"
            self._take(data)
            self._confirm()
        raise AssertionError("the answer did not come")

    def end_of(self, job: int, seconds: float = 30) -> Ended:
        """Return how a job ended."""
        printed = {"o": b"", "e": b"", "g": b""}
        while True:
            answer = self.answer(job, "oegx", seconds)
            if answer.kind == "x":
                return Ended(answer.said(), printed["o"] + printed["g"], printed["e"])
            printed[answer.kind] += answer.data

    def run(self, command: str, given: bytes | None = None) -> Ended:
        """Run a command to its end."""
        return self.end_of(
            self.begin("exec", given or b"", command=command, stdin="none" if given is None else "given")
        )

    def put(self, path: Path, data: bytes, **changed: Any) -> Ended:
        """Put a file in parts."""
        wanted = {"path": lines.encoded_path(os.fsencode(path)), "size": len(data), "mode": 0o600}
        job = self.begin("put", **{**wanted, "sha256": hashlib.sha256(data).hexdigest(), **changed})
        for start in range(0, max(len(data), 1), PART):
            self.tell("feed", job, data[start : start + PART], end=start + PART >= len(data))
        return self.end_of(job)

    def close(self) -> None:
        """Close the terminal. Its program must end then."""
        with contextlib.suppress(OSError):
            os.close(self.fd)
        try:
            self.process.wait(10)
        finally:
            self.process.kill()


@contextlib.contextmanager
def helper_on_a_terminal(**options: Any) -> Iterator[Terminal]:
    """Yield a terminal with a helper on it."""
    terminal = Terminal(lines.bootstrap(), **options)
    try:
        terminal.start()
        yield terminal
    finally:
        terminal.close()
