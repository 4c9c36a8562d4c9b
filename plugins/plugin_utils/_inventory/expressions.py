# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Simple Jinja2 expressions, read once and evaluated for each host without Ansible's templating.

Templating costs about half a millisecond for each expression and host, which for large inventories is more than
everything else together. What is simple enough to have one meaning only is compiled to Python functions here: names,
members of dictionaries and lists, constants, comparisons, ``and``, ``or``, ``not``, ``is defined``, and a few filters
and methods of texts. Everything else, and every value about which Ansible might think otherwise, is left to Ansible:
such an expression is not compiled, or its function raises ``AskAnsible``. A test compares both on each ansible-core.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any

import jinja2
from jinja2 import meta, nodes

Variables = Mapping[str, Any]
Compiled = Callable[[Variables], Any]


class AskAnsible(Exception):  # noqa: N818 - no error, an answer
    """Only Ansible can tell what the expression comes to for this host."""


class Undefined(Exception):  # noqa: N818 - no error, an answer
    """The expression needs a variable or a member that this host does not have."""


class _NotSimple(Exception):  # noqa: N818 - no error, an answer
    """The expression has something in it that is not compiled."""


def compiled(expression: Any, known: Container[str]) -> Compiled | None:
    """The function of an expression, or None for one that is left to Ansible.

    ``known`` has the names that hosts may or may not have as variables. A missing variable with another name may be
    something of Ansible's own.
    """
    if not isinstance(expression, str) or any(mark in expression for mark in _MARKS):
        return None
    try:
        tree = _PARSER.parse(f"{{{{ {expression} }}}}")
        return _compile(_only_expression(tree), known)
    except (jinja2.TemplateSyntaxError, _NotSimple):
        return None


def variables_of(expression: str) -> frozenset[str]:
    """The names of the variables that an expression which can be compiled reads, or may read."""
    return frozenset(meta.find_undeclared_variables(_PARSER.parse(f"{{{{ {expression} }}}}")))


def syntax_error(template: str) -> str | None:
    """What is wrong with a template, if Jinja2 cannot read it."""
    try:
        _PARSER.parse(template)
    except jinja2.TemplateSyntaxError as error:
        return (error.message or "it cannot be read").rstrip(".")
    return None


# What ends an expression or begins something else, and the backslash, which Ansible reads in its own way.
_MARKS = ("}}", "{{", "%}", "{%", "#}", "{#", "\\")
_PARSER = jinja2.Environment(autoescape=False)  # noqa: S701 - parses, and renders nothing


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


# --- what an expression is made of ------------------------------------------------------------------


def _const(node: Any, known: Container[str]) -> Compiled:
    value = node.value
    if not isinstance(value, (str, int, float, bool, type(None))):
        raise _NotSimple
    return lambda variables: value


def _list(node: Any, known: Container[str]) -> Compiled:
    items = [_present(_compile(item, known)) for item in node.items]
    return lambda variables: [item(variables) for item in items]


def _present(function: Compiled) -> Compiled:
    """The function for a place where something undefined may be no error: in a list nobody may look at it."""

    def read(variables: Variables) -> Any:
        try:
            return function(variables)
        except Undefined:
            raise AskAnsible from None

    return read


def _name(node: Any, known: Container[str]) -> Compiled:
    name = node.name
    missing: type[Exception] = Undefined if name in known else AskAnsible

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
    place = node.arg.value
    if isinstance(place, str):
        return _member(_compile(node.node, known), place)
    if isinstance(place, bool) or not isinstance(place, int):
        raise _NotSimple
    return _place(_compile(node.node, known), place)


def _member(of: Compiled, key: str) -> Compiled:
    if hasattr(dict, key):
        raise _NotSimple  # Jinja2 may find the method

    def read(variables: Variables) -> Any:
        value = of(variables)
        if not _is_plain(value, dict):
            raise AskAnsible
        if key not in value:
            raise Undefined
        return value[key]

    return read


def _is_plain(value: Any, kind: type[Any]) -> bool:
    """Whether a value is of this very class: derived ones may hold what Ansible has yet to evaluate."""
    return value.__class__ is kind


def _place(of: Compiled, place: int) -> Compiled:
    def read(variables: Variables) -> Any:
        value = of(variables)
        if not _is_plain(value, list):
            raise AskAnsible
        if place >= len(value):  # never negative, for Jinja2 parses -1 as an operation
            raise Undefined
        return value[place]

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
        left = _present(left)

    def result(variables: Variables) -> bool:
        one, other = left(variables), right(variables)
        try:
            return bool(compare(one, other))
        except TypeError:
            raise AskAnsible from None

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
    """Whether it is a name and members of it: what is missing in one is undefined, and no error yet."""
    while isinstance(node, (nodes.Getattr, nodes.Getitem)):
        node = node.node
    return isinstance(node, nodes.Name)


# --- filters and methods ----------------------------------------------------------------------------


def _text(value: Any) -> str:
    """The value if it is a plain text: what becomes of others is for Ansible to say."""
    if not isinstance(value, str):
        raise AskAnsible
    return value


def _default(node: Any, known: Container[str]) -> Compiled:
    if not _is_chain(node.node) or not 1 <= len(node.args) <= 2:
        raise _NotSimple
    operand, instead = _compile(node.node, known), _compile(node.args[0], known)
    for_false = _constants(node.args[1:]) == [True]
    if len(node.args) == 2 and not for_false and _constants(node.args[1:]) != [False]:
        raise _NotSimple

    def result(variables: Variables) -> Any:
        try:
            value = operand(variables)
        except Undefined:
            return instead(variables)
        return instead(variables) if for_false and not value else value

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
    """A method of a text, such as ``instance_id.startswith('mi-')``."""
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


# Each with how many arguments it may have here.
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
