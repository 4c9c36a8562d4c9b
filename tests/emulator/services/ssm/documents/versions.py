# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Make versions of documents, for CreateDocument, UpdateDocument and the documents of a world."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from ....service import APIError
from .content import Derived, derive, sha256
from .schema import SCHEMAS, SessionRules, check_content
from .store import DEFAULT_PROVIDERS, Attachment, Document, Documents, Version, version_of_selector

# A host name that cannot resolve, so that no client fetches an attachment from AWS by mistake.
_ATTACHMENTS_HOST = "https://attachments.sessionops.invalid"


def new_version(
    document: Document,
    params: Mapping[str, Any],
    *,
    created: datetime.datetime,
    rules: SessionRules,
    inherited: Mapping[str, Any] | None = None,
    attachments: tuple[Attachment, ...] = (),
    number: int | None = None,
) -> Version:
    """Return a new version from the parameters of CreateDocument or UpdateDocument. It is not added to ``document``.

    ``inherited`` has the members of the previous version that are used if ``params`` lacks them, such as
    ``{"DisplayName": "..."}``. Raises ``APIError`` for content that AWS does not accept.
    """
    inherited = inherited or {}
    document_format = params.get("DocumentFormat", "JSON")
    text = params["Content"]
    content = check_content(text, document.document_type, document_format, rules)
    number = number or document.highest + 1
    information = document.fail_versions.get(number)
    return Version(
        number=number,
        content=text,
        document_format=document_format,
        hash=sha256(text),
        created=created,
        # Nothing is derived from the content of types without a schema in schema.py.
        derived=derive(content, document.document_type) if document.document_type in SCHEMAS else Derived(),
        version_name=params.get("VersionName"),
        display_name=params.get("DisplayName", inherited.get("DisplayName")),
        target_type=params.get("TargetType", inherited.get("TargetType")),
        cloud_providers=tuple(params.get("CloudProviders", inherited.get("CloudProviders", DEFAULT_PROVIDERS))),
        attachments=attachments,
        status="Active" if information is None else "Failed",
        status_information=information,
    )


def read_attachments(
    documents: Documents, document: Document, params: Mapping[str, Any], content: Any
) -> tuple[Attachment, ...]:
    """Return the attachments of a create or an update. Raises ``APIError`` for a package without any."""
    sources = params.get("Attachments", [])
    if not sources and document.document_type == "Package":
        raise APIError("InvalidParameterValueException", "AttachmentSource not provided in the input request.")
    manifest = content.get("files", {}) if isinstance(content, dict) else {}
    found: dict[str, Attachment] = {}
    for source in sources:
        for attachment in _of_source(documents, source, manifest):
            if attachment.name in found:
                raise APIError("ValidationException", f"Duplicate attachment name {attachment.name}")
            found[attachment.name] = attachment
    return tuple(found[name] for name in sorted(found))


def _of_source(documents: Documents, source: Mapping[str, Any], manifest: Mapping[str, Any]) -> list[Attachment]:
    if "Key" not in source or not source.get("Values"):
        raise APIError("ValidationException", "An attachment requires Key and Values")
    value = source["Values"][0]
    if source["Key"] == "AttachmentReference":
        return [_reference(documents, value)]
    if source["Key"] == "SourceUrl":
        # The URL of a folder. The manifest, which is the document's content, names the files in it.
        names = sorted(manifest) or [source.get("Name", "attachment")]
    else:
        names = [source.get("Name") or value.rstrip("/").rsplit("/", 1)[-1]]
    return [_attachment(name, value, manifest.get(name)) for name in names]


def _attachment(name: str, source: str, entry: Any) -> Attachment:
    """Return an attachment without fetching it: the checksum is the manifest's, or a digest of the file's location."""
    checksums = entry.get("checksums", {}) if isinstance(entry, dict) else {}
    digest = checksums.get("sha256") or sha256(f"{source}/{name}")
    return make_attachment(name, len(source) + len(name), digest)


def make_attachment(name: str, size: int, digest: str) -> Attachment:
    """Return an attachment of ``size`` bytes, with a URL that cannot resolve. ``digest`` is its SHA-256."""
    return Attachment(name=name, size=size, sha256=digest, url=f"{_ATTACHMENTS_HOST}/{digest}/{name}")


def _reference(documents: Documents, value: str) -> Attachment:
    """Return the attachment that ``document/version/attachment`` names, of a document of the same account."""
    parts = value.split("/")
    if len(parts) == 3 and (document := documents.by_owner_and_name.get((documents.account_id, parts[0]))):
        version = version_of_selector(document, parts[1]) if parts[1].isdigit() or parts[1].startswith("$") else None
        for attachment in version.attachments if version else ():
            if attachment.name == parts[2]:
                return attachment
    raise APIError("ValidationException", f"Attachment {value} does not exist")
