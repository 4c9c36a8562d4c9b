# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The documents of a region: what is kept of each, and how one is found."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ....service import APIError
from .content import Derived

if TYPE_CHECKING:
    pass

AMAZON = "Amazon"
EVERYONE = "all"
# What a document runs against that says nothing of it, and each one that is older than the question.
DEFAULT_PROVIDERS = ("AWS",)
# How the resource part of an ARN begins.
_PREFIXES = ("document/", "automation-definition/")


@dataclasses.dataclass(frozen=True)
class Attachment:
    """One file that belongs to a version."""

    name: str
    size: int
    sha256: str
    url: str


@dataclasses.dataclass
class Version:
    """One version of a document. All but its status is as it was made."""

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
    # While reads are left, the version is on its way (Creating, Updating) to ``status``.
    on_the_way: str = "Creating"
    reads_left: int = 0

    @property
    def pending(self) -> bool:
        """Not yet what it will be."""
        return self.reads_left > 0

    @property
    def shown_status(self) -> str:
        """What a caller is told."""
        return self.on_the_way if self.pending else self.status

    @property
    def shown_information(self) -> str | None:
        """Why it has failed, once it has."""
        return None if self.pending else self.status_information


@dataclasses.dataclass
class Document:
    """A document with all its versions."""

    name: str
    owner: str
    document_type: str
    versions: dict[int, Version] = dataclasses.field(default_factory=dict)
    default: int = 1
    # The highest number ever given: a number is not given twice, even after its version was deleted.
    highest: int = 0
    requires: list[dict[str, str]] = dataclasses.field(default_factory=list)
    tags: dict[str, str] = dataclasses.field(default_factory=dict)
    # Account id, or EVERYONE, to the version that is shared with it.
    permissions: dict[str, str] = dataclasses.field(default_factory=dict)
    # Versions that will turn out to have failed, and why.
    fail_versions: dict[int, str] = dataclasses.field(default_factory=dict)
    associated: bool = False
    third_party: bool = False
    deleting_reads: int | None = None

    @property
    def latest(self) -> Version:
        """The newest version that is there."""
        return self.versions[max(self.versions)]

    @property
    def default_version(self) -> Version:
        """The version that is meant when none is named."""
        return self.versions[self.default]

    def named(self, version_name: str) -> Version | None:
        """The version of that name."""
        return next((version for version in self.versions.values() if version.version_name == version_name), None)

    def add(self, version: Version) -> None:
        """Keep a version whose number is higher than each before it."""
        if version.number <= self.highest:
            raise ValueError(f"document {self.name}: version {version.number} comes after {self.highest}")
        self.versions[version.number] = version
        self.highest = version.number


@dataclasses.dataclass
class Documents:
    """The documents of one region, of whoever owns them."""

    account_id: str
    region: str
    found: dict[tuple[str, str], Document] = dataclasses.field(default_factory=dict)
    # Documents that are not there, and which versions will fail once somebody makes them.
    fail_when_made: dict[str, dict[int, str]] = dataclasses.field(default_factory=dict)

    def own(self) -> list[Document]:
        """The account's documents."""
        return [document for document in self.found.values() if document.owner == self.account_id]

    def add(self, document: Document) -> None:
        """Keep a document."""
        self.found[document.owner, document.name] = document

    def remove(self, document: Document) -> None:
        """Forget a document."""
        del self.found[document.owner, document.name]

    def read(self, name: str) -> Document:
        """The document of a name or an ARN, for an operation that only reads; a ``Deleting`` one vanishes by reads."""
        document = self._of_arn(name) if ":" in name or "/" in name else self._of_name(name)
        if document is None:
            raise missing(name)
        if document.deleting_reads is not None:
            document.deleting_reads -= 1
            if document.deleting_reads <= 0:
                # This read still sees it, the next one does not.
                self.remove(document)
        return document

    def write(self, name: str) -> Document:
        """The account's own document of that name, for an operation that changes it."""
        document = self.found.get((self.account_id, name))
        if document is None:
            raise missing(name)
        return document

    def _of_name(self, name: str) -> Document | None:
        return self.found.get((self.account_id, name)) or self.found.get((AMAZON, name))

    def _of_arn(self, arn: str) -> Document | None:
        parts = arn.split(":", 5)
        if len(parts) < 6 or parts[0] != "arn" or parts[2] != "ssm" or parts[3] != self.region:
            return None
        resource = parts[5]
        prefix = next((prefix for prefix in _PREFIXES if resource.startswith(prefix)), None)
        if prefix is None:
            return None
        document = self.found.get((parts[4] or AMAZON, resource[len(prefix) :]))
        if document and prefix != "document/" and document.document_type != "Automation":
            return None
        return document if document and self.may_read(document) else None

    def may_read(self, document: Document) -> bool:
        """The account owns the document, or somebody shared it with the account."""
        if document.owner in (self.account_id, AMAZON):
            return True
        return EVERYONE in document.permissions or self.account_id in document.permissions

    def shown_name(self, document: Document) -> str:
        """The name as this account sees it: of another account's document, the ARN."""
        if document.owner in (self.account_id, AMAZON):
            return document.name
        return f"arn:aws:ssm:{self.region}:{document.owner}:document/{document.name}"


def missing(name: str) -> APIError:
    """The error for a document that is not there."""
    return APIError("InvalidDocument", f"Document with name {name} does not exist.")


def missing_version(document: Document) -> APIError:
    """The error for a version that is not there."""
    return APIError("InvalidDocumentVersion", f"The document version is not valid or does not exist: {document.name}")


def select(document: Document, params: Mapping[str, Any]) -> Version:
    """The version that DocumentVersion or VersionName means; the default version if neither is given."""
    selector = params.get("DocumentVersion")
    version_name = params.get("VersionName")
    if selector and version_name:
        raise APIError("ValidationException", "Give either DocumentVersion or VersionName, not both")
    version = document.named(version_name) if version_name else of_selector(document, selector or "$DEFAULT")
    if version is None:
        raise missing_version(document)
    return version


def of_selector(document: Document, selector: str) -> Version | None:
    """The version that ``$LATEST``, ``$DEFAULT`` or a number means."""
    if selector == "$LATEST":
        return document.latest
    if selector == "$DEFAULT":
        return document.default_version
    return document.versions.get(int(selector))


def by_number(document: Document) -> Iterator[Version]:
    """The versions, newest first."""
    for number in sorted(document.versions, reverse=True):
        yield document.versions[number]
