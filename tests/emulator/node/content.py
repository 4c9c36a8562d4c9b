# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Read what the gateway pushes to start a session: the ``interactive_shell`` message."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from typing import Any

STANDARD_STREAM = "Standard_Stream"
INTERACTIVE = "InteractiveCommands"
NON_INTERACTIVE = "NonInteractiveCommands"
PORT = "Port"
# What the agent allows before each piece of output.
_PREFIX = re.compile(r"[0-9a-zA-Z\r\n_:-]{0,30}")


class TaskError(Exception):
    """A session that cannot start. The text is the Output of its ``agent_task_complete``."""


@dataclasses.dataclass(frozen=True)
class Task:
    """What one session has to do. ``command`` has its parameters filled in."""

    session_type: str
    command: str
    elevated: bool
    # None if the document does not ask for a user.
    run_as: str | None
    shell_profile: str
    separate_output: bool
    prefixes: tuple[bytes, bytes]
    kms_key_id: str


def read_content(text: Any) -> Task:
    """Read the Content of a message. Raises ``TaskError`` for what an agent, or this node, cannot run."""
    try:
        content = json.loads(text)
        document = content["DocumentContent"]
        session_type = str(document["sessionType"])
        inputs = document.get("inputs") or {}
        properties = _filled((document.get("properties") or {}).get("linux") or {}, _values(content, document))
    except (ValueError, TypeError, KeyError, AttributeError):
        raise TaskError("The content of the session's message is not valid.") from None
    _refuse(document, session_type)
    return Task(
        session_type=session_type,
        # A shell of Standard_Stream runs no command.
        command="" if session_type == STANDARD_STREAM else str(properties.get("commands") or ""),
        elevated=_truth(properties.get("runAsElevated")),
        run_as=_user(content, inputs) if _truth(inputs.get("runAsEnabled")) else None,
        shell_profile=str((inputs.get("shellProfile") or {}).get("linux") or ""),
        separate_output=_truth(properties.get("separateOutputStream")),
        prefixes=(_prefix(properties, "stdOutSeparatorPrefix"), _prefix(properties, "stdErrSeparatorPrefix")),
        kms_key_id=str(inputs.get("kmsKeyId") or ""),
    )


def _refuse(document: Mapping[str, Any], session_type: str) -> None:
    if document.get("schemaVersion") != "1.0":
        raise TaskError(f"Document schema version {document.get('schemaVersion')} is not supported.")
    if session_type == PORT:
        raise TaskError("This node is emulated and does not forward ports.")
    if session_type not in (STANDARD_STREAM, INTERACTIVE, NON_INTERACTIVE):
        raise TaskError(f"Plugin with name {session_type} not found")


def _truth(value: Any) -> bool:
    """Read a boolean, which may be a string."""
    return value is True or (isinstance(value, str) and value.lower() == "true")


def _user(content: Mapping[str, Any], inputs: Mapping[str, Any]) -> str:
    return str(content.get("RunAsUser") or inputs.get("runAsDefaultUser") or "").strip()


def _values(content: Mapping[str, Any], document: Mapping[str, Any]) -> dict[str, str]:
    """Return the values of the document's parameters: the given ones, and the defaults of the others."""
    declared = document.get("parameters") or {}
    defaults = {name: str(detail["default"]) for name, detail in declared.items() if "default" in detail}
    return defaults | {name: str(value) for name, value in (content.get("Parameters") or {}).items()}


def _filled(properties: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    """Return the properties with ``{{name}}`` filled in. What is not a parameter stays."""
    return {
        name: re.sub(r"{{\s*(\w+)\s*}}", lambda found: values.get(found[1], found[0]), value)
        if isinstance(value, str)
        else value
        for name, value in properties.items()
    }


def _prefix(properties: Mapping[str, Any], name: str) -> bytes:
    value = str(properties.get(name) or "")
    if not _PREFIX.fullmatch(value):
        raise TaskError(f"{name} is not valid: {value}")
    return value.encode()
