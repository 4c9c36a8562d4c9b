# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Get the connection status of many targets with GetConnectionStatus: can Session Manager reach them now?"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import cast

from .. import api
from ..errors import SSMError
from ..fanout import DEFAULT_WORKERS, fan_out
from .results import TargetStatus

CONNECTED = "connected"
NOT_CONNECTED = "notconnected"
UNKNOWN = "unknown"


@dataclasses.dataclass(frozen=True, slots=True)
class Readiness:
    """One target's status: ``connected``, ``notconnected``, or ``unknown`` with a reason.

    ``error`` is the error of the failed call, if that is why the status is unknown.
    """

    target: str
    status: str
    reason: str | None = None
    error: SSMError | None = None

    def as_dict(self) -> TargetStatus:
        """Return what users see: ``{"target": "i-...", "status": "connected"}``, with ``reason`` if there is one."""
        shown: TargetStatus = {"target": self.target, "status": self.status}
        if self.reason:
            shown["reason"] = self.reason
        return shown


def get_statuses(
    client: api.Client,
    targets: Sequence[str],
    workers: int = DEFAULT_WORKERS,
    on_result: Callable[[Readiness], None] = lambda result: None,
) -> list[Readiness]:
    """Return the status of each target, in the order given. Raise only errors that would affect every target.

    ``on_result`` is called with each result, in the thread that made the call.
    """

    def ask_and_report(target: str) -> Readiness:
        result = get_status(client, target)
        on_result(result)
        return result

    return [cast(Readiness, outcome.value) for outcome in fan_out(ask_and_report, targets, workers)]


def get_status(client: api.Client, target: str) -> Readiness:
    """Return the status of one target. Raise only what would affect every target, such as expired credentials."""
    try:
        returned = api.get_connection_status(client, target)
    except SSMError as error:
        if error.affects_every_call:
            raise
        return Readiness(target, UNKNOWN, str(error), error.without_traceback())
    # The service returns lower case, but older documentation and other clients have upper case, too.
    status = returned.lower()
    if status in (CONNECTED, NOT_CONNECTED):
        return Readiness(target, status)
    # Users should see a new status of AWS. ``api`` accepts only a single word, so this never shows a whole reply.
    return Readiness(
        target, UNKNOWN, f"AWS returned the status {returned}, which this version of sessionops.aws does not know."
    )


def require_any(found: Sequence[Readiness]) -> None:
    """Raise the first error if every call failed, because then there is nothing to report."""
    errors = [readiness.error for readiness in found if readiness.error]
    if errors and len(errors) == len(found):
        raise errors[0]
