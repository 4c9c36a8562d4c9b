# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Check replies against botocore's output shapes, so that code after the check never meets a wrong type.

A proxy, an endpoint that imitates AWS, or a fault in between can return anything. There are two checks. ``check`` is
for the reply that botocore has parsed, and every reply goes through it. ``check_body`` is for the body before botocore
parses it, because botocore hides some wrong values: where the service model has a list, it reads a text or an object as
an empty list or as a list of characters. It reads any XML text except ``true`` as false.

The check of a shape is built once, as a tree of functions, because a listing has tens of thousands of values. Errors do
not quote the reply, which can contain secrets.
"""

from __future__ import annotations

import datetime
import json
import re
import weakref
from collections.abc import Callable, Iterator, MutableMapping
from typing import Any
from xml.etree import ElementTree

Check = Callable[[Any], None]
ReplyShape = Any

# Members that the collection reads without checking that they exist, by the name of their structure. Whole replies are
# included, because "there are no sessions" must never mean "a proxy replied".
REQUIRED_MEMBERS: dict[str, tuple[str, ...]] = {
    "AccountSharingInfo": ("AccountId",),
    "AssumeRoleResponse": ("Credentials",),
    "AssumeRoleWithWebIdentityResponse": ("Credentials",),
    "CreateDocumentResult": ("DocumentDescription",),
    "CreateOAuth2TokenResponse": ("tokenOutput",),
    "CreateOAuth2TokenResponseBody": ("accessToken", "expiresIn", "refreshToken"),
    "AccessToken": ("accessKeyId", "secretAccessKey", "sessionToken"),
    "CreateTokenResponse": ("accessToken", "expiresIn"),
    "Credentials": ("AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"),
    "DescribeDocumentPermissionResponse": ("AccountIds",),
    "DescribeDocumentResult": ("Document",),
    "DescribeInstanceInformationResult": ("InstanceInformationList",),
    "DescribeInstancePropertiesResult": ("InstanceProperties",),
    "DescribeInstancesResult": ("Reservations",),
    "DescribeSessionsResponse": ("Sessions",),
    "DocumentDescription": ("Name", "DocumentVersion", "DefaultVersion"),
    "DocumentIdentifier": ("Name",),
    "DocumentRequires": ("Name",),
    "DocumentVersionInfo": ("DocumentVersion",),
    "GenerateDataKeyResponse": ("CiphertextBlob", "Plaintext"),
    "GetConnectionStatusResponse": ("Status",),
    "GetDocumentResult": ("Content", "DocumentVersion"),
    "GetRoleCredentialsResponse": ("roleCredentials",),
    "Instance": ("InstanceId",),
    "InstanceInformation": ("InstanceId",),
    "InstanceProperty": ("InstanceId",),
    "ListDocumentVersionsResult": ("DocumentVersions",),
    "ListDocumentsResult": ("DocumentIdentifiers",),
    "ListTagsForResourceResult": ("TagList",),
    "Reservation": ("Instances",),
    "RoleCredentials": ("accessKeyId", "secretAccessKey", "sessionToken", "expiration"),
    "Session": ("SessionId",),
    "StartSessionResponse": ("SessionId", "StreamUrl", "TokenValue"),
    "Tag": ("Key",),
    "TerminateSessionResponse": ("SessionId",),
    "UpdateDocumentDefaultVersionResult": ("Description",),
    "UpdateDocumentResult": ("DocumentDescription",),
}

_NUMBER = re.compile(r"[1-9][0-9]{0,17}")
_SOME = re.compile(r".+", re.DOTALL)
# Patterns of text members, by the names of structure and member.
_MEMBERS: dict[tuple[str, str], re.Pattern[str]] = {
    **{("DocumentDescription", member): _NUMBER for member in ("DocumentVersion", "DefaultVersion", "LatestVersion")},
    ("DocumentVersionInfo", "DocumentVersion"): _NUMBER,
    ("GetDocumentResult", "DocumentVersion"): _NUMBER,
    ("DocumentDescription", "Name"): _SOME,
    ("DocumentIdentifier", "Name"): _SOME,
    ("Instance", "InstanceId"): _SOME,
    ("InstanceInformation", "InstanceId"): _SOME,
    ("InstanceProperty", "InstanceId"): _SOME,
    ("Session", "SessionId"): _SOME,
    ("Tag", "Key"): _SOME,
}
# Patterns of texts by the name of their own shape. Users see a status, so an unknown one must be a single word, too.
_TEXTS: dict[str, re.Pattern[str]] = {
    "AccountId": re.compile(r"(?i:all)|[0-9]{12}"),
    "ConnectionStatus": re.compile(r"[A-Za-z]{1,64}"),
    "DocumentStatus": re.compile(r"[A-Za-z]{1,64}"),
    "DocumentVersion": re.compile(r"[1-9][0-9]{0,17}|\$LATEST|\$DEFAULT"),
}
# Only times in this range can be compared and converted to any time zone.
_EARLIEST = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_LATEST = datetime.datetime(9999, 12, 30, tzinfo=datetime.UTC)
_INTEGERS = {"integer": 2**31, "long": 2**63}
# botocore converts the milliseconds in GetRoleCredentials' reply to a time, so they have the same limit.
_MILLISECONDS = {"ExpirationTimestampType": int(_LATEST.timestamp()) * 1000}


class WrongReplyError(ValueError):
    """A reply that the service never gives."""


def check_reply(shape: ReplyShape, parsed: Any) -> None:
    """Raise ``WrongReplyError`` if a reply, as botocore parsed it, does not fit its operation's output ``shape``.

    Members that the shape does not have are not checked.
    """
    if shape is not None:
        _check_of(_PARSED, shape, _parsed)(parsed)


def checked(client: Any, method: str, reply: dict[str, Any]) -> dict[str, Any]:
    """Return the ``reply`` of a boto3 client's ``method``; raise ``WrongReplyError`` if the service never gives it."""
    operation = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[method])
    check_reply(operation.output_shape, reply)
    if not (operation.output_shape and operation.output_shape.members):
        # The body of such a reply is empty or an empty object, so only the headers can be wrong.
        kind = reply["ResponseMetadata"]["HTTPHeaders"].get("content-type", "")
        _require(not kind or "json" in kind)
    return reply


def check_body(protocol: str, shape: ReplyShape | None, body: bytes) -> None:
    """Raise an exception, of any kind, if botocore would misread the body of a reply.

    ``protocol`` is botocore's name for it. Only the bodies of json, rest-json, query and ec2 are checked: the services
    in use have no other protocol.
    """
    if protocol in ("json", "rest-json"):
        _check_json(shape, body)
    elif protocol in ("query", "ec2") and shape is not None:
        _check_xml(shape, body)


def _require(condition: bool) -> None:
    if not condition:
        raise WrongReplyError


def _check_of(
    built: MutableMapping[ReplyShape, Check], shape: ReplyShape, make: Callable[[ReplyShape], Check]
) -> Check:
    """Return the check of a shape, which is built on first use. Shapes live as long as the client that has them."""
    check_shape = built.get(shape)
    if check_shape is None:
        check_shape = built[shape] = make(shape)
    return check_shape


_PARSED: MutableMapping[ReplyShape, Check] = weakref.WeakKeyDictionary()
_JSON: MutableMapping[ReplyShape, Check] = weakref.WeakKeyDictionary()
_XML: MutableMapping[ReplyShape, Check] = weakref.WeakKeyDictionary()


# ---- What botocore parsed


def _parsed(shape: ReplyShape) -> Check:
    make = _PARSED_KINDS.get(shape.type_name)
    return make(shape) if make else _anything


def _anything(value: Any) -> None:
    pass


def _parsed_structure(shape: ReplyShape) -> Check:
    needed = REQUIRED_MEMBERS.get(shape.name, ())
    checks = {name: _parsed_member(shape.name, name, member) for name, member in shape.members.items()}

    def verify(value: Any) -> None:
        if not isinstance(value, dict):
            raise WrongReplyError
        for name in needed:
            if name not in value:
                raise WrongReplyError
        for name, item in value.items():
            if name in checks:
                checks[name](item)

    return verify


def _parsed_member(structure: str, name: str, member: ReplyShape) -> Check:
    pattern = _MEMBERS.get((structure, name))
    return _parsed_text(pattern) if pattern else _parsed(member)


def _parsed_list(shape: ReplyShape) -> Check:
    entry = _parsed(shape.member)

    def verify(value: Any) -> None:
        if not isinstance(value, list):
            raise WrongReplyError
        for item in value:
            entry(item)

    return verify


def _parsed_map(shape: ReplyShape) -> Check:
    entry = _parsed(shape.value)

    def verify(value: Any) -> None:
        if not isinstance(value, dict):
            raise WrongReplyError
        for key, item in value.items():
            _of_type(str)(key)
            entry(item)

    return verify


def _parsed_text(pattern: re.Pattern[str] | None) -> Check:
    if pattern is None:
        return _of_type(str)
    fullmatch = pattern.fullmatch

    def verify(value: Any) -> None:
        if not isinstance(value, str) or not fullmatch(value):
            raise WrongReplyError

    return verify


def _of_type(*kinds: type) -> Check:
    def verify(value: Any) -> None:
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):  # bool is a subclass of int
            raise WrongReplyError

    return verify


def _parsed_integer(shape: ReplyShape) -> Check:
    limit = _MILLISECONDS.get(shape.name, _INTEGERS[shape.type_name])

    def verify(value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int) or not -limit <= value < limit:
            raise WrongReplyError

    return verify


def _time(value: Any) -> None:
    if not isinstance(value, datetime.datetime) or value.tzinfo is None or not _EARLIEST <= value <= _LATEST:
        raise WrongReplyError


_PARSED_KINDS: dict[str, Callable[[ReplyShape], Check]] = {
    "structure": _parsed_structure,
    "list": _parsed_list,
    "map": _parsed_map,
    "string": lambda shape: _parsed_text(_TEXTS.get(shape.name)),
    "boolean": lambda shape: _of_type(bool),
    "integer": _parsed_integer,
    "long": _parsed_integer,
    "float": lambda shape: _of_type(int, float),
    "double": lambda shape: _of_type(int, float),
    "timestamp": lambda shape: _time,
}


# ---- JSON before botocore parses it


def _check_json(shape: ReplyShape | None, body: bytes) -> None:
    """Check the types that botocore confuses. It keeps the types of all other values, so ``check`` sees them."""
    if not body and not (shape and shape.members):
        return
    value = json.loads(body)
    _require(isinstance(value, dict))
    if shape is not None:
        _check_of(_JSON, _payload(shape), _json)(value)


def _payload(shape: ReplyShape) -> ReplyShape:
    """Return the shape of the whole body of a reply: ``shape`` itself, or one member of it."""
    member = shape.serialization.get("payload")
    return shape.members[member] if member else shape


def _json(shape: ReplyShape) -> Check:
    make = _JSON_KINDS.get(shape.type_name)
    return make(shape) if make else _anything


def _json_structure(shape: ReplyShape) -> Check:
    members = [(_name(member, name), _json(member)) for name, member in shape.members.items()]
    checks = [(name, verify) for name, verify in members if verify is not _anything]

    def verify(value: Any) -> None:
        if not isinstance(value, dict):
            raise WrongReplyError
        for name, inner in checks:
            item = value.get(name)
            if item is not None:
                inner(item)

    return verify


def _json_list(shape: ReplyShape) -> Check:
    entry = _json(shape.member)

    def verify(value: Any) -> None:
        if not isinstance(value, list):
            raise WrongReplyError
        if entry is not _anything:
            for item in value:
                entry(item)

    return verify


def _json_map(shape: ReplyShape) -> Check:
    return _of_type(dict)


_JSON_KINDS: dict[str, Callable[[ReplyShape], Check]] = {
    "structure": _json_structure,
    "list": _json_list,
    "map": _json_map,
    "timestamp": lambda shape: _of_type(int, float, str),
}


# ---- XML before botocore parses it


def _check_xml(shape: ReplyShape, body: bytes) -> None:
    root = ElementTree.fromstring(body)  # noqa: S314 - botocore reads the same body in the same way
    wrapper = shape.serialization.get("resultWrapper")
    if wrapper:
        inner = [child for child in root if _tag(child) == wrapper]
        _require(len(inner) == 1)
        root = inner[0]
    _check_of(_XML, shape, _xml)(root)


def _name(member: ReplyShape, name: str) -> str:
    return str(member.serialization.get("name", name))


def _tag(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


def _xml(shape: ReplyShape) -> Check:
    return _XML_KINDS.get(shape.type_name, lambda unused: _xml_text)(shape)


def _has_text(element: Any) -> bool:
    return bool(element.text and element.text.strip())


def _xml_structure(shape: ReplyShape) -> Check:
    checks = dict(_xml_members(shape))

    def verify(element: Any) -> None:
        if _has_text(element):
            raise WrongReplyError
        for child in element:
            inner = checks.get(_tag(child))
            if inner:
                inner(child)

    return verify


def _xml_members(shape: ReplyShape) -> Iterator[tuple[str, Check]]:
    for name, member in shape.members.items():
        if member.serialization.get("flattened"):  # its entries are direct children of the structure
            yield _name(getattr(member, "member", member), name), _anything
        else:
            yield _name(member, name), _xml(member)


def _xml_list(shape: ReplyShape) -> Check:
    entry, name = _xml(shape.member), _name(shape.member, "member")

    def verify(element: Any) -> None:
        if _has_text(element):
            raise WrongReplyError
        for child in element:
            if _tag(child) != name:
                raise WrongReplyError
            entry(child)

    return verify


def _xml_text(element: Any) -> None:
    if len(element):
        raise WrongReplyError


def _xml_boolean(element: Any) -> None:
    if len(element) or element.text not in ("true", "false"):
        raise WrongReplyError


_XML_KINDS: dict[str, Callable[[ReplyShape], Check]] = {
    "structure": _xml_structure,
    "list": _xml_list,
    "map": lambda shape: _anything,
    "boolean": lambda shape: _xml_boolean,
}
