# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""StartSession, ResumeSession, TerminateSession and DescribeSessions."""

from __future__ import annotations

import datetime
import random
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ....paging import items_of_listing, paginate, with_token
from ....reading import copy_all
from ....service import APIError, Call, Handler, Section, Service, without_none
from ..documents.content import parse
from ..documents.store import AMAZON, Document, Documents, Version
from ..nodes.store import Nodes
from .store import DEFAULT_DOCUMENT, Session, Sessions, new_id, new_token, read_sessions

if TYPE_CHECKING:
    from ....world import World

_SWITCHES: dict[str, tuple[str, ...]] = {
    # TerminateSession of a session that has ended or is Terminating.
    "terminate_ended": ("ValidationException", "ok"),
    # TerminateSession of an unknown ID. echo: succeed, and return the ID.
    "terminate_unknown": ("DoesNotExistException", "echo"),
    # ResumeSession of a session that has ended or is Terminating. no_token: succeed, without TokenValue and StreamUrl.
    "resume_ended": ("DoesNotExistException", "no_token"),
    # Which messages are activity, so that a session is not idle: those of the client, or those of the node too.
    "session_activity": ("input", "input_and_output"),
    # The State whose listing has sessions that are Terminating.
    "terminating_in": ("Active", "History"),
    # The order of a listing, by start date.
    "session_order": ("newest", "oldest"),
    # Whether filters are applied, or accepted and ignored.
    "session_filters": ("applied", "ignored"),
    # Whether InvokedAfter and InvokedBefore list a session that started at exactly their time.
    "invoked_after_equal": ("listed", "left_out"),
    "invoked_before_equal": ("left_out", "listed"),
    # How Owner is returned. Some of AWS's examples show it without the `arn:` that the Owner filter requires.
    "session_owner": ("arn", "without_prefix"),
}
_LIMITS: dict[str, int] = {
    "session_connecting_reads": 1,
    # These two replace idleSessionTimeout and maxSessionDuration of the document; 0: the document's.
    "session_idle_seconds": 0,
    "session_duration_seconds": 0,
    # How long the gateway waits for an agent that was told to end a session.
    "session_terminating_seconds": 10,
    # How much the gateway forwards in each direction of a session; 0: as much as it can.
    "session_bytes_per_second": 0,
    "session_terminating_reads": 1,
    "session_history_days": 30,
    "session_page": 50,
}
# A host name that cannot resolve, so that no client opens a data channel to AWS by mistake.
_STREAM_HOST = "sessionops.invalid"


def stream_url(world: World, region: str, session: Session) -> str:
    """Return the URL of a session's data channel: on ``world.channels``, or on a host that cannot resolve.

    A gateway serves only the sessions on nodes that have an agent.
    """
    served = session.live or world.gateway is None
    base = (world.channels if served else "") or f"wss://ssmmessages.{region}.{_STREAM_HOST}"
    return f"{base}/v1/data-channel/{session.session_id}?role=publish_subscribe"


def start_session(world: World, call: Call) -> dict[str, Any]:
    target = call.params["Target"]
    content = _session_document(world, call)
    parameters = copy_all(call.params.get("Parameters", {}))
    _check_parameters(content, parameters)
    _check_connected(world, call.region, target)
    session = Session(
        session_id=new_id(call.identity.arn, world.random),
        target=target,
        owner=call.identity.arn,
        status="Connecting",
        started=world.now,
        document_name=call.params.get("DocumentName", DEFAULT_DOCUMENT).rsplit("/", 1)[-1],
        reason=call.params.get("Reason"),
        max_session_duration=content.get("inputs", {}).get("maxSessionDuration") or None,
        parameters=parameters,
        reads_left=world.limit("session_connecting_reads"),
        live=_has_channels(world, call.region, target),
    )
    world.state(call.region, Sessions).add(session)
    reply = _channel(world, call.region, session)
    if session.live and world.gateway is not None:
        world.gateway.begin(call.region, session, content, call.identity.run_as)
    return reply


def _has_channels(world: World, region: str, target: str) -> bool:
    """Return whether the gateway serves the sessions on a node."""
    node = world.state(region, Nodes).find(target)
    return world.gateway is not None and node is not None and node.agent is not None


def _channel(world: World, region: str, session: Session) -> dict[str, Any]:
    # The token of a session that somebody can use is the only thing that protects the node's processes.
    session.token = new_token(random.SystemRandom() if session.live else world.random)
    return {
        "SessionId": session.session_id,
        "TokenValue": session.token,
        "StreamUrl": stream_url(world, region, session),
    }


def _session_document(world: World, call: Call) -> dict[str, Any]:
    """Return the content of the session's document; ``{}`` if none is named and the default one does not exist."""
    documents = world.state(call.region, Documents)
    name = call.params.get("DocumentName")
    if name is None and (documents.account_id, DEFAULT_DOCUMENT) not in documents.by_owner_and_name:
        return {}
    document = documents.find_readable(name or DEFAULT_DOCUMENT)
    # Without a name, the preferences' default version counts. A named document is used in its latest version
    # (recorded: aws/session-manager-plugin 112).
    version = document.default_version if name is None else document.latest
    _check_document(document, version)
    content: dict[str, Any] = parse(version.content, version.document_format)
    if document.owner == AMAZON and content.get("sessionType") != "Port" and "inputs" not in content:
        return {**content, "inputs": _preferences(documents)}
    return content


def _preferences(documents: Documents) -> dict[str, Any]:
    """Return the inputs of the account's preferences, which count for sessions with documents of AWS."""
    found = documents.by_owner_and_name.get((documents.account_id, DEFAULT_DOCUMENT))
    if found is None:
        return {}
    version = found.default_version
    inputs: dict[str, Any] = parse(version.content, version.document_format).get("inputs", {})
    return inputs


def _check_document(document: Document, version: Version) -> None:
    if document.document_type != "Session":
        raise APIError("InvalidDocument", f"Document with name {document.name} is not of type Session.")
    if document.deleting_reads is not None or version.shown_status != "Active":
        raise APIError("InvalidDocument", f"Document with name {document.name} is not active.")


def _check_parameters(content: Mapping[str, Any], given: Mapping[str, list[str]]) -> None:
    declared = content.get("parameters", {})
    unknown = sorted(set(given) - set(declared))
    if unknown:
        raise APIError("ValidationException", f"Unknown parameters of the document: {', '.join(unknown)}")
    for name, detail in declared.items():
        if name not in given and "default" not in detail:
            raise APIError("ValidationException", f"The document's parameter {name} is required")
        _check_values(name, detail, given.get(name, []))


def _check_values(name: str, detail: Mapping[str, Any], values: list[str]) -> None:
    if len(values) > 1 and detail["type"] != "StringList":
        raise APIError("ValidationException", f"The document's parameter {name} accepts only one value")
    pattern, allowed = detail.get("allowedPattern"), detail.get("allowedValues")
    for value in values:
        if (pattern and not re.search(pattern, value)) or (allowed and value not in allowed):
            raise APIError("ValidationException", f"The document's parameter {name} does not allow its value")


def _check_connected(world: World, region: str, target: str) -> None:
    connected = world.state(region, Nodes).is_connected(target)
    if connected and _has_channels(world, region, target):
        connected = world.gateway is not None and world.gateway.is_open(region, target)
    if not connected:
        raise APIError("TargetNotConnected", f"{target} is not connected.")


def resume_session(world: World, call: Call) -> dict[str, Any]:
    session = world.state(call.region, Sessions).by_id.get(call.params["SessionId"])
    if session is None:
        raise _unknown_session(call.params["SessionId"])
    if session.has_ended or session.status == "Terminating":
        if world.switch("resume_ended") == "no_token":
            return {"SessionId": session.session_id}
        raise _unknown_session(session.session_id)
    if not session.live:
        session.status, session.reads_left = "Connected", 0
    return _channel(world, call.region, session)


def _unknown_session(session_id: str) -> APIError:
    return APIError("DoesNotExistException", f"Session {session_id} does not exist")


def terminate_session(world: World, call: Call) -> dict[str, Any]:
    session_id = call.params["SessionId"]
    session = world.state(call.region, Sessions).by_id.get(session_id)
    if session is None:
        if world.switch("terminate_unknown") != "echo":
            raise _unknown_session(session_id)
    elif session.terminate_denied:
        raise _denied(call, session_id)
    elif session.has_ended or session.status == "Terminating":
        if world.switch("terminate_ended") != "ok":
            raise APIError("ValidationException", "Session is not in a valid state")
    else:
        _terminate(world, session)
    return {"SessionId": session_id}


def _terminate(world: World, session: Session) -> None:
    if session.live and world.gateway is not None:
        world.gateway.terminate(session)
        return
    session.status, session.token = "Terminating", None
    session.reads_left = world.limit("session_terminating_reads")
    if session.reads_left == 0:
        session.count_listing(world.now)


def _denied(call: Call, session_id: str) -> APIError:
    resource = f"arn:aws:ssm:{call.region}:{call.identity.account_id}:session/{session_id}"
    return APIError(
        "AccessDeniedException",
        f"User: {call.identity.arn} is not authorized to perform: ssm:TerminateSession on resource: {resource} "
        "because no identity-based policy allows the ssm:TerminateSession action",
    )


def describe_sessions(world: World, call: Call) -> dict[str, Any]:
    predicates = [_predicate(world, item["key"], item["value"]) for item in call.params.get("Filters", [])]
    if world.switch("session_filters") == "ignored":
        predicates = []
    sessions = world.state(call.region, Sessions)
    if "NextToken" not in call.params:
        # Only on the first page, so that no session changes its State between two pages of a listing.
        for session in sessions.by_id.values():
            session.count_listing(world.now)
    state = call.params["State"]
    listed = items_of_listing(world, call, lambda: _in_order(world, sessions, state))
    # The filters apply after the page is cut, so a page may be empty without being the last one.
    page, token = paginate(listed, call, default=world.limit("session_page"), world=world)
    shown = [
        session
        for session in page
        if _listed(world, session, state) and all(predicate(session) for predicate in predicates)
    ]
    return with_token({"Sessions": [_shape(world, session) for session in shown]}, token)


def _in_order(world: World, sessions: Sessions, state: str) -> list[Session]:
    """Return the sessions of a State (Active or History), in the order of the listing."""
    listed = [session for session in reversed(sessions.by_id.values()) if _listed(world, session, state)]
    listed.sort(key=lambda session: session.started, reverse=True)
    if world.switch("session_order") == "oldest":
        listed.reverse()
    return listed


def _listed(world: World, session: Session, state: str) -> bool:
    if session.status == "Terminating":
        return state == world.switch("terminating_in")
    if not session.has_ended:
        return state == "Active"
    oldest = world.now - datetime.timedelta(days=world.limit("session_history_days"))
    return state == "History" and session.ended is not None and session.ended >= oldest


def _shape(world: World, session: Session) -> dict[str, Any]:
    without_prefix = world.switch("session_owner") == "without_prefix"
    return without_none(
        SessionId=session.session_id,
        Target=session.target,
        Status=session.status,
        StartDate=session.started,
        EndDate=session.ended,
        DocumentName=session.document_name,
        Owner=session.owner.removeprefix("arn:") if without_prefix else session.owner,
        Reason=session.reason,
        Details=session.details,
        # An active session has an empty OutputUrl; an ended one has it only with a value.
        OutputUrl=dict(session.output_url) if session.output_url or not session.has_ended else None,
        MaxSessionDuration=session.max_session_duration,
        AccessType=session.access_type,
    )


Predicate = Callable[[Session], bool]
_ENUMS = {
    "Status": ("Connected", "Connecting", "Disconnected", "Terminated", "Terminating", "Failed"),
    "AccessType": ("Standard", "JustInTime"),
}
_MEMBERS: dict[str, Callable[[Session], str | None]] = {
    "Target": lambda session: session.target,
    "Owner": lambda session: session.owner,
    "Status": lambda session: session.status,
    "SessionId": lambda session: session.session_id,
    "AccessType": lambda session: session.access_type,
}


def _predicate(world: World, key: str, value: str) -> Predicate:
    """Return the predicate of one filter."""
    if key == "InvokedAfter":
        after, after_or_equal = _time(value), world.switch("invoked_after_equal") == "listed"
        return lambda session: session.started > after or (after_or_equal and session.started == after)
    if key == "InvokedBefore":
        before, before_or_equal = _time(value), world.switch("invoked_before_equal") == "listed"
        return lambda session: session.started < before or (before_or_equal and session.started == before)
    if key not in _MEMBERS:
        raise APIError("InvalidFilterKey", f"The specified key isn't valid: {key}")
    if value not in _ENUMS.get(key, (value,)):
        raise APIError("ValidationException", f"Invalid value for the filter {key}: {value}")
    member = _MEMBERS[key]
    return lambda session: member(session) == value


# Seconds of UTC, as in the API reference of SessionFilter; fractions of a second are accepted.
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")


def _time(value: str) -> datetime.datetime:
    if _TIME.fullmatch(value):
        try:
            return datetime.datetime.fromisoformat(value)
        except ValueError:
            pass
    raise APIError("ValidationException", f"Not an ISO 8601 time such as 2026-08-29T00:00:00Z: {value}")


_OPERATIONS: dict[str, Handler] = {
    "StartSession": start_session,
    "ResumeSession": resume_session,
    "TerminateSession": terminate_session,
    "DescribeSessions": describe_sessions,
}

SERVICE = Service("ssm", _OPERATIONS, _SWITCHES, _LIMITS, Section("sessions", Sessions, read_sessions))
