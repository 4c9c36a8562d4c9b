# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Run a task of ssm_document: read the document, plan, apply the plan, read the document again."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from .. import api, option_time
from ..errors import SSMError
from ..module import ClientFactory
from . import apply, diff, info, options, plan, read, requests, sharing
from .actions import Create, Delete
from .apply import InterruptedPlanError, PlanRun
from .model import DocumentSpec, DocumentState, Removal, VersionContent
from .plan import Plan
from .results import DocumentResult, ReturnedDocument

# The error codes that AWS returns if somebody else changed the document after it was read.
_RACES = frozenset(
    {
        "DocumentAlreadyExists",
        "DuplicateDocumentContent",
        "DuplicateDocumentVersionName",
        "InvalidDocument",
        "InvalidDocumentOperation",
        "InvalidDocumentVersion",
    }
)


@dataclasses.dataclass(frozen=True)
class TaskOutcome:
    """What a task did, or would do in check mode.

    ``after`` is predicted in check mode, and read from AWS otherwise. ``defaults`` are the contents of the default
    version before and after, for the diff. They are None if it does not move, or if there is no diff mode.
    """

    before: DocumentState | None
    after: DocumentState | None
    done: Sequence[str]
    warnings: Sequence[str]
    defaults: tuple[VersionContent, VersionContent] | None = None


def run(
    params: Mapping[str, Any],
    client: ClientFactory,
    check_mode: bool,
    diff_mode: bool = False,
    origin: Mapping[str, Any] = MappingProxyType({}),
) -> DocumentResult:
    """Run ssm_document and return its result.

    ``origin`` is passed by the action plugin and holds the fields of ``content.Origin``; it is empty without one.
    """
    option_time.check_range(params, "wait_timeout")
    task = options.task_from_options(params, origin)
    ssm = client("ssm")
    outcome = ensure(
        ssm,
        task,
        check_mode=check_mode,
        wait=params["wait"],
        wait_timeout=params["wait_timeout"],
        diff_mode=diff_mode,
    )
    document = _document_result(
        ssm, outcome.before if check_mode else outcome.after, permissions=bool(params["permissions"])
    )
    result: DocumentResult = {
        "changed": bool(outcome.done),
        "actions": list(outcome.done),
        "document": document,
        "diff": _difference(task, outcome),
    }
    if outcome.warnings:
        result["warnings"] = list(outcome.warnings)
    return result


def _difference(task: DocumentSpec | Removal, outcome: TaskOutcome) -> list[dict[str, str]]:
    if isinstance(task, Removal) and task.removes_one_version:
        return diff.version_removal_diff(outcome.before, task.name) if outcome.done else []
    return diff.document_diff(outcome.before, outcome.after, task.name, outcome.defaults)


def _document_result(client: api.Client, state: DocumentState | None, *, permissions: bool) -> ReturnedDocument | None:
    """Return the document as the module returns it, with ``permissions`` if the task gives them."""
    if state is None:
        return None
    document = info.to_result(client, {"Tags": [], **state.latest})
    if permissions:
        document["permissions"] = sharing.as_result(state.permissions or {})
    return document


def ensure(
    client: api.Client,
    task: DocumentSpec | Removal,
    *,
    check_mode: bool,
    wait: bool,
    wait_timeout: float,
    diff_mode: bool = False,
) -> TaskOutcome:
    """Make a document match ``task``, or in check mode predict the actions and the result.

    Without ``wait`` the task waits only where a later action requires it. ``wait_timeout`` is in seconds. In
    ``diff_mode`` the contents of the default version before and after are read, if another version becomes the default.

    Raises ``SSMError``. If actions were done before it, its message and its result list them.
    """
    if check_mode:
        planned = _read_and_plan(client, _completed(client, task))
        old = _old_default_content(client, planned) if diff_mode else None
        actions = [str(action) for action in planned.actions]
        return TaskOutcome(
            planned.before,
            planned.predicted,
            actions,
            planned.warnings,
            _default_contents(client, old, planned.predicted),
        )
    plan_run = PlanRun(client, task.name, wait=wait, wait_timeout=wait_timeout)
    planned = _settle_and_plan(plan_run, task)
    if not planned.actions:
        return TaskOutcome(planned.before, planned.before, [], planned.warnings)
    # Read it before the plan is applied, which may delete that version.
    old = _old_default_content(client, planned) if diff_mode else None
    carried_out = _apply_or_replan(plan_run, task, planned)
    shared = isinstance(task, DocumentSpec) and (task.permissions is not None or planned.shares)
    try:
        after = read.read_after(client, planned.before, carried_out.predicted, permissions=shared)
    except SSMError as error:
        raise plan_run.explain(error, []) from error
    return TaskOutcome(
        planned.before, after, plan_run.done, carried_out.warnings, _default_contents(client, old, after)
    )


def _old_default_content(client: api.Client, planned: Plan) -> VersionContent | None:
    """Return the content of the current default version if the plan makes another one the default, else None."""
    if planned.before is None or planned.before.deleting or not planned.moves_default:
        return None
    return read.default_content(client, planned.before)


def _default_contents(
    client: api.Client, old: VersionContent | None, after: DocumentState | None
) -> tuple[VersionContent, VersionContent] | None:
    return None if old is None or after is None else (old, read.default_content(client, after))


def _apply_or_replan(plan_run: PlanRun, task: DocumentSpec | Removal, planned: Plan) -> Plan:
    """Apply a plan and return it.

    If it fails because somebody else changed the document, read the document and plan again, once, and return the
    new plan.
    """
    try:
        apply.apply(plan_run, planned.actions)
        return planned
    except InterruptedPlanError as interrupted:
        try:
            fresh = _replan_after_race(plan_run, task, planned, interrupted)
        except SSMError as error:
            raise _interruption_error(plan_run, planned.before, error, interrupted) from interrupted
    try:
        apply.apply(plan_run, fresh.actions)
    except InterruptedPlanError as interrupted:
        raise _interruption_error(plan_run, fresh.before, interrupted.error, interrupted) from interrupted
    return fresh


def _interruption_error(
    plan_run: PlanRun, before: DocumentState | None, error: SSMError, interrupted: InterruptedPlanError
) -> SSMError:
    """Return the error for an interrupted plan. If the plan deleted the document, try to restore it first."""
    deleted = any(isinstance(action, Delete) for action in interrupted.done)
    if before is None or not deleted or not isinstance(interrupted.action, Create) or plan_run.made:
        return plan_run.explain(error, interrupted.left)
    put_back, sentence = _restore(plan_run, before)
    if put_back:
        # The old document is back, so the actions left for the new one do not matter any more.
        return plan_run.explain(SSMError(f"{error} {sentence}", error.exception), [], put_back)
    lost = {} if before.latest_content is None else {"lost_content": before.latest_content}
    return plan_run.explain(SSMError(f"{error} {sentence}", error.exception, lost), interrupted.left)


def _restore(plan_run: PlanRun, before: DocumentState) -> tuple[list[str], str]:
    """Create a deleted document again. Return the actions done, and a sentence for the error message.

    ``(["create the document"], "The old document was restored. Actions of the restoration: create the document.")``; no
    actions if it failed.
    """
    again = PlanRun(plan_run.client, plan_run.name, wait=plan_run.wait, wait_timeout=plan_run.wait_timeout)
    actions = plan.plan_restoration(before)
    failure = "" if actions else "AWS did not return everything needed to create it again."
    try:
        apply.apply(again, actions)
    except InterruptedPlanError as interrupted:
        failure = str(interrupted.error)
    if not again.done:
        return [], f"The old document was deleted and could not be restored: {failure}"
    done = f"Actions of the restoration: {'; '.join(again.done)}."
    if not failure:
        return again.done, f"The old document was restored. {done}"
    partly = f"The old document was restored only in part. {done} The rest could not be restored:"
    return again.done, f"{partly} {failure}"


def _replan_after_race(
    plan_run: PlanRun, task: DocumentSpec | Removal, planned: Plan, interrupted: InterruptedPlanError
) -> Plan:
    """Read the document and plan again if a race explains the failure. Raises the error of the failure otherwise."""
    error = interrupted.error
    if error.code not in _RACES or (interrupted.done and planned.recreates):
        # Only the first plan has the tags and permissions of the deleted document, so no other may replace it.
        raise error
    duplicate = error.code == "DuplicateDocumentContent"
    fresh = _settle_and_plan(plan_run, task, search_versions=duplicate)
    if fresh.actions == [interrupted.action, *interrupted.left]:
        # Nothing has changed in the meantime, so AWS would return the same error again.
        raise (
            SSMError(f"{error} {requests.only_display_name_differs(task.name)}", error.exception)
            if duplicate
            else error
        )
    return fresh


def _settle_and_plan(plan_run: PlanRun, task: DocumentSpec | Removal, *, search_versions: bool = False) -> Plan:
    """Read the document and plan, after waiting for changes under way where the task or the plan requires it."""
    task = _completed(plan_run.client, task)
    state = _read(plan_run.client, task, search_versions=search_versions)
    if state is not None and apply.settle(plan_run, state, makes=isinstance(task, DocumentSpec)):
        state = _read(plan_run.client, task, search_versions=search_versions)
    planned = _plan(plan_run.client, task, state)
    if state is not None and state.pending and planned.updates:
        # AWS may reject an update while the latest version is not ready (trap 9), so wait even without ``wait``.
        apply.wait_until_ready(plan_run, state)
        return _read_and_plan(plan_run.client, task, search_versions=search_versions)
    return planned


def _read_and_plan(client: api.Client, task: DocumentSpec | Removal, *, search_versions: bool = False) -> Plan:
    return _plan(client, task, _read(client, task, search_versions=search_versions))


def _plan(client: api.Client, task: DocumentSpec | Removal, state: DocumentState | None) -> Plan:
    """Return the plan from a state, with its warnings. They compare with content that the plan may replace."""
    if isinstance(task, Removal):
        actions = plan.plan_removal(task, state)
        warnings = plan.removal_warnings(task, state, actions)
    else:
        actions = plan.plan(task, state)
        warnings = plan.plan_warnings(task, state, actions)
        live = None if state is None or state.deleting else read.content_in_use(client, task, state, actions)
        warnings += [] if live is None else plan.safeguard_warnings(task, *live)
    return Plan(state, actions, diff.predict(state, actions, task.name), warnings)


def _completed(client: api.Client, task: DocumentSpec | Removal) -> DocumentSpec | Removal:
    return read.resolve_spec(client, task) if isinstance(task, DocumentSpec) else task


def _read(client: api.Client, task: DocumentSpec | Removal, *, search_versions: bool = False) -> DocumentState | None:
    if isinstance(task, Removal):
        return read.for_removal(client, task)
    return read.for_spec(client, task, search_versions=search_versions)
