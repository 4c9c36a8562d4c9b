# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Shows the main job: a playbook on a local AWS endpoint, and the inventory by readiness."""

from __future__ import annotations

import subprocess
import sys

from environment import ROOT, variables

EMULATOR = ROOT / "tests" / "emulator"
STEPS = [
    (
        "A playbook keeps the session preferences, waits for a node, and ends what was left open",
        ["ansible-playbook", "--diff", "examples/main_job.yml"],
    ),
    (
        "An inventory groups the nodes of two regions by whether Session Manager can reach them",
        ["ansible-inventory", "-i", "examples/fleet.aws_ssm.yml", "--graph"],
    ),
]


def main() -> None:
    """Start the endpoint with this script as its child, or, as its child, run the steps."""
    if sys.argv[1:] == ["steps"]:
        sys.exit(_steps())
    command = [sys.executable, str(EMULATOR), "run", "--world", "demo", "--summary", "--"]
    shown = {
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
        "ANSIBLE_DEPRECATION_WARNINGS": "false",  # amazon.aws causes one, on newer versions of ansible-core
        "ANSIBLE_FORCE_COLOR": "1" if sys.stdout.isatty() else "0",
    }
    done = subprocess.run(
        [*command, sys.executable, __file__, "steps"], cwd=ROOT, env={**variables(), **shown}, check=False
    )
    sys.exit(done.returncode)


def _steps() -> int:
    for title, command in STEPS:
        print(f"\n{title}\n{'=' * len(title)}\n$ {' '.join(command)}", flush=True)
        done = subprocess.run(command, check=False)
        if done.returncode:
            return done.returncode
    return 0


if __name__ == "__main__":
    main()
