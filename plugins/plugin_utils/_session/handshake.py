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
                                 {"ActionType": "KMSEncryption", "ActionParameters": {"KMSKeyId": "...", ...}}]}
    client  HANDSHAKE_RESPONSE  {"ClientVersion": "1.2.694.0", "ProcessedClientActions": [
                                 {"ActionType": "SessionType", "ActionStatus": 1, "ActionResult": null, "Error": ""},
                                 ...], "Errors": null}
    agent   HANDSHAKE_COMPLETE  {"HandshakeTimeToComplete": 1200000, "CustomerMessage": ""}

The agent ends the session if any action does not succeed.
Source: ``contracts`` in https://github.com/aws/amazon-ssm-agent.
"""

from __future__ import annotations

import dataclasses
import json
import uuid
from typing import Any

# The agent adapts to the version of the client: since 1.1.70 it expects several connections in a port session, and
# since 1.2.295 it does not advise users to update the plugin.
CLIENT_VERSION = "1.2.694.0"

SUCCESS = 1

SESSION_TYPE = "SessionType"
KMS_ENCRYPTION = "KMSEncryption"


class HandshakeError(ValueError):
    """The agent said something at the start of a session that has no meaning. The text says what is missing."""


@dataclasses.dataclass(frozen=True)
class Request:
    """What the agent asks for. ``actions`` are the types of all actions, in their order."""

    actions: tuple[str, ...]
    session_type: str


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
    session = next((action for action in given if action.get("ActionType") == SESSION_TYPE), {})
    parameters = _mapping(session.get("ActionParameters") or {}, f"The parameters of {SESSION_TYPE}")
    return Request(actions, str(parameters.get("SessionType", "")))


def why_refused(request: Request) -> str:
    """Return why the session cannot be used, or an empty text."""
    if KMS_ENCRYPTION in request.actions:
        return (
            "Sessions that are encrypted with an AWS KMS key are not supported. The key is set in the document, or in "
            "the preferences of Session Manager. Set ansible_aws_ssm_document to a document without kmsKeyId."
        )
    if set(request.actions) - {SESSION_TYPE}:
        return (
            "SSM Agent requested an action at the start of the session that is not supported. Set "
            "ansible_aws_ssm_document to another document."
        )
    return ""


def response(request: Request) -> bytes:
    """Return the answer to a request that is not refused."""
    processed = [
        {"ActionType": action, "ActionStatus": SUCCESS, "ActionResult": None, "Error": ""} for action in request.actions
    ]
    said = {"ClientVersion": CLIENT_VERSION, "ProcessedClientActions": processed, "Errors": None}
    return json.dumps(said).encode()


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
