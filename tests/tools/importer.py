# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Import an archive as Galaxy and Automation Hub do after an upload, and check the importer's log.

The importer fails only if it rejects the archive. All other complaints are lines of its log, so each line must match
one that is explained here.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from environment import CACHE, DEPENDENCIES, variables

FOLDER = CACHE / "importer"

# Enable the checks that Automation Hub makes and Galaxy does not, except ansible-test: that would require a container,
# and the check `sanity` runs it.
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
    r"\S+: E203 whitespace before ':'": (
        "ruff formats slices like this, as PEP 8 recommends; this rule of flake8 does not recognize slices."
    ),
    r"\S+: W503 line break before binary operator": "PEP 8 recommends the line break that this rule of flake8 rejects.",
}


def accepts(archive: Path) -> bool:
    """Return whether the importer accepts the archive without complaints, except for those in ``EXPLAINED``.

    Here it finds amazon.aws. Galaxy has only the archive, so it cannot show the documentation of plugins that use
    fragments of another collection, as those of this one do. antsibull-docs and ansible-doc can.
    """
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    command = [sys.executable, "-m", "galaxy_importer.main", str(archive)]
    own = {"HOME": str(FOLDER), "TMPDIR": str(FOLDER), "PYTHONPATH": str(DEPENDENCIES), **SETTINGS}
    kept = {name: value for name, value in variables().items() if not name.startswith("ANSIBLE_")}
    done = subprocess.run(command, cwd=FOLDER, env={**kept, **own}, text=True, capture_output=True, check=False)
    unexplained = complaints(done.stdout)
    if done.returncode or unexplained:
        print("The importer of Galaxy printed:", *(unexplained or [done.stdout + done.stderr]), sep="\n")
    return done.returncode == 0 and not unexplained


def complaints(log: str) -> list[str]:
    """Return the warnings and errors in the importer's log that are not explained."""
    said = re.findall(r"^(?:WARNING|ERROR|CRITICAL): (.*)", log, flags=re.MULTILINE)
    return [line for line in said if not any(re.fullmatch(known, line) for known in EXPLAINED)]
