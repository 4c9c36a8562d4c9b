# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Compile simple Jinja2 expressions to Python functions, to evaluate them without Ansible's templating.

Templating takes about half a millisecond for each expression and host. In a large inventory that is more than
everything else together. An expression is compiled if it can have one meaning only. It may contain names, members of
dictionaries and lists, constants, comparisons, ``and``, ``or``, ``not``, ``is defined``, and a few filters and methods
of strings. Any other expression is not compiled. If Ansible might treat a value differently, the function raises
``LeaveToAnsible``. In both cases Ansible evaluates the expression. A test compares the two on each ansible-core.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any

import jinja2
from jinja2 import meta, nodes

Variables = Mapping[str, Any]
Compiled = Callable[[Variables], Any]


class LeaveToAnsible(Exception):  # noqa: N818 - a result, not an error
    """Only Ansible can evaluate the expression for this host."""


class Undefined(Exception):  # noqa: N818 - a result, not an error
    """The expression needs a variable or a member that this host does not have."""


class _NotSimple(Exception):  # noqa: N818 - a result, not an error
    """The expression contains something that is not compiled."""


def compile_expression(expression: Any, known: Container[str]) -> Compiled | None:
    """Return the function of an expression, or None if the expression is left to Ansible.

    ``known`` has the names of the variables that a host may have or lack. A missing variable of any other name may be
    one of Ansible's own.
    """
    if not isinstance(expression, str) or any(mark in expression for mark in _MARKS):
        return None
    try:
        tree = _PARSER.parse(f"{{{{ {expression} }}}}")
        return _compile(_only_expression(tree), known)
    except (jinja2.TemplateSyntaxError, _NotSimple):
        return None


def variables_of(expression: str) -> frozenset[str]:
    """Return the names of the variables that a compiled expression may read."""
    return frozenset(meta.find_undeclared_variables(_PARSER.parse(f"{{{{ {expression} }}}}")))


def syntax_error(template: str) -> str | None:
    """Return why Jinja2 cannot parse a template, or None if it can."""
    try:
        _PARSER.parse(template)
    except jinja2.TemplateSyntaxError as error:
        return (error.message or "it cannot be read").rstrip(".")
    return None


# Delimiters of Jinja2, which an expression cannot contain, and the backslash, which Ansible handles in its own way.
_MARKS = ("}}", "{{", "%}", "{%", "#}", "{#", "\\")
_PARSER = jinja2.Environment(autoescape=False)  # noqa: S701 - only parses, never renders


def _only_expression(tree: nodes.Template) -> nodes.Expr:
    match tree.body:
        case [nodes.Output(nodes=[nodes.Expr() as found])] if not isinstance(found, nodes.TemplateData):
            return found
    raise _NotSimple


def _compile(node: nodes.Node, known: Container[str]) -> Compiled:
    compile_node = _KINDS.get(type(node))
    if compile_node is None:
        raise _NotSimple
    return compile_node(node, known)


# --- nodes of the syntax tree -----------------------------------------------------------------------


def _const(node: Any, known: Container[str]) -> Compiled:
    value = node.value
    if not isinstance(value, (str, int, float, bool, type(None))):
        raise _NotSimple
    return lambda variables: value


def _list(node: Any, known: Container[str]) -> Compiled:
    items = [_undefined_to_ansible(_compile(item, known)) for item in node.items]
    return lambda variables: [item(variables) for item in items]


def _undefined_to_ansible(function: Compiled) -> Compiled:
    """Wrap a function for a place where an undefined value may be allowed, such as an item of a list that is not used.

    Ansible then evaluates the expression.
    """

    def read(variables: Variables) -> Any:
        try:
            return function(variables)
        except Undefined:
            raise LeaveToAnsible from None

    return read


def _name(node: Any, known: Container[str]) -> Compiled:
    name = node.name
    missing: type[Exception] = Undefined if name in known else LeaveToAnsible

    def read(variables: Variables) -> Any:
        try:
            return variables[name]
        except KeyError:
            raise missing from None

    return read


def _getattr(node: Any, known: Container[str]) -> Compiled:
    return _member(_compile(node.node, known), node.attr)


def _getitem(node: Any, known: Container[str]) -> Compiled:
    if not isinstance(node.arg, nodes.Const):
        raise _NotSimple
    key = node.arg.value
    if isinstance(key, str):
        return _member(_compile(node.node, known), key)
    if isinstance(key, bool) or not isinstance(key, int):
        raise _NotSimple
    return _item(_compile(node.node, known), key)


def _member(of: Compiled, key: str) -> Compiled:
    if hasattr(dict, key):
        raise _NotSimple  # Jinja2 may return the method of this name

    def read(variables: Variables) -> Any:
        value = of(variables)
        if not _is_plain(value, dict):
            raise LeaveToAnsible
        if key not in value:
            raise Undefined
        return value[key]

    return read


def _is_plain(value: Any, kind: type[Any]) -> bool:
    """Return whether the value is of exactly this class. A subclass may contain what Ansible has yet to evaluate."""
    return value.__class__ is kind


def _item(of: Compiled, index: int) -> Compiled:
    def read(variables: Variables) -> Any:
        value = of(variables)
        if not _is_plain(value, list):
            raise LeaveToAnsible
        if index >= len(value):  # never negative: Jinja2 parses -1 as an operation
            raise Undefined
        return value[index]

    return read


_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "lteq": operator.le,
    "gt": operator.gt,
    "gteq": operator.ge,
    "in": lambda one, other: one in other,
    "notin": lambda one, other: one not in other,
}


def _compare(node: Any, known: Container[str]) -> Compiled:
    if len(node.ops) != 1:
        raise _NotSimple
    kind = node.ops[0].op
    compare, left, right = _COMPARISONS[kind], _compile(node.expr, known), _compile(node.ops[0].expr, known)
    if kind in ("in", "notin"):
        left = _undefined_to_ansible(left)

    def result(variables: Variables) -> bool:
        one, other = left(variables), right(variables)
        try:
            return bool(compare(one, other))
        except TypeError:
            raise LeaveToAnsible from None

    return result


def _and(node: Any, known: Container[str]) -> Compiled:
    left, right = _compile(node.left, known), _compile(node.right, known)
    return lambda variables: left(variables) and right(variables)


def _or(node: Any, known: Container[str]) -> Compiled:
    left, right = _compile(node.left, known), _compile(node.right, known)
    return lambda variables: left(variables) or right(variables)


def _not(node: Any, known: Container[str]) -> Compiled:
    operand = _compile(node.node, known)
    return lambda variables: not operand(variables)


def _if(node: Any, known: Container[str]) -> Compiled:
    if node.expr2 is None:
        raise _NotSimple
    test, one, other = (_compile(part, known) for part in (node.test, node.expr1, node.expr2))
    return lambda variables: one(variables) if test(variables) else other(variables)


def _concat(node: Any, known: Container[str]) -> Compiled:
    parts = [_compile(part, known) for part in node.nodes]
    return lambda variables: "".join(_text(part(variables)) for part in parts)


def _test(node: Any, known: Container[str]) -> Compiled:
    if node.name not in ("defined", "undefined") or node.args or node.kwargs or not _is_chain(node.node):
        raise _NotSimple
    operand = _compile(node.node, known)
    wanted: bool = node.name == "defined"

    def result(variables: Variables) -> bool:
        try:
            operand(variables)
        except Undefined:
            return not wanted
        return wanted

    return result


def _is_chain(node: nodes.Node) -> bool:
    """Return whether the node is a name, or a member of one such as ``ec2_tags.Role``.

    If a part of it is missing, it is undefined, which is not an error yet.
    """
    while isinstance(node, (nodes.Getattr, nodes.Getitem)):
        node = node.node
    return isinstance(node, nodes.Name)


# --- filters and methods ----------------------------------------------------------------------------


def _text(value: Any) -> str:
    """Return the value if it is a string. Only Ansible can convert other values."""
    if not isinstance(value, str):
        raise LeaveToAnsible
    return value


def _default(node: Any, known: Container[str]) -> Compiled:
    if not _is_chain(node.node) or not 1 <= len(node.args) <= 2:
        raise _NotSimple
    operand, default = _compile(node.node, known), _compile(node.args[0], known)
    for_false = _constants(node.args[1:]) == [True]
    if len(node.args) == 2 and not for_false and _constants(node.args[1:]) != [False]:
        raise _NotSimple

    def result(variables: Variables) -> Any:
        try:
            value = operand(variables)
        except Undefined:
            return default(variables)
        return default(variables) if for_false and not value else value

    return result


def _filter(node: Any, known: Container[str]) -> Compiled:
    if node.node is None or node.kwargs or node.dyn_args or node.dyn_kwargs:
        raise _NotSimple
    if node.name in ("default", "d"):
        return _default(node, known)
    arguments = _constants(node.args)
    if node.name not in _FILTERS or len(arguments) not in _FILTERS[node.name][1]:
        raise _NotSimple
    return _applied(_FILTERS[node.name][0], _compile(node.node, known), arguments)


def _call(node: Any, known: Container[str]) -> Compiled:
    """Compile a method of a string, such as ``instance_id.startswith('mi-')``."""
    if not isinstance(node.node, nodes.Getattr) or node.kwargs or node.dyn_args or node.dyn_kwargs:
        raise _NotSimple
    arguments = _constants(node.args)
    if node.node.attr not in _METHODS or len(arguments) not in _METHODS[node.node.attr][1]:
        raise _NotSimple
    return _applied(_METHODS[node.node.attr][0], _compile(node.node.node, known), arguments)


def _constants(arguments: Sequence[Any]) -> list[Any]:
    if any(not isinstance(argument, nodes.Const) for argument in arguments):
        raise _NotSimple
    return [argument.value for argument in arguments]


def _applied(function: Callable[..., Any], operand: Compiled, arguments: list[Any]) -> Compiled:
    if any(not isinstance(argument, str) for argument in arguments):
        raise _NotSimple
    return lambda variables: function(_text(operand(variables)), *arguments)


# Name: (function, numbers of arguments that are compiled).
_METHODS: dict[str, tuple[Callable[..., Any], tuple[int, ...]]] = {
    "startswith": (str.startswith, (1,)),
    "endswith": (str.endswith, (1,)),
    "lower": (str.lower, (0,)),
    "upper": (str.upper, (0,)),
}
_FILTERS: dict[str, tuple[Callable[..., Any], tuple[int, ...]]] = {
    "lower": (str.lower, (0,)),
    "upper": (str.upper, (0,)),
    "trim": (str.strip, (0,)),
    "replace": (str.replace, (2,)),
}

_KINDS: dict[type[nodes.Node], Callable[[Any, Container[str]], Compiled]] = {
    nodes.And: _and,
    nodes.Call: _call,
    nodes.Compare: _compare,
    nodes.Concat: _concat,
    nodes.CondExpr: _if,
    nodes.Const: _const,
    nodes.Filter: _filter,
    nodes.Getattr: _getattr,
    nodes.Getitem: _getitem,
    nodes.List: _list,
    nodes.Name: _name,
    nodes.Not: _not,
    nodes.Or: _or,
    nodes.Test: _test,
}
