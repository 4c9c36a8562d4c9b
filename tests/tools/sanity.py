# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run ``ansible-test sanity`` without containers and without ignored errors, on a copy of the checkout.

It needs a copy because ansible-test requires a path that ends with ansible_collections/NAMESPACE/NAME, and resolves
links.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from environment import CACHE, DEPENDENCIES, HOME, VENV, copy_checkout, variables

COPY = CACHE / "sanity" / "ansible_collections"

# ansible-test would download a script that installs pip, unless its cache has one. Python already includes pip.
BOOTSTRAP = """\
import os
import subprocess
import sys

environment = {key: value for key, value in os.environ.items() if key != "GET_PIP"}
subprocess.check_call([sys.executable, "-m", "ensurepip", "--default-pip"], env=environment)
wanted = [argument for argument in sys.argv[1:] if argument not in ("--no-setuptools", "--no-wheel")]
sys.exit(subprocess.call([sys.executable, "-m", "pip", "install", *wanted], env=environment))
"""


def run() -> bool:
    """Run the sanity tests and return whether each of them ran and passed."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    _put_bootstrap()
    _put_pip_settings()
    collection = copy_collection()
    command = ["ansible-test", "sanity", "--local", "--python", python, "--color", "no"]
    done = subprocess.run(command, cwd=collection, env=_environment(), text=True, capture_output=True, check=False)
    printed = done.stdout + done.stderr
    print(printed)
    missing = sorted(set(re.findall(r"WARNING: (Skipping.*|Required program .*)", printed)))
    for line in missing:
        print(f"Not run: {line}")
    return done.returncode == 0 and not missing


def copy_collection() -> Path:
    """Copy the tracked files of the checkout, and link amazon.aws beside them."""
    target = COPY / "sessionops" / "aws"
    shutil.rmtree(target, ignore_errors=True)
    copy_checkout(target)  # a repository, because ansible-test lists the files of a collection with git
    link = COPY / "amazon"
    if not link.is_symlink():
        link.symlink_to(DEPENDENCIES / "ansible_collections" / "amazon", target_is_directory=True)
    return target


def _environment() -> dict[str, str]:
    # ansible-test sets its own paths, and would treat these as set by the user.
    return {key: value for key, value in variables().items() if key not in ("ANSIBLE_COLLECTIONS_PATH", "PYTHONPATH")}


def _put_bootstrap() -> None:
    requirements: Path = next(VENV.glob("lib/python*/site-packages/ansible_test/_internal/python_requirements.py"))
    cache = HOME / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in re.findall(r"\bpip='([\d.]+)'", requirements.read_text()):
        (cache / f"get_pip_{version.replace('.', '_')}.py").write_text(BOOTSTRAP)


def _put_pip_settings() -> None:
    """Write pip's environment variables to a file, because ansible-test does not pass them on to its own pip."""
    settings = {key[4:].lower().replace("_", "-"): value for key, value in os.environ.items() if key.startswith("PIP_")}
    settings["quiet"] = "1"
    folder = HOME / ".config" / "pip"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pip.conf").write_text("[global]\n" + "".join(f"{key} = {text}\n" for key, text in settings.items()))
