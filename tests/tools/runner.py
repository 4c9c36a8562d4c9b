# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs a folder of ansible-runner as AWX does: ``runner.py FOLDER [PLAYBOOK]``.

Without a playbook it is the command in the folder's file args. This is a script of its own, since ansible-runner
hands on the environment of the process that it is called in.
"""

from __future__ import annotations

import sys

import ansible_runner

IDENT = "1"


def main() -> None:
    """Exit as the command did."""
    folder, playbook = sys.argv[1], sys.argv[2:]
    options = {"playbook": playbook[0]} if playbook else {}
    done = ansible_runner.run(private_data_dir=folder, ident=IDENT, quiet=True, **options)
    sys.exit(done.rc)


if __name__ == "__main__":
    main()
