# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""What can go wrong with a session and the jobs in it."""

from __future__ import annotations


class SessionError(Exception):
    """A session cannot be started, or cannot go on. The text is one sentence or more, without secrets."""


class CallError(SessionError):
    """A call of AWS failed. ``lasting`` is whether the same call would fail again."""

    def __init__(self, text: str, *, lasting: bool) -> None:
        super().__init__(text)
        self.lasting = lasting


class NotSentError(SessionError):
    """There is no session for a job. Nothing of the job was sent to the node."""


class GoneError(SessionError):
    """The process that holds the sessions has ended."""


class JobError(Exception):
    """The node refused a request, or could not carry it out, for example because a file does not exist."""


class TooLongError(Exception):
    """A command took longer than it was allowed to, and was ended on the node."""
