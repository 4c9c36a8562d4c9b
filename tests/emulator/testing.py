# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The endpoint for a test, in a thread of the test's own process.

with LocalAWS("demo") as aws:
    aws.client("ssm").get_connection_status(Target="i-...")
    assert aws.writes() == []
"""

from __future__ import annotations

import asyncio
import functools
import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from . import environment
from .gateway import Gateway
from .gateway.journal import Frame
from .journal import Entry
from .server import Part, Server, reply_headers
from .service import Identity
from .services.ssm.nodes.store import Nodes
from .sigv4 import Request
from .world import World

# Creating a client is not thread-safe, so threads share this lock and one session. A session of its own for each
# client would have to load the service models again, which is slow.
_MAKING_CLIENTS = threading.Lock()


@functools.cache
def _session() -> Any:
    """Return the boto3 session of all clients. It reads neither the user's files nor the user's profile."""
    import boto3  # only tests need it
    import botocore.session

    nothing = {"profile": (None, None, None, None), "config_file": (None, None, os.devnull, None)}
    return boto3.session.Session(botocore_session=botocore.session.Session(session_vars=nothing))


# The endpoints of this process, by their addresses.
_RUNNING: dict[str, LocalAWS] = {}


class LocalAWS:
    """A context manager around one running endpoint.

    ``world`` is a name in worlds/, a path or a mapping. Leaving the context raises ``AssertionError`` on a contract
    violation or an unused fault, unless ``strict`` is false or the body has already failed. ``parts`` are served beside
    AWS's operations.
    """

    def __init__(
        self, world: Mapping[str, Any] | str | Path = "empty", *, strict: bool = True, parts: Sequence[Part] = ()
    ) -> None:
        self.world = World.load(world)
        self.strict = strict
        self._server = Server(self.world, parts)
        self._gateway = next((part for part in parts if isinstance(part, Gateway)), None)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="emulator", daemon=True)

    @staticmethod
    def at(address: str) -> LocalAWS | None:
        """Return the endpoint of this process at an address such as ``127.0.0.1:40123``; None if there is none."""
        return _RUNNING.get(address)

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._server.start(), self._loop).result(timeout=30)
        _RUNNING[urlsplit(self.url).netloc] = self
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, unused_trace: TracebackType | None
    ) -> None:
        self.stop()
        if kind is None and self.strict:
            self.assert_clean()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def stop(self) -> None:
        """Stop listening and end the thread."""
        if self._thread.is_alive():
            del _RUNNING[urlsplit(self.url).netloc]
            asyncio.run_coroutine_threadsafe(self._server.stop(), self._loop).result(timeout=30)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(timeout=30)
            self._loop.close()

    @property
    def answers_at_once(self) -> bool:
        """True if no fault and no latency can delay a reply or close a connection, and no gateway has to answer."""
        return not self.world.faults.rules and not self.world.has_latency and self._gateway is None

    def answer(self, request: Request) -> tuple[int, dict[str, str], bytes | None]:
        """Answer a request without HTTP. Return status, headers and body; a body of None means no reply at all."""
        engine = self._server.engine
        handled = engine.answer_at_once(request)
        body = None if handled.close_mode else handled.reply.body
        return handled.reply.status, reply_headers(engine, handled), body

    @property
    def url(self) -> str:
        return self._server.url

    @property
    def env(self) -> dict[str, str]:
        """The environment variables that direct a client to this endpoint."""
        return environment.variables(self.url, self.world)

    def clean_env(self) -> dict[str, str]:
        """Return this process's environment with the variables of ``env`` and no other AWS settings."""
        return environment.clean(os.environ, self.url, self.world)

    def client(self, service: str, *, region: str | None = None, identity: Identity | None = None, **extra: Any) -> Any:
        """Return a boto3 client, configured only by the arguments: not by the environment or the user's files.

        It makes one attempt for each call, unless ``config`` is given.
        """
        from botocore.config import Config

        who = identity or self.world.default_identity
        extra.setdefault("config", Config(retries={"total_max_attempts": 1}, max_pool_connections=32))
        with _MAKING_CLIENTS:
            return _session().client(
                service,
                region_name=region or self.world.regions[0],
                endpoint_url=self.url,
                aws_access_key_id=who.access_key,
                aws_secret_access_key=who.secret_key,
                aws_session_token=who.session_token,
                **extra,
            )

    def calls(self, operation: str | None = None, *, since: int = 0, writes: bool = False) -> list[Entry]:
        return self._server.engine.journal.select(operation, since, writes)

    def writes(self, *, since: int = 0) -> list[Entry]:
        """Return the calls of operations that change something, such as CreateDocument."""
        return self.calls(since=since, writes=True)

    @property
    def position(self) -> int:
        """The number of calls so far, for use as ``since`` later."""
        return len(self._server.engine.journal.entries)

    @property
    def violations(self) -> list[str]:
        return self._server.engine.violations

    def frames(self, session: str | None = None, frame_type: str | None = None, *, since: int = 0) -> list[Frame]:
        """Return what the gateway relayed, received and sent. The world must be served by a ``Gateway``."""
        return self._served_gateway.frames(session, frame_type, since)

    def disturb(self, session: str | None = None, **do: Any) -> list[str]:
        """Disturb the channels of a session, or of all: ``disturb(cut="client")``. Return the IDs of the sessions.

        The effects are those of ``frame_faults.CHANNEL_EFFECTS``.
        """

        async def apply() -> list[str]:
            return self._served_gateway.disturb(do, session)

        return asyncio.run_coroutine_threadsafe(apply(), self._loop).result(timeout=30)

    @property
    def _served_gateway(self) -> Gateway:
        if self._gateway is None:
            raise RuntimeError("the world is not served by a Gateway: LocalAWS(world, parts=[Gateway()])")
        return self._gateway

    def add_fault(self, **rule: Any) -> None:
        """Add a fault rule: ``add_fault(op="DescribeSessions", page=2, do={"error": "ThrottlingException"})``."""
        self.world.faults.add(rule)

    def unused_faults(self) -> list[str]:
        return self.world.faults.unused()

    def set_status(self, target: str, status: Any, *, region: str | None = None) -> None:
        """Set the connection status of a target: ``"connected"``, or a list with one status for each poll."""
        self.world.state(region or self.world.regions[0], Nodes).set_status(target, status)

    def assert_clean(self) -> None:
        """Raise ``AssertionError`` if there was a contract violation, or if a fault rule was never used."""
        complaints = self._server.complaints()
        if complaints:
            raise AssertionError("\n".join(complaints))
