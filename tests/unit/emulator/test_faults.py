# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test fault rules and throttling."""

from __future__ import annotations

import http.client
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, PaginationError, ReadTimeoutError

from emulator.fault_rules import FaultError
from emulator.faults import Faults, Throttle, make_fault
from emulator.testing import LocalAWS
from unit.support import signed_requests

NODE = "i-0123456789abcdef0"
SESSION = "operator-0123456789abcdef0"
NODES = [{"generate": 12, "id": "i-%017x"}, {"id": NODE}]
WORLD: dict[str, Any] = {
    "regions": {"us-east-1": {"nodes": NODES, "sessions": [{"session_id": SESSION, "target": NODE}]}},
    "limits": {"page_size": 5},
}
OPERATIONS = {"DescribeSessions", "GetConnectionStatus"}


def status(aws: LocalAWS, target: str = NODE, **extra: Any) -> Any:
    return aws.client("ssm", **extra).get_connection_status(Target=target)


def all_nodes(aws: LocalAWS) -> list[str]:
    pages = aws.client("ssm").get_paginator("describe_instance_information").paginate()
    return [node["InstanceId"] for page in pages for node in page["InstanceInformationList"]]


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_an_error_as_often_as_it_is_wanted_and_for_whom() -> None:
    with LocalAWS(WORLD) as aws:
        do = {"error": "InternalServerError", "message": "sorry", "status": 500}
        aws.add_fault(op="GetConnectionStatus", match={"Target": NODE}, after=1, times=2, do=do)
        assert status(aws)["Status"] == "connected"
        for unused in range(2):
            assert status(aws, "i-00000000000000001")["Status"] == "connected"
            with pytest.raises(ClientError) as error:
                status(aws)
            assert code(error) == "InternalServerError" and "sorry" in str(error.value)
        assert status(aws)["Status"] == "connected"


@pytest.mark.parametrize(("body", "kind"), [("<html>", "text/html"), ("", "text/html"), ({}, "application/json")])
def test_a_raw_reply_is_sent_as_it_is(body: Any, kind: str) -> None:
    with LocalAWS(WORLD) as aws:
        aws.add_fault(op="GetConnectionStatus", do={"raw": body, "content_type": kind})
        assert "Status" not in status(aws)
        assert aws.calls()[-1].outcome == "raw"


def test_a_delay_can_outlast_a_clients_patience() -> None:
    with LocalAWS(WORLD) as aws:
        aws.add_fault(op="GetConnectionStatus", do={"delay": 30})
        with pytest.raises(ReadTimeoutError):
            status(aws, config=Config(read_timeout=0.2, retries={"total_max_attempts": 1}))


def test_what_has_latency_is_done_when_it_comes_and_answered_later() -> None:
    with LocalAWS({**WORLD, "latency_ms": 60_000}) as aws:
        with pytest.raises(ReadTimeoutError):
            status(aws, config=Config(read_timeout=0.2, retries={"total_max_attempts": 1}))
        assert [call.outcome for call in aws.calls()] == ["ok"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_dropped_connection_leaves_the_write_undone_or_done(when: str) -> None:
    with LocalAWS(WORLD) as aws:
        ssm = aws.client("ssm")
        aws.add_fault(op="TerminateSession", do={"drop": when})
        with pytest.raises(ConnectionClosedError):
            ssm.terminate_session(SessionId=SESSION)
        assert aws.writes()[0].outcome == ("dropped" if when == "before" else "ok")
        assert "drop on TerminateSession" in str(aws.writes()[0].fault)
        listed = ssm.describe_sessions(State="Active")["Sessions"]
        assert [session["Status"] for session in listed] == ["Connected" if when == "before" else "Terminating"]


@pytest.mark.parametrize(("given", "status"), [({}, 400), ({"status": 500}, 500)])
def test_an_error_after_the_commit(given: dict[str, int], status: int) -> None:
    with LocalAWS(WORLD) as aws:
        ssm = aws.client("ssm")
        aws.add_fault(op="TerminateSession", do={"error": "InternalServerError", "commit": True, **given})
        with pytest.raises(ClientError) as error:
            ssm.terminate_session(SessionId=SESSION)
        assert code(error) == "InternalServerError"
        assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
        assert ssm.describe_sessions(State="Active")["Sessions"][0]["Status"] == "Terminating"


def test_half_a_body_is_not_a_reply() -> None:
    with LocalAWS(WORLD) as aws:
        aws.add_fault(op="GetConnectionStatus", times=2, do={"truncate": True})
        with pytest.raises(http.client.IncompleteRead):
            signed_requests.call_json(aws, "GetConnectionStatus", {"Target": NODE})
        # boto3 does not notice, and returns a result without a status.
        assert set(status(aws)) == {"ResponseMetadata"}
        assert status(aws)["Status"] == "connected"


def test_a_value_that_the_model_does_not_have() -> None:
    with LocalAWS(WORLD) as aws:
        aws.add_fault(op="GetConnectionStatus", do={"set": {"Status": "brandnew"}})
        aws.add_fault(op="DescribeSessions", do={"set": {"Sessions.0.Status": "Zombie"}})
        assert status(aws)["Status"] == "brandnew"
        ssm = aws.client("ssm")
        assert ssm.describe_sessions(State="Active")["Sessions"][0]["Status"] == "Zombie"
        assert ssm.describe_sessions(State="Active")["Sessions"][0]["Status"] == "Connected"


def test_an_empty_page_loses_nothing() -> None:
    with LocalAWS(WORLD) as aws:
        whole = all_nodes(aws)
        before = aws.position
        aws.add_fault(op="DescribeInstanceInformation", page=2, do={"page": "empty"})
        assert all_nodes(aws) == whole and len(whole) == 13
        assert len(aws.calls(since=before)) == 4


def test_the_same_token_again() -> None:
    with LocalAWS(WORLD) as aws:
        aws.add_fault(op="DescribeInstanceInformation", page=2, do={"page": "repeat"})
        with pytest.raises(PaginationError):
            all_nodes(aws)


@pytest.mark.parametrize("wanted", ["ExpiredTokenException", "InvalidNextToken", "ThrottlingException"])
def test_an_error_on_a_later_page(wanted: str) -> None:
    with LocalAWS(WORLD) as aws:
        aws.add_fault(op="DescribeInstanceInformation", page=3, do={"error": wanted})
        with pytest.raises(ClientError) as error:
            all_nodes(aws)
        assert code(error) == wanted
        assert [call.outcome for call in aws.calls()] == ["ok", "ok", wanted]


def test_a_bucket_of_tokens_is_emptied_and_refilled() -> None:
    clock = [0.0]
    throttle = Throttle({"Ask": {"rate": 2, "burst": 3}}, lambda: clock[0])
    assert [throttle.allows("Ask", "a") for unused in range(4)] == [True, True, True, False]
    assert throttle.allows("Ask", "b") and throttle.allows("Other", "a")
    clock[0] = 1.0
    assert [throttle.allows("Ask", "a") for unused in range(3)] == [True, True, False]
    clock[0] = 100.0
    assert [throttle.allows("Ask", "a") for unused in range(4)] == [True, True, True, False]


def test_too_fast_is_what_each_service_says() -> None:
    rates = {name: {"rate": 0.001, "burst": 1} for name in ("GetConnectionStatus", "DescribeInstances")}
    with LocalAWS({**WORLD, "throttle": rates}) as aws:
        ec2 = aws.client("ec2")
        status(aws)
        ec2.describe_instances()
        with pytest.raises(ClientError) as error:
            status(aws)
        assert code(error) == "ThrottlingException" and "Rate exceeded" in str(error.value)
        with pytest.raises(ClientError) as error:
            ec2.describe_instances()
        assert code(error) == "RequestLimitExceeded"


def test_a_fault_that_never_happens_fails_the_test() -> None:
    with LocalAWS(WORLD, strict=False) as aws:
        aws.add_fault(op="DescribeSessions", do={"drop": "before"})
    with pytest.raises(AssertionError, match=r"unused fault: drop on DescribeSessions \(fired 0, wanted 1\)"):
        aws.assert_clean()
    with LocalAWS(WORLD, strict=False) as aws:
        aws.add_fault(op="GetConnectionStatus", times=2, do={"raw": {}})
        status(aws)
    with pytest.raises(AssertionError, match=r"fired 1, wanted 2"):
        aws.assert_clean()


def test_always_is_at_least_once() -> None:
    rule = {"op": "*", "times": "always", "do": {"raw": {}}}
    faults = Faults([rule], OPERATIONS)
    assert faults.unused()
    assert all(faults.match(name, {}, 1) for name in ("DescribeSessions", "GetConnectionStatus", "GetConnectionStatus"))
    assert not faults.unused()


def test_the_first_rule_that_takes_a_call_acts() -> None:
    faults = Faults([{"op": "*", "do": {"drop": "before"}}, {"op": "*", "do": {"drop": "after"}}], OPERATIONS)
    taken = [faults.match("DescribeSessions", {}, 1) for unused in range(3)]
    assert [rule and rule.do["drop"] for rule in taken] == ["before", "after", None]


@pytest.mark.parametrize(
    "rule",
    [
        "text",
        {"do": {"drop": "before"}},
        {"op": "NoSuchOperation", "do": {"drop": "before"}},
        {"op": "*"},
        {"op": "*", "do": {}},
        {"op": "*", "do": {"explode": True}},
        {"op": "*", "do": {"drop": "during"}},
        {"op": "*", "do": {"page": "blank"}},
        {"op": "*", "do": {"drop": "before", "truncate": True}},
        {"op": "*", "do": {"drop": "before", "status": 500}},
        {"op": "*", "do": {"drop": "before"}, "times": 0},
        {"op": "*", "do": {"drop": "before"}, "times": "twice"},
        {"op": "*", "do": {"drop": "before"}, "after": -1},
        {"op": "*", "do": {"drop": "before"}, "page": 0},
        {"op": "*", "do": {"drop": "before"}, "match": ["Target"]},
        {"op": "*", "do": {"drop": "before"}, "when": "now"},
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(rule: Any) -> None:
    with pytest.raises(FaultError):
        make_fault(rule, OPERATIONS)
