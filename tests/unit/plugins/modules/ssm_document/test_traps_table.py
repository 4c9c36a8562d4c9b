# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test that document_traps.rst has every trap, and that it names all tests of traps and no others."""

from __future__ import annotations

import re
from pathlib import Path

from emulator.services.ssm.documents.operations import SERVICE

HERE = Path(__file__).parent
TABLE = (HERE.parents[4] / "docs" / "docsite" / "rst" / "document_traps.rst").read_text(encoding="utf-8")
ROWS = {int(number): cells for number, cells in re.findall(r"^  \* - (\d+)\n(.*?)(?=^  \* - |\Z)", TABLE, re.M | re.S)}
SOURCES = [path.read_text(encoding="utf-8") for path in sorted(HERE.glob("test_traps_*.py"))]
TESTS = [name for source in SOURCES for name in re.findall(r"^def (test_trap_\w+)\(", source, re.M)]


def test_the_table_has_every_trap_once_and_in_order() -> None:
    assert re.findall(r"^  \* - (\d+)$", TABLE, re.M) == [str(number) for number in range(1, 49)]


def test_every_row_has_four_cells_and_names_the_tests_of_its_trap() -> None:
    for number, cells in ROWS.items():
        assert len(re.findall(r"^    - \S", cells, re.M)) == 3, number
        named = re.findall(r"test_trap_\w+", cells)
        assert named == [name for name in TESTS if name.startswith(f"test_trap_{number:02}_")], number
        assert named, number


def test_no_two_tests_have_one_name_and_none_is_of_an_unknown_trap() -> None:
    assert len(set(TESTS)) == len(TESTS)
    assert {int(name.split("_")[2]) for name in TESTS} == set(ROWS)


def test_every_way_that_aws_may_answer_is_one_that_the_tests_run_under() -> None:
    runs = [names for source in SOURCES for names in re.findall(r"^@under\((.*)\)$", source, re.M)]
    assert set(re.findall(r"\w+", " ".join(runs))) == set(SERVICE.switches)
