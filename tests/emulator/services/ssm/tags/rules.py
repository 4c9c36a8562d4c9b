# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The checks of tags that are common to all operations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ....service import APIError

MOST_TAGS = 50
_RESERVED = "aws:"


def check_keys(keys: Iterable[str]) -> None:
    """Raise ``APIError`` for a key with the prefix ``aws:``, which is reserved for AWS."""
    for key in keys:
        if key.lower().startswith(_RESERVED):
            raise APIError("ValidationException", f"The tag key {key} begins with {_RESERVED}, which is reserved")


def check_tags(
    present: Mapping[str, str], added: Iterable[Mapping[str, str]], *, too_many: str = "TooManyTagsError"
) -> dict[str, str]:
    """Return the tags of a resource once ``added`` is applied: ``{"Name": "web"}``.

    Raises ``APIError`` if they are not allowed; ``too_many`` is the operation's error code for more than 50 tags.
    """
    pairs = [(tag["Key"], tag["Value"]) for tag in added]
    found = dict(pairs)
    check_keys(found)
    if len(found) < len(pairs):
        raise APIError("ValidationException", "Duplicate tag key")
    wanted = {**present, **found}
    # Tags of AWS itself do not count.
    if sum(not key.lower().startswith(_RESERVED) for key in wanted) > MOST_TAGS:
        raise APIError(too_many, f"A resource can have at most {MOST_TAGS} tags")
    return wanted
