# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""The work of ssm_connection_status: options in, result out."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from .. import api, option_text, option_time, progress_file
from ..errors import SSMError
from ..fanout import MAX_WORKERS
from ..module import ClientFactory, Result
from ..option_text import counted
from . import connection_status, ping, targets
from .wait import DENIED_FOR, Account, Wait, Waited, wait

# How many targets an error names.
_NAMED = 10


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
    asked = list(dict.fromkeys(option_text.trimmed(params["targets"])))
    for target in asked:
        targets.check(target, "targets")
    if not asked:
        raise SSMError("targets is empty: give at least one.")
    if not 1 <= params["max_workers"] <= MAX_WORKERS:
        raise SSMError(f"max_workers: {params['max_workers']} is out of range; expected 1 to {MAX_WORKERS}.")
    if params["consecutive"] < 1:
        raise SSMError(f"consecutive: {params['consecutive']} is out of range; expected at least 1.")
    if params["consecutive"] > 1 and not params["wait_for"]:
        raise SSMError(f"consecutive: {params['consecutive']} requires wait_for.")
    option_time.check_seconds(params, "wait_timeout", "wait_delay")
    wanted = params["wait_for"]
    waiting = Wait(wanted, params["wait_timeout"], params["wait_delay"], params["consecutive"]) if wanted else None
    return Task(asked, waiting, params["include_ping"], params["max_workers"])


def run(params: Mapping[str, Any], client: ClientFactory, check_mode: bool) -> Result:
    """Do the work of ssm_connection_status."""
    given = task(params)
    return _result_of(given, client("ssm"))


def _result_of(given: Task, client: api.Client) -> Result:
    """Return the result of the task, which has ``failed`` if a target did not reach the status in time."""
    if given.wait:
        waited = _wait(given, given.wait, client)
        # Afterwards, for what was heard of a node before the wait tells nothing of why it is not there.
        pinged = _pinged(client, given.targets) if given.include_ping else None
        result = {**_result(waited.statuses, pinged), "late": waited.late}
        if not waited.late:
            return result
        known = _known_of_late(client, given.wait, waited, pinged)
        return {**result, "failed": True, "msg": _timed_out(given.wait, waited, known, client.meta.region_name)}
    with ThreadPoolExecutor(max_workers=1) as beside:
        listing = beside.submit(_pinged, client, given.targets) if given.include_ping else None
        statuses = _ask(given, given.targets, client, progress_file.from_environment())
        connection_status.require_any(statuses)
        return _result(statuses, listing.result() if listing else None)


def _ask(
    given: Task, asked: Sequence[str], client: api.Client, shown: progress_file.Progress
) -> list[connection_status.Readiness]:
    return connection_status.ask(client, asked, given.workers, shown.counter(len(asked)))


def _wait(given: Task, wanted: Wait, client: api.Client) -> Waited:
    shown = progress_file.from_environment()

    def pausing(account: Account, left: float) -> None:
        shown.pause(account.summary(), left)

    return wait(lambda pending: _ask(given, pending, client, shown), given.targets, wanted, pausing=pausing)


def _pinged(client: api.Client, asked: Sequence[str]) -> Pinged:
    """The ping data; an error, since it is no more than a help to find out why, leaves the statuses as they are."""
    try:
        return Pinged(ping.find(client, asked))
    except SSMError as error:
        return Pinged({}, str(error))


def _known_of_late(
    client: api.Client, wanted: Wait, waited: Waited, pinged: Pinged | None
) -> dict[str, ping.Ping | None]:
    """Return what Systems Manager lists of the nodes that did not connect in time, None for one that it does not list.

    It is empty where the listing failed: that must not hide that the wait timed out.
    """
    away = {found.target for found in waited.statuses if found.status == connection_status.NOT_CONNECTED}
    nodes = [target for target in waited.late if target in away and targets.is_node(target)]
    if wanted.wanted != connection_status.CONNECTED or not nodes:
        return {}
    known = pinged or _pinged(client, nodes)
    return {} if known.error else {target: known.found.get(target) for target in nodes}


def _timed_out(wanted: Wait, waited: Waited, known: Mapping[str, ping.Ping | None], region: str) -> str:
    """Return the sentences about the targets that did not reach the status in time, and what is known of them."""
    seconds = round(waited.seconds) if waited.refused else wanted.timeout
    total = counted(len(waited.statuses), "target")
    late = _some([_named(target, known) for target in waited.late])
    sentences = [
        f"{len(waited.late):,} of {total} {'is' if len(waited.statuses) == 1 else 'are'} not {wanted.named}"
        f"{wanted.often} after {counted(seconds, 'second')}: {late}."
    ]
    unlisted = [target for target, found in known.items() if found is None]
    if unlisted:
        sentences.append(
            f"Systems Manager does not list {_some(unlisted)} in {region}: check the ID, the region, the account and "
            "the agent."
        )
    reasons = [status.reason for status in waited.statuses if status.reason]
    if reasons:
        sentences.append(f"The status of {len(reasons)} of them is unknown, as in: {reasons[0]}")
    if waited.refused:
        sentences.append(f"AWS has answered nothing else for {DENIED_FOR:.0f} seconds, so that the wait was given up.")
    return " ".join(sentences)


def _named(target: str, known: Mapping[str, ping.Ping | None]) -> str:
    """Return such as ``i-... (ping status ConnectionLost, last ping 2026-01-31T09:30:00Z, instance stopped)``."""
    found = known.get(target) or {}
    members = {"ping status": "ping_status", "last ping": "last_ping_date_time", "instance": "instance_state"}
    details = ", ".join(f"{shown} {found[member]}" for shown, member in members.items() if found.get(member))
    return f"{target} ({details})" if details else target


def _some(named: Sequence[str]) -> str:
    more = len(named) - _NAMED
    return f"{', '.join(named[:_NAMED])}{f' and {more:,} more' if more > 0 else ''}"


def _result(statuses: Sequence[connection_status.Readiness], pinged: Pinged | None) -> Result:
    def having(status: str) -> list[str]:
        return [found.target for found in statuses if found.status == status]

    result: Result = {
        "changed": False,
        "statuses": [found.as_dict() for found in statuses],
        "connected": having(connection_status.CONNECTED),
        "not_connected": having(connection_status.NOT_CONNECTED),
        "unknown": having(connection_status.UNKNOWN),
    }
    if pinged is None:
        return result
    for entry in result["statuses"]:
        entry["ping"] = pinged.found.get(entry["target"])
    if pinged.error is None:
        return result
    return {**result, "ping_error": pinged.error, "warnings": [f"There is no ping data. {pinged.error}"]}
