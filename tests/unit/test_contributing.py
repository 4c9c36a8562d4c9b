# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test that CONTRIBUTING.md names files that exist, and the parts that ``make test`` has."""

from __future__ import annotations

import re
from pathlib import Path

import check

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
TESTS = ("tests/unit/plugins/module_utils/_ssm", "tests/emulator/services/ssm/documents")
# Folders that a path in CONTRIBUTING.md may be relative to.
FOLDERS = (
    "",
    "plugins",
    "plugins/module_utils/_ssm",
    "plugins/module_utils",
    "plugins/plugin_utils/_connection",
    "plugins/plugin_utils/_inventory",
    "plugins/plugin_utils/_session",
    *TESTS,
)


def without_seconds(table: str) -> list[str]:
    return [line.rsplit("|", 2)[0] for line in table.splitlines() if line.startswith("| `")]


def test_the_table_of_the_parts_is_that_of_the_checks() -> None:
    table = TEXT[TEXT.index("| Part |") : TEXT.index("The seconds are")]
    assert without_seconds(table) == without_seconds(check.table())


def test_every_path_that_is_named_exists() -> None:
    named = [
        word for word in re.findall(r"`([\w./-]+/[\w./-]*|\w+\.\w+)`", TEXT) if not re.search(r"NAME|\.\.\.", word)
    ]
    made = {".cache/", "__init__.py", "results.py", "options.py", "runme.sh", "world.yml", "amazon.aws"}
    missing = [
        word for word in named if word not in made and not any((ROOT / folder / word).exists() for folder in FOLDERS)
    ]
    assert len(named) > 50
    assert missing == []


def test_every_verb_that_is_named_is_one_of_the_makefile() -> None:
    verbs = set(re.findall(r"^([a-z -]+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    known = {verb for line in verbs for verb in line.split()}
    assert {*re.findall(r"`?make ([a-z]+)", TEXT)} <= known
