# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test the files and commands of the guide to several accounts and regions, exactly as the guide prints them."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

import child
import pytest
import yaml

from emulator.testing import LocalAWS
from emulator.world import find_world

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "docsite" / "rst" / "accounts_and_regions.rst").read_text()
BLOCKS = re.findall(r"\.\. code-block:: (\w+)\n(?:  :caption: (\S+)\n)?\n((?:  .*\n|\n)+)", GUIDE)
FILES = {name: textwrap.dedent(text) for unused, name, text in BLOCKS if name}
SHELL = [text.replace("\\\n", "") for kind, unused, text in BLOCKS if kind == "shell"]
COMMANDS = [line.strip() for text in SHELL for line in text.splitlines() if line]
ROLES = [f"arn:aws:iam::{account}:role/Operations" for account in ("111122223333", "444455556666")]
KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[LocalAWS]:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    with LocalAWS({**yaml.safe_load(find_world("demo").read_text()), "roles": ROLES}) as running:
        yield running


def environment(aws: LocalAWS, folder: Path, *, profiles: bool) -> dict[str, str]:
    """Return the variables with keys in the environment, or with the guide's profiles, which hold the keys."""
    if not profiles:
        return aws.env
    lines = ["[operations]", *(f"{name.lower()} = {aws.env[name]}" for name in KEYS)]
    (folder / "credentials").write_text("\n".join(lines))
    files = {"AWS_CONFIG_FILE": str(folder / "config"), "AWS_SHARED_CREDENTIALS_FILE": str(folder / "credentials")}
    return {**{name: value for name, value in aws.env.items() if name not in KEYS}, **files}


def members(graph: str, group: str) -> set[str]:
    """Return the hosts of a group in the output of ``ansible-inventory --graph``."""
    unused, found, after = graph.partition(f"  |--@{group}:\n")
    assert found, graph
    return set(re.findall(r"--(\S+)", after.partition("  |--@")[0]))


def assumed(aws: LocalAWS) -> set[str]:
    return {call.params["RoleArn"] for call in aws.calls("AssumeRole")}


def test_every_block_is_used() -> None:
    assert len(BLOCKS) == GUIDE.count("code-block::")
    assert {name for name in FILES if not any(name in command for command in COMMANDS)} == {
        "config",
        "inventory/production.aws_ssm.yml",
        "inventory/staging.aws_ssm.yml",
    }


def test_the_commands(aws: LocalAWS, tmp_path: Path) -> None:
    """Run the guide's commands in order. Each assumes the roles and makes the changes that the guide promises."""
    check, staging, everything, audit, graph, role = COMMANDS
    profiles = environment(aws, tmp_path, profiles=True)

    assert child.run(check.split(), tmp_path, profiles).count("failed=0") == 2
    assert aws.writes() == [] and assumed(aws) == set(ROLES)

    assert "production" not in child.run(staging.split(), tmp_path, profiles)
    assert [call.region for call in aws.writes()] == ["us-east-1"]

    shown = child.run(everything.split(), tmp_path, profiles)
    assert [call.region for call in aws.writes()] == ["us-east-1", "eu-west-1"]
    assert "us-east-1 has 3 active sessions." in shown and "eu-west-1 has 0 active sessions." in shown

    child.run(audit.split(), tmp_path, profiles)
    assert (tmp_path / "reports" / "production" / "sessions.json").is_file()
    groups = child.run(graph.split(), tmp_path, profiles)
    # The emulator has one account, so both groups have the node in us-east-1. Only production lists eu-west-1.
    east, west = "i-0a1b2c3d4e5f60001", "i-0a1b2c3d4e5f60007"
    assert {east, west} <= members(groups, "production")
    assert east in members(groups, "staging") and west not in members(groups, "staging")

    before = aws.position
    child.run(role.split(), tmp_path, environment(aws, tmp_path, profiles=False))
    assert {call.region for call in aws.calls("DescribeSessions", since=before)} == {"us-east-1", "eu-west-1"}
    keys = {call.access_key for call in aws.calls("DescribeSessions", since=before)}
    assert keys.isdisjoint({aws.env["AWS_ACCESS_KEY_ID"]})
