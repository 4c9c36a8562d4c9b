# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Describe or list documents for ssm_document_info, with the extras in ``include``."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from .. import api, conversion, option_text
from ..errors import NO_TAGS, SSMError, tolerating
from ..fanout import fan_out_values
from ..module import ClientFactory
from ..option_text import quoted
from . import content, limits, preferences, sharing
from .model import SESSION, TYPES
from .results import DocumentInfoResult, ReturnedDocument

# The filter keys of ListDocuments, besides tag:KEY. AWS may accept more.
_FILTERS = ("Name", "Owner", "PlatformTypes", "DocumentType", "TargetType", "SearchKeyword", "CloudProviders")
OWNERS = ("Self", "Amazon", "Public", "Private", "ThirdParty")


@dataclasses.dataclass(frozen=True)
class Version:
    """The version of each document to read, and the format to return its content in (None: as it is stored).

    Without a number or a name it is the default version (trap 11).
    """

    number: str | None = None
    name: str | None = None
    document_format: str | None = None

    def __post_init__(self) -> None:
        limits.check_version(self.number, self.name)

    @property
    def selector(self) -> dict[str, str]:
        """Return the members of DescribeDocument and GetDocument that select it: ``{"DocumentVersion": "3"}``."""
        selector = {"VersionName": self.name, "DocumentVersion": None if self.name else self.number}
        return {member: value for member, value in selector.items() if value}


# A function that reads an extra of a document, and returns the members to add to the result. It gets the name or ARN
# by which AWS finds the document.
Extra = Callable[[api.Client, str, ReturnedDocument, Version], ReturnedDocument]


def run(params: Mapping[str, Any], client: ClientFactory, check_mode: bool) -> DocumentInfoResult:
    """Do the work of ssm_document_info."""
    filters, types, owner = params["filters"], params["document_types"], params["owner"]
    if params["names"] is not None and (filters or types or owner != "Self"):
        raise SSMError("names cannot be combined with filters, owner or document_types.")
    if ("Owner" in filters and owner != "Self") or ("DocumentType" in filters and types):
        raise SSMError(
            "filters: Owner and DocumentType repeat the options owner and document_types. Set only one of each pair."
        )
    if params["document_version"] is not None and params["version_name"] is not None:
        raise SSMError("document_version and version_name both select the version to describe. Set only one.")
    names, types = option_text.trimmed(params["names"] or []), option_text.trimmed(types or [])
    limits.check_names_or_arns(names)
    check_types(types)
    check_document_filters(filters)
    version = Version(params["document_version"], params["version_name"], params["document_format"])
    ssm = client("ssm")
    if params["names"] is not None:
        found = describe(ssm, names, version)
    else:
        found = listing(ssm, owner, types, filters)
        if version.selector not in ({}, {"DocumentVersion": "$DEFAULT"}):  # ListDocuments describes the default version
            found = describe(ssm, list(found), version)
    documents = with_extras(ssm, found, params["include"], version)
    warnings = unread_warnings(documents)
    result: DocumentInfoResult = {"changed": False, "documents": documents}
    if warnings:
        result["warnings"] = warnings
    return result


def to_result(client: api.Client, description: Mapping[str, Any]) -> ReturnedDocument:
    """Convert a DocumentDescription or DocumentIdentifier to the form of a result, with the ARNs (trap 33)."""
    return {**conversion.resource(description), **_arns(client, description)}


def describe(client: api.Client, names: Sequence[str], version: Version) -> dict[str, ReturnedDocument]:
    """Describe the named documents that exist: ``{"the name or ARN as given": document}``, in the order given."""
    wanted = list(dict.fromkeys(names))
    found = fan_out_values(lambda name: api.describe_selected(client, name, version.selector), wanted)
    pairs = zip(wanted, found, strict=True)
    return {name: to_result(client, {"Tags": [], **document}) for name, document in pairs if document is not None}


def check_types(document_types: Iterable[str]) -> None:
    """Raise ``SSMError`` for a type that no document has, because AWS would list nothing instead of rejecting it."""
    for one in document_types:
        if one not in TYPES:
            later = " For a type that AWS added later, use DocumentType in filters."
            advice = option_text.suggestion(one, TYPES) or later
            raise SSMError(f"document_types: unknown document type {quoted(one)}.{advice}")


def check_document_filters(filters: Iterable[str]) -> None:
    """Raise ``SSMError`` for a filter key that looks like a misspelled one of AWS. AWS decides about all others."""
    for key in filters:
        meant = "" if key in _FILTERS or key.startswith("tag:") else option_text.suggestion(key, _FILTERS)
        if meant:
            raise SSMError(f"filters: {quoted(key)} is not a filter of ListDocuments.{meant}")


def listing(
    client: api.Client, owner: str, document_types: Sequence[str], filters: Mapping[str, Any]
) -> dict[str, ReturnedDocument]:
    """List the documents that match owner (``All``: any), types and filters: ``{"name or ARN": document}``.

    They are sorted by name. The key is the ARN if another account owns the document. AWS accepts each filter only once,
    so ``filters`` take precedence over ``owner`` and ``document_types``.
    """
    options = {"Owner": [owner] if owner != "All" else None, "DocumentType": list(document_types) or None}
    given = {key: [_filter_value(key, one) for one in _as_list(value)] for key, value in filters.items()}
    owner = ", ".join(given.get("Owner", [owner]))
    found = api.list_documents(client, conversion.filter_list((options | given).items(), "Key", "Values"))
    documents = [to_result(client, one) for one in sorted(found, key=lambda one: str(one["Name"]))]
    # AWS finds the caller's documents and its own by name, but one that another account shares only by ARN.
    by_name = owner in ("Self", "Amazon")
    return {one["name"] if by_name or not one.get("owner", "").isdigit() else one["arn"]: one for one in documents}


def with_extras(
    client: api.Client, documents: Mapping[str, ReturnedDocument], include: Collection[str], version: Version
) -> list[ReturnedDocument]:
    """Return the documents with the extras in ``include``, which are fetched in parallel."""
    jobs = {f"{extra} {name}": (EXTRAS[extra], name) for name in documents for extra in dict.fromkeys(include)}

    def fetch(job: str) -> ReturnedDocument:
        extra, name = jobs[job]
        return extra(client, name, documents[name], version)

    complete = {name: dict(document) for name, document in documents.items()}
    for (unused, name), more in zip(jobs.values(), fan_out_values(fetch, list(jobs)), strict=True):
        complete[name] |= more
    return list(complete.values())


def unread_warnings(documents: Iterable[ReturnedDocument]) -> list[str]:
    """Return a warning for each extra that AWS no longer had when it was read."""
    return [
        f"The {extra} of document {one['name']} could not be read: AWS describes the document, but does not find its "
        f"{extra}. The document may have been deleted in the meantime."
        for one in documents
        for extra in ("content", "versions")
        if extra in one and not one[extra] and one[extra] != ""
    ]


def _filter_value(key: str, value: Any) -> str:
    if value in (None, ""):
        raise SSMError(f"filters has no value for {key}. Set a value or omit the filter.")
    return str(value)


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _arns(client: api.Client, description: Mapping[str, Any]) -> dict[str, str]:
    name, owner = str(description["Name"]), str(description.get("Owner") or "")
    if name.startswith("arn:"):
        return {"arn": name}
    account = owner if owner.isdigit() else ""  # the ARN of a document of AWS has no account
    place = f"arn:{client.meta.partition}:ssm:{client.meta.region_name}:{account}"
    arns = {"arn": f"{place}:document/{name}"}
    if description.get("DocumentType") == "Automation":
        arns["automation_definition_arn"] = f"{place}:automation-definition/{name}"
    return arns


def _content(client: api.Client, name: str, document: ReturnedDocument, version: Version) -> ReturnedDocument:
    wanted_format = version.document_format or document.get("document_format") or content.JSON
    reply = api.get_selected(client, name, version.selector, wanted_format)
    if reply is None:
        return {"content": None, "content_parsed": None}
    parsed = content.parse(reply["Content"], reply.get("DocumentFormat") or wanted_format)
    found = {"content": reply["Content"], "content_parsed": parsed}
    if document.get("document_type") == SESSION:
        found["session_preferences"] = preferences.from_content(parsed) if isinstance(parsed, dict) else None
    return found


def _versions(client: api.Client, name: str, document: ReturnedDocument, version: Version) -> ReturnedDocument:
    found = api.list_document_versions(client, name)
    newest_first = sorted(found, key=lambda info: int(info["DocumentVersion"]), reverse=True)
    return {"versions": [conversion.resource(info) for info in newest_first]}


def _permissions(client: api.Client, name: str, document: ReturnedDocument, version: Version) -> ReturnedDocument:
    # AWS returns permissions only to the owner of a document, and only by its name.
    found = api.describe_document_permission(client, document["name"]) if _is_own(client, name, document) else {}
    return {"permissions": sharing.as_result(found)}


def _is_own(client: api.Client, name: str, document: ReturnedDocument) -> bool:
    """Return whether the document is the caller's own.

    One that was found by its ARN may be the caller's own, or another account's with the same name.
    """
    if not name.startswith("arn:"):
        return True
    if document["name"].startswith("arn:"):
        return False
    own = api.describe_selected(client, document["name"], {})
    return own is not None and own.get("Owner") == document.get("owner")


def _tags(client: api.Client, name: str, document: ReturnedDocument, version: Version) -> ReturnedDocument:
    if "tags" in document:
        return {}
    with tolerating(NO_TAGS):  # AWS does not list those of another account's document
        return {"tags": conversion.tags(api.list_document_tags(client, name))}
    return {"tags": {}}


EXTRAS: dict[str, Extra] = {
    "content": _content,
    "versions": _versions,
    "permissions": _permissions,
    "tags": _tags,
}
