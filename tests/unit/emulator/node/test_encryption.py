# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test the agent's side of encrypted sessions, where the client does not do what it should."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from emulator.node.encryption import Encryption, EncryptionError
from emulator.node.options import AgentOptions
from emulator.node.service import Service
from emulator.node.settings import Settings

KEY = bytes(range(64))
BLOB = base64.b64encode(b"blob").decode()


class KeyService(Service):
    """A service whose AWS KMS returns one key. ``contexts`` are the encryption contexts."""

    def __init__(self) -> None:
        super().__init__(Settings("127.0.0.1", 1, "us-east-1", "i-1", "3.3", "linux", "A", "s", None, AgentOptions()))
        self.contexts: list[Mapping[str, str]] = []

    def decrypt(self, unused_ciphertext: str, unused_key_id: str, context: Mapping[str, str]) -> bytes:
        self.contexts.append(context)
        return KEY


def keyed(acknowledged: bool = True, **options: bool) -> Encryption:
    """Return an encryption that has its key."""
    service = KeyService()
    encryption = Encryption(service, "s-1", "alias/x", **{"challenged": True, "required": False, **options})
    encryption.take({"KMSCipherTextKey": BLOB, "ChallengeAcknowledgement": acknowledged})
    expected = {"aws:ssm:SessionId": "s-1", "aws:ssm:TargetId": "i-1"}
    if acknowledged:
        expected["aws:ssm:RandomChallenge"] = encryption.challenge
    assert service.contexts == [expected]
    return encryption


def answer(encryption: Encryption, key: bytes = KEY, change: bytes = b"") -> dict[str, Any]:
    """Return what a client with this key answers to the challenge."""
    asked = base64.b64decode(json.loads(json.dumps(encryption.question()))["Challenge"])
    data = AESGCM(KEY[:32]).decrypt(asked[:12], asked[12:], None)
    sealed = bytes(12) + AESGCM(key[32:]).encrypt(bytes(12), data + change, None)
    return {"Challenge": base64.b64encode(sealed).decode()}


@pytest.mark.parametrize("acknowledged", [True, False])
def test_a_client_with_the_key_passes(acknowledged: bool) -> None:
    encryption = keyed(acknowledged)
    encryption.check(answer(encryption))


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"key": bytes(64)}, "message authentication failed"),
        ({"change": b"x"}, "the answer is not the challenge"),
    ],
)
def test_a_client_with_another_key_or_answer_fails(given: dict[str, bytes], text: str) -> None:
    encryption = keyed()
    with pytest.raises(EncryptionError, match=text):
        encryption.check(answer(encryption, **given))


@pytest.mark.parametrize("said", [{}, {"Challenge": "?"}, {"Challenge": ""}, {"Challenge": BLOB}])
def test_an_answer_that_is_no_ciphertext_fails(said: dict[str, str]) -> None:
    with pytest.raises(EncryptionError, match="message authentication failed"):
        keyed().check(said)


@pytest.mark.parametrize("result", [None, {}, {"KMSCipherTextKey": None}, "text"])
def test_a_client_without_a_data_key_fails(result: Any) -> None:
    encryption = Encryption(KeyService(), "s-1", "alias/x", challenged=False, required=False)
    with pytest.raises(EncryptionError, match="the answer has no data key"):
        encryption.take(result)


def test_a_client_that_does_not_acknowledge_the_challenge_fails_if_it_is_required() -> None:
    with pytest.raises(EncryptionError, match="did not acknowledge the challenge"):
        keyed(acknowledged=False, required=True)


def test_no_nonce_is_used_twice() -> None:
    encryption = keyed()
    assert len({encryption.encrypt(b"x")[:12] for unused in range(100)}) == 100
