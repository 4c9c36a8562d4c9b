# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Create a valid request for every operation, and variants of it with one more member of AWS's model."""

from __future__ import annotations

import base64
import copy
import dataclasses
import json
from collections.abc import Iterator
from typing import Any

from emulator import model, registry
from emulator.service import Call
from emulator.services import kms
from emulator.world import World
from unit.support import input_mutants

NODE, HYBRID = "i-00000000000000001", "mi-00000000000000003"
SESSION = "operator-0123456789abcdef0"
KEY = "1234abcd-12ab-34cd-56ef-1234567890ab"
ROLE = "arn:aws:iam::123456789012:role/reader"
STREAM: dict[str, Any] = {"schemaVersion": "1.0", "sessionType": "Standard_Stream", "inputs": {}}
COMMAND: dict[str, Any] = {
    "schemaVersion": "1.0",
    "sessionType": "InteractiveCommands",
    "parameters": {"service": {"type": "String", "default": "sshd"}},
    "properties": {"linux": {"commands": "journalctl -u {{ service }}"}},
}
SHARED = {"permissions": {"111122223333": "$DEFAULT", "222233334444": "$DEFAULT"}}
VERSIONS = {"versions": [{"content": {**STREAM, "description": str(number)}} for number in (1, 2)]}
NAMED = [{"content": json.dumps(STREAM), "version_name": "v1"}, {"content": {**STREAM, "description": "2"}}]
REGION: dict[str, Any] = {
    "nodes": [{"id": "i-%017x", "generate": 2, "tags": {"Role": "web"}}, {"id": HYBRID}],
    "sessions": [
        {"session_id": SESSION, "target": NODE},
        *({"target": NODE, "status": status, "generate": 2} for status in ("Connected", "Failed")),
    ],
    "documents": [
        *({"name": name, "document_type": "Session", **SHARED, **VERSIONS} for name in ("doc-a", "doc-b")),
        {"name": "free", "document_type": "Session", "versions": NAMED},
        {"name": "shell", "document_type": "Session", "content": COMMAND},
    ],
    "kms_keys": [{"id": KEY, "alias": "alias/sessions"}],
}
# Two regions with equal resources.
WORLD: dict[str, Any] = {"roles": [ROLE], "regions": {"us-east-1": REGION, "eu-west-1": REGION}}

CONTEXT = {"aws:ssm:SessionId": SESSION}
CIPHERTEXT = kms.seal(f"arn:aws:kms:us-east-1:123456789012:key/{KEY}", 64, CONTEXT, bytes(16))
ATTACHMENT = [{"Key": "S3FileUrl", "Values": ["s3://bucket/file"]}]
_TAG = [{"Key": "Role", "Value": "web"}]
_DOCUMENT = {"ResourceType": "Document", "ResourceId": "doc-a"}
BASES: dict[str, dict[str, Any]] = {
    "AddTagsToResource": {**_DOCUMENT, "Tags": _TAG},
    "AssumeRole": {"RoleArn": ROLE, "RoleSessionName": "me"},
    "CreateDocument": {"Name": "new", "Content": json.dumps(STREAM), "DocumentType": "Session"},
    "Decrypt": {"CiphertextBlob": base64.b64encode(CIPHERTEXT).decode(), "EncryptionContext": CONTEXT},
    "DeleteDocument": {"Name": "free"},
    "DescribeDocument": {"Name": "free"},
    "DescribeDocumentPermission": {"Name": "doc-a", "PermissionType": "Share"},
    "DescribeInstanceInformation": {},
    "DescribeInstanceProperties": {},
    "DescribeInstances": {},
    "DescribeRegions": {},
    "DescribeSessions": {"State": "Active"},
    "GenerateDataKey": {"KeyId": KEY, "NumberOfBytes": 64},
    "GetCallerIdentity": {},
    "GetConnectionStatus": {"Target": NODE},
    "GetDocument": {"Name": "free"},
    "ListAccountAliases": {},
    "ListDocumentVersions": {"Name": "doc-a"},
    "ListDocuments": {},
    "ListTagsForResource": _DOCUMENT,
    "ModifyDocumentPermission": {"Name": "doc-a", "PermissionType": "Share", "AccountIdsToAdd": ["333344445555"]},
    "RemoveTagsFromResource": {**_DOCUMENT, "TagKeys": ["Role"]},
    "ResumeSession": {"SessionId": SESSION},
    "StartSession": {"Target": NODE, "DocumentName": "shell"},
    "TerminateSession": {"SessionId": SESSION},
    "UpdateDocument": {"Name": "doc-a", "Content": json.dumps({**STREAM, "description": "3"}), "DocumentVersion": "2"},
    "UpdateDocumentDefaultVersion": {"Name": "doc-a", "DocumentVersion": "2"},
}
# Values for members whose handler needs a more specific value than the first one that the model allows.
GOOD: dict[tuple[str, str], Any] = {
    ("AssumeRole", "PolicyArns"): [{"arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}],
    ("AssumeRole", "SerialNumber"): "GAHT12345678",
    ("AssumeRole", "TokenCode"): "123456",
    ("AssumeRole", "ProvidedContexts"): [{"ContextAssertion": "abcd"}],
    ("CreateDocument", "Attachments"): ATTACHMENT,
    ("CreateDocument", "Requires"): [{"Name": "doc-a"}],
    ("Decrypt", "KeyId"): KEY,
    ("DeleteDocument", "DocumentVersion"): "1",
    ("DeleteDocument", "VersionName"): "v1",
    ("DescribeDocument", "VersionName"): "v1",
    ("GetDocument", "VersionName"): "v1",
    ("DescribeInstanceInformation", "Filters"): [{"Key": "PingStatus", "Values": ["Online"]}],
    ("DescribeInstanceInformation", "InstanceInformationFilterList"): [{"key": "PingStatus", "valueSet": ["Online"]}],
    ("DescribeInstanceProperties", "FiltersWithOperator"): [{"Key": "PingStatus", "Values": ["Online"]}],
    ("DescribeInstanceProperties", "InstancePropertyFilterList"): [{"key": "PingStatus", "valueSet": ["Online"]}],
    ("DescribeInstances", "Filters"): [{"Name": "tag:Role", "Values": ["web"]}],
    ("DescribeInstances", "InstanceIds"): [NODE],
    ("DescribeInstances", "MaxResults"): 5,
    ("DescribeInstances", "DryRun"): False,
    ("DescribeRegions", "Filters"): [{"Name": "region-name", "Values": ["us-east-1"]}],
    ("DescribeRegions", "DryRun"): False,
    ("DescribeRegions", "RegionNames"): ["eu-west-1"],
    ("DescribeSessions", "Filters"): [{"key": "Target", "value": NODE}],
    ("ListDocuments", "DocumentFilterList"): [{"key": "Owner", "value": "Self"}],
    ("ListDocuments", "Filters"): [{"Key": "Owner", "Values": ["Self"]}],
    ("StartSession", "Parameters"): {"service": ["sshd"]},
    ("UpdateDocument", "Attachments"): ATTACHMENT,
}


@dataclasses.dataclass(frozen=True)
class Asked:
    """A request. ``path`` is the path of the member that was added to the base request; empty for the base itself."""

    service: str
    operation: str
    params: dict[str, Any]
    path: str = ""

    def __str__(self) -> str:
        return f"{self.operation}.{self.path}".rstrip(".")

    def call(self, world: World, region: str = "us-east-1") -> Call:
        return Call(self.service, self.operation, copy.deepcopy(self.params), world.default_identity, region)


def bases() -> list[Asked]:
    """Return a request for every operation. Raises ``KeyError`` for an operation that ``BASES`` lacks."""
    return [Asked(service, name, BASES[name]) for service, name in sorted(registry.operations())]


def variants(base: Asked) -> Iterator[Asked]:
    """Yield the base request with one more member, for every member that the model has, at any depth."""
    shape = model.operation_model(base.service, base.operation).input_shape
    if shape is not None:
        yield from _more(base, shape, base.params, "", lambda params: params)


def _more(base: Asked, shape: Any, value: Any, path: str, wrap: Any) -> Iterator[Asked]:
    """Yield the variants of a value in a request. ``wrap`` returns the request with another value in its place."""
    if shape.type_name == "list" and shape.member.type_name == "structure":
        yield from _more(base, shape.member, value[0], f"{path}[0]", lambda item: wrap([item, *value[1:]]))
    if shape.type_name != "structure":
        return
    for name, member in shape.members.items():
        deeper = f"{path}.{name}".removeprefix(".")

        def inside(given: Any, name: str = name) -> Any:
            return wrap({**value, name: given})

        if name in value:
            given = value[name]
        else:
            given = sample(base, deeper, member)
            yield dataclasses.replace(base, params=inside(given), path=deeper)
        yield from _more(base, member, given, deeper, inside)


def sample(base: Asked, path: str, shape: Any) -> Any:
    """Return a value for a member: the one in ``GOOD``, or any value that the model allows."""
    key = (base.operation, path)
    return GOOD[key] if key in GOOD else input_mutants.sample(shape)
