# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Start the programs of sessions, as a user and in the surroundings that the document and the options ask for."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import os
import pwd
import resource
import subprocess
import termios
import threading
from collections.abc import Callable, Sequence
from typing import IO, Any

from ..family import children, kill_descendants
from .content import Task
from .options import AgentOptions

# Taken while a process is started and while processes are waited for, because the node also waits for the orphans that
# it adopted, and must not take one of these for an orphan.
_LOCK = threading.Lock()
_STARTED: set[int] = set()


class StartError(Exception):
    """A program that cannot be started; the text is the agent's."""


@dataclasses.dataclass(frozen=True)
class Surroundings:
    """What a program finds. ``user`` is None if it runs as the user of this process."""

    user: pwd.struct_passwd | None
    environment: dict[str, str]
    directory: str
    mask: int
    open_files: int | None


def surroundings(task: Task, options: AgentOptions) -> Surroundings:
    """Return the surroundings of a session's program. Raises ``StartError`` if its user cannot be used."""
    name = None if task.elevated else options.run_as or task.run_as
    user = None if name is None else _user(name)
    home = options.home or (os.environ.get("HOME") or "/" if name is None else f"/home/{name}")
    return Surroundings(
        user=user,
        environment={
            "PATH": options.path,
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            "HOME": home,
            **options.environment,
        },
        directory=options.cwd,
        mask=-1 if options.mask is None else options.mask,
        open_files=options.open_files,
    )


def _user(name: str) -> pwd.struct_passwd | None:
    if not name:
        raise StartError("please set the RunAs default user")
    try:
        user = pwd.getpwnam(name)
    except KeyError:
        raise StartError(f"failed to start pty since RunAs user {name} does not exist") from None
    if user.pw_uid == os.getuid():
        return None
    if os.getuid() != 0:
        raise StartError("Failed to start pty: fork/exec /bin/sh: operation not permitted\n")
    return user


def start_on_terminal(command: Sequence[str], around: Surroundings) -> tuple[subprocess.Popen[bytes], int]:
    """Start a program on a new terminal. Return it, and the file that stands for the user at the terminal."""
    user_end, terminal = os.openpty()
    try:
        process = _start(
            command,
            around,
            before=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        os.close(user_end)
        raise StartError(f"Failed to start pty: {_reason(error, command)}\n") from None
    finally:
        os.close(terminal)
    os.set_blocking(user_end, False)
    return process, user_end


def start_with_output(
    command: Sequence[str], around: Surroundings, output: int | IO[bytes], errors: int | IO[bytes]
) -> subprocess.Popen[bytes]:
    """Start a program without a terminal and without input. Raises ``StartError``."""
    try:
        return _start(command, around, None, stdin=subprocess.DEVNULL, stdout=output, stderr=errors)
    except (OSError, subprocess.SubprocessError) as error:
        raise StartError(f"Error occurred starting the command: {_reason(error, command)}\n") from None


def _start(
    command: Sequence[str], around: Surroundings, before: Callable[[], object] | None, **streams: Any
) -> subprocess.Popen[bytes]:
    identity: dict[str, Any] = {}
    if around.user is not None:
        groups = os.getgrouplist(around.user.pw_name, around.user.pw_gid)
        identity = {"user": around.user.pw_uid, "group": around.user.pw_gid, "extra_groups": groups}
    limit = around.open_files

    def prepare() -> None:
        # Runs in the child, after a fork of a process with threads: it must not import, log, or take a lock.
        if before is not None:
            before()
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))

    with _LOCK:
        process = subprocess.Popen(
            command,
            env=around.environment,
            cwd=around.directory,
            umask=around.mask,
            preexec_fn=prepare if before is not None or limit is not None else None,
            **identity,
            **streams,
        )
        _STARTED.add(process.pid)
    return process


def _reason(error: OSError | subprocess.SubprocessError, command: Sequence[str]) -> str:
    """Return the reason in the words of the agent's language."""
    if not isinstance(error, OSError):
        return f"fork/exec {command[0]}: operation not permitted"
    if isinstance(error, FileNotFoundError) and error.filename == command[0]:
        return f'exec: "{command[0]}": executable file not found in $PATH'
    return f"fork/exec {command[0]}: {(error.strerror or '').lower()}"


def wait(process: subprocess.Popen[bytes], seconds: float | None = None) -> int:
    """Wait for a program that was started here. Raises ``subprocess.TimeoutExpired``."""
    status = process.wait(seconds)
    with _LOCK:
        _STARTED.discard(process.pid)
    return status


def end_all() -> None:
    """Kill all that runs on the node, and start nothing more."""
    _LOCK.acquire()
    kill_descendants(os.getpid())


def wait_for_orphans() -> None:
    """Wait for the adopted processes that have ended, so that they do not stay as zombies."""
    with _LOCK:
        for pid in children(os.getpid()):
            if pid not in _STARTED:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)
