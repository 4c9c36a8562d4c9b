# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""What a plan will make of a document, and how two states of it differ."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, assert_never

from .. import conversion
from . import content_lines, sharing
from .actions import Action, AddTags, Create, Delete, DeleteVersions, RemoveTags, SetDefault, Share, Update
from .model import DocumentState, VersionContent


def predicted(state: DocumentState | None, actions: Sequence[Action], name: str) -> DocumentState | None:
    """The document as it will be after ``actions``."""
    for action in actions:
        # A document that is not there yet has the version before its first.
        state = _after(action, state or DocumentState({"Name": name, "LatestVersion": "0"}))
    return state


def _after(action: Action, state: DocumentState) -> DocumentState | None:
    """Return the document as the action leaves it; None if it is gone."""
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
    return _with(state, DefaultVersion=action.version or state.latest_version)


def _after_share(action: Share, state: DocumentState) -> DocumentState | None:
    return dataclasses.replace(state, permissions=sharing.after(state.permissions or {}, action))


def _after_add_tags(action: AddTags, state: DocumentState) -> DocumentState | None:
    return _with(state, Tags=conversion.tag_list(state.tags | dict(action.tags)))


def _after_remove_tags(action: RemoveTags, state: DocumentState) -> DocumentState | None:
    kept = {key: value for key, value in state.tags.items() if key not in action.keys}
    return _with(state, Tags=conversion.tag_list(kept))


def _after_delete_versions(action: DeleteVersions, state: DocumentState) -> DocumentState | None:
    kept = tuple(number for number in state.versions or () if number not in action.numbers)
    return dataclasses.replace(state, versions=kept)


def _after_delete(action: Delete, state: DocumentState) -> DocumentState | None:
    return None


def _with(state: DocumentState, **members: Any) -> DocumentState:
    return dataclasses.replace(state, latest={**state.latest, **members})


def _without_content(action: Create | Update) -> dict[str, Any]:
    return {key: value for key, value in action.request.items() if key not in ("Content", "Attachments")}


def difference(
    before: DocumentState | None,
    after: DocumentState | None,
    name: str,
    defaults: tuple[VersionContent, VersionContent] | None = None,
) -> list[dict[str, str]]:
    """The two states as Ansible's diff mode shows them: the contents first, then the rest.

    ``defaults`` are the contents of the default version before and after, if it moves and somebody looks at the diff.
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
    """A new version against the one that it replaces, and a default that moves to a version that was there already.

    A new version replaces the default version if it becomes that one, and else the latest version. So it does where
    sessions use the latest version in any case.
    """
    old, new = (None if state is None else state.newest for state in (before, after))
    latest = _part(name, _latest_headers(before, after), _content_texts(old, new))
    if before is None or after is None or defaults is None:
        return [latest]
    headers = [f"content of default version {state.default_version}" for state in (before, after)]
    in_force = _part(name, headers, _content_texts(*defaults))
    was_there = after.default_version != after.latest_version or after.latest_version == before.latest_version
    if was_there:
        return [latest, in_force]
    replaces_latest = after.used_by_latest or before.default_version == before.latest_version
    return [latest if replaces_latest else in_force]


def _latest_headers(before: DocumentState | None, after: DocumentState | None) -> Sequence[str]:
    """Say of a new version that is not the default which versions are compared, and which one is the default."""
    if before is None or after is None or after.latest_version in (before.latest_version, after.default_version):
        return ("content", "content")
    role = "the latest and the default" if before.default_version == before.latest_version else "the latest"
    new = f"content of version {after.latest_version}, {'which sessions use' if after.used_by_latest else 'staged'}"
    becomes = "stays" if before.default_version == after.default_version else "becomes"
    return (
        f"content of version {before.latest_version}, {role}",
        f"{new}: version {after.default_version} {becomes} the default",
    )


def _part(name: str, headers: Sequence[str], texts: Sequence[str]) -> dict[str, str]:
    return {
        "before_header": f"{name} ({headers[0]})",
        "after_header": f"{name} ({headers[1]})",
        "before": texts[0],
        "after": texts[1],
    }


def _content_texts(old: VersionContent | None, new: VersionContent | None) -> list[str]:
    """Two contents as they are shown against each other."""
    texts = [_readable(content) for content in (old, new)]
    if old and new and texts[0] == texts[1] and old.document_format == new.document_format:
        # The same in another form: what differs is white space, the order of keys, or comments.
        return [content.text or "" for content in (old, new)]
    return texts


def _readable(content: VersionContent | None) -> str:
    if content is None or content.text is None:
        return f"{content.problem}\n" if content and content.problem else ""
    return content_lines.lines(content.text, content.document_format)


def removal(before: DocumentState | None, name: str) -> list[dict[str, str]]:
    """The one version that goes as Ansible's diff mode shows it: the document without it is a matter of its others."""
    if before is None or before.version_to_remove is None:
        return []
    header = f"{name} (version {before.version_to_remove['DocumentVersion']})"
    lines = _lines(before.version_to_remove, "DocumentFormat", "DisplayName", "TargetType", "VersionName")
    return [
        {"before_header": header, "after_header": header, "before": "".join(f"{one}\n" for one in lines), "after": ""}
    ]


def _lines(shape: Mapping[str, Any], *members: str) -> list[str]:
    """The members that there are, as lines of a diff."""
    return [f"{conversion.snake(member)}: {shape[member]}" for member in members if shape.get(member) is not None]


def _version_names(state: DocumentState | None) -> dict[str, str | None]:
    """The names of those versions that the state describes, by their numbers."""
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
    """Ascending numbers, those in a row as ``3-12``."""
    rows: list[list[int]] = []
    for number in numbers:
        if rows and rows[-1][-1] == number - 1:
            rows[-1][1:] = [number]
        else:
            rows.append([number])
    return ", ".join("-".join(map(str, row)) for row in rows)
