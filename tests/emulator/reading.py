# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Requests that note which of their members a handler reads.

AWS adds members to its operations. One that no handler reads would be dropped in silence, so that a client could
believe that it had an effect: whoever answers a request has to read all of it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn


class _Noted:
    """A value with values in it, and which of those were read. Nothing can be changed through it."""

    def __init__(self, shape: Any, given: Any) -> None:
        self._shape = shape
        self._given = given
        self._read: set[Any] = set()
        self._inner: dict[Any, Any] = {}

    def __len__(self) -> int:
        return len(self._given)

    def _take(self, place: Any) -> Any:
        """Return what is at a place, and note that it was read."""
        value = self._given[place]
        self._read.add(place)
        if place not in self._inner:
            self._inner[place] = noted(self._shape_at(place), value)
        return self._inner[place]

    def _shape_at(self, place: Any, /) -> Any:
        raise NotImplementedError

    def _places(self) -> Iterator[tuple[Any, str]]:
        """Each place, and how a path names it."""
        raise NotImplementedError


class _Structure(_Noted, Mapping[str, Any]):
    """The members of a structure. Each is read by its name: whoever copies all of them has not read any.

    Asking whether a member is there is not reading it.
    """

    def __getitem__(self, name: str) -> Any:
        return self._take(name)

    def __contains__(self, name: object) -> bool:
        return name in self._given

    def __iter__(self) -> NoReturn:
        raise TypeError("members are read by their names: use whole() for what is stored as it is")

    def _shape_at(self, place: str, /) -> Any:
        return self._shape.members.get(place)

    def _places(self) -> Iterator[tuple[str, str]]:
        return ((name, f".{name}") for name in self._given)


class _Map(_Noted, Mapping[str, Any]):
    """A map, whose keys are the caller's. A key is read with its value."""

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


class _List(_Noted, Sequence[Any]):
    """A list. Its items are read one by one, or all of them by looking for one."""

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


_KINDS: dict[str, type[_Noted]] = {"structure": _Structure, "map": _Map, "list": _List}


def noted(shape: Any, given: Any) -> Any:
    """The same value in a form that notes what is read of it; a text or a number is as it was.

    ``shape`` is the model's, None where the model has none.
    """
    kind = _KINDS.get(shape.type_name) if shape is not None else None
    return kind(shape, given) if kind else given


def plain(value: Any) -> Any:
    """The value as it was given, for what looks at requests and does not answer them: nothing counts as read."""
    return value._given if isinstance(value, _Noted) else value


def whole(value: Any) -> Any:
    """A copy of a value that is stored as it is, of which all counts as read."""
    _read_all(value)
    return copy.deepcopy(plain(value))


def _read_all(value: Any) -> None:
    if isinstance(value, _Noted):
        for place, _name in value._places():
            _read_all(value._take(place))


def unread(value: Any) -> list[str]:
    """The paths of what was given and not read, such as ``Filters[0].Operator``."""
    return [path.removeprefix(".") for path in _unread(value)]


def _unread(value: Any) -> Iterator[str]:
    if not isinstance(value, _Noted):
        return
    for place, name in value._places():
        if place not in value._read:
            yield name
        else:
            yield from (name + deeper for deeper in _unread(value._inner[place]))
