# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test the parts of a server: WebSockets, and processes that outlive a command."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import textwrap
from collections.abc import Collection, Sequence
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from emulator.server import Server
from emulator.testing import LocalAWS
from emulator.world import World

TESTS = Path(__file__).resolve().parents[2]
NODE = "i-0123456789abcdef0"
WORLD = {"regions": {"us-east-1": {"nodes": [{"id": NODE}]}}}


class Echo:
    """A part whose data channels send back what they receive."""

    def __init__(self, order: list[str] | None = None, name: str = "", fails: bool = False) -> None:
        self.order = [] if order is None else order
        self.name = name
        self.fails = fails

    def routes(self) -> Sequence[web.RouteDef]:
        return [web.get("/v1/data-channel/{session_id}", self._open)]

    async def _open(self, request: web.Request) -> web.WebSocketResponse:
        channel = web.WebSocketResponse()
        await channel.prepare(request)
        async for message in channel:
            await channel.send_str(f"{request.match_info['session_id']}: {message.data}")
        return channel

    async def start(self, server: Server) -> None:
        self.order.append(f"start {self.name}")
        server.world.channels = server.url.replace("http:", "ws:")

    async def stop(self) -> None:
        self.order.append(f"stop {self.name}")
        if self.fails:
            raise OSError(f"{self.name} does not stop")

    def processes(self) -> Collection[int]:
        return ()


def test_a_data_channel_is_where_start_session_says() -> None:
    async def say(url: str) -> str:
        async with aiohttp.ClientSession() as session, session.ws_connect(url) as channel:
            await channel.send_str("hello")
            return await channel.receive_str(timeout=30)

    with LocalAWS(WORLD, parts=[Echo()]) as aws:
        opened = aws.client("ssm").start_session(Target=NODE)
        assert asyncio.run(say(opened["StreamUrl"])) == f"{opened['SessionId']}: hello"
        assert aws.client("ssm").get_connection_status(Target=NODE)["Status"] == "connected"


def test_without_a_part_a_data_channel_is_nowhere() -> None:
    with LocalAWS(WORLD) as aws:
        opened = aws.client("ssm").start_session(Target=NODE)
        assert opened["StreamUrl"].startswith("wss://ssmmessages.us-east-1.sessionops.invalid/v1/data-channel/")


def test_a_web_page_cannot_ask_a_part() -> None:
    async def status(url: str) -> int:
        async with aiohttp.ClientSession() as session:
            async with session.get(url, headers={"Origin": "http://example.org"}) as answer:
                return answer.status

    with LocalAWS(WORLD, parts=[Echo()]) as aws:
        assert asyncio.run(status(f"{aws.url}/v1/data-channel/x")) == 403


def test_each_part_is_stopped_the_last_one_first_even_after_another_failed_to() -> None:
    order: list[str] = []

    class Quiet(Echo):
        def routes(self) -> Sequence[web.RouteDef]:
            return []

    async def go() -> None:
        server = Server(World(), [Quiet(order, "one"), Quiet(order, "two", fails=True), Quiet(order, "three")])
        await server.start()
        with pytest.raises(OSError, match="two does not stop"):
            await server.stop()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", int(server.url.rpartition(":")[2]))

    asyncio.run(go())
    assert order == ["start one", "start two", "start three", "stop three", "stop two", "stop one"]


def test_a_part_that_cannot_start_leaves_nothing_behind() -> None:
    order: list[str] = []

    class Broken(Echo):
        async def start(self, server: Server) -> None:
            raise OSError(f"no room beside {server.url}")

        def routes(self) -> Sequence[web.RouteDef]:
            return []

    async def go() -> None:
        server = Server(World(), [Echo(order, "one"), Broken(order, "two")])
        with pytest.raises(OSError, match="no room beside http"):
            await server.start()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", int(server.url.rpartition(":")[2]))

    asyncio.run(go())
    assert order == ["start one", "stop two", "stop one"]


def test_the_end_of_a_command_leaves_the_processes_of_a_part_alone() -> None:
    code = """
        import asyncio, os, sys
        from emulator.child import run_child

        async def main():
            own = []
            async def begin():
                await asyncio.sleep(0.1)  # until the command has started
                own.append(await asyncio.create_subprocess_exec("sleep", "60"))
            began = asyncio.create_task(begin())
            leaves = "sleep 61 & echo $!; sleep 0.5"
            status = await run_child(["sh", "-c", leaves], os.environ, lambda: {each.pid for each in own})
            await began
            print("status", status, "part", own[0].returncode)
            own[0].kill()
            print("ended", await own[0].wait())

        asyncio.run(main())
        """
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    command = [sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)
    pid, *lines = done.stdout.splitlines()
    assert lines == ["status 0 part None", "ended -9"], done.stderr
    assert not Path(f"/proc/{pid}").exists()
