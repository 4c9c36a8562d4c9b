# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test the actions that plan() returns for a spec and the state of a document."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.documents import content, diff, plan
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.documents.actions import (
    AddTags,
    Create,
    Delete,
    RemoveTags,
    SetDefault,
    Update,
)
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.documents.model import (
    DocumentSpec,
    DocumentState,
    Removal,
)
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.errors import SSMError
from hypothesis import given
from hypothesis import strategies as st

ONE = {"schemaVersion": "1.0", "sessionType": "Standard_Stream", "inputs": {}}
TWO = {**ONE, "description": "two"}


def spec(*wanted: Any, **fields: Any) -> DocumentSpec:
    """Return a spec with the given content; ``ONE`` by default."""
    raw = wanted[0] if wanted else ONE
    return DocumentSpec(name="Prefs", content=None if raw is None else content.wanted_content(raw, None), **fields)


def found(*stored: Any, holder: str | None = "3", **members: Any) -> DocumentState:
    """Return a document whose latest version has the given content (default: ``ONE``). ``holder``: matching version."""
    latest = {
        "Name": "Prefs",
        "DocumentType": "Session",
        "DocumentFormat": "JSON",
        "DocumentVersion": "3",
        "LatestVersion": "3",
        "DefaultVersion": "3",
        "Status": "Active",
        **members,
    }
    return DocumentState(latest, json.dumps(stored[0] if stored else ONE), holder)


def test_a_missing_document_is_created_with_all_that_was_given() -> None:
    wanted = spec(document_type="Session", display_name="Shown", tags={"team": "a"})
    (create,) = plan.plan(wanted, None)
    assert isinstance(create, Create)
    assert {key: value for key, value in create.request.items() if key != "Content"} == {
        "DocumentFormat": "JSON",
        "DocumentType": "Session",
        "DisplayName": "Shown",
        "Tags": [{"Key": "team", "Value": "a"}],
    }


def test_a_document_without_content_cannot_be_created() -> None:
    with pytest.raises(SSMError, match="creating it requires content"):
        plan.plan(spec(None), None)


def test_the_same_content_is_nothing_to_do() -> None:
    assert plan.plan(spec(), found()) == []


def test_other_content_makes_a_version_and_then_the_default() -> None:
    update, default = plan.plan(spec(TWO), found(holder=None))
    assert isinstance(update, Update) and json.loads(update.request["Content"]) == TWO
    assert default == SetDefault(None)


def test_keep_stages_a_version() -> None:
    assert [type(action) for action in plan.plan(spec(TWO, default_version="keep"), found(holder=None))] == [Update]


def test_a_default_that_lags_is_moved_even_if_the_content_is_the_same() -> None:
    assert plan.plan(spec(), found(DefaultVersion="2")) == [SetDefault("3")]


def test_a_default_that_was_asked_for_by_number() -> None:
    assert plan.plan(spec(default_version="2"), found()) == [SetDefault("2")]
    assert plan.plan(spec(default_version="2"), found(DefaultVersion="2")) == []


def test_content_that_is_in_force_behind_a_staged_version_is_nothing_to_do() -> None:
    state = found(TWO, holder="2", DefaultVersion="2")
    assert plan.plan(spec(ONE), state) == []


@pytest.mark.parametrize(
    ("wanted", "option", "member"),
    [
        ([ONE], "target_type", "TargetType"),
        ([None], "target_type", "TargetType"),
        ([ONE], "display_name", "DisplayName"),  # accepted, because the content is sent in other bytes
    ],
)
def test_what_belongs_to_a_version_makes_one_and_the_rest_is_sent_again(
    wanted: list[Any], option: str, member: str
) -> None:
    state = found(holder=None, TargetType="/old", DisplayName="old")
    update = plan.plan(spec(*wanted, **{option: "/new"}), state)[0]
    assert isinstance(update, Update)
    expected = {"TargetType": "/old", "DisplayName": "old"} | {member: "/new"}
    assert {key: update.request[key] for key in expected} == expected


@pytest.mark.parametrize("wanted", [json.dumps(ONE), None], ids=["with the content", "without"])
def test_a_display_name_alone_is_refused_as_aws_does(wanted: str | None) -> None:
    with pytest.raises(SSMError, match="create a version of document Prefs if only display_name changes"):
        plan.plan(spec(wanted, display_name="new"), found(holder=None, DisplayName="old"))


@pytest.mark.parametrize(
    "fields",
    [
        {"attachments": [{"Key": "SourceUrl", "Values": ["x"]}] * 20},
        {"attachments": [{"Key": "SourceUrl", "Values": ["x" * 1024], "Name": "a_1"}]},
        {"display_name": "x" * 1024},
        {"target_type": "/a.b-c:d/e_1"},
        {"tags": {"k": "", "k" * 128: "v" * 256}},
    ],
)
def test_what_aws_just_accepts_is_accepted(fields: dict[str, Any]) -> None:
    assert spec(**fields).name == "Prefs"


def test_the_difference_of_a_new_document_is_whole() -> None:
    after = dataclasses.replace(found(), latest={"Name": "Prefs", "LatestVersion": "1", "DefaultVersion": "1"})
    header = {"before_header": "Prefs (content)", "after_header": "Prefs (content)", "before": ""}
    lines = "inputs: {}\nschemaVersion: '1.0'\nsessionType: Standard_Stream\n"
    assert diff.document_diff(None, after, "Prefs")[0] == {**header, "after": lines}


def test_what_was_not_said_is_sent_again_with_new_content() -> None:
    update = plan.plan(spec(TWO), found(holder=None, TargetType="/t", DisplayName="d"))[0]
    assert isinstance(update, Update)
    assert (update.request["TargetType"], update.request["DisplayName"]) == ("/t", "d")


def test_a_version_name_alone_is_no_reason_for_a_version() -> None:
    assert plan.plan(spec(version_name="release-2"), found()) == []


def test_another_type_fails() -> None:
    with pytest.raises(SSMError, match="cannot be changed to Command"):
        plan.plan(spec(document_type="Command"), found())


tag_dicts = st.dictionaries(st.sampled_from("abcd"), st.sampled_from(["1", "2"]))


@given(tag_dicts, tag_dicts, st.booleans())
def test_tags_end_as_wanted_and_system_tags_stay(before: dict[str, str], wanted: dict[str, str], purge: bool) -> None:
    system = {"aws:cloudformation:stack-name": "s"}
    state = found(Tags=[{"Key": key, "Value": value} for key, value in (before | system).items()])
    actions = plan.plan(spec(tags=wanted, purge_tags=purge), state)
    assert all(isinstance(action, (AddTags, RemoveTags)) for action in actions)
    after = diff.predict(state, actions, "Prefs")
    assert after is not None
    assert after.tags == (wanted if purge else before | wanted) | system
    assert plan.plan(spec(tags=wanted, purge_tags=purge), after) == []


def test_no_tags_given_leaves_them() -> None:
    assert plan.plan(spec(tags=None), found(Tags=[{"Key": "a", "Value": "1"}])) == []


@given(
    st.sampled_from([ONE, TWO]),
    st.sampled_from([ONE, TWO]),
    st.sampled_from(["latest", "keep", "1", "3"]),
    st.sampled_from(["1", "2", "3"]),
    tag_dicts,
)
def test_what_a_plan_leads_to_needs_no_plan(
    wanted: Any, stored: Any, default: str, default_now: str, tags: dict[str, str]
) -> None:
    asked = spec(wanted, default_version=default, tags=tags)
    state = found(stored, holder="3" if stored == wanted else None, DefaultVersion=default_now)
    after = diff.predict(state, plan.plan(asked, state), "Prefs")
    assert after is not None
    assert plan.plan(asked, dataclasses.replace(after, matching_version=after.latest_version)) == []


def test_absent() -> None:
    assert plan.plan_removal(Removal("Prefs"), None) == []
    assert plan.plan_removal(Removal("Prefs"), found()) == [Delete()]


@pytest.mark.parametrize("name", ["ab", "with space", "x" * 129, "slash/y", ""])
def test_a_name_that_aws_would_refuse_is_refused(name: str) -> None:
    with pytest.raises(SSMError, match="name"):
        DocumentSpec(name=name)


@pytest.mark.parametrize("version", ["$LATEST", "0", "01", "1 0", ""])
def test_a_default_version_that_means_nothing_is_refused(version: str) -> None:
    with pytest.raises(SSMError, match="default_version"):
        DocumentSpec(name="Prefs", default_version=version)


def test_the_difference_shows_content_first_and_only_what_changed() -> None:
    before = found(ONE, holder=None)
    after = diff.predict(before, plan.plan(spec(TWO), before), "Prefs")
    shown = diff.document_diff(before, after, "Prefs")
    assert [part["before_header"] for part in shown] == ["Prefs (content)", "Prefs (metadata)"]
    assert "description: two\n" in shown[0]["after"] and "description" not in shown[0]["before"]
    assert diff.document_diff(before, before, "Prefs") == []


def test_the_difference_shows_other_bytes_that_mean_the_same() -> None:
    before = found(ONE)
    other = dataclasses.replace(before, latest_content=json.dumps(ONE, indent=8))
    [shown] = diff.document_diff(before, other, "Prefs")
    assert (shown["before"], shown["after"]) == (before.latest_content, other.latest_content)
    as_yaml = dataclasses.replace(other, latest={**before.latest, "DocumentFormat": "YAML"})
    [shown] = diff.document_diff(before, as_yaml, "Prefs")
    assert "document_format: JSON\n" in shown["before"] and "document_format: YAML\n" in shown["after"]


@pytest.mark.parametrize(
    ("numbers", "shown"),
    [((), ""), ((3,), "3"), ((1, 2), "1-2"), ((1, 3, 4, 5, 9), "1, 3-5, 9"), (tuple(range(1, 1001)), "1-1000")],
)
def test_the_difference_shows_versions_in_a_row_as_one(numbers: tuple[int, ...], shown: str) -> None:
    before = dataclasses.replace(found(), versions=(7,))
    [part] = diff.document_diff(before, dataclasses.replace(before, versions=numbers), "Prefs")
    assert f"versions: {shown}\n" in part["after"]


def test_what_is_made_anew_is_measured_before_anything_is_deleted() -> None:
    # The content is small enough as JSON, and too large as YAML, the format of the document.
    lines = {**ONE, "description": "x\n" * 20000}
    asked = spec(lines, document_type="Command", recreate=True)
    with pytest.raises(SSMError, match="the maximum for a document is 65536"):
        plan.plan(asked, found(holder=None, DocumentFormat="YAML"))
