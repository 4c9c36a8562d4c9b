# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Helpers for tests of whole tasks of ssm_document: an emulator that can be reset, and stored documents as values."""

from __future__ import annotations

import contextlib
import copy
import json
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any, Self
from unittest import mock

import botocore.endpoint
import yaml
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.documents import apply, ensure, info
from ansible_collections.sessionops.aws.plugins.modules import ssm_document, ssm_document_info

from emulator.services.ssm.documents.store import Document, Documents
from emulator.testing import LocalAWS
from unit.support.module_runner import Runner, connection

REGION = "us-east-1"
NAME = "Team-Doc"

ensure_document = Runner(ssm_document.ARGUMENT_SPEC, ensure.run)
document_info = Runner(ssm_document_info.ARGUMENT_SPEC, info.run)


def session(description: str) -> dict[str, Any]:
    """Return the content of a Session document."""
    return {"schemaVersion": "1.0", "sessionType": "Standard_Stream", "description": description, "inputs": {}}


def accounts(first: int, count: int) -> list[str]:
    """Return ``count`` account IDs, none of them the emulator's own."""
    return [f"{200000000000 + number}" for number in range(first, first + count)]


def document(*contents: Any, name: str = NAME, document_type: str = "Session", **more: Any) -> dict[str, Any]:
    """Return a document of a world, with one version per content. The last is the default unless ``more`` sets it."""
    return {"name": name, "document_type": document_type, "versions": [{"content": one} for one in contents], **more}


class Stage:
    """One emulator for many cases. Each case starts with the documents of the world."""

    def __init__(self, *documents: Mapping[str, Any], attempts: int = 1, **world: Any) -> None:
        self.aws = LocalAWS({"regions": {REGION: {"documents": list(documents)}}, **world})
        self._attempts = attempts
        self._documents = self.aws.world.state(REGION, Documents)
        self._start = copy.deepcopy(self._documents.by_owner_and_name)
        self._connection: Any = None
        self.client: Any = None

    def __enter__(self) -> Self:
        self.aws.__enter__()
        self._connection = connection(self.aws)
        self.reset()
        return self

    def __exit__(self, *error: object) -> None:
        self.aws.stop()

    def reset(self) -> None:
        """Restore the documents and remove all faults.

        The client is replaced, too, because botocore counts retries over all calls of a client.
        """
        self._documents.by_owner_and_name = copy.deepcopy(self._start)
        self.calm()
        retries = {"mode": "standard", "total_max_attempts": self._attempts}
        if self.client is None or self._attempts > 1:
            if self.client is not None:
                self.client.close()
            self.client = self._connection.client("ssm", REGION, retries=retries)

    @contextlib.contextmanager
    def undone(self) -> Iterator[None]:
        """Undo what happens to documents in the ``with`` block."""
        before = copy.deepcopy(self._documents.by_owner_and_name)
        yield
        self._documents.by_owner_and_name = before

    def calm(self) -> None:
        """Remove all faults."""
        self.aws.world.faults.rules.clear()

    def ensure(self, *, check_mode: bool = False, diff: bool = False, **options: Any) -> dict[str, Any]:
        """Run ssm_document."""
        given = ensure_document.options(**{"name": NAME, **options})
        return ensure_document.run(given, lambda unused: self.client, check_mode, diff_mode=diff)

    def info(self, **options: Any) -> dict[str, Any]:
        """Run ssm_document_info."""
        return document_info.with_client(self.client, **options)

    def operations(self, since: int = 0) -> list[str]:
        """Return the names of the called operations, in order."""
        return [entry.operation for entry in self.aws.calls(since=since)]

    def stored(self, name: str = NAME) -> dict[str, Any] | None:
        """Return a stored document, without a call; None if it does not exist or is being deleted.

        Example: ``{"type": "Session", "default": 1, "tags": {}, "permissions": {}, "versions": {1: {...}}}``.
        """
        found = self._documents.by_owner_and_name.get((self.aws.world.account_id, name))
        return None if found is None or found.deleting_reads is not None else _held(found)

    def is_numbered_on(self, name: str) -> bool:
        """Return whether the next version's number follows the latest. It does not if later versions were deleted."""
        found = self._documents.by_owner_and_name.get((self.aws.world.account_id, name))
        return found is None or found.highest == max(found.versions)


def _held(found: Document) -> dict[str, Any]:
    return {
        "type": found.document_type,
        "default": found.default,
        "tags": dict(found.tags),
        "permissions": dict(found.permissions),
        "versions": {
            number: {
                "content": version.content,
                "format": version.document_format,
                "version_name": version.version_name,
                "display_name": version.display_name,
                "target_type": version.target_type,
            }
            for number, version in found.versions.items()
        },
    }


def meaning(text: str, text_format: str) -> Any:
    """Return the parsed content of a version."""
    if text_format == "TEXT":
        return text
    return json.loads(text) if text_format == "JSON" else yaml.safe_load(text)


def default_content(stored_document: Mapping[str, Any]) -> Any:
    """Return the parsed content of the default version."""
    version = stored_document["versions"][stored_document["default"]]
    return meaning(version["content"], version["format"])


@contextlib.contextmanager
def without_waiting() -> Iterator[None]:
    """Make pauses of the module and of botocore take no time. The module's clock moves by each pause."""
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    clock = SimpleNamespace(sleep=sleep, monotonic=lambda: now[0])
    # botocore.endpoint uses nothing of the time module but sleep.
    with mock.patch.object(apply, "time", clock), mock.patch.object(botocore.endpoint, "time", clock):
        yield
