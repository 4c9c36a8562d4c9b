# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""The boto3 clients of all regions, from one session: each session reads the service models anew."""

from __future__ import annotations

import contextlib
import datetime
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ansible.release import __version__ as core_version
from ansible_collections.sessionops.aws.plugins.module_utils._ssm import api
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.errors import SSMError, attempting
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.module import (
    COLLECTION_NAME,
    COLLECTION_VERSION,
    client_config,
    empty_variables,
)

from ._inventory_fetch import Clients

try:
    import boto3
    import botocore.session
    from botocore.config import Config
    from botocore.credentials import CredentialResolver, DeferredRefreshableCredentials
except ImportError:
    pass  # AWSInventoryBase reports a missing boto3

_SECRETS = frozenset({"AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY", "AWS_SECURITY_TOKEN", "AWS_SESSION_TOKEN"})
SESSION_NAME = "ansible_aws_ssm_inventory"


class Connection:
    """Makes clients from the connection options of amazon.aws, as ``get_aws_connection_info`` gives them."""

    def __init__(self, region: str | None, endpoint: str | None, options: Mapping[str, Any], role: str | None) -> None:
        """``role`` is the ARN of a role to assume, whose credentials are renewed for as long as clients are used."""
        given = dict(options)
        self._endpoint = endpoint or None
        with attempting("connect to AWS", needs="sts:AssumeRole"):
            self._session = boto3.session.Session(profile_name=given.pop("profile_name", None) or None)
        self._options = {key: value for key, value in given.items() if value is not None}
        if role:
            first = self.client("sts", region)
            self._session = _role_session(lambda: api.assume_role(first, role, SESSION_NAME))
            self._options = {key: value for key, value in self._options.items() if not key.startswith("aws_")}
            self._session.get_credentials().get_frozen_credentials()  # a role that cannot be assumed fails here

    def client(self, service: str, region: str | None) -> Any:
        """A client of one service in one region."""
        agent = f"APN/1.0 Ansible/{core_version} {COLLECTION_NAME}/{COLLECTION_VERSION}"
        # The service checks what it is asked; to do so here too costs each of thousands of calls something.
        config = client_config().merge(Config(user_agent=agent, parameter_validation=False))
        where = {"region_name": region, "endpoint_url": self._endpoint}
        with attempting("connect to AWS", needs="sts:AssumeRole"):
            try:
                return self._session.client(service, config=config, **where, **self._options)
            except ValueError as error:  # of an endpoint or a region that is none
                raise SSMError(f"Could not connect to AWS: {str(error).rstrip('.')}.") from error

    def clients(self, regions: Sequence[str], *, ec2: bool) -> dict[str, Clients]:
        """Clients of each region. They are safe to share between threads; the session that makes them is not."""
        return {
            region: Clients(self.client("ssm", region), self.client("ec2", region) if ec2 else None)
            for region in regions
        }


class _Provider:
    """Where a session takes its credentials from: the role, renewed before they end."""

    METHOD = CANONICAL_NAME = "assume-role"

    def __init__(self, renew: Callable[[], dict[str, str]]) -> None:
        self._renew = renew

    def load(self) -> Any:
        return DeferredRefreshableCredentials(refresh_using=self._renew, method=self.METHOD)


def _role_session(assume: Callable[[], api.Shape]) -> Any:
    def renew() -> dict[str, str]:
        credentials = assume()
        expiry: datetime.datetime = credentials["Expiration"]
        return {
            "access_key": credentials["AccessKeyId"],
            "secret_key": credentials["SecretAccessKey"],
            "token": credentials["SessionToken"],
            "expiry_time": expiry.isoformat(),
        }

    core = botocore.session.Session()
    core.register_component("credential_provider", CredentialResolver([_Provider(renew)]))
    return boto3.session.Session(botocore_session=core)


def identity(get: Callable[[str], Any]) -> dict[str, str | None]:
    """What shapes AWS's answers besides the question: who asks, and where. It has no secret in it."""
    options = ("access_key", "profile", "assume_role_arn", "endpoint_url")
    variables = {name: value for name, value in os.environ.items() if name.startswith("AWS_") and name not in _SECRETS}
    return {**variables, **{option: get(option) for option in options}}


@contextlib.contextmanager
def without_empty_variables() -> Iterator[None]:
    """Hide environment variables of AWS that are empty for as long as the inventory is made."""
    empty = empty_variables()
    for name in empty:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(dict.fromkeys(empty, ""))
