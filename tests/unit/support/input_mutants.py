# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Create one invalid request for each constraint in the input shape of an operation."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Iterator
from typing import Any

from emulator import model, patterns

SAMPLES = (
    "abcdef",
    "1",
    "1.0",
    "/AWS::EC2::Instance",
    "i-0123456789abcdef0",
    "123456789012",
    "$LATEST",
    "a" * 64,
)
WRONG_TYPE: dict[str, Any] = {
    "structure": "text",
    "list": "text",
    "map": "text",
    "string": 7,
    "blob": 7,
    "boolean": "true",
    "integer": "7",
    "long": "7",
    "timestamp": "2026-01-01",
}


@dataclasses.dataclass
class Mutant:
    """A request with exactly one mistake, ``what`` at ``path``, and the ``code`` and ``text`` of AWS's error."""

    what: str
    path: str
    params: dict[str, Any]
    code: str
    text: str = ""

    def __str__(self) -> str:
        return f"{self.what}:{self.path}"


def sample(shape: Any) -> Any:
    """Return a value that the shape allows, without optional members."""
    if shape.type_name == "structure":
        return {name: sample(shape.members[name]) for name in shape.required_members}
    if shape.type_name == "list":
        return [sample(shape.member) for unused in range(max(1, shape.metadata.get("min", 0)))]
    if shape.type_name == "map":
        return {sample(shape.key): sample(shape.value)}
    if shape.type_name == "string":
        return _text(shape)
    if shape.type_name == "blob":
        return _blob(max(1, shape.metadata.get("min", 0)))
    return {"boolean": True, "timestamp": 1767225600}.get(shape.type_name, shape.metadata.get("min", 1))


def _blob(size: int) -> str:
    return base64.b64encode(bytes(size)).decode()


def _text(shape: Any) -> str:
    metadata = shape.metadata
    if "enum" in metadata:
        return str(metadata["enum"][0])
    for text in (*SAMPLES, "a" * metadata.get("min", 1)):
        if not list(model.constraints(shape, text)):
            return text
    raise AssertionError(f"no sample fits {shape.name}")


def mutants(operation: str, service: str = "ssm") -> Iterator[Mutant]:
    """Yield every invalid request of one operation."""
    shape = model.operation_model(service, operation).input_shape
    base = sample(shape)
    yield from _of_structure(shape, base, "", lambda value: value)


def _of_structure(shape: Any, base: dict[str, Any], path: str, wrap: Any) -> Iterator[Mutant]:
    """Yield the mistakes in a structure. ``wrap`` returns the whole request with another value of this structure."""
    bad = "ValidationException"
    extra = _join(path, "noSuchMember")
    yield Mutant("unknown", extra, wrap({**base, "NoSuchMember": "x"}), bad, "Member must be known")
    for name in shape.required_members:
        rest = {key: value for key, value in base.items() if key != name}
        yield Mutant("missing", _join(path, name), wrap(rest), bad, "Member must not be null")
    for name, member in shape.members.items():

        def inside(value: Any, name: str = name) -> dict[str, Any]:
            whole: dict[str, Any] = wrap({**base, name: value})
            return whole

        yield from _of_value(member, _join(path, name), inside)


def _of_value(shape: Any, path: str, wrap: Any) -> Iterator[Mutant]:
    yield Mutant("type", path, wrap(WRONG_TYPE[shape.type_name]), "SerializationException")
    for what, value, text in _breaking(shape):
        yield Mutant(what, path, wrap(value), "ValidationException", text)
    if shape.type_name == "structure":
        yield from _of_structure(shape, sample(shape), path, wrap)
    elif shape.type_name == "list" and shape.member.type_name == "structure":
        item = shape.member
        yield from _of_structure(item, sample(item), f"{path}.1.member", lambda value: wrap(_padded(shape, value)))
    elif shape.type_name == "list":
        for what, value, text in _breaking(shape.member):
            yield Mutant(f"item {what}", path, wrap(_padded(shape, value)), "ValidationException", text)
    elif shape.type_name == "map":
        for what, value, text in _breaking(shape.key):
            yield Mutant(f"key {what}", path, wrap({value: sample(shape.value)}), "ValidationException", text)


def _padded(shape: Any, value: Any) -> list[Any]:
    return [value] + [sample(shape.member) for unused in range(1, shape.metadata.get("min", 1))]


def _breaking(shape: Any) -> Iterator[tuple[str, Any, str]]:
    """Yield values just outside of a shape's own constraints, with the name of the constraint and AWS's text for it."""
    metadata = shape.metadata
    if "enum" in metadata:
        yield "enum", "NoSuchValue", "Member must satisfy enum value set: ["
    if "pattern" in metadata:
        yield "pattern", _unmatched(shape), "Member must satisfy regular expression pattern: "
    noun = "value" if shape.type_name in ("integer", "long") else "length"
    if metadata.get("min", 0) > 0:
        low = _sized(shape, metadata["min"] - 1)
        yield "min", low, f"Member must have {noun} greater than or equal to {metadata['min']}"
    if "max" in metadata and metadata["max"] <= 200_000:
        high = _sized(shape, metadata["max"] + 1)
        yield "max", high, f"Member must have {noun} less than or equal to {metadata['max']}"


def _unmatched(shape: Any) -> str:
    for text in ("!? !", "\n", "☕\n", "x"):
        if not patterns.matches(shape.name, shape.metadata["pattern"], text):
            return text
    raise AssertionError(f"everything matches the pattern of {shape.name}")


def _sized(shape: Any, size: int) -> Any:
    if shape.type_name in ("integer", "long"):
        return size
    if shape.type_name == "string":
        return "a" * size
    if shape.type_name == "blob":
        return _blob(size)
    if shape.type_name == "list":
        return [sample(shape.member) for unused in range(size)]
    return {f"{sample(shape.key)}{number}": sample(shape.value) for number in range(size)}


def _join(path: str, name: str) -> str:
    lowered = name[:1].lower() + name[1:]
    return f"{path}.{lowered}" if path else lowered
