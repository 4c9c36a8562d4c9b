# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""The content of a document: what the user gave, what AWS stores, and whether the two mean the same.

AWS stores the bytes that it is sent, and its ``Hash`` is their SHA-256. Content keys are never rewritten.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import Any

from .errors import SSMError

try:
    import yaml
except ImportError:
    pass  # ansible-core depends on PyYAML

JSON = "JSON"
YAML = "YAML"
TEXT = "TEXT"

# The API reference's limit on the size of a document, in bytes.
MAX_BYTES = 64 * 1024
# Documents have some ten levels. How many Python can go through depends on its version, and for YAML is some hundreds.
_MOST_LEVELS = 100


@dataclasses.dataclass(frozen=True)
class Content:
    """Content as wanted. ``text`` is None when the user gave a mapping, which is then written in any format."""

    value: Any
    text: str | None
    document_format: str
    format_given: bool

    def encode(self, stored_format: str | None) -> tuple[str, str]:
        """The bytes to send, as text, and their format.

        Unless a format was asked for, ``stored_format`` is kept, as long as a text can be read in it: JSON cannot hold
        YAML, and YAML takes most texts of JSON, but not tabs.
        """
        wanted = self.document_format if self.format_given or stored_format is None else stored_format
        if self.text is None:
            return _dump(self.value, wanted), wanted
        return self.text, wanted if self._can_be(self.text, wanted) else self.document_format

    def _can_be(self, text: str, document_format: str) -> bool:
        """Whether ``text`` means the same when it is read in ``document_format``."""
        if document_format in (self.document_format, TEXT):
            return True
        try:
            return _canonical(_load(text, document_format)) == _canonical(self.value)
        except ValueError:
            return False

    def means_the_same(self, stored: str, stored_format: str) -> bool:
        """Whether ``stored`` differs from this at most in white space, key order, comments and format."""
        if stored == self.text:
            return True
        if TEXT in (stored_format, self.document_format):
            return False
        try:
            return _canonical(_load(stored, stored_format)) == _canonical(self.value)
        except ValueError:
            return False


def wanted(raw: Any, document_format: str | None) -> Content:
    """Read the ``content`` option, a string or a mapping; an ``SSMError`` says what is wrong with it.

    Without ``document_format`` a string that is JSON counts as JSON, and any other as YAML.
    """
    if isinstance(raw, dict):
        if document_format == TEXT:
            raise SSMError("content is a mapping, which document_format TEXT cannot hold: give it as a string.")
        return Content(_checked(raw), None, document_format or JSON, document_format is not None)
    if not isinstance(raw, str):
        raise SSMError(f"content is neither a string nor a mapping, but {_kind(raw)}.")
    text = raw.removeprefix("\ufeff")  # says how a file is encoded, and no JSON begins with it
    if document_format == TEXT:
        return Content(None, text, TEXT, True)
    value, found = _parse(text, document_format)
    if not isinstance(value, dict):
        raise SSMError(f"content is {_kind(value)} in {found}: a document is a mapping at its top.")
    return Content(value, text, found, document_format is not None)


def reformatted(text: str, stored_format: str, wanted_format: str | None) -> tuple[str, str]:
    """Stored content in another format, and that format; as it is if none or the same is wanted."""
    if wanted_format in (None, stored_format):
        return text, stored_format
    if TEXT in (wanted_format, stored_format):
        raise SSMError(
            f"Content of the format {stored_format} cannot be turned into {wanted_format}: give the content."
        )
    value = _checked(wanted(text, stored_format).value)
    return Content(value, None, str(wanted_format), True).encode(None)


def read_file(path: str) -> str:
    """The text of a content file; an ``SSMError`` if it cannot be read."""
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise SSMError(f"content_path {path} cannot be read: {reason}.") from error


def check_size(text: str) -> None:
    """An ``SSMError`` for content that is larger than the service takes."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise SSMError("content holds half of a character, as of a file that was not read as UTF-8.") from None
    if size > MAX_BYTES:
        raise SSMError(f"content is {size} bytes long, and a document may have {MAX_BYTES} at most.")


def sha256(text: str) -> str:
    """What DescribeDocument gives as Hash for this content."""
    return hashlib.sha256(text.encode()).hexdigest()


def parsed(text: str, document_format: str) -> Any:
    """The value that JSON or YAML content stands for; None for TEXT, and for what cannot be read."""
    if document_format == TEXT:
        return None
    try:
        return _plain(_load(text, document_format))
    except ValueError:
        return None


def pretty(text: str, document_format: str) -> str:
    """Content as a diff shows it: JSON with sorted keys, so that only a difference in meaning is one in the text."""
    value = parsed(text, document_format)
    return text if value is None else json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _parse(text: str, document_format: str | None) -> tuple[Any, str]:
    """The value and the format of ``text``, tried as JSON first when the format is not said."""
    formats = [document_format] if document_format else [JSON, YAML]
    reasons = []
    for candidate in formats:
        try:
            return _load(text, candidate), candidate
        except ValueError as error:
            reasons.append(f"as {candidate}: {error}")
    raise SSMError(
        f"content cannot be read {'; '.join(reasons)}."
        + ("" if document_format else " For plain text set document_format to TEXT.")
    )


def _load(text: str, document_format: str) -> Any:
    """Parse; a ValueError says where it fails in one line."""
    try:
        value = _not_deep(json.loads(text) if document_format == JSON else yaml.safe_load(text))
        return _not_multiplied(value, text)
    except (ValueError, yaml.YAMLError) as error:
        raise ValueError(" ".join(str(error).split())) from None
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None


_TOO_DEEP = f"it is nested more than {_MOST_LEVELS} levels deep"


def _not_deep(value: Any) -> Any:
    """The value; a ValueError for one whose mappings and lists are nested more deeply than documents ever are."""
    level = _holders([value])
    for unused in range(_MOST_LEVELS):
        # By identity, as YAML's aliases put one thing in many places, and even into itself.
        level = list({id(inner): inner for outer in level for inner in _holders(outer)}.values())
        if not level:
            return value
    raise ValueError(_TOO_DEEP)


def _not_multiplied(value: Any, text: str) -> Any:
    """The value of ``text``; a ValueError for YAML whose aliases make a few lines more than anybody can read."""
    # Without aliases an entry takes a byte at the least.
    if _entries(value, {}) > max(len(text), MAX_BYTES):
        raise ValueError(f"its aliases make more of it than the {MAX_BYTES} bytes that a document may have")
    return value


def _entries(value: Any, known: dict[int, int]) -> int:
    """How many entries the mappings and lists in a value have, all together."""
    if not isinstance(value, (dict, list)):
        return 0
    if id(value) not in known:
        known[id(value)] = len(value) + sum(_entries(inner, known) for inner in _holders(value))
    return known[id(value)]


def _holders(value: Any) -> list[Any]:
    """The mappings and lists that are right in a mapping or a list."""
    entries = value.values() if isinstance(value, dict) else value
    return [entry for entry in entries if isinstance(entry, (dict, list))]


def _dump(value: Any, document_format: str) -> str:
    if document_format != YAML:
        return json.dumps(value, indent=2, ensure_ascii=False)
    text = str(yaml.safe_dump(value, sort_keys=False, allow_unicode=True))
    # PyYAML writes some ends of lines of Unicode as they are, and then reads them as others.
    is_read_back = _canonical(yaml.safe_load(text)) == _canonical(value)
    return text if is_read_back else str(yaml.safe_dump(value, sort_keys=False))


def _checked(content: dict[str, Any]) -> dict[str, Any]:
    """The mapping, with schemaVersion as the string that AWS wants where YAML made it a number.

    An ``SSMError`` says what JSON has no form for, such as the date that YAML makes of 2026-01-31.
    """
    # A round trip also turns the string types of Ansible's templating, which YAML would not write, into plain ones.
    try:
        plain: dict[str, Any] = _not_deep(json.loads(json.dumps(content, default=_refuse, allow_nan=False)))
    except (TypeError, ValueError, RecursionError) as error:
        raise SSMError(f"content holds what a document cannot: {str(error).rstrip('.')}.") from error
    if isinstance(plain.get("schemaVersion"), (int, float)):
        plain["schemaVersion"] = str(plain["schemaVersion"])
    return plain


def _refuse(value: Any) -> Any:
    raise SSMError(f"content holds {value!s}, {_kind(value)}, which a document cannot: put it in quotes.")


def _kind(value: Any) -> str:
    names = {list: "a list", str: "a string", type(None): "empty", bool: "a boolean", int: "a number"}
    return names.get(type(value), f"a {type(value).__name__}")


def _plain(value: Any) -> Any:
    """YAML's dates, also where they are keys, and keys of other types as the strings that JSON would show."""
    return json.loads(json.dumps(_with_plain_keys(value), default=str))


def _with_plain_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {_plain_key(key): _with_plain_keys(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_with_plain_keys(entry) for entry in value]
    return value


def _plain_key(key: Any) -> Any:
    return key if key is None or isinstance(key, (str, int, float)) else str(key)


def _canonical(value: Any) -> str:
    """A text that two values share just when JSON tells them apart nowhere; so 1, 1.0, true and "1" all differ."""
    return json.dumps(_plain(value), sort_keys=True)
