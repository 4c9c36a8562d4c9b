# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""A task about a document from its beginning to its end: read, plan, act, read again."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from . import api, document_apply, document_diff, document_plan, document_read
from .document_actions import Action, Create, Delete, Share, Update
from .document_apply import InterruptedPlanError, Progress
from .documents import PREFERENCES, DocumentSpec, DocumentState, Removal
from .errors import SSMError

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
_NOTHING_NEW = "AWS makes no version for a new display_name or version_name alone: change the content, too."


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a task did, or in check mode would do; ``after`` is foreseen in check mode, and read otherwise."""

    before: DocumentState | None
    after: DocumentState | None
    done: Sequence[str]
    warnings: Sequence[str]


def run(
    client: api.Client, task: DocumentSpec | Removal, *, check_mode: bool, wait: bool, wait_timeout: float
) -> Outcome:
    """Bring a document to what ``task`` says, or find what that would take.

    Without ``wait`` it is waited for nothing but what a later step takes. ``wait_timeout`` is in seconds.
    An ``SSMError`` midway says what was done before it.
    """
    if check_mode:
        before = _read(client, task)
        actions = _plan(task, before)
        foreseen = document_diff.predicted(before, actions, task.name)
        return Outcome(before, foreseen, [str(action) for action in actions], _warnings(task, before, actions))
    progress = Progress(client, task.name, wait=wait, wait_timeout=wait_timeout)
    before, actions = _look(progress, task)
    if not actions:
        return Outcome(before, before, [], _warnings(task, before, actions))
    foreseen, warnings = _act(progress, task, before, actions)
    shared = isinstance(task, DocumentSpec) and (task.permissions is not None or any(map(_is_share, actions)))
    try:
        after = document_read.again(client, before, foreseen, permissions=shared)
    except SSMError as error:
        raise progress.explain(error, []) from error
    return Outcome(before, after, progress.done, warnings)


def _is_share(action: Action) -> bool:
    return isinstance(action, Share)


def _remakes(action: Action) -> bool:
    return isinstance(action, Delete) and action.remade


def _act(
    progress: Progress, task: DocumentSpec | Removal, before: DocumentState | None, actions: list[Action]
) -> tuple[DocumentState | None, list[str]]:
    """Do the actions; what they make of the document, and warnings.

    A race is met once, with a plan from a fresh read.
    """
    try:
        document_apply.apply(progress, actions)
        return document_diff.predicted(before, actions, task.name), _warnings(task, before, actions)
    except InterruptedPlanError as interrupted:
        try:
            now, fresh = _look_again(progress, task, actions, interrupted)
        except SSMError as error:
            raise _failure(progress, before, error, interrupted) from interrupted
    try:
        document_apply.apply(progress, fresh)
    except InterruptedPlanError as interrupted:
        raise _failure(progress, now, interrupted.error, interrupted) from interrupted
    return document_diff.predicted(now, fresh, task.name), _warnings(task, now, fresh)


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
    actions = document_plan.restoration(before)
    failure = "" if actions else "what AWS told of it does not suffice."
    try:
        document_apply.apply(again, actions)
    except InterruptedPlanError as interrupted:
        failure = str(interrupted.error)
    if not again.done:
        return [], f"The old document is gone and could not be put back: {failure}"
    back = f"The old document was put back: {'; '.join(again.done)}."
    return again.done, f"{back} Not all of it could be: {failure}" if failure else back


def _look_again(
    progress: Progress, task: DocumentSpec | Removal, actions: list[Action], interrupted: InterruptedPlanError
) -> tuple[DocumentState | None, list[Action]]:
    """The document as it is now and a plan from there, if a race explains the failure; else the error itself."""
    error = interrupted.error
    if error.code not in _RACES or (interrupted.done and any(map(_remakes, actions))):
        # What the old document had is known to the first plan alone, so no other may take its place.
        raise error
    duplicate = error.code == "DuplicateDocumentContent"
    now, fresh = _look(progress, task, search_versions=duplicate)
    if fresh == [interrupted.action, *interrupted.left]:
        # Nothing has changed meanwhile, so AWS would say the same again.
        raise SSMError(f"{error} {_NOTHING_NEW}", error.exception) if duplicate else error
    return now, fresh


def _look(
    progress: Progress, task: DocumentSpec | Removal, *, search_versions: bool = False
) -> tuple[DocumentState | None, list[Action]]:
    """The document and a plan from there, once it is as much at rest as the task or its plan takes."""
    state = _read(progress.client, task, search_versions=search_versions)
    if state is not None and document_apply.settle(progress, state, makes=isinstance(task, DocumentSpec)):
        state = _read(progress.client, task, search_versions=search_versions)
    actions = _plan(task, state)
    if state is not None and state.pending and any(isinstance(action, Update) for action in actions):
        # AWS may update no version that is not ready, so this is waited for even without wait.
        document_apply.wait_until_ready(progress, state)
        state = _read(progress.client, task, search_versions=search_versions)
        actions = _plan(task, state)
    return state, actions


def _read(client: api.Client, task: DocumentSpec | Removal, *, search_versions: bool = False) -> DocumentState | None:
    if isinstance(task, Removal):
        return document_read.for_removal(client, task)
    return document_read.for_spec(client, task, search_versions=search_versions)


def _plan(task: DocumentSpec | Removal, state: DocumentState | None) -> list[Action]:
    if isinstance(task, Removal):
        return document_plan.plan_removal(task, state)
    return document_plan.plan(task, state)


def _warnings(task: DocumentSpec | Removal, state: DocumentState | None, actions: list[Action]) -> list[str]:
    if isinstance(task, DocumentSpec):
        return document_plan.warnings(task, state, actions)
    if actions and task.name == PREFERENCES and not task.of_version:
        return ["With this document go the session preferences of the account in this region, logging among them."]
    return []
