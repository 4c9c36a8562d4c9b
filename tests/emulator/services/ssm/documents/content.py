# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The text of a document: parsing it, writing it in another format, and what AWS derives from it."""

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
    """YAML as JSON has it: no dates, so that whatever is read can be written as JSON, and no key twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _value in node.value if isinstance(key, yaml.ScalarNode) and key.value != "<<"]
        if len(set(keys)) < len(keys):
            raise yaml.constructor.ConstructorError(None, None, "a key is there twice", node.start_mark)
        found: dict[Any, Any] = super().construct_mapping(node, deep)
        return found


# A copy of the table: SafeLoader's own is shared by every user of PyYAML in the process.
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class _Dumper(yaml.SafeDumper):
    """Never writes the anchors and aliases that a reader of the document would trip over."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


@dataclasses.dataclass(frozen=True)
class Derived:
    """What AWS tells about a document because its content says so."""

    schema_version: str | None = None
    description: str | None = None
    parameters: tuple[dict[str, str], ...] = ()
    platform_types: tuple[str, ...] = PLATFORMS


def refuse(message: str) -> APIError:
    """The error for content that AWS does not take."""
    return APIError("InvalidDocumentContent", message)


def sha256(text: str) -> str:
    """What AWS gives as ``Hash``: of the bytes that were sent, whatever they mean."""
    return hashlib.sha256(text.encode()).hexdigest()


def parse(text: str, document_format: str) -> Any:
    """What the text says; TEXT says nothing (None). ``InvalidDocumentContent`` if it cannot be read."""
    if document_format == "TEXT":
        return None
    return _parse_json(text) if document_format == "JSON" else _parse_yaml(text)


def _parse_json(text: str) -> Any:
    try:
        found = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
        _check_unicode(found)
    except json.JSONDecodeError as error:
        raise refuse(f"JSON not well-formed. at Line: {error.lineno}, Column: {error.colno}") from error
    except (RecursionError, UnicodeError) as error:
        raise refuse("JSON not well-formed. It is nested too deeply, or not Unicode") from error
    return found


def _parse_yaml(text: str) -> Any:
    try:
        # By way of JSON, which makes one character of the two halves that a text may have escaped it as.
        found = json.loads(json.dumps(_Loader(text).get_single_data(), allow_nan=False))
        _check_unicode(found)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f" at Line: {mark.line + 1}, Column: {mark.column + 1}" if mark else ""
        raise refuse(f"YAML not well-formed.{where}") from error
    except (yaml.YAMLError, TypeError, ValueError, RecursionError) as error:
        raise refuse("YAML not well-formed. It holds what JSON cannot") from error
    return found


def _check_unicode(found: Any) -> None:
    """An error for what could not be sent as JSON again: half of a character."""
    json.dumps(found, ensure_ascii=False).encode()


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise refuse("JSON not well-formed. A key is there twice")
    return found


def _no_constant(name: str) -> Any:
    raise refuse(f"JSON not well-formed. {name} is not JSON")


def convert(text: str, stored: str, wanted: str) -> str:
    """The text as ``wanted``; as it was sent when that is the stored format, or when either is TEXT."""
    if stored == wanted or "TEXT" in (stored, wanted):
        return text
    return serialise(parse(text, stored), wanted)


def serialise(content: Any, document_format: str) -> str:
    """Content as a text of ``document_format``."""
    if document_format == "YAML":
        # PyYAML writes these as they are, and then reads them as ends of lines.
        breaks = any(mark in json.dumps(content, ensure_ascii=False) for mark in _LINE_BREAKS)
        return yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=not breaks, width=2**16)
    return json.dumps(content, indent=2, ensure_ascii=False)


def derive(content: Any, document_type: str) -> Derived:
    """What AWS reads out of the content."""
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


# What each action runs on. Actions that are not here run on each platform.
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
    """The platforms that a step's precondition asks for; none if it asks for something else."""
    if not isinstance(precondition, dict):
        return set()
    operands = precondition.get("StringEquals")
    if not isinstance(operands, list) or "platformType" not in operands:
        return set()
    return {platform for platform in PLATFORMS if platform in operands}
