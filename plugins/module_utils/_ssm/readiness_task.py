# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""The work of ssm_connection_status: options in, result out."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from . import api, ping, progress, readiness, texts, times
from .errors import SSMError
from .fanout import MAX_WORKERS
from .module import Result
from .waiting import DENIED_FOR, Account, Wait, Waited, wait

# How many targets an error names.
_NAMED = 10

# The API reference says no more than how long one is. No kind of ID has these characters, and AWS takes what does not
# exist for not connected.
_TARGET = re.compile(r"""[^\s,;"'(){}\[\]]{1,400}""")


@dataclasses.dataclass(frozen=True)
class Task:
    """What a task asks for; ``wait`` is None where each target is asked for once."""

    targets: list[str]
    wait: Wait | None
    include_ping: bool
    workers: int


@dataclasses.dataclass(frozen=True)
class Pinged:
    """What Systems Manager last heard of the targets that it lists, or why that is not known."""

    found: Mapping[str, ping.Ping]
    error: str | None = None


def task(params: Mapping[str, Any]) -> Task:
    """The task that the options describe; an ``SSMError`` for options that make no sense."""
    targets = list(dict.fromkeys(texts.entries(params["targets"], _TARGET, "targets", "ID of a target")))
    if not targets:
        raise SSMError("targets is empty: give at least one.")
    if not 1 <= params["max_workers"] <= MAX_WORKERS:
        raise SSMError(f"max_workers is {params['max_workers']}, and may be 1 to {MAX_WORKERS}.")
    if params["consecutive"] < 1:
        raise SSMError(f"consecutive is {params['consecutive']}, and must be at least 1.")
    if params["consecutive"] > 1 and not params["wait_for"]:
        raise SSMError(f"consecutive is {params['consecutive']}, which makes sense only together with wait_for.")
    times.check_seconds(params, "wait_timeout", "wait_delay")
    wanted = params["wait_for"]
    waiting = Wait(wanted, params["wait_timeout"], params["wait_delay"], params["consecutive"]) if wanted else None
    return Task(targets, waiting, params["include_ping"], params["max_workers"])


def run(given: Task, client: api.Client) -> Result:
    """The result of the task, which has ``failed`` if a target was waited for in vain."""
    if given.wait:
        waited = _wait(given, given.wait, client)
        # Afterwards, for what was heard of a node before the wait tells nothing of why it is not there.
        return _waited(given.wait, waited, _pinged(client, given.targets) if given.include_ping else None)
    with ThreadPoolExecutor(max_workers=1) as beside:
        listing = beside.submit(_pinged, client, given.targets) if given.include_ping else None
        statuses = _ask(given, given.targets, client, progress.from_environment())
        readiness.require_any(statuses)
        return _result(statuses, listing.result() if listing else None)


def _ask(
    given: Task, targets: Sequence[str], client: api.Client, shown: progress.Progress
) -> list[readiness.Readiness]:
    return readiness.ask(client, targets, given.workers, shown.counter(len(targets)))


def _wait(given: Task, wanted: Wait, client: api.Client) -> Waited:
    shown = progress.from_environment()

    def pausing(account: Account, left: float) -> None:
        shown.pause(len(account.pending), len(account.targets), wanted.wanted, left)

    return wait(lambda pending: _ask(given, pending, client, shown), given.targets, wanted, pausing=pausing)


def _pinged(client: api.Client, targets: Sequence[str]) -> Pinged:
    """The ping data; an error, since it is no more than a help to find out why, leaves the statuses as they are."""
    try:
        return Pinged(ping.find(client, targets))
    except SSMError as error:
        return Pinged({}, str(error))


def _waited(wanted: Wait, waited: Waited, pinged: Pinged | None) -> Result:
    result = {**_result(waited.statuses, pinged), "late": waited.late}
    return {**result, "failed": True, "msg": _in_vain(wanted, waited)} if waited.late else result


def _in_vain(wanted: Wait, waited: Waited) -> str:
    """The sentences about targets that were waited for in vain."""
    often = f" {wanted.consecutive} times in a row" if wanted.consecutive > 1 else ""
    seconds = f"{waited.seconds:.0f}" if waited.refused else f"{wanted.timeout}"
    sentences = [
        f"{len(waited.late)} of {len(waited.statuses)} targets are not {wanted.wanted}{often} after {seconds} seconds: "
        f"{', '.join(waited.late[:_NAMED])}{', ...' if len(waited.late) > _NAMED else ''}."
    ]
    reasons = [status.reason for status in waited.statuses if status.reason]
    if reasons:
        sentences.append(f"The status of {len(reasons)} of them is unknown, as in: {reasons[0]}")
    if waited.refused:
        sentences.append(f"AWS has answered nothing else for {DENIED_FOR:.0f} seconds, so that the wait was given up.")
    return " ".join(sentences)


def _result(statuses: Sequence[readiness.Readiness], pinged: Pinged | None) -> Result:
    def having(status: str) -> list[str]:
        return [found.target for found in statuses if found.status == status]

    result: Result = {
        "changed": False,
        "statuses": [found.as_dict() for found in statuses],
        "connected": having(readiness.CONNECTED),
        "not_connected": having(readiness.NOT_CONNECTED),
        "unknown": having(readiness.UNKNOWN),
    }
    if pinged is None:
        return result
    for entry in result["statuses"]:
        entry["ping"] = pinged.found.get(entry["target"])
    if pinged.error is None:
        return result
    return {**result, "ping_error": pinged.error, "warnings": [f"There is no ping data. {pinged.error}"]}
