# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The record of all frames, without their payloads."""

from __future__ import annotations

import collections
import time
from typing import NamedTuple

# A transfer of 50 MB has as many frames.
KEPT = 100_000


class Frame(NamedTuple):
    """One frame that the gateway received, or that it sent by itself.

    ``seq`` counts from 1, ``at`` is in seconds since the gateway started, ``direction`` is such as ``client to agent``,
    ``size`` is that of the payload in bytes. ``fault`` describes what was done to the frame; None: it was forwarded.
    """

    seq: int
    at: float
    session: str
    direction: str
    type: str
    sequence: int
    payload_type: int
    size: int
    fault: str | None


class FrameJournal:
    """The last ``KEPT`` frames, in the order in which the gateway handled them."""

    def __init__(self) -> None:
        self._frames: collections.deque[Frame] = collections.deque(maxlen=KEPT)
        self._count = 0
        self._started = time.monotonic()

    def add(
        self,
        session: str,
        direction: str,
        frame_type: str,
        *,
        sequence: int = 0,
        payload_type: int = 0,
        size: int = 0,
        fault: str | None = None,
    ) -> None:
        self._count += 1
        at = round(time.monotonic() - self._started, 6)
        self._frames.append(Frame(self._count, at, session, direction, frame_type, sequence, payload_type, size, fault))

    def select(self, session: str | None = None, frame_type: str | None = None, since: int = 0) -> list[Frame]:
        """Return the frames after number ``since``, optionally only those of one session or of one type."""
        return [
            frame
            for frame in list(self._frames)
            if frame.seq > since and session in (None, frame.session) and frame_type in (None, frame.type)
        ]
