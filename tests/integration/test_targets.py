# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run every integration target in a shell, as a user would: real playbooks and inventories, on the emulator."""

from __future__ import annotations

from pathlib import Path

import pytest
from child import run

TARGETS = sorted(path.parent for path in (Path(__file__).parent / "targets").glob("*/runme.sh"))


@pytest.mark.parametrize("target", TARGETS, ids=lambda path: path.name)
def test_target(target: Path) -> None:
    run(["bash", "runme.sh"], target)


def test_there_are_targets() -> None:
    assert {"ssm_document", "ssm_sessions", "ssm_connection_status", "inventory_aws_ssm"} <= {p.name for p in TARGETS}
