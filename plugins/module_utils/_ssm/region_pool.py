# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""One call for each of many targets in several regions, begun while more targets are still being found."""

from __future__ import annotations

import collections
import threading
from collections.abc import Callable, Hashable, Iterable, Sequence
from types import TracebackType
from typing import Generic, Self, TypeVar

from .fanout import width

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class Lanes(Generic[K, T]):
    """A lane of targets for each region, and one bounded pool of threads that serves them all.

    A target is whatever tells one call from another; ``results`` has what each came to.

    A service limits the rate of calls region by region, and a client waits for that rate inside the call. So no lane
    may have more threads than its share: threads that wait for one region must leave some to the others. A lane that
    is done leaves its share to those that are not.

    A context manager, whose end waits until every lane is closed and empty. An error that ``call`` raises stops the
    pool, and is raised at the end.
    """

    def __init__(self, call: Callable[[str, K], T], names: Sequence[str], workers: int) -> None:
        self.results: dict[K, T] = {}
        self._call = call
        self._workers = workers
        self._waiting: dict[str, collections.deque[K]] = {name: collections.deque() for name in names}
        self._busy = dict.fromkeys(names, 0)
        self._open = set(names)
        self._unfinished = list(names)
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._targets = 0
        self._error: BaseException | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._stop(error)
        for thread in self._threads:
            thread.join()
        if error is None and self._error is not None:
            raise self._error

    @property
    def stopped(self) -> bool:
        """Whether an error has made all further work pointless."""
        return self._error is not None

    def put(self, name: str, targets: Iterable[K]) -> None:
        """Add targets to a lane that is open."""
        with self._changed:
            before = len(self._waiting[name])
            self._waiting[name].extend(targets)
            self._targets += len(self._waiting[name]) - before
            for unused in range(len(self._threads), width(self._targets, self._workers) if self._targets else 0):
                thread = threading.Thread(target=self._work, name=f"ssm-{name}", daemon=True)
                try:
                    thread.start()
                except RuntimeError:  # of a system that starts no more threads
                    if not self._threads:
                        raise
                    break
                self._threads.append(thread)
            self._changed.notify_all()

    def close(self, name: str, *, drop: bool = False) -> None:
        """Say that no more targets will come for a lane; with ``drop``, that those which wait need no call either."""
        with self._changed:
            self._open.discard(name)
            if drop:
                self._waiting[name].clear()
            self._finish(name)
            self._changed.notify_all()

    def _work(self) -> None:
        """Make calls until there is nothing left to do: the life of one thread."""
        while (taken := self._take()) is not None:
            name, target = taken
            try:
                result = self._call(name, target)
            except BaseException as error:  # raised at the end
                self._stop(error)
                return
            with self._changed:
                self.results[target] = result
                self._busy[name] -= 1
                self._finish(name)

    def _take(self) -> tuple[str, K] | None:
        """The next target whose turn it is; waits for one, and is None when none will come."""
        with self._changed:
            while self._error is None and self._unfinished:
                share = max(1, -(-self._workers // len(self._unfinished)))
                for name in self._unfinished:
                    if self._waiting[name] and self._busy[name] < share:
                        self._unfinished.remove(name)
                        self._unfinished.append(name)  # the others first, next time
                        self._busy[name] += 1
                        return name, self._waiting[name].popleft()
                self._changed.wait()
            return None

    def _finish(self, name: str) -> None:
        if name in self._unfinished and not (name in self._open or self._waiting[name] or self._busy[name]):
            self._unfinished.remove(name)
            self._changed.notify_all()

    def _stop(self, error: BaseException) -> None:
        with self._changed:
            self._error = self._error or error
            self._changed.notify_all()
