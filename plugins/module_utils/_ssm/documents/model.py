# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""What a task wants of a document (``DocumentSpec``, ``Removal``), and what AWS has (``DocumentState``)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .. import conversion, option_text
from ..errors import SSMError
from ..option_text import quoted
from . import content, content_schema, limits
from .sharing import Permissions

LATEST = "$LATEST"
DEFAULT = "$DEFAULT"
SESSION = content_schema.SESSION
# The document with the session preferences of an account in a region. Session Manager reads its default version
# (trap 44).
PREFERENCES = "SSM-SessionManagerRunShell"
TYPES = (
    "ApplicationConfiguration",
    "ApplicationConfigurationSchema",
    "AutoApprovalPolicy",
    "Automation",
    "Automation.ChangeTemplate",
    "ChangeCalendar",
    "CloudFormation",
    "Command",
    "ConformancePackTemplate",
    "DeploymentStrategy",
    "ManualApprovalPolicy",
    "Package",
    "Policy",
    "ProblemAnalysis",
    "ProblemAnalysisTemplate",
    "QuickSetup",
    SESSION,
)
# The values of default_version that are neither a version's number nor its name.
_DEFAULT_WORDS = ("latest", "keep")


@dataclasses.dataclass(frozen=True)
class DocumentSpec:
    """A document as a task wants it. None means that the task does not set the value, and AWS's value stays.

    ``preferences`` are the ``session_preferences`` of the task. Without ``merges``, ``content`` is what they stand for.
    With ``merges`` they change the content that the document has, and ``content`` is None until that was read.

    ``default_version`` is ``latest``, ``keep``, or the number or name of a version. ``read.resolve_spec`` replaces the
    name with the number.

    Raises ``SSMError`` for values that AWS would reject.
    """

    name: str
    content: content.Content | None = None
    preferences: Mapping[str, Any] | None = None
    merges: bool = False
    exact: bool = False
    document_type: str | None = None
    document_format: str | None = None
    display_name: str | None = None
    target_type: str | None = None
    version_name: str | None = None
    default_version: str = "latest"
    updates_version: str = LATEST
    requires: Sequence[Mapping[str, str]] | None = None
    attachments: Sequence[Mapping[str, Any]] | None = None
    permissions: Permissions | None = None
    tags: Mapping[str, str] | None = None
    purge_tags: bool = True
    keep_versions: int | None = None
    recreate: bool = False
    force: bool = False
    force_unshare: bool = False

    def __post_init__(self) -> None:
        limits.check_names(self.name, self.version_name)
        limits.check_description(self.display_name, self.target_type)
        limits.check_requires(self.requires or ())
        limits.check_attachments(self.attachments or ())
        limits.check_tags(self.tags or {})
        if not limits.is_number(self.default_version) and not limits.is_version_name(self.default_version):
            raise SSMError(
                f"default_version is {quoted(self.default_version)}: it must be latest, keep, the number of a "
                f"version or the name of a version.{option_text.suggestion(self.default_version, _DEFAULT_WORDS)}"
            )
        if self.updates_version != LATEST and not limits.is_number(self.updates_version):
            raise SSMError(
                f"document_version is {quoted(self.updates_version)}: it must be {LATEST} or a version number."
            )
        kept = self.keep_versions
        if kept is not None and (isinstance(kept, bool) or not 1 <= kept <= limits.MAX_KEPT_VERSIONS):
            raise SSMError(f"keep_versions is {str(kept).lower()}: it must be 1 to {limits.MAX_KEPT_VERSIONS}.")
        if self.content is not None:
            content.check_size(self.content.encode(None)[0])
            check_content(self.content, self.document_type)

    @property
    def default_name(self) -> str | None:
        """Return the name of the wanted default version; None if it is not given by its name."""
        is_word_or_number = self.default_version in _DEFAULT_WORDS or limits.is_number(self.default_version)
        return None if is_word_or_number else self.default_version


@dataclasses.dataclass(frozen=True)
class Removal:
    """The deletion of a document, or of one version if ``version`` or ``version_name`` is set.

    Raises ``SSMError`` if both are set, or if ``version`` is not a number.
    """

    name: str
    version: str | None = None
    version_name: str | None = None
    force: bool = False
    force_unshare: bool = False

    def __post_init__(self) -> None:
        limits.check_names(self.name, self.version_name)
        if self.version is not None and self.version_name is not None:
            raise SSMError("document_version and version_name both select the version to delete. Set only one.")
        if self.version is not None and not limits.is_number(self.version):
            raise SSMError(
                f"document_version is {quoted(self.version)}: it must be the number of the version to delete, because "
                f"{LATEST} and {DEFAULT} can be another version each time the task runs."
            )

    @property
    def removes_one_version(self) -> bool:
        """Return whether only one version is to be deleted."""
        return self.version is not None or self.version_name is not None


@dataclasses.dataclass(frozen=True)
class VersionContent:
    """The content of one version as AWS stores it.

    ``text`` is None if the content is not known. If reading it failed, ``problem`` is a sentence that says so.
    """

    text: str | None
    document_format: str
    problem: str = ""


@dataclasses.dataclass(frozen=True)
class DocumentState:
    """A document as read from AWS, or as predicted after a plan. A field that the plan does not require is None.

    A description is a DocumentDescription, or the reply of GetDocument if that was read instead.
    """

    # The description of the latest version.
    latest: Mapping[str, Any]
    # The content of the latest version, as AWS stores it.
    latest_content: str | None = None
    # The number of the version that already has the wanted content, format, target type and display name; None if there
    # is none. The latest one is preferred, then the default one. Other versions count only if AWS rejects the content
    # as a duplicate (trap 3), and so does the default one of a document with ``used_by_latest`` (trap 45).
    matching_version: str | None = None
    # Each account, or ``all``, with the version that it may use: {"111122223333": "$DEFAULT"}.
    permissions: Mapping[str, str] | None = None
    # The numbers of all versions in ascending order, such as (1, 2, 5). For a removal, only those to delete.
    versions: tuple[int, ...] | None = None
    # The number of the version that has the wanted VersionName, if that is not the latest one.
    version_with_wanted_name: str | None = None
    # The description of ``matching_version``.
    matching_description: Mapping[str, Any] | None = None
    # The description of the older version that is to become the default; {} if it does not exist.
    new_default_description: Mapping[str, Any] | None = None
    # The description of the one version that is to be deleted.
    version_to_remove: Mapping[str, Any] | None = None

    @property
    def document_format(self) -> str:
        return str(self.latest.get("DocumentFormat") or content.JSON)

    @property
    def document_type(self) -> str:
        return str(self.latest.get("DocumentType"))

    @property
    def tags(self) -> dict[str, str]:
        return conversion.tags(self.latest.get("Tags"))

    @property
    def latest_version(self) -> str:
        return str(self.latest.get("LatestVersion") or self.latest["DocumentVersion"])

    @property
    def latest_version_content(self) -> VersionContent:
        """Return the content of the latest version."""
        return VersionContent(self.latest_content, self.document_format)

    @property
    def default_version(self) -> str:
        return str(self.latest["DefaultVersion"])

    @property
    def status(self) -> str:
        return str(self.latest.get("Status"))

    @property
    def used_by_latest(self) -> bool:
        """Return whether sessions that are started with the document's name use its latest version (trap 45).

        https://github.com/aws/session-manager-plugin/issues/112 shows it. Session preferences are the exception:
        Session Manager reads them from the default version (trap 44).
        """
        return self.document_type == SESSION and self.latest.get("Name") != PREFERENCES

    @property
    def foreign_owner(self) -> str | None:
        """Return the owner if AWS or a partner published the document, such as ``Amazon``; else None.

        By a name without an ARN, AWS finds only the caller's own documents, whose Owner is an account ID, and published
        ones, whose Owner is a word.
        """
        owner = str(self.latest.get("Owner") or "")
        return owner if owner and not owner.isdigit() else None

    @property
    def deleting(self) -> bool:
        """Return whether the document is being deleted. It cannot be changed any more."""
        return self.status == "Deleting"

    @property
    def pending(self) -> bool:
        """Return whether the latest version is still Creating or Updating."""
        return self.status in PENDING


PENDING = ("Creating", "Updating")
# The most versions that an error message lists.
_LISTED = 10


# What helps against a version that has failed, because it stays in that status (trap 10).
CHANGE_CONTENT = "Change the content to create another version."
CHANGE_DEFAULT = "Set default_version to another version."


def no_version(name: str, version: str, latest: str | None = None) -> str:
    """Return the error message for a version that does not exist. ``latest`` is the latest version, if it is known."""
    return f"Document {name} has no version {version}.{f' Its latest version is {latest}.' if latest else ''}"


def not_active(name: str, version: str, found: Mapping[str, Any], advice: str, latest: str | None = None) -> str:
    """Return the error message for a version that is not Active.

    ``found`` is its description, {} if the version does not exist. ``advice`` is what helps if the version has failed.
    ``latest`` is as for ``no_version``.
    """
    if not found:
        return no_version(name, version, latest)
    status, reason = found.get("Status"), found.get("StatusInformation")
    sentence = f"Version {version} of document {name} has the status {status}{f': {reason}' if reason else ''}."
    return f"{sentence} {advice}" if status == "Failed" else sentence


def not_named(spec: DocumentSpec, infos: Iterable[Mapping[str, Any]]) -> str:
    """Return the error message for a name in default_version that no version has.

    ``infos`` are the DocumentVersionInfo of all versions; none if they could not be listed.
    """
    named = {str(info["DocumentVersion"]): info.get("VersionName") for info in infos}
    listed = [f"{number} ({named[number]})" if named[number] else number for number in sorted(named, key=int)]
    shown = listed[-_LISTED:]
    there_are = f" Its {'latest ' if shown != listed else ''}versions are {', '.join(shown)}." if listed else ""
    wanted = str(spec.default_name)
    advice = option_text.suggestion(wanted, [*filter(None, named.values()), *_DEFAULT_WORDS])
    if wanted == spec.version_name:
        advice = " To make the version of this task the default, set default_version to latest."
    return f"Document {spec.name} has no version named {quoted(wanted)}.{there_are}{advice}"


def check_owner(state: DocumentState) -> None:
    """Raise ``SSMError`` if AWS or a partner owns the document: only its owner can change it."""
    if state.foreign_owner:
        raise SSMError(
            f"Document {state.latest['Name']} belongs to {state.foreign_owner}, and only its owner can change or "
            "delete it. Create your own document under another name. sessionops.aws.ssm_document_info returns "
            "the content to start from."
        )


def check_content(wanted: content.Content, document_type: str | None) -> None:
    """Raise ``SSMError`` for content that AWS is known to reject for a document of this type."""
    problem = content_schema.why_rejected(wanted.value, document_type)
    if problem:
        raise SSMError(f"content {problem}.")
    if document_type == "ChangeCalendar" and wanted.document_format != content.TEXT:
        raise SSMError("content of a ChangeCalendar must be iCalendar text. Set document_format to TEXT.")


def check_type_given(spec: DocumentSpec) -> None:
    """Raise ``SSMError`` if the task gives no type for a new document and AWS does not assume one."""
    if spec.content is not None and spec.document_type is None and content_schema.needs_type(spec.content.value):
        kind = content_schema.likely_type(spec.content.value)
        raise SSMError(
            f"Document {spec.name} does not exist, and creating it requires a type. Set document_type"
            f"{f' to {kind}' if kind else ''}."
        )
