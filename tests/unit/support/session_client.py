# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A world with a node that runs commands, and clients of sessions with it."""

from __future__ import annotations

import contextlib
import json
import shutil
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.sessionops.aws.plugins.plugin_utils._connection.service import Calls
from ansible_collections.sessionops.aws.plugins.plugin_utils._connection.settings import DOCUMENT, Settings
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.jobs import Jobs
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.limits import Limits
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.lines import INTERPRETERS
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.session import Session

from emulator.gateway import Gateway
from emulator.node.part import NodeProcesses
from emulator.server import Part
from emulator.testing import LocalAWS

REGION = "us-east-1"
NODE = "i-0123456789abcdef0"
# Only a test that is broken waits so long.
PATIENT = Limits(connect=30.0, resume=30.0)


class Told:
    """What a client tells the user, as pairs of verbosity and text."""

    def __init__(self) -> None:
        self.lines: list[tuple[int, str]] = []

    def __call__(self, verbosity: int, text: str) -> None:
        self.lines.append((verbosity, text))

    @property
    def warnings(self) -> list[str]:
        return [text for verbosity, text in self.lines if verbosity == 0]

    def __contains__(self, text: str) -> bool:
        return any(text in line for unused, line in self.lines)


@contextlib.contextmanager
def a_node(agent: Mapping[str, Any] | None = None, *, strict: bool = True, **world: Any) -> Iterator[LocalAWS]:
    """Serve a world with one node that has an agent. ``agent`` are its options; ``world`` are other keys."""
    region = {"nodes": [{"id": NODE, "agent": {"fast": True, **(agent or {})}}], **world.pop("region", {})}
    parts: list[Part] = [Gateway(), NodeProcesses()]
    with LocalAWS({"regions": {REGION: region}, **world}, strict=strict, parts=parts) as aws:
        yield aws


def without_python(folder: Path, *more: str) -> dict[str, str]:
    """Return the options of an agent whose commands find only a shell, POSIX's own programs, and ``more``."""
    own = ("sh", "stty", "od", "sed", "cksum", "printf", "cat", "id", "sleep", "head", "tr", "echo")
    for program in (*own, *more):
        (folder / program).symlink_to(str(shutil.which(program)))
    return {"path": str(folder)}


def settings_for(aws: LocalAWS, **given: Any) -> Settings:
    """Return the settings of a connection to the node."""
    who = aws.world.default_identity
    keys = {"aws_access_key_id": who.access_key, "aws_secret_access_key": who.secret_key}
    values: dict[str, Any] = {
        "target": NODE,
        "region": REGION,
        "endpoint": aws.url,
        "stream_endpoint": None,
        "credentials": keys,
        "role": None,
        "document": DOCUMENT,
        "command_parameter": None,
        "parameters": {},
        "reason": "test",
        "interpreters": INTERPRETERS,
        "limits": PATIENT,
        "command_timeout": None,
        "attempts": 1,
        "wait": 0.0,
        "idle": 0.0,
        "lifetime": 0.0,
        "persist": False,
    }
    return Settings(**{**values, **given})


class Client(Jobs):
    """Jobs in a session of this process, without a holder."""

    def __init__(self, session: Session, tell: Told) -> None:
        super().__init__(session, session.node, tell)
        self.session = session

    def close(self) -> None:
        self.session.close()


def open_client(aws: LocalAWS, told: Told | None = None, **given: Any) -> Client:
    """Start a session. The caller must close it."""
    settings = settings_for(aws, **given)
    tell = Told() if told is None else told
    calls = Calls(settings, tell)
    session = Session(calls, settings.limits, tell, interpreters=settings.interpreters, typed=calls.typed)
    return Client(session, tell)


@contextlib.contextmanager
def a_client(aws: LocalAWS, told: Told | None = None, **given: Any) -> Iterator[Client]:
    client = open_client(aws, told, **given)
    try:
        yield client
    finally:
        client.close()


def tell_node(aws: LocalAWS, do: str, **more: Any) -> None:
    """Stop, continue, kill or restart the process of the node."""
    body = json.dumps({"region": REGION, "target": NODE, "do": do, **more}).encode()
    headers = {"Content-Type": "application/json", "X-Emulator-Token": aws.world.token}
    request = urllib.request.Request(f"{aws.url}/_emulator/node", body, headers)  # noqa: S310 - the emulator's own URL
    with urllib.request.urlopen(request, timeout=60) as reply:  # noqa: S310
        reply.read()
