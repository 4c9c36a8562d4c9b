# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Name the hosts.

Names may come from the node itself, which is untrusted input. So a name must not be that of another host or of a group,
because the node would take over its variables. It must not lead out of a folder such as host_vars either.
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

# Returns the name of a host with these variables, or an empty string if it has none.
Namer = Callable[[Mapping[str, Any]], str]
# Evaluates a Jinja2 expression or template with a host's variables. Returns None if it has no value.
EvaluateExpression = Callable[[str, Mapping[str, Any]], Any]

_TAG = "tag:"
_UNSAFE = re.compile(r"[^\w.-]")
_UNSAFE_FIRST = re.compile(r"^[.-]")
_LIKE_AN_ID = re.compile(r"i-(\w{8}|\w{17})|mi-\w{17}")
_CONTROLLER = frozenset({"localhost", "127.0.0.1", "::1"})
_VARIABLE = re.compile(r"[A-Za-z_]\w*")
_ENTRY_KEYS = frozenset({"name", "prefix", "separator"})
# How many names a warning lists at most.
MAX_LISTED = 10


class Names(NamedTuple):
    """The names that were used and those that were not."""

    used: list[str]  # in the order of the hosts
    refused: dict[str, str]  # node ID to name: {"i-...": "localhost"}


def name_hosts(
    hosts: Sequence[Host],
    entries: Sequence[Any],
    evaluate: EvaluateExpression,
    taken: Collection[str],
    others: Mapping[str, Collection[Any]],
) -> Names:
    """Name each host by the entries of ``hostnames``, or by its node ID.

    ``taken`` are the names of groups. ``others`` maps hosts of other sources to the IDs of their nodes:
    ``{"db1": {"db1", "i-..."}}``. A name is used only if no other host has it, it is not taken, it does not look like a
    node ID, and it is not a name of the controller.
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


def refused_names_warning(refused: Mapping[str, str]) -> str:
    """Return the warning that lists the names that were not used."""
    nodes = "1 node is" if len(refused) == 1 else f"{len(refused)} nodes are"
    listed = ", ".join(f"{name} ({node})" for node, name in itertools.islice(refused.items(), MAX_LISTED))
    more = f" and {len(refused) - MAX_LISTED} more" if len(refused) > MAX_LISTED else ""
    return (
        f"{nodes} named by ID, because the wanted name is reserved, looks like a node ID, or belongs to another host "
        f"or a group: {listed}{more}."
    )


def check_hostnames(entries: Sequence[Any], *, tags: bool) -> None:
    """Raise ``SSMError`` if ``hostnames`` cannot work. ``tags`` is true if the hosts will have tags."""
    for text in (text for entry in entries for text in _expressions(entry)):
        if text.startswith(_TAG) and not tags:
            raise SSMError(
                f"hostnames: {quoted(text)} requires ec2_details=true. For the Name tag alone, use instance_name, "
                "which does not require it."
            )
        problem = syntax_error(text if "{{" in text else f"{{{{ {_without_tag_syntax(text)} }}}}")
        if problem:
            raise SSMError(f"hostnames: {quoted(text)} is not a Jinja2 expression: {problem}.")


def _expressions(entry: Any) -> list[str]:
    """Return the expressions in one entry of ``hostnames``: the name, and the prefix if there is one."""
    if isinstance(entry, str) and entry:
        return [entry]
    if isinstance(entry, Mapping) and isinstance(entry.get("name"), str) and set(entry) <= _ENTRY_KEYS:
        return [str(entry["name"]), *([str(entry["prefix"])] if entry.get("prefix") else [])]
    raise SSMError(
        "hostnames: each entry must be a string, or a mapping with name and optionally prefix and separator; "
        f"got {entry!r}."
    )


def _first(namers: Sequence[Namer], variables: Mapping[str, Any]) -> str:
    return next((name for namer in namers if (name := namer(variables))), "")


def _namer(entry: Any, evaluate: EvaluateExpression) -> Namer:
    parts = [_part(text, evaluate) for text in _expressions(entry)]
    if len(parts) == 1:
        return parts[0]
    name, prefix = parts
    separator = "_" if entry.get("separator") is None else str(entry["separator"])

    def joined(variables: Mapping[str, Any]) -> str:
        before, after = prefix(variables), name(variables)
        return f"{before}{separator}{after}" if before and after else after

    return joined


def _part(text: str, evaluate: EvaluateExpression) -> Namer:
    if _VARIABLE.fullmatch(text):
        return lambda variables: _name(variables.get(text))
    expression = _without_tag_syntax(text)
    return lambda variables: _name(evaluate(expression, variables))


def _without_tag_syntax(text: str) -> str:
    """Return ``tag:Name | lower`` as ``ec2_tags['Name'] | lower``, and any other text unchanged."""
    if not text.startswith(_TAG):
        return text
    key, piped, rest = text.removeprefix(_TAG).partition("|")
    tag = f"ec2_tags[{key.strip()!r}]"
    return f"{tag} | {rest}" if piped else tag


def _name(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        value = value[0] if value else None
    return "" if value is None or isinstance(value, (bool, Mapping)) else str(value)


def _safe(name: str) -> str:
    """Replace characters that would change the meaning of a path, a host pattern or an argument by ``_``."""
    return _UNSAFE_FIRST.sub("_", _UNSAFE.sub("_", name))


def _reserved(name: str) -> bool:
    return name in _CONTROLLER or bool(_LIKE_AN_ID.fullmatch(name))
