# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test that the end of a process is noticed, and that another with its number is not taken for it."""

from __future__ import annotations

import errno
import os
import select
import subprocess
from collections.abc import Iterator

import pytest
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.controller import Controller, started_at


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"]) as started:
        yield started
        started.kill()


@pytest.mark.parametrize("system", ["with pidfd", "without pidfd"])
def test_the_end_of_a_process_is_noticed(
    process: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch, system: str
) -> None:
    if system == "without pidfd":
        monkeypatch.delattr(os, "pidfd_open")
    controller = Controller(process.pid, started_at(process.pid))
    assert not controller.has_ended()
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert controller.has_ended()  # although its parent has not waited for it
    if controller.descriptor is not None:
        assert select.select([controller.descriptor], [], [], 60)[0]
        os.close(controller.descriptor)


def test_another_process_with_the_same_number_is_not_the_controller(process: subprocess.Popen[bytes]) -> None:
    controller = Controller(process.pid, "another time")
    assert controller.has_ended()
    if controller.descriptor is not None:
        os.close(controller.descriptor)


@pytest.mark.parametrize("system", ["with pidfd", "without pidfd"])
def test_a_process_is_not_taken_to_have_ended_if_no_descriptor_is_left(
    process: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch, system: str
) -> None:
    """All sessions would end in the middle of a play."""

    def refuse(path: str, *unused: object) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE), path)

    if system == "without pidfd":
        monkeypatch.delattr(os, "pidfd_open")
    controller = Controller(process.pid, started_at(process.pid))
    monkeypatch.setattr("builtins.open", refuse)
    if controller.descriptor is None:
        with pytest.raises(OSError, match="Too many open files"):
            controller.has_ended()
    else:
        assert not controller.has_ended()
        os.close(controller.descriptor)


def test_a_process_that_had_ended_before_it_was_watched(process: subprocess.Popen[bytes]) -> None:
    """Otherwise a holder that is started by the last worker of a killed play would never end."""
    assert Controller(process.pid, "").has_ended()


def test_a_system_without_proc_only_knows_whether_there_is_such_a_process(
    process: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """macOS has none."""

    def no_such_file(path: str, *unused: object) -> None:
        raise FileNotFoundError(path)

    monkeypatch.setattr("builtins.open", no_such_file)
    monkeypatch.setattr(os.path, "exists", lambda unused: False)
    assert started_at(process.pid) == "running"
    process.kill()
    process.wait()
    assert started_at(process.pid) == ""


def test_a_process_that_is_not_there_has_ended() -> None:
    with subprocess.Popen(["true"]) as done:
        done.wait()
    assert started_at(done.pid) == ""
    assert Controller(done.pid, "4711").has_ended()
