# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Check the content of a document as AWS does, by document type."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self

from ....service import APIError
from .content import content_error, parse

if TYPE_CHECKING:
    from ....world import World

MAX_SIZE = 64 * 1024


@dataclasses.dataclass(frozen=True)
class SessionRules:
    """Undocumented behaviour of AWS for Session documents; switches of the world choose it."""

    # Accept a number where the schema requires a string.
    numbers: bool = False
    # Accept an input that the schema lacks.
    unknown_inputs: bool = False

    @classmethod
    def of(cls, world: World) -> Self:
        """Return the rules that the world's switches choose."""
        return cls(
            numbers=world.switch("session_numbers") == "accepted",
            unknown_inputs=world.switch("session_unknown_inputs") == "accepted",
        )


@dataclasses.dataclass(frozen=True)
class Schema:
    """The rules of one document type: schema versions, allowed and required top-level keys, and further checks."""

    versions: tuple[str, ...]
    allowed: frozenset[str]
    required: frozenset[str]
    check: Callable[[dict[str, Any]], None]


def check_content(text: str, document_type: str | None, document_format: str, rules: SessionRules) -> Any:
    """Return the parsed content. Raises the ``APIError`` that AWS would return if it is not valid."""
    if _size(text) > MAX_SIZE:
        raise APIError("MaxDocumentSizeExceeded", f"The size limit of a document is {MAX_SIZE // 1024} KB")
    content = parse(text, document_format)
    kind = document_type or _default_type(content)
    if kind == "ChangeCalendar":
        _check_calendar(text, document_format)
    elif kind in SCHEMAS:
        _check_schema(content, kind, SCHEMAS[kind])
        if kind == "Session":
            _check_session_rules(content, rules)
    elif document_format != "TEXT" and not isinstance(content, dict):
        raise content_error("The content of the document is not an object")
    return content


def _size(text: str) -> int:
    try:
        return len(text.encode())
    except UnicodeEncodeError as error:
        raise content_error("The content of the document is not Unicode") from error


def type_of(content: Any, document_type: str | None) -> str:
    """Return the type of a document: the given one, or the one that its content implies."""
    return document_type or _default_type(content)


def _default_type(content: Any) -> str:
    """Return Command for schema 1.2, which is older than document types. Raises ``APIError`` for any other schema."""
    version = content.get("schemaVersion") if isinstance(content, dict) else None
    if version == "1.2":
        return "Command"
    if isinstance(version, str):
        raise APIError("InvalidDocumentSchemaVersion", f"Document type is required for schema version {version}")
    raise content_error("The content of the document has no schemaVersion")


def _check_calendar(text: str, document_format: str) -> None:
    if document_format != "TEXT" or not text.lstrip().startswith("BEGIN:VCALENDAR"):
        raise content_error("A change calendar is an iCalendar text, in the format TEXT")


def _check_schema(content: Any, kind: str, schema: Schema) -> None:
    if not isinstance(content, dict):
        raise content_error("The content of the document is not an object")
    version = content.get("schemaVersion")
    if not isinstance(version, str):
        raise content_error("The schemaVersion of the document is missing or not a string")
    if version not in schema.versions:
        raise _bad_version(version, kind)
    allowed, required = schema.allowed, schema.required
    if version == "1.2":
        allowed, required = _KEYS_1_2, frozenset({"runtimeConfig"})
    _check_keys(content, allowed, required, "/")
    _check_parameters(content)
    _check_description(content)
    schema.check(content)


def _bad_version(version: str, kind: str) -> APIError:
    if kind == "Session":
        return APIError(
            "InvalidDocumentSchemaVersion", f"{version} is not a valid schema version for Session document type"
        )
    if kind.startswith("Automation"):
        return content_error(f"Document schema version is invalid. Value: {version}")
    return APIError("InvalidDocumentSchemaVersion", f"{version} is not a valid schema version for {kind} document type")


def _check_keys(value: Mapping[str, Any], allowed: frozenset[str], required: frozenset[str], where: str) -> None:
    unknown = sorted(str(key) for key in value if key not in allowed)
    if unknown:
        raise content_error(f"{where}: not a property of this schema: {', '.join(unknown)}")
    missing = sorted(required - value.keys())
    if missing:
        raise content_error(f"{where}: a required property is missing: {', '.join(missing)}")


def _check_description(content: dict[str, Any]) -> None:
    if not isinstance(content.get("description", ""), str):
        raise content_error("/description: not a string")


# `string` in lower case is used by AWS's own example of a Port document.
_PARAMETER_TYPES = frozenset({"String", "string", "StringList", "Boolean", "Integer", "MapList", "StringMap"})
_AWS_TYPE = re.compile(r"(List<)?AWS::[A-Za-z0-9]+(::[A-Za-z0-9]+)+>?")
_PARAMETER_NAME = re.compile(r"[A-Za-z0-9_.-]{1,128}")
_PARAMETER_KEYS = frozenset(
    {
        "type",
        "description",
        "default",
        "allowedValues",
        "allowedPattern",
        "displayType",
        "interpolationType",
        "minItems",
        "maxItems",
        "minChars",
        "maxChars",
    }
)


def _check_parameters(content: dict[str, Any]) -> None:
    parameters = content.get("parameters", {})
    if not isinstance(parameters, dict):
        raise content_error("/parameters: not an object")
    for name, detail in parameters.items():
        where = f"/parameters/{name}"
        if not isinstance(name, str) or not _PARAMETER_NAME.fullmatch(name):
            raise content_error(f"{where}: not a valid parameter name")
        if not isinstance(detail, dict):
            raise content_error(f"{where}: not an object")
        _check_keys(detail, _PARAMETER_KEYS, frozenset({"type"}), where)
        _check_parameter_type(detail["type"], where)
        _check_pattern(detail.get("allowedPattern"), where)


def _check_parameter_type(kind: Any, where: str) -> None:
    if not isinstance(kind, str) or (kind not in _PARAMETER_TYPES and not _AWS_TYPE.fullmatch(kind)):
        raise content_error(f"{where}/type: not a valid parameter type")


def _check_pattern(pattern: Any, where: str) -> None:
    if pattern is None:
        return
    try:
        re.compile(pattern)
    except (re.error, TypeError) as error:
        raise content_error(f"{where}/allowedPattern: not a regular expression") from error


def _steps(content: dict[str, Any]) -> list[dict[str, Any]]:
    steps = content["mainSteps"]
    if not isinstance(steps, list) or not steps or not all(isinstance(step, dict) for step in steps):
        raise content_error("/mainSteps: not a list of steps")
    return steps


_COMMAND_STEP = frozenset(
    {"action", "name", "inputs", "precondition", "description", "onFailure", "onSuccess", "finallyStep"}
    | {"timeoutSeconds", "maxAttempts", "isEnd", "isCritical", "outputs", "settings"}
)


def _check_command(content: dict[str, Any]) -> None:
    if content["schemaVersion"] == "1.2":
        if not isinstance(content["runtimeConfig"], dict) or not content["runtimeConfig"]:
            raise content_error("/runtimeConfig: not an object with an action")
        return
    names = set()
    for number, step in enumerate(_steps(content)):
        where = f"/mainSteps/{number}"
        _check_keys(step, _COMMAND_STEP, frozenset({"action", "name"}), where)
        _check_step(step, where)
        names.add(step["name"])
        if not isinstance(step.get("inputs", {}), dict):
            raise content_error(f"{where}/inputs: not an object")
    if len(names) < len(content["mainSteps"]):
        raise content_error("/mainSteps: duplicate step name")


def _check_step(step: dict[str, Any], where: str) -> None:
    for key in ("action", "name"):
        if not isinstance(step.get(key), str) or not step[key]:
            raise content_error(f"{where}/{key}: missing, or not a string")
    if not step["action"].startswith("aws:"):
        raise content_error(f"{where}/action: not a valid action")


# `{{ name }}` refers to a parameter or a variable. With a dot or a colon, it refers to an output and does not match.
_REFERENCE = re.compile(r"\{\{\s*([A-Za-z0-9_-]+)\s*\}\}")


def _check_automation(content: dict[str, Any]) -> None:
    names = set()
    for number, step in enumerate(_steps(content)):
        _check_step(step, f"/mainSteps/{number}")
        names.add(step["name"])
    if len(names) < len(content["mainSteps"]):
        raise content_error("/mainSteps: duplicate step name")
    declared = {*content.get("parameters", {}), *(content.get("variables") or {})}
    for text in _strings([content["mainSteps"], content.get("assumeRole", "")]):
        for name in _REFERENCE.findall(text):
            if name not in declared:
                raise content_error(f'Parameter "{name}" is not declared.')


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for member in value.values():
            yield from _strings(member)
    elif isinstance(value, list):
        for member in value:
            yield from _strings(member)


def _check_package(content: dict[str, Any]) -> None:
    for key in ("packages", "files"):
        if not isinstance(content[key], dict) or not content[key]:
            raise content_error(f"/{key}: not an object, or empty")
    if not isinstance(content["version"], str):
        raise content_error("/version: not a string")


def _check_template(content: dict[str, Any]) -> None:
    if not isinstance(content["templateBody"], (str, dict)):
        raise content_error("/templateBody: neither a string nor an object")


SESSION_TYPES = ("InteractiveCommands", "NonInteractiveCommands", "Port", "Standard_Stream")
_TEXTS = ("s3BucketName", "s3KeyPrefix", "cloudWatchLogGroupName", "kmsKeyId", "runAsDefaultUser")
_BOOLEANS = ("s3EncryptionEnabled", "cloudWatchEncryptionEnabled", "cloudWatchStreamingEnabled", "runAsEnabled")
_MINUTES = {"idleSessionTimeout": 60, "maxSessionDuration": 1440}
_SESSION_INPUTS = frozenset({*_TEXTS, *_BOOLEANS, *_MINUTES, "shellProfile"})


def _check_session(content: dict[str, Any]) -> None:
    kind = content["sessionType"]
    if kind not in SESSION_TYPES:
        raise content_error(f"/sessionType: not one of {', '.join(SESSION_TYPES)}")
    if kind == "Standard_Stream":
        _check_keys(content, _SESSION_KEYS, frozenset({"inputs"}), "/")
    elif not isinstance(content.get("properties"), dict):
        raise content_error(f"/properties: missing, or not an object; a session of type {kind} needs it")
    if "inputs" in content:
        _check_session_inputs(content["inputs"])


def _check_session_inputs(inputs: Any) -> None:
    if not isinstance(inputs, dict):
        raise content_error("/inputs: not an object")
    for key, value in inputs.items():
        where = f"/inputs/{key}"
        if key in _TEXTS and not isinstance(value, str):
            raise content_error(f"{where}: not a string")
        if key in _BOOLEANS and not _is_boolean(value):
            raise content_error(f"{where}: not a boolean")
        if key in _MINUTES and not _is_minutes(value, _MINUTES[key]):
            raise content_error(f"{where}: not a number of minutes from 1 to {_MINUTES[key]}")
        if key == "shellProfile":
            _check_shell_profile(value, where)


def _is_boolean(value: Any) -> bool:
    """Return whether a value is a boolean, a string that the agent reads as one, or a reference to a parameter."""
    if isinstance(value, bool):
        return True
    return isinstance(value, str) and (value.lower() in ("", "true", "false") or "{{" in value)


def _is_minutes(value: Any, most: int) -> bool:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return False
    text = str(value)
    if text == "" or "{{" in text:
        return True
    return text.isascii() and text.isdigit() and 1 <= int(text) <= most


def _check_shell_profile(profile: Any, where: str) -> None:
    if not isinstance(profile, dict):
        raise content_error(f"{where}: not an object")
    _check_keys(profile, frozenset({"windows", "linux"}), frozenset(), where)
    if not all(isinstance(command, str) for command in profile.values()):
        raise content_error(f"{where}: not strings")


def _check_session_rules(content: dict[str, Any], rules: SessionRules) -> None:
    inputs = content.get("inputs", {})
    if not rules.unknown_inputs:
        _check_keys(inputs, _SESSION_INPUTS, frozenset(), "/inputs")
    for key in _MINUTES:
        if not rules.numbers and isinstance(inputs.get(key), int):
            raise content_error(f"/inputs/{key}: not a string")


_KEYS_1_2 = frozenset({"schemaVersion", "description", "parameters", "runtimeConfig"})
_SESSION_KEYS = frozenset({"schemaVersion", "description", "sessionType", "inputs", "parameters", "properties"})
_STEPS = frozenset({"mainSteps"})
_COMMAND = frozenset({"schemaVersion", "description", "parameters", "mainSteps"})
_AUTOMATION = _COMMAND | {"assumeRole", "variables", "outputs", "files"}

# Content of other types may be any object, or a text.
SCHEMAS = {
    "Command": Schema(("1.2", "2.0", "2.2"), _COMMAND | {"files"}, _STEPS, _check_command),
    "Policy": Schema(("2.0", "2.2"), _COMMAND, _STEPS, _check_command),
    "Automation": Schema(("0.3",), _AUTOMATION, _STEPS, _check_automation),
    "Automation.ChangeTemplate": Schema(
        ("0.3",), _AUTOMATION | {"emergencyChange", "autoApprovable", "executableRunBooks"}, _STEPS, _check_automation
    ),
    "Session": Schema(("1.0",), _SESSION_KEYS, frozenset({"sessionType"}), _check_session),
    "Package": Schema(
        ("2.0",),
        frozenset({"schemaVersion", "description", "publisher", "version", "packages", "files", "assumeRole"}),
        frozenset({"version", "packages", "files"}),
        _check_package,
    ),
    "CloudFormation": Schema(
        ("1.0",),
        frozenset({"schemaVersion", "description", "templateBody", "parameters"}),
        frozenset({"templateBody"}),
        _check_template,
    ),
}
