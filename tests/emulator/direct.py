# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Calls without HTTP and signatures, for tests that make thousands of them.

Requests and replies are checked against AWS's model as they are over HTTP: see ``performing.py``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from . import performing
from .service import APIError, Call
from .world import World

SERVICE = "ssm"


class Direct:
    """A world whose operations can be called: ``Direct()("DescribeSessions", State="Active")``."""

    def __init__(self, regions: Mapping[str, Any] | None = None, **world: Any) -> None:
        self.world = World({"regions": {"us-east-1": {}} if regions is None else regions, **world})

    def __call__(self, operation: str, region: str = "us-east-1", **params: Any) -> dict[str, Any]:
        """Call one operation of Systems Manager. Raises the errors of ``performing.perform()``."""
        return performing.perform(self.world, Call(SERVICE, operation, params, self.world.default_identity, region))

    def code(self, operation: str, **params: Any) -> str:
        """Call an operation and return its error code, or ``ok`` if it succeeds."""
        try:
            self(operation, **params)
        except APIError as error:
            return error.code
        return "ok"

    def pages(self, operation: str, member: str, **params: Any) -> Iterator[list[Any]]:
        """Yield the list ``member`` of each page of a listing."""
        token: dict[str, str] = {}
        while True:
            page = self(operation, **params, **token)
            yield page[member]
            if "NextToken" not in page:
                return
            token = {"NextToken": page["NextToken"]}

    def every(self, operation: str, member: str, **params: Any) -> list[Any]:
        """Return the items of ``member`` from all pages of a listing."""
        return [item for page in self.pages(operation, member, **params) for item in page]
