# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test the traps in the content of SSM documents; document_traps.rst has a table of all traps."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from unit.support.document_stage import default_content, document
from unit.support.trap_stage import (
    COMMENTED,
    COMPACT,
    DEFAULT,
    ONE,
    OTHER,
    PREFERENCES,
    THREE,
    TWO,
    UPDATE,
    Stage,
    Switches,
    Task,
    latest,
    present,
    refused,
    settle,
    unchanged,
    under,
)


@under("duplicate_scope")
@pytest.mark.parametrize(
    "same",
    [ONE, json.dumps(dict(reversed(ONE.items())), indent=4), yaml.safe_dump(ONE), COMMENTED],
    ids=["mapping", "other order", "YAML", "comments"],
)
def test_trap_01_white_space_and_the_order_of_keys_make_no_version(same: Any, switches: Switches) -> None:
    with Stage(document(COMPACT), switches=switches) as stage:
        unchanged(stage, content=same)
        settle(stage, [UPDATE, DEFAULT], content=TWO)
        assert default_content(present(stage)) == TWO


def test_trap_01_exact_comparison_makes_a_version_of_other_bytes() -> None:
    spacious = json.dumps(ONE, indent=8)
    with Stage(document(COMPACT)) as stage:
        unchanged(stage, content=COMPACT, content_comparison="exact")
        settle(stage, [UPDATE, DEFAULT], content=spacious, content_comparison="exact")
        assert latest(stage)["content"] == spacious


@under("duplicate_scope")
def test_trap_02_comments_count_only_in_an_exact_comparison(switches: Switches) -> None:
    with Stage(document(COMMENTED, document_format="YAML"), switches=switches) as stage:
        edited = COMMENTED.replace("why it is so", "another reason")
        unchanged(stage, content=edited)
        assert latest(stage)["content"] == COMMENTED
        done = settle(stage, [UPDATE, DEFAULT], content=edited, content_comparison="exact")
        assert latest(stage)["content"] == edited
        assert (done["diff"][0]["before"], done["diff"][0]["after"]) == (COMMENTED, edited)


@under("duplicate_scope", "version_order")
def test_trap_03_a_version_that_has_the_duplicate_content_becomes_the_default(switches: Switches) -> None:
    # Versions 1 and 3 have the content; the latest version is 4.
    described = document(COMPACT, OTHER, json.dumps(ONE), THREE, name=PREFERENCES)
    with Stage(described, switches=switches) as stage:
        if switches["duplicate_scope"] == "any":
            settle(stage, [DEFAULT], attempted=[UPDATE, DEFAULT], name=PREFERENCES, content=COMPACT)
            expected = (3, 4)
        else:
            settle(stage, [UPDATE, DEFAULT], name=PREFERENCES, content=COMPACT)
            expected = (5, 5)
        stored_document = present(stage, PREFERENCES)
        assert (stored_document["default"], max(stored_document["versions"])) == expected
        assert default_content(stored_document) == ONE


@under("duplicate_scope", "version_order")
@pytest.mark.parametrize(
    ("had", "task"),
    [
        ({}, {"content": COMPACT, "target_type": "/"}),
        ({}, {"content": ONE, "target_type": "/", "display_name": "Shown"}),
        ({"content": COMMENTED, "document_format": "YAML"}, {"content": ONE, "document_format": "YAML"}),
        (
            {"content": COMMENTED, "document_format": "YAML"},
            {"content": COMMENTED, "content_comparison": "exact", "document_format": "YAML"},
        ),
    ],
    ids=["target type", "display name", "format", "exact"],
)
def test_trap_03_a_version_matches_only_with_all_that_the_task_sets(had: Task, task: Task, switches: Switches) -> None:
    first = {"content": COMPACT, "target_type": "/", "display_name": "Shown", **had}
    # Version 2 has only the content, and version 3 has other content. Its target type is sent if the task has none.
    last_type = "/AWS::EC2::Instance" if "target_type" in task else "/"
    others = [{"content": json.dumps(ONE, indent=1)}, {"content": OTHER, "target_type": last_type}]
    described = {"name": PREFERENCES, "document_type": "Session", "versions": [first, *others]}
    task = {"name": PREFERENCES, **task}
    with Stage({**described, "default_version": 1}, switches=switches) as stage:
        unchanged(stage, **task)
    with Stage(described, switches=switches) as stage:
        if switches["duplicate_scope"] == "any":
            done = settle(stage, [DEFAULT], attempted=[UPDATE, DEFAULT], **{**task, "content": first["content"]})
            assert done["document"]["default_version"] == "1"
        else:
            settle(stage, [UPDATE, DEFAULT], **task)
        assert default_content(present(stage, PREFERENCES)) == ONE


@under("duplicate_scope", "version_order")
def test_trap_04_going_back_to_an_older_content_says_which_version_it_is(switches: Switches) -> None:
    with Stage(document(COMPACT, OTHER, THREE, name=PREFERENCES), switches=switches) as stage:
        if switches["duplicate_scope"] == "any":
            done = settle(stage, [DEFAULT], attempted=[UPDATE, DEFAULT], name=PREFERENCES, content=COMPACT)
            assert done["actions"] == ["make version 1 the default"]
            assert done["document"]["default_version"] == "1"
        else:
            done = settle(stage, [UPDATE, DEFAULT], name=PREFERENCES, content=COMPACT)
            assert done["document"]["default_version"] == "4"
        assert default_content(present(stage, PREFERENCES)) == ONE


@under("duplicate_scope")
def test_trap_04_going_back_with_keep_does_not_change_the_default(switches: Switches) -> None:
    with Stage(document(COMPACT, OTHER), switches=switches) as stage:
        stage.ensure(content=COMPACT, default_version="keep")
        assert present(stage)["default"] == 2
        again = stage.ensure(content=COMPACT, default_version="keep")
        assert not again["changed"]
        assert len(present(stage)["versions"]) == (2 if switches["duplicate_scope"] == "any" else 3)


def test_trap_11_what_is_compared_is_the_latest_version() -> None:
    with Stage(document(ONE, TWO, default_version=1)) as stage:
        shown = unchanged(stage, content=TWO, default_version="keep")["document"]
        assert (shown["document_version"], shown["latest_version"], shown["default_version"]) == ("2", "2", "1")
        assert all("DocumentVersion" in call.params for call in stage.aws.calls("DescribeDocument"))
        assert all("DocumentVersion" in call.params for call in stage.aws.calls("GetDocument"))
        assert stage.info(names=["Team-Doc"])["documents"][0]["document_version"] == "1"
        assert stage.info(names=["Team-Doc"], document_version="$LATEST")["documents"][0]["document_version"] == "2"


def test_trap_12_content_is_read_in_the_format_that_it_is_stored_in() -> None:
    with Stage(document(COMMENTED, document_format="YAML")) as stage:
        unchanged(stage, content=COMMENTED + "\n# more\n")
        unchanged(stage, content=COMMENTED, content_comparison="exact")
        [found] = stage.info(names=["Team-Doc"], include=["content"])["documents"]
        assert found["content"] == COMMENTED
        assert {call.params["DocumentFormat"] for call in stage.aws.calls("GetDocument")} == {"YAML"}
        [found] = stage.info(names=["Team-Doc"], include=["content"], document_format="JSON")["documents"]
        assert json.loads(found["content"]) == ONE


@under("duplicate_scope", "target_type_omitted")
def test_trap_13_the_format_changes_only_when_the_task_says_so(switches: Switches) -> None:
    with Stage(document(ONE, target_type="/AWS::EC2::Instance"), switches=switches) as stage:
        unchanged(stage, content=COMMENTED)
        settle(stage, [UPDATE], document_format="YAML")
        assert latest(stage)["format"] == "YAML"
        assert yaml.safe_load(latest(stage)["content"]) == ONE
        settle(stage, [UPDATE, DEFAULT], content=TWO)
        assert latest(stage)["format"] == "YAML"
        assert latest(stage)["target_type"] == "/AWS::EC2::Instance"


@under("duplicate_scope")
@pytest.mark.parametrize(
    ("text", "stored", "own"), [(json.dumps(ONE, indent="\t"), "YAML", "JSON"), (COMMENTED, "JSON", "YAML")]
)
def test_trap_13_a_string_that_the_format_cannot_hold_is_converted(
    text: str, stored: str, own: str, switches: Switches
) -> None:
    with Stage(document(TWO, document_format=stored), switches=switches) as stage:
        sentence = (
            f"is stored as {stored}, so content in {own} cannot be stored byte for byte. Set document_format to {own}"
        )
        refused(stage, sentence, content=text, content_comparison="exact")
        settle(stage, [UPDATE, DEFAULT], content=text)
        assert (latest(stage)["format"], default_content(present(stage))) == (stored, ONE)
        settle(stage, [UPDATE, DEFAULT], content=text, content_comparison="exact", document_format=own)
        assert (latest(stage)["format"], latest(stage)["content"]) == (own, text)
