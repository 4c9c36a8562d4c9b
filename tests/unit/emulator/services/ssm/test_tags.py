# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test the operations on tags."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.direct import Direct
from emulator.service import APIError
from emulator.testing import LocalAWS

SESSION = {"schemaVersion": "1.0", "sessionType": "Standard_Stream", "inputs": {}}
DOCUMENT = {"name": "mine", "document_type": "Session", "content": SESSION, "tags": {"team": "a", "aws:x": "y"}}
HYBRID = "mi-0a1b2c3d4e5f60001"
UNTAGGED, GONE = "mi-0a1b2c3d4e5f60003", "mi-0a1b2c3d4e5f60004"
NODES = [
    {"id": HYBRID, "tags": {"team": "a"}},
    {"id": "i-0a1b2c3d4e5f60002"},
    {"id": UNTAGGED},
    {"id": GONE, "tags": {"team": "a"}, "managed": False},
]
REGIONS = {"us-east-1": {"documents": [DOCUMENT], "nodes": NODES}}


@pytest.fixture
def aws() -> Direct:
    return Direct(REGIONS)


def resource(name: str) -> dict[str, str]:
    return {"ResourceType": "Document" if name == "mine" else "ManagedInstance", "ResourceId": name}


def tags(aws: Direct, name: str) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in aws("ListTagsForResource", **resource(name))["TagList"]}


def added(**given: str) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in given.items()]


@pytest.mark.parametrize("name", ["mine", HYBRID])
def test_adding_and_removing(aws: Direct, name: str) -> None:
    before = tags(aws, name)
    assert before["team"] == "a"
    assert aws("AddTagsToResource", **resource(name), Tags=added(team="b", more="")) == {}
    assert tags(aws, name) == {**before, "team": "b", "more": ""}
    assert aws("RemoveTagsFromResource", **resource(name), TagKeys=["more", "never"]) == {}
    assert tags(aws, name) == {**before, "team": "b"}


def test_the_tags_of_a_hybrid_node(aws: Direct) -> None:
    assert aws("ListTagsForResource", **resource(HYBRID)) == {"TagList": [{"Key": "team", "Value": "a"}]}
    assert aws("ListTagsForResource", **resource(UNTAGGED)) == {"TagList": []}
    assert aws.code("ListTagsForResource", **resource(GONE)) == "InvalidResourceId"


def test_a_document_is_described_with_its_tags(aws: Direct) -> None:
    aws("AddTagsToResource", **resource("mine"), Tags=added(team="b"))
    described = aws("DescribeDocument", Name="mine")["Document"]
    assert described["Tags"] == [{"Key": "aws:x", "Value": "y"}, {"Key": "team", "Value": "b"}]
    by_tag = aws("ListDocuments", Filters=[{"Key": "tag:team", "Values": ["b"]}])["DocumentIdentifiers"]
    assert [item["Name"] for item in by_tag] == ["mine"]


def test_what_is_said_of_an_ec2_instance(aws: Direct) -> None:
    text = r"resourceId should be in format mi-\[0-9a-f\]\{17\} for resource type ManagedInstance"
    with pytest.raises(APIError, match=text):
        aws("ListTagsForResource", ResourceType="ManagedInstance", ResourceId="i-0a1b2c3d4e5f60002")


@pytest.mark.parametrize(
    ("kind", "name", "code"),
    [
        ("Document", "nowhere", "InvalidResourceId"),
        ("Document", "AWS-RunShellScript", "InvalidResourceId"),
        ("Document", "arn:aws:ssm:us-east-1:123456789012:document/mine", "InvalidResourceId"),
        ("ManagedInstance", "mi-0a1b2c3d4e5f6ffff", "InvalidResourceId"),
        ("ManagedInstance", "i-0a1b2c3d4e5f60002", "ValidationException"),
        ("ManagedInstance", "mi-short", "ValidationException"),
        ("Parameter", "mine", "InvalidResourceType"),
        ("Bogus", "mine", "ValidationException"),
    ],
)
def test_what_has_no_tags(aws: Direct, kind: str, name: str, code: str) -> None:
    more: dict[str, dict[str, Any]] = {
        "ListTagsForResource": {},
        "AddTagsToResource": {"Tags": added(a="b")},
        "RemoveTagsFromResource": {"TagKeys": ["a"]},
    }
    for operation, params in more.items():
        assert aws.code(operation, ResourceType=kind, ResourceId=name, **params) == code


def test_tags_that_aws_does_not_take(aws: Direct) -> None:
    def code(*keys: str) -> str:
        pairs = [{"Key": key, "Value": "v"} for key in keys]
        return aws.code("AddTagsToResource", **resource("mine"), Tags=pairs)

    assert code("aws:mine") == code("AWS:mine") == code("a", "a") == "ValidationException"
    assert code("k" * 129) == code("sm;le") == "ValidationException"
    assert aws.code("RemoveTagsFromResource", **resource("mine"), TagKeys=["aws:x"]) == "ValidationException"
    assert tags(aws, "mine") == {"team": "a", "aws:x": "y"}
    assert code("k" * 128) == "ok"


def test_50_tags_are_the_limit_and_those_of_aws_do_not_count(aws: Direct) -> None:
    assert aws.code("AddTagsToResource", **resource("mine"), Tags=added(**{f"k{n}": "v" for n in range(49)})) == "ok"
    assert len(tags(aws, "mine")) == 51
    assert aws.code("AddTagsToResource", **resource("mine"), Tags=added(one="more")) == "TooManyTagsError"
    assert aws.code("AddTagsToResource", **resource("mine"), Tags=added(k1="new")) == "ok"


def test_tags_through_boto3() -> None:
    with LocalAWS({"regions": REGIONS}) as local:
        ssm = local.client("ssm")
        ssm.add_tags_to_resource(**resource(HYBRID), Tags=added(team="é ok"))
        assert ssm.list_tags_for_resource(**resource(HYBRID))["TagList"] == [{"Key": "team", "Value": "é ok"}]
        with pytest.raises(ssm.exceptions.InvalidResourceId):
            ssm.list_tags_for_resource(**resource("mi-0a1b2c3d4e5f6ffff"))
