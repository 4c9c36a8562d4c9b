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
# It makes a library look like an older one.
AGE = """
import importlib.metadata
version = importlib.metadata.version
importlib.metadata.version = lambda name: {old!r}.get(name) or version(name)
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
            'sessionops.aws.aws_ssm requires websockets>=13.0 on the controller. Run pip install "websockets>=13.0" '
            "with the Python of Ansible, or add what is missing to the execution environment.",
        ),
        (
            ["boto3", "botocore", "websockets"],
            "sessionops.aws.aws_ssm requires boto3>=1.34.0 and botocore>=1.34.0 and websockets>=13.0 on the "
            'controller. Run pip install "boto3>=1.34.0" "botocore>=1.34.0" "websockets>=13.0" with',
        ),
        (["amazon.aws"], "Run ansible-galaxy collection install --upgrade amazon.aws on the controller."),
    ],
    ids=str,
)
def test_what_is_missing_is_one_sentence_before_any_call(tmp_path: Path, hidden: list[str], told: str) -> None:
    """An execution environment often lacks what a connection requires (awx 9032)."""
    assert told in ping(tmp_path, HIDE.format(hidden=hidden))


@pytest.mark.parametrize(
    ("old", "told"),
    [
        ({"websockets": "12.0"}, 'requires websockets>=13.0 on the controller. Run pip install "websockets>=13.0"'),
        ({"boto3": "1.33.13", "websockets": "12.0"}, "requires boto3>=1.34.0 and websockets>=13.0 on the controller."),
    ],
    ids=str,
)
def test_what_is_too_old_is_told_likewise(tmp_path: Path, old: dict[str, str], told: str) -> None:
    """Debian 12 has websockets 10."""
    assert told in ping(tmp_path, AGE.format(old=old))


def ping(tmp_path: Path, customization: str) -> str:
    """Run a task that must fail before any call, and return what it printed."""
    (tmp_path / "sitecustomize.py").write_text(customization)
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
    assert "Traceback" not in shown
    return " ".join(shown.replace('\\"', '"').split())
