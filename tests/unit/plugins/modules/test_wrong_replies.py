# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test tasks with every member of every reply replaced by every wrong type.

Each task must fail with one sentence that shows nothing of the reply, and report what was done before.
"""

from __future__ import annotations

import copy
import traceback
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

import pytest
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.errors import SSMError

from emulator.journal import is_write
from emulator.services.ssm.sessions.store import Sessions
from emulator.testing import LocalAWS
from unit.support.connection_status import connection_status
from unit.support.document_stage import NAME, REGION, Stage, accounts, document, session, without_waiting
from unit.support.module_runner import Runner, connection
from unit.support.session_stage import NODE, list_sessions, opened, still_open, terminate_sessions
from unit.support.session_stage import without_waiting as without_pauses
from unit.support.wrong_replies import CANARY, Wire, Wrong, wrongs

ONE, TWO = session("one"), session("two")
TAGS = {"team": "a", "cost": "b"}
OTHERS = accounts(0, 2)
KEPT: dict[str, Any] = {"tags": TAGS, "permissions": OTHERS}

# Each kind of task with the document that it finds. Together they make every call about documents.
DOCUMENTS: dict[str, tuple[dict[str, Any], dict[str, Any] | None]] = {
    "create": (
        {"content": ONE, "document_type": "Session", "tags": TAGS, "permissions": {"account_ids": OTHERS}},
        None,
    ),
    "update": (
        {"content": ONE, "keep_versions": 2, "tags": {"team": "b"}, "permissions": {"account_ids": OTHERS[:1]}},
        document(ONE, TWO, **KEPT),
    ),
    "delete-version": ({"state": "absent", "document_version": "1"}, document(ONE, TWO, **KEPT)),
    "delete": ({"state": "absent", "force_unshare": True}, document(ONE, TWO, **KEPT)),
    "recreate": (
        {"content": {"a": 1}, "document_type": "ApplicationConfiguration", "recreate": True, "force_unshare": True},
        document(ONE, **KEPT),
    ),
}
# The operations whose first reply gets every wrong value, by the first flow that calls them.
EVERY_WAY = {
    "create": ("CreateDocument",),
    "update": (
        "AddTagsToResource",
        "DeleteDocument",
        "DescribeDocument",
        "DescribeDocumentPermission",
        "GetDocument",
        "ListDocumentVersions",
        "ModifyDocumentPermission",
        "RemoveTagsFromResource",
        "UpdateDocument",
        "UpdateDocumentDefaultVersion",
    ),
    "info-listing": ("ListDocuments", "ListTagsForResource"),
}
EXTRAS = ["content", "versions", "permissions", "tags"]


class Case(NamedTuple):
    """A changed reply: reply ``number`` (from 0) to an operation, and the change."""

    operation: str
    number: int
    wrong: Wrong

    def __str__(self) -> str:
        return f"{self.operation} {self.number}: {self.wrong.name}"


@pytest.mark.parametrize("flow", [*DOCUMENTS, "info-named", "info-listing"])
def test_a_reply_about_a_document(flow: str) -> None:
    options, described = DOCUMENTS.get(flow, ({}, document(ONE, TWO, **KEPT)))
    with Stage(*([described] if described else [])) as stage, Wire() as wire:

        def run() -> dict[str, Any]:
            with without_waiting():
                if flow in DOCUMENTS:
                    return stage.ensure(wait_timeout=5, **options)
                return stage.info(include=EXTRAS, **({"names": [NAME]} if flow == "info-named" else {}))

        run()
        assert stage.aws.violations == []
        for case in cases(wire.bodies, EVERY_WAY.get(flow, ())):
            stage.reset()
            position = stage.aws.position
            wire.begin(case.operation, case.number, case.wrong.change)
            error = check_outcome(case, run)
            if error is not None:
                check_report(error, stage, position, case)


def cases(bodies: Mapping[str, list[bytes]], every_way: Collection[str]) -> list[Case]:
    """Return all changes of the first reply to operations in ``every_way``, and one per member of any other reply."""
    return [
        Case(operation, number, wrong)
        for operation, replies in bodies.items()
        for number, body in enumerate(replies)
        for wrong in wrongs(body, few=number > 0 or operation not in every_way)
    ]


def check_outcome(case: Case, run: Callable[[], Any]) -> SSMError | None:
    """Run a task with a wrong reply. Return its error, or None.

    If no service could send the reply, the task must fail with an error of one sentence.
    """
    failure: SSMError | None = None
    try:
        result = run()
    except SSMError as error:
        failure = error
    except Exception as error:
        raise AssertionError(f"{case}: a traceback") from error
    if failure is None:
        assert not case.wrong.refused, f"{case} is taken for a reply: {result}"
        return None
    assert "\n" not in str(failure) and str(failure).endswith("."), str(case)
    shown = "".join(traceback.format_exception(failure)) + repr(failure.result) + repr(failure.response)
    assert CANARY not in shown or not case.wrong.refused, str(case)
    return failure


def check_report(error: SSMError, stage: Stage, position: int, case: Case) -> None:
    """Check that changes made before are reported, and that a write with a wrong reply is reported as uncertain."""
    made = [entry.operation for entry in stage.aws.writes(since=position) if entry.outcome == "ok"]
    reported = error.result.get("actions", [])
    assert bool(error.result.get("changed")) is bool(reported), str(case)
    unknown = "It is not known whether AWS made the change. Run the task again." in str(error)
    assert unknown or not (case.wrong.refused and is_write(case.operation)), str(case)
    if unknown:
        made.remove(case.operation)
    assert bool(reported) is bool(made), f"{case}: {made} was done, and {reported} is returned"


SESSIONS = [
    opened("s-1", reason="a", document_name="Doc", started="1h"),
    opened("s-2", started="2h"),
    opened("s-3", status="Terminated", started="3h"),
]
WORLD: dict[str, Any] = {"regions": {REGION: {"sessions": SESSIONS, "nodes": [{"id": NODE, "status": "connected"}]}}}
LISTS: dict[str, tuple[str, Runner, dict[str, Any]]] = {
    "sessions": ("DescribeSessions", list_sessions, {"state": "all"}),
    "status": ("GetConnectionStatus", connection_status, {"targets": [NODE]}),
    "ping": ("DescribeInstanceProperties", connection_status, {"targets": [NODE], "include_ping": True}),
    "information": ("DescribeInstanceInformation", connection_status, {"targets": [NODE], "include_ping": True}),
}


@pytest.mark.parametrize("name", LISTS)
def test_a_reply_of_a_listing(name: str) -> None:
    operation, runner, options = LISTS[name]
    denied = {"op": "DescribeInstanceProperties", "times": "always", "do": {"error": "AccessDeniedException"}}
    world = {**WORLD, "faults": [denied]} if name == "information" else WORLD
    with LocalAWS(world, strict=False) as aws, Wire() as wire:
        client = connection(aws).client("ssm", REGION, retries={"total_max_attempts": 1})

        def run() -> dict[str, Any]:
            found = runner.with_client(client, **options)
            if "ping_error" in found:  # without ping data the task still succeeds
                raise SSMError(found["ping_error"])
            return found

        run()
        for case in cases({operation: wire.bodies[operation][:1]}, [operation]):
            wire.begin(operation, 0, case.wrong.change)
            check_outcome(case, run)


@pytest.mark.parametrize(("operation", "number"), [("DescribeSessions", 0), ("TerminateSession", 1)])
@pytest.mark.parametrize("always", [False, True])
def test_a_reply_while_sessions_are_ended(operation: str, number: int, always: bool) -> None:
    """Check that no session reported as ended is open, and that every ended session is reported."""
    with LocalAWS(WORLD, strict=False) as aws, Wire() as wire:
        sessions = aws.world.state(REGION, Sessions)
        at_first = copy.deepcopy(sessions.by_id)
        end_all(aws)
        for wrong in wrongs(wire.bodies[operation][number]):
            sessions.by_id = copy.deepcopy(at_first)
            aws.world.faults.rules.clear()
            if always:
                aws.add_fault(op="DescribeSessions", after=1, times="always", do={"raw": CANARY, "status": 200})
            wire.begin(operation, number, wrong.change)
            try:
                done = end_all(aws)
            except SSMError as error:
                done = {**error.result, "msg": str(error)}
            check_sessions(done, still_open(aws), wrong)


def check_sessions(done: dict[str, Any], left_open: set[str], wrong: Wrong) -> None:
    """Check the result for the two sessions that the task should end."""
    assert CANARY not in repr(done) or not wrong.refused, wrong.name
    ended = {entry["session_id"] for entry in done.get("terminated", ())}
    assert not ended & left_open, wrong.name
    assert done.get("changed", False) is bool(ended), wrong.name
    failed = {entry["session_id"] for entry in done.get("failures", ())}
    assert {"s-1", "s-2"} - left_open <= ended | failed, (wrong.name, done)


def end_all(aws: LocalAWS) -> dict[str, Any]:
    client = connection(aws).client("ssm", REGION, retries={"total_max_attempts": 1})
    with without_pauses():
        return terminate_sessions.with_client(client, target=NODE, wait_timeout=3)
