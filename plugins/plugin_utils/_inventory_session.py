# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Where the inventory asks: with which credentials, in which regions."""

from __future__ import annotations

import contextlib
import datetime
import functools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.sessionops.aws.plugins.module_utils._ssm import api
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.clients import Connection, empty_variables

from ._inventory_fetch import Clients

try:
    from botocore.credentials import DeferredRefreshableCredentials
except ImportError:
    pass  # AWSInventoryBase reports a missing boto3

_SECRETS = frozenset({"AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY", "AWS_SECURITY_TOKEN", "AWS_SESSION_TOKEN"})
SESSION_NAME = "ansible_aws_ssm_inventory"


def connect(region: str | None, endpoint: str | None, options: Mapping[str, Any], role: str | None) -> Connection:
    """A connection from the options of amazon.aws, as ``get_aws_connection_info`` gives them.

    ``role`` is the ARN of a role to assume, whose credentials are renewed for as long as clients are used.
    """
    connection = Connection(endpoint, options)
    if not role:
        return connection
    sts = connection.client("sts", region)
    provider = _Provider(lambda: _credentials(api.assume_role(sts, role, SESSION_NAME)))
    assumed = Connection(endpoint, {"verify": options.get("verify")}, provider)
    assumed.get_credentials()  # a role that cannot be assumed fails here
    return assumed


def clients(connection: Connection, regions: Sequence[str], *, ec2: bool) -> dict[str, Clients]:
    """Clients of each region."""
    # The service checks what it is asked; to do so here too costs each of thousands of calls something.
    make = functools.partial(connection.client, parameter_validation=False)
    return {region: Clients(make("ssm", region), make("ec2", region) if ec2 else None) for region in regions}


class _Provider:
    """Where a session takes its credentials from: the role, renewed before they end."""

    METHOD = CANONICAL_NAME = "assume-role"

    def __init__(self, renew: Callable[[], dict[str, str]]) -> None:
        self._renew = renew

    def load(self) -> Any:
        return DeferredRefreshableCredentials(refresh_using=self._renew, method=self.METHOD)


def _credentials(given: api.Shape) -> dict[str, str]:
    """What AssumeRole gives, in botocore's own form."""
    expiry: datetime.datetime = given["Expiration"]
    return {
        "access_key": given["AccessKeyId"],
        "secret_key": given["SecretAccessKey"],
        "token": given["SessionToken"],
        "expiry_time": expiry.isoformat(),
    }


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
