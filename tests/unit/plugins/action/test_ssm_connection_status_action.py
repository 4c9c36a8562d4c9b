# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test the action plugin of ssm_connection_status: when it shows progress lines, and that it cleans up."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.sessionops.aws.plugins.action import ssm_connection_status as plugin

VARIABLE = "SESSIONOPS_PROGRESS_FILE"
TEMPORARY = "/remote/tmp/ansible-tmp-1"
SETTING = {"AWS_REGION": "eu-west-1"}


class Task:
    """Run the action plugin once, with a module that writes one progress line if it gets the path of a file for it."""

    def __init__(
        self,
        *,
        verbosity: int = 1,
        transport: str = "local",
        async_val: int = 0,
        native_async: bool = False,
        environment: list[Any] | None = None,
        fails: bool = False,
    ) -> None:
        self.shown: list[tuple[str, Any]] = []
        self.removed: list[str] = []
        self.environment = [SETTING] if environment is None else environment
        self.during: list[Any] = []
        self.ran: list[dict[str, Any]] = []
        self._fails = fails
        task = SimpleNamespace(async_val=async_val, check_mode=False, environment=self.environment, args={})
        shell = SimpleNamespace(tmpdir=TEMPORARY)
        connection = SimpleNamespace(transport=transport, has_native_async=native_async, _shell=shell)
        # The stubs have only the attributes that the plugin needs; ansible-core's type hints require whole objects.
        kind: Any = plugin.ActionModule
        self.action = kind(task, connection, None, None, None)
        self.action._remove_tmp_path = self.removed.append
        self.action._execute_module = self._module
        self.display = SimpleNamespace(verbosity=verbosity, v=lambda line, host: self.shown.append((line, host)))

    def _module(self, **options: Any) -> dict[str, Any]:
        self.ran.append(options)
        self.during = list(self.environment)
        for setting in self.during:
            if isinstance(setting, dict) and VARIABLE in setting:
                with Path(setting[VARIABLE]).open("a") as stream:
                    stream.write("Waiting for 1 of 2 targets.\n")
        if self._fails:
            raise RuntimeError("The module could not be run.")
        return {"changed": False, "statuses": []}

    def run(self, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
        monkeypatch.setattr(plugin, "display", self.display)
        done: dict[str, Any] = self.action.run(task_vars={"inventory_hostname": "localhost"})
        return done


@pytest.fixture(autouse=True)
def _nobody_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


def test_who_asked_for_it_is_shown_the_lines_and_the_environment_is_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    task = Task()
    assert task.run(monkeypatch) == {"changed": False, "statuses": []}
    assert task.shown == [("Waiting for 1 of 2 targets.", "localhost")]
    assert [list(setting) for setting in task.during] == [["AWS_REGION"], [VARIABLE]]
    assert task.environment == [SETTING]
    assert not Path(task.during[1][VARIABLE]).exists()


def test_the_environment_is_as_before_though_the_module_could_not_be_run(monkeypatch: pytest.MonkeyPatch) -> None:
    task = Task(fails=True)
    with pytest.raises(RuntimeError):
        task.run(monkeypatch)
    assert task.environment == [SETTING]


@pytest.mark.parametrize(
    "options",
    [
        {"verbosity": 0},
        {"transport": "ssh"},
        {"async_val": 60},
        {"async_val": 60, "native_async": True},
        {"environment": [SETTING, {VARIABLE: ""}]},
    ],
    ids=str,
)
def test_nobody_else_is_shown_lines(options: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for setting in options.get("environment", ()):
        if VARIABLE in setting:
            setting[VARIABLE] = str(tmp_path / "followed")
    task = Task(**options)
    before = list(task.environment)
    assert task.run(monkeypatch)["statuses"] == []
    assert (task.shown, task.during, task.environment) == ([], before, before)


def test_the_file_of_the_surrounding_environment_stays_the_one_that_is_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "followed"))
    task = Task()
    task.run(monkeypatch)
    assert (task.shown, task.during) == ([], [SETTING])


@pytest.mark.parametrize(
    ("async_val", "native", "in_background"),
    [(0, False, False), (0, True, False), (60, True, False), (60, False, True)],
)
def test_the_temporary_folder_is_removed_unless_the_module_goes_on_in_it(
    async_val: int, native: bool, in_background: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = Task(async_val=async_val, native_async=native)
    task.run(monkeypatch)
    assert bool(task.ran[0]["wrap_async"]) is in_background
    assert task.ran[0]["task_vars"] == {"inventory_hostname": "localhost"}
    assert task.removed == ([] if in_background else [TEMPORARY])
