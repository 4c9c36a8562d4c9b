# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The options of a node's agent: the mapping ``agent`` of a node in a world."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from typing import Any

from ..world_values import WorldError, mapping, string_map

# The directory in which the agent of the Linux packages runs, and therefore its sessions.
WORKING_DIRECTORY = "/usr/bin"
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclasses.dataclass(frozen=True)
class AgentOptions:
    """How an agent behaves.

    - ``fast``: do not wait as the agent does: 1 s before the first output, 1 ms after each read, 2 s after a failure.
    - ``double_on_close``: write a message twice if its acknowledgement cannot be sent, as the agent does.
    - ``run_as``: the user of sessions that are not elevated. Without it, they run as the user of the emulator.
    - ``environment``: further variables. Surrogate escapes stand for bytes that are not UTF-8.
    - ``path``, ``home``, ``cwd``: PATH, HOME and the working directory. Without ``home``, it is the user's.
    - ``marker_delay_seconds``: how long the program starts after the data channel has opened.
    - ``fail_start``: every session fails with this text before its data channel opens.
    - ``banner``: a text that each session prints before its program does.
    - ``kms_challenge``: send a challenge for the encryption context of an encrypted session. Older agents do not.
    - ``require_kms_challenge``: end an encrypted session whose client does not acknowledge the first challenge.
    - ``open_files``, ``mask``: the limit of open files, and the umask.
    - ``reconnect_seconds``: the base of the pauses before the control channel opens again. The agent has 5 seconds.
    """

    fast: bool = False
    double_on_close: bool = True
    run_as: str | None = None
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    path: str = SYSTEM_PATH
    home: str | None = None
    cwd: str = WORKING_DIRECTORY
    marker_delay_seconds: float = 0.0
    fail_start: str | None = None
    banner: str | None = None
    kms_challenge: bool = True
    require_kms_challenge: bool = False
    open_files: int | None = None
    mask: int | None = None
    reconnect_seconds: float = 0.1


def read_options(given: Any, what: str = "agent") -> AgentOptions:
    """Read the mapping ``agent``. Raises ``WorldError`` if it is not valid; ``what`` names it in the text."""
    known = {field.name for field in dataclasses.fields(AgentOptions)}
    values = mapping(given, what, known)
    return AgentOptions(**{name: _READERS[name](value, f"{name} of {what}") for name, value in values.items()})


def _switch(value: Any, what: str) -> bool:
    if not isinstance(value, bool):
        raise WorldError(f"{what} must be true or false, not {value!r}")
    return value


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str) or not value or "\0" in value:
        raise WorldError(f"{what} must be a string that is not empty, not {value!r}")
    return value


def _directory(value: Any, what: str) -> str:
    if not _text(value, what).startswith("/"):
        raise WorldError(f"{what} must be an absolute path, not {value!r}")
    return str(value)


def _environment(value: Any, what: str) -> dict[str, str]:
    variables = string_map(value, what)
    for name, text in variables.items():
        if not name or "=" in name or "\0" in name + text:
            raise WorldError(f"{what}: no variable can have the name {name!r}, or its value")
    return variables


def _seconds(value: Any, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 3600:
        raise WorldError(f"{what} must be a number of seconds from 0 to 3600, not {value!r}")
    return float(value)


def _count(value: Any, what: str) -> int:
    # Fewer are not enough for the standard streams and the libraries of a program.
    if isinstance(value, bool) or not isinstance(value, int) or value < 16:
        raise WorldError(f"{what} must be a whole number of at least 16, not {value!r}")
    return value


def _mask(value: Any, what: str) -> int:
    if not isinstance(value, str) or not re.fullmatch("0?[0-7]{3}", value):
        raise WorldError(f"{what} must be three octal digits in quotes, such as '077', not {value!r}")
    return int(value, 8)


_READERS: dict[str, Callable[[Any, str], Any]] = {
    "fast": _switch,
    "double_on_close": _switch,
    "run_as": _text,
    "environment": _environment,
    "path": _text,
    "home": _directory,
    "cwd": _directory,
    "marker_delay_seconds": _seconds,
    "fail_start": _text,
    "banner": _text,
    "kms_challenge": _switch,
    "require_kms_challenge": _switch,
    "open_files": _count,
    "mask": _mask,
    "reconnect_seconds": _seconds,
}
