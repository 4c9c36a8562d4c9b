# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test the action plugin of ssm_document: which file content_path selects, and what the module gets to read."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible_collections.sessionops.aws.plugins.action import ssm_document as plugin
from ansible_collections.sessionops.aws.plugins.module_utils._ssm import from_action
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.documents import content
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.errors import SSMError

NAME = "port.yml"
SECRET: list[Any] = [("default", VaultSecret(b"password"))]


class Play:
    """Run tasks of a role in a play, and record what the module gets and reads."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.role_files = root / "roles" / "team" / "files"
        self.files = root / "files"
        self.temporary = root / "tmp" / "ansible-tmp-1"
        self.cwd = root / "cwd"
        for folder in (self.role_files, self.files, self.cwd):
            folder.mkdir(parents=True)
        self.loader = DataLoader()
        self.loader.set_basedir(str(root))
        self.became_readable: list[tuple[str, ...]] = []
        self.ran: list[dict[str, Any]] = []
        self.read: list[str | None] = []
        self.answer: dict[str, Any] = {"changed": True}

    def run(self, *, transport: str = "local", become: Any = None, async_val: int = 0, **args: Any) -> dict[str, Any]:
        search = [str(self.role_files.parent), str(self.role_files.parent / "tasks"), str(self.root)]
        task = SimpleNamespace(
            async_val=async_val, check_mode=False, environment=[], args=args, get_search_path=lambda: search
        )
        shell = SimpleNamespace(tmpdir=None, join_path=lambda *parts: "/".join(parts))
        connection = SimpleNamespace(transport=transport, has_native_async=False, _shell=shell, become=become)
        kind: Any = plugin.ActionModule
        action = kind(task, connection, None, self.loader, None)

        def make_temporary() -> None:
            self.temporary.mkdir(parents=True)
            shell.tmpdir = str(self.temporary)

        def module(module_args: dict[str, Any], **options: Any) -> dict[str, Any]:
            path = module_args.get("content_path")
            self.read.append(Path(path).read_text() if isinstance(path, str) and Path(path).is_file() else None)
            self.ran.append({"args": module_args, **options})
            return dict(self.answer)

        action._make_tmp_path = make_temporary
        action._transfer_file = shutil.copyfile
        action._fixup_perms2 = self.became_readable.append
        action._remove_tmp_path = lambda path: shutil.rmtree(path) if path else None
        action._execute_module = module
        done: dict[str, Any] = action.run(task_vars={})
        return done

    @property
    def path(self) -> Any:
        """Return the content_path that the module got last."""
        return self.ran[-1]["args"].get("content_path")


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Play:
    made = Play(tmp_path)
    monkeypatch.chdir(made.cwd)
    return made


def vaulted(text: str) -> bytes:
    encrypted: bytes = VaultLib(SECRET).encrypt(text)
    return encrypted


@pytest.mark.parametrize("path", [NAME, f"files/{NAME}"])
def test_a_relative_path_is_found_in_the_role_then_beside_the_play_and_then_in_the_current_folder(
    play: Play, path: str
) -> None:
    places = [play.role_files / NAME, play.files / NAME]
    (play.cwd / path).parent.mkdir(exist_ok=True)
    for place in places:
        place.write_text(str(place))
    (play.cwd / path).write_text("current")
    for place in places:
        assert play.run(content_path=path) == {"changed": True}
        assert (Path(play.path), play.read[-1]) == (place, str(place))
        place.unlink()
    play.run(content_path=path)
    assert (play.path, play.read[-1]) == (path, "current")


def test_a_path_that_is_absolute_once_it_is_expanded_is_left_to_the_module(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(play.root))
    (play.root / NAME).write_text("absolute")
    (play.role_files / "~").mkdir()
    (play.role_files / "~" / NAME).write_text("no")
    for path in (str(play.root / NAME), f"~/{NAME}", f"$HOME/{NAME}"):
        for transport in ("local", "ssh"):
            play.run(content_path=path, transport=transport)
            assert play.path == path


@pytest.mark.parametrize("args", [{}, {"content_path": None}, {"content_path": ""}, {"content_path": 5}])
def test_what_is_no_path_is_left_to_the_module(play: Play, args: dict[str, Any]) -> None:
    play.run(**args, name="Team-Doc")
    assert play.ran[-1]["args"] == {**args, "name": "Team-Doc"}


def test_a_document_that_goes_takes_no_file(play: Play) -> None:
    (play.files / NAME).write_bytes(vaulted("secret"))
    play.run(content_path=NAME, state="absent")
    assert play.path == NAME


@pytest.mark.parametrize("where", [{"transport": "ssh"}, {"become": object()}], ids=["remote", "become"])
def test_a_file_that_the_module_may_not_reach_is_transferred_and_removed(play: Play, where: dict[str, Any]) -> None:
    (play.role_files / NAME).write_text("content")
    play.run(content_path=NAME, **where)
    assert Path(play.path).parent == play.temporary
    assert play.read == ["content"]
    assert play.became_readable == [(str(play.temporary), play.path)]
    assert not play.temporary.exists()


@pytest.mark.parametrize("transport", ["local", "ssh"])
def test_a_vaulted_file_is_decrypted_for_the_module_and_nothing_plain_is_left(play: Play, transport: str) -> None:
    play.loader.set_vault_secrets(SECRET)
    places = [(NAME, play.role_files / NAME)]
    if transport == "local":
        places += [(str(play.root / "abs.yml"), play.root / "abs.yml"), ("current.yml", play.cwd / "current.yml")]
    for path, place in places:
        place.write_bytes(vaulted("secret"))
        play.run(content_path=path, transport=transport)
        assert play.read[-1] == "secret"
        assert "secret" not in str(play.ran[-1])
        assert not play.temporary.exists()
        assert not play.loader._tempfiles


@pytest.mark.parametrize("secrets", [[], [("default", VaultSecret(b"another"))]])
def test_a_vaulted_file_without_its_password_is_one_sentence(play: Play, secrets: list[Any]) -> None:
    play.loader.set_vault_secrets(secrets)
    (play.role_files / NAME).write_bytes(vaulted("secret"))
    done = play.run(content_path=NAME)
    assert done["failed"]
    assert done["msg"] == (
        f"content_path {play.role_files / NAME} is encrypted with Ansible Vault, and none of the given vault "
        "passwords can decrypt it. Pass its password, for example with --vault-password-file."
    )
    assert play.ran == []


def said_of(play: Play, **args: Any) -> str:
    """Run the plugin, and return the module's error message about the file it was given."""
    play.run(**args)
    given = play.ran[-1]["args"]
    try:
        raw = content.read_file(play.path, content.Origin.from_action(given[from_action.ARGUMENT], play.path))
    except SSMError as error:
        return str(error)
    raise AssertionError(f"{play.path} was read: {raw}")


def test_a_file_that_is_nowhere_names_all_the_places(play: Play) -> None:
    places = [
        str(place)
        for folder in (play.role_files.parent, play.role_files.parent / "tasks", play.root)
        for place in (folder / "files" / NAME, folder / NAME)
    ]
    missing = f"content_path {NAME} cannot be read: No such file or directory."
    here = play.cwd / NAME
    assert said_of(play, content_path=NAME) == f"{missing} Searched: {', '.join(places)}, {here}."
    for where in ({"transport": "ssh"}, {"transport": "ssh", "async_val": 60}):
        assert said_of(play, content_path=NAME, **where) == (
            f"{missing} Searched on the controller: {', '.join(places)}; on the host of the task: {here}."
        )
    absolute = str(play.root / NAME)
    assert said_of(play, content_path=absolute) == f"content_path {absolute} cannot be read: No such file or directory."


@pytest.mark.parametrize("async_val", [0, 60])
def test_errors_name_the_file_of_the_user_and_not_its_copy(play: Play, async_val: int) -> None:
    place = play.role_files / NAME
    place.write_text("a: [\n")
    play.run(content_path=NAME, transport="ssh", async_val=async_val)
    given = play.ran[-1]["args"][from_action.ARGUMENT]
    assert content.Origin.from_action(given, play.path).shown == str(place)
    assert play.path != str(place)


@pytest.mark.parametrize(
    ("data", "reason"),
    [(None, "Is a directory."), (b"\xff", "it is not UTF-8 text."), (b"x" * 65540, "is larger than")],
)
def test_a_file_that_cannot_be_transferred_is_one_sentence(play: Play, data: bytes | None, reason: str) -> None:
    place = play.role_files / NAME
    place.mkdir() if data is None else place.write_bytes(data)
    done = play.run(content_path=NAME, transport="ssh")
    assert done["failed"]
    assert done["msg"].startswith(f"content_path {place} ")
    assert reason in done["msg"]
    assert (play.ran, play.temporary.exists()) == ([], False)


def test_in_the_background_the_copy_stays_until_the_module_is_done(play: Play) -> None:
    (play.role_files / NAME).write_text("content")
    play.run(content_path=NAME, transport="ssh", async_val=60)
    assert play.ran[-1]["wrap_async"]
    assert Path(play.path).read_text() == "content"
