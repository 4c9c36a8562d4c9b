# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Imports an archive as Galaxy and Automation Hub do when it is uploaded, and reads what they would say of it.

The importer exits with an error only when it refuses the archive. Everything else that it dislikes is a line of its
log, so that each line is compared with those that are explained here.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from environment import CACHE, DEPENDENCIES, variables

FOLDER = CACHE / "importer"

# What is checked on Automation Hub and not on Galaxy. Tests with ansible-test would require a container, and are
# a check of their own.
SETTINGS = {
    "GALAXY_IMPORTER_CHECK_REQUIRED_TAGS": "true",
    "GALAXY_IMPORTER_RUN_ANSIBLE_DOC": "true",
    "GALAXY_IMPORTER_RUN_ANSIBLE_LINT": "true",
    "GALAXY_IMPORTER_OFFLINE_ANSIBLE_LINT": "true",
    "GALAXY_IMPORTER_RUN_ANSIBLE_TEST": "false",
    "GALAXY_IMPORTER_RUN_FLAKE8": "true",
}

EXPLAINED = {
    r"ERROR    Failed to find sessionops\.aws\.\w+ playbook\.": (
        "ansible-lint does not look for playbooks in the folder that the importer unpacks the archive in. "
        "The check `build` runs each of them by this name."
    ),
    r"\S+: E203 whitespace before ':'": "ruff formats slices so, as PEP 8 asks; flake8's rule does not know slices.",
    r"\S+: W503 line break before binary operator": "PEP 8 asks for the break that this rule of flake8 dislikes.",
}


def accepts(archive: Path) -> bool:
    """Whether the importer accepts the archive, and says nothing of it that is not explained.

    It finds amazon.aws here. Galaxy has only the archive itself, so it shows no documentation of plugins that use
    documentation fragments of another collection, as these do; antsibull-docs and ansible-doc show it.
    """
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    command = [sys.executable, "-m", "galaxy_importer.main", str(archive)]
    own = {"HOME": str(FOLDER), "TMPDIR": str(FOLDER), "PYTHONPATH": str(DEPENDENCIES), **SETTINGS}
    kept = {name: value for name, value in variables().items() if not name.startswith("ANSIBLE_")}
    done = subprocess.run(command, cwd=FOLDER, env={**kept, **own}, text=True, capture_output=True, check=False)
    unexplained = complaints(done.stdout)
    if done.returncode or unexplained:
        print("The importer of Galaxy says:", *(unexplained or [done.stdout + done.stderr]), sep="\n")
    return done.returncode == 0 and not unexplained


def complaints(log: str) -> list[str]:
    """The lines of the importer's log that are warnings or errors and are not explained."""
    said = re.findall(r"^(?:WARNING|ERROR|CRITICAL): (.*)", log, flags=re.MULTILINE)
    return [line for line in said if not any(re.fullmatch(known, line) for known in EXPLAINED)]
