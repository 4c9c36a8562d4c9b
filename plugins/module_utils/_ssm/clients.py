# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""The boto3 clients of the modules and of the inventory plugin: their settings, and where they connect to."""

from __future__ import annotations

import datetime
import os
import urllib.parse
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.ansible_release import __version__ as core_version

from . import replies
from .errors import CREDENTIAL_CALLS, SSMError, UnreadableReplyError, attempting, is_page
from .fanout import MAX_WORKERS
from .urls import without_user

try:
    import boto3
    import botocore.session
    from botocore.config import Config
    from botocore.credentials import CredentialResolver
    from botocore.utils import parse_timestamp
except ImportError:
    pass  # AnsibleAWSModule and AWSInventoryBase report a missing boto3

COLLECTION_NAME = "sessionops.aws"
COLLECTION_VERSION = "0.1.0"
_CONNECTING = attempting("connect to AWS", needs="sts:AssumeRole")  # which a profile may ask for


class Connection:
    """Makes clients from the connection options of amazon.aws, as ``get_aws_connection_info`` gives them.

    All clients share one session, for each session reads the service models anew. They are safe to share between
    threads; the connection is not. Errors are ``SSMError``.
    """

    def __init__(self, endpoint: str | None, options: Mapping[str, Any], provider: Any = None) -> None:
        """``provider`` is a botocore credential provider, to be asked instead of all those that botocore has."""
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

    def client(self, service: str, region: str | None, **settings: Any) -> Any:
        """A client of one service in one region, with further ``settings`` of botocore."""
        config = self._config.merge(Config(**settings))
        where = {"region_name": region, "endpoint_url": self._endpoint}
        with _CONNECTING:
            try:
                return self._session.client(service, config=config, **where, **self._options)
            except ValueError as error:  # of an endpoint or a region that is none
                what, colon, url = str(error).rstrip(".").partition(": ")
                raise SSMError(f"Could not connect to AWS: {what}{colon}{without_user(url)}.") from None

    def get_credentials(self) -> Any:
        """The credentials in use, as botocore's frozen ones. A provider is asked for them if they are not there yet."""
        with _CONNECTING:
            return self._session.get_credentials().get_frozen_credentials()


def _check_port(endpoint: str) -> None:
    """Raise for a port that botocore would try to connect to and cannot."""
    try:
        urllib.parse.urlsplit(endpoint).port  # noqa: B018 - reading it checks it
    except ValueError:
        raise SSMError(
            f"endpoint_url: {without_user(endpoint)} has a port that is not a number from 0 to 65535."
        ) from None


class _Parsers:
    """botocore's factory of response parsers, whose parsers are watched."""

    def __init__(self, factory: Any) -> None:
        self._factory = factory

    def create_parser(self, protocol: str) -> _Parser:
        """Called by botocore for each reply."""
        return _Parser(self._factory.create_parser(protocol), protocol)


class _Parser:
    """A response parser of botocore that neither lets a wrong body pass for a right one, nor shows it in an error.

    An error reply that cannot be read becomes one without a code of AWS, so that botocore tries again as its status
    says. Any other is an ``UnreadableReplyError``.
    """

    def __init__(self, parser: Any, protocol: str) -> None:
        self._parser = parser
        self._protocol = protocol

    def parse(self, response: Mapping[str, Any], shape: Any) -> dict[str, Any]:
        """Called by botocore with the status, the headers and the body, and a shape of the service model."""
        try:
            parsed: dict[str, Any] = (self._read if response["status_code"] < 300 else self._error)(response, shape)
        except Exception:  # of the many kinds, none of which may show the body
            return _unreadable(response, shape)
        return parsed

    def _read(self, response: Mapping[str, Any], shape: Any) -> Any:
        replies.check_body(self._protocol, shape, response["body"])
        parsed = self._parser.parse(response, shape)
        if response["context"]["operation_name"] in CREDENTIAL_CALLS:
            # botocore reads these itself, in the middle of another call.
            replies.check(shape, parsed)
        return parsed

    def _error(self, response: Mapping[str, Any], shape: Any) -> Any:
        parsed = self._parser.parse(response, shape)
        if not _describes_error(shape):
            given = parsed["Error"]
            if not isinstance(given["Code"], str) or not isinstance(given.get("Message") or "", str):
                raise replies.WrongReplyError
        return parsed


def _describes_error(shape: Any) -> bool:
    """Whether botocore looks for the members of one kind of error, after it has read what every error has."""
    return shape is not None and bool(shape.metadata.get("exception"))


def _unreadable(response: Mapping[str, Any], shape: Any) -> dict[str, Any]:
    """Return an error of no code instead of an error that cannot be read; raise for another reply."""
    status = int(response["status_code"])
    body = response["body"].decode(errors="replace") if isinstance(response["body"], bytes) else ""
    page = is_page(body, response["headers"].get("content-type"))
    if status < 300:
        raise UnreadableReplyError(response["context"]["operation_name"], status, is_page=page) from None
    if _describes_error(shape):
        return {}
    headers = {"content-type": "text/html"} if page else {}
    return {
        "Error": {"Code": str(status), "Message": ""},
        "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": headers},
    }


def client_config() -> Any:
    """The botocore settings that every client of this collection starts from; a user's ``aws_config`` wins.

    Adaptive retries hold a client to the rate that the service allows. The other modes give up on a good part of a
    large fleet once Systems Manager throttles, since they only space out the attempts of one call at a time.
    """
    settings: dict[str, Any] = {
        "retries": {"mode": "adaptive", "total_max_attempts": 8},
        "max_pool_connections": MAX_WORKERS,
        "user_agent": f"APN/1.0 Ansible/{core_version} {COLLECTION_NAME}/{COLLECTION_VERSION}",
    }
    return Config(**settings)


def timestamp(value: Any) -> datetime.datetime:
    """A time as the services write it, in UTC.

    botocore gives each in the controller's own time zone, to reckon which takes half of the CPU of a long listing.
    What Systems Manager's JSON and EC2's XML do not have is left to botocore.
    """
    try:
        if isinstance(value, (int, float)):
            return datetime.datetime.fromtimestamp(value, datetime.UTC)
        if value.endswith("Z"):
            return datetime.datetime.fromisoformat(value)
    except (AttributeError, OSError, OverflowError, ValueError):
        pass  # no time, or one beyond what this system can tell
    parsed: datetime.datetime = parse_timestamp(value)
    return parsed


def empty_variables() -> list[str]:
    """The environment variables of AWS that are empty, which botocore takes for a profile or a region without a name.

    AWX sets those that a credential has no value for to nothing.
    """
    return [name for name, value in os.environ.items() if name.startswith("AWS_") and not value]
