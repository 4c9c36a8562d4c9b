# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test that ansible-core, as users run it, evaluates no text that comes from a node, in an inventory or in a play."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import child
import pytest

from emulator.testing import LocalAWS

TOUCH = "lookup('pipe', 'touch ran :')"
HEADER = "#jinja2: variable_start_string: '<<', variable_end_string: '>>'"
BRACES = f"{{{{ {TOUCH} }}}}"
CODED = base64.b64encode(BRACES.encode()).decode()
# Ansible gives a special meaning to a dictionary that has one of these keys.
OWN_KEYS = dict.fromkeys(("__ansible_type", "__ansible_unsafe", "__ansible_vault"), "x")
WORLD = {
    "regions": {
        "us-east-1": {
            "nodes": [
                {"id": "i-0a1b2c3d4e5f60001", "computer_name": f"{HEADER}, z: << {TOUCH} >>", "tags": {"T": CODED}},
                {"id": "i-0a1b2c3d4e5f60002", "computer_name": f"{HEADER}\n<< {TOUCH} >>", "tags": {BRACES: BRACES}},
                {"id": "i-0a1b2c3d4e5f60003", "computer_name": f"#JINJA2{HEADER[7:]}, z: << {TOUCH} >>"},
                {"id": "i-0a1b2c3d4e5f60004", "computer_name": BRACES, "tags": {"T": CODED, **OWN_KEYS}},
            ]
        }
    }
}
INVENTORY: dict[str, Any] = {
    "plugin": "sessionops.aws.aws_ssm",
    "region": "us-east-1",
    "ec2_details": True,
    "hostnames": ["computer_name | regex_replace('^x', 'y')"],
    "compose": {
        "low": "computer_name | lower",
        "coded": "ec2_tags.T | default('') | b64decode",
        "bare": "computer_name",
    },
    "keyed_groups": [{"key": "computer_name", "prefix": "", "separator": ""}],
    "cache": True,
    "cache_plugin": "ansible.builtin.jsonfile",
    "cache_connection": "kept",
}
# Read each of these in a template. In a loop, Ansible templates the arguments of a task once more.
READ = [
    "computer_name",
    "low",
    "coded",
    "bare",
    "ec2_tags | default({})",
    "group_names",
    "groups",
    "inventory_hostname",
]
PLAY = {
    "hosts": "all",
    "connection": "local",
    "gather_facts": False,
    "tasks": [
        *({"ansible.builtin.debug": {"msg": f"{{{{ {name} }}}}"}} for name in READ),
        {"ansible.builtin.debug": {"var": "hostvars[inventory_hostname]"}},
        {
            "ansible.builtin.debug": {"msg": "{{ item }} {{ again }}"},
            "loop": "{{ [computer_name, low, coded] + (ec2_tags | default({})).keys() | list }}",
            "vars": {"again": "{{ item | lower }}"},
        },
    ],
}
# amazon.aws causes deprecation warnings on newer versions of ansible-core.
QUIET = {"ANSIBLE_DEPRECATION_WARNINGS": "false", "ANSIBLE_INVENTORY_UNPARSED_FAILED": "true"}


@pytest.mark.parametrize("settings", [{}, {"ANSIBLE_JINJA2_NATIVE": "true"}], ids=["texts", "native"])
def test_nothing_that_a_node_says_is_run(settings: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "nodes.aws_ssm.yml").write_text(json.dumps(INVENTORY))
    (tmp_path / "play.yml").write_text(json.dumps([PLAY]))
    given = {path.name for path in tmp_path.iterdir()} | {"kept"}
    with LocalAWS(WORLD) as aws:
        inside = {**aws.env, **QUIET, **settings}
        for command in (
            ["ansible-inventory", "--list"],
            ["ansible-inventory", "--graph"],
            ["ansible-playbook", "play.yml"],
        ):
            child.run([*command, "-i", "nodes.aws_ssm.yml"], tmp_path, inside)
    assert {path.name for path in tmp_path.iterdir()} == given


def test_the_json_of_an_inventory_is_one_again(tmp_path: Path) -> None:
    """Read the JSON output as an inventory again, as AWX does when it stores an inventory and passes it to a job."""
    (tmp_path / "nodes.aws_ssm.yml").write_text(json.dumps(INVENTORY))
    with LocalAWS(WORLD) as aws:
        inside = {**aws.env, **QUIET}
        listed = child.run(["ansible-inventory", "--list", "-i", "nodes.aws_ssm.yml"], tmp_path, inside)
    (tmp_path / "again.json").write_text(listed)
    script = tmp_path / "again.sh"
    script.write_text("#!/bin/sh\ncat again.json\n")
    script.chmod(0o700)
    assert json.loads(child.run(["ansible-inventory", "--list", "-i", "again.sh"], tmp_path, QUIET)) == json.loads(
        listed
    )
