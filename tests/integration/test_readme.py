# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test the commands and files of the README and of examples/."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import child
import pytest
import yaml
from environment import BARE_PACKAGES, DEPENDENCIES, bare_variables, copy_checkout

ROOT = Path(__file__).parents[2]
EMULATOR = ROOT / "tests" / "emulator"
README = (ROOT / "README.md").read_text()
SNIPPETS = re.findall(r"```(\w+)\n(.*?)```", README, flags=re.DOTALL)
YAML = [text for language, text in SNIPPETS if language == "yaml"]
SHELL = [line for language, text in SNIPPETS if language == "shell" for line in text.splitlines()]
PLAYBOOKS = [text for text in YAML if isinstance(yaml.safe_load(text), list)]
INSTALLATION = README.partition("\n## Installation\n")[2].partition("\n## ")[0]
PREPARATION, *WAYS = re.findall(r"```shell\n(.*?)```", INSTALLATION, flags=re.DOTALL)
TICKED = re.compile("`(.*?)`").findall
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


def test_every_command_is_run_by_a_test() -> None:
    elsewhere = [line for line in SHELL if line not in INSTALLATION]
    assert {line.split()[0] for line in elsewhere} == {"make", "ansible-playbook", "ansible-inventory"}


def test_the_readme_names_all_that_has_to_be_installed_before() -> None:
    assert PREPARATION.splitlines()[-1] == f"python3 -m pip install {' '.join(BARE_PACKAGES)}"


@pytest.mark.parametrize("way", WAYS)
def test_installation(way: str, tmp_path: Path) -> None:
    """Install the collection next to amazon.aws, which the package ansible contains. Galaxy cannot be reached."""
    checkout = tmp_path / "checkout"
    copy_checkout(checkout)
    user = {"PYTHONPATH": str(DEPENDENCIES), "ANSIBLE_GALAXY_SERVER": "http://127.0.0.1:9"}
    installed = use(["bash", "-euc", way], checkout, user)
    assert installed.status == 0, installed
    assert "sessionops.aws:0.1.0 was installed successfully" in installed.printed
    shown = use(["ansible-doc", "sessionops.aws.ssm_session_info"], tmp_path, user)
    assert shown.status == 0 and "EXAMPLES:" in shown.printed, shown


def test_the_readme_has_what_is_said_when_something_is_missing(tmp_path: Path) -> None:
    checkout, hidden = tmp_path / "checkout", tmp_path / "hidden"
    copy_checkout(checkout)
    hidden.mkdir()
    (hidden / "boto3.py").write_text("raise ModuleNotFoundError\n")
    (tmp_path / "playbook.yml").write_text(PLAYBOOKS[0])
    (tmp_path / "fleet.aws_ssm.yml").write_text(INVENTORIES[0])
    play = ["ansible-playbook", "playbook.yml"]
    inventory = ["ansible-inventory", "-i", "fleet.aws_ssm.yml", "--list"]
    without_boto3 = {"PYTHONPATH": f"{hidden}:{DEPENDENCIES}"}

    said = [use(play, tmp_path).complained]
    assert use(["ansible-galaxy", "collection", "install", "--no-deps", "."], checkout).status == 0
    said += [use(play, tmp_path).printed]
    listed = use(inventory, tmp_path).complained
    said += [use(["ansible-doc", "sessionops.aws.ssm_document"], tmp_path).complained]
    (tmp_path / "fleet.yml").write_text(INVENTORIES[0])
    misnamed = ["ansible-inventory", "-i", "fleet.yml", "--list"]
    said += [use(misnamed, tmp_path, {"PYTHONPATH": str(DEPENDENCIES)}).complained] * 2
    said += [use(play, tmp_path, without_boto3).printed]

    messages = [text for row in re.findall(r"^\| (`.*?) \|", INSTALLATION, flags=re.MULTILINE) for text in TICKED(row)]
    assert len(messages) == len(said)
    for message, text in zip(messages, said, strict=True):
        assert all(part in text for part in message.split("...")), (message, text)
    assert "sessionops.aws requires the collection amazon.aws 10.1.0 or newer" in said[1]
    assert "'auto' plugin: sessionops.aws requires the collection amazon.aws 10.1.0 or newer" in listed


def use(command: list[str], directory: Path, settings: dict[str, str] | None = None) -> child.Done:
    """Run a command as a user who follows the README. The home folder is the parent of the test's folders."""
    home = directory if directory.name != "checkout" else directory.parent
    return child.attempt(command, directory, settings, base=bare_variables(home))


def test_the_demo_shows_the_main_job() -> None:
    # Without this option make prints its folder if another make runs it, as `make test` does.
    shown = child.run(["make", "--no-print-directory", "demo"], ROOT)
    assert "failed=0" in shown
    assert "-  idleSessionTimeout: '20'" in shown
    assert "+  idleSessionTimeout: '15'" in shown
    assert all(group in shown for group in ("@ssm_connected:", "@ssm_not_connected:", "@ssm_unknown:"))
    assert "Ended " in shown
    first, *unused = shown.splitlines()
    assert "local emulator, not on AWS" in first
    # The first progress line is printed before the wait ends.
    assert shown.index("Waiting for 1 of 1 target to have the status connected") < shown.index("localhost | SUCCESS")
    refused = shown.index("a policy there denies ssm:GetConnectionStatus for i-0a1b2c3d4e5f60004")
    assert shown.index("|--i-0a1b2c3d4e5f60004") < refused
    assert shown.count("changed=2 ") == 1  # the play over Session Manager
    assert [line.split()[0] for line in shown.splitlines()[-3:]] == ["Seen:", "All", "Next:"]


def test_the_commands_are_known_to_make() -> None:
    verbs = [line.split()[1] for line in SHELL if line.startswith("make ")]
    assert verbs == ["demo", "test"]
    for verb in verbs:
        child.run(["make", "--dry-run", verb], ROOT)


@pytest.mark.parametrize("example", sorted((ROOT / "examples").glob("*.yml")), ids=lambda path: path.name)
def test_example(example: Path) -> None:
    if example.name.endswith("aws_ssm.yml"):
        run(["ansible-inventory", "-i", str(example), "--list"])
    elif example.name == "first_play.yml":
        shown = run(["ansible-playbook", "-i", str(example.with_name("production.aws_ssm.yml")), str(example)])
        assert "i-0a1b2c3d4e5f60001" in shown and "changed=2" in shown
    else:
        run(["ansible-playbook", str(example)])


def test_every_plugin_has_its_documentation() -> None:
    plugins = {kind: (ROOT / "plugins" / folder).glob("*.py") for kind, folder in KINDS.items()}
    for kind, files in plugins.items():
        for file in files:
            assert "EXAMPLES:" in child.run(["ansible-doc", "--type", kind, f"sessionops.aws.{file.stem}"], ROOT)


KINDS = {"module": "modules", "inventory": "inventory", "connection": "connection"}
