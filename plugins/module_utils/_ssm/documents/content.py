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
import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..errors import SSMError
from . import content_reader, content_schema
from .content_reader import UnreadableError

try:
    import yaml
except ImportError:
    pass  # content_reader says so where it is needed

JSON = content_reader.JSON
YAML = "YAML"
TEXT = "TEXT"

# The API reference's limit on the size of a document, in bytes.
MAX_BYTES = 64 * 1024
_BYTE_ORDER_MARK = "\ufeff"
# What a file begins with that Ansible Vault encrypted.
_VAULT_HEADER = b"$ANSIBLE_VAULT;"


@dataclasses.dataclass(frozen=True)
class Origin:
    """Where the file of content_path comes from, for errors.

    ``shown`` is the path that the user knows, also where the module reads a copy. ``searched`` are the places on the
    controller that do not have the file. ``here`` says that the module runs on the controller, too.
    """

    shown: str
    searched: Sequence[str] = ()
    here: bool = True

    @classmethod
    def from_action(cls, passed: Mapping[str, Any], path: str) -> Origin:
        """Return what the action plugin found; without an action plugin that is the path alone."""
        return cls(**passed) if passed else cls(path)

    def places(self, path: str) -> str:
        """Return a sentence with all the places that a relative path was looked for in; empty for an absolute one."""
        if os.path.isabs(path):
            return ""
        tried = os.path.abspath(path)
        if not self.searched or self.here:
            return f" Searched: {', '.join(dict.fromkeys([*self.searched, tried]))}."
        return f" Searched on the controller: {', '.join(self.searched)}; on the host of the task: {tried}."


@dataclasses.dataclass(frozen=True)
class Content:
    """Content as wanted. ``text`` is None when the user gave a mapping, which is then written in any format.

    ``exact`` says that every byte of the text counts.
    """

    value: Any
    text: str | None
    document_format: str
    format_given: bool
    exact: bool = False

    def encode(self, stored_format: str | None) -> tuple[str, str]:
        """The bytes to send, as text, and their format.

        Unless a format was asked for, ``stored_format`` is kept. A text that does not mean the same in it is converted,
        unless it is to be stored exactly: JSON cannot hold YAML, and YAML accepts most texts of JSON, but not tabs.
        """
        wanted = self.document_format if self.format_given or stored_format is None else stored_format
        if self.text is None:
            return _dump(self.value, wanted), wanted
        if self._can_be(self.text, wanted):
            return self.text, wanted
        return (self.text, self.document_format) if self.exact else (_dump(self.value, wanted), wanted)

    def _can_be(self, text: str, document_format: str) -> bool:
        """Whether ``text`` means the same when it is read in ``document_format``."""
        return document_format in (self.document_format, TEXT) or self._is(text, document_format)

    def means_the_same(self, stored: str, stored_format: str) -> bool:
        """Whether ``stored`` differs from this at most in white space, key order, comments and format."""
        if stored == self.text:
            return True
        return TEXT not in (stored_format, self.document_format) and self._is(stored, stored_format)

    def _is(self, text: str, document_format: str) -> bool:
        try:
            return _canonical(content_reader.load(text, document_format)) == _canonical(self.value)
        except UnreadableError:
            return False


def wanted(raw: Any, document_format: str | None, *, exact: bool = False, source: str = "content") -> Content:
    """Read content, a string or a mapping; an ``SSMError`` says what is wrong with it.

    Without ``document_format`` a string that begins with ``{`` or ``[`` is JSON, and any other is YAML. ``source``
    names in errors where the content comes from.
    """
    if isinstance(raw, dict):
        if document_format == TEXT:
            raise SSMError(f"{source} is a mapping, which document_format TEXT cannot hold: give it as a string.")
        return Content(_checked(raw, source), None, document_format or JSON, document_format is not None, exact)
    if not isinstance(raw, str):
        raise SSMError(f"{source} is neither a string nor a mapping, but {_kind(raw)}.")
    text = raw.removeprefix(_BYTE_ORDER_MARK)  # says how a file is encoded, and no JSON begins with it
    if not text:
        raise SSMError(f"{source} is empty.")
    # Before it is read, for reading costs time and memory.
    check_size(text, source)
    if document_format == TEXT:
        return Content(None, text, TEXT, True, exact)
    text_format = document_format or (JSON if text.lstrip().startswith(("{", "[")) else YAML)
    value = _read(text, text_format, source, format_given=document_format is not None)
    if not isinstance(value, dict):
        raise SSMError(f"{source} is {_kind(value)} in {text_format}: the top level of a document must be a mapping.")
    _check_values(value, source)
    return Content(value, text, text_format, document_format is not None, exact)


def reformatted(text: str, stored_format: str, wanted_format: str | None) -> tuple[str, str]:
    """Stored content in another format, and that format; as it is if none or the same is wanted."""
    if wanted_format in (None, stored_format):
        return text, stored_format
    value = parsed(text, stored_format)
    if wanted_format == TEXT or not isinstance(value, dict):
        raise SSMError(
            f"Content of the format {stored_format} cannot be turned into {wanted_format}: give the content."
        )
    return _dump(_checked(value, "content"), str(wanted_format)), str(wanted_format)


def read_file(path: str, origin: Origin | None = None) -> str:
    """Return the text of a content file; an ``SSMError`` says why it cannot be read."""
    origin = origin or Origin(path)
    if not path:
        raise SSMError("content_path is empty.")
    try:
        with open(path, "rb") as file:
            found = file.read(MAX_BYTES + len(_BYTE_ORDER_MARK.encode()) + 1)
    except OSError as error:
        raise SSMError(f"content_path {origin.shown} cannot be read: {error.strerror}.{origin.places(path)}") from error
    except ValueError:
        raise SSMError("content_path holds a character that no path can have.") from None
    if found.startswith(_VAULT_HEADER):
        raise SSMError(
            f"content_path {origin.shown} is encrypted with Ansible Vault: only a file on the controller is decrypted."
        )
    if len(found) > MAX_BYTES + len(_BYTE_ORDER_MARK.encode()):
        raise SSMError(f"content_path {origin.shown} has more than the {MAX_BYTES} bytes that a document can have.")
    try:
        return found.decode()
    except UnicodeDecodeError:
        raise SSMError(f"content_path {origin.shown} cannot be read: it is not UTF-8 text.") from None


def check_size(text: str, source: str = "content") -> None:
    """An ``SSMError`` for content that is larger than the service accepts."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise SSMError(f"{source} holds half of a character, as of a file that was not read as UTF-8.") from None
    if size > MAX_BYTES:
        raise SSMError(f"{source} is {size} bytes long, and a document may have {MAX_BYTES} at most.")


def sha256(text: str) -> str:
    """What DescribeDocument gives as Hash for this content."""
    return hashlib.sha256(text.encode()).hexdigest()


def parsed(text: str, document_format: str) -> Any:
    """The value that JSON or YAML content stands for; None for TEXT, and for what cannot be read."""
    if document_format == TEXT:
        return None
    try:
        return _plain(content_reader.load(text, document_format))
    except UnreadableError:
        return None


def _read(text: str, text_format: str, source: str, *, format_given: bool) -> Any:
    try:
        return _plain(content_reader.load(text, text_format, strict=True))
    except UnreadableError as error:
        advice = {
            JSON: " What begins with { or [ is read as JSON: for YAML set document_format to YAML.",
            YAML: " For plain text set document_format to TEXT.",
        }
        raise SSMError(
            f"{source} cannot be read as {text_format}: {error}.{'' if format_given else advice[text_format]}"
        ) from None


def _dump(value: Any, document_format: str) -> str:
    if document_format != YAML:
        return json.dumps(value, indent=2, ensure_ascii=False)
    if not content_reader.HAS_YAML:
        raise SSMError("The Python library PyYAML is required on this host to write content in YAML.")
    text = str(yaml.safe_dump(value, sort_keys=False, allow_unicode=True))
    # PyYAML writes some ends of lines of Unicode as they are, and then reads them as others.
    is_read_back = _canonical(content_reader.load(text, YAML)) == _canonical(value)
    return text if is_read_back else str(yaml.safe_dump(value, sort_keys=False))


def _checked(content: dict[str, Any], source: str) -> dict[str, Any]:
    """The mapping, with texts where AWS wants texts and a template made numbers.

    An ``SSMError`` says what JSON has no form for, such as the date that YAML makes of 2026-01-31.
    """
    try:
        content_reader.check_depth(content)
    except UnreadableError as error:
        raise SSMError(f"{source} is not what a document can be: {error}.") from None
    _check_values(content, source)
    # A round trip also turns the string types of Ansible's templating, which YAML would not write, into plain ones.
    plain: dict[str, Any] = _plain(content)
    return content_schema.with_texts(plain)


def _check_values(content: dict[str, Any], source: str) -> None:
    """An ``SSMError`` for the first value or key that JSON has no form for. It names the place, and not the value."""
    for place, value in _leaves(content, ""):
        problem = _problem(value)
        if problem:
            raise SSMError(f"{source} has {problem} at {place}, and a document cannot hold that: put it in quotes.")


def _leaves(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    """Each key and each value that holds no others, with the keys that lead to it."""
    if isinstance(value, dict):
        for key, entry in value.items():
            yield f"a key of {place or 'the top'}", key
            yield from _leaves(entry, f"{place}.{_shown(key)}" if place else _shown(key))
    elif isinstance(value, list):
        for number, entry in enumerate(value):
            yield from _leaves(entry, f"{place}[{number}]")
    else:
        yield place, value


# A name as the schemas of AWS and their parameters have it. What else may be a key can be as secret as a value.
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")


def _shown(key: Any) -> str:
    return key if isinstance(key, str) and _NAME.fullmatch(key) else "..."


def _problem(value: Any) -> str:
    """What a value is that JSON has no form for; an empty text for any other."""
    if isinstance(value, str):
        return "half of a character" if any("\ud800" <= one <= "\udfff" for one in value) else ""
    if isinstance(value, float):
        return "" if math.isfinite(value) else "a number that is not finite"
    return "" if value is None or isinstance(value, (bool, int)) else _kind(value)


def _kind(value: Any) -> str:
    names = {list: "a list", str: "a string", type(None): "empty", bool: "a boolean", int: "a number"}
    return names.get(type(value), f"a {type(value).__name__}")


def _plain(value: Any) -> Any:
    """The value as JSON hands it on: keys are texts, and two halves of a character are one."""
    return json.loads(json.dumps(value))


def _canonical(value: Any) -> str:
    """A text that two values share just when JSON tells them apart nowhere; so 1, 1.0, true and "1" all differ."""
    return json.dumps(_plain(value), sort_keys=True)
