# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the README and examples/ tell people to type works when they type it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import child
import pytest
import yaml

ROOT = Path(__file__).parents[2]
EMULATOR = ROOT / "tests" / "emulator"
README = (ROOT / "README.md").read_text()
SNIPPETS = re.findall(r"```(\w+)\n(.*?)```", README, flags=re.DOTALL)
YAML = [text for language, text in SNIPPETS if language == "yaml"]
SHELL = [line for language, text in SNIPPETS if language == "shell" for line in text.splitlines()]
PLAYBOOKS = [text for text in YAML if isinstance(yaml.safe_load(text), list)]
INVENTORIES = [text for text in YAML if "plugin" in yaml.safe_load(text)]


def run(command: list[str], directory: Path = ROOT) -> str:
    return child.run([sys.executable, str(EMULATOR), "run", "--world", "demo", "--", *command], directory)


def test_every_snippet_is_of_a_kind_that_is_run() -> None:
    assert {language for language, unused in SNIPPETS} == {"yaml", "shell"}
    assert len(PLAYBOOKS) + len(INVENTORIES) == len(YAML)


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda text: yaml.safe_load(text)[0]["name"])
def test_playbook(playbook: str, tmp_path: Path) -> None:
    (tmp_path / "playbook.yml").write_text(playbook)
    assert "failed=0" in run(["ansible-playbook", "playbook.yml"], tmp_path)


@pytest.mark.parametrize("command", [line for line in SHELL if line.startswith("ansible-playbook")])
def test_shipped_playbook(command: str, tmp_path: Path) -> None:
    assert "failed=0" in run(command.split(), tmp_path)


@pytest.mark.parametrize("inventory", INVENTORIES)
def test_inventory(inventory: str, tmp_path: Path) -> None:
    command = next(line for line in SHELL if line.startswith("ansible-inventory")).split()
    (tmp_path / command[2]).write_text(inventory)
    graph = run(command, tmp_path)
    assert all(f"@{group}:" in graph for group in ("ssm_connected", "ssm_not_connected", "ssm_unknown"))


def test_the_demo_shows_the_main_job() -> None:
    shown = child.run(["make", "demo"], ROOT)
    assert "failed=0" in shown
    assert '-    "idleSessionTimeout": "20"' in shown
    assert '+    "idleSessionTimeout": "15"' in shown
    assert all(group in shown for group in ("@ssm_connected:", "@ssm_not_connected:", "@ssm_unknown:"))
    assert "Ended " in shown


def test_the_commands_are_known_to_make() -> None:
    verbs = [line.split()[1] for line in SHELL if line.startswith("make ")]
    assert verbs == ["demo", "test"]
    for verb in verbs:
        child.run(["make", "--dry-run", verb], ROOT)


@pytest.mark.parametrize("example", sorted((ROOT / "examples").glob("*.yml")), ids=lambda path: path.name)
def test_example(example: Path) -> None:
    if example.name.endswith("aws_ssm.yml"):
        run(["ansible-inventory", "-i", str(example), "--list"])
    else:
        run(["ansible-playbook", str(example)])


def test_every_plugin_has_its_documentation() -> None:
    plugins = {kind: (ROOT / "plugins" / folder).glob("*.py") for kind, folder in KINDS.items()}
    for kind, files in plugins.items():
        for file in files:
            assert "EXAMPLES:" in child.run(["ansible-doc", "--type", kind, f"sessionops.aws.{file.stem}"], ROOT)


KINDS = {"module": "modules", "inventory": "inventory"}
