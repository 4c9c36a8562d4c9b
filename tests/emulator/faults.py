# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Fault rules: make the endpoint misbehave a given number of times.

A rule is a mapping such as ``{"op": "DescribeSessions", "page": 2, "do": {"error": "ThrottlingException"}}``:

- ``op``: the operation, or ``*`` for all;
- ``match``: parameters that must be equal;
- ``page``: only this page of a listing, counted from 1;
- ``after``: the number of matching calls to let through first;
- ``times``: how many calls are affected (default 1), or ``always``;
- ``do``: the effect, one of ``DO_KEYS``. A ``delay`` in seconds may be combined with another effect.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

RULE_KEYS = {"op", "match", "page", "after", "times", "do"}
DO_KEYS: dict[str, set[str]] = {
    "error": {"message", "status", "commit"},
    "raw": {"status", "content_type"},
    "drop": set(),
    "truncate": set(),
    "set": set(),
    "page": set(),
    "delay": set(),
}
CHOICES: dict[str, tuple[Any, ...]] = {
    "drop": ("before", "after"),
    "page": ("empty", "repeat"),
    "truncate": (True,),
}


class FaultError(ValueError):
    """A fault rule that is not valid."""


@dataclasses.dataclass
class Fault:
    """One rule. ``seen`` counts the calls that matched it, ``fired`` those that it affected."""

    op: str
    do: dict[str, Any]
    match: dict[str, Any] = dataclasses.field(default_factory=dict)
    page: int | None = None
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

    def matches(self, operation: str, params: Mapping[str, Any], page: int) -> bool:
        """Return whether the rule affects this call, and count the call if its conditions are met."""
        if self.used_up or self.op not in (operation, "*") or self.page not in (None, page):
            return False
        if any(params.get(key) != value for key, value in self.match.items()):
            return False
        self.seen += 1
        return self.seen > self.after

    def describe(self) -> str:
        kind = next(key for key in DO_KEYS if key in self.do)
        wanted = "always" if self.times is None else self.times
        return f"{kind} on {self.op} {self.match or ''}".strip() + f" (fired {self.fired}, wanted {wanted})"


def make_fault(rule: Any, operations: Collection[str]) -> Fault:
    """Create a fault from a rule of a world or of the control route. Raises ``FaultError`` if it is not valid."""
    if not isinstance(rule, dict):
        raise FaultError(f"a fault must be a mapping: {rule!r}")
    if rule.get("op") not in (*operations, "*"):
        raise FaultError(f"op of a fault must be an emulated operation or *: {rule.get('op')!r}")
    _refuse_unknown(rule, RULE_KEYS, "a fault")
    times = rule.get("times", 1)
    if times != "always" and not _count(times, 1):
        raise FaultError(f"times of a fault must be always or a number of at least 1: {times!r}")
    for key, least in (("after", 0), ("page", 1)):
        if rule.get(key) is not None and not _count(rule[key], least):
            raise FaultError(f"{key} of a fault must be a number of at least {least}: {rule[key]!r}")
    match = rule.get("match") or {}
    if not isinstance(match, dict):
        raise FaultError(f"match of a fault must be a mapping: {match!r}")
    return Fault(
        op=rule["op"],
        do=_check_do(rule.get("do")),
        match=match,
        page=rule.get("page"),
        after=rule.get("after") or 0,
        times=None if times == "always" else times,
    )


def _count(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _refuse_unknown(given: Mapping[str, Any], known: set[str], what: str) -> None:
    unknown = sorted(set(given) - known)
    if unknown:
        raise FaultError(f"unknown key {', '.join(unknown)} in {what}; allowed: {', '.join(sorted(known))}")


def _check_do(do: Any) -> dict[str, Any]:
    if not isinstance(do, dict):
        raise FaultError(f"do of a fault must be a mapping: {do!r}")
    kinds = [key for key in DO_KEYS if key in do]
    effects = [key for key in kinds if key != "delay"]
    if not kinds or len(effects) > 1:
        raise FaultError(f"do of a fault must have one of {', '.join(DO_KEYS)}, optionally with a delay: {do!r}")
    _refuse_unknown(do, {"delay", *effects}.union(*(DO_KEYS[key] for key in kinds)), "do of a fault")
    for key in kinds:
        if key in CHOICES and do[key] not in CHOICES[key]:
            raise FaultError(f"{key} of a fault must be one of {', '.join(map(str, CHOICES[key]))}: {do[key]!r}")
    return do


class Faults:
    """The active rules. The first one that matches a call is applied."""

    def __init__(self, rules: list[Any], operations: Collection[str]) -> None:
        self.operations = operations
        self.rules = [make_fault(rule, operations) for rule in rules]

    def add(self, rule: Any) -> Fault:
        self.rules.append(make_fault(rule, self.operations))
        return self.rules[-1]

    def match(self, operation: str, params: Mapping[str, Any], page: int) -> Fault | None:
        """Return the first rule that affects this call, and count it as fired; None if no rule does."""
        for rule in self.rules:
            if rule.matches(operation, params, page):
                rule.fired += 1
                return rule
        return None

    def unused(self) -> list[str]:
        return [rule.describe() for rule in self.rules if rule.unused]


class Throttle:
    """Token buckets, one for each operation and region, that fill in real time.

    ``rates`` is ``{"GetConnectionStatus": {"rate": 20.0, "burst": 40.0}}``, with ``rate`` in calls per second.
    """

    def __init__(self, rates: Mapping[str, Mapping[str, float]], clock: Callable[[], float] = time.monotonic) -> None:
        self.rates = rates
        self.clock = clock
        self.buckets: dict[tuple[str, str], tuple[float, float]] = {}

    def allows(self, operation: str, region: str) -> bool:
        rate = self.rates.get(operation)
        if rate is None:
            return True
        now = self.clock()
        tokens, then = self.buckets.get((operation, region), (float(rate["burst"]), now))
        tokens = min(float(rate["burst"]), tokens + (now - then) * rate["rate"])
        allowed = tokens >= 1
        self.buckets[operation, region] = (tokens - 1 if allowed else tokens, now)
        return allowed
