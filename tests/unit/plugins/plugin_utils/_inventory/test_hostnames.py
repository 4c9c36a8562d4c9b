# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test the names of hosts: the option hostnames, and nodes that claim the name of something else."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible.errors import AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible_collections.sessionops.aws.plugins.plugin_utils._inventory.hostnames import name_hosts
from ansible_collections.sessionops.aws.plugins.plugin_utils._inventory.hosts import Host
from hypothesis import given
from hypothesis import strategies as st

from emulator.testing import LocalAWS
from unit.support.inventory_source import Parsed, Source, parse

ONE, TWO, THREE = (f"i-0a1b2c3d4e5f6000{number}" for number in range(1, 4))


def run(*nodes: dict[str, Any], **options: Any) -> Parsed:
    with LocalAWS({"regions": {"us-east-1": {"nodes": list(nodes)}}}) as aws:
        return parse(aws, **options)


@pytest.mark.parametrize(
    ("hostnames", "name"),
    [
        (["instance_id"], ONE),
        (["computer_name"], "Web-1.example.com"),
        (["key_name", "instance_name"], "web_server_1"),
        (["key_name"], ONE),
        (["tag:Name"], "web_server_1"),
        (["tag:Absent", "tag:Role"], "front"),
        (["tag:Name | replace(' ', '-')"], "web-server-1"),
        (["tag:Name | regex_replace('server', 'box')"], "web_box_1"),
        (["computer_name | lower"], "web-1.example.com"),
        (["computer_name.split('.') | first"], "Web-1"),
        (["absent | lower", "region"], "us-east-1"),
        (["{{ region }}-{{ ec2_tags.Role }}"], "us-east-1-front"),
        (["{{ absent }}", "region"], "us-east-1"),
        ([{"name": "tag:Role", "prefix": "region"}], "us-east-1_front"),
        ([{"name": "tag:Role", "prefix": "region", "separator": "--"}], "us-east-1--front"),
        ([{"name": "tag:Role", "prefix": "region", "separator": None}], "us-east-1_front"),
        ([{"name": "tag:Role", "prefix": "region", "separator": ""}], "us-east-1front"),
        ([{"name": "tag:Role", "prefix": "key_name"}], "front"),
        ([{"name": "tag:Absent", "prefix": "region"}, "platform_type"], "Linux"),
    ],
)
def test_the_first_entry_that_gives_a_name_counts(hostnames: list[Any], name: str) -> None:
    node = {"id": ONE, "computer_name": "Web-1.example.com", "tags": {"Name": "web server 1", "Role": "front"}}
    assert list(run(node, hostnames=hostnames, ec2_details=True, hostvars_prefix="x_").hosts) == [name]


@pytest.mark.parametrize("expression", ["1 / 0", "computer_name | from_json", "computer_name | no_such_filter"])
def test_an_expression_that_fails_is_an_error_if_that_is_wanted(expression: str) -> None:
    with pytest.raises(AnsibleParserError, match="hostnames: could not evaluate"):
        run({"id": ONE}, hostnames=[expression], strict=True)
    assert list(run({"id": ONE}, hostnames=[expression]).hosts) == [ONE]


@pytest.mark.parametrize(
    "entry",
    [
        "tag:Absent",
        "tag:Absent | regex_replace('a', 'b')",
        "ec2_tags.Absent.split('.') | first",
        "ec2_details_of_none | lower",
        "{{ region }}-{{ ec2_tags.Absent }}",
        {"name": "tag:Absent", "prefix": "region"},
    ],
)
def test_an_entry_that_needs_what_the_node_has_not_gives_no_name_and_is_no_error(entry: Any) -> None:
    nodes = [{"id": ONE, "computer_name": "web"}, {"id": "mi-0a1b2c3d4e5f60009", "computer_name": "office"}]
    assert list(run(*nodes, hostnames=[entry, "computer_name"], ec2_details=True, strict=True).hosts) == [
        "office",
        "web",
    ]


def test_a_name_that_two_nodes_have_is_used_for_neither() -> None:
    nodes = [{"id": each, "computer_name": name} for each, name in ((ONE, "web"), (TWO, "web"), (THREE, "db"))]
    parsed = run(*nodes, hostnames=["computer_name"])
    assert list(parsed.hosts) == ["db", ONE, TWO]
    assert parsed.warnings == [
        "2 nodes are named by ID, because the wanted name is reserved, looks like a node ID, or belongs to another host"
        f" or a group: web ({ONE}), web ({TWO})."
    ]


def test_a_warning_lists_no_more_names_than_can_be_read() -> None:
    nodes = {"generate": 12, "id": "i-%017x", "computer_name": "web"}
    assert run(nodes, hostnames=["computer_name"]).warnings[0].endswith(" and 2 more.")


def beside(other: dict[str, Any], node: dict[str, Any], **options: Any) -> Parsed:
    """Run the inventory with a node after another source has added the host db1."""
    data = InventoryData()
    data.add_host("db1")
    for name, value in other.items():
        data.set_variable("db1", name, value)
    with LocalAWS({"regions": {"us-east-1": {"nodes": [{"id": ONE, **node}]}}}) as aws:
        return Source(aws, hostnames=["computer_name"], **options).parse(data=data)


@pytest.mark.parametrize("other", [{"ansible_password": "static"}, {"instance_id": TWO}, {"instance_id": None}])
def test_the_name_of_a_host_of_another_source_is_not_used_for_another_node(other: dict[str, Any]) -> None:
    parsed = beside(other, {"computer_name": "db1"}, connection="amazon.aws.aws_ssm", compose={"x": "region"})
    assert parsed.hosts["db1"] == other
    assert parsed.group("ssm_connected") == [ONE] and "ansible_password" not in parsed.hosts[ONE]
    assert "1 node is named by ID" in parsed.warnings[0] and f"db1 ({ONE})" in parsed.warnings[0]


@pytest.mark.parametrize("prefix", ["", "x_"])
def test_the_same_node_of_another_source_is_one_host(prefix: str) -> None:
    for name in sorted({"instance_id", f"{prefix}instance_id"}):
        parsed = beside({name: ONE, "own": 1}, {"computer_name": "db1"}, hostvars_prefix=prefix)
        assert list(parsed.hosts) == ["db1"] and parsed.warnings == []
        assert parsed.hosts["db1"]["own"] == 1 and parsed.hosts["db1"][f"{prefix}region"] == "us-east-1"


def test_two_sources_with_nodes_of_one_name_make_two_hosts() -> None:
    regions = {
        "us-east-1": {"nodes": [{"id": ONE, "computer_name": "web", "status": "notconnected"}]},
        "eu-west-1": {"nodes": [{"id": TWO, "computer_name": "web", "status": "connected"}]},
    }
    data = InventoryData()
    with LocalAWS({"regions": regions}) as aws:
        for region in regions:
            parsed = Source(aws, region=region, hostnames=["computer_name"]).parse(data=data)
    assert (parsed.group("ssm_connected"), parsed.group("ssm_not_connected")) == ([TWO], ["web"])


def test_a_node_that_two_sources_have_is_in_the_group_of_its_last_status() -> None:
    data = InventoryData()
    with LocalAWS({"regions": {"us-east-1": {"nodes": [{"id": ONE, "status": ["connected", "notconnected"]}]}}}) as aws:
        for unused in range(2):
            parsed = Source(aws).parse(data=data)
    assert (parsed.group("ssm_connected"), parsed.group("ssm_not_connected")) == ([], [ONE])
    assert parsed.hosts[ONE]["ssm_connected"] is False


@pytest.mark.parametrize("key", ["computer_name", "[computer_name] | first"])
@pytest.mark.parametrize("option", ["keys", "parent", "child", "groups"])
def test_the_groups_of_readiness_are_filled_by_readiness_alone(option: str, key: str) -> None:
    keyed: dict[str, Any] = {"key": key, "separator": ""}
    options: dict[str, Any] = {
        "keys": {"keyed_groups": [keyed]},
        "parent": {"keyed_groups": [{**keyed, "key": "'x'", "parent_group": "ssm_connected"}]},
        "child": {"keyed_groups": [{**keyed, "parent_group": "production"}]},
        "groups": {"groups": {"ssm_connected": f"({key}) == 'ssm_connected'"}},
    }
    rogue = {"id": ONE, "computer_name": "ssm_connected", "status": "notconnected"}
    parsed = run(rogue, {"id": TWO, "computer_name": "x", "status": "connected"}, **options[option])
    assert parsed.group("ssm_connected") == [TWO] and parsed.group("ssm_not_connected") == [ONE]
    assert [group.name for group in parsed.data.groups["ssm_connected"].parent_groups] == ["all"]


@pytest.mark.parametrize(
    "name", [TWO, "localhost", "127.0.0.1", "all", "ungrouped", "ssm_connected", "mi-0a1b2c3d4e5f60009"]
)
def test_a_node_cannot_call_itself_what_something_else_is_called(name: str) -> None:
    parsed = run({"id": ONE, "computer_name": name}, {"id": TWO, "computer_name": "web"}, hostnames=["computer_name"])
    assert list(parsed.hosts) == [ONE, "web"]
    assert not any(group.vars for group in parsed.data.groups.values())


@pytest.mark.parametrize(
    ("given_name", "name"),
    [
        ("../../etc/passwd", "_._.._etc_passwd"),
        ("-oProxyCommand=x", "_oProxyCommand_x"),
        ("a,b:c[1:9]", "a_b_c_1_9_"),
        ("{{ lookup('pipe', 'id') }}", "___lookup__pipe____id_____"),
        ("B\u00fcro-1", "B\u00fcro-1"),
        ("tab\there", "tab_here"),
    ],
)
def test_awkward_characters(given_name: str, name: str) -> None:
    parsed = run({"id": ONE, "computer_name": given_name}, hostnames=["computer_name"])
    assert list(parsed.hosts) == [name]
    assert parsed.hosts[name]["computer_name"] == given_name


def test_a_host_that_is_named_like_a_group_made_later_takes_nothing_of_the_group_over() -> None:
    """Otherwise every host in the group would get the variables and groups of that host."""
    nodes = [{"id": each, "tags": {"Role": "web"}, "computer_name": f"host-{each}"} for each in (ONE, TWO)]
    rogue = {"id": THREE, "tags": {"Role": "other"}, "computer_name": "web", "ip_address": "10.6.6.6"}
    parsed = run(
        *nodes,
        rogue,
        ec2_details=True,
        hostnames=["computer_name"],
        compose={"ansible_host": "ip_address", "slow_host": "[ip_address] | first"},
        groups={"rogue": "ip_address == '10.6.6.6'", "slow": "ip_address is match('10.6.6')"},
        keyed_groups=[{"key": "ec2_tags.Role", "separator": ""}],
    )
    assert parsed.data.groups["web"].vars == {}
    assert parsed.group("rogue") == parsed.group("slow") == ["web"]
    assert parsed.hosts["web"]["ansible_host"] == parsed.hosts["web"]["slow_host"] == "10.6.6.6"
    assert "ansible_host" in parsed.hosts[f"host-{ONE}"]


@given(st.lists(st.text(max_size=6) | st.sampled_from([ONE, TWO, "all", "a", "a.b"]), min_size=1, max_size=6))
def test_names_are_safe_and_nobody_elses(computer_names: list[str]) -> None:
    hosts = [Host(f"i-{n:017x}", "ssm_unknown", {"computer_name": name}, {}) for n, name in enumerate(computer_names)]
    found = name_hosts(hosts, ["computer_name"], lambda expression, variables: None, {"all": None}, {}).used
    assert len(set(found)) == len(found)
    for name, host in zip(found, hosts, strict=True):
        assert re.fullmatch(r"\w[\w.-]*", name) and name != "all"
        assert name == host.instance_id or name not in {each.instance_id for each in hosts}


def test_an_empty_entry_is_refused() -> None:
    with pytest.raises(AnsibleParserError, match="hostnames: each entry must be a string, or a mapping"):
        run({"id": ONE, "computer_name": "web"}, hostnames=["", "computer_name"])


@pytest.mark.parametrize("entry", ["ec2_tags", "ec2_tags | dict2items | first", "[ec2_tags]"])
def test_a_mapping_gives_no_name(entry: str) -> None:
    node = {"id": ONE, "computer_name": "web", "tags": {"Env": "prod"}}
    assert list(run(node, hostnames=[entry, "computer_name"], ec2_details=True).hosts) == ["web"]


@pytest.mark.parametrize(("behaviour", "merged"), [("replace", {}), ("merge", {"Own": "x"})])
def test_what_two_sources_have_in_a_dictionary_is_joined_as_ansible_is_set_to(
    behaviour: str, merged: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ansible.constants.DEFAULT_HASH_BEHAVIOUR", behaviour)
    other = {"instance_id": ONE, "ec2_tags": {"Own": "x"}}
    parsed = beside(other, {"computer_name": "db1", "tags": {"Env": "prod"}}, ec2_details=True)
    assert parsed.hosts["db1"]["ec2_tags"] == {"Env": "prod", **merged}
