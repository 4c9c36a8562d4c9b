# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Carry the requests of boto3 clients to an emulator in the same process, without sockets.

HTTP and the change of threads take more than half of the time of a test that makes many calls. Everything else is as
over HTTP: the client signs and serializes each request, and the emulator verifies its signature, checks it, writes it
into the journal and answers with bytes. A request goes over HTTP all the same if the world has faults or a latency.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError
from botocore.httpsession import URLLib3Session
from urllib3 import HTTPHeaderDict

from emulator.sigv4 import Request
from emulator.testing import LocalAWS

# boto3 calls from many threads; the emulator's own thread handles one request at a time, too.
_ONE_AT_A_TIME = threading.Lock()


@contextmanager
def carried_in_process() -> Iterator[None]:
    """Replace the HTTP session of botocore, for requests to an emulator of this process."""
    over_http: Any = URLLib3Session.send

    def send(session: URLLib3Session, request: Any) -> AWSResponse:
        aws = LocalAWS.at(urlsplit(request.url).netloc)
        return _carry(aws, request) if aws and aws.answers_at_once else over_http(session, request)

    with mock.patch.object(URLLib3Session, "send", send):
        yield


class _Body(io.BytesIO):
    """The body of a reply, with the method of urllib3 that botocore reads it by."""

    def stream(self, unused_amount: int = 0, unused_decode_content: bool = False) -> Iterator[bytes]:
        yield self.read()


def _carry(aws: LocalAWS, request: Any) -> AWSResponse:
    url = urlsplit(request.url)
    headers = {name.lower(): _text(value) for name, value in request.headers.items()}
    path = f"{url.path or '/'}{'?' if url.query else ''}{url.query}"
    body = request.body.encode() if isinstance(request.body, str) else request.body or b""
    with _ONE_AT_A_TIME:
        status, reply_headers, reply = aws.answer(Request(request.method, path, {"host": url.netloc, **headers}, body))
    if reply is None:
        raise ConnectionClosedError(error="closed without a reply", request=request, endpoint_url=request.url)
    response = AWSResponse(request.url, status, HTTPHeaderDict(reply_headers), _Body(reply))
    response.content  # noqa: B018 - botocore, too, reads the body at once
    return response


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
