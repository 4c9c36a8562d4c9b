# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test that the benchmarks run (at sizes too small to measure speed) and that a missed ratio fails."""

from __future__ import annotations

import sys
from pathlib import Path

import child
import harness
import pytest
from harness import Row

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", harness.benchmarks([]))
def test_each_benchmark_runs(name: str) -> None:
    printed = child.run([sys.executable, "tests/bench/run.py", "--quick", name], ROOT)
    assert printed.startswith(f"\n{name}: ")
    assert len(printed.splitlines()) > 3
    assert "FAILED" not in printed


def test_a_name_that_there_is_no_benchmark_of() -> None:
    with pytest.raises(ValueError, match="Unknown benchmark fast; available: "):
        harness.benchmarks(["status", "fast"])


@pytest.mark.parametrize(
    ("row", "checked", "passes"),
    [
        (Row("a", 1.0), True, True),
        (Row("a", 1.0, ratio=1.10, against="the floor", max_ratio=1.15), True, True),
        (Row("a", 1.0, ratio=1.20, against="the floor", max_ratio=1.15), True, False),
        (Row("a", 1.0, ratio=1.20, against="the floor", max_ratio=1.15), False, True),
        (Row("a", 1.0, failure="3 targets have no status"), False, False),
    ],
)
def test_what_is_missed_is_said(row: Row, checked: bool, passes: bool) -> None:
    lines: list[str] = []
    assert harness.table("title", iter([row]), check_ratios=checked, write=lines.append) is passes
    assert ("FAILED" in lines[-1]) is not passes


def test_medians_are_taken_in_turns() -> None:
    order: list[str] = []
    numbers = iter(range(100))

    def measure(name: str) -> float:
        order.append(name)
        return float(next(numbers))

    assert harness.in_turns(3, a=lambda: measure("a"), b=lambda: measure("b")) == {"a": 2.0, "b": 3.0}
    assert order == ["a", "b"] * 3
