# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Build the requests of CreateDocument and UpdateDocument."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import conversion
from ..errors import SSMError
from . import content, limits, matching
from .model import LATEST, DocumentSpec, DocumentState, check_content, check_type_given, no_version

# Members, besides the content, that a new version takes over from the latest one unless the task sets them.
_KEPT = ("DisplayName", "TargetType", "CloudProviders")


def create(spec: DocumentSpec) -> dict[str, Any]:
    """Return the CreateDocument request for a new document. Raises ``SSMError`` if the task lacks something for it."""
    if spec.content is None:
        raise SSMError(
            f"Document {spec.name} does not exist, and creating it requires content, content_path or "
            "session_preferences."
        )
    check_type_given(spec)
    text, document_format = spec.content.encode(None)
    request = {
        "Content": text,
        "DocumentFormat": document_format,
        "DocumentType": spec.document_type,
        "Requires": list(spec.requires) if spec.requires else None,
        "Tags": conversion.tag_list(spec.tags) if spec.tags else None,
        "Attachments": _attachments(spec, spec.document_type),
        **matching.version_members(spec),
    }
    _check_first_default(spec)
    limits.check_no_reserved_tags(spec.tags or {})
    return conversion.without_none(request)


def recreate(spec: DocumentSpec, state: DocumentState) -> dict[str, Any]:
    """Return the CreateDocument request that recreates a document. What the task does not set stays as it was."""
    _check_first_default(spec)
    text, document_format = _text_to_send(spec, state)
    content.check_size(text)
    tags = matching.wanted_tags(spec, _user_tags(state.tags))
    document_type = spec.document_type or state.document_type
    requires = state.latest.get("Requires") if spec.requires is None else spec.requires
    request = {
        "Content": text,
        "DocumentFormat": document_format,
        "DocumentType": document_type,
        "Requires": list(requires or ()) or None,
        "Tags": conversion.tag_list(tags) or None,
        "Attachments": _attachments(spec, document_type),
        **_kept(state),
        **conversion.without_none(matching.version_members(spec)),
    }
    limits.check_no_reserved_tags(tags)
    limits.check_merged_tag_count(tags)
    return conversion.without_none(request)


def restore(state: DocumentState) -> dict[str, Any] | None:
    """Return the CreateDocument request that restores the latest version of a deleted document.

    Returns None if its content is not known or it had attachments, whose sources AWS does not return (trap 20).
    """
    if state.latest_content is None or state.latest.get("AttachmentsInformation"):
        return None
    request = {
        "Content": state.latest_content,
        "DocumentFormat": state.document_format,
        "DocumentType": state.document_type,
        "Requires": list(state.latest.get("Requires") or ()) or None,
        "Tags": conversion.tag_list(_user_tags(state.tags)) or None,
        "VersionName": state.latest.get("VersionName"),
        **_kept(state),
    }
    return conversion.without_none(request)


def update(spec: DocumentSpec, state: DocumentState) -> dict[str, Any] | None:
    """Return the UpdateDocument request for a new version; None if no new version is required.

    Raises ``SSMError`` if AWS would reject it.
    """
    if not matching.needs_new_version(spec, state):
        return None
    if spec.updates_version not in (LATEST, state.latest_version):
        raise SSMError(
            f"document_version is {spec.updates_version}, but only the latest version of document {spec.name}, "
            f"{state.latest_version}, can be updated. Omit document_version."
        )
    number = matching.version_with_wanted_name(spec, state)
    if number is not None:
        raise SSMError(
            f"Version {number} of document {spec.name} is already named {spec.version_name}. "
            "Give the new version another version_name."
        )
    text, document_format = _text_to_send(spec, state)
    content.check_size(text)
    if matching.repeats_latest(spec, state):
        raise SSMError(only_display_name_differs(spec.name))
    attachments = _attachments(spec, state.document_type)
    given = conversion.without_none(matching.version_members(spec))
    # The new version may lose what UpdateDocument leaves out (trap 18).
    request = {"Content": text, "DocumentFormat": document_format, **_kept(state), **given}
    return request if attachments is None else {**request, "Attachments": attachments}


def only_display_name_differs(name: str) -> str:
    """Return the error message for a new version that would differ from an existing one only in its display name."""
    return f"AWS does not create a version of document {name} if only display_name changes: change the content, too."


def _text_to_send(spec: DocumentSpec, state: DocumentState) -> tuple[str, str]:
    """Return the content of the new version and its format: ``("{...}", "JSON")``."""
    if spec.content is not None:
        check_content(spec.content, spec.document_type or state.document_type)
        text, document_format = spec.content.encode(state.document_format)
        if document_format not in (state.document_format, spec.document_format):
            raise SSMError(
                f"Document {spec.name} is stored as {state.document_format}, so content in {document_format} "
                f"cannot be stored byte for byte. Set document_format to {document_format}, or content_comparison to "
                "semantic."
            )
        return text, document_format
    if state.latest_content is None:
        raise SSMError(no_version(spec.name, state.latest_version))
    return content.convert(state.latest_content, state.document_format, spec.document_format)


def _attachments(spec: DocumentSpec, document_type: str | None) -> list[Any] | None:
    """Return the attachments to send; None for none. Raises ``SSMError`` for a Package without any.

    AWS does not return where attachments came from, so the task has to give them for each version (trap 20).
    """
    if spec.attachments:
        return list(spec.attachments)
    if document_type == "Package":
        raise SSMError(
            f"Document {spec.name} is a Package, and AWS requires attachments for each version. Set attachments."
        )
    return None


def _kept(state: DocumentState) -> dict[str, Any]:
    return {key: state.latest[key] for key in _KEPT if state.latest.get(key)}


def _check_first_default(spec: DocumentSpec) -> None:
    if spec.default_version not in ("latest", "keep", "1"):
        raise SSMError(
            f"default_version is {spec.default_version}, but the task creates document {spec.name}, and a new document "
            "has only version 1. Omit default_version."
        )


def _user_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Return the tags without those that only AWS can set."""
    return {key: value for key, value in tags.items() if not limits.is_reserved_tag_key(key)}
