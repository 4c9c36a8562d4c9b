# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test every operation with values beyond each constraint of its model.

The requests are signed without boto3, which would reject some of them itself.
"""

from __future__ import annotations

import collections
import dataclasses
import string
from collections.abc import Iterator
from typing import Any

import botocore.loaders
import hypothesis
import pytest
from hypothesis import strategies as st

from emulator import model, performing, registry
from emulator.service import APIError, Call, ViolationError
from emulator.testing import LocalAWS
from emulator.world import World
from unit.support import every_operation, input_mutants, signed_requests
from unit.support.every_operation import Asked

JSON_OPERATIONS = sorted(pair for pair in registry.operations() if pair[0] in signed_requests.TARGETS)
# The model says that a call without members is valid, because a dry run is.
REQUIRES_MORE = {"Decrypt"}
QUERY_OPERATIONS = sorted(pair for pair in registry.operations() if pair[0] in signed_requests.VERSIONS)


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAWS]:
    with LocalAWS("demo") as running:
        yield running


@pytest.mark.parametrize(("service", "operation"), JSON_OPERATIONS)
def test_each_bound_of_the_model_is_kept(aws: LocalAWS, service: str, operation: str) -> None:
    wrong = []
    count = 0
    before = aws.position
    for mutant in input_mutants.mutants(operation, service):
        count += 1
        answer = signed_requests.call_json(aws, operation, mutant.params, service=service)
        wanted = f"at '{mutant.path}' failed to satisfy constraint: " if mutant.text else ""
        refused = (answer.status, answer.code) == (400, mutant.code)
        if not refused or wanted not in answer.message or mutant.text not in answer.message:
            wrong.append(f"{mutant}: {answer.status} {answer.body.decode()}")
    assert wrong == []
    shape = model.operation_model(service, operation).input_shape
    assert count > len(shape.required_members) + len(shape.members)
    assert {call.outcome for call in aws.calls(since=before)} == {"ValidationException", "SerializationException"}


@pytest.mark.parametrize(("service", "operation"), JSON_OPERATIONS)
def test_the_base_of_each_walk_breaks_nothing(service: str, operation: str) -> None:
    # Otherwise a mutant could be rejected because of a mistake that the original already had.
    shape = model.operation_model(service, operation).input_shape
    model.check_input(service, operation, input_mutants.sample(shape))


@pytest.mark.parametrize(("service", "operation"), JSON_OPERATIONS)
@pytest.mark.parametrize("body", [b"{", b"[]", b"", b"null"])
def test_a_malformed_body(aws: LocalAWS, service: str, operation: str, body: bytes) -> None:
    answer = signed_requests.call_json(aws, operation, body, service=service)
    required = model.operation_model(service, operation).input_shape.required_members
    if body == b"" and not required and operation not in REQUIRES_MORE:
        assert answer.status == 200
    else:
        assert answer.code == ("ValidationException" if body == b"" else "SerializationException")


@pytest.mark.parametrize(("service", "operation"), [*JSON_OPERATIONS, *QUERY_OPERATIONS])
def test_a_wrong_secret_is_noticed_before_anything_else(aws: LocalAWS, service: str, operation: str) -> None:
    stranger = dataclasses.replace(aws.world.default_identity, secret_key="wrong")
    answer: Any
    if service in signed_requests.TARGETS:
        answer = signed_requests.call_json(aws, operation, {"NoSuchMember": 1}, stranger, service)
        assert answer.code == "InvalidSignatureException"
    else:
        answer = signed_requests.call_query(aws, service, operation, {"NoSuchMember": "1"}, stranger)
        assert answer.code == "SignatureDoesNotMatch"


@pytest.mark.parametrize(("service", "operation"), QUERY_OPERATIONS)
def test_an_unknown_parameter_of_the_query_services(aws: LocalAWS, service: str, operation: str) -> None:
    assert signed_requests.call_query(aws, service, operation, {"NoSuchMember": "1"}).code == "UnknownParameter"


def test_the_walk_finds_a_validator_that_forgets_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Check that the test above can fail."""
    whole = model.constraints

    def forgetful(shape: Any, value: Any) -> Iterator[str]:
        return (text for text in whole(shape, value) if "less than or equal" not in text)

    with LocalAWS("empty") as running:
        wanted = {str(mutant) for mutant in input_mutants.mutants("DescribeSessions") if mutant.what == "max"}
        monkeypatch.setattr(model, "constraints", forgetful)
        missed = {
            str(mutant)
            for mutant in input_mutants.mutants("DescribeSessions")
            if signed_requests.call_json(running, "DescribeSessions", mutant.params).code != mutant.code
        }
    assert missed and missed <= wanted


# --- tokens of pages ---------------------------------------------------------------------------------

# Every page has one item, so that each request has a second page.
PAGES = {**every_operation.WORLD, "limits": {"page_size": 1}}
BAD_TOKEN = {"ssm": "InvalidNextToken", "ec2": "InvalidParameterValue"}


def paged_operations() -> list[tuple[str, str]]:
    """Return the operations that have pages: those of botocore's paginators, and further ones that have a token."""
    found = set()
    for service, operation in registry.operations():
        paginators = botocore.loaders.Loader().load_service_model(service, "paginators-1")["pagination"]
        shape = model.operation_model(service, operation).input_shape
        if operation in paginators or (shape and "NextToken" in shape.members):
            found.add((service, operation))
    return sorted(found)


def questions(service: str, operation: str) -> list[Asked]:
    """Return a request, and requests that differ from it in one parameter or in the value of one.

    None of them has a member that the emulator does not read, because that is a violation with or without a token.
    """
    world = World(PAGES)
    base = Asked(service, operation, every_operation.BASES[operation])
    others = [
        variant
        for variant in every_operation.variants(base)
        if variant.path not in ("NextToken", "MaxResults", "InstanceIds", "DryRun")
    ]
    for name, value in OTHER_VALUES.items():
        if name in base.params:
            others.append(dataclasses.replace(base, params={**base.params, name: value}, path=name))
    return [question for question in (base, *others) if _is_answered(world, question)]


def _is_answered(world: World, question: Asked) -> bool:
    try:
        performing.perform(world, question.call(world))
    except ViolationError:
        return False
    return True


OTHER_VALUES = {"Name": "doc-b", "State": "History"}


@dataclasses.dataclass
class FirstPage:
    """A call whose reply was the first of several pages, and the token of the second page."""

    call: Call
    token: str


@pytest.fixture(scope="module")
def paged() -> World:
    return World(PAGES)


@pytest.fixture(scope="module")
def first_pages(paged: World) -> list[FirstPage]:
    """Return the first page of every request of every operation that has pages, in each region."""
    found = []
    for service, operation in paged_operations():
        for question in questions(service, operation) if operation not in WITHOUT_PAGES else []:
            for region in paged.regions:
                call = question.call(paged, region)
                found.append(FirstPage(call, str(performing.perform(paged, call)["NextToken"])))
    return found


# ListAccountAliases is left out: it has only one page here, so the handler does not read Marker, which is a violation.
WITHOUT_PAGES = {"ListAccountAliases"}


def with_token(world: World, call: Call, token: str, **more: Any) -> str:
    """Request a page and return the error code, or ``ok`` if it succeeds."""
    try:
        params = {**call.params, **more, "NextToken": token}
        performing.perform(world, dataclasses.replace(call, params=params))
    except APIError as error:
        return error.code
    return "ok"


def test_every_operation_that_has_pages_is_asked(first_pages: list[FirstPage]) -> None:
    """Check that the tests below cover every operation that has pages."""
    asked_of = {(page.call.service, page.call.operation) for page in first_pages}
    assert asked_of == {pair for pair in paged_operations() if pair[1] not in WITHOUT_PAGES}
    assert {"ssm", "ec2"} <= {service for service, _operation in asked_of}
    # A single request cannot show that parameters matter.
    counted = collections.Counter(page.call.operation for page in first_pages)
    assert min(counted.values()) >= 4


def test_a_token_is_good_for_its_own_request_only(paged: World, first_pages: list[FirstPage]) -> None:
    """Check that a token is rejected with another operation, region or parameter."""
    wrong = [
        f"{own.call}\n{other.call}\n{code}"
        for own in first_pages
        for other in first_pages
        if (code := with_token(paged, own.call, other.token)) != ("ok" if own is other else BAD_TOKEN[own.call.service])
    ]
    assert wrong == []


def test_a_token_is_good_for_its_own_account_only(paged: World, first_pages: list[FirstPage]) -> None:
    stranger = dataclasses.replace(paged.default_identity, account_id="999988887777")
    colleague = dataclasses.replace(
        paged.default_identity, access_key="AKIAOTHER", arn="arn:aws:iam::123456789012:user/x"
    )
    for page in first_pages:
        call = page.call
        code = with_token(paged, dataclasses.replace(call, identity=stranger), page.token)
        assert code == BAD_TOKEN[call.service], call
        assert with_token(paged, dataclasses.replace(call, identity=colleague), page.token) == "ok", call


def test_a_token_is_good_for_a_page_of_another_size(paged: World, first_pages: list[FirstPage]) -> None:
    for page in first_pages:
        assert with_token(paged, page.call, page.token, MaxResults=5) == "ok", page.call


def test_a_token_is_good_for_its_own_world_only(first_pages: list[FirstPage]) -> None:
    other = World({**PAGES, "seed": 2})
    for page in first_pages:
        assert with_token(other, page.call, page.token) == BAD_TOKEN[page.call.service], page.call


@hypothesis.given(data=st.data())
def test_a_text_that_nobody_gave_out_is_no_token(
    paged: World, first_pages: list[FirstPage], data: st.DataObject
) -> None:
    page = data.draw(st.sampled_from(first_pages), label="page")
    place = data.draw(st.integers(0, len(page.token) - 1), label="place")
    letters = string.ascii_letters + string.digits + "+/="
    changed = page.token[:place] + data.draw(st.sampled_from(letters), label="letter") + page.token[place + 1 :]
    for text in (changed, data.draw(st.text(min_size=1, max_size=60), label="text"), page.token + "\n"):
        code = with_token(paged, page.call, text)
        assert code == ("ok" if text == page.token else BAD_TOKEN[page.call.service])
