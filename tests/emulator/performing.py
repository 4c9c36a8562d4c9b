# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Perform one call, and check its parameters and its result; used by ``engine.py`` and ``direct.py``.

Over HTTP there are more steps in between (parsing the body, the rate limit, faults), so the steps of ``perform()`` are
functions of their own.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from . import breaches, model, reading, registry, wire
from .service import APIError, Call, NoSuchHostError, ViolationError

if TYPE_CHECKING:
    from .world import World

# The services whose host names contain the region.
REGIONAL = ("ssm", "ec2", "sts", "kms")
# The region that requests to STS's global endpoint are signed for.
GLOBAL = {"sts": "us-east-1"}


def perform(world: World, call: Call) -> dict[str, Any]:
    """Perform one call, whose parameters are JSON values, and return the members of its result.

    Raises ``APIError`` for an error that AWS would return, ``NoSuchHostError`` for a host name that AWS does not have,
    and ``ViolationError`` for a reply that AWS could not have sent or a request that the emulator cannot answer.
    """
    check_host(world, call.service, call.operation, call.region)
    shape = model.operation_model(call.service, call.operation).input_shape
    call = dataclasses.replace(call, params=wire.read_members(shape, dict(call.params)))
    model.check_input(call.service, call.operation, call.params)
    return handle(world, call)


def check_host(world: World, service: str, operation: str, region: str) -> None:
    """Raise ``ViolationError`` if the operation is not emulated, ``NoSuchHostError`` if the world lacks the region."""
    if registry.handler(service, operation) is None:
        raise ViolationError(f"{service}:{operation} is not emulated")
    if service in REGIONAL and region not in (*world.regions, GLOBAL.get(service)):
        raise NoSuchHostError(f"{service}.{region}.amazonaws.com")


def handle(world: World, call: Call) -> dict[str, Any]:
    """Run the handler of a call whose parameters were checked, and check what it read and what it returned."""
    operation = call.operation
    shape = model.operation_model(call.service, operation).input_shape
    params = reading.recording(shape, call.params)
    handler = registry.handler(call.service, operation)
    assert handler is not None, "check_host() comes first"
    try:
        result = handler(world, dataclasses.replace(call, params=params))
    except APIError as error:
        if model.error_is_known(call.service, operation, error.code):
            raise
        raise ViolationError(f"{operation} cannot answer {error.code}") from error
    except NotImplementedError as error:
        raise ViolationError(f"{operation}: {error} is not emulated") from error
    dropped = reading.unread(params)
    if dropped:
        raise ViolationError(f"the emulator does not read {', '.join(dropped)} of {operation}")
    wrong = breaches.output_breaches(call.service, operation, result)
    if wrong:
        raise ViolationError("; ".join(wrong))
    return result
