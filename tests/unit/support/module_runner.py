# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs the work of a module on the emulator, with the defaults of its options filled in."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.sessionops.aws.plugins.module_utils._ssm.clients import Connection

from emulator.testing import LocalAWS

Work = Callable[[Mapping[str, Any], Callable[[str], Any], bool], dict[str, Any]]


class Runner:
    """One module's work; call it with an emulator and options."""

    def __init__(self, argument_spec: dict[str, Any], work: Work) -> None:
        self._spec = argument_spec
        self._work = work

    def __call__(self, aws: LocalAWS, *, check_mode: bool = False, **options: Any) -> dict[str, Any]:
        return self._work(self.options(**options), aws.client, check_mode)

    def with_client(self, client: Any, *, check_mode: bool = False, **options: Any) -> dict[str, Any]:
        """Run it with one client for every service."""
        return self._work(self.options(**options), lambda unused: client, check_mode)

    def options(self, **options: Any) -> dict[str, Any]:
        """All the module's options, those not given with their defaults."""
        return _filled(options, self._spec)


def _filled(given: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Any]:
    unknown = set(given) - set(spec)
    assert not unknown, f"no such options: {unknown}"
    return {name: _value(given.get(name, option.get("default")), option) for name, option in spec.items()}


def _value(value: Any, option: Mapping[str, Any]) -> Any:
    """The value of an option, with the defaults of its own options."""
    if "options" not in option or value is None:
        return value
    if isinstance(value, list):
        return [_filled(entry, option["options"]) for entry in value]
    return _filled(value, option["options"])


def connection(aws: LocalAWS) -> Connection:
    """A connection as the modules make it, which reads replies as they do."""
    who = aws.world.default_identity
    return _connection(aws.url, who.access_key, who.secret_key, who.session_token)


@functools.lru_cache(maxsize=4)  # each reads the models of the services anew
def _connection(url: str, access_key: str, secret_key: str, token: str | None) -> Connection:
    keys = {"aws_access_key_id": access_key, "aws_secret_access_key": secret_key, "aws_session_token": token}
    return Connection(url, keys)
