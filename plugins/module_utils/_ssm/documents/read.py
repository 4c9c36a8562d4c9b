# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Read a document from AWS, fetching only what planning needs."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from .. import api
from ..errors import DENIED, SSMError, tolerating
from ..fanout import DEFAULT_WORKERS, fan_out_values
from . import content, matching, preferences
from .actions import Action, Create, SetDefault, Update
from .model import (
    DEFAULT,
    LATEST,
    PREFERENCES,
    SESSION,
    DocumentSpec,
    DocumentState,
    Removal,
    VersionContent,
    not_named,
)


def for_spec(client: api.Client, spec: DocumentSpec, *, search_versions: bool = False) -> DocumentState | None:
    """Return the state that a plan for ``spec`` needs; None if the document does not exist.

    ``search_versions``: look for the wanted content in all versions, not only in the latest and the default one.
    """
    latest = api.describe_document(client, spec.name, LATEST)
    if latest is None or not _can_change(DocumentState(latest)):
        return None if latest is None else DocumentState(latest)
    state = _with_content(client, spec, DocumentState(latest))
    if (
        spec.content is not None
        and state.matching_version is None
        and (search_versions or matching.repeats_latest(spec, state))
    ):
        state = _with_match(state, _search(client, spec, state))
    if spec.version_name and latest.get("VersionName") != spec.version_name:
        named = api.describe_selected(client, spec.name, {"VersionName": spec.version_name})
        state = dataclasses.replace(
            state, version_with_wanted_name=None if named is None else str(named["DocumentVersion"])
        )
    state = _with_new_default(client, spec, _with_versions(client, spec, state))
    return _with_permissions(client, spec, state)


def resolve_spec(client: api.Client, spec: DocumentSpec) -> DocumentSpec:
    """Return the spec with the values that depend on the document: merged content, and the default version's number.

    Takes one call for each of the two, if the task uses it. Raises ``SSMError`` for a name that no version has.
    """
    return _with_merged_content(client, _with_default_number(client, spec))


def _with_default_number(client: api.Client, spec: DocumentSpec) -> DocumentSpec:
    """Return the spec with the number of the default version that the task gives by name.

    If the document does not exist or cannot be changed, return ``spec`` unchanged; planning then reports that.
    """
    if spec.default_name is None:
        return spec
    found = api.describe_selected(client, spec.name, {"VersionName": spec.default_name})
    if found is not None:
        return dataclasses.replace(spec, default_version=str(found["DocumentVersion"]))
    latest = api.describe_document(client, spec.name, LATEST)
    if latest is None or not _can_change(DocumentState(latest)):
        return spec
    infos: Sequence[api.Shape] = ()
    with tolerating(DENIED):
        infos = api.list_document_versions(client, spec.name)
    raise SSMError(not_named(spec, infos))


def _with_merged_content(client: api.Client, spec: DocumentSpec) -> DocumentSpec:
    """Return the spec with the document's content as the session preferences of the task change it.

    They change what sessions use: the default version of ``PREFERENCES``, and the latest one of any other document.
    With ``default_version: keep`` it is always the latest one.
    """
    if spec.preferences is None or not spec.merges:
        return spec
    base = DEFAULT if spec.name == PREFERENCES and spec.default_version != "keep" else LATEST
    reply = api.get_document(client, spec.name, base, content.JSON)
    if reply is None or reply.get("Status") == "Deleting" or reply.get("DocumentType") not in (None, SESSION):
        # There is no document, or none whose content can be merged.
        merged = preferences.to_content(spec.preferences)
    else:
        text_format = str(reply.get("DocumentFormat") or content.JSON)
        merged = preferences.merged(spec.preferences, content.parse(str(reply["Content"]), text_format))
    return dataclasses.replace(spec, content=content.wanted_content(merged, spec.document_format))


def content_in_use(
    client: api.Client, spec: DocumentSpec, state: DocumentState, actions: Sequence[Action]
) -> tuple[Any, Any] | None:
    """Return the parsed content that new sessions use (before, after) the actions; None if these do not change it."""
    writes = next((action for action in actions if isinstance(action, (Create, Update))), None)
    sets_default = next((action for action in actions if isinstance(action, SetDefault)), None)
    by_default = spec.name == PREFERENCES
    if by_default and sets_default is not None and sets_default.version is not None:
        after = _parsed_content(client, state, sets_default.version)
    elif writes is not None and (sets_default is not None or isinstance(writes, Create) or not by_default):
        after = content.parse(str(writes.request["Content"]), str(writes.request["DocumentFormat"]))
    else:
        return None
    return _parsed_content(client, state, state.default_version if by_default else state.latest_version), after


def _parsed_content(client: api.Client, state: DocumentState, version: str) -> Any:
    """Return the parsed content of one version; None if the version does not exist."""
    if version == state.latest_version and state.latest_content is not None:
        return content.parse(state.latest_content, state.document_format)
    reply = api.get_document(client, str(state.latest["Name"]), version, content.JSON)
    return None if reply is None else content.parse(str(reply["Content"]), str(reply.get("DocumentFormat")))


def default_content(client: api.Client, state: DocumentState) -> VersionContent:
    """Return the content of the default version, and read it unless it is known.

    Raises no ``SSMError``: ``problem`` of the result says that reading failed.
    """
    number = state.default_version
    if number == state.latest_version and state.latest_content is not None:
        return state.latest_version_content
    reply, code = None, None
    try:
        reply = api.get_document(client, str(state.latest["Name"]), number, state.document_format)
    except SSMError as error:
        code = error.code
    if reply is None:
        reason = f" ({code})" if code else ""
        problem = f"The content of version {number} could not be read{reason}."
        return VersionContent(None, state.document_format, problem)
    return VersionContent(str(reply["Content"]), str(reply.get("DocumentFormat") or state.document_format))


def for_removal(client: api.Client, removal: Removal) -> DocumentState | None:
    """Return the state that a plan for ``removal`` needs; None if the document does not exist."""
    latest = api.describe_document(client, removal.name, LATEST)
    if latest is None or not _can_change(DocumentState(latest)):
        return None if latest is None else DocumentState(latest)
    state = DocumentState(latest)
    if removal.removes_one_version:
        version = _version_to_remove(client, removal)
        numbers = () if version is None else (int(version["DocumentVersion"]),)
        return dataclasses.replace(state, versions=numbers, version_to_remove=version)
    # A denied read is tolerated where the plan can do without: the content is only for the diff, and so are the
    # permissions without force_unshare, because AWS itself refuses to delete a shared document (trap 26).
    text, permissions = None, None
    with tolerating(DENIED):
        text = _stored_content(client, state)
    with tolerating(frozenset() if removal.force_unshare else DENIED):
        permissions = api.describe_document_permission(client, removal.name)
    return dataclasses.replace(state, latest_content=text, permissions=permissions)


def _can_change(state: DocumentState) -> bool:
    """Return whether the document can be changed. If not, a plan needs only its description."""
    return not state.deleting and state.foreign_owner is None


def read_after(
    client: api.Client, before: DocumentState | None, predicted: DocumentState | None, *, permissions: bool
) -> DocumentState | None:
    """Read a document again after a change; return None if it does not exist.

    The content is read only if ``before`` or ``predicted``, the state that the plan leads to, has it. The versions are
    the predicted ones, and so are the permissions, unless ``permissions`` is set to read them again.
    """
    if predicted is None:
        return None
    latest = api.describe_document(client, str(predicted.latest["Name"]), LATEST)
    if latest is None:
        return None
    shared = api.describe_document_permission(client, str(latest["Name"])) if permissions else predicted.permissions
    state = DocumentState(latest, permissions=shared, versions=predicted.versions)
    known = [text for one in (predicted, before) if one and (text := one.latest_content) is not None]
    if not known:
        return state
    same = next((text for text in known if content.sha256(text) == latest.get("Hash")), None)
    return dataclasses.replace(state, latest_content=_stored_content(client, state) if same is None else same)


def _with_content(client: api.Client, spec: DocumentSpec, state: DocumentState) -> DocumentState:
    """Return the state with the latest content, if comparing needs it, and the matching version, if found.

    Only the latest and the default version are compared.
    """
    if spec.content is None:
        if not matching.needs_stored_content(spec, state):
            return state
        return dataclasses.replace(state, latest_content=_stored_content(client, state))
    text, unused = spec.content.encode(state.document_format)
    same = state.latest.get("Hash") == content.sha256(text)
    state = dataclasses.replace(state, latest_content=text if same else _stored_content(client, state))
    if matching.has_attributes(spec, state.latest) and (
        same or matching.is_wanted_content(spec, state.latest_content, state.document_format)
    ):
        return _with_match(state, state.latest)
    default = matching.default_candidate(spec, state)
    if default == state.latest_version or state.used_by_latest:
        # If sessions use the latest version, it has to match, whatever the default version is (trap 45).
        return state
    # The default version can match although the latest one does not: the latest was made with default_version=keep, or
    # AWS rejected the content as a duplicate and the default was moved back to it (traps 3 and 7).
    return _with_match(state, _get_if_matching(client, spec, default, state.document_format))


def _with_match(state: DocumentState, version: Mapping[str, Any] | None) -> DocumentState:
    """Return the state with this matching version, given by its description; unchanged if there is none."""
    if version is None:
        return state
    return dataclasses.replace(state, matching_version=str(version["DocumentVersion"]), matching_description=version)


def _get_if_matching(client: api.Client, spec: DocumentSpec, version: str, document_format: str) -> api.Shape | None:
    """Return the GetDocument reply of a version, which has its status, if the version matches the spec; else None.

    ``document_format`` is the probable format of the version. If it is another one, AWS converts the content, which
    does not change its meaning.
    """
    if spec.exact or matching.wanted_attributes(spec):
        described = api.describe_document(client, spec.name, version)
        if described is None or not matching.has_attributes(spec, described):
            return None
        document_format = str(described.get("DocumentFormat") or document_format)
    reply = api.get_document(client, spec.name, version, document_format)
    if reply is None:
        return None
    return (
        reply
        if matching.is_wanted_content(spec, str(reply["Content"]), str(reply.get("DocumentFormat") or document_format))
        else None
    )


def _with_new_default(client: api.Client, spec: DocumentSpec, state: DocumentState) -> DocumentState:
    """Return the state with the description of the older version that is to become the default, if there is one."""
    number = spec.default_version
    if number in ("latest", "keep", state.default_version) or int(number) >= int(state.latest_version):
        return state
    return dataclasses.replace(state, new_default_description=api.describe_document(client, spec.name, number) or {})


def _with_permissions(client: api.Client, spec: DocumentSpec, state: DocumentState) -> DocumentState:
    needed = spec.permissions is not None or matching.recreates(spec, state) or matching.versions_to_prune(spec, state)
    if not needed:
        return state
    return dataclasses.replace(state, permissions=api.describe_document_permission(client, spec.name))


def _with_versions(client: api.Client, spec: DocumentSpec, state: DocumentState) -> DocumentState:
    # A document has at most as many versions as its latest number, because AWS assigns no number twice. (Assumed, see
    # "Version numbers" in tests/emulator/FIDELITY.md.)
    if spec.keep_versions is None or int(state.latest_version) + 1 <= spec.keep_versions:
        return state
    infos = api.list_document_versions(client, spec.name)
    return dataclasses.replace(state, versions=tuple(sorted(int(info["DocumentVersion"]) for info in infos)))


def _version_to_remove(client: api.Client, removal: Removal) -> api.Shape | None:
    if removal.version_name:
        return api.describe_selected(client, removal.name, {"VersionName": removal.version_name})
    return api.describe_selected(client, removal.name, {"DocumentVersion": str(removal.version)})


def _search(client: api.Client, spec: DocumentSpec, state: DocumentState) -> api.Shape | None:
    """Search the versions other than the latest one for a matching one; return its GetDocument reply, or None.

    The default version is preferred, so that it stays the default; then the newest.
    """
    default = matching.default_candidate(spec, state)
    compared = (state.latest_version, None if state.used_by_latest else default)
    infos = {str(info["DocumentVersion"]): info for info in api.list_document_versions(client, spec.name)}
    others = [number for number in infos if number not in compared]
    others.sort(key=lambda number: (number == default, int(number)), reverse=True)

    def get_if_matching(number: str) -> api.Shape | None:
        return _get_if_matching(client, spec, number, str(infos[number].get("DocumentFormat") or content.JSON))

    for start in range(0, len(others), DEFAULT_WORKERS):
        for version in fan_out_values(get_if_matching, others[start : start + DEFAULT_WORKERS]):
            if version is not None:
                return version
    return None


def _stored_content(client: api.Client, state: DocumentState) -> str | None:
    """Return the content of the latest version as AWS stores it; None if the document does not exist any more."""
    reply = api.get_document(client, str(state.latest["Name"]), LATEST, state.document_format)
    return None if reply is None else str(reply["Content"])
