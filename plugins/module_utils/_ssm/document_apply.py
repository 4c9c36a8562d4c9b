# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Doing what ``documents.plan`` planned, and saying how far it got."""

from __future__ import annotations

import time
from collections.abc import Sequence

from . import api, content, documents, transform
from .documents import Action, AddTags, Create, DocumentSpec, RemoveTags, SetDefault, Update
from .errors import SSMError


def apply(client: api.Client, spec: DocumentSpec, actions: Sequence[Action], wait_timeout: float | None) -> list[str]:
    """Do ``actions`` in order, waiting ``wait_timeout`` seconds at most (None: not at all) for a new version.

    Returns what was done, as sentences. An ``SSMError`` midway says what was done before it and what was not.
    """
    done: list[str] = []
    made: str | None = None
    for position, action in enumerate(actions):
        try:
            if isinstance(action, (Create, Update)):
                made, is_new = _make(client, spec, action)
                done += [str(action)] if is_new else []
                _wait(client, spec, made, wait_timeout)
            elif isinstance(action, SetDefault):
                done.append(_set_default(client, spec, action, made, wait_timeout))
            else:
                _perform(client, spec, action)
                done.append(str(action))
        except SSMError as error:
            left = [str(later) for later in actions[position + 1 :]]
            raise SSMError(_progress(str(error), done, left), error.exception) from error
    return done


def wait_until_active(client: api.Client, name: str, version: str, timeout: float) -> None:
    """Return once ``version`` is Active; an ``SSMError`` if it fails, or takes longer than ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    delay = 0.2
    while True:
        found = api.describe_document(client, name, version) or {}
        status = found.get("Status")
        if status == "Active":
            return
        if status not in ("Creating", "Updating"):
            raise SSMError(documents.not_active(name, version, found))
        if time.monotonic() + delay > deadline:
            raise SSMError(
                f"Version {version} of document {name} is still {status} after {timeout:g} seconds; "
                "raise wait_timeout, or run the task again."
            )
        time.sleep(delay)
        delay = min(delay * 2, 5)


def _wait(client: api.Client, spec: DocumentSpec, version: str, timeout: float | None) -> None:
    if timeout is not None:
        wait_until_active(client, spec.name, version, timeout)


def _make(client: api.Client, spec: DocumentSpec, action: Create | Update) -> tuple[str, bool]:
    """Make a version; the version, and whether it is new, for AWS may have the content already."""
    if isinstance(action, Create):
        return str(api.create_document(client, spec.name, action.request)["DocumentVersion"]), True
    try:
        return str(api.update_document(client, spec.name, action.request)["DocumentVersion"]), True
    except SSMError as error:
        version = _version_with_content(client, spec) if error.code == "DuplicateDocumentContent" else None
        if version is None:
            raise
    # It is new all the same if the answer to a first attempt was lost, and this was the second.
    return version, int(version) > int(action.latest_version)


def _version_with_content(client: api.Client, spec: DocumentSpec) -> str | None:
    """The newest version that has the wanted content."""
    versions = api.list_document_versions(client, spec.name)
    for info in sorted(versions, key=lambda info: int(info["DocumentVersion"]), reverse=True):
        stored_format = info.get("DocumentFormat") or content.JSON
        found = api.get_document(client, spec.name, info["DocumentVersion"], stored_format)
        if spec.content and found and spec.content.means_the_same(found["Content"], stored_format):
            return str(info["DocumentVersion"])
    return None


def _set_default(
    client: api.Client, spec: DocumentSpec, action: SetDefault, made: str | None, timeout: float | None
) -> str:
    """Move the default, to the version made before if none is given; what was done, as a sentence."""
    version = action.version or str(made)
    if action.version:  # the one that was made has been waited for
        _wait(client, spec, version, timeout)
    api.update_document_default_version(client, spec.name, version)
    return str(action)


def _perform(client: api.Client, spec: DocumentSpec, action: Action) -> None:
    if isinstance(action, AddTags):
        api.add_document_tags(client, spec.name, transform.tag_list(action.tags))
    elif isinstance(action, RemoveTags):
        api.remove_document_tags(client, spec.name, action.keys)
    else:
        api.delete_document(client, spec.name)


def _progress(sentence: str, done: Sequence[str], left: Sequence[str]) -> str:
    parts = [sentence]
    if done:
        parts.append(f"Done before that: {'; '.join(done)}.")
    if left:
        parts.append(f"Not done: {'; '.join(left)}.")
    return " ".join(parts)
