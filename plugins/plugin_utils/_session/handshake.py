# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Read and write what is said at the start of a session.

The client first sends one text frame, which opens the data channel with the token of ``StartSession`` or
``ResumeSession``. Nobody answers it. A wrong token closes the socket.

Sessions of some kinds then begin with a handshake. The agent waits 15 seconds for the answer. A session of an
interactive command has none, unless its document encrypts: its first message is output.

    agent   HANDSHAKE_REQUEST   {"AgentVersion": "3.3.0.0", "RequestedClientActions": [
                                 {"ActionType": "SessionType", "ActionParameters": {"SessionType": "Port", ...}},
                                 {"ActionType": "KMSEncryption",
                                  "ActionParameters": {"KMSKeyId": "...", "Challenge": "..."}}]}
    client  HANDSHAKE_RESPONSE  {"ClientVersion": "1.2.694.0", "ProcessedClientActions": [
                                 {"ActionType": "SessionType", "ActionStatus": 1, "ActionResult": null, "Error": ""},
                                 {"ActionType": "KMSEncryption", "ActionStatus": 1, "Error": "", "ActionResult":
                                  {"KMSCipherTextKey": "...", "KMSCipherTextHash": null,
                                   "ChallengeAcknowledgement": true}}], "Errors": null}
    agent   CHALLENGE_REQUEST   {"Challenge": "..."}
    client  CHALLENGE_RESPONSE  {"Challenge": "..."}
    agent   HANDSHAKE_COMPLETE  {"HandshakeTimeToComplete": 1200000, "CustomerMessage": ""}

The agent ends the session if any action does not succeed. ``encryption.py`` describes the data key. The challenge in
the action is for the encryption context of the data key; older agents send none. The other challenge is random data
that the agent has encrypted. The client must return the same data, encrypted with its own half of the data key.
Source: ``contracts`` in https://github.com/aws/amazon-ssm-agent.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import uuid
from typing import Any

# The agent adapts to the version of the client: since 1.1.70 it expects several connections in a port session, and
# since 1.2.295 it does not advise users to update the plugin.
CLIENT_VERSION = "1.2.694.0"

SUCCESS = 1
_LONGEST_KEY_ID = 2048  # API reference of GenerateDataKey

NON_INTERACTIVE = "NonInteractiveCommands"
STREAMS_OUTPUT = (3, 1, 1511)  # the first version of SSM Agent that sends the output of such a session at once

SESSION_TYPE = "SessionType"
KMS_ENCRYPTION = "KMSEncryption"


class HandshakeError(ValueError):
    """The agent said something at the start of a session that has no meaning. The text says what is missing."""


@dataclasses.dataclass(frozen=True)
class Request:
    """What the agent asks for. ``actions`` are the types of all actions, in their order.

    ``kms_key_id`` is the ID, alias or ARN of the key that the session is to be encrypted with, or an empty text.
    ``kms_challenge`` is for the encryption context of the data key. It is empty if the agent sends none.
    ``agent_version`` is empty if it is not known.
    """

    actions: tuple[str, ...]
    session_type: str
    kms_key_id: str = ""
    kms_challenge: str = ""
    agent_version: tuple[int, ...] = ()


def open_channel(token: str, client_id: uuid.UUID, request_id: uuid.UUID) -> str:
    """Return the text frame that opens a data channel. It holds the token, which must not be logged.

    ``client_id`` stays the same when the session is resumed.
    """
    return json.dumps(
        {
            "MessageSchemaVersion": "1.0",
            "RequestId": str(request_id),
            "TokenValue": token,
            "ClientId": str(client_id),
            "ClientVersion": CLIENT_VERSION,
        }
    )


def read_request(payload: bytes) -> Request:
    """Return what the agent asks for. Raises ``HandshakeError``."""
    said = _mapping(_json(payload), "The handshake")
    listed = said.get("RequestedClientActions")
    if not isinstance(listed, list):
        raise HandshakeError("The handshake has no list of actions.")
    given = [_mapping(action, "An action of the handshake") for action in listed]
    actions = tuple(str(action.get("ActionType", "")) for action in given)
    session, kms = _parameters(given, SESSION_TYPE), _parameters(given, KMS_ENCRYPTION)
    key_id, challenge = kms.get("KMSKeyId"), kms.get("Challenge") or ""
    request = Request(actions, str(session.get("SessionType", "")), agent_version=_version(said.get("AgentVersion")))
    if KMS_ENCRYPTION not in actions:
        return request
    if not (isinstance(key_id, str) and 0 < len(key_id) <= _LONGEST_KEY_ID and isinstance(challenge, str)):
        raise HandshakeError("The handshake asks for encryption and does not name an AWS KMS key.")
    return dataclasses.replace(request, kms_key_id=key_id, kms_challenge=challenge)


def _version(given: object) -> tuple[int, ...]:
    """Return the numbers of a version such as ``3.3.0.0``; none for what is no version."""
    parts = str(given).split(".")
    return tuple(map(int, parts)) if all(part.isascii() and part.isdigit() for part in parts) else ()


def _parameters(actions: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    """Return the parameters of the first action of a kind."""
    found = next((action for action in actions if action.get("ActionType") == kind), {})
    return _mapping(found.get("ActionParameters") or {}, f"The value of ActionParameters of {kind}")


def why_refused(request: Request) -> str:
    """Return why the session cannot be used, or an empty text."""
    if set(request.actions) - {SESSION_TYPE, KMS_ENCRYPTION}:
        return (
            "At the start of the session, SSM Agent requested an action that the plugin does not support. Set "
            "ansible_aws_ssm_document to another document."
        )
    if request.session_type == NON_INTERACTIVE and request.agent_version < STREAMS_OUTPUT:
        return "This requires SSM Agent 3.1.1511 or newer, because older ones write all output to the disk of the node."
    return ""


def response(request: Request, encrypted_key: bytes = b"") -> bytes:
    """Return the answer to a request that is not refused.

    ``encrypted_key`` is the data key as AWS KMS has encrypted it, if the session is to be encrypted.
    """
    kms = {
        "KMSCipherTextKey": base64.b64encode(encrypted_key).decode(),
        "KMSCipherTextHash": None,
        # The agent decrypts with the same encryption context.
        "ChallengeAcknowledgement": bool(request.kms_challenge),
    }
    results = {KMS_ENCRYPTION: kms}
    processed = [
        {"ActionType": action, "ActionStatus": SUCCESS, "ActionResult": results.get(action), "Error": ""}
        for action in request.actions
    ]
    said = {"ClientVersion": CLIENT_VERSION, "ProcessedClientActions": processed, "Errors": None}
    return json.dumps(said).encode()


def read_challenge(payload: bytes) -> bytes:
    """Return the encrypted data with which the agent checks the key of the client. Raises ``HandshakeError``."""
    said = _mapping(_json(payload), "The challenge of the handshake")
    try:
        return base64.b64decode(str(said.get("Challenge") or ""), validate=True)
    except ValueError:
        raise HandshakeError("The challenge of the handshake is not base64.") from None


def challenge_response(encrypted: bytes) -> bytes:
    """Return the answer to a challenge."""
    return json.dumps({"Challenge": base64.b64encode(encrypted).decode()}).encode()


def read_complete(payload: bytes) -> str:
    """Return the message for the user with which the handshake ends, or an empty text. Raises ``HandshakeError``."""
    said = _mapping(_json(payload), "The end of the handshake")
    return str(said.get("CustomerMessage") or "")


def read_closed(payload: bytes) -> str:
    """Return what the message ``channel_closed`` says, such as why the agent could not run the command, or ''."""
    try:
        said = _mapping(_json(payload), "The message")
    except HandshakeError:
        return ""  # the channel is closed all the same
    return str(said.get("Output") or "")


def _json(payload: bytes) -> Any:
    try:
        return json.loads(payload)
    except (ValueError, RecursionError):
        raise HandshakeError("The handshake is not JSON.") from None


def _mapping(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise HandshakeError(f"{what} is not a JSON object.")
    return value
