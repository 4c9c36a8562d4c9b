# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Show the main job on a local emulator of AWS: a wait with its progress, a playbook, a play and an inventory."""

from __future__ import annotations

import shlex
import subprocess
import sys
from typing import NamedTuple

from environment import ROOT, variables

EMULATOR = ROOT / "tests" / "emulator"


class Step(NamedTuple):
    """A command, a title that says what it shows, and an explanation of its output if it needs one."""

    title: str
    command: list[str]
    explanation: str = ""


WAIT = "targets=i-0a1b2c3d4e5f60002 wait_for=connected wait_delay=1 wait_timeout=60"
STEPS = [
    Step(
        "A task waits until sessions can be started on a node that is booting; -v shows the wait as it happens",
        ["ansible", "localhost", "-v", "-m", "sessionops.aws.ssm_connection_status", "-a", WAIT],
    ),
    Step(
        "A playbook sets the session preferences, checks which nodes are connected, and ends a stale session",
        ["ansible-playbook", "--diff", "examples/main_job.yml"],
    ),
    Step(
        "A play runs on a node over Session Manager: no open port, no bucket, and no plugin of the AWS CLI",
        [
            *("ansible-playbook", "-i", "examples/production.aws_ssm.yml", "--limit", "i-0a1b2c3d4e5f60001"),
            *("examples/first_play.yml", "--diff"),
        ],
        "In the demo, this machine stands in for the node: a process of the emulator runs the commands.",
    ),
    Step(
        "An inventory groups the nodes of two regions by whether Session Manager can reach them",
        ["ansible-inventory", "-i", "examples/fleet.aws_ssm.yml", "--graph"],
        "The warning belongs to the demo: a policy there denies ssm:GetConnectionStatus for i-0a1b2c3d4e5f60004.\n"
        "Nobody knows whether that node can be reached, so it is in ssm_unknown and the warning says why.",
    ),
]
BEGINNING = """\
This demo runs on a local emulator, not on AWS: no AWS account is used, and every node and session is made up."""
END = """\
Seen: a wait with its progress, preferences that change only when a setting changes, a play, every node in one group.
All of it ran on the local emulator; "emulator:" above counts the calls that AWS would have received.
Next: follow "Installation" in README.md, then run the last command on your own account and regions: it only reads."""


def main() -> None:
    """Start the emulator with this script as its command; with the argument ``steps``, run the steps."""
    if sys.argv[1:] == ["steps"]:
        sys.exit(_steps())
    print(BEGINNING, flush=True)
    command = [sys.executable, str(EMULATOR), "run", "--world", "demo", "--summary", "--"]
    shown = {
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
        "ANSIBLE_DEPRECATION_WARNINGS": "false",  # amazon.aws causes one, on newer versions of ansible-core
        "ANSIBLE_FORCE_COLOR": "1" if sys.stdout.isatty() else "0",
    }
    done = subprocess.run(
        [*command, sys.executable, __file__, "steps"], cwd=ROOT, env={**variables(), **shown}, check=False
    )
    if done.returncode == 0:
        print(f"\n{END}")
    sys.exit(done.returncode)


def _steps() -> int:
    for title, command, explanation in STEPS:
        print(f"\n{title}\n{'=' * len(title)}\n$ {shlex.join(command)}", flush=True)
        done = subprocess.run(command, check=False)
        if done.returncode:
            return done.returncode
        if explanation:
            print(f"\n{explanation}", flush=True)
    return 0


if __name__ == "__main__":
    main()
