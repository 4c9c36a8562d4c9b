# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Convert boto3's shapes to what users see: keys in snake_case, tags as a dict, times in ISO 8601 UTC.

Only the API's own members are renamed. Document content and tag keys belong to the user and stay unchanged.
"""

from __future__ import annotations

import datetime
import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ansible.module_utils.common.dict_transformations import camel_dict_to_snake_dict

ReadOnlyShape = Mapping[str, Any]

# ansible-core has no type hints for this function.
_to_snake: Callable[[dict[str, Any]], dict[str, Any]] = camel_dict_to_snake_dict


def resource(shape: ReadOnlyShape) -> dict[str, Any]:
    """Convert any API shape: keys to snake_case, ``Tags`` to a dict, times to text. ``ResponseMetadata`` is dropped.

    An example result is ``{"name": "Doc", "created_date": "2026-01-31T09:30:00Z", "tags": {"team": "ops"}}``.
    """
    result: dict[str, Any] = _plain({key: shape[key] for key in shape if key not in ("Tags", "ResponseMetadata")})
    if "Tags" in shape:
        result["tags"] = tags(shape["Tags"])
    return result


@functools.cache
def snake(name: str) -> str:
    """Convert ``DocumentType`` to ``document_type``.

    The results are cached because thousands of entries of a listing have the same few names.
    """
    return str(next(iter(_to_snake({name: None}))))


def camel(name: str) -> str:
    """Convert ``document_type`` to ``DocumentType``."""
    return "".join(part.capitalize() for part in name.split("_"))


def tags(tag_list: Sequence[ReadOnlyShape] | None) -> dict[str, str]:
    """Convert ``[{"Key": k, "Value": v}]`` to ``{k: v}``."""
    return {tag["Key"]: tag.get("Value", "") for tag in tag_list or ()}


def tag_dict(given: Mapping[Any, Any]) -> dict[str, str]:
    """Convert the keys and values of a user's tags to text, as AWS stores them. None becomes an empty text."""
    return {str(key): "" if value is None else str(value) for key, value in given.items()}


def tag_list(tag_dict: Mapping[str, str]) -> list[dict[str, str]]:
    """Convert ``{k: v}`` to ``[{"Key": k, "Value": v}]``."""
    return [{"Key": key, "Value": value} for key, value in tag_dict.items()]


def filter_list(filters: Iterable[tuple[str, Any]], key: str, value: str) -> list[dict[str, Any]]:
    """Convert pairs of name and value to an API filter list, without the pairs whose value is None.

    ``key`` and ``value`` are the member names of an entry, such as ``{"key": "Owner", "value": "jane"}``.
    """
    return [{key: name, value: wanted} for name, wanted in filters if wanted is not None]


def without_none(members: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members of a request whose value is not None."""
    return {key: value for key, value in members.items() if value is not None}


def iso8601(moment: datetime.datetime) -> str:
    """Format a time, such as ``2026-01-31T09:30:00Z``. Fractions of a second are kept if there are any.

    A time without a zone is taken as UTC.
    """
    aware = moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
    return aware.astimezone(datetime.UTC).isoformat().replace("+00:00", "Z")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime.datetime):
        return iso8601(value)
    if isinstance(value, Mapping):
        return {snake(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    return value
