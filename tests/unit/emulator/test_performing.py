# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test that a call over HTTP and a call inside the test's process have the same result."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from typing import Any

import botocore.serialize
import pytest
from botocore.exceptions import ConnectionClosedError

from emulator import model, performing
from emulator.direct import Direct
from emulator.engine import NO_HOST, VIOLATION
from emulator.journal import is_write
from emulator.service import APIError, Call, NoSuchHostError, ViolationError
from emulator.testing import LocalAWS
from emulator.world import World
from emulator.world_values import WorldError
from unit.support import every_operation, input_mutants, signed_requests
from unit.support.every_operation import Asked

BASES = every_operation.bases()
REGIONAL = [base for base in BASES if base.service in performing.REGIONAL]


def inside(given: Asked, region: str = "us-east-1") -> str:
    """Make a call in this process and return its error code, or ``ok``."""
    world = World(every_operation.WORLD)
    try:
        performing.perform(world, given.call(world, region))
    except APIError as error:
        return error.code
    except ViolationError:
        return VIOLATION
    except NoSuchHostError:
        return NO_HOST
    return "ok"


def over_http(aws: LocalAWS, given: Asked, region: str = "us-east-1") -> str:
    """Make the same call over HTTP and return its error code, or ``ok``."""
    before = aws.position
    try:
        answer = send(aws, given, region)
    except http.client.RemoteDisconnected:
        [call] = aws.calls(since=before)
        return call.outcome
    return answer.code or "ok"


@pytest.fixture(scope="module")
def untouched() -> Iterator[LocalAWS]:
    """Serve a world for calls that do not change it."""
    with LocalAWS(every_operation.WORLD, strict=False) as aws:
        yield aws


def send(aws: LocalAWS, given: Asked, region: str) -> signed_requests.Answer:
    if given.service in signed_requests.TARGETS:
        return signed_requests.call_json(aws, given.operation, given.params, service=given.service, region=region)
    operation = model.operation_model(given.service, given.operation)
    serializer = botocore.serialize.create_serializer(operation.metadata["protocol"], include_validation=False)
    request: Any = serializer.serialize_to_request(given.params, operation)
    body, headers = signed_requests.body_of(request)
    return signed_requests.send(aws, body, signed_requests.sign(aws, given.service, body, headers, region=region))


@pytest.mark.parametrize("base", BASES, ids=str)
def test_both_ways_answer_alike(untouched: LocalAWS, base: Asked) -> None:
    for given in (base, *every_operation.variants(base)):
        if is_write(base.operation):
            with LocalAWS(every_operation.WORLD, strict=False) as aws:
                found = over_http(aws, given)
        else:
            found = over_http(untouched, given)
        assert (str(given), found) == (str(given), inside(given))


@pytest.mark.parametrize("operation", sorted(base.operation for base in BASES if base.service == "ssm"))
def test_both_ways_refuse_what_the_model_does_not_allow(operation: str) -> None:
    with LocalAWS(every_operation.WORLD) as aws:
        direct = Direct(every_operation.WORLD["regions"])
        for mutant in input_mutants.mutants(operation):
            assert signed_requests.call_json(aws, operation, mutant.params).code == mutant.code
            assert direct.code(operation, **mutant.params) == mutant.code


# --- regions that the world lacks --------------------------------------------------------------------


@pytest.mark.parametrize("base", REGIONAL, ids=str)
@pytest.mark.parametrize("region", ["eu-wst-1", "ap-south-1"])
def test_a_region_that_the_world_lacks_has_no_host(untouched: LocalAWS, base: Asked, region: str) -> None:
    assert inside(base, region) == NO_HOST
    assert over_http(untouched, base, region) == NO_HOST


def test_a_client_of_a_region_that_the_world_lacks_gets_no_answer() -> None:
    with LocalAWS(every_operation.WORLD) as aws:
        for service, ask in (("ssm", "describe_instance_information"), ("ec2", "describe_instances")):
            with pytest.raises(ConnectionClosedError):
                getattr(aws.client(service, region="eu-wst-1"), ask)()
        assert [(call.region, call.outcome) for call in aws.calls()] == [("eu-wst-1", NO_HOST)] * 2


def test_a_call_in_this_process_is_not_answered_by_a_region_that_the_world_lacks() -> None:
    with pytest.raises(NoSuchHostError, match=r"ssm\.eu-wst-1\.amazonaws\.com"):
        Direct(every_operation.WORLD["regions"])("DescribeSessions", region="eu-wst-1", State="Active")


def test_a_write_in_such_a_region_leaves_no_trace() -> None:
    with LocalAWS(every_operation.WORLD) as aws:
        with pytest.raises(ConnectionClosedError):
            aws.client("ssm", region="eu-wst-1").create_document(Name="new", Content="{}")
        assert [entry.outcome for entry in aws.writes()] == [NO_HOST]
        with pytest.raises(WorldError):
            aws.set_status(every_operation.NODE, "connected", region="eu-wst-1")


def test_the_signature_is_verified_first() -> None:
    """Check that the reply to an unsigned request does not tell which regions the world has."""
    with LocalAWS(every_operation.WORLD) as aws:
        body = b"{}"
        headers = {"Content-Type": signed_requests.JSON_TYPE, "X-Amz-Target": "AmazonSSM.ListDocuments"}
        signed = signed_requests.sign(aws, "ssm", body, headers, region="eu-wst-1")
        signed["Authorization"] = signed["Authorization"][:-1] + ("0" if signed["Authorization"][-1] != "0" else "1")
        assert signed_requests.send(aws, body, signed).code == "InvalidSignatureException"


def test_a_body_that_cannot_be_read_makes_no_host() -> None:
    with LocalAWS(every_operation.WORLD) as aws:
        headers = {"Content-Type": signed_requests.JSON_TYPE, "X-Amz-Target": "AmazonSSM.ListDocuments"}
        with pytest.raises(http.client.RemoteDisconnected):
            signed_requests.send(aws, b"{", signed_requests.sign(aws, "ssm", b"{", headers, region="eu-wst-1"))


def test_the_global_endpoint_of_sts_is_there_whatever_the_regions() -> None:
    world = World({"regions": {"eu-west-1": {}}})
    call = Call("sts", "GetCallerIdentity", {}, world.default_identity, "us-east-1")
    assert performing.perform(world, call)["Account"] == world.account_id


def test_an_operation_that_is_not_emulated_is_a_violation_in_both_ways() -> None:
    with pytest.raises(ViolationError, match="ssm:ListCommands is not emulated"):
        Direct()("ListCommands")
    with LocalAWS(strict=False) as aws:
        assert signed_requests.call_json(aws, "ListCommands", {}).code == VIOLATION
