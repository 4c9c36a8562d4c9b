# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs the work of a module on the emulator, with the defaults of its options filled in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from emulator.testing import LocalAWS

Work = Callable[[Mapping[str, Any], Callable[[str], Any], bool], dict[str, Any]]


class Runner:
    """One module's work; call it with an emulator and options."""

    def __init__(self, argument_spec: dict[str, Any], work: Work) -> None:
        self._spec = argument_spec
        self._work = work

    def __call__(self, aws: LocalAWS, *, check_mode: bool = False, **options: Any) -> dict[str, Any]:
        return self._work(self.options(**options), aws.client, check_mode)

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
