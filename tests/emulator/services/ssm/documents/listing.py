# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""ListDocuments and its filters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ....paging import paginate, with_token
from ....service import APIError, Call
from .shapes import identifier
from .store import AMAZON, EVERYONE, Document, Documents

if TYPE_CHECKING:
    from ....world import World

Predicate = Callable[[Documents, Document], bool]
_OWNERS: dict[str, Predicate] = {
    "Self": lambda documents, document: document.owner == documents.account_id,
    "Amazon": lambda documents, document: document.owner == AMAZON,
    "Public": lambda documents, document: document.owner == AMAZON or EVERYONE in document.permissions,
    "Private": lambda documents, document: (
        document.owner != documents.account_id and documents.account_id in document.permissions
    ),
    "ThirdParty": lambda documents, document: document.third_party,
}
_TAG = "tag:"
_VALUES = {
    "Owner": tuple(_OWNERS),
    "PlatformTypes": ("Windows", "Linux", "MacOS"),
    "CloudProviders": ("AWS", "Azure", "GCP"),
}


def list_documents(world: World, call: Call) -> dict[str, Any]:
    documents = world.state(call.region, Documents)
    predicates = [_predicate(key, values) for key, values in _filters(call.params)]
    found = [
        document
        for document in documents.by_owner_and_name.values()
        if documents.may_read(document) and all(predicate(documents, document) for predicate in predicates)
    ]
    shapes = [identifier(documents, document) for document in found]
    page, token = paginate(sorted(shapes, key=lambda shape: str(shape["Name"])), call, default=50, world=world)
    return with_token({"DocumentIdentifiers": page}, token)


def _filters(params: Mapping[str, Any]) -> list[tuple[str, Sequence[str]]]:
    """Return the filters of a call as ``[(key, values)]``.

    DocumentFilterList, the old form, has one value for each filter. It cannot be combined with Filters, the new form.
    Raises ``APIError`` for filters that AWS rejects.
    """
    old = params.get("DocumentFilterList", [])
    new = params.get("Filters", [])
    if old and new:
        raise APIError("ValidationException", "Give either DocumentFilterList or Filters, not both")
    found: list[tuple[str, Sequence[str]]] = [(item["key"], [item["value"]]) for item in old]
    for item in new:
        if "Key" not in item:
            raise APIError("InvalidFilterKey", "A filter requires Key")
        if not item.get("Values"):
            raise APIError("ValidationException", f"The filter {item['Key']} requires a value")
        found.append((item["Key"], list(item["Values"])))
    keys = [key for key, _values in found]
    if len(set(keys)) < len(keys):
        raise APIError("ValidationException", "Duplicate filter")
    if sum(key.startswith(_TAG) for key in keys) > 1:
        raise APIError("ValidationException", "Only a single tag key can be used to filter documents")
    return found


def _predicate(key: str, values: Sequence[str]) -> Predicate:
    """Return the predicate of one filter. A document matches if one of the values does."""
    if key.startswith(_TAG) and len(key) > len(_TAG):
        tag = key[len(_TAG) :]
        return lambda documents, document: document.tags.get(tag) in values
    if key not in _MATCHERS:
        raise APIError("InvalidFilterKey", f"The specified key isn't valid: {key}")
    unknown = sorted(set(values) - set(_VALUES.get(key, values)))
    if unknown:
        raise APIError("ValidationException", f"Invalid value for the filter {key}: {', '.join(unknown)}")
    if key == "Owner" and len(values) > 1:
        raise APIError("ValidationException", "The filter Owner accepts only one value")
    matches = _MATCHERS[key]
    return lambda documents, document: any(matches(documents, document, value) for value in values)


def _has_name(documents: Documents, document: Document, value: str) -> bool:
    return document.name.startswith(value)


def _has_owner(documents: Documents, document: Document, value: str) -> bool:
    return _OWNERS[value](documents, document)


def _has_platform(documents: Documents, document: Document, value: str) -> bool:
    return value in document.default_version.derived.platform_types


def _has_provider(documents: Documents, document: Document, value: str) -> bool:
    return value in document.default_version.cloud_providers


def _has_type(documents: Documents, document: Document, value: str) -> bool:
    return document.document_type == value


def _has_target_type(documents: Documents, document: Document, value: str) -> bool:
    return document.default_version.target_type == value


def _has_keyword(documents: Documents, document: Document, value: str) -> bool:
    return value.lower() in document.name.lower()


_MATCHERS: dict[str, Callable[[Documents, Document, str], bool]] = {
    "Name": _has_name,
    "Owner": _has_owner,
    "PlatformTypes": _has_platform,
    "CloudProviders": _has_provider,
    "DocumentType": _has_type,
    "TargetType": _has_target_type,
    "SearchKeyword": _has_keyword,
}

OPERATIONS = {"ListDocuments": list_documents}
