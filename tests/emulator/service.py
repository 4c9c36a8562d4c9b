# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a service and the server say to each other.

A service file defines ``OPERATIONS``, a dict from AWS operation name to a handler. A handler gets the
world and one call, whose parameters were already checked against botocore's model, and returns the
members of the operation's output shape (datetimes as aware ``datetime``), or raises ``APIError``. It
has to read every parameter, down to the last member: see ``reading.py``.
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
