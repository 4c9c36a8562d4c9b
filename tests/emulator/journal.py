# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The record of all calls, so that a test can assert that "the second run wrote nothing"."""

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
    """One call.

    ``seq`` counts from 1. ``outcome`` is ``ok``, an error code, ``raw``, ``dropped`` or ``no such host``. ``fault``
    describes the fault rule that was applied to the call.
    """

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
    """The calls, in the order in which they were answered."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def add(self, **fields: Any) -> Entry:
        entry = Entry(seq=len(self.entries) + 1, write=is_write(fields["operation"]), **fields)
        self.entries.append(entry)
        return entry

    def select(self, operation: str | None = None, since: int = 0, writes: bool = False) -> list[Entry]:
        """Return the calls after sequence number ``since``, optionally only those of one operation, or only writes."""
        return [
            entry
            for entry in self.entries[since:]
            if (operation is None or entry.operation == operation) and (entry.write or not writes)
        ]

    def counts(self) -> dict[str, dict[str, int]]:
        """Return the number of calls by operation and outcome: ``{"GetConnectionStatus": {"ok": 3}}``."""
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
    """Return the value with everything that the model marks as sensitive replaced by asterisks."""
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
