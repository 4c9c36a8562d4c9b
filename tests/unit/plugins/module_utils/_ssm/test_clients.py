# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test how clients connect, and how they convert times in replies."""

from __future__ import annotations

import datetime
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.sessionops.aws.plugins.module_utils._ssm import clients, fanout
from botocore.config import Config
from botocore.utils import parse_timestamp
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).parents[5]
KEYS = {"aws_access_key_id": "AKIAEXAMPLE", "aws_secret_access_key": "secret"}
GALAXY = yaml.safe_load((ROOT / "galaxy.yml").read_text())
SECONDS = st.floats(-62_000_000_000, 253_000_000_000) | st.integers(-62_000_000_000, 253_000_000_000)


def config(**options: Any) -> Any:
    """Return the botocore config of a client with these connection options."""
    return clients.Connection(None, {**KEYS, **options}).client("ssm", "us-east-1").meta.config


def test_the_user_agent_names_this_version_of_this_collection() -> None:
    assert f"{GALAXY['namespace']}.{GALAXY['name']}/{GALAXY['version']}" in config().user_agent.split()


def test_clients_adapt_their_rate_and_keep_a_connection_for_each_worker() -> None:
    assert config().retries["mode"] == "adaptive"
    assert config().max_pool_connections == fanout.MAX_WORKERS


def test_what_the_user_sets_wins() -> None:
    assert config(aws_config=Config(retries={"mode": "standard"})).retries["mode"] == "standard"
    assert config(aws_config=Config(user_agent="mine")).user_agent.startswith("mine")


@given(SECONDS)
def test_seconds_are_the_time_that_botocore_reads_in_utc(value: float) -> None:
    read = clients.timestamp(value)
    assert read == parse_timestamp(value)
    assert read.tzinfo is datetime.UTC


@given(st.datetimes(), st.integers(0, 6))
def test_iso_8601_is_the_time_that_botocore_reads_in_utc(value: datetime.datetime, digits: int) -> None:
    text = f"{value:%Y-%m-%dT%H:%M:%S}".rjust(19, "0") + (f".{value.microsecond:06}"[: digits + 1] if digits else "")
    read = clients.timestamp(f"{text}Z")
    assert read == parse_timestamp(f"{text}Z")
    assert read.utcoffset() == datetime.timedelta(0)


@pytest.mark.parametrize(
    "value", [1e11, 253_402_300_800, "1767225600", "1767225600.5", "Sat, 31 Jan 2026 09:30:00 GMT", "2026-01-31T09:30Z"]
)
def test_other_times_are_what_botocore_makes_of_them(value: Any) -> None:
    try:
        expected = parse_timestamp(value)
    except (OverflowError, ValueError) as error:
        with pytest.raises(type(error)):
            clients.timestamp(value)
    else:
        assert clients.timestamp(value) == expected


@pytest.mark.parametrize("value", [None, "", "soon", "soonZ", "NaN", float("nan"), [], {}])
def test_what_is_no_time_is_the_error_that_botocore_makes_of_it(value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        parse_timestamp(value)
    with pytest.raises((TypeError, ValueError)):
        clients.timestamp(value)


@pytest.mark.parametrize("endpoint", [None, ""])
def test_an_endpoint_that_is_empty_is_that_of_aws(endpoint: str | None) -> None:
    made = clients.Connection(endpoint, KEYS).client("ssm", "us-east-1")
    assert made.meta.endpoint_url == "https://ssm.us-east-1.amazonaws.com"


def test_a_call_is_attempted_eight_times_unless_the_user_says_otherwise() -> None:
    assert config().retries["total_max_attempts"] == 8
    assert config(aws_config=Config(retries={"total_max_attempts": 3})).retries["total_max_attempts"] == 3


def test_every_module_can_be_read_where_its_libraries_are_missing() -> None:
    """Import must succeed, so that AnsibleAWSModule (for PyYAML: content_reader) can report the missing library."""
    names = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))
    lines = [
        "import importlib, sys",
        "sys.modules.update(dict.fromkeys(('boto3', 'botocore', 'yaml')))",
        *(f"importlib.import_module('ansible_collections.sessionops.aws.plugins.modules.{name}')" for name in names),
    ]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run([sys.executable, "-c", "\n".join(lines)], env=env, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
