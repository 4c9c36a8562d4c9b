# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One end of a session or a control channel: the socket that is open, and the frames that wait for it."""

from __future__ import annotations

import asyncio
import collections
import contextlib

from .sockets import Socket

# How many frames may wait for a socket that is open before the other side is not read any more.
WINDOW = 2_000
# How many frames may wait for a side that is away. The client keeps as many.
ROOM = 10_000


class Outlet:
    """Frames go out in the order of ``put()``, also across a change of the socket.

    A frame that was being written when the socket ended is lost, as it would be in the network. ``rate`` is how many
    bytes go out in a second; 0: as many as the socket takes. What waits for a side that is away goes out at once.
    """

    def __init__(self, rate: int = 0) -> None:
        self._rate = rate
        self._free = 0.0  # when the frames before have gone out, if there is a rate
        self._socket: Socket | None = None
        # The frames with the times, of the event loop, before which they stay. None: close the socket.
        self._waiting: collections.deque[tuple[float, bytes | None]] = collections.deque()
        self._held: list[bytes] = []
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None

    @property
    def is_open(self) -> bool:
        return self._socket is not None

    @property
    def has_nothing(self) -> bool:
        """Whether all frames went out."""
        return not self._waiting

    def attach(self, socket: Socket) -> None:
        """Send frames to this socket from now on. A socket that was open before is closed."""
        earlier = self._socket
        if earlier is not None:
            self.detach(earlier)
            earlier.close()
        self._socket = socket
        self._writer = asyncio.ensure_future(self._write(socket))

    def detach(self, socket: Socket) -> bool:
        """Keep frames from now on. Return whether this was the open socket."""
        if socket is not self._socket:
            return False
        self._socket = None
        if self._writer is not None:
            self._writer.cancel()
        self._emptied.set()
        return True

    def put(self, frame: bytes | None, delay: float = 0.0) -> bool:
        """Add a frame, or with None the end of the socket. Return whether there was room for it.

        ``delay`` is in seconds; frames behind it wait too, but not longer because of their number.
        """
        if self._socket is None and len(self._waiting) >= ROOM:
            return False
        due = asyncio.get_running_loop().time() + delay if delay or self._rate else 0.0
        if self._rate:
            due = self._free = max(due, self._free) + len(frame or b"") / self._rate
        self._waiting.append((due, frame))
        if self._held:
            self.release()
        self._filled.set()
        return True

    def hold(self, frame: bytes) -> None:
        """Add a frame behind the next one."""
        self._held.append(frame)

    def release(self) -> None:
        """Add the frames that were held."""
        held, self._held = self._held, []
        self._waiting.extend((0.0, frame) for frame in held)
        self._filled.set()

    async def room(self) -> None:
        """Wait while too many frames wait for an open socket, so that a slow reader slows the other side down."""
        while self._socket is not None and len(self._waiting) >= WINDOW:
            self._emptied.clear()
            await self._emptied.wait()

    def close(self, code: int = 1000, text: bytes = b"") -> None:
        """Close the socket, if one is open."""
        if self._socket is not None:
            self._socket.close(code, text)

    def cut(self) -> None:
        """Cut the socket, if one is open."""
        if self._socket is not None:
            self._socket.cut()

    async def _write(self, socket: Socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            while not self._waiting:
                self._filled.clear()
                await self._filled.wait()
            due, frame = self._waiting[0]
            if due > loop.time():
                await asyncio.sleep(due - loop.time())
                continue
            self._waiting.popleft()
            self._emptied.set()
            if frame is None:
                socket.close()
                return
            if not await socket.send(frame):
                return  # whoever reads the socket learns of it too

    async def stop(self) -> None:
        """Cut the socket, and end the task."""
        self.cut()
        if self._writer is not None:
            self._writer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._writer
