# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""What hosts are called.

Much of what a name can be taken from is told by the node itself, which may not be a friend: a name must not be that of
another host or of a group, whose variables it would take over, nor lead out of a folder such as host_vars.
"""

from __future__ import annotations

import collections
import itertools
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.sessionops.aws.plugins.module_utils._ssm.errors import SSMError
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.option_text import quoted

from .expressions import syntax_error
from .hosts import Host

# What gives a host a name, or an empty text where it gives none.
Namer = Callable[[Mapping[str, Any]], str]
# Evaluates a Jinja2 expression or template on a host's variables; None where it comes to nothing.
Evaluate = Callable[[str, Mapping[str, Any]], Any]

_TAG = "tag:"
_UNUSUAL = re.compile(r"[^\w.-]")
_LEADING = re.compile(r"^[.-]")
_LIKE_AN_ID = re.compile(r"i-(\w{8}|\w{17})|mi-\w{17}")
_CONTROLLER = frozenset({"localhost", "127.0.0.1", "::1"})
_PLAIN = re.compile(r"[A-Za-z_]\w*")
_KEYS = frozenset({"name", "prefix", "separator"})
# How many names a warning has at most.
MOST_TOLD = 10


class Names(NamedTuple):
    """The name of each host in order, and the names that were not used, by the ID of their nodes."""

    used: list[str]
    refused: dict[str, str]


def names(
    hosts: Sequence[Host],
    entries: Sequence[Any],
    evaluate: Evaluate,
    taken: Collection[str],
    others: Mapping[str, Collection[Any]],
) -> Names:
    """Name each host by the option ``hostnames``.

    ``taken`` are the names of groups. ``others`` are the hosts of other sources, with the IDs of their nodes.
    A name is used only where it is one host's alone, and neither like an ID nor taken.
    """
    namers = [_namer(entry, evaluate) for entry in entries]
    preferred = [_safe(_first(namers, host.variables)) for host in hosts]
    shared = collections.Counter(preferred)

    def usable(name: str, host: Host) -> bool:
        free = name not in others or host.instance_id in others[name]
        return free and shared[name] == 1 and name not in taken and not _reserved(name)

    used, refused = [], {}
    for name, host in zip(preferred, hosts, strict=True):
        used.append(name if name and usable(name, host) else host.instance_id)
        if name not in ("", used[-1]):
            refused[host.instance_id] = name
    return Names(used, refused)


def refusal(refused: Mapping[str, str]) -> str:
    """Return the warning that tells which names were not used."""
    nodes = "1 node is" if len(refused) == 1 else f"{len(refused)} nodes are"
    told = ", ".join(f"{name} ({node})" for node, name in itertools.islice(refused.items(), MOST_TOLD))
    more = f" and {len(refused) - MOST_TOLD} more" if len(refused) > MOST_TOLD else ""
    return f"{nodes} named by ID because another host or a group has the name, or it is reserved: {told}{more}."


def check_hostnames(entries: Sequence[Any], *, tags: bool) -> None:
    """Raise an ``SSMError`` for a ``hostnames`` that cannot work; ``tags`` says whether there will be any."""
    for text in (text for entry in entries for text in _texts(entry)):
        if text.startswith(_TAG) and not tags:
            raise SSMError(
                f"hostnames: {quoted(text)} requires ec2_details=true. For the Name tag alone use instance_name, which "
                "does not."
            )
        problem = syntax_error(text if "{{" in text else f"{{{{ {_expression(text)} }}}}")
        if problem:
            raise SSMError(f"hostnames: {quoted(text)} is not a Jinja2 expression: {problem}.")


def _texts(entry: Any) -> list[str]:
    """The expressions in one entry of ``hostnames``."""
    if isinstance(entry, str) and entry:
        return [entry]
    if isinstance(entry, Mapping) and isinstance(entry.get("name"), str) and set(entry) <= _KEYS:
        return [str(entry["name"]), *([str(entry["prefix"])] if entry.get("prefix") else [])]
    raise SSMError(
        f"hostnames: each entry must be a text, or a mapping with name and optionally prefix and separator; "
        f"{entry!r} is neither."
    )


def _first(namers: Sequence[Namer], variables: Mapping[str, Any]) -> str:
    return next((name for namer in namers if (name := namer(variables))), "")


def _namer(entry: Any, evaluate: Evaluate) -> Namer:
    parts = [_part(text, evaluate) for text in _texts(entry)]
    if len(parts) == 1:
        return parts[0]
    name, prefix = parts
    separator = "_" if entry.get("separator") is None else str(entry["separator"])

    def joined(variables: Mapping[str, Any]) -> str:
        before, after = prefix(variables), name(variables)
        return f"{before}{separator}{after}" if before and after else after

    return joined


def _part(text: str, evaluate: Evaluate) -> Namer:
    if _PLAIN.fullmatch(text):
        return lambda variables: _text(variables.get(text))
    expression = _expression(text)
    return lambda variables: _text(evaluate(expression, variables))


def _expression(text: str) -> str:
    """``tag:Name | lower`` as an expression on the variable that has the tags; others as they are."""
    if not text.startswith(_TAG):
        return text
    key, piped, rest = text.removeprefix(_TAG).partition("|")
    tag = f"ec2_tags[{key.strip()!r}]"
    return f"{tag} | {rest}" if piped else tag


def _text(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        value = value[0] if value else None
    return "" if value is None or isinstance(value, (bool, Mapping)) else str(value)


def _safe(name: str) -> str:
    """The name without characters that lead somewhere else."""
    return _LEADING.sub("_", _UNUSUAL.sub("_", name))


def _reserved(name: str) -> bool:
    return name in _CONTROLLER or bool(_LIKE_AN_ID.fullmatch(name))
