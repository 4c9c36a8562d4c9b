# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Operations without HTTP and signatures, for tests that make thousands of calls.

Requests and replies are held to AWS's model here too, in the same way: see ``performing.py``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from . import performing
from .service import APIError, Call
from .world import World

SERVICE = "ssm"


class Direct:
    """A world, and its operations as a client would call them."""

    def __init__(self, regions: Mapping[str, Any] | None = None, **world: Any) -> None:
        self.world = World({"regions": {"us-east-1": {}} if regions is None else regions, **world})

    def __call__(self, operation: str, region: str = "us-east-1", **params: Any) -> dict[str, Any]:
        """Do one operation of Systems Manager; the errors are those of ``perform()``."""
        return performing.perform(self.world, Call(SERVICE, operation, params, self.world.default_identity, region))

    def code(self, operation: str, **params: Any) -> str:
        """The code of the error that an operation answers with; ``ok`` if there is none."""
        try:
            self(operation, **params)
        except APIError as error:
            return error.code
        return "ok"

    def pages(self, operation: str, member: str, **params: Any) -> Iterator[list[Any]]:
        """One list of each page, to the last."""
        token: dict[str, str] = {}
        while True:
            page = self(operation, **params, **token)
            yield page[member]
            if "NextToken" not in page:
                return
            token = {"NextToken": page["NextToken"]}

    def every(self, operation: str, member: str, **params: Any) -> list[Any]:
        """One list of all pages together."""
        return [item for page in self.pages(operation, member, **params) for item in page]
