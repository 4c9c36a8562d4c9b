# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Terminate sessions: plan which ones, terminate them, and wait until they are closed."""

from __future__ import annotations

import dataclasses
import difflib
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from .. import api, option_time
from ..errors import NOT_TERMINABLE, SSMError
from ..fanout import CallOutcome, fan_out_keeping_errors
from ..module import ClientFactory
from ..option_text import counted, quoted
from . import listing, options
from .filters import ACTIVE, HISTORY, Session, SessionFilter, plain_owner
from .results import TerminationResult

_CLOSED = frozenset({"Terminated", "Failed"})
# The maximum number of IDs in a warning.
_MAX_NAMED = 10
# From this similarity on (0 to 1), a random suffix is taken for another one with a typing mistake.
_TYPO_SIMILARITY = 0.9
# A session in one of these statuses has ended or is terminating.
_NOT_RUNNING = _CLOSED | {"Terminating"}
_UNCERTAIN = "It is not known whether the session has ended."


@dataclasses.dataclass(frozen=True)
class TerminationPlan:
    """Which of the requested sessions to terminate."""

    running: list[Session]  # active sessions to terminate
    ended: list[str] = dataclasses.field(default_factory=list)  # IDs of sessions that have ended or are terminating
    not_active: list[str] = dataclasses.field(default_factory=list)  # IDs that are not in the list of active sessions


@dataclasses.dataclass
class Termination:
    """The outcome of each termination. Each session's ID is in exactly one of the first three fields."""

    ended: list[str] = dataclasses.field(default_factory=list)  # terminated by this task
    already_ended: list[str] = dataclasses.field(default_factory=list)
    failures: dict[str, str] = dataclasses.field(default_factory=dict)  # session ID to reason
    affects_every_call: bool = False  # an error would affect every further call, too


def run(params: Mapping[str, Any], client: ClientFactory, check_mode: bool) -> TerminationResult:
    """Do the work of ssm_session_terminate."""
    option_time.check_range(params, "max_sessions", "wait_timeout", "wait_delay")
    wanted = options.session_filter(params)
    by_id = params["session_ids"] is not None
    # An empty template renders to an empty list, or to a list with one empty text.
    ids = [entry for entry in options.session_ids(params["session_ids"] or (), "session_ids") if entry]
    excluded = options.excluded_ids(params["exclude_session_ids"])
    _check(params)
    if by_id and not ids:
        return _result(TerminationPlan([]), Termination())
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
            return {**_result(plan, Termination()), "msg": f"The selection matches no active session{besides}."}
    return _carry_out(ssm, plan, params, check_mode)


def _check(params: Mapping[str, Any]) -> None:
    """Raise ``SSMError`` if no option selects sessions: that would select all of them."""
    if params["session_ids"] is None and all(params[option] is None for option in options.SELECTORS):
        raise SSMError(f"No sessions are selected. Set session_ids or at least one of {', '.join(options.SELECTORS)}.")


def _carry_out(ssm: Any, plan: TerminationPlan, params: Mapping[str, Any], check_mode: bool) -> TerminationResult:
    ids = [session["SessionId"] for session in plan.running]
    if check_mode or not ids:
        return _result(plan, Termination(ended=ids))
    termination = end(ssm, ids)
    still_active: dict[str, str] = {}
    if params["wait"] and termination.ended and not termination.affects_every_call:
        still_active = wait_until_closed(ssm, termination.ended, params["wait_timeout"], params["wait_delay"])
    return _result(plan, termination, still_active)


def _result(
    plan: TerminationPlan, termination: Termination, still_active: Mapping[str, str] | None = None
) -> TerminationResult:
    """Return the result of the task.

    ``still_active`` has the IDs of sessions that were terminated but may still be active, each with the reason.
    """
    still_active = still_active or {}
    requested = [session["SessionId"] for session in plan.running]
    terminated = set(termination.ended)
    closed = {*terminated, *termination.already_ended} - set(still_active)
    failures = {**termination.failures, **still_active}
    result: TerminationResult = {
        "changed": bool(termination.ended),
        "terminated": [listing.returned(session) for session in plan.running if session["SessionId"] in terminated],
        "already_ended": plan.ended + termination.already_ended,
        "not_active": plan.not_active,
        "failures": [{"session_id": session_id, "reason": reason} for session_id, reason in failures.items()],
        "diff": {
            "before": "".join(f"{session_id}\n" for session_id in requested),
            "after": "".join(f"{session_id}\n" for session_id in requested if session_id not in closed),
        },
    }
    if plan.not_active:
        result["warnings"] = [_not_active(plan.not_active)]
    if failures:
        result["failed"] = True
        result["msg"] = _message(termination, still_active, len(requested))
    return result


def _not_active(session_ids: Sequence[str]) -> str:
    shown = ", ".join(session_ids[:_MAX_NAMED]) + (", ..." if len(session_ids) > _MAX_NAMED else "")
    one = len(session_ids) == 1
    return (
        f"{counted(len(session_ids), 'session')} to end {'is' if one else 'are'} not active: {shown}. "
        f"{'It has ended, or its ID is' if one else 'They have ended, or their IDs are'} wrong. Use missing=fail to "
        "find out which."
    )


def _message(termination: Termination, still_active: Mapping[str, str], requested: int) -> str:
    """Return how many terminations failed, and why the first one did. The result has all reasons in ``failures``."""
    request = "request to end it" if len(still_active) == 1 else "requests to end them"
    parts = [
        (termination.failures, "could not be ended"),
        (still_active, f"may still be active after the {request}"),
    ]
    sentences = [
        f"{len(reasons)} of {counted(requested, 'session')} {what}. "
        f"{'The first reason: ' if len(reasons) > 1 else ''}{next(iter(reasons.values()))}"
        for reasons, what in parts
        if reasons
    ]
    if any(len(reasons) > 1 for reasons, unused in parts):
        sentences.append("See failures for all reasons.")
    return " ".join(sentences)


def _too_many(plan: TerminationPlan, limit: int) -> TerminationResult:
    selected = [listing.returned(session) for session in plan.running]
    message = (
        f"The selection matches {counted(len(selected), 'session')}, but max_sessions is {limit}. No session "
        f"was ended. Narrow the selection or raise max_sessions to at least {len(selected)}."
    )
    return {**_result(TerminationPlan([]), Termination()), "failed": True, "msg": message, "selected": selected}


def plan_selection(client: api.Client, wanted: SessionFilter, excluded: Collection[str]) -> TerminationPlan:
    """Plan to terminate the active sessions that match ``wanted``, newest first.

    Raises ``SSMError`` if the option owner is a name that several owners have.
    """
    running = _to_terminate(listing.find_sessions(client, [ACTIVE], wanted).sessions, excluded)
    _check_exclusions(running, excluded)
    # Whoever assumes a role chooses the name of its session, and may choose the name of a colleague.
    owners = {plain_owner(shown): shown for shown in (str(session.get("Owner")) for session in running)}
    if wanted.owner and len(owners) > 1:
        raise SSMError(
            f"owner: '{wanted.owner}' matches {len(owners)} owners ({', '.join(sorted(owners.values()))}). "
            "No session was ended. Set owner to the ARN of one of them."
        )
    return TerminationPlan(running)


def plan_ids(client: api.Client, session_ids: Iterable[str], excluded: Collection[str]) -> TerminationPlan:
    """Plan to terminate the sessions with these IDs that are active, in the order given."""
    excluded_ids = _excluded_ids(excluded)
    wanted = [entry for entry in dict.fromkeys(session_ids) if entry not in excluded_ids]
    active = listing.find_by_id(client, ACTIVE, wanted)
    running = _to_terminate([active[entry] for entry in wanted if entry in active], ())
    _check_exclusions(running, excluded)
    to_terminate = {session["SessionId"] for session in running}
    return TerminationPlan(
        running,
        [entry for entry in wanted if entry in active and entry not in to_terminate],
        [entry for entry in wanted if entry not in active],
    )


def require_known(client: api.Client, plan: TerminationPlan) -> TerminationPlan:
    """Look for the IDs that are not active among the ended sessions. Raise ``SSMError`` if one is not there either.

    Returns the plan with these IDs in ``ended``.
    """
    # The active sessions were listed before, so a session that has ended since then is in this listing.
    past = listing.find_by_id(client, HISTORY, plan.not_active)
    unknown = [entry for entry in plan.not_active if entry not in past]
    if unknown:
        raise SSMError(
            f"No session was ended: AWS lists {', '.join(unknown)} neither as active nor in the history of the last 30 "
            "days. Check the IDs and the region, or set missing=ok."
        )
    return TerminationPlan(plan.running, plan.ended + plan.not_active)


def end(client: api.Client, session_ids: Sequence[str]) -> Termination:
    """Terminate sessions in parallel and return the outcome of each, whatever happens to the others."""
    outcomes = fan_out_keeping_errors(lambda session_id: api.terminate_session(client, session_id), session_ids)
    result = Termination([outcome.target for outcome in outcomes if not outcome.error])
    failed = [outcome for outcome in outcomes if outcome.error]
    result.affects_every_call = any(outcome.error and outcome.error.affects_every_call for outcome in failed)
    if result.affects_every_call:
        result.failures = {outcome.target: _reason(outcome) for outcome in failed}
        return result
    try:
        # Only the list shows whether a session has ended. An error code or a lost reply does not.
        active = _still_active(client, [outcome.target for outcome in failed])
    except SSMError as error:
        result.failures = {o.target: f"{o.error} {_UNCERTAIN} {error} Run the task again." for o in failed}
        return result
    for outcome in failed:
        _classify(outcome, active, result)
    return result


def wait_until_closed(client: api.Client, session_ids: Sequence[str], timeout: float, delay: float) -> dict[str, str]:
    """Wait until none of the sessions is active; poll every ``delay`` seconds.

    Returns the reason for each session that may still be active after ``timeout`` seconds, by ID; ``{}`` if all are
    closed. The last poll begins at the deadline or later, however long a poll takes. A failed poll ends the wait only
    if every further poll would fail too.
    """
    deadline = time.monotonic() + timeout
    pending = list(session_ids)
    while True:
        failure: SSMError | None = None
        begun = time.monotonic()
        try:
            active = listing.find_by_id(client, ACTIVE, pending)
            pending = [entry for entry in pending if entry in active and active[entry].get("Status") not in _CLOSED]
        except SSMError as error:
            failure = error
        remaining = max(0.0, deadline - time.monotonic())
        if not pending or begun >= deadline or (failure and (failure.affects_every_call or failure.denied)):
            return {entry: _reason_still_active(entry, timeout, failure) for entry in pending}
        time.sleep(min(delay, remaining))


def _check_exclusions(running: Iterable[Session], excluded: Iterable[str]) -> None:
    """Raise ``SSMError`` if an excluded entry resembles the ID of a session to terminate.

    Such an entry is probably mistyped, and meant to protect that session.
    """
    for session in running:
        session_id = session["SessionId"]
        for entry in sorted(_excluded_ids(excluded)):
            if "-" in entry and _resembles(entry, session_id):
                raise SSMError(
                    f"No session was ended. The entry {quoted(entry)} of exclude_session_ids resembles {session_id}, "
                    "which is the ID of a session to end, but differs from it. List the whole ID of each session to "
                    "exclude."
                )


def _resembles(entry: str, session_id: str) -> bool:
    """Return whether ``entry`` is the name that the ID begins with, or nearly equals the ID, ignoring case."""
    owner, unused, suffix = session_id.casefold().rpartition("-")
    given_owner, unused, given_suffix = entry.casefold().rpartition("-")
    if entry.casefold() == owner:
        return True
    # Suffixes are random, so two that are nearly equal are the same one with a typing mistake.
    return owner == given_owner and difflib.SequenceMatcher(None, suffix, given_suffix).ratio() >= _TYPO_SIMILARITY


def _excluded_ids(excluded: Iterable[str]) -> set[str]:
    """Return the excluded IDs, and also the parts of an entry with commas: it may be a list that became one text."""
    return {part for entry in excluded for part in (entry, *entry.split(","))}


def _to_terminate(found: Iterable[Session], excluded: Collection[str]) -> list[Session]:
    excluded_ids = _excluded_ids(excluded)
    running = [entry for entry in found if entry.get("Status") not in _NOT_RUNNING]
    return [entry for entry in running if entry["SessionId"] not in excluded_ids]


def _still_active(client: api.Client, session_ids: Sequence[str]) -> set[str]:
    found = listing.find_by_id(client, ACTIVE, session_ids)
    return {session["SessionId"] for session in _to_terminate(found.values(), ())}


def _classify(outcome: CallOutcome[None], active: Collection[str], result: Termination) -> None:
    """Add a session whose call failed to the right field of ``result``. ``active`` are the sessions still active."""
    error = outcome.error
    if outcome.target in active:
        known = " It is still active." if error and error.code in NOT_TERMINABLE else ""
        result.failures[outcome.target] = f"{error}{known}"
    elif error and _may_have_worked(error):
        result.ended.append(outcome.target)
    else:
        result.already_ended.append(outcome.target)


def _may_have_worked(error: SSMError) -> bool:
    """Return whether the failed call may have ended the session, because AWS's reply was lost or was a server error."""
    if error.retried or error.code is None:
        return True
    return error.http_status >= 500 and error.code not in NOT_TERMINABLE


def _reason(outcome: CallOutcome[None]) -> str:
    if outcome.attempted:
        known = f" {_UNCERTAIN} Run the task again." if outcome.error and outcome.error.retried else ""
        return f"{outcome.error}{known}"
    return f"The task did not try to end session {outcome.target}, because another call had failed. {outcome.error}"


def _reason_still_active(session_id: str, timeout: float, failure: SSMError | None) -> str:
    if failure:
        return f"The state of session {session_id} could not be checked after the request to end it. {failure}"
    return (
        f"Session {session_id} is still active {counted(timeout, 'second')} after the request to end it. Run the task "
        "again or raise wait_timeout."
    )
