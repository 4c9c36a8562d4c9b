# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Send signed requests without boto3, which rejects some mistakes itself and hides the raw reply."""

from __future__ import annotations

import dataclasses
import http.client
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit
from xml.etree import ElementTree

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from emulator.service import Identity
from emulator.testing import LocalAWS

JSON_TYPE = "application/x-amz-json-1.1"
FORM_TYPE = "application/x-www-form-urlencoded; charset=utf-8"
TARGETS = {"ssm": "AmazonSSM", "kms": "TrentService"}
VERSIONS = {"ec2": "2016-11-15", "sts": "2011-06-15", "iam": "2010-05-08"}


@dataclasses.dataclass
class Answer:
    """An HTTP reply."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def xml(self) -> ElementTree.Element:
        return ElementTree.fromstring(self.body)  # noqa: S314  (our own server wrote it)

    @property
    def is_xml(self) -> bool:
        return self.headers["content-type"].startswith("text/xml")

    @property
    def code(self) -> str:
        """Return the error code, or an empty string for a success."""
        if self.is_xml:
            found = self.xml.findall(".//{*}Code")
            return found[0].text or "" if found else ""
        return str(self.json.get("__type", ""))

    @property
    def message(self) -> str:
        if self.is_xml:
            return self.xml.findall(".//{*}Message")[0].text or ""
        return str(self.json.get("message", self.json.get("Message")))


def sign(
    aws: LocalAWS,
    service: str,
    body: bytes,
    headers: Mapping[str, str],
    identity: Identity | None = None,
    region: str = "us-east-1",
) -> dict[str, str]:
    """Return the headers of a request, signed by botocore."""
    who = identity or aws.world.default_identity
    request = AWSRequest("POST", aws.url + "/", dict(headers), body)
    credentials = Credentials(who.access_key, who.secret_key, who.session_token)
    SigV4Auth(credentials, service, region).add_auth(request)
    return dict(request.headers.items())


def send(aws: LocalAWS, body: bytes, headers: Mapping[str, str], method: str = "POST", path: str = "/") -> Answer:
    connection = http.client.HTTPConnection(urlsplit(aws.url).netloc, timeout=30)
    try:
        connection.request(method, path, body, dict(headers))
        response = connection.getresponse()
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
    finally:
        connection.close()


def call_json(
    aws: LocalAWS,
    operation: str,
    body: Any,
    identity: Identity | None = None,
    service: str = "ssm",
    region: str = "us-east-1",
) -> Answer:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Content-Type": JSON_TYPE, "X-Amz-Target": f"{TARGETS[service]}.{operation}"}
    return send(aws, data, sign(aws, service, data, headers, identity, region))


def call_query(
    aws: LocalAWS, service: str, action: str, form: Mapping[str, str] | None = None, identity: Identity | None = None
) -> Answer:
    data = urlencode({"Action": action, "Version": VERSIONS[service], **(form or {})}).encode()
    return send(aws, data, sign(aws, service, data, {"Content-Type": FORM_TYPE}, identity))


def body_of(request: Mapping[str, Any]) -> tuple[bytes, dict[str, str]]:
    """Return the body and the headers of a request that a serialiser of botocore made."""
    body, headers = request["body"], dict(request["headers"])
    if isinstance(body, Mapping):
        body = urlencode(body).encode()
        headers.setdefault("Content-Type", FORM_TYPE)
    return (body if isinstance(body, bytes) else str(body).encode()), headers
