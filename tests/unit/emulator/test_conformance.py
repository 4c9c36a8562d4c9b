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
from emulator.service import APIError, Call
from emulator.testing import LocalAWS
from emulator.world import World

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


# --- parameters that no handler reads ----------------------------------------------------------------


def test_what_is_said_to_be_read_is_there() -> None:
    served = {operation: service for service, operation in registry.operations()}
    # An old botocore lacks some operations and members.
    assert set(served) <= set(handled.HANDLED)
    for operation, service in served.items():
        shape = model.operation_model(service, operation).input_shape
        assert set(shape.required_members if shape else ()) <= handled.HANDLED[operation], operation


@pytest.mark.parametrize("operation", JSON_OPERATIONS)
def test_a_parameter_that_no_handler_reads_is_a_violation(monkeypatch: pytest.MonkeyPatch, operation: str) -> None:
    shape = model.operation_model("ssm", operation).input_shape
    with LocalAWS("empty", strict=False) as running:
        for name, member in shape.members.items():
            with monkeypatch.context() as patched:
                patched.setitem(handled.HANDLED, operation, handled.HANDLED[operation] - {name})
                answer = raw.call_json(running, operation, {**walk.sample(shape), name: walk.sample(member)})
            assert (answer.code, name in answer.message) == ("EmulatorContractViolation", True), answer.body


@pytest.mark.parametrize(
    ("service", "operation", "form"),
    [
        ("ec2", "DescribeRegions", {"AllRegions": "true"}),
        (
            "sts",
            "AssumeRole",
            {"RoleArn": "arn:aws:iam::123456789012:role/x", "RoleSessionName": "me", "ExternalId": "x1"},
        ),
        ("iam", "ListAccountAliases", {"MaxItems": "5"}),
    ],
)
def test_a_parameter_of_a_query_service_that_no_handler_reads(
    service: str, operation: str, form: dict[str, str]
) -> None:
    with LocalAWS("empty", strict=False) as running:
        assert raw.call_query(running, service, operation, form).code == "EmulatorContractViolation"
        assert len(running.violations) == 1


# --- tokens of pages ---------------------------------------------------------------------------------

STREAM: dict[str, Any] = {"schemaVersion": "1.0", "sessionType": "Standard_Stream", "inputs": {}}
SHARED = {"permissions": {"111122223333": "$DEFAULT", "222233334444": "$DEFAULT"}}
VERSIONS = {"versions": [{"content": {**STREAM, "description": str(number)}} for number in (1, 2)]}
PAGED: dict[str, Any] = {
    "nodes": [{"id": "i-%017x", "generate": 2, "tags": {"Role": "web"}}],
    "sessions": [
        {"target": "i-00000000000000001", "status": status, "generate": 2} for status in ("Connected", "Failed")
    ],
    "documents": [{"name": name, "document_type": "Session", **SHARED, **VERSIONS} for name in ("a", "b")],
}
# Of each operation that has pages: a request with two, and others that differ from it in one parameter.
QUESTIONS: dict[str, list[dict[str, Any]]] = {
    "DescribeDocumentPermission": [{"Name": "a", "PermissionType": "Share"}, {"Name": "b", "PermissionType": "Share"}],
    "DescribeInstanceInformation": [
        {},
        {"Filters": [{"Key": "PingStatus", "Values": ["Online"]}]},
        {"Filters": [{"Key": "tag:Role", "Values": ["web"]}]},
        {"InstanceInformationFilterList": [{"key": "PingStatus", "valueSet": ["Online"]}]},
    ],
    "DescribeInstanceProperties": [
        {},
        {"FiltersWithOperator": [{"Key": "PingStatus", "Values": ["Online"]}]},
        {"FiltersWithOperator": [{"Key": "PingStatus", "Values": ["Online"], "Operator": "Equal"}]},
        {"InstancePropertyFilterList": [{"key": "PingStatus", "valueSet": ["Online"]}]},
    ],
    "DescribeInstances": [
        {},
        {"Filters": [{"Name": "tag:Role", "Values": ["web"]}]},
        {"Filters": [{"Name": "tag:Role", "Values": ["web", "db"]}]},
    ],
    "DescribeSessions": [
        {"State": "Active"},
        {"State": "History"},
        {"State": "Active", "Filters": [{"key": "Target", "value": "i-00000000000000001"}]},
    ],
    "ListDocumentVersions": [{"Name": "a"}, {"Name": "b"}],
    "ListDocuments": [
        {},
        {"Filters": [{"Key": "Owner", "Values": ["Self"]}]},
        {"DocumentFilterList": [{"key": "Owner", "value": "Self"}]},
    ],
}


@pytest.fixture(scope="module")
def paged() -> World:
    """A world whose regions have the same in them, in pages of one item."""
    return World({"limits": {"page_size": 1}, "regions": {"us-east-1": PAGED, "eu-west-1": PAGED}})


def first_pages(world: World) -> list[tuple[Call, str]]:
    """Ask every question in every region for its first page: the calls, and the tokens that came back."""
    found = []
    for service, operation in sorted(registry.operations()):
        for params in QUESTIONS.get(operation, []):
            for region in world.regions:
                call = Call(service, operation, params, world.default_identity, region)
                found.append((call, str(registry.operations()[service, operation](world, call)["NextToken"])))
    return found


def with_token(world: World, call: Call, token: str) -> str:
    """Ask for a page, and return the code of the error; ``ok`` if there is none."""
    try:
        asked = dataclasses.replace(call, params={**call.params, "NextToken": token})
        registry.operations()[call.service, call.operation](world, asked)
    except APIError as error:
        known = model.error_is_known(call.service, call.operation, error.code)
        return error.code if known else f"{error.code}, which AWS cannot answer"
    return "ok"


def test_every_operation_that_has_pages_has_a_question() -> None:
    has_pages = {
        operation
        for service, operation in registry.operations()
        if (shape := model.operation_model(service, operation).input_shape) and "NextToken" in shape.members
    }
    # An old botocore lacks some operations.
    assert has_pages == set(QUESTIONS) & {operation for _service, operation in registry.operations()}


def test_a_token_is_good_for_its_own_request_only(paged: World) -> None:
    asked = first_pages(paged)
    wrong = [
        f"{token_of}\n{call}\n{code}"
        for call, _token in asked
        for token_of, token in asked
        if (code := with_token(paged, call, token)) != ("ok" if call is token_of else "InvalidNextToken")
    ]
    assert wrong == []


def test_a_token_is_good_for_its_own_account_only(paged: World) -> None:
    stranger = dataclasses.replace(paged.default_identity, account_id="999988887777")
    colleague = dataclasses.replace(
        paged.default_identity, access_key="AKIAOTHER", arn="arn:aws:iam::123456789012:user/x"
    )
    for call, token in first_pages(paged):
        assert with_token(paged, dataclasses.replace(call, identity=stranger), token) == "InvalidNextToken", call
        assert with_token(paged, dataclasses.replace(call, identity=colleague), token) == "ok", call


def test_a_token_is_good_for_a_page_of_another_size(paged: World) -> None:
    for call, token in first_pages(paged):
        sized = dataclasses.replace(call, params={**call.params, "MaxResults": 5})
        assert with_token(paged, sized, token) == "ok", call
