# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""All services together: their operations, switches, limits and sections."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from . import model, paging
from .service import Handler, Section, Service
from .services import iam, kms, sts
from .services.ec2 import operations as ec2
from .services.ssm.documents import operations as documents
from .services.ssm.nodes import operations as nodes
from .services.ssm.sessions import operations as sessions
from .services.ssm.tags import operations as tags

SERVICES: tuple[Service, ...] = (
    documents.SERVICE,
    nodes.SERVICE,
    sessions.SERVICE,
    tags.SERVICE,
    ec2.SERVICE,
    sts.SERVICE,
    iam.SERVICE,
    kms.SERVICE,
)


@functools.cache
def declared() -> dict[tuple[str, str], Handler]:
    """Return the handler of every operation that the services declare: ``{("ssm", "DescribeSessions"): ...}``."""
    return _merged(*({(each.name, name): handler for name, handler in each.operations.items()} for each in SERVICES))


def handler(service: str, operation: str) -> Handler | None:
    """Return the handler of an operation, or None if it is not served or the installed botocore is too old for it."""
    found = declared().get((service, operation))
    if found is None or model.has_operation(service, operation):
        return found
    if (service, operation) not in model.SINCE_OPERATIONS:
        raise RuntimeError(f"botocore does not know the operation {service}:{operation}")
    return None


def operations() -> list[tuple[str, str]]:
    """Return every operation that is served: ``[("ssm", "DescribeSessions"), ...]``.

    This is slow the first time, because it loads the models of all services.
    """
    return [pair for pair in declared() if handler(*pair) is not None]


@functools.cache
def switches() -> dict[str, tuple[str, ...]]:
    """Return every switch with its allowed values, the default first: ``{"session_order": ("newest", "oldest")}``."""
    return _merged(*(service.switches for service in SERVICES))


@functools.cache
def limits() -> dict[str, int]:
    """Return every limit with its default: ``{"session_page": 50}``."""
    return _merged(paging.LIMITS, *(service.limits for service in SERVICES))


@functools.cache
def sections() -> dict[str, Section]:
    """Return every section that a region of a world may have, by its name: ``{"nodes": Section(...)}``."""
    return _merged(*({service.section.name: service.section} for service in SERVICES if service.section is not None))


def _merged(*declared: Mapping[Any, Any]) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for each in declared:
        clash = sorted(map(str, set(found) & set(each)))
        if clash:
            raise RuntimeError(f"declared twice: {', '.join(clash)}")
        found.update(each)
    return found
