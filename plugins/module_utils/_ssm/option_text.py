# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Handle texts that users write in options."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

# The maximum number of characters of a text that an error message shows.
_SHOWN = 60


def trimmed(entries: Iterable[str]) -> list[str]:
    """Return the entries without surrounding blanks. Ansible splits a text at commas and keeps the blanks after."""
    return [entry.strip() for entry in entries]


def quoted(text: str) -> str:
    """Return a text in quotes for a message, cut off if it is longer than any valid value."""
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")


def suggestion(given: str, known: Iterable[str]) -> str:
    """Return `` Did you mean 'X'?`` with the entry of ``known`` that is like ``given``; an empty text if none is."""
    by_letters = {one.lower(): one for one in known}
    close = difflib.get_close_matches(given.lower().strip("$ "), by_letters, 1)
    return f" Did you mean {by_letters[close[0]]!r}?" if close else ""


def counted(number: float, noun: str) -> str:
    """Return a number and its noun, as in ``1 session`` and ``1,200 sessions``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
