# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Durations and moments as users write them."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from typing import Any

from .errors import SSMError
from .transform import iso8601

_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
_DURATION = re.compile(r"(?:\d+[dhms])+")
_PART = re.compile(r"(\d+)([dhms])")


def duration(text: str, option: str) -> datetime.timedelta:
    """``90m``, ``1d12h`` or a plain number of seconds; an ``SSMError`` that names the option for anything else."""
    if text.isdigit():
        return datetime.timedelta(seconds=int(text))
    if not _DURATION.fullmatch(text):
        raise SSMError(f"{option} is {text!r}, which is no duration: write it like 90m, 2h or 1d12h.")
    parts = {_UNITS[unit]: 0 for unit in _UNITS}
    for number, unit in _PART.findall(text):
        parts[_UNITS[unit]] += int(number)
    return datetime.timedelta(**parts)


def option_duration(params: Mapping[str, Any], option: str) -> datetime.timedelta | None:
    """The duration that an option holds; None only if it is not given, for an empty text must not mean "any age"."""
    return None if params[option] is None else duration(params[option], option)


def check_seconds(params: Mapping[str, Any], *options: str) -> None:
    """An ``SSMError`` for the first of ``options`` that is negative."""
    for option in options:
        if params[option] < 0:
            raise SSMError(f"{option} is {params[option]:g}, and cannot be negative.")


def moment(text: str, option: str) -> str:
    """An ISO 8601 time, as UTC in the form that the service takes; a time without a zone is UTC."""
    try:
        parsed = datetime.datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    except ValueError:
        raise SSMError(f"{option} is {text!r}, which is no time: write it like 2026-01-31T09:30:00Z.") from None
    return iso8601(parsed.replace(microsecond=0))
