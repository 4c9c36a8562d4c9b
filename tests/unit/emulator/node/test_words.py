# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test how a command is split into words."""

from __future__ import annotations

import pytest

from emulator.node.words import split_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        (" \t\n", []),
        ("one  two\tthree\n", ["one", "two", "three"]),
        ("sh -c 'echo \"a b\"'", ["sh", "-c", 'echo "a b"']),
        ("a'b'\"c\"d", ["abcd"]),
        ("'' \"\"", ["", ""]),
        (r"a\ b \n", ["a b", "n"]),
        # Unlike in a shell, and unlike in Python's shlex.
        (r'"a\nb\"c"', ['anb"c']),
        (r"'a\nb'", [r"a\nb"]),
        ("a # comment\nb a#b", ["a", "b", "a#b"]),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert split_words(text) == words


@pytest.mark.parametrize("text", ["a 'b", 'a "b', '"\\"'])
def test_a_quote_that_is_not_closed(text: str) -> None:
    with pytest.raises(ValueError, match=r"^EOF found when expecting closing quote$"):
        split_words(text)


@pytest.mark.parametrize("text", ["a \\", '"a\\'])
def test_an_escape_at_the_end(text: str) -> None:
    with pytest.raises(ValueError, match=r"^EOF found after escape character$"):
        split_words(text)
