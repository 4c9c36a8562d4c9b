# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Plan the calls of ModifyDocumentPermission that share a document as the task wants it.

Permissions are a mapping of accounts to the version that they may use: ``{"111122223333": "$DEFAULT"}``. The only key
of a public document is ``all``.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .. import option_text
from ..errors import SSMError
from .actions import Share

EVERYONE = "all"
DEFAULT_VERSION = "$DEFAULT"
VERSIONS = (DEFAULT_VERSION, "$LATEST", "$ALL")
# ModifyDocumentPermission accepts at most 20 accounts to add, and 20 to remove (trap 22).
_MAX_PER_CALL = 20


@dataclasses.dataclass(frozen=True)
class Permissions:
    """The accounts to share a document with, or only ``all``. ``purge`` stops sharing it with all others.

    ``version`` is the version that they may use, one of ``VERSIONS``. If it is None, an account that can already use
    the document keeps its version (trap 25).
    """

    account_ids: Sequence[str]
    version: str | None
    purge: bool


def wanted_permissions(option: Mapping[str, Any] | None) -> Permissions | None:
    """Return the value of the ``permissions`` option, or None without it. Raises ``SSMError`` for invalid accounts."""
    if option is None:
        return None
    # AWS accepts "All" and does nothing (trap 24).
    trimmed = option_text.trimmed(option["account_ids"])
    given = [EVERYONE if account.lower() == EVERYONE else account for account in trimmed]
    accounts = tuple(dict.fromkeys(given))
    if EVERYONE in accounts and len(accounts) > 1:
        raise SSMError(
            "permissions.account_ids has both 'all' and account IDs, but a document is either public or shared with "
            "accounts. Set only 'all', or only account IDs."
        )
    for account in accounts:
        if account != EVERYONE and not re.fullmatch(r"[0-9]{12}", account):
            raise SSMError(
                f"permissions.account_ids has {account!r}: it must be 'all' or an account ID of 12 digits. Put IDs in "
                "quotes, so that YAML does not read them as numbers."
            )
    return Permissions(accounts, option.get("shared_document_version"), bool(option.get("purge", True)))


def changes(permissions: Permissions, found: Mapping[str, str], name: str) -> list[Share]:
    """Return the fewest calls that change the permissions ``found`` to the wanted ones.

    Raises ``SSMError`` if that needs ``purge``, because a document is either public or shared with accounts.
    """
    to_add = [account for account in permissions.account_ids if _is_to_add(permissions, found, account)]
    others = [account for account in found if account not in permissions.account_ids]
    to_remove = others if permissions.purge else []
    if not permissions.account_ids or (EVERYONE in found) == (EVERYONE in permissions.account_ids) or not found:
        return _calls(to_add, to_remove, permissions.version)
    if not permissions.purge:
        now = "public" if EVERYONE in found else f"shared with {', '.join(sorted(found))}"
        raise SSMError(
            f"Document {name} is {now}, and a document is either public or shared with accounts. Set "
            "permissions.purge=true to end the current sharing first."
        )
    # No document is public and shared with accounts at once, so end one before the other begins (trap 22).
    return _calls([], to_remove, None) + _calls(to_add, [], permissions.version)


def unshare_calls(found: Mapping[str, str]) -> list[Share]:
    """Return the calls that end all sharing."""
    return _calls([], list(found), None)


def reshare_calls(found: Mapping[str, str]) -> list[Share]:
    """Return the calls that share a document again, with the accounts and versions in ``found``."""
    return [
        call
        for version in sorted(set(found.values()))
        for call in _calls([account for account, shared in found.items() if shared == version], [], version)
    ]


def after_call(found: Mapping[str, str], share: Share) -> dict[str, str]:
    """Return the permissions after a call. ``found`` are those before it."""
    kept = {account: version for account, version in found.items() if account not in share.remove}
    return kept | dict.fromkeys(share.add, share.version or DEFAULT_VERSION)


def as_result(found: Mapping[str, str]) -> dict[str, Any]:
    """Return permissions as the modules return them.

    ``{"account_ids": ["111122223333"], "shared_document_versions": {"111122223333": "$DEFAULT"}}``
    """
    return {"account_ids": sorted(found), "shared_document_versions": dict(sorted(found.items()))}


def _is_to_add(permissions: Permissions, found: Mapping[str, str], account: str) -> bool:
    if account not in found:
        return True
    return permissions.version is not None and found[account] != permissions.version


def _calls(add: Iterable[str], remove: Iterable[str], version: str | None) -> list[Share]:
    to_add, to_remove = sorted(add), sorted(remove)
    return [
        Share(adding, removing, version if adding else None)
        for start in range(0, max(len(to_add), len(to_remove)), _MAX_PER_CALL)
        for adding, removing in [
            (tuple(to_add[start : start + _MAX_PER_CALL]), tuple(to_remove[start : start + _MAX_PER_CALL]))
        ]
    ]
