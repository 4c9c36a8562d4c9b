# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What several benchmarks ask: a world of many nodes, and the task that asks for them."""

from __future__ import annotations

from typing import Any

# Seconds from a controller in one region to Systems Manager in another.
LATENCY = 0.080


def targets(count: int) -> list[str]:
    """The ids of the first nodes of ``world``."""
    return [f"i-{number:017x}" for number in range(1, count + 1)]


def world(count: int, **settings: Any) -> dict[str, Any]:
    """So many connected nodes."""
    return {"regions": {"us-east-1": {"nodes": [{"generate": count, "id": "i-%017x"}]}}, **settings}


def task(count: int) -> dict[str, Any]:
    """A task that asks for so many targets at once, and fails unless each is connected."""
    return {
        "sessionops.aws.ssm_connection_status": {"targets": targets(count)},
        "register": "asked",
        "failed_when": f"asked.connected | default([]) | length != {count}",
    }
