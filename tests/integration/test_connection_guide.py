# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test the files and commands of the guides to the connection, exactly as the guides print them."""

from __future__ import annotations

import json
import re
import sys
import textwrap
from pathlib import Path
from typing import Any

import child
import yaml
from ansible_collections.sessionops.aws.plugins.plugin_utils._connection.options import UNUSED

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "docsite" / "rst"
BLOCK = re.compile(r"\.\. code-block:: (\w+)\n(?:  :caption: (\S+)\n)?\n((?:  .*\n|\n)+)")


class Page:
    """A page of the guides. Its blocks are files, each with its name, commands and policies."""

    def __init__(self, name: str) -> None:
        self.text = (FOLDER / f"{name}.rst").read_text()
        blocks = BLOCK.findall(self.text)
        self.blocks = len(blocks)
        self.files = {name: textwrap.dedent(content) for unused, name, content in blocks if name}
        self.commands = [content.strip() for kind, unused, content in blocks if kind == "shell"]
        self.policies = [json.loads(content) for kind, unused, content in blocks if kind == "json"]


GUIDE, MIGRATION = Page("connection"), Page("connection_migration")
WINDOWS = "i-0a1b2c3d4e5f60007"  # the only node of the world that runs it
DOCUMENT = yaml.safe_load(GUIDE.files["document.yml"])[0]["tasks"][0]["sessionops.aws.ssm_document"]["name"]


def emulated(folder: Path, *commands: str) -> child.Done:
    """Run commands in a shell on the emulator. Standard error ends with the number of calls of each operation."""
    run = [sys.executable, str(ROOT / "tests" / "emulator"), "run", "--world", "demo", "--summary", "--"]
    done = child.attempt([*run, "bash", "-euc", "\n".join(commands)], folder)
    assert done.status == 0, done
    return done


def allowed(policy: Any) -> set[str]:
    """Return the actions that a policy allows."""
    listed = [statement["Action"] for statement in policy["Statement"]]
    return {action for entry in listed for action in (entry if isinstance(entry, list) else [entry])}


def test_every_block_is_used() -> None:
    for page in (GUIDE, MIGRATION):
        used = len(page.files) + len(page.commands) + len(page.policies)
        assert page.blocks == page.text.count("code-block::") == used
        assert all(any(name in command for command in page.commands) for name in page.files)


def test_the_policy_allows_what_the_plugin_calls_on_every_kind_of_node() -> None:
    policy, unused_inventory, unused_encrypted = GUIDE.policies
    assert allowed(policy) == {"ssm:StartSession", "ssm:ResumeSession", "ssm:TerminateSession"}
    nodes = next(statement for statement in policy["Statement"] if "Condition" in statement)
    assert [arn.split(":", 5)[-1] for arn in nodes["Resource"]] == ["instance/*", "managed-instance/*"]


def test_the_commands(tmp_path: Path) -> None:
    """Run everything, and the first play again with the document that was created."""
    for name, text in GUIDE.files.items():
        # No user of the guide's name exists here, and no password is needed to stay the same user.
        (tmp_path / name).write_text(
            text.replace("runAsEnabled: true", "runAsEnabled: false").replace("become: true", "")
        )
    again = f"{GUIDE.commands[0]} -e ansible_aws_ssm_document={DOCUMENT}"
    done = emulated(tmp_path, *GUIDE.commands, again, "rm -f /tmp/sessionops-first")
    calls = {name: int(number) for number, name in re.findall(r"(\d+) (\w+:\w+)", done.complained)}
    assert calls["ssm:StartSession"] == calls["ssm:TerminateSession"]
    assert done.printed.count("Show the distribution of each node") == 3
    assert '"ping": "pong"' in done.printed
    # The policies do not contain what document.yml needs.
    assert {name for name in calls if "Document" not in name} <= set.union(*map(allowed, GUIDE.policies))


def test_a_variable_without_effect_is_on_both_pages_and_causes_one_warning(tmp_path: Path) -> None:
    section = MIGRATION.text.partition("What has no effect\n")[2].partition("What differs\n")[0]
    names = re.findall(r"^- ``(\w+)``$", section, re.MULTILINE)
    assert sorted(names) == sorted(f"ansible_aws_ssm_{name}" for name in UNUSED)
    assert all(f"``{name}``" in GUIDE.text for name in names)
    (tmp_path / "hosts.yml").write_text(GUIDE.files["hosts.yml"])
    ping: dict[str, Any] = {"name": "Ping", "ansible.builtin.ping": None}
    play = {"name": "Ping twice", "hosts": "all", "gather_facts": False, "tasks": [ping, ping]}
    (tmp_path / "play.yml").write_text(json.dumps([{**play, "vars": dict.fromkeys(names, "auto")}]))
    done = emulated(tmp_path, "ansible-playbook -i hosts.yml play.yml")
    assert "ok=2 " in done.printed
    assert done.complained.count("variables have no effect: ansible_aws_ssm_bucket_name,") == 1


def test_windows_keeps_its_connection(tmp_path: Path) -> None:
    for name, text in MIGRATION.files.items():
        (tmp_path / name).write_text(text)
    printed = emulated(tmp_path, *MIGRATION.commands).printed
    found = dict(re.findall(r'^(\S+) \| SUCCESS => \{\s+"ansible_connection": "(\S+)"', printed, re.MULTILINE))
    assert found.pop(WINDOWS) == "amazon.aws.aws_ssm"
    assert set(found.values()) == {"sessionops.aws.aws_ssm"}
