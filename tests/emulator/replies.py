# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Write reply bodies: AWS JSON 1.1 for Systems Manager, XML for EC2, STS and IAM.

The shapes of botocore's service models decide how each value is written. Listings have tens of thousands of values, so
XML is written as text directly, without building a tree first.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime
import functools
import json
from collections.abc import Callable, Iterator
from typing import Any
from xml.sax.saxutils import escape

from .service import APIError
from .wire import JSON_TYPE

XML_TYPE = "text/xml;charset=UTF-8"


@dataclasses.dataclass(frozen=True)
class Reply:
    """An HTTP reply, before it is sent."""

    status: int
    body: bytes
    content_type: str


_encode: Callable[[Any], str] = json.JSONEncoder(ensure_ascii=False).encode


def json_reply(shape: Any, result: dict[str, Any]) -> Reply:
    body = {} if shape is None else _to_json(shape, result)
    return Reply(200, _encode(body).encode(), JSON_TYPE)


def _to_json(shape: Any, value: Any) -> Any:
    write = _writer(shape)
    return write(shape, value) if write else value


@functools.cache
def _writer(shape: Any) -> Callable[[Any, Any], Any] | None:
    """Return the function that turns values of a shape into JSON values.

    It is None if they are JSON values already, or if there is no shape: for a member in ``model.SINCE``.
    """
    return None if shape is None else _JSON_WRITERS.get(shape.type_name)


def _structure_to_json(shape: Any, value: dict[str, Any]) -> dict[str, Any]:
    found = {key: item for key, item in value.items() if item is not None}
    for key, member in _written_members(shape):
        if key in found:
            found[key] = _to_json(member, found[key])
    return found


@functools.cache
def _written_members(shape: Any) -> list[tuple[str, Any]]:
    return [(key, member) for key, member in shape.members.items() if _writer(member)]


def _list_to_json(shape: Any, value: list[Any]) -> list[Any]:
    member = shape.member
    write = _writer(member)
    return [write(member, item) for item in value] if write else value


def _map_to_json(shape: Any, value: dict[str, Any]) -> dict[str, Any]:
    return {key: _to_json(shape.value, item) for key, item in value.items()}


def _timestamp_to_json(_shape: Any, value: Any) -> Any:
    return value.timestamp() if isinstance(value, datetime.datetime) else value


def _blob_to_json(_shape: Any, value: bytes) -> str:
    return base64.b64encode(value).decode()


_JSON_WRITERS: dict[str, Callable[[Any, Any], Any]] = {
    "structure": _structure_to_json,
    "list": _list_to_json,
    "map": _map_to_json,
    "timestamp": _timestamp_to_json,
    "blob": _blob_to_json,
}


def ec2_reply(operation: Any, namespace: str, result: dict[str, Any], request_id: str) -> Reply:
    parts = [_tag("requestId", request_id)]
    if operation.output_shape is not None:
        parts += _members_as_xml(operation.output_shape, result)
    return _xml(200, f"{operation.name}Response", "".join(parts), namespace + "/")


def query_reply(operation: Any, namespace: str, result: dict[str, Any], request_id: str) -> Reply:
    inner = ""
    shape = operation.output_shape
    if shape is not None:
        wrapper = shape.serialization.get("resultWrapper", f"{operation.name}Result")
        inner = _element(wrapper, "".join(_members_as_xml(shape, result)))
    metadata = _element("ResponseMetadata", _tag("RequestId", request_id))
    return _xml(200, f"{operation.name}Response", inner + metadata, namespace)


def _members_as_xml(shape: Any, value: dict[str, Any]) -> Iterator[str]:
    for name, tag, member in _xml_members(shape):
        item = value.get(name)
        if item is not None:
            yield _to_xml(tag, member, item)


@functools.cache
def _xml_members(shape: Any) -> list[tuple[str, str, Any]]:
    """Return name, element and shape of a structure's members: ``[("InstanceId", "instanceId", shape), ...]``."""
    return [(name, str(member.serialization.get("name", name)), member) for name, member in shape.members.items()]


def _to_xml(tag: str, shape: Any, value: Any) -> str:
    if shape.type_name == "structure":
        return _element(tag, "".join(_members_as_xml(shape, value)))
    if shape.type_name == "list":
        inner = str(shape.member.serialization.get("name", "member"))
        return _element(tag, "".join([_to_xml(inner, shape.member, item) for item in value]))
    return _tag(tag, _xml_text(value))


def _xml_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return str(value)


def _tag(name: str, text: str) -> str:
    return _element(name, escape(text))


def _element(name: str, inner: str) -> str:
    return f"<{name}>{inner}</{name}>" if inner else f"<{name} />"


def _xml(status: int, name: str, inner: str, namespace: str = "") -> Reply:
    attribute = f' xmlns="{namespace}"' if namespace else ""
    text = f"<?xml version='1.0' encoding='utf-8'?>\n<{name}{attribute}>{inner}</{name}>"
    return Reply(status, text.encode(), XML_TYPE)


# --- errors -----------------------------------------------------------------------------------------


def error_reply(protocol: str, namespace: str, error: APIError, request_id: str, message_key: str) -> Reply:
    if protocol == "json":
        # AWS uses `message` for errors of the framework, and the key of the error's shape for those of the service.
        body = {"__type": error.code, message_key: error.message}
        return Reply(error.status, _encode(body).encode(), JSON_TYPE)
    named = _tag("Code", error.code) + _tag("Message", error.message)
    if protocol == "ec2":
        return _xml(
            error.status, "Response", _element("Errors", _element("Error", named)) + _tag("RequestID", request_id)
        )
    kind = _tag("Type", "Receiver" if error.status >= 500 else "Sender")
    return _xml(
        error.status, "ErrorResponse", _element("Error", kind + named) + _tag("RequestId", request_id), namespace
    )
