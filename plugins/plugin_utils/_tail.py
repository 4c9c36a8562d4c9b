# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Read a file while another process writes it."""

from __future__ import annotations

import contextlib
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

from ansible import constants

# ansible-core's type hints do not include its settings.
_constants: Any = constants
# Seconds between two reads of the file.
INTERVAL = 0.25


@contextlib.contextmanager
def tailing(show: Callable[[str], object], interval: float = INTERVAL) -> Iterator[str]:
    """Create an empty file that only this user can access, yield its path, and call ``show`` with each line written.

    The end of the context waits until the last line is shown.
    """
    # The file is in Ansible's own temporary folder, which Ansible removes when it ends. A worker that is stopped, for
    # example by Ctrl-C, removes nothing.
    with tempfile.TemporaryDirectory(prefix="sessionops-", dir=_constants.DEFAULT_LOCAL_TMP) as folder:
        path = Path(folder) / "progress"
        path.touch(mode=0o600)
        done = threading.Event()
        with path.open(encoding="utf-8") as stream:
            args = (stream, show, done, interval)
            thread = threading.Thread(target=_show_lines, args=args, name="progress", daemon=True)
            thread.start()
            try:
                yield str(path)
            finally:
                done.set()
                thread.join()


def _show_lines(stream: TextIO, show: Callable[[str], object], done: threading.Event, interval: float) -> None:
    rest = ""
    while True:
        last = done.wait(interval)
        whole, unused, rest = (rest + stream.read()).rpartition("\n")
        for line in whole.splitlines():
            show(line)
        if last:
            return
