# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Split a command into words as the agent does: with github.com/google/shlex, which differs from Python's shlex.

A backslash stands for the next character also between double quotes, and ``#`` begins a comment at the start of a word.
"""

from __future__ import annotations

from collections.abc import Iterator

_SPACE = " \t\r\n"
_QUOTES = "\"'"


def split_words(text: str) -> list[str]:
    """Return the words. Raises ``ValueError`` with the library's text if a quote or an escape is not complete."""
    letters = iter(text)
    words: list[str] = []
    word: list[str] | None = None
    for letter in letters:
        if letter in _SPACE:
            if word is not None:
                words.append("".join(word))
            word = None
        elif letter == "#" and word is None:
            _skip_line(letters)
        else:
            word = [] if word is None else word
            word.extend(_read(letter, letters))
    if word is not None:
        words.append("".join(word))
    return words


def _skip_line(letters: Iterator[str]) -> None:
    for letter in letters:
        if letter == "\n":
            return


def _read(letter: str, letters: Iterator[str]) -> Iterator[str]:
    """Yield the characters that a character of a word stands for: itself, an escaped one, or a quoted text."""
    if letter == "\\":
        yield _escaped(letters)
    elif letter in _QUOTES:
        yield from _quoted(letter, letters)
    else:
        yield letter


def _quoted(quote: str, letters: Iterator[str]) -> Iterator[str]:
    for letter in letters:
        if letter == quote:
            return
        yield _escaped(letters) if letter == "\\" and quote == '"' else letter
    raise ValueError("EOF found when expecting closing quote")


def _escaped(letters: Iterator[str]) -> str:
    for letter in letters:
        return letter
    raise ValueError("EOF found after escape character")
