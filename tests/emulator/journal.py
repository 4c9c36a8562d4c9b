# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The list of every call that came in, so that a test can say "the second run wrote nothing"."""

from __future__ import annotations

import collections
import dataclasses
from typing import Any

WRITE_VERBS = (
    "Create",
    "Update",
    "Delete",
    "Modify",
    "Add",
    "Remove",
    "Start",
    "Resume",
    "Terminate",
)
HIDDEN = "********"


@dataclasses.dataclass
class Entry:
    """One call. ``outcome`` is ``ok`` or an error code; ``fault`` says what a fault rule did to it."""

    seq: int
    service: str
    operation: str
    region: str
    params: dict[str, Any]
    access_key: str
    outcome: str
    write: bool
    fault: str | None = None


def is_write(operation: str) -> bool:
    return operation.startswith(WRITE_VERBS)


class Journal:
    """Calls in the order in which they were answered."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def add(self, **fields: Any) -> Entry:
        entry = Entry(seq=len(self.entries) + 1, write=is_write(fields["operation"]), **fields)
        self.entries.append(entry)
        return entry

    def select(self, operation: str | None = None, since: int = 0, writes: bool = False) -> list[Entry]:
        """Calls after sequence number ``since``."""
        return [
            entry
            for entry in self.entries[since:]
            if (operation is None or entry.operation == operation) and (entry.write or not writes)
        ]

    def counts(self) -> dict[str, dict[str, int]]:
        """How many calls of each operation had which outcome."""
        found: dict[str, collections.Counter[str]] = {}
        for entry in self.entries:
            found.setdefault(entry.operation, collections.Counter())[entry.outcome] += 1
        return {operation: dict(sorted(outcomes.items())) for operation, outcomes in sorted(found.items())}

    def summary(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for entry in self.entries:
            name = f"{entry.service}:{entry.operation}"
            counts[name] = counts.get(name, 0) + 1
        return dict(sorted(counts.items()))


def redacted(shape: Any, value: Any) -> Any:
    """The same value without what the model marks as sensitive."""
    if shape is None:
        return value
    if shape.metadata.get("sensitive"):
        return HIDDEN
    if shape.type_name == "structure" and isinstance(value, dict):
        return {key: redacted(shape.members.get(key), item) for key, item in value.items()}
    if shape.type_name == "list" and isinstance(value, list):
        return [redacted(shape.member, item) for item in value]
    if shape.type_name == "map" and isinstance(value, dict):
        return {key: redacted(shape.value, item) for key, item in value.items()}
    return value
