# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Which managed nodes are wanted, in the terms of the service's own filters.

The keys are those of DescribeInstanceInformation (API reference, InstanceInformationStringFilter). The ones that
DescribeInstanceProperties documents too (InstancePropertyFilterKey) can be sent to either.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..api import Shape
from ..errors import SSMError
from ..option_text import quoted, suggestion
from . import targets

# Each key with the member of a node that it is compared with.
_MEMBERS = {
    "ActivationIds": "ActivationId",
    "AgentVersion": "AgentVersion",
    "AssociationStatus": "AssociationStatus",
    "IamRole": "IamRole",
    "InstanceIds": "InstanceId",
    "PingStatus": "PingStatus",
    "PlatformTypes": "PlatformType",
    "ResourceType": "ResourceType",
    "SourceIds": "SourceId",
    "SourceTypes": "SourceType",
}
_INFORMATION_ONLY = frozenset({"SourceIds", "SourceTypes"})
# The values that AWS documents. It may have more, so that only what looks like one of them is a mistake.
_VALUES = {
    "PingStatus": ("Online", "ConnectionLost", "Inactive"),
    "PlatformTypes": ("Windows", "Linux", "MacOS"),
    "ResourceType": ("EC2Instance", "ManagedInstance"),
}
# AWS accepts one value of ResourceType. It documents nothing for the others whose values it knows.
_ONE_VALUE = frozenset({"AssociationStatus", "PingStatus", "PlatformTypes", "ResourceType"})
_TAG = "tag:"
_TAG_KEY = "tag-key"

# How many values one filter may have.
PROPERTY_VALUES = 40
INFORMATION_VALUES = 100


@dataclasses.dataclass(frozen=True)
class FilterSet:
    """Conditions that a node must all meet: for each key, the values of which it must have one."""

    wanted: Mapping[str, tuple[str, ...]]

    @property
    def tags(self) -> dict[str, tuple[str, ...]]:
        """The conditions on tags, which no listing shows: only the service can judge them."""
        return {key: values for key, values in self.wanted.items() if _is_tag(key)}

    @property
    def information_only(self) -> bool:
        """Whether DescribeInstanceProperties has no such filter."""
        return any(_is_tag(key) or key in _INFORMATION_ONLY for key in self.wanted)

    @property
    def named_by_user(self) -> bool:
        """Whether a value is one that the user chose, such as a tag or an ID, and not one of a few that AWS has."""
        return any(key not in _VALUES for key in self.wanted)

    def __str__(self) -> str:
        return ", ".join(f"{key}={','.join(values)}" for key, values in self.wanted.items())

    def met_by(self, shape: Shape) -> bool:
        """Whether a node's members meet the conditions that are not on tags."""
        return all(shape.get(_MEMBERS[key]) in values for key, values in self.wanted.items() if not _is_tag(key))

    def without(self, key: str) -> FilterSet:
        """The same conditions but for that of one key."""
        return FilterSet({name: values for name, values in self.wanted.items() if name != key})


@dataclasses.dataclass(frozen=True)
class Selection:
    """Nodes that meet one of ``includes`` (there is always one, which may be empty) and none of ``excludes``."""

    includes: tuple[FilterSet, ...] = (FilterSet({}),)
    excludes: tuple[FilterSet, ...] = ()

    @property
    def information_only(self) -> bool:
        """Whether to list all nodes with DescribeInstanceInformation.

        One listing that knows stopped instances and one that does not would disagree on which are excluded.
        """
        return any(each.information_only for each in (*self.includes, *self.excludes))


ANYTHING = Selection()


def selection(filters: Any, includes: Sequence[Any], excludes: Sequence[Any]) -> Selection:
    """What the three options of a user come to. An ``SSMError`` says what is wrong with them."""
    wanted = [_filter_set("filters", filters)] if filters else []
    wanted += [_filter_set("include_filters", each) for each in includes]
    return Selection(
        includes=tuple(wanted) or (FilterSet({}),),
        excludes=tuple(_filter_set("exclude_filters", each) for each in excludes),
    )


def property_requests(conditions: FilterSet) -> Iterator[list[Shape]]:
    """The InstancePropertyFilterList of each request that it takes to find the nodes: more values, more requests."""
    for chosen in _chunks(conditions.wanted, PROPERTY_VALUES):
        yield [{"key": key, "valueSet": list(values)} for key, values in chosen.items()]


def information_requests(conditions: FilterSet) -> Iterator[list[Shape]]:
    """The same for the Filters of DescribeInstanceInformation, where tags cannot be combined with anything else.

    So with conditions on tags the others are left to ``FilterSet.met_by``.
    """
    for chosen in _chunks(conditions.tags or conditions.wanted, INFORMATION_VALUES):
        yield [{"Key": key, "Values": list(values)} for key, values in chosen.items()]


def _chunks(wanted: Mapping[str, tuple[str, ...]], size: int) -> Iterator[dict[str, tuple[str, ...]]]:
    parts = [_parts(values, 1 if key in _ONE_VALUE else size) for key, values in wanted.items()]
    for chosen in itertools.product(*parts):
        yield dict(zip(wanted, chosen, strict=True))


def _parts(values: tuple[str, ...], size: int) -> list[tuple[str, ...]]:
    return [values[at : at + size] for at in range(0, len(values), size)]


def _filter_set(option: str, given: Any) -> FilterSet:
    if not isinstance(given, Mapping) or not given:
        raise SSMError(
            f"{option}: each entry must map filters to their values, such as PlatformTypes: Linux; {given!r} does not."
        )
    return FilterSet({_key(option, key): _values(option, key, value) for key, value in given.items()})


def _key(option: str, key: Any) -> str:
    if key in _MEMBERS or (isinstance(key, str) and (key == _TAG_KEY or key.removeprefix(_TAG) not in (key, ""))):
        return str(key)
    known = [*_MEMBERS, _TAG_KEY]
    raise SSMError(
        f"{option}: unknown filter {quoted(str(key))}.{suggestion(str(key), known)} Supported: {', '.join(known)}, "
        "tag:KEY."
    )


def _values(option: str, key: str, given: Any) -> tuple[str, ...]:
    values = given if isinstance(given, (list, tuple)) else [given]
    if not values or any(value is None or isinstance(value, (Mapping, list)) for value in values):
        raise SSMError(f"{option}: {key} must have a value or a list of values, not {given!r}.")
    # YAML reads an unquoted true or 1 as something else than the text which AWS has.
    texts = tuple(dict.fromkeys(str(value).lower() if isinstance(value, bool) else str(value) for value in values))
    for text in texts:
        _check_value(option, key, text)
    return texts


def _check_value(option: str, key: str, text: str) -> None:
    """Raise for a value that no node can have: it would select nothing, or exclude nothing."""
    if key == "InstanceIds" and not targets.is_node(text):
        raise SSMError(f"{option}: {quoted(text)} is not a node ID; expected i-... or mi-...")
    meant = suggestion(text, _VALUES.get(key, ()))
    if meant and text not in _VALUES[key]:
        raise SSMError(f"{option}: {quoted(text)} is not a value of {key}.{meant}")


def _is_tag(key: str) -> bool:
    return key == _TAG_KEY or key.startswith(_TAG)
