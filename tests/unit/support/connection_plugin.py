# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The connection plugin as Ansible loads it, with options that ansible-core finds in variables and the environment."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from typing import Any
from unittest import mock

from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import connection_loader
from ansible_collections.sessionops.aws.plugins.plugin_utils._connection.options import read
from ansible_collections.sessionops.aws.plugins.plugin_utils._connection.service import Calls
from ansible_collections.sessionops.aws.plugins.plugin_utils._connection.settings import Settings
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.link import Started

from emulator.journal import Entry
from emulator.testing import LocalAWS
from unit.support.session_client import Told

NAME = "sessionops.aws.aws_ssm"
HOST = "web-1"
# Nodes without an agent: sessions with them start, and nothing opens their channels.
TARGET, OTHER = "i-0123456789abcdef0", "mi-0123456789abcdef1"
WORLD: dict[str, Any] = {
    "regions": {
        region: {"nodes": [{"id": node, "status": "connected"} for node in (TARGET, OTHER)]}
        for region in ("us-east-1", "eu-west-1")
    }
}


def make(
    variables: Mapping[str, Any] | None = None,
    *,
    keys: Mapping[str, Any] | None = None,
    direct: Mapping[str, Any] | None = None,
) -> Any:
    """Return the plugin. ``keys`` are keywords of the task, and ``direct`` are options by their own names."""
    context = PlayContext()
    context.remote_addr = HOST
    plugin = connection_loader.get(NAME, context)
    known = {"inventory_hostname": HOST, **(variables or {})}
    plugin.set_options(task_keys=dict(keys or {}), var_options=known, direct=dict(direct or {}))
    return plugin


def settings(variables: Mapping[str, Any] | None = None, **given: Any) -> Settings:
    """Return what the plugin reads from its options."""
    return read(make(variables, **given).get_option_and_origin, HOST)


@contextlib.contextmanager
def environment(**variables: str) -> Iterator[None]:
    """Have these variables in the environment, and no others of AWS, of proxies, and of Ansible's limits."""
    foreign = ("AWS_", "ANSIBLE_TIMEOUT", "ANSIBLE_PIPELINING")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(foreign) and not name.lower().endswith("_proxy")
    }
    nothing = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    more = {"AWS_EC2_METADATA_DISABLED": "true", **nothing, **variables}
    with mock.patch.dict(os.environ, {**kept, **more}, clear=True):
        yield


def keys_of(aws: LocalAWS) -> dict[str, str]:
    """Return the variables of a host that hold the keys of the world's default identity."""
    who = aws.world.default_identity
    return {
        "ansible_aws_ssm_access_key_id": who.access_key,
        "ansible_aws_ssm_secret_access_key": who.secret_key,
    }


def start(aws: LocalAWS, variables: Mapping[str, Any] | None = None, **given: Any) -> tuple[Entry, Started]:
    """Start a session as the plugin does. Return the call and what it returned."""
    before = aws.position
    started = Calls(settings({"ansible_aws_ssm_endpoint_url": aws.url, **(variables or {})}, **given), Told()).start()
    return aws.calls("StartSession", since=before)[-1], started
