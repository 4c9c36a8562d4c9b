# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Convert Session Manager preferences from options to the content of a Session document, and back.

https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-schema.html documents the inputs. The agent
decides what it can read: real booleans, and minutes as strings of digits. Both are written as the console writes them.
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
# The maximum number of characters of a shell profile (User Guide).
_MAX_PROFILE = 512
_MINUTES = {conversion.snake(key): most for key, most in MINUTES.items()}
_SHELLS = {"linux": "Linux", "windows": "Windows"}
# How to clear an option where null does not clear it, by the option's name or else its type. An idle timeout cannot be
# cleared.
_CLEARED_BY = {
    "str": " To clear it, set an empty string.",
    "bool": " To turn it off, set false.",
    "dict": " To clear a shell profile, set it to an empty string.",
    "max_session_duration": " To remove the maximum session duration, set 0.",
}
# The user that sessions run as while run-as is off.
_AGENT_USER = "ssm-user"

# None of them has a default in the argument spec, to distinguish what the task gives from what it leaves out.
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
# The values in a complete document of the options that the task does not give.
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
_INPUT_OPTIONS = [name for name in OPTIONS if name != "description"]
# The value of an input that no option can express.
_INEXPRESSIBLE = object()
_PATTERNS = (
    ("s3_bucket_name", r"[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9]", "it must be 3 to 63 of a-z, 0-9, dots and hyphens"),
    (
        "cloud_watch_log_group_name",
        r"[\w./#\-]{1,512}",
        "it must be 1 to 512 letters, digits, and _ - / . #",
    ),
    ("kms_key_id", r"[\w:/\-]{1,2048}", "it must be the ID, ARN or alias of a key"),
    ("run_as_default_user", r"\S+", "it must be a user name without spaces"),
    (
        "s3_key_prefix",
        r"(?s:(?!.*\{\{).*)",
        "it must not contain {{, because session_preferences cannot define parameters",
    ),
)
# An option, the option that it requires, and the rest of the error message.
_DEPENDENT_OPTIONS = (
    ("s3_key_prefix", "s3_bucket_name", "s3_bucket_name"),
    ("cloud_watch_streaming_enabled", "cloud_watch_log_group_name", "cloud_watch_log_group_name"),
    ("run_as_default_user", "run_as_enabled", "run_as_enabled=true"),
)
# The options that log, encrypt or separate sessions, and their names in warnings. Values that are strings are added.
_SAFEGUARDS = (
    ("s3_bucket_name", "logging to the S3 bucket"),
    ("cloud_watch_log_group_name", "logging to the CloudWatch log group"),
    ("kms_key_id", "encryption with the KMS key"),
    ("run_as_enabled", "run-as"),
)
# An option, the log destination without which it has no effect, and its name in warnings.
_LOG_SAFEGUARDS = (
    ("s3_encryption_enabled", "s3_bucket_name", "the check that the S3 bucket is encrypted"),
    ("cloud_watch_encryption_enabled", "cloud_watch_log_group_name", "the check that the log group is encrypted"),
    ("cloud_watch_streaming_enabled", "cloud_watch_log_group_name", "streaming to the log group"),
)
_TOP_LEVEL_KEYS = {"schemaVersion", "description", "sessionType", "inputs"}


def check_preferences(given: Mapping[str, Any]) -> None:
    """Raise ``SSMError`` for a value that is invalid in every document."""
    _check_values(_without_nulls(given))


def to_content(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of a complete document with these options. Raises ``SSMError`` for invalid options."""
    filled = {**DEFAULTS, **_without_nulls(given)}
    filled["shell_profile"] = {**DEFAULTS["shell_profile"], **filled["shell_profile"]}
    _check(filled)
    inputs = {_input_name(name): _input_value(name, filled[name]) for name in _INPUT_OPTIONS}
    return {
        "schemaVersion": "1.0",
        "description": filled["description"],
        "sessionType": SHELL_SESSION,
        "inputs": {key: value for key, value in inputs.items() if value is not None},
    }


def merged(given: Mapping[str, Any], document: Any) -> dict[str, Any]:
    """Return the content of a document with the given preferences changed, and everything else unchanged.

    Raises ``SSMError`` for invalid preferences, and for content without preferences of shell sessions.
    """
    inputs = _inputs_of(document)
    if inputs is None:
        raise SSMError(
            "With purge_session_preferences=false, session_preferences can change only a Session document with the "
            "session type Standard_Stream, and this document is not one. Check the name of the document. To replace "
            "its whole content, set purge_session_preferences to true."
        )
    changes = _without_nulls(given)
    _check_values(changes)
    found = _option_values(inputs)
    for name in changes.keys() & set(_INPUT_OPTIONS):
        value = changes[name]
        if name == "shell_profile":
            before = inputs.get("shellProfile")
            value = {**(before if isinstance(before, Mapping) else {}), **value}
        written = _input_value(name, value)
        if found[name] != _option_value(name, written):
            inputs[_input_name(name)] = written
    _check_dependent_options(changes, _option_values(inputs))
    description = {"description": changes["description"]} if "description" in changes else {}
    return {**document, **description, "inputs": {key: value for key, value in inputs.items() if value is not None}}


def from_content(content: Any) -> dict[str, Any] | None:
    """Return the options that mean the same as the content, or None if options cannot express it.

    An input without effect, such as a prefix without a bucket, is returned as its option's default.
    """
    inputs = _inputs_of(content)
    if (
        inputs is None
        or not set(content) <= _TOP_LEVEL_KEYS
        or not set(inputs) <= {_input_name(name) for name in _INPUT_OPTIONS}
    ):
        return None
    read = {"description": content.get("description", ""), **_option_values(inputs)}
    if _INEXPRESSIBLE in read.values() or not isinstance(read["description"], str):
        return None
    for name, other, unused in _DEPENDENT_OPTIONS:
        read[name] = read[name] if read[other] else DEFAULTS[name]
    try:
        _check(read)
    except SSMError:
        return None
    return read


def have_same_effect(one: Any, other: Any) -> bool:
    """Return whether two contents make the agent do the same. False if options cannot express the first one."""
    read = from_content(one)
    return read is not None and read == from_content(other)


def removed_safeguards(before: Any, after: Any) -> list[str]:
    """Return the logging, encryption, run-as, time limit and shell profiles that ``before`` has and ``after`` lacks.

    ``["encryption with the KMS key alias/sessions", "run-as"]``
    """
    old, new = _inputs_of(before), _inputs_of(after)
    if old is None or new is None:
        return []
    was, now = _option_values(old), _option_values(new)
    found = [
        f"{what}{f' {was[name]}' if isinstance(was[name], str) else ''}"
        for name, what in _SAFEGUARDS
        if was[name] and not now[name]
    ]
    found += _removed_limits(was, now)
    # These have no effect without their log destination.
    return found + [
        what for name, place, what in _LOG_SAFEGUARDS if was[place] and was[name] and now[place] and not now[name]
    ]


def _removed_limits(was: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return the time limit and the shell profiles that were removed."""
    found = []
    if was["max_session_duration"] and not now["max_session_duration"]:
        minutes = was["max_session_duration"]
        limit = f" of {counted(minutes, 'minute')}" if isinstance(minutes, int) else ""
        found.append(f"the maximum session duration{limit}")
    old, new = was["shell_profile"], now["shell_profile"]
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        found += [f"the shell profile for {name}" for shell, name in _SHELLS.items() if old[shell] and not new[shell]]
    return found


def null_warnings(names: Iterable[str]) -> list[str]:
    """Return a warning for each null option of a task that changes only what it gives: null changes nothing.

    ``names`` are the options that are null, such as ``kms_key_id`` and ``shell_profile.linux``.
    """
    return [
        f"session_preferences.{name} is null, so with purge_session_preferences=false its value in the document stays."
        f"{_how_to_clear(name)}"
        for name in names
    ]


def _how_to_clear(name: str) -> str:
    kind = OPTIONS.get(name, {}).get("type", "str")
    return _CLEARED_BY.get(name, _CLEARED_BY.get(kind, ""))


def preference_warnings(content: Any, *, preferences: bool) -> list[str]:
    """Return warnings about inputs that AWS may accept but that do not work as intended.

    With ``preferences``, they include inputs that prevent the console from editing the preferences.
    """
    inputs = content.get("inputs") if isinstance(content, Mapping) else None
    if not isinstance(inputs, Mapping):
        return []
    found = []
    if _is_quoted(inputs.get("cloudWatchStreamingEnabled")):
        found.append(
            "The value of inputs.cloudWatchStreamingEnabled is in quotes, and the agent on a node cannot read such a "
            "document. Use true or false without quotes."
        )
    keys = [key for key in _boolean_inputs() if _is_quoted(inputs.get(key)) and key != "cloudWatchStreamingEnabled"]
    if preferences and keys:
        found.append(
            f"The console cannot edit preferences with quotes around the value of {', '.join(keys)}. Use true or "
            "false without quotes."
        )
    if preferences and "idleSessionTimeout" not in inputs:
        found.append("The console cannot edit preferences without inputs.idleSessionTimeout.")
    unknown = _unknown_inputs(inputs) if content.get("sessionType") == SHELL_SESSION else []
    return [*found, *unknown, *_run_as_warnings(inputs), *_limit_warnings(inputs)]


def _unknown_inputs(inputs: Mapping[str, Any]) -> list[str]:
    """Return a warning for each input that AWS does not document."""
    known = [_input_name(name) for name in _INPUT_OPTIONS]
    return [
        f"AWS does not document the input {quoted(str(key))}, and may reject or ignore it."
        f"{option_text.suggestion(str(key), known)}"
        for key in inputs
        if key not in known
    ]


def _run_as_warnings(inputs: Mapping[str, Any]) -> list[str]:
    """Return warnings about run-as settings that can prevent users from starting sessions."""
    enabled, user = inputs.get("runAsEnabled"), inputs.get("runAsDefaultUser")
    if enabled == "":
        return [
            "inputs.runAsEnabled is an empty string. Set it to true or false, because AWS documents no other value."
        ]
    if str(enabled).lower() != "true":
        return []
    if not user:
        return [
            "inputs.runAsEnabled is true and inputs.runAsDefaultUser is not set. So a session can be started only by "
            "an IAM user or role that has the tag SSMSessionRunAs."
        ]
    if user == _AGENT_USER:
        return [
            f"inputs.runAsDefaultUser is {user}. The agent creates this user only if run-as is off, so sessions fail "
            f"on nodes that do not have it. To run sessions as {user}, set inputs.runAsEnabled to false."
        ]
    return []


def _limit_warnings(inputs: Mapping[str, Any]) -> list[str]:
    idle, longest = inputs.get("idleSessionTimeout"), inputs.get("maxSessionDuration")
    minutes = [int(str(value)) for value in (idle, longest) if re.fullmatch(r"[0-9]{1,9}", str(value))]
    if len(minutes) < len(_MINUTES) or minutes[0] <= minutes[1]:
        return []
    return [
        f"inputs.idleSessionTimeout ({idle} minutes) is longer than inputs.maxSessionDuration ({longest} minutes), so "
        "the idle timeout has no effect."
    ]


def _without_nulls(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that the task gives. Null is the same as leaving an option out."""
    options = {name: value for name, value in given.items() if value is not None}
    if "shell_profile" in options:
        profiles = options["shell_profile"].items()
        options["shell_profile"] = {shell: profile for shell, profile in profiles if profile is not None}
    return options


def _input_value(name: str, value: Any) -> Any:
    """Return an option's value as the console writes it, or None to leave the input out."""
    if name in _MINUTES:
        return str(value) if value else None
    return value


def _input_name(name: str) -> str:
    """Return the name of an option's input: ``"s3BucketName"`` for ``s3_bucket_name``."""
    camel = conversion.camel(name)
    return camel[0].lower() + camel[1:]


def _boolean_inputs() -> list[str]:
    return [_input_name(name) for name in _INPUT_OPTIONS if OPTIONS[name]["type"] == "bool"]


def _is_quoted(value: Any) -> bool:
    """Return whether a boolean is a string.

    A reference to a parameter does not count: it has to be a string, and is resolved before the agent reads it.
    """
    return isinstance(value, str) and "{{" not in value


def _check(filled: Mapping[str, Any]) -> None:
    _check_values(filled)
    _check_dependent_options(filled, filled)


def _check_dependent_options(given: Mapping[str, Any], result: Mapping[str, Any]) -> None:
    """Raise ``SSMError`` for a given option that requires another option, if that one is off in ``result``."""
    for name, other, required in _DEPENDENT_OPTIONS:
        if given.get(name) and not result[other]:
            raise SSMError(f"session_preferences.{name} requires {required}.")


def _check_values(values: Mapping[str, Any]) -> None:
    for name, most in _MINUTES.items():
        value = values.get(name)
        least, or_none = (0, ", or 0 for no limit") if name == "max_session_duration" else (1, "")
        if value is not None and (isinstance(value, bool) or not least <= value <= most):
            # YAML reads "no" as a boolean, and Ansible accepts a boolean as an integer.
            given = str(value).lower() if isinstance(value, bool) else value
            raise SSMError(f"session_preferences.{name} is {given}: it must be 1 to {most} minutes{or_none}.")
    for name, pattern, rule in _PATTERNS:
        if values.get(name) and not re.fullmatch(pattern, values[name]):
            raise SSMError(f"session_preferences.{name} is {values[name]!r}: {rule}.")
    for shell, profile in values.get("shell_profile", {}).items():
        if len(profile) > _MAX_PROFILE:
            raise SSMError(
                f"session_preferences.shell_profile.{shell} has {len(profile)} characters; the maximum is "
                f"{_MAX_PROFILE}."
            )


def _inputs_of(content: Any) -> dict[str, Any] | None:
    """Return a copy of the inputs of content for shell sessions, or None for any other content."""
    if not isinstance(content, Mapping) or content.get("sessionType") != SHELL_SESSION:
        return None
    inputs = content.get("inputs") or {}
    return dict(inputs) if isinstance(inputs, Mapping) else None


def _option_values(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the value of every option but ``description``. A missing input is off, or AWS's default."""
    return {name: _option_value(name, inputs.get(_input_name(name))) for name in _INPUT_OPTIONS}


def _option_value(name: str, value: Any) -> Any:
    """Return the option's value of one input, however it was written; ``_INEXPRESSIBLE`` if no value expresses it."""
    kind = OPTIONS[name]["type"]
    if kind == "bool":
        if name == "cloud_watch_streaming_enabled" and _is_quoted(value):
            return _INEXPRESSIBLE  # the agent reads only this one as a boolean, and rejects the document
        words = {"true": True, "false": False, "": False}
        value = False if value is None else value
        return value if isinstance(value, bool) else words.get(str(value).lower(), _INEXPRESSIBLE)
    if kind == "int":
        if value in (None, ""):
            # AWS then uses 20 minutes for the idle timeout, and no limit for the duration.
            return DEFAULTS[name]
        return int(value) if re.fullmatch(r"0*[1-9][0-9]{0,8}", str(value)) else _INEXPRESSIBLE
    if kind == "dict":
        return _shell_profile({} if value is None else value)
    text = "" if value is None else value
    return text if isinstance(text, str) and "{{" not in text else _INEXPRESSIBLE


def _shell_profile(value: Any) -> Any:
    if not isinstance(value, Mapping) or not set(value) <= set(_SHELLS):
        return _INEXPRESSIBLE
    return {shell: value.get(shell, "") for shell in _SHELLS} if all(map(_is_text, value.values())) else _INEXPRESSIBLE


def _is_text(value: Any) -> bool:
    return isinstance(value, str)
