# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Convert the options of ssm_document to a ``DocumentSpec`` or a ``Removal``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import conversion
from ..errors import SSMError
from ..option_text import quoted
from . import content, preferences, sharing
from .model import LATEST, SESSION, DocumentSpec, Removal

ATTACHMENT_KEYS = ("SourceUrl", "S3FileUrl", "AttachmentReference")


def task_from_options(params: Mapping[str, Any], origin: Mapping[str, Any]) -> DocumentSpec | Removal:
    """Return the document or the removal that the options describe. Raises ``SSMError`` for invalid options.

    ``origin`` has the fields of ``content.Origin``, as the action plugin passes them; {} without the action plugin.
    """
    if params["name"].startswith("arn:"):
        raise SSMError(
            f"name: {quoted(params['name'])} is an ARN. Use the name of a document in this account. A document of "
            "another account can be changed only by that account."
        )
    return _removal(params) if params["state"] == "absent" else _spec(params, origin)


def _removal(params: Mapping[str, Any]) -> Removal:
    return Removal(
        name=params["name"],
        version=params["document_version"],
        version_name=params["version_name"],
        force=params["force"],
        force_unshare=params["force_unshare"],
    )


def _spec(params: Mapping[str, Any], origin: Mapping[str, Any]) -> DocumentSpec:
    wanted, document_type = _content(params, origin), params["document_type"]
    if params["session_preferences"] is not None:
        if document_type not in (None, SESSION):
            raise SSMError(f"session_preferences requires the document_type Session, but it is {document_type}.")
        document_type = SESSION
    merges = _merges(params)
    _check_version_name(params)
    return DocumentSpec(
        name=params["name"],
        content=wanted,
        preferences=params["session_preferences"],
        merges=merges,
        exact=params["content_comparison"] == "exact",
        document_type=document_type,
        document_format=params["document_format"],
        display_name=params["display_name"],
        target_type=params["target_type"],
        version_name=params["version_name"],
        default_version=_default_version(params["default_version"], has_content=bool(wanted or merges)),
        updates_version=params["document_version"] or LATEST,
        requires=_members(params["requires"]),
        attachments=_members(params["attachments"]),
        permissions=sharing.wanted_permissions(params["permissions"]),
        tags=None if params["tags"] is None else conversion.tag_dict(params["tags"]),
        purge_tags=params["purge_tags"],
        keep_versions=params["keep_versions"],
        recreate=params["recreate"],
        force=params["force"],
        force_unshare=params["force_unshare"],
    )


# The options that can cause a new version. A display name alone cannot (trap 19).
_VERSION_OPTIONS = ("content", "content_path", "session_preferences", "document_format", "target_type")


def _check_version_name(params: Mapping[str, Any]) -> None:
    """Raise ``SSMError`` if the task names a new version and cannot make one (trap 17)."""
    name = params["version_name"]
    if name is None or params["recreate"] or any(params[option] is not None for option in _VERSION_OPTIONS):
        return
    raise SSMError(
        f"version_name is {quoted(name)}, but this task creates no version, and an existing version cannot be "
        "renamed. Set content to create a version, or set default_version to the name of a version to make that "
        "version the default."
    )


def _default_version(given: str | None, *, has_content: bool) -> str:
    if given is not None:
        return given
    return "latest" if has_content else "keep"


def _merges(params: Mapping[str, Any]) -> bool:
    """Return whether session_preferences change the content that the document has, instead of replacing it."""
    return params["session_preferences"] is not None and not params["purge_session_preferences"]


def _content(params: Mapping[str, Any], origin: Mapping[str, Any]) -> content.Content | None:
    if _merges(params):
        preferences.check_preferences(params["session_preferences"])
        return None
    if params["session_preferences"] is not None:
        return content.wanted_content(preferences.to_content(params["session_preferences"]), params["document_format"])
    raw, source = params["content"], "content"
    if params["content_path"] is not None:
        file = content.Origin.from_action(origin, params["content_path"])
        raw, source = content.read_file(params["content_path"], file), f"content_path {file.shown}"
    exact = params["content_comparison"] == "exact"
    return None if raw is None else content.wanted_content(raw, params["document_format"], exact=exact, source=source)


def _members(entries: list[Mapping[str, Any]] | None) -> list[dict[str, Any]] | None:
    """Convert the entries of a list option to the form of the API: ``[{"Name": "Other", "Version": "1"}]``.

    Keys without a value are left out.
    """
    if entries is None:
        return None
    return [{conversion.camel(key): value for key, value in entry.items() if value is not None} for entry in entries]
