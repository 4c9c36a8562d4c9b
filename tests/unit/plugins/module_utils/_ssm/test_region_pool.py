# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test the pool that handles targets of several regions while they are still being listed."""

from __future__ import annotations

import contextlib
import threading
import time

import pytest
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.region_pool import RegionPool
from hypothesis import given
from hypothesis import strategies as st

LONG = 30  # seconds after which a thread counts as hanging


@given(
    st.dictionaries(st.sampled_from("abc"), st.lists(st.lists(st.integers(0, 99), max_size=5), max_size=4), min_size=1),
    st.integers(1, 8),
)
def test_each_target_is_called_once_in_its_lane(found: dict[str, list[list[int]]], workers: int) -> None:
    called: list[tuple[str, str]] = []

    def call(name: str, target: str) -> str:
        called.append((name, target))
        return f"{name} {target}"

    expected = []
    with RegionPool(call, list(found), workers) as pool:
        for name, parts in found.items():
            for part, targets in enumerate(parts):
                ids = [f"{name}{part}.{place}.{target}" for place, target in enumerate(targets)]
                expected += [(name, each) for each in ids]
                pool.put(name, ids)
            pool.close(name)
    assert sorted(called) == sorted(expected)
    assert pool.results == {target: f"{name} {target}" for name, target in expected}


def test_calls_are_made_while_more_targets_are_being_found() -> None:
    made = threading.Event()
    with RegionPool[str, None](lambda name, target: made.set(), ["a"], 4) as pool:
        pool.put("a", ["1"])
        assert made.wait(LONG)
        pool.close("a")


@pytest.mark.parametrize("few", [0, 2])
def test_a_system_that_starts_few_threads(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    start = threading.Thread.start
    started: list[threading.Thread] = []

    def limited(thread: threading.Thread) -> None:
        if len(started) == few:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    with contextlib.ExitStack() as stack:
        if few == 0:
            stack.enter_context(pytest.raises(RuntimeError, match="can't start new thread"))
        with RegionPool[str, str](lambda name, target: target, ["a"], 8) as pool:
            pool.put("a", [str(number) for number in range(100)])
            pool.close("a")
        assert len(pool.results) == 100


def test_a_lane_whose_calls_wait_leaves_threads_to_the_others() -> None:
    slow, done = threading.Event(), threading.Event()

    def call(name: str, target: str) -> None:
        if name == "slow":
            assert slow.wait(LONG)
        elif target == "last":
            done.set()

    with RegionPool(call, ["slow", "quick"], 4) as pool:
        pool.put("slow", [f"slow {number}" for number in range(100)])
        pool.put("quick", [*(f"quick {number}" for number in range(100)), "last"])
        assert done.wait(LONG)
        pool.close("quick")
        slow.set()
        pool.close("slow")
    assert len(pool.results) == 201


def test_no_more_calls_at_a_time_than_workers_and_all_of_them_for_the_last_lane() -> None:
    lock, busy, most = threading.Lock(), 0, 0
    together = threading.Barrier(4)

    def call(name: str, target: str) -> None:
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        together.wait(LONG)  # passes only if four calls run at once
        with lock:
            busy -= 1

    with RegionPool(call, ["a", "b"], 4) as pool:
        pool.close("b")
        pool.put("a", [str(number) for number in range(24)])
        pool.close("a")
    assert most <= 4


def test_an_error_stops_the_pool_and_is_raised_at_the_end() -> None:
    called: list[str] = []

    def call(name: str, target: str) -> None:
        called.append(target)
        raise ValueError(target)

    pool = RegionPool(call, ["a"], 1)

    def work() -> None:
        with pool:
            pool.put("a", ["1", "2", "3"])
            pool.close("a")

    with pytest.raises(ValueError, match="1"):
        work()
    assert called == ["1"] and pool.stopped


def test_an_error_of_whoever_finds_the_targets_stops_the_pool() -> None:
    def work() -> None:
        with RegionPool[str, None](lambda name, target: None, ["a"], 2) as pool:
            pool.put("a", ["1"])
            raise KeyError

    with pytest.raises(KeyError):
        work()


def test_targets_of_a_lane_that_is_dropped_are_not_called() -> None:
    go = threading.Event()
    called: list[str] = []

    def call(name: str, target: str) -> None:
        called.append(target)
        assert go.wait(LONG)

    with RegionPool(call, ["a", "b"], 1) as pool:
        pool.put("a", ["1", "2", "3"])
        pool.close("a", drop=True)
        go.set()
        pool.put("b", ["4"])
        pool.close("b")
    assert len(called) <= 2 and "4" in called


def test_an_error_ends_the_threads_that_wait_for_work() -> None:
    raised: list[str] = []

    def call(name: str, target: str) -> None:
        if target == "3":
            while len(pool.results) < 2:
                time.sleep(0.001)
            time.sleep(0.05)  # until the other threads are idle and wait for work
            raise ValueError(target)

    pool = RegionPool(call, ["a"], 3)

    def work() -> None:
        try:
            with pool:
                pool.put("a", ["1", "2", "3"])
                pool.close("a")
        except ValueError as error:
            raised.append(str(error))

    # A daemon thread: if it hangs, only this test fails.
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(LONG)
    assert raised == ["3"]
