# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a reply is one that AWS's service model allows: the whole of it, member by member.

A page of a listing has tens of thousands of values, so what a shape asks of them is looked up once, and not for each.
"""

from __future__ import annotations

import datetime
import functools
from collections.abc import Callable
from typing import Any

from . import model

# What is wrong with a value: where below it, and in words.
Breaches = list[tuple[str, str]]
Check = Callable[[Any], Breaches]

# Values outside of an enum that AWS sends, or that its own pages show: other spellings of the enum's.
OBSERVED_VALUES: dict[str, frozenset[str]] = {
    "ConnectionStatus": frozenset({"Connected", "NotConnected"}),
    "PlatformValues": frozenset({"windows"}),
}

_PYTHON_TYPES: dict[str, type | tuple[type, ...]] = {
    "structure": dict,
    "map": dict,
    "list": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "long": int,
    "float": (int, float),
    "double": (int, float),
    "timestamp": datetime.datetime,
    "blob": bytes,
}
# How many good values of a shape are remembered: most of a listing's are the same few.
_REMEMBERED = 1000


def output_breaches(service: str, operation: str, result: Any) -> list[str]:
    """Everything about a reply that AWS's model does not allow."""
    shape = model.operation_model(service, operation).output_shape
    if shape is None:
        return [f"{operation} has no output"] if result else []
    return [f"{operation}{place}: {text}" for place, text in _check(shape)(result)]


@functools.cache
def _check(shape: Any) -> Check:
    """The check of one shape. What is below it is looked up when a value has it, for shapes may hold themselves."""
    inner = _INNER[shape.type_name](shape) if shape.type_name in _INNER else None
    bounds = _bounds(shape)
    type_name = shape.type_name
    # Of these one look tells; a truth value could be taken for a number, and a time needs a zone.
    plain = _PYTHON_TYPES[type_name] if type_name in ("structure", "map", "list", "string") else ()

    def check(value: Any) -> Breaches:
        if not isinstance(value, plain) and not _has_type(type_name, value):
            return [("", f"{type(value).__name__} where the model has {type_name}")]
        found = bounds(value) if bounds else []
        return found + inner(value) if inner else found

    return check


def _has_type(type_name: str, value: Any) -> bool:
    if isinstance(value, bool):
        return type_name == "boolean"
    if isinstance(value, datetime.datetime) and value.tzinfo is None:
        return False
    return isinstance(value, _PYTHON_TYPES[type_name])


def _bounds(shape: Any) -> Check | None:
    """The check of a shape's own constraints; None if it has none."""
    if not {"min", "max", "enum", "pattern"} & set(shape.metadata):
        return None
    observed = OBSERVED_VALUES.get(shape.name, frozenset()) if shape.type_name == "string" else frozenset()
    good: set[str] = set(observed)

    def check(value: Any) -> Breaches:
        if isinstance(value, str) and value in good:
            return []
        found = [("", f"{value!r}: {text}") for text in model.constraints(shape, value)]
        if not found and isinstance(value, str) and len(good) < _REMEMBERED:
            good.add(value)
        return found

    return check


def _structure(shape: Any) -> Check:
    members, required, name = shape.members, shape.required_members, shape.name

    def check(value: dict[str, Any]) -> Breaches:
        found = [(f".{key}", "required, and absent") for key in required if key not in value]
        for key, item in value.items():
            if key in members:
                breaches = _check(members[key])(item)
                if breaches:
                    found += _below(f".{key}", breaches)
            elif (name, key) not in model.SINCE:
                found.append((f".{key}", "the model has no such member"))
        return found

    return check


def _list(shape: Any) -> Check:
    def check(value: list[Any]) -> Breaches:
        found: Breaches = []
        for number, item in enumerate(value):
            breaches = _check(shape.member)(item)
            if breaches:
                found += _below(f"[{number}]", breaches)
        return found

    return check


def _map(shape: Any) -> Check:
    def check(value: dict[str, Any]) -> Breaches:
        found: Breaches = []
        for key, item in value.items():
            found += _below(f"{{{key}}}", _check(shape.key)(key))
            found += _below(f"[{key}]", _check(shape.value)(item))
        return found

    return check


_INNER: dict[str, Callable[[Any], Check]] = {"structure": _structure, "list": _list, "map": _map}


def _below(place: str, breaches: Breaches) -> Breaches:
    return [(place + deeper, text) for deeper, text in breaches]
