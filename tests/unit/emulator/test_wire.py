# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test how requests are parsed and replies are written."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest

from emulator import model, replies, wire
from emulator.service import APIError
from emulator.testing import LocalAWS
from unit.support import signed_requests


def shape(operation: str) -> Any:
    return model.operation_model("ssm", operation).input_shape


@pytest.mark.parametrize("body", [b"{", b"[]", b'"text"', b"1", b"\xff\xfe", b'{"State": 1}', b'{"State": true}'])
def test_a_body_that_is_not_of_the_shape_is_a_serialization_error(body: bytes) -> None:
    with pytest.raises(APIError) as error:
        wire.parse_json(shape("DescribeSessions"), body)
    assert error.value.code == "SerializationException"


@pytest.mark.parametrize("value", ["5", 5.5, True, [5], {"a": 5}, 2**40])
def test_only_a_whole_number_is_an_integer(value: Any) -> None:
    with pytest.raises(APIError) as error:
        wire.parse_json(shape("DescribeSessions"), json.dumps({"MaxResults": value}).encode())
    assert error.value.code == "SerializationException"


def test_null_is_an_absent_member_but_not_an_item() -> None:
    assert wire.parse_json(shape("DescribeSessions"), b'{"State": "Active", "NextToken": null}') == {"State": "Active"}
    with pytest.raises(APIError):
        wire.parse_json(shape("DescribeSessions"), b'{"Filters": [null]}')


def test_an_unknown_member_reaches_the_validator() -> None:
    assert wire.parse_json(shape("GetConnectionStatus"), b'{"Tarrget": "x"}') == {"Tarrget": "x"}


def test_times_are_epoch_seconds_and_absent_members_stay_absent() -> None:
    output = model.operation_model("ssm", "DescribeSessions").output_shape
    moment = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
    session = {"SessionId": "a", "StartDate": moment, "EndDate": None, "AccessType": "Standard"}
    body = json.loads(replies.json_reply(output, {"Sessions": [session]}).body)
    assert body == {"Sessions": [{"SessionId": "a", "StartDate": 1767323045.0, "AccessType": "Standard"}]}


def test_a_query_list_is_counted_and_a_leftover_is_refused() -> None:
    form = wire.QueryForm(b"Action=A&Version=V&InstanceId.1=i-1&InstanceId.2=i-2&Filter.1.Name=n&Filter.1.Value.1=v")
    assert form.read(model.operation_model("ec2", "DescribeInstances").input_shape, True) == {
        "InstanceIds": ["i-1", "i-2"],
        "Filters": [{"Name": "n", "Values": ["v"]}],
    }
    with pytest.raises(APIError) as error:
        wire.QueryForm(b"Action=A&InstanceIdd.1=i-1").read(
            model.operation_model("ec2", "DescribeInstances").input_shape, True
        )
    assert error.value.code == "UnknownParameter"


@pytest.mark.parametrize("body", [b"Action=A&Action=B", b"\xff", b"Action"])
def test_a_malformed_form_is_refused(body: bytes) -> None:
    with pytest.raises(APIError) as error:
        wire.QueryForm(body)
    assert error.value.code == "MalformedQueryString"


def test_json_errors_have_the_shape_of_aws() -> None:
    with LocalAWS() as aws:
        missing = signed_requests.call_json(aws, "NoSuchOperation", {})
        garbled = signed_requests.call_json(aws, "DescribeSessions", b"{")
        modelled = signed_requests.call_json(aws, "DescribeDocument", {"Name": "not-there"})
    assert (missing.status, missing.code) == (400, "UnknownOperationException")
    assert (garbled.status, garbled.code) == (400, "SerializationException")
    assert modelled.json["__type"] == "InvalidDocument" and "does not exist" in modelled.json["Message"]
    for answer in (missing, garbled, modelled):
        assert answer.headers["content-type"] == "application/x-amz-json-1.1"
        assert len(answer.headers["x-amzn-requestid"]) == 36


def test_a_wrong_target_or_content_type_is_an_unknown_operation() -> None:
    with LocalAWS() as aws:
        for target, kind in (
            ("AmazonSSMM.DescribeSessions", signed_requests.JSON_TYPE),
            ("AmazonSSM.DescribeSessions", "text/json"),
        ):
            body = b'{"State": "Active"}'
            headers = signed_requests.sign(aws, "ssm", body, {"Content-Type": kind, "X-Amz-Target": target})
            assert signed_requests.send(aws, body, headers).code == "UnknownOperationException"


def test_query_errors_have_the_shape_of_each_service() -> None:
    with LocalAWS() as aws:
        ec2 = signed_requests.call_query(aws, "ec2", "NoSuchAction")
        sts = signed_requests.call_query(aws, "sts", "NoSuchAction")
    assert (ec2.status, ec2.code) == (400, "InvalidAction")
    assert (sts.status, sts.code) == (400, "InvalidAction")
    assert ec2.xml.find("Errors/Error/Code") is not None
    assert ec2.xml.find("RequestID") is not None
    assert sts.xml.find("{https://sts.amazonaws.com/doc/2011-06-15/}Error") is not None


def test_an_operation_that_aws_has_and_the_emulator_lacks_is_a_violation() -> None:
    with LocalAWS(strict=False) as aws:
        assert signed_requests.call_json(aws, "ListCommands", {}).code == "EmulatorContractViolation"
        assert signed_requests.call_query(aws, "ec2", "DescribeVpcs").code == "EmulatorContractViolation"
    assert len(aws.violations) == 2
