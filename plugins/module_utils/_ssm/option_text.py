# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Texts as users write them in options."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

# How many characters of a text an error shows.
_SHOWN = 60


def trimmed(entries: Iterable[str]) -> list[str]:
    """The entries without the blanks around them: Ansible cuts a text at its commas, and leaves those after them."""
    return [entry.strip() for entry in entries]


def quoted(text: str) -> str:
    """A text as a sentence shows it: whole, unless it is longer than any that could be meant."""
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")


def suggestion(given: str, known: Iterable[str]) -> str:
    """Return a question that names the one of ``known`` that ``given`` looks like; an empty text if none does."""
    by_letters = {one.lower(): one for one in known}
    close = difflib.get_close_matches(given.lower().strip("$ "), by_letters, 1)
    return f" Did you mean {by_letters[close[0]]!r}?" if close else ""


def counted(number: float, noun: str) -> str:
    """Return a number and what it counts, as in ``1 session`` and ``1,200 sessions``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
