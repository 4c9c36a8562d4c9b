# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test that pyssm-client, a client of sessions that others wrote, works with the gateway and its nodes.

It sends nothing twice. What it sends before the shell on the node has started is lost with AWS too, and the client then
waits in vain. So the first input of each session comes late here, as on a slow line. An upload is not tested, because
it begins without any wait.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import child
import environment

EMULATOR = Path(__file__).parents[1] / "emulator"
NODE = "i-0123456789abcdef0"
PROGRAM = environment.STRANGER / "bin" / "pyssm"
LATE = {"op": "frame:input_stream_data", "match": {"sequence": 0}, "times": "always", "do": {"delay": 0.5}}
WORLD = {"regions": {"us-east-1": {"nodes": [{"id": NODE, "agent": {"fast": True}}]}}, "faults": [LATE]}


def attempt(command: str, directory: Path) -> child.Done:
    """Run a shell command, in which ``pyssm`` is the client, on a world with one node."""
    (directory / "world.yml").write_text(json.dumps(WORLD))
    # The client must not see the modules of this checkout.
    script = f'unset PYTHONPATH; pyssm() {{ timeout 60 {PROGRAM} "$@"; }}; {command}'
    emulated = [sys.executable, str(EMULATOR), "run", "--world", "world.yml", "--", "bash", "-euc", script]
    return child.attempt(emulated, directory)


def test_exec_has_the_exit_status_and_both_outputs(tmp_path: Path) -> None:
    said = f"pyssm exec --target {NODE} --command 'echo to-out; echo to-err >&2; exit 7'"
    done = attempt(said, tmp_path)
    assert done.status == 7, done
    # The shell of a session has a terminal, to which both outputs go.
    assert done.printed.split() == ["to-out", "to-err"], done


def test_copy_gets_a_file(tmp_path: Path) -> None:
    # The client passes over each line of Base64 that has a slash.
    (tmp_path / "source").write_text("".join(f"line {number} of a file\n" for number in range(60)))
    done = attempt(f"pyssm copy --no-progress {NODE}:{tmp_path}/source copied", tmp_path)
    assert done.status == 0, done
    assert (tmp_path / "copied").read_bytes() == (tmp_path / "source").read_bytes()
