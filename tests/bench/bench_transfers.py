# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files that are copied to a node and fetched from it, over Session Manager and over ssh with sftp.

The content is random, so nothing is gained by compressing it. The play with an empty file is subtracted, so what counts
is only the transfer, with the checksums of ``copy`` and ``fetch``. A file that is fetched over a session comes in a
second one, which takes more than a second to start, because the node behaves like SSM Agent. Without OpenSSH's server,
sftp is left out.

The last rows are a large file whose session loses one of 100 frames. Its sockets are cut five times and closed five
times, in each direction. The process that holds the sessions must not need more memory for it.
"""

from __future__ import annotations

import contextlib
import filecmp
import functools
import random
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from harness import MEGABYTE, Emulator, Row, in_turns
from plays import FAST, SESSION, TIMES, WORLD, play, ssh

LARGE = 100  # megabytes
SIZE = 20.0  # megabytes
MOST_MEMORY = 10  # megabytes
NAME = b"sessionops.aws: sessions of Ansible"
LOSSES = [
    {"op": "frame:*", "probability": 0.01, "times": "always", "do": {"drop": True}},
    *(
        {"op": f"frame:{kind}_stream_data", "every_frames": every, "times": 5, "do": {effect: side}}
        for kind in ("input", "output")
        for every, effect, side in ((9_001, "cut", "client"), (11_003, "close", "agent"))
    ),
]


Tasks = Callable[[Path], list[dict[str, Any]]]


def _copy(source: Path) -> list[dict[str, Any]]:
    return [{"ansible.builtin.copy": {"src": str(source), "dest": "{{ folder }}/arrived", "mode": "0600"}}]


def _fetch(source: Path) -> list[dict[str, Any]]:
    return [{"ansible.builtin.fetch": {"src": str(source), "dest": "{{ folder }}/arrived", "flat": True}}]


DIRECTIONS: dict[str, Tasks] = {"copied": _copy, "fetched": _fetch}


def rows(quick: bool) -> Iterator[Row]:
    """Yield megabytes in a second, and what a bad line does to a large file."""
    times = 1 if quick else TIMES
    with tempfile.TemporaryDirectory() as made, ssh(Path(made)) as over_ssh, Emulator(WORLD) as aws:
        folder = Path(made)
        sftp = {**over_ssh, "ansible_ssh_transfer_method": "sftp"} if over_ssh and not quick else {}
        hosts = {"session": SESSION, **({"sftp": sftp} if sftp else {})}
        whole = 0.2 if quick else SIZE
        for what in ["copied"] if quick else DIRECTIONS:
            took = in_turns(
                times,
                **{
                    f"{name} {size}": functools.partial(_transfer, aws, folder, host, DIRECTIONS[what], part)
                    for name, host in hosts.items()
                    for size, part in (("empty", 0.0), ("whole", whole))
                },
            )
            speed = {name: whole / max(1e-3, took[f"{name} whole"] - took[f"{name} empty"]) for name in hosts}
            if sftp:
                yield Row(f"{whole:g} MB {what} with sftp", speed["sftp"], "MB/s")
            yield Row(
                f"{whole:g} MB {what} over a session",
                speed["session"],
                "MB/s",
                speed["sftp"] / speed["session"] if sftp else None,
                "sftp, how much faster" if sftp else "",
            )
    yield from _on_a_bad_line(0.1, {"fetched": _fetch}) if quick else _on_a_bad_line(LARGE, DIRECTIONS)


def _on_a_bad_line(megabytes: float, directions: Mapping[str, Tasks]) -> Iterator[Row]:
    host = {**SESSION, "ansible_host": FAST}
    with tempfile.TemporaryDirectory() as made, Emulator({**WORLD, "faults": LOSSES}) as aws:
        folder = Path(made)
        for what, tasks in directions.items():
            with _memory() as small:
                _transfer(aws, folder, host, tasks, 0.01)
            with _memory() as large:
                seconds = _transfer(aws, folder, host, tasks, megabytes)
            more = (max(large) - max(small)) / MEGABYTE
            yield Row(f"{megabytes:g} MB {what} on a bad line", seconds)
            yield Row(
                "more memory of the process that holds the sessions",
                more,
                "MB",
                more / MOST_MEMORY,
                f"{MOST_MEMORY} MB",
                1.0,
            )


def _transfer(aws: Emulator, folder: Path, host: Mapping[str, Any], tasks: Tasks, megabytes: float) -> float:
    """Transfer a file, and return the seconds of the play. Raises ``RuntimeError`` if the file is not the same."""
    source = folder / "source"
    source.write_bytes(random.Random(1).randbytes(int(megabytes * MEGABYTE)))
    seconds = play(aws, folder, host, tasks(source))
    if not filecmp.cmp(source, folder / "work" / "arrived", shallow=False):
        raise RuntimeError("the file did not arrive as it was")
    return seconds


@contextlib.contextmanager
def _memory() -> Iterator[list[int]]:
    """Measure the memory of the process that holds the sessions, in bytes, every 50 ms."""
    seen = [0]
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.05):
            seen.extend(_resident(Path(folder)) for folder in Path("/proc").glob("[0-9]*"))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def _resident(process: Path) -> int:
    """Return the memory of a process if it holds sessions, otherwise 0."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        if NAME in (process / "cmdline").read_bytes():
            return int((process / "statm").read_text().split()[1]) * 4096
    return 0
