# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test how the content of a session is read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from emulator.node.content import Task, TaskError, read_content
from unit.support.node_peer import content, interactive, separate


def read(said: dict[str, Any]) -> Task:
    return read_content(json.dumps(said))


def test_parameters_are_filled_in() -> None:
    said = interactive("echo {{word}} {{ word }} {{other}}")
    assert read(said).command == "echo standard standard {{other}}"
    assert read({**said, "Parameters": {"word": "{{other}}"}}).command == "echo {{other}} {{other}} {{other}}"


def test_booleans_may_be_strings() -> None:
    task = read(separate("true", runAsElevated="True"))
    assert task.elevated and task.separate_output
    assert not read(content("NonInteractiveCommands", {}, commands="true", separateOutputStream="no")).separate_output


def test_prefixes() -> None:
    assert read(separate("true", stdOutSeparatorPrefix="o:", stdErrSeparatorPrefix="e:")).prefixes == (b"o:", b"e:")
    with pytest.raises(TaskError, match="stdOutSeparatorPrefix is not valid: a b"):
        read(separate("true", stdOutSeparatorPrefix="a b"))


def test_a_user_counts_only_if_the_document_asks_for_one() -> None:
    inputs = {"runAsDefaultUser": "jane"}
    assert read(interactive("true", **inputs)).run_as is None
    assert read(interactive("true", **inputs, runAsEnabled="true")).run_as == "jane"
    assert read({**interactive("true", **inputs, runAsEnabled=True), "RunAsUser": "joe"}).run_as == "joe"
    assert read(interactive("true", runAsEnabled=True)).run_as == ""


def test_a_shell_has_no_command() -> None:
    task = read(content("Standard_Stream", {"shellProfile": {"linux": "cd /"}}, commands="true"))
    assert (task.command, task.shell_profile) == ("", "cd /")


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", None, '{"DocumentContent": 1}', '{"DocumentContent": {"inputs": {}}}']
)
def test_what_is_no_content(text: Any) -> None:
    with pytest.raises(TaskError, match="not valid"):
        read_content(text)
