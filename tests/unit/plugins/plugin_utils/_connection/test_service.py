# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test the calls for a session: what is asked for, what is tried again, what is told, and how streams are reached."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import gc
import json
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.sessionops.aws.plugins.plugin_utils._connection import service
from ansible_collections.sessionops.aws.plugins.plugin_utils._connection.service import Accounts, Calls
from ansible_collections.sessionops.aws.plugins.plugin_utils._connection.settings import Settings
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.errors import CallError, SessionError
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.lines import bootstrap

from emulator.testing import LocalAWS
from unit.support.connection_plugin import OTHER, TARGET, WORLD, environment, keys_of, settings, start
from unit.support.every_operation import KEY
from unit.support.session_client import NODE, PATIENT, REGION, Told, a_client, a_node, open_client, settings_for
from unit.support.stream_servers import Certificates, Proxy, serving, tls_in_front_of

KEYS = {"ansible_aws_ssm_access_key_id": "AKIA1", "ansible_aws_ssm_secret_access_key": "canary"}
ROLE = "arn:aws:iam::123456789012:role/Ops"


@pytest.fixture(autouse=True)
def _nothing_of_the_user() -> Iterator[None]:
    with environment(AWS_REGION=REGION):
        yield


def world(**more: Any) -> dict[str, Any]:
    region = {**WORLD["regions"][REGION], **more.pop("region", {})}
    return {"regions": {REGION: region}, **more}


def a_document(session_type: str, *parameters: str) -> dict[str, Any]:
    content: dict[str, Any] = {"schemaVersion": "1.0", "description": "Own", "sessionType": session_type}
    if session_type == "InteractiveCommands":
        content["parameters"] = {name: {"type": "String", "description": name} for name in parameters}
        command = "{{ %s }}" % parameters[0]  # noqa: UP031 - an f-string with these braces is hard to read
        content["properties"] = {"linux": {"commands": command, "runAsElevated": False}}
    elif session_type == "Port":
        content["properties"] = {"portNumber": "22", "type": "LocalPortForwarding"}
    else:
        content["inputs"] = {}
    return {"name": "Own", "document_type": "Session", "content": content}


@contextlib.contextmanager
def a_node_with_tls(folder: Path, scheme: str = "wss") -> Iterator[tuple[LocalAWS, str, dict[str, Any]]]:
    """Serve a node also over TLS, with an authority of the test's own.

    Yields the address of the TLS port, which is that of all streams, and the credentials that trust the authority.
    """
    certificates = Certificates(folder)
    with a_node() as aws:
        port = urllib.parse.urlsplit(aws.url).port or 0
        with tls_in_front_of(port, certificates.context("127.0.0.1")) as secure:
            address = f"127.0.0.1:{secure}"
            aws.world.channels = f"{scheme}://{address}"
            yield aws, address, {**settings_for(aws).credentials, "verify": certificates.ca_file}


def calls_of(aws: LocalAWS, tell: Told | None = None, /, **variables: Any) -> Calls:
    """Return the calls of a host with these variables, without their common prefix."""
    known = {f"ansible_aws_ssm_{name}": value for name, value in variables.items()}
    given = {"ansible_host": TARGET, "ansible_aws_ssm_endpoint_url": aws.url, **keys_of(aws), **known}
    return Calls(settings(given), tell or Told())


def refusal(calls: Calls) -> CallError:
    with pytest.raises(CallError) as raised:
        calls.start()
    assert "\n" not in str(raised.value)
    return raised.value


def test_what_start_session_is_asked_for() -> None:
    with LocalAWS(WORLD) as aws:
        call, started = start(aws, {"ansible_host": TARGET, "ansible_aws_ssm_reason": "4711", **keys_of(aws)})
    assert call.params == {
        "Target": TARGET,
        "DocumentName": "AWS-StartInteractiveCommand",
        "Reason": "4711",
        "Parameters": {"command": [bootstrap(settings().interpreters)]},
    }
    assert started.token not in repr(started) and started.url not in repr(started)


@pytest.mark.parametrize(
    ("document", "variables", "denied", "expected"),
    [
        (None, {}, False, ["command"]),
        (("InteractiveCommands", "command"), {}, False, ["command"]),
        (
            ("InteractiveCommands", "ticket", "command"),
            {"document_parameters": {"ticket": 4711}},
            False,
            ["command", "ticket"],
        ),
        (("InteractiveCommands", "cmd"), {}, False, ["cmd"]),
        (("InteractiveCommands", "command"), {}, True, ["command"]),
        (("InteractiveCommands", "cmd"), {"document_command_parameter": "cmd"}, True, ["cmd"]),
        (
            ("InteractiveCommands", "cmd", "ticket"),
            {"document_command_parameter": "cmd", "document_parameters": {"ticket": 4711}},
            True,
            ["cmd", "ticket"],
        ),
        (("Standard_Stream",), {}, False, []),
        (("Standard_Stream",), {"document_command_parameter": ""}, True, []),
    ],
    ids=str,
)
def test_which_parameter_has_the_command(
    document: tuple[str, ...] | None, variables: dict[str, Any], denied: bool, expected: list[str]
) -> None:
    """Policies may allow only documents of the company's own, with parameters of any name (amazon-ssm-agent 371)."""
    region = {"documents": [a_document(*document)]} if document else {}
    faults = [{"op": "GetDocument", "times": "always", "do": {"error": "AccessDeniedException"}}] if denied else []
    name = {"document": "Own"} if document else {}
    with LocalAWS(world(region=region, faults=faults), strict=False) as aws:
        calls = calls_of(aws, **name, **variables)
        calls.start()
        params = aws.calls("StartSession")[-1].params
        # The document is read only if nobody said what it is.
        asked = document is not None and "document_command_parameter" not in variables
        assert len(aws.calls("GetDocument")) == asked
    assert sorted(params.get("Parameters", {})) == expected
    assert calls.typed == (not expected)


def test_a_document_that_gives_no_shell_is_refused_before_a_session_is_started() -> None:
    with LocalAWS(world(region={"documents": [a_document("Port")]}), strict=False) as aws:
        told = r"^The document Own has the session type Port\. Set ansible_aws_ssm_document to a document"
        with pytest.raises(CallError, match=told):
            calls_of(aws, document="Own")
        assert aws.calls("StartSession") == []


def test_a_document_that_cannot_be_read_may_run_a_shell() -> None:
    """The permission is missing most often, and the service only says that it does not know a parameter."""
    fault = {"op": "GetDocument", "times": "always", "do": {"error": "AccessDeniedException"}}
    with LocalAWS(world(region={"documents": [a_document("Standard_Stream")]}, faults=[fault])) as aws:
        told = str(refusal(calls_of(aws, document="Own")))
    assert "GetDocument" in told and "set ansible_aws_ssm_document_command_parameter to an empty string." in told


def test_those_who_wait_for_credentials_fail_with_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """A role or a program that gives credentials may not answer for minutes, and many hosts share it."""
    attempts: list[int] = []

    def fail(unused: Settings) -> None:
        attempts.append(1)
        time.sleep(0.5)
        raise CallError("no credentials", lasting=True)

    monkeypatch.setattr(service, "Clients", fail)
    account = service.Account(settings())
    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        waiting = [pool.submit(account.clients) for unused in range(5)]
        failures = [str(one.exception(timeout=30)) for one in waiting]
    assert set(failures) == {"no credentials"} and len(attempts) == 1


class TestNotConnected:
    """A node that comes takes a while until sessions can start (jupyter-deploy 176, session-manager-plugin 55)."""

    def world(self, status: Any) -> dict[str, Any]:
        nodes = [{"id": TARGET, "status": status}, {"id": OTHER, "status": "connected"}]
        return {"regions": {REGION: {"nodes": nodes}}}

    def test_a_plain_task_fails_at_once(self) -> None:
        with LocalAWS(self.world("notconnected")) as aws:
            told = str(refusal(calls_of(aws)))
            assert len(aws.calls("StartSession")) == 1
        assert "TargetNotConnected" in told and "If the node is in the region us-east-1, check it with" in told

    def test_the_controller_is_no_node(self) -> None:
        with LocalAWS(self.world("notconnected")) as aws:
            told = str(refusal(calls_of(aws, instance_id="localhost")))
        assert told.endswith("A task on the controller requires the variable ansible_connection with the value local.")

    def test_retries_wait_for_the_node(self) -> None:
        fault = {"op": "StartSession", "times": 3, "do": {"error": "TargetNotConnected"}}
        with LocalAWS(world(faults=[fault])) as aws:
            told = Told()
            calls_of(aws, told, connect_retries=3, connect_wait=0).start()
            assert len(aws.calls("StartSession")) == 4
        assert sum("Waiting 0 s" in text for unused, text in told.lines) == 3

    def test_retries_come_to_an_end(self) -> None:
        with LocalAWS(self.world("notconnected")) as aws:
            refusal(calls_of(aws, connect_retries=2, connect_wait=0))
            assert len(aws.calls("StartSession")) == 3

    def test_other_errors_are_not_tried_again(self) -> None:
        fault = {"op": "StartSession", "do": {"error": "AccessDeniedException"}}
        with LocalAWS(world(faults=[fault])) as aws:
            refusal(calls_of(aws, connect_retries=5, connect_wait=0))
            assert len(aws.calls("StartSession")) == 1

    def test_the_retries_take_nothing_of_the_time_for_connecting(self) -> None:
        """Without it, a node that came late was given up at once."""
        fault = {"op": "StartSession", "times": 2, "do": {"error": "TargetNotConnected"}}
        limits = dataclasses.replace(PATIENT, connect=3.0)
        with a_node(faults=[fault]) as aws, a_client(aws, attempts=3, wait=2.0, limits=limits) as client:
            assert client.run(b"echo here").out == b"here\n"

    @pytest.mark.parametrize("name", ["web-1", "10.0.0.1", "ip-10-0-0-1.ec2.internal"])
    def test_a_name_that_is_no_id_is_told(self, name: str) -> None:
        with LocalAWS(WORLD) as aws:
            given = {"ansible_host": name, "ansible_aws_ssm_endpoint_url": aws.url, **keys_of(aws)}
            told = str(refusal(Calls(settings(given), Told())))
        remedy = "Set ansible_aws_ssm_instance_id or ansible_host to the ID."
        assert told.endswith(f"{name} is not the ID of a node. {remedy}")


def test_a_denied_session_names_the_permission_and_the_option() -> None:
    """Some policies allow only documents of the company's own (amazon-ssm-agent 371)."""
    for variables, option in (({}, True), ({"document": "Own"}, False)):
        fault = {"op": "StartSession", "do": {"error": "AccessDeniedException", "message": "no"}}
        documents = {"documents": [a_document("InteractiveCommands", "command")]}
        with LocalAWS(world(faults=[fault], region=documents)) as aws:
            told = str(refusal(calls_of(aws, **variables)))
        assert "ssm:StartSession" in told
        assert ("set ansible_aws_ssm_document" in told) == option


def test_a_session_is_started_although_the_service_is_busy() -> None:
    """Fifty hosts at once are more than the service takes (botocore 993, modules-core 5267)."""
    with LocalAWS(world(throttle={"StartSession": {"rate": 15, "burst": 10}})) as aws:
        every = [calls_of(aws) for unused in range(50)]
        with concurrent.futures.ThreadPoolExecutor(50) as pool:
            started = list(pool.map(lambda calls: calls.start().session_id, every))
        outcomes = [call.outcome for call in aws.calls("StartSession")]
    assert len(set(started)) == outcomes.count("ok") == 50
    assert outcomes.count("ThrottlingException") >= 20


BUSY = {"error": "ThrottlingException"}
LOST: dict[str, dict[str, Any]] = {
    "the reply": {"drop": "after"},
    "the request or the reply": {"drop": "before"},
    "a part of the reply": {"truncate": True},
    "behind a gateway": {"raw": "<html>", "status": 502, "content_type": "text/html"},
    "inside the service": {"error": "InternalServerError", "status": 500},
}


# A proxy that refuses a call has not passed it on.
REFUSED = {"raw": "<html>", "status": 403, "content_type": "text/html"}


class TestStartedOnce:
    """No session is left that nobody knows of. StartSession is not idempotent."""

    @pytest.mark.parametrize("lost", LOST)
    def test_a_lost_reply_is_not_tried_again(self, lost: str) -> None:
        with LocalAWS(world(faults=[{"op": "StartSession", "do": LOST[lost]}])) as aws:
            told = str(refusal(calls_of(aws, connect_retries=5, connect_wait=0)))
            assert len(aws.calls("StartSession")) == 1
        assert told.endswith(
            "It then stays open until its time limits. To end it earlier, use sessionops.aws.ssm_session_terminate."
        )

    def test_a_busy_service_is_tried_again_until_it_is_enough(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(service, "_LONGEST_PAUSE", 0.01)
        with LocalAWS(world(faults=[{"op": "StartSession", "times": "always", "do": BUSY}])) as aws:
            told = str(refusal(calls_of(aws)))
            assert len(aws.calls("StartSession")) == 8
        assert "ThrottlingException" in told and told.endswith("or use throttle or serial.")

    def test_a_service_that_is_not_reached_is_tried_again(self) -> None:
        told = Told()
        calls = Calls(
            settings({"ansible_host": TARGET, "ansible_aws_ssm_endpoint_url": "http://127.0.0.1:1", **KEYS}), told
        )
        text = str(refusal(calls))
        assert [f"Attempt {number} of 3." in line for number, (unused, line) in enumerate(told.lines, 1)] == [
            True,
            True,
        ]
        assert text.endswith("Check ansible_aws_ssm_region, ansible_aws_ssm_endpoint_url and the network.")

    def test_a_start_that_is_not_wanted_any_more_is_not_tried_again(self) -> None:
        """The pauses between the attempts take seconds, and the play may have ended."""

        def refuse(unused: float) -> None:
            raise SessionError("The play has ended.")

        with LocalAWS(world(faults=[{"op": "StartSession", "do": BUSY}])) as aws:
            given = settings({"ansible_host": TARGET, "ansible_aws_ssm_endpoint_url": aws.url, **keys_of(aws)})
            with pytest.raises(SessionError, match=r"The play has ended\."):
                Calls(given, Told(), pause=refuse).start()
            assert len(aws.calls("StartSession")) == 1

    @pytest.mark.parametrize("do", [{"error": "AccessDeniedException"}, REFUSED], ids=str)
    def test_a_session_that_was_refused_is_not_feared(self, do: dict[str, Any]) -> None:
        with LocalAWS(world(faults=[{"op": "StartSession", "do": do}])) as aws:
            assert "may have been started" not in str(refusal(calls_of(aws)))
            assert len(aws.calls("StartSession")) == 1


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("InvalidDocument", "Check ansible_aws_ssm_document and ansible_aws_ssm_region."),
        (
            "ValidationException",
            f"Check the target {TARGET}, ansible_aws_ssm_document, ansible_aws_ssm_document_parameters and "
            "ansible_aws_ssm_document_command_parameter.",
        ),
    ],
)
def test_a_request_that_aws_refuses_names_the_variables(code: str, told: str) -> None:
    with LocalAWS(world(faults=[{"op": "StartSession", "do": {"error": code}}])) as aws:
        assert str(refusal(calls_of(aws))).endswith(told)


class TestTerminate:
    """A session is ended as certainly as it can be, and one that is left is told once."""

    @contextlib.contextmanager
    def started(self, times: int | str, **do: Any) -> Iterator[tuple[LocalAWS, Calls, str, Told]]:
        told = Told()
        faults = [{"op": "TerminateSession", "times": times, "do": do}] if times else []
        with LocalAWS(world(faults=faults)) as aws:
            calls = calls_of(aws, told)
            yield aws, calls, calls.start().session_id, told

    def ended(self, aws: LocalAWS) -> int:
        return [call.outcome for call in aws.calls("TerminateSession")].count("ok")

    @pytest.mark.parametrize(
        ("times", "do"),
        [
            (4, {"drop": "before"}),
            (1, {"drop": "after"}),  # the second attempt finds that the session has ended
            (4, {"error": "InternalServerError", "status": 500}),
            (4, BUSY),
        ],
        ids=str,
    )
    def test_it_takes_up_to_five_attempts(self, times: int, do: dict[str, Any]) -> None:
        with self.started(times, **do) as (aws, calls, session, told):
            calls.terminate(session)
            assert len(aws.calls("TerminateSession")) == times + 1
            assert told.warnings == []

    def test_a_session_that_is_left_is_named_with_the_remedy(self) -> None:
        with self.started(5, drop="before") as (unused, calls, session, told):
            with pytest.raises(CallError) as raised:
                calls.terminate(session)
            text = str(raised.value)
            assert text.startswith(f"Could not end session {session}: ")
            assert text.endswith("To end it earlier, use sessionops.aws.ssm_session_terminate.")
            assert told.warnings == []

    def test_a_denied_end_is_not_tried_again(self) -> None:
        with self.started(1, error="AccessDeniedException") as (aws, calls, session, told):
            with pytest.raises(CallError) as raised:
                calls.terminate(session)
            assert "ssm:TerminateSession" in str(raised.value)
            assert len(aws.calls("TerminateSession")) == 1 and told.warnings == []

    def test_a_session_that_has_ended_is_no_failure(self) -> None:
        with self.started(0) as (aws, calls, session, told):
            calls.terminate(session)
            calls.terminate(session)
            calls.terminate(f"{session[:-1]}x")
            assert [call.outcome for call in aws.calls("TerminateSession")] == [
                "ok",
                "ValidationException",
                "DoesNotExistException",
            ]
            assert told.warnings == []


class TestResume:
    """What the reply to ResumeSession means."""

    def resumed(self, *, times: int | str = "always", **do: Any) -> tuple[str | None, LocalAWS]:
        fault = {"op": "ResumeSession", "times": times, "do": do}
        with LocalAWS(world(faults=[fault]), strict=False) as aws:
            calls = calls_of(aws)
            return calls.resume(calls.start().session_id), aws

    def test_a_new_token(self) -> None:
        with LocalAWS(WORLD) as aws:
            calls = calls_of(aws)
            started = calls.start()
            token = calls.resume(started.session_id)
        assert token and token != started.token

    @pytest.mark.parametrize("error", ["DoesNotExistException", "ValidationException"])
    def test_an_error_for_a_session_that_has_ended(self, error: str) -> None:
        assert self.resumed(error=error)[0] is None

    def test_no_token(self) -> None:
        with LocalAWS(WORLD) as aws:
            calls = calls_of(aws)
            session = calls.start().session_id
            calls.terminate(session)
            assert calls.resume(session) is None

    @pytest.mark.parametrize(
        ("do", "lasting"),
        [
            ({"error": "AccessDeniedException"}, True),
            ({"error": "ExpiredTokenException"}, True),
            ({"error": "UnrecognizedClientException"}, True),
            ({"error": "ThrottlingException"}, False),
            ({"error": "InternalServerError", "status": 500}, False),
            ({"drop": "before"}, False),
            ({"raw": "<html>", "status": 502, "content_type": "text/html"}, False),
        ],
        ids=str,
    )
    def test_which_errors_are_tried_again(self, do: dict[str, Any], lasting: bool) -> None:
        with pytest.raises(CallError) as raised:
            self.resumed(**do)
        assert raised.value.lasting == lasting
        assert "Could not resume session" in str(raised.value)

    def test_credentials_that_expire_are_told(self) -> None:
        """Keys of a sign-in end after an hour, in the middle of a long command (aws-cli 7340)."""
        expired = {"op": "ResumeSession", "times": 2, "do": {"error": "ExpiredTokenException"}}
        with a_node(faults=[expired]) as aws:
            with a_client(aws) as client:
                job = client.execute(b"sleep 60")
                client.step(0.1)
                aws.disturb(cut="client")
                with pytest.raises(SessionError, match=r"ExpiredTokenException.*Check the credentials"):
                    client.finish(job)
            assert len(aws.calls("ResumeSession")) == 2

    def test_credentials_that_were_renewed_are_read_again(self, tmp_path: Path) -> None:
        """The process that holds sessions can live for longer than keys of a sign-in are valid."""
        keys = tmp_path / "credentials"
        with LocalAWS(world()) as aws:
            who = aws.world.default_identity

            def write(secret: str) -> None:
                keys.write_text(f"[ops]\naws_access_key_id={who.access_key}\naws_secret_access_key={secret}\n")

            write(who.secret_key)
            with environment(AWS_SHARED_CREDENTIALS_FILE=str(keys)):
                given = {"ansible_host": TARGET, "ansible_aws_ssm_endpoint_url": aws.url}
                profile = {"ansible_aws_ssm_region": "us-east-1", "ansible_aws_ssm_profile": "ops"}
                accounts = Accounts()
                write("the-secret-key-of-yesterday-0123456789ab")
                one = Calls(settings({**given, **profile}), Told(), accounts)
                other = Calls(settings({**given, **profile, "ansible_host": OTHER}), Told(), accounts)
                assert "InvalidSignatureException" in str(refusal(one))
                write(who.secret_key)
                for calls in (one, other):
                    calls.terminate(calls.start().session_id)


def test_accounts_are_forgotten_with_their_sessions_and_hold_up_no_other() -> None:
    """A credential process can take long, and a holder can live for days (mitogen 598)."""
    with LocalAWS(WORLD) as aws:
        given = {"ansible_host": TARGET, "ansible_aws_ssm_endpoint_url": aws.url, **keys_of(aws)}
        accounts = Accounts()
        one = settings({**given, "ansible_aws_ssm_region": "us-east-1"})
        slow = accounts.get(one)
        with slow._lock:
            other = Calls(settings({**given, "ansible_aws_ssm_region": "eu-west-1"}), Told(), accounts)
            other.terminate(other.start().session_id)
        assert accounts.get(one) is slow
        assert len(accounts._known) == 2
        del slow, other
        gc.collect()
        assert len(accounts._known) == 0


def test_a_role_makes_every_call() -> None:
    """Start, resume, end and data keys are all calls of the role (community.aws 24, amazon.aws 2633)."""
    described = world(roles=[ROLE], region={"kms_keys": [{"id": KEY}]})
    with LocalAWS(described) as aws, environment(AWS_REGION=REGION, AWS_ENDPOINT_URL=aws.url):
        calls = calls_of(aws, assume_role_arn=ROLE)
        session = calls.start().session_id
        calls.resume(session)
        assert len(calls.data_key(session, KEY, "").plaintext) == 64
        calls.terminate(session)
        (assumed,) = aws.calls("AssumeRole")
        keys = {call.access_key for call in aws.calls() if call.operation != "AssumeRole"}
    assert assumed.params["RoleArn"] == ROLE
    assert len(keys) == 1 and aws.world.default_identity.access_key not in keys


def test_a_data_key_does_not_come_from_the_endpoint_of_systems_manager() -> None:
    given = {
        "ansible_host": TARGET,
        "ansible_aws_ssm_access_key_id": "AKIAEXAMPLE",
        "ansible_aws_ssm_secret_access_key": "secret",
        "ansible_aws_ssm_region": "eu-west-1",
        "ansible_aws_ssm_endpoint_url": "https://vpce-1.ssm.eu-west-1.vpce.amazonaws.com",
    }
    for url in ("https://kms.eu-west-1.amazonaws.com", "https://kms.example.com"):
        with environment(**({"AWS_ENDPOINT_URL_KMS": url} if "example" in url else {})):
            clients = Accounts().get(settings(given)).clients()
            assert clients.kms().meta.endpoint_url == url
            assert clients.kms() is clients.kms()


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"])
def test_a_role_is_not_assumed_at_the_endpoint_of_systems_manager(name: str) -> None:
    """The endpoint of a VPC serves one service, and STS has another."""
    with LocalAWS(world(roles=[ROLE])) as sts, LocalAWS(WORLD) as ssm:
        ssm.world.identities = sts.world.identities
        with environment(AWS_REGION=REGION, **{name: sts.url}):
            calls_of(ssm, assume_role_arn=ROLE).start()
        assert [call.operation for call in sts.calls()] == ["AssumeRole"]
        assert [call.operation for call in ssm.calls()] == ["StartSession"]


def test_keys_that_are_written_anew_are_used_by_the_next_task(tmp_path: Path) -> None:
    """A file of credentials that another program refreshes is read for each session (ansible 55792, 29764).

    Also reported in cloud-custodian 9216.
    """
    path = tmp_path / "credentials"
    with LocalAWS(WORLD) as aws:
        who = aws.world.default_identity
        given = {"ansible_host": TARGET, "ansible_aws_ssm_endpoint_url": aws.url, "ansible_aws_ssm_profile": "ops"}

        def calls_with(key: str) -> Calls:
            path.write_text(f"[ops]\naws_access_key_id = {key}\naws_secret_access_key = {who.secret_key}\n")
            return Calls(settings(given), Told())

        with environment(AWS_REGION=REGION, AWS_SHARED_CREDENTIALS_FILE=str(path)):
            told = str(refusal(calls_with("AKIAOLDOLDOLDOLDOLD1")))
            assert "UnrecognizedClientException" in told and who.secret_key not in told
            calls_with(who.access_key).start()


class TestStreamUrl:
    """Where the WebSocket of a session is opened."""

    @pytest.mark.parametrize(
        ("given", "base"),
        [
            (None, "wss://ssmmessages.us-east-1.sessionops.invalid"),
            ("https://vpce-1.example.com", "wss://vpce-1.example.com"),
            ("https://vpce-1.example.com:8443/ignored?x=1", "wss://vpce-1.example.com:8443"),
            ("wss://[::1]:8443", "wss://[::1]:8443"),
            ("http://127.0.0.1:1", "ws://127.0.0.1:1"),
        ],
    )
    def test_only_the_host_is_replaced(self, given: str | None, base: str) -> None:
        """An endpoint of a VPC can have a name of its own (session-manager-plugin 122)."""
        with LocalAWS(WORLD) as aws:
            started = calls_of(aws, **({"stream_endpoint_url": given} if given else {})).start()
        assert started.url == f"{base}/v1/data-channel/{started.session_id}?role=publish_subscribe"

    def test_a_stream_without_encryption_is_refused(self, tmp_path: Path) -> None:
        """A call over TLS is not followed by a stream without, and no session is left."""
        with a_node_with_tls(tmp_path, "ws") as (aws, address, who):
            with pytest.raises(CallError, match=r"not encrypted\. Set ansible_aws_ssm_stream_endpoint_url to a URL"):
                open_client(aws, endpoint=f"https://{address}", credentials=who)
            assert [call.outcome for call in aws.calls("TerminateSession")] == ["ok"]


class TestProxies:
    """Proxies are those of botocore, for the call and for the stream (aws-cli 9282)."""

    @pytest.mark.parametrize(
        ("name", "excluded", "used"),
        [
            ("HTTPS_PROXY", "", True),
            ("https_proxy", "", True),
            ("HTTPS_PROXY", "127.0.0.1", False),
            ("HTTP_PROXY", "", False),
        ],
    )
    def test_both_hosts_are_reached_through_the_proxy(
        self, tmp_path: Path, name: str, excluded: str, used: bool
    ) -> None:
        proxy, told = Proxy(credentials="ops:p@ss"), Told()
        with a_node_with_tls(tmp_path) as (aws, address, who), serving(proxy.handle) as own:
            variables = {name: f"http://ops:p%40ss@127.0.0.1:{own}", "NO_PROXY": excluded}
            with environment(AWS_REGION=REGION, **variables):
                with a_client(aws, told, endpoint=f"https://{address}", credentials=who) as client:
                    assert client.run(b"echo here").out == b"here\n"
                    # One for the call, and one for the stream.
                    assert proxy.asked == [address] * (2 if used else 0)
        assert not [text for unused, text in told.lines if "p@ss" in text or "p%40ss" in text]

    def test_a_proxy_that_refuses_is_told_without_its_password(self, tmp_path: Path) -> None:
        with a_node_with_tls(tmp_path) as (aws, unused_address, unused_who), serving(Proxy(status=407).handle) as own:
            with environment(AWS_REGION=REGION, HTTPS_PROXY=f"http://ops:canary@127.0.0.1:{own}"):
                with pytest.raises(SessionError) as raised:
                    open_client(aws)
            assert [call.outcome for call in aws.calls("TerminateSession")] == ["ok"]
        told = str(raised.value)
        assert "USER:PASSWORD@HOST:PORT" in told
        assert "407" in told and f"127.0.0.1:{own}" in told and "canary" not in told

    def test_a_call_through_a_proxy_that_wants_credentials_says_where_to_put_them(self) -> None:
        with serving(Proxy("ops:right").handle) as own:
            given = {"ansible_host": TARGET, "ansible_aws_ssm_endpoint_url": "https://ssm.example.com", **KEYS}
            with environment(AWS_REGION=REGION, HTTPS_PROXY=f"http://ops:canary@127.0.0.1:{own}"):
                told = str(refusal(Calls(settings(given), Told())))
        assert told.endswith("Put a user name and a password into HTTPS_PROXY, as in http://USER:PASSWORD@HOST:PORT.")
        assert "canary" not in told

    def test_a_call_to_a_service_of_another_authority_says_what_to_set(self, tmp_path: Path) -> None:
        with a_node_with_tls(tmp_path) as (aws, address, unused_who):
            given = {"ansible_host": TARGET, "ansible_aws_ssm_endpoint_url": f"https://{address}", **keys_of(aws)}
            told = str(refusal(Calls(settings(given), Told())))
        assert "ansible_aws_ssm_ca_bundle or AWS_CA_BUNDLE" in told

    def test_another_authority_is_trusted_only_if_it_is_given(self, tmp_path: Path) -> None:
        """The certificates of the call are those of the stream (session-manager-plugin 68)."""
        with a_node_with_tls(tmp_path) as (aws, unused_address, who):
            with pytest.raises(SessionError, match=r"Could not verify 127\.0\.0\.1"):
                open_client(aws)
            for verify in (who["verify"], False):
                with a_client(aws, credentials={**who, "verify": verify}) as client:
                    assert client.run(b"echo here").out == b"here\n"


def test_the_target_is_passed_on_as_it_is() -> None:
    """Hybrid nodes and containers are targets too (amazon.aws 2637, aws-gate 692)."""
    with LocalAWS(WORLD) as aws:
        call, unused = start(aws, {"ansible_host": OTHER, **keys_of(aws)})
    assert call.params["Target"] == OTHER
    assert NODE == TARGET


def test_no_call_has_a_secret_in_its_parameters() -> None:
    with LocalAWS(WORLD) as aws:
        given = keys_of(aws)
        call, unused = start(aws, {"ansible_host": TARGET, "ansible_become_password": "canary", **given})
    assert "canary" not in json.dumps(call.params)
    assert given["ansible_aws_ssm_secret_access_key"] not in json.dumps(call.params)
