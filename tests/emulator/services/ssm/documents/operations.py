# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The operations on documents and their versions. Listing and sharing are in ``listing.py`` and ``sharing.py``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ....paging import paginate, with_token
from ....reading import copy_all
from ....service import APIError, Call, Handler, Section, Service
from ..tags.rules import check_tags
from . import listing, shapes, sharing
from .content import convert, parse
from .schema import SessionRules, check_content, type_of
from .store import Document, Documents, Version, by_number, missing_version, selected_version, version_of_selector
from .versions import new_version, read_attachments
from .world_documents import read_documents

if TYPE_CHECKING:
    from ....world import World

_SWITCHES: dict[str, tuple[str, ...]] = {
    # The versions whose content an update may not repeat.
    "duplicate_scope": ("latest", "any"),
    # The target type of the new version if an update gives none.
    "target_type_omitted": ("dropped", "kept"),
    # UpdateDocument while the latest version is Creating or Updating.
    "update_unready": ("InvalidDocumentOperation", "ok"),
    # UpdateDocumentDefaultVersion to a version that is Creating or Updating. Terraform calls it right after the update,
    # and its tests passed on AWS.
    "promote_unready": ("ok", "InvalidDocumentVersion"),
    # The prefixes of names reserved for AWS: those in the API reference, or those that were seen to be refused.
    "reserved_names": ("documented", "observed"),
    # DeleteDocument of a version that does not exist. AWS documents no error for it.
    "delete_missing_version": ("InvalidDocumentOperation", "InvalidDocument"),
    "version_order": ("newest", "oldest"),
    # A number where the Session schema requires a string.
    "session_numbers": ("refused", "accepted"),
    # An input that the Session schema lacks.
    "session_unknown_inputs": ("refused", "accepted"),
}
_LIMITS: dict[str, int] = {
    "documents": 500,
    "document_versions": 1000,
    "document_transition_reads": 1,
    "document_deleting_reads": 0,
    **sharing.LIMITS,
}
_RESERVED = {
    "documented": re.compile(r"aws|amazon|amzn", re.IGNORECASE),
    "observed": re.compile(r"aws-|amazon|amzn|AWSEC2|AWSConfigRemediation|AWSSupport", re.IGNORECASE),
}


def create_document(world: World, call: Call) -> dict[str, Any]:
    params = call.params
    documents = world.state(call.region, Documents)
    name = params["Name"]
    _check_name(world, documents, name)
    document_type = params.get("DocumentType")
    # Parse the content first, because it determines the type if the call gives none.
    text_format = params.get("DocumentFormat", "JSON")
    content = check_content(params["Content"], document_type, text_format, SessionRules.of(world))
    document = Document(
        name=name,
        owner=documents.account_id,
        document_type=type_of(content, document_type),
        requires=copy_all(params.get("Requires", [])),
        tags=check_tags({}, params.get("Tags", []), too_many="ValidationException"),
        fail_versions=documents.future_fail_versions.get(name, {}),
    )
    version = new_version(
        document,
        params,
        created=world.now,
        rules=SessionRules.of(world),
        attachments=read_attachments(documents, document, params, content),
    )
    version.reads_left = world.limit("document_transition_reads")
    document.add(version)
    documents.add(document)
    return {"DocumentDescription": shapes.description(documents, document, version)}


def _check_name(world: World, documents: Documents, name: str) -> None:
    if _RESERVED[world.switch("reserved_names")].match(name):
        raise APIError("ValidationException", f"The name {name} begins with a prefix that is reserved for AWS")
    if (documents.account_id, name) in documents.by_owner_and_name:
        raise APIError("DocumentAlreadyExists", f"Document with same name {name} already exists")
    if len(documents.own()) >= world.limit("documents"):
        raise APIError("DocumentLimitExceeded", f"An account can have at most {world.limit('documents')} documents")


def update_document(world: World, call: Call) -> dict[str, Any]:
    params = call.params
    documents = world.state(call.region, Documents)
    document = documents.find_own(params["Name"])
    latest = document.latest
    _check_updatable(world, document, params)
    version = new_version(
        document,
        params,
        inherited=_inherited(world, latest),
        created=world.now,
        rules=SessionRules.of(world),
        attachments=read_attachments(documents, document, params, _parsed_content(params)),
    )
    _check_unique(world, document, params, version)
    version.transition_status = "Updating"
    version.reads_left = world.limit("document_transition_reads")
    document.add(version)
    return {"DocumentDescription": shapes.description(documents, document, version)}


def _parsed_content(params: Mapping[str, Any]) -> Any:
    return parse(params["Content"], params.get("DocumentFormat", "JSON"))


def _inherited(world: World, latest: Version) -> dict[str, Any]:
    """Return the members that a new version inherits from the latest one unless the update gives them."""
    found: dict[str, Any] = {"DisplayName": latest.display_name, "CloudProviders": latest.cloud_providers}
    if world.switch("target_type_omitted") == "kept":
        found["TargetType"] = latest.target_type
    return {member: value for member, value in found.items() if value is not None}


def _check_updatable(world: World, document: Document, params: Mapping[str, Any]) -> None:
    latest = document.latest
    if document.deleting_reads is not None:
        raise APIError("InvalidDocumentOperation", f"Document {document.name} is being deleted")
    if version_of_selector(document, params.get("DocumentVersion", "0")) is not latest:
        raise APIError(
            "InvalidDocumentVersion",
            f"Version provided for document {document.name} is not latest."
            f" Please provide the latest version to update document {document.name}",
        )
    if document.document_type == "Command" and latest.derived.schema_version == "1.2":
        raise APIError("InvalidDocumentSchemaVersion", "A document of schema version 1.2 cannot be updated")
    if latest.pending and world.switch("update_unready") != "ok":
        raise APIError("InvalidDocumentOperation", f"Document {document.name} is {latest.shown_status}")
    if len(document.versions) >= world.limit("document_versions"):
        raise APIError("DocumentVersionLimitExceeded", f"{document.name} has the maximum number of versions")


def _check_unique(world: World, document: Document, params: Mapping[str, Any], version: Version) -> None:
    compared = document.versions.values() if world.switch("duplicate_scope") == "any" else [document.latest]
    if any(_repeats(other, params, version) for other in compared):
        raise APIError("DuplicateDocumentContent", f"The content is the same as in another version of {document.name}")
    if version.version_name and document.version_with_name(version.version_name):
        raise APIError("DuplicateDocumentVersionName", f"{document.name} already has a version {version.version_name}")


def _repeats(other: Version, params: Mapping[str, Any], version: Version) -> bool:
    """Return whether an update repeats a version: same content and format, and no other target type given."""
    same = (other.content, other.document_format) == (version.content, version.document_format)
    return same and params.get("TargetType", other.target_type) == other.target_type


def update_document_default_version(world: World, call: Call) -> dict[str, Any]:
    document = world.state(call.region, Documents).find_own(call.params["Name"])
    version = document.versions.get(int(call.params["DocumentVersion"]))
    if version is None:
        raise missing_version(document)
    may_promote_early = version.pending and world.switch("promote_unready") == "ok"
    if version.shown_status != "Active" and not may_promote_early:
        raise APIError(
            "InvalidDocumentVersion", f"Version {version.number} of {document.name} is {version.shown_status}"
        )
    document.default = version.number
    description = {"Name": document.name, "DefaultVersion": str(version.number)}
    if version.version_name:
        description["DefaultVersionName"] = version.version_name
    return {"Description": description}


def describe_document(world: World, call: Call) -> dict[str, Any]:
    documents = world.state(call.region, Documents)
    document = documents.find_readable(call.params["Name"])
    version = selected_version(document, call.params)
    shape = shapes.description(documents, document, version)
    _count_read(version)
    return {"Document": shape}


def get_document(world: World, call: Call) -> dict[str, Any]:
    documents = world.state(call.region, Documents)
    document = documents.find_readable(call.params["Name"])
    version = selected_version(document, call.params)
    wanted = call.params.get("DocumentFormat", "JSON")
    if "TEXT" in (wanted, version.document_format):
        # The format TEXT cannot be converted, neither from nor to it.
        wanted = version.document_format
    text = convert(version.content, version.document_format, wanted)
    shape = shapes.content(documents, document, version, text, wanted)
    _count_read(version)
    return shape


def list_document_versions(world: World, call: Call) -> dict[str, Any]:
    documents = world.state(call.region, Documents)
    document = documents.find_readable(call.params["Name"])
    versions = list(by_number(document))
    if world.switch("version_order") == "oldest":
        versions.reverse()
    page, token = paginate(versions, call, default=50, world=world)
    result: dict[str, Any] = {"DocumentVersions": [shapes.version_info(document, version) for version in page]}
    for version in page:
        _count_read(version)
    return with_token(result, token)


def _count_read(version: Version) -> None:
    version.reads_left = max(0, version.reads_left - 1)


def delete_document(world: World, call: Call) -> dict[str, Any]:
    documents = world.state(call.region, Documents)
    document = documents.find_own(call.params["Name"])
    # Only one type of document requires Force. The others accept and ignore it.
    force = call.params.get("Force", False)
    if document.deleting_reads is not None:
        raise APIError("InvalidDocumentOperation", f"Document {document.name} is being deleted")
    if "DocumentVersion" in call.params or "VersionName" in call.params:
        _delete_version(world, document, call.params)
    else:
        _delete_whole(world, documents, document, force)
    return {}


def _delete_version(world: World, document: Document, params: Mapping[str, Any]) -> None:
    try:
        version = selected_version(document, params)
    except APIError as error:
        if error.code != "InvalidDocumentVersion":
            raise
        raise APIError(world.switch("delete_missing_version"), error.message) from error
    if version.number == document.default:
        raise APIError("InvalidDocumentOperation", "Default version of the document can't be deleted.")
    del document.versions[version.number]


def _delete_whole(world: World, documents: Documents, document: Document, force: bool) -> None:
    if document.permissions:
        raise APIError("InvalidDocumentOperation", f"Document {document.name} is shared; stop sharing it first")
    if document.associated:
        raise APIError("AssociatedInstances", f"Document {document.name} is associated with nodes")
    if document.document_type == "ApplicationConfigurationSchema" and not force:
        raise APIError("InvalidDocumentOperation", f"A document of type {document.document_type} requires Force")
    reads = world.limit("document_deleting_reads")
    if reads:
        document.deleting_reads = reads
    else:
        documents.remove(document)


_OPERATIONS: dict[str, Handler] = {
    "CreateDocument": create_document,
    "UpdateDocument": update_document,
    "UpdateDocumentDefaultVersion": update_document_default_version,
    "DescribeDocument": describe_document,
    "GetDocument": get_document,
    "ListDocumentVersions": list_document_versions,
    "DeleteDocument": delete_document,
    **listing.OPERATIONS,
    **sharing.OPERATIONS,
}

SERVICE = Service("ssm", _OPERATIONS, _SWITCHES, _LIMITS, Section("documents", Documents, read_documents))
