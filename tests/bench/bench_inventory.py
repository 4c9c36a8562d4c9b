# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The inventory with connection statuses compared with amazon.aws.aws_ec2, for the same hosts and endpoint.

Both are listed with ``ansible-inventory --list``, without and with the same compose, groups and keyed_groups. The floor
is an inventory script that prints our inventory's JSON: it measures the work of ansible-core itself.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness import Emulator, Row, Usage, in_turns

REGIONS = ["us-east-1", "eu-west-1", "ap-southeast-2", "us-west-2"]
RATE, BURST = 20, 40
PAGE = 1000
OURS = {"plugin": "sessionops.aws.aws_ssm", "regions": REGIONS}
THEIRS = {"plugin": "amazon.aws.aws_ec2", "regions": REGIONS, "hostnames": ["instance-id"]}
COMPOSE = {"compose": {"ansible_host": "instance_id", "label": "instance_type ~ '-' ~ architecture"}}
OURS_FULL = {
    **OURS,
    **COMPOSE,
    "groups": {"linux": "platform_type == 'Linux'"},
    "keyed_groups": [{"key": "instance_type", "prefix": "type"}, {"key": "availability_zone", "prefix": "zone"}],
}
THEIRS_FULL = {
    **THEIRS,
    **COMPOSE,
    "groups": {"linux": "platform_details == 'Linux/UNIX'"},
    "keyed_groups": [
        {"key": "instance_type", "prefix": "type"},
        {"key": "placement.availability_zone", "prefix": "zone"},
    ],
}


def world(count: int, **settings: Any) -> dict[str, Any]:
    """Return a world of ``count`` connected instances, an equal number in each region."""
    each = {"computer_name": "host-%05d.example.com", "tags": {"Name": "node-%05d", "Role": "web", "Env": "prod"}}
    regions = {
        name: {"nodes": [{"generate": count // len(REGIONS), "id": f"i-{place:x}%016x", **each}]}
        for place, name in enumerate(REGIONS, start=1)
    }
    return {"regions": regions, **settings}


class Inventories:
    """Inventories in a folder, which are listed against one endpoint."""

    def __init__(self, aws: Emulator, folder: Path) -> None:
        self._aws = aws
        self._folder = folder

    def list(self, options: Mapping[str, Any]) -> Usage:
        """List an inventory with these options, and return its usage and output."""
        path = self._folder / f"bench.{options['plugin'].rpartition('.')[2]}.yml"
        path.write_text(json.dumps(options))
        return self._list(path)

    def keep(self) -> None:
        """Save the output of the last listing, for ``script()``."""
        shutil.copy(self._folder / "output.json", self._folder / "hosts.json")

    def script(self) -> Usage:
        """List an inventory script that prints the saved output."""
        path = self._folder / "script"
        path.write_text(f"#!/bin/sh\ncat '{self._folder}/hosts.json'\n")
        path.chmod(0o700)
        return self._list(path)

    def _list(self, path: Path) -> Usage:
        output = self._folder / "output.json"
        command = ["ansible-inventory", "-i", str(path), "--list", "--output", str(output)]
        usage = self._aws.run(*command, ANSIBLE_INVENTORY_UNPARSED_FAILED="true")
        return Usage(usage.seconds, usage.cpu, usage.memory, output.read_text())


def connected(usage: Usage) -> int:
    """Return the number of connected hosts in the output of our inventory."""
    return usage.printed.count('"ssm_connected": true')


def calls(count: int, runs: int) -> dict[str, dict[str, int]]:
    """Return the expected ``Emulator.counts()`` of ``runs`` of our inventory: all pages, and one status per node."""
    pages = len(REGIONS) * -(-count // len(REGIONS) // PAGE)
    return {"DescribeInstanceProperties": {"ok": runs * pages}, "GetConnectionStatus": {"ok": runs * count}}


def compared(count: int, times: int) -> Iterator[Row]:
    """Yield the rows of both inventories and the floor, for one number of hosts."""
    with Emulator(world(count)) as aws, tempfile.TemporaryDirectory() as folder:
        inventories = Inventories(aws, Path(folder))
        usage = inventories.list(OURS)
        right = connected(usage) == count and aws.counts() == calls(count, 1)
        inventories.keep()
        took = in_turns(
            times,
            floor=lambda: inventories.script().seconds,
            ours=lambda: inventories.list(OURS).seconds,
            theirs=lambda: inventories.list(THEIRS).seconds,
            ours_full=lambda: inventories.list(OURS_FULL).seconds,
            theirs_full=lambda: inventories.list(THEIRS_FULL).seconds,
        )
    failure = "" if right else "hosts are missing, or there were calls other than pages and statuses"
    yield Row(f"{count:,} hosts, a script that prints the same", took["floor"])
    yield Row(f"{count:,} hosts, aws_ec2", took["theirs"])
    ratio = took["ours"] / took["theirs"]
    yield Row(f"{count:,} hosts, aws_ssm with statuses", took["ours"], "s", ratio, "aws_ec2", 0.4, failure)
    yield Row(f"{count:,} hosts, aws_ec2 with groups", took["theirs_full"])
    ratio = took["ours_full"] / took["theirs_full"]
    yield Row(f"{count:,} hosts, aws_ssm with statuses and groups", took["ours_full"], "s", ratio, "aws_ec2", 0.4)


def throttled(count: int, burst: int) -> Iterator[Row]:
    """Yield the row of statuses at the rate that Systems Manager allows, with all nodes in one region."""
    nodes = {"us-east-1": {"nodes": [{"generate": count, "id": "i-%017x"}]}}
    limit = {"throttle": {"GetConnectionStatus": {"rate": RATE, "burst": burst}}}
    with Emulator({"regions": nodes, **limit}) as aws, tempfile.TemporaryDirectory() as folder:
        inventories = Inventories(aws, Path(folder))
        start = inventories.list({"plugin": OURS["plugin"], "status_source": "ping_status"}).seconds
        usage = inventories.list({"plugin": OURS["plugin"]})
    ideal = (count - burst) / RATE
    took = usage.seconds - start
    failure = "" if connected(usage) == count else f"{connected(usage)} of {count} are connected"
    yield Row(f"{count:,} nodes at {RATE} calls/s, beyond the start", took, "s", took / ideal, "ideal", 1.1, failure)


def rows(quick: bool) -> Iterator[Row]:
    """Yield the comparison with aws_ec2 for two numbers of hosts, and one row with throttling."""
    if quick:
        yield from compared(40, 1)
        yield from throttled(60, 20)
        return
    yield from compared(1000, 3)
    yield from compared(10000, 1)
    yield from throttled(1000, BURST)
