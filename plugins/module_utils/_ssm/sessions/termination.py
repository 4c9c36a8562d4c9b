# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""The ending of sessions: which to end, ending them, and waiting until they are gone."""

from __future__ import annotations

import dataclasses
import difflib
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from .. import api, option_time
from ..errors import NOT_TERMINABLE, SSMError
from ..fanout import Outcome, fan_out_kept
from ..module import ClientFactory, Result
from ..option_text import counted, quoted
from . import listing, options
from .filters import ACTIVE, HISTORY, Session, SessionFilter, plain_owner

_GONE = frozenset({"Terminated", "Failed"})
# How many IDs a warning names.
_SHOWN = 10
# From which share of equal characters on a random suffix is taken for another one with a slip.
_SLIP = 0.9
# A session that is in one of these has its end behind it, or is about to.
_ENDED = _GONE | {"Terminating"}


@dataclasses.dataclass(frozen=True)
class Plan:
    """What to do about the sessions that were asked for."""

    running: list[Session]  # to be ended
    ended: list[str] = dataclasses.field(default_factory=list)  # IDs of sessions that have ended, or are about to
    not_active: list[str] = dataclasses.field(default_factory=list)  # IDs that the list of active sessions lacks


@dataclasses.dataclass
class Ending:
    """What became of each session: its id is in ``ended``, ``already_ended`` or ``failures``, there with the reason.

    ``hopeless`` says that the next call would fail as the last one did.
    """

    ended: list[str] = dataclasses.field(default_factory=list)
    already_ended: list[str] = dataclasses.field(default_factory=list)
    failures: dict[str, str] = dataclasses.field(default_factory=dict)
    hopeless: bool = False


def run(params: Mapping[str, Any], client: ClientFactory, check_mode: bool) -> Result:
    """Do the work of ssm_session_terminate."""
    option_time.check_seconds(params, "max_sessions", "wait_timeout", "wait_delay")
    wanted = options.session_filter(params)
    by_id = params["session_ids"] is not None
    # A template that comes to nothing is an empty list, or a list of an empty text.
    ids = [entry for entry in options.session_ids(params["session_ids"] or (), "session_ids") if entry]
    excluded = options.excluded_ids(params["exclude_session_ids"])
    _check(params)
    if by_id and not ids:
        return _result(Plan([]), Ending())
    ssm = client("ssm")
    if by_id:
        plan = plan_ids(ssm, ids, excluded)
        if params["missing"] == "fail":
            plan = require_known(ssm, plan)
    else:
        plan = plan_selection(ssm, wanted, excluded)
        if len(plan.running) > params["max_sessions"]:
            return _too_many(plan, params["max_sessions"])
        if not plan.running:
            besides = " besides those excluded" if excluded else ""
            return {**_result(plan, Ending()), "msg": f"The selection matches no active session{besides}."}
    return _carry_out(ssm, plan, params, check_mode)


def _check(params: Mapping[str, Any]) -> None:
    """Raise for what would select all sessions."""
    if params["session_ids"] is None and all(params[option] is None for option in options.SELECTORS):
        raise SSMError(
            f"Nothing says which sessions to end: give session_ids, or one of {', '.join(options.SELECTORS)}."
        )


def _carry_out(ssm: Any, plan: Plan, params: Mapping[str, Any], check_mode: bool) -> Result:
    ids = [session["SessionId"] for session in plan.running]
    if check_mode or not ids:
        return _result(plan, Ending(ended=ids))
    ending = end(ssm, ids)
    left: dict[str, str] = {}
    if params["wait"] and ending.ended and not ending.hopeless:
        left = wait_until_gone(ssm, ending.ended, params["wait_timeout"], params["wait_delay"])
    return _result(plan, ending, left)


def _result(plan: Plan, ending: Ending, left: Mapping[str, str] | None = None) -> Result:
    """What became of each session; ``left`` are those that were ended and may still be there, with the reason."""
    left = left or {}
    asked = [session["SessionId"] for session in plan.running]
    ended = set(ending.ended)
    gone = {*ended, *ending.already_ended} - set(left)
    failures = {**ending.failures, **left}
    result: Result = {
        "changed": bool(ending.ended),
        "terminated": [listing.returned(session) for session in plan.running if session["SessionId"] in ended],
        "already_ended": plan.ended + ending.already_ended,
        "not_active": plan.not_active,
        "failures": [{"session_id": session_id, "reason": reason} for session_id, reason in failures.items()],
        "diff": {
            "before": "".join(f"{session_id}\n" for session_id in asked),
            "after": "".join(f"{session_id}\n" for session_id in asked if session_id not in gone),
        },
    }
    if plan.not_active:
        result["warnings"] = [_not_active(plan.not_active)]
    return {**result, "failed": True, "msg": _message(ending, left, len(asked))} if failures else result


def _not_active(session_ids: Sequence[str]) -> str:
    shown = ", ".join(session_ids[:_SHOWN]) + (", ..." if len(session_ids) > _SHOWN else "")
    verb = "is" if len(session_ids) == 1 else "are"
    return (
        f"{counted(len(session_ids), 'session')} to end {verb} not active: {shown}. Such a session has ended, or its "
        "ID is wrong: missing=fail says which."
    )


def _message(ending: Ending, left: Mapping[str, str], asked: int) -> str:
    """How many went wrong, and why the first one did; the others have their reasons in ``failures``."""
    parts = [
        (ending.failures, "could not be ended"),
        (left, f"may still be active after the task ended {'it' if len(left) == 1 else 'them'}"),
    ]
    return " ".join(
        f"{len(reasons)} of {counted(asked, 'session')} {what}. {next(iter(reasons.values()))}"
        for reasons, what in parts
        if reasons
    )


def _too_many(plan: Plan, limit: int) -> Result:
    selected = [listing.returned(session) for session in plan.running]
    message = (
        f"The selection matches {counted(len(selected), 'session')}, and max_sessions allows {limit}: no session "
        f"was ended. Narrow the selection or raise max_sessions to at least {len(selected)}."
    )
    return {**_result(Plan([]), Ending()), "failed": True, "msg": message, "selected": selected}


def plan_selection(client: api.Client, wanted: SessionFilter, excluded: Collection[str]) -> Plan:
    """The active sessions that ``wanted`` means, newest first; raise if a name of one owner is that of several."""
    running = _to_end(listing.find(client, [ACTIVE], wanted).sessions, excluded)
    _check_spared(running, excluded)
    # Whoever assumes a role chooses the name of the session, and it may be a colleague's.
    owners = {plain_owner(shown): shown for shown in (str(session.get("Owner")) for session in running)}
    if wanted.owner and len(owners) > 1:
        raise SSMError(
            f"owner: '{wanted.owner}' is the name of {len(owners)} owners, and no session was ended: "
            f"{', '.join(sorted(owners.values()))}. Set owner to the ARN of one of them."
        )
    return Plan(running)


def plan_ids(client: api.Client, session_ids: Iterable[str], excluded: Collection[str]) -> Plan:
    """The sessions with these ids, in the order given, as far as they are active."""
    left_alone = _left_alone(excluded)
    wanted = [entry for entry in dict.fromkeys(session_ids) if entry not in left_alone]
    active = listing.find_by_id(client, ACTIVE, wanted)
    running = _to_end([active[entry] for entry in wanted if entry in active], ())
    _check_spared(running, excluded)
    to_end = {session["SessionId"] for session in running}
    return Plan(
        running,
        [entry for entry in wanted if entry in active and entry not in to_end],
        [entry for entry in wanted if entry not in active],
    )


def require_known(client: api.Client, plan: Plan) -> Plan:
    """Find those that are not active among the sessions that have ended; raise if one is not there either."""
    # The active ones were listed before, so that a session which has ended since is in this listing.
    past = listing.find_by_id(client, HISTORY, plan.not_active)
    unknown = [entry for entry in plan.not_active if entry not in past]
    if unknown:
        raise SSMError(
            f"No session was ended, because AWS lists no session {', '.join(unknown)}, neither among the active "
            "sessions nor in the history of the last 30 days."
        )
    return Plan(plan.running, plan.ended + plan.not_active)


def end(client: api.Client, session_ids: Sequence[str]) -> Ending:
    """End sessions side by side, and tell of each what became of it, whatever happened to another one."""
    outcomes = fan_out_kept(lambda session_id: api.terminate_session(client, session_id), session_ids)
    result = Ending([outcome.target for outcome in outcomes if not outcome.error])
    failed = [outcome for outcome in outcomes if outcome.error]
    result.hopeless = any(outcome.error and outcome.error.hopeless for outcome in failed)
    if result.hopeless:
        result.failures = {outcome.target: _reason(outcome) for outcome in failed}
        return result
    try:
        # Whether a session has ended, only the list says: not the code of an error, and no lost answer.
        active = _still_open(client, [outcome.target for outcome in failed])
    except SSMError as error:
        result.failures = {o.target: f"{o.error} Whether it has ended is not known. {error}" for o in failed}
        return result
    for outcome in failed:
        _sort(outcome, active, result)
    return result


def wait_until_gone(client: api.Client, session_ids: Sequence[str], timeout: float, delay: float) -> dict[str, str]:
    """Wait until none of the sessions is active; for each that may still be after ``timeout`` seconds the reason.

    The last look begins at the deadline or after it, however long looks take. One that fails is not the end of the
    wait, unless all would.
    """
    deadline = time.monotonic() + timeout
    pending = list(session_ids)
    while True:
        failure: SSMError | None = None
        begun = time.monotonic()
        try:
            active = listing.find_by_id(client, ACTIVE, pending)
            pending = [entry for entry in pending if entry in active and active[entry].get("Status") not in _GONE]
        except SSMError as error:
            failure = error
        left = max(0.0, deadline - time.monotonic())
        if not pending or begun >= deadline or (failure and (failure.hopeless or failure.denied)):
            return {entry: _not_gone(entry, timeout, failure) for entry in pending}
        time.sleep(min(delay, left))


def _check_spared(running: Iterable[Session], excluded: Iterable[str]) -> None:
    """Raise for an excluded entry that is meant to protect one of the sessions to end, and by a slip does not."""
    for session in running:
        session_id = session["SessionId"]
        for entry in sorted(_left_alone(excluded)):
            if "-" in entry and _resembles(entry, session_id):
                raise SSMError(
                    f"No session was ended, because exclude_session_ids has {quoted(entry)}, which is not the ID of a "
                    f"session, and {session_id} would be ended. Give the whole ID of each session to exclude."
                )


def _resembles(entry: str, session_id: str) -> bool:
    """Return whether ``entry`` is the name that an ID begins with, or the ID but for case or a few characters."""
    owner, unused, suffix = session_id.casefold().rpartition("-")
    given_owner, unused, given_suffix = entry.casefold().rpartition("-")
    if entry.casefold() == owner:
        return True
    # Suffixes are random, so two that nearly agree are the same with a slip.
    return owner == given_owner and difflib.SequenceMatcher(None, suffix, given_suffix).ratio() >= _SLIP


def _left_alone(excluded: Iterable[str]) -> set[str]:
    """The excluded ids, and the parts of one with commas, which may be a list that became one text."""
    return {part for entry in excluded for part in (entry, *entry.split(","))}


def _to_end(found: Iterable[Session], excluded: Collection[str]) -> list[Session]:
    left_alone = _left_alone(excluded)
    return [entry for entry in found if entry["SessionId"] not in left_alone and entry.get("Status") not in _ENDED]


def _still_open(client: api.Client, session_ids: Sequence[str]) -> set[str]:
    found = listing.find_by_id(client, ACTIVE, session_ids)
    return {session["SessionId"] for session in _to_end(found.values(), ())}


def _sort(outcome: Outcome[None], active: Collection[str], result: Ending) -> None:
    """Put a session whose call failed where it belongs, now that the list has been read."""
    error = outcome.error
    if outcome.target in active:
        known = " It is still active." if error and error.code in NOT_TERMINABLE else ""
        result.failures[outcome.target] = f"{error}{known}"
    elif error and _may_have_worked(error):
        result.ended.append(outcome.target)
    else:
        result.already_ended.append(outcome.target)


def _may_have_worked(error: SSMError) -> bool:
    """Whether AWS may have ended the session though its answer was lost, or was another one."""
    if error.retried or error.code is None:
        return True
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0)
    return status >= 500 and error.code not in NOT_TERMINABLE


def _reason(outcome: Outcome[None]) -> str:
    if outcome.attempted:
        known = " Whether it has ended is not known." if outcome.error and outcome.error.retried else ""
        return f"{outcome.error}{known}"
    return f"Session {outcome.target} was not tried after another one had failed. {outcome.error}"


def _not_gone(session_id: str, timeout: float, failure: SSMError | None) -> str:
    if failure:
        return f"Session {session_id} was ended, and whether it is gone is not known. {failure}"
    return f"Session {session_id} is still active {counted(timeout, 'second')} after it was ended."
