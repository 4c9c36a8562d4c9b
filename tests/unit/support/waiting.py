# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Wait for what happens in other processes."""

from __future__ import annotations

import time
from collections.abc import Callable


def until(is_so: Callable[[], object], otherwise: str = "it has never been so", *, seconds: float = 30) -> None:
    """Wait until something is so. Only a test that is broken waits so long."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.02)
