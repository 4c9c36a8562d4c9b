# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Read a document from AWS, with no more calls than planning requires."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from .. import api
from ..errors import DENIED, SSMError, tolerating
from ..fanout import DEFAULT_WORKERS, fan_out_all
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
    """What a plan for ``spec`` needs to know; None if there is no such document.

    ``search_versions`` looks for the wanted content in versions other than the latest and the default, too.
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
        state = dataclasses.replace(state, named_version=None if named is None else str(named["DocumentVersion"]))
    state = _with_new_default(client, spec, _with_versions(client, spec, state))
    return _with_permissions(client, spec, state)


def completed(client: api.Client, spec: DocumentSpec) -> DocumentSpec:
    """Return the spec with what depends on the document: its content, and the number of a default told by its name.

    Each of them takes one call.
    """
    return _with_merged_content(client, _with_default_number(client, spec))


def _with_default_number(client: api.Client, spec: DocumentSpec) -> DocumentSpec:
    """Return the spec with the number of the version that is to be the default.

    If the document is not there, or cannot be changed, the spec stays as it is, and the plan says so.
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
    """Return the spec with the content that the preferences make of what the document has.

    They are changed from what sessions use: the default version, or the latest one where the task stages.
    """
    if spec.preferences is None or not spec.merges:
        return spec
    base = DEFAULT if spec.name == PREFERENCES and spec.default_version != "keep" else LATEST
    reply = api.get_document(client, spec.name, base, content.JSON)
    if reply is None or reply.get("Status") == "Deleting" or reply.get("DocumentType") not in (None, SESSION):
        # There is nothing to start from, or nothing that can stay.
        merged = preferences.to_content(spec.preferences)
    else:
        text_format = str(reply.get("DocumentFormat") or content.JSON)
        merged = preferences.merged(spec.preferences, content.parsed(str(reply["Content"]), text_format))
    return dataclasses.replace(spec, content=content.wanted(merged, spec.document_format))


def live(
    client: api.Client, spec: DocumentSpec, state: DocumentState, actions: Sequence[Action]
) -> tuple[Any, Any] | None:
    """Return what new sessions use before and after the actions; None where the actions do not change that."""
    made = next((action for action in actions if isinstance(action, (Create, Update))), None)
    moved = next((action for action in actions if isinstance(action, SetDefault)), None)
    by_default = spec.name == PREFERENCES
    if by_default and moved is not None and moved.version is not None:
        after = _value(client, state, moved.version)
    elif made is not None and (moved is not None or isinstance(made, Create) or not by_default):
        after = content.parsed(str(made.request["Content"]), str(made.request["DocumentFormat"]))
    else:
        return None
    return _value(client, state, state.default_version if by_default else state.latest_version), after


def _value(client: api.Client, state: DocumentState, version: str) -> Any:
    """Return what the content of one version stands for."""
    if version == state.latest_version and state.latest_content is not None:
        return content.parsed(state.latest_content, state.document_format)
    reply = api.get_document(client, str(state.latest["Name"]), version, content.JSON)
    return None if reply is None else content.parsed(str(reply["Content"]), str(reply.get("DocumentFormat")))


def default_content(client: api.Client, state: DocumentState) -> VersionContent:
    """The content of the default version, read unless it is known. An error is no ``SSMError``, but told in it."""
    number = state.default_version
    if number == state.latest_version and state.latest_content is not None:
        return state.newest
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
    """What a plan for ``removal`` needs to know; None if there is no such document."""
    latest = api.describe_document(client, removal.name, LATEST)
    if latest is None or not _can_change(DocumentState(latest)):
        return None if latest is None else DocumentState(latest)
    state = DocumentState(latest)
    if removal.of_version:
        going = _version_to_remove(client, removal)
        numbers = () if going is None else (int(going["DocumentVersion"]),)
        return dataclasses.replace(state, versions=numbers, version_to_remove=going)
    # The content is for the diff alone; without force_unshare so are the permissions, for AWS minds them itself.
    text, permissions = None, None
    with tolerating(DENIED):
        text = _stored(client, state)
    with tolerating(frozenset() if removal.force_unshare else DENIED):
        permissions = api.describe_document_permission(client, removal.name)
    return dataclasses.replace(state, latest_content=text, permissions=permissions)


def _can_change(state: DocumentState) -> bool:
    """Return whether the plan needs more than the description: nobody changes what is going, or is another's."""
    return not state.deleting and state.foreign_owner is None


def again(
    client: api.Client, before: DocumentState | None, planned: DocumentState | None, *, permissions: bool
) -> DocumentState | None:
    """The document after a change, with as much of it as ``planned``, the state that was foreseen, has.

    ``permissions`` says whether to read those again, too.
    """
    if planned is None:
        return None
    latest = api.describe_document(client, str(planned.latest["Name"]), LATEST)
    if latest is None:
        return None
    shared = api.describe_document_permission(client, str(latest["Name"])) if permissions else planned.permissions
    state = DocumentState(latest, permissions=shared, versions=planned.versions)
    known = [text for one in (planned, before) if one and (text := one.latest_content) is not None]
    if not known:
        return state
    same = next((text for text in known if content.sha256(text) == latest.get("Hash")), None)
    return dataclasses.replace(state, latest_content=_stored(client, state) if same is None else same)


def _with_content(client: api.Client, spec: DocumentSpec, state: DocumentState) -> DocumentState:
    """The state with the contents that the comparison needs, and the version that holds the wanted one."""
    if spec.content is None:
        if not matching.needs_stored_content(spec, state):
            return state
        return dataclasses.replace(state, latest_content=_stored(client, state))
    text, unused = spec.content.encode(state.document_format)
    same = state.latest.get("Hash") == content.sha256(text)
    state = dataclasses.replace(state, latest_content=text if same else _stored(client, state))
    if matching.has_attributes(spec, state.latest) and (
        same or matching.is_wanted_content(spec, state.latest_content, state.document_format)
    ):
        return _with_match(state, state.latest)
    default = matching.default_unless_updated(spec, state)
    if default == state.latest_version or state.used_by_latest:
        # What sessions use has to be as wanted, whatever the default version is.
        return state
    # Content can be in force behind one that is staged, or because AWS would not store the same content twice.
    return _with_match(state, _matching(client, spec, default, state.document_format))


def _with_match(state: DocumentState, version: Mapping[str, Any] | None) -> DocumentState:
    """The state with the version that is as wanted, if there is one."""
    if version is None:
        return state
    return dataclasses.replace(state, matching_version=str(version["DocumentVersion"]), matching_description=version)


def _matching(client: api.Client, spec: DocumentSpec, version: str, document_format: str) -> api.Shape | None:
    """A version that is not the latest, with its status, if it has the wanted content and all else that is stated.

    ``document_format`` is the one that it probably has: what its content means can be told from any.
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
    """The state with the version that is to be the default, if that is another one than those already described."""
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
    # Numbers are never given twice, so as long as they are low no version can be one too many.
    if spec.keep_versions is None or int(state.latest_version) + 1 <= spec.keep_versions:
        return state
    infos = api.list_document_versions(client, spec.name)
    return dataclasses.replace(state, versions=tuple(sorted(int(info["DocumentVersion"]) for info in infos)))


def _version_to_remove(client: api.Client, removal: Removal) -> api.Shape | None:
    named = {"VersionName": removal.version_name} if removal.version_name else {"DocumentVersion": str(removal.version)}
    return api.describe_selected(client, removal.name, named)


def _search(client: api.Client, spec: DocumentSpec, state: DocumentState) -> api.Shape | None:
    """A version that is as wanted, and not the latest: the one in force, so that it stays so, or else the newest."""
    default = matching.default_unless_updated(spec, state)
    known = (state.latest_version, None if state.used_by_latest else default)
    infos = {str(info["DocumentVersion"]): info for info in api.list_document_versions(client, spec.name)}
    others = [number for number in infos if number not in known]
    others.sort(key=lambda number: (number == default, int(number)), reverse=True)

    def matching_one(number: str) -> api.Shape | None:
        return _matching(client, spec, number, str(infos[number].get("DocumentFormat") or content.JSON))

    for start in range(0, len(others), DEFAULT_WORKERS):
        for version in fan_out_all(matching_one, others[start : start + DEFAULT_WORKERS]):
            if version is not None:
                return version
    return None


def _stored(client: api.Client, state: DocumentState) -> str | None:
    """The content of the latest version."""
    reply = api.get_document(client, str(state.latest["Name"]), LATEST, state.document_format)
    return None if reply is None else str(reply["Content"])
