# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Inventory files with templates, and files that fail, read as users read them."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

import child
import pytest
from environment import ROOT

from emulator.testing import LocalAWS

EAST, WEST = "i-0a1b2c3d4e5f60001", "i-0a1b2c3d4e5f60002"
WORLD: dict[str, Any] = {
    "regions": {
        "us-east-1": {"nodes": [{"id": EAST, "status": "connected"}]},
        "eu-west-1": {"nodes": [{"id": WEST, "status": "connected"}]},
    }
}
PLUGIN = "sessionops.aws.aws_ssm"


@pytest.mark.parametrize(
    ("regions", "arguments"),
    [
        ("{{ lookup('ansible.builtin.env', 'FLEET').split(',') }}", []),
        ("{{ fleet }}", ["-e", "fleet=us-east-1,eu-west-1"]),
        ("{{ fleet }}", ["-e", '{"fleet": ["us-east-1", "eu-west-1"]}']),
        (["{{ fleet }}"], ["-e", "{\"fleet\": \"{{ ['us-east-1', 'eu-west-1'] }}\"}"]),
    ],
)
def test_regions_come_from_a_variable(regions: Any, arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "fleet.aws_ssm.yml").write_text(json.dumps({"plugin": PLUGIN, "regions": regions}))
    command = ["ansible-inventory", "-i", "fleet.aws_ssm.yml", "--list", *arguments]
    with LocalAWS(WORLD) as aws:
        done = child.attempt(command, tmp_path, {**aws.env, "FLEET": "us-east-1,eu-west-1"})
    assert json.loads(done.printed)["ssm_connected"]["hosts"] == [EAST, WEST], done.complained
    # amazon.aws imports what newer versions deprecate.
    deprecated = [line for line in done.complained.splitlines() if "DEPRECATION" in line]
    assert [line for line in deprecated if "ansible.module_utils._text" not in line] == []


def test_what_the_guide_says_of_variables(tmp_path: Path) -> None:
    guide = (ROOT / "docs/docsite/rst/inventory.rst").read_text()
    section = guide.split("Regions and filters from variables\n")[1].split("\nWhat hosts are called\n")[0]
    inventory, command = (part.split("\n\n")[1] for part in section.split(".. code-block::")[1:])
    (tmp_path / "fleet.aws_ssm.yml").write_text(textwrap.dedent(inventory))
    with LocalAWS(WORLD) as aws:
        done = child.attempt(["bash", "-c", textwrap.dedent(command)], tmp_path, aws.env)
    assert EAST in done.printed and WEST in done.printed, done.complained
