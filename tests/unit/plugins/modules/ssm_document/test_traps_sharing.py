# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test the traps in sharing, deleting and tagging SSM documents; document_traps.rst has a table of all traps."""

from __future__ import annotations

import itertools

import pytest
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.errors import SSMError

from unit.support.document_stage import accounts, default_content, document
from unit.support.trap_stage import (
    DELETE,
    ONE,
    SHARE,
    TAG,
    THREE,
    TWO,
    UNTAG,
    Stage,
    Switches,
    documentation,
    last,
    present,
    refused,
    settle,
    shared,
    unchanged,
    under,
)

A, B, C = accounts(0, 3)
MANY = accounts(10, 45)


def test_trap_22_more_than_20_accounts_take_several_calls() -> None:
    with Stage(document(ONE)) as stage:
        settle(stage, [SHARE] * 3, **shared(*MANY))
        sent = [call.params["AccountIdsToAdd"] for call in stage.aws.calls(SHARE)]
        assert [len(part) for part in sent] == [20, 20, 5]
        assert sorted(itertools.chain(*sent)) == MANY
        assert set(present(stage)["permissions"]) == set(MANY)


def test_trap_22_a_document_is_shared_no_more_before_it_is_public_and_the_reverse() -> None:
    with Stage(document(ONE, permissions=[A, B])) as stage:
        refused(stage, "Set permissions.purge", **shared("all", purge=False))
        settle(stage, [SHARE, SHARE], **shared("all"))
        assert [call.params.get("AccountIdsToRemove") for call in stage.aws.calls(SHARE)] == [[A, B], None]
        assert present(stage)["permissions"] == {"all": "$DEFAULT"}
        settle(stage, [SHARE, SHARE], **shared(C))
        assert present(stage)["permissions"] == {C: "$DEFAULT"}


@pytest.mark.parametrize("page", [1, 7, 20])
def test_trap_23_permissions_are_read_to_the_last_page(page: int) -> None:
    with Stage(document(ONE, permissions=MANY), limits={"document_permission_page": page}) as stage:
        unchanged(stage, **shared(*reversed(MANY)))
        settle(stage, [SHARE], **shared(*MANY[:-1]))
        assert last(stage, SHARE)["AccountIdsToRemove"] == [MANY[-1]]
        [found] = stage.info(names=["Team-Doc"], include=["permissions"])["documents"]
        assert found["permissions"]["account_ids"] == MANY[:-1]


@pytest.mark.parametrize("spelling", ["All", "ALL", "all"])
def test_trap_24_all_is_sent_in_the_spelling_that_has_an_effect(spelling: str) -> None:
    with Stage(document(ONE)) as stage:
        settle(stage, [SHARE], **shared(spelling))
        assert last(stage, SHARE)["AccountIdsToAdd"] == ["all"]
        assert present(stage)["permissions"] == {"all": "$DEFAULT"}
        refused(stage, "either public or shared with accounts. Set only 'all'", **shared(spelling, A))
        refused(stage, "in quotes", **shared("12345"))


def test_trap_25_the_version_that_accounts_may_use_is_compared_too() -> None:
    with Stage(document(ONE, permissions={A: "$LATEST", B: "$DEFAULT"})) as stage:
        unchanged(stage, **shared(A, B))
        done = settle(stage, [SHARE], **shared(A, B, C))
        assert last(stage, SHARE)["AccountIdsToAdd"] == [C], "what is sent again without a version is $DEFAULT after it"
        assert done["document"]["permissions"] == {
            "account_ids": [A, B, C],
            "shared_document_versions": {A: "$LATEST", B: "$DEFAULT", C: "$DEFAULT"},
        }
        settle(stage, [SHARE], **shared(A, B, C, shared_document_version="$ALL"))
        assert present(stage)["permissions"] == {A: "$ALL", B: "$ALL", C: "$ALL"}


@pytest.mark.parametrize("who", [[A], ["all"], MANY], ids=["one", "everyone", "45"])
def test_trap_26_a_shared_document_is_deleted_only_with_force_unshare(who: list[str]) -> None:
    with Stage(document(ONE, permissions=who)) as stage:
        refused(stage, "Set force_unshare", state="absent")
        settle(stage, [SHARE] * (3 if who is MANY else 1) + [DELETE], state="absent", force_unshare=True)
        assert stage.stored() is None


def test_trap_27_force_is_sent_only_when_it_is_asked_for() -> None:
    schema = document({"type": "object"}, document_type="ApplicationConfigurationSchema")
    with Stage(schema, document(ONE, name="Other")) as stage:
        settle(stage, [DELETE], name="Other", state="absent")
        assert "Force" not in last(stage, DELETE)
        with pytest.raises(SSMError, match="InvalidDocumentOperation"):
            stage.ensure(state="absent")
        assert stage.stored() is not None
        settle(stage, [DELETE], state="absent", force=True)
        assert last(stage, DELETE)["Force"] is True


@under("delete_missing_version")
def test_trap_28_one_version_is_deleted_but_never_the_default_or_the_document(switches: Switches) -> None:
    described = document(ONE, TWO, THREE)
    described["versions"][1]["version_name"] = "v2"
    with Stage(described, switches=switches) as stage:
        refused(
            stage,
            "is the default version of document Team-Doc and cannot be deleted",
            state="absent",
            document_version="3",
        )
        for moving in ("$LATEST", "$DEFAULT"):
            refused(stage, "it must be the number of the version to delete", state="absent", document_version=moving)
        settle(stage, [DELETE], state="absent", document_version="1")
        settle(stage, [DELETE], state="absent", version_name="v2")
        unchanged(stage, state="absent", document_version="9")
        assert list(present(stage)["versions"]) == [3]


def test_trap_28_the_diff_shows_the_deleted_version_even_if_it_is_the_latest() -> None:
    described = document(ONE, TWO)
    described["versions"].append({"content": THREE, "version_name": "next", "target_type": "/"})
    with Stage({**described, "default_version": 2}) as stage:
        done = settle(stage, [DELETE], state="absent", version_name="next")
        [shown] = done["diff"]
        assert shown["before_header"] == "Team-Doc (version 3)"
        assert shown["before"].splitlines() == ["document_format: JSON", "target_type: /", "version_name: next"]
        assert shown["after"] == ""
        assert done["document"]["latest_version"] == "2"


@under("delete_missing_version")
def test_trap_28_a_version_that_is_gone_when_it_is_deleted_is_deleted(switches: Switches) -> None:
    with Stage(document(ONE, TWO), attempts=2, switches=switches) as stage:
        stage.aws.add_fault(op=DELETE, do={"drop": "after"})
        assert stage.ensure(state="absent", document_version="1")["actions"] == ["delete version 1"]
        assert list(present(stage)["versions"]) == [2]


@pytest.mark.parametrize("text", ["No matching value was found for Name.", "", "Document with name X does not exist."])
def test_trap_29_a_missing_document_is_recognized_by_the_code_and_not_by_the_message(text: str) -> None:
    answer = {"error": "InvalidDocument", "message": text}
    with Stage() as stage:
        stage.aws.add_fault(op="DescribeDocument", times=2, do=answer)
        assert not stage.ensure(state="absent")["changed"]
        assert stage.ensure(content=ONE, document_type="Session")["actions"] == ["create the document"]
        assert default_content(present(stage)) == ONE


def test_trap_29_another_error_is_not_a_missing_document_whatever_its_message() -> None:
    with Stage(document(ONE)) as stage:
        stage.aws.add_fault(
            op="DescribeDocument",
            times="always",
            do={"error": "ValidationException", "message": "Document with name Team-Doc does not exist."},
        )
        refused(stage, "ValidationException", state="absent")
        refused(stage, "ValidationException", content=TWO)


def test_trap_29_tags_of_a_document_of_another_owner_are_empty() -> None:
    with Stage() as stage:
        # If the listing has no tags, the module calls ListTagsForResource.
        stage.aws.add_fault(op="ListDocuments", do={"set": {"DocumentIdentifiers.0.Tags": None}})
        found = stage.info(owner="Amazon", include=["tags"])["documents"]
        assert [call.outcome for call in stage.aws.calls("ListTagsForResource")] == ["InvalidResourceId"]
        assert [one["tags"] for one in found] == [{}] * len(found)


def test_trap_30_a_document_with_associations_is_not_deleted() -> None:
    with Stage(document(ONE, associated=True)) as stage:
        with pytest.raises(SSMError, match=r"AssociatedInstances: .*\. Delete its associations in State Manager first"):
            stage.ensure(state="absent")
        assert stage.stored() is not None
    sentence = "If State Manager associations use a document, changing its default version runs those associations"
    assert sentence in documentation()


def test_trap_31_tags_of_aws_stay_and_a_tag_makes_no_version() -> None:
    system = "aws:servicecatalog:applicationName"
    with Stage(document(ONE, tags={system: "shop", "team": "a", "Case": "x"})) as stage:
        settle(stage, [TAG, UNTAG], tags={"case": "x", "team": "b"})
        assert present(stage)["tags"] == {system: "shop", "case": "x", "team": "b"}
        settle(stage, [UNTAG], tags={})
        assert set(last(stage, UNTAG)["TagKeys"]) == {"case", "team"}
        assert present(stage)["tags"] == {system: "shop"}
        refused(stage, "Only AWS can set tags that begin with aws:", tags={"aws:mine": "x"})
        assert list(present(stage)["versions"]) == [1]
