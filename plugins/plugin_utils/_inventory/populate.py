# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Hosts put into an inventory, with their variables, groups, and what is constructed from them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.sessionops.aws.plugins.module_utils._ssm.errors import SSMError

from .construct import FastConstructable
from .hosts import GROUPS, Host

Outer = Callable[[str], str]


def outer_name(prefix: str, suffix: str) -> Outer:
    """The function from a variable's name to the one that users see; an ``SSMError`` where that is no name."""
    if not f"{prefix}x{suffix}".isidentifier():
        raise SSMError(f"hostvars_prefix {prefix!r} and hostvars_suffix {suffix!r} do not make valid variable names.")
    return functools.cache(lambda name: f"{prefix}{name}{suffix}")


def known_variables(hosts: Sequence[Host], outer: Outer) -> frozenset[str]:
    """Every variable that some host has: another host may lack it."""
    names: set[str] = set()
    for host in hosts:
        names.update(host.variables)
    return frozenset(map(outer, names))


def others(inventory: Any, outer: Outer) -> dict[str, set[Any]]:
    """Return the hosts of other sources, each with the IDs of the node that it is known to be.

    A host that is called like an ID is that node.
    """
    ids = ("instance_id", outer("instance_id"))
    return {name: {name, *(host.vars.get(each) for each in ids)} for name, host in inventory.hosts.items()}


def populate(plugin: FastConstructable, named: Mapping[str, Host], outer: Outer) -> None:
    """Add the hosts by their names, in the order of these, to the inventory of a plugin that is prepared."""
    inventory = plugin.inventory
    for group in GROUPS.values():
        inventory.add_group(group)
    ordered = sorted(named.items())
    elsewhere = {name for name in named if name in inventory.hosts}
    for name, host in ordered:
        inventory.add_host(name, group=host.group)
        if name in elsewhere:
            _keep_in_one(inventory, name, host.group)
        _set(inventory.hosts[name], {**_outer(host, outer), **host.connecting}, one_by_one=name in elsewhere)
    # Not before all hosts are there: groups made from one may have the name of another.
    for name, host in ordered if plugin.constructs else ():
        # What another source says of the host may be templates.
        plugin.construct(name, _outer(host, outer), fast=name not in elsewhere)


def _keep_in_one(inventory: Any, name: str, group: str) -> None:
    """Take a host out of the other groups of readiness, where another source has put the same node."""
    for other in set(GROUPS.values()) - {group}:
        inventory.groups[other].remove_host(inventory.hosts[name])


def _outer(host: Host, outer: Outer) -> dict[str, Any]:
    return {outer(key): value for key, value in host.variables.items()}


def _set(host: Any, variables: dict[str, Any], *, one_by_one: bool) -> None:
    """Set a host's variables; ``one_by_one`` if others may have set some, which ``set_variable`` may have to merge."""
    if not one_by_one:
        host.vars.update(variables)
        return
    for name, value in variables.items():
        host.set_variable(name, value)
