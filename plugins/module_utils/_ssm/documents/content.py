# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Read the content of documents, compare it by its meaning, and convert it between formats.

AWS stores the bytes that it is sent, and its ``Hash`` is their SHA-256 (``tests/emulator/FIDELITY.md``). The keys of
content are never rewritten (trap 37).
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
    pass  # content_reader raises an error where it is needed

JSON = content_reader.JSON
YAML = "YAML"
TEXT = "TEXT"

# The maximum size of a document in bytes (API reference).
MAX_BYTES = 64 * 1024
_BYTE_ORDER_MARK = "\ufeff"
# The first bytes of a file that Ansible Vault encrypted.
_VAULT_HEADER = b"$ANSIBLE_VAULT;"
# Why such a file was not decrypted and what helps, by whether the module runs on the controller (``Origin.here``).
_VAULT_ADVICE = {
    True: "Ansible decrypts a file only if the user who runs Ansible can read it. Make it readable, or decrypt it.",
    False: "Ansible decrypts only files on the controller. Move it there, or decrypt it.",
}


@dataclasses.dataclass(frozen=True)
class Origin:
    """Where the file of content_path comes from, for error messages.

    ``shown`` is the path that the user knows, even if the module reads a copy. ``searched`` are the paths on the
    controller where the file was not found. ``here``: the module runs on the controller, too.
    """

    shown: str
    searched: Sequence[str] = ()
    here: bool = True

    @classmethod
    def from_action(cls, passed: Mapping[str, Any], path: str) -> Origin:
        """Return the origin that the action plugin passed, or one with only the path if no action plugin ran."""
        return cls(**passed) if passed else cls(path)

    def places(self, path: str) -> str:
        """Return a sentence with all places where a relative path was searched; empty for an absolute path."""
        if os.path.isabs(path):
            return ""
        tried = os.path.abspath(path)
        if not self.searched or self.here:
            return f" Searched: {', '.join(dict.fromkeys([*self.searched, tried]))}."
        return f" Searched on the controller: {', '.join(self.searched)}; on the host of the task: {tried}."


@dataclasses.dataclass(frozen=True)
class Content:
    """Wanted content. ``text`` is None if the user gave a mapping, which can be written in any format.

    ``format_given``: the user gave ``document_format``. ``exact``: every byte of the text counts.
    """

    value: Any
    text: str | None
    document_format: str
    format_given: bool
    exact: bool = False

    def encode(self, stored_format: str | None) -> tuple[str, str]:
        """Return the text to send, and its format: ``("schemaVersion: '1.0'", "YAML")``.

        Unless the user gave a format, ``stored_format`` is kept. A text that cannot be read in it, or means something
        else, is converted: JSON cannot hold YAML, and YAML accepts most JSON, but no tabs. With ``exact``, such a text
        is not converted but keeps its own format.
        """
        wanted = self.document_format if self.format_given or stored_format is None else stored_format
        if self.text is None:
            return _dump(self.value, wanted), wanted
        if self._keeps_meaning_in(self.text, wanted):
            return self.text, wanted
        return (self.text, self.document_format) if self.exact else (_dump(self.value, wanted), wanted)

    def _keeps_meaning_in(self, text: str, document_format: str) -> bool:
        """Return whether ``text`` means the same when it is read as ``document_format``."""
        return document_format in (self.document_format, TEXT) or self._has_the_value_of(text, document_format)

    def means_the_same(self, stored: str, stored_format: str) -> bool:
        """Return whether ``stored`` is the same content. White space, key order, comments and format may differ."""
        if stored == self.text:
            return True
        return TEXT not in (stored_format, self.document_format) and self._has_the_value_of(stored, stored_format)

    def _has_the_value_of(self, text: str, document_format: str) -> bool:
        try:
            return _canonical(content_reader.load(text, document_format)) == _canonical(self.value)
        except UnreadableError:
            return False


def wanted_content(raw: Any, document_format: str | None, *, exact: bool = False, source: str = "content") -> Content:
    """Return content that the user gave as a string or a mapping. Raises ``SSMError`` for invalid content.

    Without ``document_format``, a string that begins with ``{`` or ``[`` is JSON, and any other is YAML. ``source``
    is where the content comes from, for error messages.
    """
    if isinstance(raw, dict):
        if document_format == TEXT:
            raise SSMError(f"{source} is a mapping, but document_format=TEXT requires a string.")
        return Content(_normalized(raw, source), None, document_format or JSON, document_format is not None, exact)
    if not isinstance(raw, str):
        raise SSMError(f"{source} is {_kind(raw)}: it must be a string or a mapping.")
    text = raw.removeprefix(_BYTE_ORDER_MARK)  # it marks the encoding of a file, and is not valid in JSON
    if not text:
        raise SSMError(f"{source} is empty.")
    # Check the size before parsing, which costs time and memory.
    check_size(text, source)
    if document_format == TEXT:
        return Content(None, text, TEXT, True, exact)
    text_format = document_format or (JSON if text.lstrip().startswith(("{", "[")) else YAML)
    value = _read(text, text_format, source, format_given=document_format is not None)
    if not isinstance(value, dict):
        raise SSMError(f"{source} is {_kind(value)} in {text_format}: the top level of a document must be a mapping.")
    _check_values(value, source)
    return Content(value, text, text_format, document_format is not None, exact)


def convert(text: str, stored_format: str, wanted_format: str | None) -> tuple[str, str]:
    """Return stored content converted to ``wanted_format``, and its format.

    The content is unchanged if ``wanted_format`` is None or the stored one. Raises ``SSMError`` if it cannot be
    converted.
    """
    if wanted_format in (None, stored_format):
        return text, stored_format
    value = parse(text, stored_format)
    if wanted_format == TEXT or not isinstance(value, dict):
        raise SSMError(
            f"The stored content cannot be converted from {stored_format} to {wanted_format}. Give the content in "
            f"{wanted_format}."
        )
    return _dump(_normalized(value, "content"), str(wanted_format)), str(wanted_format)


def read_file(path: str, origin: Origin | None = None) -> str:
    """Return the text of a content file. Raises ``SSMError`` if it cannot be read."""
    origin = origin or Origin(path)
    if not path:
        raise SSMError("content_path is empty.")
    try:
        with open(path, "rb") as file:
            found = file.read(MAX_BYTES + len(_BYTE_ORDER_MARK.encode()) + 1)
    except OSError as error:
        raise SSMError(f"content_path {origin.shown} cannot be read: {error.strerror}.{origin.places(path)}") from error
    except ValueError:
        raise SSMError("content_path contains an invalid character.") from None
    if found.startswith(_VAULT_HEADER):
        raise SSMError(
            f"content_path {origin.shown}{'' if origin.here else ' on the host of the task'} is encrypted with Ansible "
            f"Vault. {_VAULT_ADVICE[origin.here]}"
        )
    if len(found) > MAX_BYTES + len(_BYTE_ORDER_MARK.encode()):
        raise SSMError(f"content_path {origin.shown} is larger than {MAX_BYTES} bytes, the maximum for a document.")
    try:
        return found.decode()
    except UnicodeDecodeError:
        raise SSMError(f"content_path {origin.shown} cannot be read: it is not UTF-8 text.") from None


def check_size(text: str, source: str = "content") -> None:
    """Raise ``SSMError`` for content that is larger than AWS accepts, or that is not valid Unicode."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise SSMError(
            f"{source} is not valid Unicode (unpaired surrogate). Check that it was read as UTF-8."
        ) from None
    if size > MAX_BYTES:
        raise SSMError(f"{source} is {size} bytes long; the maximum for a document is {MAX_BYTES}.")


def sha256(text: str) -> str:
    """Return the SHA-256 of content in hexadecimal, as DescribeDocument returns it in Hash."""
    return hashlib.sha256(text.encode()).hexdigest()


def parse(text: str, document_format: str) -> Any:
    """Return the value of JSON or YAML content; None for TEXT, and for content that cannot be parsed."""
    if document_format == TEXT:
        return None
    try:
        return _through_json(content_reader.load(text, document_format))
    except UnreadableError:
        return None


def _read(text: str, text_format: str, source: str, *, format_given: bool) -> Any:
    try:
        return _through_json(content_reader.load(text, text_format, strict=True))
    except UnreadableError as error:
        advice = {
            JSON: " Content that begins with { or [ is read as JSON. For YAML, set document_format to YAML.",
            YAML: " For plain text, set document_format to TEXT.",
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
    # PyYAML writes some Unicode line breaks unescaped, and then reads them as other ones.
    is_read_back = _canonical(content_reader.load(text, YAML)) == _canonical(value)
    return text if is_read_back else str(yaml.safe_dump(value, sort_keys=False))


def _normalized(content: dict[str, Any], source: str) -> dict[str, Any]:
    """Return the mapping with numbers converted to strings where AWS documents a string.

    Raises ``SSMError`` for a value that JSON cannot hold, such as the date that YAML makes of 2026-01-31 (trap 36).
    """
    try:
        content_reader.check_depth(content)
    except UnreadableError as error:
        raise SSMError(f"{source} is not valid: {error}.") from None
    _check_values(content, source)
    # The round trip also makes plain strings of the string types of Ansible's templating, which PyYAML cannot write.
    plain: dict[str, Any] = _through_json(content)
    return content_schema.with_strings(plain)


def _check_values(content: dict[str, Any], source: str) -> None:
    """Raise ``SSMError`` for the first key or value that JSON cannot hold. It names the place, never the value."""
    for place, value in _leaves(content, ""):
        problem = _problem(value)
        if problem:
            if isinstance(value, str):
                raise SSMError(f"{source}: {place} has {problem}, which is not valid Unicode.")
            raise SSMError(f"{source}: {place} is {problem}, which JSON cannot represent. Put it in quotes.")


def _leaves(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    """Yield each key and each scalar after its place.

    ``("the value at inputs.ports[0]", 80)``, ``("a key of inputs", "ports")``
    """
    if isinstance(value, dict):
        for key, entry in value.items():
            yield f"a key of {place or 'the top level'}", key
            yield from _leaves(entry, f"{place}.{_key_in_message(key)}" if place else _key_in_message(key))
    elif isinstance(value, list):
        for number, entry in enumerate(value):
            yield from _leaves(entry, f"{place}[{number}]")
    else:
        yield f"the value at {place}", value


# Names as AWS's schemas and document parameters have them. Any other key can be as secret as a value.
_SAFE_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")


def _key_in_message(key: Any) -> str:
    return key if isinstance(key, str) and _SAFE_KEY.fullmatch(key) else "..."


def _problem(value: Any) -> str:
    """Return what a value is that JSON cannot hold, such as ``"a date"``; '' if JSON can hold it."""
    if isinstance(value, str):
        return "an unpaired surrogate" if any("\ud800" <= one <= "\udfff" for one in value) else ""
    if isinstance(value, float):
        return "" if math.isfinite(value) else "a number that is not finite"
    return "" if value is None or isinstance(value, (bool, int)) else _kind(value)


def _kind(value: Any) -> str:
    names = {list: "a list", str: "a string", type(None): "empty", bool: "a boolean", int: "a number"}
    return names.get(type(value), f"a {type(value).__name__}")


def _through_json(value: Any) -> Any:
    """Return the value after a round trip through JSON: keys become strings, and surrogate pairs one character."""
    return json.loads(json.dumps(value))


def _canonical(value: Any) -> str:
    """Return a text that is the same for equal values in JSON, and for no others: 1, 1.0, true and "1" all differ."""
    return json.dumps(_through_json(value), sort_keys=True)
