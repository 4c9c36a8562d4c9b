# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Parse durations and times that users write in options."""

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

# The maximum of numeric options: more seconds than anybody waits, but few enough to add to the time of any clock.
MOST = 1_000_000_000

# A time, or a duration before "now". The caller of ``resolve`` chooses the clock that "now" is read from.
Moment: TypeAlias = "datetime.datetime | datetime.timedelta"


def duration(text: str, option: str) -> datetime.timedelta:
    """Parse a duration such as ``90m`` or ``1d12h``. Anything else raises an ``SSMError`` that names the option.

    A number without a unit is rejected: 24 may be meant as hours, and YAML reads 12:30 as 750.
    """
    given = text.strip()
    if not _DURATION.fullmatch(given):
        raise SSMError(f"{option}: {quoted(text)} is not a duration; expected for example 90m, 2h or 1d12h.")
    return _parse(given, text, option)


def option_duration(params: Mapping[str, Any], option: str) -> datetime.timedelta | None:
    """Return the duration of an option, or None if the option is not given.

    An empty text raises ``SSMError``, because it must not mean "any age".
    """
    return None if params[option] is None else duration(params[option], option)


def check_range(params: Mapping[str, Any], *options: str) -> None:
    """Raise ``SSMError`` for the first of ``options`` that is not a number from 0 to ``MOST``."""
    for option in options:
        if not 0 <= params[option] <= MOST:
            raise SSMError(f"{option}: {params[option]} is out of range; expected 0 to {MOST}.")


def moment(text: str, option: str) -> Moment:
    """Parse an ISO 8601 time, or a duration before now such as ``2h`` or ``2h ago``.

    A time without a zone is taken as UTC. Anything else raises an ``SSMError`` that names the option.
    """
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
    """Return the moment of an option, or None if it is not given or the module has no such option."""
    return None if params.get(option) is None else moment(params[option], option)


def resolve(moment: Moment, now: datetime.datetime) -> datetime.datetime:
    """Return a moment as a time. A duration is subtracted from ``now``."""
    if isinstance(moment, datetime.datetime):
        return moment
    try:
        return now - moment
    except OverflowError:  # before the year 1, and no session is that old
        return datetime.datetime.min.replace(tzinfo=datetime.UTC)


def _parse(given: str, text: str, option: str) -> datetime.timedelta:
    parts = {_UNITS[unit]: 0 for unit in _UNITS}
    try:
        for number, unit in _PART.findall(given):
            parts[_UNITS[unit]] += int(number)
        return datetime.timedelta(**parts)
    except (OverflowError, ValueError):  # Python does not parse numbers with thousands of digits
        raise SSMError(f"{option}: {quoted(text)} is out of range; no session is that old.") from None
