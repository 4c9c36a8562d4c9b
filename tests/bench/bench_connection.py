# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plays over Session Manager against the same plays over ssh and on this machine, each from a cold start.

The node waits for a second before its first output, as SSM Agent does. The server of ssh runs on the processor of the
emulator and its node. Without OpenSSH's server, only the plays over Session Manager and on this machine are measured.
The last row is one command on a session, or a connection of ssh, that is open. Its node does not sleep between reads.
"""

from __future__ import annotations

import functools
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from environment import variables
from harness import Emulator, Row, in_turns
from plays import FAST, LOCAL, PLAY10, PLAY20, SESSION, TIMES, WORLD, end_connections, play, ssh

# Runs a command with a connection plugin again and again, and prints the median of the seconds that each took.
COMMANDS = """
import json, statistics, sys, time
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import connection_loader, init_plugin_loader
init_plugin_loader()
variables, times = json.load(sys.stdin)
context = PlayContext()
context.remote_addr = variables["ansible_host"]
plugin = connection_loader.get(variables["ansible_connection"], context)
plugin.set_options(var_options=variables)
took = []
for unused in range(times + 1):
    began = time.perf_counter()
    status, unused, printed = plugin.exec_command("true", sudoable=False)
    took.append(time.perf_counter() - began)
    assert status == 0, printed
print(statistics.median(took[1:]))
"""
SHORT: list[dict[str, Any]] = [{"ansible.builtin.ping": {}}]
TITLE20, TITLE10 = "play20, 20 module runs in 11 tasks", "play10, a loop of 10 commands"
PLAYS = {TITLE20: PLAY20, TITLE10: PLAY10}
MOST = {(TITLE20, "ssh"): 0.9, (TITLE20, "local"): 1.15, (TITLE10, "ssh"): 1.0}


def rows(quick: bool) -> Iterator[Row]:
    """Yield the median of each play with each connection, and how Session Manager compares with the others."""
    times = 1 if quick else TIMES
    with tempfile.TemporaryDirectory() as made, ssh(Path(made)) as over_ssh, Emulator(WORLD) as aws:
        folder = Path(made)
        others = {"local": LOCAL, **({"ssh": over_ssh} if over_ssh else {})}
        for title, tasks in {"a short play": SHORT}.items() if quick else PLAYS.items():
            took = in_turns(
                times,
                **{
                    name: functools.partial(play, aws, folder, host, tasks)
                    for name, host in {"session": SESSION, **others}.items()
                },
            )
            for name in others:
                yield Row(f"{title}, with connection {name}", took[name])
            for name in others:
                ratio = took["session"] / took[name]
                yield Row(f"{title}, over Session Manager", took["session"], "s", ratio, name, MOST.get((title, name)))
        opened = {"session": {**SESSION, "ansible_host": FAST}, **({"ssh": over_ssh} if over_ssh else {})}
        took = in_turns(
            times,
            **{
                name: functools.partial(_command, aws, folder, host, 20 if quick else 200)
                for name, host in opened.items()
            },
        )
        milliseconds = took["session"] * 1000
        if over_ssh:
            yield Row("true, on an open session", milliseconds, "ms", took["session"] / took["ssh"], "ssh", 1.0)
        else:
            yield Row("true, on an open session", milliseconds, "ms")
        if not over_ssh:
            yield Row("plays with connection ssh, because there is no sshd here", 0, "runs")


def _command(aws: Emulator, folder: Path, host: Mapping[str, Any], times: int) -> float:
    """Run ``true`` so often, and return the median of the seconds."""
    done = subprocess.run(
        [sys.executable, "-c", COMMANDS],
        input=json.dumps([dict(host), times]),
        env={**variables(), **aws.environment, "AWS_REGION": "us-east-1"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    end_connections(aws, folder)
    return float(done.stdout)
