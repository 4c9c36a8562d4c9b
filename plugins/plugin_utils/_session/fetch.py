# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""A large file of a node, read in a session of its own.

SSM Agent pauses for a millisecond after each KiB of the output of a terminal. A command of a session of the type
``NonInteractiveCommands`` has no terminal, and its output comes without pauses. It has no input, so such a session
cannot run the helper. It runs a short program instead, which prints a file that the helper has open, as answers of the
helper. No path is in the command, because AWS logs it.

If a client is away for a moment, SSM Agent drops the rest of the output of such a session without a word. If the agent
is away, it sends what was lost at only ten messages in a second. So the session is given up if either connection is
lost, and another one can print the rest. Whatever comes is only a part of the file. The helper sends what is missing at
the end, and the SHA-256 of the whole.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import Protocol

from .channel import Paused
from .errors import CallError, SessionError
from .limits import Limits
from .lines import Answer, LineError, Reader, packed_program
from .link import Link, Pause, closed_by, output_of
from .words import FAILED, in_words, on_one_line

_STEP = 0.5  # seconds from one look at whether the file is still wanted to the next
_AWAY = 0.4  # seconds without output after which an agent that is away does not count as being at its end
_MOST_PIECES = 64  # that wait to be taken
_PIECE = 64 * 1024  # bytes of a piece
# What a session must have brought for another one to be worth its start: bytes, and bytes in a second. The session of
# the host is faster than that. On AWS, users report 0.6 MB/s for any session, of which base64 takes a quarter.
_WORTH, _WORTH_A_SECOND = 256 * 1024, 128 * 1024
_WINDOW = 4.0  # seconds, in each of which that much must come once the file has begun
MOST_FAILURES = 2  # after which no more files are read like this
_NO_REASON = "The session ended, and no reason was given."

# Prints the open file of a process from a byte on, in the language of ``lines.py``. What fails ends it. The client
# notices that the last answer does not come. After it, the program waits for the client to end the session, because the
# agent only waits for 2 seconds until all output of a program that has ended is acknowledged.
_PROGRAM = """\
import sys,time,zlib,base64
n=0
def say(k,d):
 global n
 z=zlib.compress(d,1);f="z"
 if len(z)>=len(d):z=d;f="-"
 while 1:
  p=z[:6000];z=z[6000:]
  h="~%d 0 %s %s %d %08x "%(n,k,"+"if z else f,len(p),zlib.crc32(p))
  sys.stdout.write(h+base64.b64encode(p).decode()+"\\n");n+=1
  if not z:break
i=open("/proc/%s/fd/%s"%(sys.argv[1],sys.argv[2]),"rb")
i.seek(int(sys.argv[3]))
while 1:
 d=i.read(65536)
 if not d:break
 say("g",d)
say("x",b'{"size":0}')
sys.stdout.flush()
time.sleep(60)
"""


class Places(Protocol):
    """What limits sessions, in any thread."""

    room: threading.Semaphore  # for the sessions that there can be at the same time
    starts: threading.Semaphore  # for those that are started at the same time
    ends: threading.Semaphore  # for those that are ended at the same time


class Opening(Protocol):
    """What starts sessions."""

    @property
    def limits(self) -> Limits:
        """How long things may take."""

    @property
    def fetch(self) -> Callable[[str, Callable[[int, str], None], Pause], Link]:
        """Start a session that runs a command. Raises ``SessionError``, and ``BusyError`` if it may work later.

        Its other arguments are what takes a verbosity and a line of text for the user, and what waits.
        """


class BusyError(SessionError):
    """No session of its own is of use for a file now, but maybe for a later one."""


def command(interpreter: str, process: int, file: int, start: int) -> str:
    """Return the command that prints the open file ``file`` of a process from a byte on, with a Python of the node."""
    return f"{interpreter} -ISc '{packed_program(_PROGRAM)}' {process} {file} {start}"


class Fetch(threading.Thread):
    """Reads the file of a job of the helper.

    Whoever has it takes ``told`` and ``take()``, and calls ``stop`` at last, also if it is over.
    """

    def __init__(
        self, job: int, printing: Callable[[int], str], opening: Opening, places: Places, wake: Callable[[], None]
    ) -> None:
        """``printing`` returns the command that prints the file from a byte on.

        ``wake`` is called when there is something to take.
        """
        super().__init__(name="fetch", daemon=True)
        self.job = job
        self.size = 0  # bytes that were taken
        self.told: queue.SimpleQueue[tuple[int, str]] = queue.SimpleQueue()
        self._printing = printing
        self._opening = opening
        self._places = places
        self._wake = wake
        self.is_complete = False
        self.failures = 0  # that count against another attempt
        self._received = 0  # bytes
        self._pieces: queue.Queue[bytes] = queue.Queue(_MOST_PIECES)
        self._link: Link | None = None
        self._unwanted = threading.Event()
        self._over = threading.Event()

    # --- for the thread that takes the file ---

    @property
    def is_wanted(self) -> bool:
        return not self._unwanted.is_set()

    @property
    def is_over(self) -> bool:
        """Whether all that came was taken, and no more will come."""
        return self._over.is_set() and not self.has_piece

    @property
    def has_piece(self) -> bool:
        """Whether a piece of the file is there now."""
        return not self._pieces.empty()

    def take(self) -> bytes:
        """Return the next piece of the file; nothing if none is there now."""
        try:
            piece = self._pieces.get_nowait()
        except queue.Empty:
            return b""
        self.size += len(piece)
        return piece

    def stop(self) -> None:
        """End the session as soon as possible. No piece is wanted any more."""
        self._unwanted.set()

    # --- the thread ---

    def run(self) -> None:
        """Read the file, and end the session."""
        has_room = self._places.room.acquire(blocking=False)
        try:
            if has_room:
                self._read()
            else:
                self._failed(BusyError("The process that holds the sessions cannot open more files."))
        except Exception as error:  # a fault of this program must not end the session of the host
            self._failed(SessionError(f"{FAILED} {type(error).__name__}."))
        finally:
            self._over.set()
            self._wake()  # nobody has to wait for the end of the session
            try:
                self._end_session()
            finally:
                if has_room:
                    self._places.room.release()
                self._wake()

    def _read(self) -> None:
        """Read the file, in further sessions as long as each brings enough of it."""
        is_worth_it = True
        while is_worth_it and not self.is_complete:
            before, began = self._received, time.monotonic()
            try:
                self._end_session()
                self._receive(self._started_session())
                self.is_complete = True
            except (SessionError, LineError, OSError) as error:
                brought, took = self._received - before, time.monotonic() - began
                can_help = self.is_wanted and not isinstance(error, BusyError)
                is_worth_it = can_help and brought >= max(_WORTH, took * _WORTH_A_SECOND)
                if is_worth_it:
                    self._tell(4, f"FETCHING a file goes on in another session at byte {self._received}: {error}")
                else:
                    self._failed(error)

    def _failed(self, error: Exception) -> None:
        if self.is_wanted:
            self.failures = 0 if isinstance(error, BusyError) else 1
            if isinstance(error, CallError) and error.lasting:
                self.failures = MOST_FAILURES
            self._tell(3, f"FETCHING a file in a second session stopped at byte {self._received}: {error}")

    def _started_session(self) -> Link:
        self._pause(0)
        if not self._places.starts.acquire(timeout=_STEP):
            raise BusyError("Too many sessions are starting.")
        try:
            link = self._opening.fetch(self._printing(self._received), self._tell, self._pause_of_link)
        finally:
            self._places.starts.release()
        self._link = link
        self._tell(3, f"SESSION {link.session_id} opened to fetch a file")
        return link

    def _end_session(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            with self._places.ends:
                link.close()
            self._tell(3, f"SESSION {link.session_id} closed")

    def _receive(self, link: Link) -> None:
        """Receive the rest of the file. Raises ``SessionError`` or ``LineError`` if not all of it comes."""
        reader, patience = Reader(), self._opening.limits.connect
        heard_at = time.monotonic()
        is_away = False
        window = _Window(self._received)
        while True:
            self._pause(0)
            events = link.wait(_STEP)
            if events:
                heard_at = time.monotonic()
            data = output_of(events)
            for answer in reader.feed(data):
                if answer.kind == "x":
                    return
                self._hand_over(answer)
            # The agent is also away at the end, when some of the output can still be on its way.
            is_away = not data and (is_away or any(isinstance(event, Paused) for event in events))
            if is_away and link.output_at is not None and time.monotonic() - heard_at > _AWAY:
                raise SessionError("SSM Agent lost its connection.")
            if (closed := closed_by(events)) is not None:
                raise SessionError(on_one_line(closed.reason or reader.stray.decode("utf-8", "replace")) or _NO_REASON)
            if window.is_slow(self._received):
                raise SessionError("It came slower than in the session of the host.")
            if time.monotonic() - heard_at > patience:
                raise SessionError(f"The node did not answer for {in_words(patience)}.")

    def _hand_over(self, answer: Answer) -> None:
        """Hand a piece over. If there is no room for it, the session is given up, because it cannot wait."""
        if answer.kind != "g" or len(answer.data) > _PIECE:
            raise LineError("The node sent output that was not asked for.")
        try:
            self._pieces.put_nowait(answer.data)
        except queue.Full:
            raise BusyError("The controller could not write the file fast enough.") from None
        self._received += len(answer.data)
        self._wake()

    def _tell(self, verbosity: int, text: str) -> None:
        self.told.put((verbosity, text))

    def _pause(self, seconds: float) -> None:
        """Wait. Raises ``SessionError`` once the file is not wanted any more."""
        if self._unwanted.wait(seconds):
            raise SessionError("It is not wanted any more.")

    def _pause_of_link(self, seconds: float) -> None:
        """Wait while a session starts. Once it has started, a link only waits to resume it, which must not be."""
        if self._link is not None:
            raise SessionError("The connection was lost.")
        self._pause(seconds)


class _Window:
    """How much has come in the latest seconds. If messages are lost, SSM Agent can become very slow."""

    def __init__(self, received: int) -> None:
        self._began = received
        self._before = received
        self._at = time.monotonic()

    def is_slow(self, received: int) -> bool:
        """Return whether less than is worth it has come in a window that is over."""
        now = time.monotonic()
        if received == self._began:
            self._at = now
        if now - self._at < _WINDOW:
            return False
        came, self._before, self._at = received - self._before, received, now
        return came < _WINDOW * _WORTH_A_SECOND
