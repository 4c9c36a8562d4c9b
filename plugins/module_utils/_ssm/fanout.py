# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Call one function for many targets in parallel."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar, cast

from .errors import SSMError

# The maximum of the option max_workers, and the size of every client's connection pool. A connection beyond that size
# is closed after one call.
MAX_WORKERS = 64
DEFAULT_WORKERS = 32

T = TypeVar("T")


def check_max_workers(given: int) -> None:
    """Raise ``SSMError`` if the value of the option max_workers is out of range."""
    if not 1 <= given <= MAX_WORKERS:
        raise SSMError(f"max_workers: {given} is out of range; expected 1 to {MAX_WORKERS}.")


@dataclasses.dataclass(frozen=True, slots=True)
class CallOutcome(Generic[T]):
    """The value or the error of one target's call.

    ``attempted`` is False if the call was not made: ``error`` then comes from another call, and this one would fail in
    the same way.
    """

    target: str
    value: T | None = None
    error: SSMError | None = None
    attempted: bool = True


def thread_count(targets: int, workers: int = DEFAULT_WORKERS) -> int:
    """Return how many threads to use for a number of ``targets``: at least 1, at most ``workers``.

    Each new thread opens a connection, which takes several round trips with TLS, so it should have several calls to
    make.
    """
    return max(1, min(workers, max(min(targets, 8), targets // 6)))


def fan_out_values(call: Callable[[str], T], targets: Sequence[str]) -> list[T]:
    """Call ``call`` with each target and return the values, in the order given. Raise the first error, if any."""
    outcomes = fan_out(call, targets)
    for outcome in outcomes:
        if outcome.error:
            raise outcome.error
    return [cast(T, outcome.value) for outcome in outcomes]


def fan_out(call: Callable[[str], T], targets: Sequence[str], workers: int = DEFAULT_WORKERS) -> list[CallOutcome[T]]:
    """Call ``call`` with each target and return one outcome per target, in the order given.

    An ``SSMError`` is kept with its target. If it would affect all other calls too (no credentials, no endpoint), it is
    raised instead, and the calls that have not begun are not made. Any other exception is raised.
    """
    outcomes = fan_out_keeping_errors(call, targets, workers)
    for outcome in outcomes:
        if outcome.error and outcome.error.affects_every_call:
            raise outcome.error
    return outcomes


def fan_out_keeping_errors(
    call: Callable[[str], T], targets: Sequence[str], workers: int = DEFAULT_WORKERS
) -> list[CallOutcome[T]]:
    """Do the same as ``fan_out``, but never raise an ``SSMError``.

    This is for calls that change something: the task must report what was done, whatever happens later. An error that
    would affect all other calls is kept too. It is also the error of each call that was not made because of it.
    """
    outcomes: dict[int, CallOutcome[T]] = {}
    affecting_all: list[SSMError] = []

    def attempt(index: int) -> None:
        target = targets[index]
        if affecting_all:
            outcomes[index] = CallOutcome(target, error=affecting_all[0], attempted=False)
            return
        try:
            outcomes[index] = CallOutcome(target, value=call(target))
        except SSMError as error:
            if error.affects_every_call:
                affecting_all.append(error)
            outcomes[index] = CallOutcome(target, error=error.without_traceback())

    _run_in_parallel(attempt, len(targets), thread_count(len(targets), workers))
    return [outcomes[index] for index in range(len(targets))]


def _run_in_parallel(work: Callable[[int], None], count: int, threads: int) -> None:
    """Call ``work`` with each number below ``count``. Each thread takes the next number when it is done: no queue."""
    indexes = iter(range(count))
    lock = threading.Lock()
    stop = threading.Event()

    def take_and_work() -> None:
        while not stop.is_set():
            with lock:
                index = next(indexes, None)
            if index is None:
                return
            try:
                work(index)
            except BaseException:
                stop.set()
                raise

    with ThreadPoolExecutor(max_workers=threads, thread_name_prefix="ssm") as pool:
        futures: list[Future[None]] = []
        try:
            with contextlib.suppress(RuntimeError):  # the system cannot start more threads
                for unused in range(threads):
                    futures.append(pool.submit(take_and_work))
            if not futures:
                take_and_work()
            for future in futures:
                future.result()
        except BaseException:  # also KeyboardInterrupt: no further call is made
            stop.set()
            raise
