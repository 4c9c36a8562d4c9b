# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Runs the module of the same name, and with -v shows how far it is while it runs."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.progress_file import VARIABLE
from ansible_collections.sessionops.aws.plugins.plugin_utils._tail import followed

display = Display()


class ActionModule(ActionBase):
    """The action plugin; the module does the whole work, and does not know of it."""

    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """The result of the module."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        in_background = self._task.async_val and not self._connection.has_native_async
        with self._shown(task_vars or {}):
            result.update(self._execute_module(task_vars=task_vars, wrap_async=in_background))
        if not in_background:
            self._remove_tmp_path(self._connection._shell.tmpdir)  # type: ignore[no-untyped-call] # theirs has no hints
        return result

    @contextlib.contextmanager
    def _shown(self, task_vars: dict[str, Any]) -> Iterator[None]:
        """Show the lines that the module writes meanwhile, where somebody wants to see them and they can be read.

        The file of somebody who follows the task in another way stays the one that is written.
        """
        elsewhere = self._connection.transport != "local" or self._task.async_val or self._is_followed()
        if display.verbosity < 1 or elsewhere:
            yield
            return
        host = task_vars.get("inventory_hostname")
        with followed(lambda line: display.v(line, host=host)) as path:
            setting = {VARIABLE: path}
            self._task.environment.append(setting)
            try:
                yield
            finally:
                self._task.environment.remove(setting)

    def _is_followed(self) -> bool:
        settings = [setting for setting in self._task.environment or () if isinstance(setting, dict)]
        return any(VARIABLE in setting for setting in (os.environ, *settings))
