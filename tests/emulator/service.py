# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The interface between a service and the server.

A service declares a ``Service``: its operations, each with a handler, and what a world may choose and describe of it.
A handler gets the world and one call, whose parameters were checked against botocore's model. It returns the members
of the operation's output shape (times as aware ``datetime``) or raises ``APIError``. It must read every parameter,
down to the last member: see ``reading.py``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .world import World


@dataclasses.dataclass(frozen=True)
class Identity:
    """Who signed a request."""

    access_key: str
    secret_key: str
    account_id: str
    arn: str
    user_id: str
    session_token: str | None = None
    expired: bool = False


@dataclasses.dataclass(frozen=True)
class Call:
    """One verified, validated request."""

    service: str
    operation: str
    params: Mapping[str, Any]
    identity: Identity
    region: str


class APIError(Exception):
    """An error that AWS would answer with."""

    def __init__(self, code: str, message: str = "", status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


class NoSuchHostError(Exception):
    """A host that AWS does not have: nobody answers."""


class ViolationError(AssertionError):
    """Something that AWS could not have answered, or that the emulator cannot answer as AWS does."""


Handler = Callable[["World", Call], dict[str, Any]]


@dataclasses.dataclass(frozen=True)
class Section:
    """A part of a region of a world, and what a service keeps of it.

    ``read`` gets the description (None where a region lacks the section), the world and the region. It returns the
    one instance of ``state`` for the region, or raises a ``ValueError`` that says what is wrong with the description.
    """

    name: str  # the key in a region of a world
    state: type[Any]
    read: Callable[[Any, World, str], Any]


@dataclasses.dataclass(frozen=True)
class Service:
    """The declaration of one package or module of ``services``."""

    name: str  # as botocore calls it; several declarations may share it
    operations: Mapping[str, Handler]  # {"DescribeSessions": describe_sessions}
    switches: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)  # the default value first
    limits: Mapping[str, int] = dataclasses.field(default_factory=dict)  # with their defaults
    section: Section | None = None
