# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Check every member of a reply against AWS's service model.

A page of a listing has tens of thousands of values, so the checks of a shape are built once and not for each value.
"""

from __future__ import annotations

import datetime
import functools
from collections.abc import Callable
from typing import Any

from . import model

# What is wrong with a value, as pairs of a path below it and a message: [("[0].Status", "required, and absent")].
Breaches = list[tuple[str, str]]
Check = Callable[[Any], Breaches]

# Values that are not in the model's enum, but that AWS sends or shows in its documentation (other spellings).
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
# How many valid strings of a shape are remembered. Most values of a listing are the same few.
_REMEMBERED = 1000


def output_breaches(service: str, operation: str, result: Any) -> list[str]:
    """Return what AWS's model does not allow in a reply: ``["GetDocument.Name: int where the model has string"]``."""
    shape = model.operation_model(service, operation).output_shape
    if shape is None:
        return [f"{operation} has no output"] if result else []
    return [f"{operation}{place}: {text}" for place, text in _check(shape)(result)]


@functools.cache
def _check(shape: Any) -> Check:
    """Return the check of one shape. Its members' checks are built on first use: shapes may be recursive."""
    inner = _INNER[shape.type_name](shape) if shape.type_name in _INNER else None
    bounds = _bounds(shape)
    type_name = shape.type_name
    # For these types isinstance() is enough. For the others it is not: bool is an int, and a time needs a zone.
    simple_type = _PYTHON_TYPES[type_name] if type_name in ("structure", "map", "list", "string") else ()

    def check(value: Any) -> Breaches:
        if not isinstance(value, simple_type) and not _has_type(type_name, value):
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
    """Return the check of a shape's own constraints, or None if it has none."""
    if not {"min", "max", "enum", "pattern"} & set(shape.metadata):
        return None
    observed = OBSERVED_VALUES.get(shape.name, frozenset()) if shape.type_name == "string" else frozenset()
    valid: set[str] = set(observed)

    def check(value: Any) -> Breaches:
        if isinstance(value, str) and value in valid:
            return []
        found = [("", f"{value!r}: {text}") for text in model.constraints(shape, value)]
        if not found and isinstance(value, str) and len(valid) < _REMEMBERED:
            valid.add(value)
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
                    found += _prefixed(f".{key}", breaches)
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
                found += _prefixed(f"[{number}]", breaches)
        return found

    return check


def _map(shape: Any) -> Check:
    def check(value: dict[str, Any]) -> Breaches:
        found: Breaches = []
        for key, item in value.items():
            found += _prefixed(f"{{{key}}}", _check(shape.key)(key))
            found += _prefixed(f"[{key}]", _check(shape.value)(item))
        return found

    return check


_INNER: dict[str, Callable[[Any], Check]] = {"structure": _structure, "list": _list, "map": _map}


def _prefixed(place: str, breaches: Breaches) -> Breaches:
    return [(place + deeper, text) for deeper, text in breaches]
