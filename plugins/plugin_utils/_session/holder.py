# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""The process that holds the sessions of all hosts, from task to task.

A worker of Ansible lives for one task, and a session takes more than a second to open, so another process must hold it.
There is one for each user and controller. It accepts the connections of workers, and hands each to the thread of the
session that it asks for. It ends with the controller, or once it holds no session any more, if it may outlive it.
"""

from __future__ import annotations

import collections
import contextlib
import selectors
import socket
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from . import wire
from .caller import DOES_NOT_UNDERSTAND, Caller
from .controller import Controller
from .errors import SessionError
from .folder import is_own
from .kept import Kept, Opening
from .words import FAILED

OTHER_VERSION = (
    "The process that holds the sessions belongs to another version of sessionops.aws. End the process whose command "
    "line contains 'sessionops.aws: sessions of Ansible', and run Ansible again."
)
_MAY_BE_OPEN = "Sessions that may still be open, because they could not be ended in time"
_EARLIER = "To end them earlier, use sessionops.aws.ssm_session_terminate."
_AT_ONCE = 20  # sessions that are started at the same time, and that are ended at the same time
_END_SECONDS = 60.0  # for the end of all sessions
_LOOK = 1.0  # seconds from one look at the controller to the next, where the system does not tell its end
_ACCEPT_PAUSE = 0.1
# Descriptors. Half of all are for sessions, and half for workers and for threads that have no session yet.
_OF_A_SESSION, _OF_A_THREAD = 2, 4
_MOST_UNTOLD = 50


class Holder:
    """Holds sessions until it is told to stop, or ``controller`` has ended."""

    def __init__(
        self,
        listener: socket.socket,
        opening_of: Callable[[Mapping[str, Any]], Opening],
        controller: Controller | None = None,
        *,
        descriptors: int,
        leave: Callable[[], None] = lambda: None,
    ) -> None:
        """Serve a socket that listens.

        ``opening_of`` makes an ``Opening`` of the settings that a worker sends, and raises ``SessionError``. Without a
        controller, the holder ends once it has had no session for a while. ``descriptors`` is how many it can have for
        sessions and workers. ``leave`` is called before it stops listening, so that nobody finds it any more.
        """
        self.room = threading.Semaphore(max(1, descriptors // 2 // (_OF_A_SESSION + _OF_A_THREAD)))
        # At least two, because one that waits must not hold up all others.
        self._most_waiting = max(2 * (_OF_A_THREAD + 1), descriptors // 2)
        # A start can hang for as long as a node does. Sessions must be ended all the same.
        self.starts, self.ends = threading.Semaphore(_AT_ONCE), threading.Semaphore(_AT_ONCE)
        self.untold: collections.deque[str] = collections.deque(maxlen=_MOST_UNTOLD)
        self._listener = listener
        self._listener.setblocking(False)
        self._opening_of = opening_of
        self._controller = controller
        self._lock = threading.Lock()  # of the next two
        self._sessions: dict[str, Kept] = {}
        self._threads: set[Kept] = set()
        self._new: set[Caller] = set()  # that have not said yet what they want
        self._accepted: set[Caller] = set()
        self._stop_callers: list[Caller] = []
        self._stopping = False
        self._empty_since = time.monotonic()
        self._leave = leave
        self._woken, self._waker = socket.socketpair()
        self._waker.setblocking(False)
        self._selector = selectors.DefaultSelector()
        for one in (self._woken, self._listener):
            self._selector.register(one, selectors.EVENT_READ)
        if controller is not None and controller.descriptor is not None:
            self._selector.register(controller.descriptor, selectors.EVENT_READ)

    # --- what the sessions share ---

    def make_room(self) -> None:
        """Ask the session that was unused for longest to end, because another waits for ``room``."""
        with self._lock:
            idle = [kept for kept in self._threads if kept.can_leave]
        if idle:
            min(idle, key=lambda kept: kept.used_at).leave()

    def has_left(self, kept: Kept) -> bool:
        """Forget a session that has nothing left to do. Return False if it was given a caller in the meantime."""
        with self._lock:
            if not kept.is_idle:
                return False
            self._forget(kept)
            return True

    def replace(self, kept: Kept) -> None:
        """Give no more callers to a session."""
        with self._lock:
            self._forget(kept)

    def _forget(self, kept: Kept) -> None:
        if self._sessions.get(kept.key) is kept:
            del self._sessions[kept.key]

    # --- the main thread ---

    def stop(self) -> None:
        """Begin to end. Can be called in any thread, and by a signal."""
        self._stopping = True
        with contextlib.suppress(OSError):
            self._waker.send(b"x")

    def run(self, linger: float = 10.0) -> None:
        """Serve until the end, and end all sessions. Without a controller, ``linger`` seconds with none are the end."""
        try:
            while not self._is_over(linger):
                for key, unused in self._selector.select(_LOOK):
                    if key.fileobj is self._listener:
                        self._accept()
                    elif isinstance(key.fileobj, Caller):
                        self._read(key.fileobj)
        finally:
            self._end()

    def _is_over(self, linger: float) -> bool:
        if self._stopping:
            return True
        if self._controller is not None:
            try:
                return self._controller.has_ended()
            except OSError:  # there are no more descriptors to look with
                return False
        self._forget_ended_threads()
        if self._threads or self._new:
            self._empty_since = time.monotonic()
        return time.monotonic() - self._empty_since > linger

    def _accept(self) -> None:
        """Take a connection, unless there are too many. It waits until there are less."""
        self._accepted = {caller for caller in self._accepted if not caller.has_gone}
        self._forget_ended_threads()
        waiting = sum(not kept.has_session for kept in self._threads)
        if len(self._accepted) + _OF_A_THREAD * waiting > self._most_waiting:
            time.sleep(_ACCEPT_PAUSE)
            return
        try:
            connection, unused = self._listener.accept()
        except BlockingIOError:
            return
        except OSError:  # no descriptor is left
            time.sleep(_ACCEPT_PAUSE)
            return
        if not is_own(connection):
            connection.close()
            return
        caller = Caller(connection)
        self._new.add(caller)
        self._accepted.add(caller)
        self._selector.register(caller, selectors.EVENT_READ)

    def _read(self, caller: Caller) -> None:
        """Read what a new caller says, and give it to whom it wants, once that is known."""
        caller.read()
        if caller.requests or caller.has_gone:
            self._new.remove(caller)
            self._selector.unregister(caller)
        if caller.has_gone:
            caller.close()
        elif caller.requests:
            self._give(caller, caller.requests[0])

    def _give(self, caller: Caller, first: wire.Request) -> None:
        if first.do not in ("open", "reset", "stop"):
            self._refuse(caller, first, DOES_NOT_UNDERSTAND)
        elif first.members.get("version") != wire.VERSION:
            self._refuse(caller, first, OTHER_VERSION)
        elif first.do == "stop":
            self._stop_callers.append(caller)
            self._stopping = True
        else:
            try:
                self._hand_over(caller, first)
            except SessionError as error:
                self._refuse(caller, first, str(error))
            except Exception as error:  # a fault of this program must not end the sessions of others
                self._refuse(caller, first, f"{FAILED} {type(error).__name__}.")

    def _refuse(self, caller: Caller, request: wire.Request, text: str) -> None:
        caller.refuse(request.job, text)
        caller.close()

    def _hand_over(self, caller: Caller, first: wire.Request) -> None:
        opening = self._opening_of(first.members.get("settings") or {})
        with self._lock:
            kept = self._sessions.get(opening.key)
            if kept is not None:
                kept.take(caller, opening)
                return
            if first.do == "reset":  # nothing is there
                caller.answer(first.job, "x", b'{"rc": 0}')
                caller.close()
                return
            kept = Kept(opening, self)
            kept.take(caller, opening)
            try:
                kept.start()
            except BaseException:
                kept.release()
                raise
            self._sessions[opening.key] = kept
            self._threads.add(kept)

    def _forget_ended_threads(self) -> None:
        with self._lock:
            self._threads = {kept for kept in self._threads if kept.is_alive()}

    def _end(self) -> None:
        """End all sessions, and tell those who asked for it."""
        with self._lock:
            threads = [kept for kept in self._threads if kept.is_alive()]
        held = sum(kept.has_session for kept in threads)
        for kept in threads:
            kept.stop()
        with contextlib.suppress(Exception):  # the folder may be gone; whoever connects finds nobody
            self._leave()
        self._listener.close()
        deadline = time.monotonic() + _END_SECONDS
        for kept in threads:
            kept.join(max(0.0, deadline - time.monotonic()))
        left = sum(kept.is_alive() for kept in threads)
        if left:
            self.untold.append(f"{_MAY_BE_OPEN}: {left}. They end at their time limits. {_EARLIER}")
        for caller in self._stop_callers:
            for text in self.untold:
                caller.tell(0, text)
            caller.tell(1, f"SESSIONS at the end of the run: {held}")
            caller.answer(0, "x", b'{"rc": 0}')
        for caller in (*self._stop_callers, *self._new):
            caller.close()
        self._selector.close()
        self._woken.close()
        self._waker.close()
