# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compare each inventory with its file in expected/, and check that each file in bad/ fails with its message.

Each command runs twice and must print the same bytes. ``python compare.py --write`` updates expected/.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


# Arguments of the command that lists an inventory, by the suffix of the file in expected/.
WAYS = {
    "graph": ["--graph"],
    "list": ["--list"],
    "export": ["--list", "--export", "--limit", "ssm_connected"],
    "host": ["--host", "i-0a1b2c3d4e5f60004"],
    "extra": ["--list", "--limit", "i-0a1b2c3d4e5f60004", "--extra-vars", "place=lab"],
    "limit": ["--list", "--limit", "web-1*:!*.com"],
}

# amazon.aws imports this, and newer versions of ansible-core warn about it.
THEIRS = "from 'ansible.module_utils._text'"


def inventory(file: Path, *how: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "ANSIBLE_INVENTORY_UNPARSED_FAILED": "true"}
    command = ["ansible-inventory", "-i", str(file), *how]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def output(file: Path, *how: str) -> str:
    first, second = inventory(file, *how), inventory(file, *how)
    assert first.returncode == 0, first.stderr
    deprecated = [text for text in re.findall(r"\[DEPRECATION WARNING\]: (.*)", first.stderr) if THEIRS not in text]
    assert not deprecated, deprecated
    assert first.stdout == second.stdout, f"{file.name} {how} gave something else the second time"
    return first.stdout if "--graph" in how else normal(first.stdout)


def normal(listed: str) -> str:
    """Return the listing as ansible-core of any version would print it: without its marks on unsafe strings."""
    value = json.loads(listed)
    value.get("_meta", {}).pop("profile", None)
    return json.dumps(_unmarked(value), indent=2, sort_keys=True) + "\n"


def _unmarked(value: Any) -> Any:
    if isinstance(value, dict):
        if "__ansible_unsafe" in value:
            return value["__ansible_unsafe"]
        return {key: _unmarked(entry) for key, entry in value.items()}
    return [_unmarked(entry) for entry in value] if isinstance(value, list) else value


def check_expected(write: bool) -> None:
    """Compare (or write) expected/INVENTORY.WAY, where WAY is a key of ``WAYS``."""
    for expected in sorted((HERE / "expected").iterdir()):
        found = output(HERE / f"{expected.stem}.aws_ssm.yml", *WAYS[expected.suffix[1:]])
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


def check_templates() -> None:
    """Check that values from AWS that look like templates stay plain text, even if a template uses them."""
    for variable, text in (
        ("ssm_computer_name", "{{ 7 * 7 }}"),
        ("ssm_ec2_tags.Note", "{{ lookup('pipe', 'id') }}"),
        ("note", "{{ lookup('pipe', 'id') }}"),
    ):
        command = ["ansible", "all", "-i", str(HERE / "named.aws_ssm.yml"), "-m", "ansible.builtin.debug"]
        done = subprocess.run(
            [*command, "-a", f"msg='{{{{ {variable} | default(0) }}}}'"], capture_output=True, text=True, check=False
        )
        assert f'"msg": "{text}"' in done.stdout, done.stdout + done.stderr
        assert "uid=" not in done.stdout


check_expected("--write" in sys.argv)
check_bad()
check_templates()
