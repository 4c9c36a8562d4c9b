# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test which errors end a task at once, and the messages of errors."""

from __future__ import annotations

import traceback
from typing import Any

import pytest
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.errors import (
    SSMError,
    UnreadableReplyError,
    advice,
    attempting,
)
from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

STATUS = "ssm:GetConnectionStatus"


def failed(error: Exception) -> SSMError:
    """Return the ``SSMError`` that an error of botocore is converted to."""
    with pytest.raises(SSMError) as caught, attempting("get the connection status of i-1", needs=STATUS):
        raise error
    return caught.value


def refused(operation: str, code: str, status: int = 400, text: str = "No") -> boto.ClientError:
    """Return the error that botocore raises for an error reply of AWS."""
    answer: Any = {"Error": {"Code": code, "Message": text}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return boto.ClientError(answer, operation)


URL = "https://ssm.us-east-1.amazonaws.com/"


@pytest.mark.parametrize(
    ("error", "may_be_regional"),
    [
        (boto.NoCredentialsError(), False),
        (boto.PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"), False),
        (boto.CredentialRetrievalError(provider="custom-process", error_msg="no"), False),
        (boto.MetadataRetrievalError(error_msg="no"), False),
        (boto.RefreshWithMFAUnsupportedError(), False),
        (boto.SSOTokenLoadError(error_msg="no"), False),
        (boto.UnauthorizedSSOTokenError(), False),
        (boto.TokenRetrievalError(provider="sso", error_msg="no"), False),
        (boto.NoAuthTokenError(), False),
        (boto.SSLError(endpoint_url=URL, error="no"), False),
        (boto.ProxyConnectionError(proxy_url=URL, error="no"), False),
        (boto.EndpointConnectionError(endpoint_url=URL, error="no"), True),
        (boto.ConnectTimeoutError(endpoint_url=URL, error="no"), True),
        (refused("GetConnectionStatus", "ExpiredTokenException"), False),
        (refused("GetConnectionStatus", "UnrecognizedClientException"), True),
        (refused("AssumeRole", "AccessDenied", 403), False),
        (refused("AssumeRoleWithWebIdentity", "InvalidIdentityToken"), False),
        (refused("GetRoleCredentials", "ForbiddenException", 403), False),
        (refused("AssumeRole", "403", 403, "<html>"), False),
        (refused("AssumeRole", "503", 503, ""), False),
        (boto.ClientError({}, "AssumeRole"), False),
        (UnreadableReplyError("AssumeRole", 200, is_html_page=True), False),
        (UnreadableReplyError("CreateToken", 200, is_html_page=False), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_every_other_call_would_meet_too(error: Exception, may_be_regional: bool) -> None:
    made = failed(error)
    assert (made.affects_every_call, made.may_be_regional) == (True, may_be_regional)
    assert str(made).startswith("Could not get the connection status of i-1: ")


@pytest.mark.parametrize(
    "error",
    [
        boto.ReadTimeoutError(endpoint_url=URL, error="no"),
        boto.ConnectionClosedError(endpoint_url=URL),
        boto.ParamValidationError(report="no"),
        refused("GetConnectionStatus", "AccessDeniedException"),
        refused("GetConnectionStatus", "ThrottlingException"),
        refused("AssumeRole", "Throttling"),
        refused("AssumeRole", "InternalFailure", 500),
        refused("GetRoleCredentials", "TooManyRequests", 429),
        refused("GetConnectionStatus", "503", 503),
        UnreadableReplyError("GetConnectionStatus", 200, is_html_page=True),
        ValueError("no"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_another_call_may_not_meet(error: Exception) -> None:
    made = failed(error)
    assert (made.affects_every_call, made.may_be_regional) == (False, True)


@pytest.mark.parametrize(
    ("operation", "permission"),
    [
        ("AssumeRole", "sts:AssumeRole"),
        ("GetRoleCredentials", "sso:GetRoleCredentials"),
        ("CreateOAuth2Token", "signin:CreateOAuth2Token"),
        ("CreateToken", ""),
    ],
)
def test_the_permission_that_is_lacking_is_that_of_the_call_for_credentials(operation: str, permission: str) -> None:
    said = str(failed(refused(operation, "AccessDeniedException", 403)))
    needs = f" The caller needs the permission {permission}." if permission else ""
    assert said.endswith(f"AccessDeniedException: No.{needs}")


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            refused("GetConnectionStatus", "ThrottlingException", 400, "Rate exceeded."),
            "ThrottlingException: Rate exceeded.",
        ),
        (refused("GetConnectionStatus", "InternalServerError", 500, ""), "InternalServerError."),
        (boto.ClientError({}, "GetConnectionStatus"), "unknown error."),
        (
            refused("GetConnectionStatus", "ExpiredTokenException", 400, "It is expired."),
            "ExpiredTokenException: It is expired. Check the credentials, and the clock of the host that made the "
            "call.",
        ),
        (
            boto.NoCredentialsError(),
            "Unable to locate credentials. Set access_key and secret_key, or profile, or AWS's environment variables.",
        ),
        (
            boto.EndpointConnectionError(endpoint_url=URL, error="no"),
            f'Could not connect to the endpoint URL: "{URL}". Check region, endpoint_url and the network.',
        ),
        (
            boto.ConnectionClosedError(endpoint_url=URL),
            f'Connection was closed before we received a valid response from endpoint URL: "{URL}".',
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_said_is_one_sentence_and_what_would_help(error: Exception, sentence: str) -> None:
    assert str(failed(error)) == f"Could not get the connection status of i-1: {sentence}"


@pytest.mark.parametrize(
    ("code", "may_be_regional"),
    [
        ("ExpiredToken", False),
        ("ExpiredTokenException", False),
        ("IncompleteSignature", False),
        ("InvalidClientTokenId", True),
        ("InvalidSignatureException", False),
        ("MissingAuthenticationToken", False),
        ("MissingAuthenticationTokenException", False),
        ("OptInRequired", True),
        ("RequestExpired", False),
        ("SignatureDoesNotMatch", False),
        ("UnrecognizedClientException", True),
    ],
)
def test_credentials_that_aws_refuses_whatever_the_service_calls_it(code: str, may_be_regional: bool) -> None:
    made = failed(refused("GetConnectionStatus", code, 403))
    assert (made.affects_every_call, made.may_be_regional, made.denied) == (True, may_be_regional, False)
    assert str(made).endswith(" Check the credentials, and the clock of the host that made the call.")


@pytest.mark.parametrize("code", ["AccessDenied", "AccessDeniedException", "UnauthorizedOperation"])
def test_a_refusal_of_iam_whatever_the_service_calls_it(code: str) -> None:
    made = failed(refused("GetConnectionStatus", code, 403))
    assert (made.affects_every_call, made.denied) == (False, True)
    assert str(made).endswith(f"{code}: No. The caller needs the permission {STATUS}.")


def test_a_role_that_may_not_be_assumed_is_not_blamed_on_systems_manager() -> None:
    text = "User: jane is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::123456789012:role/x"
    assert str(failed(refused("AssumeRole", "AccessDenied", 403, text))) == (
        f"Could not get the connection status of i-1: AccessDenied: {text}."
    )


def test_who_is_signed_out_is_told_what_to_do() -> None:
    said = str(failed(boto.SSOTokenLoadError(error_msg="Token for corp does not exist")))
    assert said.endswith("Token for corp does not exist. Sign in again, for example with aws sso login.")


CANARY = "TheVerySecretKeyOfTheRole"
PAGE = f"<!DOCTYPE html><html>{CANARY}</html>"
SECRET_URL = f"http://jane:{CANARY}@proxy:3128/path?signature={CANARY}"
UNREADABLE = "the service returned an invalid reply."


def answered(status: int, kind: str, **error: Any) -> boto.ClientError:
    """Return the error that botocore raises for an error reply whose body it cannot parse."""
    metadata: Any = {"HTTPStatusCode": status, "HTTPHeaders": {"content-type": kind}}
    reply: Any = {"Error": error, "ResponseMetadata": metadata}
    return boto.ClientError(reply, "AssumeRole")


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ResponseParserError(f"Unable to parse response: b'{CANARY}'"), UNREADABLE),
        (ResponseParserError(f"Unable to parse response: b'{PAGE}'"), f"{UNREADABLE} It is an HTML page."),
        (RuntimeError(CANARY), UNREADABLE),
        (ValueError(CANARY), UNREADABLE),
        (OverflowError(CANARY), UNREADABLE),
        (
            answered(403, "text/plain", Code="403", Message=PAGE),
            "the service answered 403 with an HTML page (AssumeRole).",
        ),
        (
            answered(500, "text/html", Code="500", Message=CANARY),
            "the service answered 500 with an HTML page (AssumeRole).",
        ),
        (
            answered(400, "text/plain", Code="400", Message=CANARY),
            "the service answered 400 without an AWS error (AssumeRole).",
        ),
        (answered(502, "text/plain"), "the service answered 502 without an AWS error (AssumeRole)."),
        (
            answered(403, "text/xml", Code={"b": CANARY}, Message=[CANARY]),
            "the service answered 403 without an AWS error (AssumeRole).",
        ),
        (answered(400, "text/xml", Code="Throttling", Message=PAGE), "Throttling."),
        (
            refused(
                "AssumeRole", "Throttling", 400, f"No.\n\nThe Canonical String for this request should be {CANARY}"
            ),
            "Throttling: No.",
        ),
        (
            boto.CredentialRetrievalError(provider="custom-process", error_msg=f"no\n{CANARY}"),
            "the credential_process of the profile failed.",
        ),
        (
            boto.MetadataRetrievalError(
                error_msg=f"Unable to parse JSON returned from container metadata: {CANARY}: 1"
            ),
            "Error retrieving metadata: Unable to parse JSON returned from container metadata.",
        ),
        (
            boto.EndpointConnectionError(endpoint_url=SECRET_URL, error="no"),
            'Could not connect to the endpoint URL: "http://proxy:3128/path". '
            "Check region, endpoint_url and the network.",
        ),
        (refused("AssumeRole", "Throttling", 400, f"Ask {SECRET_URL}"), "Throttling: Ask http://proxy:3128/path."),
        (
            boto.ProfileNotFound(profile="nobody"),
            "the profile nobody does not exist. Check profile, AWS_PROFILE and AWS's configuration files.",
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_no_reply_and_no_password_is_shown(error: Exception, sentence: str) -> None:
    made = failed(error)
    assert str(made) == f"Could not get the connection status of i-1: {sentence}"
    shown = "".join(traceback.format_exception(made))
    assert CANARY not in shown + repr(made) + str(made.response)


@pytest.mark.parametrize(
    "user", ["jane:TheSecret@", "TheSecret@", ":TheSecret@", "jane:TheSecret/with?all#of@it@"], ids=str
)
def test_no_sentence_has_the_user_of_a_url(user: str) -> None:
    assert str(SSMError(f"Invalid endpoint: https://{user}host/path.")) == "Invalid endpoint: https://host/path."


def test_what_has_no_user_of_a_url_stays() -> None:
    text = "User: arn:aws:sts::123456789012:assumed-role/x/jane@example.com, see https://host/?page=2 and jane@host."
    assert str(SSMError(text)) == text


@pytest.mark.parametrize("operation", ["AssumeRole", "GetRoleCredentials", "CreateToken"])
@pytest.mark.parametrize(
    "code", ["RequestLimitExceeded", "Throttling", "ThrottlingException", "TooManyRequestsException"]
)
def test_a_call_for_credentials_that_was_throttled_says_nothing_of_the_next_one(operation: str, code: str) -> None:
    made = failed(refused(operation, code))
    assert (made.affects_every_call, made.may_be_regional) == (False, True)


@pytest.mark.parametrize(
    ("error", "may_have_worked"),
    [
        (UnreadableReplyError("DeleteDocument", 200, is_html_page=True), True),
        (ValueError("no"), True),
        (boto.ReadTimeoutError(endpoint_url=URL, error="no"), True),
        (boto.ConnectionClosedError(endpoint_url=URL), True),
        (refused("DeleteDocument", "502", 502), True),
        (refused("DeleteDocument", "InvalidDocument"), False),
        (refused("AssumeRole", "502", 502), False),
        (UnreadableReplyError("AssumeRole", 200, is_html_page=True), False),
        (boto.EndpointConnectionError(endpoint_url=URL, error="no"), False),
        (boto.NoCredentialsError(), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_whether_aws_may_have_done_it(error: Exception, may_have_worked: bool) -> None:
    assert failed(error).may_have_worked is may_have_worked


@pytest.mark.parametrize(
    ("error", "throttled", "not_sent", "failed_inside"),
    [
        (refused("StartSession", "ThrottlingException"), True, False, False),
        (refused("StartSession", "RequestLimitExceeded", 503), True, False, True),
        (refused("StartSession", "Other", 429), True, False, False),
        (refused("StartSession", "InternalServerError", 500), False, False, True),
        (refused("AssumeRole", "InternalFailure", 500), False, False, False),
        (refused("StartSession", "AccessDeniedException"), False, False, False),
        (boto.EndpointConnectionError(endpoint_url=URL, error="no"), False, True, False),
        (boto.ConnectTimeoutError(endpoint_url=URL, error="no"), False, True, False),
        (boto.ProxyConnectionError(proxy_url=URL, error="no"), False, True, False),
        (boto.ReadTimeoutError(endpoint_url=URL, error="no"), False, False, False),
        (boto.ConnectionClosedError(endpoint_url=URL), False, False, False),
        (ValueError("no"), False, False, False),
    ],
    ids=str,
)
def test_what_is_known_of_a_call_that_failed(
    error: Exception, throttled: bool, not_sent: bool, failed_inside: bool
) -> None:
    made = failed(error)
    assert (made.throttled, made.not_sent, made.failed_inside) == (throttled, not_sent, failed_inside)


@pytest.mark.parametrize(
    "error",
    [
        boto.NoCredentialsError(),
        boto.ProfileNotFound(profile="ops"),
        boto.EndpointConnectionError(endpoint_url=URL, error="no"),
    ],
    ids=str,
)
def test_advice_can_have_other_names_of_the_options(error: Exception) -> None:
    made = failed(error)
    assert str(made).endswith(f"{advice(error)}.")
    assert "the_profile" in advice(error, "the_{}".format) or "the_endpoint_url" in advice(error, "the_{}".format)
