# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test the files and commands of the guide to documents, exactly as the guide prints them and in its order."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import child

from emulator.testing import LocalAWS

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "docsite" / "rst" / "documents.rst").read_text()
BLOCKS = re.findall(r"\.\. code-block:: (\w+)\n(?:  :caption: (\S+)\n)?\n((?:  .*\n|\n)+)", GUIDE)
FILES = {name: textwrap.dedent(text) for unused, name, text in BLOCKS if name}
SHELL = [text for kind, unused, text in BLOCKS if kind == "shell"]
COMMANDS = [line.strip() for text in SHELL for line in text.splitlines() if line]

CREATE, UPDATE, DEFAULT, DELETE = "CreateDocument", "UpdateDocument", "UpdateDocumentDefaultVersion", "DeleteDocument"
SHARE = "ModifyDocumentPermission"
# For each command: the arguments, the writes, and a part of the output.
STEPS: tuple[tuple[str, list[str], str], ...] = (
    ("patching.yml --check --diff", [], "- echo {{ Operation }}"),
    ("patching.yml", [CREATE], "changed=1"),
    # The file is edited before this command, as the guide says.
    ("patching.yml --check --diff", [], "- echo 2 {{ Operation }}"),
    ("patching.yml", [UPDATE, DEFAULT], "changed=1"),
    # The file is edited once more before this command.
    ("stage.yml --diff -e release=release-3", [UPDATE], "version 3; version 2 stays the default)"),
    ("promote.yml --diff -e release=release-3", [DEFAULT], "+default_version: 3 (release-3)"),
    ("promote.yml --diff -e release=2", [DEFAULT], "-default_version: 3 (release-3)"),
    ("versions.yml", [], '"msg": "3 release-3"'),
    ("share.yml --check --diff", [], "+permissions.111122223333: $DEFAULT"),
    ("share.yml", [SHARE], "changed=1"),
    ("delete_version.yml -e release=release-3", [DELETE], "changed=1"),
    ("delete.yml --check --diff", [], "-name: Team-Patching"),
    ("delete.yml", [SHARE, DELETE], "changed=1"),
)


def test_every_block_is_used() -> None:
    assert len(BLOCKS) == GUIDE.count("code-block::")
    assert [f"ansible-playbook {command}" for command, unused, shown in STEPS] == COMMANDS
    assert {name for name in FILES if not any(name in command for command in COMMANDS)} == {"files/patching.yml"}


def test_the_commands(tmp_path: Path) -> None:
    """Run the guide's commands in order. Each makes the writes and prints the output that the guide promises."""
    (tmp_path / "files").mkdir()
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    content, edits = tmp_path / "files" / "patching.yml", {2: "echo 2", 4: "echo 3"}
    with LocalAWS({"regions": {"us-east-1": {}}}) as aws:
        for number, (command, writes, shown) in enumerate(STEPS):
            if number in edits:
                content.write_text(FILES["files/patching.yml"].replace("echo", edits[number]))
            position = aws.position
            printed = child.run(["ansible-playbook", *command.split()], tmp_path, aws.env)
            assert [call.operation for call in aws.writes(since=position)] == writes, command
            assert shown in printed, command
            if writes:
                assert "changed=0" in child.run(["ansible-playbook", *command.split()], tmp_path, aws.env), command
        aws.assert_clean()
