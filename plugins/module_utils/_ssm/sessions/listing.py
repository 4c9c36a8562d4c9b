# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""List active and ended sessions with DescribeSessions."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from .. import api, conversion
from ..errors import SSMError
from ..module import ClientFactory
from . import options
from .filters import Session, SessionFilter, check_filters
from .results import SessionInfoResult

# invoked_after may be this far ahead of AWS's time. More is a mistake, and not a clock that is a little fast.
_AHEAD = datetime.timedelta(days=1)


@dataclasses.dataclass(frozen=True)
class SessionList:
    """Sessions, and the time when the service began to list them."""

    sessions: list[Session]
    listed_at: datetime.datetime  # by the service's clock, in UTC


def run(params: Mapping[str, Any], client: ClientFactory, check_mode: bool) -> SessionInfoResult:
    """Do the work of ssm_session_info."""
    if params["max_items"] is not None and params["max_items"] < 1:
        raise SSMError(f"max_items: {params['max_items']} is out of range; expected at least 1.")
    wanted = options.session_filter(params)
    ssm = client("ssm")
    check_filters(ssm, wanted)
    found = find_sessions(ssm, options.STATES[params["state"]], wanted, params["max_items"])
    return {
        "changed": False,
        "sessions": [returned(session) for session in found.sessions],
        "listed_at": conversion.iso8601(found.listed_at),
    }


def find_sessions(
    client: api.Client, states: Iterable[str], wanted: SessionFilter, max_items: int | None = None
) -> SessionList:
    """Return the sessions that match ``wanted``, newest first. No page is requested after ``max_items`` sessions.

    ``Active`` must come before ``History``. A session that ends between the two listings is then in both, and its
    later state counts. In the other order it could be in neither.
    """
    limit = 1 if wanted.session_id else max_items
    found: dict[str, Session] = {}
    listed_at: datetime.datetime | None = None
    for state in states:
        for page in api.describe_sessions(client, state, wanted.request()):
            if listed_at is None:
                listed_at = page.served_at
                _check_not_ahead(wanted, listed_at)
            found |= {entry["SessionId"]: entry for entry in page.sessions if wanted.matches(entry, listed_at)}
            if limit and len(found) >= limit:
                return SessionList(sorted(list(found.values())[:limit], key=_newest_first), listed_at)
    return SessionList(sorted(found.values(), key=_newest_first), listed_at or datetime.datetime.now(datetime.UTC))


def find_by_id(client: api.Client, state: str, session_ids: Collection[str]) -> dict[str, Session]:
    """Return those sessions of ``session_ids`` that are in ``state``, by ID. The listing stops once all are found."""
    ids = set(session_ids)
    wanted = SessionFilter(session_id=next(iter(ids)) if len(ids) == 1 else None)
    found: dict[str, Session] = {}
    for page in api.describe_sessions(client, state, wanted.request()) if ids else ():
        found |= {session["SessionId"]: session for session in page.sessions if session["SessionId"] in ids}
        if len(found) == len(ids):
            break
    return found


def returned(session: Session) -> dict[str, Any]:
    """Return a session as tasks return it. An empty ``OutputUrl`` is left out: the API reserves that member."""
    return conversion.resource({key: value for key, value in session.items() if key != "OutputUrl" or value})


def _check_not_ahead(wanted: SessionFilter, now: datetime.datetime) -> None:
    after = wanted.invoked_after
    if isinstance(after, datetime.datetime) and after > now + _AHEAD:
        raise SSMError(
            f"invoked_after is {conversion.iso8601(after)}, which is in the future: AWS's clock shows "
            f"{conversion.iso8601(now)}. No session can match."
        )


def _newest_first(session: Session) -> tuple[float, str]:
    started = session.get("StartDate")
    return (-started.timestamp() if started else 0.0, session["SessionId"])
