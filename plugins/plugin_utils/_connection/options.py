# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Check the options of the connection plugin, and turn them into ``Settings``."""

from __future__ import annotations

import getpass
import os
import re
import socket
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleConnectionFailure

from .._session.limits import Limits
from .._session.lines import INTERPRETERS
from .settings import DOCUMENT, Settings, variable

# Get a value, and where it is from: the start of the origin is ``env`` or ``var``.
GetOption = Callable[[str], tuple[Any, str]]

# Options of amazon.aws.aws_ssm that have no meaning here, because there is no bucket and no binary.
UNUSED = (
    "bucket_name",
    "bucket_endpoint_url",
    "bucket_sse_mode",
    "bucket_sse_kms_key_id",
    "s3_addressing_style",
    "plugin",
)
# The options of keys, and what boto3 calls them.
_ARGUMENTS = {
    "access_key": "aws_access_key_id",
    "secret_key": "aws_secret_access_key",
    "session_token": "aws_session_token",
}
_PATH = re.compile(r"/[\w./+-]+", re.ASCII)
_MAX_REASON = 256


def read(get: GetOption, host: str) -> Settings:
    """Return the settings. ``host`` is the name of the host. Raises ``AnsibleConnectionFailure``."""
    get = _unless_empty(get)

    def value(name: str) -> Any:
        return get(name)[0]

    return Settings(
        target=str(value("instance_id") or value("host")),
        region=value("region") or None,
        endpoint=_endpoint(get, "endpoint_url"),
        stream_endpoint=_endpoint(get, "stream_endpoint_url"),
        credentials=_credentials(get),
        role=value("assume_role_arn") or None,
        document=value("document") or DOCUMENT,
        command_parameter=value("document_command_parameter"),
        parameters=_parameters(value("document_parameters") or {}),
        reason=_reason(value("reason"), host),
        interpreters=_interpreters(value("python_interpreter")),
        limits=Limits(
            connect=_connect_seconds(get),
            resume=_seconds(get, "resume_timeout", least=1),
            keepalive=_seconds(get, "keepalive_interval", least=1),
            alive_interval=_seconds(get, "alive_interval"),
            alive_count=_count(get, "alive_count", least=2),
        ),
        command_timeout=_seconds(get, "command_timeout") or None,
        attempts=1 + _count(get, "connect_retries"),
        wait=_seconds(get, "connect_wait"),
        idle=_seconds(get, "idle_timeout"),
        lifetime=_seconds(get, "session_lifetime"),
        persist=bool(value("persist")),
    )


def _unless_empty(get: GetOption) -> GetOption:
    """Return ``get`` for which an empty environment variable, as AWX sets it, counts as none.

    ansible-core takes an empty variable for a path to be the working directory.
    """

    def get_unless_empty(name: str) -> tuple[Any, str]:
        value, origin = get(name)
        source, unused, variable = origin.partition(": ")
        return (None, "") if source == "env" and not os.environ.get(variable) else (value, origin)

    return get_unless_empty


def _given_as(get: GetOption, option: str) -> str:
    """Return the variable that an option has its value from, or the one that it could have it from."""
    source, unused, name = get(option)[1].partition(": ")
    return name if source in ("var", "env") else variable(option)


def _connect_seconds(get: GetOption) -> float:
    """Return how long a node may take to answer.

    When ansible-core resets a connection, it sets the option to the time limit of the task, and to 0 if there is none.
    """
    value, origin = get("timeout")
    return Limits().connect if value == 0 and origin.startswith("keyword") else _seconds(get, "timeout", least=1)


def _seconds(get: GetOption, option: str, least: int = 0) -> float:
    return _number(get, option, "a number of seconds", least)


def _count(get: GetOption, option: str, least: int = 0) -> int:
    return int(_number(get, option, "a whole number", least))


def _number(get: GetOption, option: str, form: str, least: int) -> float:
    given = get(option)[0]
    number = float(given)
    if not least <= number < float("inf"):
        raise AnsibleConnectionFailure(
            f"{_given_as(get, option)} must be {form} that is {least} or more, but it is {given}."
        )
    return number


def _endpoint(get: GetOption, option: str) -> str | None:
    """Return an endpoint that is a URL with a host."""
    given: str | None = get(option)[0]
    if not given:
        return None
    try:
        parts = urllib.parse.urlsplit(given)
        host, unused_port = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("https", "http", "wss", "ws"):
        raise AnsibleConnectionFailure(
            f"{_given_as(get, option)} must be a URL such as https://vpce-0123456789abcdef0.example.com."
        )
    return given


def _credentials(get: GetOption) -> dict[str, Any]:
    """Return the arguments for the session of boto3. What the task sets comes before the environment."""
    keys = {name: get(name) for name in _ARGUMENTS}
    profile, profile_from = get("profile")
    set_keys = [name for name, (value, origin) in keys.items() if value and not origin.startswith("env")]
    if profile and not profile_from.startswith("env"):
        if set_keys:
            names = [_given_as(get, name) for name in ("profile", *set_keys)]
            raise AnsibleConnectionFailure(
                f"{names[0]} cannot be combined with {' and '.join(names[1:])}. Set either the profile or the keys."
            )
        keys = dict.fromkeys(_ARGUMENTS, (None, ""))
    elif keys["access_key"][0]:
        profile = None
    if set_keys:  # a token of the environment does not belong to them
        keys = {name: pair if name in set_keys else (None, "") for name, pair in keys.items()}
    found = {_ARGUMENTS[name]: value for name, (value, unused) in keys.items() if value}
    verify = False if not get("validate_certs")[0] else (get("aws_ca_bundle")[0] or None)
    return {**found, "profile_name": profile or None, "verify": verify}


def _parameters(given: Any) -> dict[str, list[str]]:
    """Return the parameters of a document as StartSession takes them: ``{"name": ["value"]}``."""
    if not isinstance(given, Mapping):
        name = variable("document_parameters")
        raise AnsibleConnectionFailure(f"{name} must be a mapping of names to values, such as {{'ticket': '4711'}}.")
    lists = {str(name): value if isinstance(value, list) else [value] for name, value in given.items()}
    return {name: [str(value) for value in values] for name, values in lists.items()}


def _reason(given: str | None, host: str) -> str:
    """Return the reason that the session is started with, at most 256 characters of ASCII."""
    text = given or f"Ansible: {host} by {_user()} on {socket.gethostname()}, process {os.getppid()}"
    return text.encode("ascii", "backslashreplace").decode()[:_MAX_REASON]


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _interpreters(given: str | None) -> tuple[str, ...]:
    """Return where Python is looked for. Words such as ``auto`` are not paths."""
    return (given, *INTERPRETERS) if given and _PATH.fullmatch(given) else INTERPRETERS
