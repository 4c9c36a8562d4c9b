# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Put times, and what others printed, into sentences."""

from __future__ import annotations

FAILED = "The process that holds the sessions failed. This is a bug of sessionops.aws, please report it:"


def in_words(seconds: float) -> str:
    """Return a time as in a sentence: ``1 second`` or ``0.5 seconds``."""
    return f"{seconds:g} second{'' if seconds == 1 else 's'}"


def on_one_line(text: str) -> str:
    """Return a text without what a terminal would not print."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
