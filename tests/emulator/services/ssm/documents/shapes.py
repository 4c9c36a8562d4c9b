# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Make the structures of replies from documents, versions and attachments."""

from __future__ import annotations

from typing import Any

from ....service import without_none
from .store import AMAZON, Document, Documents, Version

Shape = dict[str, Any]


def tag_list(tags: dict[str, str]) -> list[dict[str, str]]:
    """Return tags as a TagList: ``[{"Key": "Name", "Value": "web"}]``."""
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def description(documents: Documents, document: Document, version: Version) -> Shape:
    """Return the DocumentDescription of a version."""
    derived = version.derived
    return without_none(
        Name=documents.shown_name(document),
        Owner=document.owner,
        DocumentType=document.document_type,
        DocumentVersion=str(version.number),
        LatestVersion=str(document.latest.number),
        DefaultVersion=str(document.default),
        VersionName=version.version_name,
        DisplayName=version.display_name,
        TargetType=version.target_type,
        DocumentFormat=version.document_format,
        Hash=version.hash,
        HashType="Sha256",
        CreatedDate=version.created,
        Status=shown_status(document, version),
        StatusInformation=version.shown_information,
        SchemaVersion=derived.schema_version,
        Description=derived.description,
        Parameters=[dict(parameter) for parameter in derived.parameters] or None,
        PlatformTypes=list(derived.platform_types),
        CloudProviders=list(version.cloud_providers),
        Tags=tag_list(document.tags),
        AttachmentsInformation=[{"Name": attachment.name} for attachment in version.attachments] or None,
        Requires=[dict(required) for required in document.requires] or None,
        Category=[],
        CategoryEnum=[],
    )


def shown_status(document: Document, version: Version) -> str:
    """Return the status of a version, or ``Deleting`` while its document is being deleted."""
    return version.shown_status if document.deleting_reads is None else "Deleting"


def content(documents: Documents, document: Document, version: Version, text: str, document_format: str) -> Shape:
    """Return the result of GetDocument. ``text`` is the content, converted to ``document_format``."""
    return without_none(
        Name=documents.shown_name(document),
        CreatedDate=version.created,
        DisplayName=version.display_name,
        VersionName=version.version_name,
        DocumentVersion=str(version.number),
        Status=shown_status(document, version),
        StatusInformation=version.shown_information,
        Content=text,
        DocumentType=document.document_type,
        DocumentFormat=document_format,
        Requires=[dict(required) for required in document.requires] or None,
        AttachmentsContent=[
            {
                "Name": attachment.name,
                "Size": attachment.size,
                "Hash": attachment.sha256,
                "HashType": "Sha256",
                "Url": attachment.url,
            }
            for attachment in version.attachments
        ]
        or None,
    )


def identifier(documents: Documents, document: Document) -> Shape:
    """Return the DocumentIdentifier of a document, which describes the default version."""
    version = document.default_version
    return without_none(
        Name=documents.shown_name(document),
        CreatedDate=version.created,
        DisplayName=version.display_name,
        Owner=document.owner,
        VersionName=version.version_name,
        PlatformTypes=list(version.derived.platform_types),
        DocumentVersion=str(version.number),
        DocumentType=document.document_type,
        SchemaVersion=version.derived.schema_version,
        DocumentFormat=version.document_format,
        TargetType=version.target_type,
        CloudProviders=list(version.cloud_providers),
        Tags=[] if document.owner == AMAZON else tag_list(document.tags),
        Requires=[dict(required) for required in document.requires] or None,
    )


def version_info(document: Document, version: Version) -> Shape:
    """Return the DocumentVersionInfo of a version."""
    return without_none(
        Name=document.name,
        DisplayName=version.display_name,
        DocumentVersion=str(version.number),
        VersionName=version.version_name,
        CreatedDate=version.created,
        CloudProviders=list(version.cloud_providers),
        IsDefaultVersion=version.number == document.default,
        DocumentFormat=version.document_format,
        Status=shown_status(document, version),
        StatusInformation=version.shown_information,
    )
