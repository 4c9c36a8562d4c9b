# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test the files and commands of the guide to the connection, exactly as the guide prints them."""

from __future__ import annotations

import json
import re
import sys
import textwrap
from pathlib import Path

import child
import yaml

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "docsite" / "rst" / "connection.rst").read_text()
BLOCKS = re.findall(r"\.\. code-block:: (\w+)\n(?:  :caption: (\S+)\n)?\n((?:  .*\n|\n)+)", GUIDE)
FILES = {name: textwrap.dedent(text) for unused, name, text in BLOCKS if name}
COMMANDS = [text.strip() for kind, unused, text in BLOCKS if kind == "shell"]
POLICIES = [text for kind, unused, text in BLOCKS if kind == "json"]
DOCUMENT = yaml.safe_load(FILES["document.yml"])[0]["tasks"][0]["sessionops.aws.ssm_document"]["name"]


def test_every_block_is_used() -> None:
    assert len(BLOCKS) == GUIDE.count("code-block::") == len(FILES) + len(COMMANDS) + len(POLICIES)
    assert all(any(name in command for command in COMMANDS) for name in FILES)


def test_the_policy_allows_what_the_plugin_calls() -> None:
    actions: list[str] = []
    for statement in json.loads(POLICIES[0])["Statement"]:
        found = statement["Action"]
        actions += found if isinstance(found, list) else [found]
    assert set(actions) == {"ssm:StartSession", "ssm:ResumeSession", "ssm:TerminateSession"}


def test_the_commands(tmp_path: Path) -> None:
    """Run the first play, create the document, and run the play again with the document."""
    for name, text in FILES.items():
        # No user of the guide's name exists here, and no password is needed to stay the same user.
        (tmp_path / name).write_text(
            text.replace("runAsEnabled: true", "runAsEnabled: false").replace("become: true", "")
        )
    first, create = COMMANDS
    again = f"{first} -e ansible_aws_ssm_document={DOCUMENT}"
    script = f"set -e; {first}; {create}; {again}; rm -f /tmp/sessionops-first"
    emulated = [sys.executable, str(ROOT / "tests" / "emulator"), "run", "--world", "demo", "--summary", "--"]
    done = child.attempt([*emulated, "bash", "-c", script], tmp_path)
    assert done.status == 0, done
    assert re.findall(r"(\d+) ssm:StartSession", done.complained) == re.findall(
        r"(\d+) ssm:TerminateSession", done.complained
    )
    assert done.printed.count("Show what each node is") == 2
