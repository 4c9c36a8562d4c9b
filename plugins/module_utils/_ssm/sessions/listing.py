# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Sessions: which there are."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from .. import api, conversion, option_time
from ..errors import SSMError

ACTIVE = "Active"
HISTORY = "History"
# The statuses of sessions, and the states that AWS lists them in. It does not say when one that is ending moves.
STATES_OF_STATUS = {
    "Connected": (ACTIVE,),
    "Connecting": (ACTIVE,),
    "Disconnected": (ACTIVE,),
    "Terminated": (HISTORY,),
    "Terminating": (ACTIVE, HISTORY),
    "Failed": (HISTORY,),
}
STATUSES = tuple(STATES_OF_STATUS)
# DescribeSessions accepts no more of them in one call.
_MOST_FILTERS = 6
# Filters that came later than the oldest botocore that we support: which release has them.
_SINCE = {"AccessType": "1.39.0"}
# A time filter is sent that much wider: the times of sessions have fractions of a second and those of filters need
# not, and AWS does not say in so many words what becomes of a session that started at that very time.
_MARGIN = datetime.timedelta(seconds=1)
# How far after AWS's time a start may be asked for: further, it is a slip, and not a clock that is a little ahead.
_AHEAD = datetime.timedelta(days=1)
# "The default for Session Manager sessions", says the API reference; older replies lack the member.
_DEFAULT_ACCESS = "Standard"

Session = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class SessionFilter:
    """Which sessions are meant; None means any. The names are those of DescribeSessions, but for the last two.

    All of them are applied here. Those that the service has are sent besides, to keep its replies small: it cuts
    pages before it filters, so that they spare no call. Durations before now are not sent, as only the reply tells
    what time it is there.
    """

    session_id: str | None = None
    target: str | None = None
    owner: str | None = None
    status: str | None = None
    access_type: str | None = None
    invoked_after: option_time.Moment | None = None
    invoked_before: option_time.Moment | None = None
    document_name: str | None = None
    older_than: datetime.timedelta | None = None

    def request(self) -> list[dict[str, Any]]:
        """The Filters of DescribeSessions."""
        names = {
            "SessionId": self.session_id,
            "Target": self.target,
            # The service compares whole ARNs.
            "Owner": self.owner if self.owner and ":" in self.owner else None,
            "Status": self.status,
            "AccessType": self.access_type,
            "InvokedAfter": _wider(self.invoked_after, -_MARGIN),
            "InvokedBefore": _wider(self.invoked_before, _MARGIN),
        }
        return conversion.filter_list(names.items(), "key", "value")[:_MOST_FILTERS]

    def matches(self, session: Session, now: datetime.datetime) -> bool:
        """Whether a session is meant, as far as its own members tell. ``now`` is the service's time."""
        wanted = {"SessionId": self.session_id, "Target": self.target, "Status": self.status}
        if any(value is not None and session.get(key) != value for key, value in wanted.items()):
            return False
        return self._matches_owner(session) and self._matches_kind(session) and self._matches_times(session, now)

    def _matches_owner(self, session: Session) -> bool:
        """An ARN must be the same; a name is that of the user or of the role's session, which an ARN ends with."""
        shown = session.get("Owner")
        if self.owner is None or not isinstance(shown, str):
            return self.owner is None
        if ":" in self.owner:
            return plain_owner(shown) == plain_owner(self.owner)
        return shown == self.owner or shown.endswith((f"/{self.owner}", f":{self.owner}"))

    def _matches_kind(self, session: Session) -> bool:
        if self.access_type is not None and session.get("AccessType", _DEFAULT_ACCESS) != self.access_type:
            return False
        return self.document_name is None or _is_document(session.get("DocumentName"), self.document_name)

    def _matches_times(self, session: Session, now: datetime.datetime) -> bool:
        """From ``invoked_after`` on, and before the two others, as the API reference has it for the service's two."""
        if self.invoked_after is None and self.invoked_before is None and self.older_than is None:
            return True
        started = session.get("StartDate")
        if started is None:
            return False  # nobody knows when
        if self.invoked_after is not None and started < option_time.resolve(self.invoked_after, now):
            return False
        limits = (self.invoked_before, self.older_than)
        return all(limit is None or started < option_time.resolve(limit, now) for limit in limits)


@dataclasses.dataclass(frozen=True)
class Listing:
    """Sessions, and when the service began to list them, by its own clock."""

    sessions: list[Session]
    listed_at: datetime.datetime


def check_filters(client: api.Client, wanted: SessionFilter) -> None:
    """An ``SSMError`` if the installed botocore is older than a filter; no call is made."""
    known = client.meta.service_model.shape_for("SessionFilterKey").enum
    for key, release in _SINCE.items():
        option = conversion.snake(key)
        if getattr(wanted, option) is not None and key not in known:
            raise SSMError(f"{option} needs botocore {release} or newer, and the one that is installed is older.")


def find(client: api.Client, states: Iterable[str], wanted: SessionFilter, max_items: int | None = None) -> Listing:
    """The sessions that ``wanted`` means, newest first; no page is asked for once there are ``max_items``.

    ``Active`` must come before ``History``: a session that ends between the two listings is then in both, and its
    later state counts. The other way round it would be in none.
    """
    most = 1 if wanted.session_id else max_items
    found: dict[str, Session] = {}
    listed_at: datetime.datetime | None = None
    for state in states:
        for page in api.describe_sessions(client, state, wanted.request()):
            if listed_at is None:
                listed_at = page.served_at
                _check_not_ahead(wanted, listed_at)
            matching = {s["SessionId"]: s for s in page.sessions if wanted.matches(s, listed_at)}
            found |= matching
            if most and len(found) >= most:
                return Listing(sorted(list(found.values())[:most], key=_newest_first), listed_at)
    return Listing(sorted(found.values(), key=_newest_first), listed_at or datetime.datetime.now(datetime.UTC))


def find_by_id(client: api.Client, state: str, session_ids: Collection[str]) -> dict[str, Session]:
    """Those of the sessions that are in ``state``, by id. One listing, which stops once all are found."""
    ids = set(session_ids)
    wanted = SessionFilter(session_id=next(iter(ids)) if len(ids) == 1 else None)
    found: dict[str, Session] = {}
    for page in api.describe_sessions(client, state, wanted.request()) if ids else ():
        found |= {session["SessionId"]: session for session in page.sessions if session["SessionId"] in ids}
        if len(found) == len(ids):
            break
    return found


def returned(session: Session) -> dict[str, Any]:
    """A session as tasks return it, without an ``OutputUrl`` that has nothing in it: the API reserves that."""
    return conversion.resource({key: value for key, value in session.items() if key != "OutputUrl" or value})


def plain_owner(owner: str) -> str:
    """An ARN without ``arn:``, as AWS's own examples show some owners."""
    return owner.removeprefix("arn:")


def _wider(moment: option_time.Moment | None, margin: datetime.timedelta) -> str | None:
    """A time for the service, in whole seconds; None for one that only the service's clock can tell."""
    if not isinstance(moment, datetime.datetime):
        return None
    try:
        return conversion.iso8601((moment + margin).replace(microsecond=0))
    except OverflowError:
        return None  # at the end of the calendar, where there is nothing to keep apart


def _check_not_ahead(wanted: SessionFilter, now: datetime.datetime) -> None:
    after = wanted.invoked_after
    if isinstance(after, datetime.datetime) and after > now + _AHEAD:
        raise SSMError(
            f"invoked_after is {conversion.iso8601(after)}, and by AWS's clock it is only {conversion.iso8601(now)}: "
            "no session can have been started since then."
        )


def _is_document(shown: Any, wanted: str) -> bool:
    """Whether two names, or ARNs, or one of each, are of the same document."""
    if not isinstance(shown, str):
        return False
    if shown.startswith("arn:") and wanted.startswith("arn:"):
        return shown == wanted
    return shown.rsplit("/", 1)[-1] == wanted.rsplit("/", 1)[-1]


def _newest_first(session: Session) -> tuple[float, str]:
    started = session.get("StartDate")
    return (-started.timestamp() if started else 0.0, session["SessionId"])
