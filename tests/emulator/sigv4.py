# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Verify AWS Signature Version 4 (AWS Signature Version 4 guide).

This is written from AWS's description of the algorithm and does not use botocore, so that botocore's signatures are
checked by independent code.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
import hashlib
import hmac
import re
from collections.abc import Mapping
from urllib.parse import quote, unquote, urlsplit

from .service import APIError, Identity

ALGORITHM = "AWS4-HMAC-SHA256"
STAMP = "%Y%m%dT%H%M%SZ"
SKEW = datetime.timedelta(minutes=5)
HEADER = re.compile(
    ALGORITHM + r" +Credential=(?P<key>[^/,\s]+)/(?P<date>\d{8})/(?P<region>[a-z0-9-]+)/(?P<service>[a-z0-9-]+)"
    r"/aws4_request, *SignedHeaders=(?P<headers>[a-z0-9;-]+), *Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclasses.dataclass(frozen=True)
class Request:
    """An HTTP request as it was received. Header names are in lower case; repeated headers are joined by commas."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclasses.dataclass(frozen=True)
class Scope:
    """The parsed Authorization header: credential scope, signed headers and signature. ``date`` is ``20261123``."""

    access_key: str
    date: str
    region: str
    service: str
    headers: tuple[str, ...]
    signature: str


# The error code and HTTP status of each kind of refusal: of the JSON services, of EC2, and of STS and IAM.
CODES: dict[str, dict[str, tuple[str, int]]] = {
    "json": {
        "missing": ("MissingAuthenticationTokenException", 400),
        "incomplete": ("IncompleteSignatureException", 400),
        "unknown": ("UnrecognizedClientException", 400),
        "token": ("UnrecognizedClientException", 400),
        "expired": ("ExpiredTokenException", 400),
        "mismatch": ("InvalidSignatureException", 400),
        "skew": ("InvalidSignatureException", 400),
    },
    "ec2": {
        "missing": ("MissingAuthenticationToken", 403),
        "incomplete": ("IncompleteSignature", 400),
        "unknown": ("AuthFailure", 401),
        "token": ("AuthFailure", 401),
        "expired": ("RequestExpired", 400),
        "mismatch": ("SignatureDoesNotMatch", 403),
        "skew": ("RequestExpired", 400),
    },
    "query": {
        "missing": ("MissingAuthenticationToken", 403),
        "incomplete": ("IncompleteSignature", 400),
        "unknown": ("InvalidClientTokenId", 403),
        "token": ("InvalidClientTokenId", 403),
        "expired": ("ExpiredToken", 403),
        "mismatch": ("SignatureDoesNotMatch", 403),
        "skew": ("SignatureDoesNotMatch", 403),
    },
}

TEXTS = {
    "missing": "Missing Authentication Token",
    "incomplete": "The Authorization header is not a complete signature.",
    "unknown": "The security token included in the request is invalid.",
    "token": "The security token included in the request is invalid.",
    "expired": "The security token included in the request is expired",
    "mismatch": (
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret"
        " Access Key and signing method. Consult the service documentation for details."
    ),
}

# Codes whose message differs from the message of the other services.
OWN_TEXTS = {"AuthFailure": "AWS was not able to validate the provided access credentials"}


def refusal(protocol: str, kind: str, text: str | None = None) -> APIError:
    code, status = CODES[protocol][kind]
    return APIError(code, text or OWN_TEXTS.get(code, TEXTS[kind]), status)


def read_scope(headers: Mapping[str, str]) -> Scope | None:
    """Parse the Authorization header. Returns None if it is missing or not a Signature Version 4 header."""
    found = HEADER.fullmatch(headers.get("authorization", "").strip())
    if found is None:
        return None
    return Scope(
        found["key"],
        found["date"],
        found["region"],
        found["service"],
        tuple(found["headers"].split(";")),
        found["signature"],
    )


def verify(
    request: Request,
    scope: Scope | None,
    protocol: str,
    identities: Mapping[str, Identity],
    now: datetime.datetime,
) -> Identity:
    """Return the identity that signed a request. Raises the ``APIError`` that AWS would return if it is not valid."""
    if scope is None:
        raise refusal(protocol, "incomplete" if "authorization" in request.headers else "missing")
    identity = identities.get(scope.access_key)
    if identity is None:
        raise refusal(protocol, "unknown")
    stamp = request.headers.get("x-amz-date", "")
    _check_headers(request, scope, stamp, protocol)
    wanted = hmac.digest(
        signing_key(identity.secret_key, scope.date, scope.region, scope.service),
        string_to_sign(request, scope, stamp).encode(),
        "sha256",
    ).hex()
    if not hmac.compare_digest(wanted, scope.signature):
        raise refusal(protocol, "mismatch")
    _check_time(stamp, protocol, now)
    if identity.session_token != request.headers.get("x-amz-security-token"):
        raise refusal(protocol, "token")
    if identity.expired:
        raise refusal(protocol, "expired")
    return identity


def _check_headers(request: Request, scope: Scope, stamp: str, protocol: str) -> None:
    must = {"host"} | {name for name in request.headers if name.startswith("x-amz-")}
    if not must <= set(scope.headers) or not set(scope.headers) <= set(request.headers):
        raise refusal(protocol, "mismatch")
    if stamp[:8] != scope.date:
        raise refusal(protocol, "incomplete")
    declared = request.headers.get("x-amz-content-sha256")
    if declared is not None and declared != hashlib.sha256(request.body).hexdigest():
        raise refusal(protocol, "mismatch")


def _check_time(stamp: str, protocol: str, now: datetime.datetime) -> None:
    try:
        signed = _moment(stamp)
    except ValueError:
        raise refusal(protocol, "incomplete") from None
    if signed < now - SKEW:
        limit = (now - SKEW).strftime(STAMP)
        text = f"Signature expired: {stamp} is now earlier than {limit} ({now.strftime(STAMP)} - 5 min.)"
        raise refusal(protocol, "skew", text)
    if signed > now + SKEW:
        limit = (now + SKEW).strftime(STAMP)
        text = f"Signature not yet current: {stamp} is still later than {limit} ({now.strftime(STAMP)} + 5 min.)"
        raise refusal(protocol, "skew", text)


@functools.lru_cache(maxsize=256)
def _moment(stamp: str) -> datetime.datetime:
    return datetime.datetime.strptime(stamp, STAMP).replace(tzinfo=datetime.UTC)


def string_to_sign(request: Request, scope: Scope, stamp: str) -> str:
    digest = hashlib.sha256(canonical_request(request, scope.headers).encode()).hexdigest()
    return f"{ALGORITHM}\n{stamp}\n{scope.date}/{scope.region}/{scope.service}/aws4_request\n{digest}"


def canonical_request(request: Request, signed: tuple[str, ...]) -> str:
    path, query = _canonical_target(request.target)
    headers = "".join(f"{name}:{' '.join(request.headers[name].split())}\n" for name in sorted(signed))
    return "\n".join(
        (
            request.method.upper(),
            path,
            query,
            headers,
            ";".join(sorted(signed)),
            hashlib.sha256(request.body).hexdigest(),
        )
    )


@functools.lru_cache(maxsize=256)
def _canonical_target(target: str) -> tuple[str, str]:
    parts = urlsplit(target)
    query = "&".join(sorted(item if "=" in item else item + "=" for item in parts.query.split("&") if item))
    return quote(unquote(parts.path) or "/", safe="/~"), query


@functools.lru_cache(maxsize=256)
def signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key
