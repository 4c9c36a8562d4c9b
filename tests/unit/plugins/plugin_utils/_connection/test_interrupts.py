# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test that signals end sessions, and that the earlier handlers of the signals are put back in any order of endings."""

from __future__ import annotations

import gc
import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.sessionops.aws.plugins.plugin_utils._connection.interrupts import (
    InterruptedBySignal,
    Interrupts,
    held,
)

NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Before:
    """Handlers that were there before, and the signals that they got."""

    def __init__(self) -> None:
        self.got: list[int] = []

    def handle(self, number: int, unused_frame: object) -> None:
        self.got.append(number)

    @property
    def is_back(self) -> bool:
        return all(signal.getsignal(number) == self.handle for number in NUMBERS)


class Connected:
    """A connection with a session."""

    def __init__(self, ended: list[str], name: str) -> None:
        self.ended = ended
        self.name = name
        self.interrupts = Interrupts()
        self.interrupts.begin(self.close)

    def close(self) -> None:
        self.ended.append(self.name)
        self.interrupts.end()


@pytest.fixture
def before() -> Iterator[Before]:
    made = Before()
    earlier = {number: signal.signal(number, made.handle) for number in NUMBERS}
    try:
        yield made
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


def begun(count: int) -> list[Interrupts]:
    every = [Interrupts() for unused in range(count)]
    for each in every:
        each.begin()
    return every


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=str)
def test_two_connections_end_in_any_order(before: Before, order: tuple[int, int]) -> None:
    """In a loop with ``delegate_to``, connections overlap in one process."""
    every = begun(2)
    every[order[0]].end()
    with pytest.raises(InterruptedBySignal):
        signal.raise_signal(signal.SIGTERM)
    every[order[1]].end()
    assert before.is_back and before.got == []


def test_beginning_or_ending_twice_counts_once(before: Before) -> None:
    first, second = begun(2)
    first.begin()
    first.end()
    first.end()
    with pytest.raises(InterruptedBySignal):
        signal.raise_signal(signal.SIGHUP)
    second.end()
    assert before.is_back


def test_a_handler_that_cannot_be_put_back_does_not_keep_the_others(before: Before, monkeypatch: Any) -> None:
    (only,) = begun(1)
    put = signal.signal

    def refuse(number: int, handler: Any) -> Any:
        if number == signal.SIGTERM:
            raise ValueError("no")
        return put(number, handler)

    monkeypatch.setattr(signal, "signal", refuse)
    only.end()
    monkeypatch.undo()
    assert signal.getsignal(signal.SIGINT) == signal.getsignal(signal.SIGHUP) == before.handle


def test_an_ignored_signal_stays_ignored(before: Before) -> None:
    """A play under ``nohup`` goes on when its terminal is closed."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    (only,) = begun(1)
    signal.raise_signal(signal.SIGHUP)
    only.end()
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_a_later_handler_of_somebody_else_stays(before: Before) -> None:
    (only,) = begun(1)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    only.end()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    assert signal.getsignal(signal.SIGINT) == before.handle


@pytest.mark.parametrize("left", [0, 1])
def test_passing_on_does_what_the_earlier_handler_would_have_done(before: Before, left: int) -> None:
    every = begun(1 + left)
    with pytest.raises(InterruptedBySignal) as raised:
        signal.raise_signal(signal.SIGTERM)
    every[0].end()
    raised.value.pass_on()
    assert before.got == [signal.SIGTERM]
    for other in every[1:]:
        with pytest.raises(InterruptedBySignal):  # the process goes on
            signal.raise_signal(signal.SIGTERM)
        other.end()
    assert before.is_back


@pytest.mark.parametrize("first", [0, 1])
def test_a_signal_ends_the_sessions_of_all_connections(before: Before, first: int) -> None:
    """Only one of them notices the signal, and the earlier handler can end the process at once."""
    ended: list[str] = []
    every = [Connected(ended, "a"), Connected(ended, "b")]
    with pytest.raises(InterruptedBySignal):
        signal.raise_signal(signal.SIGTERM)
    every[first].close()
    assert sorted(ended) == ["a", "b"]
    assert before.is_back


def test_without_a_signal_each_connection_ends_only_its_own_session(before: Before) -> None:
    ended: list[str] = []
    first, second = Connected(ended, "a"), Connected(ended, "b")
    first.close()
    assert ended == ["a"]
    second.close()
    assert ended == ["a", "b"] and before.is_back


def test_a_connection_that_failed_to_end_does_not_keep_the_others(before: Before) -> None:
    class Broken(Connected):
        def close(self) -> None:
            self.interrupts.end()
            raise OSError("no")

    ended: list[str] = []
    every = [Connected(ended, "a"), Broken(ended, "b"), Connected(ended, "c")]
    with pytest.raises(InterruptedBySignal):
        signal.raise_signal(signal.SIGINT)
    every[0].close()
    assert ended == ["a", "c"] and before.is_back


def test_a_connection_is_not_kept_alive(before: Before) -> None:
    ended: list[str] = []
    dropped = Connected(ended, "a")
    interrupts = dropped.interrupts
    del dropped
    gc.collect()
    interrupts.close_connection()
    assert ended == []
    interrupts.end()
    assert before.is_back


def test_an_end_in_another_thread_leaves_signals_to_the_earlier_handlers(before: Before) -> None:
    """Python may drop a connection in any thread, and only the main thread can set handlers."""
    (only,) = begun(1)
    thread = threading.Thread(target=only.end)
    thread.start()
    thread.join()
    signal.raise_signal(signal.SIGTERM)
    assert before.got == [signal.SIGTERM]
    (again,) = begun(1)
    for number in NUMBERS:
        with pytest.raises(InterruptedBySignal):
            signal.raise_signal(number)
    again.end()
    assert before.is_back


def test_held_signals_come_afterwards(before: Before) -> None:
    (only,) = begun(1)
    reached = []

    def work() -> None:
        with held():
            signal.raise_signal(signal.SIGTERM)
            reached.append(True)

    with pytest.raises(InterruptedBySignal):
        work()
    only.end()
    assert reached == [True]
