# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Errors of the AWS API as sentences: what was attempted, on what, why it failed, what would help."""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from .amazon import AnsibleAWSError
from .urls import without_user

try:
    from botocore import exceptions as boto
except ImportError:
    pass  # AnsibleAWSModule and AWSInventoryBase report a missing boto3 before any call is made

# DescribeDocument, GetDocument, UpdateDocument and DeleteDocument answer with this code for a name that does not
# exist. The text that comes with it has changed before, so only the code counts.
MISSING_DOCUMENT = frozenset({"InvalidDocument"})
MISSING_DOCUMENT_VERSION = frozenset({"InvalidDocumentVersion"})
# What the tag operations answer for a document that does not exist, or is not the account's own.
NO_TAGS = frozenset({"InvalidResourceId"})
# TerminateSession's answers for a session that has ended, or that never was. Neither is in the service model.
NOT_TERMINABLE = frozenset({"ValidationException", "DoesNotExistException"})
DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})

# The credentials or the endpoint are at fault, not the document, session or node that was asked for:
# the same call for another one would fail the same way.
BAD_CREDENTIALS = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "OptInRequired",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)

# Those of them that a region gives too which is not enabled for the account.
NOT_ENABLED = frozenset({"InvalidClientTokenId", "OptInRequired", "UnrecognizedClientException"})

# Calls that botocore makes for credentials in the middle of another one, for a profile with a role or with a sign-in,
# and the permission that each needs.
CREDENTIAL_CALLS = {
    "AssumeRole": "sts:AssumeRole",
    "AssumeRoleWithWebIdentity": "sts:AssumeRoleWithWebIdentity",
    "CreateOAuth2Token": "signin:CreateOAuth2Token",
    "CreateToken": "",
    "GetRoleCredentials": "sso:GetRoleCredentials",
}
_THROTTLED = frozenset({"RequestLimitExceeded", "Throttling", "ThrottlingException", "TooManyRequestsException"})

# What a service calls an error. botocore puts the HTTP status here if the reply is not an error of AWS, and then the
# text can be the whole body.
_CODE = re.compile(r"[A-Za-z][\w.:-]*", re.ASCII)
_HTML = re.compile(r"<\s*(!doctype|html|head|body)\b", re.IGNORECASE)
_UNREADABLE = "the reply is not one that the service gives."
_USERINFO = re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^\s\"'<>]*@", re.IGNORECASE)
_QUERY = re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s\"'<>?]*)\?[^\s\"'<>]*", re.IGNORECASE)


class SSMError(AnsibleAWSError):
    """One failed attempt.

    ``message`` is the whole sentence, from which user names and passwords in URLs are removed; ``exception`` is
    botocore's exception, if one was the cause, without what no sentence may show; ``code`` is AWS's error code, if AWS
    gave one. ``result`` is what the failed task returns besides, such as what it did before.
    """

    def __init__(
        self, message: str, exception: Exception | None = None, result: Mapping[str, Any] | None = None
    ) -> None:
        message = without_userinfo(message)
        super().__init__(message=message, exception=exception)  # type: ignore[no-untyped-call] # theirs has no hints
        self.sentence = message
        self.result = result or {}

    def __str__(self) -> str:
        return self.sentence

    def lean(self) -> SSMError:
        """This error without the frames that it went through.

        They hold the request, the reply and what was read of it, which are of no use where thousands of errors are
        kept.
        """
        link: BaseException | None = self
        while link is not None:
            link.__traceback__ = None
            link = link.__cause__ or link.__context__
        return self

    @property
    def response(self) -> dict[str, Any]:
        """AWS's answer, or an empty dict if there was none."""
        return getattr(self.exception, "response", None) or {}

    @property
    def code(self) -> str | None:
        """AWS's error code, as in ``InvalidDocument``."""
        code = self.response.get("Error", {}).get("Code")
        return str(code) if code else None

    @property
    def retried(self) -> bool:
        """Whether this is the answer to a second attempt, the first one's being lost or a passing error."""
        return int(self.response.get("ResponseMetadata", {}).get("RetryAttempts") or 0) > 0

    @property
    def denied(self) -> bool:
        """Whether IAM refused the call."""
        return self.code in DENIED

    @property
    def unanswered(self) -> bool:
        """Whether no answer came that can be read, so that AWS may have done what it was asked for."""
        if _for_credentials(self.exception) or self._named:
            return False
        lost = (boto.HTTPClientError, boto.IncompleteReadError, boto.ClientError, UnreadableReplyError)
        return self.exception is None or isinstance(self.exception, lost)

    @property
    def hopeless(self) -> bool:
        """Whether the same call on anything else would fail in the same way."""
        if self.code in BAD_CREDENTIALS or isinstance(self.exception, (*_no_credentials(), boto.ConnectionError)):
            return True
        if not _for_credentials(self.exception):
            return False
        # Nobody waits for a proxy's page to become credentials. What AWS itself says may pass.
        status = int(self.response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0)
        return not self._named or (400 <= status < 500 and status != 429 and self.code not in _THROTTLED)

    @property
    def _named(self) -> bool:
        """Whether the answer was an error that AWS has a name for."""
        return bool(self.code and _CODE.fullmatch(self.code))

    @property
    def regional(self) -> bool:
        """Whether one region may be the cause, one that is not enabled or that does not exist, and others may do."""
        unreachable = isinstance(self.exception, (boto.EndpointConnectionError, boto.ConnectTimeoutError))
        return not self.hopeless or self.code in NOT_ENABLED or unreachable


class UnreadableReplyError(Exception):
    """A reply to ``operation_name`` that is not one that the service gives; its text says nothing of what it is."""

    def __init__(self, operation_name: str, status: int, *, is_page: bool) -> None:
        if is_page:
            sentence = f"the service answered {status} with an HTML page ({operation_name})."
        else:
            sentence = f"{_UNREADABLE.rstrip('.')} ({operation_name}, status {status})."
        super().__init__(sentence)
        self.operation_name = operation_name


class attempting:  # noqa: N801 - reads as a statement: with attempting("list documents", ...)
    """Turn any failure inside the block into an ``SSMError``.

    ``what`` completes the sentence "Could not ..."; ``needs`` is the IAM permission that the call takes, and
    ``granted`` a sentence on how policies grant it, where having it is not enough.
    """

    def __init__(self, what: str, *, needs: str, granted: str = "") -> None:
        self._what = what
        self._needs = needs
        self._granted = granted

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if not isinstance(error, Exception) or isinstance(error, SSMError):
            return
        reason, cause = self._explain(error)
        # The chain would show botocore's own text, which can have the body of a reply or a password.
        raise SSMError(f"Could not {self._what}: {reason}", cause) from None

    def _explain(self, error: Exception) -> tuple[str, Exception | None]:
        """Say why, and give the exception that may be kept."""
        if isinstance(error, boto.ClientError):
            shown = _without_body(error)
            return _reason(shown, self._needs, self._granted), shown
        if isinstance(error, boto.BotoCoreError):
            return f"{_told(error)}{_advice(error)}.", error
        if isinstance(error, UnreadableReplyError):
            return str(error), error
        # botocore's parsers raise many kinds of exceptions for a reply that the service model does not describe.
        return f"{_UNREADABLE}{' It is an HTML page.' if is_page(str(error)) else ''}", None


def without_userinfo(text: str) -> str:
    """The text without the user names and passwords of URLs in it."""
    return _USERINFO.sub(r"\1", text)


def _without_secrets(text: str) -> str:
    """The text of AWS or botocore without what its URLs hold besides the place."""
    return _QUERY.sub(r"\1", without_userinfo(text))


@contextlib.contextmanager
def tolerating(codes: Collection[str]) -> Iterator[None]:
    """Swallow an ``SSMError`` whose AWS code is one of ``codes``: the code after the block says what it means."""
    try:
        yield
    except SSMError as error:
        if error.code not in codes:
            raise


@functools.cache
def _no_credentials() -> tuple[type[Exception], ...]:
    """botocore's exceptions for credentials that it cannot get."""
    return (
        boto.NoCredentialsError,
        boto.PartialCredentialsError,
        boto.CredentialRetrievalError,
        boto.MetadataRetrievalError,
        boto.RefreshWithMFAUnsupportedError,
        *_signed_out(),
    )


@functools.cache
def _signed_out() -> tuple[type[Exception], ...]:
    """botocore's exceptions for a sign-in, as with ``aws sso login``, that was never made or is over.

    Not every release has all of them.
    """
    names = ("SSOError", "NoAuthTokenError", "TokenRetrievalError", "LoginError")
    return tuple(getattr(boto, name) for name in names if hasattr(boto, name))


def _for_credentials(error: object) -> bool:
    return getattr(error, "operation_name", None) in CREDENTIAL_CALLS


def _reason(error: Any, needs: str, granted: str) -> str:
    """AWS's code and text, and what would help."""
    if _for_credentials(error):
        needs, granted = CREDENTIAL_CALLS[error.operation_name], ""
    code, text = error.response["Error"]["Code"] or "unknown error", error.response["Error"]["Message"].rstrip(".")
    if text and not _CODE.match(code):
        return f"{text}."
    sentence = f"{code}: {text}" if text else str(code)
    if code in DENIED:
        lacking = "" if needs in text else f" The caller needs the permission {needs}."
        return f"{sentence}.{lacking}" + (f" {granted}" if granted else "")
    if code in BAD_CREDENTIALS:
        return f"{sentence}. Check the credentials and the controller's clock."
    return f"{sentence}."


def _without_body(error: Any) -> Any:
    """The same ``ClientError`` with AWS's code and text, or instead of them a text on what kind of body came."""
    given = error.response.get("Error") if isinstance(error.response.get("Error"), dict) else {}
    code, text = (value if isinstance(value, str) else "" for value in (given.get("Code"), given.get("Message")))
    if not _CODE.fullmatch(code):
        metadata = error.response.get("ResponseMetadata") or {}
        kind = (metadata.get("HTTPHeaders") or {}).get("content-type")
        code = str(metadata.get("HTTPStatusCode") or "")
        body = "with an HTML page" if is_page(text, kind) else "without an error of AWS"
        text = f"the service answered {code} {body} ({error.operation_name})" if code else ""
    elif is_page(text):
        text = ""
    # What follows is the whole request, with the session token.
    text = _without_secrets(text.split("The Canonical String for this request")[0].strip())
    return boto.ClientError({**error.response, "Error": {"Code": code, "Message": text}}, error.operation_name)


def is_page(text: str, content_type: object = None) -> bool:
    """Whether a body, or a text that quotes one, is an HTML page."""
    return bool(_HTML.search(text)) or "html" in str(content_type)


def _told(error: Any) -> str:
    """botocore's text as one line, without what a service or a program answered when it was asked for credentials."""
    if isinstance(error, boto.ProfileNotFound):
        return f"the profile {error.kwargs.get('profile')} does not exist"
    text = str(error)
    for url in (error.kwargs.get("endpoint_url"), error.kwargs.get("proxy_url")):
        text = text.replace(str(url), without_user(str(url)))
    if isinstance(error, boto.HTTPClientError) and isinstance(error.kwargs.get("error"), ValueError):
        text = "the URL of the endpoint or of a proxy is not valid"  # botocore's text has a part of it
    if isinstance(error, boto.MetadataRetrievalError):
        text = "Error retrieving metadata: " + str(error.kwargs.get("error_msg")).split(":", maxsplit=1)[0]
    if isinstance(error, boto.CredentialRetrievalError) and error.kwargs.get("provider") == "custom-process":
        text = "the credential_process of the profile failed"
    return _without_secrets(" ".join(text.split()).rstrip("."))


def _advice(error: Exception) -> str:
    """What would help against an error that came before any answer of AWS."""
    if isinstance(error, (boto.NoCredentialsError, boto.PartialCredentialsError)):
        return ". Set access_key and secret_key, or profile, or AWS's environment variables"
    if isinstance(error, _signed_out()):
        return ". Sign in again, as with aws sso login"
    if isinstance(error, boto.ProfileNotFound):
        return ". Check profile, AWS_PROFILE and AWS's configuration files"
    if isinstance(error, (boto.EndpointConnectionError, boto.ConnectTimeoutError, boto.ProxyConnectionError)):
        return ". Check region, endpoint_url and the network"
    return ""
