# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test that every place that names a requirement names the same version."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NEEDED = dict(line.split(">=") for line in (ROOT / "meta" / "ee-requirements.txt").read_text().split())
PLACES = ("plugins/doc_fragments/_requirements.py", "plugins/connection/aws_ssm.py")


@pytest.mark.parametrize("place", PLACES)
def test_the_documentation_requires_what_an_execution_environment_installs(place: str) -> None:
    named = dict(re.findall(r"^ +- (boto\w+|websockets) >= ([\d.]+)$", (ROOT / place).read_text(), re.M))
    assert named
    assert named == {name: NEEDED[name] for name in named}


def test_the_readme_requires_the_same() -> None:
    text = (ROOT / "README.md").read_text()
    requirements = text[text.index("## Requirements") : text.index("## Installation")]
    assert f"boto3 and botocore {NEEDED['boto3']} or newer" in requirements
    assert NEEDED["boto3"] == NEEDED["botocore"]
    assert f"websockets {NEEDED['websockets']} or newer" in requirements


def test_all_requirements_are_documented() -> None:
    named = {name for place in PLACES for name in NEEDED if f"- {name} >= " in (ROOT / place).read_text()}
    assert named == set(NEEDED)
