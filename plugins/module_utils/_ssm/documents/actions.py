# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""The steps of a plan. As a string each says what it does."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any


class Action:
    """One step of a plan."""


@dataclasses.dataclass(frozen=True)
class Create(Action):
    request: Mapping[str, Any]

    def __str__(self) -> str:
        return "create the document"


@dataclasses.dataclass(frozen=True)
class Update(Action):
    """A new version after ``latest_version``."""

    request: Mapping[str, Any]
    latest_version: str

    def __str__(self) -> str:
        return "make a new version"


@dataclasses.dataclass(frozen=True)
class SetDefault(Action):
    """Another default version; None is the one that the step before made."""

    version: str | None

    def __str__(self) -> str:
        return f"make {f'version {self.version}' if self.version else 'it'} the default"


@dataclasses.dataclass(frozen=True)
class Share(Action):
    """One ModifyDocumentPermission; ``version`` is what the added accounts may use."""

    add: Sequence[str] = ()
    remove: Sequence[str] = ()
    version: str | None = None

    def __str__(self) -> str:
        parts = [f"share the document with {_accounts(self.add)}"] if self.add else []
        parts += [f"stop sharing it with {_accounts(self.remove)}"] if self.remove else []
        return " and ".join(parts)


@dataclasses.dataclass(frozen=True)
class AddTags(Action):
    tags: Mapping[str, str]

    def __str__(self) -> str:
        return f"set the tags {', '.join(sorted(self.tags))}"


@dataclasses.dataclass(frozen=True)
class RemoveTags(Action):
    keys: Sequence[str]

    def __str__(self) -> str:
        return f"remove the tags {', '.join(sorted(self.keys))}"


@dataclasses.dataclass(frozen=True)
class DeleteVersions(Action):
    numbers: Sequence[int]

    def __str__(self) -> str:
        if len(self.numbers) == 1:
            return f"delete version {self.numbers[0]}"
        if len(self.numbers) <= 10:
            return f"delete the versions {', '.join(map(str, self.numbers))}"
        return f"delete {len(self.numbers)} versions, {min(self.numbers)} to {max(self.numbers)}"


@dataclasses.dataclass(frozen=True)
class Delete(Action):
    """``remade`` says that the document is made anew afterwards; ``had`` is then what it had, should that fail."""

    force: bool = False
    remade: bool = False
    had: str = ""

    def __str__(self) -> str:
        return f"delete the document{f', which had {self.had}' if self.had else ''}"


def _accounts(accounts: Sequence[str]) -> str:
    return "everyone" if tuple(accounts) == ("all",) else ", ".join(accounts)
