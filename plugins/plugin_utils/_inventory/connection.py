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

from .fetch import Clients

try:
    import botocore.session
    from botocore.credentials import DeferredRefreshableCredentials
except ImportError:
    pass  # AWSInventoryBase reports a missing boto3

# The methods of botocore that renew temporary keys of one identity, which the configuration names.
_RENEWED = frozenset({"assume-role", "assume-role-with-web-identity", "login", "sso"})
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


def identity(get: Callable[[str], Any]) -> dict[str, Any] | None:
    """Return what shapes AWS's answers besides the question: who signs, and where. It contains no secret.

    None if nobody can sign. The error that then comes of connecting says why.
    """
    options = {option: get(option) for option in ("access_key", "profile", "assume_role_arn", "endpoint_url")}
    variables = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    signer: list[Any] = []
    if not options["access_key"]:
        with contextlib.suppress(Exception):  # providers raise anything, and connecting meets the same error
            signer = _signer(options["profile"])
        if not signer:
            return None
    return {**_without_secrets(variables), **options, "signer": signer}


def _signer(profile: str | None) -> list[Any]:
    """Return what identifies the signer of a profile, or of the environment. It takes no call to AWS.

    Keys are the best sign of who signs. A role, a login or SSO gives new ones for the same identity again and again, so
    that the settings count which lead to it. Keys of an instance or of a program have no such settings.
    """
    session = botocore.session.Session(profile=profile or None)
    credentials = session.get_credentials()
    settings = session.get_scoped_config()
    sections = [session.full_config.get("sso_sessions", {}).get(settings.get("sso_session"))]
    sections.append(session.full_config.get("services", {}).get(settings.get("services")))
    signer = [_without_secrets(settings), sections, credentials.method]
    if credentials.method not in _RENEWED:
        return [*signer, credentials.get_frozen_credentials().access_key]
    return [*signer, *(_source(session, settings) if credentials.method == "assume-role" else [])]


def _source(session: Any, settings: Mapping[str, Any]) -> list[Any]:
    """Return what identifies the one who assumes the role of a profile."""
    source = settings.get("source_profile")
    if source and source != (session.profile or "default"):
        return _signer(source)
    # A profile that is its own source has its keys among the settings, and keys of the environment are among its
    # variables. There remain the roles of instances and containers.
    providers = session.get_component("credential_provider").providers
    named = settings.get("credential_source", "")
    found = [each.load() for each in providers if named == each.CANONICAL_NAME]
    return [each.get_frozen_credentials().access_key for each in found if each]


def _without_secrets(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if not _is_secret(name.lower())}


def _is_secret(name: str) -> bool:
    return "secret" in name or ("token" in name and not name.endswith("_file"))


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
