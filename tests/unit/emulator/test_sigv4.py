# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test the verification of signatures that botocore makes."""

from __future__ import annotations

import dataclasses
import datetime
import hmac
from typing import Any

import pytest

from emulator import sigv4
from emulator.service import APIError, Identity
from emulator.testing import LocalAWS
from unit.support import signed_requests

NOW = datetime.datetime(2026, 11, 23, 12, 0, 0, tzinfo=datetime.UTC)
WHO = Identity("AKIAEXAMPLE", "secret", "123456789012", "arn:aws:iam::123456789012:user/x", "AIDA")


def signed(moment: datetime.datetime, **changes: str) -> sigv4.Request:
    """Return a request that was signed at a given time."""
    stamp = moment.strftime(sigv4.STAMP)
    headers = {"host": "127.0.0.1", "x-amz-date": stamp, **changes}
    request = sigv4.Request("POST", "/", headers, b"{}")
    names = tuple(sorted(headers))
    scope = sigv4.Scope(WHO.access_key, stamp[:8], "us-east-1", "ssm", names, "")
    key = sigv4.signing_key(WHO.secret_key, scope.date, scope.region, scope.service)
    signature = hmac.new(key, sigv4.string_to_sign(request, scope, stamp).encode(), "sha256").hexdigest()
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={WHO.access_key}/{scope.date}/us-east-1/ssm/aws4_request,"
        f" SignedHeaders={';'.join(names)}, Signature={signature}"
    )
    return request


def verify(request: sigv4.Request, who: Identity = WHO, protocol: str = "json") -> Identity:
    return sigv4.verify(request, sigv4.read_scope(request.headers), protocol, {who.access_key: who}, NOW)


def refusal(request: sigv4.Request, who: Identity = WHO, protocol: str = "json") -> APIError:
    with pytest.raises(APIError) as error:
        verify(request, who, protocol)
    return error.value


def test_a_right_signature_says_who_signed() -> None:
    assert verify(signed(NOW)) is WHO


def test_the_example_of_aws_gives_the_key_that_aws_gives() -> None:
    # The derived key of the example in AWS's description of the algorithm.
    key = sigv4.signing_key("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "20150830", "us-east-1", "iam")
    assert key.hex() == "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"


@pytest.mark.parametrize("minutes", [-5, 5])
def test_five_minutes_are_forgiven(minutes: int) -> None:
    assert verify(signed(NOW + datetime.timedelta(minutes=minutes))) is WHO


def test_more_are_not() -> None:
    old = refusal(signed(NOW - datetime.timedelta(minutes=5, seconds=1)))
    assert old.code == "InvalidSignatureException"
    assert old.message == (
        "Signature expired: 20261123T115459Z is now earlier than 20261123T115500Z (20261123T120000Z - 5 min.)"
    )
    early = refusal(signed(NOW + datetime.timedelta(minutes=5, seconds=1)))
    assert early.message.startswith("Signature not yet current: 20261123T120501Z is still later than 20261123T120500Z")


def test_every_part_of_the_request_is_signed() -> None:
    good = signed(NOW, **{"x-amz-target": "AmazonSSM.DescribeSessions"})
    changed = {
        "method": dataclasses.replace(good, method="PUT"),
        "path": dataclasses.replace(good, target="/x"),
        "query": dataclasses.replace(good, target="/?x=1"),
        "body": dataclasses.replace(good, body=b"{ }"),
        "header": dataclasses.replace(good, headers={**good.headers, "x-amz-target": "AmazonSSM.TerminateSession"}),
        "unsigned header": dataclasses.replace(good, headers={**good.headers, "x-amz-other": "1"}),
        "lost header": dataclasses.replace(good, headers={k: v for k, v in good.headers.items() if k != "host"}),
        "payload hash": dataclasses.replace(good, headers={**good.headers, "x-amz-content-sha256": "0" * 64}),
    }
    assert {name: refusal(request).code for name, request in changed.items()} == dict.fromkeys(
        changed, "InvalidSignatureException"
    )


def test_a_missing_or_broken_header_has_its_own_code() -> None:
    request = signed(NOW)
    none = dataclasses.replace(request, headers={"host": "127.0.0.1"})
    broken = dataclasses.replace(request, headers={**request.headers, "authorization": "Bearer x"})
    assert refusal(none).code == "MissingAuthenticationTokenException"
    assert refusal(broken).code == "IncompleteSignatureException"


def test_the_session_token_must_be_the_one_of_the_key() -> None:
    temporary = dataclasses.replace(WHO, session_token="right")
    assert verify(signed(NOW, **{"x-amz-security-token": "right"}), temporary) is temporary
    for request in (signed(NOW), signed(NOW, **{"x-amz-security-token": "wrong"})):
        assert refusal(request, temporary).code == "UnrecognizedClientException"
    assert refusal(signed(NOW, **{"x-amz-security-token": "right"})).code == "UnrecognizedClientException"


def test_a_query_string_is_canonical_whatever_its_order() -> None:
    request = sigv4.Request("GET", "/?b=2&a=1&c", {"host": "h"}, b"")
    assert sigv4.canonical_request(request, ("host",)).split("\n")[2] == "a=1&b=2&c="


EXPECTED = {
    "secret": {
        "ssm": (400, "InvalidSignatureException"),
        "ec2": (403, "SignatureDoesNotMatch"),
        "sts": (403, "SignatureDoesNotMatch"),
    },
    "key": {
        "ssm": (400, "UnrecognizedClientException"),
        "ec2": (401, "AuthFailure"),
        "sts": (403, "InvalidClientTokenId"),
    },
    "token": {
        "ssm": (400, "UnrecognizedClientException"),
        "ec2": (401, "AuthFailure"),
        "sts": (403, "InvalidClientTokenId"),
    },
    "expired": {
        "ssm": (400, "ExpiredTokenException"),
        "ec2": (400, "RequestExpired"),
        "sts": (403, "ExpiredToken"),
    },
}


def strangers(aws: LocalAWS) -> dict[str, Identity]:
    good, expired = aws.world.identities.values()
    return {
        "secret": dataclasses.replace(good, secret_key="wrong"),
        "key": dataclasses.replace(good, access_key="AKIAUNKNOWN"),
        "token": dataclasses.replace(good, session_token="made-up"),
        "expired": expired,
    }


@pytest.mark.parametrize("kind", list(EXPECTED))
def test_each_service_refuses_a_stranger_with_its_own_code(kind: str) -> None:
    world: dict[str, Any] = {"identities": [{"name": "good"}, {"session_token": "old", "expired": True}]}
    with LocalAWS(world) as aws:
        who = strangers(aws)[kind]
        answers = {
            "ssm": signed_requests.call_json(aws, "DescribeSessions", {"State": "Active"}, who),
            "ec2": signed_requests.call_query(aws, "ec2", "DescribeInstances", {}, who),
            "sts": signed_requests.call_query(aws, "sts", "GetCallerIdentity", {}, who),
        }
        assert {name: (answer.status, answer.code) for name, answer in answers.items()} == EXPECTED[kind]
        if kind in ("key", "token"):
            assert answers["ssm"].message == "The security token included in the request is invalid."
            assert answers["ec2"].message == "AWS was not able to validate the provided access credentials"
        assert {entry.outcome for entry in aws.calls()} == {code for _status, code in EXPECTED[kind].values()}


def test_without_a_signature_nothing_is_answered() -> None:
    with LocalAWS() as aws:
        headers = {"Content-Type": signed_requests.JSON_TYPE, "X-Amz-Target": "AmazonSSM.DescribeSessions"}
        assert signed_requests.send(aws, b'{"State": "Active"}', headers).code == "MissingAuthenticationTokenException"
        form = b"Action=DescribeInstances&Version=2016-11-15"
        assert (
            signed_requests.send(aws, form, {"Content-Type": signed_requests.FORM_TYPE}).code
            == "MissingAuthenticationToken"
        )
        form = b"Action=GetCallerIdentity&Version=2011-06-15"
        assert (
            signed_requests.send(aws, form, {"Content-Type": signed_requests.FORM_TYPE}).code
            == "MissingAuthenticationToken"
        )
