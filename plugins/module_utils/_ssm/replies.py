# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Check replies against botocore's output shapes, so that nothing behind the check meets a wrong type.

A proxy, an endpoint that is like AWS or a fault in between answers with anything. There are two checks. ``check`` is
for what botocore has parsed, and is the one that every reply goes through. ``check_body`` is for the body before that:
botocore reads a text or an object where the service model has a list as an empty list or one of its characters, and
any XML text but ``true`` as false.

A shape's check is made once, as a tree of functions, because a listing has tens of thousands of values. An error says
nothing of the reply, which can hold secrets.
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
Shape = Any

# Members that the collection reads without asking whether they are there, by the name of their structure. Whole
# replies are among them, because "there are no sessions" must never mean "a proxy answered".
NEEDED: dict[str, tuple[str, ...]] = {
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
    "Tag": ("Key",),
    "TerminateSessionResponse": ("SessionId",),
    "UpdateDocumentDefaultVersionResult": ("Description",),
    "UpdateDocumentResult": ("DocumentDescription",),
}

_NUMBER = re.compile(r"[1-9][0-9]{0,17}")
_SOME = re.compile(r".+", re.DOTALL)
# Members that are texts, and of which not every text will do.
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
# The same by the name of the text's own shape. A status is shown to users, so a new one has to be a word, too.
_TEXTS: dict[str, re.Pattern[str]] = {
    "AccountId": re.compile(r"(?i:all)|[0-9]{12}"),
    "ConnectionStatus": re.compile(r"[A-Za-z]{1,64}"),
    "DocumentStatus": re.compile(r"[A-Za-z]{1,64}"),
    "DocumentVersion": re.compile(r"[1-9][0-9]{0,17}|\$LATEST|\$DEFAULT"),
}
# Times can be shown in any time zone, and compared, only inside the calendar.
_EARLIEST = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_LATEST = datetime.datetime(9999, 12, 30, tzinfo=datetime.UTC)
_INTEGERS = {"integer": 2**31, "long": 2**63}
# What the reply's milliseconds of GetRoleCredentials may be, which botocore makes a time of.
_MILLISECONDS = {"ExpirationTimestampType": int(_LATEST.timestamp()) * 1000}


class WrongReplyError(ValueError):
    """A reply that is not one that the service gives."""


def check(shape: Shape, parsed: Any) -> None:
    """A ``WrongReplyError`` for a reply, as botocore parsed it, that is not of its operation's output ``shape``.

    Members that the shape does not have are not looked at.
    """
    if shape is not None:
        _made(_PARSED, shape, _parsed)(parsed)


def checked(client: Any, method: str, reply: dict[str, Any]) -> dict[str, Any]:
    """The reply that a ``method`` of a boto3 client returned; a ``WrongReplyError`` if the service never gives it."""
    operation = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[method])
    check(operation.output_shape, reply)
    if not (operation.output_shape and operation.output_shape.members):
        # Such a reply is an empty body or object, of which only the headers can be wrong.
        kind = reply["ResponseMetadata"]["HTTPHeaders"].get("content-type", "")
        _require(not kind or "json" in kind)
    return reply


def check_body(protocol: str, shape: Shape | None, body: bytes) -> None:
    """An exception, of many kinds, for the body of a reply that botocore would read as something else than it is.

    ``protocol`` is botocore's name for it. The bodies of others than the four of the services in use are not looked at.
    """
    if protocol in ("json", "rest-json"):
        _check_json(shape, body)
    elif protocol in ("query", "ec2") and shape is not None:
        _check_xml(shape, body)


def _require(right: bool) -> None:
    if not right:
        raise WrongReplyError


def _made(known: MutableMapping[Shape, Check], shape: Shape, make: Callable[[Shape], Check]) -> Check:
    """The check of a shape, which is made once. Shapes live as long as the client that they belong to."""
    found = known.get(shape)
    if found is None:
        found = known[shape] = make(shape)
    return found


_PARSED: MutableMapping[Shape, Check] = weakref.WeakKeyDictionary()
_JSON: MutableMapping[Shape, Check] = weakref.WeakKeyDictionary()
_XML: MutableMapping[Shape, Check] = weakref.WeakKeyDictionary()


# ---- What botocore parsed


def _parsed(shape: Shape) -> Check:
    make = _PARSED_KINDS.get(shape.type_name)
    return make(shape) if make else _anything


def _anything(value: Any) -> None:
    pass


def _parsed_structure(shape: Shape) -> Check:
    needed = NEEDED.get(shape.name, ())
    checks = {name: _parsed_member(shape.name, name, member) for name, member in shape.members.items()}

    def look(value: Any) -> None:
        if not isinstance(value, dict):
            raise WrongReplyError
        for name in needed:
            if name not in value:
                raise WrongReplyError
        for name, item in value.items():
            if name in checks:
                checks[name](item)

    return look


def _parsed_member(structure: str, name: str, member: Shape) -> Check:
    pattern = _MEMBERS.get((structure, name))
    return _parsed_text(pattern) if pattern else _parsed(member)


def _parsed_list(shape: Shape) -> Check:
    entry = _parsed(shape.member)

    def look(value: Any) -> None:
        if not isinstance(value, list):
            raise WrongReplyError
        for item in value:
            entry(item)

    return look


def _parsed_map(shape: Shape) -> Check:
    entry = _parsed(shape.value)

    def look(value: Any) -> None:
        if not isinstance(value, dict):
            raise WrongReplyError
        for key, item in value.items():
            _of_type(str)(key)
            entry(item)

    return look


def _parsed_text(pattern: re.Pattern[str] | None) -> Check:
    if pattern is None:
        return _of_type(str)
    fullmatch = pattern.fullmatch

    def look(value: Any) -> None:
        if not isinstance(value, str) or not fullmatch(value):
            raise WrongReplyError

    return look


def _of_type(*kinds: type) -> Check:
    def look(value: Any) -> None:
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):  # a bool is an int, too
            raise WrongReplyError

    return look


def _parsed_integer(shape: Shape) -> Check:
    limit = _MILLISECONDS.get(shape.name, _INTEGERS[shape.type_name])

    def look(value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int) or not -limit <= value < limit:
            raise WrongReplyError

    return look


def _time(value: Any) -> None:
    if not isinstance(value, datetime.datetime) or value.tzinfo is None or not _EARLIEST <= value <= _LATEST:
        raise WrongReplyError


_PARSED_KINDS: dict[str, Callable[[Shape], Check]] = {
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


def _check_json(shape: Shape | None, body: bytes) -> None:
    """Check the kinds that botocore takes one for the other; those of all other values it leaves as they are."""
    if not body and not (shape and shape.members):
        return
    value = json.loads(body)
    _require(isinstance(value, dict))
    if shape is not None:
        _made(_JSON, _payload(shape), _json)(value)


def _payload(shape: Shape) -> Shape:
    """What the whole body of a reply is: the shape, or one member of it."""
    member = shape.serialization.get("payload")
    return shape.members[member] if member else shape


def _json(shape: Shape) -> Check:
    make = _JSON_KINDS.get(shape.type_name)
    return make(shape) if make else _anything


def _json_structure(shape: Shape) -> Check:
    members = [(_name(member, name), _json(member)) for name, member in shape.members.items()]
    checks = [(name, look) for name, look in members if look is not _anything]

    def look(value: Any) -> None:
        if not isinstance(value, dict):
            raise WrongReplyError
        for name, inner in checks:
            item = value.get(name)
            if item is not None:
                inner(item)

    return look


def _json_list(shape: Shape) -> Check:
    entry = _json(shape.member)

    def look(value: Any) -> None:
        if not isinstance(value, list):
            raise WrongReplyError
        if entry is not _anything:
            for item in value:
                entry(item)

    return look


def _json_map(shape: Shape) -> Check:
    return _of_type(dict)


_JSON_KINDS: dict[str, Callable[[Shape], Check]] = {
    "structure": _json_structure,
    "list": _json_list,
    "map": _json_map,
    "timestamp": lambda shape: _of_type(int, float, str),
}


# ---- XML before botocore parses it


def _check_xml(shape: Shape, body: bytes) -> None:
    root = ElementTree.fromstring(body)  # noqa: S314 - botocore reads the same body in the same way
    wrapper = shape.serialization.get("resultWrapper")
    if wrapper:
        inner = [child for child in root if _tag(child) == wrapper]
        _require(len(inner) == 1)
        root = inner[0]
    _made(_XML, shape, _xml)(root)


def _name(member: Shape, name: str) -> str:
    return str(member.serialization.get("name", name))


def _tag(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


def _xml(shape: Shape) -> Check:
    return _XML_KINDS.get(shape.type_name, lambda unused: _xml_text)(shape)


def _has_text(element: Any) -> bool:
    return bool(element.text and element.text.strip())


def _xml_structure(shape: Shape) -> Check:
    checks = dict(_xml_members(shape))

    def look(element: Any) -> None:
        if _has_text(element):
            raise WrongReplyError
        for child in element:
            inner = checks.get(_tag(child))
            if inner:
                inner(child)

    return look


def _xml_members(shape: Shape) -> Iterator[tuple[str, Check]]:
    for name, member in shape.members.items():
        if member.serialization.get("flattened"):  # its entries are children of the structure
            yield _name(getattr(member, "member", member), name), _anything
        else:
            yield _name(member, name), _xml(member)


def _xml_list(shape: Shape) -> Check:
    entry, name = _xml(shape.member), _name(shape.member, "member")

    def look(element: Any) -> None:
        if _has_text(element):
            raise WrongReplyError
        for child in element:
            if _tag(child) != name:
                raise WrongReplyError
            entry(child)

    return look


def _xml_text(element: Any) -> None:
    if len(element):
        raise WrongReplyError


def _xml_boolean(element: Any) -> None:
    if len(element) or element.text not in ("true", "false"):
        raise WrongReplyError


_XML_KINDS: dict[str, Callable[[Shape], Check]] = {
    "structure": _xml_structure,
    "list": _xml_list,
    "map": lambda shape: _anything,
    "boolean": lambda shape: _xml_boolean,
}
