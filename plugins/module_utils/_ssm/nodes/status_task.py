# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Do the work of ssm_connection_status: from options to result."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from .. import api, option_text, option_time, progress_file
from ..errors import SSMError
from ..fanout import check_max_workers
from ..module import ClientFactory
from ..option_text import counted
from . import connection_status, ping, targets
from .results import ConnectionStatusResult, Ping
from .wait import DENIED_FOR, Tally, Wait, WaitResult, wait

# The maximum number of targets that an error message names.
_MAX_NAMED = 10


@dataclasses.dataclass(frozen=True)
class Task:
    """The validated options of the task."""

    targets: list[str]
    wait: Wait | None  # None: get each status once
    include_ping: bool
    workers: int


@dataclasses.dataclass(frozen=True)
class PingData:
    """The ping data of the targets that Systems Manager lists, or why it could not be read."""

    found: Mapping[str, Ping]  # by target
    error: str | None = None


def task_from_options(params: Mapping[str, Any]) -> Task:
    """Validate the options and return them as a ``Task``. Raise ``SSMError`` for the first that is not valid."""
    ids = list(dict.fromkeys(option_text.trimmed(params["targets"])))
    for target in ids:
        targets.check_target(target, "targets")
    if not ids:
        raise SSMError("targets is empty. Give at least one target.")
    check_max_workers(params["max_workers"])
    if params["consecutive"] < 1:
        raise SSMError(f"consecutive: {params['consecutive']} is out of range; expected at least 1.")
    if params["consecutive"] > 1 and not params["wait_for"]:
        raise SSMError(f"consecutive: {params['consecutive']} requires wait_for.")
    option_time.check_range(params, "wait_timeout", "wait_delay")
    wanted = params["wait_for"]
    waiting = Wait(wanted, params["wait_timeout"], params["wait_delay"], params["consecutive"]) if wanted else None
    return Task(ids, waiting, params["include_ping"], params["max_workers"])


def run(params: Mapping[str, Any], client: ClientFactory, check_mode: bool) -> ConnectionStatusResult:
    """Do the work of ssm_connection_status."""
    given = task_from_options(params)
    return _result_of(given, client("ssm"))


def _result_of(given: Task, client: api.Client) -> ConnectionStatusResult:
    """Return the result of the task. It has ``failed`` if a target did not reach the wanted status in time."""
    if given.wait:
        waited = _wait(given, given.wait, client)
        # After the wait, because older ping data does not explain why a node is not there now.
        pinged = _ping_data(client, given.targets) if given.include_ping else None
        result = _result(waited.statuses, pinged)
        result["late"] = waited.late
        if waited.late:
            known = _ping_data_of_late(client, given.wait, waited, pinged)
            result["failed"] = True
            result["msg"] = _timed_out(given.wait, waited, known, client.meta.region_name)
        return result
    with ThreadPoolExecutor(max_workers=1) as beside:
        listing = beside.submit(_ping_data, client, given.targets) if given.include_ping else None
        statuses = _poll(given, given.targets, client, progress_file.from_environment())
        connection_status.require_any(statuses)
        return _result(statuses, listing.result() if listing else None)


def _poll(
    given: Task, ids: Sequence[str], client: api.Client, progress: progress_file.Progress
) -> list[connection_status.Readiness]:
    return connection_status.get_statuses(client, ids, given.workers, progress.counter(len(ids)))


def _wait(given: Task, wanted: Wait, client: api.Client) -> WaitResult:
    progress = progress_file.from_environment()

    def on_pause(tally: Tally, remaining: float) -> None:
        progress.pause(tally.summary(), remaining)

    return wait(lambda pending: _poll(given, pending, client, progress), given.targets, wanted, on_pause=on_pause)


def _ping_data(client: api.Client, ids: Sequence[str]) -> PingData:
    """Read the ping data. It is only diagnostic, so a failure becomes ``error`` and does not fail the task."""
    try:
        return PingData(ping.find_pings(client, ids))
    except SSMError as error:
        return PingData({}, str(error))


def _ping_data_of_late(
    client: api.Client, wanted: Wait, waited: WaitResult, pinged: PingData | None
) -> dict[str, Ping | None]:
    """Return the ping data of the nodes that did not connect in time, by ID; None for a node that is not listed.

    If the listing fails, the result is empty: its error must not hide that the wait timed out.
    """
    away = {found.target for found in waited.statuses if found.status == connection_status.NOT_CONNECTED}
    nodes = [target for target in waited.late if target in away and targets.is_node(target)]
    if wanted.wanted != connection_status.CONNECTED or not nodes:
        return {}
    known = pinged or _ping_data(client, nodes)
    return {} if known.error else {target: known.found.get(target) for target in nodes}


def _timed_out(wanted: Wait, waited: WaitResult, known: Mapping[str, Ping | None], region: str) -> str:
    """Return the error message for the targets that did not reach the status in time, with their ping data."""
    seconds = round(waited.seconds) if waited.refused else wanted.timeout
    total = counted(len(waited.statuses), "target")
    late = _first_few([_with_ping_data(target, known) for target in waited.late])
    sentences = [
        f"{len(waited.late):,} of {total} did not have the status {wanted.wanted}{wanted.often} within "
        f"{counted(seconds, 'second')}: {late}."
    ]
    unlisted = [target for target, found in known.items() if found is None]
    if unlisted:
        sentences.append(
            f"Systems Manager does not list {_first_few(unlisted)} in {region}: check the ID, the region, the account "
            "and the agent."
        )
    reasons = [status.reason for status in waited.statuses if status.reason]
    if reasons:
        sentences.append(f"The status of {len(reasons)} of them is unknown. The first reason: {reasons[0]}")
    if waited.refused:
        sentences.append(f"Stopped waiting: AWS has denied every call for {DENIED_FOR:.0f} seconds.")
    return " ".join(sentences)


def _with_ping_data(target: str, known: Mapping[str, Ping | None]) -> str:
    """Return text such as ``i-... (ping status ConnectionLost, last ping 2026-01-31T09:30:00Z, instance stopped)``."""
    found = known.get(target) or {}
    members = {"ping status": "ping_status", "last ping": "last_ping_date_time", "instance": "instance_state"}
    details = ", ".join(f"{shown} {found[member]}" for shown, member in members.items() if found.get(member))
    return f"{target} ({details})" if details else target


def _first_few(names: Sequence[str]) -> str:
    more = len(names) - _MAX_NAMED
    return f"{', '.join(names[:_MAX_NAMED])}{f' and {more:,} more' if more > 0 else ''}"


def _result(statuses: Sequence[connection_status.Readiness], pinged: PingData | None) -> ConnectionStatusResult:
    def with_status(status: str) -> list[str]:
        return [found.target for found in statuses if found.status == status]

    result: ConnectionStatusResult = {
        "changed": False,
        "statuses": [found.as_dict() for found in statuses],
        "connected": with_status(connection_status.CONNECTED),
        "not_connected": with_status(connection_status.NOT_CONNECTED),
        "unknown": with_status(connection_status.UNKNOWN),
    }
    if pinged is None:
        return result
    for entry in result["statuses"]:
        entry["ping"] = pinged.found.get(entry["target"])
    if pinged.error is not None:
        result["ping_error"] = pinged.error
        result["warnings"] = [f"Could not read the ping data. {pinged.error}"]
    return result
