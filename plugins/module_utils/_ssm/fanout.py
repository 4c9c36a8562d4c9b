# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""One call for many targets, side by side."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar, cast

from .errors import SSMError

# The widest that a user may ask for, and as wide as every client's connection pool: a connection over that is
# thrown away after one call.
MAX_WORKERS = 64
DEFAULT_WORKERS = 32

T = TypeVar("T")


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """What one target's call came to: a value, or the error that kept it from having one.

    ``attempted`` is False for a call that was not made, because ``error`` had come of another one and would of this.
    """

    target: str
    value: T | None = None
    error: SSMError | None = None
    attempted: bool = True


def width(targets: int, workers: int = DEFAULT_WORKERS) -> int:
    """How many threads ``targets`` calls are worth, ``workers`` at most.

    Each new thread costs a connection, over TLS several round trips, so it should have a handful of calls to make.
    """
    return max(1, min(workers, max(min(targets, 8), targets // 6)))


def fan_out_all(call: Callable[[str], T], targets: Sequence[str]) -> list[T]:
    """The value for each target, in the order given, where all are needed; the first error if there is one."""
    outcomes = fan_out(call, targets)
    for outcome in outcomes:
        if outcome.error:
            raise outcome.error
    return [cast(T, outcome.value) for outcome in outcomes]


def fan_out(call: Callable[[str], T], targets: Sequence[str], workers: int = DEFAULT_WORKERS) -> list[Outcome[T]]:
    """Call ``call`` with each target; one outcome per target, in the order given.

    An ``SSMError`` is kept with its target, unless it is one that all the other calls would meet too (no credentials,
    no endpoint): that one is raised, and calls not yet begun are not made. Any other exception is raised.
    """
    outcomes = fan_out_kept(call, targets, workers)
    for outcome in outcomes:
        if outcome.error and outcome.error.hopeless:
            raise outcome.error
    return outcomes


def fan_out_kept(call: Callable[[str], T], targets: Sequence[str], workers: int = DEFAULT_WORKERS) -> list[Outcome[T]]:
    """``fan_out`` for calls that change something, where what was done must be told whatever comes after.

    The error that all the other calls would meet too is kept like any other, and with each call not made for it.
    """
    outcomes: dict[int, Outcome[T]] = {}
    hopeless: list[SSMError] = []

    def attempt(place: int) -> None:
        target = targets[place]
        if hopeless:
            outcomes[place] = Outcome(target, error=hopeless[0], attempted=False)
            return
        try:
            outcomes[place] = Outcome(target, value=call(target))
        except SSMError as error:
            if error.hopeless:
                hopeless.append(error)
            outcomes[place] = Outcome(target, error=error.lean())

    _side_by_side(attempt, len(targets), width(len(targets), workers))
    return [outcomes[place] for place in range(len(targets))]


def _side_by_side(work: Callable[[int], None], count: int, threads: int) -> None:
    """Do ``work`` for each number below ``count``. A thread takes the next when it is done: there is no queue."""
    left = iter(range(count))
    taking = threading.Lock()
    stop = threading.Event()

    def take_and_work() -> None:
        while not stop.is_set():
            with taking:
                number = next(left, None)
            if number is None:
                return
            try:
                work(number)
            except BaseException:
                stop.set()
                raise

    with ThreadPoolExecutor(max_workers=threads, thread_name_prefix="ssm") as pool:
        working: list[Future[None]] = []
        try:
            with contextlib.suppress(RuntimeError):  # of a system that starts no more threads
                for unused in range(threads):
                    working.append(pool.submit(take_and_work))
            if not working:
                take_and_work()
            for thread in working:
                thread.result()
        except BaseException:  # an interrupt too: no call is begun after it
            stop.set()
            raise
