# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The inventory from a hundred to a hundred thousand nodes: time, memory and calls.

Listed with ``ansible-inventory --list`` over four regions, every node asked for its status. Growth is held to what is
linear, by the processor time for each host beyond the start: what else a machine does at the time changes that least.
Beside each stands a script that prints the same, which is what ansible-core itself takes; what is beyond it is ours.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench_inventory import OURS, OURS_FULL, Inventories, calls, connected, world
from harness import MEGABYTE, Emulator, Row, Usage

SIZES = [100, 1000, 10000, 100000]
# Below this many hosts the start is most of it, and what is beyond is noise.
TELLING = 1000
# How much more processor time each of ten times as many hosts may take.
WANTED = 1.2
NOBODY = {**OURS, "status_source": "none", "filters": {"AgentVersion": "0"}}


def rows(quick: bool) -> Iterator[Row]:
    """A few rows for each size."""
    before: dict[str, float] = {}
    for count in [4, 40] if quick else SIZES:
        with Emulator(world(count)) as aws, tempfile.TemporaryDirectory() as folder:
            inventories = Inventories(aws, Path(folder))
            usage = inventories.list(OURS)
            wrong = "" if aws.counts() == calls(count, 1) else "calls other than pages and statuses"
            if connected(usage) != count:
                wrong = wrong or "not every host"
            inventories.keep()
            full = inventories.list(OURS_FULL)
            floor = inventories.script()
            start = inventories.list(NOBODY)
        made = sum(each["ok"] for each in calls(count, 1).values())
        yield Row(f"{count:,} hosts, {made:,} calls, {_used(usage)}", usage.seconds, wrong=wrong)
        yield Row(f"{count:,} hosts with compose, groups and keyed_groups, {_used(full)}", full.seconds)
        yield Row(f"{count:,} hosts, a script that prints the same, {_used(floor)}", floor.seconds)
        each = {"each": (usage.cpu - start.cpu) / count, "each, beyond the script": (usage.cpu - floor.cpu) / count}
        for what, cost in each.items() if count > TELLING else ():
            yield Row(f"{count:,} hosts, {what}", cost * 1000, "ms", cost / before[what], "linear growth", WANTED)
        before = each


def _used(usage: Usage) -> str:
    return f"{usage.cpu:,.1f} s of processor, {usage.memory / MEGABYTE:,.0f} MB"
