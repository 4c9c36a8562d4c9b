# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Find the file of content_path as ansible.builtin.copy finds its source. The module does the rest."""

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
    """The file that the module reads, and its origin for error messages."""

    path: str
    origin: content.Origin


class ActionModule(ActionBase):
    """The action plugin. It only changes the path of a file for the module, so content is never in an argument."""

    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module and return its result."""
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
            self._remove_tmp_path(self._connection._shell.tmpdir)  # type: ignore[no-untyped-call] # the base class has no type hints
        return result

    def _source(self, path: Any) -> Source | None:
        """Return the file that the module reads, or None if ``path`` is not a path, which the module itself handles."""
        if not isinstance(path, str) or not path:
            return None
        found, searched = self._find(path)
        is_here = self._connection.transport == "local"
        place = found or (os.path.abspath(_expanded(path)) if is_here else None)
        if place is None:
            return Source(path, content.Origin(path, searched, here=False))
        if _is_vaulted(place):
            return Source(self._decrypted(place), content.Origin(place))
        # The become user may have no access to the folder of a role, but may read files that this user cannot.
        is_read_in_place = is_here and not (self._connection.become and os.access(place, os.R_OK))
        if found is None or is_read_in_place:
            return Source(found or path, content.Origin(found or path, searched, here=is_here))
        content.read_file(found)  # so that its errors name the user's file and not the copy
        return Source(self._transferred(found, found), content.Origin(found))

    def _find(self, path: str) -> tuple[str | None, Sequence[str]]:
        """Return the file of a relative path on the controller, or None and the paths that were searched."""
        if os.path.isabs(_expanded(path)):
            return None, ()
        try:
            return str(self._find_needle("files", path)), ()  # type: ignore[no-untyped-call] # as above
        except AnsibleFileNotFound as missing:
            return None, tuple(dict.fromkeys(map(os.path.normpath, missing.paths or ())))

    def _decrypted(self, place: str) -> str:
        """Decrypt the file into the temporary folder of the task, which is removed afterwards, and return its path."""
        try:
            plain = self._loader.get_real_file(place)
        except AnsibleError:
            raise SSMError(
                f"content_path {place} is encrypted with Ansible Vault, and none of the given vault passwords can "
                "decrypt it. Pass its password, for example with --vault-password-file."
            ) from None
        try:
            return self._transferred(plain, place)
        finally:
            self._loader.cleanup_tmp_file(plain)

    def _transferred(self, file: str, place: str) -> str:
        """Copy ``file`` to the host of the task under the name of ``place``, and return the path of the copy."""
        shell = self._connection._shell
        if not shell.tmpdir:
            self._make_tmp_path()
        path: str = shell.join_path(shell.tmpdir, f"content_{os.path.basename(place)}")
        self._transfer_file(file, path)  # type: ignore[no-untyped-call] # as above
        self._fixup_perms2((shell.tmpdir, path))  # type: ignore[no-untyped-call] # as above
        return path


def _expanded(path: str) -> str:
    """Return the path expanded as Ansible expands an option of the type ``path``."""
    return os.path.expanduser(os.path.expandvars(path))


def _is_vaulted(place: str) -> bool:
    # Read nothing from a pipe: the module could not read it again.
    if not os.path.isfile(place) or not os.access(place, os.R_OK):
        return False
    with open(place, "rb") as file:
        return bool(is_encrypted_file(file))
