# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""What AWS documents of the content of documents: which members are texts, and what it is sure to refuse.

Only what is documented or was seen is here. AWS decides about the rest.

https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-schema.html
https://docs.aws.amazon.com/systems-manager/latest/userguide/documents-schemas-features.html
https://docs.aws.amazon.com/systems-manager/latest/userguide/documents-syntax-data-elements-parameters.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

SESSION = "Session"
# The session type of shell sessions, the only one that has preferences.
SHELL_SESSION = "Standard_Stream"
# The most minutes of an input.
MINUTES = {"idleSessionTimeout": 60, "maxSessionDuration": 1440}
# The types whose documents have a schemaVersion.
_WITH_SCHEMA = ("Automation", "Command", "Package", "Policy", SESSION)
# Those of which AWS was seen to refuse any other version than one.
_VERSIONS = {"Automation": "0.3", SESSION: "1.0"}
_INPUTS = ("s3BucketName", "s3KeyPrefix", "cloudWatchLogGroupName", "kmsKeyId", "runAsDefaultUser", *MINUTES)
_PROPERTIES = ("portNumber", "localPortNumber")
_TEXT_PARAMETERS = ("String", "StringList")


def with_texts(content: Mapping[str, Any]) -> dict[str, Any]:
    """The content of a document, with its numbers as texts where AWS documents the member as a string.

    YAML makes a number of ``schemaVersion: 2.2``, and a template one of ``{{ minutes }}``.
    """
    made = _texts(content, ("schemaVersion", "description"))
    if "sessionType" in content:
        made = _inside(made, "inputs", lambda inputs: _texts(inputs, _INPUTS))
        made = _inside(made, "properties", lambda properties: _texts(properties, _PROPERTIES))
    return _inside(made, "parameters", _with_text_parameters)


def _with_text_parameters(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _text_parameter(one) if isinstance(one, Mapping) else one for name, one in parameters.items()}


def _text_parameter(parameter: Mapping[str, Any]) -> dict[str, Any]:
    if parameter.get("type") not in _TEXT_PARAMETERS:
        return _texts(parameter, ("description",))
    return _texts(parameter, ("description", "default", "allowedValues"))


def _inside(content: Mapping[str, Any], key: str, change: Callable[[Mapping[str, Any]], Any]) -> dict[str, Any]:
    value = content.get(key)
    return {**content, key: change(value)} if isinstance(value, Mapping) else dict(content)


def _texts(mapping: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    return {**mapping, **{key: _text(mapping[key], key) for key in keys if key in mapping}}


def _text(value: Any, key: str) -> Any:
    if isinstance(value, list):
        return [_text(entry, key) for entry in value]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value
    # A template that divides gives 20.0 minutes. The version of a schema has a point.
    whole = isinstance(value, float) and value.is_integer() and key != "schemaVersion"
    return str(int(value)) if whole else str(value)


def problem(content: Any, document_type: str | None) -> str:
    """Why AWS must refuse content for a document of this type; an empty text if nothing is known to be wrong.

    Each sentence completes "content ...".
    """
    if not isinstance(content, Mapping) or document_type not in _WITH_SCHEMA:
        return ""
    if "schemaVersion" not in content:
        return f"has no schemaVersion, which a document of type {document_type} must have"
    version, known = content["schemaVersion"], _VERSIONS.get(document_type)
    if known and isinstance(version, str) and version != known:
        return f"has a schemaVersion that a document of type {document_type} cannot have: it must be {known}"
    return _session_problem(content) if document_type == SESSION else ""


def _session_problem(content: Mapping[str, Any]) -> str:
    if "sessionType" not in content:
        return "has no sessionType, which a document of type Session must have"
    needed = "inputs" if content["sessionType"] == SHELL_SESSION else "properties"
    if needed not in content:
        return f"has no {needed}, which a document of this sessionType must have"
    inputs = content.get("inputs")
    minutes = inputs if isinstance(inputs, Mapping) else {}
    for key, most in MINUTES.items():
        if not _is_minutes(minutes.get(key, ""), most):
            return f"has minutes in inputs.{key} that AWS does not accept: they must be 1 to {most}"
    return ""


def _is_minutes(value: Any, most: int) -> bool:
    """Whether a value is nothing, refers to a parameter, or is a number of minutes, in quotes or not."""
    text = "" if value is None else str(value)
    return text == "" or "{{" in text or (re.fullmatch("[0-9]{1,9}", text) is not None and 1 <= int(text) <= most)


def needs_type(content: Any) -> bool:
    """Whether AWS creates a document with this content only if its type is given: the oldest schema had one type."""
    return not isinstance(content, Mapping) or content.get("schemaVersion") != "1.2"


def likely_type(content: Any) -> str:
    """The type that content looks like; an empty text if it could be several."""
    if not isinstance(content, Mapping):
        return ""
    if "sessionType" in content:
        return SESSION
    return {"0.3": "Automation", "2.0": "Command", "2.2": "Command"}.get(str(content.get("schemaVersion")), "")
