# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Durations and moments as users write them."""

from __future__ import annotations

import datetime

import pytest
from ansible_collections.sessionops.aws.plugins.module_utils._ssm import times
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.errors import SSMError


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("90m", 5400), ("2h", 7200), ("1d12h", 129600), ("1h1h", 7200)]
)
def test_durations(text: str, seconds: int) -> None:
    assert times.duration(text, "older_than") == datetime.timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "soon", "2 h", "-2h", "1.5h", "h", "2w"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(SSMError, match="older_than"):
        times.duration(text, "older_than")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-31T09:30:00Z", "2026-01-31T09:30:00Z"),
        ("2026-01-31T09:30:00", "2026-01-31T09:30:00Z"),
        ("2026-01-31T10:30:00+01:00", "2026-01-31T09:30:00Z"),
        ("2026-01-31", "2026-01-31T00:00:00Z"),
        ("2026-01-31 09:30:00.75Z", "2026-01-31T09:30:00Z"),
    ],
)
def test_moments(text: str, expected: str) -> None:
    assert times.moment(text, "invoked_after") == expected


@pytest.mark.parametrize("text", ["", "yesterday", "31.1.2026"])
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(SSMError, match="invoked_after"):
        times.moment(text, "invoked_after")
