# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""How long the steps of a session may take."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Limits:
    """How long things may take, in seconds.

    ``connect`` is for StartSession's reply to the node's first answer, ``keepalive`` the time between pings.
    ``alive_count`` is how many times in a row a node may leave a question unanswered for ``alive_interval``.
    """

    connect: float = 10.0
    resume: float = 60.0
    keepalive: float = 30.0
    alive_interval: float = 15.0
    alive_count: int = 3
