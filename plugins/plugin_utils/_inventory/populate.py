# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Add hosts to an inventory, with their variables and groups and what is constructed from them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.sessionops.aws.plugins.module_utils._ssm.errors import SSMError

from .construct import FastConstructable
from .hosts import READINESS_GROUPS, Host

# Returns the name of a host variable as users see it.
VariableName = Callable[[str], str]


def hostvar_naming(prefix: str, suffix: str) -> VariableName:
    """Return the function that adds ``prefix`` and ``suffix``, such as from ``region`` to ``ssm_region``.

    Raises ``SSMError`` if they do not make a valid variable name.
    """
    if not f"{prefix}x{suffix}".isidentifier():
        raise SSMError(f"hostvars_prefix {prefix!r} and hostvars_suffix {suffix!r} do not form valid variable names.")
    return functools.cache(lambda name: f"{prefix}{name}{suffix}")


def known_variables(hosts: Sequence[Host], variable_name: VariableName) -> frozenset[str]:
    """Return the names of all variables that at least one host has. Other hosts may lack them."""
    names: set[str] = set()
    for host in hosts:
        names.update(host.variables)
    return frozenset(map(variable_name, names))


def hosts_of_other_sources(inventory: Any, variable_name: VariableName) -> dict[str, set[Any]]:
    """Return the hosts of other sources with the possible IDs of their nodes: ``{"db1": {"db1", "i-..."}}``.

    The name of a host counts as an ID too.
    """
    variables = ("instance_id", variable_name("instance_id"))
    return {name: {name, *(host.vars.get(each) for each in variables)} for name, host in inventory.hosts.items()}


def populate(plugin: FastConstructable, named: Mapping[str, Host], variable_name: VariableName) -> None:
    """Add the hosts, in the order of their names, to the inventory of a plugin after its ``prepare``."""
    inventory = plugin.inventory
    for group in READINESS_GROUPS.values():
        inventory.add_group(group)
    ordered = sorted(named.items())
    elsewhere = {name for name in named if name in inventory.hosts}
    for name, host in ordered:
        inventory.add_host(name, group=host.group)
        if name in elsewhere:
            _remove_from_other_groups(inventory, name, host.group)
        variables = {**_variables(host, variable_name), **host.connection_variables}
        _set_variables(inventory.hosts[name], variables, merge=name in elsewhere)
    # Only after all hosts are added: a group that is made from one may have the name of another.
    for name, host in ordered if plugin.constructs else ():
        # Variables that another source has set may be templates.
        plugin.construct(name, _variables(host, variable_name), fast=name not in elsewhere)


def _remove_from_other_groups(inventory: Any, name: str, group: str) -> None:
    """Remove a host from the other readiness groups, where another source may have put the same node."""
    for other in set(READINESS_GROUPS.values()) - {group}:
        inventory.groups[other].remove_host(inventory.hosts[name])


def _variables(host: Host, variable_name: VariableName) -> dict[str, Any]:
    return {variable_name(key): value for key, value in host.variables.items()}


def _set_variables(host: Any, variables: dict[str, Any], *, merge: bool) -> None:
    """Set a host's variables; with ``merge``, by ``set_variable``, which may merge them with those of other sources."""
    if not merge:
        host.vars.update(variables)
        return
    for name, value in variables.items():
        host.set_variable(name, value)
