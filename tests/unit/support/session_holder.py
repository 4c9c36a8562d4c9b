# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A holder of sessions in a thread of the test, and workers that connect to it."""

from __future__ import annotations

import contextlib
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from ansible_collections.sessionops.aws.plugins.plugin_utils._connection import starting
from ansible_collections.sessionops.aws.plugins.plugin_utils._connection.holding import make_openings
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.folder import connected, listen
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.holder import Holder
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.jobs import Jobs
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.remote import Remote

from emulator.testing import LocalAWS
from unit.support.session_client import Told, settings_for


class LocalHolder:
    """A holder, and the path of its socket."""

    def __init__(self, path: Path, descriptors: int) -> None:
        self.path = path
        self.holder = Holder(listen(path), make_openings(), descriptors=descriptors)
        self._thread = threading.Thread(target=self.holder.run, kwargs={"linger": 3600.0})
        self._thread.start()

    def connect(self, told: Told | None = None) -> Remote:
        connection = connected(self.path)
        assert connection is not None
        return Remote(connection, Told() if told is None else told)

    def end(self) -> None:
        """End all sessions and the holder, and wait for it."""
        self.holder.stop()
        self._thread.join()


class Worker(Jobs):
    """Jobs in a session that the holder holds."""

    def __init__(self, holder: LocalHolder, aws: LocalAWS, told: Told | None = None, **given: Any) -> None:
        self.told = Told() if told is None else told
        self.remote = holder.connect(self.told)
        try:
            node = self.remote.open(settings_for(aws, **given).as_json())
        except BaseException:
            self.remote.close()
            raise
        super().__init__(self.remote, node, self.told)

    def close(self) -> None:
        self.remote.close()


def short_folder() -> tempfile.TemporaryDirectory[str]:
    """Make a folder for sockets. Their paths must be short, wherever the checkout is."""
    return tempfile.TemporaryDirectory(dir="/tmp")


@contextlib.contextmanager
def a_holder(descriptors: int = 1000) -> Iterator[LocalHolder]:
    """Run a holder. At the end, all its sessions end."""
    with short_folder() as folder:
        holder = LocalHolder(Path(folder, "socket"), descriptors)
        try:
            yield holder
        finally:
            holder.end()


@contextlib.contextmanager
def instead_of_a_process(holder: LocalHolder) -> Iterator[None]:
    """Let the connection plugin use this holder."""

    def find(unused_persist: bool) -> Any:
        return connected(holder.path)

    with mock.patch.object(starting, "find", find), mock.patch.object(starting, "find_or_start", find):
        yield


def holders(runtime: Path) -> list[int]:
    """Return the processes that hold sessions, and meet their workers in a folder."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            shown = entry.joinpath("cmdline").read_text() + entry.joinpath("environ").read_text()
            if "sessions of Ansible" in shown and f"XDG_RUNTIME_DIR={runtime.parent}" in shown:
                found.append(int(entry.name))
    return found
