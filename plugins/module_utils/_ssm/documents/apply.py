# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Run the actions of a plan, and keep track of what was done."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, assert_never

from .. import api, conversion
from ..errors import MISSING_DOCUMENT, SSMError
from ..option_text import counted
from . import content
from .actions import Action, AddTags, Create, Delete, DeleteVersions, RemoveTags, SetDefault, Share, Update
from .model import CHANGE_CONTENT, CHANGE_DEFAULT, LATEST, PENDING, DocumentState, not_active

# Seconds between attempts after TooManyUpdates: AWS accepts one change of a document at a time (trap 32).
_RETRY_PAUSES = (0.5, 1.0, 2.0, 4.0)
# Advice for error codes whose cause is outside the failed call.
_ADVICE = {
    "AssociatedInstances": "Delete its associations in State Manager first.",
    "DocumentVersionLimitExceeded": "Set keep_versions to delete the oldest versions.",
}

T = TypeVar("T")


class PlanRun:
    """One run of a plan: how long to wait, and what was done so far.

    Without ``wait``, the run waits only where a later action requires it. ``wait_timeout`` is in seconds.
    """

    def __init__(self, client: api.Client, name: str, *, wait: bool, wait_timeout: float) -> None:
        self.client = client
        self.name = name
        self.wait = wait
        self.wait_timeout = wait_timeout
        # The finished actions, as the result shows them: ["create the document"].
        self.done: list[str] = []
        # The number of the version that the last Create or Update made.
        self.made: str | None = None

    def explain(self, error: SSMError, left: Sequence[Action], put_back: Sequence[str] = ()) -> SSMError:
        """Return ``error`` extended with the actions done before it and the actions ``left`` undone.

        ``put_back`` are the actions that restored a deleted document. If any action was done, the error's result
        has ``{"changed": True, "actions": ["delete the document", "create the document"]}``.
        """
        parts = [str(error), *([_ADVICE[error.code]] if error.code in _ADVICE else [])]
        if self.done:
            parts.append(f"Actions done before the error: {'; '.join(self.done)}.")
        if left:
            parts.append(f"Actions not done: {'; '.join(map(str, left))}.")
        result = {"changed": True, "actions": [*self.done, *put_back]} if self.done else {}
        return SSMError(" ".join(parts), error.exception, {**error.result, **result})


class _TimedOutError(SSMError):
    """A version still has ``status`` after ``wait_timeout`` seconds."""

    def __init__(self, message: str, status: str | None) -> None:
        super().__init__(message)
        self.status = status


class InterruptedPlanError(Exception):
    """An action failed. ``done`` are the actions before it, ``left`` those after it."""

    def __init__(self, error: SSMError, action: Action, done: Sequence[Action], left: Sequence[Action]) -> None:
        super().__init__(str(error))
        self.error = error
        self.action = action
        self.done = done
        self.left = left


def apply(plan_run: PlanRun, actions: Sequence[Action]) -> None:
    """Run ``actions`` in order. Raises ``InterruptedPlanError`` for the first that fails."""
    for position, action in enumerate(actions):
        try:
            _do(action, plan_run)
        except SSMError as error:
            raise InterruptedPlanError(error, action, actions[:position], actions[position + 1 :]) from error


def settle(plan_run: PlanRun, state: DocumentState, *, makes: bool) -> bool:
    """Wait while the document is being created, updated or deleted, and return whether that was necessary.

    ``makes``: the task may create the document, which is impossible while it is being deleted. So this waits for a
    deletion even without ``wait``.
    """
    if state.deleting and (makes or plan_run.wait):
        _wait_while(plan_run, LATEST, lambda status: status == "Deleting")
    elif state.pending and plan_run.wait:
        wait_until_ready(plan_run, state)
    else:
        return False
    return True


def wait_until_ready(plan_run: PlanRun, state: DocumentState) -> None:
    """Wait until the latest version is neither Creating nor Updating."""
    _wait_while(plan_run, state.latest_version, _is_pending)


def _wait_until_active(plan_run: PlanRun, version: str, advice: str = CHANGE_CONTENT) -> None:
    """Wait until ``version`` is Active. Raises ``SSMError``, with ``advice``, if it fails or is not Active in time."""
    found = _wait_while(plan_run, version, _is_pending)
    if found.get("Status") != "Active":
        raise SSMError(not_active(plan_run.name, version, found, advice))


def _is_pending(status: str | None) -> bool:
    return status in PENDING


def _wait_while(plan_run: PlanRun, version: str, is_unready: Callable[[str | None], bool]) -> api.Shape:
    """Poll DescribeDocument until ``is_unready(status)`` is false, and return the description.

    If the version does not exist, its status is None and its description ``{}``. Raises ``_TimedOutError`` after
    ``wait_timeout`` seconds.
    """
    deadline = time.monotonic() + plan_run.wait_timeout
    delay = 0.2
    while True:
        found = api.describe_document(plan_run.client, plan_run.name, version) or {}
        status = found.get("Status")
        if not is_unready(status):
            return found
        if time.monotonic() + delay > deadline:
            what = f"{'Document' if version == LATEST else f'Version {version} of document'} {plan_run.name}"
            raise _TimedOutError(
                f"{what} is still {status} after {counted(plan_run.wait_timeout, 'second')}. Raise wait_timeout or run "
                "the task again.",
                status,
            )
        time.sleep(delay)
        delay = min(delay * 2, 5)


def _retry_while_busy(write: Callable[..., T], *given: Any, **named: Any) -> T:
    """Call ``write``, and call it again after a pause while AWS is busy with another change of the document."""
    for pause in _RETRY_PAUSES:
        try:
            return _send(write, *given, **named)
        except SSMError as error:
            if error.code != "TooManyUpdates":
                raise
        time.sleep(pause)
    return _send(write, *given, **named)


def _send(write: Callable[..., T], *given: Any, **named: Any) -> T:
    """Call ``write``. If the reply is lost or cannot be read, the error says that AWS may have made the change."""
    try:
        return write(*given, **named)
    except SSMError as error:
        if not error.may_have_worked:
            raise
        uncertain = "It is not known whether AWS made the change. Run the task again."
        raise SSMError(f"{error} {uncertain}", error.exception) from error


def _do(action: Action, plan_run: PlanRun) -> None:
    """Run one action, and add it to ``plan_run.done`` before waiting for its effect, since that can fail."""
    match action:
        case Create():
            _create(action, plan_run)
        case Update():
            _update(action, plan_run)
        case SetDefault():
            _set_default(action, plan_run)
        case Share():
            _share(action, plan_run)
        case AddTags():
            _add_tags(action, plan_run)
        case RemoveTags():
            _remove_tags(action, plan_run)
        case DeleteVersions():
            _delete_versions(action, plan_run)
        case Delete():
            _delete(action, plan_run)
        case _:
            assert_never(action)


def _create(action: Create, plan_run: PlanRun) -> None:
    plan_run.made = _create_version(plan_run, action, "0")
    plan_run.done.append(str(action))
    if plan_run.wait:
        _wait_until_active(plan_run, plan_run.made)


def _update(action: Update, plan_run: PlanRun) -> None:
    plan_run.made = _create_version(plan_run, action, action.latest_version)
    plan_run.done.append(str(action))
    if plan_run.wait:
        _wait_until_active(plan_run, plan_run.made)


def _set_default(action: SetDefault, plan_run: PlanRun) -> None:
    version = action.version or str(plan_run.made)
    if action.version or not plan_run.wait:  # otherwise _create or _update has waited already
        _wait_until_active(plan_run, version, CHANGE_DEFAULT if action.version else CHANGE_CONTENT)
    _retry_while_busy(api.update_document_default_version, plan_run.client, plan_run.name, version)
    plan_run.done.append(str(action))


def _share(action: Share, plan_run: PlanRun) -> None:
    _retry_while_busy(
        api.modify_document_permission, plan_run.client, plan_run.name, action.add, action.remove, action.version
    )
    plan_run.done.append(str(action))


def _add_tags(action: AddTags, plan_run: PlanRun) -> None:
    _retry_while_busy(api.add_document_tags, plan_run.client, plan_run.name, conversion.tag_list(action.tags))
    plan_run.done.append(str(action))


def _remove_tags(action: RemoveTags, plan_run: PlanRun) -> None:
    _retry_while_busy(api.remove_document_tags, plan_run.client, plan_run.name, action.keys)
    plan_run.done.append(str(action))


def _delete_versions(action: DeleteVersions, plan_run: PlanRun) -> None:
    deleted: list[int] = []
    try:
        for number in action.numbers:
            _delete_version(plan_run, str(number))
            deleted.append(number)
    finally:
        if deleted:
            plan_run.done.append(str(DeleteVersions(tuple(deleted))))


def _delete(action: Delete, plan_run: PlanRun) -> None:
    try:
        _retry_while_busy(api.delete_document, plan_run.client, plan_run.name, force=action.force)
    except SSMError as error:
        _check_deleted(plan_run, error, waits=plan_run.wait or action.recreated)
    plan_run.done.append(str(action))
    if plan_run.wait or action.recreated:
        try:
            _wait_until_deleted(plan_run)
        except _TimedOutError as still:
            if still.status != "Deleting":
                plan_run.done.remove(str(action))  # not deleted: whatever answered DeleteDocument was not AWS
            raise


def _wait_until_deleted(plan_run: PlanRun) -> None:
    # Any status counts as not deleted yet: a reply may describe the document before the deletion.
    _wait_while(plan_run, LATEST, lambda status: status is not None)


def _check_deleted(plan_run: PlanRun, error: SSMError, *, waits: bool) -> None:
    """Raise ``error`` of DeleteDocument, unless the document is deleted or being deleted anyway.

    It can be: the reply to a first attempt was lost, or somebody else deleted the document. But AWS also returns
    InvalidDocument for a document of another account, and continues to describe it (trap 46).
    """
    found = api.describe_document(plan_run.client, plan_run.name, LATEST) if error.code else {"Status": None}
    if found is None or found.get("Status") == "Deleting":
        return
    if error.code not in MISSING_DOCUMENT:
        raise error
    if error.retried and waits:
        _wait_until_deleted(plan_run)
        return
    raise SSMError(
        f"{error} AWS still describes document {plan_run.name}, whose owner is {found.get('Owner')}, so nothing was "
        "deleted. Check that the document belongs to the account of these credentials.",
        error.exception,
    )


def _delete_version(plan_run: PlanRun, version: str) -> None:
    try:
        _retry_while_busy(api.delete_document_version, plan_run.client, plan_run.name, version)
    except SSMError as error:
        # If the first reply was lost, the version is deleted already. AWS documents no error for that (trap 28).
        if not error.code or api.describe_document(plan_run.client, plan_run.name, version) is not None:
            raise


def _create_version(plan_run: PlanRun, action: Create | Update, latest_version: str) -> str:
    """Create the document or a version of it, and return the number of that version: ``"3"``."""
    client, name = plan_run.client, plan_run.name
    try:
        if isinstance(action, Create):
            return str(_retry_while_busy(api.create_document, client, name, action.request)["DocumentVersion"])
        return str(_retry_while_busy(api.update_document, client, name, action.request)["DocumentVersion"])
    except SSMError as error:
        # botocore repeats a request whose reply was lost. AWS then rejects the repetition if the first one succeeded.
        made = _version_of_lost_reply(client, name, action, latest_version) if error.retried else None
        if made is None:
            raise
        return made


def _version_of_lost_reply(client: api.Client, name: str, action: Create | Update, latest_version: str) -> str | None:
    """Return the number of a version after ``latest_version`` with exactly the content that was sent, or None."""
    found = api.describe_document(client, name, LATEST)
    if found is None or int(found["DocumentVersion"]) <= int(latest_version):
        return None
    same = found.get("Hash") == content.sha256(action.request["Content"])
    return str(found["DocumentVersion"]) if same else None
