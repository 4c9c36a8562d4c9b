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
from collections.abc import Iterable, Mapping
from typing import Any

from .. import conversion, option_text
from ..errors import SSMError
from ..option_text import counted, quoted
from .content_schema import MINUTES, SHELL_SESSION

DESCRIPTION = "Document to hold regional settings for Session Manager"
# The most characters of a shell profile, says the User Guide.
_MAX_PROFILE = 512
_MINUTES = {conversion.snake(key): most for key, most in MINUTES.items()}
_SHELLS = {"linux": "Linux", "windows": "Windows"}
# How each type of option is cleared where null does not do it.
_CLEARED_BY = {
    "str": " To clear it, give an empty string.",
    "bool": " To turn it off, give false.",
    "int": " To remove a maximum session duration, give 0.",
    "dict": " To clear a shell profile, give an empty string for it.",
}
# Whom sessions run as unless run-as is on.
_AGENT_USER = "ssm-user"

# None of them has a default of Ansible's, so that what the task gives can be told from what it leaves out.
OPTIONS: dict[str, Any] = {
    "description": {"type": "str"},
    "s3_bucket_name": {"type": "str"},
    "s3_key_prefix": {"type": "str", "no_log": False},
    "s3_encryption_enabled": {"type": "bool"},
    "cloud_watch_log_group_name": {"type": "str"},
    "cloud_watch_encryption_enabled": {"type": "bool"},
    "cloud_watch_streaming_enabled": {"type": "bool"},
    "kms_key_id": {"type": "str", "no_log": False},
    "run_as_enabled": {"type": "bool"},
    "run_as_default_user": {"type": "str"},
    "idle_session_timeout": {"type": "int"},
    "max_session_duration": {"type": "int"},
    "shell_profile": {"type": "dict", "options": {shell: {"type": "str"} for shell in _SHELLS}},
}
# What a complete document has where the task gives nothing.
DEFAULTS: dict[str, Any] = {
    "description": DESCRIPTION,
    "s3_bucket_name": "",
    "s3_key_prefix": "",
    "s3_encryption_enabled": True,
    "cloud_watch_log_group_name": "",
    "cloud_watch_encryption_enabled": True,
    "cloud_watch_streaming_enabled": False,
    "kms_key_id": "",
    "run_as_enabled": False,
    "run_as_default_user": "",
    "idle_session_timeout": 20,
    "max_session_duration": None,
    "shell_profile": dict.fromkeys(_SHELLS, ""),
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
# What keeps sessions on record, secret, or apart from one another; the name is said where the value is one.
_SAFEGUARDS = (
    ("s3_bucket_name", "logging to the S3 bucket"),
    ("cloud_watch_log_group_name", "logging to the CloudWatch log group"),
    ("kms_key_id", "encryption with the KMS key"),
    ("run_as_enabled", "run-as"),
)
_LOG_SAFEGUARDS = (
    ("s3_encryption_enabled", "s3_bucket_name", "the check that the S3 bucket is encrypted"),
    ("cloud_watch_encryption_enabled", "cloud_watch_log_group_name", "the check that the log group is encrypted"),
    ("cloud_watch_streaming_enabled", "cloud_watch_log_group_name", "streaming to the log group"),
)
_TOP = {"schemaVersion", "description", "sessionType", "inputs"}


def check(given: Mapping[str, Any]) -> None:
    """Raise an ``SSMError`` for a value that is wrong whatever the document has."""
    _check_values(_stated(given))


def to_content(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a complete document; an ``SSMError`` says what is wrong with the options."""
    filled = {**DEFAULTS, **_stated(given)}
    filled["shell_profile"] = {**DEFAULTS["shell_profile"], **filled["shell_profile"]}
    _check(filled)
    inputs = {_input(name): _written(name, filled[name]) for name in _INPUTS}
    return {
        "schemaVersion": "1.0",
        "description": filled["description"],
        "sessionType": SHELL_SESSION,
        "inputs": {key: value for key, value in inputs.items() if value is not None},
    }


def merged(given: Mapping[str, Any], document: Any) -> dict[str, Any]:
    """Return the content of a document with the given preferences changed, and all else in it as it was."""
    inputs = _inputs_of(document)
    if inputs is None:
        raise SSMError(
            "session_preferences can change only a Session document of the session type Standard_Stream, and the "
            "document has other content: set purge_session_preferences to true to replace it."
        )
    stated = _stated(given)
    _check_values(stated)
    found = _read_all(inputs)
    for name in stated.keys() & set(_INPUTS):
        value = stated[name]
        if name == "shell_profile":
            before = inputs.get("shellProfile")
            value = {**(before if isinstance(before, Mapping) else {}), **value}
        written = _written(name, value)
        if found[name] != _read(name, written):
            inputs[_input(name)] = written
    _check_pairs(stated, _read_all(inputs))
    description = {"description": stated["description"]} if "description" in stated else {}
    return {**document, **description, "inputs": {key: value for key, value in inputs.items() if value is not None}}


def from_content(content: Any) -> dict[str, Any] | None:
    """Return the options that mean what a document's content means, or None if no options do.

    What has no effect, such as a prefix without a bucket, is returned as not set.
    """
    inputs = _inputs_of(content)
    if inputs is None or not set(content) <= _TOP or not set(inputs) <= {_input(name) for name in _INPUTS}:
        return None
    read = {"description": content.get("description", ""), **_read_all(inputs)}
    if _UNREADABLE in read.values() or not isinstance(read["description"], str):
        return None
    for name, other, unused in _PAIRS:
        read[name] = read[name] if read[other] else DEFAULTS[name]
    try:
        _check(read)
    except SSMError:
        return None
    return read


def mean_the_same(one: Any, other: Any) -> bool:
    """Return whether two documents make the agent do the same, as far as options can say it."""
    read = from_content(one)
    return read is not None and read == from_content(other)


def turned_off(before: Any, after: Any) -> list[str]:
    """Name the logging, encryption, run-as, time limit and shell profiles of ``before`` that ``after`` has not."""
    old, new = _inputs_of(before), _inputs_of(after)
    if old is None or new is None:
        return []
    was, now = _read_all(old), _read_all(new)
    found = [
        f"{what}{f' {was[name]}' if isinstance(was[name], str) else ''}"
        for name, what in _SAFEGUARDS
        if was[name] and not now[name]
    ]
    found += _limits_lost(was, now)
    # These have no effect without the place that logs go to.
    return found + [
        what for name, place, what in _LOG_SAFEGUARDS if was[place] and was[name] and now[place] and not now[name]
    ]


def _limits_lost(was: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Name the time limit and the shell profiles that there no longer are."""
    found = []
    if was["max_session_duration"] and not now["max_session_duration"]:
        minutes = was["max_session_duration"]
        limit = f" of {counted(minutes, 'minute')}" if isinstance(minutes, int) else ""
        found.append(f"the maximum session duration{limit}")
    old, new = was["shell_profile"], now["shell_profile"]
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        found += [f"the shell profile for {name}" for shell, name in _SHELLS.items() if old[shell] and not new[shell]]
    return found


def kept_by_null(names: Iterable[str]) -> list[str]:
    """Return a warning for each option that is null, and so is not changed, in a task that changes only what it gives.

    ``names`` are those of the options, such as ``kms_key_id`` and ``shell_profile.linux``.
    """
    return [
        f"session_preferences.{name} is null, so with purge_session_preferences=false the document keeps the value "
        f"that it has.{_CLEARED_BY.get(OPTIONS.get(name, {}).get('type', 'str'), '')}"
        for name in names
    ]


def warnings(content: Any, *, preferences: bool) -> list[str]:
    """Return what a node, or for ``preferences`` the console, would not understand in content that somebody wrote."""
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
    unknown = _unknown_inputs(inputs) if content.get("sessionType") == SHELL_SESSION else []
    return [*found, *unknown, *_run_as_warnings(inputs), *_limit_warnings(inputs)]


def _unknown_inputs(inputs: Mapping[str, Any]) -> list[str]:
    """Return a warning for each input that has no effect because AWS documents no such one."""
    known = [_input(name) for name in _INPUTS]
    return [
        f"AWS documents no input {quoted(str(key))}: it may refuse or ignore it."
        f"{option_text.suggestion(str(key), known)}"
        for key in inputs
        if key not in known
    ]


def _run_as_warnings(inputs: Mapping[str, Any]) -> list[str]:
    """Return how run-as may keep people from starting sessions."""
    enabled, user = inputs.get("runAsEnabled"), inputs.get("runAsDefaultUser")
    if enabled == "":
        return ["inputs.runAsEnabled is an empty text. Write true or false, because AWS documents no other value."]
    if str(enabled).lower() != "true":
        return []
    if not user:
        return [
            "inputs.runAsEnabled is true without runAsDefaultUser: only users whose IAM role or user has the tag "
            "SSMSessionRunAs can start sessions."
        ]
    if user == _AGENT_USER:
        return [
            f"inputs.runAsDefaultUser is {user}, which the agent creates only where run-as is off: sessions fail on "
            "nodes without that user. Set runAsEnabled to false to use it."
        ]
    return []


def _limit_warnings(inputs: Mapping[str, Any]) -> list[str]:
    idle, longest = inputs.get("idleSessionTimeout"), inputs.get("maxSessionDuration")
    minutes = [int(str(value)) for value in (idle, longest) if re.fullmatch(r"[0-9]{1,9}", str(value))]
    if len(minutes) < len(_MINUTES) or minutes[0] <= minutes[1]:
        return []
    return [
        f"inputs.idleSessionTimeout is {idle} minutes and inputs.maxSessionDuration only {longest}: every session ends "
        "before the idle timeout can apply."
    ]


def _stated(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the task gives: null is the same as leaving an option out."""
    stated = {name: value for name, value in given.items() if value is not None}
    if "shell_profile" in stated:
        profiles = stated["shell_profile"].items()
        stated["shell_profile"] = {shell: profile for shell, profile in profiles if profile is not None}
    return stated


def _written(name: str, value: Any) -> Any:
    """Return an option's value as the console writes it; None for an input that is left out."""
    if name in _MINUTES:
        return str(value) if value else None
    return value


def _input(name: str) -> str:
    """``s3_bucket_name`` as ``s3BucketName``."""
    camel = conversion.camel(name)
    return camel[0].lower() + camel[1:]


def _booleans() -> list[str]:
    return [_input(name) for name in _INPUTS if OPTIONS[name]["type"] == "bool"]


def _is_quoted(value: Any) -> bool:
    """Whether a boolean is a string. A reference to a parameter has to be one, and is filled in before it is read."""
    return isinstance(value, str) and "{{" not in value


def _check(filled: Mapping[str, Any]) -> None:
    _check_values(filled)
    _check_pairs(filled, filled)


def _check_pairs(stated: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Raise an ``SSMError`` for a stated option without the one that it needs, which ``now`` has or lacks."""
    for name, other, wrong in _PAIRS:
        if stated.get(name) and not now[other]:
            raise SSMError(f"session_preferences.{name} needs {other}, {wrong}.")


def _check_values(stated: Mapping[str, Any]) -> None:
    for name, most in _MINUTES.items():
        value = stated.get(name)
        least, or_none = (0, ", or 0 for no limit") if name == "max_session_duration" else (1, "")
        if value is not None and (isinstance(value, bool) or not least <= value <= most):
            # YAML makes a boolean of "no", and for Ansible a boolean is an integer.
            given = str(value).lower() if isinstance(value, bool) else value
            raise SSMError(f"session_preferences.{name} is {given}: it must be 1 to {most} minutes{or_none}.")
    for name, pattern, says in _PATTERNS:
        if stated.get(name) and not re.fullmatch(pattern, stated[name]):
            raise SSMError(f"session_preferences.{name} is {stated[name]!r}: {says}.")
    for shell, profile in stated.get("shell_profile", {}).items():
        if len(profile) > _MAX_PROFILE:
            raise SSMError(
                f"session_preferences.shell_profile.{shell} has {len(profile)} characters, and {_MAX_PROFILE} at most "
                "are possible."
            )


def _inputs_of(content: Any) -> dict[str, Any] | None:
    """Return a copy of the inputs of a shell session's document; None if it is none of those."""
    if not isinstance(content, Mapping) or content.get("sessionType") != SHELL_SESSION:
        return None
    inputs = content.get("inputs") or {}
    return dict(inputs) if isinstance(inputs, Mapping) else None


def _read_all(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return every option's value in a document; what the document leaves out is off, or has no limit."""
    return {name: _read(name, inputs.get(_input(name))) for name in _INPUTS}


def _read(name: str, value: Any) -> Any:
    """Return one input as its option, however it was written; ``_UNREADABLE`` if no option stands for it."""
    kind = OPTIONS[name]["type"]
    if kind == "bool":
        words = {"true": True, "false": False, "": False}
        value = False if value is None else value
        return value if isinstance(value, bool) else words.get(str(value).lower(), _UNREADABLE)
    if kind == "int":
        if value in (None, ""):
            # AWS itself takes so many minutes without input; of the duration there is no limit.
            return DEFAULTS[name]
        return int(value) if re.fullmatch(r"0*[1-9][0-9]{0,8}", str(value)) else _UNREADABLE
    if kind == "dict":
        return _read_profile({} if value is None else value)
    text = "" if value is None else value
    return text if isinstance(text, str) and "{{" not in text else _UNREADABLE


def _read_profile(value: Any) -> Any:
    if not isinstance(value, Mapping) or not set(value) <= set(_SHELLS):
        return _UNREADABLE
    return {shell: value.get(shell, "") for shell in _SHELLS} if all(map(_is_text, value.values())) else _UNREADABLE


def _is_text(value: Any) -> bool:
    return isinstance(value, str)
