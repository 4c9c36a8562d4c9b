# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A WebSocket that somebody else opened."""

from __future__ import annotations

import asyncio

from aiohttp import WSCloseCode, WSMsgType, web

# How long a side may take to send the first frame, and to answer when its socket is closed.
OPEN_SECONDS = 30.0
CLOSE_SECONDS = 2.0
# An agent accepts payloads of 4 MiB; what the service accepts is not known.
MAX_FRAME = 5 * 1024 * 1024


class Socket:
    """One open WebSocket. ``accept()`` makes it."""

    def __init__(self, request: web.Request, response: web.WebSocketResponse) -> None:
        self._request = request
        self._response = response
        self._closing: set[asyncio.Task[bool]] = set()

    @classmethod
    async def accept(cls, request: web.Request) -> Socket:
        """Upgrade a request. Raises ``HTTPBadRequest`` if it does not ask for a WebSocket."""
        response = web.WebSocketResponse(timeout=CLOSE_SECONDS, compress=False, max_msg_size=MAX_FRAME)
        await response.prepare(request)
        return cls(request, response)

    @property
    def response(self) -> web.WebSocketResponse:
        """What the handler of the request returns in the end."""
        return self._response

    async def first(self) -> str | bytes | None:
        """Return the first frame, or None if none comes in time."""
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                return await self.read()
        except TimeoutError:
            return None

    async def read(self) -> str | bytes | None:
        """Return the next frame, ``str`` if it is text, or None once the socket has ended. Pings are answered."""
        message = await self._response.receive()
        if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
            frame: str | bytes = message.data
            return frame
        return None

    async def send(self, frame: bytes) -> bool:
        """Send a frame. Return whether the socket took it."""
        try:
            await self._response.send_bytes(frame)
        except (ConnectionError, RuntimeError):
            return False
        return True

    async def refuse(self) -> None:
        """Close the socket before anything was relayed, as for a wrong token."""
        await self._response.close(code=WSCloseCode.POLICY_VIOLATION)

    def close(self, code: int = 1000, text: bytes = b"") -> None:
        """Begin to close the socket, without waiting for the other side."""
        task = asyncio.ensure_future(self._response.close(code=code, message=text))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def cut(self) -> None:
        """End the connection at once, without a word."""
        if self._request.transport is not None:
            self._request.transport.abort()
