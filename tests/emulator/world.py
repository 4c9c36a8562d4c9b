# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The world that the endpoint serves: what exists, who may sign, and how AWS behaves in it."""

from __future__ import annotations

import datetime
import random
import secrets
import string
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self, TypeVar

import yaml

from . import registry
from .faults import Faults, Throttle
from .service import Identity
from .services.world_values import point

WORLDS = Path(__file__).parent / "worlds"
DEFAULT_REGION = "us-east-1"
DEFAULT_CLOCK = "2026-11-23T12:00:00Z"
DEFAULT_ACCOUNT = "123456789012"
KEYS = {
    "account_id",
    "clock",
    "faults",
    "identities",
    "latency_ms",
    "limits",
    "regions",
    "roles",
    "seed",
    "switches",
    "throttle",
}
IDENTITY_KEYS = {"name", "arn", "user_id", "access_key", "secret_key", "session_token", "expired"}
UPPER_BASE32 = string.ascii_uppercase + "234567"


class WorldError(ValueError):
    """A world that cannot be served, in one sentence."""


class State(Protocol):
    """What a service keeps for one region."""

    SECTION: ClassVar[str]

    @classmethod
    def from_world(cls, section: Any, world: World, region: str) -> Self: ...


T = TypeVar("T", bound=State)


class World:
    """One account, in as many regions as its description names."""

    def __init__(self, description: Mapping[str, Any] | None = None) -> None:
        given = _mapping(description or {}, "the world", KEYS)
        self.now = _clock(given.get("clock", DEFAULT_CLOCK))
        self.account_id = _account(given.get("account_id", DEFAULT_ACCOUNT))
        # Whoever has it may read the journal and change the world while it is served.
        self.token = secrets.token_urlsafe(30)
        self.seed: int = _number(given.get("seed", 1), "seed")
        self.random = random.Random(self.seed)
        self.switches = _switches(given.get("switches") or {})
        self._limits = _limits(given.get("limits") or {})
        self.throttle = Throttle(_rates(given.get("throttle") or {}))
        self._latency = _latency(given.get("latency_ms", 0))
        self.roles = frozenset(map(str, _list(given.get("roles") or [], "roles")))
        self.identities = _identities(given.get("identities"), self.account_id)
        try:
            self.faults = Faults(_list(given.get("faults") or [], "faults"), _operation_names())
        except ValueError as error:
            raise WorldError(str(error)) from None
        self._sections = _regions(given.get("regions") or {})
        self._states: dict[tuple[str, type[Any]], Any] = {}
        # What listings under way list, which is the business of paging.selected().
        self.listings: dict[str, list[Any]] = {}
        self._load_states()

    @classmethod
    def load(cls, source: Mapping[str, Any] | str | Path) -> Self:
        """Make a world from a mapping, a path, or the name of a file in worlds/ without .yml."""
        if isinstance(source, Mapping):
            return cls(source)
        path = find_world(source)
        try:
            with path.open(encoding="utf-8") as stream:
                description = yaml.safe_load(stream)
        except (OSError, yaml.YAMLError) as error:
            raise WorldError(f"cannot read {path}: {error}") from None
        return cls(description)

    @property
    def regions(self) -> list[str]:
        """The regions that the world names; there is always one."""
        return list(self._sections) or [DEFAULT_REGION]

    @property
    def default_identity(self) -> Identity:
        return next(iter(self.identities.values()))

    def switch(self, name: str) -> str:
        """Which of AWS's possible behaviours this world has."""
        return self.switches[name]

    def limit(self, name: str) -> int:
        return self._limits[name]

    def latency(self, operation: str) -> float:
        """Seconds to wait before an operation is answered."""
        return self._latency.get(operation, self._latency["default"]) / 1000

    def state(self, region: str, kind: type[T]) -> T:
        """The one instance of a state class for a region of the world."""
        if region not in self.regions:
            raise WorldError(f"the world has no region {region}")
        key = (region, kind)
        if key not in self._states:
            section = self._sections.get(region, {}).get(kind.SECTION)
            self._states[key] = self._read(kind, section, region)
        state: T = self._states[key]
        return state

    def _load_states(self) -> None:
        # Read everything at the start, so that a mistake in a world shows before a test runs.
        for region, sections in self._sections.items():
            for name in sections:
                self.state(region, registry.sections()[name])

    def _read(self, kind: type[T], section: Any, region: str) -> T:
        try:
            return kind.from_world(section, self, region)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            detail = f"{error}" if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
            raise WorldError(f"{region}.{kind.SECTION}: {detail}") from error


def find_world(source: str | Path) -> Path:
    named = WORLDS / f"{source}.yml"
    if named.is_file():
        return named
    path = Path(source)
    if path.is_file():
        return path
    names = ", ".join(sorted(item.stem for item in WORLDS.glob("*.yml")))
    raise WorldError(f"no world {source}: it is neither a file nor one of {names}")


def check_keys(given: Mapping[str, Any], known: set[str] | frozenset[str], what: str) -> None:
    """Refuse a key that nobody reads: it would be a mistake that passes in silence."""
    unknown = sorted(str(key) for key in set(given) - known)
    if unknown:
        raise WorldError(f"{what} has no {', '.join(unknown)}; it may have {', '.join(sorted(known))}")


def _mapping(value: Any, what: str, known: set[str] | None = None) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise WorldError(f"{what} must be a mapping, not {type(value).__name__}")
    if known is not None:
        check_keys(value, known, what)
    return value


def _list(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise WorldError(f"{what} must be a list, not {type(value).__name__}")
    return value


def _number(value: Any, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise WorldError(f"{what} must be a whole number, not {value!r}")
    return value


def _clock(value: Any) -> datetime.datetime:
    try:
        return point(value)
    except ValueError as error:
        raise WorldError(str(error)) from None


def _account(value: Any) -> str:
    text = str(value)
    if len(text) != 12 or not text.isdigit():
        raise WorldError(f"account_id must be 12 digits, in quotes: {value!r}")
    return text


def _switches(given: Any) -> dict[str, str]:
    known = registry.switches()
    chosen = {name: values[0] for name, values in known.items()}
    for name, value in _mapping(given, "switches", set(known)).items():
        # YAML 1.1 reads `no` and `off` as false, and a switch may well have such a value.
        if value not in known[name]:
            raise WorldError(f"switch {name} must be one of {', '.join(known[name])}, not {value!r}")
        chosen[name] = value
    return chosen


def _limits(given: Any) -> dict[str, int]:
    known = registry.limits()
    chosen = dict(known)
    for name, value in _mapping(given, "limits", set(known)).items():
        chosen[name] = _number(value, f"limit {name}")
    return chosen


def _operation_names() -> set[str]:
    return {name for _service, name in registry.operations()}


def _rates(given: Any) -> dict[str, dict[str, float]]:
    rates = {}
    for name, rate in _mapping(given, "throttle", _operation_names()).items():
        rate = _mapping(rate, f"throttle {name}", {"rate", "burst"})
        rates[name] = {"rate": float(rate["rate"]), "burst": float(rate.get("burst", rate["rate"]))}
    return rates


def _latency(given: Any) -> dict[str, float]:
    if isinstance(given, (int, float)):
        return {"default": float(given)}
    names = _operation_names() | {"default"}
    return {"default": 0.0, **{name: float(value) for name, value in _mapping(given, "latency_ms", names).items()}}


def _identities(given: Any, account_id: str) -> dict[str, Identity]:
    found = [_identity(item, account_id) for item in _list(given or [{}], "identities")]
    return {identity.access_key: identity for identity in found}


def _identity(item: Any, account_id: str) -> Identity:
    """One identity; what it does not say is made up, and its keys are never the same twice."""
    given = _mapping(item, "an identity", IDENTITY_KEYS)
    name = given.get("name", "operator")
    return Identity(
        access_key=given.get("access_key") or "AKIA" + "".join(secrets.choice(UPPER_BASE32) for unused in range(16)),
        secret_key=given.get("secret_key") or secrets.token_urlsafe(30),
        account_id=account_id,
        arn=given.get("arn") or f"arn:aws:iam::{account_id}:user/{name}",
        user_id=given.get("user_id") or "AIDAEXAMPLEUSER000000",
        session_token=given.get("session_token"),
        expired=bool(given.get("expired", False)),
    )


def _regions(given: Any) -> dict[str, Mapping[str, Any]]:
    known = set(registry.sections())
    return {
        str(region): _mapping(sections or {}, f"region {region}", known)
        for region, sections in _mapping(given, "regions").items()
    }
