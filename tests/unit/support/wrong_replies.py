# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Replies of the emulator, and every way to replace a value in one of them by a value of a wrong type."""

from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Any, Self
from unittest import mock
from xml.etree import ElementTree

from emulator import replies
from emulator.model import SINCE, service_model

# A text that no output may contain. It is too long to be part of a date or a number by chance.
CANARY = "TheVerySecretBody"
_VALUES = [CANARY, "", 7, 10**30, True, [], [CANARY], {}, {CANARY: CANARY}]
Change = Callable[[bytes], bytes]
# Members that the emulator sends and the installed botocore does not know, so that nothing reads them.
_UNKNOWN = {member for shape, member in SINCE if member not in service_model("ssm").shape_for(shape).members}


@dataclasses.dataclass(frozen=True)
class Wrong:
    """One change of a reply's body. ``refused``: no service could send the result, so it has to be rejected."""

    name: str
    change: Change
    refused: bool


class Wire(AbstractContextManager["Wire"]):
    """Record the body of every successful reply, and change one of them on request."""

    def __init__(self) -> None:
        self.bodies: dict[str, list[bytes]] = {}
        self._wrong: tuple[str, int, Change] | None = None
        self._patches = ExitStack()

    def __enter__(self) -> Self:
        for name in ("json_reply", "ec2_reply", "query_reply"):
            patch = mock.patch.object(replies, name, self._watched(getattr(replies, name)))
            self._patches.enter_context(patch)
        return self

    def __exit__(self, *error: object) -> None:
        self._patches.close()

    def begin(self, operation: str = "", number: int = 0, change: Change | None = None) -> None:
        """Count replies from here on. ``change`` is applied to reply ``number`` (from 0) to ``operation``."""
        self.bodies = {}
        self._wrong = (operation, number, change) if change else None

    def _watched(self, reply: Callable[..., replies.Reply]) -> Callable[..., replies.Reply]:
        def made(model: Any, *given: Any) -> replies.Reply:
            answer = reply(model, *given)
            operation = model.name.removesuffix("Result").removesuffix("Response")
            number = len(self.bodies.setdefault(operation, []))
            self.bodies[operation].append(answer.body)
            if self._wrong and self._wrong[:2] == (operation, number):
                return dataclasses.replace(answer, body=self._wrong[2](answer.body))
            return answer

        return made


def wrongs(body: bytes, *, few: bool = False) -> list[Wrong]:
    """Return every change of a body, or with ``few`` one wrong type for each member."""
    every = list(_json_wrongs(body) if body.startswith(b"{") else _xml_wrongs(body))
    if not few:
        return every
    return list({wrong.name.partition(" = ")[0]: wrong for wrong in every if wrong.refused}.values())


def _json_wrongs(body: bytes) -> Iterator[Wrong]:
    value = json.loads(body)
    for path in _paths(value):
        kind = _kind(_at(value, path))
        for other in [*_VALUES, [None], -(10**12), 1e400]:
            name = f"{'.'.join(map(str, path))} = {other!r}"
            yield Wrong(name, _json_change(path, other), _kind(other) != kind and _UNKNOWN.isdisjoint(path))


def _json_change(path: Sequence[Any], other: Any) -> Change:
    def change(body: bytes) -> bytes:
        value = json.loads(body)
        if not path:
            return json.dumps(other).encode()
        holder = _at(value, path[:-1])
        holder[path[-1]] = copy.deepcopy(other)
        return json.dumps(value).encode()

    return change


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of each value. Of a list, only the first entry is visited."""
    yield path
    entries = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for key, item in entries:
        yield from _paths(item, (*path, key))


def _at(value: Any, path: Sequence[Any]) -> Any:
    for key in path:
        value = value[key]
    return value


def _kind(value: Any) -> str:
    return "number" if type(value) in (int, float) else type(value).__name__


def _xml_wrongs(body: bytes) -> Iterator[Wrong]:
    root = ElementTree.fromstring(body)  # noqa: S314 - the emulator's own
    for path in _xml_paths(root):
        element = _xml_at(root, path)
        for name, edit in _EDITS.items():
            refused = name == ("a text" if len(element) else "an element")
            yield Wrong(f"{path} {_tag(element)} = {name}", _xml_change(path, edit), refused)


def _xml_paths(element: Any, path: tuple[int, ...] = ()) -> Iterator[tuple[int, ...]]:
    seen: set[str] = set()
    for place, child in enumerate(element):
        if _tag(child) not in seen | {"requestId", "ResponseMetadata"}:  # these are not members of a shape
            seen.add(_tag(child))
            yield (*path, place)
            yield from _xml_paths(child, (*path, place))


def _xml_at(element: Any, path: Sequence[int]) -> Any:
    for place in path:
        element = element[place]
    return element


def _xml_change(path: Sequence[int], edit: Callable[[Any], None]) -> Change:
    def change(body: bytes) -> bytes:
        root = ElementTree.fromstring(body)  # noqa: S314 - the emulator's own
        edit(_xml_at(root, path))
        return ElementTree.tostring(root)

    return change


def _tag(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


def _emptied(element: Any) -> None:
    for child in list(element):
        element.remove(child)
    element.text = None


def _with_text(element: Any) -> None:
    _emptied(element)
    element.text = CANARY


def _with_element(element: Any) -> None:
    _emptied(element)
    ElementTree.SubElement(element, "other").text = CANARY


def _with_number(element: Any) -> None:
    _emptied(element)
    element.text = "9" * 30


_EDITS: dict[str, Callable[[Any], None]] = {
    "nothing": _emptied,
    "a text": _with_text,
    "an element": _with_element,
    "a number": _with_number,
}
