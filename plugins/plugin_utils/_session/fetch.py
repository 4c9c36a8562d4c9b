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

import base64
import queue
import shlex
import threading
import time
import zlib
from collections.abc import Callable
from typing import Protocol

from .channel import Paused
from .errors import SessionError
from .limits import Limits
from .lines import LineError, Reader
from .link import Link, Pause, closed_by, output_of
from .words import in_words, on_one_line

_STEP = 0.5  # seconds from one look at whether the file is still wanted to the next
_MOST_PIECES = 64  # of at most 64 KiB, which wait to be taken
_LOOK = 0.05  # seconds from one look at whether all pieces were taken to the next
_WORTH = 256 * 1024  # bytes that must have come for another attempt; less comes as fast in the session of the host
_NO_REASON = "The session ended, and no reason was given."

# Prints the open file of a process from a byte on, in the language of ``lines.py``. What fails ends it. The client
# notices that the last answer does not come.
_PROGRAM = """\
import os,sys,zlib,base64
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
    """No session can be started now, but maybe later."""


def command(interpreter: str, process: int, file: int, start: int) -> str:
    """Return the command that prints the open file ``file`` of a process from a byte on, with a Python of the node."""
    packed = base64.b64encode(zlib.compress(_PROGRAM.encode(), 9)).decode()
    load = f'import zlib,base64;exec(zlib.decompress(base64.b64decode("{packed}")))'
    return f"{shlex.quote(interpreter)} -ISc '{load}' {process} {file} {start}"


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
        self._why = "An error of this program."  # why not all of the file came; empty if it did
        self._is_busy = False
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

    @property
    def was_in_vain(self) -> bool:
        """Whether another file would not come, either. It must be over."""
        return bool(self._why) and not self.size and not self._is_busy

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
        finally:
            self._over.set()
            self._wake()  # nobody has to wait for the end of the session
            self._end_session()
            if has_room:
                self._places.room.release()
            self._wake()

    def _read(self) -> None:
        """Read the file, in further sessions as long as each brings enough of it."""
        before = -_WORTH
        while self._why and self._received - before >= _WORTH:
            before = self._received
            try:
                self._end_session()
                self._receive(self._started_session())
                self._why = ""
            except (SessionError, LineError, OSError) as error:
                self._failed(error)

    def _failed(self, error: Exception) -> None:
        self._why, self._is_busy = str(error), isinstance(error, BusyError)
        self.told.put((3, f"FETCHING a file in a session of its own ended at byte {self._received}: {error}"))

    def _started_session(self) -> Link:
        while not self._pieces.empty():  # a controller that is slow
            self._pause(_LOOK)
        while not self._places.starts.acquire(timeout=_STEP):
            self._pause(0)
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
        while True:
            self._pause(0)
            events = link.wait(_STEP)
            if data := output_of(events):
                heard_at = time.monotonic()
            for answer in reader.feed(data):
                if answer.kind == "x":
                    return
                self._hand_over(answer.data)
            if any(isinstance(event, Paused) for event in events):
                raise SessionError("SSM Agent lost its connection.")
            if (closed := closed_by(events)) is not None:
                raise SessionError(on_one_line(closed.reason or reader.stray.decode("utf-8", "replace")) or _NO_REASON)
            if time.monotonic() - heard_at > patience:
                raise SessionError(f"The node did not answer for {in_words(patience)}.")

    def _hand_over(self, piece: bytes) -> None:
        """Hand a piece over. If there is no room for it, the session is given up, because it cannot wait."""
        try:
            self._pieces.put_nowait(piece)
        except queue.Full:
            raise SessionError("The controller did not write it as fast as it came.") from None
        self._received += len(piece)
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
