# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Check the latest change in about a minute: with ruff, mypy, yamllint, and the unit tests that it can affect.

The change is every difference from the branch ``main``, committed or not; on ``main`` itself, what is not committed.
A unit test can be affected if it imports a changed file, directly or not, or names a changed file that is not Python.
The closest tests run first, until time is up. Run ``make test`` before a merge.
"""

from __future__ import annotations

import subprocess
import sys
import time

import check
import imports
from environment import ROOT, variables

SECONDS = 40  # no further tests are started after this time
BATCH = 6  # files of tests in one run of pytest

# A change of these files can affect every test.
_SETTINGS = {"pytest.ini", "tests/unit/conftest.py", "tests/requirements/run.txt", "tests/requirements/test.txt"}


def main() -> None:
    """Run the checks side by side, print what failed, and exit with 1 if anything did."""
    changed = changed_files()
    tests = tests_of(changed)
    parts = [["ruff"], ["mypy"], ["yamllint"]]
    print(f"{len(changed)} changed files, {len(tests)} files of unit tests, and {', '.join(part[0] for part in parts)}")
    started = time.monotonic()
    command = [sys.executable, "-B", check.__file__]
    others = [
        subprocess.Popen([*command, *part], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for part in parts
    ]
    failed: list[str] = []
    while tests and time.monotonic() - started < SECONDS and not failed:
        batch, tests = tests[:BATCH], tests[BATCH:]
        if subprocess.run([*check.PYTEST, *batch], cwd=ROOT, env=variables(), check=False).returncode:
            failed.append("unit")
    for part, process in zip(parts, others, strict=True):
        printed, unused = process.communicate()
        if process.returncode:
            print(printed)
            failed += part
    if tests:
        print(f"Not run: {len(tests)} more files of unit tests, starting with {tests[0]}. Run make unit for all.")
    passed = "passed, but not all tests were run," if tests else "passed"
    print(f"{'FAILED: ' + ', '.join(failed) if failed else passed} in {time.monotonic() - started:.0f} s")
    sys.exit(1 if failed else 0)


def changed_files() -> set[str]:
    """Return the paths of the files that differ from the branch main, and of untracked files."""
    base = _git("merge-base", "HEAD", "main") or ["HEAD"]
    return {*_git("diff", "--name-only", base[0]), *_git("ls-files", "--others", "--exclude-standard")}


def tests_of(changed: set[str]) -> list[str]:
    """Return the test files that a change can affect: first those named after a changed file, then the closest."""
    every = {path.relative_to(ROOT).as_posix() for path in (ROOT / "tests" / "unit").rglob("test_*.py")}
    names = {name.rsplit("/", 1)[-1] for name in changed if not name.endswith(".py")}
    distances = imports.dependents(changed, imports.graph(ROOT))
    for test in every - set(distances):
        if changed & _SETTINGS or any(name in (ROOT / test).read_text(encoding="utf-8") for name in names):
            distances[test] = 1
    own = {f"test_{name.rsplit('/', 1)[-1]}" for name in changed}
    return sorted(every & set(distances), key=lambda test: (test.rsplit("/", 1)[-1] not in own, distances[test], test))


def _git(*words: str) -> list[str]:
    done = subprocess.run(["git", *words], cwd=ROOT, env=variables(), capture_output=True, text=True, check=False)
    return done.stdout.splitlines() if done.returncode == 0 else []


if __name__ == "__main__":
    main()
