# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test that compiled expressions give the same result as ansible-core's own evaluation, on every ansible-core."""

from __future__ import annotations

import os
from typing import Any

import pytest
from ansible import template
from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.inventory import BaseInventoryPlugin, Constructable
from ansible.release import __version__
from ansible_collections.sessionops.aws.plugins.plugin_utils._inventory.construct import FastConstructable
from ansible_collections.sessionops.aws.plugins.plugin_utils._inventory.expressions import Undefined, compile_expression
from ansible_collections.sessionops.aws.plugins.plugin_utils._inventory.trust import TRUST_IS_MARKED, untrusted
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

HOST = "web-1"
MANY = 300
# ansible-core 2.19 and newer evaluate only strings that are marked as trusted.
trusted: Any = getattr(template, "trust_as_template", lambda text: text)


class Plugin(FastConstructable, BaseInventoryPlugin):
    """An inventory plugin that has only the constructed options, and no AWS."""

    NAME = "test"

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__()
        self.given = {"use_extra_vars": False, "fast_expressions": True, "leading_separator": True, **options}
        self._vars: dict[str, Any] = {}
        self.loader = DataLoader()
        if not hasattr(type(self), "templar"):
            self.templar = template.Templar(loader=self.loader)
        self.inventory = InventoryData()
        self.inventory.add_host(HOST)

    def get_option(self, option: str, hostvars: Any = None) -> Any:  # noqa: ARG002 - the signature of ansible-core
        return self.given[option]


def fast(options: dict[str, Any], variables: dict[str, Any], known: frozenset[str]) -> Any:
    plugin = Plugin(options)
    plugin.inventory.hosts[HOST].vars.update(variables)

    def work() -> None:
        plugin.prepare(known)
        plugin.construct(HOST, dict(variables))

    return outcome(plugin, work)


def slow(options: dict[str, Any], variables: dict[str, Any]) -> Any:
    plugin = Plugin(options)
    plugin.inventory.hosts[HOST].vars.update(variables)

    def work() -> None:
        strict = options["strict"]
        Constructable._set_composite_vars(plugin, options["compose"], dict(variables), HOST, strict=strict)
        Constructable._add_host_to_composed_groups(plugin, options["groups"], dict(variables), HOST, strict=strict)
        Constructable._add_host_to_keyed_groups(plugin, options["keyed_groups"], dict(variables), HOST, strict=strict)

    return outcome(plugin, work)


def outcome(plugin: Plugin, work: Any) -> Any:
    """Return the host's variables and groups after ``work()``, or the error message."""
    try:
        work()
    except Exception as error:  # ansible-core also raises errors of other libraries
        return str(error)
    variables = plugin.inventory.hosts[HOST].vars
    groups = {
        name: sorted(group.name for group in each.parent_groups) for name, each in plugin.inventory.groups.items()
    }
    members = sorted(group.name for group in plugin.inventory.hosts[HOST].get_groups())
    found = {name: (isinstance(value, bool), value, marks(value)) for name, value in variables.items()}
    return found, groups, members


def marks(value: Any) -> Any:
    """Return which strings in a value are marked as unsafe, as ansible-core before 2.19 does it."""
    if isinstance(value, dict):
        return [(key, marks(key), marks(entry)) for key, entry in value.items()]
    return [marks(entry) for entry in value] if isinstance(value, list) else hasattr(value, "__UNSAFE__")


NAMES = st.sampled_from(["name", "tags", "number", "flag", "nothing", "list", "absent"])
TEXTS = st.sampled_from(
    [
        "web",
        "Web 1",
        "",
        "True",
        "False",
        "None",
        "5",
        "[1]",
        "{{ 7 * 7 }}",
        "{'a': 1}",
        "a{b",
        " x ",
        "null",
        "a\nb",
        "ü",
        "#jinja2: trim_blocks: True",
    ]
)
VALUES = {
    "name": TEXTS,
    "tags": st.dictionaries(st.sampled_from(["Env", "a b", "x"]), TEXTS, max_size=3),
    "number": st.integers(-2, 3),
    "flag": st.booleans(),
    "nothing": st.none(),
    "list": st.lists(TEXTS, max_size=3),
}
CONSTANTS = st.sampled_from(["'web'", "'Web 1'", "''", "'x'", "0", "1", "true", "none", "['web', 'x']", "[]"])
CHAINS = NAMES | st.sampled_from(
    [
        "tags.Env",
        "tags['a b']",
        "tags['Env']",
        "tags.absent",
        "list[0]",
        "list[-1]",
        "name.x",
        "absent.x.y",
        "tags.Env.x",
    ]
)

FILTERS = ["lower", "upper", "trim", "replace('e', 'o')", "first", "length", "d('x')"]


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, st.sampled_from(["==", "!=", "<", ">=", "in", "not in", "and", "or", "~", "+"]), inner).map(
            lambda parts: f"({' '.join(parts)})"
        ),
        st.tuples(inner, st.sampled_from(FILTERS)).map(" | ".join),
        st.tuples(CHAINS, st.sampled_from(["default('x')", "default(name)", "d('y', true)", "default('', false)"])).map(
            " | ".join
        ),
        st.tuples(CHAINS, st.sampled_from(["defined", "not defined", "undefined", "none", "string"])).map(" is ".join),
        st.tuples(CHAINS, st.sampled_from(["startswith('w')", "endswith('1')", "lower()", "upper()", "split()"])).map(
            ".".join
        ),
        inner.map(lambda each: f"not {each}"),
        st.tuples(inner, inner, inner).map(lambda each: f"({each[0]} if {each[1]} else {each[2]})"),
    )


EXPRESSIONS = st.recursive(CHAINS | CONSTANTS, _grown, max_leaves=5)


def test_the_ansible_core_is_the_one_that_is_meant() -> None:
    assert __version__.startswith("2.18.") is (os.environ.get("TEST_CORE") == "oldest")


@settings(max_examples=MANY, suppress_health_check=[HealthCheck.too_slow])
@given(
    variables=st.fixed_dictionaries({}, optional=VALUES),
    expressions=st.lists(EXPRESSIONS, min_size=3, max_size=3),
    strict=st.booleans(),
    keyed=st.fixed_dictionaries(
        {"prefix": st.sampled_from(["", "p"]), "separator": st.sampled_from(["_", "", "-"])},
        optional={
            "default_value": st.sampled_from(["none", ""]),
            "parent_group": st.sampled_from(["up", "{{ name }}", "up {{ number }}"]),
        },
    ),
    leading=st.booleans(),
)
def test_what_is_constructed_is_what_ansible_constructs(
    variables: dict[str, Any], expressions: list[str], strict: bool, keyed: dict[str, Any], leading: bool
) -> None:
    one, two, three = map(trusted, expressions)
    if "parent_group" in keyed:
        keyed = {**keyed, "parent_group": trusted(keyed["parent_group"])}
    options = {
        "strict": strict,
        "compose": {"made": one},
        "groups": {"grown": two},
        "keyed_groups": [{"key": three, **keyed}],
        "leading_separator": leading,
    }
    marked = untrusted(variables)
    assert fast(options, marked, frozenset(VALUES)) == slow(options, marked)


def test_extra_variables_win_when_they_are_to_be_used() -> None:
    options: dict[str, Any] = {"strict": True, "compose": {"made": trusted("name")}, "groups": {}, "keyed_groups": []}
    for use, value in ((True, "extra"), (False, "own")):
        plugin = Plugin({**options, "use_extra_vars": use})
        plugin._vars = {"name": "extra"}
        plugin.prepare({"name"})
        plugin.construct(HOST, {"name": "own"})
        assert plugin.inventory.hosts[HOST].vars["made"] == value


@pytest.mark.parametrize(
    "expression",
    [
        "instance_id",
        "platform_type | lower",
        "ec2_tags.Role",
        "ec2_tags['a b'] | default('none')",
        "resource_type == 'ManagedInstance'",
        "'web' in computer_name and platform_type != 'Windows'",
        "instance_id.startswith('mi-')",
        "ec2_tags.Role is defined",
        "'transfers-' ~ region",
        "'a' if ssm_connected else 'b'",
    ],
)
def test_usual_expressions_are_compiled(expression: str) -> None:
    assert compile_expression(expression, frozenset()) is not None


@pytest.mark.parametrize(
    "expression",
    [
        "lookup('pipe', 'id')",
        "a | from_json",
        "tags.items()",
        "tags.keys",
        "a.b()",
        "a[b]",
        "a}} {{b",
        "'\\\\d'",
        "a |",
        "[x]|first",
    ],
)
def test_others_are_left_to_ansible(expression: str) -> None:
    assert compile_expression(expression, frozenset()) is None


GIVEN: dict[str, Any] = {
    "name": "web",
    "tags": {"Env": "prod", "a b": "x"},
    "number": 1,
    "flag": True,
    "nothing": None,
    "list": ["a", "b"],
    "empty": "",
    "bracket": "[1]",
    "braced": "{'a': 1}",
    "truth": "True",
}
KNOWN = frozenset({*GIVEN, "absent"})


@pytest.mark.parametrize(
    "expression",
    [
        *("name | default('y', true)", "empty | default('y', true)", "empty | default('y')", "absent | default('y')"),
        *("name | default('y', false)", "name | default('y', 'yes')", "name | default('y', true, 1)"),
        *("tags[0]", "name[0]", "number[0]", "list[0]", "list[2]", "list['a']", "tags['a b']", "absent[0]"),
        *("name.x", "number.x", "nothing.x", "list.x", "tags.absent", "absent.x", "absent.x.y"),
        *("absent in ['x']", "absent not in ['x']", "absent in []", "absent not in []", "'x' in absent"),
        *("name in number", "name in ['web']", "'w' in name"),
        *("name.lower(*list)", "name.lower(**tags)", "name.startswith(*list)", "name.startswith()", "name | lower(1)"),
        *("bracket", "braced", "truth", "bracket | lower", "[bracket]", "'[1]'", "'True'"),
        *("number", "nothing", "flag", "list", "tags", "[number]", "[[name]]", "[tags]", "absent", "not absent"),
        *("absent or name", "name or absent", "absent and name", "number == true", "name == nothing"),
    ],
)
def test_what_is_easily_made_something_else(expression: str) -> None:
    variables = untrusted(GIVEN)
    key = trusted(expression)
    for strict in (False, True):
        options = {"strict": strict, "compose": {"made": key}, "groups": {"grown": key}, "keyed_groups": [{"key": key}]}
        assert fast(options, variables, KNOWN) == slow(options, variables)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        *(("name", "web"), ("tags.Env", "prod"), ("tags['a b']", "x"), ("list[0]", "a"), ("list[1]", "b")),
        *(("absent or name", Undefined), ("empty or name", "web"), ("name and tags.Env", "prod"), ("not flag", False)),
        *(("name | lower", "web"), ("name | upper", "WEB"), ("' x ' | trim", "x"), ("name | replace('w', 'v')", "veb")),
        *(("name.upper()", "WEB"), ("'A'.lower()", "a"), ("name.endswith('b')", True)),
        *(("absent | default('y')", "y"), ("empty | default('y', true)", "y"), ("tags.absent | d(name)", "web")),
        *(("name in ['web']", True), ("number > 0", True), ("absent is undefined", True), ("name ~ '-1'", "web-1")),
        ("'a' if flag else 'b'", "a"),
    ],
)
def test_usual_expressions_need_no_templating(expression: str, value: Any) -> None:
    made = compile_expression(expression, KNOWN)
    assert made is not None
    if value is Undefined:
        with pytest.raises(Undefined):
            made(GIVEN)
    else:
        assert made(GIVEN) == value


def test_what_is_made_of_usual_expressions_needs_no_templating(monkeypatch: pytest.MonkeyPatch) -> None:
    options: dict[str, Any] = {
        "strict": False,
        "compose": {"made": trusted("name"), "lacking": trusted("absent.x")},
        "groups": {"grown": trusted("tags.Env == 'prod'"), "lacking": trusted("absent == 'x'")},
        "keyed_groups": [{"key": trusted("tags.Env")}, {"key": trusted("absent")}],
    }
    if TRUST_IS_MARKED:  # older versions of ansible-core convert a number to a string
        options["compose"]["counted"] = trusted("number")
    monkeypatch.setattr(Constructable, "_compose", lambda *args, **kwargs: pytest.fail("A template was evaluated."))
    found, unused, members = fast(options, untrusted(GIVEN), KNOWN)
    assert found["made"][1] == "web" and "lacking" not in found
    assert {"_prod", "grown"} <= set(members) and "lacking" not in members


def test_ansible_evaluates_every_expression_if_the_option_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    options: dict[str, Any] = {
        "strict": False,
        "compose": {"made": trusted("name")},
        "groups": {"grown": trusted("tags.Env == 'prod'")},
        "keyed_groups": [{"key": trusted("tags.Env")}],
        "fast_expressions": False,
    }
    evaluated: list[str] = []
    compose: Any = Constructable._compose

    def watched(plugin: Plugin, text: str, *rest: Any, **more: Any) -> Any:
        evaluated.append(str(text))
        return compose(plugin, text, *rest, **more)

    monkeypatch.setattr(Constructable, "_compose", watched)
    found, unused, members = fast(options, untrusted(GIVEN), KNOWN)
    assert found["made"][1] == "web" and {"_prod", "grown"} <= set(members)
    assert evaluated == ["name", "tags.Env"]


@pytest.mark.parametrize(
    "expression",
    [
        *("a.lower(*b)", "a.lower(**b)", "a.startswith('x', *b)", "a.lower(x=1)", "a | lower(*b)", "a | trim('x')"),
        *("a | default('x', true, 1)", "a | default('x', 'yes')", "a | default", "1 < a < 3", "a if b"),
    ],
)
def test_what_has_more_to_it_is_left_to_ansible(expression: str) -> None:
    assert compile_expression(expression, frozenset()) is None
