# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run the work of a module on the emulator, with the defaults of its options."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, NotRequired, get_origin, get_type_hints

from ansible_collections.sessionops.aws.plugins.module_utils._ssm.clients import Connection
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.module import ModuleResult

from emulator.testing import LocalAWS

Work = Callable[..., ModuleResult]


class Runner:
    """The work of one module. Call it with an emulator and options."""

    def __init__(self, argument_spec: dict[str, Any], work: Work) -> None:
        self._spec = argument_spec
        self._work = work

    def __call__(self, aws: LocalAWS, *, check_mode: bool = False, **options: Any) -> dict[str, Any]:
        return self.run(self.options(**options), aws.client, check_mode)

    def with_client(self, client: Any, *, check_mode: bool = False, **options: Any) -> dict[str, Any]:
        """Run it with the same client for every service."""
        return self.run(self.options(**options), lambda unused: client, check_mode)

    def run(self, *arguments: Any, **more: Any) -> dict[str, Any]:
        """Run the work, and check that the result has all required members of its type and no unknown ones."""
        result = dict(self._work(*arguments, **more))
        assert required_members(self.result_type) <= set(result) <= set(self.result_type.__annotations__)
        return result

    @functools.cached_property
    def result_type(self) -> Any:
        """Return the TypedDict of the module's result."""
        return get_type_hints(self._work)["return"]

    def options(self, **options: Any) -> dict[str, Any]:
        """Return all options of the module, with the defaults of those that are not given."""
        return _filled(options, self._spec)


@functools.cache
def required_members(typed: Any) -> frozenset[str]:
    """Return the members of a TypedDict that are not ``NotRequired``. ``__required_keys__`` cannot read annotations."""
    hints = get_type_hints(typed, include_extras=True)
    return frozenset(name for name, hint in hints.items() if get_origin(hint) is not NotRequired)


def _filled(given: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Any]:
    unknown = set(given) - set(spec)
    assert not unknown, f"no such options: {unknown}"
    return {name: _value(given.get(name, option.get("default")), option) for name, option in spec.items()}


def _value(value: Any, option: Mapping[str, Any]) -> Any:
    """Return the value of an option, with the defaults of its suboptions."""
    if "options" not in option or value is None:
        return value
    if isinstance(value, list):
        return [_filled(entry, option["options"]) for entry in value]
    return _filled(value, option["options"])


def connection(aws: LocalAWS) -> Connection:
    """Return a connection as the modules make it, which checks replies in the same way."""
    who = aws.world.default_identity
    return _connection(aws.url, who.access_key, who.secret_key, who.session_token)


@functools.lru_cache(maxsize=4)  # each connection reads the service models
def _connection(url: str, access_key: str, secret_key: str, token: str | None) -> Connection:
    keys = {"aws_access_key_id": access_key, "aws_secret_access_key": secret_key, "aws_session_token": token}
    return Connection(url, keys)
