# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""What a plan will make of a document, and how two states of it differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import content, transform
from .documents import Action, AddTags, Create, Delete, DocumentSpec, DocumentState, RemoveTags, SetDefault, Update


def predicted(spec: DocumentSpec, state: DocumentState | None, actions: Sequence[Action]) -> DocumentState | None:
    """The document as it will be after ``actions``."""
    after: dict[str, Any] = dict(state.latest) if state else {"Name": spec.name, "LatestVersion": "0"}
    text = state.latest_content if state else None
    for action in actions:
        if isinstance(action, Delete):
            return None
        if isinstance(action, (Create, Update)):
            text = action.request["Content"]
            number = str(int(after["LatestVersion"]) + 1)
            fields = {key: value for key, value in action.request.items() if key != "Content"}
            after |= fields | {"LatestVersion": number, "DocumentVersion": number}
            after.setdefault("DefaultVersion", number)
        elif isinstance(action, SetDefault):
            after["DefaultVersion"] = action.version or after["LatestVersion"]
        elif isinstance(action, AddTags):
            after["Tags"] = transform.tag_list(transform.tags(after.get("Tags")) | dict(action.tags))
        elif isinstance(action, RemoveTags):
            after["Tags"] = [tag for tag in after["Tags"] if tag["Key"] not in action.keys]
    return DocumentState(after, text)


def difference(before: DocumentState | None, after: DocumentState | None, name: str) -> list[dict[str, str]]:
    """The two states as Ansible's diff mode shows them: the content first, then the rest."""
    old, new = _diff_texts(before), _diff_texts(after)
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


def _diff_texts(state: DocumentState | None) -> dict[str, str]:
    if state is None:
        return {}
    shown = ("Name", "DocumentType", "DocumentFormat", "DisplayName", "TargetType", "VersionName", "DefaultVersion")
    lines = [f"{transform.snake(key)}: {state.latest[key]}" for key in shown if state.latest.get(key) is not None]
    lines += [f"tags.{key}: {value}" for key, value in sorted(state.tags.items())]
    text = state.latest_content
    return {
        "content": "" if text is None else content.pretty(text, state.document_format),
        "metadata": "".join(f"{line}\n" for line in lines),
    }
