# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sign the requests of a node with AWS Signature Version 4."""

from __future__ import annotations

import datetime
import hmac
from collections.abc import Mapping

from .. import sigv4
from .settings import Settings

GATEWAY = "ssmmessages"


def signed_headers(
    settings: Settings,
    method: str,
    target: str,
    host: str,
    body: bytes = b"",
    *,
    service: str = GATEWAY,
    more: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Return the headers that sign a request, with ``more`` headers that are signed, too.

    ``host`` is the value of its Host header, and ``target`` has the query.
    """
    stamp = datetime.datetime.now(datetime.UTC).strftime(sigv4.STAMP)
    headers = {**(more or {}), "x-amz-date": stamp}
    if settings.session_token is not None:
        headers["x-amz-security-token"] = settings.session_token
    date = stamp[:8]
    signed = tuple(sorted(["host", *headers]))
    scope = sigv4.Scope(settings.access_key, date, settings.region, service, signed, "")
    request = sigv4.Request(method, target, {"host": host, **headers}, body)
    signature = hmac.digest(
        sigv4.signing_key(settings.secret_key, date, settings.region, service),
        sigv4.string_to_sign(request, scope, stamp).encode(),
        "sha256",
    ).hex()
    credential = f"{settings.access_key}/{date}/{settings.region}/{service}/aws4_request"
    headers["Authorization"] = (
        f"{sigv4.ALGORITHM} Credential={credential}, SignedHeaders={';'.join(signed)}, Signature={signature}"
    )
    return headers
