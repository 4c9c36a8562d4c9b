# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Predict a document after a plan, and show how two states of a document differ."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, assert_never

from .. import conversion
from . import content_lines, sharing
from .actions import Action, AddTags, Create, Delete, DeleteVersions, RemoveTags, SetDefault, Share, Update
from .model import DocumentState, VersionContent


def predict(state: DocumentState | None, actions: Sequence[Action], name: str) -> DocumentState | None:
    """Return the document as it will be after ``actions``; None if it will not exist."""
    for action in actions:
        # The latest version of a document that does not exist yet counts as 0.
        state = _after(action, state or DocumentState({"Name": name, "LatestVersion": "0"}))
    return state


def _after(action: Action, state: DocumentState) -> DocumentState | None:
    """Return the document after one action; None if the action deletes it."""
    match action:
        case Create():
            return _after_create(action, state)
        case Update():
            return _after_update(action, state)
        case SetDefault():
            return _after_default(action, state)
        case Share():
            return _after_share(action, state)
        case AddTags():
            return _after_add_tags(action, state)
        case RemoveTags():
            return _after_remove_tags(action, state)
        case DeleteVersions():
            return _after_delete_versions(action, state)
        case Delete():
            return _after_delete(action, state)
    assert_never(action)


def _after_create(action: Create, state: DocumentState) -> DocumentState | None:
    description = {**_without_content(action), "LatestVersion": "1", "DocumentVersion": "1", "DefaultVersion": "1"}
    name = state.latest["Name"]
    return DocumentState({"Name": name, **description}, str(action.request["Content"]))


def _after_update(action: Update, state: DocumentState) -> DocumentState | None:
    number = str(int(state.latest_version) + 1)
    latest = dict(state.latest) | {"VersionName": None, **_without_content(action)}
    return dataclasses.replace(
        state,
        latest=latest | {"LatestVersion": number, "DocumentVersion": number},
        latest_content=str(action.request["Content"]),
        versions=None if state.versions is None else (*state.versions, int(number)),
    )


def _after_default(action: SetDefault, state: DocumentState) -> DocumentState | None:
    return _with_members(state, DefaultVersion=action.version or state.latest_version)


def _after_share(action: Share, state: DocumentState) -> DocumentState | None:
    return dataclasses.replace(state, permissions=sharing.after_call(state.permissions or {}, action))


def _after_add_tags(action: AddTags, state: DocumentState) -> DocumentState | None:
    return _with_members(state, Tags=conversion.tag_list(state.tags | dict(action.tags)))


def _after_remove_tags(action: RemoveTags, state: DocumentState) -> DocumentState | None:
    kept = {key: value for key, value in state.tags.items() if key not in action.keys}
    return _with_members(state, Tags=conversion.tag_list(kept))


def _after_delete_versions(action: DeleteVersions, state: DocumentState) -> DocumentState | None:
    kept = tuple(number for number in state.versions or () if number not in action.numbers)
    return dataclasses.replace(state, versions=kept)


def _after_delete(action: Delete, state: DocumentState) -> DocumentState | None:
    return None


def _with_members(state: DocumentState, **members: Any) -> DocumentState:
    return dataclasses.replace(state, latest={**state.latest, **members})


def _without_content(action: Create | Update) -> dict[str, Any]:
    return {key: value for key, value in action.request.items() if key not in ("Content", "Attachments")}


def document_diff(
    before: DocumentState | None,
    after: DocumentState | None,
    name: str,
    defaults: tuple[VersionContent, VersionContent] | None = None,
) -> list[dict[str, str]]:
    """Return the differences of two states as Ansible's diff mode shows them: contents first, then the metadata.

    ``defaults`` are the contents of the default version before and after. They are given only in diff mode, and if
    another version becomes the default.

    Each entry is ``{"before_header": "web (content)", "after_header": "web (content)", "before": ..., "after": ...}``.
    """
    parts = _content_parts(before, after, name, defaults)
    known = _version_names(before)
    metadata = (_metadata(before, known), _metadata(after, known | _version_names(after)))
    parts.append(_part(name, ("metadata", "metadata"), metadata))
    return [part for part in parts if part["before"] != part["after"]]


def _content_parts(
    before: DocumentState | None,
    after: DocumentState | None,
    name: str,
    defaults: tuple[VersionContent, VersionContent] | None,
) -> list[dict[str, str]]:
    """Return the parts of the diff that show contents.

    A new version is compared with the version that it replaces. That is the default version if the new one becomes the
    default, and the latest version otherwise. Where sessions use the latest version (trap 45), it is always the latest.

    If an existing version becomes the default, it is compared with the old default version, too.
    """
    old, new = (None if state is None else state.latest_version_content for state in (before, after))
    latest = _part(name, _latest_headers(before, after), _content_texts(old, new))
    if before is None or after is None or defaults is None:
        return [latest]
    headers = [f"content of default version {state.default_version}" for state in (before, after)]
    default_part = _part(name, headers, _content_texts(*defaults))
    default_existed = after.default_version != after.latest_version or after.latest_version == before.latest_version
    if default_existed:
        return [latest, default_part]
    replaces_latest = after.used_by_latest or before.default_version == before.latest_version
    return [latest if replaces_latest else default_part]


def _latest_headers(before: DocumentState | None, after: DocumentState | None) -> Sequence[str]:
    """Return the headers of the old and the new content.

    For a new version that is not the default they say which versions are compared, and which one is the default.
    """
    if before is None or after is None or after.latest_version in (before.latest_version, after.default_version):
        return ("content", "content")
    role = "the latest and default version" if before.default_version == before.latest_version else "the latest version"
    new = f"content of version {after.latest_version}{', which sessions use' if after.used_by_latest else ''}"
    becomes = "stays" if before.default_version == after.default_version else "becomes"
    return (
        f"content of version {before.latest_version}, {role}",
        f"{new}; version {after.default_version} {becomes} the default",
    )


def _part(name: str, headers: Sequence[str], texts: Sequence[str]) -> dict[str, str]:
    return {
        "before_header": f"{name} ({headers[0]})",
        "after_header": f"{name} ({headers[1]})",
        "before": texts[0],
        "after": texts[1],
    }


def _content_texts(old: VersionContent | None, new: VersionContent | None) -> list[str]:
    """Return two contents as the diff shows them."""
    texts = [_readable(content) for content in (old, new)]
    if old and new and texts[0] == texts[1] and old.document_format == new.document_format:
        # Both mean the same, so show the texts as stored: white space, the order of keys, or comments differ.
        return [content.text or "" for content in (old, new)]
    return texts


def _readable(content: VersionContent | None) -> str:
    if content is None or content.text is None:
        return f"{content.problem}\n" if content and content.problem else ""
    return content_lines.lines(content.text, content.document_format)


def version_removal_diff(before: DocumentState | None, name: str) -> list[dict[str, str]]:
    """Return the diff of a task that deletes one version. It shows that version, not the rest of the document."""
    if before is None or before.version_to_remove is None:
        return []
    header = f"{name} (version {before.version_to_remove['DocumentVersion']})"
    lines = _lines(before.version_to_remove, "DocumentFormat", "DisplayName", "TargetType", "VersionName")
    return [
        {"before_header": header, "after_header": header, "before": "".join(f"{one}\n" for one in lines), "after": ""}
    ]


def _lines(shape: Mapping[str, Any], *members: str) -> list[str]:
    """Return a line for each member that has a value: ``["document_format: JSON"]``."""
    return [f"{conversion.snake(member)}: {shape[member]}" for member in members if shape.get(member) is not None]


def _version_names(state: DocumentState | None) -> dict[str, str | None]:
    """Return the names of the versions that the state describes, by number: ``{"2": None, "3": "blue"}``."""
    if state is None:
        return {}
    described = [
        version
        for version in (state.matching_description, state.new_default_description)
        if version and version.get("DocumentVersion")
    ]
    named = {str(version["DocumentVersion"]): version.get("VersionName") for version in described}
    return {**named, state.latest_version: state.latest.get("VersionName")}


def _metadata(state: DocumentState | None, version_names: Mapping[str, str | None]) -> str:
    if state is None:
        return ""
    lines = _lines(state.latest, "Name", "DocumentType", "DocumentFormat", "DisplayName", "TargetType")
    versions = {"latest_version": state.latest_version, "default_version": state.default_version}
    for option, number in versions.items():
        version_name = version_names.get(number)
        lines.append(f"{option}: {number}{f' ({version_name})' if version_name else ''}")
    lines += [f"requires: {required['Name']}" for required in state.latest.get("Requires") or ()]
    lines += [f"permissions.{account}: {version}" for account, version in sorted((state.permissions or {}).items())]
    lines += [f"tags.{key}: {value}" for key, value in sorted(state.tags.items())]
    if state.versions is not None:
        lines.append(f"versions: {_ranges(state.versions)}")
    return "".join(f"{line}\n" for line in lines)


def _ranges(numbers: Sequence[int]) -> str:
    """Return ascending numbers as a text, with consecutive ones as a range: ``"1, 3-12"``."""
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and ranges[-1][-1] == number - 1:
            ranges[-1][1:] = [number]
        else:
            ranges.append([number])
    return ", ".join("-".join(map(str, one_range)) for one_range in ranges)
