# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Do the actions of a plan, and say how far it got."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, assert_never

from .. import api, conversion
from ..errors import MISSING_DOCUMENT, SSMError
from . import content
from .actions import Action, AddTags, Create, Delete, DeleteVersions, RemoveTags, SetDefault, Share, Update
from .model import LATEST, PENDING, DocumentState, not_active

# Seconds between attempts when AWS says TooManyUpdates: it takes one change of a document at a time.
_PAUSES = (0.5, 1.0, 2.0, 4.0)
# What helps against an answer of AWS that is about more than the call.
_ADVICE = {
    "AssociatedInstances": "Delete its associations in State Manager first.",
    "DocumentVersionLimitExceeded": "Set keep_versions to delete the oldest ones.",
}

T = TypeVar("T")


class Progress:
    """How far a plan has come.

    Without ``wait`` it is waited for nothing but what a later step takes. ``wait_timeout`` is in seconds.
    """

    def __init__(self, client: api.Client, name: str, *, wait: bool, wait_timeout: float) -> None:
        self.client = client
        self.name = name
        self.wait = wait
        self.wait_timeout = wait_timeout
        self.done: list[str] = []
        self.made: str | None = None

    def explain(self, error: SSMError, left: Sequence[Action], put_back: Sequence[str] = ()) -> SSMError:
        """``error`` with what was done before it, and what was not done after it.

        ``put_back`` is what was done besides to bring back what was deleted.
        """
        parts = [str(error), *([_ADVICE[error.code]] if error.code in _ADVICE else [])]
        if self.done:
            parts.append(f"Done before that: {'; '.join(self.done)}.")
        if left:
            parts.append(f"Not done: {'; '.join(map(str, left))}.")
        result = {"changed": True, "actions": [*self.done, *put_back]} if self.done else {}
        return SSMError(" ".join(parts), error.exception, {**error.result, **result})


class _StillError(SSMError):
    """A version still has a ``status`` that it was waited for to leave."""

    def __init__(self, message: str, status: str | None) -> None:
        super().__init__(message)
        self.status = status


class InterruptedPlanError(Exception):
    """An action failed; ``done`` are the ones before it, and ``left`` those after it."""

    def __init__(self, error: SSMError, action: Action, done: Sequence[Action], left: Sequence[Action]) -> None:
        super().__init__(str(error))
        self.error = error
        self.action = action
        self.done = done
        self.left = left


def apply(progress: Progress, actions: Sequence[Action]) -> None:
    """Do ``actions`` in order; ``InterruptedPlanError`` at the first that fails."""
    for position, action in enumerate(actions):
        try:
            _do(action, progress)
        except SSMError as error:
            raise InterruptedPlanError(error, action, actions[:position], actions[position + 1 :]) from error


def settle(progress: Progress, state: DocumentState, *, makes: bool) -> bool:
    """Wait until the document is neither being made, changed nor deleted; whether there was anything to wait for.

    ``makes`` says that the document may have to be made, which nobody can while it is being deleted.
    """
    if state.deleting and (makes or progress.wait):
        _wait_while(progress, LATEST, lambda status: status == "Deleting")
    elif state.pending and progress.wait:
        wait_until_ready(progress, state)
    else:
        return False
    return True


def wait_until_ready(progress: Progress, state: DocumentState) -> None:
    """Return once the latest version is on its way no more."""
    _wait_while(progress, state.latest_version, _is_pending)


def _wait_until_active(progress: Progress, version: str) -> None:
    """Return once ``version`` is Active; an ``SSMError`` if it is not in time, or never will be."""
    found = _wait_while(progress, version, _is_pending)
    if found.get("Status") != "Active":
        raise SSMError(not_active(progress.name, version, found))


def _is_pending(status: str | None) -> bool:
    return status in PENDING


def _wait_while(progress: Progress, version: str, unready: Callable[[str | None], bool]) -> api.Shape:
    """The description of ``version`` once its status (None: it is not there) is no more ``unready``."""
    deadline = time.monotonic() + progress.wait_timeout
    delay = 0.2
    while True:
        found = api.describe_document(progress.client, progress.name, version) or {}
        status = found.get("Status")
        if not unready(status):
            return found
        if time.monotonic() + delay > deadline:
            what = f"{'Document' if version == LATEST else f'Version {version} of document'} {progress.name}"
            raise _StillError(
                f"{what} is still {status} after {progress.wait_timeout} seconds; raise wait_timeout, or run the "
                "task again.",
                status,
            )
        time.sleep(delay)
        delay = min(delay * 2, 5)


def _patiently(write: Callable[..., T], *given: Any, **named: Any) -> T:
    """Call ``write``, again after a while if AWS is busy with another change of the document."""
    for pause in _PAUSES:
        try:
            return _sent(write, *given, **named)
        except SSMError as error:
            if error.code != "TooManyUpdates":
                raise
        time.sleep(pause)
    return _sent(write, *given, **named)


def _sent(write: Callable[..., T], *given: Any, **named: Any) -> T:
    """Call ``write``; the error for an answer that is lost, or cannot be read, says that AWS may have done it."""
    try:
        return write(*given, **named)
    except SSMError as error:
        if not error.unanswered:
            raise
        raise SSMError(f"{error} Whether AWS has done it is not known.", error.exception) from error


def _do(action: Action, progress: Progress) -> None:
    """Do one action, and note what was done as soon as it was."""
    match action:
        case Create():
            _create(action, progress)
        case Update():
            _update(action, progress)
        case SetDefault():
            _set_default(action, progress)
        case Share():
            _share(action, progress)
        case AddTags():
            _add_tags(action, progress)
        case RemoveTags():
            _remove_tags(action, progress)
        case DeleteVersions():
            _delete_versions(action, progress)
        case Delete():
            _delete(action, progress)
        case _:
            assert_never(action)


def _create(action: Create, progress: Progress) -> None:
    progress.made = _make(progress, action, "0")
    progress.done.append(str(action))
    if progress.wait:
        _wait_until_active(progress, progress.made)


def _update(action: Update, progress: Progress) -> None:
    progress.made = _make(progress, action, action.latest_version)
    progress.done.append(str(action))
    if progress.wait:
        _wait_until_active(progress, progress.made)


def _set_default(action: SetDefault, progress: Progress) -> None:
    version = action.version or str(progress.made)
    if action.version or not progress.wait:  # else the one that was made has been waited for
        _wait_until_active(progress, version)
    _patiently(api.update_document_default_version, progress.client, progress.name, version)
    progress.done.append(str(action))


def _share(action: Share, progress: Progress) -> None:
    _patiently(
        api.modify_document_permission, progress.client, progress.name, action.add, action.remove, action.version
    )
    progress.done.append(str(action))


def _add_tags(action: AddTags, progress: Progress) -> None:
    _patiently(api.add_document_tags, progress.client, progress.name, conversion.tag_list(action.tags))
    progress.done.append(str(action))


def _remove_tags(action: RemoveTags, progress: Progress) -> None:
    _patiently(api.remove_document_tags, progress.client, progress.name, action.keys)
    progress.done.append(str(action))


def _delete_versions(action: DeleteVersions, progress: Progress) -> None:
    gone: list[int] = []
    try:
        for number in action.numbers:
            _delete_version(progress, str(number))
            gone.append(number)
    finally:
        if gone:
            progress.done.append(str(DeleteVersions(tuple(gone))))


def _delete(action: Delete, progress: Progress) -> None:
    try:
        _patiently(api.delete_document, progress.client, progress.name, force=action.force)
    except SSMError as error:
        _check_deleted(progress, error, waits=progress.wait or action.recreated)
    progress.done.append(str(action))
    if progress.wait or action.recreated:
        try:
            _wait_until_gone(progress)
        except _StillError as still:
            if still.status != "Deleting":
                progress.done.remove(str(action))  # whatever answered was not AWS
            raise


def _wait_until_gone(progress: Progress) -> None:
    # Whatever the status: a reply may come from before the deletion.
    _wait_while(progress, LATEST, lambda status: status is not None)


def _check_deleted(progress: Progress, error: SSMError, *, waits: bool) -> None:
    """Raise ``error``, the answer to DeleteDocument, unless the document is gone or going all the same.

    The answer to a first attempt may have been lost, or somebody else was faster. AWS also says InvalidDocument of a
    document that is not the caller's, and goes on describing that one.
    """
    found = api.describe_document(progress.client, progress.name, LATEST) if error.code else {"Status": None}
    if found is None or found.get("Status") == "Deleting":
        return
    if error.code not in MISSING_DOCUMENT:
        raise error
    if error.retried and waits:
        _wait_until_gone(progress)
        return
    raise SSMError(
        f"{error} AWS still describes document {progress.name}, whose owner is {found.get('Owner')}, so nothing was "
        "deleted. Check that the document belongs to the account of these credentials.",
        error.exception,
    )


def _delete_version(progress: Progress, version: str) -> None:
    try:
        _patiently(api.delete_document_version, progress.client, progress.name, version)
    except SSMError as error:
        # AWS has no error of its own for a version that is gone already, which it is if the first answer was lost.
        if not error.code or api.describe_document(progress.client, progress.name, version) is not None:
            raise


def _make(progress: Progress, action: Create | Update, latest_version: str) -> str:
    """Make a version; its number."""
    client, name = progress.client, progress.name
    try:
        if isinstance(action, Create):
            return str(_patiently(api.create_document, client, name, action.request)["DocumentVersion"])
        return str(_patiently(api.update_document, client, name, action.request)["DocumentVersion"])
    except SSMError as error:
        # botocore sends a request again whose answer was lost, and AWS then complains about what the first one made.
        made = _made_before(client, name, action, latest_version) if error.retried else None
        if made is None:
            raise
        return made


def _made_before(client: api.Client, name: str, action: Create | Update, latest_version: str) -> str | None:
    """The version after ``latest_version`` if it has the very bytes that the action sends."""
    found = api.describe_document(client, name, LATEST)
    if found is None or int(found["DocumentVersion"]) <= int(latest_version):
        return None
    same = found.get("Hash") == content.sha256(action.request["Content"])
    return str(found["DocumentVersion"]) if same else None
