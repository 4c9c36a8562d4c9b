# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Encrypt the messages of a session with a data key of AWS KMS.

The document of a session, or the preferences of Session Manager, can name a key of AWS KMS. The agent then asks for
encryption in the handshake. The client calls ``GenerateDataKey`` and sends the encrypted data key to the agent, which
calls ``Decrypt`` with the same encryption context.

The data key has 64 bytes. The agent encrypts with the first 32, and the client with the others. Only input and output
are encrypted, because what is said in the handshake has no secrets. An encrypted payload is::

    nonce (12 bytes) | ciphertext of AES-256-GCM | tag (16 bytes)

Source: ``encryption`` in https://github.com/aws/session-manager-plugin, and ``agent/session/crypto`` in
https://github.com/aws/amazon-ssm-agent.
"""

from __future__ import annotations

import dataclasses
import os

KEY_SIZE = 64  # bytes of a data key, for both directions
_NONCE_SIZE = 12
_NO_LIBRARY = "An encrypted session requires the Python library cryptography on the controller."
_WRONG_KEY = (
    "Data of the session could not be decrypted. It was changed on the way, or SSM Agent uses another data key."
)


class EncryptionError(ValueError):
    """A session cannot be encrypted, or something cannot be decrypted. The text has no part of a key or of data."""


@dataclasses.dataclass(frozen=True)
class DataKey:
    """The reply of GenerateDataKey: the data key, which is secret, and the same encrypted by AWS KMS."""

    plaintext: bytes = dataclasses.field(repr=False)
    ciphertext: bytes = dataclasses.field(repr=False)


class Cipher:
    """Encrypts what the client sends, and decrypts what the agent sends."""

    def __init__(self, key: bytes) -> None:
        """Take the data key. Raises ``EncryptionError``."""
        try:
            # Imported only here, because only encrypted sessions use it.
            from cryptography.exceptions import InvalidTag
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        except ImportError:
            raise EncryptionError(_NO_LIBRARY) from None
        if len(key) != KEY_SIZE:
            raise EncryptionError(f"AWS KMS returned a data key of {len(key)} bytes in place of {KEY_SIZE}.")
        self._not_decrypted = (InvalidTag, ValueError)  # ValueError if the nonce is too short
        self._from_agent = AESGCM(key[: KEY_SIZE // 2])
        self._to_agent = AESGCM(key[KEY_SIZE // 2 :])

    def encrypt(self, data: bytes) -> bytes:
        """Return data for the agent, encrypted. It is 28 bytes longer."""
        nonce = os.urandom(_NONCE_SIZE)
        return nonce + self._to_agent.encrypt(nonce, data, None)

    def decrypt(self, data: bytes) -> bytes:
        """Return what the agent encrypted. Raises ``EncryptionError``."""
        try:
            return self._from_agent.decrypt(data[:_NONCE_SIZE], data[_NONCE_SIZE:], None)
        except self._not_decrypted:
            raise EncryptionError(_WRONG_KEY) from None
