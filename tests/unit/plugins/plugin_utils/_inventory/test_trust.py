# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test that no string from AWS is ever evaluated, whatever is composed of it, on every ansible-core."""

from __future__ import annotations

import base64
import json
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible import template
from ansible.parsing.dataloader import DataLoader
from ansible_collections.sessionops.aws.plugins.plugin_utils._inventory.trust import (
    TRUST_IS_MARKED,
    untrusted,
    untrusted_if_any,
)

from emulator.testing import LocalAWS
from unit.support.inventory_source import Source, parse

NODE, HYBRID = "i-0a1b2c3d4e5f60001", "mi-0a1b2c3d4e5f60001"
ansible: Any = template
# ansible-core 2.19 and newer evaluate only strings that are marked as trusted.
trusted: Any = getattr(ansible, "trust_as_template", lambda text: text)

TOUCH = "lookup('pipe', 'touch ran :')"
HEADER = "#jinja2: variable_start_string: '<<', variable_end_string: '>>'"
ATTACKS = {
    "braces": f"{{{{ {TOUCH} }}}}",
    "block": f"{{% if {TOUCH} %}}x{{% endif %}}",
    "header": f"{HEADER}\n<< {TOUCH} >>",
    "header of one line": f"{HEADER}, z: << {TOUCH} >>",
    "header in capitals": f"#JINJA2{HEADER[7:]}, z: << {TOUCH} >>",
    "brackets": f"[[ {TOUCH} ]]",
}
MADE = {
    "bare": "ssm_computer_name",
    "lower": "ssm_computer_name | lower",
    "joined": "ssm_computer_name ~ ''",
    "chosen": "ssm_computer_name if ssm_ssm_connected else 'x'",
    "listed": "[ssm_computer_name | lower]",
    "mapped": "{'a': [ssm_computer_name | lower]}",
    "key": "{(ssm_computer_name | lower): 'x'}",
    "split": "ssm_computer_name.split('.')",
    "braced": "ssm_computer_name | replace('[[', '{{') | replace(']]', '}}')",
    "member": "ssm_ec2_tags.Text | lower",
    "items": "ssm_ec2_tags | dict2items",
    "keys": "ssm_ec2_tags.keys() | list",
    "decoded": "ssm_ec2_tags.Base64 | b64decode",
    "loaded": "ssm_ec2_tags.Json | from_json",
    "unquoted": "ssm_ec2_tags.Url | urldecode",
}
OPTIONS: list[dict[str, Any]] = [
    {},
    {"use_extra_vars": True},
    {"hostnames": ["tag:Text | regex_replace('x', 'y')", "{{ computer_name }}"]},
    {"keyed_groups": [{"key": "ssm_computer_name", "prefix": "", "separator": ""}, {"key": "ssm_ec2_tags"}]},
    {"groups": {"some": "ssm_computer_name | lower == ssm_ec2_tags.Text"}},
]


def world(attack: str, node: str = NODE) -> dict[str, Any]:
    """Return a world with a node whose computer name and tags contain the attack."""
    tags = {
        "Text": attack,
        "Base64": base64.b64encode(attack.encode()).decode(),
        "Json": json.dumps([{"a": attack}]),
        "Url": urllib.parse.quote(attack),
        attack.replace("\n", " "): "x",
    }
    found = {"id": node, "computer_name": attack}
    if node == NODE:
        return {"regions": {"us-east-1": {"nodes": [{**found, "tags": tags}]}}}
    # The rules for tags reject all of these but Base64, so a fault returns them: no test may depend on the rules.
    tag_list = [{"Key": key, "Value": value} for key, value in tags.items()]
    rule = {"op": "ListTagsForResource", "do": {"set": {"TagList": tag_list}}, "times": "always"}
    return {"regions": {"us-east-1": {"nodes": [found]}}, "faults": [rule]}


def texts(value: Any) -> Iterator[str]:
    """Yield every string in a value, including the keys of mappings."""
    if isinstance(value, str):
        yield value
    for entry in value if isinstance(value, (list, tuple, dict)) else ():
        yield from texts(entry)
        yield from texts(value[entry]) if isinstance(value, dict) else ()


def evaluate(variables: dict[str, Any]) -> None:
    """Use a host's variables as Ansible does: evaluate them in templates, and evaluate the results once more."""
    templar = template.Templar(loader=DataLoader(), variables=variables)
    for name, value in variables.items():
        for text in texts(value):
            assert templar.template(text) == text
        found = templar.template(trusted(f"{{{{ {name} }}}}"))
        for text in texts(found):
            assert templar.template(text) == text
        templar.template(found)


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
@pytest.mark.parametrize(
    ("node", "options"), [*((NODE, options) for options in OPTIONS), (HYBRID, OPTIONS[2])], ids=str
)
def test_nothing_of_aws_is_evaluated(
    attack: str, node: str, options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with LocalAWS(world(attack, node)) as aws:
        source = Source(aws)
        source.write_cached(
            **options, compose=MADE, ec2_details=True, hostvars_prefix="ssm_", connection="amazon.aws.aws_ssm"
        )
        for unused in range(2):  # from AWS, then from the cache
            parsed = source.parse()
            for variables in parsed.hosts.values():
                assert set(MADE) <= set(variables) | {"loaded", "key"}
                evaluate(variables)
    assert list(tmp_path.iterdir()) == []
    # Names of hosts and groups must be of the plain type str, because Ansible prints them in places that need it.
    assert {type(name) for name in (*parsed.data.hosts, *parsed.data.groups)} == {str}


def test_the_attacks_would_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Check that the attacks above run if they are evaluated. Skip those that have to be decoded first."""
    monkeypatch.chdir(tmp_path)
    kinds = ["braces", "block", *([] if TRUST_IS_MARKED else ["header", "header of one line"])]
    for kind in kinds:
        template.Templar(loader=DataLoader()).template(trusted(ATTACKS[kind]))
        (tmp_path / "ran").unlink()


@pytest.mark.skipif(not TRUST_IS_MARKED, reason="this ansible-core has no such mark")
@pytest.mark.parametrize("node", [NODE, HYBRID])
def test_nothing_of_aws_is_marked_as_trusted(node: str) -> None:
    with LocalAWS(world("web", node)) as aws:
        source = Source(aws)
        source.write_cached(ec2_details=True, regions=["us-east-1"], compose={"made": "computer_name ~ region"})
        for unused in range(2):
            variables = source.parse().hosts[node]
            assert variables["ec2_tags"]["Text"] == "web"
            # The region is the user's own value, and stays trusted after caching.
            assert ansible.is_trusted_as_template(variables.pop("region"))
            for text in texts(variables):
                assert not ansible.is_trusted_as_template(text)


def test_a_template_of_the_users_own_stays_one() -> None:
    """Check a template inside an expression of the user. ansible-core 2.19 and newer do not evaluate it."""
    compose = {"own": "'{{ 7 * 7 }}'", "plain": "'web'", "chosen": "'a' if ssm_connected else 'b'"}
    with LocalAWS(world("{{ 7 * 7 }}")) as aws:
        variables = parse(aws, compose={**compose, "mixed": "'{{ 7 * 7 }}' ~ computer_name"}).hosts[NODE]
    templar = template.Templar(loader=DataLoader(), variables=variables)
    assert str(templar.template(variables["own"])) == ("{{ 7 * 7 }}" if TRUST_IS_MARKED else "49")
    assert templar.template(variables["mixed"]) == "{{ 7 * 7 }}{{ 7 * 7 }}"
    assert {type(variables[name]) for name in ("plain", "chosen")} == {str}


def test_a_parent_group_that_is_made_of_a_node_is_a_plain_name() -> None:
    groups = [{"key": "region", "parent_group": "{{ platform_type }}"}]
    with LocalAWS(world("web")) as aws:
        parsed = parse(aws, keyed_groups=groups)
    assert {type(group.name) for group in parsed.data.groups.values()} == {str}


@pytest.mark.parametrize(
    "holder",
    [
        lambda text: text,
        lambda text: {"text": text},
        lambda text: {"number": 1, "text": text},
        lambda text: [text],
        lambda text: [1, {"texts": [[text]]}],
    ],
)
def test_what_is_made_of_a_text_of_aws_is_no_template_wherever_the_text_was(holder: Any) -> None:
    of_aws = untrusted_if_any([None, holder(untrusted("web"))], "made")
    assert hasattr(of_aws, "__UNSAFE__") is not TRUST_IS_MARKED
    assert not hasattr(untrusted_if_any([None, holder("web")], "made"), "__UNSAFE__")
