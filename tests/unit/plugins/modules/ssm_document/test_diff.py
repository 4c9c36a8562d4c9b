# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test which contents diff mode shows when the default version of a document moves."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from unit.support.document_stage import document
from unit.support.trap_stage import DEFAULT, ONE, PREFERENCES, THREE, TWO, UPDATE, Stage, Task, names, present

PLAIN = ("(content)", "(content)")
DENIED = {"error": "AccessDeniedException", "message": "not allowed"}


def lines(content: Any) -> str:
    """Return the content as the diff shows it."""
    return str(yaml.safe_dump(content))


def shown(stage: Stage, **task: Any) -> list[tuple[str, str, str, str]]:
    """Return the content parts of the diff, and check that check mode shows the same as a run.

    Each part is ``(before_header, after_header, before, after)``. The headers lack their first word, the name.
    """
    found = []
    for check_mode in (True, False):
        done = stage.ensure(check_mode=check_mode, diff=True, **task)
        found.append(
            [
                (
                    part["before_header"].partition(" ")[2],
                    part["after_header"].partition(" ")[2],
                    part["before"],
                    part["after"],
                )
                for part in done["diff"]
                if "metadata" not in part["before_header"]
            ]
        )
    assert found[0] == found[1]
    return found[1]


def default_versions(before: int, after: int) -> tuple[str, str]:
    return f"(content of default version {before})", f"(content of default version {after})"


STAYS = "; version 1 stays the default"


def staged(role: str, what: str) -> tuple[str, str]:
    """Return the headers if version 3 is created after version 2 and does not become the default."""
    return f"(content of version 2, the {role} version)", f"(content of version 3{what})"


@pytest.mark.parametrize("name", ["Team-Doc", PREFERENCES])
@pytest.mark.parametrize(
    ("default", "task", "headers", "before", "after"),
    [
        (1, {"default_version": "latest"}, default_versions(1, 3), ONE, THREE),
        (1, {"default_version": "2"}, default_versions(1, 2), ONE, TWO),
        (3, {"default_version": "1"}, default_versions(3, 1), THREE, ONE),
        (2, {"content": THREE}, default_versions(2, 3), TWO, THREE),
    ],
)
def test_where_only_the_default_moves_the_two_contents_are_shown(
    name: str, default: int, task: Task, headers: tuple[str, str], before: Any, after: Any
) -> None:
    with Stage(document(ONE, TWO, THREE, name=name, default_version=default)) as stage:
        assert shown(stage, name=name, **task) == [(*headers, lines(before), lines(after))]
        assert names(stage.aws.writes()) == [DEFAULT]


@pytest.mark.parametrize(
    ("name", "default", "task", "expected"),
    [
        # The default version before and after.
        (PREFERENCES, 2, {"content": THREE}, [(*PLAIN, TWO, THREE)]),
        (PREFERENCES, 1, {"content": THREE}, [(*default_versions(1, 3), ONE, THREE)]),
        (PREFERENCES, 1, {"target_type": "/", "default_version": "latest"}, [(*default_versions(1, 3), ONE, TWO)]),
        # Sessions use the latest version of every other document.
        ("Team-Doc", 1, {"content": THREE}, [(*PLAIN, TWO, THREE)]),
        # A version that does not become the default is compared with the version before it.
        (PREFERENCES, 1, {"content": THREE, "default_version": "keep"}, [(*staged("latest", STAYS), TWO, THREE)]),
        (
            PREFERENCES,
            2,
            {"content": THREE, "default_version": "keep"},
            [(*staged("latest and default", "; version 2 stays the default"), TWO, THREE)],
        ),
        (
            "Team-Doc",
            1,
            {"content": THREE, "default_version": "keep"},
            [(*staged("latest", ", which sessions use; version 1 stays the default"), TWO, THREE)],
        ),
        (
            PREFERENCES,
            2,
            {"content": THREE, "default_version": "1"},
            [
                (*staged("latest and default", "; version 1 becomes the default"), TWO, THREE),
                (*default_versions(2, 1), TWO, ONE),
            ],
        ),
    ],
)
def test_where_a_version_is_made_too_what_comes_into_force_is_shown(
    name: str, default: int, task: Task, expected: list[tuple[str, str, Any, Any]]
) -> None:
    with Stage(document(ONE, TWO, name=name, default_version=default)) as stage:
        found = shown(stage, name=name, **task)
        assert found == [(old, new, lines(before), lines(after)) for old, new, before, after in expected]


def test_a_document_made_anew_is_shown_against_what_was_in_force() -> None:
    free = {"name": "Team-Doc", "document_type": "ApplicationConfiguration", "default_version": 1}
    with Stage({**free, "versions": [{"content": '{"flag": "one"}'}, {"content": '{"flag": "two"}'}]}) as stage:
        task: Task = {"content": {"flag": "new"}, "document_type": "DeploymentStrategy", "recreate": True}
        [(*unused, before, after)] = shown(stage, **task)
        assert (before, after) == ("flag: one\n", "flag: new\n")


def test_a_script_is_shown_line_by_line_and_a_text_as_it_is() -> None:
    free = {"name": "Team-Doc", "document_type": "ApplicationConfiguration", "default_version": 1}
    versions = [{"content": '{"run": "a\\nb\\n"}'}, {"content": "plain\n", "document_format": "TEXT"}]
    with Stage({**free, "versions": versions}) as stage:
        [(*unused, before, after)] = shown(stage, default_version="2")
        assert (before, after) == ("run: |\n  a\n  b\n", "plain\n")


def test_contents_that_mean_the_same_are_shown_as_they_are_stored() -> None:
    first, second = (f"# {word}\n" + yaml.safe_dump(ONE) for word in ("first", "second"))
    with Stage(document(first, second, document_format="YAML", default_version=1)) as stage:
        assert shown(stage, default_version="2") == [(*default_versions(1, 2), first, second)]


@pytest.mark.parametrize(("denied", "readable"), [(1, 0), (1, 1), (2, 0)])
def test_a_content_that_cannot_be_read_is_told_and_fails_nothing(denied: int, readable: int) -> None:
    sentences = [f"The content of version {number} could not be read (AccessDeniedException).\n" for number in (1, 2)]
    expected = [sentences[0], lines(TWO)] if readable == 0 else [lines(ONE), sentences[1]]
    for check_mode in (True, False):
        with Stage(document(ONE, TWO, default_version=1)) as stage:
            stage.aws.add_fault(op="GetDocument", after=readable, times=denied, do=DENIED)
            done = stage.ensure(default_version="2", diff=True, check_mode=check_mode)
            assert done["actions"] == ["make version 2 the default"]
            content = done["diff"][0]
            assert [content["before"], content["after"]] == (sentences if denied == 2 else expected)


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_version_that_is_gone_when_it_is_read_is_told(check_mode: bool) -> None:
    with Stage(document(ONE, TWO, default_version=1)) as stage:
        stage.aws.add_fault(op="GetDocument", do={"error": "InvalidDocumentVersion", "message": "gone"})
        content = stage.ensure(default_version="2", diff=True, check_mode=check_mode)["diff"][0]
        assert (content["before"], content["after"]) == ("The content of version 1 could not be read.\n", lines(TWO))


def test_the_old_default_is_shown_though_it_is_deleted_in_the_same_task() -> None:
    contents = [{**ONE, "description": str(number)} for number in range(4)]
    with Stage(document(*contents, name=PREFERENCES, default_version=1)) as stage:
        [(*unused, before, after)] = shown(stage, name=PREFERENCES, default_version="latest", keep_versions=1)
        assert (before, after) == (lines(contents[0]), lines(contents[3]))
        assert list(present(stage, PREFERENCES)["versions"]) == [4]


@pytest.mark.parametrize(
    ("task", "diff", "reads"),
    [
        # No content is read without diff mode, or if the default version stays.
        ({"default_version": "2"}, False, 0),
        ({"default_version": "2"}, True, 2),
        ({"default_version": "keep", "tags": {"team": "a"}}, True, 0),
        ({"tags": {"team": "a"}}, True, 0),
        # Content that was read for the comparison is not read again for the diff.
        ({"content": TWO}, False, 1),
        ({"content": TWO}, True, 2),
        ({"content": THREE, "default_version": "keep"}, True, 1),
        ({"state": "absent"}, True, 1),
    ],
)
@pytest.mark.parametrize("check_mode", [True, False])
def test_contents_are_read_only_where_the_diff_needs_them(task: Task, diff: bool, reads: int, check_mode: bool) -> None:
    spacious = yaml.safe_dump(TWO)
    with Stage(document(ONE, spacious, document_format="YAML", default_version=1)) as stage:
        assert stage.ensure(diff=diff, check_mode=check_mode, **task)["changed"]
        assert len(stage.aws.calls("GetDocument")) == reads


def test_content_that_aws_takes_no_second_time_is_shown_as_what_comes_into_force() -> None:
    described = document(ONE, TWO, THREE, name=PREFERENCES)
    with Stage(described, switches={"duplicate_scope": "any"}) as stage:
        content = present(stage, PREFERENCES)["versions"][1]["content"]
        done = stage.ensure(name=PREFERENCES, content=content, diff=True)
        assert names(stage.aws.writes()) == [UPDATE, DEFAULT]
        [part] = [one for one in done["diff"] if "metadata" not in one["before_header"]]
        assert (part["before"], part["after"]) == (lines(THREE), lines(ONE))
        assert part["after_header"].endswith("(content of default version 1)")


def metadata(done: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Return the metadata lines that only the before part has, and those that only the after part has."""
    [part] = [part for part in done["diff"] if "metadata" in part["before_header"]]
    before, after = part["before"].splitlines(), part["after"].splitlines()
    return [line for line in before if line not in after], [line for line in after if line not in before]


def test_the_name_of_a_version_is_shown_with_its_number() -> None:
    described = document(ONE, TWO, name=PREFERENCES, default_version=2)
    described["versions"][1]["version_name"] = "release-2"
    with Stage(described) as stage:
        for check_mode in (True, False):
            done = stage.ensure(
                name=PREFERENCES, content=THREE, version_name="r3", default_version="keep", check_mode=check_mode
            )
            assert metadata(done) == (["latest_version: 2 (release-2)"], ["latest_version: 3 (r3)"])
            assert "default_version: 2 (release-2)\n" in done["diff"][-1]["before"]
            assert "default_version: 2 (release-2)\n" in done["diff"][-1]["after"]
        for check_mode in (True, False):
            done = stage.ensure(name=PREFERENCES, default_version="r3", check_mode=check_mode)
            assert metadata(done) == (["default_version: 2"], ["default_version: 3 (r3)"])
        for check_mode in (True, False):
            done = stage.ensure(name=PREFERENCES, default_version="release-2", check_mode=check_mode)
            assert metadata(done) == (["default_version: 3 (r3)"], ["default_version: 2 (release-2)"])
        assert stage.ensure(name=PREFERENCES, content=ONE)["diff"][1]["after"].count("latest_version: 4\n") == 1


def test_a_document_made_anew_does_not_have_the_names_of_old_versions() -> None:
    free = {"name": "Team-Doc", "document_type": "ApplicationConfiguration"}
    with Stage({**free, "versions": [{"content": '{"flag": "one"}', "version_name": "old"}]}) as stage:
        done = stage.ensure(content={"flag": "new"}, document_type="DeploymentStrategy", recreate=True)
        assert "latest_version: 1\ndefault_version: 1\n" in done["diff"][-1]["after"]
        assert "latest_version: 1 (old)\ndefault_version: 1 (old)\n" in done["diff"][-1]["before"]
