# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The memory of one task with 100,000 targets.

The measured value is the peak of the largest process, which may be the module's or one of ansible-playbook.
"""

from __future__ import annotations

from collections.abc import Iterator

from fleet import task, world
from harness import MEGABYTE, Emulator, Row

MAX_MEGABYTES = 500


def rows(quick: bool) -> Iterator[Row]:
    """Yield the memory of a task with one target, and that of the large task with its limit."""
    count = 300 if quick else 100_000
    with Emulator(world(count)) as aws:
        one = aws.playbook(task(1))
        many = aws.playbook(task(count))
        counts = aws.counts()
    megabytes = many.memory / MEGABYTE
    failure = "" if counts == {"GetConnectionStatus": {"ok": count + 1}} else f"calls: {counts}"
    yield Row("1 target", one.memory / MEGABYTE, "MB")
    yield Row(f"{count:,} targets", megabytes, "MB", megabytes / MAX_MEGABYTES, f"{MAX_MEGABYTES} MB", 1.0, failure)
    yield Row("CPU for each target, the module's and Ansible's", (many.cpu - one.cpu) / count * 1000, "ms")
