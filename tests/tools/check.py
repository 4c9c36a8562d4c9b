# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run all checks that CI runs, or only the named ones, and print the result and duration of each.

Every check runs, even after another one has failed. The exit status is 1 if any of them failed.
"""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import time
from collections.abc import Callable

import build
import sanity
from environment import ROOT, variables

COLLECTION = "ansible_collections.sessionops.aws"
# -rs prints the reason of each skipped test.
PYTEST = ["pytest", "--quiet", "-rs", "--numprocesses", "2"]
# Versions of ansible-core differ most in how values become variables and templates.
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


@dataclasses.dataclass(frozen=True)
class Part:
    """One check. ``work`` runs it and returns whether it passed."""

    name: str
    work: Callable[[], bool]


def commands(*all_of: list[str], core: str | None = None) -> Callable[[], bool]:
    """Return a function that runs commands in the checkout. ``core`` is that of ``environment.variables()``."""

    def work() -> bool:
        done = [_run(command, core) for command in all_of]  # run all of them, even after one has failed
        return all(done)

    return work


PARTS = [
    Part("ruff", commands(["ruff", "check", "."], ["ruff", "format", "--check", "."])),
    Part("mypy", commands(["mypy", "-p", f"{COLLECTION}.plugins"], ["mypy", "tests"])),
    Part("yamllint", commands(["yamllint", "--strict", "."])),
    Part("unit", commands([*PYTEST, "tests/unit"])),
    Part("contract", commands([*PYTEST, "tests/contract"])),
    Part("integration", commands([*PYTEST, "tests/integration"])),
    Part("oldest-core", commands([*PYTEST, *INVENTORY], core="oldest")),
    Part("ansible-lint", commands(["ansible-lint", "--offline", "--strict"])),
    Part(
        "docs",
        commands(
            ["antsibull-docs", "lint-collection-docs", "--plugin-docs", "--validate-collection-refs=dependent", "."],
            ["antsibull-changelog", "lint"],
        ),
    ),
    Part("sanity", sanity.run),
    Part("build", build.run),
]


def main() -> None:
    """Run the checks that the command line names, or all of them."""
    known = {part.name: part for part in PARTS}
    unknown = sorted(set(sys.argv[1:]) - set(known))
    if unknown:
        sys.exit(f"Unknown check {', '.join(unknown)}; available: {', '.join(known)}.")
    chosen = [known[name] for name in sys.argv[1:]] or PARTS
    results = [(part.name, *_timed(part)) for part in chosen]
    print()
    for name, passed, seconds in results:
        print(f"{name:14}{'passed' if passed else 'FAILED':8}{seconds:6.0f} s")
    failed = [name for name, passed, unused in results if not passed]
    print(f"\n{len(results) - len(failed)} passed, {len(failed)} failed")
    sys.exit(1 if failed else 0)


def _timed(part: Part) -> tuple[bool, float]:
    print(f"\n=== {part.name} ===", flush=True)
    started = time.monotonic()
    try:
        passed = part.work()
    except (OSError, subprocess.CalledProcessError) as error:  # a check that cannot run counts as failed
        print(error)
        passed = False
    return passed, time.monotonic() - started


def _run(command: list[str], core: str | None = None) -> bool:
    return subprocess.run(command, cwd=ROOT, env=variables(core), check=False).returncode == 0


if __name__ == "__main__":
    main()
