# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Check the members of a document against the limits of CreateDocument and AddTagsToResource in the API reference.

The checks run before any call. Otherwise AWS could reject a value after something else was deleted or changed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..errors import SSMError
from ..option_text import quoted

# The most versions that a document can have (trap 42).
MAX_VERSIONS = 1000
# One less, because a new version is made before the oldest one is deleted.
MAX_KEPT_VERSIONS = MAX_VERSIONS - 1

_NAME = re.compile(r"[a-zA-Z0-9_\-.]{3,128}")
_NAME_OR_ARN = re.compile(r"[a-zA-Z0-9_\-.:/]{3,128}")
_VERSION_NAME = re.compile(r"[a-zA-Z0-9_\-.]{1,128}")
# int() rejects thousands of digits. The numbers that AWS assigns have only a few.
_NUMBER = re.compile(r"[1-9][0-9]{0,17}")
_DISPLAY_NAME = re.compile(r"[a-zA-Z0-9_.\-:/ ]{0,1024}")
_TARGET_TYPE = re.compile(r"/[a-zA-Z0-9_.\-:/]{0,199}")

_MAX_ATTACHMENTS = 20
_MAX_TAGS = 50
_MAX_TAG_KEY = 128
_MAX_TAG_VALUE = 256
_TAG_PUNCTUATION = frozenset("_.:/=+-@")


def is_number(version: str) -> bool:
    """Return whether this is the number of a version, such as ``12``."""
    return _NUMBER.fullmatch(version) is not None


def is_version_name(text: str) -> bool:
    """Return whether this can stand for a version's name. Digits alone are always read as a version's number."""
    return _VERSION_NAME.fullmatch(text) is not None and not text.isdecimal()


def check_names(name: str, version_name: str | None) -> None:
    """Raise ``SSMError`` for a name that no document can have, or a version's name that no version can have."""
    _check("name", name, _NAME, "it must be 3 to 128 letters, digits, underscores, hyphens and dots")
    _check_version_name("version_name", version_name)


def check_version(number: str | None, version_name: str | None) -> None:
    """Raise ``SSMError`` for options that cannot select a version of any document."""
    if number not in (None, "$LATEST", "$DEFAULT"):
        _check("document_version", number, _NUMBER, "it must be $LATEST, $DEFAULT or a version number")
    _check_version_name("version_name", version_name)


def check_names_or_arns(names: Iterable[str]) -> None:
    """Raise ``SSMError`` for an entry that can be neither a document's name nor an ARN."""
    for name in names:
        _check(
            "an entry of names", name, _NAME_OR_ARN, "it must be the name or ARN of a document, of 3 to 128 characters"
        )


def check_description(display_name: str | None, target_type: str | None) -> None:
    _check(
        "display_name",
        display_name,
        _DISPLAY_NAME,
        "it must have at most 1024 characters: letters, digits, spaces, underscores, hyphens, dots, colons and slashes",
    )
    _check(
        "target_type",
        target_type,
        _TARGET_TYPE,
        "it must begin with a slash and have at most 200 characters: letters, digits, underscores, hyphens, dots, "
        "colons and slashes",
    )


def check_requires(entries: Iterable[Mapping[str, Any]]) -> None:
    for entry in entries:
        rule = "it must be the name or ARN of a document, of 3 to 128 characters"
        _check("name in requires", entry.get("Name"), _NAME_OR_ARN, rule)
        version = entry.get("Version")
        if version not in (None, "$LATEST", "$DEFAULT"):
            _check("version in requires", version, _NUMBER, "it must be $LATEST, $DEFAULT or a version number")
        _check_version_name("version_name in requires", entry.get("VersionName"))
        _check_version_name("require_type in requires", entry.get("RequireType"))


def check_attachments(entries: Sequence[Mapping[str, Any]]) -> None:
    if len(entries) > _MAX_ATTACHMENTS:
        raise SSMError(f"attachments has {len(entries)} entries; the maximum is {_MAX_ATTACHMENTS}.")
    for entry in entries:
        values = entry.get("Values") or []
        if len(values) != 1 or not 1 <= len(values[0]) <= 1024:
            raise SSMError("attachments: each entry must have exactly one value in values, of 1 to 1024 characters.")
        rule = "it must be 3 to 128 letters, digits, underscores, hyphens and dots"
        _check("name in attachments", entry.get("Name"), _NAME, rule)


def check_tags(tags: Mapping[str, str]) -> None:
    """Raise ``SSMError`` for the first tag that AWS does not accept, or for more tags than a document can have."""
    for key, value in tags.items():
        _check_tag(f"the key {quoted(key)}", key, 1, _MAX_TAG_KEY)
        _check_tag(f"the value {quoted(value)} of {quoted(key)}", value, 0, _MAX_TAG_VALUE)
    _check_tag_count(tags, "Set fewer tags.")


def check_merged_tag_count(tags: Iterable[str]) -> None:
    """Raise ``SSMError`` if the tags of a document and those of a task are together more than it can have.

    This can happen only without ``purge_tags``, because ``check_tags`` has counted the tags of the task.
    """
    _check_tag_count(tags, "Set fewer tags, or set purge_tags to true to remove the tags that the task does not set.")


def _check_tag_count(tags: Iterable[str], advice: str) -> None:
    count = _count_tags(tags)
    if count > _MAX_TAGS:
        raise SSMError(f"The document would have {count} tags; the maximum is {_MAX_TAGS}. {advice}")


def check_no_reserved_tags(keys: Iterable[str]) -> None:
    """Raise ``SSMError`` for a tag that only AWS can set."""
    for key in keys:
        if is_reserved_tag_key(key):
            raise SSMError(f"tags: the key {quoted(key)} is reserved. Only AWS can set tags that begin with aws:.")


def has_room_for_tags(keys: Iterable[str]) -> bool:
    """Return whether a document can have this many tags."""
    return _count_tags(keys) <= _MAX_TAGS


def _count_tags(keys: Iterable[str]) -> int:
    """Return the number of tags. Those that only AWS can set do not count."""
    return sum(not is_reserved_tag_key(key) for key in keys)


def is_reserved_tag_key(key: str) -> bool:
    """Return whether only AWS can set a tag with this key: ``aws:`` is reserved in upper and lower case (trap 31)."""
    return key.lower().startswith("aws:")


def _check_tag(what: str, text: str, least: int, most: int) -> None:
    if not least <= len(text) <= most:
        raise SSMError(f"tags: {what} must be {f'{least} to' if least else 'at most'} {most} characters long.")
    for character in text:
        # Letters (L), separators (Z) and numbers (N) of any script.
        if character not in _TAG_PUNCTUATION and unicodedata.category(character)[0] not in "LZN":
            raise SSMError(f"tags: {what} contains {character!r}, which AWS does not allow in tags.")


def _check_version_name(option: str, text: str | None) -> None:
    _check(option, text, _VERSION_NAME, "it must be 1 to 128 letters, digits, underscores, hyphens and dots")


def _check(option: str, text: str | None, pattern: re.Pattern[str], rule: str) -> None:
    if text is not None and not pattern.fullmatch(text):
        raise SSMError(f"{option} is {quoted(text)}: {rule}.")
