# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""The preferences of Session Manager, as options and as the Session document that holds them.

https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-schema.html names the inputs, and the agent
decides what it can read: real booleans, and minutes as strings of digits. Both are written here as the console does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from . import transform
from .errors import SSMError

DESCRIPTION = "Document to hold regional settings for Session Manager"
# The most characters of a shell profile, says the User Guide.
_MAX_PROFILE = 512
_MINUTES = {"idle_session_timeout": 60, "max_session_duration": 1440}
_SHELLS = ("linux", "windows")

OPTIONS: dict[str, Any] = {
    "description": {"type": "str", "default": DESCRIPTION},
    "s3_bucket_name": {"type": "str", "default": ""},
    "s3_key_prefix": {"type": "str", "default": "", "no_log": False},
    "s3_encryption_enabled": {"type": "bool", "default": True},
    "cloud_watch_log_group_name": {"type": "str", "default": ""},
    "cloud_watch_encryption_enabled": {"type": "bool", "default": True},
    "cloud_watch_streaming_enabled": {"type": "bool", "default": False},
    "kms_key_id": {"type": "str", "default": "", "no_log": False},
    "run_as_enabled": {"type": "bool", "default": False},
    "run_as_default_user": {"type": "str", "default": ""},
    "idle_session_timeout": {"type": "int", "default": 20},
    "max_session_duration": {"type": "int"},
    "shell_profile": {
        "type": "dict",
        "options": {shell: {"type": "str", "default": ""} for shell in _SHELLS},
    },
}
_INPUTS = [name for name in OPTIONS if name != "description"]
# What stands for a value that no option can say.
_UNREADABLE = object()
_PATTERNS = (
    ("s3_bucket_name", r"[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9]", "a bucket has 3 to 63 of a-z, 0-9, dots and hyphens"),
    (
        "cloud_watch_log_group_name",
        r"[\w./#\-]{1,512}",
        "a log group has 1 to 512 letters, digits, and _ - / . #",
    ),
    ("kms_key_id", r"[\w:/\-]{1,2048}", "it is the ID, the ARN or the alias of a key"),
    ("run_as_default_user", r"\S+", "the name of a user has no spaces"),
    ("s3_key_prefix", r"(?s:(?!.*\{\{).*)", "these documents have no parameters that it could refer to"),
)
_PAIRS = (
    ("s3_key_prefix", "s3_bucket_name", "the bucket that it is a prefix in"),
    ("cloud_watch_streaming_enabled", "cloud_watch_log_group_name", "the log group to stream to"),
    ("run_as_default_user", "run_as_enabled", "without which no session runs as that user"),
)
_TOP = {"schemaVersion", "description", "sessionType", "inputs"}


def to_content(given: Mapping[str, Any]) -> dict[str, Any]:
    """The content of the document; an ``SSMError`` says what is wrong with the options."""
    filled = _filled(given)
    _check(filled)
    inputs: dict[str, Any] = {}
    for name in _INPUTS:
        value = filled[name]
        if name in _MINUTES:
            value = None if value is None else str(value)
        if value is not None:
            inputs[_input(name)] = value
    return {
        "schemaVersion": "1.0",
        "description": filled["description"],
        "sessionType": "Standard_Stream",
        "inputs": inputs,
    }


def from_content(content: Any) -> dict[str, Any] | None:
    """The options that stand for a document's content; None if there are none, for it says more than they can."""
    if not isinstance(content, Mapping) or not set(content) <= _TOP or content.get("sessionType") != "Standard_Stream":
        return None
    inputs = content.get("inputs") or {}
    by_input = {_input(name): name for name in _INPUTS}
    if not isinstance(inputs, Mapping) or not set(inputs) <= set(by_input):
        return None
    read = {by_input[key]: _read(by_input[key], value) for key, value in inputs.items()}
    if _UNREADABLE in read.values():
        return None
    # What the document leaves out is off, or has no limit, but for the minutes without input that AWS then takes.
    absent = {name: False if OPTIONS[name]["type"] == "bool" else None for name in _INPUTS}
    if read.get("idle_session_timeout") is None:
        read["idle_session_timeout"] = OPTIONS["idle_session_timeout"]["default"]
    texts = {name: "" for name in _INPUTS if OPTIONS[name]["type"] == "str"}
    shells = {**dict.fromkeys(_SHELLS, ""), **(read.pop("shell_profile", None) or {})}
    return {"description": content.get("description", ""), **absent, **texts, **read, "shell_profile": shells}


def warnings(content: Any, *, preferences: bool) -> list[str]:
    """What a node, or for ``preferences`` the console, would not understand in content that somebody wrote."""
    inputs = content.get("inputs") if isinstance(content, Mapping) else None
    if not isinstance(inputs, Mapping):
        return []
    found = []
    if _is_quoted(inputs.get("cloudWatchStreamingEnabled")):
        found.append(
            "inputs.cloudWatchStreamingEnabled is in quotes, and the agent on a node cannot read such a document."
        )
    quoted = [key for key in _booleans() if _is_quoted(inputs.get(key)) and key != "cloudWatchStreamingEnabled"]
    if preferences and quoted:
        found.append(f"The console cannot edit preferences with {', '.join(quoted)} in quotes.")
    if preferences and "idleSessionTimeout" not in inputs:
        found.append("The console cannot edit preferences without inputs.idleSessionTimeout.")
    if str(inputs.get("runAsEnabled")).lower() == "true" and not inputs.get("runAsDefaultUser"):
        found.append(
            "inputs.runAsEnabled is true without runAsDefaultUser: only users whose IAM role or user has the tag "
            "SSMSessionRunAs can start sessions."
        )
    return found


def _filled(given: Mapping[str, Any]) -> dict[str, Any]:
    defaults = {name: option.get("default") for name, option in OPTIONS.items()}
    filled = {**defaults, **{name: value for name, value in given.items() if value is not None}}
    filled["shell_profile"] = {shell: (filled["shell_profile"] or {}).get(shell) or "" for shell in _SHELLS}
    return filled


def _input(name: str) -> str:
    """``s3_bucket_name`` as ``s3BucketName``."""
    camel = transform.camel(name)
    return camel[0].lower() + camel[1:]


def _booleans() -> list[str]:
    return [_input(name) for name in _INPUTS if OPTIONS[name]["type"] == "bool"]


def _is_quoted(value: Any) -> bool:
    """Whether a boolean is a string. A reference to a parameter has to be one, and is filled in before it is read."""
    return isinstance(value, str) and "{{" not in value


def _check(filled: Mapping[str, Any]) -> None:
    for name, most in _MINUTES.items():
        if filled[name] is not None and not 1 <= filled[name] <= most:
            raise SSMError(f"session_preferences.{name} is {filled[name]}, not 1 to {most} minutes.")
    for name, pattern, says in _PATTERNS:
        if filled[name] and not re.fullmatch(pattern, filled[name]):
            raise SSMError(f"session_preferences.{name} is {filled[name]!r}: {says}.")
    for name, other, wrong in _PAIRS:
        if filled[name] and not filled[other]:
            raise SSMError(f"session_preferences.{name} needs {other}, {wrong}.")
    for shell, profile in filled["shell_profile"].items():
        if len(profile) > _MAX_PROFILE:
            raise SSMError(
                f"session_preferences.shell_profile.{shell} has {len(profile)} characters, and {_MAX_PROFILE} at most "
                "are possible."
            )


def _read(name: str, value: Any) -> Any:
    """One input as its option, however it was written; ``_UNREADABLE`` if no option stands for it."""
    kind = OPTIONS[name]["type"]
    if kind == "bool":
        words = {"true": True, "false": False, "": False}
        return value if isinstance(value, bool) else words.get(str(value).lower(), _UNREADABLE)
    if kind == "int":
        if value in (None, ""):
            return None
        return int(value) if re.fullmatch(r"[0-9]+", str(value)) else _UNREADABLE
    if kind == "dict":
        is_profile = isinstance(value, Mapping) and set(value) <= set(_SHELLS)
        return value if is_profile and all(isinstance(one, str) for one in value.values()) else _UNREADABLE
    return value if isinstance(value, str) and "{{" not in value else _UNREADABLE
