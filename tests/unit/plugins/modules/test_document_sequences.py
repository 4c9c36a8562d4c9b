# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tasks one after another: each leaves what it says, keeps what it does not say, and is done when it has run once."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.errors import SSMError
from document_flows import Stage, accounts, document, hurried, in_force, meaning, session
from hypothesis import given, settings
from hypothesis import strategies as st

Task = dict[str, Any]

ONE, TWO, THREE = (session(number) for number in ("one", "two", "three"))
A, B, C = accounts(0, 3)
FIRST, SECOND = "Doc-First", "Doc-Second"
DUPLICATE = "DuplicateDocumentContent"

RENDERINGS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "mapping": lambda value: value,
    "compact": lambda value: json.dumps(value, separators=(",", ":")),
    "spacious": lambda value: json.dumps(dict(reversed(value.items())), indent=4) + "\n",
    "yaml": lambda value: "# a comment\n" + str(yaml.safe_dump(value)),
}
NAMES = st.sampled_from([FIRST, FIRST, SECOND])


@st.composite
def contents(draw: st.DrawFn) -> Any:
    return RENDERINGS[draw(st.sampled_from(sorted(RENDERINGS)))](draw(st.sampled_from([ONE, TWO, THREE])))


PERMISSIONS = st.fixed_dictionaries(
    {
        "account_ids": st.one_of(st.lists(st.sampled_from([A, B, C]), unique=True), st.just(["all"])),
        "shared_document_version": st.sampled_from([None, None, "$DEFAULT", "$LATEST", "$ALL"]),
        "purge": st.booleans(),
    }
)
COMMON = {
    "version_name": st.sampled_from(["v1", "v2", "v3", "v4"]),
    "tags": st.dictionaries(st.sampled_from(["team", "cost", "Case"]), st.sampled_from(["x", "y", ""])),
    "purge_tags": st.booleans(),
    "permissions": PERMISSIONS,
    "default_version": st.sampled_from(["latest", "keep"]),
}
WITH_CONTENT = st.fixed_dictionaries(
    {"name": NAMES, "content": contents(), "document_type": st.just("Session")},
    optional={
        **COMMON,
        "document_format": st.sampled_from(["JSON", "YAML"]),
        "display_name": st.sampled_from(["Shown", "Other"]),
        "content_comparison": st.sampled_from(["semantic", "exact"]),
        "target_type": st.sampled_from(["/", "/AWS::EC2::Instance"]),
    },
)
WITHOUT_CONTENT = st.fixed_dictionaries(
    {"name": NAMES}, optional={**COMMON, "target_type": st.sampled_from(["/", "/AWS::EC2::Instance"])}
)
REMOVALS = st.fixed_dictionaries(
    {"name": NAMES, "state": st.just("absent")},
    optional={"document_version": st.sampled_from(["1", "2", "3"]), "force_unshare": st.booleans()},
)


def written_as_its_format(task: Task) -> bool:
    """Whether a text can be read in the format that the task asks for."""
    if task.get("document_format") != "JSON" or not isinstance(task["content"], str):
        return True
    return not task["content"].startswith("#")


TASKS = st.one_of(WITH_CONTENT.filter(written_as_its_format), WITH_CONTENT.filter(written_as_its_format)) | st.one_of(
    WITHOUT_CONTENT, REMOVALS
)

# Lists of one strategy are mostly short.
SEQUENCES = st.integers(1, 6).flatmap(lambda count: st.lists(TASKS, min_size=count, max_size=count))


@pytest.mark.parametrize("target_type", ["dropped", "kept"])
@pytest.mark.parametrize("scope", ["latest", "any"])
def test_any_sequence_of_tasks(scope: str, target_type: str) -> None:
    switches = {"duplicate_scope": scope, "target_type_omitted": target_type}
    staged = document(
        ONE, TWO, THREE, name=FIRST, default_version=2, tags={"team": "x", "Case": "y"}, permissions={A: "$LATEST"}
    )

    @settings(max_examples=90, deadline=None, database=None, derandomize=True)
    @given(tasks=SEQUENCES)
    def run(tasks: list[Task]) -> None:
        stage.reset()
        for task in tasks:
            run_one(stage, task)
        assert stage.aws.violations == []

    with Stage(staged, switches=switches) as stage, hurried():
        run()


def run_one(stage: Stage, task: Task) -> None:
    name, other = (FIRST, SECOND) if task["name"] == FIRST else (SECOND, FIRST)
    before, aside, position = stage.held(name), stage.held(other), stage.aws.position
    foreseen = attempt(stage, task, check_mode=True)
    assert stage.aws.writes(since=position) == [], "check mode wrote"
    position = stage.aws.position
    done = attempt(stage, task)
    after = stage.held(name)
    assert stage.held(other) == aside
    refused = any(entry.outcome == DUPLICATE for entry in stage.aws.writes(since=position))
    # Under duplicate_scope any, only the attempt tells that AWS has the content in an older version already. That one
    # may then do; it does not where a version's display name or format should be another, too.
    if isinstance(done, str):
        assert after == before
        assert foreseen == done or (refused and DUPLICATE in done)
        assert refused or stage.aws.writes(since=position) == []
        return
    if not refused:
        assert not isinstance(foreseen, str), f"check mode failed: {foreseen}"
        for key in ("changed", "actions", "diff"):
            assert foreseen[key] == done[key], key
    assert done["changed"] is (after != before)
    check_held(task, before, after, refused=refused)
    check_result(done, after)
    check_again(stage, task, after)


def attempt(stage: Stage, task: Task, *, check_mode: bool = False) -> dict[str, Any] | str:
    """The result, or the sentence of the error."""
    try:
        return stage.ensure(**task, check_mode=check_mode)
    except SSMError as error:
        return str(error)


def check_again(stage: Stage, task: Task, after: dict[str, Any] | None) -> None:
    """The same task again has nothing to do."""
    position = stage.aws.position
    again = stage.ensure(**task)
    assert again["changed"] is False
    assert again["actions"] == []
    assert again["diff"] == []
    # AWS tells of an older version with the content only when it is sent.
    assert [entry.operation for entry in stage.aws.writes(since=position) if entry.outcome != DUPLICATE] == []
    assert stage.held(task["name"]) == after


def check_result(done: dict[str, Any], after: dict[str, Any] | None) -> None:
    """What is returned is what AWS has."""
    shown = done["document"]
    if after is None:
        assert shown is None
        return
    assert shown["latest_version"] == str(max(after["versions"]))
    assert shown["default_version"] == str(after["default"])
    assert shown["tags"] == after["tags"]
    if "permissions" in shown:
        assert shown["permissions"]["shared_document_versions"] == after["permissions"]


def check_held(task: Task, before: dict[str, Any] | None, after: dict[str, Any] | None, *, refused: bool) -> None:
    if task.get("state") == "absent":
        check_removed(task, before, after)
        return
    assert after is not None
    kept = before or {"versions": {}, "default": 1, "tags": {}, "permissions": {}}
    assert {number: after["versions"].get(number) for number in kept["versions"]} == kept["versions"]
    check_tags(task, kept["tags"], after["tags"])
    check_permissions(task.get("permissions"), kept["permissions"], after["permissions"])
    check_default(task, kept, after)
    made = [after["versions"][number] for number in after["versions"] if number not in kept["versions"]]
    assert len(made) <= 1
    if made:
        check_made(task, before, made[0])
    if "content" in task:
        check_content(task, after, refused=refused)


def check_removed(task: Task, before: dict[str, Any] | None, after: dict[str, Any] | None) -> None:
    number = int(task.get("document_version", 0))
    if before is None or not number:
        assert after is None
        return
    versions = {found: version for found, version in before["versions"].items() if found != number}
    assert after == {**before, "versions": versions}


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


def check_default(task: Task, before: dict[str, Any], after: dict[str, Any]) -> None:
    wanted = task.get("default_version") or ("latest" if "content" in task else "keep")
    if wanted == "keep":
        assert after["default"] == before["default"]
    elif "content" in task:
        assert in_force(after) == value_of(task)
    else:
        assert after["default"] == max(after["versions"])


def check_made(task: Task, before: dict[str, Any] | None, made: dict[str, Any]) -> None:
    """A version has what the task says, and else what the one before it had; a name belongs to one version only."""
    latest = before["versions"][max(before["versions"])] if before else {}
    assert made["version_name"] == task.get("version_name")
    assert made["display_name"] == task.get("display_name", latest.get("display_name"))
    assert made["target_type"] == task.get("target_type", latest.get("target_type"))
    if "document_format" in task:
        assert made["format"] == task["document_format"]
    if "content" not in task:
        assert (made["content"], made["format"]) == (latest["content"], latest["format"])


def check_content(task: Task, after: dict[str, Any], *, refused: bool) -> None:
    """The content is there: in the latest version, the one in force, or an older one that AWS takes for the same."""
    candidates = list(after["versions"].values())
    if not refused:
        candidates = [after["versions"][max(after["versions"])], after["versions"][after["default"]]]
    holders = [one for one in candidates if meaning(one["content"], one["format"]) == value_of(task)]
    assert holders
    if task.get("content_comparison") == "exact" and isinstance(task["content"], str):
        assert any(one["content"] == task["content"] for one in holders)


def value_of(task: Task) -> Any:
    return yaml.safe_load(task["content"]) if isinstance(task["content"], str) else task["content"]
