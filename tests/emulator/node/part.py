# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Start a process for every node of a world that has an agent, and end it.

The processes are started with ``subprocess`` and not with ``asyncio``. How asyncio learns that a process has ended
depends on the version of Python, and on the thread that its loop runs in.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from aiohttp import web

from ..family import kill_descendants
from ..server import Server
from ..service import Identity
from ..services.ssm.nodes.store import Node, Nodes
from ..world import World

TESTS = Path(__file__).resolve().parents[2]
JOIN_SECONDS = 30.0
TERM_SECONDS = 5.0


class NodeError(RuntimeError):
    """A node process that did not do what it was told."""


class NodeProcess:
    """The process of one node. It ends when its stdin does, so it cannot outlive this process."""

    def __init__(self, name: str, settings: dict[str, Any]) -> None:
        """Start it. ``name`` is for error texts."""
        self.name = name
        self._joined = asyncio.Event()
        self._ended = asyncio.Event()
        path = os.pathsep.join(filter(None, [str(TESTS), os.environ.get("PYTHONPATH")]))
        self._process = subprocess.Popen(
            # It writes compiled modules if this process does, since compiling takes longer than all else at its start.
            [sys.executable, *(["-B"] if sys.dont_write_bytecode else []), "-m", "emulator.node"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
            cwd="/",
            # The signals of a terminal are for the command that the emulator runs.
            start_new_session=True,
        )
        if self._process.stdin is None or self._process.stdout is None:
            raise NodeError(f"{name} was started without pipes")
        self._output = self._process.stdout.fileno()
        os.set_blocking(self._output, False)
        asyncio.get_running_loop().add_reader(self._output, self._read)
        # It is told its keys on stdin, because others can read its arguments and its environment.
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(settings).encode() + b"\n")
            self._process.stdin.flush()

    @property
    def pid(self) -> int:
        return self._process.pid

    def _read(self) -> None:
        if os.read(self._output, 4096):
            self._joined.set()
        else:
            asyncio.get_running_loop().remove_reader(self._output)
            self._ended.set()
            self._joined.set()

    async def joined(self) -> None:
        """Wait until its control channel was open. Raises ``NodeError`` if it ends first, or after 30 seconds."""
        try:
            async with asyncio.timeout(JOIN_SECONDS):
                await self._joined.wait()
        except TimeoutError:
            raise NodeError(f"{self.name} has not joined after {JOIN_SECONDS:.0f} s") from None
        if self._ended.is_set():
            status = await asyncio.to_thread(self._process.wait)
            raise NodeError(f"{self.name} ended with status {status} before it joined; stderr has its reason")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, if it still runs."""
        self._process.send_signal(number)

    async def stop(self) -> None:
        """Tell it to end, and kill it with all that runs on it if it does not within 5 seconds."""
        self.signal(signal.SIGTERM)
        self.signal(signal.SIGCONT)
        try:
            await asyncio.to_thread(self._process.wait, TERM_SECONDS)
        except subprocess.TimeoutExpired:
            await asyncio.to_thread(self._kill)
        self._close()

    async def kill(self) -> None:
        """Kill it and all that runs on it, as a loss of power does."""
        await asyncio.to_thread(self._kill)
        self._close()

    def _kill(self) -> None:
        # Stopped, so that it starts nothing while its descendants are killed.
        self.signal(signal.SIGSTOP)
        kill_descendants(self.pid)
        self._process.kill()
        self._process.wait()

    def _close(self) -> None:
        if not self._ended.is_set():
            asyncio.get_running_loop().remove_reader(self._output)
            self._ended.set()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


class NodeProcesses:
    """A part of a server: the processes of its nodes. It must come after the part that serves their channels.

    Nodes are named by region and ID. The methods are for the loop of the server. Others use ``POST /_emulator/node``
    with ``{"region": ..., "target": ..., "do": "stop" | "continue" | "kill" | "restart" | "away", "seconds": ...}``.
    """

    def __init__(self) -> None:
        self._server: Server
        self._running: dict[tuple[str, str], NodeProcess] = {}
        self._returning: set[asyncio.Task[None]] = set()

    def routes(self) -> Sequence[web.RouteDef]:
        return [web.post("/_emulator/node", self._control)]

    async def start(self, server: Server) -> None:
        """Start the nodes, and wait until all have joined. Raises ``NodeError``."""
        self._server = server
        for region in server.world.regions:
            for node in server.world.state(region, Nodes).all():
                if node.agent is not None:
                    self._start(region, node)
        await asyncio.gather(*(process.joined() for process in self._running.values()))

    def _start(self, region: str, node: Node) -> NodeProcess:
        world = self._server.world
        identity = _identity(world)
        settings = {
            "endpoint": self._server.url,
            "region": region,
            "node_id": node.id,
            "access_key": identity.access_key,
            "secret_key": identity.secret_key,
            "session_token": identity.session_token,
            "agent_version": node.agent_version,
            "platform": node.platform.lower(),
            "agent": node.agent,
        }
        process = self._running[region, node.id] = NodeProcess(f"node {node.id} of {region}", settings)
        return process

    async def stop(self) -> None:
        """End all nodes, and what runs on them."""
        for task in self._returning:
            task.cancel()
        await asyncio.gather(*self._returning, return_exceptions=True)
        await asyncio.gather(*(process.stop() for process in self._running.values()))
        self._running.clear()

    def processes(self) -> Collection[int]:
        return {process.pid for process in self._running.values()}

    # --- what happens to nodes ----------------------------------------------------------------------

    async def pause(self, region: str, target: str) -> None:
        """Stop a node with SIGSTOP, so that it answers nothing. What runs on it goes on."""
        self._process(region, target).signal(signal.SIGSTOP)

    async def resume(self, region: str, target: str) -> None:
        """Let a node that was paused go on."""
        self._process(region, target).signal(signal.SIGCONT)

    async def kill(self, region: str, target: str) -> None:
        """Kill a node and all that runs on it. It does not come back by itself."""
        process = self._process(region, target)
        await process.kill()
        # It stays among the processes until it is dead.
        self._running.pop((region, target), None)

    async def restart(self, region: str, target: str) -> None:
        """End a node if it runs, start it, and wait until it has joined."""
        node = self._node(region, target)
        if (region, target) in self._running:
            await self._running[region, target].stop()
        await self._start(region, node).joined()

    async def away(self, region: str, target: str, seconds: float) -> None:
        """Kill a node, and start it again after some seconds, as a reboot does. Does not wait for its return."""
        await self.kill(region, target)
        task = asyncio.create_task(self._return(region, target, seconds))
        self._returning.add(task)
        task.add_done_callback(self._returning.discard)

    async def _return(self, region: str, target: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self.restart(region, target)

    def _node(self, region: str, target: str) -> Node:
        node = self._server.world.state(region, Nodes).find(target)
        if node is None or node.agent is None:
            raise NodeError(f"{target} of {region} is not a node with an agent")
        return node

    def _process(self, region: str, target: str) -> NodeProcess:
        process = self._running.get((region, target))
        if process is None:
            raise NodeError(f"no process runs for node {target} of {region}")
        return process

    async def _control(self, request: web.Request) -> web.Response:
        try:
            given = await request.json()
            region, target = given.get("region") or self._server.world.regions[0], given["target"]
            if given["do"] == "away":
                await self.away(region, target, float(given["seconds"]))
            else:
                await self._actions()[given["do"]](region, target)
        except (ValueError, KeyError, AttributeError, TypeError, NodeError) as error:
            return web.json_response({"error": f"{type(error).__name__}: {error}"}, status=400)
        return web.json_response({"target": target})

    def _actions(self) -> dict[str, Callable[[str, str], Awaitable[None]]]:
        return {"stop": self.pause, "continue": self.resume, "kill": self.kill, "restart": self.restart}


def _identity(world: World) -> Identity:
    """Return an identity that may sign: the first one that has not expired."""
    return next((each for each in world.identities.values() if not each.expired), world.default_identity)
