# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The HTTP server: one port on the loopback address, for all services and for the control routes."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import functools
import hmac
import json
from collections.abc import Collection, Sequence
from email.utils import format_datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from .engine import Engine, Handled
from .services.ssm.nodes.store import Nodes
from .sigv4 import Request
from .world import World

LOOPBACK = "127.0.0.1"
NAME = "sessionops-emulator (not AWS)"
MAX_BODY = 4 * 1024 * 1024
ENGINE = web.AppKey("engine", Engine)
# The handlers that do not require the token of the control routes.
PUBLIC = web.AppKey("public", frozenset[Handler])
TOKEN_HEADER = "X-Emulator-Token"
# What the paths of the control routes begin with.
CONTROL = "/_emulator/"


class Part(Protocol):
    """Something that is served beside the operations of AWS, such as WebSockets or the processes of nodes.

    ``routes`` below ``/_emulator/`` require the token of the control routes. The others do not, so each must check who
    sent a request. ``start`` runs after the server has begun to listen. ``stop`` runs before the server closes, and
    must end what the part started.
    """

    def routes(self) -> Sequence[web.RouteDef]: ...

    async def start(self, server: Server) -> None: ...

    async def stop(self) -> None: ...

    def processes(self) -> Collection[int]:
        """Return the IDs of the child processes that the part started, and that it will end itself."""


class Server:
    """An endpoint that listens on the loopback address only.

    ``url`` is empty until it is started, then for example ``http://127.0.0.1:40000``.
    """

    def __init__(self, world: World, parts: Sequence[Part] = ()) -> None:
        self.world = world
        self.engine = Engine(world)
        self.url = ""
        self._parts = tuple(parts)
        self._started: list[Part] = []
        self._runner: web.AppRunner | None = None

    async def start(self, port: int = 0) -> None:
        """Listen on a port (0: a free one), then start the parts. If a part fails to start, stop the server again."""
        # A short timeout: a request that is still delayed must not hold up the shutdown.
        app = create_app(self.engine, [route for part in self._parts for route in part.routes()])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, LOOPBACK, port)
        await site.start()
        bound = self._runner.addresses[0][1]
        self.url = f"http://{LOOPBACK}:{bound}"
        try:
            for part in self._parts:
                self._started.append(part)
                await part.start(self)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop the parts, the last one first, then stop listening. All parts are stopped, even if one raises."""
        try:
            while self._started:
                await self._started.pop().stop()
        finally:
            if self._started:
                await self.stop()
            elif self._runner is not None:
                await self._runner.cleanup()
                self._runner = None

    def processes(self) -> set[int]:
        """Return the IDs of the child processes that belong to the parts."""
        return {pid for part in self._started for pid in part.processes()}

    def complaints(self) -> list[str]:
        """Return the contract violations and the unused faults; with any of them, a run counts as failed."""
        broken = [f"contract violation: {text}" for text in self.engine.violations]
        return broken + [f"unused fault: {text}" for text in self.world.faults.unused()]


def create_app(engine: Engine, routes: Sequence[web.RouteDef] = ()) -> web.Application:
    """Create the web application. ``routes`` are those of the parts; they take precedence over AWS's operations."""
    app = web.Application(client_max_size=MAX_BODY, middlewares=[check_access])
    app[ENGINE] = engine
    public = {route.handler for route in routes if not route.path.startswith(CONTROL)}
    app[PUBLIC] = frozenset({serve, *public})
    app.add_routes(
        [
            *routes,
            web.get("/_emulator/health", get_health),
            web.get("/_emulator/calls", get_calls),
            web.get("/_emulator/counts", get_counts),
            web.get("/_emulator/violations", get_violations),
            web.get("/_emulator/faults", get_faults),
            web.put("/_emulator/faults", add_faults),
            web.post("/_emulator/faults", add_faults),
            web.delete("/_emulator/faults", delete_faults),
            web.post("/_emulator/world", change_world),
            web.route("*", "/{path:.*}", serve),
        ]
    )
    return app


# --- access -----------------------------------------------------------------------------------------


@web.middleware
async def check_access(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse requests from web pages, and requests to the control routes that lack the token.

    Any web page can make a browser on this machine send requests to its ports. The services are also protected by
    request signatures. The token is known only to the command that the emulator runs, by its environment.
    """
    reason = _browser_refusal(request)
    if reason is None and request.match_info.handler not in request.app[PUBLIC]:
        reason = _control_refusal(request)
    return await handler(request) if reason is None else _refuse(reason, 403)


def _browser_refusal(request: web.Request) -> str | None:
    """Return the reason to refuse a request that a web page sent, or that used a foreign host name (DNS rebinding)."""
    port = request.get_extra_info("sockname", (LOOPBACK, 0))[1]
    # A test may put data channels behind an address of its own, such as one with TLS.
    names = [f"{LOOPBACK}:{port}", f"localhost:{port}", urlsplit(request.app[ENGINE].world.channels).netloc]
    if request.headers.getall("Host", []) not in [[name] for name in names if name]:
        return f"The Host header must be {LOOPBACK}:{port}."
    if "Origin" in request.headers or request.headers.get("Sec-Fetch-Site", "none") != "none":
        return "Requests from web pages are refused."
    return None


def _control_refusal(request: web.Request) -> str | None:
    given = request.headers.get(TOKEN_HEADER, "").encode(errors="surrogateescape")
    if not hmac.compare_digest(given, request.app[ENGINE].world.token.encode()):
        return f"The {TOKEN_HEADER} header must be the value of the environment variable EMULATOR_TOKEN."
    if request.method in ("POST", "PUT") and request.content_type != "application/json":
        return "The content type must be application/json."
    return None


# --- the services -----------------------------------------------------------------------------------


async def serve(request: web.Request) -> web.StreamResponse:
    engine = request.app[ENGINE]
    received = Request(request.method, request.raw_path, read_headers(request), await request.read())
    handled = await engine.answer(received)
    if handled.close_mode is None:
        return web.Response(
            status=handled.reply.status, body=handled.reply.body, headers=reply_headers(engine, handled)
        )
    return await _close_early(request, engine, handled)


def read_headers(request: web.Request) -> dict[str, str]:
    """Return the headers of a request as ``sigv4.Request`` wants them."""
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        key = name.lower()
        headers[key] = f"{headers[key]},{value}" if key in headers else value
    return headers


def reply_headers(engine: Engine, handled: Handled) -> dict[str, str]:
    """Return the headers of a reply."""
    return {
        "Content-Type": handled.reply.content_type,
        "Date": _http_date(engine.world.now),
        "Server": NAME,
        "x-amzn-RequestId": handled.request_id,
    }


@functools.lru_cache(maxsize=16)
def _http_date(moment: datetime.datetime) -> str:
    return format_datetime(moment, usegmt=True)


async def _close_early(request: web.Request, engine: Engine, handled: Handled) -> web.StreamResponse:
    """Close the connection without a reply, or after half of its body."""
    response = web.StreamResponse(headers=reply_headers(engine, handled) if handled.close_mode == "truncate" else None)
    transport = request.transport
    if handled.close_mode == "truncate":
        body = handled.reply.body
        response.content_length = len(body)
        await response.prepare(request)
        await response.write(body[: len(body) // 2])
    if transport is not None:
        transport.close()
    return response


# --- control routes ---------------------------------------------------------------------------------


async def get_health(request: web.Request) -> web.Response:
    return web.json_response({"status": "ok", "name": NAME})


async def get_calls(request: web.Request) -> web.Response:
    query = request.query
    try:
        since = int(query.get("since", "0"))
    except ValueError:
        return _refuse(f"since is a sequence number, not {query['since']!r}")
    calls = request.app[ENGINE].journal.select(query.get("operation"), since, query.get("writes") == "1")
    return _json({"calls": [dataclasses.asdict(call) for call in calls]})


async def get_counts(request: web.Request) -> web.Response:
    """Return the number of calls by operation and outcome: ``{"GetConnectionStatus": {"ok": 3}}``."""
    return _json(request.app[ENGINE].journal.counts())


async def get_violations(request: web.Request) -> web.Response:
    return _json({"violations": request.app[ENGINE].violations})


async def get_faults(request: web.Request) -> web.Response:
    faults = request.app[ENGINE].world.faults
    return _json({"faults": [dataclasses.asdict(rule) for rule in faults.rules], "unused": faults.unused()})


async def add_faults(request: web.Request) -> web.Response:
    faults = request.app[ENGINE].world.faults
    try:
        given = await request.json()
        for rule in given if isinstance(given, list) else [given]:
            faults.add(rule)
    except ValueError as error:
        return _refuse(str(error))
    return _json({"faults": len(faults.rules)})


async def delete_faults(request: web.Request) -> web.Response:
    request.app[ENGINE].world.faults.rules.clear()
    return _json({"faults": 0})


async def change_world(request: web.Request) -> web.Response:
    """Set the connection status of a node: ``{"region": ..., "target": ..., "status": ...}``."""
    world = request.app[ENGINE].world
    try:
        given = await request.json()
        region = given.get("region") or world.regions[0]
        world.state(region, Nodes).set_status(given["target"], given["status"])
    except (ValueError, KeyError, AttributeError) as error:
        return _refuse(f"{type(error).__name__}: {error}")
    return _json({"target": given["target"]})


def _refuse(text: str, status: int = 400) -> web.Response:
    return web.json_response({"error": text}, status=status)


def _json(value: Any) -> web.Response:
    return web.json_response(value, dumps=lambda item: json.dumps(item, default=_to_text))


def _to_text(value: Any) -> str:
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return str(value)
