# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Which sessions are meant: filters of DescribeSessions, and those that are applied to its replies.

https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_SessionFilter.html
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping
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


def check_filters(client: api.Client, wanted: SessionFilter) -> None:
    """An ``SSMError`` if the installed botocore is older than a filter; no call is made."""
    known = client.meta.service_model.shape_for("SessionFilterKey").enum
    for key, release in _SINCE.items():
        option = conversion.snake(key)
        if getattr(wanted, option) is not None and key not in known:
            raise SSMError(f"{option} needs botocore {release} or newer, and the one that is installed is older.")


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


def _is_document(shown: Any, wanted: str) -> bool:
    """Whether two names, or ARNs, or one of each, are of the same document."""
    if not isinstance(shown, str):
        return False
    if shown.startswith("arn:") and wanted.startswith("arn:"):
        return shown == wanted
    return shown.rsplit("/", 1)[-1] == wanted.rsplit("/", 1)[-1]
