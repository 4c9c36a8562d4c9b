# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Turn errors of the AWS API into sentences: what was attempted, on what, why it failed, and what would help."""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from .amazon import AnsibleAWSError
from .urls import without_user

try:
    from botocore import exceptions as boto
except ImportError:
    pass  # AnsibleAWSModule and AWSInventoryBase report a missing boto3 before any call is made

# DescribeDocument, GetDocument, UpdateDocument and DeleteDocument return this code for a name that does not exist. Its
# text has changed before, so only the code is compared.
MISSING_DOCUMENT = frozenset({"InvalidDocument"})
MISSING_DOCUMENT_VERSION = frozenset({"InvalidDocumentVersion"})
# The tag operations return this code for a document that does not exist or belongs to another account, and for a hybrid
# node that is not registered any more (tests/emulator/FIDELITY.md).
NO_TAGS = frozenset({"InvalidResourceId"})
# TerminateSession returns these codes for a session that has ended or never existed (tests/emulator/FIDELITY.md).
# Neither is in the service model.
NOT_TERMINABLE = frozenset({"ValidationException", "DoesNotExistException"})
# ResumeSession returns one of these codes for a session that has ended, if it does not reply without a token
# (tests/emulator/FIDELITY.md).
NOT_RESUMABLE = NOT_TERMINABLE
NOT_CONNECTED = frozenset({"TargetNotConnected"})
DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})

# The cause is the credentials or the endpoint, not the document, session or node in the request: the same call for
# another one would fail in the same way.
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

# A region that is not enabled for the account returns these, too.
NOT_ENABLED = frozenset({"InvalidClientTokenId", "OptInRequired", "UnrecognizedClientException"})

# Calls that botocore makes to get credentials, in the middle of another call, if a profile has a role or a sign-in. The
# values are the permissions that they need.
CREDENTIAL_CALLS = {
    "AssumeRole": "sts:AssumeRole",
    "AssumeRoleWithWebIdentity": "sts:AssumeRoleWithWebIdentity",
    "CreateOAuth2Token": "signin:CreateOAuth2Token",
    "CreateToken": "",
    "GetRoleCredentials": "sso:GetRoleCredentials",
}
_THROTTLED = frozenset({"RequestLimitExceeded", "Throttling", "ThrottlingException", "TooManyRequestsException"})

# The form of AWS's error codes. If the reply is not an error of AWS, botocore uses the HTTP status as the code, and the
# text can be the whole body.
_CODE = re.compile(r"[A-Za-z][\w.:-]*", re.ASCII)
_HTML = re.compile(r"<\s*(!doctype|html|head|body)\b", re.IGNORECASE)
_UNREADABLE = "the service returned an invalid reply."
_USERINFO = re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^\s\"'<>]*@", re.IGNORECASE)
_QUERY = re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s\"'<>?]*)\?[^\s\"'<>]*", re.IGNORECASE)


class SSMError(AnsibleAWSError):
    """One failed attempt.

    ``message`` is the whole sentence. User names and passwords in its URLs are removed. ``exception`` is botocore's
    exception if one was the cause, without secrets and without the body of a reply. ``code`` is AWS's error code, or
    None if AWS returned none. ``result`` has further return values of the failed task, such as what it did before the
    error.
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

    def without_traceback(self) -> SSMError:
        """Remove the tracebacks of this error and its causes, and return it.

        A traceback keeps the request, the reply and the parsed data in memory. Where thousands of errors are kept, that
        is a waste.
        """
        link: BaseException | None = self
        while link is not None:
            link.__traceback__ = None
            link = link.__cause__ or link.__context__
        return self

    @property
    def response(self) -> dict[str, Any]:
        """AWS's parsed reply, or an empty dict if there was none."""
        return getattr(self.exception, "response", None) or {}

    @property
    def code(self) -> str | None:
        """AWS's error code, such as ``InvalidDocument``, or None."""
        code = self.response.get("Error", {}).get("Code")
        return str(code) if code else None

    @property
    def http_status(self) -> int:
        """The HTTP status of the reply, or 0 if there was none."""
        return int(self.response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0)

    @property
    def throttled(self) -> bool:
        """True if the service refused the call because there were too many. It did nothing, and may be called again."""
        return self.code in _THROTTLED or self.http_status == 429

    @property
    def not_sent(self) -> bool:
        """True if no request was sent, because there was no connection to the service or to the proxy."""
        return isinstance(self.exception, _unreachable())

    @property
    def retried(self) -> bool:
        """True if this is the reply to a retry: the first reply was lost, or was a temporary error."""
        return int(self.response.get("ResponseMetadata", {}).get("RetryAttempts") or 0) > 0

    @property
    def denied(self) -> bool:
        """True if IAM denied the call."""
        return self.code in DENIED

    @property
    def may_have_worked(self) -> bool:
        """True if no readable reply came, so AWS may have carried out the request."""
        if _for_credentials(self.exception) or self._named:
            return False
        lost = (boto.HTTPClientError, boto.IncompleteReadError, boto.ClientError, UnreadableReplyError)
        return self.exception is None or isinstance(self.exception, lost)

    @property
    def failed_inside(self) -> bool:
        """True if the service replied that it failed itself, which does not say how far it came."""
        return self.http_status >= 500 and not _for_credentials(self.exception)

    @property
    def affects_every_call(self) -> bool:
        """True if the same call for any other target would fail in the same way."""
        if self.code in BAD_CREDENTIALS or isinstance(self.exception, (*_no_credentials(), boto.ConnectionError)):
            return True
        if not _for_credentials(self.exception):
            return False
        # A page of a proxy instead of credentials is permanent. AWS's own throttling and server errors are temporary.
        return not self._named or (400 <= self.http_status < 500 and not self.throttled)

    @property
    def _named(self) -> bool:
        """True if the code has the form of AWS's error codes."""
        return bool(self.code and _CODE.fullmatch(self.code))

    @property
    def may_be_regional(self) -> bool:
        """True if the error may be limited to one region, such as one that is not enabled or does not exist."""
        unreachable = isinstance(self.exception, (boto.EndpointConnectionError, boto.ConnectTimeoutError))
        return not self.affects_every_call or self.code in NOT_ENABLED or unreachable


class UnreadableReplyError(Exception):
    """A reply to ``operation_name`` that the service never gives. The message does not quote the reply."""

    def __init__(self, operation_name: str, status: int, *, is_html_page: bool) -> None:
        if is_html_page:
            sentence = f"the service answered {status} with an HTML page ({operation_name})."
        else:
            sentence = f"{_UNREADABLE.rstrip('.')} ({operation_name}, status {status})."
        super().__init__(sentence)
        self.operation_name = operation_name


class attempting:  # noqa: N801 - reads as a statement: with attempting("list documents", ...)
    """Turn any failure inside the block into an ``SSMError``.

    ``what`` completes the sentence "Could not ...". ``needs`` is the IAM permission that the call requires. ``granted``
    is a sentence on how policies grant it, for a permission that is usually limited to some resources.
    """

    def __init__(self, what: str, *, needs: str, granted: str = "") -> None:
        self._what = what
        self._needs = needs
        self._granted = granted

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, unused_trace: object) -> None:
        if not isinstance(error, Exception) or isinstance(error, SSMError):
            return
        reason, cause = self._explain(error)
        # A chained traceback would show botocore's own text, which can contain the body of a reply or a password.
        raise SSMError(f"Could not {self._what}: {reason}", cause) from None

    def _explain(self, error: Exception) -> tuple[str, Exception | None]:
        """Return the reason as a sentence, and the exception that ``SSMError`` may keep."""
        if isinstance(error, boto.ClientError):
            shown = _without_body(error)
            return _reason(shown, self._needs, self._granted), shown
        if isinstance(error, boto.BotoCoreError):
            return f"{_botocore_text(error)}{advice(error)}.", error
        if isinstance(error, UnreadableReplyError):
            return str(error), error
        # botocore's parsers raise many kinds of exceptions for a reply that the service model does not describe.
        return f"{_UNREADABLE}{' It is an HTML page.' if is_html_page(str(error)) else ''}", None


def without_userinfo(text: str) -> str:
    """Return the text without the user names and passwords in its URLs."""
    return _USERINFO.sub(r"\1", text)


def _without_secrets(text: str) -> str:
    """Return a text of AWS or botocore without the user names, passwords and queries in its URLs."""
    return _QUERY.sub(r"\1", without_userinfo(text))


@contextlib.contextmanager
def tolerating(codes: Collection[str]) -> Iterator[None]:
    """Ignore an ``SSMError`` whose AWS code is one of ``codes``. The code after the block handles that case."""
    try:
        yield
    except SSMError as error:
        if error.code not in codes:
            raise


@functools.cache
def _no_credentials() -> tuple[type[Exception], ...]:
    """Return botocore's exceptions for credentials that it cannot get."""
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
    """Return botocore's exceptions for a missing or expired sign-in, as with ``aws sso login``.

    Not every release has all of them.
    """
    names = ("SSOError", "NoAuthTokenError", "TokenRetrievalError", "LoginError")
    return tuple(getattr(boto, name) for name in names if hasattr(boto, name))


@functools.cache
def _unreachable() -> tuple[type[Exception], ...]:
    """Return botocore's exceptions for a connection that was never made."""
    return boto.EndpointConnectionError, boto.ConnectTimeoutError, boto.ProxyConnectionError


def _for_credentials(error: object) -> bool:
    return getattr(error, "operation_name", None) in CREDENTIAL_CALLS


def _reason(error: Any, needs: str, granted: str) -> str:
    """Return AWS's code and text, followed by what would help."""
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
        return f"{sentence}. Check the credentials, and the clock of the host that made the call."
    return f"{sentence}."


def _without_body(error: Any) -> Any:
    """Return a copy of the ``ClientError`` that has only AWS's code and text.

    If the reply was not an error of AWS, its text says instead what kind of body came.
    """
    given = error.response.get("Error") if isinstance(error.response.get("Error"), dict) else {}
    code, text = (value if isinstance(value, str) else "" for value in (given.get("Code"), given.get("Message")))
    if not _CODE.fullmatch(code):
        metadata = error.response.get("ResponseMetadata") or {}
        kind = (metadata.get("HTTPHeaders") or {}).get("content-type")
        code = str(metadata.get("HTTPStatusCode") or "")
        body = "with an HTML page" if is_html_page(text, kind) else "without an AWS error"
        text = f"the service answered {code} {body} ({error.operation_name})" if code else ""
    elif is_html_page(text):
        text = ""
    # AWS quotes the whole request after these words, including the session token.
    text = _without_secrets(text.split("The Canonical String for this request")[0].strip())
    return boto.ClientError({**error.response, "Error": {"Code": code, "Message": text}}, error.operation_name)


def is_html_page(text: str, content_type: object = None) -> bool:
    """Return whether a body, or a text that quotes one, is an HTML page."""
    return bool(_HTML.search(text)) or "html" in str(content_type)


def _botocore_text(error: Any) -> str:
    """Return botocore's text as one line.

    It omits the output of a service or a program that was asked for credentials.
    """
    if isinstance(error, boto.ProfileNotFound):
        return f"the profile {error.kwargs.get('profile')} does not exist"
    text = str(error)
    for url in (error.kwargs.get("endpoint_url"), error.kwargs.get("proxy_url")):
        text = text.replace(str(url), without_user(str(url)))
    if isinstance(error, boto.HTTPClientError) and isinstance(error.kwargs.get("error"), ValueError):
        text = "the URL of the endpoint or of a proxy is not valid"  # botocore's text contains a part of the URL
    if isinstance(error, boto.MetadataRetrievalError):
        text = "Error retrieving metadata: " + str(error.kwargs.get("error_msg")).split(":", maxsplit=1)[0]
    if isinstance(error, boto.CredentialRetrievalError) and error.kwargs.get("provider") == "custom-process":
        text = "the credential_process of the profile failed"
    return _without_secrets(" ".join(text.split()).rstrip("."))


def advice(error: object, named: Callable[[str], str] = str) -> str:
    """Return what would help against an error that came before any reply of AWS; an empty text if nothing is known.

    ``named`` returns how the user sets an option, given by its name in the modules.
    """
    if isinstance(error, (boto.NoCredentialsError, boto.PartialCredentialsError)):
        keys = f"{named('access_key')} and {named('secret_key')}"
        return f". Set {keys}, or {named('profile')}, or AWS's environment variables"
    if isinstance(error, _signed_out()):
        return ". Sign in again, for example with aws sso login"
    if isinstance(error, boto.ProfileNotFound):
        return f". Check {named('profile')}, AWS_PROFILE and AWS's configuration files"
    if isinstance(error, _unreachable()):
        return f". Check {named('region')}, {named('endpoint_url')} and the network"
    return ""
