# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A play over a session as slow as users report of AWS: 0.6 MB/s, or 80 ms for a round trip.

All frames of ssh have the same delay. Of a session, the frames between client and node have it, and not the calls that
start the session. Without OpenSSH's server, ssh is left out. The last rows are what each module sends to the node after
the first one of a session.
"""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness import Emulator, Row, in_turns
from plays import PLAY20, SESSION, TIMES, WORLD, delayed, play, ssh

RATE = 600_000  # bytes in a second
ROUND_TRIP = 0.08  # seconds
DELAY = {"op": "frame:*", "times": "always", "do": {"delay": ROUND_TRIP / 2}}
MOST_BEYOND = 2.0  # seconds that the rate may cost
MOST_BYTES = 12_000
HEADER = 120  # bytes of a message before its payload
PING: dict[str, Any] = {"ansible.builtin.ping": {}}
MODULES: dict[str, dict[str, Any]] = {
    "command": {"ansible.builtin.command": "true"},
    "stat": {"ansible.builtin.stat": {"path": "/etc/passwd"}},
    "stat again": {"ansible.builtin.stat": {"path": "/etc/hosts"}},
    "copy": {"ansible.builtin.copy": {"content": "hello\n", "dest": "{{ folder }}/small", "mode": "0600"}},
}


def rows(quick: bool) -> Iterator[Row]:
    """Yield what a rate and a delay cost, and the bytes of each module."""
    times, tasks = (1, [PING]) if quick else (TIMES, PLAY20)
    with (
        tempfile.TemporaryDirectory() as made,
        ssh(Path(made)) as over_ssh,
        Emulator(WORLD) as fast,
        Emulator({**WORLD, "limits": {"session_bytes_per_second": RATE}}) as narrow,
        Emulator({**WORLD, "faults": [DELAY]}) as far,
        delayed(over_ssh.get("ansible_port", 0), ROUND_TRIP / 2) as far_port,
    ):
        folder = Path(made)
        took = in_turns(
            times,
            fast=functools.partial(play, fast, folder, SESSION, tasks),
            narrow=functools.partial(play, narrow, folder, SESSION, tasks),
            far=functools.partial(play, far, folder, SESSION, tasks),
            **(
                {"ssh": functools.partial(play, fast, folder, {**over_ssh, "ansible_port": far_port}, tasks)}
                if over_ssh
                else {}
            ),
        )
        yield Row("the play over a session without limits", took["fast"])
        beyond = took["narrow"] - took["fast"]
        yield Row("more at 0.6 MB/s", beyond, "s", beyond / MOST_BEYOND, f"{MOST_BEYOND:g} s", 1.0)
        yield Row("the play over a session with a round trip of 80 ms", took["far"])
        if over_ssh:
            yield Row("the play over ssh with a round trip of 80 ms", took["ssh"])
            beyond, most = took["far"] - took["ssh"], len(tasks) * ROUND_TRIP
            yield Row("more than ssh", beyond, "s", beyond / most, "a round trip for each task", 1.0)
        yield from _sizes(fast, folder)


def _sizes(aws: Emulator, folder: Path) -> Iterator[Row]:
    """Yield the bytes of the input of a session that each module adds to a play."""
    tasks = [PING]
    before = _bytes_of(aws, folder, tasks)
    yield Row("sent to the node by the first module", before / 1000, "KB")
    for name, task in MODULES.items():
        tasks.append(task)
        size = _bytes_of(aws, folder, tasks)
        more = size - before
        yield Row(f"sent by {name} after that", more / 1000, "KB", more / MOST_BYTES, "12 KB", 1.0)
        before = size


def _bytes_of(aws: Emulator, folder: Path, tasks: list[dict[str, Any]]) -> int:
    latest = max((int(frame["seq"]) for frame in aws.frames()), default=0)
    play(aws, folder, SESSION, tasks)
    sent = [frame for frame in aws.frames(latest) if frame["type"] == "input_stream_data"]
    # What is sent again on a busy machine says nothing of the modules.
    return sum({frame["sequence"]: HEADER + frame["size"] for frame in sent}.values())
