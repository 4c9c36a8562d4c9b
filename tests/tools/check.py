# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run the checks that CI runs, all of them or those named, and print the result and the time of each.

Every part runs even if one before it failed. The exit status is 1 if any part failed. Tests run one part after the
other, because each uses all processors. The other parts run beside them, because most of them use only one.

``check.py --table`` prints the table of the parts that CONTRIBUTING.md has, with the times of the last run.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence

import build
import sanity
from environment import CACHE, ROOT, variables

COLLECTION = "ansible_collections.sessionops.aws"
# -rs prints what was skipped, with the reason.
PYTEST = ["pytest", "--quiet", "-rs", "--numprocesses", str(os.cpu_count() or 2), "--dist", "worksteal"]
# ansible-core versions differ most in how values become variables and templates.
INVENTORY = [
    *("tests/unit/plugins/plugin_utils", "tests/unit/plugins/inventory", "tests/integration/test_targets.py"),
    *(
        "tests/integration/test_awx_update.py",
        "tests/integration/test_awx_job.py",
        "tests/integration/test_inventory_options.py",
        "tests/integration/test_inventory_trust.py",
    ),
    *("-k", "inventory or awx"),
]
VERSIONS = ["tests/unit", "tests/integration/test_targets.py", "tests/integration/test_inventory_trust.py"]
TIMES = CACHE / "seconds.json"


@dataclasses.dataclass(frozen=True)
class Part:
    """One check. ``work`` prints what it finds, and returns whether the check passed."""

    name: str
    about: str
    work: Callable[[], bool]

    @property
    def is_tests(self) -> bool:
        return self.name in ("unit", "contract", "integration", "oldest-core")


def commands(*all_of: list[str], core: str | None = None) -> Callable[[], bool]:
    """Return work that runs all commands in the checkout; ``core`` as for ``environment.variables``."""

    def work() -> bool:
        done = [_run(command, core) for command in all_of]  # run all of them, even after one has failed
        return all(done)

    return work


PARTS = [
    Part(
        "unit",
        "Pure functions, the modules and the inventory on the emulator, and the emulator itself",
        commands([*PYTEST, "tests/unit"]),
    ),
    Part(
        "contract",
        "What others wrote (the AWS CLI, boto3, modules of `amazon.aws`, pyssm-client), run against the emulator",
        commands([*PYTEST, "tests/contract"]),
    ),
    Part(
        "integration",
        "Playbooks and inventories, each example, each snippet of the README, a page in a browser, `make demo`",
        commands([*PYTEST, "tests/integration"]),
    ),
    Part(
        "oldest-core",
        "The tests of the inventory on the oldest ansible-core that is supported",
        commands([*PYTEST, *INVENTORY], core="oldest"),
    ),
    Part(
        "ruff",
        "Rules and format of the Python code, that no function is more complex than 10, and that everything is used",
        commands(["ruff", "check", "."], ["ruff", "format", "--check", "."], ["vulture"]),
    ),
    Part(
        "mypy",
        "`mypy --strict` over `plugins/` and `tests/`",
        commands(["mypy", "-p", f"{COLLECTION}.plugins"], ["mypy", "tests"]),
    ),
    Part("yamllint", "The format of the YAML files", commands(["yamllint", "--strict", "."])),
    Part("ansible-lint", "The production profile", commands(["ansible-lint", "--offline", "--strict"])),
    Part(
        "docs",
        "`antsibull-docs` and `antsibull-changelog`",
        commands(
            ["antsibull-docs", "lint-collection-docs", "--plugin-docs", "--validate-collection-refs=dependent", "."],
            ["antsibull-changelog", "lint"],
        ),
    ),
    Part("sanity", "Every test of `ansible-test sanity`, without ignore files", sanity.run),
    Part(
        "build",
        "The archive: what it contains, that Galaxy's importer accepts it, and that it installs and runs where only"
        " ansible-core, boto3, websockets and `amazon.aws` are installed",
        build.run,
    ),
]

# What runs only if it is named.
ON_REQUEST = [
    Part("versions", "What noxfile.py runs on other versions", commands([*PYTEST, *VERSIONS])),
    Part(
        "kills",
        "What is left if a controller, the holder of its sessions, or a node is killed, 200 times",
        commands(["env", "SESSIONOPS_KILLS=200", "pytest", "--quiet", "tests/integration/test_connection_kills.py"]),
    ),
    Part(
        "coverage",
        "Which lines and branches of `plugins/` the unit tests run",
        commands([*PYTEST, "--cov", "--cov-report=term", "--cov-report=xml:.cache/coverage.xml", "tests/unit"]),
    ),
]


def main() -> None:
    """Run the parts named on the command line, or all."""
    if sys.argv[1:] == ["--table"]:
        print(table())
        return
    known = {part.name: part for part in (*PARTS, *ON_REQUEST)}
    unknown = sorted(set(sys.argv[1:]) - set(known))
    if unknown:
        sys.exit(f"Unknown check {', '.join(unknown)}; available: {', '.join(known)}.")
    chosen = [known[name] for name in sys.argv[1:]] or PARTS
    if len(chosen) == 1:
        sys.exit(0 if _passes(chosen[0]) else 1)
    results = run(chosen)
    print()
    for name, (passed, seconds) in results.items():
        print(f"{name:14}{'passed' if passed else 'FAILED':8}{seconds:6.0f} s")
    failed = [name for name, (passed, unused) in results.items() if not passed]
    print(f"\n{len(results) - len(failed)} passed, {len(failed)} failed")
    sys.exit(1 if failed else 0)


def run(parts: Sequence[Part]) -> dict[str, tuple[bool, float]]:
    """Run each part in a process of its own. Return for each whether it passed, and its seconds."""
    results: dict[str, tuple[bool, float]] = {}
    lanes = [[part for part in parts if part.is_tests is tests] for tests in (True, False)]
    threads = [threading.Thread(target=_run_lane, args=(lane, results)) for lane in lanes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    TIMES.write_text(json.dumps(_times() | {name: round(seconds) for name, (unused, seconds) in results.items()}))
    return {part.name: results[part.name] for part in parts}


def table() -> str:
    """Return the table of the parts in Markdown, with the seconds that each took when it last ran."""
    rows = [f"| `{part.name}` | {part.about} | {_times().get(part.name, '')} |" for part in PARTS]
    return "\n".join(["| Part | What it checks | Seconds |", "| --- | --- | --- |", *rows])


def _run_lane(parts: Sequence[Part], results: dict[str, tuple[bool, float]]) -> None:
    """Run parts one after the other, and print what each printed as a whole when it ends."""
    for part in parts:
        print(f"{part.name} ...", flush=True)
        started = time.monotonic()
        command = [sys.executable, "-B", __file__, part.name]
        done = subprocess.run(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        results[part.name] = done.returncode == 0, time.monotonic() - started
        print(f"\n=== {part.name} ===\n{done.stdout}", flush=True)


def _passes(part: Part) -> bool:
    try:
        return part.work()
    except (OSError, subprocess.CalledProcessError) as error:  # a check that cannot run has not passed
        print(error)
        return False


def _times() -> dict[str, int]:
    return dict(json.loads(TIMES.read_text())) if TIMES.exists() else {}


def _run(command: list[str], core: str | None = None) -> bool:
    return subprocess.run(command, cwd=ROOT, env=variables(core), check=False).returncode == 0


if __name__ == "__main__":
    main()
