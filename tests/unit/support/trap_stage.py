# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Helpers for the tests of traps: the behaviours that AWS may have, and tasks that are checked, run and repeated."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
import yaml
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.errors import SSMError
from ansible_collections.sessionops.aws.plugins.modules import ssm_document

from emulator.journal import Entry
from emulator.services.ssm.documents.operations import SERVICE
from unit.support.document_stage import Stage as AnyStage
from unit.support.document_stage import session

Switches = dict[str, str]
Task = dict[str, Any]

DUPLICATE = "DuplicateDocumentContent"

# Sessions use the default version of this document, and the latest version of any other Session document.
# Of documents of all other types, the default version is used.
PREFERENCES = "SSM-SessionManagerRunShell"

CREATE, UPDATE, DEFAULT, DELETE = "CreateDocument", "UpdateDocument", "UpdateDocumentDefaultVersion", "DeleteDocument"
SHARE, TAG, UNTAG = "ModifyDocumentPermission", "AddTagsToResource", "RemoveTagsFromResource"

# Contents as mappings, and the same contents as strings.
ONE, TWO, THREE = (session(number) for number in ("one", "two", "three"))
COMPACT, OTHER = (json.dumps(content, separators=(",", ":")) for content in (ONE, TWO))
COMMENTED = "# why it is so\n" + yaml.safe_dump(ONE)


class Stage(AnyStage):
    """A stage that fails its test if a call violated AWS's model, or if a fault was never used."""

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        if error[0] is None:
            self.aws.assert_clean()


def under(*names: str) -> pytest.MarkDecorator:
    """Run a test under each combination of behaviours that AWS may have. The test gets it as ``switches``."""
    settings = [
        dict(zip(names, values, strict=True)) for values in itertools.product(*(SERVICE.switches[n] for n in names))
    ]
    return pytest.mark.parametrize("switches", settings, ids=lambda setting: "-".join(setting.values()))


def settle(stage: Stage, writes: list[str], *, attempted: list[str] | None = None, **task: Any) -> dict[str, Any]:
    """Run a task in check mode, for real, and both once more. Return the result of the first real run.

    ``writes``: the operations by which that run changes something. ``attempted``: all write operations that it sends,
    if AWS rejects some of them, which check mode cannot foresee.
    """
    position = stage.aws.position
    foreseen = stage.ensure(check_mode=True, **task)
    assert stage.aws.writes(since=position) == [], "check mode wrote"
    done = stage.ensure(**task)
    sent = stage.aws.writes(since=position)
    assert names(sent) == (writes if attempted is None else attempted)
    assert [one.operation for one in sent if one.outcome == "ok"] == writes
    assert done["changed"] is bool(writes)
    if attempted is None:
        assert (foreseen["changed"], foreseen["actions"]) == (done["changed"], done["actions"])
        assert foreseen["diff"] == done["diff"]
    unchanged(stage, **task)
    return done


def unchanged(stage: Stage, **task: Any) -> dict[str, Any]:
    """Check that the task changes nothing, in check mode and in a real run. Return the result of the latter."""
    stored_document, position = stage.stored(task.get("name", "Team-Doc")), stage.aws.position
    results = [stage.ensure(check_mode=check_mode, **task) for check_mode in (True, False)]
    for result in results:
        assert (result["changed"], result["actions"], result["diff"]) == (False, [], [])
    assert names(stage.aws.writes(since=position)) == []
    assert stage.stored(task.get("name", "Team-Doc")) == stored_document
    return results[1]


def refused(stage: Stage, sentence: str, *, writes: tuple[str, ...] = (), **task: Any) -> str:
    """Check that the task fails with a message that contains ``sentence``, and changes nothing. Return the message.

    ``writes``: the write operations that it sends. Without any, check mode must fail in the same way.
    """
    stored_document, position = stage.stored(task.get("name", "Team-Doc")), stage.aws.position
    for check_mode in (False,) if writes else (True, False):
        with pytest.raises(SSMError) as caught:
            stage.ensure(check_mode=check_mode, **task)
        assert sentence in str(caught.value)
    assert tuple(names(stage.aws.writes(since=position))) == writes
    assert stage.stored(task.get("name", "Team-Doc")) == stored_document
    return str(caught.value)


def names(entries: list[Entry]) -> list[str]:
    """Return the operations of journal entries."""
    return [entry.operation for entry in entries]


def last(stage: Stage, operation: str) -> dict[str, Any]:
    """Return the parameters of the latest call of an operation."""
    return stage.aws.calls(operation)[-1].params


def present(stage: Stage, name: str = "Team-Doc") -> dict[str, Any]:
    """Return the stored document, which must exist."""
    stored_document = stage.stored(name)
    assert stored_document is not None
    return stored_document


def latest(stage: Stage, name: str = "Team-Doc") -> dict[str, Any]:
    """Return the newest stored version."""
    versions = present(stage, name)["versions"]
    newest: dict[str, Any] = versions[max(versions)]
    return newest


def documentation() -> str:
    """Return the module's documentation in one line."""
    parsed = yaml.safe_load(ssm_document.DOCUMENTATION)
    return " ".join(json.dumps(parsed, ensure_ascii=False).split())


def shared(*wanted: str, **more: Any) -> dict[str, Any]:
    """Return the option permissions for these accounts. Their order does not matter."""
    return {"permissions": {"account_ids": list(wanted), "purge": True, **more}}
