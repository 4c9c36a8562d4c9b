# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""The connections of the inventory: its credentials, its boto3 clients, and the identity that its cache depends on."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.sessionops.aws.plugins.module_utils._ssm.clients import Connection

from .fetch import Clients

try:
    import botocore.session
except ImportError:
    pass  # AWSInventoryBase reports a missing boto3

# botocore's credential methods that renew the temporary keys of one identity, which the configuration names.
_RENEWED = frozenset({"assume-role", "assume-role-with-web-identity", "login", "sso"})


def clients(connection: Connection, regions: Sequence[str], *, ec2: bool) -> dict[str, Clients]:
    """Return the clients of each region, by the region's name; with ``ec2``, also those of EC2."""
    # The service validates the parameters. Validating them here too would slow down each of thousands of calls.
    make = functools.partial(connection.client, parameter_validation=False)
    return {region: Clients(make("ssm", region), make("ec2", region) if ec2 else None) for region in regions}


def identity(get: Callable[[str], Any]) -> dict[str, Any] | None:
    """Return the settings that AWS's replies depend on: those of the credentials and of the endpoint. No secrets.

    ``{"AWS_REGION": "us-east-1", "access_key": None, "profile": "ops", ..., "signer": [{...}, [None, None], "sso"]}``

    Return None if there are no credentials. Connecting then raises the error that says why.
    """
    options = {option: get(option) for option in ("access_key", "profile", "assume_role_arn", "endpoint_url")}
    variables = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    signer: list[Any] = []
    if not options["access_key"]:
        with contextlib.suppress(Exception):  # providers raise any exception, and connecting meets the same error
            signer = _signer(options["profile"])
        if not signer:
            return None
    return {**_without_secrets(variables), **options, "signer": signer}


def _signer(profile: str | None) -> list[Any]:
    """Return what identifies the signer of a profile, or of the environment. Makes no call to AWS.

    The access key identifies the signer best. But a role, a login or SSO issues new keys for the same identity again
    and again, so there the settings that lead to it are used. The keys of an instance or of a program have no such
    settings.
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
    """Return what identifies the signer that assumes the role of a profile."""
    source = settings.get("source_profile")
    if source and source != (session.profile or "default"):
        return _signer(source)
    # The keys of a profile that is its own source are among its settings. Keys of the environment are among its
    # variables. This leaves the roles of instances and containers.
    providers = session.get_component("credential_provider").providers
    named = settings.get("credential_source", "")
    found = [each.load() for each in providers if named == each.CANONICAL_NAME]
    return [each.get_frozen_credentials().access_key for each in found if each]


def _without_secrets(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if not _is_secret(name.lower())}


def _is_secret(name: str) -> bool:
    return "secret" in name or ("token" in name and not name.endswith("_file"))
