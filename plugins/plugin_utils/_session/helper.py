# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""The helper: the program that runs on the node, with Python 3.8 or newer and nothing else.

The client sends this file over the standard input of the session. Nothing of it is on the node's disk. It reads
requests, runs them as numbered jobs side by side, and writes answers. ``lines.py`` is the other end.

Requests come in blocks, because the agent may write one message twice. A block is a number, a length and a CRC-32, each
of 4 bytes, big-endian, and at most 1012 bytes of data. A number that was seen before is dropped. A gap or a wrong CRC
ends the session. The data of all blocks is a row of requests: a line of JSON, and as many raw bytes as its member
``raw`` says, compressed with zlib if it has ``zlib``::

    {"do": "hello", "job": 1}                          who runs where
    {"do": "exec", "job": 2, "command": "id", "stdin": "none" | "given" | "open" | "terminal"}
    {"do": "feed", "job": 2, "raw": 100, "end": true}  standard input, or a part of a file
    {"do": "build", "job": 2, "raw": 5000, "recipe": 900, "parts": {"...": 4100}}  all standard input, in parts
    {"do": "cancel", "job": 2}                         SIGTERM to the process group, SIGKILL after 5 seconds
    {"do": "put", "job": 3, "path": "/tmp/x", "mode": 384, "size": 100, "sha256": "..."}
    {"do": "get", "job": 4, "path": "/tmp/x", "most": 262144}
    {"do": "rest", "job": 4, "at": 90000}              send a file that waits, from its byte 90000 on
    {"do": "drop", "job": 3}                           forget a job, and remove the part of a file that was put
    {"do": "got", "job": 0, "bytes": 20000}            how many bytes of answers the client has, from the first on

Answers are lines of ASCII of at most 8 KiB. The agent changes bytes that are not UTF-8, and session logs refuse long
lines::

    ~NUMBER JOB KIND FLAG LENGTH CRC-32 BASE64

``KIND`` is o (standard output), e (standard error), g (a part of a file), c (how many bytes of input the job has read),
h (the answer to hello), m (the input could not be built), f (a file waits for ``rest``) or x (the end of the job). The
last five are JSON. ``FLAG`` is ``-``, ``z`` if the data is compressed, or ``+`` if it goes on in the next line.
``LENGTH`` and ``CRC-32`` are of the line's own bytes.

With ``most``, a file that has more bytes waits for ``rest``, so that the client can read it in a faster way first. The
answer f says where it is open: ``{"process": 4321, "file": 7}``. The SHA-256 at the end is that of the whole file, so
it shows whether what the client read was right.

``build`` puts the standard input of a job together of parts that were sent before, as ``payload.py`` describes. Its raw
bytes are the recipe, and then the new parts. ``recipe`` is how many bytes the recipe has, and ``parts`` how many each
new part has. The recipe is compressed, with the end of the latest one, of any job, as the dictionary. If a part is
missing, or the SHA-256 of the result is wrong, the job gets nothing of it, and all parts are forgotten. The client then
sends the input with ``feed``.

The end of a job is one of these::

    {"rc": 0, "cancelled": false}                             a command; the number is negative if a signal ended it
    {"rc": -15, "cancelled": true, "left": false}             a command that was cancelled
    {"error": "cancelled", "cancelled": true, "left": true}   one that cannot be ended
    {"size": 100}                                             a file that was put
    {"size": 100, "sha256": "...", "mode": 384}               a file that was got
    {"error": "...", "started": false}                        what failed; ``started`` is there if it had not begun

``left`` is whether processes of the command's group still run, for example because they became root under sudo, and so
cannot be signalled.

At most 128 KiB of answers are on their way. If the agent loses its socket, it sends again what was on its way, but only
one message in 100 milliseconds.

The helper always reads, whatever its jobs do, because a terminal that nobody reads blocks the agent, which then hears
nothing else. It ends when its input ends, and then ends its jobs.
"""

from __future__ import annotations

import base64
import collections
import errno
import fcntl
import hashlib
import json
import os
import pwd
import selectors
import signal
import stat
import subprocess
import sys
import termios
import time
import zlib
from collections.abc import Callable
from typing import IO, Any

VERSION = 1
HEADER = 12  # bytes of a block before its data
LINE_DATA = 6000  # bytes of an answer before base64: 8000 characters
PIECE = 65536  # bytes that are read from a command or a file at once
PIECES = 16  # of a file that are read before other jobs get their turn
AHEAD = 131072  # bytes of answers that may be written before the client has them
MAX_OUTPUT = 262144  # bytes of answers that wait; no command is read beyond it
CREDIT = 65536  # bytes of standard input after which the client is told that they were read
GRACE = 5.0  # seconds from SIGTERM to SIGKILL
LAST = 1.0  # seconds after SIGKILL until a cancelled command is given up
POLL = 0.1  # seconds after which the processes of a cancelled command are looked for again
DICTIONARY = 32768  # bytes of a dictionary that zlib uses
MAX_PARTS = 33554432  # bytes of memory for the parts that are kept
PART_OVERHEAD = 400  # bytes of memory that a part needs besides its own
# What each request must have, or may have.
MEMBERS = {"do": str, "job": int, "raw": int, "bytes": int, "recipe": int, "parts": dict, "most": int, "at": int}
END_OF_FILE = b"\x04"  # that a terminal takes for the end of its input
BUSY = (errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM)


class BrokenError(Exception):
    """The input has a gap or a wrong CRC, or is no request."""


class Blocks:
    """Takes blocks apart. ``number`` is that of the next block."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.held = bytearray()

    def feed(self, data: bytes) -> bytes:
        """Return the data of the blocks that are complete now."""
        self.held += data
        found = []
        while len(self.held) >= HEADER:
            number, length, crc = (int.from_bytes(self.held[at : at + 4], "big") for at in (0, 4, 8))
            if len(self.held) < HEADER + length:
                break
            content = bytes(self.held[HEADER : HEADER + length])
            del self.held[: HEADER + length]
            if number < self.number:
                continue
            if number > self.number or zlib.crc32(content) != crc:
                raise BrokenError()
            self.number += 1
            found.append(content)
        return b"".join(found)


class Requests:
    """Takes requests apart."""

    def __init__(self) -> None:
        self.held = bytearray()
        self.request: dict[str, Any] | None = None

    def feed(self, data: bytes) -> list[tuple[dict[str, Any], bytes]]:
        """Return the requests that are complete now, each with its raw bytes."""
        self.held += data
        found: list[tuple[dict[str, Any], bytes]] = []
        while True:
            if self.request is None:
                line, newline, unused = self.held.partition(b"\n")
                if not newline:
                    return found
                del self.held[: len(line) + 1]
                self.request = request_in(bytes(line))
            size = self.request.get("raw", 0)
            if len(self.held) < size:
                return found
            raw = bytes(self.held[:size])
            del self.held[:size]
            found.append((self.request, unpacked(raw) if self.request.get("zlib") else raw))
            self.request = None


class Parts:
    """Parts of input that are kept, by name. If they need too much memory, those unused for longest are dropped.

    The client has another object of this class, with the same names and empty parts. ``recipe`` is the end of the
    latest one.
    """

    def __init__(self) -> None:
        self.recipe = b""
        self.size = 0
        self.held: collections.OrderedDict[str, tuple[int, bytes]] = collections.OrderedDict()

    def has(self, name: str) -> bool:
        """Return whether there is a part, which is then the latest that was used."""
        if name in self.held:
            self.held.move_to_end(name)
        return name in self.held

    def keep(self, name: str, size: int, part: bytes = b"") -> None:
        """Keep a part of ``size`` bytes, as the latest that was used."""
        if not self.has(name):
            self.size += size + PART_OVERHEAD
        self.held[name] = size, part

    def trim(self) -> None:
        """Drop what is too much."""
        while self.size > MAX_PARTS:
            unused, latest = self.held.popitem(last=False)
            self.size -= latest[0] + PART_OVERHEAD

    def build(self, request: dict[str, Any], raw: bytes) -> bytes:
        """Return the input that a request describes.

        Raises ``ValueError``, ``LookupError``, ``TypeError`` or ``MemoryError``.
        """
        at = request["recipe"]
        recipe = inflated(raw[:at], self.recipe)
        self.recipe = recipe[-DICTIONARY:]
        new = {}
        for name, size in request["parts"].items():
            new[name] = raw[at : at + size]
            at += size
        line, unused, text = recipe.partition(b"\n")
        said = json.loads(line)
        pieces, at = [], 0
        for piece in said["pieces"]:
            if isinstance(piece, int):
                pieces.append(text[at : at + piece])
                at += piece
                continue
            if not self.has(piece):
                self.keep(piece, len(new[piece]), new[piece])
            pieces.append(self.held[piece][1])
        self.trim()
        first, end = said["encoded"]
        encoded_ones = base64.b64encode(b"".join(pieces[first:end]))
        built = b"".join([*pieces[:first], encoded_ones, *pieces[end:]])
        if hashlib.sha256(built).hexdigest() != said["sha256"]:
            raise ValueError()
        return built


class Answers:
    """Lines that wait to be written."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.number = 0
        self.waiting: collections.deque[bytes] = collections.deque()
        self.size = 0
        self.written = 0
        self.confirmed = 0

    def add(self, job: int, kind: str, data: bytes) -> None:
        """Add the lines of one answer."""
        packed = zlib.compress(data, 1) if len(data) > 200 else data
        flag = "z" if len(packed) < len(data) else "-"
        data = packed if flag == "z" else data
        for start in range(0, max(len(data), 1), LINE_DATA):
            part = data[start : start + LINE_DATA]
            more = start + LINE_DATA < len(data)
            state = "+" if more else flag
            head = f"~{self.number} {job} {kind} {state} {len(part)} {zlib.crc32(part):08x} "
            line = head.encode() + base64.b64encode(part) + b"\n"
            self.number += 1
            self.waiting.append(line)
            self.size += len(line)

    def may_write(self) -> bool:
        """Return whether there is something to write, and not too much on its way."""
        return bool(self.waiting) and self.written - self.confirmed < AHEAD

    def write(self) -> None:
        """Write what the terminal takes now."""
        while self.may_write():
            line = self.waiting.popleft()
            try:
                written = os.write(self.fd, line)
            except BlockingIOError:
                written = 0
            self.size -= written
            self.written += written
            if written < len(line):
                self.waiting.appendleft(line[written:])
                return


class Job:
    """What a request started."""

    cancelled = False

    def outputs(self) -> dict[IO[bytes], Callable[[IO[bytes]], None]]:
        """Return the pipes to read, each with what reads it."""
        return {}

    def feed(self, data: bytes, end: bool) -> None:
        """Take standard input, or a part of a file."""

    def cancel(self) -> None:
        """Begin to end."""
        raise NotImplementedError

    def tick(self, now: float) -> bool:
        """Do what can be done now. Return whether the job has ended, and its last answer was given."""
        raise NotImplementedError

    def end(self) -> None:
        """End at once, without an answer."""
        raise NotImplementedError


class Command(Job):
    """A command that runs. It has ended when its process has, and nothing holds its output any more."""

    def __init__(self, helper: Helper, job: int, request: dict[str, Any], raw: bytes) -> None:
        self.helper = helper
        self.job = job
        kind = request.get("stdin", "none")
        start = self.start_in_terminal if kind == "terminal" else self.start_with_pipes
        self.stdin: IO[bytes] | None
        self.open: dict[IO[bytes], str]
        self.process, self.stdin, self.open = start(encoded(request["command"]), kind)
        for pipe in self.open:
            os.set_blocking(pipe.fileno(), False)
        self.input: collections.deque[bytes] = collections.deque()
        self.input_ends = kind in ("none", "given")
        self.is_terminal = kind == "terminal"
        self.read = 0
        self.told = 0
        self.kill_at = self.give_up_at = float("inf")
        if self.stdin is not None:
            os.set_blocking(self.stdin.fileno(), False)
            self.feed(raw, kind == "given")

    def start_with_pipes(
        self, command: bytes, kind: str
    ) -> tuple[subprocess.Popen[bytes], IO[bytes] | None, dict[IO[bytes], str]]:
        """Start a command, and return its process, its input, and its outputs."""
        process = self.popen(
            command,
            stdin=subprocess.DEVNULL if kind == "none" else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        outputs = {pipe: name for name, pipe in (("o", process.stdout), ("e", process.stderr)) if pipe is not None}
        return process, process.stdin, outputs

    def start_in_terminal(
        self, command: bytes, unused_kind: str
    ) -> tuple[subprocess.Popen[bytes], IO[bytes] | None, dict[IO[bytes], str]]:
        """Start a command in a terminal of its own, which does not change what is written to it, and has no echo."""
        ours, theirs = os.openpty()
        try:
            settings = termios.tcgetattr(theirs)
            settings[1] &= ~termios.OPOST
            settings[3] &= ~termios.ECHO
            termios.tcsetattr(theirs, termios.TCSANOW, settings)
            process = self.popen(command, stdin=theirs, stdout=theirs, stderr=theirs, preexec_fn=take_terminal)
        except BaseException:
            os.close(ours)
            raise
        finally:
            os.close(theirs)
        return process, os.fdopen(os.dup(ours), "wb", 0), {os.fdopen(ours, "rb", 0): "o"}

    def popen(self, command: bytes, **given: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            ["/bin/sh", "-c", command],
            bufsize=0,
            cwd=self.helper.cwd,
            env=self.helper.environment,
            start_new_session=True,
            **given,
        )

    def feed(self, data: bytes, end: bool) -> None:
        """Take standard input."""
        if data:
            self.input.append(data)
        if end and self.is_terminal:
            self.input.append(END_OF_FILE)
        self.input_ends = self.input_ends or end
        self.write_input()

    def write_input(self) -> None:
        """Write what the command takes now."""
        pipe = self.stdin
        if pipe is None or pipe.closed:
            self.input.clear()
            return
        try:
            while self.input:
                data = self.input.popleft()
                written = pipe.write(data) or 0
                self.read += written
                if written < len(data):
                    self.input.appendleft(data[written:])
                    break
        except (BrokenPipeError, ConnectionResetError):
            self.input.clear()
            self.input_ends = True
        except OSError as error:
            if error.errno != errno.EIO:  # nothing has the terminal open any more
                raise
            self.input.clear()
        if not self.input and self.input_ends and not self.is_terminal:
            self.helper.forget(pipe)
            pipe.close()
        elif self.input:
            self.helper.watch(pipe, selectors.EVENT_WRITE, lambda unused: self.write_input())
        else:
            self.helper.forget(pipe)
        if self.read - self.told >= CREDIT:
            self.told = self.read
            self.helper.say(self.job, "c", {"read": self.read})

    def outputs(self) -> dict[IO[bytes], Callable[[IO[bytes]], None]]:
        return dict.fromkeys(self.open, self.read_output)

    def read_output(self, pipe: IO[bytes]) -> None:
        """Take a piece of output."""
        try:
            data = os.read(pipe.fileno(), PIECE)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno != errno.EIO:  # nothing has the terminal open any more
                raise
            data = b""
        if data:
            self.helper.answers.add(self.job, self.open[pipe], data)
        else:
            self.close(pipe)

    def close(self, pipe: IO[bytes]) -> None:
        """Stop reading an output."""
        self.helper.forget(pipe)
        del self.open[pipe]
        pipe.close()

    def close_all(self) -> None:
        for pipe in list(self.open):
            self.close(pipe)
        if self.stdin is not None and not self.stdin.closed:
            self.helper.forget(self.stdin)
            self.stdin.close()

    def cancel(self) -> None:
        """Begin to end all processes of the command's group."""
        if not self.cancelled:
            self.cancelled = True
            self.kill_at = time.monotonic() + GRACE
            self.signal(signal.SIGTERM)

    def signal(self, number: int) -> bool:
        """Signal the group. Return whether any process was there, and belongs to this user."""
        try:
            os.killpg(self.process.pid, number)
        except (ProcessLookupError, PermissionError):
            return False
        return True

    def tick(self, now: float) -> bool:
        """Return whether the job has ended."""
        # As long as the process is not reaped, no other group can get its number.
        if self.open and not self.cancelled:
            return False
        status = self.process.poll()
        left = status is None or (self.cancelled and is_running(self.process.pid))
        if left and not self.is_given_up(now):
            return False
        self.close_all()
        said: dict[str, Any] = {"error": "cancelled"} if status is None else {"rc": status}
        said["cancelled"] = self.cancelled
        if self.cancelled:
            said["left"] = left
        self.helper.say(self.job, "x", said)
        return True

    def is_given_up(self, now: float) -> bool:
        """Kill a cancelled command in time, or at once if it cannot be signalled. Return whether that was in vain."""
        if self.cancelled and (now >= self.kill_at or not self.signal(0)):
            self.kill_at = float("inf")
            self.give_up_at = min(self.give_up_at, now + LAST)
            self.signal(signal.SIGKILL)
            self.close_all()  # which ends many a program that cannot be signalled
        return now >= self.give_up_at

    def end(self) -> None:
        self.signal(signal.SIGKILL)


class Put(Job):
    """A file that comes in parts. It is written beside the file that it becomes."""

    def __init__(self, helper: Helper, job: int, request: dict[str, Any], unused_raw: bytes) -> None:
        self.helper = helper
        self.job = job
        self.path = os.path.realpath(encoded(request["path"]))
        if os.path.exists(self.path):
            check_regular(self.path)
        self.size = request["size"]
        self.wanted = request["sha256"]
        self.mode = request.get("mode")
        # The file's own name made longer could be too long, and nodes can share a folder.
        self.beside = os.path.join(os.path.dirname(self.path), b".sessionops-" + os.urandom(8).hex().encode())
        self.fd = os.open(self.beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self.digest = hashlib.sha256()
        self.written = 0
        self.ended = False

    def feed(self, data: bytes, end: bool) -> None:
        """Take a part of the file."""
        try:
            write_all(self.fd, data)
            self.digest.update(data)
            self.written += len(data)
            if self.written // CREDIT != (self.written - len(data)) // CREDIT:
                self.helper.say(self.job, "c", {"read": self.written})
            if end:
                self.finish()
        except OSError as error:
            self.fail(error.strerror or str(error))

    def finish(self) -> None:
        """Move the file to its place, if it is complete."""
        if self.written != self.size or self.digest.hexdigest() != self.wanted:
            self.fail("the file arrived damaged")
            return
        os.fchmod(self.fd, self.mode_of())
        os.close(self.fd)
        self.fd = -1
        os.rename(self.beside, self.path)
        self.ended = True
        self.helper.say(self.job, "x", {"size": self.written})

    def mode_of(self) -> int:
        if self.mode is not None:
            return int(self.mode)
        try:
            return stat.S_IMODE(os.stat(self.path).st_mode)
        except OSError:
            mask = os.umask(0)
            os.umask(mask)
            return 0o666 & ~mask

    def fail(self, why: str) -> None:
        self.ended = True
        self.end()
        self.helper.say(self.job, "x", {"error": why})

    def cancel(self) -> None:
        if not self.ended:
            self.fail("cancelled")

    def tick(self, unused_now: float) -> bool:
        return self.ended

    def end(self) -> None:
        """Remove what is not complete."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
        try:
            os.unlink(self.beside)
        except OSError:
            pass


class Get(Job):
    """A file that is read in parts, as fast as answers are taken, maybe once it does not wait any more."""

    def __init__(self, helper: Helper, job: int, request: dict[str, Any], unused_raw: bytes) -> None:
        self.helper = helper
        self.job = job
        path = encoded(request["path"])
        check_regular(path)
        # Some files of /proc block like a pipe.
        self.fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        state = os.fstat(self.fd)
        self.mode = stat.S_IMODE(state.st_mode)
        self.digest = hashlib.sha256()
        self.size = 0
        self.start = 0  # the first byte that is sent
        self.waits = state.st_size > request.get("most", state.st_size)
        if self.waits:
            self.helper.say(job, "f", {"process": os.getpid(), "file": self.fd})

    def go_on(self, start: int) -> None:
        """Send the file from a byte on."""
        self.start = start
        self.waits = False

    def cancel(self) -> None:
        self.cancelled = True

    def tick(self, unused_now: float) -> bool:
        """Return whether the job has ended."""
        try:
            said = {"error": "cancelled"} if self.cancelled else self.read()
        except OSError as error:
            said = {"error": error.strerror or str(error)}
        if said is None:
            return False
        self.helper.say(self.job, "x", said)
        self.end()
        return True

    def read(self) -> dict[str, Any] | None:
        """Read some of the file, unless it waits. Return the end of the job if that was all."""
        for unused in range(PIECES):
            if self.waits or self.helper.answers.size >= MAX_OUTPUT:
                break
            is_sent = self.size >= self.start
            data = os.read(self.fd, PIECE if is_sent else min(PIECE, self.start - self.size))
            if not data:
                return {"size": self.size, "sha256": self.digest.hexdigest(), "mode": self.mode}
            self.digest.update(data)
            self.size += len(data)
            if is_sent:
                self.helper.answers.add(self.job, "g", data)
        return None

    def end(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
        self.fd = -1


KINDS: dict[str, Callable[..., Job]] = {"exec": Command, "put": Put, "get": Get}


class Postponed:
    """A request for which the node has no room now, with the input that came for it since."""

    def __init__(self, request: dict[str, Any], raw: bytes) -> None:
        self.request = request
        self.raw = raw
        self.input: list[tuple[bytes, bool]] = []


class Helper:
    """Reads requests, runs jobs and writes answers, in one loop."""

    def __init__(self, source: int, target: int, number: int) -> None:
        self.source = source
        self.blocks = Blocks(number)
        self.requests = Requests()
        self.answers = Answers(target)
        self.parts = Parts()
        self.jobs: dict[int, Job] = {}
        self.postponed: collections.deque[Postponed] = collections.deque()
        self.selector = selectors.DefaultSelector()
        self.environment = environment()
        self.cwd = working_directory(self.environment)
        self.over = False

    def run(self) -> None:
        """Work until the input ends."""
        os.set_blocking(self.source, False)
        os.set_blocking(self.answers.fd, False)
        wake_read, wake_write = os.pipe()
        for fd in (wake_read, wake_write):
            os.set_blocking(fd, False)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *unused: None)
        stop_ignoring_signals()
        # A terminal that is closed sends SIGHUP. Jobs must be ended then, not left.
        for hangup in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
            signal.signal(hangup, lambda *unused: setattr(self, "over", True))
        self.watch(self.source, selectors.EVENT_READ, lambda unused: self.read())
        self.watch(wake_read, selectors.EVENT_READ, lambda fd: os.read(fd, 4096))
        try:
            while not self.over:
                self.step()
        finally:
            for number in list(self.jobs):
                self.drop(number)

    def step(self) -> None:
        self.watch_outputs()
        for key, unused in self.selector.select(self.pause()):
            if self.is_watched(key.fileobj):
                key.data(key.fileobj)
        now = time.monotonic()
        for number, job in list(self.jobs.items()):
            if job.tick(now):
                del self.jobs[number]
                self.start_postponed()
        self.answers.write()

    def pause(self) -> float | None:
        """Return for how many seconds nothing may happen by itself."""
        reads = any(isinstance(job, Get) and not job.waits for job in self.jobs.values())
        if reads and self.answers.size < MAX_OUTPUT:
            return 0
        return POLL if any(job.cancelled for job in self.jobs.values()) else None

    def watch_outputs(self) -> None:
        """Read commands only while the answers have room, and write while there are any."""
        room = self.answers.size < MAX_OUTPUT
        for job in self.jobs.values():
            for pipe, work in job.outputs().items():
                if room:
                    self.watch(pipe, selectors.EVENT_READ, work)
                else:
                    self.forget(pipe)
        if self.answers.may_write():
            self.watch(self.answers.fd, selectors.EVENT_WRITE, lambda unused: self.answers.write())
        else:
            self.forget(self.answers.fd)

    def watch(self, what: int | IO[bytes], event: int, work: Callable[[Any], Any]) -> None:
        try:
            self.selector.modify(what, event, work)
        except KeyError:
            self.selector.register(what, event, work)

    def forget(self, what: int | IO[bytes]) -> None:
        try:
            self.selector.unregister(what)
        except (KeyError, ValueError):
            pass

    def is_watched(self, what: Any) -> bool:
        """Return whether a file is still to be watched. An earlier event may have closed it."""
        try:
            return what in self.selector.get_map()
        except ValueError:  # it is closed
            return False

    def read(self) -> None:
        """Take what came in."""
        try:
            data = os.read(self.source, PIECE)
        except BlockingIOError:
            return
        except OSError:  # the terminal is gone
            data = b""
        if not data:
            self.over = True
            return
        for request, raw in self.requests.feed(self.blocks.feed(data)):
            self.take(request, raw)

    def take(self, request: dict[str, Any], raw: bytes) -> None:
        """Carry out one request."""
        number, what = request["job"], request["do"]
        if what == "hello":
            self.say(number, "h", self.hello())
        elif what == "feed":
            self.feed(number, raw, bool(request.get("end")))
        elif what == "build":
            self.build(number, request, raw)
        elif what == "rest":
            self.go_on(number, request["at"])
        elif what == "cancel":
            self.cancel(number)
        elif what == "drop":
            self.drop(number)
        elif what == "got":
            self.answers.confirmed = request["bytes"]
        else:
            self.start(Postponed(request, raw))

    def feed(self, number: int, data: bytes, end: bool) -> None:
        job = self.jobs.get(number)
        if job is not None:
            job.feed(data, end)
        for waiting in self.postponed:
            if waiting.request["job"] == number:
                waiting.input.append((data, end))

    def build(self, number: int, request: dict[str, Any], raw: bytes) -> None:
        """Give a job its input, if it can be built. Otherwise the client has to feed it."""
        try:
            data = self.parts.build(request, raw)
        except (ValueError, LookupError, TypeError, MemoryError):
            self.parts = Parts()
            self.say(number, "m", {})
            return
        self.feed(number, data, True)

    def go_on(self, number: int, start: int) -> None:
        """Send a file that waits."""
        job = self.jobs.get(number)
        if isinstance(job, Get):
            job.go_on(start)

    def cancel(self, number: int) -> None:
        job = self.jobs.get(number)
        if job is not None:
            job.cancel()
        elif self.drop(number):
            self.say(number, "x", {"error": "cancelled", "started": False})

    def drop(self, number: int) -> bool:
        """Forget a job. Return whether it had not begun."""
        job = self.jobs.pop(number, None)
        if job is not None:
            job.end()
        waiting = [entry for entry in self.postponed if entry.request["job"] == number]
        for entry in waiting:
            self.postponed.remove(entry)
        return bool(waiting)

    def start(self, wanted: Postponed) -> None:
        """Start a job, or postpone it if the node has no room and another job will end."""
        number = wanted.request["job"]
        try:
            job = KINDS[wanted.request["do"]](self, number, wanted.request, wanted.raw)
        except OSError as error:
            if error.errno in BUSY and self.jobs:
                self.postponed.append(wanted)
            else:
                self.say(number, "x", {"error": error.strerror or str(error), "started": False})
            return
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            self.say(number, "x", {"error": f"bad request: {error!r}", "started": False})
            return
        self.jobs[number] = job
        for data, end in wanted.input:
            job.feed(data, end)

    def start_postponed(self) -> None:
        """Start the next job that waits. If it fails, start the one after it, because no job may be left to end."""
        while self.postponed:
            wanted = self.postponed.popleft()
            self.start(wanted)
            if wanted.request["job"] in self.jobs or wanted in self.postponed:
                return

    def hello(self) -> dict[str, Any]:
        return {
            "version": VERSION,
            "python": ".".join(map(str, sys.version_info[:3])),
            "executable": sys.executable or "",
            "system": os.uname().sysname,
            "uid": os.getuid(),
            "user": user_name(),
            "home": decoded(self.environment.get(b"HOME", b"")),
            "cwd": decoded(self.cwd),
        }

    def say(self, number: int, kind: str, what: dict[str, Any]) -> None:
        self.answers.add(number, kind, json.dumps(what).encode())


def request_in(line: bytes) -> dict[str, Any]:
    """Return a request. Raises ``BrokenError``."""
    try:
        request = json.loads(line.decode("ascii"))
    except ValueError:
        raise BrokenError() from None
    if not (isinstance(request, dict) and "do" in request and "job" in request):
        raise BrokenError()
    if not all(isinstance(request.get(name, kind()), kind) for name, kind in MEMBERS.items()):
        raise BrokenError()
    return request


def unpacked(data: bytes) -> bytes:
    """Return what was compressed. Raises ``BrokenError``."""
    try:
        return zlib.decompress(data)
    except zlib.error:
        raise BrokenError() from None


def deflated(data: bytes, dictionary: bytes) -> bytes:
    """Return data compressed, with other data as a dictionary."""
    packer = zlib.compressobj(zdict=dictionary)
    return packer.compress(data) + packer.flush()


def inflated(data: bytes, dictionary: bytes) -> bytes:
    """Return what ``deflated`` had. Raises ``ValueError``."""
    unpacker = zlib.decompressobj(zdict=dictionary)
    try:
        return unpacker.decompress(data)
    except zlib.error:
        raise ValueError() from None


def is_running(group: int) -> bool:
    """Return whether a group has a process that is not a zombie. In some containers, nobody reaps those."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # they belong to another user
        pass
    states = set()
    for name in os.listdir("/proc") if os.path.isdir("/proc") else ():
        try:
            with open(f"/proc/{int(name)}/stat", "rb") as file:
                state, unused, its_group = file.read().rpartition(b")")[2].split()[:3]
        except (ValueError, OSError):
            continue
        if int(its_group) == group:
            states.add(state)
    return states != {b"Z"}


def check_regular(path: bytes) -> None:
    """Raise ``OSError`` if a file is not a regular one. A pipe would block the helper, and a device may never end."""
    mode = os.stat(path).st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is not a regular file")


def write_all(fd: int, data: bytes) -> None:
    """Write to a file."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def stop_ignoring_signals() -> None:
    """Give commands the signals that a shell gives them, whatever the agent set.

    A command inherits what is ignored and blocked here. To set it in each command would take milliseconds, because
    subprocess then copies this process. What Python ignores, subprocess resets.
    """
    for number in signal.valid_signals() - {signal.SIGPIPE, signal.SIGXFSZ}:
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def take_terminal() -> None:
    """Make standard input the terminal of the session of a command."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def environment() -> dict[bytes, bytes]:
    """Return the variables for commands: those of the session, without what a snap of the agent adds."""
    kept = dict(os.environb)
    for name in list(kept):
        snap = name.startswith(b"SNAP")
        if snap or (name == b"LD_LIBRARY_PATH" and kept[name].startswith(b"/snap/")):
            del kept[name]
    # Python sets this one itself where the locale is C.
    if not was_given(b"LC_CTYPE"):
        kept.pop(b"LC_CTYPE", None)
    # Ansible looks for files below the home directory of the account, and commands below HOME. They must be the same.
    kept[b"HOME"] = home_directory(kept)
    return kept


def was_given(name: bytes) -> bool:
    """Return whether this process was started with a variable; True if it is not known."""
    try:
        with open("/proc/self/environ", "rb") as given:
            return any(entry.startswith(name + b"=") for entry in given.read().split(b"\0"))
    except OSError:
        return True


def home_directory(variables: dict[bytes, bytes]) -> bytes:
    """Return the home directory of the account; for one that is not known, that of the session."""
    try:
        return os.fsencode(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        return variables.get(b"HOME", b"/")


def user_name() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def working_directory(variables: dict[bytes, bytes]) -> bytes:
    """Return the home directory, or / if it cannot be entered."""
    home = variables.get(b"HOME", b"/")
    return home if os.path.isdir(home) and os.access(home, os.X_OK) else b"/"


def encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def decoded(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def main(number: int) -> None:
    """Run on standard input and output. ``number`` is that of the next block."""
    helper = Helper(0, 1, number)
    try:
        helper.run()
    except BrokenError:
        os.write(1, b"~broken\n")


if "NEXT_BLOCK" in globals():
    main(globals()["NEXT_BLOCK"])
