# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Requests that record which of their members a handler reads.

AWS adds members to its operations. If a handler did not read one, it would be dropped in silence, and a client could
believe that it had an effect. So every handler must read every member of its request.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn


class _Recording:
    """A read-only view of a structure, map or list that records which of its values were read."""

    def __init__(self, shape: Any, given: Any) -> None:
        self._shape = shape
        self._given = given
        self._read: set[Any] = set()
        self._inner: dict[Any, Any] = {}

    def __len__(self) -> int:
        return len(self._given)

    def _take(self, place: Any) -> Any:
        """Return the value at a place, and record that it was read."""
        value = self._given[place]
        self._read.add(place)
        if place not in self._inner:
            self._inner[place] = recording(self._shape_at(place), value)
        return self._inner[place]

    def _shape_at(self, place: Any, /) -> Any:
        raise NotImplementedError

    def _places(self) -> Iterator[tuple[Any, str]]:
        """Yield each place with its part of a path, such as ``("Filters", ".Filters")`` or ``(0, "[0]")``."""
        raise NotImplementedError


class _Structure(_Recording, Mapping[str, Any]):
    """A structure. Each member must be read by its name, so iterating over all of them raises ``TypeError``.

    ``name in structure`` does not count as reading the member.
    """

    def __getitem__(self, name: str) -> Any:
        return self._take(name)

    def __contains__(self, name: object) -> bool:
        return name in self._given

    def __iter__(self) -> NoReturn:
        raise TypeError("members are read by their names: use copy_all() for a value that is stored as it is")

    def _shape_at(self, place: str, /) -> Any:
        return self._shape.members.get(place)

    def _places(self) -> Iterator[tuple[str, str]]:
        return ((name, f".{name}") for name in self._given)


class _Map(_Recording, Mapping[str, Any]):
    """A map, whose keys the caller chooses. Reading a value also reads its key."""

    def __getitem__(self, key: str) -> Any:
        return self._take(key)

    def __contains__(self, key: object) -> bool:
        return key in self._given

    def __iter__(self) -> Iterator[str]:
        return iter(self._given)

    def _shape_at(self, _place: str, /) -> Any:
        return self._shape.value

    def _places(self) -> Iterator[tuple[str, str]]:
        return ((key, f"[{key}]") for key in self._given)


class _List(_Recording, Sequence[Any]):
    """A list. ``item in items`` reads every item."""

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return [self._take(number) for number in range(*place.indices(len(self)))]
        return self._take(range(len(self))[place])

    def __contains__(self, item: object) -> bool:
        return item in list(self)

    def _shape_at(self, _place: int, /) -> Any:
        return self._shape.member

    def _places(self) -> Iterator[tuple[int, str]]:
        return ((number, f"[{number}]") for number in range(len(self)))


_KINDS: dict[str, type[_Recording]] = {"structure": _Structure, "map": _Map, "list": _List}


def recording(shape: Any, given: Any) -> Any:
    """Return a view of a structure, map or list that records what is read; other values are returned as they are.

    ``shape`` is the botocore shape of the value, None if the model has none.
    """
    kind = _KINDS.get(shape.type_name) if shape is not None else None
    return kind(shape, given) if kind else given


def unwrapped(value: Any) -> Any:
    """Return the value under a view. Nothing counts as read: this is for code that does not answer the request."""
    return value._given if isinstance(value, _Recording) else value


def copy_all(value: Any) -> Any:
    """Return a copy of a value that will be stored as it is. All of it counts as read."""
    _read_all(value)
    return copy.deepcopy(unwrapped(value))


def _read_all(value: Any) -> None:
    if isinstance(value, _Recording):
        for place, _name in value._places():
            _read_all(value._take(place))


def unread(value: Any) -> list[str]:
    """Return the paths of the members that were given but not read, such as ``["Filters[0].Operator"]``."""
    return [path.removeprefix(".") for path in _unread(value)]


def _unread(value: Any) -> Iterator[str]:
    if not isinstance(value, _Recording):
        return
    for place, name in value._places():
        if place not in value._read:
            yield name
        else:
            yield from (name + deeper for deeper in _unread(value._inner[place]))
