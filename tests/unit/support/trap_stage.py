# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the tests of the traps share: AWS's switches, and a task that is checked, run, and run again."""

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

# The Session document whose default version is the one in use, as it is of any document of another type.
PREFERENCES = "SSM-SessionManagerRunShell"

CREATE, UPDATE, DEFAULT, DELETE = "CreateDocument", "UpdateDocument", "UpdateDocumentDefaultVersion", "DeleteDocument"
SHARE, TAG, UNTAG = "ModifyDocumentPermission", "AddTagsToResource", "RemoveTagsFromResource"

# Contents as mappings, and as texts that say the same.
ONE, TWO, THREE = (session(number) for number in ("one", "two", "three"))
COMPACT, OTHER = (json.dumps(content, separators=(",", ":")) for content in (ONE, TWO))
COMMENTED = "# why it is so\n" + yaml.safe_dump(ONE)


class Stage(AnyStage):
    """One that does not end well if a call broke AWS's model, or a fault never happened."""

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        if error[0] is None:
            self.aws.assert_clean()


def under(*names: str) -> pytest.MarkDecorator:
    """Run a test, which takes ``switches``, under each way that AWS may answer."""
    settings = [
        dict(zip(names, values, strict=True)) for values in itertools.product(*(SERVICE.switches[n] for n in names))
    ]
    return pytest.mark.parametrize("switches", settings, ids=lambda setting: "-".join(setting.values()))


def settle(stage: Stage, writes: list[str], *, attempted: list[str] | None = None, **task: Any) -> dict[str, Any]:
    """Check, run, check and run again; the result of the first run.

    ``writes`` are what that run changes. ``attempted`` are all writes that it sends where AWS refuses some, which
    check mode cannot foresee.
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
    """The task has nothing to do, as check mode says too; its result."""
    held, position = stage.held(task.get("name", "Team-Doc")), stage.aws.position
    results = [stage.ensure(check_mode=check_mode, **task) for check_mode in (True, False)]
    for result in results:
        assert (result["changed"], result["actions"], result["diff"]) == (False, [], [])
    assert names(stage.aws.writes(since=position)) == []
    assert stage.held(task.get("name", "Team-Doc")) == held
    return results[1]


def refused(stage: Stage, sentence: str, *, writes: tuple[str, ...] = (), **task: Any) -> str:
    """The task fails with a sentence that has this in it, and nothing changes; with no ``writes`` before any write."""
    held, position = stage.held(task.get("name", "Team-Doc")), stage.aws.position
    for check_mode in (False,) if writes else (True, False):
        with pytest.raises(SSMError) as caught:
            stage.ensure(check_mode=check_mode, **task)
        assert sentence in str(caught.value)
    assert tuple(names(stage.aws.writes(since=position))) == writes
    assert stage.held(task.get("name", "Team-Doc")) == held
    return str(caught.value)


def names(entries: list[Entry]) -> list[str]:
    """The operations of some calls."""
    return [entry.operation for entry in entries]


def last(stage: Stage, operation: str) -> dict[str, Any]:
    """What the latest call of an operation sent."""
    return stage.aws.calls(operation)[-1].params


def present(stage: Stage, name: str = "Team-Doc") -> dict[str, Any]:
    """What AWS holds of a document that has to be there."""
    held = stage.held(name)
    assert held is not None
    return held


def latest(stage: Stage, name: str = "Team-Doc") -> dict[str, Any]:
    """The newest version that AWS holds."""
    versions = present(stage, name)["versions"]
    newest: dict[str, Any] = versions[max(versions)]
    return newest


def documentation() -> str:
    """All that the module's documentation says, in one line."""
    parsed = yaml.safe_load(ssm_document.DOCUMENTATION)
    return " ".join(json.dumps(parsed, ensure_ascii=False).split())


def shared(*wanted: str, **more: Any) -> dict[str, Any]:
    """The option permissions, with the accounts in any order."""
    return {"permissions": {"account_ids": list(wanted), "purge": True, **more}}
