# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The documents that a world starts with: those that it describes, and some that AWS owns."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ....service import APIError
from ....world_values import entries, mapping, string_map, time_or_age
from .content import serialise, sha256
from .schema import SessionRules, type_of
from .store import AMAZON, Attachment, Document, Documents
from .versions import make_attachment, new_version

if TYPE_CHECKING:
    from ....world import World

_VERSION_KEYS = {
    "content",
    "document_format",
    "version",
    "version_name",
    "display_name",
    "target_type",
    "attachments",
    "status",
    "status_information",
    "reads",
    "created",
}
_DOCUMENT_KEYS = {
    "name",
    "owner",
    "document_type",
    "versions",
    "default_version",
    "requires",
    "tags",
    "permissions",
    "fail_versions",
    "associated",
    "third_party",
    "deleting_reads",
} | (_VERSION_KEYS - {"version"})
_STATUSES = ("Active", "Failed", "Creating", "Updating")
# The creation date of the documents that AWS owns: before the time of any world.
_AMAZON_CREATED = datetime.datetime(2020, 3, 10, 12, tzinfo=datetime.UTC)


def read_documents(section: Any, world: World, region: str) -> Documents:
    """Read the ``documents`` of a region, and add those that AWS owns. Raises ``ValueError`` for a mistake in them."""
    documents = Documents(account_id=world.account_id, region=region)
    for name, (document_type, content) in _AMAZON_DOCUMENTS.items():
        item = {"name": name, "owner": AMAZON, "document_type": document_type, "content": content}
        documents.add(_read(documents, item, world, _AMAZON_CREATED))
    for given in entries(section, _DOCUMENT_KEYS, "document"):
        if not isinstance(given.get("name"), str):
            raise ValueError("a document must have a name")
        if "content" not in given and "versions" not in given:
            documents.future_fail_versions[given["name"]] = _fail_versions(given)
            continue
        try:
            document = _read(documents, given, world, world.now)
        except (ValueError, APIError) as error:
            raise ValueError(f"document {given['name']}: {error}") from error
        if (document.owner, document.name) in documents.by_owner_and_name:
            raise ValueError(f"document {document.name}: defined twice")
        documents.add(document)
    return documents


def _read(documents: Documents, item: Mapping[str, Any], world: World, created: datetime.datetime) -> Document:
    versions = _versions(item)
    document = Document(
        name=item["name"],
        owner=str(item.get("owner", documents.account_id)),
        document_type=type_of(versions[0].get("content"), item.get("document_type")),
        requires=[string_map(required, "requires") for required in item.get("requires", [])],
        tags=string_map(item.get("tags"), "tags"),
        permissions=_permissions(item.get("permissions")),
        fail_versions=_fail_versions(item),
        associated=bool(item.get("associated", False)),
        third_party=bool(item.get("third_party", False)),
        deleting_reads=item.get("deleting_reads"),
    )
    for given in versions:
        _add_version(document, given, world, created)
    document.default = int(item.get("default_version", document.highest))
    if document.default not in document.versions:
        raise ValueError(f"default_version {document.default} is not a version of the document")
    return document


def _versions(item: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the versions of an entry. An entry with ``content`` instead of ``versions`` has one version."""
    if "versions" not in item:
        return [{key: item[key] for key in _VERSION_KEYS if key in item}]
    if "content" in item:
        raise ValueError("content and versions are mutually exclusive")
    versions = entries(item["versions"], _VERSION_KEYS, "version")
    if not versions:
        raise ValueError("versions is empty")
    # These keys of the entry are defaults for its versions; version names are not shared.
    shared = {key: item[key] for key in ("document_format", "display_name", "target_type", "created") if key in item}
    return [{**shared, **version} for version in versions]


def _add_version(document: Document, given: Mapping[str, Any], world: World, created: datetime.datetime) -> None:
    document_format = given.get("document_format", "JSON")
    content = given["content"]
    params = {
        "Content": content if isinstance(content, str) else serialise(content, document_format),
        "DocumentFormat": document_format,
        **{
            member: given[key]
            for key, member in (
                ("version_name", "VersionName"),
                ("display_name", "DisplayName"),
                ("target_type", "TargetType"),
            )
            if key in given
        },
    }
    version = new_version(
        document,
        params,
        created=time_or_age(given["created"], world.now) if "created" in given else created,
        rules=SessionRules.of(world),
        attachments=tuple(_attachment(name) for name in given.get("attachments", [])),
        number=int(given.get("version", document.highest + 1)),
    )
    if version.version_name and document.version_with_name(version.version_name):
        raise ValueError(f"duplicate version name {version.version_name}")
    status = given.get("status", version.status)
    if status not in _STATUSES:
        raise ValueError(f"status {status!r} must be one of {', '.join(_STATUSES)}")
    if status in ("Active", "Failed"):
        version.status = status
        version.status_information = given.get("status_information", version.status_information)
    else:
        version.transition_status = status
        version.reads_left = int(given.get("reads", 1))
    document.add(version)


def _attachment(name: str) -> Attachment:
    return make_attachment(name, len(name), sha256(name))


def _permissions(value: Any) -> dict[str, str]:
    """Read a list of accounts, or a mapping of accounts to shared versions. Returns ``{account: "$DEFAULT"}``."""
    if isinstance(value, list):
        return {str(account): "$DEFAULT" for account in value}
    return string_map(value, "permissions")


def _fail_versions(item: Mapping[str, Any]) -> dict[int, str]:
    """Read a list of version numbers, or a mapping of them to reasons. Returns ``{2: "reason"}``."""
    value = item.get("fail_versions", {})
    if isinstance(value, list):
        return {int(number): "The document could not be processed." for number in value}
    return {int(number): str(reason) for number, reason in mapping(value, "fail_versions").items()}


def _session(
    kind: str, parameters: Mapping[str, Any], properties: Mapping[str, Any], description: str | None = None
) -> tuple[str, dict[str, Any]]:
    return "Session", {
        "schemaVersion": "1.0",
        "description": description or f"A session of type {kind}",
        "sessionType": kind,
        "parameters": parameters,
        "properties": properties,
    }


def _script(action: str) -> tuple[str, dict[str, Any]]:
    return "Command", {
        "schemaVersion": "1.2",
        "description": f"Runs {action} on nodes",
        "parameters": {
            "commands": {"type": "StringList", "description": "What to run", "minItems": 1},
            "workingDirectory": {"type": "String", "description": "Where to run it", "default": ""},
            "executionTimeout": {"type": "String", "description": "Seconds", "default": "3600"},
        },
        "runtimeConfig": {action: {"properties": [{"id": f"0.{action}", "runCommand": "{{ commands }}"}]}},
    }


_PORT = {"type": "String", "description": "A port", "allowedPattern": "^[0-9]{1,5}$"}
_HOST = {"type": "String", "description": "A host", "allowedPattern": r"^[^,$^&\(\)!;'\"<>`{}\[\]\|#=]{3,}$"}
_RUN = {"type": "String", "description": "The command to run on the instance"}
_PREFIX = {"type": "String", "allowedPattern": r"^[0-9a-zA-Z\r\n_:-]{0,30}$", "default": ""}
_FORWARD = {"portNumber": "{{ portNumber }}", "localPortNumber": "{{ localPortNumber }}", "type": "LocalPortForwarding"}
_COMMANDS = {"commands": "{{ command }}", "runAsElevated": False}
_SEPARATE = {
    **_COMMANDS,
    "separateOutputStream": "{{ separateOutputStream }}",
    "stdOutSeparatorPrefix": "{{ stdoutSeparatorPrefix }}",
    "stdErrSeparatorPrefix": "{{ stderrSeparatorPrefix }}",
}
_SEPARATE_PARAMETERS = {
    "command": _RUN,
    "separateOutputStream": {
        "type": "String",
        "description": "Whether stdout, stderr and the exit code are sent apart",
        "allowedValues": ["true", "false"],
        "default": "false",
    },
    "stdoutSeparatorPrefix": {**_PREFIX, "description": "What each part of stdout begins with"},
    "stderrSeparatorPrefix": {**_PREFIX, "description": "What each part of stderr begins with"},
}
_PLATFORMS = ("windows", "linux", "macos")
_FORWARD_PARAMETERS = {"portNumber": {**_PORT, "default": "80"}, "localPortNumber": {**_PORT, "default": "0"}}
# Their names and parameters are those of AWS. The rest of the content is not, except that of the two that run commands,
# which is close to the content that AWS publishes.
_AMAZON_DOCUMENTS = {
    "AWS-RunPowerShellScript": _script("aws:runPowerShellScript"),
    "AWS-RunShellScript": _script("aws:runShellScript"),
    "AWS-StartInteractiveCommand": _session(
        "InteractiveCommands",
        {"command": _RUN},
        dict.fromkeys(_PLATFORMS, _COMMANDS),
        "Document to run single interactive command on an instance",
    ),
    "AWS-StartNonInteractiveCommand": _session(
        "NonInteractiveCommands",
        _SEPARATE_PARAMETERS,
        dict.fromkeys(_PLATFORMS, _SEPARATE),
        "Document to run single non-interactive command on an instance",
    ),
    "AWS-StartPortForwardingSession": _session("Port", _FORWARD_PARAMETERS, _FORWARD),
    "AWS-StartPortForwardingSessionToRemoteHost": _session(
        "Port", {**_FORWARD_PARAMETERS, "host": _HOST}, {**_FORWARD, "host": "{{ host }}"}
    ),
    "AWS-StartSSHSession": _session(
        "Port", {"portNumber": {**_PORT, "default": "22"}}, {"portNumber": "{{ portNumber }}"}
    ),
}
