# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run the unit tests and the integration targets on the versions that the collection supports.

``nox --list`` names the sessions. Each runs on the Python of its name if that is installed, and is skipped otherwise.
``make test`` runs every check, but only on one Python and, besides the newest ansible-core for it, the oldest.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nox

sys.path.insert(0, str(Path(__file__).parent / "tests" / "tools"))
import environment

nox.options.reuse_existing_virtualenvs = True

# ansible-core, the Pythons that it and the collection support, boto3, and the release of the package ``ansible``
# that has the amazon.aws to test with. The oldest amazon.aws that a release on PyPI has is 10.1.1.
VERSIONS = [
    ("2.18", ("3.11", "3.12", "3.13"), "boto3==1.34.0", "ansible==12.0.0"),
    ("2.19", ("3.11", "3.12", "3.13"), "boto3", "ansible==12.3.0"),
    ("2.20", ("3.12", "3.13", "3.14"), "boto3", "ansible>=12.3.0"),
    ("2.21", ("3.12", "3.13", "3.14"), "boto3", "ansible>=12.3.0"),
]


@nox.session
@nox.parametrize(
    ("python", "core", "boto3", "bundle"),
    [
        nox.param(python, core, boto3, bundle, id=f"core-{core}-python-{python}")
        for core, pythons, boto3, bundle in VERSIONS
        for python in pythons
    ],
)
def versions(session: nox.Session, core: str, boto3: str, bundle: str) -> None:
    """Run the unit tests and the integration targets on one ansible-core, Python, boto3 and amazon.aws."""
    requirements = environment.REQUIREMENTS
    session.install(
        f"ansible-core=={core}.*",
        *(
            boto3,
            "--requirement",
            str(requirements / "emulator.txt"),
            "--requirement",
            str(requirements / "pytest.txt"),
        ),
    )
    collections = environment.CACHE / "collections" / "".join(filter(str.isalnum, bundle))
    environment.fetch_collections(bundle, collections)
    places = {"TEST_VENV": session.virtualenv.location, "TEST_COLLECTIONS": str(collections)}
    session.run("python", "-B", "tests/tools/check.py", "versions", *session.posargs, env=places, external=True)
