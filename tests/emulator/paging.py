# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pages of listings, and their tokens.

A token contains the offset at which the next page starts, the number of that page, and a keyed digest of the request.
As in AWS, a token is valid only for the request that it came from: the same operation, account, region and parameters
(MaxResults may differ). A client cannot make one up.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from .reading import unwrapped
from .service import APIError, Call

if TYPE_CHECKING:
    from .world import World

T = TypeVar("T")

# A page may always have fewer items than MaxResults: `page_size` is the most that any page has.
LIMITS: dict[str, int] = {"page_size": 1000}
KEPT_LISTINGS = 64
_DIGEST_BYTES = 16


def make_token(call: Call, offset: int, page: int, world: World) -> str:
    """Return the token for a page: its offset, counted from 0, and its number, counted from 1."""
    text = f"{offset}:{page}"
    return base64.b64encode(_digest(text, call, world) + text.encode()).decode()


def read_token(call: Call, world: World) -> tuple[int, int]:
    """Return the offset and the number of the page that a call asks for; ``(0, 1)`` without a token.

    Raises ``APIError`` if the token does not belong to the request.
    """
    if "NextToken" not in call.params:
        return 0, 1
    token: str = call.params["NextToken"]
    try:
        offset, page = map(int, base64.b64decode(token, validate=True)[_DIGEST_BYTES:].split(b":"))
    except ValueError:
        raise invalid_token_error(call) from None
    # Compare the whole text: several base64 texts decode to the same bytes.
    if not hmac.compare_digest(token.encode(), make_token(call, offset, page, world).encode()):
        raise invalid_token_error(call)
    return offset, page


def invalid_token_error(call: Call) -> APIError:
    """Return the error for a token that does not belong to the request."""
    if call.service == "ec2":
        return APIError("InvalidParameterValue", "Unable to parse pagination token")
    return APIError("InvalidNextToken", "The specified token isn't valid.")


def paginate(
    items: Sequence[T], call: Call, *, default: int, world: World, most: int | None = None
) -> tuple[list[T], str | None]:
    """Return one page of the items and the token for the next one, which is None on the last page.

    A page has ``default`` items if the call has no MaxResults, and never more than ``most``.
    """
    offset, page = read_token(call, world)
    size = min(call.params.get("MaxResults", default), world.limit("page_size"))
    size = size if most is None else min(size, most)
    end = offset + size
    token = make_token(call, end, page + 1, world) if end < len(items) else None
    return list(items[offset:end]), token


def with_token(result: dict[str, Any], token: str | None) -> dict[str, Any]:
    """Return the result of a page with NextToken, or without it on the last page."""
    return result if token is None else {**result, "NextToken": token}


def items_of_listing(world: World, call: Call, select: Callable[[], list[T]]) -> list[T]:
    """Return the items of a listing: ``select()`` for its first page, and the same list for the pages after it.

    Selecting again for each page would be slow: a world may have 100,000 nodes in 2,000 pages.
    """
    key = _listing_key(call)
    if "NextToken" not in call.params or key not in world.listings:
        world.listings.pop(key, None)
        world.listings[key] = select()
        if len(world.listings) > KEPT_LISTINGS:
            del world.listings[next(iter(world.listings))]
    kept: list[T] = world.listings[key]
    return kept


def _digest(text: str, call: Call, world: World) -> bytes:
    return hmac.digest(str(world.seed).encode(), f"{text}\n{_listing_key(call)}".encode(), "sha256")[:_DIGEST_BYTES]


def _listing_key(call: Call) -> str:
    """Return a text that is the same for all pages of one listing: all of the request but NextToken and MaxResults."""
    rest = {key: value for key, value in unwrapped(call.params).items() if key not in ("NextToken", "MaxResults")}
    parts = [call.service, call.operation, call.identity.account_id, call.region, rest]
    return json.dumps(parts, sort_keys=True, default=str)
