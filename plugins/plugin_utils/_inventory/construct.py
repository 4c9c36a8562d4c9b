# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""``compose``, ``groups`` and ``keyed_groups`` as ansible-core has them, with simple expressions evaluated faster.

What an expression comes to is all that is done here. Everything else, such as what groups are called, is done by the
methods of ansible-core's Constructable itself.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

from ansible import constants, template
from ansible.errors import AnsibleParserError, AnsibleUndefinedVariable
from ansible.plugins.inventory import Constructable

from .expressions import AskAnsible, Compiled, Undefined, compiled, variables_of
from .hosts import GROUPS
from .trust import TRUST_IS_MARKED, as_untrusted_as

# ansible-core's hints are partial, and differ from version to version.
_Base: Any = Constructable
_constants: Any = constants
_template: Any = template
# Before ansible-core 2.19 most results were made into texts.
_TYPED = TRUST_IS_MARKED

_NOTHING = object()
_READINESS = frozenset(GROUPS.values())
Functions = Mapping[str, Compiled | None]


class FastConstructable(_Base):  # type: ignore[misc] # theirs are not typed enough
    """Constructable for hosts that have all their variables already; ``prepare`` comes first."""

    inventory: Any
    _ready: Any = _NOTHING  # what the expression that Constructable will ask for comes to

    def _sanitize_group_name(self, name: str) -> str:
        """The name without any character that a template takes, and so without the mark of a text that may be one.

        ansible-inventory would print a marked one as a dictionary.
        """
        return str.__str__(super()._sanitize_group_name(name))

    def prepare(self, known: Container[str]) -> None:
        """Read the options and compile their expressions; ``known`` are the variables that hosts may have."""
        self._strict: bool = self.get_option("strict")
        self._composed = self.get_option("compose") or {}
        self._conditions = self.get_option("groups") or {}
        self._keyed = self.get_option("keyed_groups") or []
        keys = [entry.get("key") for entry in self._keyed if isinstance(entry, dict)]
        expressions = [*self._composed.values(), *self._conditions.values(), *keys] if self._may_compile() else []
        self._known = known
        self._functions: dict[str, Compiled | None] = {
            expression: compiled(expression, known) for expression in expressions if _is_template(expression)
        }
        self._read = {expression: variables_of(expression) for expression, made in self._functions.items() if made}

    @property
    def constructs(self) -> bool:
        """Whether there is anything to construct."""
        return bool(self._composed or self._conditions or self._keyed)

    def evaluate(self, expression: str, variables: Mapping[str, Any]) -> Any:
        """What an expression, or a template with its braces, comes to for a host's name; None where it fails.

        ``strict`` makes an error of that, unless it is for want of a variable, which only means that the host has no
        such name.
        """
        if expression not in self._functions:
            self._functions[expression] = compiled(expression, self._known) if self._may_compile() else None
        value = _value(self._functions[expression], variables)
        if value is not AskAnsible:
            return None if value is Undefined else value
        trusted = _template.trust_as_template(expression) if _TYPED else expression
        try:
            if "{{" not in expression:
                return self._compose(trusted, dict(variables))
            self.templar.available_variables = dict(variables)
            return self.templar.template(trusted)
        except AnsibleUndefinedVariable:
            return None
        except Exception as error:
            if self._strict:
                raise AnsibleParserError(f"Could not make a name of {expression}: {error}") from error
            return None

    def construct(self, name: str, variables: dict[str, Any], *, fast: bool = True) -> None:
        """Set the host's composed variables, and put it into its groups.

        ``variables`` are what expressions of ``compose`` see. Unless ``fast``, everything is left to ansible-core.
        """
        functions = self._functions if fast else {}
        host = self.inventory.hosts[name]
        whole, self.inventory = self.inventory, _HostFirst(self.inventory, name)
        try:
            self._compose_variables(host, variables, functions)
            merged = {**variables, **host.vars, "inventory_hostname": name}
            self._add_to_groups(name, variables, merged, functions)
            self.inventory = _WithoutReadiness(whole)
            for entry in self._keyed:
                self._add_by_key(entry, name, variables, merged, functions)
        finally:
            self.inventory = whole

    def _compose_variables(self, host: Any, variables: dict[str, Any], functions: Functions) -> None:
        for variable, expression in self._composed.items():
            value = _value(_function(functions, expression), variables)
            if value is AskAnsible or (value is Undefined and self._strict):
                self._set_composite_vars({variable: expression}, variables, host.name, strict=self._strict)
            elif value is not Undefined:
                sources = map(variables.get, self._read[expression])
                host.set_variable(variable, as_untrusted_as(sources, value))

    def _add_to_groups(
        self, name: str, variables: dict[str, Any], merged: dict[str, Any], functions: Functions
    ) -> None:
        for group, expression in self._conditions.items():
            value = _truth(_function(functions, expression), merged)
            if value is AskAnsible or (value is Undefined and self._strict):
                self._add_host_to_composed_groups({group: expression}, variables, name, strict=self._strict)
            elif value is True:
                self.inventory.add_host(name, self.inventory.add_group(self._sanitize_group_name(group)))

    def _add_by_key(
        self, entry: Any, name: str, variables: dict[str, Any], merged: dict[str, Any], functions: Functions
    ) -> None:
        value = _value(_function(functions, _key(entry)), merged)
        if value is AskAnsible or (value is Undefined and self._strict):
            self._add_host_to_keyed_groups([entry], variables, name, strict=self._strict)
        elif value is not Undefined:
            self._ready = value
            try:
                self._add_host_to_keyed_groups([entry], merged, name, strict=self._strict, fetch_hostvars=False)
            finally:
                self._ready = _NOTHING

    def _compose(self, template: Any, variables: Any, *args: Any, **kwargs: Any) -> Any:
        """What Constructable asks for each expression: the value that is there already, or its own."""
        if self._ready is not _NOTHING:
            return self._ready
        return super()._compose(template, variables, *args, **kwargs)

    def _may_compile(self) -> bool:
        if self.get_option("use_extra_vars"):
            return False
        # Before ansible-core 2.19 these two change what an expression comes to.
        return _TYPED or (_constants.DEFAULT_UNDEFINED_VAR_BEHAVIOR and not _constants.DEFAULT_JINJA2_NATIVE)


def _is_template(expression: Any) -> bool:
    """Whether Ansible would evaluate the expression at all: it refuses one that is marked as not to be trusted."""
    return isinstance(expression, str) and (not _TYPED or bool(_template.is_trusted_as_template(expression)))


class _WithoutReadiness:
    """The inventory for methods that make groups, which must leave the groups of readiness as they are.

    What a group is called often comes from a node, which could else call itself connected.
    """

    def __init__(self, inventory: Any) -> None:
        self._inventory = inventory

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._inventory, attribute)

    def add_host(self, host: str, group: str | None = None) -> Any:
        return None if group in _READINESS else self._inventory.add_host(host, group)

    def add_child(self, group: str, child: str) -> Any:
        return None if group in _READINESS or child in _READINESS else self._inventory.add_child(group, child)


class _HostFirst(_WithoutReadiness):
    """The inventory for methods that name one host, which they must not take for a group of the same name.

    Anybody who may name a node could else give variables and members to a group.
    """

    def __init__(self, inventory: Any, name: str) -> None:
        super().__init__(inventory)
        self._name = name

    def set_variable(self, entity: str, variable: str, value: Any) -> None:
        if entity != self._name:
            self._inventory.set_variable(entity, variable, value)
        else:
            self._inventory.hosts[entity].set_variable(variable, value)

    def add_child(self, group: str, child: str) -> Any:
        return super().add_child(group, child) if child != self._name else self.add_host(child, group)


def _key(entry: Any) -> Any:
    """The expression of a keyed group, unless its parent is a template: that one sees the variables of the host."""
    if not isinstance(entry, dict) or "{" in str(entry.get("parent_group") or ""):
        return None
    return entry.get("key")


def _function(functions: Functions, expression: Any) -> Compiled | None:
    return functions.get(expression) if isinstance(expression, str) else None


def _answer(function: Compiled | None, variables: Mapping[str, Any]) -> Any:
    """What a compiled expression comes to, or one of the classes ``AskAnsible`` and ``Undefined``."""
    if function is None:
        return AskAnsible
    try:
        return function(variables)
    except (AskAnsible, Undefined) as answer:
        return type(answer)


def _value(function: Compiled | None, variables: Mapping[str, Any]) -> Any:
    """The answer, unless Ansible would make something else of it."""
    value = _answer(function, variables)
    return value if value is Undefined or _is_final(value) else AskAnsible


def _truth(function: Compiled | None, variables: Mapping[str, Any]) -> Any:
    """The answer to a condition, which is a boolean, or before ansible-core 2.19 anything."""
    value = _answer(function, variables)
    if isinstance(value, bool) or value is AskAnsible or value is Undefined:
        return value
    return AskAnsible if _TYPED else bool(value)


def _is_final(value: Any) -> bool:
    """Whether Ansible would give just this value, neither made into a text nor a text made into something else."""
    if isinstance(value, str):
        return _TYPED or not ("{" in value or value.startswith("[") or value in ("True", "False"))
    if isinstance(value, Mapping):
        return all(map(_is_final_text, value.keys())) and all(map(_is_final_text, value.values()))
    if isinstance(value, list):
        return all(map(_is_final_text, value))
    return isinstance(value, bool) or (_TYPED and (value is None or isinstance(value, (int, float))))


def _is_final_text(value: Any) -> bool:
    return isinstance(value, str) and (_TYPED or "{" not in value)
