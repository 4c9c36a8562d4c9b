# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which service answers which operation, and what the services let a world choose."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from . import model, paging
from .service import Handler, Section, Service
from .services import iam, sts
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
)


@functools.cache
def operations() -> dict[tuple[str, str], Handler]:
    """Return the handler of every operation that is served: ``{("ssm", "DescribeSessions"): ...}``.

    An operation that the installed botocore is too old to know is left out.
    """
    found = _merged(
        *({(service.name, name): each for name, each in service.operations.items()} for service in SERVICES)
    )
    unknown = {pair for pair in found if not model.has_operation(*pair)}
    invented = sorted(f"{service}:{name}" for service, name in unknown - set(model.SINCE_OPERATIONS))
    if invented:
        raise RuntimeError(f"AWS has no {', '.join(invented)}")
    return {pair: handler for pair, handler in found.items() if pair not in unknown}


@functools.cache
def switches() -> dict[str, tuple[str, ...]]:
    """Return every switch with its allowed values, the default first."""
    return _merged(*(service.switches for service in SERVICES))


@functools.cache
def limits() -> dict[str, int]:
    """Return every limit with its default."""
    return _merged(paging.LIMITS, *(service.limits for service in SERVICES))


@functools.cache
def sections() -> dict[str, Section]:
    """Return every section that a region of a world may have, by its name."""
    return _merged(*({service.section.name: service.section} for service in SERVICES if service.section is not None))


def _merged(*declared: Mapping[Any, Any]) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for each in declared:
        clash = sorted(map(str, set(found) & set(each)))
        if clash:
            raise RuntimeError(f"declared twice: {', '.join(clash)}")
        found.update(each)
    return found
