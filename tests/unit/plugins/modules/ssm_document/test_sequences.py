# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test sequences of tasks: each sets what it states, keeps everything else, and changes nothing in a second run.

With ``DOCUMENT_SEQUENCES=N``, N random sequences run under each behaviour that AWS may have. Without it, the same few
sequences run each time.
"""

from __future__ import annotations

import os
from typing import Any

from ansible_collections.sessionops.aws.plugins.module_utils._ssm.errors import SSMError
from hypothesis import given, settings

from unit.support.document_stage import Stage, document, without_waiting
from unit.support.document_strategies import (
    FIRST,
    NAMES,
    ONE,
    SEQUENCES,
    THREE,
    TWO,
    A,
    Task,
    has_content,
    satisfies,
)
from unit.support.trap_stage import under

DUPLICATE = "DuplicateDocumentContent"
DRAWN = int(os.environ.get("DOCUMENT_SEQUENCES", "0"))
NOTHING: dict[str, Any] = {"type": None, "versions": {}, "default": 1, "tags": {}, "permissions": {}}
Held = dict[str, Any]


@under("duplicate_scope", "target_type_omitted")
def test_any_sequence_of_tasks(switches: dict[str, str]) -> None:
    staged = document(
        ONE, TWO, THREE, name=FIRST, default_version=2, tags={"team": "x", "Case": "y"}, permissions={A: "$LATEST"}
    )

    @settings(max_examples=DRAWN or 90, derandomize=not DRAWN)
    @given(tasks=SEQUENCES)
    def run(tasks: list[Task]) -> None:
        stage.reset()
        for task in tasks:
            run_one(stage, task)
        assert stage.aws.violations == []

    with Stage(staged, switches=switches) as stage, without_waiting():
        run()


def run_one(stage: Stage, task: Task) -> None:
    name = task["name"]
    others = {other: stage.stored(other) for other in NAMES if other != name}
    before, numbered, position = stage.stored(name), stage.is_numbered_on(name), stage.aws.position
    foreseen = attempt(stage, task, check_mode=True, diff=True)
    assert stage.aws.writes(since=position) == [], "check mode wrote"
    quiet = [without_diff_mode(stage, task, check_mode=check_mode) for check_mode in (True, False)]
    position = stage.aws.position
    done = attempt(stage, task, diff=True)
    assert quiet == [(without_diff(foreseen), []), (without_diff(done), written(stage, position))]
    after = stage.stored(name)
    assert {other: stage.stored(other) for other in others} == others
    refused = any(entry.outcome == DUPLICATE for entry in stage.aws.writes(since=position))
    # Check mode cannot foresee that AWS rejects content that an older version has.
    if isinstance(done, str):
        assert after == before
        assert foreseen == done or (refused and DUPLICATE in done)
        assert refused or stage.aws.writes(since=position) == []
        assert not refused or not any(satisfies(task, version) for version in (before or NOTHING)["versions"].values())
        return
    if not refused:
        assert not isinstance(foreseen, str), f"check mode failed: {foreseen}"
        # Nor can it foresee the number of a new version if versions with higher numbers were deleted.
        for key in ("changed", "actions", "diff")[: 3 if numbered else 2]:
            assert foreseen[key] == done[key], key
    assert done["changed"] is (after != before)
    check_held(task, before, after, refused=refused)
    check_result(done, after)
    check_again(stage, task, after)
    check_info(stage, task, after)


def without_diff_mode(stage: Stage, task: Task, *, check_mode: bool) -> tuple[Any, list[Any]]:
    """Return the result without diff mode, and the writes. Undo them afterwards."""
    position = stage.aws.position
    with stage.undone():
        result = attempt(stage, task, check_mode=check_mode)
    return without_diff(result), written(stage, position)


def without_diff(result: Any) -> Any:
    return result if isinstance(result, str) else {**result, "diff": []}


def written(stage: Stage, since: int) -> list[Any]:
    return [(entry.operation, entry.params, entry.outcome) for entry in stage.aws.writes(since=since)]


def attempt(stage: Stage, task: Task, *, check_mode: bool = False, diff: bool = False) -> dict[str, Any] | str:
    """Return the result, or the error message."""
    try:
        return stage.ensure(**task, check_mode=check_mode, diff=diff)
    except SSMError as error:
        return str(error)


def check_again(stage: Stage, task: Task, after: Held | None) -> None:
    """Check that a second run changes nothing."""
    position = stage.aws.position
    again = stage.ensure(**task, diff=True)
    assert again["changed"] is False
    assert again["actions"] == []
    assert again["diff"] == []
    # Only sending the content shows that an older version has it, so a rejected write is allowed.
    assert [entry.operation for entry in stage.aws.writes(since=position) if entry.outcome != DUPLICATE] == []
    assert stage.stored(task["name"]) == after


def check_result(done: dict[str, Any], after: Held | None) -> None:
    """Check that the result is what AWS stores."""
    shown = done["document"]
    if after is None:
        assert shown is None
        return
    assert shown["latest_version"] == str(max(after["versions"]))
    assert shown["default_version"] == str(after["default"])
    assert shown["tags"] == after["tags"]
    if "permissions" in shown:
        assert shown["permissions"]["shared_document_versions"] == after["permissions"]


def check_info(stage: Stage, task: Task, after: Held | None) -> None:
    """Check that ssm_document_info returns what AWS stores."""
    include = ["content", "versions", "permissions", "tags"]
    found = stage.info(names=[task["name"]], include=include)["documents"]
    if after is None:
        assert found == []
        return
    [shown] = found
    assert shown["content"] == after["versions"][after["default"]]["content"]
    assert shown["permissions"]["shared_document_versions"] == after["permissions"]
    assert [int(one["document_version"]) for one in shown["versions"]] == sorted(after["versions"], reverse=True)
    assert shown["tags"] == after["tags"]
    if "session_preferences" in task and task.get("default_version", "latest") == "latest":
        read = {name: shown["session_preferences"][name] for name in task["session_preferences"]}
        wanted = task["session_preferences"]
        shells = {"shell_profile": {"linux": "", "windows": "", **wanted.get("shell_profile", {})}}
        assert read == {**wanted, **(shells if "shell_profile" in wanted else {})}


def check_held(task: Task, before: Held | None, after: Held | None, *, refused: bool) -> None:
    if task.get("state") == "absent":
        check_removed(task, before, after)
        return
    assert after is not None
    kept = before or NOTHING
    recreated = before is not None and after["type"] != before["type"]
    if recreated:
        assert task["recreate"]
    if "document_type" in task:
        assert after["type"] == task["document_type"]
    check_tags(task, kept["tags"], after["tags"])
    check_permissions(task.get("permissions"), kept["permissions"], after["permissions"])
    check_versions(task, {**kept, "versions": {}} if recreated else kept, after)
    made = [after["versions"][number] for number in after["versions"] if recreated or number not in kept["versions"]]
    assert len(made) <= 1
    if made:
        check_made(task, before, made[0])
    if not recreated:
        check_default(task, kept, after)
    if has_content(task):
        candidates = list(after["versions"]) if refused else [max(after["versions"]), after["default"]]
        assert any(satisfies(task, after["versions"][number]) for number in candidates)


def check_removed(task: Task, before: Held | None, after: Held | None) -> None:
    gone = task.get("document_version", task.get("version_name"))
    if before is None or gone is None:
        assert after is None
        return
    versions = {
        number: version for number, version in before["versions"].items() if gone not in (str(number), named(version))
    }
    assert after == {**before, "versions": versions}


def named(version: dict[str, Any]) -> str | None:
    name: str | None = version["version_name"]
    return name


def check_versions(task: Task, before: Held, after: Held) -> None:
    """Check that no version changed, and that only versions beyond keep_versions were deleted."""
    left = {number: version for number, version in before["versions"].items() if number in after["versions"]}
    assert {number: after["versions"][number] for number in left} == left
    gone = set(before["versions"]) - set(after["versions"])
    if "keep_versions" not in task or "$ALL" in after["permissions"].values():
        assert not gone
        return
    newest = sorted({*before["versions"], *after["versions"]})[-task["keep_versions"] :]
    assert not gone & {*newest, after["default"]}
    # One more may stay: the version whose content AWS does not accept a second time.
    assert len(set(after["versions"]) - {*newest, after["default"]}) <= 1


def check_tags(task: Task, before: dict[str, str], after: dict[str, str]) -> None:
    if "tags" not in task:
        assert after == before
    else:
        assert after == (task["tags"] if task.get("purge_tags", True) else {**before, **task["tags"]})


def check_permissions(wanted: dict[str, Any] | None, before: dict[str, str], after: dict[str, str]) -> None:
    if wanted is None:
        assert after == before
        return
    version = wanted["shared_document_version"]
    listed = {account: version or before.get(account, "$DEFAULT") for account in wanted["account_ids"]}
    assert after == (listed if wanted["purge"] else {**before, **listed})


def check_default(task: Task, before: Held, after: Held) -> None:
    wanted = task.get("default_version") or ("latest" if has_content(task) else "keep")
    if wanted == "keep":
        assert after["default"] == before["default"]
    elif wanted != "latest":
        assert wanted in (str(after["default"]), named(after["versions"][after["default"]]))
    elif has_content(task):
        assert satisfies(task, after["versions"][after["default"]])
    else:
        assert after["default"] == max(after["versions"])


def check_made(task: Task, before: Held | None, made: dict[str, Any]) -> None:
    """Check that a new version has what the task states, and otherwise what the version before had, except its name."""
    latest = before["versions"][max(before["versions"])] if before else {}
    assert made["version_name"] == task.get("version_name")
    assert made["display_name"] == task.get("display_name", latest.get("display_name"))
    assert made["target_type"] == task.get("target_type", latest.get("target_type"))
    if "document_format" in task:
        assert made["format"] == task["document_format"]
    if not has_content(task) and task.get("document_format", latest["format"]) == latest["format"]:
        assert (made["content"], made["format"]) == (latest["content"], latest["format"])
