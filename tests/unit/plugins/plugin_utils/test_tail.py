# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test that lines are read while another process writes them to a file."""

from __future__ import annotations

import queue
import stat
from pathlib import Path
from typing import Any

from ansible import constants
from ansible_collections.sessionops.aws.plugins.plugin_utils._tail import tailing

# The type hints of ansible.constants do not declare the settings.
_constants: Any = constants


def test_each_line_is_shown_when_it_is_written_and_none_is_lost_at_the_end() -> None:
    shown: queue.Queue[str] = queue.Queue()
    with tailing(shown.put, interval=0.01) as path:
        assert stat.S_IMODE(Path(path).stat().st_mode) == 0o600
        assert stat.S_IMODE(Path(path).parent.stat().st_mode) == 0o700
        with Path(path).open("a") as stream:
            stream.write("one\n")
            stream.flush()
            assert shown.get(timeout=30) == "one"
            stream.write("tw")
            stream.flush()
            stream.write("o\nthree\n")
    assert [shown.get_nowait(), shown.get_nowait()] == ["two", "three"]
    assert not Path(path).parent.exists()


def test_ansible_removes_what_a_process_that_was_stopped_leaves() -> None:
    with tailing(lambda line: None) as path:
        assert Path(path).parent.parent == Path(_constants.DEFAULT_LOCAL_TMP)
