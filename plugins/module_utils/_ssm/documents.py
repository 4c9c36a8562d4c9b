# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Documents: what is wanted, what is there, and what has to be done.

``plan`` is pure, and serves check mode and a real run alike. ``document_apply`` does what it planned, and
``document_diff`` says what that changes.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.tagging import compare_aws_tags

from . import api, content, transform
from .errors import SSMError

LATEST = "$LATEST"
# Session Manager reads an account's preferences in a region from the default version of this one.
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
    "Session",
)
# https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_CreateDocument.html
_NAME = re.compile(r"[a-zA-Z0-9_\-.]{3,128}")


@dataclasses.dataclass(frozen=True)
class DocumentSpec:
    """A document as wanted. None means that the user does not say, and AWS's value stays."""

    name: str
    content: content.Content | None = None
    document_type: str | None = None
    display_name: str | None = None
    target_type: str | None = None
    version_name: str | None = None
    default_version: str = "latest"
    tags: Mapping[str, str] | None = None
    purge_tags: bool = True

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise SSMError(
                f"name is {self.name!r}: a document's name has 3 to 128 letters, digits, underscores, hyphens and dots."
            )
        if self.default_version not in ("latest", "keep") and not self.default_version.isdigit():
            raise SSMError(f"default_version is {self.default_version!r}, not latest, keep or a version number.")
        if self.content is not None:
            content.check_size(self.content.encode(None)[0])


@dataclasses.dataclass(frozen=True)
class DocumentState:
    """A document as found. ``latest`` is the DocumentDescription of its latest version.

    The contents are None where nothing needed them: a hash had settled the comparison.
    """

    latest: Mapping[str, Any]
    latest_content: str | None = None
    default_content: str | None = None

    @property
    def document_format(self) -> str:
        return str(self.latest.get("DocumentFormat") or content.JSON)

    @property
    def tags(self) -> dict[str, str]:
        return transform.tags(self.latest.get("Tags"))

    @property
    def latest_version(self) -> str:
        return str(self.latest.get("LatestVersion") or self.latest["DocumentVersion"])

    @property
    def default_version(self) -> str:
        return str(self.latest["DefaultVersion"])


class Action:
    """One step of a plan; as a string it says what the step does."""


@dataclasses.dataclass(frozen=True)
class Create(Action):
    request: Mapping[str, Any]

    def __str__(self) -> str:
        return "create the document"


@dataclasses.dataclass(frozen=True)
class Update(Action):
    """A new version after ``latest_version``."""

    request: Mapping[str, Any]
    latest_version: str

    def __str__(self) -> str:
        return "make a new version"


@dataclasses.dataclass(frozen=True)
class SetDefault(Action):
    """Another default version; None is the one that the step before made."""

    version: str | None

    def __str__(self) -> str:
        return f"make {f'version {self.version}' if self.version else 'it'} the default"


@dataclasses.dataclass(frozen=True)
class AddTags(Action):
    tags: Mapping[str, str]

    def __str__(self) -> str:
        return f"set the tags {', '.join(sorted(self.tags))}"


@dataclasses.dataclass(frozen=True)
class RemoveTags(Action):
    keys: Sequence[str]

    def __str__(self) -> str:
        return f"remove the tags {', '.join(sorted(self.keys))}"


@dataclasses.dataclass(frozen=True)
class Delete(Action):
    def __str__(self) -> str:
        return "delete the document"


def read(client: api.Client, spec: DocumentSpec) -> DocumentState | None:
    """The document as AWS has it, with as much of its content as the comparison with ``spec`` needs."""
    latest = api.describe_document(client, spec.name, LATEST)
    if latest is None:
        return None
    state = DocumentState(latest)
    if spec.content is None:
        return state
    text, unused = spec.content.encode(state.document_format)
    if latest.get("Hash") == content.sha256(text):
        return dataclasses.replace(state, latest_content=text)
    state = dataclasses.replace(state, latest_content=_stored(client, state, LATEST))
    if _holds_latest(spec, state) or state.default_version == state.latest_version:
        return state
    return dataclasses.replace(state, default_content=_stored(client, state, state.default_version))


def plan(spec: DocumentSpec, state: DocumentState | None) -> list[Action]:
    """What takes a document from ``state`` to ``spec``, in order; an ``SSMError`` if nothing can."""
    if state is None:
        if spec.default_version not in ("latest", "keep", "1"):
            raise SSMError(f"Document {spec.name} does not exist, so its default can only be version 1 at first.")
        return [Create(_create_request(spec))]
    if spec.document_type not in (None, state.latest.get("DocumentType")):
        raise SSMError(
            f"Document {spec.name} has the type {state.latest.get('DocumentType')}, which cannot be changed to "
            f"{spec.document_type}: delete it first, or give the new one another name."
        )
    update = _update_request(spec, state)
    if spec.content and not update and state.latest.get("Status") == "Failed":
        # To leave it as it is would report a broken document as good.
        raise SSMError(not_active(spec.name, state.latest_version, state.latest))
    actions: list[Action] = [Update(update, state.latest_version)] if update else []
    actions += _default(spec, state, updated=bool(update))
    return actions + _tag_changes(spec, state)


def plan_absent(state: DocumentState | None) -> list[Action]:
    """What makes a document go away."""
    return [] if state is None else [Delete()]


def not_active(name: str, version: str, found: Mapping[str, Any]) -> str:
    """The sentence for a version that is, or has become, something else than Active."""
    if not found:
        return f"Document {name} has no version {version}."
    reason = found.get("StatusInformation")
    return f"Version {version} of document {name} is {found.get('Status')}{f': {reason}' if reason else ''}."


def _stored(client: api.Client, state: DocumentState, version: str) -> str | None:
    reply = api.get_document(client, str(state.latest["Name"]), version, state.document_format)
    return None if reply is None else str(reply["Content"])


def _holds_latest(spec: DocumentSpec, state: DocumentState) -> bool:
    """Whether the latest version has the wanted content, or nobody asked."""
    if spec.content is None or state.latest_content is None:
        return True
    return spec.content.means_the_same(state.latest_content, state.document_format)


def _holds_default(spec: DocumentSpec, state: DocumentState) -> bool:
    """Whether the version in force has the wanted content while a later one does not.

    Some content is then staged behind the default, or AWS would not store the same content twice and the default was
    moved back to it. Either way what is wanted is in force.
    """
    return (
        spec.content is not None
        and state.default_content is not None
        and spec.content.means_the_same(state.default_content, state.document_format)
    )


def _create_request(spec: DocumentSpec) -> dict[str, Any]:
    if spec.content is None:
        raise SSMError(f"Document {spec.name} does not exist, and cannot be created without content or content_path.")
    text, document_format = spec.content.encode(None)
    request = {
        "Content": text,
        "DocumentFormat": document_format,
        "DocumentType": spec.document_type,
        "Tags": transform.tag_list(spec.tags) if spec.tags else None,
        **_versioned(spec),
    }
    return {key: value for key, value in request.items() if value is not None}


def _update_request(spec: DocumentSpec, state: DocumentState) -> dict[str, Any] | None:
    """The UpdateDocument request for a new version, or None if the latest one serves."""
    given = {key: value for key, value in _versioned(spec).items() if value is not None}
    # A version's name is fixed when the version is made, so a name alone is no reason for a new one.
    changed = any(state.latest.get(key) != value for key, value in given.items() if key != "VersionName")
    same_content = _holds_latest(spec, state) or _holds_default(spec, state)
    if spec.content is None:
        if changed:
            raise SSMError(
                f"Document {spec.name} needs its content to change anything but its default version and tags."
            )
        return None
    text, document_format = spec.content.encode(state.document_format)
    if same_content and not changed and not _format_changes(spec.content, state):
        return None
    # What is left out of UpdateDocument may be dropped from the new version.
    kept = {key: state.latest[key] for key in ("DisplayName", "TargetType") if state.latest.get(key)}
    return {"Content": text, "DocumentFormat": document_format, **kept, **given}


def _format_changes(wanted: content.Content, state: DocumentState) -> bool:
    return wanted.format_given and wanted.document_format != state.document_format


def _versioned(spec: DocumentSpec) -> dict[str, str | None]:
    """What belongs to a version, besides its content."""
    return {
        "DisplayName": spec.display_name,
        "TargetType": spec.target_type,
        "VersionName": spec.version_name,
    }


def _default(spec: DocumentSpec, state: DocumentState, *, updated: bool) -> list[Action]:
    if spec.default_version == "keep":
        return []
    if spec.default_version == "latest":
        if updated:
            return [SetDefault(None)]
        wanted = state.default_version if _holds_default(spec, state) else state.latest_version
    else:
        wanted = spec.default_version
        if int(wanted) > int(state.latest_version) + updated:
            raise SSMError(not_active(spec.name, wanted, {}))
    return [] if wanted == state.default_version else [SetDefault(wanted)]


def _tag_changes(spec: DocumentSpec, state: DocumentState) -> list[Action]:
    if spec.tags is None:
        return []
    to_set, to_remove = compare_aws_tags(state.tags, dict(spec.tags), spec.purge_tags)
    actions: list[Action] = [RemoveTags(tuple(to_remove))] if to_remove else []
    return [*actions, AddTags(to_set)] if to_set else actions
