# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Translate the model's patterns, which are Java regular expressions, for Python's ``re``."""

from __future__ import annotations

import functools
import re
import unicodedata

# Corrections of patterns that exclude what AWS accepts. MaxSessionDuration is 1 to 1440 minutes (User Guide, maximum
# session duration), but the model's pattern excludes numbers such as 1050 or 1390.
CORRECTED: dict[str, str] = {
    "MaxSessionDuration": r"([1-9]|[1-9][0-9]|[1-9][0-9][0-9]|1[0-3][0-9][0-9]|14[0-3][0-9]|1440)"
}

JAVA_DOT = "[^\\n\\r\\u0085\\u2028\\u2029]"
TOKEN = re.compile(r"\\p\{(\w+)\}|\\.|\[|\]|\.", re.DOTALL)


@functools.cache
def matcher(shape_name: str, pattern: str) -> re.Pattern[str]:
    """Compile the pattern of a shape. Use it with ``fullmatch``, as AWS does."""
    return re.compile(_translate(CORRECTED.get(shape_name, pattern)), re.ASCII)


def matches(shape_name: str, pattern: str, text: str) -> bool:
    return matcher(shape_name, pattern).fullmatch(text) is not None


def _translate(pattern: str) -> str:
    in_class = False

    def swap(found: re.Match[str]) -> str:
        nonlocal in_class
        text = found.group()
        if found.group(1):
            ranges = _category(found.group(1))
            return ranges if in_class else f"[{ranges}]"
        if text in "[]":
            in_class = text == "["
        return JAVA_DOT if text == "." and not in_class else text

    return TOKEN.sub(swap, pattern)


# Above these, Unicode has only categories of C and M.
_PLANES = 4 * 0x10000


@functools.cache
def _category(name: str) -> str:
    """Return a Unicode category, such as ``L`` in ``\\p{L}``, as ranges of a character class: ``re`` has no ``\\p``."""
    if name[0] not in "LNPSZ":
        raise ValueError(f"category {name} has characters above U+{_PLANES:X}")
    one = name if len(name) == 2 else f"{name}[a-z]"
    ranges = [(found.start() // 2, found.end() // 2 - 1) for found in re.finditer(f"(?:{one})+", _categories())]
    return "".join(f"\\U{low:08x}-\\U{high:08x}" for low, high in ranges)


@functools.cache
def _categories() -> str:
    """Return the categories of all characters, two letters each: ``CcCc...``."""
    return "".join(map(unicodedata.category, map(chr, range(_PLANES))))
