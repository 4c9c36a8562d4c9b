# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test that FIDELITY.md has a row for every operation, switch and limit."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from emulator import registry

FIDELITY = Path(registry.__file__).with_name("FIDELITY.md")
HEADER = "| behaviour | what the emulator does | known from | source | switch |"
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in FIDELITY.read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and line != HEADER
]
CHOSEN = [name for row in ROWS for name in re.findall(r"`(\w+)`", row[-1])]


def test_rows_are_rows() -> None:
    assert len(ROWS) > 100
    assert [row for row in ROWS if len(row) != 5 or not row[0] or not row[1]] == []
    behaviours = [row[0] for row in ROWS]
    assert sorted(set(behaviours)) == sorted(behaviours)


@pytest.mark.parametrize("operation", sorted(name for _service, name in registry.operations()))
def test_every_operation_has_a_row(operation: str) -> None:
    assert [row for row in ROWS if re.search(rf"\b{operation}\b", row[0])]


@pytest.mark.parametrize("name", sorted([*registry.switches(), *registry.limits()]))
def test_everything_that_can_be_chosen_has_a_row(name: str) -> None:
    assert name in CHOSEN


def test_nothing_can_be_chosen_that_is_not_there() -> None:
    assert set(CHOSEN) <= set(registry.switches()) | set(registry.limits())


def test_every_row_says_how_it_is_known() -> None:
    assert [row for row in ROWS if not re.match(r"(recorded|documented|assumed)\b", row[2])] == []
    # A row that is not assumed has a source.
    assert [row for row in ROWS if not row[2].startswith("assumed") and not row[3]] == []
