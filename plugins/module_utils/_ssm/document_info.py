# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Documents as ssm_document_info returns them: described or listed, with what else was asked for."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from . import api, content, transform
from .fanout import fan_out_all

OWNERS = ("Self", "Amazon", "Public", "Private", "ThirdParty")

Document = dict[str, Any]
Extra = Callable[[api.Client, Document, str], Document]


def describe(client: api.Client, names: Sequence[str], version: str) -> list[Document]:
    """The descriptions of the named documents that exist, in the order given; ``tags`` are always among them."""
    found = fan_out_all(lambda name: api.describe_document(client, name, version), list(dict.fromkeys(names)))
    return [transform.resource({"Tags": [], **shape}) for shape in found if shape is not None]


def listing(
    client: api.Client, owner: str, document_types: Sequence[str], filters: Mapping[str, Any]
) -> list[Document]:
    """The documents that match all of owner (``All``: any), types and filters, sorted by name."""
    wanted: list[tuple[str, list[Any] | None]] = [
        (key, value if isinstance(value, list) else [value]) for key, value in filters.items()
    ]
    wanted += [("Owner", [owner] if owner != "All" else None), ("DocumentType", list(document_types) or None)]
    found = api.list_documents(client, transform.filter_list(wanted, "Key", "Values"))
    return [transform.resource(shape) for shape in sorted(found, key=lambda shape: str(shape["Name"]))]


def with_extras(
    client: api.Client, documents: Sequence[Document], include: Collection[str], version: str
) -> list[Document]:
    """The documents with what ``include`` asks for, fetched side by side."""
    complete = {document["name"]: dict(document) for document in documents}
    for fetch in (EXTRAS[extra] for extra in include):
        fetch_one = functools.partial(_fetch, fetch, client, complete, version)
        found = fan_out_all(fetch_one, list(complete))
        for document, more in zip(complete.values(), found, strict=True):
            document |= more
    return list(complete.values())


def _fetch(fetch: Extra, client: api.Client, documents: Mapping[str, Document], version: str, name: str) -> Document:
    return fetch(client, documents[name], version)


def _content(client: api.Client, document: Document, version: str) -> Document:
    stored_format = document.get("document_format") or content.JSON
    reply = api.get_document(client, document["name"], version, stored_format)
    if reply is None:
        return {}
    return {"content": reply["Content"], "content_parsed": content.parsed(reply["Content"], stored_format)}


def _versions(client: api.Client, document: Document, version: str) -> Document:
    found = api.list_document_versions(client, document["name"])
    newest_first = sorted(found, key=lambda info: int(info["DocumentVersion"]), reverse=True)
    return {"versions": [transform.resource(info) for info in newest_first]}


def _tags(client: api.Client, document: Document, version: str) -> Document:
    if "tags" in document:
        return {}
    return {"tags": transform.tags(api.list_document_tags(client, document["name"]))}


EXTRAS: dict[str, Extra] = {
    "content": _content,
    "versions": _versions,
    "tags": _tags,
}
