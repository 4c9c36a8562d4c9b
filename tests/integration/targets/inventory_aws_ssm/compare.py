# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Each inventory file gives what expected/ says, twice the same bytes; each in bad/ fails with its sentence.

``python compare.py --write`` makes expected/ anew.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def inventory(file: Path, how: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "ANSIBLE_INVENTORY_UNPARSED_FAILED": "true"}
    command = ["ansible-inventory", "-i", str(file), how]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def output(file: Path, how: str) -> str:
    first, second = inventory(file, how), inventory(file, how)
    assert first.returncode == 0, first.stderr
    assert first.stdout == second.stdout, f"{file.name} {how} gave something else the second time"
    return first.stdout if how == "--graph" else normal(first.stdout)


def normal(listed: str) -> str:
    """The list without what depends on ansible-core's version: how it marks a string that is not to be templated."""
    value = json.loads(listed)
    value["_meta"].pop("profile", None)
    return json.dumps(_unmarked(value), indent=2, sort_keys=True) + "\n"


def _unmarked(value: Any) -> Any:
    if isinstance(value, dict):
        return value.get("__ansible_unsafe") or {key: _unmarked(entry) for key, entry in value.items()}
    return [_unmarked(entry) for entry in value] if isinstance(value, list) else value


def check_expected(write: bool) -> None:
    for file in sorted(HERE.glob("*.aws_ssm.yml")):
        for how in ("--graph", "--list"):
            expected = HERE / "expected" / f"{file.name.split('.')[0]}.{how[2:]}"
            found = output(file, how)
            if write:
                expected.write_text(found)
            assert found == expected.read_text(), f"{expected.name} is not:\n{found}"


def check_bad() -> None:
    for file in sorted((HERE / "bad").glob("*.aws_ssm.yml")):
        sentence = next(line for line in file.read_text().splitlines() if line.startswith("# Fails with: "))[14:]
        done = inventory(file, "--list")
        assert done.returncode != 0, f"{file.name} gave an inventory"
        assert sentence in " ".join(done.stderr.split()), done.stderr
        assert "Traceback" not in done.stderr, done.stderr


def check_one_host() -> None:
    """A value of AWS that looks like a template comes out as the text that it is, through a template too."""
    debug = ["-m", "ansible.builtin.debug", "-a", 'msg="{{ computer_name }}"']
    command = ["ansible", "mi-0a1b2c3d4e5f60005", "-i", str(HERE / "fleet.aws_ssm.yml"), *debug]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert '"msg": "{{ 7 * 7 }}"' in done.stdout, done.stdout + done.stderr


check_expected("--write" in sys.argv)
check_bad()
check_one_host()
