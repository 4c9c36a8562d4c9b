# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""boto3's shapes as users see them: snake_case keys, tags as a dict, times in ISO 8601 UTC.

Only the API's own members are renamed. Content and tag keys are the user's, and stay as they are.
"""

from __future__ import annotations

import datetime
import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ansible.module_utils.common.dict_transformations import camel_dict_to_snake_dict

Shape = Mapping[str, Any]

# ansible-core gives no types for it.
_to_snake: Callable[[dict[str, Any]], dict[str, Any]] = camel_dict_to_snake_dict


def resource(shape: Shape) -> dict[str, Any]:
    """Any API shape: keys in snake_case, ``Tags`` as a dict, times as text."""
    result: dict[str, Any] = _plain({key: shape[key] for key in shape if key not in ("Tags", "ResponseMetadata")})
    if "Tags" in shape:
        result["tags"] = tags(shape["Tags"])
    return result


@functools.cache
def snake(name: str) -> str:
    """``DocumentType`` as ``document_type``; a listing of thousands has the same few names in each entry."""
    return str(next(iter(_to_snake({name: None}))))


def camel(name: str) -> str:
    """``document_type`` as ``DocumentType``."""
    return "".join(part.capitalize() for part in name.split("_"))


def tags(tag_list: Sequence[Shape] | None) -> dict[str, str]:
    """``[{"Key": k, "Value": v}]`` as ``{k: v}``."""
    return {tag["Key"]: tag.get("Value", "") for tag in tag_list or ()}


def tag_dict(given: Mapping[Any, Any]) -> dict[str, str]:
    """Tags as the user wrote them, with every key and value as the text that AWS keeps; nothing is an empty text."""
    return {str(key): "" if value is None else str(value) for key, value in given.items()}


def tag_list(tag_dict: Mapping[str, str]) -> list[dict[str, str]]:
    """``{k: v}`` as ``[{"Key": k, "Value": v}]``."""
    return [{"Key": key, "Value": value} for key, value in tag_dict.items()]


def filter_list(filters: Iterable[tuple[str, Any]], key: str, value: str) -> list[dict[str, Any]]:
    """Name and value pairs as an API filter list whose members are called ``key`` and ``value``; None is left out."""
    return [{key: name, value: wanted} for name, wanted in filters if wanted is not None]


def without_none(members: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members of a request that have a value."""
    return {key: value for key, value in members.items() if value is not None}


def iso8601(moment: datetime.datetime) -> str:
    """``2026-01-31T09:30:00Z``; a time without a zone is UTC. Fractions of a second are kept if there are any."""
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
