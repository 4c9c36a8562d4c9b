# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test that the emulator accepts a node's signature, and only the whole of it."""

from __future__ import annotations

import dataclasses
import datetime

import pytest

from emulator import sigv4
from emulator.node.options import AgentOptions
from emulator.node.settings import Settings
from emulator.node.signing import signed_headers
from emulator.service import APIError, Identity

TARGET = "/v1/data-channel/jane%40example.com-01?role=publish_subscribe&stream=input"
SETTINGS = Settings("127.0.0.1", 1, "eu-west-1", "i-1", "3.3", "linux", "AKIA", "secret", "token", AgentOptions())
IDENTITY = Identity("AKIA", "secret", "123456789012", "arn:aws:iam::123456789012:user/node", "AIDA", "token")


def verify(target: str, body: bytes, identity: Identity) -> None:
    headers = signed_headers(SETTINGS, "POST", TARGET, "127.0.0.1:1", b"body")
    received = {"host": "127.0.0.1:1", **{name.lower(): value for name, value in headers.items()}}
    request = sigv4.Request("POST", target, received, body)
    scope = sigv4.read_scope(received)
    assert scope is not None and (scope.region, scope.service) == ("eu-west-1", "ssmmessages")
    sigv4.verify(request, scope, "json", {"AKIA": identity}, datetime.datetime.now(datetime.UTC))


def test_a_signature_is_accepted() -> None:
    verify(TARGET, b"body", IDENTITY)


@pytest.mark.parametrize(
    ("target", "body", "changes"),
    [
        (TARGET + "x", b"body", {}),
        (TARGET, b"Body", {}),
        (TARGET, b"body", {"secret_key": "other"}),
        (TARGET, b"body", {"session_token": None}),
    ],
)
def test_what_differs_is_refused(target: str, body: bytes, changes: dict[str, str | None]) -> None:
    with pytest.raises(APIError):
        verify(target, body, dataclasses.replace(IDENTITY, **changes))  # type: ignore[arg-type] # of any field
