# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""What a plan will make of a document, and how two states of it differ."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any

from . import content_lines, document_permissions, transform
from .document_actions import Action, AddTags, Create, Delete, DeleteVersions, RemoveTags, SetDefault, Share, Update
from .documents import DocumentState


def predicted(state: DocumentState | None, actions: Sequence[Action], name: str) -> DocumentState | None:
    """The document as it will be after ``actions``."""
    for action in actions:
        # A document that is not there yet has the version before its first.
        state = _after(action, state or DocumentState({"Name": name, "LatestVersion": "0"}))
    return state


@functools.singledispatch
def _after(action: Action, state: DocumentState) -> DocumentState | None:
    raise NotImplementedError(action)


@_after.register
def _after_create(action: Create, state: DocumentState) -> DocumentState | None:
    description = {**_without_content(action), "LatestVersion": "1", "DocumentVersion": "1", "DefaultVersion": "1"}
    name = state.latest["Name"]
    return DocumentState({"Name": name, **description}, str(action.request["Content"]))


@_after.register
def _after_update(action: Update, state: DocumentState) -> DocumentState | None:
    number = str(int(state.latest_version) + 1)
    latest = dict(state.latest) | {"VersionName": None, **_without_content(action)}
    return dataclasses.replace(
        state,
        latest=latest | {"LatestVersion": number, "DocumentVersion": number},
        latest_content=str(action.request["Content"]),
        versions=None if state.versions is None else (*state.versions, int(number)),
    )


@_after.register
def _after_default(action: SetDefault, state: DocumentState) -> DocumentState | None:
    return _with(state, DefaultVersion=action.version or state.latest_version)


@_after.register
def _after_share(action: Share, state: DocumentState) -> DocumentState | None:
    return dataclasses.replace(state, permissions=document_permissions.after(state.permissions or {}, action))


@_after.register
def _after_add_tags(action: AddTags, state: DocumentState) -> DocumentState | None:
    return _with(state, Tags=transform.tag_list(state.tags | dict(action.tags)))


@_after.register
def _after_remove_tags(action: RemoveTags, state: DocumentState) -> DocumentState | None:
    kept = {key: value for key, value in state.tags.items() if key not in action.keys}
    return _with(state, Tags=transform.tag_list(kept))


@_after.register
def _after_delete_versions(action: DeleteVersions, state: DocumentState) -> DocumentState | None:
    kept = tuple(number for number in state.versions or () if number not in action.numbers)
    return dataclasses.replace(state, versions=kept)


@_after.register
def _after_delete(action: Delete, state: DocumentState) -> DocumentState | None:
    return None


def _with(state: DocumentState, **members: Any) -> DocumentState:
    return dataclasses.replace(state, latest={**state.latest, **members})


def _without_content(action: Create | Update) -> dict[str, Any]:
    return {key: value for key, value in action.request.items() if key not in ("Content", "Attachments")}


def difference(before: DocumentState | None, after: DocumentState | None, name: str) -> list[dict[str, str]]:
    """The two states as Ansible's diff mode shows them: the content first, then the rest."""
    old, new = _diff_texts(before), _diff_texts(after)
    if before and after and old.get("content") == new.get("content"):
        # The same in another form: what differs is white space, the order of keys, or comments.
        same_format = before.document_format == after.document_format
        old |= {"content": before.latest_content or ""} if same_format else {}
        new |= {"content": after.latest_content or ""} if same_format else {}
    return [
        {
            "before_header": f"{name} ({part})",
            "after_header": f"{name} ({part})",
            "before": old.get(part, ""),
            "after": new.get(part, ""),
        }
        for part in ("content", "metadata")
        if old.get(part, "") != new.get(part, "")
    ]


def removal(before: DocumentState | None, name: str) -> list[dict[str, str]]:
    """The one version that goes as Ansible's diff mode shows it: the document without it is a matter of its others."""
    if before is None or before.held is None:
        return []
    header = f"{name} (version {before.held['DocumentVersion']})"
    lines = _lines(before.held, "DocumentFormat", "DisplayName", "TargetType", "VersionName")
    return [
        {"before_header": header, "after_header": header, "before": "".join(f"{one}\n" for one in lines), "after": ""}
    ]


def _lines(shape: Mapping[str, Any], *members: str) -> list[str]:
    """The members that there are, as lines of a diff."""
    return [f"{transform.snake(member)}: {shape[member]}" for member in members if shape.get(member) is not None]


def _diff_texts(state: DocumentState | None) -> dict[str, str]:
    if state is None:
        return {}
    shown = ("Name", "DocumentType", "DocumentFormat", "DisplayName", "TargetType", "VersionName", "DefaultVersion")
    lines = _lines(state.latest, *shown)
    lines += [f"requires: {required['Name']}" for required in state.latest.get("Requires") or ()]
    lines += [f"permissions.{account}: {version}" for account, version in sorted((state.permissions or {}).items())]
    lines += [f"tags.{key}: {value}" for key, value in sorted(state.tags.items())]
    if state.versions is not None:
        lines.append(f"versions: {_ranges(state.versions)}")
    text = state.latest_content
    return {
        "content": "" if text is None else content_lines.lines(text, state.document_format),
        "metadata": "".join(f"{line}\n" for line in lines),
    }


def _ranges(numbers: Sequence[int]) -> str:
    """Ascending numbers, those in a row as ``3-12``."""
    rows: list[list[int]] = []
    for number in numbers:
        if rows and rows[-1][-1] == number - 1:
            rows[-1][1:] = [number]
        else:
            rows.append([number])
    return ", ".join("-".join(map(str, row)) for row in rows)
