# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pages and their tokens.

A token holds where the next page starts, which page that is, and a digest of the request. AWS's tokens belong to the
request that they came from: to its operation, account, region and parameters. No client may make one up.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from .reading import plain
from .service import APIError, Call

if TYPE_CHECKING:
    from .world import World

T = TypeVar("T")

# The service may always give fewer items than were asked for.
LIMITS: dict[str, int] = {"page_size": 1000}
KEPT_LISTINGS = 64
_TAG_BYTES = 16


def make_token(call: Call, offset: int, page: int, world: World) -> str:
    """Make a token for the page that starts at an offset."""
    text = f"{offset}:{page}"
    return base64.b64encode(_tag(text, call, world) + text.encode()).decode()


def read_token(call: Call, world: World) -> tuple[int, int]:
    """Where the wanted page starts, and its number, counted from 1."""
    if "NextToken" not in call.params:
        return 0, 1
    token: str = call.params["NextToken"]
    try:
        offset, page = map(int, base64.b64decode(token, validate=True)[_TAG_BYTES:].split(b":"))
    except ValueError:
        raise bad_token(call) from None
    # All of the text has to be the same: several texts of base64 stand for the same bytes.
    if not hmac.compare_digest(token.encode(), make_token(call, offset, page, world).encode()):
        raise bad_token(call)
    return offset, page


def bad_token(call: Call) -> APIError:
    """The error for a token that does not belong to the request."""
    if call.service == "ec2":
        return APIError("InvalidParameterValue", "Unable to parse pagination token")
    return APIError("InvalidNextToken", "The specified token isn't valid.")


def paginate(
    items: Sequence[T], call: Call, *, default: int, world: World, most: int | None = None
) -> tuple[list[T], str | None]:
    """One page of the items, and the token for the next one, or None on the last page.

    A page has ``default`` items where the call names no number, and never more than ``most``.
    """
    offset, page = read_token(call, world)
    size = min(call.params.get("MaxResults", default), world.limit("page_size"))
    size = size if most is None else min(size, most)
    end = offset + size
    token = make_token(call, end, page + 1, world) if end < len(items) else None
    return list(items[offset:end]), token


def selected(world: World, call: Call, select: Callable[[], list[T]]) -> list[T]:
    """What a listing lists: selected for its first page, and kept for the pages after it.

    A world may have 100,000 nodes in 2,000 pages, each of which would look at all of them.
    """
    key = _question(call)
    if "NextToken" not in call.params or key not in world.listings:
        world.listings.pop(key, None)
        world.listings[key] = select()
        if len(world.listings) > KEPT_LISTINGS:
            del world.listings[next(iter(world.listings))]
    kept: list[T] = world.listings[key]
    return kept


def _tag(text: str, call: Call, world: World) -> bytes:
    return hmac.digest(str(world.seed).encode(), f"{text}\n{_question(call)}".encode(), "sha256")[:_TAG_BYTES]


def _question(call: Call) -> str:
    """Name what a request asks for, of which account and where, whichever page of it and however large."""
    rest = {key: value for key, value in plain(call.params).items() if key not in ("NextToken", "MaxResults")}
    question = [call.service, call.operation, call.identity.account_id, call.region, rest]
    return json.dumps(question, sort_keys=True, default=str)
