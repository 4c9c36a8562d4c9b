# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Who a document is shared with: what is wanted, and the calls that lead there."""

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
# ModifyDocumentPermission takes so many accounts to add, and as many to remove.
_PER_CALL = 20


@dataclasses.dataclass(frozen=True)
class Permissions:
    """Accounts that a document is to be shared with, or ``all``; ``purge`` ends the sharing with any other."""

    account_ids: Sequence[str]
    version: str | None
    purge: bool


def wanted(option: Mapping[str, Any] | None) -> Permissions | None:
    """Read the ``permissions`` option; an ``SSMError`` says what is wrong with it."""
    if option is None:
        return None
    # AWS takes "All" for a success and does nothing.
    trimmed = option_text.trimmed(option["account_ids"])
    given = [EVERYONE if account.lower() == EVERYONE else account for account in trimmed]
    accounts = tuple(dict.fromkeys(given))
    if EVERYONE in accounts and len(accounts) > 1:
        raise SSMError("permissions.account_ids has both all and accounts: a document is public or shared, not both.")
    for account in accounts:
        if account != EVERYONE and not re.fullmatch(r"[0-9]{12}", account):
            raise SSMError(
                f"permissions.account_ids has {account!r}, which is neither all nor the 12 digits of an account: "
                "put it in quotes, so that YAML does not read a number."
            )
    return Permissions(accounts, option.get("shared_document_version"), bool(option.get("purge", True)))


def changes(permissions: Permissions, found: Mapping[str, str], name: str) -> list[Share]:
    """The fewest calls that take a document from ``found`` (account to version) to what is wanted."""
    to_add = [account for account in permissions.account_ids if _differs(permissions, found, account)]
    others = [account for account in found if account not in permissions.account_ids]
    to_remove = others if permissions.purge else []
    if not permissions.account_ids or (EVERYONE in found) == (EVERYONE in permissions.account_ids) or not found:
        return _calls(to_add, to_remove, permissions.version)
    if not permissions.purge:
        now = "public" if EVERYONE in found else f"shared with {', '.join(sorted(found))}"
        raise SSMError(
            f"Document {name} is {now}, and a document is public or shared, not both: set "
            "permissions.purge=true to end that first."
        )
    # Between public and shared there is no state that is both, so the one ends before the other begins.
    return _calls([], to_remove, None) + _calls(to_add, [], permissions.version)


def unshare(found: Mapping[str, str]) -> list[Share]:
    """The calls that end all sharing."""
    return _calls([], list(found), None)


def share_again(found: Mapping[str, str]) -> list[Share]:
    """The calls that share a document as ``found`` says, from nothing."""
    return [
        call
        for version in sorted(set(found.values()))
        for call in _calls([account for account, shared in found.items() if shared == version], [], version)
    ]


def after(found: Mapping[str, str], share: Share) -> dict[str, str]:
    """What a call makes of ``found``."""
    kept = {account: version for account, version in found.items() if account not in share.remove}
    return kept | dict.fromkeys(share.add, share.version or DEFAULT_VERSION)


def shown(found: Mapping[str, str]) -> dict[str, Any]:
    """The permissions as the modules return them."""
    return {"account_ids": sorted(found), "shared_document_versions": dict(sorted(found.items()))}


def _differs(permissions: Permissions, found: Mapping[str, str], account: str) -> bool:
    if account not in found:
        return True
    return permissions.version is not None and found[account] != permissions.version


def _calls(add: Iterable[str], remove: Iterable[str], version: str | None) -> list[Share]:
    to_add, to_remove = sorted(add), sorted(remove)
    return [
        Share(adding, removing, version if adding else None)
        for start in range(0, max(len(to_add), len(to_remove)), _PER_CALL)
        for adding, removing in [
            (tuple(to_add[start : start + _PER_CALL]), tuple(to_remove[start : start + _PER_CALL]))
        ]
    ]
