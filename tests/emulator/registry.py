# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which service answers which operation, and what the services let a world choose."""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any

from . import model, paging
from .service import Handler
from .services import documents, ec2, iam, nodes, sessions, sts, tags

MODULES: tuple[tuple[str, ModuleType], ...] = (
    ("ssm", documents),
    ("ssm", nodes),
    ("ssm", sessions),
    ("ssm", tags),
    ("ec2", ec2),
    ("sts", sts),
    ("iam", iam),
)


@functools.cache
def operations() -> dict[tuple[str, str], Handler]:
    """Every operation that is served; each has one handler and stands in AWS's model."""
    found: dict[tuple[str, str], Handler] = {}
    for service, module in MODULES:
        for name, handler in module.OPERATIONS.items():
            if (service, name) in found:
                raise RuntimeError(f"two modules serve {service}:{name}")
            if model.has_operation(service, name):
                found[service, name] = handler
            elif (service, name) not in model.SINCE_OPERATIONS:
                raise RuntimeError(f"AWS has no {service}:{name}")
    return found


@functools.cache
def switches() -> dict[str, tuple[str, ...]]:
    """Every switch with its allowed values, the default first."""
    return _merge("SWITCHES")


@functools.cache
def limits() -> dict[str, int]:
    """Every limit with its default."""
    return {**paging.LIMITS, **_merge("LIMITS")}


@functools.cache
def sections() -> dict[str, type[Any]]:
    """Every section that a region of a world may have, with the class that reads it."""
    found: dict[str, type[Any]] = {}
    for _service, module in MODULES:
        for value in vars(module).values():
            if isinstance(value, type) and isinstance(getattr(value, "SECTION", None), str):
                name = value.__dict__.get("SECTION")
                if name is not None:
                    found[name] = value
    return found


def _merge(attribute: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for _service, module in MODULES:
        declared: dict[str, Any] = getattr(module, attribute, {})
        clash = sorted(set(found) & set(declared))
        if clash:
            raise RuntimeError(f"declared twice: {', '.join(clash)}")
        found.update(declared)
    return found
