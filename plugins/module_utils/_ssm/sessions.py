# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Sessions: which there are, and the ending of some."""

from __future__ import annotations

import dataclasses
import datetime
import itertools
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from . import api, transform
from .errors import NOT_TERMINABLE, SSMError, tolerating
from .fanout import Outcome, fan_out, fan_out_all

ACTIVE = "Active"
HISTORY = "History"
STATUSES = ("Connected", "Connecting", "Disconnected", "Terminated", "Terminating", "Failed")
# A session that is in one of these has its end behind it, or is about to.
_ENDED = frozenset({"Terminated", "Terminating", "Failed"})

Session = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class SessionFilter:
    """Which sessions are meant; None means any. The names are those of DescribeSessions, but for the last two.

    ``document_name`` and ``older_than`` the service does not filter by, so they are applied here.
    """

    session_id: str | None = None
    target: str | None = None
    owner: str | None = None
    status: str | None = None
    access_type: str | None = None
    invoked_after: str | None = None
    invoked_before: str | None = None
    document_name: str | None = None
    older_than: datetime.timedelta | None = None

    def request(self) -> list[dict[str, Any]]:
        """The Filters of DescribeSessions."""
        names = {
            "SessionId": self.session_id,
            "Target": self.target,
            "Owner": self.owner,
            "Status": self.status,
            "AccessType": self.access_type,
            "InvokedAfter": self.invoked_after,
            "InvokedBefore": self.invoked_before,
        }
        return transform.filter_list(names.items(), "key", "value")

    def matches(self, session: Session, now: datetime.datetime) -> bool:
        """Whether a session is meant, as far as its own members tell. ``now`` is the service's time."""
        wanted = {
            "SessionId": self.session_id,
            "Target": self.target,
            "Owner": self.owner,
            "Status": self.status,
            "AccessType": self.access_type,
            "DocumentName": self.document_name,
        }
        if any(value is not None and session.get(key) != value for key, value in wanted.items()):
            return False
        if self.older_than is None:
            return True
        started = session.get("StartDate")
        return started is not None and now - started > self.older_than


@dataclasses.dataclass(frozen=True)
class Selection:
    """What a list of session ids came to: the sessions to end, the ids of ended ones, and those nobody knows."""

    running: list[Session]
    ended: list[str]
    unknown: list[str]


def find(
    client: api.Client, states: Iterable[str], wanted: SessionFilter, max_items: int | None = None
) -> list[Session]:
    """The sessions that ``wanted`` means, newest first; no page is asked for once there are ``max_items``."""
    found = itertools.chain.from_iterable(_matching(client, state, wanted) for state in states)
    # A session that ends between the two listings is in both: its later state counts.
    unique = {session["SessionId"]: session for session in itertools.islice(found, max_items)}
    return sorted(unique.values(), key=_newest_first)


def select(client: api.Client, session_ids: Sequence[str]) -> Selection:
    """Sort ``session_ids`` by what has become of each session: one listing, and a call per id that is not in it."""
    wanted = list(dict.fromkeys(session_ids))
    active = {session["SessionId"]: session for session in find(client, [ACTIVE], SessionFilter())}
    running = [active[entry] for entry in wanted if entry in active and may_be_ended(active[entry])]
    ending = [entry for entry in wanted if entry in active and not may_be_ended(active[entry])]
    absent = [session_id for session_id in wanted if session_id not in active]
    history = fan_out_all(lambda session_id: find(client, [HISTORY], SessionFilter(session_id=session_id)), absent)
    ended = [session_id for session_id, found in zip(absent, history, strict=True) if found]
    return Selection(running, ending + ended, [session_id for session_id in absent if session_id not in ended])


def may_be_ended(session: Session, excluded: Collection[str] = ()) -> bool:
    """Whether a session is one to end: neither excluded nor ending already."""
    return session["SessionId"] not in excluded and session.get("Status") not in _ENDED


def terminate(client: api.Client, session_ids: Sequence[str]) -> list[Outcome[bool]]:
    """End sessions side by side. An outcome's value is False for a session that had ended before it was its turn."""
    return fan_out(lambda session_id: _terminate(client, session_id), session_ids)


def wait_until_gone(client: api.Client, session_ids: Collection[str], timeout: float, delay: float) -> list[str]:
    """Wait until none of the sessions is active; the ids of those that still are after ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        active = find(client, [ACTIVE], SessionFilter())
        left = [s["SessionId"] for s in active if s["SessionId"] in session_ids and s.get("Status") != "Terminated"]
        if not left or time.monotonic() + delay > deadline:
            return left
        time.sleep(delay)


def _terminate(client: api.Client, session_id: str) -> bool:
    """End one session; False if it had ended already."""
    with tolerating(NOT_TERMINABLE):
        api.terminate_session(client, session_id)
        return True
    # The code says no more than that AWS would not; whether the session has ended, the list says.
    active = find(client, [ACTIVE], SessionFilter(session_id=session_id))
    if any(session.get("Status") not in _ENDED for session in active):
        raise SSMError(f"Could not terminate session {session_id}: it is still active, but AWS calls it not valid.")
    return False


def _matching(client: api.Client, state: str, wanted: SessionFilter) -> Iterator[Session]:
    for page in api.describe_sessions(client, state, wanted.request()):
        yield from (session for session in page.sessions if wanted.matches(session, page.served_at))


def _newest_first(session: Session) -> tuple[float, str]:
    started = session.get("StartDate")
    return (-started.timestamp() if started else 0.0, session["SessionId"])
