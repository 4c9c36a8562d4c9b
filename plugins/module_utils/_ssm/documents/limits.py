# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""What AWS takes in the members of a document, as the API reference has it for CreateDocument and AddTagsToResource.

It is checked before any call, for what AWS refuses may be refused after something else was deleted or changed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..errors import SSMError
from ..option_text import quoted

_NAME = re.compile(r"[a-zA-Z0-9_\-.]{3,128}")
_NAME_OR_ARN = re.compile(r"[a-zA-Z0-9_\-.:/]{3,128}")
_VERSION_NAME = re.compile(r"[a-zA-Z0-9_\-.]{1,128}")
# Python reads no number of thousands of digits, and AWS has none of more than a few.
_NUMBER = re.compile(r"[1-9][0-9]{0,17}")
_DISPLAY_NAME = re.compile(r"[a-zA-Z0-9_.\-:/ ]{0,1024}")
_TARGET_TYPE = re.compile(r"/[a-zA-Z0-9_.\-:/]{0,199}")

_MOST_ATTACHMENTS = 20
_MOST_TAGS = 50
_LONGEST_KEY = 128
_LONGEST_VALUE = 256
_IN_TAGS = frozenset("_.:/=+-@")


def is_number(version: str) -> bool:
    """Whether this is the number of a version."""
    return _NUMBER.fullmatch(version) is not None


def is_version_name(text: str) -> bool:
    """Return whether a version can be called this and be meant by it: digits alone are always a version's number."""
    return _VERSION_NAME.fullmatch(text) is not None and not text.isdecimal()


def check_names(name: str, version_name: str | None) -> None:
    """An ``SSMError`` for a name that no document, or no version, can have."""
    _check("name", name, _NAME, "a document's name has 3 to 128 letters, digits, underscores, hyphens and dots")
    _check_version_name("version_name", version_name)


def check_version(number: str | None, version_name: str | None) -> None:
    """Raise an ``SSMError`` for options that select no version whatever the document has."""
    if number not in (None, "$LATEST", "$DEFAULT"):
        _check("document_version", number, _NUMBER, "it must be $LATEST, $DEFAULT or a version number")
    _check_version_name("version_name", version_name)


def check_names_or_arns(names: Iterable[str]) -> None:
    """Raise an ``SSMError`` for a name that no document can have, and that is no ARN either."""
    for name in names:
        _check("an entry of names", name, _NAME_OR_ARN, "it must be a document's name or ARN, of 3 to 128 characters")


def check_description(display_name: str | None, target_type: str | None) -> None:
    _check(
        "display_name",
        display_name,
        _DISPLAY_NAME,
        "it has up to 1024 letters, digits, blanks, underscores, hyphens, dots, colons and slashes",
    )
    _check(
        "target_type",
        target_type,
        _TARGET_TYPE,
        "it begins with a slash, and has up to 200 letters, digits, underscores, hyphens, dots, colons and slashes",
    )


def check_requires(entries: Iterable[Mapping[str, Any]]) -> None:
    for entry in entries:
        sentence = "it is a document's name or ARN, of 3 to 128 characters"
        _check("name in requires", entry.get("Name"), _NAME_OR_ARN, sentence)
        version = entry.get("Version")
        if version not in (None, "$LATEST", "$DEFAULT"):
            _check("version in requires", version, _NUMBER, "it is $LATEST, $DEFAULT or a version number")
        _check_version_name("version_name in requires", entry.get("VersionName"))
        _check_version_name("require_type in requires", entry.get("RequireType"))


def check_attachments(entries: Sequence[Mapping[str, Any]]) -> None:
    if len(entries) > _MOST_ATTACHMENTS:
        raise SSMError(f"attachments has {len(entries)} entries, and AWS allows {_MOST_ATTACHMENTS} at most.")
    for entry in entries:
        values = entry.get("Values") or []
        if len(values) != 1 or not 1 <= len(values[0]) <= 1024:
            raise SSMError("attachments: each entry must have exactly one value in values, of 1 to 1024 characters.")
        sentence = "it has 3 to 128 letters, digits, underscores, hyphens and dots"
        _check("name in attachments", entry.get("Name"), _NAME, sentence)


def check_tags(tags: Mapping[str, str]) -> None:
    """An ``SSMError`` for the first tag that AWS does not take, or for too many of them."""
    for key, value in tags.items():
        _check_tag(f"the key {quoted(key)}", key, 1, _LONGEST_KEY)
        _check_tag(f"{quoted(value)} for {quoted(key)}", value, 0, _LONGEST_VALUE)
    check_tag_count(tags)


def check_tag_count(tags: Iterable[str]) -> None:
    """An ``SSMError`` for more tags than a document can have."""
    if not fits_tags(tags):
        raise SSMError(f"The document would have more than the {_MOST_TAGS} tags that AWS allows.")


def check_settable(keys: Iterable[str]) -> None:
    """An ``SSMError`` for the key of a tag that only AWS sets."""
    for key in keys:
        if is_of_aws(key):
            raise SSMError(f"tags has {key}: only AWS sets tags that begin with aws:.")


def fits_tags(keys: Iterable[str]) -> bool:
    """Whether a document can have so many tags; those that AWS sets do not count."""
    return sum(not is_of_aws(key) for key in keys) <= _MOST_TAGS


def is_of_aws(key: str) -> bool:
    """Whether only AWS can set a tag with this key; the prefix is reserved in any case of its letters."""
    return key.lower().startswith("aws:")


def _check_tag(what: str, text: str, least: int, most: int) -> None:
    if not least <= len(text) <= most:
        raise SSMError(f"tags has {what}, which is not {least} to {most} characters long.")
    for character in text:
        # Letters, separators and numbers of any script.
        if character not in _IN_TAGS and unicodedata.category(character)[0] not in "LZN":
            raise SSMError(f"tags has {what}, and AWS does not allow {character!r} in tags.")


def _check_version_name(option: str, text: str | None) -> None:
    _check(option, text, _VERSION_NAME, "it has 1 to 128 letters, digits, underscores, hyphens and dots")


def _check(option: str, text: str | None, pattern: re.Pattern[str], sentence: str) -> None:
    if text is not None and not pattern.fullmatch(text):
        raise SSMError(f"{option} is {quoted(text)}: {sentence}.")
