# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Connect to AWS, optionally with the credentials of a role that is assumed."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.sessionops.aws.plugins.module_utils._ssm import api
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.clients import Connection

try:
    from botocore.credentials import DeferredRefreshableCredentials
except ImportError:
    pass  # the plugins report a missing boto3


def connect(
    region: str | None,
    endpoint: str | None,
    options: Mapping[str, Any],
    role: str | None,
    session_name: str,
    **settings: Any,
) -> Connection:
    """Return a connection made from the options of amazon.aws, as ``get_aws_connection_info`` returns them.

    ``role`` is the ARN of a role to assume, under the name ``session_name``. Its credentials are renewed for as long as
    clients are used. Raises ``SSMError`` if the role cannot be assumed.

    ``settings`` are further arguments of botocore's ``Config`` for the call that assumes the role.

    ``endpoint`` is not used to assume the role, because an endpoint of Systems Manager does not serve STS. botocore
    takes that of the region, or the one of ``AWS_ENDPOINT_URL_STS`` or ``AWS_ENDPOINT_URL``.
    """
    connection = Connection(endpoint, options)
    if not role:
        return connection
    sts = connection.client("sts", region, use_endpoint=False, **settings)
    provider = _Provider(lambda: _botocore_credentials(api.assume_role(sts, role, session_name)))
    assumed = Connection(endpoint, {"verify": options.get("verify")}, provider)
    assumed.get_credentials()  # a role that cannot be assumed fails here
    return assumed


class _Provider:
    """A botocore credential provider for the role, whose credentials are renewed before they expire."""

    METHOD = CANONICAL_NAME = "assume-role"

    def __init__(self, renew: Callable[[], dict[str, str]]) -> None:
        self._renew = renew

    def load(self) -> Any:
        return DeferredRefreshableCredentials(refresh_using=self._renew, method=self.METHOD)


def _botocore_credentials(returned: api.Shape) -> dict[str, str]:
    """Convert the credentials that AssumeRole returned to botocore's own form."""
    expiry: datetime.datetime = returned["Expiration"]
    return {
        "access_key": returned["AccessKeyId"],
        "secret_key": returned["SecretAccessKey"],
        "token": returned["SessionToken"],
        "expiry_time": expiry.isoformat(),
    }
