# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The inventory from a hundred to a hundred thousand nodes: time, memory and calls.

Listed with ``ansible-inventory --list`` over four regions, every node asked for its status. Growth is held to what is
linear: the time for a host, beyond the start, of each size against that of the size before.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench_inventory import OURS, OURS_FULL, Inventories, calls, hosts, world
from harness import MEGABYTE, Emulator, Row

SIZES = [100, 1000, 10000, 100000]
# Below this many hosts the start is most of it, and what is beyond is noise.
TELLING = 1000


def rows(quick: bool) -> Iterator[Row]:
    """Three rows for each size."""
    start, before = 0.0, None
    for count in [4, 40] if quick else SIZES:
        with Emulator(world(count)) as aws, tempfile.TemporaryDirectory() as folder:
            inventories = Inventories(aws, Path(folder))
            nobody = {**OURS, "status_source": "none", "filters": {"AgentVersion": "0"}}
            start = start or inventories.list(nobody).seconds
            counted = aws.counts().get("DescribeInstanceProperties", {}).get("ok", 0)
            usage = inventories.list(OURS)
            total = sum(each["ok"] for each in aws.counts().values()) - counted
            full = inventories.list(OURS_FULL)
        expected = sum(each["ok"] for each in calls(count, 1).values())
        complete = hosts(usage) == count and usage.printed.count('"ssm_connected": true') == count
        each = (usage.seconds - start) / count
        ratio = each / before if before and count > TELLING else None
        wrong = "" if complete and total == expected else f"{total} calls instead of {expected}, or not every host"
        against = "linear growth" if ratio else ""
        yield Row(
            f"{count:,} hosts, {total:,} calls", usage.seconds, "s", ratio, against, 1.2 if ratio else None, wrong
        )
        yield Row(f"{count:,} hosts with compose, groups and keyed_groups", full.seconds)
        yield Row(f"{count:,} hosts, memory", usage.memory / MEGABYTE, "MB")
        before = each
