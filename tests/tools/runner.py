# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run a folder of ansible-runner as AWX does: ``runner.py FOLDER [PLAYBOOK]``, or ``runner.py FOLDER -- COMMAND``.

Without a playbook, the command in the folder's file ``args`` is run. It gets a terminal, and its output is saved in one
file. A command after ``--`` gets no terminal, and its standard output and standard error are saved in separate files.
This is a separate script because ansible-runner passes on the environment of the process that calls it.
"""

from __future__ import annotations

import sys

import ansible_runner

IDENT = "1"


def main() -> None:
    """Run the folder and exit with the status of the command."""
    folder, *words = sys.argv[1:]
    known = {"private_data_dir": folder, "ident": IDENT, "quiet": True}
    if words[:1] == ["--"]:
        *unused, status = ansible_runner.run_command(words[1], words[2:], runner_mode="subprocess", **known)
    else:
        status = ansible_runner.run(**known, **({"playbook": words[0]} if words else {})).rc
    sys.exit(status)


if __name__ == "__main__":
    main()
