# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The inventory from a hundred to a hundred thousand nodes: time, memory and calls.

The inventory has four regions and checks the status of every node. It is listed with ``ansible-inventory --list``. The
benchmark asserts linear growth of the processor time for each host beyond the start, because other load on the machine
affects processor time least. For comparison, an inventory script prints the same output: that is the time of
ansible-core itself, and the rest is ours.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench_inventory import OURS, OURS_FULL, Inventories, calls, connected, world
from harness import MEGABYTE, Emulator, Row, Usage

SIZES = [100, 1000, 10000, 100000]
# Up to this many hosts, most of the time is the start, and the rest is noise. So growth is shown only above it.
MOSTLY_START = 1000
# The highest ratio of the processor time for each host to that with a tenth of the hosts.
MAX_GROWTH = 1.2
NO_HOSTS = {**OURS, "status_source": "none", "filters": {"AgentVersion": "0"}}


def rows(quick: bool) -> Iterator[Row]:
    """Yield the rows of each number of hosts."""
    before: dict[str, float] = {}
    for count in [4, 40] if quick else SIZES:
        with Emulator(world(count)) as aws, tempfile.TemporaryDirectory() as folder:
            inventories = Inventories(aws, Path(folder))
            usage = inventories.list(OURS)
            failure = "" if aws.counts() == calls(count, 1) else "calls other than pages and statuses"
            if connected(usage) != count:
                failure = failure or "hosts are missing"
            inventories.keep()
            full = inventories.list(OURS_FULL)
            floor = inventories.script()
            start = inventories.list(NO_HOSTS)
        made = sum(each["ok"] for each in calls(count, 1).values())
        yield Row(f"{count:,} hosts, {made:,} calls, {_usage_text(usage)}", usage.seconds, failure=failure)
        yield Row(f"{count:,} hosts with compose, groups and keyed_groups, {_usage_text(full)}", full.seconds)
        yield Row(f"{count:,} hosts, a script that prints the same, {_usage_text(floor)}", floor.seconds)
        each = {"each": (usage.cpu - start.cpu) / count, "each, beyond the script": (usage.cpu - floor.cpu) / count}
        for what, cost in each.items() if count > MOSTLY_START else ():
            yield Row(f"{count:,} hosts, {what}", cost * 1000, "ms", cost / before[what], "linear growth", MAX_GROWTH)
        before = each


def _usage_text(usage: Usage) -> str:
    return f"{usage.cpu:,.1f} s of processor, {usage.memory / MEGABYTE:,.0f} MB"
