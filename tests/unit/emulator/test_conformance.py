# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every operation against every bound of its own model, as raw signed requests: boto3 would stop some."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
import raw
import walk

from emulator import model, registry
from emulator.testing import LocalAWS

JSON_OPERATIONS = sorted(name for service, name in registry.operations() if service == "ssm")
QUERY_OPERATIONS = sorted(pair for pair in registry.operations() if pair[0] != "ssm")


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAWS]:
    with LocalAWS("demo") as running:
        yield running


@pytest.mark.parametrize("operation", JSON_OPERATIONS)
def test_each_bound_of_the_model_is_kept(aws: LocalAWS, operation: str) -> None:
    wrong = []
    count = 0
    before = aws.position
    for mutant in walk.mutants(operation):
        count += 1
        answer = raw.call_json(aws, operation, mutant.params)
        wanted = f"at '{mutant.path}' failed to satisfy constraint: " if mutant.text else ""
        refused = (answer.status, answer.code) == (400, mutant.code)
        if not refused or wanted not in answer.message or mutant.text not in answer.message:
            wrong.append(f"{mutant}: {answer.status} {answer.body.decode()}")
    assert wrong == []
    shape = model.operation_model("ssm", operation).input_shape
    assert count > len(shape.required_members) + len(shape.members)
    assert {call.outcome for call in aws.calls(since=before)} == {"ValidationException", "SerializationException"}


@pytest.mark.parametrize("operation", JSON_OPERATIONS)
def test_the_base_of_each_walk_breaks_nothing(operation: str) -> None:
    # Otherwise a mutant could be refused for what was wrong before it was changed.
    shape = model.operation_model("ssm", operation).input_shape
    model.check_input("ssm", operation, walk.sample(shape))


@pytest.mark.parametrize("operation", JSON_OPERATIONS)
@pytest.mark.parametrize("body", [b"{", b"[]", b"", b"null"])
def test_a_malformed_body(aws: LocalAWS, operation: str, body: bytes) -> None:
    answer = raw.call_json(aws, operation, body)
    required = model.operation_model("ssm", operation).input_shape.required_members
    if body == b"" and not required:
        assert answer.status == 200
    else:
        assert answer.code == ("ValidationException" if body == b"" else "SerializationException")


@pytest.mark.parametrize(("service", "operation"), [*(("ssm", name) for name in JSON_OPERATIONS), *QUERY_OPERATIONS])
def test_a_wrong_secret_is_noticed_before_anything_else(aws: LocalAWS, service: str, operation: str) -> None:
    stranger = dataclasses.replace(aws.world.default_identity, secret_key="wrong")
    answer: Any
    if service == "ssm":
        answer = raw.call_json(aws, operation, {"NoSuchMember": 1}, stranger)
        assert answer.code == "InvalidSignatureException"
    else:
        answer = raw.call_query(aws, service, operation, {"NoSuchMember": "1"}, stranger)
        assert answer.code == "SignatureDoesNotMatch"


@pytest.mark.parametrize(("service", "operation"), QUERY_OPERATIONS)
def test_an_unknown_parameter_of_the_query_services(aws: LocalAWS, service: str, operation: str) -> None:
    assert raw.call_query(aws, service, operation, {"NoSuchMember": "1"}).code == "UnknownParameter"


def test_the_walk_finds_a_validator_that_forgets_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """The walk itself must be able to fail."""
    whole = model.constraints

    def forgetful(shape: Any, value: Any) -> Iterator[str]:
        return (text for text in whole(shape, value) if "less than or equal" not in text)

    with LocalAWS("empty") as running:
        wanted = {str(mutant) for mutant in walk.mutants("DescribeSessions") if mutant.what == "max"}
        monkeypatch.setattr(model, "constraints", forgetful)
        missed = {
            str(mutant)
            for mutant in walk.mutants("DescribeSessions")
            if raw.call_json(running, "DescribeSessions", mutant.params).code != mutant.code
        }
    assert missed and missed <= wanted
