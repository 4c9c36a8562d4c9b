# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""DescribeDocumentPermission and ModifyDocumentPermission."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ....paging import paginate, with_token
from ....service import APIError, Call
from .store import EVERYONE, Document, Documents

if TYPE_CHECKING:
    from ....world import World

LIMITS = {
    "document_accounts": 1000,
    "document_public": 5,
    # The model allows 20 accounts in a reply, however large MaxResults is.
    "document_permission_page": 20,
}


def describe_document_permission(world: World, call: Call) -> dict[str, Any]:
    document = world.state(call.region, Documents).find_own(call.params["Name"])
    _check_type(call.params)
    most = world.limit("document_permission_page")
    page, token = paginate(sorted(document.permissions), call, default=most, world=world, most=most)
    result: dict[str, Any] = {
        "AccountIds": page,
        "AccountSharingInfoList": [
            {"AccountId": account, "SharedDocumentVersion": document.permissions[account]} for account in page
        ],
    }
    return with_token(result, token)


def modify_document_permission(world: World, call: Call) -> dict[str, Any]:
    documents = world.state(call.region, Documents)
    document = documents.find_own(call.params["Name"])
    _check_type(call.params)
    add = _accounts(call.params.get("AccountIdsToAdd", []))
    remove = _accounts(call.params.get("AccountIdsToRemove", []))
    version = call.params.get("SharedDocumentVersion", "$DEFAULT")
    if not call.params.get("AccountIdsToAdd") and not call.params.get("AccountIdsToRemove"):
        raise APIError("InvalidParameterException", "Either AccountIdsToAdd or AccountIdsToRemove must be specified")
    if documents.account_id in add:
        raise APIError("ValidationException", "A document cannot be shared with the account that owns it")
    wanted = {**document.permissions, **dict.fromkeys(add, version)}
    wanted = {account: shared for account, shared in wanted.items() if account not in remove}
    _check(world, documents, document, wanted)
    document.permissions = wanted
    return {}


def _check_type(params: Mapping[str, Any]) -> None:
    """Raise ``NotImplementedError`` for a type that the model may get in future. Today it allows only Share."""
    if params["PermissionType"] != "Share":
        raise NotImplementedError(f"the permission type {params['PermissionType']}")


def _accounts(accounts: Iterable[str]) -> list[str]:
    """Return the accounts that have an effect. AWS accepts ``All`` and ignores it (recorded: FIDELITY.md)."""
    return [account for account in accounts if account == EVERYONE or account.isdigit()]


def _check(world: World, documents: Documents, document: Document, wanted: dict[str, str]) -> None:
    if EVERYONE in wanted and len(wanted) > 1:
        raise APIError("DocumentPermissionLimit", "Accounts can either be all or a group of AWS accounts")
    if len(wanted) > world.limit("document_accounts"):
        raise APIError("DocumentPermissionLimit", "The document can't be shared with more accounts")
    others = [other for other in documents.own() if other is not document and EVERYONE in other.permissions]
    if EVERYONE in wanted and len(others) >= world.limit("document_public"):
        raise APIError("DocumentPermissionLimit", "No more documents can be shared with everyone")


OPERATIONS = {
    "DescribeDocumentPermission": describe_document_permission,
    "ModifyDocumentPermission": modify_document_permission,
}
