# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Whether Session Manager can reach a node now, for many nodes at once, and waiting until it can."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable, Sequence

from . import api
from .errors import SSMError
from .fanout import DEFAULT_WORKERS, Outcome, fan_out

CONNECTED = "connected"
NOT_CONNECTED = "notconnected"
UNKNOWN = "unknown"


@dataclasses.dataclass(frozen=True)
class Readiness:
    """One target's status: ``connected``, ``notconnected``, or ``unknown`` with the reason why.

    ``error`` is the failed call behind an unknown status, if there was one. ``settled`` is False for a target that
    was waited for in vain.
    """

    target: str
    status: str
    reason: str | None = None
    error: SSMError | None = None
    settled: bool = True

    def as_dict(self) -> dict[str, str]:
        """What users see."""
        shown = {"target": self.target, "status": self.status}
        return {**shown, "reason": self.reason} if self.reason else shown


def ask(client: api.Client, targets: Sequence[str], workers: int = DEFAULT_WORKERS) -> list[Readiness]:
    """The status of each target, in the order given; a call that failed makes that target's unknown."""
    outcomes = fan_out(lambda target: api.get_connection_status(client, target), targets, workers)
    return [_readiness(outcome) for outcome in outcomes]


def ask_one(client: api.Client, target: str) -> Readiness:
    """The status of one target; raises only what all other targets would meet too, such as expired credentials."""
    try:
        return _readiness(Outcome(target, api.get_connection_status(client, target)))
    except SSMError as error:
        if error.hopeless:
            raise
        return _readiness(Outcome(target, error=error))


def require_any(found: Sequence[Readiness]) -> None:
    """Raise the first error if every call failed: there is nothing to report, and nothing to wait for."""
    errors = [readiness.error for readiness in found if readiness.error]
    if errors and len(errors) == len(found):
        raise errors[0]


def wait(
    ask_for: Callable[[Sequence[str]], Iterable[Readiness]],
    targets: Sequence[str],
    wanted: str,
    *,
    timeout: float,
    delay: float,
    consecutive: int = 1,
) -> list[Readiness]:
    """Ask until each target has been ``wanted`` in ``consecutive`` answers in a row, or ``timeout`` seconds are over.

    Only targets that are not there yet are asked again, ``delay`` seconds after the last answer. Returns the last
    answer for each target, in the order given.
    """
    deadline = time.monotonic() + timeout
    latest: dict[str, Readiness] = {}
    streak = dict.fromkeys(targets, 0)
    pending = list(streak)
    while pending:
        for readiness in ask_for(pending):
            latest[readiness.target] = readiness
            streak[readiness.target] = streak[readiness.target] + 1 if readiness.status == wanted else 0
        pending = [target for target in pending if streak[target] < consecutive]
        if pending and time.monotonic() + delay > deadline:
            break
        if pending:
            time.sleep(delay)
    return [dataclasses.replace(latest[target], settled=streak[target] >= consecutive) for target in streak]


def _readiness(outcome: Outcome[str]) -> Readiness:
    if outcome.error:
        return Readiness(outcome.target, UNKNOWN, str(outcome.error), outcome.error)
    # The service spells them in lower case, older documentation and other clients do not.
    status = str(outcome.value).lower()
    if status in (CONNECTED, NOT_CONNECTED):
        return Readiness(outcome.target, status)
    return Readiness(outcome.target, UNKNOWN, f"AWS gave the status {outcome.value!r}.")
