# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Check the options that select sessions and convert them to a ``SessionFilter``."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping
from typing import Any

from .. import option_text, option_time
from ..errors import SSMError
from ..nodes import targets
from ..option_text import quoted
from .filters import ACTIVE, HISTORY, STATES_OF_STATUS, SessionFilter

# The states of DescribeSessions for each value of the option state.
STATES = {"active": (ACTIVE,), "history": (HISTORY,), "all": (ACTIVE, HISTORY)}

_TEXT_OPTIONS = ("session_id", "target", "owner", "status", "access_type", "document_name")
# DescribeSessions accepts filter values up to this length.
_MAX_LENGTH = 400
# The API reference documents only the length (1 to 96). An ID begins with the name of an IAM user or of a role's
# session, and neither can have these characters.
_SESSION_ID = re.compile(r"""[^\s;"(){}\[\]*/]{1,96}""")
_EXAMPLE = "jane-0a1b2c3d4e5f6a7b8"
_SESSION_ARN = re.compile(r"arn:aws[a-z-]*:ssm:[^:\s]*:[0-9]*:session/(?=[^\s;*,]+$)")
# Users and sessions of roles can start sessions, in any partition. AWS shows some of their ARNs without "arn:".
_OWNER_ARN = re.compile(
    r"(?:arn:)?aws[a-z-]*:(?:iam|sts)::[0-9]{12}:(?:root|user/\S+|assumed-role/[^/\s]+/\S+|federated-user/\S+)"
)
# IAM and STS accept these characters in names of users and sessions. A path or a role may come before the name.
_OWNER_NAME = re.compile(r"[\w+=,.@/-]+", re.ASCII)
_DOCUMENT_NAME = re.compile(r"[a-zA-Z0-9_.-]{3,128}")
_DOCUMENT_ARN = re.compile(r"arn:aws[a-z-]*:ssm:[a-z0-9-]+:(?:[0-9]{12})?:document/[a-zA-Z0-9_.-]{3,128}")


# The options that select the sessions to end.
SELECTORS = ("target", "owner", "status", "document_name", "older_than")


def session_filter(params: Mapping[str, Any]) -> SessionFilter:
    """Return the options as a ``SessionFilter``. Raise ``SSMError`` for the first one that can match no session.

    An empty text, for example from a variable that is empty, must not mean "any".
    """
    given = {option: params.get(option) for option in _TEXT_OPTIONS}
    trimmed = {option: text if text is None else text.strip() for option, text in given.items()}
    for option, text in trimmed.items():
        if text is not None:
            _check(option, text)
    wanted = SessionFilter(
        **trimmed,
        invoked_after=option_time.option_moment(params, "invoked_after"),
        invoked_before=option_time.option_moment(params, "invoked_before"),
        older_than=option_time.option_duration(params, "older_than"),
    )
    _check_times(params, wanted)
    _check_status(params.get("state"), wanted.status)
    return wanted


def session_ids(entries: Iterable[str], option: str) -> list[str]:
    """Return the trimmed entries of a list of IDs. Raise ``SSMError`` for the first that cannot be an ID.

    Entries may be empty.
    """
    found = option_text.trimmed(entries)
    for entry in filter(None, found):
        _check_session_id(option, entry)
    return found


def excluded_ids(entries: Iterable[str]) -> list[str]:
    """Return the entries of exclude_session_ids. Raise ``SSMError`` for the first that would protect no session."""
    found = session_ids(entries, "exclude_session_ids")
    for entry in found:
        if "-" not in entry:
            raise SSMError(
                f"exclude_session_ids: {quoted(entry)} is not a session ID, so it would protect no session; expected "
                f"the whole ID of one session, such as {_EXAMPLE}. Sessions cannot be excluded by user or node: "
                "use owner or target to select the sessions to end."
            )
    return found


def _check(option: str, text: str) -> None:
    if not text:
        raise SSMError(f"{option} is empty. Set a value or omit the option.")
    if len(text) > _MAX_LENGTH:
        raise SSMError(f"{option} has {len(text)} characters; the maximum is {_MAX_LENGTH}.")
    if option in _CHECKS:
        _CHECKS[option](option, text)


def _check_session_id(option: str, text: str) -> None:
    _check_not_a_target(option, text)
    if _SESSION_ARN.match(text):
        raise SSMError(f"{option}: {quoted(text)} is an ARN. Use the ID in the ARN: {text.partition('/')[2]}.")
    if not _SESSION_ID.fullmatch(text):
        raise SSMError(
            f"{option}: {quoted(text)} is not a session ID; expected the whole ID of one session, such as {_EXAMPLE}."
        )


def _check_not_a_target(option: str, text: str) -> None:
    if targets.is_target(text):
        raise SSMError(
            f"{option}: {quoted(text)} is the ID of a target, not of a session. "
            "To select the sessions on a node, use target."
        )


def _check_target(option: str, text: str) -> None:
    targets.check_target(text, option)


def _check_owner(option: str, text: str) -> None:
    if _OWNER_ARN.fullmatch(text) or (":" not in text and _OWNER_NAME.fullmatch(text)):
        return
    raise SSMError(
        f"{option}: {quoted(text)} is not the owner of a session; expected the ARN of a user or of a role session "
        "(arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION), or the name of a user or of a role session."
    )


def _check_document(option: str, text: str) -> None:
    if not _DOCUMENT_NAME.fullmatch(text) and not _DOCUMENT_ARN.fullmatch(text):
        raise SSMError(
            f"{option}: {quoted(text)} is not a document; expected a name of 3 to 128 letters, digits, '_', '-' "
            "and '.', or an ARN that ends with :document/NAME."
        )


_CHECKS = {
    "session_id": _check_session_id,
    "target": _check_target,
    "owner": _check_owner,
    "document_name": _check_document,
}


def _check_times(params: Mapping[str, Any], wanted: SessionFilter) -> None:
    """Raise ``SSMError`` if no session can have started between the given times.

    Only times that can be compared without the service's clock are checked.
    """
    after = wanted.invoked_after
    if after is None:
        return
    limits: dict[str, option_time.Moment | None] = {
        "invoked_before": wanted.invoked_before,
        "older_than": wanted.older_than,
    }
    for option, limit in limits.items():
        if _at_or_after(after, limit):
            is_time = isinstance(after, datetime.datetime)
            raise SSMError(
                f"invoked_after is {params['invoked_after']} and {option} is {params[option]}: no session can match "
                f"both, because invoked_after must be {'earlier' if is_time else 'longer'} than {option}."
            )


def _at_or_after(after: option_time.Moment, limit: option_time.Moment | None) -> bool:
    """Return whether ``after`` is at or after ``limit``. Both must be times, or both durations before now."""
    if isinstance(after, datetime.datetime) and isinstance(limit, datetime.datetime):
        return after >= limit
    return isinstance(after, datetime.timedelta) and isinstance(limit, datetime.timedelta) and after <= limit


def _check_status(state: str | None, status: str | None) -> None:
    if state is None or status is None:
        return
    listed = STATES_OF_STATUS.get(status, STATES[state])
    if not set(listed) & set(STATES[state]):
        right = "active" if ACTIVE in listed else "history"
        raise SSMError(
            f"status is {status} and state is {state}: AWS lists sessions with this status only in state {right}. "
            f"Set state to {right} or all."
        )
