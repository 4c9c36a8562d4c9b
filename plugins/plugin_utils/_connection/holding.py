# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""The program of the process that holds sessions; ``starting.py`` starts it."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.sessionops.aws.plugins.module_utils._ssm.clients import empty_variables

from .._session.caller import DOES_NOT_UNDERSTAND
from .._session.controller import Controller
from .._session.errors import CallError, SessionError
from .._session.fetch import BusyError
from .._session.folder import alone
from .._session.holder import Holder
from .._session.kept import Opening
from .._session.link import Link, Pause
from .._session.session import Session
from .requirements import missing
from .service import Accounts, Calls
from .settings import FETCH_DOCUMENT, FETCH_PARAMETERS, PARAMETER, Settings
from .starting import REFUSED

_WANTED = (65536, 10240, 4096)  # descriptors
_SPARE = 100  # descriptors for all else than sessions and workers, most of them connections of botocore
_LEAVE_SECONDS = 2.0  # for others that start or end a holder


def make_openings() -> Callable[[Mapping[str, Any]], Opening]:
    """Return what makes an ``Opening`` of the settings that a task sends."""
    accounts = Accounts()

    def make(said: Mapping[str, Any]) -> Opening:
        try:
            settings = Settings.from_json(said)
        except (TypeError, KeyError, AttributeError):
            raise SessionError(DOES_NOT_UNDERSTAND) from None
        prepare = functools.partial(_prepare, settings, accounts)
        fetch = functools.partial(_fetch, settings, accounts)
        return Opening(settings.key, settings.limits, settings.idle, settings.lifetime, prepare, fetch)

    return make


def _prepare(
    settings: Settings, accounts: Accounts, tell: Callable[[int, str], None], rest: Pause, pause: Pause
) -> Callable[[], Session]:
    """Connect to AWS, and return what starts a session. Raises ``SessionError``."""
    calls = Calls(settings, tell, accounts, rest)
    return functools.partial(
        Session, calls, settings.limits, tell, interpreters=settings.interpreters, typed=calls.typed, pause=pause
    )


def _fetch(
    settings: Settings, accounts: Accounts, command: str, tell: Callable[[int, str], None], pause: Pause
) -> Link:
    """Start a session that prints a file. Raises ``SessionError``, also if AWS asks to try again later.

    What AWS denies for one node is not tried for the others of the account.
    """
    account = accounts.get(settings)
    if account.no_fetch is not None:
        raise CallError(str(account.no_fetch), lasting=True)

    def refuse(unused_seconds: float) -> None:
        raise BusyError("Session Manager cannot start another session now.")

    with_command = dataclasses.replace(
        settings, document=FETCH_DOCUMENT, command_parameter=PARAMETER, parameters=FETCH_PARAMETERS, attempts=1
    )
    try:
        return Link(Calls(with_command, tell, accounts, refuse, command), settings.limits, tell, pause)
    except CallError as error:
        if error.lasting:
            account.no_fetch = error
        raise


def descriptors() -> int:
    """Return how many descriptors there are for sessions and workers. As many as possible are allowed first."""
    for wanted in _WANTED:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft == resource.RLIM_INFINITY or soft >= wanted:
            break
        # macOS refuses what is above a limit of its own.
        with contextlib.suppress(ValueError, OSError):
            least = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, least), hard))
    soft, unused = resource.getrlimit(resource.RLIMIT_NOFILE)
    all_of_them = _WANTED[0] if soft == resource.RLIM_INFINITY else soft
    return all_of_them - min(_SPARE, all_of_them // 2)


def main(given: Mapping[str, Any]) -> None:
    """Hold sessions until the controller has ended. ``given`` is what ``starting.py`` sends."""
    ready: int = given["ready"]
    if text := missing():
        os.write(ready, f"{REFUSED}{text}\n".encode())
        sys.exit(1)
    for name in empty_variables():  # as AWX sets them; boto3 would use them
        del os.environ[name]
    listener = socket.socket(fileno=given["listener"])
    controller = Controller(*given["controller"]) if given["controller"] else None
    path = listener.getsockname()
    own = os.stat(path).st_ino

    def leave() -> None:
        with alone(_LEAVE_SECONDS), contextlib.suppress(FileNotFoundError):
            if os.stat(path).st_ino == own:  # otherwise another holder has taken its place
                os.unlink(path)

    holder = Holder(listener, make_openings(), controller, descriptors=descriptors(), leave=leave)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *unused: holder.stop())
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    os.write(ready, b"ready\n")
    os.close(ready)
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    try:
        holder.run()
    finally:
        os._exit(0)  # threads that still wait for AWS end with it
