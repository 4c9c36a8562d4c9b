# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Plan the actions that make a document match its spec. No I/O: check mode and real runs use the same plan."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from ..amazon import compare_aws_tags
from ..errors import SSMError
from ..option_text import counted
from . import limits, matching, preferences, requests, sharing
from .actions import Action, AddTags, Create, Delete, DeleteVersions, RemoveTags, SetDefault, Share, Update
from .model import (
    CHANGE_CONTENT,
    CHANGE_DEFAULT,
    PENDING,
    PREFERENCES,
    SESSION,
    DocumentSpec,
    DocumentState,
    Removal,
    check_owner,
    not_active,
)

# https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_CreateDocument.html, Name
_RESERVED = ("aws", "amazon", "amzn")


@dataclasses.dataclass(frozen=True)
class Plan:
    """The actions for a document, and their effect. A state of None means that the document does not exist."""

    before: DocumentState | None
    actions: Sequence[Action]
    predicted: DocumentState | None  # the document after the actions, as predicted
    warnings: Sequence[str]

    @property
    def moves_default(self) -> bool:
        """Return whether another version becomes the default."""
        return any(isinstance(action, (Create, SetDefault)) for action in self.actions)

    @property
    def updates(self) -> bool:
        return any(isinstance(action, Update) for action in self.actions)

    @property
    def shares(self) -> bool:
        return any(isinstance(action, Share) for action in self.actions)

    @property
    def recreates(self) -> bool:
        """Return whether the document is deleted and created again."""
        return any(isinstance(action, Delete) and action.recreated for action in self.actions)


def plan(spec: DocumentSpec, state: DocumentState | None) -> list[Action]:
    """Return the actions that make the document match the spec, in order. Raises ``SSMError`` if none can."""
    if state is None or state.deleting:
        return [Create(requests.create(spec)), *_sharing(spec, None)]
    check_owner(state)
    if matching.recreates(spec, state):
        return _recreate(spec, state)
    unchangeable = matching.why_unchangeable(spec, state)
    if unchangeable:
        raise SSMError(
            f"Document {spec.name} {unchangeable}. Set recreate=true to delete the document and "
            "create it again, or use another name."
        )
    update = requests.update(spec, state)
    _check_matching_version(spec, state)
    first, last = _pruning(spec, state)
    actions: list[Action] = list(first)
    actions += [Update(update, state.latest_version)] if update else []
    actions += _default(spec, state, updated=bool(update))
    actions += _sharing(spec, state)
    return [*actions, *_tag_changes(spec, state), *last]


def _check_matching_version(spec: DocumentSpec, state: DocumentState) -> None:
    """Raise ``SSMError`` if the matching version has failed: keeping it would report a broken document as good."""
    found = state.matching_description
    if spec.content and state.matching_version and found and found.get("Status") == "Failed":
        raise SSMError(not_active(spec.name, state.matching_version, found, CHANGE_CONTENT))


def plan_removal(removal: Removal, state: DocumentState | None) -> list[Action]:
    """Return the actions that delete the document or one version. Raises ``SSMError`` if AWS does not allow that."""
    if state is None or state.deleting:
        return []
    check_owner(state)
    if not removal.removes_one_version:
        return [*_unsharing(removal.name, state, allowed=removal.force_unshare), Delete(removal.force)]
    if state.versions and str(state.versions[0]) == state.default_version:
        raise SSMError(
            f"Version {state.default_version} is the default version of document {removal.name} and cannot be "
            "deleted. Make another version the default first, or omit document_version and version_name to delete the "
            "whole document."
        )
    return [DeleteVersions(state.versions)] if state.versions else []


def plan_warnings(spec: DocumentSpec, state: DocumentState | None, actions: list[Action]) -> list[str]:
    """Return warnings about a plan that creates or changes a document."""
    found = []
    if any(isinstance(action, Create) for action in actions) and spec.name.lower().startswith(_RESERVED):
        found.append(
            f"AWS reserves names that begin with {', '.join(_RESERVED)} for its own documents, and may reject the name "
            f"{spec.name}."
        )
    if spec.content is not None and spec.document_type in (None, SESSION):
        found += preferences.preference_warnings(spec.content.value, preferences=spec.name == PREFERENCES)
    if state is None or state.deleting:
        return found
    updated = any(isinstance(action, (Create, Update)) for action in actions)
    if (
        spec.version_name
        and not updated
        and state.matching_version
        and state.matching_version != matching.version_with_wanted_name(spec, state)
    ):
        found.append(
            f"Version {state.matching_version} of document {spec.name} already has this content. It is not renamed to "
            f"{spec.version_name}, because a version gets its name when it is created."
        )
    default = matching.wanted_default(spec, state, updated=False)
    if not updated and state.matching_version not in (None, state.latest_version, default):
        found.append(
            f"Version {state.matching_version} of document {spec.name} already has this content. No new version is "
            f"created, because AWS rejects the content as a duplicate. The default version is {default}. To make "
            f"version {state.matching_version} the default, set default_version to {state.matching_version}."
        )
    found += _latest_warnings(spec, state, updated=updated)
    if _keeps_all_shared(spec, state) and matching.versions_to_prune(spec, state):
        found.append(
            f"keep_versions deletes no version, because all versions of document {spec.name} are shared ($ALL). To "
            "delete old versions, set permissions.shared_document_version to $DEFAULT or $LATEST."
        )
    return found


def _latest_warnings(spec: DocumentSpec, state: DocumentState, *, updated: bool) -> list[str]:
    """Return a warning if the default version of a Session document is not the one that sessions use (trap 45)."""
    default = matching.wanted_default(spec, state, updated=updated)
    if not state.used_by_latest or matching.recreates(spec, state):
        return []
    if updated and default is not None:
        return [
            f"The new version of Session document {spec.name} takes effect immediately, even though version "
            f"{default} remains the default. Sessions that are started with a document's name use its latest version."
        ]
    moves = default not in (None, state.default_version)
    if not updated and default != state.latest_version and (moves or spec.content is not None):
        return [
            f"Version {default} of Session document {spec.name} is the default, but sessions that are started with a "
            f"document's name use its latest version, {state.latest_version}. To make them use version {default}, "
            "delete the later versions, or change the content so that a new version is created."
        ]
    return []


def removal_warnings(removal: Removal, state: DocumentState | None, actions: list[Action]) -> list[str]:
    """Return warnings about a plan that deletes a document or a version."""
    if state is None or not actions:
        return []
    if not removal.removes_one_version:
        goes = "This deletes the session preferences of the account in this region, including the logging."
        return [goes] if removal.name == PREFERENCES else []
    if state.used_by_latest and state.latest_version in map(str, state.versions or ()):
        return [
            f"Version {state.latest_version} is the latest version of Session document {removal.name}. Without it, "
            "sessions that are started with the document's name use the previous version."
        ]
    return []


def safeguard_warnings(spec: DocumentSpec, before: Any, after: Any) -> list[str]:
    """Return a warning that names the safeguards, such as logging, that sessions lose with the content ``after``.

    ``before`` and ``after`` are parsed content, as ``read.content_in_use`` returns it. See trap 47.
    """
    lost = preferences.removed_safeguards(before, after)
    if not lost:
        return []
    replaces = spec.preferences is not None and not spec.merges
    advice = (
        " To keep the preferences that the task does not set, set purge_session_preferences to false."
        if replaces
        else ""
    )
    listed = " and ".join(filter(None, [", ".join(lost[:-1]), lost[-1]]))
    return [f"This change to document {spec.name} turns off {listed}.{advice}"]


def _recreate(spec: DocumentSpec, state: DocumentState) -> list[Action]:
    """Return the actions that delete the document and create it again. What the task does not set stays as it was."""
    create = Create(requests.recreate(spec, state))
    unsharing = _unsharing(spec.name, state, allowed=spec.force_unshare)
    return [
        *unsharing,
        Delete(spec.force, recreated=True, had=_tags_and_permissions(state)),
        create,
        *_sharing_again(spec, state),
    ]


def plan_restoration(state: DocumentState) -> list[Action]:
    """Return the actions that restore a deleted document: its latest version and its permissions.

    Returns [] if AWS did not return all that creating it requires.
    """
    request = requests.restore(state)
    return [Create(request), *sharing.reshare_calls(state.permissions or {})] if request else []


def _sharing_again(spec: DocumentSpec, before: DocumentState) -> list[Share]:
    """Return the calls that share a recreated document: as it was shared before, with the changes of the task."""
    return sharing.reshare_calls(_shared(spec, before))


def _shared(spec: DocumentSpec, before: DocumentState) -> dict[str, str]:
    """Return the permissions after the change: ``{"111122223333": "$DEFAULT"}``."""
    wanted = dict(before.permissions or {})
    for share in _sharing(spec, before):
        wanted = sharing.after_call(wanted, share)
    return wanted


def _tags_and_permissions(state: DocumentState) -> str:
    """Return the tags and permissions of a document in the words of ``Delete.had``."""
    tags = [f"the tag {key}={value}" for key, value in sorted(state.tags.items())]
    accounts = [f"{account} ({version})" for account, version in sorted((state.permissions or {}).items())]
    return ", ".join([*tags, f"permissions for {', '.join(accounts)}"] if accounts else tags)


def _unsharing(name: str, state: DocumentState, *, allowed: bool) -> list[Share]:
    if state.permissions and not allowed:
        accounts = "everyone" if sharing.EVERYONE in state.permissions else counted(len(state.permissions), "account")
        raise SSMError(
            f"Document {name} is shared with {accounts}, and AWS does not delete a shared document. "
            "Set force_unshare=true to end the sharing first."
        )
    return sharing.unshare_calls(state.permissions or {})


def _default(spec: DocumentSpec, state: DocumentState, *, updated: bool) -> list[Action]:
    wanted = matching.wanted_default(spec, state, updated=updated)
    if wanted == state.default_version:
        return []
    if wanted is not None:
        _check_default(spec, state, wanted)
    return [SetDefault(wanted)]


def _check_default(spec: DocumentSpec, state: DocumentState, wanted: str) -> None:
    """Raise ``SSMError`` for a version that does not exist or has failed, and so can never be the default.

    The number of a version that the plan makes counts as one that does not exist, since it cannot be known before: AWS
    assigns no number twice, and does not return which ones it has assigned to versions that were deleted.
    """
    found = state.latest if wanted == state.latest_version else state.new_default_description
    if int(wanted) > int(state.latest_version):
        found = {}
    if found is not None and found.get("Status") not in ("Active", *PENDING):
        raise SSMError(not_active(spec.name, wanted, found, CHANGE_DEFAULT, state.latest_version))


def _sharing(spec: DocumentSpec, state: DocumentState | None) -> list[Share]:
    if spec.permissions is None:
        return []
    if state is None:
        return sharing.changes(spec.permissions, {}, spec.name)
    found = state.permissions or {}
    owner = state.latest.get("Owner")
    # The owner can use the document anyway. AWS does not document whether it accepts, or lists, the owner's account.
    others = [account for account in spec.permissions.account_ids if account in found or account != owner]
    wanted = dataclasses.replace(spec.permissions, account_ids=others)
    return sharing.changes(wanted, found, spec.name)


def _tag_changes(spec: DocumentSpec, state: DocumentState) -> list[Action]:
    if spec.tags is None:
        return []
    to_set, to_remove = compare_aws_tags(state.tags, matching.wanted_tags(spec, state.tags), purge_tags=True)
    limits.check_no_reserved_tags(to_set)
    limits.check_merged_tag_count((state.tags.keys() | to_set.keys()) - set(to_remove))
    adding: list[Action] = [AddTags(to_set)] if to_set else []
    removing: list[Action] = [RemoveTags(tuple(to_remove))] if to_remove else []
    # Add first, so that no tag is lost if AWS rejects the new ones. Remove first only if there is no room for all.
    has_room = limits.has_room_for_tags(state.tags.keys() | to_set.keys())
    return [*adding, *removing] if has_room else [*removing, *adding]


def _pruning(spec: DocumentSpec, state: DocumentState) -> tuple[list[Action], list[Action]]:
    """Return the actions that delete old versions before the change, and those that do so after it.

    Versions are deleted after the change, so that a change that fails costs no version. Only if a document is full are
    some deleted before, to make room for a new version.
    """
    numbers = [] if _keeps_all_shared(spec, state) else matching.versions_to_prune(spec, state)
    versions = sorted(state.versions or ())
    spare = versions[: -spec.keep_versions] if spec.keep_versions and len(versions) >= limits.MAX_VERSIONS else []
    first = [number for number in numbers if number in spare and number != int(state.default_version)]
    last = [number for number in numbers if number not in first]
    return _deletion(first), _deletion(last)


def _deletion(numbers: list[int]) -> list[Action]:
    return [DeleteVersions(tuple(numbers))] if numbers else []


def _keeps_all_shared(spec: DocumentSpec, state: DocumentState) -> bool:
    """Return whether some account may use all versions after the change, so that none may be deleted."""
    return "$ALL" in _shared(spec, state).values()
