# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Create the environment of the checks and the demo, in the folder .cache/ of the checkout.

``python environment.py run`` sets up what the collection and the emulator need, ``test`` also what the checks need.
Other tools import the paths and environment variables from this module. It needs only Python's standard library.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
# Another environment and other collections may be given, to run the tests on other versions; see noxfile.py.
VENV = Path(os.environ.get("TEST_VENV") or CACHE / "venv")
HOME = CACHE / "home"
TEMPORARY = CACHE / "tmp"
DEPENDENCIES = Path(os.environ.get("TEST_COLLECTIONS") or CACHE / "deps")
TREE = CACHE / "tree"
REQUIREMENTS = ROOT / "tests" / "requirements"

# The package from which other collections are taken, because they are not on PyPI by themselves. This collection is
# built on amazon.aws, and an example uses awx.awx.
BUNDLE = "ansible==12.3.0"
BUNDLED = ("amazon/aws", "awx/awx")

# The oldest ansible-core that meta/runtime.yml allows. It uses the same dependencies as the newer one.
OLDEST_CORE = "ansible-core==2.18.19"
OLDEST = CACHE / "oldest-core"

# An environment with only what the README tells users to install, so that building, installing and running the
# collection cannot depend on packages of the checks.
BARE = CACHE / "bare"
BARE_PACKAGES = ("ansible-core", "boto3", "websockets")

# A client of sessions that others wrote, in an environment of its own. It asks for a newer Python than it needs.
STRANGER = CACHE / "stranger"
STRANGER_PACKAGES = ("pyssm-client==0.2.0", "boto3==1.44.5", "click==8.5.1", "websockets==16.1.1")


def variables(core: str | None = None) -> dict[str, str]:
    """Return the environment variables of every command. It neither reads nor writes files in the user's home.

    With ``core="oldest"``, the command and its child processes use the oldest supported ansible-core.
    """
    core = core or os.environ.get("TEST_CORE", "")
    first = [OLDEST] if core == "oldest" else []
    foreign = ("ANSIBLE_", "AWS_", "GIT_", "PYTHON")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(foreign)}
    return {
        **kept,
        "HOME": str(HOME),
        "PATH": f"{VENV / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "VIRTUAL_ENV": str(VENV),
        "PYTHONPATH": os.pathsep.join(map(str, (*first, TREE, DEPENDENCIES, ROOT / "tests"))),
        "TEST_CORE": core,
        "TMPDIR": str(TEMPORARY),
        # Without it, each of hundreds of commands would compile the collection and the emulator again.
        "PYTHONPYCACHEPREFIX": str(CACHE / "pycache"),
        "PYTHONUTF8": "1",
        "HYPOTHESIS_STORAGE_DIRECTORY": str(CACHE / "hypothesis"),
        "LC_ALL": "C.UTF-8",
        # Tools that copy the tracked files would otherwise find none in .cache/, which git ignores.
        "GIT_CEILING_DIRECTORIES": str(CACHE),
        "ANSIBLE_HOME": str(HOME / ".ansible"),
        # In its default value, "~" is the home directory of the system's user database, whatever HOME is.
        "ANSIBLE_REMOTE_TMP": str(HOME / ".ansible" / "tmp"),
        "ANSIBLE_COLLECTIONS_PATH": f"{TREE}{os.pathsep}{DEPENDENCIES}",
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "ANSIBLE_NOCOWS": "1",
    }


def bare_variables(home: Path) -> dict[str, str]:
    """Return the environment of a user with an empty home, the README's requirements and no collection."""
    kept = {key: value for key, value in variables().items() if not key.startswith(("ANSIBLE_", "PYTHON", "TEST_"))}
    others = [folder for folder in os.environ["PATH"].split(os.pathsep) if folder != str(VENV / "bin")]
    path = os.pathsep.join((str(BARE / "bin"), *others))
    return {**kept, "HOME": str(home), "PATH": path, "VIRTUAL_ENV": str(BARE), "PYTHONDONTWRITEBYTECODE": "1"}


def copy_checkout(target: Path) -> None:
    """Create a repository at ``target``, with one commit of ``tracked_files()``."""
    for name in tracked_files():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target / name)
    identity = ("-c", "user.name=checks", "-c", "user.email=checks@localhost")
    for command in (("init", "--quiet"), ("add", "--all"), (*identity, "commit", "--quiet", "--message", "Checkout")):
        subprocess.run(["git", *command], cwd=target, check=True, env=variables())


def tracked_files() -> list[str]:
    """Return the files of the checkout that git tracks or would add."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, env=variables(), check=True, capture_output=True, text=True)
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def main() -> None:
    """Bring the environment up to date. This is quick if it already is."""
    if sys.version_info < (3, 11):
        sys.exit(
            f"Python 3.11 or newer is required, this is {sys.version.split()[0]}: run make PYTHON=/path/to/python3."
        )
    names = ["run"] if sys.argv[1:] == ["run"] else ["run", "test"]
    if _is_ready(["run", "test"]) or _is_ready(names):
        return
    for folder in (HOME, TEMPORARY):
        folder.mkdir(parents=True, exist_ok=True)
    if not (Path.home() / ".rustup").exists():  # pip runs rustc --version, and rustup would create that folder
        os.environ["RUSTUP_HOME"] = str(CACHE / "rustup")
    for stamp in CACHE.glob("ready-*"):  # an interrupted run must not count as ready
        stamp.unlink()
    _make_venv()
    _say("Installing " + ", ".join(f"tests/requirements/{name}.txt" for name in names))
    _pip("install", "--requirement", str(REQUIREMENTS / f"{names[-1]}.txt"))
    fetch_collections(BUNDLE, DEPENDENCIES)
    if "test" in names:
        _fetch_oldest_core()
        _make_bare()
        _make_stranger()
    _link_tree()
    _stamp(names).write_text(_fingerprint(names))


def _is_ready(names: list[str]) -> bool:
    stamp = _stamp(names)
    return stamp.is_file() and stamp.read_text() == _fingerprint(names) and (VENV / "bin" / "python").exists()


def _stamp(names: list[str]) -> Path:
    return CACHE / f"ready-{names[-1]}"


def _fingerprint(names: list[str]) -> str:
    texts = [path.read_text() for path in sorted(REQUIREMENTS.glob("*.txt"))]
    parts = [*names, sys.version, str(ROOT), _content_of(BUNDLE), OLDEST_CORE, *BARE_PACKAGES, *texts]
    if "test" in names:
        parts += STRANGER_PACKAGES
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _content_of(bundle: str) -> str:
    """Return a text that names the package and the collections taken from it."""
    return f"{bundle}: {', '.join(BUNDLED)}"


def _make_venv() -> None:
    interpreter = VENV / "bin" / "python"
    if interpreter.exists() and _version_of(interpreter) == sys.version:
        return
    _say("Making .cache/venv")
    _make_environment(VENV)


def _make_environment(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    made = subprocess.run([sys.executable, "-m", "venv", str(folder)], capture_output=True, text=True, check=False)
    if made.returncode:
        shutil.rmtree(folder, ignore_errors=True)
        sys.exit(f"{sys.executable} cannot make a virtual environment; on Debian install python3-venv.\n{made.stdout}")


def _version_of(interpreter: Path) -> str:
    asked = subprocess.run(
        [interpreter, "-c", "import pip, sys; print(sys.version)"], capture_output=True, text=True, check=False
    )
    return asked.stdout.strip("\n")


def fetch_collections(bundle: str, target: Path) -> None:
    """Extract two collections from a release of ``ansible``, because all of it takes a hundred times the space."""
    marker = target / "bundle"
    if marker.is_file() and marker.read_text() == _content_of(bundle):
        return
    _say(f"Taking amazon.aws and awx.awx from {bundle}")
    shutil.rmtree(target, ignore_errors=True)
    download = CACHE / "download"
    shutil.rmtree(download, ignore_errors=True)
    _pip("download", "--no-deps", "--dest", str(download), bundle)
    with zipfile.ZipFile(next(download.glob("ansible-*.whl"))) as wheel:
        wanted = tuple(f"ansible_collections/{collection}/" for collection in BUNDLED)
        members = [name for name in wheel.namelist() if name.startswith(wanted) and "/tests/" not in name]
        wheel.extractall(target, members)
    shutil.rmtree(download)
    marker.write_text(_content_of(bundle))


def _fetch_oldest_core() -> None:
    marker = OLDEST / "fetched"
    if marker.is_file() and marker.read_text() == OLDEST_CORE:
        return
    _say(f"Fetching {OLDEST_CORE}")
    shutil.rmtree(OLDEST, ignore_errors=True)
    _pip("install", "--no-deps", "--target", str(OLDEST), OLDEST_CORE)
    marker.write_text(OLDEST_CORE)


def _make_bare() -> None:
    """Install the requirements of the README, in the versions that the checks use."""
    # pip would install what a file of constraints includes.
    files = [(REQUIREMENTS / name).read_text().splitlines() for name in ("run.txt", "emulator.txt")]
    versions = "\n".join(line for lines in files for line in lines if not line.startswith("-r"))
    marker = BARE / "made"
    wanted = "\n".join((sys.version, *BARE_PACKAGES, versions))
    if marker.is_file() and marker.read_text() == wanted:
        return
    _say(f"Making .cache/bare with {' and '.join(BARE_PACKAGES)}")
    _make_environment(BARE)
    constraints = BARE / "constraints.txt"
    constraints.write_text(versions)
    _pip("install", "--constraint", str(constraints), *BARE_PACKAGES, environment=BARE)
    marker.write_text(wanted)


def _make_stranger() -> None:
    """Install the client that others wrote."""
    marker = STRANGER / "made"
    wanted = "\n".join((sys.executable, *STRANGER_PACKAGES))
    if marker.is_file() and marker.read_text() == wanted:
        return
    _say(f"Making .cache/stranger with {STRANGER_PACKAGES[0]}")
    shutil.rmtree(STRANGER, ignore_errors=True)
    _make_environment(STRANGER)
    _pip("install", "--ignore-requires-python", *STRANGER_PACKAGES, environment=STRANGER)
    marker.write_text(wanted)


def _link_tree() -> None:
    """Link the checkout to a path at which Ansible finds it as a collection."""
    link = TREE / "ansible_collections" / "sessionops" / "aws"
    link.parent.mkdir(parents=True, exist_ok=True)
    if link.is_symlink() and link.readlink() == ROOT:
        return
    link.unlink(missing_ok=True)
    link.symlink_to(ROOT, target_is_directory=True)


def _pip(*arguments: str, environment: Path = VENV) -> None:
    command = [str(environment / "bin" / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    if subprocess.run(command, check=False).returncode:
        sys.exit(f"pip {arguments[0]} failed; see above.")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
