# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test the inventory when a call fails for one region, one page or one node."""

from __future__ import annotations

import os
import re
import traceback
from collections.abc import Iterator
from typing import Any

import pytest
from ansible.errors import AnsibleParserError
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.errors import SSMError
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.nodes import ec2
from ansible_collections.sessionops.aws.plugins.plugin_utils._environment import without_empty_variables

from emulator.testing import LocalAWS
from unit.support.inventory_source import Parsed, Source, parse
from unit.support.module_runner import connection
from unit.support.wrong_replies import CANARY, Wire, wrongs

EAST, WEST = (
    [f"i-1000000000000000{number}" for number in range(3)],
    [f"i-2000000000000000{number}" for number in range(3)],
)
REGIONS = ["us-east-1", "eu-west-1"]
WORLD: dict[str, Any] = {
    "limits": {"page_size": 1},
    "regions": {
        "us-east-1": {"nodes": [{"id": target} for target in EAST]},
        "eu-west-1": {"nodes": [{"id": target} for target in WEST]},
    },
}
LISTING = {"op": "DescribeInstanceProperties", "page": 2}


def broken(do: dict[str, Any], **rule: Any) -> dict[str, Any]:
    """Return the world with a fault on the second page of a listing. It happens once, unless ``rule`` has ``times``."""
    return {**WORLD, "faults": [{**LISTING, "do": do, "times": 1, **rule}]}


def run(world: dict[str, Any], **options: Any) -> Parsed:
    with LocalAWS(world, strict=False) as aws:
        return parse(aws, regions=REGIONS, **options)


@pytest.mark.parametrize(
    "do",
    [
        {"error": "AccessDeniedException"},
        {"error": "UnrecognizedClientException"},
        {"error": "InvalidNextToken"},
        {"raw": "{}", "status": 200},
        {"raw": "<html>", "status": 200},
        {"page": "repeat"},
        {"set": {"InstanceProperties.0.InstanceId": None}},
    ],
)
def test_a_listing_that_breaks_off_is_an_error_or_leaves_out_its_whole_region(do: dict[str, Any]) -> None:
    with pytest.raises(AnsibleParserError, match="Could not list the managed nodes"):
        run(broken(do))
    parsed = run(broken(do), strict_permissions=False)
    assert list(parsed.hosts) in (EAST, WEST)
    assert [" is left out. Could not list the managed nodes: " in warning for warning in parsed.warnings] == [True]


@pytest.mark.parametrize(
    ("operation", "path", "options"),
    [
        ("DescribeInstanceInformation", "InstanceInformationList.0", {}),
        ("DescribeInstances", "Reservations.0.Instances.0", {"ec2_details": True}),
    ],
)
def test_a_node_without_an_id_is_no_node(operation: str, path: str, options: dict[str, Any]) -> None:
    rules = [
        {"op": "DescribeInstanceProperties", "do": {"error": "AccessDeniedException"}, "times": "always"},
        {"op": operation, "do": {"set": {f"{path}.InstanceId": None}}, "times": 1},
    ]
    with pytest.raises(AnsibleParserError, match="the service returned an invalid reply"):
        run({**WORLD, "faults": rules}, **options)


SECRET = "TheVerySecretKeyOfTheRole0123456789abcdef"
BODIES = {
    "cut short": f"<AssumeRoleResponse><Credentials><SecretAccessKey>{SECRET}</SecretAccessKey><SessionToken>",
    "a page": f"<!DOCTYPE html><html><head><meta charset='utf-8'></head><body>{SECRET}<br></body></html>",
    "a page that is XML": f"<html><p>{SECRET}</p></html>",
    "a text": SECRET,
    "a message": f'{{"message": "{SECRET}"}}',
    "a half": f"<AssumeRoleResponse><AssumeRoleResult><Credentials><SecretAccessKey>{SECRET}</SecretAccessKey>"
    "</Credentials></AssumeRoleResult></AssumeRoleResponse>",
}
CALLS: dict[str, dict[str, Any]] = {
    "AssumeRole": {"assume_role_arn": "arn:aws:iam::123456789012:role/x"},
    "DescribeInstances": {"ec2_details": True},
    "DescribeInstanceProperties": {},
    "GetConnectionStatus": {},
}


@pytest.mark.parametrize("status", [200, 403])
@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("operation", CALLS)
def test_no_reply_is_shown(operation: str, body: str, status: int) -> None:
    """A reply that cannot be parsed may contain the secret key of a role."""
    rule = {"op": operation, "do": {"raw": BODIES[body], "status": status}, "times": "always"}
    world = {"regions": {"us-east-1": {"nodes": [{"id": EAST[0]}]}}, "faults": [rule]}
    with LocalAWS(world, strict=False) as aws:
        if operation == "GetConnectionStatus":  # the error of one node does not fail the inventory
            parsed = parse(aws, regions=REGIONS[:1])
            said = "".join([*parsed.warnings, *map(str, parsed.hosts.values())])
        else:
            with pytest.raises(AnsibleParserError, match="Could not ") as raised:
                parse(aws, regions=REGIONS[:1], **CALLS[operation])
            said = "".join(traceback.format_exception(raised.value))
    assert SECRET not in said and "<html" not in said


def test_a_region_whose_ec2_answers_no_xml_is_left_out() -> None:
    rule = {"op": "DescribeInstances", "do": {"raw": "", "status": 200}, "times": 1}
    parsed = run({**WORLD, "faults": [rule]}, ec2_details=True, strict_permissions=False)
    assert list(parsed.hosts) in (EAST, WEST)
    assert [" is left out. Could not read the details" in warning for warning in parsed.warnings] == [True]


@pytest.mark.parametrize("code", ["ExpiredTokenException", "InvalidSignatureException"])
def test_credentials_that_are_bad_everywhere_fail_in_any_case(code: str) -> None:
    with pytest.raises(AnsibleParserError, match=code):
        run(broken({"error": code}), strict_permissions=False)


def test_regions_of_which_none_can_be_listed_fail_in_any_case() -> None:
    rule = {"op": "DescribeInstanceProperties", "do": {"error": "UnrecognizedClientException"}, "times": "always"}
    with pytest.raises(AnsibleParserError, match="UnrecognizedClientException"):
        run({**WORLD, "faults": [rule]}, strict_permissions=False)


def test_nobody_is_told_of_statuses_in_a_region_that_is_left_out() -> None:
    parsed = run(broken({"error": "InvalidNextToken"}), strict_permissions=False)
    assert len(parsed.group("ssm_connected")) == 3


def denied(count: int) -> dict[str, Any]:
    nodes = [{"id": target, "status": "error: AccessDeniedException"} for target in EAST[:count]]
    return {"regions": {"us-east-1": {"nodes": [*nodes, *({"id": target} for target in EAST[count:])]}}}


def test_a_missing_permission_to_ask_fails_and_a_node_that_is_denied_does_not() -> None:
    with LocalAWS(denied(3)) as aws:
        with pytest.raises(AnsibleParserError, match="ssm:GetConnectionStatus"):
            parse(aws)
        assert parse(aws, strict_permissions=False).group("ssm_unknown") == EAST
    with LocalAWS(denied(2)) as aws:
        assert parse(aws).group("ssm_unknown") == EAST[:2]


def test_credentials_that_expire_while_statuses_are_asked_for_are_an_error() -> None:
    rule = {"op": "GetConnectionStatus", "after": 1, "do": {"error": "ExpiredTokenException"}, "times": "always"}
    with pytest.raises(AnsibleParserError, match="ExpiredTokenException"):
        run({**WORLD, "faults": [rule]}, strict_permissions=False)


def test_details_that_may_not_be_read() -> None:
    rule = {"op": "DescribeInstances", "do": {"error": "UnauthorizedOperation"}, "times": "always"}
    world = {**WORLD, "faults": [rule]}
    with pytest.raises(AnsibleParserError, match="ec2:DescribeInstances"):
        run(world, ec2_details=True)
    parsed = run(world, ec2_details=True, strict_permissions=False)
    assert list(parsed.hosts) == [*EAST, *WEST]
    assert len(parsed.warnings) == 2 and "have no EC2 variables" in parsed.warnings[0]


def test_an_endpoint_of_one_region_for_two_is_noticed() -> None:
    world = {"regions": {name: {"nodes": [{"id": EAST[0]}]} for name in REGIONS}}
    with pytest.raises(AnsibleParserError, match="is listed in both us-east-1 and eu-west-1"):
        run(world)


ROLE = "arn:aws:iam::210987654321:role/Inventory"


def test_a_role_is_assumed_and_signs_every_call() -> None:
    with LocalAWS({**WORLD, "roles": [ROLE]}) as aws:
        assert len(parse(aws, regions=REGIONS, assume_role_arn=ROLE, ec2_details=True).hosts) == 6
        first, *others = aws.calls()
        assert (first.operation, first.access_key) == ("AssumeRole", aws.world.default_identity.access_key)
        assert {call.access_key[:4] for call in others} == {"ASIA"}


@pytest.mark.parametrize("given", ["options", "environment"])
def test_temporary_credentials_sign_every_call_with_their_token(given: str) -> None:
    with LocalAWS({**WORLD, "roles": [ROLE]}) as aws:
        found = aws.client("sts").assume_role(RoleArn=ROLE, RoleSessionName="test")["Credentials"]
        keys = {"access_key": "AccessKeyId", "secret_key": "SecretAccessKey", "session_token": "SessionToken"}
        options = {option: found[member] for option, member in keys.items()} if given == "options" else {}
        names = {"AWS_ACCESS_KEY_ID": "AccessKeyId", "AWS_SECRET_ACCESS_KEY": "SecretAccessKey"}
        env = {name: found[member] for name, member in {**names, "AWS_SESSION_TOKEN": "SessionToken"}.items()}
        before = len(aws.calls())
        source = Source(aws, regions=REGIONS, ec2_details=True, **options)
        assert len(source.parse(env=env if given == "environment" else None).hosts) == 6
        assert {call.access_key for call in aws.calls()[before:]} == {found["AccessKeyId"]}


def test_the_credentials_of_a_role_are_renewed_before_they_end() -> None:
    # botocore renews credentials before the next call if they expire within ten minutes.
    with LocalAWS({**WORLD, "roles": [ROLE], "limits": {"role_seconds": 300}}) as aws:
        parse(aws, assume_role_arn=ROLE)
        keys = {call.access_key for call in aws.calls("GetConnectionStatus")}
        assert len(keys) > 1 and aws.world.default_identity.access_key not in keys


def test_a_role_that_may_not_be_assumed_is_one_sentence() -> None:
    with (
        LocalAWS(WORLD) as aws,
        pytest.raises(AnsibleParserError, match=f"Could not assume the role {ROLE}: AccessDenied"),
    ):
        parse(aws, assume_role_arn=ROLE, strict_permissions=False)


def test_empty_variables_are_none() -> None:
    """AWX sets a variable to an empty string if the credential has no value for it."""
    empty = dict.fromkeys(
        ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_DEFAULT_REGION", "AWS_URL"), ""
    )
    with LocalAWS(WORLD) as aws:
        assert list(Source(aws, regions=REGIONS).parse(env=empty).hosts) == [*EAST, *WEST]
        with pytest.raises(
            AnsibleParserError, match=r"No region was found\. Set regions, region or AWS_REGION, or use"
        ):
            Source(aws).parse(env={"AWS_REGION": "", "AWS_DEFAULT_REGION": ""})


def test_the_only_node_that_may_not_be_asked_for_is_an_error() -> None:
    with LocalAWS(
        {"regions": {"us-east-1": {"nodes": [{"id": EAST[0], "status": "error: AccessDeniedException"}]}}}
    ) as aws:
        with pytest.raises(AnsibleParserError, match="ssm:GetConnectionStatus"):
            parse(aws)
        assert parse(aws, strict_permissions=False).group("ssm_unknown") == EAST[:1]


def test_statuses_that_all_failed_for_another_reason_than_a_permission_are_unknown() -> None:
    nodes = [{"id": target, "status": "error: ValidationException"} for target in EAST]
    with LocalAWS({"regions": {"us-east-1": {"nodes": nodes}}}) as aws:
        assert parse(aws, strict_permissions=True).group("ssm_unknown") == EAST


def test_details_that_cannot_be_read_for_another_reason_than_a_permission_are_no_warning() -> None:
    rule = {"op": "DescribeInstances", "do": {"error": "InvalidParameterValue"}, "times": "always"}
    with pytest.raises(AnsibleParserError, match="InvalidParameterValue"):
        run({**WORLD, "faults": [rule]}, ec2_details=True, strict_permissions=False)


def test_nobody_is_asked_for_the_other_nodes_of_a_region_that_is_left_out() -> None:
    regions = {
        "us-east-1": {"nodes": [{"generate": 40, "id": "i-%017x"}]},
        "eu-west-1": {"nodes": [{"id": WEST[0]}]},
    }
    faults = [
        {"op": "DescribeInstanceProperties", "page": 2, "do": {"error": "InvalidNextToken"}, "times": 1},
        # With this delay the listing fails before most of its nodes are polled.
        {"op": "GetConnectionStatus", "do": {"delay": 0.05}, "times": "always"},
    ]
    with LocalAWS({"limits": {"page_size": 39}, "regions": regions, "faults": faults}) as aws:
        assert list(parse(aws, regions=REGIONS, max_workers=1, strict_permissions=False).hosts) == [WEST[0]]
        assert len(aws.calls("GetConnectionStatus")) < 40


def test_empty_variables_are_empty_again_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    with without_empty_variables():
        assert "AWS_PROFILE" not in os.environ and os.environ["AWS_REGION"] == "eu-west-1"
    assert (os.environ["AWS_PROFILE"], os.environ["AWS_REGION"]) == ("", "eu-west-1")


# Options that lead to each call.
REPLIES: dict[str, dict[str, Any]] = {
    **CALLS,
    "AssumeRole": {"assume_role_arn": ROLE},
    "DescribeInstanceInformation": {},
}


@pytest.mark.parametrize("operation", REPLIES)
def test_every_member_of_a_reply_has_every_wrong_type(operation: str) -> None:
    """Check that nothing of a wrong reply is shown, without a traceback, and that no host gets a status from it."""
    node = {"id": EAST[0], "status": "connected", "name": "web", "tags": {"team": "a"}}
    denied = {"op": "DescribeInstanceProperties", "times": "always", "do": {"error": "AccessDeniedException"}}
    faults = [denied] if operation == "DescribeInstanceInformation" else []
    with (
        LocalAWS({"regions": {"us-east-1": {"nodes": [node]}}, "roles": [ROLE], "faults": faults}) as aws,
        Wire() as wire,
    ):
        source = Source(aws, regions=REGIONS[:1], **REPLIES[operation])
        assert source.parse().group("ssm_connected") == [EAST[0]]
        # Creating a client for EC2 takes long.
        for wrong in wrongs(wire.bodies[operation][0], few=operation == "DescribeInstances"):
            wire.begin(operation, 0, wrong.change)
            outcome = "".join(_shown(source, asked=operation == "GetConnectionStatus"))
            if wrong.refused:
                assert outcome and CANARY not in outcome, (wrong.name, outcome)


def _shown(source: Source, *, asked: bool) -> Iterator[str]:
    """Yield the output of a run that fails. Any error except the plugin's own message is raised: a traceback."""
    try:
        parsed = source.parse()
    except AnsibleParserError as error:
        if not re.search("Could not |is in us-east-1", str(error)):
            raise
        yield from traceback.format_exception(error)
        return
    if asked and parsed.group("ssm_connected") != [EAST[0]]:
        yield from [*parsed.warnings, *map(str, parsed.hosts.values())]


def test_every_member_of_a_reply_of_ec2_has_every_wrong_type() -> None:
    with LocalAWS(WORLD) as aws, Wire() as wire:
        client = connection(aws).client("ec2", "us-east-1")
        assert list(ec2.details(client, EAST)) == EAST
        for wrong in wrongs(wire.bodies["DescribeInstances"][0]):
            wire.begin("DescribeInstances", 0, wrong.change)
            shown = ""
            try:
                found = ec2.details(client, EAST)
            except SSMError as error:
                found = {}
                shown = "".join(traceback.format_exception(error))
            assert not (wrong.refused and found) and (CANARY not in shown or not wrong.refused), wrong.name
