# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test inventory files with templates and inventory files that fail, with ``ansible-inventory`` as users run it."""

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
# The settings of ansible-core that turn an inventory that cannot be read into an error.
FAILING = ("ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED", "ANSIBLE_INVENTORY_UNPARSED_FAILED")


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
    # amazon.aws imports a module that newer versions of ansible-core deprecate.
    deprecated = [line for line in done.complained.splitlines() if "DEPRECATION" in line]
    assert [line for line in deprecated if "ansible.module_utils._text" not in line] == []


def test_what_the_guide_says_of_variables(tmp_path: Path) -> None:
    guide = (ROOT / "docs/docsite/rst/inventory.rst").read_text()
    section = guide.split("Regions and filters from variables\n")[1].split("\nHost names\n")[0]
    inventory, command = (part.split("\n\n")[1] for part in section.split(".. code-block::")[1:])
    (tmp_path / "fleet.aws_ssm.yml").write_text(textwrap.dedent(inventory))
    with LocalAWS(WORLD) as aws:
        done = child.attempt(["bash", "-c", textwrap.dedent(command)], tmp_path, aws.env)
    assert EAST in done.printed and WEST in done.printed, done.complained


@pytest.mark.parametrize(
    ("setting", "status"),
    [({}, 0), *(({name: "true"}, 1) for name in FAILING)],
    ids=["by default", *FAILING],
)
def test_a_failed_inventory_fails_the_play_on_request(setting: dict[str, str], status: int, tmp_path: Path) -> None:
    (tmp_path / "fleet.aws_ssm.yml").write_text(json.dumps({"plugin": PLUGIN, "region": "us-east-1"}))
    play = {"hosts": "ssm_connected", "gather_facts": False, "tasks": [{"ansible.builtin.debug": {"msg": "here"}}]}
    (tmp_path / "play.yml").write_text(json.dumps([play]))
    listings = ("DescribeInstanceProperties", "DescribeInstanceInformation")
    denied = [{"op": listing, "times": "always", "do": {"error": "AccessDeniedException"}} for listing in listings]
    command = ["ansible-playbook", "-i", "fleet.aws_ssm.yml", "play.yml"]
    with LocalAWS({**WORLD, "faults": denied}) as aws:
        done = child.attempt(command, tmp_path, {**aws.env, "ANSIBLE_INVENTORY_ENABLED": "auto", **setting})
    assert done.status == status, done
    assert "AccessDeniedException" in done.complained
    assert '"msg": "here"' not in done.printed


@pytest.mark.parametrize("page", ["README.md", "docs/docsite/rst/inventory.rst", "docs/docsite/rst/awx.rst"])
def test_the_pages_name_what_makes_a_failed_inventory_an_error(page: str) -> None:
    text = (ROOT / page).read_text()
    assert [name for name in FAILING if name not in text] == []
