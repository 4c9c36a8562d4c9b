# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a benchmark needs: an emulator in a process of its own, commands that are measured, and rows for a table.

Seconds of one machine say nothing about another, and a busy machine is slow: what counts is the ratio of two
measurements of one run, taken in turns.
"""

from __future__ import annotations

import contextlib
import dataclasses
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

from environment import ROOT, variables

EMULATOR = ROOT / "tests" / "emulator"
LIBRARY = Path(__file__).parent / "library"
MEGABYTE = 1_000_000
# How much longer than its floor a task may take.
WANTED = 1.15


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of a table.

    ``value`` is in ``unit``; ``ratio`` compares it with what ``against`` names. ``wanted`` is the most that the ratio
    may be. ``wrong`` says what else is wrong, such as a target without a status.
    """

    what: str
    value: float
    unit: str = "s"
    ratio: float | None = None
    against: str = ""
    wanted: float | None = None
    wrong: str = ""

    @property
    def missed(self) -> bool:
        """Whether the ratio is not what is wanted."""
        return self.wanted is not None and (self.ratio is None or self.ratio > self.wanted)


# A benchmark is a file bench_NAME.py with a function ``rows`` of this type; quick means tiny sizes.
Benchmark = Callable[[bool], Iterator[Row]]


@dataclasses.dataclass(frozen=True)
class Usage:
    """What a command and the processes that it waited for took.

    ``cpu`` is user and system time in seconds; ``memory`` is the peak of its largest process in bytes.
    """

    seconds: float
    cpu: float
    memory: int
    printed: str


# A task of a playbook.
Task = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Beyond:
    """Seconds: of the same task with next to nothing to do, of Ansible for the larger result, and of the task."""

    start: float
    handling: float
    whole: float

    def rows(
        self, what: str, floor: float, floor_is: str, *, less: float = 0, large: bool = False, wrong: str = ""
    ) -> Iterator[Row]:
        """The rows that compare the task with its floor; ``less`` is what the small task spent on calls.

        What is held is the ratio beyond the start; with a ``large`` result the one beyond Ansible's handling of it too.
        """
        start = self.start - less
        beyond = self.whole - start
        ours = beyond - self.handling
        of_start, of_both = (None, WANTED) if large else (WANTED, None)
        yield Row("start of a play with one task that does next to nothing", start)
        yield Row("what Ansible takes for a result of that size", self.handling)
        yield Row(f"the floor: {floor_is}", floor)
        yield Row(f"{what}, beyond the start", beyond, "s", beyond / floor, "the floor", of_start, wrong)
        yield Row(f"{what}, beyond both", ours, "s", ours / floor, "the floor", of_both)


class Emulator:
    """A context manager around ``tests/emulator serve`` on a world.

    AWS takes no processor from who asks it. So the emulator gets one of its own, where there are several and the system
    can tell; what is measured has the others.
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
        its_own, the_others = _apart()
        with _processors(its_own):
            process = subprocess.Popen(command, env=variables(), stdout=subprocess.PIPE, text=True)
        self._stack.callback(_end, process)
        self._stack.enter_context(_processors(the_others))
        assert process.stdout is not None
        told: dict[str, str] = {}
        for line in process.stdout:
            if not line.startswith("export "):
                break
            name, unused, value = shlex.split(line)[1].partition("=")
            told[name] = value
        assert told, "the emulator did not start"
        self.environment = {**variables(), **told, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
        return self

    def __exit__(self, *unused: object) -> None:
        self._stack.close()

    def counts(self) -> dict[str, dict[str, int]]:
        """How many calls of each operation came to what: ``{"GetConnectionStatus": {"ok": 1000}}``."""
        url = f"{self.environment['AWS_ENDPOINT_URL']}/_emulator/counts"
        token = {"X-Emulator-Token": self.environment["EMULATOR_TOKEN"]}
        with urllib.request.urlopen(urllib.request.Request(url, headers=token)) as reply:  # noqa: S310 - http, to this machine
            counts: dict[str, dict[str, int]] = json.load(reply)
        return counts

    def run(self, *command: str, **extra: str) -> Usage:
        """Run a command against this endpoint, with ``extra`` environment variables."""
        return measured(command, {**self.environment, **extra})

    def beyond_start(self, times: int, one: Task, many: Task) -> Beyond:
        """How much longer a task takes than what no task can do without.

        ``one`` is the same task with next to nothing to do. What Ansible takes for a larger result, whoever made it,
        is measured by a module that returns the same and does nothing else.
        """
        with tempfile.TemporaryDirectory() as folder:
            small, large = Path(folder) / "small.json", Path(folder) / "large.json"
            self.playbook(*_kept(one, small))
            self.playbook(*_kept(many, large))
            took = in_turns(
                times,
                one=lambda: self.playbook(one).seconds,
                many=lambda: self.playbook(many).seconds,
                small=lambda: self.playbook(_same_result(small)).seconds,
                large=lambda: self.playbook(_same_result(large)).seconds,
            )
        return Beyond(took["one"], max(0.0, took["large"] - took["small"]), took["many"])

    def playbook(self, *tasks: Task, **extra: str) -> Usage:
        """Run tasks on localhost in a process of ``ansible-playbook``."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "playbook.json"
            path.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": list(tasks)}]))
            return self.run("ansible-playbook", str(path), ANSIBLE_LIBRARY=str(LIBRARY), **extra)


def _kept(task: Task, path: Path) -> list[Task]:
    """The task, and one that writes its result to a file."""
    content = {"content": f"{{{{ {task['register']} | to_json }}}}", "dest": str(path), "mode": "600"}
    return [task, {"ansible.builtin.copy": content}]


def _same_result(path: Path) -> Task:
    return {"same_result": {"path": str(path)}, "register": "kept"}


def measured(command: Sequence[str], environment: Mapping[str, str]) -> Usage:
    """Run a command to its end; a RuntimeError with the end of what it printed when it failed."""
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
    """The median of ``times`` results of each, taken A B A B, so that what disturbs the machine disturbs all."""
    results: dict[str, list[float]] = {name: [] for name in work}
    for unused in range(times):
        for name, measure in work.items():
            results[name].append(measure())
    return {name: statistics.median(found) for name, found in results.items()}


def rounds(calls: int, side_by_side: int) -> int:
    """How many calls have to be made one after the other at the least."""
    return math.ceil(calls / side_by_side)


def table(title: str, rows: Iterator[Row], *, held: bool, write: Callable[[str], object] = print) -> bool:
    """Print each row when it is there; whether all is well. Ratios are ``held`` to what is wanted, or just shown."""
    write(f"\n{title}\n{'=' * len(title)}")
    well = True
    for row in rows:
        broken = row.wrong or ("missed" if held and row.missed else "")
        well = well and not broken
        write(f"{_measure(row):>12}  {row.what}{_comparison(row)}{f'   FAILED: {broken}' if broken else ''}")
    return well


def _measure(row: Row) -> str:
    return f"{row.value:,.2f} {row.unit}"


def _comparison(row: Row) -> str:
    if row.ratio is None:
        return ""
    wanted = "" if row.wanted is None else f", wanted at most {row.wanted:g}"
    return f": {row.ratio:.2f} x {row.against}{wanted}"


def benchmarks(names: Sequence[str]) -> list[str]:
    """The benchmarks of these names, or all; a ValueError for a name that there is none of."""
    known = sorted(re.sub(r"^bench_", "", path.stem) for path in Path(__file__).parent.glob("bench_*.py"))
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise ValueError(f"There is no benchmark called {', '.join(unknown)}; there are {', '.join(known)}.")
    return list(names) or known


def _apart() -> tuple[set[int], set[int]]:
    """The last processor, and the others; both empty where a process cannot be kept to some."""
    if sys.platform != "linux":
        return set(), set()
    all_of_them = sorted(os.sched_getaffinity(0))
    return (set(all_of_them[-1:]), set(all_of_them[:-1])) if len(all_of_them) > 1 else (set(), set())


@contextlib.contextmanager
def _processors(allowed: set[int]) -> Iterator[None]:
    """Keep this process, and those that it starts, to some processors; to the same as ever if there are none."""
    if sys.platform != "linux" or not allowed:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, allowed)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    process.wait(timeout=30)
    if process.stdout is not None:
        process.stdout.close()
