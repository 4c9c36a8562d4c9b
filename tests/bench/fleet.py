# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A world of many nodes, and a task that checks their connection status; shared by several benchmarks."""

from __future__ import annotations

from typing import Any

# The latency in seconds of a call from a controller in one region to Systems Manager in another.
LATENCY = 0.080


def targets(count: int) -> list[str]:
    """Return the IDs of the first ``count`` nodes of ``world``."""
    return [f"i-{number:017x}" for number in range(1, count + 1)]


def world(count: int, **settings: Any) -> dict[str, Any]:
    """Return a world of ``count`` connected nodes. ``settings`` are further keys of it, such as ``latency_ms``."""
    return {"regions": {"us-east-1": {"nodes": [{"generate": count, "id": "i-%017x"}]}}, **settings}


def task(count: int) -> dict[str, Any]:
    """Return a task that checks ``count`` targets at once, and fails unless all are connected."""
    return {
        "sessionops.aws.ssm_connection_status": {"targets": targets(count)},
        "register": "status",
        "failed_when": f"status.connected | default([]) | length != {count}",
    }
