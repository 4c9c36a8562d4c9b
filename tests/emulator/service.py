# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The interface between a service and the server.

Each service declares a ``Service``: its operations, each with a handler, and the switches, limits and section that a
world may set for it. A handler gets the world and one call, whose parameters were checked against botocore's model. It
returns the members of the operation's output shape (times as aware ``datetime``) or raises ``APIError``. It must read
every member of the parameters, at any depth: see ``reading.py``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .world import World


@dataclasses.dataclass(frozen=True)
class Identity:
    """Someone who can sign requests: an IAM user or an assumed role."""

    access_key: str
    secret_key: str
    account_id: str
    arn: str
    user_id: str
    session_token: str | None = None
    expired: bool = False
    # The tag SSMSessionRunAs: the user of the identity's sessions, if their document has runAsEnabled.
    run_as: str = ""


@dataclasses.dataclass(frozen=True)
class Call:
    """One verified, validated request."""

    service: str
    operation: str
    params: Mapping[str, Any]
    identity: Identity
    region: str


class APIError(Exception):
    """An error that AWS would return; ``status`` is the HTTP status."""

    def __init__(self, code: str, message: str = "", status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


class NoSuchHostError(Exception):
    """A call to a host name that AWS does not have, so there is no reply."""


class ViolationError(AssertionError):
    """A reply that AWS could not have sent, or a request that the emulator cannot answer as AWS does."""


Handler = Callable[["World", Call], dict[str, Any]]


def without_none(**members: Any) -> dict[str, Any]:
    """Return the members whose value is not None. AWS leaves out the others."""
    return {name: value for name, value in members.items() if value is not None}


@dataclasses.dataclass(frozen=True)
class Section:
    """A key that a region of a world may have, and the state that a service makes of it.

    ``read`` gets the description (None if the region lacks the section), the world and the region. It returns the one
    instance of ``state`` for the region, or raises a ``ValueError`` that says what is wrong with the description.
    """

    name: str  # the key, such as "nodes"
    state: type[Any]
    read: Callable[[Any, World, str], Any]


@dataclasses.dataclass(frozen=True)
class Service:
    """The declaration of one package or module of ``services``."""

    name: str  # botocore's name; several declarations may have the same
    operations: Mapping[str, Handler]  # {"DescribeSessions": describe_sessions}
    # The allowed values, the default first: {"session_order": ("newest", "oldest")}.
    switches: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    # The defaults: {"session_page": 50}.
    limits: Mapping[str, int] = dataclasses.field(default_factory=dict)
    section: Section | None = None
