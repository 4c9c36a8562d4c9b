# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Filter sessions: the filters of DescribeSessions, and those that are applied to its replies.

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
# The states in which AWS lists the sessions of each status. It does not document when a terminating session moves.
STATES_OF_STATUS = {
    "Connected": (ACTIVE,),
    "Connecting": (ACTIVE,),
    "Disconnected": (ACTIVE,),
    "Terminated": (HISTORY,),
    "Terminating": (ACTIVE, HISTORY),
    "Failed": (HISTORY,),
}
STATUSES = tuple(STATES_OF_STATUS)
# DescribeSessions accepts at most this many filters in one call.
_MAX_FILTERS = 6
# Filters that the oldest supported botocore lacks, and the release that added them.
_SINCE = {"AccessType": "1.39.0"}
# Time filters are sent wider by this margin: the times of sessions have fractions of a second and those of filters may
# have none. AWS also does not document whether a filter matches a session that started at exactly its time.
_MARGIN = datetime.timedelta(seconds=1)
# The API reference calls it "the default for Session Manager sessions". Older replies lack the member.
_DEFAULT_ACCESS = "Standard"

Session = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class SessionFilter:
    """The conditions that a session must meet. None means any.

    The names are those of DescribeSessions, except for the last two. All conditions are applied here. Those that the
    service supports are also sent, to keep its replies small. They save no calls, because the service cuts pages before
    it filters. Durations before now are not sent, because only the reply has the service's time.
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
        """Return the Filters of DescribeSessions, such as ``[{"key": "Owner", "value": "arn:..."}]``."""
        conditions = {
            "SessionId": self.session_id,
            "Target": self.target,
            # The service compares whole ARNs.
            "Owner": self.owner if self.owner and ":" in self.owner else None,
            "Status": self.status,
            "AccessType": self.access_type,
            "InvokedAfter": _widened(self.invoked_after, -_MARGIN),
            "InvokedBefore": _widened(self.invoked_before, _MARGIN),
        }
        return conversion.filter_list(conditions.items(), "key", "value")[:_MAX_FILTERS]

    def matches(self, session: Session, now: datetime.datetime) -> bool:
        """Return whether a session meets all conditions. ``now`` is the service's time."""
        wanted = {"SessionId": self.session_id, "Target": self.target, "Status": self.status}
        if any(value is not None and session.get(key) != value for key, value in wanted.items()):
            return False
        return self._matches_owner(session) and self._matches_kind(session) and self._matches_times(session, now)

    def _matches_owner(self, session: Session) -> bool:
        """Compare the owner. An ARN must be equal. A name must be the user or role session name that ends the ARN."""
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
        """Compare the start: at or after ``invoked_after``, before ``invoked_before`` and before ``older_than``.

        The API reference defines the bounds of its two filters in the same way.
        """
        if self.invoked_after is None and self.invoked_before is None and self.older_than is None:
            return True
        started = session.get("StartDate")
        if started is None:
            return False  # the start is not known
        if self.invoked_after is not None and started < option_time.resolve(self.invoked_after, now):
            return False
        limits = (self.invoked_before, self.older_than)
        return all(limit is None or started < option_time.resolve(limit, now) for limit in limits)


def check_filters(client: api.Client, wanted: SessionFilter) -> None:
    """Raise ``SSMError`` if the installed botocore lacks one of the wanted filters. No call is made."""
    known = client.meta.service_model.shape_for("SessionFilterKey").enum
    for key, release in _SINCE.items():
        option = conversion.snake(key)
        if getattr(wanted, option) is not None and key not in known:
            raise SSMError(f"{option} requires botocore {release} or newer; the installed version is older.")


def plain_owner(owner: str) -> str:
    """Return an ARN without ``arn:``, because some of AWS's examples show owners without it."""
    return owner.removeprefix("arn:")


def _widened(moment: option_time.Moment | None, margin: datetime.timedelta) -> str | None:
    """Return a time plus ``margin``, in whole seconds, as a filter has it.

    The result is None for a duration before now, which depends on the service's clock.
    """
    if not isinstance(moment, datetime.datetime):
        return None
    try:
        return conversion.iso8601((moment + margin).replace(microsecond=0))
    except OverflowError:
        return None  # at the end of the calendar, where no session is


def _is_document(shown: Any, wanted: str) -> bool:
    """Return whether two conditions, two ARNs, or a name and an ARN belong to the same document."""
    if not isinstance(shown, str):
        return False
    if shown.startswith("arn:") and wanted.startswith("arn:"):
        return shown == wanted
    return shown.rsplit("/", 1)[-1] == wanted.rsplit("/", 1)[-1]
