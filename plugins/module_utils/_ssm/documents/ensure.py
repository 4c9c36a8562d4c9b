# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""A task about a document from its beginning to its end: read, plan, act, read again."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from .. import api, option_time
from ..errors import SSMError
from ..module import ClientFactory, Result
from . import apply, diff, info, options, plan, read, requests, sharing
from .actions import Create, Delete
from .apply import InterruptedPlanError, Progress
from .model import DocumentSpec, DocumentState, Removal, VersionContent
from .plan import Plan

# What AWS answers when somebody else changed a document after it was read.
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
class Outcome:
    """What a task did, or in check mode would do; ``after`` is foreseen in check mode, and read otherwise.

    ``defaults`` are the contents of the default version before and after, for a diff in which it moves.
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
) -> Result:
    """Do the work of ssm_document; ``origin`` is what the action plugin says of the file of content_path."""
    option_time.check_seconds(params, "wait_timeout")
    task = options.task(params, origin)
    ssm = client("ssm")
    outcome = bring(
        ssm,
        task,
        check_mode=check_mode,
        wait=params["wait"],
        wait_timeout=params["wait_timeout"],
        diff_mode=diff_mode,
    )
    document = _shown(ssm, outcome.before if check_mode else outcome.after, permissions=bool(params["permissions"]))
    return {
        **({"warnings": list(outcome.warnings)} if outcome.warnings else {}),
        "changed": bool(outcome.done),
        "actions": list(outcome.done),
        "document": document,
        "diff": _difference(task, outcome),
    }


def _difference(task: DocumentSpec | Removal, outcome: Outcome) -> list[dict[str, str]]:
    if isinstance(task, Removal) and task.of_version:
        return diff.removal(outcome.before, task.name) if outcome.done else []
    return diff.difference(outcome.before, outcome.after, task.name, outcome.defaults)


def _shown(client: api.Client, state: DocumentState | None, *, permissions: bool) -> dict[str, Any] | None:
    """Return the document in the form of the module's result, with ``permissions`` if the task is about them."""
    if state is None:
        return None
    document = info.shape(client, {"Tags": [], **state.latest})
    if permissions:
        document["permissions"] = sharing.shown(state.permissions or {})
    return document


def bring(
    client: api.Client,
    task: DocumentSpec | Removal,
    *,
    check_mode: bool,
    wait: bool,
    wait_timeout: float,
    diff_mode: bool = False,
) -> Outcome:
    """Bring a document to what ``task`` says, or in check mode find what that would take.

    Without ``wait`` the task waits only for what a later step requires. ``wait_timeout`` is in seconds. In
    ``diff_mode`` the contents of default versions that change are read. An ``SSMError`` midway says what was done
    before it.
    """
    if check_mode:
        planned = _plan_from(client, _completed(client, task))
        old = _old_default(client, planned) if diff_mode else None
        actions = [str(action) for action in planned.actions]
        return Outcome(
            planned.before, planned.foreseen, actions, planned.warnings, _defaults(client, old, planned.foreseen)
        )
    progress = Progress(client, task.name, wait=wait, wait_timeout=wait_timeout)
    planned = _look(progress, task)
    if not planned.actions:
        return Outcome(planned.before, planned.before, [], planned.warnings)
    # Before anything is done, since the plan may delete that version.
    old = _old_default(client, planned) if diff_mode else None
    carried_out = _act(progress, task, planned)
    shared = isinstance(task, DocumentSpec) and (task.permissions is not None or planned.shares)
    try:
        after = read.again(client, planned.before, carried_out.foreseen, permissions=shared)
    except SSMError as error:
        raise progress.explain(error, []) from error
    return Outcome(planned.before, after, progress.done, carried_out.warnings, _defaults(client, old, after))


def _old_default(client: api.Client, planned: Plan) -> VersionContent | None:
    """The content of the default version as it was, if the plan makes another one the default."""
    if planned.before is None or planned.before.deleting or not planned.moves_default:
        return None
    return read.default_content(client, planned.before)


def _defaults(
    client: api.Client, old: VersionContent | None, after: DocumentState | None
) -> tuple[VersionContent, VersionContent] | None:
    return None if old is None or after is None else (old, read.default_content(client, after))


def _act(progress: Progress, task: DocumentSpec | Removal, planned: Plan) -> Plan:
    """Carry out a plan, and return it, or the one that took its place: a race is met once, from a fresh read."""
    try:
        apply.apply(progress, planned.actions)
        return planned
    except InterruptedPlanError as interrupted:
        try:
            fresh = _look_again(progress, task, planned, interrupted)
        except SSMError as error:
            raise _failure(progress, planned.before, error, interrupted) from interrupted
    try:
        apply.apply(progress, fresh.actions)
    except InterruptedPlanError as interrupted:
        raise _failure(progress, fresh.before, interrupted.error, interrupted) from interrupted
    return fresh


def _failure(
    progress: Progress, before: DocumentState | None, error: SSMError, interrupted: InterruptedPlanError
) -> SSMError:
    """What to say of an interrupted plan, once the document that it deleted is back, if that can be."""
    deleted = any(isinstance(action, Delete) for action in interrupted.done)
    if before is None or not deleted or not isinstance(interrupted.action, Create) or progress.made:
        return progress.explain(error, interrupted.left)
    put_back, told = _put_back(progress, before)
    if put_back:
        # What was to become of the new document is of no use to know where the old one is back.
        return progress.explain(SSMError(f"{error} {told}", error.exception), [], put_back)
    lost = {} if before.latest_content is None else {"lost_content": before.latest_content}
    return progress.explain(SSMError(f"{error} {told}", error.exception, lost), interrupted.left)


def _put_back(progress: Progress, before: DocumentState) -> tuple[list[str], str]:
    """Make a document again that was deleted: what was done for it, and what there is to say of it."""
    again = Progress(progress.client, progress.name, wait=progress.wait, wait_timeout=progress.wait_timeout)
    actions = plan.restoration(before)
    failure = "" if actions else "AWS did not return all that it takes to create it again."
    try:
        apply.apply(again, actions)
    except InterruptedPlanError as interrupted:
        failure = str(interrupted.error)
    if not again.done:
        return [], f"The old document is gone and could not be put back: {failure}"
    back = f"The old document was put back: {'; '.join(again.done)}."
    return again.done, f"{back} Not all of it could be: {failure}" if failure else back


def _look_again(
    progress: Progress, task: DocumentSpec | Removal, planned: Plan, interrupted: InterruptedPlanError
) -> Plan:
    """The document as it is now and a plan from there, if a race explains the failure; else the error itself."""
    error = interrupted.error
    if error.code not in _RACES or (interrupted.done and planned.recreates):
        # What the old document had is known to the first plan alone, so no other may take its place.
        raise error
    duplicate = error.code == "DuplicateDocumentContent"
    fresh = _look(progress, task, search_versions=duplicate)
    if fresh.actions == [interrupted.action, *interrupted.left]:
        # Nothing has changed meanwhile, so AWS would say the same again.
        raise SSMError(f"{error} {requests.nothing_new(task.name)}", error.exception) if duplicate else error
    return fresh


def _look(progress: Progress, task: DocumentSpec | Removal, *, search_versions: bool = False) -> Plan:
    """The document and a plan from there, once it is as much at rest as the task or its plan takes."""
    task = _completed(progress.client, task)
    state = _read(progress.client, task, search_versions=search_versions)
    if state is not None and apply.settle(progress, state, makes=isinstance(task, DocumentSpec)):
        state = _read(progress.client, task, search_versions=search_versions)
    planned = _planned(progress.client, task, state)
    if state is not None and state.pending and planned.updates:
        # AWS may update no version that is not ready, so this is waited for even without wait.
        apply.wait_until_ready(progress, state)
        return _plan_from(progress.client, task, search_versions=search_versions)
    return planned


def _plan_from(client: api.Client, task: DocumentSpec | Removal, *, search_versions: bool = False) -> Plan:
    return _planned(client, task, _read(client, task, search_versions=search_versions))


def _planned(client: api.Client, task: DocumentSpec | Removal, state: DocumentState | None) -> Plan:
    """Plan from a state, with what there is to say of the plan while the document is as it was."""
    if isinstance(task, Removal):
        actions = plan.plan_removal(task, state)
        warnings = plan.removal_warnings(task, state, actions)
    else:
        actions = plan.plan(task, state)
        warnings = plan.warnings(task, state, actions)
        live = None if state is None or state.deleting else read.live(client, task, state, actions)
        warnings += [] if live is None else plan.safeguard_warnings(task, *live)
    return Plan(state, actions, diff.predicted(state, actions, task.name), warnings)


def _completed(client: api.Client, task: DocumentSpec | Removal) -> DocumentSpec | Removal:
    return read.completed(client, task) if isinstance(task, DocumentSpec) else task


def _read(client: api.Client, task: DocumentSpec | Removal, *, search_versions: bool = False) -> DocumentState | None:
    if isinstance(task, Removal):
        return read.for_removal(client, task)
    return read.for_spec(client, task, search_versions=search_versions)
