# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The handshake before the output of a session of NonInteractiveCommands, or of one that is encrypted."""

from __future__ import annotations

import contextlib
import json
import queue
import time
from collections.abc import Callable
from typing import Any

from ..messages import Message, MessageError
from .cancel import Cancel
from .encryption import Encryption, EncryptionError
from .stream import (
    CHALLENGE_REQUEST,
    CHALLENGE_RESPONSE,
    HANDSHAKE_COMPLETE,
    HANDSHAKE_REQUEST,
    HANDSHAKE_RESPONSE,
    DataStream,
    UnprocessedError,
)

ANSWER_SECONDS = 15.0
SUCCESS = 1
KMS = "KMSEncryption"
# Clients up to this version print standard error as output.
_NOT_SEPARATING = (1, 2, 295, 0)
_PLEASE_UPDATE = (
    "Please update session manager plugin version (minimum required version 1.2.312.0)"
    " for fully support of separate StdOut/StdErr output.\r\n"
)
_TIMED_OUT = "Handshake timed out. Please ensure that you have the latest version of the session manager plugin."
_ENCRYPTED = "This session is encrypted using AWS KMS."
# The type of the answer to each message, and the text of an answer that does not come.
_ANSWERS = {
    HANDSHAKE_REQUEST: (HANDSHAKE_RESPONSE, _TIMED_OUT),
    CHALLENGE_REQUEST: (CHALLENGE_RESPONSE, "Timed out waiting for encryption challenge."),
}


class HandshakeError(Exception):
    """The client did not answer, or could not do what the agent asked for."""


class Handshake:
    """One handshake. ``done`` is true once input is processed: after the handshake, or if there is none."""

    def __init__(self) -> None:
        self.done = False
        self._answers: queue.SimpleQueue[tuple[int, dict[str, Any]]] = queue.SimpleQueue()

    def perform(
        self,
        stream: DataStream,
        cancel: Cancel,
        version: str,
        session_type: str,
        separate: bool,
        encryption: Encryption | None,
    ) -> None:
        """Ask, wait for the answers, and complete. Raises ``HandshakeError``.

        Returns early if the session is cancelled.
        """
        started = time.monotonic()
        said = _request(version, session_type, encryption)
        answer = self._ask(stream, cancel, HANDSHAKE_REQUEST, said, lambda given: None)
        if answer is None:
            return
        _check(answer)
        if encryption is not None:
            try:
                encryption.take(_result(answer, KMS))
            except EncryptionError as error:
                raise HandshakeError(str(error)) from None
            if self._ask(stream, cancel, CHALLENGE_REQUEST, encryption.question(), encryption.check) is None:
                return
            stream.encryption = encryption
        said = {
            "HandshakeTimeToComplete": int((time.monotonic() - started) * 1e9),
            "CustomerMessage": _message(answer, separate=separate, encrypted=encryption is not None),
        }
        stream.send(HANDSHAKE_COMPLETE, json.dumps(said).encode())
        # As in the agent: input that arrives before this line is still discarded.
        self.done = True

    def _ask(
        self,
        stream: DataStream,
        cancel: Cancel,
        payload_type: int,
        said: dict[str, Any],
        check: Callable[[dict[str, Any]], None],
    ) -> dict[str, Any] | None:
        """Send a message, and return its answer; None if the session is cancelled.

        An answer for which ``check`` raises ``EncryptionError`` is passed over, as in the agent. Raises
        ``HandshakeError`` if no other one comes in time.
        """
        wanted, timed_out = _ANSWERS[payload_type]
        asked = time.monotonic()
        stream.send(payload_type, json.dumps(said).encode())
        while time.monotonic() - asked <= ANSWER_SECONDS:
            if cancel.is_set():
                return None
            with contextlib.suppress(queue.Empty):
                kind, answer = self._answers.get(timeout=0.02)
                if kind == wanted:
                    with contextlib.suppress(EncryptionError):
                        check(answer)
                        return answer
        raise HandshakeError(timed_out)

    def receive(self, message: Message) -> None:
        """Take an answer of the client. Raises ``UnprocessedError`` if it is not valid."""
        try:
            said = message.json()
        except MessageError as error:
            raise UnprocessedError(str(error)) from None
        if not isinstance(said, dict):
            raise UnprocessedError("The answer is not an object.")
        self._answers.put((message.payload_type, said))


def _message(answer: dict[str, Any], *, separate: bool, encrypted: bool) -> str:
    """Return what the client shows the user."""
    update = _PLEASE_UPDATE if separate and _is_old(answer.get("ClientVersion")) else ""
    return f"{update}{_ENCRYPTED}" if encrypted else update


def _request(version: str, session_type: str, encryption: Encryption | None) -> dict[str, Any]:
    parameters = {"SessionType": session_type, "Properties": None}
    actions: list[dict[str, Any]] = [{"ActionType": "SessionType", "ActionParameters": parameters}]
    if encryption is not None:
        kms = {"KMSKeyId": encryption.key_id}
        if encryption.challenge:
            kms["Challenge"] = encryption.challenge
        actions.append({"ActionType": KMS, "ActionParameters": kms})
    return {"AgentVersion": version, "RequestedClientActions": actions}


def _result(answer: dict[str, Any], kind: str) -> Any:
    actions = answer.get("ProcessedClientActions") or []
    return next((action.get("ActionResult") for action in actions if action.get("ActionType") == kind), None)


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
