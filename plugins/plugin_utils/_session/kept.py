# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""A session that is kept for the tasks of its host, in a thread of its own.

The thread is the only one that uses the session and the connections of its callers, so nothing of them needs a lock.
Others hand callers over, and say when the session has to end.

The session begins with the first caller. Jobs of all callers run in it side by side: each caller numbers its own, and
the session has other numbers. A caller that disconnects has its jobs cancelled on the node. A session that is idle may
have ended in the meantime, so it is asked before a job begins, and replaced if it has. A session that is lost while
jobs run fails them, because nobody knows what they have done. No request is ever sent twice.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import functools
import json
import queue
import selectors
import socket
import threading
import time
from collections.abc import Callable
from typing import Protocol

from .caller import DOES_NOT_UNDERSTAND, Caller
from .errors import SessionError
from .fetch import MOST_FAILURES, Fetch, Places, command
from .limits import Limits
from .lines import STARTS, Answer, LineError, place_of
from .link import Link, Pause
from .session import Session
from .wire import Request
from .words import FAILED

_OF_JOBS = STARTS | {"feed", "build", "cancel"}
_LONG = 3600.0  # seconds
_A_WHILE = 0.5  # seconds from one look to the next, while others must end something first
_NO_ROOM = "WAITING until another session has ended, because the process that holds the sessions cannot open more files"
_STOPPED = "The background process that holds the sessions was stopped. Run Ansible again."


@dataclasses.dataclass(frozen=True)
class Opening:
    """What a caller asks for.

    Two with the same ``key`` can share a session. It has secrets. A session that nobody uses is ended after ``idle``
    seconds, and one that is used begins no more jobs after ``lifetime`` seconds; 0 is never.

    ``prepare`` connects to AWS, and returns what starts a session. Both raise ``SessionError``. Its arguments are what
    takes a verbosity and a line of text for the user, what waits between two attempts to start the session, and what
    is called while something else is waited for.

    ``fetch`` starts another session with the node, in which a command prints a file.
    """

    key: str = dataclasses.field(repr=False)
    limits: Limits
    idle: float
    lifetime: float
    prepare: Callable[[Callable[[int, str], None], Pause, Pause], Callable[[], Session]]
    fetch: Callable[[str, Callable[[int, str], None], Pause], Link]


class House(Places, Protocol):
    """What the sessions of one holder share. All of it can be used in any thread."""

    untold: collections.deque[str]  # warnings for the next caller

    def make_room(self) -> None:
        """Ask an idle session to end, because another waits for ``room``."""

    def has_left(self, kept: Kept) -> bool:
        """Forget a session that has nothing left to do. Return False if it was given a caller in the meantime."""

    def replace(self, kept: Kept) -> None:
        """Give no more callers to a session."""


class Kept(threading.Thread):
    """The session of one host, and those who use it."""

    def __init__(self, opening: Opening, house: House) -> None:
        super().__init__(name="session", daemon=True)
        self.key = opening.key
        self.used_at = time.monotonic()
        self._house = house
        self._opening = opening  # of the latest caller
        self._new: queue.SimpleQueue[tuple[Caller, Opening]] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._leaving = threading.Event()
        self._is_replaced = False
        self._callers: list[Caller] = []
        self._jobs: dict[int, tuple[Caller, int]] = {}  # who waits for them, and the numbers they have there
        self._numbers = 0
        self._fetches: list[Fetch] = []
        self._fetch_failures = 0
        self._session: Session | None = None
        self._started_at = self.used_at
        self._has_place = False  # among those that are started
        self._selector = selectors.DefaultSelector()
        self._woken, self._waker = socket.socketpair()
        self._woken.setblocking(False)
        self._waker.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ)

    # --- for other threads ---

    @property
    def is_idle(self) -> bool:
        """Whether nobody uses the session."""
        return not self._callers and not self._jobs and self._new.empty()

    @property
    def has_session(self) -> bool:
        """Whether there is a session now."""
        return self._session is not None

    @property
    def can_leave(self) -> bool:
        """Whether there is a session in which no job runs, and that was not asked to end."""
        return self._session is not None and not self._jobs and not self._leaving.is_set()

    def take(self, caller: Caller, opening: Opening) -> None:
        """Take a caller over, with the requests that it has sent."""
        self._new.put((caller, opening))
        self._wake()

    def leave(self) -> None:
        """End the session once no job runs. The next job starts another."""
        self._leaving.set()
        self._wake()

    def stop(self) -> None:
        """End the session as soon as possible, with all its jobs, and take no more callers."""
        self._stopping.set()
        self._wake()

    def release(self) -> None:
        """Close the descriptors. Call it if the thread cannot be started."""
        self._selector.close()
        self._woken.close()
        self._waker.close()

    def _wake(self) -> None:
        with contextlib.suppress(OSError):  # it has ended, or is awake
            self._waker.send(b"x")

    # --- the thread ---

    def run(self) -> None:
        """Serve callers until there are none, and no session."""
        try:
            while not self._is_over():
                self._work()
        except Exception as error:  # a fault of this program must not leave a session or a caller behind
            self._house.replace(self)  # whoever comes after the failure is told has another
            self._fail_all(f"{FAILED} {type(error).__name__}.")
        finally:
            with contextlib.suppress(Exception):
                self._end_session()
            with contextlib.suppress(Exception):
                self._end_fetches()
            self._house.replace(self)
            while not self._new.empty():
                self._callers.append(self._new.get()[0])
            for caller in self._callers:
                caller.close()
            self.release()

    def _is_over(self) -> bool:
        if self._stopping.is_set():
            self._fail_all(_STOPPED)
            return True
        return self._session is None and self.is_idle and self._house.has_left(self)

    def _work(self) -> None:
        """Do one turn of everything."""
        self._take_new()
        for caller in list(self._callers):
            self._carry_out(caller)
        if self._jobs and self._is_too_old() and not self._leaving.is_set():
            self._be_replaced()
        if self._session is not None and not self._jobs and self._is_unwanted():
            self._end_session()
        for answer in self._wait():
            self._hand_out(answer)
        for fetch in list(self._fetches):
            self._take_from(fetch)
        self._serve_callers()

    def _take_new(self) -> None:
        while not self._new.empty():
            caller, self._opening = self._new.get()
            self._callers.append(caller)
            self._selector.register(caller, selectors.EVENT_READ)
            if self._session is not None:
                self._session.limits = self._opening.limits
            with contextlib.suppress(IndexError):  # others take them, too
                while True:
                    caller.tell(0, self._house.untold.popleft())

    def _wait(self) -> list[Answer]:
        """Wait until something happens. Return what came for jobs."""
        seconds = 0.0 if self._has_work() or self._stopping.is_set() else self._until_limit()
        if self._session is None:
            self._selector.select(seconds)
            return []
        try:
            return self._session.wait(seconds, self._selector)
        except SessionError as error:
            self._lose(str(error))
            return []

    def _has_work(self) -> bool:
        has_requests = self._has_room() and any(caller.requests for caller in self._callers)
        return not self._new.empty() or has_requests or any(map(self._can_take_from, self._fetches))

    def _has_room(self) -> bool:
        return self._session is None or self._session.has_room

    # --- callers ---

    def _serve_callers(self) -> None:
        """Read what callers have sent, write what they take, and drop those that are gone."""
        for key, events in self._selector.select(0):
            if key.fileobj is self._woken:
                with contextlib.suppress(BlockingIOError):
                    self._woken.recv(4096)
                continue
            caller: Caller = key.fileobj  # type: ignore[assignment] # all others are callers
            if events & selectors.EVENT_READ:
                caller.read()
            if events & selectors.EVENT_WRITE:
                caller.write()
        for caller in list(self._callers):
            if caller.has_gone:
                self._drop(caller)
            else:
                events = selectors.EVENT_READ | (selectors.EVENT_WRITE if caller.wants_write else 0)
                if self._selector.get_key(caller).events != events:
                    self._selector.modify(caller, events)

    def _drop(self, caller: Caller) -> None:
        """Forget a caller, and cancel its jobs. They stay jobs of the session until they have ended."""
        self._callers.remove(caller)
        self._selector.unregister(caller)
        caller.close()
        caller.requests.clear()
        for number in caller.jobs.values():
            self._stop_fetch(number)
            if self._session is not None:
                self._session.request("cancel", number)
        self.used_at = time.monotonic()

    def _carry_out(self, caller: Caller) -> None:
        """Carry out the requests of a caller, for as long as the session takes more."""
        while caller.requests and self._has_room() and not self._stopping.is_set():
            request = caller.requests.popleft()
            if request.do == "open":
                self._open(caller, request)
            elif request.do == "reset":
                self._reset(caller, request)
            elif request.do in _OF_JOBS:
                self._pass_on(caller, request)
            else:
                caller.refuse(request.job, DOES_NOT_UNDERSTAND)

    def _open(self, caller: Caller, request: Request) -> None:
        if self._session is not None and not self._session.node.python and not self._jobs:
            self._end_session()  # an earlier task may have installed Python
        session = self._living_session(caller, request)
        if session is not None:
            caller.answer(request.job, "h", json.dumps(dataclasses.asdict(session.node)).encode())

    def _reset(self, caller: Caller, request: Request) -> None:
        """End the session. If jobs of others run in it, it gets no more callers, and ends with the last job."""
        if self._jobs:
            self._be_replaced()
        else:
            self._end_session()
        caller.answer(request.job, "x", b'{"rc": 0}')

    def _pass_on(self, caller: Caller, request: Request) -> None:
        """Send a request of a job to the node."""
        if request.do in STARTS:
            if self._living_session(caller, request) is None:
                return
            self._numbers += 1
            self._jobs[self._numbers] = caller, request.job
            caller.jobs[request.job] = self._numbers
        number = caller.jobs.get(request.job)
        if number is not None and self._session is not None:  # otherwise it has ended in the meantime
            self._session.request(request.do, number, request.raw, **request.members)

    def _hand_out(self, answer: Answer) -> None:
        if answer.job not in self._jobs:
            return
        if answer.kind == "f":
            self._fetch(answer)
            return
        caller, number = self._jobs[answer.job]
        caller.answer(number, answer.kind, answer.data)
        if answer.kind == "x":
            self._stop_fetch(answer.job)
            del self._jobs[answer.job]
            caller.jobs.pop(number, None)
            self.used_at = time.monotonic()

    # --- large files ---

    def _fetch(self, answer: Answer) -> None:
        """Read a file that waits in a session of its own, or in this one if that is known not to work."""
        session = self._session
        is_known = any(fetch.job == answer.job for fetch in self._fetches)
        if session is None or is_known or self._jobs[answer.job][0].has_gone:
            return
        try:
            place = place_of(answer)
        except LineError as error:
            self._lose(str(error))
            return
        if not session.node.has_open_files or self._fetch_failures >= MOST_FAILURES:
            session.request("rest", answer.job, at=0)
            return
        printing = functools.partial(command, session.node.executable, *place)
        fetch = Fetch(answer.job, printing, self._opening, self._house, self._wake)
        try:
            fetch.start()
        except RuntimeError:  # there can be no more threads
            session.request("rest", answer.job, at=0)
        else:
            self._fetches.append(fetch)

    def _can_take_from(self, fetch: Fetch) -> bool:
        return fetch.is_wanted and (fetch.is_over or (fetch.has_piece and self._jobs[fetch.job][0].has_room))

    def _take_from(self, fetch: Fetch) -> None:
        """Take what came of a file. At its end, let the node send the rest, and the checksum, in this session."""
        has_ended, is_over = not fetch.is_alive(), fetch.is_over  # before what it has told
        while not fetch.told.empty():
            self._tell(*fetch.told.get())
        if has_ended and not fetch.is_wanted:
            self._fetches.remove(fetch)
        if not fetch.is_wanted or self._session is None:
            return
        caller, number = self._jobs[fetch.job]
        while caller.has_room and (piece := fetch.take()):
            caller.answer(number, "g", piece)
        if is_over:
            fetch.stop()
            self._fetch_failures = 0 if fetch.is_complete else self._fetch_failures + fetch.failures
            self._session.request("rest", fetch.job, at=fetch.size)

    def _stop_fetch(self, job: int) -> None:
        for fetch in self._fetches:
            if fetch.job == job:
                fetch.stop()

    def _end_fetches(self) -> None:
        """End the sessions that files come in, and wait for their ends."""
        for fetch in self._fetches:
            fetch.stop()
        for fetch in list(self._fetches):
            fetch.join()
            self._take_from(fetch)

    # --- the session ---

    def _living_session(self, caller: Caller, request: Request) -> Session | None:
        """Return the session for a new job, or None if there is none or the caller has gone.

        Start one if there is none, or if the idle one has ended or has to end. If none can be started, tell all who
        wait for one. They asked before it was known, and each attempt takes time.
        """
        if self._session is not None and not self._jobs:
            self._end_if_it_is_of_no_use(self._session)
        if self._session is None:
            try:
                self._start_session()
            except SessionError as error:
                caller.requests.appendleft(request)
                self._refuse_waiting(str(error))
            else:
                self._serve_callers()  # some may have gone while it started
        self.used_at = time.monotonic()
        return None if caller.has_gone else self._session

    def _end_if_it_is_of_no_use(self, session: Session) -> None:
        """End a session that is idle, for a new job to have another."""
        if self._is_unwanted():
            self._end_session()
        elif not session.is_alive():
            self._tell(3, f"SESSION {session.session_id} does not answer any more, so another is started")
            self._end_session()

    def _start_session(self) -> None:
        """Start the session. Nothing that others wait for is held while credentials are looked for."""
        self._pause(0)
        try:
            start = self._opening.prepare(self._tell, self._rest, self._pause)
            self._take_place()
            self._leaving.clear()
            self._session = start()
            self._fetch_failures = 0
        except OSError as error:  # most often, there are no more descriptors
            raise SessionError(f"Could not start a session: {error.strerror or error}.") from None
        finally:
            self._leave_place()
        self._started_at = time.monotonic()

    def _take_place(self) -> None:
        """Wait until the session may be started. Raises ``SessionError`` if it is not wanted any more."""
        seconds = 0.0
        while not self._house.room.acquire(timeout=seconds):
            if not seconds:
                self._tell(3, _NO_ROOM)
            self._house.make_room()
            self._pause(0)
            seconds = _A_WHILE
        try:
            while not self._house.starts.acquire(timeout=_A_WHILE):
                self._pause(0)
        except BaseException:
            self._house.room.release()
            raise
        self._has_place = True
        self._pause(0)  # it may have been told to end in the meantime

    def _leave_place(self) -> None:
        """Let others start their sessions. A session that has started keeps its room."""
        if self._has_place:
            self._has_place = False
            self._house.starts.release()
            if self._session is None:
                self._house.room.release()

    def _end_session(self) -> None:
        session, self._session = self._session, None
        if session is None:
            return
        try:
            with self._house.ends:
                session.close()
        finally:
            self._house.room.release()
        self._tell(3, f"SESSION {session.session_id} closed")

    def _lose(self, text: str) -> None:
        """Fail the jobs of a session that cannot go on, and end it, which can take long."""
        for caller, number in self._jobs.values():
            caller.refuse(number, text, sent=True)
            caller.jobs.clear()
        for fetch in self._fetches:
            fetch.stop()
        self._jobs.clear()
        self._end_session()

    def _fail_all(self, text: str) -> None:
        self._lose(text)
        self._refuse_waiting(text)

    def _refuse_waiting(self, text: str) -> None:
        """Refuse what asks for a session in the requests that have come by now."""
        self._take_new()
        self._serve_callers()
        for caller in self._callers:
            waiting = [request for request in caller.requests if request.do in STARTS or request.do == "open"]
            for request in waiting:
                caller.requests.remove(request)
                caller.refuse(request.job, text)

    def _pause(self, seconds: float) -> None:
        """Wait, unless the session is not wanted any more. Raises ``SessionError`` then."""
        if self._stopping.wait(seconds):
            raise SessionError(_STOPPED)

    def _rest(self, seconds: float) -> None:
        """Wait, and let others start their sessions in the meantime."""
        self._leave_place()
        self._pause(seconds)
        self._take_place()

    def _be_replaced(self) -> None:
        """Let whoever comes from now on have another session. This one ends with its last job."""
        self._is_replaced = True
        self._house.replace(self)
        self._leaving.set()

    def _is_unwanted(self) -> bool:
        """Whether a session in which no job runs has to end."""
        nobody_comes = self._is_replaced and not self._callers
        return nobody_comes or self._leaving.is_set() or self._until_limit() <= 0

    def _until_limit(self) -> float:
        """Return for how many seconds there is nothing to do, if nothing happens."""
        if self._session is None:
            return 0.0 if self.is_idle else _LONG  # it is over if nobody has come in the meantime
        now = time.monotonic()
        ends = [now + _LONG]
        if self._opening.idle and not self._jobs:
            ends.append(self.used_at + self._opening.idle)
        if self._opening.lifetime and not self._leaving.is_set():
            ends.append(self._started_at + self._opening.lifetime)
        return max(0.0, min(ends) - now)

    def _is_too_old(self) -> bool:
        return bool(self._opening.lifetime) and time.monotonic() >= self._started_at + self._opening.lifetime

    def _tell(self, verbosity: int, text: str) -> None:
        """Send a line of text to those who use the session. A warning goes to one, and waits until there is one."""
        if verbosity:
            for caller in self._callers:
                caller.tell(verbosity, text)
        elif self._callers:
            self._callers[0].tell(verbosity, text)
        else:
            self._house.untold.append(text)
