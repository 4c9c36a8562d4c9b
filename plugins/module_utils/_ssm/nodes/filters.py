# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Convert a user's filters to requests of the listings of managed nodes, and apply them to nodes.

The keys are those of DescribeInstanceInformation (API reference, InstanceInformationStringFilter). Those that
DescribeInstanceProperties also documents (InstancePropertyFilterKey) can be sent to either operation.
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

# The member of a node that each key is compared with.
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
# The values that AWS documents. It may accept more, so a value is an error only if it resembles one of these.
_VALUES = {
    "PingStatus": ("Online", "ConnectionLost", "Inactive"),
    "PlatformTypes": ("Windows", "Linux", "MacOS"),
    "ResourceType": ("EC2Instance", "ManagedInstance"),
}
# AWS accepts one value of ResourceType (tests/emulator/FIDELITY.md). For the other three it documents no number.
_ONE_VALUE = frozenset({"AssociationStatus", "PingStatus", "PlatformTypes", "ResourceType"})
_TAG = "tag:"
_TAG_KEY = "tag-key"

# The maximum number of values in one filter of DescribeInstanceProperties and of DescribeInstanceInformation.
PROPERTY_VALUES = 40
INFORMATION_VALUES = 100


@dataclasses.dataclass(frozen=True)
class FilterSet:
    """Conditions, all of which a node must meet."""

    # For each key, the values of which the node must have one, such as {"PlatformTypes": ("Linux", "MacOS")}.
    wanted: Mapping[str, tuple[str, ...]]

    @property
    def tags(self) -> dict[str, tuple[str, ...]]:
        """The conditions on tags. No listing returns tags, so only the service can apply these."""
        return {key: values for key, values in self.wanted.items() if _is_tag(key)}

    @property
    def needs_information(self) -> bool:
        """True if DescribeInstanceProperties lacks one of the filters."""
        return any(_is_tag(key) or key in _INFORMATION_ONLY for key in self.wanted)

    @property
    def named_by_user(self) -> bool:
        """True if a key has values that users choose, such as tags or IDs, and not a few that AWS defines."""
        return any(key not in _VALUES for key in self.wanted)

    def __str__(self) -> str:
        return ", ".join(f"{key}={','.join(values)}" for key, values in self.wanted.items())

    def matches(self, shape: Shape) -> bool:
        """Return whether a node meets the conditions that are not on tags. ``shape`` is the node as AWS returns it."""
        return all(shape.get(_MEMBERS[key]) in values for key, values in self.wanted.items() if not _is_tag(key))

    def without(self, key: str) -> FilterSet:
        """Return the same conditions without those on ``key``."""
        return FilterSet({name: values for name, values in self.wanted.items() if name != key})


@dataclasses.dataclass(frozen=True)
class Selection:
    """The nodes that meet at least one of ``includes`` and none of ``excludes``.

    ``includes`` always has an entry. An empty ``FilterSet`` matches every node.
    """

    includes: tuple[FilterSet, ...] = (FilterSet({}),)
    excludes: tuple[FilterSet, ...] = ()

    @property
    def needs_information(self) -> bool:
        """True if all nodes must be listed with DescribeInstanceInformation.

        Only DescribeInstanceProperties lists stopped instances. So if both operations were used, they could disagree on
        which nodes are excluded.
        """
        return any(each.needs_information for each in (*self.includes, *self.excludes))


ALL_NODES = Selection()


def selection(filters: Any, includes: Sequence[Any], excludes: Sequence[Any]) -> Selection:
    """Convert the options filters, include_filters and exclude_filters. Raise ``SSMError`` if one is not valid."""
    wanted = [_filter_set("filters", filters)] if filters else []
    wanted += [_filter_set("include_filters", each) for each in includes]
    return Selection(
        includes=tuple(wanted) or (FilterSet({}),),
        excludes=tuple(_filter_set("exclude_filters", each) for each in excludes),
    )


def property_requests(conditions: FilterSet) -> Iterator[list[Shape]]:
    """Yield the InstancePropertyFilterList of each request that finds the nodes.

    There are several requests if a key has more values than one filter may have.
    """
    for chosen in _chunks(conditions.wanted, PROPERTY_VALUES):
        yield [{"key": key, "valueSet": list(values)} for key, values in chosen.items()]


def information_requests(conditions: FilterSet) -> Iterator[list[Shape]]:
    """Yield the Filters of each request of DescribeInstanceInformation that finds the nodes.

    The service does not accept tags combined with other filters. If there are conditions on tags, only these are sent,
    and the caller applies the others with ``FilterSet.matches``.
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
            f"{option}: each entry must map filters to their values, such as PlatformTypes: Linux; got {given!r}."
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
    # AWS compares texts, but YAML reads an unquoted true or 1 as another type.
    texts = tuple(dict.fromkeys(str(value).lower() if isinstance(value, bool) else str(value) for value in values))
    for text in texts:
        _check_value(option, key, text)
    return texts


def _check_value(option: str, key: str, text: str) -> None:
    """Raise ``SSMError`` for a value that no node can have, because it would select or exclude nothing."""
    if key == "InstanceIds" and not targets.is_node(text):
        raise SSMError(f"{option}: {quoted(text)} is not a node ID; expected i-... or mi-...")
    did_you_mean = suggestion(text, _VALUES.get(key, ()))
    if did_you_mean and text not in _VALUES[key]:
        raise SSMError(f"{option}: {quoted(text)} is not a value of {key}.{did_you_mean}")


def _is_tag(key: str) -> bool:
    return key == _TAG_KEY or key.startswith(_TAG)
