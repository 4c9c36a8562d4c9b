# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Doing what ``documents.plan`` planned, and saying how far it got."""

from __future__ import annotations

import time
from collections.abc import Sequence

from . import api, documents, transform
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
            if isinstance(action, SetDefault) and action.version and wait_timeout is not None:
                wait_until_active(client, spec.name, action.version, wait_timeout)
            made = _perform(client, spec, action, made)
            done.append(str(action))
            if isinstance(action, (Create, Update)) and made and wait_timeout is not None:
                wait_until_active(client, spec.name, made, wait_timeout)
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


def _perform(client: api.Client, spec: DocumentSpec, action: Action, made: str | None) -> str | None:
    """Do one action; ``made`` is the version that an earlier one made. Returns the version made so far."""
    if isinstance(action, Create):
        return str(api.create_document(client, spec.name, action.request)["DocumentVersion"])
    if isinstance(action, Update):
        return _update(client, spec, action)
    if isinstance(action, SetDefault):
        api.update_document_default_version(client, spec.name, action.version or str(made))
    elif isinstance(action, AddTags):
        api.add_document_tags(client, spec.name, transform.tag_list(action.tags))
    elif isinstance(action, RemoveTags):
        api.remove_document_tags(client, spec.name, action.keys)
    else:
        api.delete_document(client, spec.name)
    return made


def _update(client: api.Client, spec: DocumentSpec, action: Update) -> str:
    """Make a new version, or find the one that AWS says has this content already."""
    try:
        return str(api.update_document(client, spec.name, action.request)["DocumentVersion"])
    except SSMError as error:
        if error.code != "DuplicateDocumentContent":
            raise
        version = _version_with(client, spec.name, str(action.request["Content"]))
        if version is None:
            raise
        return version


def _version_with(client: api.Client, name: str, text: str) -> str | None:
    """The newest version whose content is ``text``, byte for byte."""
    versions = api.list_document_versions(client, name)
    for info in sorted(versions, key=lambda info: int(info["DocumentVersion"]), reverse=True):
        found = api.get_document(client, name, info["DocumentVersion"], info.get("DocumentFormat"))
        if found and found["Content"] == text:
            return str(info["DocumentVersion"])
    return None


def _progress(sentence: str, done: Sequence[str], left: Sequence[str]) -> str:
    parts = [sentence]
    if done:
        parts.append(f"Done before that: {'; '.join(done)}.")
    if left:
        parts.append(f"Not done: {'; '.join(left)}.")
    return " ".join(parts)
