# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test where the socket of a holder is, and whom it belongs to."""

from __future__ import annotations

import os
import re
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.sessionops.aws.plugins.plugin_utils._session import folder
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.errors import SessionError

from unit.support.session_holder import short_folder


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for ``XDG_RUNTIME_DIR``, whose path is short enough for a socket."""
    with short_folder() as made:
        monkeypatch.setenv("XDG_RUNTIME_DIR", made)
        yield Path(made)


def test_only_the_user_may_enter(runtime: Path) -> None:
    found = folder.folder()
    assert found == runtime / "sessionops-aws"
    assert stat.S_IMODE(found.stat().st_mode) == 0o700
    with folder.alone() as where, folder.listen(where / "socket"):
        assert where == found
        assert stat.S_IMODE((where / "socket").stat().st_mode) == 0o600


@pytest.mark.parametrize("unusable", ["not set", "not there", "open to others", "too long", "a link"])
def test_a_runtime_folder_that_cannot_be_used_is_not(
    runtime: Path, monkeypatch: pytest.MonkeyPatch, unusable: str
) -> None:
    """A path that is too long for a socket was an error without a reason (ansible 11536, 12144, 16840, 10826)."""
    other = runtime / ("x" * 200 if unusable == "too long" else "x")
    if unusable == "not set":
        monkeypatch.delenv("XDG_RUNTIME_DIR")
    elif unusable == "a link":
        other.symlink_to(runtime)
    elif unusable != "not there":
        other.mkdir(mode=0o700)
        other.chmod(0o755 if unusable == "open to others" else 0o700)
    if unusable != "not set":
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(other))
    assert str(folder.folder()) == f"/tmp/sessionops-aws-{os.getuid()}"  # noqa: S108 - the name is what is tested


@pytest.mark.parametrize("kind", ["a link", "a file", "open to others"])
def test_a_folder_that_others_can_reach_is_refused(runtime: Path, kind: str) -> None:
    """Somebody else could answer in place of the holder, and would get the credentials."""
    path = runtime / "sessionops-aws"
    if kind == "a link":
        (runtime / "other").mkdir(mode=0o700)
        path.symlink_to(runtime / "other")
    elif kind == "a file":
        path.touch()
    else:
        path.mkdir()
        path.chmod(0o770)
    with pytest.raises(SessionError, match=re.escape(f"{path} must be a folder that belongs to you")):
        folder.folder()


def test_a_folder_of_another_user_is_refused(runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (runtime / "sessionops-aws").mkdir(mode=0o700)
    monkeypatch.setattr(folder, "_is_private", lambda path: path == str(runtime))
    with pytest.raises(SessionError, match="belongs to you"):
        folder.folder()


def test_a_folder_that_cannot_be_made_is_told(runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*unused: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "mkdir", refuse)
    with pytest.raises(SessionError, match=r"Could not make the folder .*: Permission denied"):
        folder.folder()


def test_a_socket_of_a_holder_that_was_killed_counts_as_none(runtime: Path) -> None:
    """It stays behind. It was used again, or waited for (ansible 27793, 22600)."""
    with folder.alone() as where:
        path = where / ("0" * 16)
        folder.listen(path).close()
        assert path.exists()
        assert folder.connected(path) is None
        (where / "other").touch()
        folder.sweep(where)
        assert sorted(entry.name for entry in where.iterdir()) == ["lock", "other"]
        with folder.listen(path) as listener:
            folder.sweep(where)
            assert path.exists()
            caller = folder.connected(path)
            assert caller is not None
            caller.close()
            listener.close()


def test_who_starts_a_holder_and_does_not_end_is_not_waited_for_forever(runtime: Path) -> None:
    with folder.alone(), pytest.raises(SessionError, match=r"has locked .*/lock for 0\.1 seconds\. If a run"):
        with folder.alone(0.1):
            raise AssertionError


def test_a_process_of_another_user_is_refused(runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with folder.alone() as where, folder.listen(where / "socket"):
        monkeypatch.setattr(os, "getuid", lambda: 4711)
        with pytest.raises(SessionError, match="belongs to another user"):
            folder.connected(where / "socket")


def test_a_process_of_the_same_user_is_known() -> None:
    one, other = socket.socketpair()
    with one, other:
        assert folder.is_own(one)
