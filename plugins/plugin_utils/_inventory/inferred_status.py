# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Infer the connection status of a node from its listing, without a call to Session Manager."""

from __future__ import annotations

import datetime
from typing import NamedTuple

from ansible_collections.sessionops.aws.plugins.module_utils._ssm.nodes.connection_status import (
    CONNECTED,
    NOT_CONNECTED,
    UNKNOWN,
)
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.nodes.listing import NOT_RUNNING, Node

from .options import CONNECTION_STATUS, NO_SOURCE, PING_STATUS, InventoryPlan

INSTANCE_STATE = "instance_state"
_ONLINE = "Online"


class Status(NamedTuple):
    """A connection status, its source, and the reason if it is ``unknown``."""

    status: str
    source: str = CONNECTION_STATUS
    reason: str | None = None


_NOT_RUNNING = Status(NOT_CONNECTED, INSTANCE_STATE)
_NOT_ONLINE = Status(NOT_CONNECTED, PING_STATUS)
_IS_ONLINE = Status(CONNECTED, PING_STATUS)
_NO_PING = Status(UNKNOWN, PING_STATUS, "The listing has no ping status for this node.")
_NOT_READ = Status(UNKNOWN, NO_SOURCE, "No status was read, because status_source is none.")


def infer_status(node: Node, now: datetime.datetime, plan: InventoryPlan) -> Status | None:
    """Return the inferred status of a node, or None if it must be read. ``now`` is the time of the service."""
    if plan.status_source == NO_SOURCE:
        return _NOT_READ
    if plan.status_source == PING_STATUS:
        return _by_ping(node)
    if plan.ask_all_nodes:
        return None
    if node.get("instance_state") in NOT_RUNNING:
        return _NOT_RUNNING
    return _NOT_ONLINE if _is_silent(node, now, plan.connection_lost_seconds) else None


def _by_ping(node: Node) -> Status:
    if node.get("instance_state") in NOT_RUNNING:
        return _NOT_RUNNING
    ping = node.get("ping_status")
    if not ping:
        return _NO_PING
    return _IS_ONLINE if ping == _ONLINE else _NOT_ONLINE


def _is_silent(node: Node, now: datetime.datetime, seconds: int) -> bool:
    """Return whether the agent is not online, and its last ping is known to be more than ``seconds`` ago."""
    last = node.get("last_ping_date_time")
    if not last or node.get("ping_status") in (None, _ONLINE):
        return False
    return now - datetime.datetime.fromisoformat(last) > datetime.timedelta(seconds=seconds)
