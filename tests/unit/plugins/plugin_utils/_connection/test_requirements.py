# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test what a task says if something that the connection requires is not installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from emulator.testing import LocalAWS
from unit.support.connection_plugin import TARGET, WORLD

# Python imports it before anything else. It hides what is installed.
HIDE = """
import importlib.machinery, sys
hidden = {hidden!r}
find = importlib.machinery.PathFinder.find_spec
def find_unless_hidden(name, path=None, target=None):
    return None if name.split(".")[0] in hidden else find(name, path, target)
importlib.machinery.PathFinder.find_spec = find_unless_hidden
if "amazon.aws" in hidden:
    sys.modules["ansible_collections.amazon"] = None
"""
INVENTORY = f"""
all:
  hosts:
    node:
      ansible_connection: sessionops.aws.aws_ssm
      ansible_host: {TARGET}
"""


@pytest.mark.parametrize(
    ("hidden", "told"),
    [
        (
            ["websockets"],
            "sessionops.aws.aws_ssm requires websockets on the controller. Run pip install websockets with the Python "
            "of Ansible, or add it to the execution environment.",
        ),
        (
            ["boto3", "botocore", "websockets"],
            "sessionops.aws.aws_ssm requires boto3 and botocore and websockets on the controller. Run pip install "
            "boto3 botocore websockets with the Python of Ansible, or add it to the execution environment.",
        ),
        (["amazon.aws"], "Run ansible-galaxy collection install --upgrade amazon.aws on the controller."),
    ],
    ids=str,
)
def test_what_is_missing_is_one_sentence_before_any_call(tmp_path: Path, hidden: list[str], told: str) -> None:
    """An execution environment often lacks what a connection requires (awx 9032)."""
    (tmp_path / "sitecustomize.py").write_text(HIDE.format(hidden=hidden))
    (tmp_path / "inventory.yml").write_text(INVENTORY)
    with LocalAWS(WORLD) as aws:
        path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
        done = subprocess.run(
            [sys.executable, "-m", "ansible", "adhoc", "node", "-i", "inventory.yml", "-m", "ansible.builtin.ping"],
            env={**aws.clean_env(), "PYTHONPATH": path},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert aws.calls() == []
    shown = done.stdout + done.stderr
    assert done.returncode == 4, shown  # unreachable
    assert told in shown, shown
    assert "Traceback" not in shown
