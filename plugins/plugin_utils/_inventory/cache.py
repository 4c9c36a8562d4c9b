# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Cache nodes from one run to the next, and connection statuses for a shorter time of their own.

Only data from AWS is cached, nothing that follows from options. An entry is ignored if it is for other regions, filters
or credentials, or if another version of the collection wrote it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import glob
import hashlib
import json
import os
import pathlib
import time
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from typing import Any, TypeVar

from ansible_collections.sessionops.aws.plugins.module_utils._ssm.clients import COLLECTION_VERSION

from .fetch import Clients, Found, Region, ask, candidates, fetch
from .inferred_status import Status
from .options import InventoryPlan

T = TypeVar("T")
_STATUSES = "_statuses"

Connect = Callable[[Sequence[str]], Mapping[str, Clients]]


@dataclasses.dataclass(frozen=True)
class InventoryCache:
    """The cache of one inventory file. It has two entries, one for nodes and one for statuses.

    ``{KEY: {"fingerprint": "9f86d0...", "made": 1764158400.0, "regions": '{"us-east-1": {"nodes": [...], ...}}'},
    KEY_statuses: {"fingerprint": "9f86d0...", "made": 1764158400.0, "asked": {"i-...": ["connected", ...]}}}``
    """

    entries: MutableMapping[str, Any]
    key: str
    fingerprint: str  # entries with another fingerprint are ignored
    nodes_for: int  # seconds; 0 is for ever, as in Ansible's cache plugins
    statuses_for: int  # seconds; with 0, statuses are not cached


def fingerprint(plan: InventoryPlan, source: Mapping[str, Any]) -> str:
    """Return a hash of everything that a list of nodes depends on: fields of ``plan``, and ``source``.

    ``source`` has what else affects AWS's replies, such as the identity that signs, the role and the endpoint.
    """
    settings = {
        "version": COLLECTION_VERSION,
        "regions": plan.regions,
        "includes": [dict(each.wanted) for each in plan.selection.includes],
        "excludes": [dict(each.wanted) for each in plan.selection.excludes],
        "ec2_details": plan.ec2_details,
        "source": dict(source),
    }
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def keep_private(entries: Any) -> None:
    """Make the cache files readable for their owner only, if the entries are files.

    The cache plugins of ansible-core make their files readable for everybody, whatever the umask is.
    """
    folder: str | None = getattr(getattr(entries, "_plugin", None), "_cache_dir", None)
    if not folder:
        return
    for key in entries:
        for file in pathlib.Path(folder).glob(f"*{glob.escape(key)}"):  # ansible-core puts prefixes before the key
            with contextlib.suppress(OSError):  # another user's file, or one that was deleted meanwhile
                file.chmod(0o600)


@contextlib.contextmanager
def private_folders() -> Iterator[None]:
    """Make files and folders that are created inside the context accessible to their owner only."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def find_nodes(plan: InventoryPlan, connect: Connect, store: InventoryCache | None, *, fresh: bool) -> Found:
    """Return nodes and statuses, from ``store`` if they are valid there, otherwise from AWS.

    With ``fresh``, everything is read from AWS, and the cache is only written. ``connect`` makes the clients of
    regions. It is called only if a call is needed.
    """
    cached = _cached_regions(store) if store and not fresh else None
    if store is None or cached is None:
        found = fetch(plan, connect(plan.regions))
        if store and not found.warnings:  # so that the next run tries what is missing again, and warns again
            # One JSON text, because Ansible interprets dictionaries that have a key such as __ansible_type. Tags may
            # have such keys.
            regions = json.dumps({name: _encode_region(region) for name, region in found.regions.items()})
            store.entries[store.key] = {"fingerprint": store.fingerprint, "made": time.time(), "regions": regions}
        _write_statuses(store, found)
        return found
    wanted = {name: ids for name, region in cached.items() if (ids := candidates(region, plan))}
    statuses = _cached_statuses(store)
    if all(node in statuses for ids in wanted.values() for node in ids):
        return Found(cached, statuses)
    found = ask(plan, cached, wanted, connect(list(wanted)))
    _write_statuses(store, found)
    return found


def _cached_regions(store: InventoryCache) -> dict[str, Region] | None:
    return _cached(store, store.key, store.nodes_for or float("inf"), _decode_regions)


def _cached_statuses(store: InventoryCache) -> dict[str, Status]:
    return _cached(store, store.key + _STATUSES, store.statuses_for, _decode_statuses) or {}


def _cached(store: InventoryCache, key: str, seconds: float, decode: Callable[[Any], T]) -> T | None:
    """Return the decoded entry; None if it is missing, unreadable, older than ``seconds`` or has another fingerprint.

    An entry from the future is ignored too. A clock that was set back leaves such entries, and they might never expire.
    """
    # Anybody may have written the entry, and cache plugins raise any exception if they cannot read it.
    with contextlib.suppress(Exception):
        entry = store.entries[key]
        if entry["fingerprint"] == store.fingerprint and 0 <= time.time() - entry["made"] < seconds:
            return decode(entry)
    return None


def _write_statuses(store: InventoryCache | None, found: Found) -> None:
    """Write statuses to an entry of their own, because writing the nodes again would renew their age."""
    if store and store.statuses_for:
        asked = {node: list(status) for node, status in found.asked.items()}
        entry = {"fingerprint": store.fingerprint, "made": time.time(), "asked": asked}
        store.entries[store.key + _STATUSES] = entry


def _encode_region(region: Region) -> dict[str, Any]:
    served_at = region.served_at.isoformat() if region.served_at else None
    return {"nodes": region.nodes, "served_at": served_at}


def _decode_regions(entry: Any) -> dict[str, Region]:
    return {name: _decode_region(encoded) for name, encoded in json.loads(entry["regions"]).items()}


def _decode_region(encoded: Mapping[str, Any]) -> Region:
    served_at = encoded["served_at"]
    return Region(list(encoded["nodes"]), datetime.datetime.fromisoformat(served_at) if served_at else None)


def _decode_statuses(entry: Any) -> dict[str, Status]:
    return {node: Status(*encoded) for node, encoded in entry["asked"].items()}
