# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Parse request bodies: AWS JSON 1.1 for Systems Manager, the query protocols for EC2, STS and IAM.

The shapes of botocore's service models decide how each value is read.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from .service import APIError

JSON_TYPE = "application/x-amz-json-1.1"
INT32 = (-(2**31), 2**31 - 1)
INT64 = (-(2**63), 2**63 - 1)


def garbled(detail: str) -> APIError:
    return APIError("SerializationException", detail)


# --- requests: JSON ---------------------------------------------------------------------------------


def parse_json(shape: Any, body: bytes) -> dict[str, Any]:
    """Parse a JSON body as the members of a shape. Unknown members are kept: ``model.check_input()`` rejects them.

    Raises ``APIError`` (SerializationException) for a body that is not JSON, or a value of the wrong JSON type.
    """
    try:
        value = json.loads(body or b"{}")
    except ValueError:
        raise garbled("") from None
    if not isinstance(value, dict):
        raise garbled("Unexpected value where a structure was expected")
    return read_members(shape, value)


def read_members(shape: Any, value: dict[str, Any]) -> dict[str, Any]:
    """Read JSON values as the members of a shape. Raises ``APIError`` for a value of another type than the shape's."""
    return value if shape is None else _json_structure(shape, value)


def _json_structure(shape: Any, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise garbled(f"{_kind(value)} can not be converted to a structure")
    members = shape.members
    # AWS treats an explicit null as an absent member.
    return {
        key: _json_value(members[key], item) if key in members else item
        for key, item in value.items()
        if item is not None
    }


def _json_list(shape: Any, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise garbled(f"{_kind(value)} can not be converted to a list")
    return [_json_value(shape.member, item) for item in value]


def _json_map(shape: Any, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise garbled(f"{_kind(value)} can not be converted to a map")
    return {key: _json_value(shape.value, item) for key, item in value.items()}


def _json_string(_shape: Any, value: Any) -> str:
    if not isinstance(value, str):
        raise garbled(f"{_kind(value)} can not be converted to a String")
    return value


def _json_boolean(_shape: Any, value: Any) -> bool:
    if not isinstance(value, bool):
        raise garbled(f"{_kind(value)} can not be converted to a Boolean")
    return value


def _json_integer(shape: Any, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise garbled(f"{_kind(value)} can not be converted to an Integer")
    return _in_range(shape, value)


def _in_range(shape: Any, value: int) -> int:
    low, high = INT64 if shape.type_name == "long" else INT32
    if not low <= value <= high:
        raise garbled(f"{value} is out of the range of {shape.type_name}")
    return value


def _json_float(_shape: Any, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise garbled(f"{_kind(value)} can not be converted to a Double")
    return float(value)


def _json_timestamp(_shape: Any, value: Any) -> datetime.datetime:
    try:
        return datetime.datetime.fromtimestamp(_json_float(None, value), datetime.UTC)
    except (OverflowError, ValueError, OSError):
        raise garbled(f"{value} is out of the range of timestamp") from None


def _json_blob(_shape: Any, value: Any) -> bytes:
    try:
        return base64.b64decode(_json_string(None, value), validate=True)
    except binascii.Error:
        raise garbled("Invalid base64") from None


_JSON_READERS: dict[str, Callable[[Any, Any], Any]] = {
    "structure": _json_structure,
    "list": _json_list,
    "map": _json_map,
    "string": _json_string,
    "character": _json_string,
    "boolean": _json_boolean,
    "integer": _json_integer,
    "long": _json_integer,
    "float": _json_float,
    "double": _json_float,
    "timestamp": _json_timestamp,
    "blob": _json_blob,
}


def _json_value(shape: Any, value: Any) -> Any:
    if value is None:
        raise garbled("NULL_VALUE can not be an item of a collection")
    return _JSON_READERS[shape.type_name](shape, value)


def _kind(value: Any) -> str:
    names = {bool: "BOOLEAN_VALUE", int: "NUMBER_VALUE", float: "NUMBER_VALUE", str: "STRING_VALUE"}
    return names.get(type(value), "Start of structure or map or list")


# --- requests: query --------------------------------------------------------------------------------


class QueryForm:
    """A form-encoded request. Each parameter that is read is removed, so what is left over is unknown to the model."""

    def __init__(self, body: bytes) -> None:
        try:
            pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, strict_parsing=bool(body))
        except (UnicodeDecodeError, ValueError):
            raise APIError("MalformedQueryString", "The query string is malformed") from None
        self.values = dict(pairs)
        if len(self.values) != len(pairs):
            raise APIError("MalformedQueryString", "A parameter was given twice")
        self.action = self.values.pop("Action", "")
        self.version = self.values.pop("Version", "")

    def has(self, prefix: str) -> bool:
        return any(key == prefix or key.startswith(prefix + ".") for key in self.values)

    def read(self, shape: Any, ec2: bool) -> dict[str, Any]:
        params = self._structure(shape, "", ec2) if shape is not None else {}
        if self.values:
            name = sorted(self.values)[0]
            raise APIError("UnknownParameter", f"The parameter {name} is not recognized")
        return params

    def _structure(self, shape: Any, prefix: str, ec2: bool) -> dict[str, Any]:
        found = {}
        for name, member in shape.members.items():
            key = prefix + _query_key(name, member, ec2)
            if self.has(key):
                found[name] = self._value(member, key, ec2)
        return found

    def _value(self, shape: Any, key: str, ec2: bool) -> Any:
        if shape.type_name == "structure":
            return self._structure(shape, key + ".", ec2)
        if shape.type_name == "list":
            return self._list(shape, key, ec2)
        if key not in self.values:
            raise APIError("MalformedInput", f"The parameter {key} is a single value")
        return _query_scalar(shape, key, self.values.pop(key))

    def _list(self, shape: Any, key: str, ec2: bool) -> list[Any]:
        if self.values.get(key) == "":
            self.values.pop(key)
            return []
        if not ec2 and not shape.serialization.get("flattened"):
            key += "." + shape.member.serialization.get("name", "member")
        items: list[Any] = []
        while self.has(f"{key}.{len(items) + 1}"):
            items.append(self._value(shape.member, f"{key}.{len(items) + 1}", ec2))
        return items


def _query_key(name: str, shape: Any, ec2: bool) -> str:
    if not ec2:
        return str(shape.serialization.get("name", name))
    if "queryName" in shape.serialization:
        return str(shape.serialization["queryName"])
    given = str(shape.serialization.get("name", name))
    return given[:1].upper() + given[1:]


def _query_scalar(shape: Any, key: str, text: str) -> Any:
    try:
        return _QUERY_READERS[shape.type_name](text)
    except (KeyError, ValueError):
        raise APIError("InvalidParameterValue", f"Invalid value '{text}' for {key}") from None


_QUERY_READERS: dict[str, Callable[[str], Any]] = {
    "string": str,
    "boolean": lambda text: {"true": True, "false": False}[text.lower()],
    "integer": int,
    "long": int,
    "float": float,
    "double": float,
    "timestamp": datetime.datetime.fromisoformat,
    "blob": lambda text: base64.b64decode(text, validate=True),
}
