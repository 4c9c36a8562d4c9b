# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""The rules of AWS for the content of documents: which members are strings, and what AWS rejects.

Only rules that are documented or were observed are here. AWS decides about the rest.

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
# The maximum minutes of each input.
MINUTES = {"idleSessionTimeout": 60, "maxSessionDuration": 1440}
# The document types whose content has a schemaVersion.
_TYPES_WITH_SCHEMA = ("Automation", "Command", "Package", "Policy", SESSION)
# The types for which AWS was observed to reject any other schemaVersion (``tests/emulator/FIDELITY.md``).
_ONLY_SCHEMA_VERSIONS = {"Automation": "0.3", SESSION: "1.0"}
_INPUTS = ("s3BucketName", "s3KeyPrefix", "cloudWatchLogGroupName", "kmsKeyId", "runAsDefaultUser", *MINUTES)
_PROPERTIES = ("portNumber", "localPortNumber")
_STRING_TYPES = ("String", "StringList")


def with_strings(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content with numbers converted to strings where AWS documents a string (trap 36).

    YAML reads ``schemaVersion: 2.2`` as a number, and a template can turn ``{{ minutes }}`` into one.
    """
    converted = _with_strings(content, ("schemaVersion", "description"))
    if "sessionType" in content:
        converted = _with_changed(converted, "inputs", lambda inputs: _with_strings(inputs, _INPUTS))
        converted = _with_changed(converted, "properties", lambda properties: _with_strings(properties, _PROPERTIES))
    return _with_changed(converted, "parameters", _with_string_parameters)


def _with_string_parameters(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _parameter_with_strings(one) if isinstance(one, Mapping) else one for name, one in parameters.items()}


def _parameter_with_strings(parameter: Mapping[str, Any]) -> dict[str, Any]:
    if parameter.get("type") not in _STRING_TYPES:
        return _with_strings(parameter, ("description",))
    return _with_strings(parameter, ("description", "default", "allowedValues"))


def _with_changed(content: Mapping[str, Any], key: str, change: Callable[[Mapping[str, Any]], Any]) -> dict[str, Any]:
    value = content.get(key)
    return {**content, key: change(value)} if isinstance(value, Mapping) else dict(content)


def _with_strings(mapping: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    return {**mapping, **{key: _as_string(mapping[key], key) for key in keys if key in mapping}}


def _as_string(value: Any, key: str) -> Any:
    if isinstance(value, list):
        return [_as_string(entry, key) for entry in value]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value
    # A template that divides returns 20.0 for minutes. A schemaVersion keeps its decimal point.
    whole = isinstance(value, float) and value.is_integer() and key != "schemaVersion"
    return str(int(value)) if whole else str(value)


def why_rejected(content: Any, document_type: str | None) -> str:
    """Return why AWS rejects content for a document of this type, or '' if no reason is known.

    The reason completes a sentence that begins with "content": ``"has no schemaVersion, which ..."``.
    """
    if not isinstance(content, Mapping) or document_type not in _TYPES_WITH_SCHEMA:
        return ""
    if "schemaVersion" not in content:
        return f"has no schemaVersion, which a document of type {document_type} requires"
    version, known = content["schemaVersion"], _ONLY_SCHEMA_VERSIONS.get(document_type)
    if known and isinstance(version, str) and version != known:
        return f"has the wrong schemaVersion: a document of type {document_type} requires {known}"
    return _session_problem(content) if document_type == SESSION else ""


def _session_problem(content: Mapping[str, Any]) -> str:
    if "sessionType" not in content:
        return "has no sessionType, which a document of type Session requires"
    needed = "inputs" if content["sessionType"] == SHELL_SESSION else "properties"
    if needed not in content:
        return f"has no {needed}, which a document of this sessionType requires"
    inputs = content.get("inputs")
    minutes = inputs if isinstance(inputs, Mapping) else {}
    for key, maximum in MINUTES.items():
        if not _is_minutes(minutes.get(key, ""), maximum):
            return f"has an invalid value for inputs.{key}: it must be 1 to {maximum} minutes"
    return ""


def _is_minutes(value: Any, maximum: int) -> bool:
    """Return whether a value is empty, refers to a parameter, or is 1 to ``maximum`` minutes, in quotes or not."""
    text = "" if value is None else str(value)
    return text == "" or "{{" in text or (re.fullmatch("[0-9]{1,9}", text) is not None and 1 <= int(text) <= maximum)


def needs_type(content: Any) -> bool:
    """Return whether CreateDocument requires a document type for this content.

    It does unless the schema version is 1.2. That is the oldest one, and only Command documents have it.
    """
    return not isinstance(content, Mapping) or content.get("schemaVersion") != "1.2"


def likely_type(content: Any) -> str:
    """Return the document type that content seems to have, such as ``"Session"``, or '' if that is not clear."""
    if not isinstance(content, Mapping):
        return ""
    if "sessionType" in content:
        return SESSION
    return {"0.3": "Automation", "2.0": "Command", "2.2": "Command"}.get(str(content.get("schemaVersion")), "")
