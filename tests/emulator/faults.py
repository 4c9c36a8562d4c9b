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

The rules whose ``op`` begins with ``frame:`` are for the frames of sessions: see ``frame_faults.py``.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

from . import frame_faults
from .fault_rules import FaultError, Rule, check_count, read_common, refuse_unknown
from .frame_faults import FrameFault

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


@dataclasses.dataclass
class Fault(Rule):
    """One rule for calls. ``page`` is the only page of a listing that it affects; None means every page."""

    page: int | None = None

    def matches(self, operation: str, params: Mapping[str, Any], page: int) -> bool:
        """Return whether the rule affects this call, and count the call if its conditions are met."""
        if self.used_up or self.op not in (operation, "*") or self.page not in (None, page):
            return False
        if not self.fits(params):
            return False
        self.seen += 1
        return self.seen > self.after

    @property
    def kind(self) -> str:
        return next(key for key in DO_KEYS if key in self.do)


def make_fault(rule: Any, operations: Collection[str]) -> Fault | FrameFault:
    """Create a fault from a rule of a world or of the control route. Raises ``FaultError`` if it is not valid."""
    if not isinstance(rule, dict):
        raise FaultError(f"a fault must be a mapping: {rule!r}")
    if frame_faults.is_frame_rule(rule):
        return frame_faults.make_frame_fault(rule)
    if rule.get("op") not in (*operations, "*"):
        raise FaultError(f"op of a fault must be an emulated operation, frame:TYPE or *: {rule.get('op')!r}")
    common = read_common(rule, RULE_KEYS)
    check_count(rule, "page", 1)
    return Fault(**common, do=_check_do(rule.get("do")), page=rule.get("page"))


def _check_do(do: Any) -> dict[str, Any]:
    if not isinstance(do, dict):
        raise FaultError(f"do of a fault must be a mapping: {do!r}")
    kinds = [key for key in DO_KEYS if key in do]
    effects = [key for key in kinds if key != "delay"]
    if not kinds or len(effects) > 1:
        raise FaultError(f"do of a fault must have one of {', '.join(DO_KEYS)}, optionally with a delay: {do!r}")
    refuse_unknown(do, {"delay", *effects}.union(*(DO_KEYS[key] for key in kinds)), "do of a fault")
    for key in kinds:
        if key in CHOICES and do[key] not in CHOICES[key]:
            raise FaultError(f"{key} of a fault must be one of {', '.join(map(str, CHOICES[key]))}: {do[key]!r}")
    return do


class Faults:
    """The active rules, for calls and for frames. The first one that matches a call or a frame is applied."""

    def __init__(self, rules: list[Any], operations: Collection[str]) -> None:
        self.operations = operations
        self.rules = [make_fault(rule, operations) for rule in rules]

    def add(self, rule: Any) -> Fault | FrameFault:
        self.rules.append(make_fault(rule, self.operations))
        return self.rules[-1]

    def match(self, operation: str, params: Mapping[str, Any], page: int) -> Fault | None:
        """Return the first rule that affects this call, and count it as fired; None if no rule does."""
        for rule in self.rules:
            if isinstance(rule, Fault) and rule.matches(operation, params, page):
                rule.fired += 1
                return rule
        return None

    def for_frames(self) -> list[FrameFault]:
        """Return the rules for frames, in their order."""
        return [rule for rule in self.rules if isinstance(rule, FrameFault)]

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
