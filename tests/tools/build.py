# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Build the collection as it is published, import it as Galaxy does, then install and use it.

All of this happens in an environment that has only what the README tells users to install.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import importer
import yaml
from environment import CACHE, DEPENDENCIES, ROOT, bare_variables, copy_checkout, tracked_files

# A copy of the tracked files, because other files of a checkout must not get into the archive.
CHECKOUT = CACHE / "checkout"
OUTPUT = CACHE / "build"
USER = CACHE / "user"
INSTALLED = USER / "collections"
REPORTS = CACHE / "reports"
SHIPPED = (
    *("README.md", "CHANGELOG.md", "COPYING", "CODE_OF_CONDUCT.md", "changelogs/changelog.yaml"),
    *("meta/", "plugins/", "playbooks/", "examples/", "docs/"),
)


def run() -> bool:
    """Build, import, install and use the collection. Return whether all of it succeeded with the right files."""
    for folder in (CHECKOUT, OUTPUT, USER, REPORTS):
        shutil.rmtree(folder, ignore_errors=True)
    USER.mkdir(parents=True)
    copy_checkout(CHECKOUT)
    if not _call("ansible-galaxy", "collection", "build", "--output-path", str(OUTPUT), directory=CHECKOUT):
        return False
    tarball = next(OUTPUT.glob("*.tar.gz"))
    with tarfile.open(tarball) as packed:
        found = {member.name for member in packed.getmembers() if not member.isdir()}
    expected = _expected()
    if found != expected:
        print(f"Unexpected in the tarball: {sorted(found - expected)}; missing from it: {sorted(expected - found)}.")
        return False
    place = ("--collections-path", str(INSTALLED))
    return (
        importer.accepts(tarball)
        and _call("ansible-galaxy", "collection", "install", "--offline", str(tarball), *place)
        and _documents_every_plugin()
        and _runs_every_playbook()
    )


def _expected() -> set[str]:
    """Return the tracked files that are for users, and the two lists that the build adds."""
    return {"MANIFEST.json", "FILES.json"} | {name for name in tracked_files() if name.startswith(SHIPPED)}


def _documents_every_plugin() -> bool:
    modules = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))
    listed = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())["action_groups"]["aws"]
    if listed != modules:
        print(f"The action group in meta/runtime.yml lists {listed}, but the modules are {modules}.")
        return False
    inventories = [path.stem for path in (ROOT / "plugins" / "inventory").glob("*.py")]
    kinds = {"module": modules, "inventory": inventories}
    shown = [_documents(kind, f"sessionops.aws.{name}") for kind, names in kinds.items() for name in names]
    return all(shown)


def _runs_every_playbook() -> bool:
    """Run each playbook by its name, in another folder, so that it can use only what was installed with it."""
    variables = {
        "audit_sessions": ["sessionops_report_dir=."],
        "end_stale_sessions": ["sessionops_older_than=1d"],
        "wait_until_ready": ["sessionops_targets=i-0a1b2c3d4e5f60001"],
    }
    playbooks = sorted(path.stem for path in (ROOT / "playbooks").glob("*.yml"))
    if playbooks != sorted(variables):
        print(f"The playbooks are {playbooks}, but this check runs {sorted(variables)}.")
        return False
    REPORTS.mkdir()
    emulator = [sys.executable, str(ROOT / "tests" / "emulator"), "run", "--world", "demo", "--"]
    done = [
        _call(*emulator, "ansible-playbook", f"sessionops.aws.{name}", *_extra(given), quiet=True, directory=REPORTS)
        for name, given in variables.items()
    ]
    written = sorted(path.name for path in REPORTS.iterdir())
    if written != ["sessions.csv", "sessions.html", "sessions.json"]:
        print(f"audit_sessions wrote {written}.")
        return False
    return all(done)


def _extra(given: list[str]) -> list[str]:
    return [word for setting in given for word in ("--extra-vars", setting)]


def _documents(kind: str, name: str) -> bool:
    return _call("ansible-doc", "--type", kind, name, quiet=True)


def _call(*command: str, quiet: bool = False, directory: Path = ROOT) -> bool:
    environment = {**bare_variables(USER), "ANSIBLE_COLLECTIONS_PATH": f"{INSTALLED}:{DEPENDENCIES}"}
    hidden = subprocess.DEVNULL if quiet else None
    done = subprocess.run(command, cwd=directory, env=environment, stdout=hidden, check=False)
    if done.returncode:
        print(f"Failed: {' '.join(command)}")
    return done.returncode == 0
