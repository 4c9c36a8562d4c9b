# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Find the holder of sessions, or start it.

The holder is a process of its own, in a session of its own, so that Ctrl+C of the play does not end it before it has
ended its sessions. It gets what it needs to import over its standard input, and the socket that it listens on as a
descriptor: nothing of the settings is in its arguments or its environment, and the socket is there before the holder
is.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import multiprocessing
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .._session import wire
from .._session.controller import started_at
from .._session.errors import GoneError, SessionError
from .._session.folder import alone, connected, folder, listen, sweep
from .._session.remote import Remote
from .._session.words import on_one_line

# The environment decides whose credentials are found, and how AWS is reached, so another environment has another
# holder. The keys are not needed for that, because they are among the settings.
_DECIDES = ("AWS_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_")
# What this process runs. A holder may outlive an update of the collection, and then has other code.
_CODE = [
    (str(path), path.stat().st_mtime_ns, path.stat().st_ino)
    for package in ("_connection", "_session")
    for path in sorted(Path(__file__).parents[1].joinpath(package).glob("*.py"))
]
_HOME = "HOME"  # where the files of the AWS CLI are
_SECRET = frozenset({"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"})
_PROGRAM = "ansible_collections.sessionops.aws.plugins.plugin_utils._connection.holding"
# Makes packages of the folders of collections. Ansible's own loader would take half a second, and compiles every file
# again. -P keeps Python from importing what is in the working directory.
_START = f"""
import json, sys, types
given = json.load(sys.stdin)
sys.path[:] = given["path"]
for name, folders in given["packages"]:
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = folders
from {_PROGRAM} import main
main(given)
"""
REFUSED = "refused: "  # before a sentence of the holder that says why it does not start
_SHOWN = 300  # characters


def controller() -> int:
    """Return the number of the process of the play, of which this is a worker, or which this is."""
    parent = multiprocessing.parent_process()
    return os.getpid() if parent is None else (parent.pid or os.getppid())


def name_of(persist: bool) -> str:
    """Return the name of the socket of the holder. One that may outlive the play belongs to the user alone."""
    decides = sorted((name, value) for name, value in os.environ.items() if name.startswith(_DECIDES))
    whose = [] if persist else [controller(), started_at(controller())]
    environment = [pair for pair in decides if pair[0] not in _SECRET] + [(_HOME, os.environ.get(_HOME))]
    text = json.dumps([wire.VERSION, _CODE, sys.executable, whose, environment])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def find(persist: bool) -> socket.socket | None:
    """Return a connection to the holder; None if there is none. Raises ``SessionError``."""
    return connected(folder() / name_of(persist))


def ask(do: str, tell: Callable[[int, str], None], settings: Mapping[str, Any] | None = None, *, persist: bool) -> None:
    """Ask the holder for something that is done at once, such as ``reset``. Do nothing if there is no holder.

    ``tell`` takes a verbosity and a line of text for the user. Raises ``SessionError``.
    """
    found = find(persist)
    if found is not None:
        remote = Remote(found, tell)
        try:
            remote.ask(do, settings)
        except GoneError:
            if do != "reset":
                raise
            # The session has ended with it, or the next task says that it has not. An error would end the play.
        finally:
            remote.close()


def find_or_start(persist: bool) -> socket.socket:
    """Return a connection to the holder, which is started if there is none. Raises ``SessionError``."""
    found = find(persist)
    if found is not None:
        return found
    if not (persist or started_at(controller())):
        raise SessionError("Ansible has ended.")
    with alone() as where:
        path = where / name_of(persist)
        found = connected(path)  # another worker may have started it in the meantime
        if found is None:
            sweep(where)
            _start(path, persist)
            found = connected(path)
    if found is None:
        raise SessionError("The process that holds the sessions ended as soon as it had started. Run Ansible again.")
    return found


def _start(path: Path, persist: bool) -> None:
    """Start the holder, and wait until it is ready. Raises ``SessionError`` with its reason if it is not."""
    listener = listen(path)
    reader, writer = os.pipe()
    try:
        given: dict[str, Any] = {
            "path": [entry or os.getcwd() for entry in sys.path],
            "packages": _packages(),
            "listener": listener.fileno(),
            "ready": writer,
            "controller": None if persist else [controller(), started_at(controller())],
        }
        started = subprocess.Popen(
            [sys.executable, "-P", "-c", _START, "sessionops.aws: sessions of Ansible"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=writer,
            pass_fds=(listener.fileno(), writer),
            start_new_session=True,
        )
        started.returncode = 0  # nobody waits for it, because it outlives this process
        os.close(writer)
        writer = -1
        if started.stdin is not None:
            with contextlib.suppress(BrokenPipeError), started.stdin:  # it has ended, and said why
                started.stdin.write(json.dumps(given).encode())
        with open(reader, "rb", closefd=False) as said:
            text = said.read()
    except OSError as error:
        text = f"{error.strerror}".encode()
    finally:
        listener.close()
        for descriptor in (reader, writer):
            if descriptor >= 0:
                os.close(descriptor)
    if not text.endswith(b"ready\n"):
        path.unlink(missing_ok=True)
        raise SessionError(_why_not_started(text.decode("utf-8", "replace")))


def _packages() -> list[tuple[str, list[str]]]:
    """Return the collections that the holder imports from, and the packages around them, with their folders."""
    found: list[tuple[str, list[str]]] = [("ansible_collections", [])]
    for namespace, collection in (("sessionops", "aws"), ("amazon", "aws")):
        name = f"ansible_collections.{namespace}.{collection}"
        try:
            spec = importlib.util.find_spec(name)
        except ModuleNotFoundError:  # it has no other collection of the namespace either
            spec = None
        if spec is not None:
            found += [(name.rpartition(".")[0], []), (name, list(spec.submodule_search_locations or []))]
    return found


def _why_not_started(text: str) -> str:
    """Return a sentence with the end of what the holder printed."""
    lines = [line for line in text.splitlines() if line.strip()]
    if lines and lines[-1].startswith(REFUSED):
        return lines[-1].removeprefix(REFUSED)
    shown = on_one_line(lines[-1])[-_SHOWN:] if lines else "it printed nothing"
    return f"Could not start the process that holds the sessions: {shown.rstrip('.')}."
