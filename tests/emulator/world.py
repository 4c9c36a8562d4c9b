# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The world that the endpoint serves: its resources, the identities that may sign, and how AWS behaves in it."""

from __future__ import annotations

import datetime
import random
import secrets
import string
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

import yaml

from . import clock, registry
from .faults import Faults, Throttle
from .service import Identity
from .world_values import WorldError, list_of, mapping, number

if TYPE_CHECKING:
    from .services.ssm.sessions.store import Channels

WORLDS = Path(__file__).parent / "worlds"
DEFAULT_REGION = "us-east-1"
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
IDENTITY_KEYS = {"name", "arn", "user_id", "access_key", "secret_key", "session_token", "expired", "run_as"}
UPPER_BASE32 = string.ascii_uppercase + "234567"


T = TypeVar("T")


class World:
    """One account, in the regions that its description names.

    ``description`` is the mapping that a file in worlds/ contains. Raises ``WorldError`` if it is invalid.
    """

    def __init__(self, description: Mapping[str, Any] | None = None) -> None:
        given = mapping(description or {}, "the world", KEYS)
        self.clock = clock.read_clock(given.get("clock", clock.DEFAULT))
        self.account_id = _account(given.get("account_id", DEFAULT_ACCOUNT))
        # The token of the control routes: it allows reading the journal and changing the world while it is served.
        self.token = secrets.token_urlsafe(30)
        self.seed: int = number(given.get("seed", 1), "seed")
        self.random = random.Random(self.seed)
        self.switches = _switches(given.get("switches") or {})
        self._limits = _limits(given.get("limits") or {})
        self.throttle = Throttle(_rates(given.get("throttle") or {}))
        self._latency = _latency(given.get("latency_ms", 0))
        self.roles = frozenset(map(str, list_of(given.get("roles"), "roles")))
        self.identities = _identities(given.get("identities"), self.account_id)
        try:
            self.faults = Faults(list_of(given.get("faults"), "faults"), _operation_names())
        except ValueError as error:
            raise WorldError(str(error)) from None
        self._sections = _regions(given.get("regions") or {})
        self._states: dict[tuple[str, type[Any]], Any] = {}
        # Where data channels are served, such as ws://127.0.0.1:40000; empty while nothing serves them.
        self.channels = ""
        # The gateway, while one runs.
        self.gateway: Channels | None = None
        # The items of listings whose pages are still being read; used by paging.items_of_listing() only.
        self.listings: dict[str, list[Any]] = {}
        self._load_states()

    @classmethod
    def load(cls, source: Mapping[str, Any] | str | Path) -> Self:
        """Create a world from a mapping, a path, or the name of a file in worlds/ without .yml.

        Raises ``WorldError`` if the file cannot be read or the description is invalid.
        """
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
    def now(self) -> datetime.datetime:
        """The current time of the world's clock, in UTC."""
        return self.clock.now()

    @property
    def regions(self) -> list[str]:
        """The regions that the world names, or ``["us-east-1"]`` if it names none."""
        return list(self._sections) or [DEFAULT_REGION]

    @property
    def default_identity(self) -> Identity:
        return next(iter(self.identities.values()))

    def switch(self, name: str) -> str:
        """Return the value of a switch: the one of AWS's possible behaviours that this world has."""
        return self.switches[name]

    def limit(self, name: str) -> int:
        return self._limits[name]

    def latency(self, operation: str) -> float:
        """Return the latency of an operation in seconds."""
        return self._latency.get(operation, self._latency["default"]) / 1000

    @property
    def has_latency(self) -> bool:
        """True if any operation has a latency."""
        return any(self._latency.values())

    def state(self, region: str, kind: type[T]) -> T:
        """Return the state of a section for a region, such as ``Nodes``. There is one instance for each region."""
        if region not in self.regions:
            raise WorldError(f"region {region} is not in the world")
        key = (region, kind)
        if key not in self._states:
            self._states[key] = self._read(kind, region)
        state: T = self._states[key]
        return state

    def _load_states(self) -> None:
        # Read every section now, so that a mistake in a world is reported before a test runs.
        for region, sections in self._sections.items():
            for name in sections:
                self.state(region, registry.sections()[name].state)

    def _read(self, kind: type[Any], region: str) -> Any:
        section = next(section for section in registry.sections().values() if section.state is kind)
        try:
            return section.read(self._sections.get(region, {}).get(section.name), self, region)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            detail = f"{error}" if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
            raise WorldError(f"{region}.{section.name}: {detail}") from error


def find_world(source: str | Path) -> Path:
    named = WORLDS / f"{source}.yml"
    if named.is_file():
        return named
    path = Path(source)
    if path.is_file():
        return path
    names = ", ".join(sorted(item.stem for item in WORLDS.glob("*.yml")))
    raise WorldError(f"no world {source}: it is neither a file nor one of {names}")


def _account(value: Any) -> str:
    text = str(value)
    if len(text) != 12 or not text.isdigit():
        raise WorldError(f"account_id must be 12 digits, in quotes: {value!r}")
    return text


def _switches(given: Any) -> dict[str, str]:
    known = registry.switches()
    chosen = {name: values[0] for name, values in known.items()}
    for name, value in mapping(given, "switches", set(known)).items():
        # YAML 1.1 reads `no` and `off` as false, so the value may be no string.
        if value not in known[name]:
            raise WorldError(f"switch {name} must be one of {', '.join(known[name])}, not {value!r}")
        chosen[name] = value
    return chosen


def _limits(given: Any) -> dict[str, int]:
    known = registry.limits()
    chosen = dict(known)
    for name, value in mapping(given, "limits", set(known)).items():
        chosen[name] = number(value, f"limit {name}")
    return chosen


def _operation_names() -> set[str]:
    return {name for _service, name in registry.declared()}


def _rates(given: Any) -> dict[str, dict[str, float]]:
    rates = {}
    for name, rate in mapping(given, "throttle", _operation_names()).items():
        rate = mapping(rate, f"throttle {name}", {"rate", "burst"})
        rates[name] = {"rate": float(rate["rate"]), "burst": float(rate.get("burst", rate["rate"]))}
    return rates


def _latency(given: Any) -> dict[str, float]:
    if isinstance(given, (int, float)):
        return {"default": float(given)}
    names = _operation_names() | {"default"}
    return {"default": 0.0, **{name: float(value) for name, value in mapping(given, "latency_ms", names).items()}}


def _identities(given: Any, account_id: str) -> dict[str, Identity]:
    found = [_identity(item, account_id) for item in list_of(given or [{}], "identities")]
    return {identity.access_key: identity for identity in found}


def _identity(item: Any, account_id: str) -> Identity:
    """Read one identity. Missing values get defaults; missing keys are random, so they differ in every run."""
    given = mapping(item, "an identity", IDENTITY_KEYS)
    name = given.get("name", "operator")
    return Identity(
        access_key=given.get("access_key") or "AKIA" + "".join(secrets.choice(UPPER_BASE32) for unused in range(16)),
        secret_key=given.get("secret_key") or secrets.token_urlsafe(30),
        account_id=account_id,
        arn=given.get("arn") or f"arn:aws:iam::{account_id}:user/{name}",
        user_id=given.get("user_id") or "AIDAEXAMPLEUSER000000",
        session_token=given.get("session_token"),
        expired=bool(given.get("expired", False)),
        run_as=str(given.get("run_as", "")),
    )


def _regions(given: Any) -> dict[str, Mapping[str, Any]]:
    known = set(registry.sections())
    return {
        str(region): mapping(sections or {}, f"region {region}", known)
        for region, sections in mapping(given, "regions").items()
    }
