# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The documents of a region with their versions, and how to find them."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterator, Mapping
from typing import Any

from ....service import APIError
from .content import Derived

AMAZON = "Amazon"
EVERYONE = "all"
# The CloudProviders of a document that was created without any, or before AWS had this member.
DEFAULT_PROVIDERS = ("AWS",)
# The prefixes of the resource in an ARN.
_PREFIXES = ("document/", "automation-definition/")


@dataclasses.dataclass(frozen=True)
class Attachment:
    """One file of a version. ``size`` is in bytes."""

    name: str
    size: int
    sha256: str
    url: str


@dataclasses.dataclass
class Version:
    """One version of a document. Only its status changes after it was created."""

    number: int
    content: str
    document_format: str
    hash: str
    created: datetime.datetime
    derived: Derived
    version_name: str | None = None
    display_name: str | None = None
    target_type: str | None = None
    cloud_providers: tuple[str, ...] = DEFAULT_PROVIDERS
    attachments: tuple[Attachment, ...] = ()
    status: str = "Active"
    status_information: str | None = None
    # The status (Creating or Updating) for the next ``reads_left`` reads. After them, ``status`` applies.
    transition_status: str = "Creating"
    reads_left: int = 0

    @property
    def pending(self) -> bool:
        """Whether the version is still Creating or Updating."""
        return self.reads_left > 0

    @property
    def shown_status(self) -> str:
        """The status that AWS would return now."""
        return self.transition_status if self.pending else self.status

    @property
    def shown_information(self) -> str | None:
        """The StatusInformation that AWS would return now: the reason of a failure."""
        return None if self.pending else self.status_information


@dataclasses.dataclass
class Document:
    """A document with all its versions, by number. ``default`` is the number of the default version."""

    name: str
    owner: str
    document_type: str
    versions: dict[int, Version] = dataclasses.field(default_factory=dict)
    default: int = 1
    # The highest number that any version ever had. Numbers are not reused, even if the version was deleted.
    highest: int = 0
    requires: list[dict[str, str]] = dataclasses.field(default_factory=list)
    tags: dict[str, str] = dataclasses.field(default_factory=dict)
    # The shared version by account ID or EVERYONE: {"123456789012": "$DEFAULT"}.
    permissions: dict[str, str] = dataclasses.field(default_factory=dict)
    # The numbers of versions that will fail once they are made, with the StatusInformation.
    fail_versions: dict[int, str] = dataclasses.field(default_factory=dict)
    associated: bool = False
    third_party: bool = False
    deleting_reads: int | None = None

    @property
    def latest(self) -> Version:
        """The latest version that exists."""
        return self.versions[max(self.versions)]

    @property
    def default_version(self) -> Version:
        """The default version."""
        return self.versions[self.default]

    def version_with_name(self, version_name: str) -> Version | None:
        """Return the version with a VersionName, or None."""
        return next((version for version in self.versions.values() if version.version_name == version_name), None)

    def add(self, version: Version) -> None:
        """Add a version. Raises ``ValueError`` unless its number is higher than that of every version before it."""
        if version.number <= self.highest:
            raise ValueError(f"document {self.name}: version {version.number} comes after {self.highest}")
        self.versions[version.number] = version
        self.highest = version.number


@dataclasses.dataclass
class Documents:
    """The documents of one region, of all owners."""

    account_id: str
    region: str
    # {("123456789012", "Prefs"): Document(...)}
    by_owner_and_name: dict[tuple[str, str], Document] = dataclasses.field(default_factory=dict)
    # ``fail_versions`` of documents that do not exist yet, by name.
    future_fail_versions: dict[str, dict[int, str]] = dataclasses.field(default_factory=dict)

    def own(self) -> list[Document]:
        """Return the documents that the account owns."""
        return [document for document in self.by_owner_and_name.values() if document.owner == self.account_id]

    def add(self, document: Document) -> None:
        """Add a document, or replace the one with its owner and name."""
        self.by_owner_and_name[document.owner, document.name] = document

    def remove(self, document: Document) -> None:
        """Remove a document."""
        del self.by_owner_and_name[document.owner, document.name]

    def find_readable(self, name: str) -> Document:
        """Return the document with a name or ARN, if the account may read it.

        Counts the read if the document is being deleted: it is removed once ``deleting_reads`` is 0.
        Raises ``APIError`` if there is no such document.
        """
        document = self._of_arn(name) if ":" in name or "/" in name else self._of_name(name)
        if document is None:
            raise missing_document(name)
        if document.deleting_reads is not None:
            document.deleting_reads -= 1
            if document.deleting_reads <= 0:
                # This read still returns the document; the next one will not.
                self.remove(document)
        return document

    def find_own(self, name: str) -> Document:
        """Return the account's own document with a name. Raises ``APIError`` if there is none."""
        document = self.by_owner_and_name.get((self.account_id, name))
        if document is None:
            raise missing_document(name)
        return document

    def _of_name(self, name: str) -> Document | None:
        return self.by_owner_and_name.get((self.account_id, name)) or self.by_owner_and_name.get((AMAZON, name))

    def _of_arn(self, arn: str) -> Document | None:
        parts = arn.split(":", 5)
        if len(parts) < 6 or parts[0] != "arn" or parts[2] != "ssm" or parts[3] != self.region:
            return None
        resource = parts[5]
        prefix = next((prefix for prefix in _PREFIXES if resource.startswith(prefix)), None)
        if prefix is None:
            return None
        document = self.by_owner_and_name.get((parts[4] or AMAZON, resource[len(prefix) :]))
        if document and prefix != "document/" and document.document_type != "Automation":
            return None
        return document if document and self.may_read(document) else None

    def may_read(self, document: Document) -> bool:
        """Return whether the account may read a document: its own, one of AWS, or one shared with it or everyone."""
        if document.owner in (self.account_id, AMAZON):
            return True
        return EVERYONE in document.permissions or self.account_id in document.permissions

    def shown_name(self, document: Document) -> str:
        """Return the Name that AWS returns to this account. For another account's document, it is the ARN."""
        if document.owner in (self.account_id, AMAZON):
            return document.name
        return f"arn:aws:ssm:{self.region}:{document.owner}:document/{document.name}"


def missing_document(name: str) -> APIError:
    """Return the error for a document that does not exist."""
    return APIError("InvalidDocument", f"Document with name {name} does not exist.")


def missing_version(document: Document) -> APIError:
    """Return the error for a version that does not exist."""
    return APIError("InvalidDocumentVersion", f"The document version is not valid or does not exist: {document.name}")


def selected_version(document: Document, params: Mapping[str, Any]) -> Version:
    """Return the version that DocumentVersion or VersionName selects, or the default version without them.

    Raises ``APIError`` if there is no such version, or if both are given.
    """
    selector = params.get("DocumentVersion")
    version_name = params.get("VersionName")
    if selector and version_name:
        raise APIError("ValidationException", "Give either DocumentVersion or VersionName, not both")
    version = (
        document.version_with_name(version_name)
        if version_name
        else version_of_selector(document, selector or "$DEFAULT")
    )
    if version is None:
        raise missing_version(document)
    return version


def version_of_selector(document: Document, selector: str) -> Version | None:
    """Return the version that ``$LATEST``, ``$DEFAULT`` or a number selects, or None."""
    if selector == "$LATEST":
        return document.latest
    if selector == "$DEFAULT":
        return document.default_version
    return document.versions.get(int(selector))


def by_number(document: Document) -> Iterator[Version]:
    """Yield the versions of a document, newest first."""
    for number in sorted(document.versions, reverse=True):
        yield document.versions[number]
