# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Durations and moments as users write them."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from typing import Any, TypeAlias

from .errors import SSMError
from .option_text import quoted

_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
_DURATION = re.compile(r"(?:[0-9]+[dhms])+")
_PART = re.compile(r"([0-9]+)([dhms])")
_AGO = re.compile(r"((?:[0-9]+[dhms])+)(?:\s+ago)?")

# More seconds than anybody waits, and that any clock can still add to its time.
MOST = 1_000_000_000

# A moment, or how long before "now" it is, which is a matter of whose clock is asked.
Moment: TypeAlias = "datetime.datetime | datetime.timedelta"


def duration(text: str, option: str) -> datetime.timedelta:
    """``90m`` or ``1d12h``; an ``SSMError`` that names the option for anything else.

    A number without a unit is nothing: 24 may be meant for hours, and YAML reads 12:30 as 750.
    """
    given = text.strip()
    if not _DURATION.fullmatch(given):
        raise SSMError(f"{option}: {quoted(text)} is not a duration; expected for example 90m, 2h or 1d12h.")
    return _parse(given, text, option)


def option_duration(params: Mapping[str, Any], option: str) -> datetime.timedelta | None:
    """The duration that an option holds; None only if it is not given, for an empty text must not mean "any age"."""
    return None if params[option] is None else duration(params[option], option)


def check_seconds(params: Mapping[str, Any], *options: str) -> None:
    """An ``SSMError`` for the first of ``options`` that is no number from 0 to ``MOST``."""
    for option in options:
        if not 0 <= params[option] <= MOST:
            raise SSMError(f"{option}: {params[option]} is out of range; expected 0 to {MOST}.")


def moment(text: str, option: str) -> Moment:
    """An ISO 8601 time, which without a zone is UTC, or a duration before now such as ``2h`` or ``2h ago``."""
    ago = _AGO.fullmatch(text.strip())
    if ago:
        return _parse(ago.group(1), text, option)
    try:
        parsed = datetime.datetime.fromisoformat(text.strip())
        return parsed.astimezone(datetime.UTC) if parsed.tzinfo else parsed.replace(tzinfo=datetime.UTC)
    except (ValueError, OverflowError):
        raise SSMError(
            f"{option}: {quoted(text)} is not a time; expected for example 2026-01-31T09:30:00Z, 2h or 1d12h ago."
        ) from None


def option_moment(params: Mapping[str, Any], option: str) -> Moment | None:
    """The moment that an option holds; None only if it is not given, or the module has no such option."""
    return None if params.get(option) is None else moment(params[option], option)


def resolve(moment: Moment, now: datetime.datetime) -> datetime.datetime:
    """The moment itself, counted back from ``now`` if need be."""
    if isinstance(moment, datetime.datetime):
        return moment
    try:
        return now - moment
    except OverflowError:  # before the year 1: no session is that old
        return datetime.datetime.min.replace(tzinfo=datetime.UTC)


def _parse(given: str, text: str, option: str) -> datetime.timedelta:
    parts = {_UNITS[unit]: 0 for unit in _UNITS}
    try:
        for number, unit in _PART.findall(given):
            parts[_UNITS[unit]] += int(number)
        return datetime.timedelta(**parts)
    except (OverflowError, ValueError):  # Python reads no number of thousands of digits
        raise SSMError(f"{option}: {quoted(text)} is out of range; no session is that old.") from None
