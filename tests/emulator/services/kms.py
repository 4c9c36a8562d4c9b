# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""AWS KMS: GenerateDataKey and Decrypt, for sessions that are encrypted.

A region of a world lists its keys as ``kms_keys``: ``[{"id": "...", "alias": "alias/sessions", "enabled": true}]``.
"""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..reading import copy_all
from ..service import APIError, Call, Handler, Section, Service
from ..world_values import WorldError, entries

if TYPE_CHECKING:
    from ..world import World

# It protects nothing but data of tests.
_SECRET = b"emulator"
_SEAL = 1 + 16 + 32  # bytes before the ARN in a ciphertext
_SIZES = {"AES_128": 16, "AES_256": 32}
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ALIAS = re.compile(r"alias/[a-zA-Z0-9:/_-]+")


@dataclasses.dataclass(frozen=True)
class Key:
    """A symmetric key of the account. ``alias`` begins with ``alias/``; it may be empty."""

    id: str
    arn: str
    alias: str
    enabled: bool


class Keys:
    """The keys of one region."""

    def __init__(self, account_id: str) -> None:
        self._account_id = account_id
        self.all: list[Key] = []

    def find(self, given: str) -> Key:
        """Return the key of an ID, an ARN, an alias, or the ARN of an alias. Raises ``APIError``."""
        if given.startswith("arn:") and given.split(":")[4] != self._account_id:
            raise APIError("AccessDeniedException", f"The key {given} does not allow this account to use it.")
        for key in self.all:
            alias_arn = f"{key.arn.rpartition(':')[0]}:{key.alias}"
            if given in (key.id, key.arn) or (key.alias and given in (key.alias, alias_arn)):
                if not key.enabled:
                    raise APIError("DisabledException", f"{key.arn} is disabled.")
                return key
        raise APIError("NotFoundException", f"Key '{given}' does not exist")


def generate_data_key(world: World, call: Call) -> dict[str, Any]:
    params = call.params
    key = world.state(call.region, Keys).find(params["KeyId"])
    size, spec = params.get("NumberOfBytes"), params.get("KeySpec", "")
    if (size is None) == (not spec):
        raise APIError("ValidationException", "Please specify either number of bytes or key spec.")
    context = copy_all(params.get("EncryptionContext", {}))
    ciphertext = seal(key.arn, size if size is not None else _SIZES[spec], context, world.random.randbytes(16))
    return {"KeyId": key.arn, "Plaintext": _plaintext(ciphertext), "CiphertextBlob": ciphertext}


def decrypt(world: World, call: Call) -> dict[str, Any]:
    params = call.params
    keys = world.state(call.region, Keys)
    wanted = keys.find(params["KeyId"]) if "KeyId" in params else None
    # The model does not require it, because a dry run can do without.
    if "CiphertextBlob" not in params:
        raise APIError("ValidationException", "CiphertextBlob is required.")
    ciphertext, context = params["CiphertextBlob"], copy_all(params.get("EncryptionContext", {}))
    arn = ciphertext[_SEAL:].decode("utf-8", "replace")
    if len(ciphertext) < _SEAL or seal(arn, ciphertext[0], context, ciphertext[1:17]) != ciphertext:
        raise APIError("InvalidCiphertextException")
    if wanted is not None and wanted.arn != arn:
        text = "The key ID in the request does not identify a CMK that can perform this operation."
        raise APIError("IncorrectKeyException", text)
    keys.find(arn)
    return {"KeyId": arn, "Plaintext": _plaintext(ciphertext), "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}


def seal(arn: str, size: int, context: Mapping[str, str], chance: bytes) -> bytes:
    """Return the ciphertext of a data key of ``size`` bytes: opaque, and only valid with its encryption context.

    Like AWS, the emulator keeps nothing: all that Decrypt requires is in the ciphertext.
    """
    head = bytes([size]) + chance
    given = json.dumps([arn, dict(context)], sort_keys=True).encode()
    return head + hmac.digest(_SECRET, head + given, "sha256") + arn.encode()


def _plaintext(ciphertext: bytes) -> bytes:
    return hashlib.shake_256(_SECRET + ciphertext).digest(ciphertext[0])


def read_keys(section: Any, world: World, region: str) -> Keys:
    """Read the ``kms_keys`` of a region. Raises ``WorldError`` for a mistake in them."""
    keys = Keys(world.account_id)
    for item in entries(section, ("id", "alias", "enabled"), "kms_key"):
        identifier, alias, enabled = item.get("id"), item.get("alias", ""), item.get("enabled", True)
        if not isinstance(identifier, str) or not _ID.fullmatch(identifier):
            raise WorldError(f"id of a kms_key must be a UUID, not {identifier!r}")
        if not isinstance(alias, str) or (alias and not _ALIAS.fullmatch(alias)):
            raise WorldError(f"alias of a kms_key must begin with alias/: {alias!r}")
        if not isinstance(enabled, bool):
            raise WorldError(f"enabled of a kms_key must be true or false, not {enabled!r}")
        keys.all.append(Key(identifier, f"arn:aws:kms:{region}:{world.account_id}:key/{identifier}", alias, enabled))
    return keys


_OPERATIONS: dict[str, Handler] = {"GenerateDataKey": generate_data_key, "Decrypt": decrypt}

SERVICE = Service("kms", _OPERATIONS, section=Section("kms_keys", Keys, read_keys))
