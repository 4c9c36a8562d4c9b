# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test ssm_connection_status with faults, invalid input and waits."""

from __future__ import annotations

import contextlib
import functools
import os
import time
import tracemalloc
from collections.abc import Collection, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import botocore.session
import pytest
from ansible_collections.sessionops.aws.plugins.module_utils._ssm import clients, option_time, progress_file
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.errors import SSMError
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.nodes import wait
from botocore.exceptions import ClientError

from emulator.testing import LocalAWS
from unit.support.connection_status import connection_status as ask

ONE = "i-0a1b2c3d4e5f60001"
TWO = "mi-0a1b2c3d4e5f60002"
ECS = "ecs:fleet_0123456789abcdef_0123456789abcdef-1"
STATUS, PROPERTIES, INFORMATION = "GetConnectionStatus", "DescribeInstanceProperties", "DescribeInstanceInformation"
# Lists and mappings that became one string, and other strings that are not IDs, with the end of each message.
FORMS = (
    r"is not a target ID; expected i-\.\.\., mi-\.\.\., ecs:CLUSTER_TASK_RUNTIME or "
    r"sagemaker-cluster:CLUSTER_GROUP-INSTANCE\."
)
NO_TARGETS = {
    **dict.fromkeys((f"{ONE} {TWO}", f"{ONE},{TWO}", f"{ONE}; {TWO}", f"['{ONE}']", f"{{'target': '{ONE}'}}"), "$"),
    **dict.fromkeys(("", "web-1.example.com", "10.0.0.1", ONE.upper(), f"{ONE}0", "i-0a1b2c3", "mi-0a1b2c3d"), "$"),
    f"arn:aws:ec2:us-east-1:123456789012:instance/{ONE}": f" Use the ID in the ARN: {ONE}.$",
    f"arn:aws:ssm:us-east-1:123456789012:managed-instance/{TWO}": f" Use the ID in the ARN: {TWO}.$",
    "arn:aws:ecs:us-east-1:123456789012:task/shop/0123456789abcdef0123456789abcdef": "$",
    "ecs:shop": "$",
    **dict.fromkeys(
        (f"ecs:{cluster}_0123456789abcdef0123456789abcdef" for cluster in ("shop", "my_shop")),
        " The runtime ID is missing. .* as runtimeId in describe-tasks.$",
    ),
    "jane-0a1b2c3d4e5f6a7b8": " This looks like a session ID.$",
    "x" * 401: "$",
}


def world(one: Any = "connected", two: Any = "notconnected", **settings: Any) -> dict[str, Any]:
    nodes = [{"id": ONE, "status": one}, {"id": TWO, "status": two}]
    return {"regions": {"us-east-1": {"nodes": nodes}}, **settings}


def operations(aws: LocalAWS) -> list[str]:
    return sorted(call.operation for call in aws.calls())


@contextlib.contextmanager
def without_waiting(look: float = 0) -> Iterator[None]:
    """Make pauses of a wait take no time. The clock moves by each pause, and at each reading by ``look`` seconds."""
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    def shown() -> float:
        sleep(look)
        return now[0]

    clock = wait.Clock(shown, sleep, lambda low, high: 1)
    with mock.patch.object(wait, "Clock", return_value=clock):
        yield


@pytest.mark.parametrize(("wait_for", "more"), [(None, {}), ("connected", {"late": []})])
def test_a_task_changes_nothing_and_asks_for_no_more_than_it_is_to(wait_for: str | None, more: dict[str, Any]) -> None:
    with LocalAWS(world("connected", "connected")) as aws:
        assert ask(aws, targets=[ONE, TWO, ONE], wait_for=wait_for) == {
            "changed": False,
            "statuses": [{"target": ONE, "status": "connected"}, {"target": TWO, "status": "connected"}],
            "connected": [ONE, TWO],
            "not_connected": [],
            "unknown": [],
            **more,
        }
        assert operations(aws) == [STATUS, STATUS]


@pytest.mark.parametrize("case", ["lower", "title"])
def test_the_status_however_it_is_spelt(case: str) -> None:
    with LocalAWS(world(switches={"status_case": case})) as aws:
        done = ask(aws, targets=[ONE, TWO])
        assert (done["connected"], done["not_connected"]) == ([ONE], [TWO])


@pytest.mark.parametrize(
    "do",
    [
        {"raw": "{}", "status": 200},
        {"raw": "<html>", "status": 200},
        {"raw": "[]", "status": 200},
        {"raw": "", "status": 200},
        {"truncate": True},
        {"drop": "before"},
        {"error": "InternalServerError", "status": 500},
        {"set": {"Status": "brandnew"}},
    ],
    ids=str,
)
def test_what_cannot_be_read_is_unknown_and_never_not_connected(do: dict[str, Any]) -> None:
    fault = {"op": "GetConnectionStatus", "match": {"Target": ONE}, "do": do}
    with LocalAWS(world(faults=[fault])) as aws:
        done = ask(aws, targets=[ONE, TWO])
        assert (done["unknown"], done["not_connected"]) == ([ONE], [TWO])
        assert done["statuses"][0]["reason"]


def test_a_task_that_learned_nothing_fails() -> None:
    fault = {"op": "GetConnectionStatus", "times": 2, "do": {"error": "AccessDeniedException"}}
    with LocalAWS(world(faults=[fault])) as aws:
        with pytest.raises(
            SSMError, match=f"status of {ONE}: .*The caller needs the permission ssm:GetConnectionStatus"
        ):
            ask(aws, targets=[ONE, TWO])


def test_credentials_that_have_expired_end_it_at_once() -> None:
    fault = {"op": "GetConnectionStatus", "times": "always", "do": {"error": "ExpiredTokenException"}}
    with LocalAWS(world(faults=[fault])) as aws:
        with pytest.raises(SSMError, match="ExpiredTokenException"):
            ask(aws, targets=[f"i-{number:017x}" for number in range(500)])
        assert len(aws.calls()) < 500


def test_no_more_calls_are_made_at_a_time_than_there_are_workers() -> None:
    latency = 0.1
    with LocalAWS(world(latency_ms=latency * 1000)) as aws:
        started = time.monotonic()
        ask(aws, targets=[f"i-{number:017x}" for number in range(12)], max_workers=2)
        # 12 calls by two workers take at least six times the latency, however fast the machine is.
        assert time.monotonic() - started >= 12 / 2 * latency


@pytest.mark.parametrize("target", ["ecs:fleet_0123456789abcdef_0123456789abcdef-1", "mi-0a1b2c3d4e5f60009"])
def test_targets_are_passed_on_as_they_are(target: str) -> None:
    with LocalAWS(world()) as aws:
        ask(aws, targets=[target])
        assert aws.calls()[0].params == {"Target": target}


def test_the_spelling_of_other_versions_of_the_service_counts_for_a_wait() -> None:
    with LocalAWS(world(["notconnected", "connected"], switches={"status_case": "title"})) as aws:
        done = ask(aws, targets=[ONE], wait_for="connected", wait_delay=0.01)
        assert done["statuses"] == [{"target": ONE, "status": "connected"}]


def test_a_status_that_nobody_knows_is_no_step_towards_the_one_that_is_waited_for() -> None:
    fault = {"op": "GetConnectionStatus", "after": 1, "do": {"set": {"Status": "brandnew"}}}
    with LocalAWS(world("connected", faults=[fault])) as aws:
        done = ask(aws, targets=[ONE], wait_for="connected", wait_delay=0.01, consecutive=2)
        assert done["connected"] == [ONE]
        assert len(aws.calls()) == 4


# The message's part about a node that is running but not connected.
LISTED = "(ping status Online, last ping 2026-11-23T11:59:00Z, instance running)"


def test_what_was_waited_for_in_vain_is_named_with_what_is_known_of_it() -> None:
    with LocalAWS(world("notconnected", "error: AccessDeniedException")) as aws:
        done = ask(aws, targets=[ONE, TWO], wait_for="connected", wait_timeout=0, consecutive=2)
        assert done["failed"]
        assert done["late"] == [ONE, TWO]
        assert (done["not_connected"], done["unknown"]) == ([ONE], [TWO])
        assert done["msg"].startswith(
            f"2 of 2 targets did not have the status connected 2 times in a row within 0 seconds: {ONE} {LISTED}, "
            f"{TWO}. "
            f"The status of 1 of them is unknown. The first reason: Could not get the connection status of {TWO}: "
            "AccessDeniedException: "
        )


@pytest.mark.parametrize("count", [10, 11])
def test_ten_of_those_that_were_waited_for_in_vain_are_named(count: int) -> None:
    targets = [f"i-{number:017x}" for number in range(count)]
    with LocalAWS({"regions": {"us-east-1": {"nodes": [{"id": target} for target in targets]}}}) as aws:
        for target in targets:
            aws.set_status(target, "notconnected")
        done = ask(aws, targets=targets, wait_for="connected", wait_timeout=0)
        named = ", ".join(f"{target} {LISTED}" for target in targets[:10]) + (" and 1 more" if count > 10 else "")
        assert done["msg"] == f"{count} of {count} targets did not have the status connected within 0 seconds: {named}."


@pytest.mark.parametrize("seconds", [1, 15, 1_000_000])
def test_the_time_that_was_waited_in_vain_is_the_one_that_was_asked_for(seconds: int) -> None:
    with LocalAWS(world("notconnected")) as aws, without_waiting(look=2):
        done = ask(aws, targets=[ONE], wait_for="connected", wait_timeout=seconds, wait_delay=seconds // 2)
        unit = "seconds" if seconds > 1 else "second"
        assert (
            done["msg"] == f"1 of 1 target did not have the status connected within {seconds:,} {unit}: {ONE} {LISTED}."
        )


MISSING = "mi-0a1b2c3d4e5f60009"
HYBRID = "(ping status Online, last ping 2026-11-23T11:59:00Z)"
UNLISTED = (
    f" Systems Manager does not list {MISSING} in us-east-1: check the ID, the region, the account and the agent."
)


@pytest.mark.parametrize("include_ping", [True, False])
@pytest.mark.parametrize("targets", [[MISSING], [TWO, MISSING, ECS]], ids=len)
def test_a_node_that_systems_manager_does_not_list_is_named_when_a_wait_ends(
    targets: list[str], include_ping: bool
) -> None:
    options: dict[str, Any] = {"targets": targets, "wait_timeout": 0, "include_ping": include_ping}
    with LocalAWS(world()) as aws:
        shown = ", ".join(f"{target} {HYBRID}" if target == TWO else target for target in targets)
        assert ask(aws, wait_for="connected", **options)["msg"].endswith(f" 0 seconds: {shown}.{UNLISTED}")
        assert len(aws.calls(PROPERTIES)) == 1, "one listing says it of all"
        # The targets are not connected, as wanted, so only their statuses are requested.
        position = aws.position
        assert "msg" not in ask(aws, wait_for="notconnected", targets=targets, wait_timeout=0)
        assert [call.operation for call in aws.calls(since=position)] == [STATUS] * len(targets)


def test_what_is_listed_of_a_node_that_did_not_connect_is_said_without_another_call() -> None:
    nodes = [
        {"id": ONE, "instance_state": "stopped", "ping_status": "ConnectionLost", "last_ping": "3d"},
        {"id": TWO, "ping_status": "Inactive", "status": "notconnected"},
    ]
    with LocalAWS({"regions": {"us-east-1": {"nodes": nodes}}}) as aws:
        done = ask(aws, targets=[ONE, TWO], wait_for="connected", wait_timeout=0, include_ping=True)
        assert done["msg"] == (
            "2 of 2 targets did not have the status connected within 0 seconds: "
            f"{ONE} (ping status ConnectionLost, last ping 2026-11-20T12:00:00Z, instance stopped), "
            f"{TWO} (ping status Inactive, last ping 2026-11-23T11:59:00Z)."
        )
        assert [call.operation for call in aws.calls()] == [STATUS, STATUS, PROPERTIES]


def test_nothing_is_said_of_nodes_where_the_listing_may_not_be_read() -> None:
    denied = [{"op": name, "do": {"error": "AccessDeniedException"}} for name in (PROPERTIES, INFORMATION)]
    with LocalAWS(world(faults=denied)) as aws:
        done = ask(aws, targets=[MISSING], wait_for="connected", wait_timeout=0)
        assert done["msg"] == f"1 of 1 target did not have the status connected within 0 seconds: {MISSING}."
        assert "warnings" not in done


def test_the_wait_for_a_node_to_go_says_that_it_is_not_disconnected() -> None:
    with LocalAWS(world()) as aws:
        done = ask(aws, targets=[ONE, TWO], wait_for="notconnected", wait_timeout=0)
        assert done["msg"] == f"1 of 2 targets did not have the status notconnected within 0 seconds: {ONE}."


def test_a_wait_that_was_given_up_says_so_and_when() -> None:
    with LocalAWS(world("connected", "error: AccessDeniedException")) as aws, without_waiting():
        done = ask(aws, targets=[ONE, TWO], wait_for="connected", wait_timeout=600, wait_delay=7)
        assert done["late"] == [TWO]
        assert done["msg"] == (
            f"1 of 2 targets did not have the status connected within 63 seconds: {TWO}. "
            f"The status of 1 of them is unknown. The first reason: {done['statuses'][1]['reason']} "
            "Stopped waiting: AWS has denied every call for 60 seconds."
        )


def test_who_follows_a_task_reads_of_every_answer_and_every_pause(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(progress_file, "EVERY", 0)
    monkeypatch.setenv(progress_file.ENVIRONMENT_VARIABLE, str(tmp_path / "progress"))
    with LocalAWS(world("connected", ["notconnected", "notconnected", "connected"])) as aws, without_waiting():
        ask(aws, targets=[ONE, TWO], wait_for="connected", wait_timeout=300, wait_delay=20)
    *answers, first, second = (tmp_path / "progress").read_text().splitlines()
    assert sorted(answers) == [f"Checked {number} of 2 targets." for number in (1, 2)]
    assert first == "Waiting for 1 of 2 targets to have the status connected. 300 seconds left."
    assert second == "Waiting for 1 of 2 targets to have the status connected. 280 seconds left."


@pytest.mark.parametrize(("wait_delay", "looks"), [(0.05, range(3, 50)), (100, [2])])
def test_the_pauses_of_a_wait_are_as_long_as_it_says(wait_delay: float, looks: Collection[int]) -> None:
    with LocalAWS(world("notconnected")) as aws:
        assert ask(aws, targets=[ONE], wait_for="connected", wait_timeout=1, wait_delay=wait_delay)["late"] == [ONE]
        assert len(aws.calls(STATUS)) in looks


def test_credentials_that_expire_during_a_wait_end_it_and_say_how_far_it_had_come() -> None:
    fault = {"op": "GetConnectionStatus", "after": 2, "times": "always", "do": {"error": "ExpiredTokenException"}}
    with LocalAWS(world(faults=[fault])) as aws:
        with pytest.raises(
            SSMError, match=r"ExpiredTokenException.* Before this error, 1 of 2 targets had the status connected"
        ):
            ask(aws, targets=[ONE, TWO], wait_for="connected", wait_delay=0.01)


def test_ten_thousand_targets_each_get_their_status_in_order() -> None:
    nodes = [
        {"generate": 5000, "id": "i-%017x", "status": "connected"},
        {"generate": 4000, "id": "mi-%017x", "status": "connected"},
        {"generate": 1000, "id": "mi-1%016x", "status": ["notconnected", "connected"]},
    ]
    slow = [f"mi-1{number:016x}" for number in range(1, 1001)]
    targets = [f"{kind}-{number:017x}" for number in range(1, 4001) for kind in ("i", "mi")] + slow
    targets += [f"i-{number:017x}" for number in range(4001, 5001)]
    with LocalAWS({"regions": {"us-east-1": {"nodes": nodes}}}) as aws:
        done = ask(aws, targets=targets, wait_for="connected", wait_delay=0.01)
        assert done["statuses"] == [{"target": target, "status": "connected"} for target in targets]
        asked = [call.params["Target"] for call in aws.calls()]
        assert sorted(asked[:10_000]) == sorted(targets)
        assert sorted(asked[10_000:]) == slow


@functools.cache
def metadata() -> Any:
    """Return the metadata of a client for SSM."""
    model = botocore.session.Session().get_service_model("ssm")
    return SimpleNamespace(service_model=model, method_to_api_mapping={"get_connection_status": STATUS})


class Answers:
    """A client that replies at once, to measure everything else."""

    def __init__(self, error: str | None) -> None:
        self._error = error
        self.meta = metadata()

    def get_connection_status(self, Target: str) -> dict[str, Any]:  # noqa: N803 - AWS's name
        if self._error and not Target.endswith("1"):
            headers = {"x-amzn-requestid": "01234567-89ab-cdef-0123-456789abcdef", "date": "now", "server": "x"}
            text = f"User: arn:aws:iam::123456789012:user/operator is not authorized to do this on {Target} " * 2
            reply = {"Error": {"Code": self._error, "Message": text}, "ResponseMetadata": {"HTTPHeaders": headers}}
            raise ClientError(reply, "GetConnectionStatus")
        return {"Target": Target, "Status": "connected"}


@pytest.mark.parametrize(("error", "most"), [(None, 1000), ("AccessDeniedException", 4000)])
def test_what_a_target_takes_of_memory(error: str | None, most: int) -> None:
    """Check that a target takes less than ``most`` bytes. 100,000 targets should take less than 500 MB in all."""
    count = 5000
    targets = [f"i-{number:017x}" for number in range(count)]
    ask.with_client(Answers(error), targets=targets)
    tracemalloc.start()
    done = ask.with_client(Answers(error), targets=targets)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(done["statuses"]) == count
    assert peak / count < most


@pytest.mark.parametrize(
    "options",
    [
        {"targets": ["i-0a1b2c3d", "mi-0a1b2c3d4e5f60009", "ecs:my_shop_0123456789abcdef_0a1b2c3d-0265927825"]},
        {"targets": [f"ecs:{'x' * 255}_{'0' * 36}_{'a' * 64}"]},
        {"targets": ["sagemaker-cluster:aa11bbbbb222_controller-group-i-111222333444555aa"]},
        {"targets": [ONE], "max_workers": 1},
        {"targets": [ONE], "max_workers": 64},
        {"targets": [ONE], "wait_for": "connected", "wait_timeout": option_time.MOST, "wait_delay": option_time.MOST},
    ],
    ids=str,
)
def test_the_longest_and_the_most_that_an_option_takes(options: dict[str, Any]) -> None:
    with LocalAWS(world()) as aws:
        ask(aws, **options)
        assert sorted(call.params["Target"] for call in aws.calls(STATUS)) == sorted(options["targets"])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"targets": []}, "targets is empty"),
        *(({"targets": [ONE, entry]}, f"^targets: .* {FORMS}{advice}") for entry, advice in NO_TARGETS.items()),
        *(
            ({"targets": [ONE], "max_workers": count}, f"max_workers: {count} is out of range; expected 1 to 64")
            for count in (0, 65)
        ),
        (
            {"targets": [ONE], "wait_for": "connected", "consecutive": 0},
            "consecutive: 0 is out of range",
        ),
        ({"targets": [ONE], "consecutive": 2}, "consecutive: 2 requires wait_for"),
        (
            {"targets": [ONE], "wait_for": "connected", "wait_timeout": -1},
            "wait_timeout: -1 is out of range; expected 0 to 1000000000",
        ),
        *(
            (
                {"targets": [ONE], "wait_for": "connected", "wait_delay": delay},
                f"wait_delay: {delay} is out of range; expected 0 to",
            )
            for delay in (-1, float("nan"))
        ),
    ],
    ids=str,
)
def test_options_that_make_no_sense_cost_no_call(options: dict[str, Any], sentence: str) -> None:
    with LocalAWS(world()) as aws:
        with pytest.raises(SSMError, match=sentence):
            ask(aws, **options)
        assert aws.calls() == []


def pings(done: dict[str, Any]) -> dict[str, Any]:
    return {entry["target"]: entry["ping"] for entry in done["statuses"]}


def test_the_ping_data_of_few_nodes_is_one_call_for_their_ids() -> None:
    with LocalAWS(world()) as aws:
        done = ask(aws, targets=[ONE, ECS, TWO, "mi-0a1b2c3d4e5f60009"], include_ping=True)
        assert operations(aws) == [PROPERTIES] + [STATUS] * 4
        ids = sorted([ONE, TWO, "mi-0a1b2c3d4e5f60009"])
        assert aws.calls(PROPERTIES)[0].params["InstancePropertyFilterList"] == [
            {"key": "InstanceIds", "valueSet": ids}
        ]
        found = pings(done)
        assert found[ONE] == {
            "agent_version": "3.3.1611.0",
            "computer_name": found[ONE]["computer_name"],
            "instance_state": "running",
            "last_ping_date_time": "2026-11-23T11:59:00Z",
            "ping_status": "Online",
            "platform_name": "Amazon Linux",
            "platform_type": "Linux",
            "platform_version": "2023",
            "resource_type": "EC2Instance",
        }
        assert found[TWO]["resource_type"] == "ManagedInstance"
        assert (found[ECS], found["mi-0a1b2c3d4e5f60009"]) == (None, None)
        assert "ping_error" not in done


def test_the_ping_data_of_many_nodes_is_one_listing_and_no_page_too_much() -> None:
    nodes = [{"generate": 3500, "id": "i-%017x"}]
    with LocalAWS({"regions": {"us-east-1": {"nodes": nodes}}}) as aws:
        targets = [f"i-{number:017x}" for number in range(901, 1001)]
        done = ask(aws, targets=targets, include_ping=True)
        assert [entry["ping"]["ping_status"] for entry in done["statuses"]] == ["Online"] * 100
        assert len(aws.calls(PROPERTIES)) == 1
        done = ask(aws, targets=[*targets, "i-0a1b2c3d4e5f60001"], include_ping=True)
        assert len(aws.calls(PROPERTIES)) == 1 + 4
        assert done["statuses"][-1]["ping"] is None


def test_no_listing_for_targets_that_are_in_none() -> None:
    with LocalAWS(world()) as aws:
        done = ask(aws, targets=[ECS], include_ping=True)
        assert operations(aws) == [STATUS]
        assert pings(done) == {ECS: None}


def test_the_ping_data_is_from_after_a_wait() -> None:
    with LocalAWS(world(["notconnected", "connected"])) as aws:
        done = ask(aws, targets=[ONE], include_ping=True, wait_for="connected", wait_delay=0.01)
        assert [call.operation for call in aws.calls()] == [STATUS, STATUS, PROPERTIES]
        assert pings(done)[ONE]["ping_status"] == "Online"


@pytest.mark.parametrize("answer", ["empty", "InvalidInstanceId"])
@pytest.mark.parametrize("many", [0, 41, 101])
def test_the_older_listing_serves_where_the_newer_is_denied(answer: str, many: int) -> None:
    others = [f"i-{number:017x}" for number in range(1, many + 1)]
    denied = {"op": PROPERTIES, "do": {"error": "AccessDeniedException"}}
    with LocalAWS(world(faults=[denied], switches={"unknown_instance_id": answer})) as aws:
        done = ask(aws, targets=[ONE, TWO, "i-0a1b2c3d4e5f60009", *others], include_ping=True)
        assert pings(done)[ONE]["is_latest_version"] is True
        assert pings(done)["i-0a1b2c3d4e5f60009"] is None
        assert "ping_error" not in done


@pytest.mark.parametrize("wait_for", [None, "connected"])
def test_a_listing_that_fails_does_not_lose_the_statuses(wait_for: str | None) -> None:
    denied = [{"op": name, "do": {"error": "AccessDeniedException"}} for name in (PROPERTIES, INFORMATION)]
    with LocalAWS(world("connected", "connected", faults=denied)) as aws:
        done = ask(aws, targets=[ONE, TWO], include_ping=True, wait_for=wait_for)
        assert done["connected"] == [ONE, TWO]
        assert pings(done) == {ONE: None, TWO: None}
        assert "The caller needs the permission ssm:DescribeInstanceInformation" in done["ping_error"]
        assert done["warnings"] == [f"Could not read the ping data. {done['ping_error']}"]


ROLE = "arn:aws:iam::123456789012:role/Reader"
PAGE = "<html><br></html>"


@pytest.mark.parametrize(
    ("do", "calls"),
    [
        ({"raw": PAGE, "status": 403}, 1),
        ({"raw": PAGE, "status": 200}, 1),
        ({"raw": "", "status": 200}, 1),
        ({"raw": "<a><AssumeRoleResult/></a>", "status": 200}, 1),
        ({"set": {"Credentials.SessionToken": None}}, 1),
        ({"set": {"Credentials.Expiration": "soon"}}, 1),
        ({"error": "Throttling", "message": "Rate exceeded", "status": 400}, 3),
        ({"error": "InternalFailure", "status": 500}, 3),
    ],
    ids=str,
)
def test_a_reply_that_has_no_credentials_ends_a_wait(
    do: dict[str, Any], calls: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error that AWS itself reports may pass, so the wait goes on. Any other reply without credentials ends it."""
    fault = {"op": "AssumeRole", "times": "always" if calls == 1 else calls - 1, "do": do}
    nodes = [{"id": ONE, "status": "connected"}]
    with LocalAWS({"regions": {"us-east-1": {"nodes": nodes}}, "roles": [ROLE], "faults": [fault]}) as aws:
        who = aws.world.default_identity
        config = tmp_path / "config"
        config.write_text(
            f"[profile base]\naws_access_key_id={who.access_key}\naws_secret_access_key={who.secret_key}\n"
            f"[profile dev]\nrole_arn={ROLE}\nsource_profile=base\n"
        )
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            monkeypatch.delenv(name)
        environment = {"AWS_CONFIG_FILE": str(config), "AWS_ENDPOINT_URL": aws.url, "AWS_MAX_ATTEMPTS": "1"}
        for name, value in {**environment, "AWS_DEFAULT_REGION": "us-east-1"}.items():
            monkeypatch.setenv(name, value)
        client = clients.Connection(aws.url, {"profile_name": "dev"}).client("ssm", "us-east-1")
        options: dict[str, Any] = {"targets": [ONE], "wait_for": "connected", "wait_timeout": 60, "wait_delay": 0.1}
        ending = contextlib.nullcontext() if calls > 1 else pytest.raises(SSMError, match="AssumeRole")
        with ending:
            assert ask.with_client(client, **options)["connected"] == [ONE]
        assert len(aws.calls("AssumeRole")) == calls
        assert len(aws.calls("GetConnectionStatus")) == (1 if calls > 1 else 0)
