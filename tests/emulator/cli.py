# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The commands of the emulator: ``run``, ``serve`` and ``routes``."""

from __future__ import annotations

import argparse
import asyncio
import os
import shlex
import signal
import sys
from collections.abc import Sequence

from . import environment, registry
from .child import run_child
from .gateway import Gateway
from .node.part import NodeError, NodeProcesses
from .server import Server
from .world import World
from .world_values import WorldError

# The exit status of `run` if the command succeeded, but there was a contract violation or an unused fault.
COMPLAINT = 70
USAGE = 64
# The exit status if a node of the world did not join.
NO_NODE = 69


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    if options.verb == "routes":
        return _routes()
    try:
        world = World.load(options.world)
    except WorldError as error:
        print(f"emulator: {error}", file=sys.stderr)
        return USAGE
    try:
        if options.verb == "serve":
            return asyncio.run(_serve(world, options.port))
        command = options.command[1:] if options.command[:1] == ["--"] else options.command
        if not command:
            print("emulator: run needs a command: run --world demo -- COMMAND", file=sys.stderr)
            return USAGE
        return asyncio.run(_run(world, command, options.summary))
    except NodeError as error:
        print(f"emulator: {error}", file=sys.stderr)
        return NO_NODE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="emulator", description="A local AWS endpoint. It is not AWS.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    run = verbs.add_parser("run", help="run a command against a fresh world")
    serve = verbs.add_parser("serve", help="serve a world until interrupted")
    verbs.add_parser("routes", help="list the operations that are served")
    for verb in (run, serve):
        verb.add_argument("--world", default="empty", help="a name in worlds/, or a path")
    serve.add_argument("--port", type=int, default=0, help="the port on 127.0.0.1 (default: a free one)")
    run.add_argument("--summary", action="store_true", help="print the number of calls of each operation to stderr")
    run.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND")
    return parser


def _routes() -> int:
    for service, operation in sorted(registry.operations()):
        print(f"{service} {operation}")
    return 0


async def _serve(world: World, port: int) -> int:
    server = Server(world, [Gateway(), NodeProcesses()])
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await server.start(port)
    try:
        for name, value in environment.variables(server.url, world).items():
            print(f"export {name}={shlex.quote(value)}")
        print("# serving until interrupted; this is an emulator, not AWS", flush=True)
        await stop.wait()
    finally:
        await server.stop()
    return 0


async def _run(world: World, command: Sequence[str], summary: bool) -> int:
    server = Server(world, [Gateway(), NodeProcesses()])
    await server.start()
    try:
        status = await run_child(command, environment.clean(os.environ, server.url, world), server.processes)
    finally:
        await server.stop()
    if summary:
        for name, count in server.engine.journal.summary().items():
            print(f"emulator: {count:6d} {name}", file=sys.stderr)
    complaints = server.complaints()
    for complaint in complaints:
        print(f"emulator: {complaint}", file=sys.stderr)
    return status if status or not complaints else COMPLAINT
