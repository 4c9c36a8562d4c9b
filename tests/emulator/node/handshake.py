# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The handshake before the output of a session of NonInteractiveCommands."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

from ..messages import Message, MessageError
from .cancel import Cancel
from .stream import HANDSHAKE_COMPLETE, HANDSHAKE_REQUEST, DataStream, UnprocessedError

ANSWER_SECONDS = 15.0
SUCCESS = 1
# Clients up to this version print standard error as output.
_NOT_SEPARATING = (1, 2, 295, 0)
_PLEASE_UPDATE = (
    "Please update session manager plugin version (minimum required version 1.2.312.0)"
    " for fully support of separate StdOut/StdErr output.\r\n"
)
_TIMED_OUT = "Handshake timed out. Please ensure that you have the latest version of the session manager plugin."


class HandshakeError(Exception):
    """The client did not answer, or could not do what the agent asked for."""


class Handshake:
    """One handshake. ``done`` is true once input is processed: after the handshake, or if there is none."""

    def __init__(self) -> None:
        self.done = False
        self._answered = threading.Event()
        self._answer: dict[str, Any] = {}

    def perform(self, stream: DataStream, cancel: Cancel, version: str, session_type: str, separate: bool) -> None:
        """Ask, wait for the answer, and complete. Raises ``HandshakeError``.

        Returns early if the session is cancelled.
        """
        started = time.monotonic()
        stream.send(HANDSHAKE_REQUEST, json.dumps(_request(version, session_type)).encode())
        while not self._answered.wait(0.02):
            if cancel.is_set():
                return
            if time.monotonic() - started > ANSWER_SECONDS:
                raise HandshakeError(_TIMED_OUT)
        _check(self._answer)
        said = {
            "HandshakeTimeToComplete": int((time.monotonic() - started) * 1e9),
            "CustomerMessage": _PLEASE_UPDATE if separate and _is_old(self._answer.get("ClientVersion")) else "",
        }
        stream.send(HANDSHAKE_COMPLETE, json.dumps(said).encode())
        # As in the agent: input that arrives before this line is still discarded.
        self.done = True

    def receive(self, message: Message) -> None:
        """Take the client's answer. Raises ``UnprocessedError`` if it is not valid."""
        try:
            said = message.json()
        except MessageError as error:
            raise UnprocessedError(str(error)) from None
        if not isinstance(said, dict):
            raise UnprocessedError("The answer is not an object.")
        self._answer = said
        self._answered.set()


def _request(version: str, session_type: str) -> dict[str, Any]:
    parameters = {"SessionType": session_type, "Properties": None}
    action = {"ActionType": "SessionType", "ActionParameters": parameters}
    return {"AgentVersion": version, "RequestedClientActions": [action]}


def _check(answer: dict[str, Any]) -> None:
    for action in answer.get("ProcessedClientActions") or []:
        kind, status = action.get("ActionType"), action.get("ActionStatus")
        if status != SUCCESS:
            raise HandshakeError(f"{kind} failed on client with status {status} error: {action.get('Error') or ''}")


def _is_old(version: Any) -> bool:
    try:
        numbers = tuple(int(part) for part in str(version).split("."))
    except ValueError:
        return False
    return (*numbers, 0, 0, 0, 0)[:4] <= _NOT_SEPARATING
