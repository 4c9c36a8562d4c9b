# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Call one function for many targets in several regions, while more targets are still being found."""

from __future__ import annotations

import collections
import threading
from collections.abc import Callable, Hashable, Iterable, Sequence
from types import TracebackType
from typing import Generic, Self, TypeVar

from .fanout import thread_count

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class RegionPool(Generic[K, T]):
    """A queue of targets for each region, and one bounded pool of threads for all queues.

    A target is any hashable value that identifies one call. ``results`` has the return value of ``call`` for each
    target.

    A service limits the rate of calls in each region, and a client waits inside the call until the rate allows it. So
    each region has a share of the threads: threads that wait for one region must leave some for the others. A region
    that is done leaves its share to those that are not.

    This is a context manager. Its exit waits until every queue is closed and empty. An error that ``call`` raises stops
    the pool, and the exit raises it.
    """

    def __init__(self, call: Callable[[str, K], T], regions: Sequence[str], workers: int) -> None:
        self.results: dict[K, T] = {}
        self._call = call
        self._workers = workers
        self._queues: dict[str, collections.deque[K]] = {region: collections.deque() for region in regions}
        self._running = dict.fromkeys(regions, 0)
        self._open = set(regions)
        self._unfinished = list(regions)
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._targets = 0
        self._error: BaseException | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, unused_trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._stop(error)
        for thread in self._threads:
            thread.join()
        if error is None and self._error is not None:
            raise self._error

    @property
    def stopped(self) -> bool:
        """True if an error has stopped the pool."""
        return self._error is not None

    def put(self, region: str, targets: Iterable[K]) -> None:
        """Add targets to the queue of a region, which must be open."""
        with self._changed:
            before = len(self._queues[region])
            self._queues[region].extend(targets)
            self._targets += len(self._queues[region]) - before
            for unused in range(len(self._threads), thread_count(self._targets, self._workers) if self._targets else 0):
                thread = threading.Thread(target=self._work, name=f"ssm-{region}", daemon=True)
                try:
                    thread.start()
                except RuntimeError:  # the system cannot start more threads
                    if not self._threads:
                        raise
                    break
                self._threads.append(thread)
            self._changed.notify_all()

    def close(self, region: str, *, drop: bool = False) -> None:
        """Close the queue of a region: no more targets will come. With ``drop``, also remove the targets in it."""
        with self._changed:
            self._open.discard(region)
            if drop:
                self._queues[region].clear()
            self._finish(region)
            self._changed.notify_all()

    def _work(self) -> None:
        """Make calls until there are none left. Each thread runs this."""
        while (taken := self._take()) is not None:
            region, target = taken
            try:
                result = self._call(region, target)
            except BaseException as error:  # __exit__ raises it
                self._stop(error)
                return
            with self._changed:
                self.results[target] = result
                self._running[region] -= 1
                self._finish(region)

    def _take(self) -> tuple[str, K] | None:
        """Wait for the next target and return it with its region; None if no more will come."""
        with self._changed:
            while self._error is None and self._unfinished:
                share = max(1, -(-self._workers // len(self._unfinished)))
                for region in self._unfinished:
                    if self._queues[region] and self._running[region] < share:
                        self._unfinished.remove(region)
                        self._unfinished.append(region)  # so that the next turn is another region's
                        self._running[region] += 1
                        return region, self._queues[region].popleft()
                self._changed.wait()
            return None

    def _finish(self, region: str) -> None:
        if region in self._unfinished and not (region in self._open or self._queues[region] or self._running[region]):
            self._unfinished.remove(region)
            self._changed.notify_all()

    def _stop(self, error: BaseException) -> None:
        with self._changed:
            self._error = self._error or error
            self._changed.notify_all()
