# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""``compose``, ``groups`` and ``keyed_groups`` as in ansible-core, with simple expressions evaluated faster.

Only the values of expressions are computed here. Everything else, such as the names of groups, is left to the methods
of ansible-core's Constructable.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

from ansible import constants, template
from ansible.errors import AnsibleParserError, AnsibleUndefinedVariable
from ansible.plugins.inventory import Constructable

from .expressions import Compiled, LeaveToAnsible, Undefined, compile_expression, variables_of
from .hosts import READINESS_GROUPS
from .trust import TRUST_IS_MARKED, untrusted_if_any

# ansible-core's type hints are partial, and differ from version to version.
_Base: Any = Constructable
_constants: Any = constants
_template: Any = template
# Before ansible-core 2.19 most results were converted to strings.
_TYPED = TRUST_IS_MARKED

_UNSET = object()
_READINESS_GROUPS = frozenset(READINESS_GROUPS.values())
Functions = Mapping[str, Compiled | None]


class FastConstructable(_Base):  # type: ignore[misc] # ansible-core's type hints are partial
    """Constructable for hosts that already have all their variables. Call ``prepare`` first."""

    inventory: Any
    _next_value: Any = _UNSET  # the known value of the expression that Constructable evaluates next

    def _sanitize_group_name(self, name: str) -> str:
        """Return the sanitized name as a plain ``str``, without ansible-core's mark of unsafe text.

        The mark is not needed, because no character of a template is left. ansible-inventory would print a marked name
        as a dictionary.
        """
        return str.__str__(super()._sanitize_group_name(name))

    def prepare(self, known: Container[str]) -> None:
        """Read the options and compile their expressions. ``known`` names all variables that hosts may have."""
        self._strict: bool = self.get_option("strict")
        self._composed = self.get_option("compose") or {}
        self._conditions = self.get_option("groups") or {}
        self._keyed = self.get_option("keyed_groups") or []
        keys = [entry.get("key") for entry in self._keyed if isinstance(entry, dict)]
        expressions = [*self._composed.values(), *self._conditions.values(), *keys] if self._may_compile() else []
        self._known = known
        self._functions: dict[str, Compiled | None] = {
            expression: compile_expression(expression, known) for expression in expressions if _is_template(expression)
        }
        self._variables_of = {
            expression: variables_of(expression) for expression, function in self._functions.items() if function
        }

    @property
    def constructs(self) -> bool:
        """True if ``compose``, ``groups`` or ``keyed_groups`` is set."""
        return bool(self._composed or self._conditions or self._keyed)

    def evaluate(self, expression: str, variables: Mapping[str, Any]) -> Any:
        """Evaluate an expression, or a template with its braces, for a host's name; return None if it fails.

        With ``strict`` a failure raises ``AnsibleParserError``. An undefined variable still returns None: the host just
        has no such name.
        """
        if expression not in self._functions:
            self._functions[expression] = compile_expression(expression, self._known) if self._may_compile() else None
        value = _value(self._functions[expression], variables)
        if value is not LeaveToAnsible:
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
                raise AnsibleParserError(f"hostnames: could not evaluate {expression}: {error}") from error
            return None

    def construct(self, name: str, variables: dict[str, Any], *, fast: bool = True) -> None:
        """Set the host's composed variables, and add it to its groups.

        ``variables`` are available to all expressions. Without ``fast``, ansible-core evaluates them all.
        """
        functions = self._functions if fast else {}
        host = self.inventory.hosts[name]
        inventory, self.inventory = self.inventory, _HostFirst(self.inventory, name)
        try:
            self._compose_variables(host, variables, functions)
            merged = {**variables, **host.vars, "inventory_hostname": name}
            self._add_to_groups(name, variables, merged, functions)
            self.inventory = _ReadinessGuard(inventory)
            for entry in self._keyed:
                self._add_by_key(entry, name, variables, merged, functions)
        finally:
            self.inventory = inventory

    def _compose_variables(self, host: Any, variables: dict[str, Any], functions: Functions) -> None:
        for variable, expression in self._composed.items():
            value = _value(_function(functions, expression), variables)
            if value is LeaveToAnsible or (value is Undefined and self._strict):
                self._set_composite_vars({variable: expression}, variables, host.name, strict=self._strict)
            elif value is not Undefined:
                sources = map(variables.get, self._variables_of[expression])
                host.set_variable(variable, untrusted_if_any(sources, value))

    def _add_to_groups(
        self, name: str, variables: dict[str, Any], merged: dict[str, Any], functions: Functions
    ) -> None:
        for group, expression in self._conditions.items():
            value = _truth(_function(functions, expression), merged)
            if value is LeaveToAnsible or (value is Undefined and self._strict):
                self._add_host_to_composed_groups({group: expression}, variables, name, strict=self._strict)
            elif value is True:
                self.inventory.add_host(name, self.inventory.add_group(self._sanitize_group_name(group)))

    def _add_by_key(
        self, entry: Any, name: str, variables: dict[str, Any], merged: dict[str, Any], functions: Functions
    ) -> None:
        value = _value(_function(functions, _key(entry)), merged)
        if value is LeaveToAnsible or (value is Undefined and self._strict):
            self._add_host_to_keyed_groups([entry], variables, name, strict=self._strict)
        elif value is not Undefined:
            self._next_value = value
            try:
                self._add_host_to_keyed_groups([entry], merged, name, strict=self._strict, fetch_hostvars=False)
            finally:
                self._next_value = _UNSET

    def _compose(self, template: Any, variables: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the known value if there is one. Constructable calls this to evaluate each expression."""
        if self._next_value is not _UNSET:
            return self._next_value
        return super()._compose(template, variables, *args, **kwargs)

    def _may_compile(self) -> bool:
        if self.get_option("use_extra_vars") or not self.get_option("fast_expressions"):
            return False
        # Before ansible-core 2.19 these two settings change the values of expressions.
        return _TYPED or (_constants.DEFAULT_UNDEFINED_VAR_BEHAVIOR and not _constants.DEFAULT_JINJA2_NATIVE)


def _is_template(expression: Any) -> bool:
    """Return whether Ansible would evaluate the expression. Since ansible-core 2.19 it must be marked as trusted."""
    return isinstance(expression, str) and (not _TYPED or bool(_template.is_trusted_as_template(expression)))


class _ReadinessGuard:
    """An inventory whose readiness groups cannot be changed, for methods that create groups.

    The name of a group often comes from a node, which could otherwise put itself into ``ssm_connected``.
    """

    def __init__(self, inventory: Any) -> None:
        self._inventory = inventory

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._inventory, attribute)

    def add_host(self, host: str, group: str | None = None) -> Any:
        return None if group in _READINESS_GROUPS else self._inventory.add_host(host, group)

    def add_child(self, group: str, child: str) -> Any:
        guarded = group in _READINESS_GROUPS or child in _READINESS_GROUPS
        return None if guarded else self._inventory.add_child(group, child)


class _HostFirst(_ReadinessGuard):
    """An inventory for methods that look up one host by its name, even if a group has the same name.

    Otherwise anybody who may name a node could set variables of a group, and add members to it.
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
    """Return the expression of a keyed group, or None to leave the group to ansible-core.

    ansible-core must evaluate a parent group that is a template, with the variables of the host.
    """
    if not isinstance(entry, dict) or "{" in str(entry.get("parent_group") or ""):
        return None
    return entry.get("key")


def _function(functions: Functions, expression: Any) -> Compiled | None:
    return functions.get(expression) if isinstance(expression, str) else None


def _result(function: Compiled | None, variables: Mapping[str, Any]) -> Any:
    """Return the value of a compiled expression, or the class ``LeaveToAnsible`` or ``Undefined``."""
    if function is None:
        return LeaveToAnsible
    try:
        return function(variables)
    except (LeaveToAnsible, Undefined) as result:
        return type(result)


def _value(function: Compiled | None, variables: Mapping[str, Any]) -> Any:
    """Return the result, or ``LeaveToAnsible`` if Ansible would convert the value."""
    value = _result(function, variables)
    return value if value is Undefined or _is_final(value) else LeaveToAnsible


def _truth(function: Compiled | None, variables: Mapping[str, Any]) -> Any:
    """Return the result of a condition: a boolean, ``LeaveToAnsible`` or ``Undefined``.

    Since ansible-core 2.19 a condition must be a boolean. Before, it could have any type.
    """
    value = _result(function, variables)
    if isinstance(value, bool) or value is LeaveToAnsible or value is Undefined:
        return value
    return LeaveToAnsible if _TYPED else bool(value)


def _is_final(value: Any) -> bool:
    """Return whether Ansible would return this very value, without converting it to a string or from one."""
    if isinstance(value, str):
        return _TYPED or not ("{" in value or value.startswith("[") or value in ("True", "False"))
    if isinstance(value, Mapping):
        return all(map(_is_final_text, value.keys())) and all(map(_is_final_text, value.values()))
    if isinstance(value, list):
        return all(map(_is_final_text, value))
    return isinstance(value, bool) or (_TYPED and (value is None or isinstance(value, (int, float))))


def _is_final_text(value: Any) -> bool:
    return isinstance(value, str) and (_TYPED or "{" not in value)
