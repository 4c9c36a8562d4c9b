# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs the checks that CI runs, all of them or those named, and says how each went and how long it took.

Every part runs even when one before it failed. The exit status is that of the worst.
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
# What was skipped is said, with the reason.
PYTEST = ["pytest", "--quiet", "-rs", "--numprocesses", "2"]
# How values become variables and templates is what differs most between one ansible-core and another.
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
    """One check: the commands that must all succeed, or a function that returns whether it did."""

    name: str
    work: Callable[[], bool]


def commands(*all_of: list[str], core: str | None = None) -> Callable[[], bool]:
    """Work that is a few commands, run in the checkout; ``core`` as for ``environment.variables``."""

    def work() -> bool:
        done = [_run(command, core) for command in all_of]  # each, even after one has failed
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
    """Run the parts named on the command line, or all."""
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
    except (OSError, subprocess.CalledProcessError) as error:  # a check that cannot run has not passed
        print(error)
        passed = False
    return passed, time.monotonic() - started


def _run(command: list[str], core: str | None = None) -> bool:
    return subprocess.run(command, cwd=ROOT, env=variables(core), check=False).returncode == 0


if __name__ == "__main__":
    main()
