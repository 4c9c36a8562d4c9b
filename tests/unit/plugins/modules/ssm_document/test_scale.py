# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test that a task on the largest documents that AWS allows makes as few calls as AWS's page sizes permit."""

from __future__ import annotations

import functools
import json
import math
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest

from unit.support.document_stage import NAME, Stage, accounts, document, session, without_waiting

VERSIONS = 1000
DOCUMENTS = 500
DESCRIBE, GET, WHO, SHARE = "DescribeDocument", "GetDocument", "DescribeDocumentPermission", "ModifyDocumentPermission"
UPDATE, DEFAULT, DELETE = "UpdateDocument", "UpdateDocumentDefaultVersion", "DeleteDocument"
LIST, LIST_VERSIONS = "ListDocuments", "ListDocumentVersions"


@functools.cache
def operation(name: str) -> Any:
    """Return the model of an operation from botocore."""
    return botocore.session.Session().get_service_model("ssm").operation_model(name)


def pages(name: str, items: int) -> int:
    """Return the minimum number of calls that list ``items`` items."""
    shapes = operation(name)
    most = int(shapes.input_shape.members["MaxResults"].metadata["max"])
    if name == WHO:  # AWS returns smaller pages than MaxResults allows
        most = min(most, int(shapes.output_shape.members["AccountIds"].metadata["max"]))
    return max(1, math.ceil(items / most))


def changes(items: int) -> int:
    """Return the number of calls that add or remove ``items`` accounts."""
    return math.ceil(items / int(operation(SHARE).input_shape.members["AccountIdsToAdd"].metadata["max"]))


def stored(number: int) -> str:
    """Return the content of a version, byte for byte as the module sends it."""
    return json.dumps(session(f"number {number}"), indent=2)


def versions(count: int, **settings: Any) -> Stage:
    """Return a document of ``count`` versions, the last one the default. A new version is active at once."""
    limits = {"document_transition_reads": 0}
    return Stage(document(*map(stored, range(1, count + 1)), tags={"team": "a"}), limits=limits, **settings)


def calls(stage: Stage, since: int) -> Counter[str]:
    return Counter(stage.operations(since))


@pytest.fixture(scope="module")
def full() -> Iterator[Stage]:
    """Yield a document that has room for one more version."""
    with versions(VERSIONS - 1) as stage:
        yield stage


def test_a_document_that_is_as_wanted_takes_one_call(full: Stage) -> None:
    full.reset()
    position = full.aws.position
    wanted = session(f"number {VERSIONS - 1}")
    assert not full.ensure(content=wanted, tags={"team": "a"}, document_type="Session")["changed"]
    assert calls(full, position) == {DESCRIBE: 1}
    position = full.aws.position
    assert not full.ensure(content=json.dumps(wanted))["changed"]
    assert calls(full, position) == {DESCRIBE: 1, GET: 1}, "other white space takes a look at the content"


def test_a_new_version_takes_no_listing(full: Stage) -> None:
    full.reset()
    position = full.aws.position
    assert full.ensure(content=session("new"))["changed"]
    # Describe, compare the content, update, check that it is active, set the default, describe the result.
    assert full.operations(position) == [DESCRIBE, GET, UPDATE, DESCRIBE, DEFAULT, DESCRIBE]


def test_going_back_where_aws_takes_no_content_twice() -> None:
    with versions(VERSIONS - 1, switches={"duplicate_scope": "any"}) as stage:
        position = stage.aws.position
        assert stage.ensure(content=stored(1))["changed"]
        stored_document = stage.stored()
        assert stored_document and stored_document["default"] == 1
        # ListDocumentVersions returns no content, so each version is read, except the one that was compared before.
        others = VERSIONS - 2
        # When AWS has rejected the content, the task plans again from a fresh read.
        looks = [DESCRIBE, GET, UPDATE, DESCRIBE, GET, DESCRIBE, DEFAULT, DESCRIBE]
        found = calls(stage, position)
        assert found[LIST_VERSIONS] == pages(LIST_VERSIONS, VERSIONS - 1)
        assert found == Counter(looks) + Counter({LIST_VERSIONS: found[LIST_VERSIONS], GET: others})


def test_going_back_to_a_recent_version_reads_no_older_ones() -> None:
    with versions(VERSIONS - 1, switches={"duplicate_scope": "any"}) as stage:
        position = stage.aws.position
        assert stage.ensure(content=stored(VERSIONS - 3))["changed"]
        read = {
            int(entry.params["DocumentVersion"].replace("$LATEST", "0"))
            for entry in stage.aws.calls(GET, since=position)
        }
        # Versions are read in parallel, so as many older ones may be read as there are connections.
        assert min(read - {0}) > VERSIONS - 3 - 64


def test_keeping_the_newest_versions_of_a_full_document() -> None:
    kept = 10
    with versions(VERSIONS) as stage, without_waiting():
        position = stage.aws.position
        assert stage.ensure(content=session("new"), keep_versions=kept)["changed"]
        gone = VERSIONS + 1 - kept
        stored_document = stage.stored()
        assert stored_document and sorted(stored_document["versions"]) == list(range(gone + 1, VERSIONS + 2))
        assert calls(stage, position) == {
            DESCRIBE: 3,
            GET: 1,
            LIST_VERSIONS: pages(LIST_VERSIONS, VERSIONS),
            WHO: pages(WHO, 0),
            DELETE: gone,
            UPDATE: 1,
            DEFAULT: 1,
        }
        position = stage.aws.position
        assert not stage.ensure(content=session("new"), keep_versions=kept)["changed"]
        assert calls(stage, position) == {DESCRIBE: 1, LIST_VERSIONS: pages(LIST_VERSIONS, kept)}


def test_every_version_is_listed_in_the_fewest_pages() -> None:
    with versions(VERSIONS) as stage:
        position = stage.aws.position
        found = stage.info(names=[NAME], include=["versions"])["documents"][0]["versions"]
        assert [one["document_version"] for one in found] == [str(number) for number in range(VERSIONS, 0, -1)]
        assert pages(LIST_VERSIONS, VERSIONS) == 20
        assert calls(stage, position) == {DESCRIBE: 1, LIST_VERSIONS: 20}


@pytest.fixture(scope="module")
def shared() -> Iterator[Stage]:
    """Yield a document that is shared with a hundred accounts."""
    with Stage(document(session("one"), permissions=accounts(0, 100))) as stage:
        yield stage


def test_sharing_that_is_as_wanted_takes_its_pages(shared: Stage) -> None:
    shared.reset()
    position = shared.aws.position
    done = shared.ensure(permissions={"account_ids": accounts(0, 100)})
    assert not done["changed"]
    assert len(done["document"]["permissions"]["account_ids"]) == 100
    assert pages(WHO, 100) == 5
    assert calls(shared, position) == {DESCRIBE: 1, WHO: 5}


def test_additions_and_removals_share_their_calls(shared: Stage) -> None:
    shared.reset()
    position = shared.aws.position
    assert shared.ensure(permissions={"account_ids": accounts(5, 120)})["changed"]
    assert changes(25) == 2
    assert calls(shared, position) == {DESCRIBE: 2, WHO: pages(WHO, 100) + pages(WHO, 120), SHARE: 2}
    stored_document = shared.stored()
    assert stored_document and sorted(stored_document["permissions"]) == accounts(5, 120)


def test_a_task_that_is_not_about_sharing_does_not_read_it(shared: Stage) -> None:
    shared.reset()
    position = shared.aws.position
    assert shared.ensure(tags={"team": "a"})["changed"]
    assert shared.operations(position) == [DESCRIBE, "AddTagsToResource", DESCRIBE]


def test_a_shared_document_is_deleted_in_the_fewest_calls(shared: Stage) -> None:
    shared.reset()
    position = shared.aws.position
    assert shared.ensure(state="absent", force_unshare=True)["changed"]
    assert changes(100) == 5
    # GetDocument is for the diff. The second DescribeDocument checks that the document is gone.
    assert calls(shared, position) == {DESCRIBE: 2, GET: 1, WHO: pages(WHO, 100), SHARE: 5, DELETE: 1}
    assert shared.stored() is None


@pytest.fixture(scope="module")
def many() -> Iterator[Stage]:
    """Yield as many documents as an account may have, each shared with more accounts than one page has."""
    everyone = [
        document(session("one"), name=f"Doc-{number:03}", permissions=accounts(0, 25)) for number in range(DOCUMENTS)
    ]
    with Stage(*everyone, latency_ms={GET: 20}) as stage:
        yield stage


@pytest.mark.parametrize(
    ("include", "calls_each"),
    [
        ([], {}),
        (["content"], {GET: 1}),
        (["versions"], {LIST_VERSIONS: pages(LIST_VERSIONS, 1)}),
        (["permissions"], {WHO: pages(WHO, 25)}),
        (["tags"], {}),  # a listing returns them
    ],
    ids=["nothing", "content", "versions", "permissions", "tags"],
)
def test_a_listing_makes_a_call_for_each_document_only_for_what_it_lacks(
    many: Stage, include: list[str], calls_each: dict[str, int]
) -> None:
    position = many.aws.position
    documents = many.info(include=include)["documents"]
    assert [one["name"] for one in documents] == [f"Doc-{number:03}" for number in range(DOCUMENTS)]
    assert all(extra in one for one in documents for extra in include)
    assert pages(LIST, DOCUMENTS) == 10
    assert calls(many, position) == {LIST: 10, **{name: each * DOCUMENTS for name, each in calls_each.items()}}


def test_the_calls_for_each_document_are_made_side_by_side(many: Stage) -> None:
    many.reset()
    lock, now, most = threading.Lock(), [0], [0]

    def begun(**unused: Any) -> None:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])

    def ended(**unused: Any) -> None:
        with lock:
            now[0] -= 1

    events = many.client.meta.events
    events.register(f"before-call.ssm.{GET}", begun)
    events.register(f"after-call.ssm.{GET}", ended)
    many.info(include=["content"])
    events.unregister(f"before-call.ssm.{GET}", begun)
    events.unregister(f"after-call.ssm.{GET}", ended)
    assert now == [0]
    assert most[0] > 8
