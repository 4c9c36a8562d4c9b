# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Poll many targets until each has the wanted status."""

from __future__ import annotations

import dataclasses
import random
import time
from collections.abc import Callable, Iterable, Sequence

from ..errors import SSMError
from ..option_text import counted
from .connection_status import Readiness

# A changed policy needs some seconds to take effect everywhere, so a single denial means little. After this many
# seconds of nothing but denials, only a person can help.
DENIED_FOR = 60.0
# A pause is up to this fraction longer or shorter than ``delay``, so that controllers that start together do not stay
# in step.
JITTER = 0.25


@dataclasses.dataclass(frozen=True)
class Wait:
    """What to wait for: each target must have the status ``wanted`` in ``consecutive`` polls in a row."""

    wanted: str
    timeout: float  # seconds
    delay: float  # seconds between two polls
    consecutive: int = 1

    @property
    def often(self) -> str:
        """The number of polls in words, such as `` 3 times in a row``; an empty text for 1."""
        return f" {self.consecutive} times in a row" if self.consecutive > 1 else ""


@dataclasses.dataclass(frozen=True)
class WaitResult:
    """The result of a wait."""

    statuses: list[Readiness]  # the last result for each target, in the order given
    late: list[str]  # targets that did not reach the wanted status
    seconds: float  # how long the wait took
    refused: bool = False  # aborted: IAM denied all calls for ``DENIED_FOR`` seconds


@dataclasses.dataclass(frozen=True)
class Clock:
    """Clock, sleep and jitter; replaced in tests."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    spread: Callable[[float, float], float] = random.uniform  # a random number between two bounds


class Tally:
    """The last result of each target, and how many wanted results in a row it has had."""

    def __init__(self, targets: Sequence[str], wait: Wait) -> None:
        self.targets = list(dict.fromkeys(targets))
        self._wait = wait
        self._latest: dict[str, Readiness] = {}
        self._streak = dict.fromkeys(self.targets, 0)

    @property
    def pending(self) -> list[str]:
        """The targets that have not yet had enough wanted results in a row."""
        return [target for target in self.targets if self._streak[target] < self._wait.consecutive]

    @property
    def statuses(self) -> list[Readiness]:
        """The last result of each target that was polled, in the order given."""
        return [self._latest[target] for target in self.targets if target in self._latest]

    def summary(self) -> str:
        """Return what is waited for in words, such as ``Waiting for 1 of 2 targets to have the status connected``.

        How many of them have the status, but not yet often enough in a row, is added.
        """
        pending = self.pending
        which = f"{len(pending):,} of {counted(len(self.targets), 'target')}"
        summary = f"Waiting for {which} to have the status {self._wait.wanted}{self._wait.often}"
        begun = sum(self._streak[target] > 0 for target in pending)
        if not begun:
            return summary
        return f"{summary} ({begun:,} {'has' if begun == 1 else 'have'} it, but not yet often enough)"

    def note(self, results: Iterable[Readiness]) -> None:
        """Count the wanted results of each target. Any other result, even an unknown one, resets the count to 0."""
        for result in results:
            self._latest[result.target] = result
            self._streak[result.target] = self._streak[result.target] + 1 if result.status == self._wait.wanted else 0

    def only_denied(self) -> bool:
        """Return whether IAM denied the last call for each pending target."""
        latest = [self._latest[target] for target in self.pending]
        return all(result.error is not None and result.error.denied for result in latest)


def wait(
    poll: Callable[[Sequence[str]], Iterable[Readiness]],
    targets: Sequence[str],
    wanted: Wait,
    clock: Clock | None = None,
    on_pause: Callable[[Tally, float], None] = lambda tally, remaining: None,
) -> WaitResult:
    """Poll until each target has the wanted status or the timeout is over. Only pending targets are polled again.

    The last poll begins at the deadline, however long the pauses are, and a poll that has begun is finished.
    ``on_pause`` is called before each pause with the tally and the seconds until the deadline.
    """
    clock = clock or Clock()
    tally = Tally(targets, wanted)
    started = clock.now()
    deadline = started + wanted.timeout
    denied_since: float | None = None
    while True:
        begun = clock.now()
        tally.note(_polled(poll, tally, wanted))
        if not tally.pending:
            break
        denied_since = (begun if denied_since is None else denied_since) if tally.only_denied() else None
        refused = denied_since is not None and clock.now() - denied_since >= DENIED_FOR
        if begun >= deadline or refused:
            return WaitResult(tally.statuses, tally.pending, clock.now() - started, refused)
        remaining = max(0.0, deadline - clock.now())
        on_pause(tally, remaining)
        clock.sleep(min(remaining, wanted.delay * clock.spread(1 - JITTER, 1 + JITTER)))
    return WaitResult(tally.statuses, [], clock.now() - started)


def _polled(poll: Callable[[Sequence[str]], Iterable[Readiness]], tally: Tally, wanted: Wait) -> Iterable[Readiness]:
    """Poll the pending targets. An error that aborts the wait is extended with how many targets had been reached."""
    pending = tally.pending
    try:
        return poll(pending)
    except SSMError as error:
        reached = len(tally.targets) - len(pending)
        total = counted(len(tally.targets), "target")
        sentence = f"{error} Before this error, {reached:,} of {total} had the status {wanted.wanted}{wanted.often}."
        raise SSMError(sentence, error.exception) from error
