# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the rules for calls and the rules for frames have in common."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any


class FaultError(ValueError):
    """A fault rule that is not valid."""


@dataclasses.dataclass
class Rule:
    """One rule. ``seen`` counts the calls or frames that matched it, ``fired`` those that it affected."""

    op: str
    do: dict[str, Any]
    match: dict[str, Any] = dataclasses.field(default_factory=dict)
    after: int = 0
    times: int | None = 1
    seen: int = 0
    fired: int = 0

    @property
    def used_up(self) -> bool:
        return self.times is not None and self.fired >= self.times

    @property
    def unused(self) -> bool:
        return self.fired < (1 if self.times is None else self.times)

    def fits(self, params: Mapping[str, Any]) -> bool:
        """Return whether the call or the frame has every value of ``match``."""
        return all(params.get(key) == value for key, value in self.match.items())

    def describe(self) -> str:
        """Return the rule as a message names it: ``drop on frame:acknowledge (fired 0, wanted 1)``."""
        wanted = "always" if self.times is None else self.times
        return f"{self.kind} on {self.op} {self.match or ''}".strip() + f" (fired {self.fired}, wanted {wanted})"

    @property
    def kind(self) -> str:
        """The effect, such as ``drop``."""
        return next(iter(self.do))


def read_common(rule: Mapping[str, Any], keys: Collection[str], default_times: Any = 1) -> dict[str, Any]:
    """Return the fields of ``Rule`` except ``do``. Raises ``FaultError`` if one is not valid."""
    refuse_unknown(rule, keys, "a fault")
    times = rule.get("times", default_times)
    if times != "always" and not is_count(times, 1):
        raise FaultError(f"times of a fault must be always or a number of at least 1: {times!r}")
    check_count(rule, "after", 0)
    match = rule.get("match") or {}
    if not isinstance(match, dict):
        raise FaultError(f"match of a fault must be a mapping: {match!r}")
    times = None if times == "always" else times
    return {"op": rule["op"], "match": match, "after": rule.get("after") or 0, "times": times}


def check_count(rule: Mapping[str, Any], key: str, least: int) -> None:
    """Raise ``FaultError`` unless the value of a key is a whole number of at least ``least``, or is missing."""
    if rule.get(key) is not None and not is_count(rule[key], least):
        raise FaultError(f"{key} of a fault must be a number of at least {least}: {rule[key]!r}")


def is_count(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def refuse_unknown(given: Mapping[str, Any], known: Collection[str], what: str) -> None:
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise FaultError(f"unknown key {', '.join(unknown)} in {what}; allowed: {', '.join(sorted(known))}")
