# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Compare a document as AWS has it with what a task wants, for reading as well as for planning. It makes no call."""

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
    """Return what the task wants of a version besides its content: ``{"TargetType": "/AWS::EC2::Instance"}``.

    A version's name is fixed when the version is made, so another name is no reason for a new one.
    """
    wanted = {**version_members(spec), "VersionName": None, "DocumentFormat": spec.document_format}
    return conversion.without_none(wanted)


def has_attributes(spec: DocumentSpec, version: Mapping[str, Any]) -> bool:
    """Return whether a version has all wanted attributes. One that its description lacks is an empty text."""
    return all((version.get(member) or "") == value for member, value in wanted_attributes(spec).items())


def repeats_latest(spec: DocumentSpec, state: DocumentState) -> bool:
    """Return whether a new version would repeat the latest one but for its display name, which AWS refuses."""
    if state.latest_content is None or spec.target_type not in (None, state.latest.get("TargetType")):
        return False
    latest = (state.latest_content, state.document_format)
    if spec.content is not None:
        return spec.content.encode(state.document_format) == latest
    return spec.document_format in (None, state.document_format)


def is_wanted_content(spec: DocumentSpec, stored: str | None, stored_format: str) -> bool:
    """Return whether stored content is the wanted one, by its meaning or byte for byte."""
    if spec.content is None or stored is None:
        return False
    if spec.exact:
        return spec.content.encode(stored_format) == (stored, stored_format)
    if spec.content.means_the_same(stored, stored_format):
        return True
    means_preferences = spec.preferences is not None
    return means_preferences and preferences.mean_the_same(spec.content.value, content.parsed(stored, stored_format))


def version_with_wanted_name(spec: DocumentSpec, state: DocumentState) -> str | None:
    """Return the number of the version whose VersionName is the wanted one, or None."""
    if spec.version_name is None:
        return None
    return state.latest_version if state.latest.get("VersionName") == spec.version_name else state.named_version


def wanted_default(spec: DocumentSpec, state: DocumentState, *, updated: bool) -> str | None:
    """Return the number of the default version after the change; None for the version that is about to be made."""
    if spec.default_version == "keep":
        return state.default_version
    if spec.default_version == "latest":
        return None if updated else state.matching_version or state.latest_version
    return spec.default_version


def default_unless_updated(spec: DocumentSpec, state: DocumentState) -> str:
    """Return the number of the default version after the task if it makes no version."""
    return state.default_version if spec.default_version in ("latest", "keep") else spec.default_version


def recreates(spec: DocumentSpec, state: DocumentState) -> bool:
    """Return whether the document is to be deleted and created again."""
    return spec.recreate and bool(why_unchangeable(spec, state))


def why_unchangeable(spec: DocumentSpec, state: DocumentState) -> str:
    """Return why the document cannot be updated in place (type, requires, schema version 1.2), or '' if it can."""
    if spec.document_type not in (None, state.document_type):
        return f"has the type {state.document_type}, which cannot be changed to {spec.document_type}"
    if spec.requires is not None and not _requires_the_same(spec.requires, state.latest.get("Requires") or ()):
        return "requires other documents than the task gives, which cannot be changed"
    old_schema = state.document_type == "Command" and state.latest.get("SchemaVersion") == "1.2"
    if old_schema and needs_new_version(spec, state):
        return "is a Command document of schema version 1.2, which AWS does not update"
    return ""


def _requires_the_same(wanted: Any, found: Any) -> bool:
    """Return whether both name the same documents; what the task leaves out may be anything."""
    by_name = {entry["Name"]: entry for entry in found}
    if set(by_name) != {entry["Name"] for entry in wanted}:
        return False
    return all(by_name[entry["Name"]].get(key) == value for entry in wanted for key, value in entry.items())


def versions_to_prune(spec: DocumentSpec, state: DocumentState) -> list[int]:
    """Return the versions beyond ``keep_versions`` after the change, without regard to how they are shared."""
    if spec.keep_versions is None or state.versions is None:
        return []
    # The version that is about to be made is one of those kept.
    updated = needs_new_version(spec, state)
    others = spec.keep_versions - updated
    default = wanted_default(spec, state, updated=updated) or 0
    kept = {*sorted(state.versions, reverse=True)[:others], int(default), int(state.matching_version or 0)}
    return [number for number in state.versions if number not in kept]


def needs_stored_content(spec: DocumentSpec, state: DocumentState) -> bool:
    """Return whether the new version that the task requires has the content that is stored."""
    return not has_attributes(spec, state.latest) or recreates(spec, state)


def version_members(spec: DocumentSpec) -> dict[str, str | None]:
    """Return the members of CreateDocument and UpdateDocument that belong to a version, besides its content."""
    return {
        "DisplayName": spec.display_name,
        "TargetType": spec.target_type,
        "VersionName": spec.version_name,
    }
