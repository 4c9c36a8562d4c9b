# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test durations and times as users write them."""

from __future__ import annotations

import contextlib
import datetime
import time
from collections.abc import Callable, Iterator

import pytest
from ansible_collections.sessionops.aws.plugins.module_utils._ssm import option_time
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.errors import SSMError
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("90m", 5400), ("2h", 7200), ("1d12h", 129600), ("1h1h", 7200), (" 2h\n", 7200)],
)
def test_durations(text: str, seconds: int) -> None:
    assert option_time.duration(text, "older_than") == datetime.timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "90",
        "soon",
        "9" * 5000 + "d",
        "2 h",
        "-2h",
        "1.5h",
        "h",
        "2w",
        "\u00b2",
        "\u0662h",
        "99999999999d",
        "2h ago",
    ],
)
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(SSMError, match="older_than"):
        option_time.duration(text, "older_than")


NOW = datetime.datetime(2026, 1, 31, 12, 0, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-31T09:30:00Z", "2026-01-31T09:30:00+00:00"),
        ("2026-01-31T09:30:00", "2026-01-31T09:30:00+00:00"),
        ("2026-01-31T10:30:00+01:00", "2026-01-31T09:30:00+00:00"),
        ("2026-01-31", "2026-01-31T00:00:00+00:00"),
        ("2026-01-31 00:00:00+00:00", "2026-01-31T00:00:00+00:00"),  # as YAML converts an unquoted timestamp
        ("20260131", "2026-01-31T00:00:00+00:00"),
        (" 2026-01-31 09:30:00.75Z", "2026-01-31T09:30:00.750000+00:00"),
        ("2h", "2026-01-31T10:00:00+00:00"),
        ("2h ago", "2026-01-31T10:00:00+00:00"),
        ("1d12h  ago ", "2026-01-30T00:00:00+00:00"),
        ("900000d", "0001-01-01T00:00:00+00:00"),
    ],
)
def test_moments(text: str, expected: str) -> None:
    assert option_time.resolve(option_time.moment(text, "invoked_after"), NOW).isoformat() == expected


@pytest.mark.parametrize(
    "text", ["", "yesterday", "31.1.2026", "ago", "2 h ago", "2h from now", "90", "0001-01-01T00:00:00+01:00", "-2h"]
)
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(SSMError, match="invoked_after"):
        option_time.moment(text, "invoked_after")


@pytest.fixture
def nine_hours_ahead(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Set the controller's time zone to one that is not UTC."""
    with monkeypatch.context() as there:
        there.setenv("TZ", "JST-9")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("nine_hours_ahead")
@pytest.mark.parametrize("text", ["2026-01-31T09:30:00", "2026-01-31T09:30:00Z", "2026-01-31T18:30:00+09:00"])
def test_a_time_without_a_zone_is_utc_wherever_the_controller_is(text: str) -> None:
    assert option_time.moment(text, "invoked_after") == datetime.datetime(2026, 1, 31, 9, 30, tzinfo=datetime.UTC)


@pytest.mark.parametrize("read", [option_time.duration, option_time.moment])
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("x" * 60, "older_than: '" + "x" * 60 + "' is not a "),
        ("x" * 61, "older_than: '" + "x" * 60 + "...' is not a "),
        ("9" * 5000 + "d", "older_than: '" + "9" * 60 + "...' is out of range; no session is that old."),
    ],
    ids=["60", "61", "5000"],
)
def test_a_long_text_is_cut_where_it_is_shown(read: Callable[[str, str], object], text: str, shown: str) -> None:
    with pytest.raises(SSMError) as error:
        read(text, "older_than")
    assert shown in str(error.value)


def test_the_most_seconds_that_a_task_may_wait() -> None:
    option_time.check_range({"wait_timeout": option_time.MOST, "wait_delay": 0}, "wait_timeout", "wait_delay")
    with pytest.raises(SSMError, match="wait_timeout: 1000000001 is out of range; expected 0 to 1000000000"):
        option_time.check_range({"wait_timeout": option_time.MOST + 1}, "wait_timeout")


@given(st.text(max_size=30) | st.from_regex(r"[0-9]{1,12}[dhms]( ago)?", fullmatch=True))
def test_any_text_is_a_moment_or_refused(text: str) -> None:
    with contextlib.suppress(SSMError):  # any other error fails the test
        option_time.resolve(option_time.moment(text, "invoked_after"), NOW)
