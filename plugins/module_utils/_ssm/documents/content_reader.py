# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Read JSON and YAML of any origin at a cost that its size limits.

An error names the place and never the text, because content can hold secrets and errors are printed.
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
    HAS_YAML = False  # ansible-core depends on it, and a host that it reaches may lack it
    SafeLoader = object  # type: ignore[misc,assignment] # a class that nothing uses then

JSON = "JSON"

# Documents have some ten levels. How many Python can go through depends on its version, and for YAML is some hundreds.
MOST_LEVELS = 100
# What aliases and merge keys of YAML may make of a text that is not larger than a document can be.
_MOST_ENTRIES = 64 * 1024
# Python converts numbers up to a limit that its environment sets, which is never below 640.
_MOST_DIGITS = 300

_TOO_DEEP = f"it is nested more than {MOST_LEVELS} levels deep"
_TOO_LONG_A_NUMBER = f"a number has more than {_MOST_DIGITS} digits"
_TWICE = "a key occurs twice in a mapping"
_NOT_A_NUMBER = "a number cannot be read"
_NOT_FINITE = "a number is too large, or .inf or .nan"
_MULTIPLIED = f"its aliases or merge keys make more than {_MOST_ENTRIES} entries of it"


class UnreadableError(ValueError):
    """Why and where a text cannot be read, in words that hold nothing of the text."""

    def __init__(self, reason: str, text: str | None = None, position: int = 0) -> None:
        place = "" if text is None else f", line {_line(text, position)}, column {_column(text, position)}"
        super().__init__(f"{reason}{place}")


def load(text: str, document_format: str, *, strict: bool = False) -> Any:
    """The value of a text in JSON or YAML; an ``UnreadableError`` if it has none.

    ``strict`` also refuses what JSON itself has no form for, and keys that occur twice in a mapping.
    """
    try:
        value = _load_json(text, strict) if document_format == JSON else _load_yaml(text, strict)
    except RecursionError:
        raise UnreadableError(_TOO_DEEP) from None
    check_depth(value)
    # Without aliases an entry takes a byte at the least.
    if _entries(value, {}) > max(len(text), _MOST_ENTRIES):
        raise UnreadableError(_MULTIPLIED)
    return value


def check_depth(value: Any) -> None:
    """An ``UnreadableError`` for a value whose mappings and lists are nested more deeply than documents ever are."""
    level = _holders([value])
    for unused in range(MOST_LEVELS):
        # By identity, as YAML's aliases put one thing in many places, and even into itself.
        level = list({id(inner): inner for outer in level for inner in _holders(outer)}.values())
        if not level:
            return
    raise UnreadableError(_TOO_DEEP)


def _entries(value: Any, known: dict[int, int]) -> int:
    """How many entries the mappings and lists in a value have, all together."""
    if not isinstance(value, (dict, list)):
        return 0
    if id(value) not in known:
        known[id(value)] = len(value) + sum(_entries(inner, known) for inner in _holders(value))
    return known[id(value)]


def _holders(value: Any) -> list[Any]:
    """The mappings and lists that are right in a mapping or a list."""
    entries = value.values() if isinstance(value, dict) else value
    return [entry for entry in entries if isinstance(entry, (dict, list))]


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _column(text: str, position: int) -> int:
    return position - text.rfind("\n", 0, position)


# ---- JSON

# A string, a mark, or anything else that is one piece.
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+', re.DOTALL)
_CONSTANTS = ("NaN", "Infinity", "-Infinity")


def _load_json(text: str, strict: bool) -> Any:
    try:
        value = json.loads(text, parse_int=_number)
    except json.JSONDecodeError as error:
        # Some reasons end with a colon and the character that is wrong.
        raise UnreadableError(error.msg.partition(":")[0], text, error.pos) from None
    except _LongNumberError:
        _find(text, _is_long_number, _TOO_LONG_A_NUMBER)
        raise UnreadableError(_TOO_LONG_A_NUMBER) from None
    if strict:
        _find(text, _CONSTANTS.__contains__, "NaN and Infinity are not JSON")
        _check_keys(text)
    return value


class _LongNumberError(Exception):
    pass


def _number(digits: str) -> int:
    if _is_long_number(digits):
        raise _LongNumberError
    return int(digits)


def _is_long_number(token: str) -> bool:
    return token.lstrip("-").isdigit() and len(token) > _MOST_DIGITS


def _find(text: str, is_wrong: Callable[[str], bool], reason: str) -> None:
    """An ``UnreadableError`` at the first token that is wrong."""
    for token in _TOKEN.finditer(text):
        if is_wrong(token.group()):
            raise UnreadableError(reason, text, token.start())


def _check_keys(text: str) -> None:
    """An ``UnreadableError`` for the first key that occurs twice in a mapping of a text that is JSON."""
    for keys, key in _keys(text):
        name = json.loads(key.group())
        if name in keys:
            raise UnreadableError(_TWICE, text, key.start())
        keys.add(name)


def _keys(text: str) -> Iterator[tuple[set[str], re.Match[str]]]:
    """Each key, with the set that is of its mapping alone."""
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
        raise UnreadableError("it has a character that YAML does not allow", text, error.position) from None


# Words, and marks of YAML in quotes.
_SAYABLE = re.compile(r"""[a-z ,;-]*(?:'(?:[^\w\s'"]|\\t|<[a-z ]+>)'[a-z ,;-]*)*""")


def _reason(problem: str | None) -> str:
    """PyYAML's words for what is wrong, without what they quote of the text."""
    words = problem or "it is not YAML"
    if words in _OWN or _SAYABLE.fullmatch(words):
        return words
    return re.split("['\"(]", words)[0].strip().removesuffix("but found").rstrip(" ,:")


_OWN = (_TOO_DEEP, _TOO_LONG_A_NUMBER, _MULTIPLIED, _TWICE, _NOT_A_NUMBER, _NOT_FINITE)

_TAG = "tag:yaml.org,2002:"
_MERGE = f"{_TAG}merge"
# Dates and a lone = stay texts, because that is what they are in JSON.
_TEXTS = (f"{_TAG}timestamp", f"{_TAG}value")
_KINDS = tuple(f"{_TAG}{kind}" for kind in ("null", "bool", "int", "float", "str", "seq", "map"))


class _Loader(SafeLoader):
    """A loader of what JSON has, too: mappings, lists, texts, numbers, booleans and null."""

    strict = False

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._level = 0
        self._merged = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        # A level has a mapping or a list, and what is in the last one is one more.
        if self._level > MOST_LEVELS:
            raise _error(_TOO_DEEP, self.peek_event())  # type: ignore[no-untyped-call] # theirs has no hints
        self._level += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self._level -= 1

    def flatten_mapping(self, node: Any) -> None:
        """Put what is merged into a mapping, unless that makes too much of it."""
        for merged in _merged_into(node):
            self.flatten_mapping(merged)
            self._merged += len(merged.value)
            if self._merged > _MOST_ENTRIES:
                raise _error(_MULTIPLIED, node)
        super().flatten_mapping(node)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        if self.strict:
            self._check_keys(node)
        found: dict[Any, Any] = super().construct_mapping(node, deep)
        return found

    def _check_keys(self, node: Any) -> None:
        """Refuse a key that occurs twice, besides those that are merged in."""
        keys = set()
        for key, unused in node.value if isinstance(node, yaml.MappingNode) else ():
            if isinstance(key, yaml.ScalarNode) and key.tag != _MERGE:
                name = _key(self.construct_object(key))
                if name in keys:
                    raise _error(_TWICE, key)
                keys.add(name)

    def construct_yaml_int(self, node: Any) -> int:
        return int(self._number(super().construct_yaml_int, node))

    def construct_yaml_float(self, node: Any) -> float:
        found = float(self._number(super().construct_yaml_float, node))
        if self.strict and not math.isfinite(found):
            raise _error(_NOT_FINITE, node)
        return found

    def _number(self, construct: Callable[[Any], Any], node: Any) -> Any:
        if len(node.value) > _MOST_DIGITS:
            raise _error(_TOO_LONG_A_NUMBER, node)
        try:
            return construct(node)
        except (ValueError, OverflowError):
            raise _error(_NOT_A_NUMBER, node) from None


if HAS_YAML:
    # Copies of the tables: SafeLoader's own are shared by every user of PyYAML in the process.
    _Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag not in _TEXTS]
        for first, resolvers in SafeLoader.yaml_implicit_resolvers.items()
    }
    constructors = SafeLoader.yaml_constructors
    _Loader.yaml_constructors = {tag: constructors[tag] for tag in (*_KINDS, None)}
    _Loader.add_constructor(f"{_TAG}int", _Loader.construct_yaml_int)
    _Loader.add_constructor(f"{_TAG}float", _Loader.construct_yaml_float)


def _error(reason: str, at: Any) -> Exception:
    return ConstructorError(None, None, reason, at.start_mark)


def _key(key: Any) -> str:
    """The text that JSON makes of a key."""
    return key if isinstance(key, str) else json.dumps(key)


def _merged_into(node: Any) -> list[Any]:
    """The mappings that the merge keys of a mapping name."""
    values = [value for key, value in node.value if key.tag == _MERGE]
    entries = [entry for value in values for entry in (value.value if value.id == "sequence" else [value])]
    return [entry for entry in entries if isinstance(entry, yaml.MappingNode)]
