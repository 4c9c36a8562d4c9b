# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test the HTTP server: connections, control routes, the journal, and the checks of replies."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from emulator import registry
from emulator.engine import Engine
from emulator.server import create_app
from emulator.service import APIError
from emulator.testing import LocalAWS
from emulator.world import World
from unit.support import signed_requests

NODE = "i-0123456789abcdef0"
WORLD: dict[str, Any] = {"regions": {"us-east-1": {"nodes": [{"id": NODE}]}, "eu-west-1": {}}}


def control(aws: LocalAWS, path: str, method: str = "GET", body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    connection = http.client.HTTPConnection(urlsplit(aws.url).netloc, timeout=30)
    headers = {"Content-Type": "application/json", "X-Emulator-Token": aws.env["EMULATOR_TOKEN"]}
    connection.request(method, f"/_emulator/{path}", data, headers)
    answer = connection.getresponse()
    found = json.load(answer)
    connection.close()
    if answer.status != 200:
        raise OSError(f"{answer.status}: {found['error']}")
    return found


def routes() -> list[tuple[str, str]]:
    """Return the control routes: all routes except the one for AWS's operations."""
    found = create_app(Engine(World())).router.routes()
    return [(route.method, str(route.resource.canonical)) for route in found if route.resource and route.method != "*"]


def ask(aws: LocalAWS, method: str, path: str, body: bytes = b"{}", **headers: str) -> signed_requests.Answer:
    """Send a valid control request with changed ``headers``; an empty text removes a header."""
    good = {"Content-Type": "application/json", "X-Emulator-Token": aws.env["EMULATOR_TOKEN"]}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return signed_requests.send(
        aws, body, {name: value for name, value in {**good, **named}.items() if value}, method, path
    )


STRANGERS: dict[str, dict[str, str]] = {
    "no token": {"X_Emulator_Token": ""},
    "another token": {"X_Emulator_Token": "guessed"},
    "a token that is not ASCII": {"X_Emulator_Token": "\xe9"},
    "a name that was made to resolve to this machine": {"Host": "attacker.example:{port}"},
    "another port": {"Host": "127.0.0.1:1"},
    "no port": {"Host": "127.0.0.1"},
    "a page of another site": {"Origin": "https://attacker.example"},
    "a page that hides where it is from": {"Origin": "null"},
    "a page of another port of this machine": {"Origin": "http://127.0.0.1:1"},
    "a request of a page that has no origin": {"Sec_Fetch_Site": "cross-site"},
    "a page of another port": {"Sec_Fetch_Site": "same-site"},
}


@pytest.mark.parametrize("stranger", STRANGERS)
def test_no_control_route_answers_a_stranger(stranger: str) -> None:
    rule = b'{"op": "GetConnectionStatus", "do": {"error": "InternalServerError"}}'
    with LocalAWS(WORLD) as aws:
        port = str(urlsplit(aws.url).port)
        headers = {name: value.replace("{port}", port) for name, value in STRANGERS[stranger].items()}
        answers = [ask(aws, method, path, rule, **headers) for method, path in routes()]
        assert len(answers) > 8 and {answer.status for answer in answers} == {403}
        # A reply to HEAD has no body.
        assert all(set(answer.json) == {"error"} for answer in answers if answer.body)
        assert aws.world.faults.rules == []


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_no_control_route_reads_what_a_form_can_send(kind: str) -> None:
    writes = [route for route in routes() if route[0] in ("POST", "PUT")]
    with LocalAWS(WORLD) as aws:
        assert writes and {ask(aws, *route, Content_Type=kind).status for route in writes} == {403}


@pytest.mark.parametrize("stranger", [name for name, headers in STRANGERS.items() if "X_Emulator_Token" not in headers])
def test_a_service_does_not_answer_a_web_page_nor_note_its_request(stranger: str) -> None:
    with LocalAWS(WORLD) as aws:
        port = str(urlsplit(aws.url).port)
        headers = {name: value.replace("{port}", port) for name, value in STRANGERS[stranger].items()}
        body = json.dumps({"Target": NODE}).encode()
        kinds = {"Content-Type": signed_requests.JSON_TYPE, "X-Amz-Target": "AmazonSSM.GetConnectionStatus"}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        assert signed_requests.send(aws, body, signed_requests.sign(aws, "ssm", body, {**kinds, **named})).status == 403
        assert aws.calls() == [] and aws.violations == []


def test_both_names_of_this_machine_are_answered_and_tokens_differ() -> None:
    with LocalAWS(WORLD) as aws, LocalAWS(WORLD) as other:
        port = urlsplit(aws.url).port
        for host in (f"127.0.0.1:{port}", f"localhost:{port}"):
            assert ask(aws, "GET", "/_emulator/health", Host=host, Sec_Fetch_Site="none").status == 200
        assert ask(aws, "GET", "/%5Femulator/calls", X_Emulator_Token="").status == 403
        assert aws.env["EMULATOR_TOKEN"] != other.env["EMULATOR_TOKEN"]


def test_it_says_what_it_is_and_keeps_the_worlds_clock() -> None:
    with LocalAWS({**WORLD, "clock": "2020-01-02T03:04:05Z"}) as aws:
        answer = signed_requests.call_json(aws, "GetConnectionStatus", {"Target": NODE})
        assert answer.headers["server"] == "sessionops-emulator (not AWS)"
        assert answer.headers["date"] == "Thu, 02 Jan 2020 03:04:05 GMT"
        # The client does not adopt the time of the frozen clock.
        client = aws.client("ssm")
        assert [client.get_connection_status(Target=NODE)["Status"] for unused in range(3)] == ["connected"] * 3


def test_connections_are_kept() -> None:
    with LocalAWS(WORLD) as aws:
        connection = http.client.HTTPConnection(urlsplit(aws.url).netloc, timeout=30)
        ports = set()
        for unused in range(3):
            body = json.dumps({"Target": NODE}).encode()
            headers = {"Content-Type": signed_requests.JSON_TYPE, "X-Amz-Target": "AmazonSSM.GetConnectionStatus"}
            connection.request("POST", "/", body, signed_requests.sign(aws, "ssm", body, headers))
            assert isinstance(connection.sock, socket.socket)
            ports.add(connection.sock.getsockname()[1])
            connection.getresponse().read()
        connection.close()
    assert len(ports) == 1


def test_calls_are_counted_by_what_they_came_to() -> None:
    with LocalAWS(WORLD) as aws:
        assert control(aws, "counts") == {}
        client = aws.client("ssm")
        client.get_connection_status(Target=NODE)
        client.get_connection_status(Target=NODE)
        aws.add_fault(op="GetConnectionStatus", do={"error": "ThrottlingException"})
        with pytest.raises(ClientError):
            client.get_connection_status(Target=NODE)
        assert control(aws, "counts") == {"GetConnectionStatus": {"ThrottlingException": 1, "ok": 2}}


def test_it_listens_on_the_loopback_address_only_and_stops() -> None:
    with LocalAWS() as aws:
        parts = urlsplit(aws.url)
        assert parts.hostname == "127.0.0.1"
        before = threading.active_count()
    assert threading.active_count() < before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", parts.port or 0), timeout=5)


def test_the_journal_names_every_call_and_which_ones_write() -> None:
    with LocalAWS(WORLD) as aws:
        ssm = aws.client("ssm", region="eu-west-1")
        ssm.describe_sessions(State="Active")
        with pytest.raises(ClientError):
            ssm.terminate_session(SessionId="nobody-0123456789abcdef0")
        calls = control(aws, "calls")["calls"]
        assert [(call["seq"], call["operation"], call["write"], call["region"]) for call in calls] == [
            (1, "DescribeSessions", False, "eu-west-1"),
            (2, "TerminateSession", True, "eu-west-1"),
        ]
        assert calls[0]["params"] == {"State": "Active"} and calls[0]["outcome"] == "ok"
        assert calls[1]["outcome"] == "DoesNotExistException"
        assert [call["seq"] for call in control(aws, "calls?since=1")["calls"]] == [2]
        assert [call["seq"] for call in control(aws, "calls?writes=1")["calls"]] == [2]
        assert [call["seq"] for call in control(aws, "calls?operation=DescribeSessions")["calls"]] == [1]
        assert [call.operation for call in aws.writes()] == ["TerminateSession"]
        assert aws.writes(since=aws.position) == []


def test_the_journal_has_no_secrets() -> None:
    world: dict[str, Any] = {**WORLD, "identities": [{"session_token": "a-secret-token", "secret_key": "a-secret-key"}]}
    with LocalAWS(world) as aws:
        started = aws.client("ssm").start_session(Target=NODE)
        text = json.dumps(control(aws, "calls"))
    for secret in ("a-secret-token", "a-secret-key", started["TokenValue"], started["StreamUrl"]):
        assert secret not in text


@pytest.mark.parametrize(
    "result",
    [{"Status": "connected", "Bogus": 1}, {"Status": "CONNECTED"}, {"Status": None}, {"Target": ""}, [], None],
)
def test_a_handler_cannot_send_what_aws_could_not(monkeypatch: pytest.MonkeyPatch, result: Any) -> None:
    monkeypatch.setitem(registry.declared(), ("ssm", "GetConnectionStatus"), lambda world, call: result)
    with LocalAWS(WORLD, strict=False) as aws:
        answer = signed_requests.call_json(aws, "GetConnectionStatus", {"Target": NODE})
        assert (answer.status, answer.code) == (400, "EmulatorContractViolation")
        assert len(control(aws, "violations")["violations"]) == 1
    with pytest.raises(AssertionError, match="contract violation: ssm:GetConnectionStatus"):
        aws.assert_clean()


def test_a_handler_cannot_raise_what_aws_could_not(monkeypatch: pytest.MonkeyPatch) -> None:
    def handler(world: Any, call: Any) -> Any:
        raise APIError("DuplicateDocumentContent")

    monkeypatch.setitem(registry.declared(), ("ssm", "GetConnectionStatus"), handler)
    with LocalAWS(WORLD, strict=False) as aws:
        assert (
            signed_requests.call_json(aws, "GetConnectionStatus", {"Target": NODE}).code == "EmulatorContractViolation"
        )
    assert "cannot answer DuplicateDocumentContent" in aws.violations[0]


def test_a_bug_of_a_handler_is_a_violation_and_the_server_lives_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.declared(), ("ssm", "GetConnectionStatus"), lambda world, call: 1 // 0)
    with LocalAWS(WORLD, strict=False) as aws:
        assert (
            signed_requests.call_json(aws, "GetConnectionStatus", {"Target": NODE}).code == "EmulatorContractViolation"
        )
        assert signed_requests.call_json(aws, "DescribeSessions", {"State": "Active"}).status == 200
    assert "ZeroDivisionError" in aws.violations[0]


def test_leaving_the_context_fails_on_a_violation() -> None:
    aws = LocalAWS(WORLD)
    aws.violations.append("made up")
    with pytest.raises(AssertionError, match="contract violation: made up"), aws:
        signed_requests.call_json(aws, "GetConnectionStatus", {"Target": NODE})


def test_a_nodes_status_can_be_changed_while_it_runs() -> None:
    with LocalAWS(WORLD) as aws:
        ssm = aws.client("ssm")
        control(aws, "world", "POST", {"target": NODE, "status": ["notconnected", "connected"]})
        assert [ssm.get_connection_status(Target=NODE)["Status"] for unused in range(3)] == [
            "notconnected",
            "connected",
            "connected",
        ]
        aws.set_status("ecs:cluster_task_container", "connected")
        assert ssm.get_connection_status(Target="ecs:cluster_task_container")["Status"] == "connected"
        bad: Any
        for bad in ({"target": NODE, "status": "up"}, {"status": "connected"}, []):
            with pytest.raises(OSError, match="400"):
                control(aws, "world", "POST", bad)


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_faults_can_be_added_seen_and_taken_away_while_it_runs(method: str) -> None:
    rule = {"op": "GetConnectionStatus", "times": 2, "do": {"error": "InternalServerError", "status": 500}}
    with LocalAWS(WORLD) as aws:
        assert control(aws, "faults", method, [rule, {**rule, "op": "DescribeSessions"}]) == {"faults": 2}
        assert signed_requests.call_json(aws, "GetConnectionStatus", {"Target": NODE}).status == 500
        seen = control(aws, "faults")
        assert [fault["fired"] for fault in seen["faults"]] == [1, 0] and len(seen["unused"]) == 2
        assert control(aws, "faults", "DELETE") == {"faults": 0}
        assert signed_requests.call_json(aws, "GetConnectionStatus", {"Target": NODE}).status == 200


def test_control_routes_refuse_nonsense() -> None:
    with LocalAWS(WORLD) as aws:
        assert control(aws, "health")["status"] == "ok"
        for path, method, body in (
            ("calls?since=x", "GET", None),
            ("faults", "PUT", {"op": "NoSuchOperation", "do": {"drop": "before"}}),
            ("faults", "PUT", "text"),
        ):
            with pytest.raises(OSError, match="400"):
                control(aws, path, method, body)


def test_ids_and_replies_are_the_same_in_every_run() -> None:
    def run() -> tuple[Any, ...]:
        with LocalAWS("demo") as aws:
            ssm = aws.client("ssm")
            started = ssm.start_session(Target="i-0a1b2c3d4e5f60001")
            listed = signed_requests.call_json(aws, "DescribeSessions", {"State": "Active"})
            return started["SessionId"], started["TokenValue"], listed.body, listed.headers["x-amzn-requestid"]

    assert run() == run()


def test_many_clients_at_once_get_their_own_answers() -> None:
    ids = [f"i-{number:017x}" for number in range(64)]
    nodes = [{"id": name, "status": "connected" if place % 3 else "notconnected"} for place, name in enumerate(ids)]
    answers: dict[str, str] = {}
    with LocalAWS({"regions": {"us-east-1": {"nodes": nodes}}}) as aws:
        ssm = aws.client("ssm")

        def ask(names: list[str]) -> None:
            for name in names:
                reply = ssm.get_connection_status(Target=name)
                answers[reply["Target"]] = reply["Status"]

        threads = [threading.Thread(target=ask, args=(ids[start::8],)) for start in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(call.params["Target"] for call in aws.calls()) == ids
    assert answers == {node["id"]: node["status"] for node in nodes}
