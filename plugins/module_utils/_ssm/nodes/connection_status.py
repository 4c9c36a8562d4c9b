# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Whether Session Manager can reach a node now, for many nodes at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import cast

from .. import api
from ..errors import SSMError
from ..fanout import DEFAULT_WORKERS, fan_out

CONNECTED = "connected"
NOT_CONNECTED = "notconnected"
UNKNOWN = "unknown"


@dataclasses.dataclass(frozen=True, slots=True)
class Readiness:
    """One target's status: ``connected``, ``notconnected``, or ``unknown`` with the reason why.

    ``error`` is the failed call behind an unknown status, if there was one.
    """

    target: str
    status: str
    reason: str | None = None
    error: SSMError | None = None

    def as_dict(self) -> dict[str, str]:
        """What users see."""
        shown = {"target": self.target, "status": self.status}
        return {**shown, "reason": self.reason} if self.reason else shown


def ask(
    client: api.Client,
    targets: Sequence[str],
    workers: int = DEFAULT_WORKERS,
    heard: Callable[[Readiness], None] = lambda answer: None,
) -> list[Readiness]:
    """The status of each target, in the order given; ``heard`` is told of each answer by the thread that got it."""

    def ask_and_tell(target: str) -> Readiness:
        answer = ask_one(client, target)
        heard(answer)
        return answer

    return [cast(Readiness, outcome.value) for outcome in fan_out(ask_and_tell, targets, workers)]


def ask_one(client: api.Client, target: str) -> Readiness:
    """The status of one target; raises only what all other targets would meet too, such as expired credentials."""
    try:
        given = api.get_connection_status(client, target)
    except SSMError as error:
        if error.hopeless:
            raise
        return Readiness(target, UNKNOWN, str(error), error.lean())
    # The service spells them in lower case, older documentation and other clients do not.
    status = given.lower()
    if status in (CONNECTED, NOT_CONNECTED):
        return Readiness(target, status)
    # A new status of AWS is good to know of. ``api`` lets nothing pass but a word, so that no reply is shown here.
    return Readiness(target, UNKNOWN, f"AWS returned the status {given}, which this version does not know.")


def require_any(found: Sequence[Readiness]) -> None:
    """Raise the first error if every call failed: there is nothing to report."""
    errors = [readiness.error for readiness in found if readiness.error]
    if errors and len(errors) == len(found):
        raise errors[0]
