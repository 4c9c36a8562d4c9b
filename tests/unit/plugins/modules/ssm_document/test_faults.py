# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test every kind of task with every kind of fault in each of its calls.

The task then either succeeds or reports what was done and what was not. It loses nothing, and a second run does
the rest.
"""

from __future__ import annotations

import atexit
import dataclasses
import functools
import re
import traceback
from collections import Counter
from typing import Any

import pytest
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.errors import SSMError

from emulator.journal import is_write
from unit.support.document_stage import NAME, Stage, accounts, default_content, document, session, without_waiting

ONE, TWO, THREE = session("one"), session("two"), session("three")
COMMAND = {
    "schemaVersion": "2.2",
    "mainSteps": [{"action": "aws:runShellScript", "name": "run", "inputs": {"runCommand": ["id"]}}],
}
TAGS = {"team": "a", "cost": "b"}
OTHERS = accounts(0, 2)

# A text in a reply's body that no output may contain.
CANARY = "TheVerySecretBody"
PAGE = f"<!DOCTYPE html><html><body>{CANARY}<br></body></html>"
JSON_TYPE = "application/x-amz-json-1.1"
# What happens to a call, and how often: 1 or "always".
KINDS: dict[str, tuple[dict[str, Any], Any]] = {
    "throttled-once": ({"error": "ThrottlingException", "message": "Rate exceeded"}, 1),
    "throttled": ({"error": "ThrottlingException", "message": "Rate exceeded"}, "always"),
    "error-once": ({"error": "InternalServerError", "status": 500}, 1),
    "error": ({"error": "InternalServerError", "status": 500}, "always"),
    "request-lost-once": ({"drop": "before"}, 1),
    "answer-lost-once": ({"drop": "after"}, 1),
    "answer-lost": ({"drop": "after"}, "always"),
    "expired": ({"error": "ExpiredTokenException", "message": "The token is expired"}, "always"),
    "page": ({"raw": PAGE, "status": 200}, 1),
    "page-in-the-way": ({"raw": PAGE, "status": 502}, "always"),
    "no-json": ({"raw": CANARY, "status": 200, "content_type": JSON_TYPE}, 1),
    "no-object": ({"raw": [CANARY], "status": 200, "content_type": JSON_TYPE}, 1),
    "denied": ({"error": "AccessDeniedException", "message": "Not authorized"}, "always"),
    "busy-once": ({"error": "TooManyUpdates", "message": "There are concurrent updates"}, 1),
    # AWS replies so for a document of another account, although DescribeDocument returns that document.
    "not-found": ({"error": "InvalidDocument", "message": "Document does not exist."}, "always"),
}
# Calls that only read skip these kinds, because another kind has the same effect on them.
ONLY_FOR_WRITES = {"error-once", "error", "request-lost-once", "busy-once", "not-found"}
# botocore, or the module itself, repeats these calls, so the task has to succeed.
HARMLESS = {"throttled-once", "error-once", "request-lost-once", "answer-lost-once", "busy-once"}

DESCRIBE, GET, LIST_VERSIONS = "DescribeDocument", "GetDocument", "ListDocumentVersions"
CREATE, UPDATE, DEFAULT, DELETE = "CreateDocument", "UpdateDocument", "UpdateDocumentDefaultVersion", "DeleteDocument"
WHO, SHARE, TAG, UNTAG = (
    "DescribeDocumentPermission",
    "ModifyDocumentPermission",
    "AddTagsToResource",
    "RemoveTagsFromResource",
)


@dataclasses.dataclass(frozen=True)
class Flow:
    """A task, the document that it finds, the calls that it makes, and the document afterwards (``wanted``)."""

    options: dict[str, Any]
    calls: list[str]
    wanted: dict[str, Any] | None
    document: dict[str, Any] | None = None
    world: dict[str, Any] = dataclasses.field(default_factory=dict)
    # The plan that is completed differs from the first one.
    plans_anew: bool = False
    # The document is recreated. If that fails, the user has to set again what the task does not state.
    remakes: bool = False
    carries_over: bool = False


FLOWS: dict[str, Flow] = {
    "create": Flow(
        {"content": ONE, "document_type": "Session", "tags": TAGS, "permissions": {"account_ids": OTHERS}},
        [DESCRIBE, CREATE, DESCRIBE, DESCRIBE, SHARE, DESCRIBE, WHO],
        {"default": 1, "versions": [1], "default_content": ONE, "tags": TAGS, "shared": OTHERS},
    ),
    "update": Flow(
        {"content": TWO},
        [DESCRIBE, GET, UPDATE, DESCRIBE, DESCRIBE, DEFAULT, DESCRIBE],
        {"default": 2, "versions": [1, 2], "default_content": TWO, "tags": TAGS, "shared": OTHERS},
        document(ONE, tags=TAGS, permissions=OTHERS),
    ),
    "stage": Flow(
        {"content": TWO, "default_version": "keep", "version_name": "next"},
        [DESCRIBE, GET, DESCRIBE, UPDATE, DESCRIBE, DESCRIBE, DESCRIBE],
        {"default": 1, "versions": [1, 2], "default_content": ONE, "tags": TAGS, "shared": OTHERS},
        document(ONE, tags=TAGS, permissions=OTHERS),
    ),
    "drift": Flow(
        {"content": TWO},
        [DESCRIBE, DESCRIBE, DEFAULT, DESCRIBE],
        {"default": 2, "versions": [1, 2], "default_content": TWO, "tags": TAGS, "shared": []},
        document(ONE, TWO, tags=TAGS, default_version=1),
    ),
    "permissions": Flow(
        {"permissions": {"account_ids": accounts(3, 23)}},
        [DESCRIBE, WHO, SHARE, SHARE, DESCRIBE, WHO, WHO],
        {"default": 1, "versions": [1], "default_content": ONE, "tags": TAGS, "shared": accounts(3, 23)},
        document(ONE, tags=TAGS, permissions=accounts(0, 5)),
    ),
    "make-private": Flow(
        {"permissions": {"account_ids": OTHERS, "shared_document_version": "$LATEST"}},
        [DESCRIBE, WHO, SHARE, SHARE, DESCRIBE, WHO],
        {"default": 1, "versions": [1], "default_content": ONE, "tags": TAGS, "shared": OTHERS},
        document(ONE, tags=TAGS, permissions=["all"]),
    ),
    "make-public": Flow(
        {"permissions": {"account_ids": ["all"]}},
        [DESCRIBE, WHO, SHARE, SHARE, DESCRIBE, WHO],
        {"default": 1, "versions": [1], "default_content": ONE, "tags": TAGS, "shared": ["all"]},
        document(ONE, tags=TAGS, permissions=OTHERS),
    ),
    "unshare": Flow(
        {"permissions": {"account_ids": []}},
        [DESCRIBE, WHO, SHARE, DESCRIBE, WHO],
        {"default": 1, "versions": [1], "default_content": ONE, "tags": TAGS, "shared": []},
        document(ONE, tags=TAGS, permissions=OTHERS),
    ),
    "default-by-number": Flow(
        {"default_version": "1"},
        [DESCRIBE, DESCRIBE, DESCRIBE, DEFAULT, DESCRIBE],
        {"default": 1, "versions": [1, 2], "default_content": ONE, "tags": TAGS, "shared": OTHERS},
        document(ONE, TWO, tags=TAGS, permissions=OTHERS),
    ),
    "format": Flow(
        {"document_format": "YAML", "default_version": "latest", "wait": False},
        [DESCRIBE, GET, UPDATE, DESCRIBE, DESCRIBE, DEFAULT, DESCRIBE],
        {"default": 2, "versions": [1, 2], "default_content": ONE, "tags": TAGS, "shared": OTHERS},
        document(ONE, tags=TAGS, permissions=OTHERS, target_type="/"),
    ),
    "go-back": Flow(
        {"content": TWO, "tags": {"team": "b"}, "purge_tags": False},
        [DESCRIBE, GET, UPDATE, DESCRIBE, GET, LIST_VERSIONS, GET, GET, GET, DESCRIBE, DEFAULT, TAG, DESCRIBE],
        {
            "default": 2,
            "versions": [1, 2, 3, 4],
            "default_content": TWO,
            "tags": {**TAGS, "team": "b"},
            "shared": OTHERS,
        },
        # A document of this type is always used in its default version, so nothing is left to do.
        document(ONE, TWO, ONE, THREE, document_type="ApplicationConfiguration", tags=TAGS, permissions=OTHERS),
        {"switches": {"duplicate_scope": "any"}},
        plans_anew=True,
    ),
    "tags": Flow(
        {"tags": {"same": "1", "other": "9", "new": "4"}},
        [DESCRIBE, TAG, UNTAG, DESCRIBE],
        {
            "default": 1,
            "versions": [1],
            "default_content": ONE,
            "tags": {"same": "1", "other": "9", "new": "4"},
            "shared": OTHERS,
        },
        document(ONE, tags={"same": "1", "other": "2", "old": "3"}, permissions=OTHERS),
    ),
    "target-type": Flow(
        {"target_type": "/AWS::EC2::Instance"},
        [DESCRIBE, GET, UPDATE, DESCRIBE, DESCRIBE, DESCRIBE],
        {"default": 1, "versions": [1, 2], "default_content": ONE, "tags": TAGS, "shared": OTHERS},
        document(ONE, tags=TAGS, permissions=OTHERS),
    ),
    "delete": Flow(
        {"state": "absent"},
        [DESCRIBE, GET, WHO, DELETE, DESCRIBE, DESCRIBE, DESCRIBE],
        None,
        document(ONE, TWO, tags=TAGS),
        {"limits": {"document_deleting_reads": 2}},
    ),
    "delete-shared": Flow(
        {"state": "absent", "force_unshare": True},
        [DESCRIBE, GET, WHO, WHO, SHARE, SHARE, DELETE, DESCRIBE],
        None,
        document(ONE, tags=TAGS, permissions=accounts(0, 25)),
    ),
    "delete-version": Flow(
        {"state": "absent", "document_version": "2"},
        [DESCRIBE, DESCRIBE, DELETE, DESCRIBE],
        {"default": 3, "versions": [1, 3], "default_content": THREE, "tags": TAGS, "shared": OTHERS},
        document(ONE, TWO, THREE, tags=TAGS, permissions=OTHERS),
    ),
    "recreate": Flow(
        {
            "content": ONE,
            "document_type": "Session",
            "recreate": True,
            "force_unshare": True,
            "tags": TAGS,
            "permissions": {"account_ids": OTHERS},
        },
        [DESCRIBE, GET, WHO, SHARE, DELETE, DESCRIBE, CREATE, DESCRIBE, DESCRIBE, SHARE, DESCRIBE, WHO],
        {"default": 1, "versions": [1], "default_content": ONE, "tags": TAGS, "shared": OTHERS},
        document(COMMAND, document_type="Command", tags=TAGS, permissions=OTHERS),
        remakes=True,
    ),
    "recreate-as-it-was": Flow(
        {"content": ONE, "document_type": "Session", "recreate": True, "force_unshare": True},
        [DESCRIBE, GET, WHO, SHARE, DELETE, DESCRIBE, CREATE, DESCRIBE, DESCRIBE, SHARE, DESCRIBE, WHO],
        {"default": 1, "versions": [1], "default_content": ONE, "tags": TAGS, "shared": OTHERS},
        document(COMMAND, document_type="Command", tags=TAGS, permissions=OTHERS),
        remakes=True,
        carries_over=True,
    ),
    "keep-versions": Flow(
        {"content": ONE, "keep_versions": 3},
        [DESCRIBE, GET, LIST_VERSIONS, WHO, UPDATE, DESCRIBE, DESCRIBE, DEFAULT, DELETE, DELETE, DESCRIBE],
        {"default": 5, "versions": [3, 4, 5], "default_content": ONE, "tags": TAGS, "shared": OTHERS},
        document(ONE, TWO, ONE, TWO, tags=TAGS, permissions=OTHERS),
    ),
}

EXTRAS = ["content", "versions", "permissions", "tags"]
READ_EXTRAS = [GET, LIST_VERSIONS, WHO, WHO]
INFO: dict[str, tuple[dict[str, Any], list[str]]] = {
    "info-listing": ({"include": EXTRAS}, ["ListDocuments", *READ_EXTRAS, *READ_EXTRAS]),
    "info-named": ({"names": [NAME, "Team-Two"], "include": EXTRAS}, [DESCRIBE, *READ_EXTRAS] * 2),
}


def cases(flows: dict[str, list[str]]) -> list[Any]:
    """Return each call of each flow with each fault, as ``(flow, operation, earlier calls of it, fault)``."""
    return [
        pytest.param(
            name, operation, calls[:position].count(operation), kind, id=f"{name}-{position + 1}:{operation}-{kind}"
        )
        for name, calls in flows.items()
        for position, operation in enumerate(calls)
        for kind in KINDS
        if kind not in ONLY_FOR_WRITES or is_write(operation)
    ]


@functools.cache
def stage_of(name: str) -> Stage:
    """Return the emulator for a flow. All cases of the flow share it."""
    if name in INFO:
        documents = [
            document(ONE, name=NAME, tags=TAGS, permissions=accounts(0, 25)),
            document(ONE, name="Team-Two", permissions=accounts(50, 25)),
        ]
        stage = Stage(*documents, attempts=3)
    else:
        flow = FLOWS[name]
        stage = Stage(*([flow.document] if flow.document else []), attempts=3, **flow.world)
    stage.__enter__()
    atexit.register(stage.__exit__)
    return stage


@functools.cache
def undisturbed(name: str) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Return the result of a flow without faults, and the stored document afterwards."""
    stage = stage_of(name)
    stage.reset()
    with without_waiting():
        done = stage.info(**INFO[name][0]) if name in INFO else stage.ensure(**FLOWS[name].options)
    return done, stage.stored()


@pytest.mark.parametrize("name", FLOWS)
def test_a_flow_without_faults(name: str) -> None:
    stage, flow = stage_of(name), FLOWS[name]
    stage.reset()
    position = stage.aws.position
    with without_waiting():
        done = stage.ensure(**flow.options)
    assert stage.operations(position) == flow.calls
    assert done["changed"] and done["actions"]
    stored_document = stage.stored()
    found = stored_document and {
        "default": stored_document["default"],
        "versions": sorted(stored_document["versions"]),
        "default_content": default_content(stored_document),
        "tags": stored_document["tags"],
        "shared": sorted(stored_document["permissions"]),
    }
    assert found == flow.wanted
    assert stage.aws.violations == []


@pytest.mark.parametrize("name", INFO)
def test_reading_without_faults(name: str) -> None:
    stage, (options, calls) = stage_of(name), INFO[name]
    stage.reset()
    position = stage.aws.position
    found = stage.info(**options)["documents"]
    assert Counter(stage.operations(position)) == Counter(calls)
    assert [len(one["permissions"]["account_ids"]) for one in found] == [25, 25]
    assert stage.aws.violations == []


@pytest.mark.parametrize(
    ("name", "operation", "before", "kind"), cases({name: flow.calls for name, flow in FLOWS.items()})
)
def test_a_call_that_goes_wrong(name: str, operation: str, before: int, kind: str) -> None:
    stage, flow = stage_of(name), FLOWS[name]
    clean, wanted = undisturbed(name)
    stage.reset()
    at_first, position = stage.stored(), stage.aws.position
    disturb(stage, operation, before, kind)
    sentence, shown, reported = "", "", {}
    with without_waiting():
        try:
            done = stage.ensure(**flow.options)
        except SSMError as error:
            sentence, reported = str(error), dict(error.result)
            shown = "".join(traceback.format_exception(error))
    assert CANARY not in shown + repr(reported)
    assert stage.aws.unused_faults() == [], "the call that was to go wrong was not made"
    now = stage.stored()
    if sentence:
        check_sentence(sentence, operation, kind)
        check_report(sentence, reported, at_first, now)
        check_account(sentence, clean["actions"], stage, position, plans_anew=flow.plans_anew)
        if not flow.remakes:
            check_nothing_lost(at_first, wanted, now)
    else:
        assert now == wanted
        assert {"changed": done["changed"], "actions": done["actions"]} == {
            "changed": True,
            "actions": clean["actions"],
        }
        assert done["document"] == clean["document"]
        # A deleted document's content is read only for the diff, so the task goes on if that read is denied.
        assert done["diff"] == clean["diff"] or (wanted is None and kind == "denied")
    stage.calm()
    if flow.carries_over and now != at_first and now != wanted:
        check_belongings(sentence, now)
        wanted = {
            **(wanted or {}),
            "tags": now["tags"] if now else {},
            "permissions": now["permissions"] if now else {},
        }
    check_repair(stage, flow, now, wanted)
    assert kind not in HARMLESS or not sentence, sentence
    assert stage.aws.violations == []


@pytest.mark.parametrize(
    ("name", "operation", "before", "kind"), cases({name: calls for name, (unused, calls) in INFO.items()})
)
def test_reading_goes_wrong(name: str, operation: str, before: int, kind: str) -> None:
    stage, (options, unused) = stage_of(name), INFO[name]
    clean = undisturbed(name)[0]
    stage.reset()
    disturb(stage, operation, before, kind)
    sentence = shown = ""
    with without_waiting():
        try:
            assert stage.info(**options) == clean
        except SSMError as error:
            sentence, shown = str(error), "".join(traceback.format_exception(error))
    assert CANARY not in shown
    assert stage.aws.unused_faults() == [], "the call that was to go wrong was not made"
    if sentence:
        check_sentence(sentence, operation, kind)
    # A partial result never counts as success.
    assert bool(sentence) is (kind not in HARMLESS)
    stage.calm()
    assert stage.info(**options) == clean


def disturb(stage: Stage, operation: str, before: int, kind: str) -> None:
    do, times = KINDS[kind]
    stage.aws.add_fault(op=operation, after=before, times=times, do=do)


def check_sentence(sentence: str, operation: str, kind: str) -> None:
    """Check that the message is one line that names the failed call and, if it is known, the remedy."""
    assert "\n" not in sentence and "Traceback" not in sentence
    assert "Could not " in sentence and sentence.endswith(".")
    if kind == "denied":
        assert f"ssm:{operation}" in sentence
    if kind == "expired":
        assert "Check the credentials" in sentence


def check_report(
    sentence: str, reported: dict[str, Any], at_first: dict[str, Any] | None, now: dict[str, Any] | None
) -> None:
    """Check that a failed task reports exactly the changes that were made to the document.

    A write whose reply was lost may have been made. In that case the message contains ``UNCERTAIN``.
    """
    actions = reported.get("actions", [])
    assert bool(reported.get("changed")) is bool(actions)
    if "restored" not in sentence:
        for action in actions:
            assert is_so(action, actions, at_first, now), f"{action} is claimed"
    if UNCERTAIN not in sentence:
        assert actions or now == at_first, "what changed is not said"
        assert now is not None or not at_first or any(map(DELETED.match, actions)), "the deletion is not said"


UNCERTAIN = "It is not known whether AWS made the change. Run the task again."
DELETED = re.compile("delete the document")


def is_so(action: str, actions: list[str], at_first: dict[str, Any] | None, now: dict[str, Any] | None) -> bool:
    """Return whether the document shows that an action was done, or that a later action undid it."""
    if DELETED.match(action):
        return now is None or "create the document" in actions
    if now is None:
        return any(map(DELETED.match, actions))
    if "create the document" in actions or at_first is None:
        return now != at_first  # a new document, which may be equal to the old one except for its type
    if action == "create a new version":
        return bool(max(now["versions"]) > max(at_first["versions"]))
    if action.startswith("delete"):
        return bool(set(at_first["versions"]) - set(now["versions"]))
    part = "default" if action.startswith("make") else "tags" if "the tags" in action else "permissions"
    return bool(now[part] != at_first[part])


def check_account(sentence: str, actions: list[str], stage: Stage, position: int, *, plans_anew: bool) -> None:
    """Check that the message lists the actions that were done, and all others as not done.

    If the old document was restored, no action on the new document is in either list.
    """
    done = said(sentence, r"Actions done before the error: (.*?)\.(?: Actions not done: |$)")
    left = said(sentence, r"Actions not done: (.*)\.$")
    writes = stage.aws.writes(since=position)
    answered = [entry for entry in writes if entry.outcome == "ok" and not entry.fault]
    if not answered:
        assert done == []
        assert left in ([], actions[1:]) or (plans_anew and left[1:] == actions[1:])
        return
    assert done, f"what was done is not said: {sentence}"
    assert len(done) <= len([entry for entry in writes if entry.outcome == "ok"])
    assert left == actions[len(actions) - len(left) :]
    for one, planned in zip(done, actions, strict=False):
        # A deletion of several versions may be done in part.
        assert one == planned or (one.startswith("delete version") and planned.startswith("delete the versions"))
    if "The old document was restored" in sentence:
        assert (done, left) == (actions[: actions.index("create the document")], [])
    else:
        assert len(done) + len(left) >= len(actions) - 1


def said(sentence: str, pattern: str) -> list[str]:
    found = re.search(pattern, sentence)
    return found[1].split("; ") if found else []


def check_nothing_lost(
    at_first: dict[str, Any] | None, wanted: dict[str, Any] | None, now: dict[str, Any] | None
) -> None:
    """Check that the document still has everything that it had and should keep."""
    if at_first is None:
        return
    if wanted is None:
        assert now is None or {**now, "permissions": {}} == {**at_first, "permissions": {}}
        return
    assert now is not None
    assert now["type"] == at_first["type"]
    assert now["default"] in (at_first["default"], wanted["default"])
    for part in ("versions", "tags", "permissions"):
        for key, value in at_first[part].items():
            if wanted[part].get(key) == value:
                assert now[part].get(key) == value, f"{part} lost {key}"


def check_belongings(sentence: str, now: dict[str, Any] | None) -> None:
    """Check that the message has the tags and accounts, if the document could not be recreated with them."""
    if now is None or now["tags"] != TAGS:
        assert all(f"{key}={value}" in sentence for key, value in TAGS.items())
    assert all(account in sentence for account in OTHERS)


def check_repair(stage: Stage, flow: Flow, now: dict[str, Any] | None, wanted: dict[str, Any] | None) -> None:
    """Check that a second run does the rest, and that a third run changes nothing."""
    with without_waiting():
        again = stage.ensure(**flow.options)
        assert stage.stored() == wanted
        assert again["changed"] is (now != wanted)
        position = stage.aws.position
        assert stage.ensure(**flow.options)["changed"] is False
    assert stage.aws.writes(since=position) == []
    assert stage.stored() == wanted
