# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Run the module of the same name, and with -v show its progress while it runs."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.progress_file import ENVIRONMENT_VARIABLE
from ansible_collections.sessionops.aws.plugins.plugin_utils._tail import tailing

display = Display()


class ActionModule(ActionBase):
    """The action plugin. The module does all the work, and does not depend on this plugin."""

    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module and return its result."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        in_background = self._task.async_val and not self._connection.has_native_async
        with self._showing_progress(task_vars or {}):
            result.update(self._execute_module(task_vars=task_vars, wrap_async=in_background))
        if not in_background:
            self._remove_tmp_path(self._connection._shell.tmpdir)  # type: ignore[no-untyped-call] # the base class has no type hints
        return result

    @contextlib.contextmanager
    def _showing_progress(self, task_vars: dict[str, Any]) -> Iterator[None]:
        """Show the lines that the module writes inside the context, with -v and if the file can be read here.

        If the environment already names a progress file, the module writes to that one, and no line is shown.
        """
        cannot_read = self._connection.transport != "local" or self._task.async_val
        if display.verbosity < 1 or cannot_read or self._has_progress_file():
            yield
            return
        host = task_vars.get("inventory_hostname")
        with tailing(lambda line: display.v(line, host=host)) as path:
            setting = {ENVIRONMENT_VARIABLE: path}
            self._task.environment.append(setting)
            try:
                yield
            finally:
                self._task.environment.remove(setting)

    def _has_progress_file(self) -> bool:
        settings = [setting for setting in self._task.environment or () if isinstance(setting, dict)]
        return any(ENVIRONMENT_VARIABLE in setting for setting in (os.environ, *settings))
