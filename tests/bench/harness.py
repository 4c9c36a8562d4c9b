# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run benchmarks: start an emulator in its own process, measure commands, and print tables.

Absolute times differ between machines, and a busy machine is slow. So benchmarks only assert ratios of two measurements
that are taken in turns within one run.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import math
import os
import re
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import boto3
from environment import ROOT, variables

EMULATOR = ROOT / "tests" / "emulator"
LIBRARY = Path(__file__).parent / "library"
MEGABYTE = 1_000_000
# The highest ratio of a task's time to its floor that passes.
MAX_RATIO = 1.15


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of a table.

    ``value`` is in ``unit``. ``ratio`` is the ratio of the value to the one that ``against`` names, and ``max_ratio``
    the highest one that passes. ``failure`` is any other failure, such as "2 targets have no status", or empty.
    """

    what: str
    value: float
    unit: str = "s"
    ratio: float | None = None
    against: str = ""
    max_ratio: float | None = None
    failure: str = ""

    @property
    def exceeded(self) -> bool:
        """Whether the ratio is above ``max_ratio``, or missing although there is one."""
        return self.max_ratio is not None and (self.ratio is None or self.ratio > self.max_ratio)


# The function ``rows`` of a benchmark, bench_NAME.py. Its argument is ``quick``: use tiny sizes.
Benchmark = Callable[[bool], Iterator[Row]]


@dataclasses.dataclass(frozen=True)
class Usage:
    """The resources that a command used, with all processes that it waited for, and what it printed.

    ``seconds`` is elapsed time. ``cpu`` is user and system time in seconds. ``memory`` is the peak of the largest
    process in bytes.
    """

    seconds: float
    cpu: float
    memory: int
    printed: str


# A task of a playbook: {"ansible.builtin.copy": {...}, "register": "copied"}.
Task = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class TaskTimes:
    """The measured times of a task, in seconds.

    ``start`` is the time of the same task with almost nothing to do, ``handling`` the time that Ansible needs for the
    larger result, and ``whole`` the time of the task.
    """

    start: float
    handling: float
    whole: float

    def rows(
        self, what: str, floor: float, floor_is: str, *, less: float = 0, large: bool = False, failure: str = ""
    ) -> Iterator[Row]:
        """Yield the rows that compare the task with its floor, which is in seconds and described by ``floor_is``.

        ``less`` is the time in seconds that the small task spent on calls. The asserted ratio is that of the time
        beyond the start. With ``large``, for a large result, Ansible's handling of the result is subtracted too.
        """
        start = self.start - less
        beyond = self.whole - start
        ours = beyond - self.handling
        of_start, of_both = (None, MAX_RATIO) if large else (MAX_RATIO, None)
        yield Row("start of a play with one task that does next to nothing", start)
        yield Row("time that Ansible needs for a result of that size", self.handling)
        yield Row(f"the floor: {floor_is}", floor)
        yield Row(f"{what}, beyond the start", beyond, "s", beyond / floor, "the floor", of_start, failure)
        yield Row(f"{what}, beyond both", ours, "s", ours / floor, "the floor", of_both)


class Emulator:
    """A context manager that runs ``tests/emulator serve`` on a world.

    The real AWS does not use the client's processors. So, on Linux with several processors, the emulator gets one of
    them for itself, and the measured commands get the others.
    """

    def __init__(self, world: Mapping[str, Any]) -> None:
        self._world = world
        self._stack = contextlib.ExitStack()
        self.environment: dict[str, str] = {}

    def __enter__(self) -> Self:
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        path = folder / "world.json"
        path.write_text(json.dumps(self._world))
        command = [sys.executable, str(EMULATOR), "serve", "--world", str(path)]
        its_own, the_others = _split_processors()
        with _processors(its_own):
            process = subprocess.Popen(command, env=variables(), stdout=subprocess.PIPE, text=True)
        self._stack.callback(_end, process)
        self._stack.enter_context(_processors(the_others))
        assert process.stdout is not None
        exported: dict[str, str] = {}
        for line in process.stdout:
            if not line.startswith("export "):
                break
            name, unused, value = shlex.split(line)[1].partition("=")
            exported[name] = value
        assert exported, "the emulator did not start"
        self.environment = {**variables(), **exported, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
        return self

    def __exit__(self, *unused: object) -> None:
        self._stack.close()

    def counts(self) -> dict[str, dict[str, int]]:
        """Return the number of calls by operation and outcome: ``{"GetConnectionStatus": {"ok": 1000}}``."""
        counts: dict[str, dict[str, int]] = self._asked("counts")
        return counts

    def open_sessions(self) -> int:
        """Return how many sessions have not ended."""
        keys = {name.lower(): self.environment[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
        url = self.environment["AWS_ENDPOINT_URL"]
        client = boto3.client("ssm", region_name="us-east-1", endpoint_url=url, **keys)
        return len(client.describe_sessions(State="Active")["Sessions"])

    def frames(self, since: int = 0) -> list[dict[str, Any]]:
        """Return the frames of sessions after the one with the number ``since``."""
        frames: list[dict[str, Any]] = self._asked(f"frames?since={since}")["frames"]
        return frames

    def _asked(self, what: str) -> Any:
        url = f"{self.environment['AWS_ENDPOINT_URL']}/_emulator/{what}"
        token = {"X-Emulator-Token": self.environment["EMULATOR_TOKEN"]}
        with urllib.request.urlopen(urllib.request.Request(url, headers=token)) as reply:  # noqa: S310 - http, to this machine
            return json.load(reply)

    def run(self, *command: str, **extra: str) -> Usage:
        """Run a command against this endpoint, with ``extra`` environment variables."""
        return run_measured(command, {**self.environment, **extra})

    def measure_task(self, times: int, one: Task, many: Task) -> TaskTimes:
        """Measure a task, and the parts of its time that do not depend on the module: medians of ``times`` runs.

        ``one`` is the same task with almost nothing to do. The time that Ansible needs for the larger result is
        measured with a module that only returns that result.
        """
        with tempfile.TemporaryDirectory() as folder:
            small, large = Path(folder) / "small.json", Path(folder) / "large.json"
            self.playbook(*_with_saved_result(one, small))
            self.playbook(*_with_saved_result(many, large))
            took = in_turns(
                times,
                one=lambda: self.playbook(one).seconds,
                many=lambda: self.playbook(many).seconds,
                small=lambda: self.playbook(_same_result(small)).seconds,
                large=lambda: self.playbook(_same_result(large)).seconds,
            )
        return TaskTimes(took["one"], max(0.0, took["large"] - took["small"]), took["many"])

    def playbook(self, *tasks: Task, **extra: str) -> Usage:
        """Run tasks on localhost in a process of ``ansible-playbook``."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "playbook.json"
            path.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": list(tasks)}]))
            return self.run("ansible-playbook", str(path), ANSIBLE_LIBRARY=str(LIBRARY), **extra)


def _with_saved_result(task: Task, path: Path) -> list[Task]:
    """Return the task, and a task that writes its result to a file."""
    content = {"content": f"{{{{ {task['register']} | to_json }}}}", "dest": str(path), "mode": "600"}
    return [task, {"ansible.builtin.copy": content}]


def _same_result(path: Path) -> Task:
    return {"same_result": {"path": str(path)}, "register": "kept"}


def run_measured(command: Sequence[str], environment: Mapping[str, str]) -> Usage:
    """Run a command and measure it. Raises ``RuntimeError`` with the end of its output if it fails."""
    with tempfile.TemporaryFile() as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, env=environment, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        unused, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        printed = output.read().decode(errors="replace")
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} exited with {process.returncode}:\n{printed[-3000:]}")
    kilo = 1 if sys.platform == "darwin" else 1024
    return Usage(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss * kilo, printed)


def in_turns(times: int, **work: Callable[[], float]) -> dict[str, float]:
    """Return the median of ``times`` results of each function by name: ``{"one": 1.2, "many": 3.4}``.

    They are called in turns (A B A B), so that anything that slows down the machine affects all of them.
    """
    results: dict[str, list[float]] = {name: [] for name in work}
    for unused in range(times):
        for name, measure in work.items():
            results[name].append(measure())
    return {name: statistics.median(found) for name, found in results.items()}


def rounds(calls: int, side_by_side: int) -> int:
    """Return the number of consecutive rounds that ``calls`` take at least, with ``side_by_side`` calls in each."""
    return math.ceil(calls / side_by_side)


def table(title: str, rows: Iterator[Row], *, check_ratios: bool, write: Callable[[str], object] = print) -> bool:
    """Print each row as soon as it is measured, and return whether all rows pass.

    If ``check_ratios`` is false, ratios are only shown.
    """
    write(f"\n{title}\n{'=' * len(title)}")
    passed = True
    for row in rows:
        failure = row.failure or ("the ratio is too high" if check_ratios and row.exceeded else "")
        passed = passed and not failure
        write(f"{_measure(row):>12}  {row.what}{_comparison(row)}{f'   FAILED: {failure}' if failure else ''}")
    return passed


def _measure(row: Row) -> str:
    return f"{row.value:,.2f} {row.unit}"


def _comparison(row: Row) -> str:
    if row.ratio is None:
        return ""
    limit = "" if row.max_ratio is None else f", wanted at most {row.max_ratio:g}"
    return f": {row.ratio:.2f} x {row.against}{limit}"


def benchmarks(names: Sequence[str]) -> list[str]:
    """Return ``names``, or the names of all benchmarks if it is empty. Raises ``ValueError`` for an unknown name."""
    known = sorted(re.sub(r"^bench_", "", path.stem) for path in Path(__file__).parent.glob("bench_*.py"))
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise ValueError(f"Unknown benchmark {', '.join(unknown)}; available: {', '.join(known)}.")
    return list(names) or known


@functools.cache  # before the first ones are taken, so that all have the same
def _split_processors() -> tuple[set[int], set[int]]:
    """Return the last processor, and the others; empty sets if there is only one, or if this is not Linux."""
    if sys.platform != "linux":
        return set(), set()
    every = sorted(os.sched_getaffinity(0))
    return (set(every[-1:]), set(every[:-1])) if len(every) > 1 else (set(), set())


@contextlib.contextmanager
def _processors(allowed: set[int]) -> Iterator[None]:
    """Restrict this process, and those that it starts, to some processors. An empty set restricts nothing."""
    if sys.platform != "linux" or not allowed:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, allowed)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextlib.contextmanager
def its_own_processors() -> Iterator[None]:
    """Start processes on the processors that the emulator will have, for what would not be on this machine either."""
    with _processors(_split_processors()[0]):
        yield


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    process.wait(timeout=30)
    if process.stdout is not None:
        process.stdout.close()
