# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Readers for the values of a world's description.

Each returns the value in the type that it is named after. If the value is not valid, it raises ``WorldError``.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any


class WorldError(ValueError):
    """A world that cannot be served; the message is one sentence."""


_AGE = re.compile(r"(\d+)\s*([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def time_or_age(value: Any, now: datetime.datetime) -> datetime.datetime:
    """Return the time of an ISO 8601 text (UTC unless it has a zone), or of an age before ``now`` such as ``90m``."""
    if isinstance(value, str) and (age := _AGE.fullmatch(value.strip())):
        return now - datetime.timedelta(seconds=int(age[1]) * _SECONDS[age[2]])
    try:
        return iso_time(value)
    except ValueError:
        raise WorldError(f"neither a time nor an age (3d, 2h, 90m, 10s): {value!r}") from None


def iso_time(value: Any) -> datetime.datetime:
    """Return the time of an ISO 8601 text, or of a time that YAML has already read. No zone means UTC."""
    if isinstance(value, str):
        try:
            value = datetime.datetime.fromisoformat(value)
        except ValueError:
            raise WorldError(f"not an ISO 8601 time: {value!r}") from None
    if not isinstance(value, datetime.datetime):
        raise WorldError(f"not a time: {value!r}")
    return value.astimezone(datetime.UTC) if value.tzinfo else value.replace(tzinfo=datetime.UTC)


def mapping(value: Any, what: str, keys: Iterable[str] | None = None) -> Mapping[str, Any]:
    """Return a mapping. Its keys must be among ``keys``, so that a misspelt key is reported."""
    if not isinstance(value, Mapping):
        raise WorldError(f"{what} must be a mapping, not {type(value).__name__}")
    known = set(value if keys is None else keys)
    unknown = sorted(str(key) for key in set(value) - known)
    if unknown:
        raise WorldError(f"{what}: unknown key {', '.join(unknown)}; allowed: {', '.join(sorted(known))}")
    return value


def list_of(value: Any, what: str) -> list[Any]:
    """Return a list; None becomes an empty one."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise WorldError(f"{what} must be a list, not {type(value).__name__}")
    return value


def entries(section: Any, keys: Iterable[str], what: str) -> list[Mapping[str, Any]]:
    """Return the mappings of a list, whose keys must be among ``keys``."""
    return [mapping(item, f"a {what}", keys) for item in list_of(section, f"{what}s")]


def number(value: Any, what: str) -> int:
    """Return a whole number."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise WorldError(f"{what} must be a whole number, not {value!r}")
    return value


_NUMBERED = re.compile(r"%\d*[dx]")


def expand(item: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield an entry, or with ``generate: N`` N copies: ``%d`` or ``%017x`` in its strings become 1, 2 and so on."""
    given = {key: value for key, value in item.items() if key != "generate"}
    count = item.get("generate")
    if count is None:
        yield given
        return
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise WorldError(f"generate must be a number of at least 1, not {count!r}")
    for number in range(1, count + 1):
        yield {key: _with_number(value, number) for key, value in given.items()}


def _with_number(value: Any, number: int) -> Any:
    if isinstance(value, str):
        return _NUMBERED.sub(lambda found: found[0] % number, value)
    if isinstance(value, Mapping):
        return {key: _with_number(item, number) for key, item in value.items()}
    return value


def string_map(value: Any, what: str) -> dict[str, str]:
    """Return a mapping of strings to strings; None becomes an empty one."""
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not all(isinstance(part, str) for pair in value.items() for part in pair):
        raise WorldError(f"{what} must map strings to strings (put numbers in quotes)")
    return dict(value)
