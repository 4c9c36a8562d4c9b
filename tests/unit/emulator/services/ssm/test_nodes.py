# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test the listings of managed nodes, and their connection status."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator import registry
from emulator.testing import LocalAWS
from unit.support import signed_requests

EC2, STOPPED, GONE, BARE = (f"i-0000000000000000{number}" for number in range(1, 5))
HYBRID = "mi-00000000000000005"
WINDOWS = "mi-00000000000000006"
CLUSTER = "sagemaker-cluster:aa11bbbbb222_controller-group-i-111222333444555aa"
WORLD: dict[str, Any] = {
    "regions": {
        "us-east-1": {
            "nodes": [
                {
                    "id": EC2,
                    "name": "web",
                    "tags": {"Role": "web", "Env": "prod"},
                    "agent_version": "3.9.0.0",
                    "association_status": "Success",
                    "key_name": "ops",
                },
                {"id": STOPPED, "name": "off", "instance_state": "stopped", "tags": {"Role": "web"}},
                {"id": GONE, "instance_state": "terminated"},
                {"id": BARE, "managed": False},
                {"id": HYBRID, "name": "rack", "ping_status": "ConnectionLost", "agent_version": "3.10.0.0"},
                {"id": WINDOWS, "platform": "Windows", "tags": {"Env": "dev"}, "ip_address": "192.168.0.9"},
                {"id": "ecs:cluster_task_container", "status": "connected"},
                {"id": CLUSTER, "status": "connected"},
            ]
        }
    }
}


def information(aws: LocalAWS, *filters: dict[str, Any], **params: Any) -> list[str]:
    if filters:
        params["Filters"] = list(filters)
    pages = aws.client("ssm").get_paginator("describe_instance_information").paginate(**params)
    return [node["InstanceId"] for page in pages for node in page["InstanceInformationList"]]


def properties(aws: LocalAWS, **params: Any) -> list[str]:
    pages = aws.client("ssm").get_paginator("describe_instance_properties").paginate(**params)
    return [node["InstanceId"] for page in pages for node in page["InstanceProperties"]]


def key(name: str, *values: str) -> dict[str, Any]:
    return {"Key": name, "Values": list(values)}


def test_stopped_terminated_and_unmanaged_nodes_are_not_in_the_one_list() -> None:
    with LocalAWS(WORLD) as aws:
        assert information(aws) == [EC2, HYBRID, WINDOWS]
        assert properties(aws) == [EC2, STOPPED, HYBRID, WINDOWS]


def test_what_is_said_of_an_ec2_node() -> None:
    with LocalAWS(WORLD) as aws:
        [node] = aws.client("ssm").describe_instance_information(Filters=[key("InstanceIds", EC2)])[
            "InstanceInformationList"
        ]
        assert {name: node[name] for name in ("InstanceId", "PingStatus", "PlatformType", "ResourceType")} == {
            "InstanceId": EC2,
            "PingStatus": "Online",
            "PlatformType": "Linux",
            "ResourceType": "EC2Instance",
        }
        assert node["IsLatestVersion"] is True and node["LastPingDateTime"].tzinfo is not None
        assert not {"Name", "ActivationId", "IamRole", "RegistrationDate"} & set(node)
        [node] = aws.client("ssm").describe_instance_properties(
            InstancePropertyFilterList=[{"key": "InstanceIds", "valueSet": [EC2]}]
        )["InstanceProperties"]
        assert (node["Name"], node["InstanceState"], node["KeyName"]) == ("web", "running", "ops")


def test_what_is_said_of_a_hybrid_node() -> None:
    with LocalAWS(WORLD) as aws:
        nodes = aws.client("ssm").describe_instance_information()["InstanceInformationList"]
        node = next(node for node in nodes if node["InstanceId"] == HYBRID)
        assert (node["Name"], node["ResourceType"], node["SourceType"]) == (
            "rack",
            "ManagedInstance",
            "AWS::SSM::ManagedInstance",
        )
        assert {"ActivationId", "IamRole", "RegistrationDate"} <= set(node)


def test_every_time_of_a_node_may_be_an_age() -> None:
    ages = {"last_ping": "2d", "launch_time": "30d", "registration_date": "3h"}
    with LocalAWS(
        {"clock": "2026-01-31T12:00:00Z", "regions": {"us-east-1": {"nodes": [{"id": HYBRID, **ages}]}}}
    ) as aws:
        [node] = aws.client("ssm").describe_instance_information()["InstanceInformationList"]
        assert node["LastPingDateTime"].isoformat() == "2026-01-29T12:00:00+00:00"
        assert node["RegistrationDate"].isoformat() == "2026-01-31T09:00:00+00:00"


def test_an_optional_member_can_be_absent() -> None:
    nothing = {"computer_name": None, "ip_address": None, "platform_name": None, "source_id": None}
    with LocalAWS({"regions": {"us-east-1": {"nodes": [{"id": EC2, **nothing}]}}}) as aws:
        [node] = aws.client("ssm").describe_instance_information()["InstanceInformationList"]
        assert not {"ComputerName", "IPAddress", "PlatformName", "SourceId"} & set(node)


@pytest.mark.parametrize(
    ("filters", "wanted"),
    [
        ([key("InstanceIds", EC2, "i-0000000000000dead")], [EC2]),
        ([key("PingStatus", "ConnectionLost")], [HYBRID]),
        ([key("PlatformTypes", "Windows", "MacOS")], [WINDOWS]),
        ([key("ResourceType", "ManagedInstance"), key("PingStatus", "Online")], [WINDOWS]),
        ([key("AssociationStatus", "Success")], [EC2]),
        ([key("AgentVersion", "3.10.0.0")], [HYBRID]),
        ([key("SourceTypes", "AWS::SSM::ManagedInstance")], [HYBRID, WINDOWS]),
        ([key("tag:Role", "web")], [EC2]),
        ([key("tag-key", "Env")], [EC2, WINDOWS]),
        ([key("tag-key", "Env"), key("tag:Env", "dev", "test")], [WINDOWS]),
    ],
)
def test_filters(filters: list[dict[str, Any]], wanted: list[str]) -> None:
    with LocalAWS(WORLD) as aws:
        assert information(aws, *filters) == wanted


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"Filters": [key("Bogus", "x")]}, "InvalidFilterKey"),
        ({"Filters": [key("PlatformType", "Linux")]}, "InvalidFilterKey"),
        ({"Filters": [key("PingStatus", "online")]}, "InvalidInstanceInformationFilterValue"),
        ({"Filters": [key("InstanceIds", "web-1")]}, "InvalidInstanceId"),
        ({"Filters": [key("tag:Role", "web"), key("PingStatus", "Online")]}, "ValidationException"),
        (
            {
                "Filters": [key("PingStatus", "Online")],
                "InstanceInformationFilterList": [{"key": "PingStatus", "valueSet": ["Online"]}],
            },
            "ValidationException",
        ),
        ({"NextToken": "10"}, "InvalidNextToken"),
        ({"MaxResults": 51}, "ValidationException"),
    ],
)
def test_bad_requests(params: dict[str, Any], code: str) -> None:
    with LocalAWS(WORLD) as aws:
        answer = signed_requests.call_json(aws, "DescribeInstanceInformation", params)
        assert (answer.status, answer.code) == (400, code)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (["EC2Instance", "ManagedInstance"], "ResourceType filter may contain only one value."),
        (["EC2Instance", "EC2Instance"], "ResourceType filter may contain only one value."),
        (["ec2"], "ResourceType filter is invalid, valid values are EC2Instance, ManagedInstance"),
    ],
)
def test_resource_type_takes_one_value_in_every_form_of_filter(values: list[str], text: str) -> None:
    old = [{"key": "ResourceType", "valueSet": values}]
    new = [key("ResourceType", *values)]
    information_code, properties_code = "InvalidInstanceInformationFilterValue", "InvalidInstancePropertyFilterValue"
    requests: list[tuple[str, dict[str, Any], str]] = [
        ("DescribeInstanceInformation", {"Filters": new}, information_code),
        ("DescribeInstanceProperties", {"FiltersWithOperator": new}, properties_code),
    ]
    if len(set(values)) == len(values):  # the model does not allow duplicates in a set of values
        requests += [
            ("DescribeInstanceInformation", {"InstanceInformationFilterList": old}, information_code),
            ("DescribeInstanceProperties", {"InstancePropertyFilterList": old}, properties_code),
        ]
    with LocalAWS(WORLD) as aws:
        for operation, params, code in requests:
            answer = signed_requests.call_json(aws, operation, params)
            assert (operation, answer.status, answer.code, answer.message) == (operation, 400, code, text)


def test_pages_are_cut_before_filters_apply() -> None:
    with LocalAWS({**WORLD, "limits": {"page_size": 1}}) as aws:
        pages = aws.client("ssm").get_paginator("describe_instance_information")
        found = [page["InstanceInformationList"] for page in pages.paginate(Filters=[key("PlatformTypes", "Windows")])]
        assert [[node["InstanceId"] for node in page] for page in found] == [[], [], [WINDOWS]]
        assert len(list(pages.paginate(Filters=[key("InstanceIds", WINDOWS)]))) == 1


def test_an_id_that_no_node_has_is_nothing_or_an_error() -> None:
    with LocalAWS(WORLD) as aws:
        assert information(aws, key("InstanceIds", "i-0000000000000dead")) == []
    world = {**WORLD, "switches": {"unknown_instance_id": "InvalidInstanceId"}}
    with LocalAWS(world) as aws, pytest.raises(ClientError, match="InvalidInstanceId"):
        information(aws, key("InstanceIds", "i-0000000000000dead"))


@pytest.mark.parametrize("choice", registry.switches()["unknown_instance_id"])
def test_an_instance_that_is_not_registered_is_left_out_in_any_case(choice: str) -> None:
    with LocalAWS({**WORLD, "switches": {"unknown_instance_id": choice}}) as aws:
        assert information(aws, key("InstanceIds", BARE)) == []
        assert information(aws, key("InstanceIds", BARE, EC2)) == [EC2]


@pytest.mark.parametrize(
    ("item", "wanted"),
    [
        ({"Key": "InstanceState", "Values": ["stopped"], "Operator": "Equal"}, [STOPPED]),
        ({"Key": "PingStatus", "Values": ["Online"], "Operator": "NotEqual"}, [STOPPED, HYBRID]),
        ({"Key": "AgentVersion", "Values": ["3.10"], "Operator": "LessThan"}, [EC2]),
        ({"Key": "AgentVersion", "Values": ["3.9.0.0"], "Operator": "GreaterThan"}, [STOPPED, HYBRID, WINDOWS]),
        ({"Key": "IPAddress", "Values": ["192.168."], "Operator": "BeginWith"}, [WINDOWS]),
        ({"Key": "tag:Role", "Values": ["web"]}, [EC2, STOPPED]),
    ],
)
def test_operators(item: dict[str, Any], wanted: list[str]) -> None:
    world = {**WORLD}
    for node in world["regions"]["us-east-1"]["nodes"]:
        node.setdefault("agent_version", "3.11.0.0")
    with LocalAWS(world) as aws:
        assert properties(aws, FiltersWithOperator=[item]) == wanted


def test_a_bad_property_filter_is_refused() -> None:
    with LocalAWS(WORLD) as aws:
        for params, code in (
            ({"FiltersWithOperator": [key("Bogus", "x")]}, "InvalidFilterKey"),
            ({"FiltersWithOperator": [key("PingStatus", "online")]}, "InvalidInstancePropertyFilterValue"),
            ({"InstancePropertyFilterList": [{"key": "Bogus", "valueSet": ["x"]}]}, "ValidationException"),
        ):
            assert signed_requests.call_json(aws, "DescribeInstanceProperties", params).code == code


def test_many_nodes_come_in_pages() -> None:
    world = {"regions": {"us-east-1": {"nodes": [{"generate": 120, "id": "mi-%017x", "name": "node-%03d"}]}}}
    with LocalAWS(world) as aws:
        assert len(set(information(aws))) == 120 and len(aws.calls()) == 12
        assert len(information(aws, MaxResults=50)) == 120 and len(aws.calls()) == 15
        assert len(properties(aws, MaxResults=1000)) == 120 and len(aws.calls()) == 16
        [node] = aws.client("ssm").describe_instance_information(Filters=[key("InstanceIds", "mi-00000000000000078")])[
            "InstanceInformationList"
        ]
        assert node["Name"] == "node-120"


def test_a_sequence_goes_on_with_each_question_and_its_last_value_stays() -> None:
    steps = ["notconnected", {"error": "ThrottlingException"}, "error: AccessDeniedException", "connected"]
    with LocalAWS({"regions": {"us-east-1": {"nodes": [{"id": EC2, "status": steps}]}}}) as aws:
        answers = [signed_requests.call_json(aws, "GetConnectionStatus", {"Target": EC2}) for unused in range(5)]
        assert [answer.code or answer.json["Status"] for answer in answers] == [
            "notconnected",
            "ThrottlingException",
            "AccessDeniedException",
            "connected",
            "connected",
        ]
        assert f"instance/{EC2}" in answers[2].message


def test_the_status_of_each_kind_of_target() -> None:
    with LocalAWS(WORLD) as aws:
        ssm = aws.client("ssm")
        wanted = {
            EC2: "connected",
            STOPPED: "notconnected",
            BARE: "notconnected",
            HYBRID: "notconnected",
            WINDOWS: "connected",
            "ecs:cluster_task_container": "connected",
            CLUSTER: "connected",
            "i-0000000000000dead": "notconnected",
            "no id at all": "notconnected",
        }
        found = {target: ssm.get_connection_status(Target=target) for target in wanted}
        assert {target: reply["Status"] for target, reply in found.items()} == wanted
        assert [reply["Target"] for reply in found.values()] == list(wanted)


def test_both_ways_in_which_aws_may_answer() -> None:
    switches = {"status_case": "title", "status_unknown_target": "error: AccessDeniedException"}
    with LocalAWS({**WORLD, "switches": switches}) as aws:
        ssm = aws.client("ssm")
        assert ssm.get_connection_status(Target=EC2)["Status"] == "Connected"
        assert ssm.get_connection_status(Target=HYBRID)["Status"] == "NotConnected"
        with pytest.raises(ClientError, match="AccessDeniedException"):
            ssm.get_connection_status(Target="i-0000000000000dead")


def test_a_region_has_its_own_nodes() -> None:
    regions = {**WORLD["regions"], "eu-west-1": {}}
    with LocalAWS({**WORLD, "regions": regions}) as aws:
        assert aws.client("ssm", region="eu-west-1").describe_instance_information()["InstanceInformationList"] == []


def test_a_listing_keeps_to_its_nodes_and_a_new_one_sees_what_changed() -> None:
    other = "mi-00000000000000007"
    nodes = [{"id": HYBRID, "tags": {"Env": "dev"}}, {"id": other, "tags": {"Env": "dev"}}]
    with LocalAWS({"regions": {"us-east-1": {"nodes": nodes}}, "limits": {"page_size": 1}}) as aws:
        client = aws.client("ssm")
        dev: dict[str, Any] = {"Filters": [key("tag:Env", "dev")], "MaxResults": 5}

        def page(**more: Any) -> dict[str, Any]:
            found: dict[str, Any] = client.describe_instance_information(**dev, **more)
            return found

        first = page()
        client.remove_tags_from_resource(ResourceType="ManagedInstance", ResourceId=other, TagKeys=["Env"])
        second = page(NextToken=first["NextToken"])
        assert [node["InstanceId"] for node in second["InstanceInformationList"]] == [other]
        assert information(aws, *dev["Filters"]) == [HYBRID]


@pytest.mark.parametrize("operation", ["describe_instance_properties", "describe_instance_information"])
def test_every_page_of_a_large_fleet(operation: str) -> None:
    with LocalAWS({"regions": {"us-east-1": {"nodes": [{"generate": 5050, "id": "i-%017x"}]}}}) as aws:
        size = {"describe_instance_properties": 1000, "describe_instance_information": 50}[operation]
        pages = list(aws.client("ssm").get_paginator(operation).paginate(PaginationConfig={"PageSize": size}))
        member = "InstanceProperties" if size == 1000 else "InstanceInformationList"
        found = [node["InstanceId"] for page in pages for node in page[member]]
        assert found == [f"i-{number:017x}" for number in range(1, 5051)]
        assert len(pages) == -(-5050 // size)
