# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""The program of the process that holds sessions; ``starting.py`` starts it."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from typing import Any

from .._session.caller import DOES_NOT_UNDERSTAND
from .._session.controller import Controller
from .._session.errors import SessionError
from .._session.folder import alone
from .._session.holder import Holder
from .._session.limits import Limits
from .._session.link import Pause
from .._session.session import Session
from .requirements import missing
from .service import Accounts, Calls
from .settings import Settings
from .starting import REFUSED

_DESCRIPTORS = 6  # that a session needs while a task uses it
_SPARE = 40  # descriptors for all else


@dataclasses.dataclass(frozen=True)
class Opening:
    """What a task asks for: a session with these settings."""

    settings: Settings
    accounts: Accounts

    @property
    def key(self) -> str:
        return self.settings.key

    @property
    def limits(self) -> Limits:
        return self.settings.limits

    @property
    def idle(self) -> float:
        return self.settings.idle

    @property
    def lifetime(self) -> float:
        return self.settings.lifetime

    def start(self, tell: Callable[[int, str], None], pause: Pause) -> Session:
        """Start a session. Raises ``SessionError``."""
        calls = Calls(self.settings, tell, self.accounts, pause)
        return Session(
            calls,
            self.settings.limits,
            tell,
            interpreters=self.settings.interpreters,
            typed=calls.typed,
            pause=pause,
        )


def make_openings() -> Callable[[Mapping[str, Any]], Opening]:
    """Return what makes an ``Opening`` of the settings that a task sends."""
    accounts = Accounts()

    def make(said: Mapping[str, Any]) -> Opening:
        try:
            return Opening(Settings.from_json(said), accounts)
        except (TypeError, KeyError, AttributeError):
            raise SessionError(DOES_NOT_UNDERSTAND) from None

    return make


def most_sessions() -> int:
    """Return how many sessions there can be at once. As many descriptors as the system allows are taken for them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and (hard == resource.RLIM_INFINITY or hard > soft):
        wanted = 65536 if hard == resource.RLIM_INFINITY else min(hard, 65536)
        if wanted > soft:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
    most = 65536 if soft == resource.RLIM_INFINITY else soft
    return max(1, (most - _SPARE) // _DESCRIPTORS)


def main(given: Mapping[str, Any]) -> None:
    """Hold sessions until the controller has ended. ``given`` is what ``starting.py`` sends."""
    ready: int = given["ready"]
    if text := missing():
        os.write(ready, f"{REFUSED}{text}\n".encode())
        sys.exit(1)
    listener = socket.socket(fileno=given["listener"])
    controller = Controller(*given["controller"]) if given["controller"] else None
    holder = Holder(listener, make_openings(), controller, most=most_sessions())
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *unused: holder.stop())
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    path = listener.getsockname()
    own = os.stat(path).st_ino
    os.write(ready, b"ready\n")
    os.close(ready)
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    holder.run()
    with alone():
        with contextlib.suppress(FileNotFoundError):
            if os.stat(path).st_ino == own:  # otherwise another holder has taken its place
                os.unlink(path)
    os._exit(0)  # threads that still wait for AWS end with it
