# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Compare a document as AWS has it with what a task wants, for reading as well as for planning. Makes no call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import conversion
from . import content, preferences
from .model import DocumentSpec, DocumentState


def needs_new_version(spec: DocumentSpec, state: DocumentState) -> bool:
    """Return whether the task requires a new version."""
    return state.matching_version is None if spec.content is not None else not has_attributes(spec, state.latest)


def wanted_attributes(spec: DocumentSpec) -> dict[str, str]:
    """Return the attributes, besides content, that a version must have: ``{"TargetType": "/AWS::EC2::Instance"}``.

    VersionName is not among them. It is fixed when a version is made, so another name is no reason for a new version
    (trap 17).
    """
    wanted = {**version_members(spec), "VersionName": None, "DocumentFormat": spec.document_format}
    return conversion.without_none(wanted)


def has_attributes(spec: DocumentSpec, version: Mapping[str, Any]) -> bool:
    """Return whether a version, given by its description, has all wanted attributes. A missing member counts as ''."""
    return all((version.get(member) or "") == value for member, value in wanted_attributes(spec).items())


def repeats_latest(spec: DocumentSpec, state: DocumentState) -> bool:
    """Return whether a new version would differ from the latest one at most in its display name.

    AWS rejects such a version (traps 3 and 19).
    """
    if state.latest_content is None or spec.target_type not in (None, state.latest.get("TargetType")):
        return False
    latest = (state.latest_content, state.document_format)
    if spec.content is not None:
        return spec.content.encode(state.document_format) == latest
    return spec.document_format in (None, state.document_format)


def is_wanted_content(spec: DocumentSpec, stored: str | None, stored_format: str) -> bool:
    """Return whether stored content matches the wanted one: by its meaning, or byte for byte with ``spec.exact``."""
    if spec.content is None or stored is None:
        return False
    if spec.exact:
        return spec.content.encode(stored_format) == (stored, stored_format)
    if spec.content.means_the_same(stored, stored_format):
        return True
    means_preferences = spec.preferences is not None
    return means_preferences and preferences.have_same_effect(spec.content.value, content.parse(stored, stored_format))


def version_with_wanted_name(spec: DocumentSpec, state: DocumentState) -> str | None:
    """Return the number of the version whose VersionName is the wanted one, or None."""
    if spec.version_name is None:
        return None
    return (
        state.latest_version if state.latest.get("VersionName") == spec.version_name else state.version_with_wanted_name
    )


def wanted_default(spec: DocumentSpec, state: DocumentState, *, updated: bool) -> str | None:
    """Return the number of the default version after the change; None for the new version, which has no number yet.

    ``updated``: a new version is made.
    """
    if spec.default_version == "keep":
        return state.default_version
    if spec.default_version == "latest":
        return None if updated else state.matching_version or state.latest_version
    return spec.default_version


def default_candidate(spec: DocumentSpec, state: DocumentState) -> str:
    """Return the version that can stay, or become, the default with no new version: the given or the current one.

    With ``latest``, the current default version stays if it has the wanted content (trap 7).
    """
    return state.default_version if spec.default_version in ("latest", "keep") else spec.default_version


def recreates(spec: DocumentSpec, state: DocumentState) -> bool:
    """Return whether the document is to be deleted and created again."""
    return spec.recreate and bool(why_unchangeable(spec, state))


def why_unchangeable(spec: DocumentSpec, state: DocumentState) -> str:
    """Return why the document cannot be updated in place (type, requires, schema version 1.2), or '' if it can."""
    if spec.document_type not in (None, state.document_type):
        return f"has the type {state.document_type}, which cannot be changed to {spec.document_type}"
    if spec.requires is not None and not _requires_the_same(spec.requires, state.latest.get("Requires") or ()):
        return "has other requirements than the task sets, and requirements cannot be changed"
    old_schema = state.document_type == "Command" and state.latest.get("SchemaVersion") == "1.2"
    if old_schema and needs_new_version(spec, state):
        return "is a Command document of schema version 1.2, which AWS does not update"
    return ""


def _requires_the_same(wanted: Any, found: Any) -> bool:
    """Return whether both lists require the same documents. Keys that the task leaves out may have any value."""
    by_name = {entry["Name"]: entry for entry in found}
    if set(by_name) != {entry["Name"] for entry in wanted}:
        return False
    return all(by_name[entry["Name"]].get(key) == value for entry in wanted for key, value in entry.items())


def versions_to_prune(spec: DocumentSpec, state: DocumentState) -> list[int]:
    """Return the versions beyond ``keep_versions`` after the change, such as ``[1, 2]``, however they are shared.

    The default version and the matching version are never among them.
    """
    if spec.keep_versions is None or state.versions is None:
        return []
    # A new version is one of those kept.
    updated = needs_new_version(spec, state)
    others = spec.keep_versions - updated
    default = wanted_default(spec, state, updated=updated) or 0
    kept = {*sorted(state.versions, reverse=True)[:others], int(default), int(state.matching_version or 0)}
    return [number for number in state.versions if number not in kept]


def wanted_tags(spec: DocumentSpec, current: Mapping[str, str]) -> dict[str, str]:
    """Return the tags that the task wants, ``{"team": "platform"}``, for a document that has the tags ``current``."""
    if spec.tags is None:
        return dict(current)
    return dict(spec.tags) if spec.purge_tags else {**current, **spec.tags}


def needs_stored_content(spec: DocumentSpec, state: DocumentState) -> bool:
    """Return whether a task without content makes a version, and so sends the stored content again."""
    return not has_attributes(spec, state.latest) or recreates(spec, state)


def version_members(spec: DocumentSpec) -> dict[str, str | None]:
    """Return the members of CreateDocument and UpdateDocument that describe a version; None for those not wanted."""
    return {
        "DisplayName": spec.display_name,
        "TargetType": spec.target_type,
        "VersionName": spec.version_name,
    }
