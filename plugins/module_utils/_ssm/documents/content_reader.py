# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Read JSON and YAML from untrusted sources, with time and memory bounded by the size of the text.

Errors name the place and never the text, because content can hold secrets and errors are printed.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from typing import Any

try:
    import yaml
    from yaml import SafeLoader
    from yaml.constructor import ConstructorError

    HAS_YAML = True
except ImportError:
    HAS_YAML = False  # ansible-core requires PyYAML, but a managed host may not have it
    SafeLoader = object  # type: ignore[misc,assignment] # a placeholder that is not used then

JSON = "JSON"

# Documents have about ten levels. How many Python can process depends on its version: for YAML, some hundreds.
_MAX_LEVELS = 100
# The maximum number of entries that YAML's aliases and merge keys may expand to, in a text of up to 64 KB.
_MAX_ENTRIES = 64 * 1024
# Python limits the digits of the integers that it converts. The environment sets that limit, never below 640.
_MAX_DIGITS = 300

_TOO_DEEP = f"it is nested more than {_MAX_LEVELS} levels deep"
_NUMBER_TOO_LONG = f"a number has more than {_MAX_DIGITS} digits"
_DUPLICATE_KEY = "a key occurs twice in a mapping"
_NOT_A_NUMBER = "a number cannot be read"
_NOT_FINITE = "a number is .inf, .nan or too large"
_TOO_MANY_ENTRIES = f"its aliases or merge keys expand to more than {_MAX_ENTRIES} entries"


class UnreadableError(ValueError):
    """Why and where a text cannot be read, without quoting the text."""

    def __init__(self, reason: str, text: str | None = None, position: int = 0) -> None:
        place = "" if text is None else f", line {_line(text, position)}, column {_column(text, position)}"
        super().__init__(f"{reason}{place}")


def load(text: str, document_format: str, *, strict: bool = False) -> Any:
    """Return the value of a text in JSON or YAML. Raises ``UnreadableError`` if it cannot be read.

    ``strict`` also rejects numbers that JSON cannot hold, and keys that occur twice in a mapping.
    """
    try:
        value = _load_json(text, strict) if document_format == JSON else _load_yaml(text, strict)
    except RecursionError:
        raise UnreadableError(_TOO_DEEP) from None
    check_depth(value)
    # Without aliases, each entry takes at least one byte of the text.
    if _count_entries(value, {}) > max(len(text), _MAX_ENTRIES):
        raise UnreadableError(_TOO_MANY_ENTRIES)
    return value


def check_depth(value: Any) -> None:
    """Raise ``UnreadableError`` if mappings and lists are nested more than ``_MAX_LEVELS`` levels deep."""
    level = _nested_values([value])
    for unused in range(_MAX_LEVELS):
        # Each object once, because YAML's aliases can put one object in many places, and even into itself.
        level = list({id(inner): inner for outer in level for inner in _nested_values(outer)}.values())
        if not level:
            return
    raise UnreadableError(_TOO_DEEP)


def _count_entries(value: Any, known: dict[int, int]) -> int:
    """Return the number of entries in all mappings and lists of a value, aliases included each time.

    ``known`` caches the number of each object by its ``id()``.
    """
    if not isinstance(value, (dict, list)):
        return 0
    if id(value) not in known:
        known[id(value)] = len(value) + sum(_count_entries(inner, known) for inner in _nested_values(value))
    return known[id(value)]


def _nested_values(value: Any) -> list[Any]:
    """Return the mappings and lists that are direct entries of a mapping or a list."""
    entries = value.values() if isinstance(value, dict) else value
    return [entry for entry in entries if isinstance(entry, (dict, list))]


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _column(text: str, position: int) -> int:
    return position - text.rfind("\n", 0, position)


# ---- JSON

# A string, a punctuation mark, or any other token.
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+', re.DOTALL)
_CONSTANTS = ("NaN", "Infinity", "-Infinity")


def _load_json(text: str, strict: bool) -> Any:
    try:
        value = json.loads(text, parse_int=_number)
    except json.JSONDecodeError as error:
        # Some messages end with a colon and the invalid character, which is part of the text.
        raise UnreadableError(error.msg.partition(":")[0], text, error.pos) from None
    except _LongNumberError:
        _reject_tokens(text, _is_long_number, _NUMBER_TOO_LONG)
        raise UnreadableError(_NUMBER_TOO_LONG) from None
    if strict:
        _reject_tokens(text, _CONSTANTS.__contains__, "NaN and Infinity are not JSON")
        _check_keys(text)
    return value


class _LongNumberError(Exception):
    pass


def _number(digits: str) -> int:
    if _is_long_number(digits):
        raise _LongNumberError
    return int(digits)


def _is_long_number(token: str) -> bool:
    return token.lstrip("-").isdigit() and len(token) > _MAX_DIGITS


def _reject_tokens(text: str, is_wrong: Callable[[str], bool], reason: str) -> None:
    """Raise ``UnreadableError`` at the first token that is wrong, if there is one."""
    for token in _TOKEN.finditer(text):
        if is_wrong(token.group()):
            raise UnreadableError(reason, text, token.start())


def _check_keys(text: str) -> None:
    """Raise ``UnreadableError`` for the first key that occurs twice in a mapping. The text must be valid JSON."""
    for keys, key in _keys(text):
        name = json.loads(key.group())
        if name in keys:
            raise UnreadableError(_DUPLICATE_KEY, text, key.start())
        keys.add(name)


def _keys(text: str) -> Iterator[tuple[set[str], re.Match[str]]]:
    """Yield the token of each key, with a set that belongs to its mapping. The caller collects the keys in it."""
    mappings: list[set[str]] = []
    before: re.Match[str] | None = None
    for token in _TOKEN.finditer(text):
        mark = token.group()
        if mark in "{[":
            mappings.append(set())
        elif mark in "}]":
            mappings.pop()
        elif mark == ":" and before is not None:
            yield mappings[-1], before
        before = token


# ---- YAML


def _load_yaml(text: str, strict: bool) -> Any:
    if not HAS_YAML:
        raise UnreadableError("the Python library PyYAML is not installed on this host")
    try:
        loader = _Loader(text)
        loader.strict = strict
        return loader.get_single_data()
    except yaml.MarkedYAMLError as error:
        reason = _reason(error.problem)
        if error.problem_mark is None:
            raise UnreadableError(reason) from None
        raise UnreadableError(reason, text, error.problem_mark.index) from None
    except yaml.reader.ReaderError as error:
        raise UnreadableError("it contains a character that YAML does not allow", text, error.position) from None


# Words, and YAML's punctuation in quotes: a reason of PyYAML that quotes nothing of the text.
_SAFE_REASON = re.compile(r"""[a-z ,;-]*(?:'(?:[^\w\s'"]|\\t|<[a-z ]+>)'[a-z ,;-]*)*""")


def _reason(problem: str | None) -> str:
    """Return PyYAML's reason without anything that it quotes of the text."""
    words = problem or "it is not YAML"
    if words in _OWN_REASONS or _SAFE_REASON.fullmatch(words):
        return words
    return re.split("['\"(]", words)[0].strip().removesuffix("but found").rstrip(" ,:")


_OWN_REASONS = (_TOO_DEEP, _NUMBER_TOO_LONG, _TOO_MANY_ENTRIES, _DUPLICATE_KEY, _NOT_A_NUMBER, _NOT_FINITE)

_TAG = "tag:yaml.org,2002:"
_MERGE = f"{_TAG}merge"
# Dates and a lone = stay strings, because JSON has no other type for them.
_STRING_TAGS = (f"{_TAG}timestamp", f"{_TAG}value")
_JSON_TAGS = tuple(f"{_TAG}{kind}" for kind in ("null", "bool", "int", "float", "str", "seq", "map"))


class _Loader(SafeLoader):
    """A loader for the types that JSON has: mappings, lists, strings, numbers, booleans and null."""

    strict = False

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._level = 0
        self._merged = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        # Each mapping or list is a level. The scalars in the deepest one are one further down.
        if self._level > _MAX_LEVELS:
            raise _yaml_error(_TOO_DEEP, self.peek_event())  # type: ignore[no-untyped-call] # PyYAML has no type hints
        self._level += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self._level -= 1

    def flatten_mapping(self, node: Any) -> None:
        """Expand the merge keys of a mapping, unless they expand to too many entries."""
        for merged in _merged_into(node):
            self.flatten_mapping(merged)
            self._merged += len(merged.value)
            if self._merged > _MAX_ENTRIES:
                raise _yaml_error(_TOO_MANY_ENTRIES, node)
        super().flatten_mapping(node)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        if self.strict:
            self._check_keys(node)
        found: dict[Any, Any] = super().construct_mapping(node, deep)
        return found

    def _check_keys(self, node: Any) -> None:
        """Reject a key that occurs twice. Keys from merged mappings do not count."""
        keys = set()
        for key, unused in node.value if isinstance(node, yaml.MappingNode) else ():
            if isinstance(key, yaml.ScalarNode) and key.tag != _MERGE:
                name = _key(self.construct_object(key))
                if name in keys:
                    raise _yaml_error(_DUPLICATE_KEY, key)
                keys.add(name)

    def construct_yaml_int(self, node: Any) -> int:
        return int(self._number(super().construct_yaml_int, node))

    def construct_yaml_float(self, node: Any) -> float:
        found = float(self._number(super().construct_yaml_float, node))
        if self.strict and not math.isfinite(found):
            raise _yaml_error(_NOT_FINITE, node)
        return found

    def _number(self, construct: Callable[[Any], Any], node: Any) -> Any:
        if len(node.value) > _MAX_DIGITS:
            raise _yaml_error(_NUMBER_TOO_LONG, node)
        try:
            return construct(node)
        except (ValueError, OverflowError):
            raise _yaml_error(_NOT_A_NUMBER, node) from None


if HAS_YAML:
    # Copy the tables, because all users of PyYAML in the process share those of SafeLoader.
    _Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag not in _STRING_TAGS]
        for first, resolvers in SafeLoader.yaml_implicit_resolvers.items()
    }
    _CONSTRUCTORS = SafeLoader.yaml_constructors
    _Loader.yaml_constructors = {tag: _CONSTRUCTORS[tag] for tag in (*_JSON_TAGS, None)}
    _Loader.add_constructor(f"{_TAG}int", _Loader.construct_yaml_int)
    _Loader.add_constructor(f"{_TAG}float", _Loader.construct_yaml_float)


def _yaml_error(reason: str, at: Any) -> Exception:
    return ConstructorError(None, None, reason, at.start_mark)


def _key(key: Any) -> str:
    """Return a key as JSON writes it: ``"true"`` for True."""
    return key if isinstance(key, str) else json.dumps(key)


def _merged_into(node: Any) -> list[Any]:
    """Return the mappings that the merge keys of a mapping refer to."""
    values = [value for key, value in node.value if key.tag == _MERGE]
    entries = [entry for value in values for entry in (value.value if value.id == "sequence" else [value])]
    return [entry for entry in entries if isinstance(entry, yaml.MappingNode)]
