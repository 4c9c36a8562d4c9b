# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test DescribeInstances, DescribeRegions and the operations of STS."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator.testing import LocalAWS
from unit.support import signed_requests

WEB, DB, WIN, GONE = (f"i-0000000000000000{number}" for number in range(1, 5))
WORLD: dict[str, Any] = {
    "regions": {
        "us-east-1": {
            "nodes": [
                {
                    "id": WEB,
                    "name": "web-1",
                    "ip_address": "10.0.0.1",
                    "public_ip_address": "198.51.100.7",
                    "tags": {"Role": "web [a]"},
                    "instance_profile": "ssm",
                },
                {"id": DB, "tags": {"Role": "db"}, "instance_state": "stopped", "availability_zone": "us-east-1b"},
                {"id": WIN, "platform": "Windows", "vpc_id": "vpc-2", "managed": False},
                {"id": GONE, "instance_state": "terminated"},
                {"id": "mi-00000000000000005"},
            ]
        },
        "eu-west-1": {},
    }
}


def ids(aws: LocalAWS, **params: Any) -> list[str]:
    pages = aws.client("ec2").get_paginator("describe_instances").paginate(**params)
    return [node["InstanceId"] for page in pages for item in page["Reservations"] for node in item["Instances"]]


def by(name: str, *values: str) -> dict[str, Any]:
    return {"Filters": [{"Name": name, "Values": list(values)}]}


def test_instances_are_those_of_ec2_managed_or_not() -> None:
    with LocalAWS(WORLD) as aws:
        assert ids(aws) == [WEB, DB, WIN, GONE]


def test_what_is_said_of_an_instance() -> None:
    with LocalAWS(WORLD) as aws:
        [reservation] = aws.client("ec2").describe_instances(InstanceIds=[WEB])["Reservations"]
        [node] = reservation["Instances"]
        assert reservation["OwnerId"] == "123456789012"
        assert node["State"] == {"Code": 16, "Name": "running"}
        assert node["Tags"] == [{"Key": "Name", "Value": "web-1"}, {"Key": "Role", "Value": "web [a]"}]
        assert node["PrivateDnsName"] == "ip-10-0-0-1.ec2.internal"
        assert node["PublicDnsName"] == "ec2-198-51-100-7.compute-1.amazonaws.com"
        assert node["IamInstanceProfile"]["Arn"] == "arn:aws:iam::123456789012:instance-profile/ssm"
        assert node["LaunchTime"].isoformat() == "2026-11-13T12:00:00+00:00"
        assert "Platform" not in node
        [reservation] = aws.client("ec2").describe_instances(InstanceIds=[WIN])["Reservations"]
        assert reservation["Instances"][0]["Platform"] == "windows" and "Tags" not in reservation["Instances"][0]


@pytest.mark.parametrize(
    ("params", "wanted"),
    [
        (by("instance-id", WEB, DB), [WEB, DB]),
        (by("instance-state-name", "running"), [WEB, WIN]),
        (by("instance-state-code", "80"), [DB]),
        (by("tag:Role", "d*"), [DB]),
        (by("tag:Role", "web [a]"), [WEB]),
        (by("tag:Role", "web [ab]"), []),
        (by("tag:Role", "WEB*"), []),
        (by("tag:Name", "web-?"), [WEB]),
        (by("tag-key", "Role"), [WEB, DB]),
        (by("vpc-id", "vpc-2"), [WIN]),
        (by("availability-zone", "us-east-1b"), [DB]),
        (by("platform", "windows"), [WIN]),
        (by("private-ip-address", "10.0.0.1"), [WEB]),
        ({"Filters": [*by("tag-key", "Role")["Filters"], *by("instance-state-name", "running")["Filters"]]}, [WEB]),
    ],
)
def test_filters(params: dict[str, Any], wanted: list[str]) -> None:
    with LocalAWS(WORLD) as aws:
        assert ids(aws, **params) == wanted


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"InstanceId.1": "i-0000000000000dead"}, "InvalidInstanceID.NotFound"),
        ({"InstanceId.1": "web-1"}, "InvalidInstanceID.Malformed"),
        ({"Filter.1.Name": "colour", "Filter.1.Value.1": "red"}, "InvalidParameterValue"),
        ({"MaxResults": "4"}, "InvalidParameterValue"),
        ({"MaxResults": "1001"}, "InvalidParameterValue"),
        ({"MaxResults": "five"}, "InvalidParameterValue"),
        ({"MaxResults": "5", "InstanceId.1": WEB}, "InvalidParameterCombination"),
        ({"NextToken": "10"}, "InvalidParameterValue"),
        ({"Bogus": "1"}, "UnknownParameter"),
        ({"DryRun": "true"}, "DryRunOperation"),
    ],
)
def test_bad_requests(form: dict[str, str], code: str) -> None:
    with LocalAWS(WORLD) as aws:
        assert signed_requests.call_query(aws, "ec2", "DescribeInstances", form).code == code


def test_a_filter_that_aws_has_and_the_emulator_lacks_is_not_ignored() -> None:
    with LocalAWS(WORLD, strict=False) as aws:
        form = {"Filter.1.Name": "network-interface.vpc-id", "Filter.1.Value.1": "vpc-2"}
        assert signed_requests.call_query(aws, "ec2", "DescribeInstances", form).code == "EmulatorContractViolation"


def test_pages_hold_as_many_instances_as_were_asked_for() -> None:
    world = {"regions": {"us-east-1": {"nodes": [{"generate": 23, "id": "i-%017x"}]}}}
    with LocalAWS(world) as aws:
        assert len(set(ids(aws, MaxResults=5))) == 23
        assert len(aws.calls()) == 5
    with LocalAWS({**world, "limits": {"ec2_page": 10}}) as aws:
        assert len(set(ids(aws))) == 23
        assert len(aws.calls()) == 3


def test_regions_are_those_of_the_world() -> None:
    with LocalAWS(WORLD) as aws:
        ec2 = aws.client("ec2")
        assert [region["RegionName"] for region in ec2.describe_regions()["Regions"]] == ["us-east-1", "eu-west-1"]
        assert [region["RegionName"] for region in ec2.describe_regions(RegionNames=["eu-west-1"])["Regions"]] == [
            "eu-west-1"
        ]
        with pytest.raises(ClientError, match="InvalidParameterValue"):
            ec2.describe_regions(RegionNames=["xx-west-1"])


def test_who_is_asking() -> None:
    role = "arn:aws:sts::123456789012:assumed-role/Operators/alice"
    identities = [{"name": "bob"}, {"arn": role, "user_id": "AROAEXAMPLE:alice", "session_token": "x"}]
    with LocalAWS({**WORLD, "identities": identities}) as aws:
        bob, alice = aws.world.identities.values()
        assert aws.client("sts").get_caller_identity()["Arn"] == "arn:aws:iam::123456789012:user/bob"
        answer = aws.client("sts", identity=alice).get_caller_identity()
        assert (answer["Account"], answer["Arn"], answer["UserId"]) == ("123456789012", role, "AROAEXAMPLE:alice")
        assert aws.client("iam").list_account_aliases()["AccountAliases"] == []
        assert bob is aws.world.default_identity


def test_more_values_than_a_filter_may_have() -> None:
    with LocalAWS(WORLD) as aws:
        values = [f"i-{number:017x}" for number in range(201)]
        assert ids(aws, Filters=[{"Name": "instance-id", "Values": values[:200]}]) == [WEB, DB, WIN, GONE]
        with pytest.raises(ClientError, match="FilterLimitExceeded"):
            ids(aws, Filters=[{"Name": "instance-id", "Values": values}])


ROLE = "arn:aws:iam::210987654321:role/Inventory"


def test_a_role_of_the_world_has_an_identity_of_its_own() -> None:
    with LocalAWS({**WORLD, "roles": [ROLE], "limits": {"role_seconds": 900}}) as aws:
        reply = aws.client("sts").assume_role(RoleArn=ROLE, RoleSessionName="tests")
        given = reply["Credentials"]
        left = given["Expiration"] - datetime.datetime.now(datetime.UTC)
        assert 0 < left.total_seconds() <= 900
        who = aws.client("sts", identity=aws.world.identities[given["AccessKeyId"]]).get_caller_identity()
        assert who["Arn"] == "arn:aws:sts::210987654321:assumed-role/Inventory/tests"


def test_another_role_may_not_be_assumed() -> None:
    with LocalAWS(WORLD) as aws, pytest.raises(ClientError, match="AccessDenied"):
        aws.client("sts").assume_role(RoleArn=ROLE, RoleSessionName="tests")
