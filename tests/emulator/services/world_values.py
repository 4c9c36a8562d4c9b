# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Small readers for what a world's file says."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_AGE = re.compile(r"(\d+)\s*([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def moment(value: Any, now: datetime.datetime) -> datetime.datetime:
    """An ISO 8601 time, or an age before the world's clock such as ``3d`` or ``90m``; no zone means UTC."""
    if isinstance(value, str) and (age := _AGE.fullmatch(value.strip())):
        return now - datetime.timedelta(seconds=int(age[1]) * _SECONDS[age[2]])
    try:
        return point(value)
    except ValueError:
        raise ValueError(f"neither a time nor an age (3d, 2h, 90m, 10s): {value!r}") from None


def point(value: Any) -> datetime.datetime:
    """Read an ISO 8601 time, which YAML may have read already; no zone means UTC."""
    if isinstance(value, str):
        try:
            value = datetime.datetime.fromisoformat(value)
        except ValueError:
            raise ValueError(f"not an ISO 8601 time: {value!r}") from None
    if not isinstance(value, datetime.datetime):
        raise ValueError(f"not a time: {value!r}")
    return value.astimezone(datetime.UTC) if value.tzinfo else value.replace(tzinfo=datetime.UTC)


def entries(section: Any, keys: Iterable[str], what: str) -> list[Mapping[str, Any]]:
    """The mappings of a list, each with no key but these; nothing is an empty list."""
    if section is None:
        return []
    if not isinstance(section, list):
        raise ValueError(f"{what}s must be a list, not {type(section).__name__}")
    return [entry(item, keys, what) for item in section]


def entry(item: Any, keys: Iterable[str], what: str) -> Mapping[str, Any]:
    """A mapping with no key but these: one that nobody reads would be a mistake that passes in silence."""
    if not isinstance(item, Mapping):
        raise ValueError(f"a {what} must be a mapping, not {type(item).__name__}")
    known = set(keys)
    unknown = sorted(str(key) for key in set(item) - known)
    if unknown:
        raise ValueError(f"a {what} has no {', '.join(unknown)}; it may have {', '.join(sorted(known))}")
    return item


_NUMBERED = re.compile(r"%\d*[dx]")


def expand(item: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield one entry, or many from one with ``generate``: ``%d`` and the like in its texts are the number, from 1."""
    given = {key: value for key, value in item.items() if key != "generate"}
    count = item.get("generate")
    if count is None:
        yield given
        return
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise ValueError(f"generate is a number from 1, not {count!r}")
    for number in range(1, count + 1):
        yield {key: _with_number(value, number) for key, value in given.items()}


def _with_number(value: Any, number: int) -> Any:
    if isinstance(value, str):
        return _NUMBERED.sub(lambda found: found[0] % number, value)
    if isinstance(value, Mapping):
        return {key: _with_number(item, number) for key, item in value.items()}
    return value


def string_map(value: Any, what: str) -> dict[str, str]:
    """A mapping of strings to strings."""
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not all(isinstance(part, str) for pair in value.items() for part in pair):
        raise ValueError(f"{what} must map strings to strings (put numbers in quotes)")
    return dict(value)
