# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test which nodes become hosts, with which variables, in which groups, and after which calls."""

from __future__ import annotations

import collections
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from ansible.errors import AnsibleParserError
from ansible.plugins.loader import connection_loader, inventory_loader
from ansible.vars.reserved import get_reserved_names
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.nodes import ec2
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.nodes.listing import variable
from ansible_collections.sessionops.aws.plugins.plugin_utils._inventory.hosts import Host
from ansible_collections.sessionops.aws.plugins.plugin_utils._inventory.populate import hostvar_naming, known_variables

from emulator.testing import LocalAWS
from unit.support.inventory_source import Parsed, Source, parse

WEB, STOPPED, LOST, SILENT = (f"i-0a1b2c3d4e5f6000{number}" for number in range(1, 5))
DENIED, WINDOWS = "mi-0a1b2c3d4e5f60005", "mi-0a1b2c3d4e5f60006"
ROLE = "arn:aws:iam::123456789012:role/Operators"
WORLD: dict[str, Any] = {
    "clock": "2026-11-23T12:00:00Z",
    "regions": {
        "us-east-1": {
            "nodes": [
                {"id": WEB, "status": "connected", "tags": {"Name": "web", "Env": "prod"}, "computer_name": "web.a"},
                {"id": STOPPED, "status": "connected", "instance_state": "stopped", "tags": {"Env": "prod"}},
                {
                    "id": LOST,
                    "status": "connected",
                    "ping_status": "ConnectionLost",
                    "last_ping": "2026-11-23T11:00:00Z",
                    "tags": {"Env": "dev"},
                },
                {
                    "id": SILENT,
                    "status": "connected",
                    "ping_status": "ConnectionLost",
                    "last_ping": "2026-11-20T12:00:00Z",
                    "tags": {"Env": "prod", "Team": "own"},
                },
                {"id": DENIED, "status": "error: AccessDeniedException", "tags": {"Env": "dev"}},
            ]
        },
        "eu-west-1": {"nodes": [{"id": WINDOWS, "status": "notconnected", "platform": "Windows", "name": "office"}]},
    },
}
BOTH = ["us-east-1", "eu-west-1"]


def calls(aws: LocalAWS) -> dict[str, int]:
    return dict(collections.Counter(call.operation for call in aws.calls()))


def statuses(parsed: Parsed) -> dict[str, str]:
    return {name: variables["connection_status"] for name, variables in parsed.hosts.items()}


def sources(parsed: Parsed) -> dict[str, str]:
    return {name: variables["connection_status_source"] for name, variables in parsed.hosts.items()}


def test_the_region_of_the_session_is_the_default() -> None:
    with LocalAWS(WORLD) as aws:
        assert {each["region"] for each in parse(aws).hosts.values()} == {"us-east-1"}
        assert {each["region"] for each in parse(aws, region="eu-west-1").hosts.values()} == {"eu-west-1"}
        assert list(parse(aws, regions=[*BOTH, *BOTH]).hosts) == [WEB, STOPPED, LOST, SILENT, DENIED, WINDOWS]


def test_each_host_is_in_the_group_of_its_status() -> None:
    with LocalAWS(WORLD) as aws:
        parsed = parse(aws, regions=BOTH)
    assert parsed.group("ssm_connected") == [WEB, LOST]
    assert parsed.group("ssm_not_connected") == [STOPPED, SILENT, WINDOWS]
    assert parsed.group("ssm_unknown") == [DENIED]
    assert [name for name, each in parsed.hosts.items() if each["ssm_connected"] is True] == [WEB, LOST]
    assert all(each["ssm_connected"] is False for name, each in parsed.hosts.items() if name not in (WEB, LOST))


def test_the_groups_are_there_without_hosts() -> None:
    with LocalAWS() as aws:
        assert {"ssm_connected", "ssm_not_connected", "ssm_unknown"} <= set(parse(aws).data.groups)


def test_nodes_that_cannot_be_connected_are_not_asked_and_say_so() -> None:
    with LocalAWS(WORLD) as aws:
        parsed = parse(aws)
        assert {call.params["Target"] for call in aws.calls("GetConnectionStatus")} == {WEB, LOST, DENIED}
    assert sources(parsed) == {
        WEB: "connection_status",
        STOPPED: "instance_state",
        LOST: "connection_status",
        SILENT: "ping_status",
        DENIED: "connection_status",
    }


def test_a_status_that_cannot_be_read_is_unknown_with_its_reason() -> None:
    with LocalAWS(WORLD) as aws:
        parsed = parse(aws)
    assert "AccessDeniedException" in parsed.hosts[DENIED]["connection_status_reason"]
    assert "connection_status_reason" not in parsed.hosts[WEB]
    assert [warning[:52] for warning in parsed.warnings] == [
        "The connection status of 1 of 5 nodes is unknown. Cou"[:52]
    ]


def test_of_several_statuses_that_cannot_be_read_the_first_reason_is_shown_as_such() -> None:
    denied = [{"id": node, "status": "error: AccessDeniedException"} for node in (LOST, DENIED)]
    nodes = [{"id": WEB, "status": "connected"}, *denied]
    with LocalAWS({"regions": {"us-east-1": {"nodes": nodes}}}) as aws:
        [warning] = parse(aws).warnings
    assert warning.startswith("The connection status of 2 of 3 nodes is unknown. The first reason: Could not get the ")


def test_all_nodes_are_asked_on_request() -> None:
    with LocalAWS(WORLD) as aws:
        assert statuses(parse(aws, ask_all_nodes=True))[SILENT] == "connected"
        assert len(aws.calls("GetConnectionStatus")) == 5


@pytest.mark.parametrize(("seconds", "asked"), [(3599, False), (3600, True)])
def test_how_long_a_lost_agent_may_be_silent(seconds: int, asked: bool) -> None:
    with LocalAWS(WORLD) as aws:
        parsed = parse(aws, connection_lost_seconds=seconds)
    assert (sources(parsed)[LOST] == "connection_status") is asked


def test_the_ping_status_is_enough_on_request() -> None:
    with LocalAWS(WORLD) as aws:
        parsed = parse(aws, status_source="ping_status")
        assert calls(aws) == {"DescribeInstanceProperties": 1}
    assert statuses(parsed) == {
        WEB: "connected",
        STOPPED: "notconnected",
        LOST: "notconnected",
        SILENT: "notconnected",
        DENIED: "connected",
    }
    assert sources(parsed)[WEB] == "ping_status"


def test_nobody_is_asked_on_request() -> None:
    with LocalAWS(WORLD) as aws:
        parsed = parse(aws, status_source="none")
        assert calls(aws) == {"DescribeInstanceProperties": 1}
    assert set(statuses(parsed).values()) == {"unknown"}
    assert sources(parsed)[WEB] == "none"
    assert parsed.warnings == []


def test_hosts_of_the_wanted_statuses_are_kept() -> None:
    with LocalAWS(WORLD) as aws:
        assert list(parse(aws, statuses=["connected"]).hosts) == [WEB, LOST]
        assert list(parse(aws, statuses=["unknown", "notconnected"]).hosts) == [STOPPED, SILENT, DENIED]


def test_terminated_instances_are_left_out() -> None:
    world = {"regions": {"us-east-1": {"nodes": [{"id": WEB, "instance_state": "terminated"}, {"id": LOST}]}}}
    with LocalAWS(world) as aws:
        assert list(parse(aws).hosts) == [LOST]


@pytest.mark.parametrize(
    ("connection", "variables"),
    [
        ("none", {}),
        (
            "sessionops.aws.aws_ssm",
            {
                "ansible_connection": "sessionops.aws.aws_ssm",
                "ansible_aws_ssm_instance_id": WINDOWS,
                "ansible_aws_ssm_region": "eu-west-1",
                "ansible_shell_type": "powershell",
            },
        ),
        (
            "amazon.aws.aws_ssm",
            {
                "ansible_connection": "amazon.aws.aws_ssm",
                "ansible_aws_ssm_instance_id": WINDOWS,
                "ansible_aws_ssm_region": "eu-west-1",
                "ansible_shell_type": "powershell",
            },
        ),
    ],
)
def test_what_a_connection_plugin_needs(connection: str, variables: dict[str, str]) -> None:
    with LocalAWS(WORLD) as aws:
        found = parse(aws, region="eu-west-1", connection=connection, hostvars_prefix="x_").hosts[WINDOWS]
    assert {key: value for key, value in found.items() if key.startswith("ansible")} == variables


def test_no_connection_plugin_is_offered_that_cannot_be_loaded() -> None:
    plugin = inventory_loader.get("sessionops.aws.aws_ssm")
    for choice in set(plugin.option_definitions["connection"]["choices"]) - {"none"}:
        assert connection_loader.find_plugin_with_context(choice).resolved, choice


def test_compose_has_the_last_word_on_how_to_connect() -> None:
    compose = {"ansible_connection": "'ssh'", "ansible_aws_ssm_region": "'other'", "ansible_host": "ip_address"}
    with LocalAWS(WORLD) as aws:
        found = parse(aws, connection="amazon.aws.aws_ssm", compose=compose).hosts[WEB]
    assert (found["ansible_connection"], found["ansible_aws_ssm_region"]) == ("ssh", "other")
    assert found["ansible_aws_ssm_instance_id"] == WEB
    assert "ansible_shell_type" not in found and "ansible_aws_ssm_profile" not in found


def test_the_profile_goes_with_the_connection(tmp_path: Path) -> None:
    config = tmp_path / "credentials"
    with LocalAWS(WORLD) as aws:
        who = aws.world.default_identity
        config.write_text(f"[p]\naws_access_key_id = {who.access_key}\naws_secret_access_key = {who.secret_key}\n")
        env = {"AWS_SHARED_CREDENTIALS_FILE": str(config), "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
        source = Source(aws, profile="p", connection="amazon.aws.aws_ssm")
        assert source.parse(env=env).hosts[WEB]["ansible_aws_ssm_profile"] == "p"


def test_the_connection_assumes_the_role_of_the_inventory() -> None:
    with LocalAWS({**WORLD, "roles": [ROLE]}) as aws:
        found = parse(aws, connection="sessionops.aws.aws_ssm", assume_role_arn=ROLE).hosts[WEB]
    assert found["ansible_aws_ssm_assume_role_arn"] == ROLE


def test_secrets_are_no_variables() -> None:
    with LocalAWS(WORLD) as aws:
        who = aws.world.default_identity
        text = str(parse(aws, connection="amazon.aws.aws_ssm", ec2_details=True).hosts)
    assert who.secret_key not in text and who.access_key not in text


def test_prefix_and_suffix_go_around_every_variable() -> None:
    compose = {"where": "ssm_region_var"}
    with LocalAWS(WORLD) as aws:
        found = parse(aws, hostvars_prefix="ssm_", hostvars_suffix="_var", compose=compose).hosts[WEB]
    assert found.pop("where") == "us-east-1"
    assert all(name.startswith("ssm_") and name.endswith("_var") for name in found)


@pytest.mark.parametrize("shape", ["InstanceProperty", "InstanceInformation"])
def test_no_member_of_a_node_becomes_a_variable_that_ansible_reserves(shape: str) -> None:
    members = botocore.session.Session().get_service_model("ssm").shape_for(shape).members
    variables = {variable(member) for member in members} | ec2.VARIABLES
    assert len(variables) >= len(members)
    assert variables & set(get_reserved_names()) == set()


def test_details_of_ec2_take_their_names_from_it() -> None:
    with LocalAWS(WORLD) as aws:
        parsed = parse(aws, ec2_details=True)
        assert calls(aws)["DescribeInstances"] == 1
    assert parsed.hosts[WEB]["ec2_tags"] == {"Name": "web", "Env": "prod"}
    assert parsed.hosts[WEB]["ec2_private_ip_address"] == parsed.hosts[WEB]["ip_address"]
    assert parsed.hosts[WEB]["ec2_security_group_ids"] == ["sg-0123456789abcdef0"]
    assert [name for name in parsed.hosts[DENIED] if name.startswith("ec2_")] == ["ec2_tags"]  # hybrid: tags only


def test_the_service_is_asked_nothing_that_is_not_wanted() -> None:
    with LocalAWS(WORLD) as aws:
        parse(aws)
        assert calls(aws) == {"DescribeInstanceProperties": 1, "GetConnectionStatus": 3}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"exclude_filter": []}, "Unknown option 'exclude_filter'. Did you mean 'exclude_filters'?"),
        (
            {"use_contrib_script_compatible_sanitization": True},
            "Unknown option 'use_contrib_script_compatible_sanitization'.",
        ),
        ({"max_workers": 0}, "max_workers: 0 is out of range; expected 1 to 64."),
        ({"connection_lost_seconds": -1}, "connection_lost_seconds: -1 is out of range; expected 0 to 1000000000."),
        ({"connection_lost_seconds": 10**17}, "expected 0 to 1000000000."),
        ({"cache_statuses_seconds": -1}, "cache_statuses_seconds: -1 is out of range; expected 0 to 1000000000."),
        ({"strict_permissions": "ture"}, "strict_permissions: 'ture' is not a boolean; expected true or false."),
        ({"strict_permissions": "{{ true }}"}, "strict_permissions: '{{ true }}' is not a boolean; expected"),
        ({"ec2_details": "yes please"}, "ec2_details: 'yes please' is not a boolean"),
        ({"cache": 2}, "cache: 2 is not a boolean; expected true or false."),
        ({"regions": [5]}, "regions: '5' is not the name of a region, such as us-east-1."),
        ({"regions": ["us-east-1 eu-west-1"]}, "regions: 'us-east-1 eu-west-1' is not the name of a region"),
        ({"regions": ["us-east-1", None]}, "regions: 'None' is not the name of a region"),
        ({"region": "us_east_1"}, "region: 'us_east_1' is not the name of a region"),
        ({"status_source": "none", "statuses": ["connected"]}, "every status is unknown"),
        ({"hostvars_prefix": "my-"}, "do not form valid variable names"),
        ({"filters": {"Name": "web"}}, "filters: unknown filter 'Name'. Supported: ActivationIds, "),
        ({"filters": {"tag:": "web"}}, "filters: unknown filter 'tag:'."),
        (
            {"include_filters": [{}]},
            "include_filters: each entry must map filters to their values, such as",
        ),
        (
            {"exclude_filters": [{"PingStatus": None}]},
            "exclude_filters: PingStatus must have",
        ),
        ({"hostnames": ["tag:Name"]}, "hostnames: 'tag:Name' requires ec2_details=true."),
        ({"hostnames": ["computer_name |"]}, "hostnames: 'computer_name |' is not a Jinja2 expression"),
        ({"hostnames": [{"prefix": "x"}]}, "and separator; got {'prefix': 'x'}."),
        (
            {"endpoint_url": "http://user:secret@127.0.0.1:abc"},
            "endpoint_url: the port of http://127.0.0.1:abc must be a number from 0 to 65535.",
        ),
        ({"endpoint_url": "http://127.0.0.1:65536/"}, "the port of http://127.0.0.1:65536/ must be a number"),
        ({"endpoint_url": "nowhere"}, "Could not connect to AWS: Invalid endpoint: nowhere."),
        ({"profile": "nobody"}, "nobody"),
    ],
)
def test_bad_input_is_told_before_any_call(options: dict[str, Any], sentence: str) -> None:
    env = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""} if "profile" in options else {}
    with LocalAWS(WORLD) as aws:
        with pytest.raises(AnsibleParserError) as raised:
            Source(aws, **options).parse(env=env)
        assert sentence in str(raised.value)
        assert aws.calls() == []


@pytest.mark.parametrize("alias", ["region", "aws_region"])
def test_an_option_may_be_given_by_its_alias(alias: str) -> None:
    with LocalAWS(WORLD) as aws:
        source = Source(aws)
        source.write(**{alias: "us-east-1"})
        assert WEB in source.parse(env={"AWS_REGION": "eu-west-3", "AWS_DEFAULT_REGION": "eu-west-3"}).hosts


@pytest.mark.parametrize("given", ["Yes", "on", "1", 1, True])
def test_a_boolean_may_be_written_as_ansible_reads_it(given: Any) -> None:
    with LocalAWS(WORLD) as aws:
        assert "ec2_image_id" in parse(aws, ec2_details=given).hosts[WEB]
        assert "ec2_image_id" not in parse(aws, ec2_details=None).hosts[WEB]


def test_where_and_what_to_list_may_be_templates() -> None:
    with LocalAWS(WORLD) as aws:
        templates = {"regions": ["{{ 'us-' ~ 'east-1' }}"], "filters": {"InstanceIds": f"{{{{ '{WEB}' }}}}"}}
        source = Source(aws, **templates)
        assert list(source.parse(env={"AWS_REGION": "", "AWS_DEFAULT_REGION": ""}).hosts) == [WEB]


def test_a_variable_that_some_host_has_is_known_as_often_as_it_is_looked_up() -> None:
    variables: list[dict[str, Any]] = [{"one": 1}, {"one": 1, "two": 2}]
    hosts = [Host(f"i-{number}", "ssm_connected", each, {}) for number, each in enumerate(variables)]
    known = known_variables(hosts, hostvar_naming("x_", ""))
    assert [name in known for name in ("x_two", "x_one", "x_two", "two")] == [True, True, True, False]
