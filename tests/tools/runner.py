# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs a folder of ansible-runner as AWX does: ``runner.py FOLDER [PLAYBOOK]``, or ``runner.py FOLDER -- COMMAND``.

Without a playbook it is the command in the folder's file args, which gets a terminal and has all that is printed in
one file. A command after ``--`` gets none, and has standard output and standard error in a file of each. This is a
script of its own, since ansible-runner hands on the environment of the process that it is called in.
"""

from __future__ import annotations

import sys

import ansible_runner

IDENT = "1"


def main() -> None:
    """Exit as the command did."""
    folder, *words = sys.argv[1:]
    known = {"private_data_dir": folder, "ident": IDENT, "quiet": True}
    if words[:1] == ["--"]:
        *unused, status = ansible_runner.run_command(words[1], words[2:], runner_mode="subprocess", **known)
    else:
        status = ansible_runner.run(**known, **({"playbook": words[0]} if words else {})).rc
    sys.exit(status)


if __name__ == "__main__":
    main()
