# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test progress lines: when they are written, and to which file."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.progress_file import Progress


class Clock:
    """A clock that only the test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_answers_are_counted_and_told_of_once_a_second(tmp_path: Path) -> None:
    clock, path = Clock(), tmp_path / "progress"
    count = Progress(str(path), clock).counter(12_000)
    for unused in range(10_000):
        count(None)
        clock.now += 0.0003
    lines = path.read_text().splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("Checked ") and lines[0].endswith(" of 12,000 targets.")


def test_the_first_second_begins_with_the_first_call(tmp_path: Path) -> None:
    clock, path = Clock(), tmp_path / "progress"
    progress = Progress(str(path), clock)
    clock.now += 5
    count = progress.counter(3)
    count(None)
    assert not path.exists()
    clock.now += 1
    count(None)
    assert path.read_text() == "Checked 2 of 3 targets.\n"


@pytest.mark.parametrize(
    ("left", "said"), [(0.4, "0 seconds"), (1.4, "1 second"), (1.6, "2 seconds"), (12_000, "12,000 seconds")]
)
def test_how_much_time_is_left_is_told_in_whole_seconds(tmp_path: Path, left: float, said: str) -> None:
    path = tmp_path / "progress"
    Progress(str(path), Clock()).pause("Waiting for 1 of 2 targets", left)
    assert path.read_text() == f"Waiting for 1 of 2 targets. {said} left.\n"


def test_a_file_that_could_not_be_written_once_is_left_alone(tmp_path: Path) -> None:
    clock, path = Clock(), tmp_path / "missing" / "progress"
    progress = Progress(str(path), clock)
    progress.pause("Pending", 10)
    path.parent.mkdir()
    clock.now += 5
    progress.pause("Pending", 5)
    assert not path.exists()


def test_pauses_are_told_of_once_a_second_the_first_at_once(tmp_path: Path) -> None:
    clock, path = Clock(), tmp_path / "progress"
    progress = Progress(str(path), clock)
    for number in range(8):
        progress.pause("Pending", 240 - number / 4)
        clock.now += 0.25
    progress.pause("Still pending", 0)
    assert path.read_text().splitlines() == [
        "Pending. 240 seconds left.",
        "Pending. 239 seconds left.",
        "Still pending. 0 seconds left.",
    ]


def test_nobody_is_told_where_nobody_asked_and_a_file_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    for path in (None, "", str(tmp_path / "missing" / "progress")):
        clock = Clock()
        progress = Progress(path, clock)
        count = progress.counter(100)
        clock.now += 5
        count(None)
        progress.pause("Pending", 10)
    assert list(tmp_path.iterdir()) == []
