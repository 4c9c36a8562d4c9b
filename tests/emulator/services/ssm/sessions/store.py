# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The sessions of a region, and those that a world describes."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import random
import string
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from ....world_values import entries, expand, mapping, string_map, time_or_age

if TYPE_CHECKING:
    from ....world import World

DEFAULT_DOCUMENT = "SSM-SessionManagerRunShell"
ENDED = frozenset({"Terminated", "Failed"})
# The statuses that change by themselves, with the ones that follow.
_NEXT = {"Connecting": "Connected", "Terminating": "Terminated"}
_STATUSES = ("Connected", "Connecting", "Disconnected", "Terminated", "Terminating", "Failed")
_DENIED = "AccessDeniedException"
_TOKEN_BYTES = 216
_ID_LETTERS = string.ascii_lowercase + string.digits


@dataclasses.dataclass
class Session:
    """One session. ``output_url`` has the members of OutputUrl, such as ``{"S3OutputUrl": "..."}``."""

    session_id: str
    target: str
    owner: str
    status: str
    started: datetime.datetime
    ended: datetime.datetime | None = None
    document_name: str | None = None
    reason: str | None = None
    details: str | None = None
    output_url: dict[str, str] = dataclasses.field(default_factory=dict)
    max_session_duration: str | None = None
    access_type: str | None = "Standard"
    parameters: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    # The number of listings for which a Connecting or Terminating session keeps its status.
    reads_left: int = 0
    # Whether TerminateSession returns AccessDeniedException.
    terminate_denied: bool = False
    # The token that opens the data channel. ResumeSession replaces it; TerminateSession removes it.
    token: str | None = None
    # Whether the gateway has channels for the session. Its status is then that of the channels.
    live: bool = False

    @property
    def has_ended(self) -> bool:
        """Whether the session is Terminated or Failed."""
        return self.status in ENDED

    def count_listing(self, now: datetime.datetime) -> None:
        """Count a new listing: a Connecting or Terminating session changes its status once no reads are left."""
        if self.live or self.status not in _NEXT:
            return
        if self.reads_left > 0:
            self.reads_left -= 1
            return
        self.status = _NEXT[self.status]
        if self.has_ended and self.ended is None:
            self.ended = now


class Channels(Protocol):
    """What the operations on sessions need of the message gateway, which has a session's channels.

    It sets the status of the sessions that it serves.
    """

    def is_open(self, region: str, target: str) -> bool:
        """Return whether the control channel of a node is open."""

    def begin(self, region: str, session: Session, content: Mapping[str, Any], run_as: str) -> None:
        """Start a session on its node.

        ``content`` is that of the session's document, ``{}`` if it has none. ``run_as`` is the user that the caller's
        tag SSMSessionRunAs names, or an empty string.
        """

    def terminate(self, session: Session) -> None:
        """Begin to end a session."""


@dataclasses.dataclass
class Sessions:
    """The sessions of one region. ``by_id`` has them in the order in which they were added."""

    region: str
    by_id: dict[str, Session] = dataclasses.field(default_factory=dict)

    def add(self, session: Session) -> None:
        """Add a session. Raises ``ValueError`` if its ID is taken."""
        if session.session_id in self.by_id:
            raise ValueError(f"session {session.session_id}: defined twice")
        self.by_id[session.session_id] = session

    def by_token(self, token: str) -> Session | None:
        """Return the session whose data channel a token opens, or None."""
        return next((session for session in self.by_id.values() if session.token == token), None)


def read_sessions(section: Any, world: World, region: str) -> Sessions:
    """Read the ``sessions`` of a region. Raises ``ValueError`` for a mistake in them."""
    sessions = Sessions(region)
    for item in entries(section, _KEYS, "session"):
        for number, given in enumerate(expand(item)):
            sessions.add(_read(given, world, number))
    return sessions


def new_id(owner: str, generator: random.Random) -> str:
    """Return a session ID of at most 96 characters, such as ``bob-gbghooq6a3u7ou3auziqq8rd4q``."""
    return f"{owner.rsplit('/', 1)[-1][:69]}-{''.join(generator.choices(_ID_LETTERS, k=26))}"


def new_token(generator: random.Random) -> str:
    """Return an opaque token for a data channel."""
    return base64.b64encode(generator.randbytes(_TOKEN_BYTES)).decode()


_KEYS = {
    "session_id",
    "target",
    "owner",
    "status",
    "started",
    "ended",
    "document_name",
    "reason",
    "details",
    "output_url",
    "max_session_duration",
    "access_type",
    "reads",
    "terminate",
    "generate",
}
_TEXTS = ("document_name", "reason", "details", "max_session_duration", "access_type")


def _read(item: Mapping[str, Any], world: World, number: int) -> Session:
    """Read one session. ``number`` counts the sessions that its entry generates, from 0."""
    status = item.get("status", "Connected")
    if status not in _STATUSES:
        raise ValueError(f"a session: unknown status {status!r}; allowed: {', '.join(_STATUSES)}")
    if item.get("terminate", _DENIED) != _DENIED:
        raise ValueError(f"terminate of a session must be {_DENIED}")
    owner = _owner(_text(item, "owner") or "operator", world.account_id)
    session = Session(
        session_id=_text(item, "session_id") or new_id(owner, world.random),
        target=_text(item, "target") or "",
        owner=owner,
        status=status,
        # Each generated session is one second older than the one before it.
        started=time_or_age(item.get("started", "1h"), world.now) - datetime.timedelta(seconds=number),
        ended=time_or_age(item["ended"], world.now) if "ended" in item else None,
        output_url=string_map(mapping(item.get("output_url", {}), "an output_url", _URLS), "output_url"),
        reads_left=int(item.get("reads", 0)),
        terminate_denied="terminate" in item,
    )
    for key in _TEXTS:
        if key in item:
            setattr(session, key, _text(item, key))
    _check_times(session, world.now)
    return session


_URLS = ("S3OutputUrl", "CloudWatchOutputUrl")


def _text(item: Mapping[str, Any], key: str) -> str | None:
    value = item.get(key)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{key} of a session must be a string: {value!r}")
    return value


def _owner(owner: str, account_id: str) -> str:
    """Return the owner as an ARN. A plain name is that of an IAM user of the account."""
    return owner if owner.startswith("arn:") else f"arn:aws:iam::{account_id}:user/{owner}"


def _check_times(session: Session, now: datetime.datetime) -> None:
    if not session.target:
        raise ValueError("a session must have a target")
    if session.has_ended and session.ended is None:
        session.ended = session.started
    if session.ended is not None and not session.has_ended:
        raise ValueError(f"session {session.session_id} has ended, but its status is {session.status}")
    if session.ended is not None and not session.started <= session.ended <= now:
        raise ValueError(f"session {session.session_id} ended before it started, or ends in the future")
