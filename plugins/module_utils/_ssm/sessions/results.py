# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""The results of the modules about sessions, as their RETURN blocks document them.

Shapes that come from AWS are open: AWS may add members to them.
"""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict

from ..module import ModuleResult

# A session with the members of DescribeSessions in snake_case: ``{"session_id": "jane-0a1b2c3d4e5f6a7b8", ...}``.
ReturnedSession = dict[str, Any]


class SessionInfoResult(ModuleResult):
    """The result of ssm_session_info."""

    sessions: list[ReturnedSession]
    listed_at: str


class TerminationFailure(TypedDict):
    """A session that could not be terminated, or may still be active."""

    session_id: str
    reason: str


class TerminationDiff(TypedDict):
    """The active sessions among those asked for, one ID a line."""

    before: str
    after: str


class TerminationResult(ModuleResult):
    """The result of ssm_session_terminate."""

    terminated: list[ReturnedSession]
    already_ended: list[str]
    not_active: list[str]
    failures: list[TerminationFailure]
    selected: NotRequired[list[ReturnedSession]]
    diff: TerminationDiff
