# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The messages that the service writes, and what clients and agents may send.

The list of contract violations is short on purpose. It has what a correct client or agent never sends. None of it is
relayed, except input with a large payload, which an agent would accept:

- a first frame that is not the text, with its members, that opens a channel, or a second text frame;
- a binary frame that is not a message, or whose payload does not have the digest of its header;
- a message of a type that the other side of the channel does not accept;
- a payload of input with more than 1024 bytes, not counting what encryption adds;
- an acknowledgement without one of its members.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

from ..messages import Message, MessageError
from ..services.ssm.sessions.store import Session

FROM_CLIENT = frozenset({"input_stream_data", "acknowledge"})
FROM_AGENT = frozenset({"output_stream_data", "acknowledge", "agent_session_state"})
# Both programs read at most so many bytes at a time. What the service accepts is not known.
MAX_INPUT = 1024
# The nonce and the tag of AES-GCM.
ENCRYPTION = 28
ACKNOWLEDGEMENT = {
    "AcknowledgedMessageType": str,
    "AcknowledgedMessageId": str,
    "AcknowledgedMessageSequenceNumber": int,
    "IsSequentialMessage": bool,
}
# The number is that of pyssm-client, which works with AWS.
SCHEMA_VERSIONS = ("1.0", 1)
# The other members of the first frame. A ClientId may be empty: that of an agent is, and that of pyssm-client may be.
CLIENT_OPEN = ("RequestId", "TokenValue", "ClientId", "ClientVersion")
AGENT_OPEN = ("RequestId", "TokenValue", "ClientInstanceId")
CONTROL_OPEN = ("RequestId", "TokenValue", "AgentVersion")
# The inputs that the agent expects of every document, with the values that mean nothing.
INPUTS: dict[str, Any] = {
    "s3BucketName": "",
    "s3KeyPrefix": "",
    "s3EncryptionEnabled": False,
    "cloudWatchLogGroupName": "",
    "cloudWatchStreamingEnabled": False,
    "cloudWatchEncryptionEnabled": False,
    "kmsKeyId": "",
    "runAsEnabled": False,
    "runAsDefaultUser": "",
    "shellProfile": {"linux": "", "windows": ""},
}


class BreachError(ValueError):
    """A frame that a correct client or agent never sends; the message says why, and has nothing secret in it."""


# --- what the service writes ----------------------------------------------------------------------------------------


def interactive_shell(session: Session, content: Mapping[str, Any], run_as: str) -> Message:
    """Return what starts a session on its node."""
    said = {
        "DocumentName": session.document_name,
        "SessionId": session.session_id,
        "RunAsUser": run_as,
        "SessionOwner": session.owner,
        "Parameters": {name: _plain(values) for name, values in session.parameters.items()},
        "DocumentContent": {
            "schemaVersion": "1.0",
            "description": content.get("description", ""),
            "sessionType": content.get("sessionType", "Standard_Stream"),
            "parameters": content.get("parameters", {}),
            "inputs": {**INPUTS, **content.get("inputs", {})},
            "properties": content.get("properties", {}),
        },
    }
    task = {
        "SchemaVersion": 1,
        "TaskId": session.session_id,
        "Topic": "aws.ssm.startSession",
        "Content": json.dumps(said),
    }
    return Message.of_json("interactive_shell", task)


def _plain(values: list[str]) -> str | list[str]:
    """Return the value of a parameter; only a StringList can have several."""
    return values[0] if len(values) == 1 else values


def channel_closed(session: Session, output: str, created: str) -> Message:
    """Return what tells the client or the agent that a session has ended."""
    said = {
        "MessageId": str(uuid.uuid4()),
        "CreatedDate": created,
        "DestinationId": session.target,
        "SessionId": session.session_id,
        "MessageType": "channel_closed",
        "SchemaVersion": 1,
        "Output": output,
    }
    return Message.of_json("channel_closed", said)


def task_acknowledged(message: Message, task_id: str) -> Message:
    """Return the answer to ``agent_task_complete``."""
    said = {"SchemaVersion": 1, "MessageId": str(message.id), "TaskId": task_id, "Topic": "agent_task_acknowledge"}
    return Message.of_json("agent_task_acknowledge", said)


# --- what the others may send ---------------------------------------------------------------------------------------


def read_open(frame: str | bytes, members: tuple[str, ...]) -> dict[str, Any]:
    """Return the members of the first frame of a channel. Raises ``BreachError``."""
    if isinstance(frame, bytes):
        raise BreachError("the first frame is not a text frame")
    try:
        said = json.loads(frame)
    except ValueError:
        raise BreachError("the first frame is not JSON") from None
    if not isinstance(said, dict) or said.get("MessageSchemaVersion") not in SCHEMA_VERSIONS:
        raise BreachError("the first frame has no MessageSchemaVersion 1.0")
    missing = [name for name in members if not isinstance(said.get(name), str)]
    if missing:
        raise BreachError(f"the first frame lacks {', '.join(missing)}")
    return said


def read_message(frame: str | bytes, allowed: frozenset[str] | None = None) -> Message:
    """Return the message of a frame of one of the allowed types, or of any type. Raises ``BreachError``."""
    if isinstance(frame, str):
        raise BreachError("a text frame that is not the first frame")
    try:
        message = Message.decode(frame)
    except MessageError as error:
        raise BreachError(str(error)) from None
    if allowed is not None and message.type not in allowed:
        raise BreachError(f"a message of type {message.type}")
    if not message.valid:
        raise BreachError(f"{message.type}: the digest is not that of the payload")
    if message.type == "acknowledge":
        _check_acknowledgement(message)
    return message


def _check_acknowledgement(message: Message) -> None:
    said = read_json(message)
    wrong = [name for name, kind in ACKNOWLEDGEMENT.items() if not isinstance(said.get(name), kind)]
    if wrong:
        raise BreachError(f"acknowledge: {', '.join(wrong)} is missing or of another type")


def read_json(message: Message) -> dict[str, Any]:
    """Return the payload of a message that has a JSON object. Raises ``BreachError``."""
    try:
        said = message.json()
    except MessageError as error:
        raise BreachError(str(error)) from None
    if not isinstance(said, dict):
        raise BreachError(f"{message.type}: the payload is not a JSON object")
    return said


def oversize(message: Message, encrypted: bool) -> str:
    """Return what is wrong with the size of a payload of input, or an empty string."""
    most = MAX_INPUT + (ENCRYPTION if encrypted else 0)
    if message.type == "input_stream_data" and len(message.payload) > most:
        return f"a payload of {len(message.payload)} bytes, more than {most}"
    return ""
