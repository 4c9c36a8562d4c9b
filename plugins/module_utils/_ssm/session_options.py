# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""The options that say which sessions are meant, for every module that has them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from . import texts, times
from .errors import SSMError
from .sessions import SessionFilter

_TEXTS = ("session_id", "target", "owner", "status", "access_type", "document_name")
# DescribeSessions takes no longer value of a filter.
_LONGEST = 400
# The API reference says no more than how long one is. It begins with a name of the user, none of which has these.
_SESSION_ID = re.compile(r"""[^\s;"(){}\[\]*/]{0,96}""")


def session_filter(params: Mapping[str, Any]) -> SessionFilter:
    """What the options mean; an ``SSMError`` for the first one that means nothing.

    An empty text, such as a variable that was never set comes to, must not mean "any".
    """
    given = {option: params.get(option) for option in _TEXTS}
    trimmed = {option: text if text is None else text.strip() for option, text in given.items()}
    for option, text in trimmed.items():
        _check(option, text)
    return SessionFilter(
        **trimmed,
        invoked_after=times.option_moment(params, "invoked_after"),
        invoked_before=times.option_moment(params, "invoked_before"),
        older_than=times.option_duration(params, "older_than"),
    )


def session_ids(entries: Iterable[str], option: str) -> list[str]:
    """The entries of a list of IDs, some of which may be empty; an ``SSMError`` for the first that can be no ID."""
    return texts.entries(entries, _SESSION_ID, option, "ID of a session")


def _check(option: str, text: str | None) -> None:
    if text is None:
        return
    if not text:
        raise SSMError(f"{option} is empty, and would select nothing: name one, or leave the option out.")
    if len(text) > _LONGEST:
        raise SSMError(f"{option} is {len(text)} characters long, and AWS takes {_LONGEST} at most.")
