# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Waiting until many targets have a status, with an account kept of each."""

from __future__ import annotations

import dataclasses
import random
import time
from collections.abc import Callable, Iterable, Sequence

from ..errors import SSMError
from ..option_text import counted
from .connection_status import NOT_CONNECTED, Readiness

# A change of policy takes seconds to be in force everywhere, so that one refusal says little. After this many seconds
# of nothing else, only a person can help.
DENIED_FOR = 60.0
# How much longer or shorter than asked for a pause is: controllers that were started together must not stay together.
JITTER = 0.25


@dataclasses.dataclass(frozen=True)
class Wait:
    """What is waited for: every target ``wanted`` in ``consecutive`` answers in a row; times are in seconds."""

    wanted: str
    timeout: float
    delay: float
    consecutive: int = 1

    @property
    def named(self) -> str:
        """The status that is waited for, in words."""
        return "disconnected" if self.wanted == NOT_CONNECTED else self.wanted

    @property
    def often(self) -> str:
        """How many answers in a row it takes, in words, with a blank in front; nothing for a single one."""
        return f" {self.consecutive} times in a row" if self.consecutive > 1 else ""


@dataclasses.dataclass(frozen=True)
class Waited:
    """The last answer for each target in the order given, those not there in the end, and whether it was given up."""

    statuses: list[Readiness]
    late: list[str]
    seconds: float
    refused: bool = False


@dataclasses.dataclass(frozen=True)
class Clock:
    """Time, and how it is spent; tests have their own."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    spread: Callable[[float, float], float] = random.uniform


class Account:
    """What is known of each target."""

    def __init__(self, targets: Sequence[str], wait: Wait) -> None:
        self.targets = list(dict.fromkeys(targets))
        self._wait = wait
        self._latest: dict[str, Readiness] = {}
        self._streak = dict.fromkeys(self.targets, 0)

    @property
    def pending(self) -> list[str]:
        """The targets that are not there yet."""
        return [target for target in self.targets if self._streak[target] < self._wait.consecutive]

    @property
    def statuses(self) -> list[Readiness]:
        """The last answer for each target that was asked for, in the order given."""
        return [self._latest[target] for target in self.targets if target in self._latest]

    def summary(self) -> str:
        """The beginning of a sentence on the targets that are pending.

        One that has the status, and had it too seldom so far, is not said to lack it.
        """
        total = counted(len(self.targets), "target")
        are = "is" if len(self.targets) == 1 else "are"
        pending = self.pending
        away = sum(self._streak[target] == 0 for target in pending)
        seldom = len(pending) - away
        parts = [f"{away:,} of {total} {are} not {self._wait.named} yet"] if away else []
        if seldom:
            which = f"{seldom:,}" if away else f"{seldom:,} of {total}"
            only = "is" if (seldom == 1 if away else len(self.targets) == 1) else "are"
            parts.append(f"{which} {only} {self._wait.named}, but not yet{self._wait.often}")
        return ", ".join(parts)

    def note(self, answers: Iterable[Readiness]) -> None:
        """Count an answer that is wanted, and start again after any other, an unknown one too."""
        for answer in answers:
            self._latest[answer.target] = answer
            self._streak[answer.target] = self._streak[answer.target] + 1 if answer.status == self._wait.wanted else 0

    def only_denied(self) -> bool:
        """Whether the last answer for each pending target was that the caller may not ask."""
        latest = [self._latest[target] for target in self.pending]
        return all(answer.error is not None and answer.error.denied for answer in latest)


def wait(
    ask: Callable[[Sequence[str]], Iterable[Readiness]],
    targets: Sequence[str],
    wanted: Wait,
    clock: Clock | None = None,
    pausing: Callable[[Account, float], None] = lambda account, left: None,
) -> Waited:
    """Ask until each target is there, or the time is over. Only those that are not there yet are asked again.

    The last look is at the deadline, however long the pauses are; looks that have begun are finished. ``pausing`` is
    called before each pause with the account and the seconds left.
    """
    clock = clock or Clock()
    account = Account(targets, wanted)
    started = clock.now()
    deadline = started + wanted.timeout
    denied_since: float | None = None
    while True:
        begun = clock.now()
        account.note(_asked(ask, account, wanted))
        if not account.pending:
            break
        denied_since = (begun if denied_since is None else denied_since) if account.only_denied() else None
        refused = denied_since is not None and clock.now() - denied_since >= DENIED_FOR
        if begun >= deadline or refused:
            return Waited(account.statuses, account.pending, clock.now() - started, refused)
        left = max(0.0, deadline - clock.now())
        pausing(account, left)
        clock.sleep(min(left, wanted.delay * clock.spread(1 - JITTER, 1 + JITTER)))
    return Waited(account.statuses, [], clock.now() - started)


def _asked(ask: Callable[[Sequence[str]], Iterable[Readiness]], account: Account, wanted: Wait) -> Iterable[Readiness]:
    """The answers for those that are pending; an error that ends it all says how far it had come."""
    pending = account.pending
    try:
        return ask(pending)
    except SSMError as error:
        there = len(account.targets) - len(pending)
        were = "was" if len(account.targets) == 1 else "were"
        total = counted(len(account.targets), "target")
        sentence = f"{error} Until then {there:,} of {total} {were} {wanted.named}{wanted.often}."
        raise SSMError(sentence, error.exception) from error
