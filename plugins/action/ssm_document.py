# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Finds the file of content_path as ansible.builtin.copy finds its source; the module does the rest."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from typing import Any

from ansible.errors import AnsibleError, AnsibleFileNotFound
from ansible.parsing.vault import is_encrypted_file
from ansible.plugins.action import ActionBase
from ansible_collections.sessionops.aws.plugins.module_utils._ssm import from_action
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.documents import content
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.errors import SSMError


@dataclasses.dataclass(frozen=True)
class Source:
    """The file that the module reads, and what it says of that file in errors."""

    path: str
    origin: content.Origin


class ActionModule(ActionBase):
    """The action plugin; all that it changes for the module is the path of a file, so no content is in any argument."""

    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """The result of the module."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        in_background = self._task.async_val and not self._connection.has_native_async
        args = dict(self._task.args)
        try:
            source = self._source(args.get("content_path")) if args.get("state") != "absent" else None
        except SSMError as error:
            return {**result, "failed": True, "msg": str(error)}
        if source:
            args |= {"content_path": source.path, from_action.ARGUMENT: dataclasses.asdict(source.origin)}
        result.update(self._execute_module(module_args=args, task_vars=task_vars, wrap_async=in_background))
        if not in_background:
            self._remove_tmp_path(self._connection._shell.tmpdir)  # type: ignore[no-untyped-call] # theirs has no hints
        return result

    def _source(self, path: Any) -> Source | None:
        """Where the module reads the content; None where it has to look at the option itself."""
        if not isinstance(path, str) or not path:
            return None
        found, tried = self._found(path)
        is_here = self._connection.transport == "local"
        place = found or (os.path.abspath(_expanded(path)) if is_here else None)
        if place is None:
            return Source(path, content.Origin(path, tried, here=False))
        if _is_vaulted(place):
            return Source(self._decrypted(place), content.Origin(place))
        # A user that the task becomes may not reach the folder of a role, but may read what nobody else can.
        is_read_in_place = is_here and not (self._connection.become and os.access(place, os.R_OK))
        if found is None or is_read_in_place:
            return Source(found or path, content.Origin(found or path, tried, here=is_here))
        content.read_file(found)  # says what is wrong with it while it has its own path
        return Source(self._transferred(found, found), content.Origin(found))

    def _found(self, path: str) -> tuple[str | None, Sequence[str]]:
        """A relative path on the controller, or where it was looked for in vain."""
        if os.path.isabs(_expanded(path)):
            return None, ()
        try:
            return str(self._find_needle("files", path)), ()  # type: ignore[no-untyped-call] # as above
        except AnsibleFileNotFound as missing:
            return None, tuple(dict.fromkeys(map(os.path.normpath, missing.paths or ())))

    def _decrypted(self, place: str) -> str:
        """The path of the decrypted content in the folder of the task, which is removed with it."""
        try:
            plain = self._loader.get_real_file(place)
        except AnsibleError:
            raise SSMError(
                f"content_path {place} is encrypted with Ansible Vault, and no vault password that was given decrypts "
                "it: pass its password, for example with --vault-password-file."
            ) from None
        try:
            return self._transferred(plain, place)
        finally:
            self._loader.cleanup_tmp_file(plain)

    def _transferred(self, file: str, place: str) -> str:
        """The path of a copy of ``file`` on the host of the task, which has the name that ``place`` has."""
        shell = self._connection._shell
        if not shell.tmpdir:
            self._make_tmp_path()
        path: str = shell.join_path(shell.tmpdir, f"content_{os.path.basename(place)}")
        self._transfer_file(file, path)  # type: ignore[no-untyped-call] # as above
        self._fixup_perms2((shell.tmpdir, path))  # type: ignore[no-untyped-call] # as above
        return path


def _expanded(path: str) -> str:
    """The path as an option of the type ``path`` is expanded."""
    return os.path.expanduser(os.path.expandvars(path))


def _is_vaulted(place: str) -> bool:
    # Of a pipe nothing may be read, since the module would not get that any more.
    if not os.path.isfile(place) or not os.access(place, os.R_OK):
        return False
    with open(place, "rb") as file:
        return bool(is_encrypted_file(file))
