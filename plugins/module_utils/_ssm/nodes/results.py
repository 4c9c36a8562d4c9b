# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""The results of the modules about nodes, as their RETURN blocks document them.

Shapes that come from AWS are open: AWS may add members to them.
"""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict

from ..module import ModuleResult

# The members of DescribeInstanceProperties that help to find out why a node is not connected, in snake_case.
Ping = dict[str, Any]


class TargetStatus(TypedDict):
    """The connection status of one target."""

    target: str
    status: str
    reason: NotRequired[str]
    ping: NotRequired[Ping | None]


class ConnectionStatusResult(ModuleResult):
    """The result of ssm_connection_status."""

    statuses: list[TargetStatus]
    connected: list[str]
    not_connected: list[str]
    unknown: list[str]
    late: NotRequired[list[str]]
    ping_error: NotRequired[str]
