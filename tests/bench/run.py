# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run all benchmarks, or the named ones, and print a table of each; see "Benchmarks" in CONTRIBUTING.md.

The exit status is 1 if a ratio is too high or a result is incomplete.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "tools"))

import harness


def main() -> None:
    """Run the benchmarks that the command line names."""
    parser = argparse.ArgumentParser(
        description="Compare measured times with the shortest possible ones, or with those of other tools."
    )
    parser.add_argument(
        "--quick", action="store_true", help="use tiny sizes, and show the ratios without checking them"
    )
    parser.add_argument("name", nargs="*", help="a benchmark (default: all)")
    options = parser.parse_args()
    try:
        names = harness.benchmarks(options.name)
    except ValueError as error:
        sys.exit(str(error))
    passed = [_run(name, quick=options.quick) for name in names]
    sys.exit(0 if all(passed) else 1)


def _run(name: str, *, quick: bool) -> bool:
    module = importlib.import_module(f"bench_{name}")
    measure: harness.Benchmark = module.rows
    title = str(module.__doc__).partition("\n")[0].rstrip(".")
    try:
        return harness.table(f"{name}: {title}", measure(quick), check_ratios=not quick, write=_write)
    except RuntimeError as error:
        print(f"FAILED: {error}", flush=True)
        return False


def _write(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
