# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The settings of a node process: one line of JSON."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, Self
from urllib.parse import urlsplit

from ..world_values import WorldError, mapping
from .options import AgentOptions, read_options

_REQUIRED = ("endpoint", "region", "node_id", "access_key", "secret_key", "agent_version", "platform")


@dataclasses.dataclass(frozen=True)
class Settings:
    """Where the gateway is, who the node is, and how its agent behaves. ``platform`` is for example ``linux``."""

    host: str
    port: int
    region: str
    node_id: str
    agent_version: str
    platform: str
    access_key: str
    secret_key: str = dataclasses.field(repr=False)
    session_token: str | None = dataclasses.field(repr=False)
    agent: AgentOptions

    @classmethod
    def parse(cls, line: str) -> Self:
        """Read settings. Raises ``WorldError``, whose text has no value of a key."""
        given = _given(line)
        for name in _REQUIRED:
            if not isinstance(given.get(name), str) or not given[name]:
                raise WorldError(f"{name} of the settings must be a string")
        token = given.get("session_token")
        if token is not None and not isinstance(token, str):
            raise WorldError("session_token of the settings must be a string or null")
        endpoint = urlsplit(given["endpoint"])
        if endpoint.scheme != "http" or not endpoint.hostname or not endpoint.port:
            raise WorldError("endpoint of the settings must be like http://127.0.0.1:40000")
        return cls(
            host=endpoint.hostname,
            port=endpoint.port,
            region=given["region"],
            node_id=given["node_id"],
            agent_version=given["agent_version"],
            platform=given["platform"],
            access_key=given["access_key"],
            secret_key=given["secret_key"],
            session_token=token,
            agent=read_options(given.get("agent", {})),
        )


def _given(line: str) -> Mapping[str, Any]:
    try:
        given = json.loads(line)
    except ValueError:
        raise WorldError("the settings are not JSON") from None
    return mapping(given, "the settings", (*_REQUIRED, "session_token", "agent"))
