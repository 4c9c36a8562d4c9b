# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test filters, include_filters and exclude_filters: the nodes that they select, the operations and number of calls."""

from __future__ import annotations

import collections
from typing import Any

import pytest
from ansible.errors import AnsibleParserError

from emulator.testing import LocalAWS
from unit.support.inventory_source import parse

WEB, DB, OFF = (f"i-0a1b2c3d4e5f6000{number}" for number in range(1, 4))
HYBRID = "mi-0a1b2c3d4e5f60004"
GONE = "i-0a1b2c3d4e5f60009"
WORLD: dict[str, Any] = {
    "regions": {
        "us-east-1": {
            "nodes": [
                {"id": WEB, "tags": {"Env": "prod", "Team": "own"}},
                {"id": DB, "tags": {"Env": "dev"}, "platform": "Windows"},
                {"id": OFF, "tags": {"Env": "prod"}, "instance_state": "stopped"},
                {"id": HYBRID, "tags": {"Env": "prod"}},
            ]
        }
    }
}
PROPERTIES, INFORMATION = "DescribeInstanceProperties", "DescribeInstanceInformation"
DENIED = {"op": PROPERTIES, "do": {"error": "AccessDeniedException"}, "times": "always"}


def found(**options: Any) -> tuple[list[str], dict[str, int]]:
    """Return the hosts, and how often each listing was called."""
    with LocalAWS(WORLD) as aws:
        hosts = list(parse(aws, status_source="none", **options).hosts)
        return hosts, dict(collections.Counter(call.operation for call in aws.calls()))


@pytest.mark.parametrize(
    ("filters", "hosts", "operation"),
    [
        ({"PlatformTypes": "Linux"}, [WEB, OFF, HYBRID], PROPERTIES),
        ({"PlatformTypes": "Linux", "ResourceType": "ManagedInstance"}, [HYBRID], PROPERTIES),
        ({"InstanceIds": [WEB, OFF]}, [WEB, OFF], PROPERTIES),
        ({"tag:Env": "prod"}, [WEB, HYBRID], INFORMATION),
        ({"tag:Env": ["prod", "dev"]}, [WEB, DB, HYBRID], INFORMATION),
        ({"tag:Env": "prod", "tag:Team": "own"}, [WEB], INFORMATION),
        ({"tag-key": "Team"}, [WEB], INFORMATION),
        ({"tag:Env": "prod", "ResourceType": "ManagedInstance"}, [HYBRID], INFORMATION),
        ({"SourceIds": DB}, [DB], INFORMATION),
        ({"SourceTypes": "AWS::SSM::ManagedInstance"}, [HYBRID], INFORMATION),
    ],
)
def test_filters_are_sent_to_the_operation_that_has_them(
    filters: dict[str, Any], hosts: list[str], operation: str
) -> None:
    assert found(filters=filters) == (hosts, {operation: 1})


def test_nodes_of_any_included_set_are_listed_once() -> None:
    sets = [{"PlatformTypes": "Linux"}, {"InstanceIds": [WEB, DB]}]
    assert found(include_filters=sets) == ([WEB, DB, OFF, HYBRID], {PROPERTIES: 2})
    assert found(filters={"InstanceIds": DB}, include_filters=[{"ResourceType": "ManagedInstance"}])[0] == [DB, HYBRID]


def test_nodes_of_an_excluded_set_are_left_out_without_a_call() -> None:
    excludes = [{"PlatformTypes": "Windows"}, {"InstanceIds": [HYBRID]}]
    assert found(exclude_filters=excludes) == ([WEB, OFF], {PROPERTIES: 1})


def test_excluded_tags_take_two_listings_and_hold_for_what_the_other_listing_would_show() -> None:
    # DescribeInstanceProperties would list the stopped instance, but DescribeInstanceInformation cannot exclude it.
    assert found(exclude_filters=[{"tag:Env": "prod"}]) == ([DB], {INFORMATION: 3})
    assert found(exclude_filters=[{"tag:Env": "prod"}, {"tag:Env": "dev"}]) == ([], {INFORMATION: 5})
    assert found(exclude_filters=[{"tag:Env": "prod", "ResourceType": "EC2Instance"}])[0] == [DB, HYBRID]


def test_nobody_is_asked_for_the_status_of_an_excluded_node() -> None:
    with LocalAWS(WORLD) as aws:
        parse(aws, exclude_filters=[{"tag:Env": "prod"}])
        assert [call.params["Target"] for call in aws.calls("GetConnectionStatus")] == [DB]


@pytest.mark.parametrize("faults", [[], [DENIED]])
@pytest.mark.parametrize(
    "filters", [{"ResourceType": ["EC2Instance", "ManagedInstance"]}, {"PlatformTypes": ["Windows", "Linux"]}]
)
def test_a_request_has_one_value_of_what_aws_accepts_one_of(
    filters: dict[str, Any], faults: list[dict[str, Any]]
) -> None:
    with LocalAWS({**WORLD, "faults": faults}) as aws:
        hosts = list(parse(aws, status_source="none", filters=filters).hosts)
        assert hosts == ([WEB, DB, HYBRID] if faults else [WEB, DB, OFF, HYBRID])
        operation = INFORMATION if faults else PROPERTIES
        asked = [call.params for call in aws.calls(operation)]
        assert len(asked) == 2 and not any(value in str(asked[0]) for value in next(iter(filters.values()))[1:])


OWNER = [{"Key": "tag:Env", "Values": ["dev"]}]
NOBODY: dict[str, Any] = {"set": {"InstanceInformationList": []}}


def excluding(do: dict[str, Any], **rule: Any) -> dict[str, Any]:
    """Return the world with a fault in the listing of the excluded nodes."""
    return {**WORLD, "faults": [{"op": INFORMATION, "match": {"Filters": OWNER}, "do": do, **rule}]}


@pytest.mark.parametrize("after", [0, 1])
def test_a_node_that_gets_an_excluded_tag_while_nodes_are_listed_is_left_out(after: int) -> None:
    """Check also a node that loses the tag. In both cases one of the two listings has the node."""
    with LocalAWS(excluding(NOBODY, after=after)) as aws:
        parsed = parse(aws, filters={"InstanceIds": [WEB, DB]}, exclude_filters=[{"tag:Env": "dev"}])
        assert list(parsed.hosts) == parsed.group("ssm_connected") == [WEB]
        listed = [call.params["Filters"][0]["Key"] for call in aws.calls(INFORMATION)]
        assert listed == ["tag:Env", "InstanceIds", "tag:Env"]
        # A node that only the second listing excludes was polled before.
        asked = [call.params["Target"] for call in aws.calls("GetConnectionStatus")]
        assert sorted(asked) == ([WEB, DB] if after == 0 else [WEB])


def test_the_status_and_the_details_of_a_node_that_is_excluded_late_are_dropped() -> None:
    world = excluding(NOBODY)
    nodes = [{**node, "status": "error: AccessDeniedException"} for node in world["regions"]["us-east-1"]["nodes"]]
    with LocalAWS({**world, "regions": {"us-east-1": {"nodes": nodes}}}) as aws:
        ids = {"InstanceIds": [WEB, DB]}
        parsed = parse(
            aws, filters=ids, exclude_filters=[{"tag:Env": "dev"}], ec2_details=True, strict_permissions=False
        )
        assert ["of 1 of 1 nodes is unknown" in warning for warning in parsed.warnings] == [True]
        [asked] = aws.calls("DescribeInstances")
        assert asked.params["Filters"] == [{"Name": "instance-id", "Values": [WEB]}]


@pytest.mark.parametrize("after", [0, 1])
@pytest.mark.parametrize(
    ("do", "sentence"),
    [
        ({"error": "AccessDeniedException"}, "The caller needs the permission ssm:DescribeInstanceInformation."),
        ({"raw": "{}", "status": 200}, "the service returned an invalid reply."),
    ],
)
def test_either_listing_of_what_is_excluded_may_fail(do: dict[str, Any], sentence: str, after: int) -> None:
    world = excluding(do, after=after, times="always")
    world["regions"] = {**world["regions"], "eu-west-1": {}}
    options: dict[str, Any] = {"regions": ["us-east-1", "eu-west-1"], "exclude_filters": [{"tag:Env": "dev"}]}
    with LocalAWS(world, strict=False) as aws, pytest.raises(AnsibleParserError, match="Could not list") as raised:
        parse(aws, **options)
    assert sentence in str(raised.value)
    world["faults"][0]["times"] = 1  # the listings of the other region then succeed
    with LocalAWS(world, strict=False) as aws:
        parsed = parse(aws, **options, strict_permissions=False)
        [warning] = parsed.warnings
        assert " is left out. Could not list the managed nodes: " in warning and sentence in warning


def test_statuses_are_asked_for_before_what_is_excluded_is_listed_again() -> None:
    pages = {"limits": {"page_size": 1}, "latency_ms": {INFORMATION: 60}}
    with LocalAWS({**WORLD, **pages}) as aws:
        parse(aws, exclude_filters=[{"tag:Env": "dev"}])
        order = [call.operation for call in aws.calls()]
    assert "GetConnectionStatus" in order[: len(order) - order[::-1].index(INFORMATION)]


def test_more_values_than_a_request_takes() -> None:
    many = [f"i-{number:017x}" for number in range(100)]
    assert found(filters={"InstanceIds": [*many, WEB]}) == ([WEB], {PROPERTIES: 3})
    assert found(filters={"tag:Env": [*many, "dev"]}) == ([DB], {INFORMATION: 2})


@pytest.mark.parametrize("faults", [[], [DENIED]])
def test_an_id_that_is_not_registered_any_more_keeps_no_other_node_from_being_listed(faults: list[Any]) -> None:
    with LocalAWS({**WORLD, "faults": faults, "switches": {"unknown_instance_id": "InvalidInstanceId"}}) as aws:
        assert list(parse(aws, filters={"InstanceIds": [WEB, GONE]}).hosts) == [WEB]


def test_the_older_listing_serves_where_the_newer_is_denied() -> None:
    with LocalAWS({**WORLD, "faults": [DENIED]}) as aws:
        assert list(parse(aws, include_filters=[{"PlatformTypes": "Linux"}, {"InstanceIds": DB}]).hosts) == [
            WEB,
            DB,
            HYBRID,
        ]
        assert len(aws.calls(PROPERTIES)) == 1


@pytest.mark.parametrize("value", ["{{ 'pr' ~ 'od' }}", ["{{ lookup('env', 'HOME') and 'prod' }}", "other"]])
def test_their_values_may_be_templates(value: Any) -> None:
    assert found(filters={"tag:Env": value})[0] == found(include_filters=[{"tag:Env": value}])[0] == [WEB, HYBRID]
    assert found(exclude_filters=[{"PingStatus": "Inactive"}, {"tag:Env": value}])[0] == [DB]


def test_a_value_that_aws_does_not_know_is_an_error() -> None:
    with LocalAWS(WORLD) as aws, pytest.raises(AnsibleParserError, match="Region us-east-1: Could not list"):
        parse(aws, filters={"PlatformTypes": "Plan9"})


@pytest.mark.parametrize("option", ["filters", "include_filters", "exclude_filters"])
@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("PlatformTypes", "linux", "'linux' is not a value of PlatformTypes. Did you mean 'Linux'?"),
        ("PingStatus", ["Online", "Inactve"], "'Inactve' is not a value of PingStatus. Did you mean 'Inactive'?"),
        ("ResourceType", "EC2instance", "'EC2instance' is not a value of ResourceType. Did you mean 'EC2Instance'?"),
        ("InstanceIds", [WEB, "web-1"], "'web-1' is not a node ID; expected i-... or mi-..."),
    ],
)
def test_a_value_that_no_node_can_have_is_refused_before_any_call(
    option: str, key: str, value: Any, sentence: str
) -> None:
    with LocalAWS(WORLD) as aws:
        with pytest.raises(AnsibleParserError) as raised:
            parse(aws, **{option: {key: value} if option == "filters" else [{key: value}]})
        assert str(raised.value).endswith(f"{option}: {sentence}")
        assert aws.calls() == []


NOTHING = "exclude_filters: no node matches {}, so this entry excludes nothing."


@pytest.mark.parametrize(
    ("excludes", "warnings"),
    [
        ([{"tag:Env": "dev"}], []),
        ([{"tag:Env": "dve"}], [NOTHING.format("tag:Env=dve")]),
        ([{"tag:env": "prod"}, {"InstanceIds": [WEB]}], [NOTHING.format("tag:env=prod")]),
        ([{"InstanceIds": "i-0a1b2c3d4e5f6ffff"}], [NOTHING.format("InstanceIds=i-0a1b2c3d4e5f6ffff")]),
        ([{"tag:Env": ["x", "y"], "PlatformTypes": "Linux"}], [NOTHING.format("PlatformTypes=Linux, tag:Env=x,y")]),
        # No warning for a valid value that no node has at the moment.
        ([{"PlatformTypes": "MacOS"}], []),
    ],
)
def test_an_entry_that_excludes_nothing_is_a_warning_at_no_call(excludes: list[Any], warnings: list[str]) -> None:
    with LocalAWS(WORLD) as aws:
        parsed = parse(aws, exclude_filters=excludes)
        assert parsed.warnings == warnings
        tagged = sum(any(key.startswith("tag:") for key in each) for each in excludes)
        assert len(aws.calls(PROPERTIES)) + len(aws.calls(INFORMATION)) == 1 + 2 * tagged


def test_an_entry_may_be_for_the_nodes_of_another_region_or_of_one_that_is_left_out() -> None:
    away = {"id": GONE, "tags": {"Env": "away"}}
    world = {"regions": {**WORLD["regions"], "eu-west-1": {"nodes": [away]}}}
    options: dict[str, Any] = {"regions": ["us-east-1", "eu-west-1"], "exclude_filters": [{"tag:Env": "away"}]}
    with LocalAWS(world) as aws:
        assert parse(aws, **options).warnings == []
    options["exclude_filters"] = [{"tag:Env": "nowhere"}]
    with LocalAWS(world) as aws:
        assert parse(aws, **options).warnings == [NOTHING.format("tag:Env=nowhere")]
    fault = {"op": INFORMATION, "do": {"raw": "{}", "status": 200}}
    with LocalAWS({**world, "faults": [fault]}) as aws:
        (warning,) = parse(aws, **options, strict_permissions=False).warnings
        assert " is left out. Could not list the managed nodes: " in warning


# Two nodes that differ in every key, and the value of each key that selects the first node.
EACH_WORLD = {
    "regions": {
        "us-east-1": {
            "nodes": [
                {
                    "id": HYBRID,
                    "platform": "MacOS",
                    "agent_version": "3.1.0.0",
                    "ping_status": "ConnectionLost",
                    "association_status": "Failed",
                    "activation_id": "0a1b2c3d-0000-4000-8000-000000000001",
                    "iam_role": "Office",
                    "tags": {"Patch": "true", "Count": "1"},
                },
                {"id": WEB, "agent_version": "3.2.0.0", "association_status": "Success", "tags": {"Count": "2"}},
            ]
        }
    }
}
EACH = {
    "ActivationIds": "0a1b2c3d-0000-4000-8000-000000000001",
    "AgentVersion": "3.1.0.0",
    "AssociationStatus": "Failed",
    "IamRole": "Office",
    "InstanceIds": HYBRID,
    "PingStatus": "ConnectionLost",
    "PlatformTypes": "MacOS",
    "ResourceType": "ManagedInstance",
    "SourceIds": HYBRID,
    "SourceTypes": "AWS::SSM::ManagedInstance",
    "tag-key": "Patch",
    # YAML converts these values if they are not quoted.
    "tag:Patch": True,
    "tag:Count": 1,
}


def test_every_key_is_tried_below() -> None:
    with LocalAWS(WORLD) as aws, pytest.raises(AnsibleParserError) as caught:
        parse(aws, filters={"NoSuchKey": "x"})
    known = str(caught.value).partition(" Supported: ")[2].partition(", tag:KEY")[0].split(", ")
    assert set(known) == {key for key in EACH if not key.startswith("tag:")}


@pytest.mark.parametrize("key", EACH)
def test_every_key_finds_and_leaves_out(key: str) -> None:
    value = EACH[key]
    with LocalAWS(EACH_WORLD) as aws:

        def hosts(**options: Any) -> list[str]:
            return list(parse(aws, status_source="none", **options).hosts)

        assert hosts(filters={key: value}) == [HYBRID]
        assert hosts(exclude_filters=[{key: [value]}]) == [WEB]
        # With a condition on tags, the plugin evaluates the other conditions itself.
        assert hosts(filters={"tag:Count": [1, 2], key: value}) == [HYBRID]


@pytest.mark.parametrize(
    "values", [[], None, [None], ["Online", None], ["Online", {"a": "b"}], ["Online", ["x"]]], ids=str
)
@pytest.mark.parametrize("option", ["filters", "include_filters", "exclude_filters"])
def test_what_is_no_value_is_an_error_before_any_call(option: str, values: Any) -> None:
    given = {"PingStatus": values}
    with LocalAWS(WORLD) as aws:
        with pytest.raises(
            AnsibleParserError, match=f"{option}: PingStatus must have a value or a list of values, not "
        ):
            parse(aws, **{option: given if option == "filters" else [given]})
        assert aws.calls() == []
