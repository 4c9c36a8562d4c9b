# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The agent's side of a session that is encrypted with a data key of AWS KMS.

It is written from the sources of the agent, not from the collection's own code, so that a mistake there is found.
Source: agent/session/crypto of amazon-ssm-agent.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .service import Service, ServiceError

NONCE = 12
CHALLENGE_BYTES = 64


class EncryptionError(Exception):
    """The session cannot be encrypted, or the client does not have its key."""


class Encryption:
    """The keys of one session. ``challenge`` is for the encryption context; an empty one is not part of it."""

    def __init__(self, service: Service, session_id: str, key_id: str, *, challenged: bool, required: bool) -> None:
        self.key_id = key_id
        self.challenge = base64.b64encode(os.urandom(16)).decode() if challenged else ""
        self._required = required
        self._service = service
        self._session_id = session_id
        self._asked = os.urandom(CHALLENGE_BYTES)
        self._nonce = int.from_bytes(os.urandom(NONCE), "big")
        self._send: AESGCM
        self._receive: AESGCM

    def take(self, result: Any) -> None:
        """Take the client's data key, and decrypt it with AWS KMS. Raises ``EncryptionError``."""
        if not isinstance(result, Mapping) or not isinstance(result.get("KMSCipherTextKey"), str):
            raise EncryptionError("Finalizing KMS encryption failed: the answer has no data key")
        acknowledged = bool(self.challenge) and result.get("ChallengeAcknowledgement") is True
        if self._required and not acknowledged:
            raise EncryptionError("Finalizing KMS encryption failed: the client did not acknowledge the challenge")
        context = {"aws:ssm:SessionId": self._session_id, "aws:ssm:TargetId": self._service.settings.node_id}
        if acknowledged:
            context["aws:ssm:RandomChallenge"] = self.challenge
        try:
            key = self._service.decrypt(result["KMSCipherTextKey"], self.key_id, context)
        except ServiceError as error:
            text = f"Unable to retrieve data key, Error when decrypting data key {error}"
            raise EncryptionError(f"Fetching data key failed: {text}") from None
        self._send, self._receive = AESGCM(key[:32]), AESGCM(key[32:])

    def encrypt(self, data: bytes) -> bytes:
        """Encrypt output. The nonce is a counter, as in the agent."""
        self._nonce = (self._nonce + 1) % (1 << 8 * NONCE)
        nonce = self._nonce.to_bytes(NONCE, "big")
        return nonce + self._send.encrypt(nonce, data, None)

    def decrypt(self, data: bytes) -> bytes:
        """Decrypt input. Raises ``EncryptionError``."""
        try:
            return self._receive.decrypt(data[:NONCE], data[NONCE:], None)
        except (InvalidTag, ValueError):
            raise EncryptionError("Error decrypting encrypted text, cipher: message authentication failed") from None

    def question(self) -> dict[str, str]:
        """Return what checks that the client has the key."""
        return {"Challenge": base64.b64encode(self.encrypt(self._asked)).decode()}

    def check(self, answer: Mapping[str, Any]) -> None:
        """Raise ``EncryptionError`` unless the client has the key."""
        try:
            data = base64.b64decode(str(answer.get("Challenge")), validate=True)
        except binascii.Error:
            data = b""
        if self.decrypt(data) != self._asked:
            raise EncryptionError("Encryption challenge failed: the answer is not the challenge")
