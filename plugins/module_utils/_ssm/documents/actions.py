# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""The actions of a plan. ``str(action)`` is its entry in the result ``actions`` of ssm_document."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias


@dataclasses.dataclass(frozen=True)
class Create:
    """CreateDocument with this request."""

    request: Mapping[str, Any]

    def __str__(self) -> str:
        return "create the document"


@dataclasses.dataclass(frozen=True)
class Update:
    """UpdateDocument with this request. ``latest_version`` is the latest version before it."""

    request: Mapping[str, Any]
    latest_version: str

    def __str__(self) -> str:
        return "create a new version"


@dataclasses.dataclass(frozen=True)
class SetDefault:
    """UpdateDocumentDefaultVersion. ``version`` None is the version that the plan made before."""

    version: str | None

    def __str__(self) -> str:
        return f"make {f'version {self.version}' if self.version else 'it'} the default"


@dataclasses.dataclass(frozen=True)
class Share:
    """One call of ModifyDocumentPermission. The accounts in ``add`` may then use ``version`` (None: ``$DEFAULT``)."""

    add: Sequence[str] = ()
    remove: Sequence[str] = ()
    version: str | None = None

    def __str__(self) -> str:
        if not self.add:
            return f"stop sharing the document with {_accounts(self.remove)}"
        also = f" and stop sharing it with {_accounts(self.remove)}" if self.remove else ""
        return f"share the document with {_accounts(self.add)}{also}"


@dataclasses.dataclass(frozen=True)
class AddTags:
    """AddTagsToResource: ``{"team": "a"}``."""

    tags: Mapping[str, str]

    def __str__(self) -> str:
        return f"set the tags {', '.join(sorted(self.tags))}"


@dataclasses.dataclass(frozen=True)
class RemoveTags:
    """RemoveTagsFromResource."""

    keys: Sequence[str]

    def __str__(self) -> str:
        return f"remove the tags {', '.join(sorted(self.keys))}"


@dataclasses.dataclass(frozen=True)
class DeleteVersions:
    """One call of DeleteDocument for each version."""

    numbers: Sequence[int]

    def __str__(self) -> str:
        if len(self.numbers) == 1:
            return f"delete version {self.numbers[0]}"
        if len(self.numbers) <= 10:
            return f"delete the versions {', '.join(map(str, self.numbers))}"
        return f"delete {len(self.numbers)} versions, {min(self.numbers)} to {max(self.numbers)}"


@dataclasses.dataclass(frozen=True)
class Delete:
    """DeleteDocument.

    ``recreated``: a Create follows in the same plan. ``had``: the tags and permissions of the document, which nothing
    else records if that Create fails: ``the tag team=a, permissions for 111122223333 ($DEFAULT)``.
    """

    force: bool = False
    recreated: bool = False
    had: str = ""

    def __str__(self) -> str:
        return f"delete the document{f', which had {self.had}' if self.had else ''}"


# Any action of a plan. Code that distinguishes them uses ``match`` and ``assert_never``, so that mypy reports a missing
# case.
Action: TypeAlias = "Create | Update | SetDefault | Share | AddTags | RemoveTags | DeleteVersions | Delete"


def _accounts(accounts: Sequence[str]) -> str:
    return "everyone" if tuple(accounts) == ("all",) else ", ".join(accounts)
