# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hypothesis strategies for tasks of ssm_document, and what each task requires of a version."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import yaml
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.documents import preferences
from hypothesis import strategies as st

from unit.support.document_stage import accounts, meaning, session

Task = dict[str, Any]
Version = Mapping[str, Any]

ONE, TWO, THREE = (session(number) for number in ("one", "two", "three"))
A, B, C = accounts(0, 3)
# Two Session documents, and one of types that accept any mapping, or plain text.
FIRST, SECOND, FREE = NAMES = ("Doc-First", "Doc-Second", "Doc-Free")
FREE_TYPES = ("ApplicationConfiguration", "DeploymentStrategy")

RENDERINGS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "mapping": lambda value: value,
    "compact": lambda value: json.dumps(value, separators=(",", ":")),
    "spacious": lambda value: json.dumps(dict(reversed(value.items())), indent=4) + "\n",
    "tabs": lambda value: json.dumps(value, indent="\t") + "\r\n",
    "yaml": lambda value: "# a comment\n" + str(yaml.safe_dump(value)),
}


@st.composite
def contents(draw: st.DrawFn, *values: dict[str, Any]) -> Any:
    return RENDERINGS[draw(st.sampled_from(sorted(RENDERINGS)))](draw(st.sampled_from(values)))


PREFERENCES = st.sampled_from(
    [
        {},
        {"idle_session_timeout": 5, "max_session_duration": 60},
        {"run_as_enabled": True, "run_as_default_user": "operator", "shell_profile": {"linux": "exec bash"}},
    ]
)
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
    "default_version": st.sampled_from(["latest", "keep", "latest", "keep", "1", "2", "3", "v1", "v2"]),
    "target_type": st.sampled_from(["/", "/AWS::EC2::Instance"]),
    "wait": st.booleans(),
}
# These make most tasks fail, or leave little for the next task to do. So they are drawn less often.
RARE = {"keep_versions": st.integers(1, 4), "document_version": st.sampled_from(["$LATEST", "1", "2", "3"])}
WITH_CONTENT = {
    **COMMON,
    "display_name": st.sampled_from(["Shown", "Other"]),
    "content_comparison": st.sampled_from(["semantic", "exact"]),
}
SESSIONS = {"name": st.sampled_from([FIRST, FIRST, SECOND]), "document_type": st.just("Session")}
KEPT = st.one_of(
    st.fixed_dictionaries(
        {**SESSIONS, "content": contents(ONE, TWO, THREE)},
        optional={**WITH_CONTENT, "document_format": st.sampled_from(["JSON", "YAML"])},
    ),
    st.fixed_dictionaries(
        {**SESSIONS, "session_preferences": PREFERENCES, "purge_session_preferences": st.booleans()},
        optional=WITH_CONTENT,
    ),
    st.fixed_dictionaries(
        {
            "name": st.just(FREE),
            "content": contents({"flag": "one"}, {"flag": "two"}) | st.sampled_from(["plain\r\n", "\nother\n"]),
            "document_type": st.sampled_from([FREE_TYPES[0], *FREE_TYPES]),
            "document_format": st.sampled_from(["JSON", "YAML", "TEXT"]),
        },
        optional={**WITH_CONTENT, "recreate": st.booleans(), "force_unshare": st.booleans()},
    ),
    st.fixed_dictionaries(
        {"name": st.sampled_from(NAMES)}, optional={**COMMON, "document_format": st.sampled_from(["JSON", "YAML"])}
    ),
)


@st.composite
def kept(draw: st.DrawFn) -> Task:
    """Draw a task that creates or changes a document, occasionally with an option from ``RARE``."""
    task = draw(KEPT)
    rare = draw(st.sampled_from([None, None, None, None, *RARE]))
    return {**task, rare: draw(RARE[rare])} if rare else task


REMOVALS = st.fixed_dictionaries(
    {"name": st.sampled_from(NAMES), "state": st.just("absent"), "force_unshare": st.booleans()}
) | st.builds(
    lambda name, version: {"name": name, "state": "absent", **version},
    st.sampled_from(NAMES),
    st.sampled_from([{"document_version": number} for number in "123"] + [{"version_name": "v1"}]),
)


def can_be_read(task: Task) -> bool:
    """Return whether the content can be parsed in the task's document_format."""
    raw, text_format = task.get("content"), task.get("document_format")
    if not isinstance(raw, str):
        return raw is None or text_format != "TEXT"
    if text_format == "JSON":
        return raw.startswith("{")
    return text_format != "YAML" or ("\t" not in raw and ":" in raw)


TASKS = st.one_of(kept(), kept(), kept(), REMOVALS).filter(can_be_read)
# Hypothesis draws mostly short lists, so the length is drawn first.
SEQUENCES = st.integers(1, 6).flatmap(lambda count: st.lists(TASKS, min_size=count, max_size=count))


def has_content(task: Task) -> bool:
    return "content" in task or "session_preferences" in task


def value_of(task: Task) -> Any:
    """Return the parsed content of the task."""
    if "session_preferences" in task:
        return preferences.to_content(task["session_preferences"])
    raw = task["content"]
    return yaml.safe_load(raw.replace("\t", " ")) if isinstance(raw, str) else raw


def stated(task: Task) -> dict[str, Any]:
    """Return what the task states about a version besides its content, for example ``{"format": "YAML"}``."""
    members = {"display_name": "display_name", "target_type": "target_type", "document_format": "format"}
    return {member: task[option] for option, member in members.items() if option in task}


def has_preferences(version: Version, wanted: Mapping[str, Any]) -> bool:
    """Return whether a version has the wanted preferences. All others may have any value."""
    read = preferences.from_content(meaning(version["content"], version["format"])) or {}
    shells = {**read.get("shell_profile", {}), **wanted.get("shell_profile", {})}
    return {**read, **wanted, "shell_profile": shells} == read


def satisfies(task: Task, version: Version) -> bool:
    """Return whether a version has everything that the task requires."""
    if any((version[member] or "") != value for member, value in stated(task).items()):
        return False
    if not task.get("purge_session_preferences", True):
        return has_preferences(version, task["session_preferences"])
    raw = task.get("content")
    if isinstance(raw, str) and "TEXT" in (version["format"], task.get("document_format")):
        return bool(version["content"] == raw)
    if isinstance(raw, str) and task.get("content_comparison") == "exact":
        return bool(version["content"] == raw)
    if version["format"] == "TEXT":
        return bool(version["content"] == json.dumps(value_of(task), indent=2))
    return bool(meaning(version["content"], version["format"]) == value_of(task))
