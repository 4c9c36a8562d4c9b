# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The content of a document: parse it, convert it to another format, and derive what AWS reads from it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator
from typing import Any

import yaml

from ....service import APIError

_LINE_BREAKS = ("\x85", "\u2028", "\u2029")
PLATFORMS = ("Windows", "Linux", "MacOS")


class _Loader(yaml.SafeLoader):
    """Loads YAML that can be written as JSON: dates stay strings, and a duplicate key is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _value in node.value if isinstance(key, yaml.ScalarNode) and key.value != "<<"]
        if len(set(keys)) < len(keys):
            raise yaml.constructor.ConstructorError(None, None, "duplicate key", node.start_mark)
        found: dict[Any, Any] = super().construct_mapping(node, deep)
        return found


# A copy of the resolvers, because all users of PyYAML in the process share those of SafeLoader.
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class _Dumper(yaml.SafeDumper):
    """Writes no anchors and aliases, which not every reader of a document understands."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


@dataclasses.dataclass(frozen=True)
class Derived:
    """Members of a version that AWS derives from its content.

    ``parameters`` are DocumentParameter structures: ``({"Name": "port", "Type": "String"},)``.
    """

    schema_version: str | None = None
    description: str | None = None
    parameters: tuple[dict[str, str], ...] = ()
    platform_types: tuple[str, ...] = PLATFORMS


def content_error(message: str) -> APIError:
    """Return the error for content that AWS does not accept (InvalidDocumentContent)."""
    return APIError("InvalidDocumentContent", message)


def sha256(text: str) -> str:
    """Return the ``Hash`` that AWS returns: the SHA-256 of the bytes that were sent, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def parse(text: str, document_format: str) -> Any:
    """Return the parsed content; None for the format TEXT. Raises InvalidDocumentContent if it cannot be parsed."""
    if document_format == "TEXT":
        return None
    return _parse_json(text) if document_format == "JSON" else _parse_yaml(text)


def _parse_json(text: str) -> Any:
    try:
        found = json.loads(text, object_pairs_hook=_unique_keys, parse_constant=_refuse_constant)
        _check_unicode(found)
    except json.JSONDecodeError as error:
        raise content_error(f"JSON not well-formed. at Line: {error.lineno}, Column: {error.colno}") from error
    except (RecursionError, UnicodeError) as error:
        raise content_error("JSON not well-formed. It is nested too deeply, or not Unicode") from error
    return found


def _parse_yaml(text: str) -> Any:
    try:
        # Convert to JSON and back: that joins surrogate pairs, in which YAML text may escape a character.
        found = json.loads(json.dumps(_Loader(text).get_single_data(), allow_nan=False))
        _check_unicode(found)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f" at Line: {mark.line + 1}, Column: {mark.column + 1}" if mark else ""
        raise content_error(f"YAML not well-formed.{where}") from error
    except (yaml.YAMLError, TypeError, ValueError, RecursionError) as error:
        raise content_error("YAML not well-formed. It has values that JSON does not have") from error
    return found


def _check_unicode(found: Any) -> None:
    """Raise ``UnicodeError`` for half of a surrogate pair, which cannot be sent in a reply."""
    json.dumps(found, ensure_ascii=False).encode()


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise content_error("JSON not well-formed. Duplicate key")
    return found


def _refuse_constant(name: str) -> Any:
    raise content_error(f"JSON not well-formed. {name} is not JSON")


def convert(text: str, stored: str, wanted: str) -> str:
    """Convert a text from format ``stored`` to ``wanted``. If both are equal, or one is TEXT, return it unchanged."""
    if stored == wanted or "TEXT" in (stored, wanted):
        return text
    return serialise(parse(text, stored), wanted)


def serialise(content: Any, document_format: str) -> str:
    """Write parsed content as text of ``document_format``, JSON or YAML."""
    if document_format == "YAML":
        # PyYAML writes these characters unescaped, and reads them as line breaks.
        breaks = any(mark in json.dumps(content, ensure_ascii=False) for mark in _LINE_BREAKS)
        return yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=not breaks, width=2**16)
    return json.dumps(content, indent=2, ensure_ascii=False)


def derive(content: Any, document_type: str) -> Derived:
    """Return what AWS derives from parsed content, for a document of this type."""
    if not isinstance(content, dict) or not isinstance(content.get("schemaVersion"), str):
        return Derived()
    description = content.get("description")
    return Derived(
        schema_version=content["schemaVersion"],
        description=description if isinstance(description, str) and description else None,
        parameters=tuple(_parameters(content.get("parameters") or {})),
        platform_types=_platforms(content, document_type),
    )


def _parameters(parameters: dict[str, Any]) -> Iterator[dict[str, str]]:
    for name, detail in parameters.items():
        found = {"Name": name, "Type": "StringList" if detail["type"] == "StringList" else "String"}
        if detail.get("description"):
            found["Description"] = str(detail["description"])
        if "default" in detail:
            default = detail["default"]
            found["DefaultValue"] = default if isinstance(default, str) else json.dumps(default)
        yield found


# The platforms of each action. All other actions run on every platform.
_ACTION_PLATFORMS = {
    "aws:runShellScript": ("Linux", "MacOS"),
    "aws:runPowerShellScript": ("Windows", "Linux"),
    "aws:psModule": ("Windows",),
    "aws:applications": ("Windows",),
    "aws:domainJoin": ("Windows", "Linux"),
    "aws:cloudWatch": ("Windows",),
    "aws:configureDocker": ("Linux",),
}


def _platforms(content: dict[str, Any], document_type: str) -> tuple[str, ...]:
    if document_type not in ("Command", "Policy"):
        return PLATFORMS
    found: set[str] = set()
    for action, precondition in _actions(content):
        runs_on = set(_ACTION_PLATFORMS.get(action, PLATFORMS))
        named = _named_platforms(precondition)
        found |= runs_on & named if named else runs_on
    return tuple(platform for platform in PLATFORMS if platform in found) or PLATFORMS


def _actions(content: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for step in content.get("mainSteps") or ():
        yield step["action"], step.get("precondition")
    for action in content.get("runtimeConfig") or ():
        yield action, None


def _named_platforms(precondition: Any) -> set[str]:
    """Return the platforms that a step's precondition requires; an empty set if it does not mention the platform."""
    if not isinstance(precondition, dict):
        return set()
    operands = precondition.get("StringEquals")
    if not isinstance(operands, list) or "platformType" not in operands:
        return set()
    return {platform for platform in PLATFORMS if platform in operands}
