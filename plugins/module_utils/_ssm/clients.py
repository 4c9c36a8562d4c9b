# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Create boto3 clients for the modules and the inventory plugin: connection, settings and parsing of replies."""

from __future__ import annotations

import datetime
import os
import urllib.parse
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.ansible_release import __version__ as core_version

from . import replies
from .errors import CREDENTIAL_CALLS, SSMError, UnreadableReplyError, attempting, is_html_page
from .fanout import MAX_WORKERS
from .urls import without_user

try:
    import boto3
    import botocore.session
    from botocore.config import Config
    from botocore.credentials import CredentialResolver
    from botocore.httpsession import get_cert_path
    from botocore.utils import parse_timestamp
except ImportError:
    pass  # AnsibleAWSModule and AWSInventoryBase report a missing boto3

COLLECTION_NAME = "sessionops.aws"
COLLECTION_VERSION = "0.1.0"
_CONNECTING = attempting("connect to AWS", needs="sts:AssumeRole")  # botocore calls it for a profile with a role


class Connection:
    """Creates clients from the connection options of amazon.aws, as ``get_aws_connection_info`` returns them.

    All clients share one session, because every session loads the service models again. Threads can share a client,
    but not a ``Connection``. Errors are raised as ``SSMError``.
    """

    def __init__(self, endpoint: str | None, options: Mapping[str, Any], provider: Any = None) -> None:
        """Create the session. ``provider`` is a botocore credential provider that replaces all those of botocore."""
        given = {name: value for name, value in options.items() if value is not None}
        profile = given.pop("profile_name", None) or None
        self._endpoint = endpoint or None
        if endpoint:
            _check_port(endpoint)
        self._config = client_config().merge(given.pop("aws_config", Config()))
        core = botocore.session.Session()
        parsers = core.get_component("response_parser_factory")
        parsers.set_parser_defaults(timestamp_parser=timestamp)
        core.register_component("response_parser_factory", _Parsers(parsers))
        if provider is not None:
            core.register_component("credential_provider", CredentialResolver([provider]))
        with _CONNECTING:
            self._session = boto3.session.Session(botocore_session=core, profile_name=profile)
        self._options = given

    def client(self, service: str, region: str | None, *, use_endpoint: bool = True, **settings: Any) -> Any:
        """Return a client of one service in one region. ``settings`` are further arguments of botocore's ``Config``.

        Set ``use_endpoint`` to False for a service that the endpoint of the connection does not serve. botocore then
        takes the endpoint of the region, or the one of ``AWS_ENDPOINT_URL_<SERVICE>`` or ``AWS_ENDPOINT_URL``.
        """
        config = self._config.merge(Config(**settings))
        where = {"region_name": region, "endpoint_url": self._endpoint if use_endpoint else None}
        with _CONNECTING:
            try:
                return self._session.client(service, config=config, **where, **self._options)
            except ValueError as error:  # the endpoint or the region is not valid
                what, colon, url = str(error).rstrip(".").partition(": ")
                raise SSMError(f"Could not connect to AWS: {what}{colon}{without_user(url)}.") from None

    def get_credentials(self) -> Any:
        """Return the credentials in use, as botocore's frozen ones. The first call gets them from the provider."""
        with _CONNECTING:
            return self._session.get_credentials().get_frozen_credentials()

    def trusted_certificates(self) -> str | None:
        """Return the file or folder of certificates that botocore trusts, or None if it checks none."""
        verify = self._options.get("verify")
        if verify is None:
            verify = self._session._session.get_config_variable("ca_bundle") or True
        return None if verify is False else str(get_cert_path(verify))


def _check_port(endpoint: str) -> None:
    """Raise ``SSMError`` for an invalid port, which botocore would accept and then fail to connect to."""
    try:
        urllib.parse.urlsplit(endpoint).port  # noqa: B018 - reading the attribute checks it
    except ValueError:
        raise SSMError(
            f"endpoint_url: the port of {without_user(endpoint)} must be a number from 0 to 65535."
        ) from None


class _Parsers:
    """botocore's factory of response parsers, with each parser wrapped in a ``_Parser``."""

    def __init__(self, factory: Any) -> None:
        self._factory = factory

    def create_parser(self, protocol: str) -> _Parser:
        """Return the parser of one reply. botocore calls this for each reply."""
        return _Parser(self._factory.create_parser(protocol), protocol)


class _Parser:
    """A response parser of botocore that rejects malformed bodies and never shows a body in an error.

    An error reply that cannot be read becomes an error without a code of AWS, so botocore decides by its HTTP status
    whether to retry. Any other reply that cannot be read raises ``UnreadableReplyError``.
    """

    def __init__(self, parser: Any, protocol: str) -> None:
        self._parser = parser
        self._protocol = protocol

    def parse(self, response: Mapping[str, Any], shape: Any) -> dict[str, Any]:
        """Parse a reply. botocore passes its status, headers and body, and a shape of the service model."""
        try:
            parsed: dict[str, Any] = (self._read if response["status_code"] < 300 else self._error)(response, shape)
        except Exception:  # botocore raises many kinds; none may show the body
            return _unreadable(response, shape)
        return parsed

    def _read(self, response: Mapping[str, Any], shape: Any) -> Any:
        replies.check_body(self._protocol, shape, response["body"])
        parsed = self._parser.parse(response, shape)
        if response["context"]["operation_name"] in CREDENTIAL_CALLS:
            # botocore itself reads these replies, in the middle of another call, so ``api`` never checks them.
            replies.check_reply(shape, parsed)
        return parsed

    def _error(self, response: Mapping[str, Any], shape: Any) -> Any:
        parsed = self._parser.parse(response, shape)
        if not _describes_error(shape):
            given = parsed["Error"]
            if not isinstance(given["Code"], str) or not isinstance(given.get("Message") or "", str):
                raise replies.WrongReplyError
        return parsed


def _describes_error(shape: Any) -> bool:
    """Return whether ``shape`` is one kind of error.

    botocore first parses what every error has. Then it calls the parser again for the members of that kind.
    """
    return shape is not None and bool(shape.metadata.get("exception"))


def _unreadable(response: Mapping[str, Any], shape: Any) -> dict[str, Any]:
    """Return an error without a code of AWS for an error reply; raise ``UnreadableReplyError`` for any other reply."""
    status = int(response["status_code"])
    body = response["body"].decode(errors="replace") if isinstance(response["body"], bytes) else ""
    page = is_html_page(body, response["headers"].get("content-type"))
    if status < 300:
        raise UnreadableReplyError(response["context"]["operation_name"], status, is_html_page=page) from None
    if _describes_error(shape):
        return {}
    headers = {"content-type": "text/html"} if page else {}
    return {
        "Error": {"Code": str(status), "Message": ""},
        "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": headers},
    }


def client_config() -> Any:
    """Return the botocore settings that every client of this collection starts from. A user's ``aws_config`` wins.

    Adaptive retries limit a client to the rate that the service allows. The other modes only space out the attempts of
    each single call, so they give up on a large part of a large fleet once Systems Manager throttles.
    """
    settings: dict[str, Any] = {
        "retries": {"mode": "adaptive", "total_max_attempts": 8},
        "max_pool_connections": MAX_WORKERS,
        "user_agent": f"APN/1.0 Ansible/{core_version} {COLLECTION_NAME}/{COLLECTION_VERSION}",
    }
    return Config(**settings)


def timestamp(value: Any) -> datetime.datetime:
    """Parse a time of a reply and return it in UTC.

    botocore converts each time to the controller's time zone, which takes half of the CPU time of a long listing.
    botocore still parses the formats that neither Systems Manager's JSON nor EC2's XML uses.
    """
    try:
        if isinstance(value, (int, float)):
            return datetime.datetime.fromtimestamp(value, datetime.UTC)
        if value.endswith("Z"):
            return datetime.datetime.fromisoformat(value)
    except (AttributeError, OSError, OverflowError, ValueError):
        pass  # not a time, or out of range on this system
    parsed: datetime.datetime = parse_timestamp(value)
    return parsed


def empty_variables() -> list[str]:
    """Return the names of AWS's environment variables that are empty, such as ``["AWS_PROFILE"]``.

    botocore takes an empty variable for a profile or a region with an empty name. AWX sets a variable to an empty text
    if the credential has no value for it.
    """
    return [name for name, value in os.environ.items() if name.startswith("AWS_") and not value]
