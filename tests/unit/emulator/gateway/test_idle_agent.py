# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test the calls that an agent makes apart from sessions."""

from __future__ import annotations

import json
from typing import Any

import pytest

from emulator.gateway import idle_agent
from emulator.service import Identity
from unit.support.gateway_peers import NODE, Peers, play

SSM, MESSAGES = "AmazonSSM", "EC2WindowsMessageDeliveryService"


async def ask(peers: Peers, target: str, said: Any, service: str = "ssm", identity: Identity | None = None) -> Any:
    """Send a call of an agent, and return the status and the members of the reply."""
    body = json.dumps(said).encode()
    headers = peers.signed("POST", "/", body, service, identity, {"X-Amz-Target": target})
    async with peers.http.post(peers.server.url + "/", data=body, headers=headers) as answer:
        return answer.status, await answer.json(content_type=None)


def test_what_an_idle_agent_asks_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idle_agent, "POLL_SECONDS", 0.01)

    async def scenario(peers: Peers) -> None:
        information = {"InstanceId": NODE, "AgentVersion": "3.3.0.0", "AgentStatus": "Active"}
        assert await ask(peers, f"{SSM}.UpdateInstanceInformation", information) == (200, {})
        found = await ask(peers, f"{SSM}.ListInstanceAssociations", {"InstanceId": NODE, "MaxResults": 20})
        assert found == (200, {"Associations": []})
        poll = {"Destination": NODE, "MessagesRequestId": "x", "VisibilityTimeoutInSeconds": 10}
        status, reply = await ask(peers, f"{MESSAGES}.GetMessages", poll, "ec2messages")
        assert (status, reply["Destination"], reply["Messages"]) == (200, NODE, [])
        assert peers.server.engine.journal.entries == []

    play(scenario)


@pytest.mark.parametrize(
    ("said", "service", "code"),
    [
        ({"InstanceId": "i-00000000000000009"}, "ssm", "AccessDeniedException"),
        ({}, "ssm", "AccessDeniedException"),
        ([], "ssm", "AccessDeniedException"),
        ({"InstanceId": NODE}, "ssmmessages", "InvalidSignatureException"),
    ],
)
def test_only_the_agent_of_a_node_is_answered(said: Any, service: str, code: str) -> None:
    async def scenario(peers: Peers) -> None:
        status, reply = await ask(peers, f"{SSM}.UpdateInstanceInformation", said, service)
        assert (status, reply["__type"]) == (400, code)

    play(scenario)


def test_every_other_call_is_for_the_engine() -> None:
    async def scenario(peers: Peers) -> None:
        status, reply = await ask(peers, f"{SSM}.UpdateManagedInstanceRole2", {"InstanceId": NODE})
        assert (status, reply["__type"]) == (400, "UnknownOperationException")
        headers = {"Content-Type": "application/x-amz-json-1.1"}
        body = json.dumps({"Target": NODE}).encode()
        signed = peers.signed("POST", "/", body, "ssm", None, {**headers, "X-Amz-Target": f"{SSM}.GetConnectionStatus"})
        async with peers.http.post(peers.server.url + "/", data=body, headers=signed) as answer:
            assert await answer.json(content_type=None) == {"Target": NODE, "Status": "notconnected"}

    play(scenario)
