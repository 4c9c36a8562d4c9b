# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Where the holder of sessions is found: a folder that only the user may enter, with a socket for each holder.

Whoever connects to a socket, and whoever accepts, checks that the other process belongs to the same user. A path of a
socket can have about 100 bytes, so the folder is not in the home directory.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import socket
import stat
import struct
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from .errors import SessionError
from .words import in_words

_NAME = "sessionops-aws"
_SOCKET = re.compile(r"[0-9a-f]{16}")
_LOOK = 0.02  # seconds from one attempt to lock to the next
_MAX_PATH = 100  # bytes; Linux takes 107, macOS 103
_REMEDY = "Set XDG_RUNTIME_DIR to a folder with a short path that belongs to you and has the mode 0700."
_LOCAL_PEERCRED = 1  # of macOS and BSD, which Python has no name for


def folder() -> Path:
    """Return the folder, which is made if it is not there.

    It is in ``XDG_RUNTIME_DIR`` if that is a folder of the user, and otherwise in ``/tmp``. Raises ``SessionError`` if
    it is not a folder that only the user may enter: somebody else could answer in place of the holder.
    """
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if _is_private(runtime) and len(os.fsencode(runtime)) + len(_NAME) + 20 < _MAX_PATH:
        found = Path(runtime, _NAME)
    else:
        found = Path("/tmp", f"{_NAME}-{os.getuid()}")  # noqa: S108 - checked below
    try:
        with contextlib.suppress(FileExistsError):
            os.mkdir(found, 0o700)
    except OSError as error:
        raise SessionError(f"Could not make the folder {found}: {error.strerror}. {_REMEDY}") from None
    if not _is_private(str(found)):
        text = f"{found} must be a folder that belongs to you and has the mode 0700. Correct its owner and its mode."
        raise SessionError(text)
    return found


def _is_private(path: str) -> bool:
    """Return whether a path is a folder, and no link, that belongs to the user and that nobody else may enter."""
    try:
        found = os.lstat(path)
    except (OSError, ValueError):
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077


def connected(path: Path) -> socket.socket | None:
    """Return a connection to the holder at a path; None if there is none. Raises ``SessionError``."""
    caller = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        caller.connect(str(path))
        if not is_own(caller):
            raise SessionError(f"The process behind {path} belongs to another user. {_REMEDY}")
    except (FileNotFoundError, ConnectionRefusedError):
        caller.close()
        return None
    except OSError as error:
        caller.close()
        raise SessionError(f"Could not connect to {path}: {error.strerror}.") from None
    except BaseException:
        caller.close()
        raise
    return caller


def is_own(connection: socket.socket) -> bool:
    """Return whether the process at the other end belongs to the same user."""
    if sys.platform == "linux":
        found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        user = struct.unpack("3i", found)[1]
    else:
        user = struct.unpack("Ii", connection.getsockopt(0, _LOCAL_PEERCRED, 8))[1]
    return bool(user == os.getuid())


@contextlib.contextmanager
def alone(seconds: float = 60.0) -> Iterator[Path]:
    """Let no other process start or end a holder until the block is left. Gives the folder.

    Raises ``SessionError`` if another process does so for longer than ``seconds``.
    """
    where = folder()
    deadline = time.monotonic() + seconds
    with open(where / "lock", "ab") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    held = f"Another process has locked {lock.name} for {in_words(seconds)}"
                    remedy = "If a run of Ansible is suspended, as by Ctrl+Z, continue or end it."
                    raise SessionError(f"{held}. {remedy}") from None
            time.sleep(_LOOK)
        yield where


def listen(path: Path) -> socket.socket:
    """Return a socket that listens at a path, in place of one where nobody does. Call it inside ``alone``."""
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(path))
        os.chmod(path, 0o600)
        listener.listen(512)
    except BaseException:
        listener.close()
        raise
    return listener


def sweep(where: Path) -> None:
    """Remove the sockets of holders that were killed. Call it inside ``alone``."""
    for path in where.iterdir():
        if _SOCKET.fullmatch(path.name):
            with contextlib.suppress(SessionError):
                caller = connected(path)
                if caller is None:
                    path.unlink(missing_ok=True)
                else:
                    caller.close()
