# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""``python3 tests/emulator``: run a command against a local AWS endpoint."""

from __future__ import annotations

import sys
from pathlib import Path

if __package__ in (None, ""):
    # Run as a directory: import the package by its name, because its modules import each other relative to it.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from emulator.cli import main
else:
    from .cli import main

if __name__ == "__main__":
    sys.exit(main())
