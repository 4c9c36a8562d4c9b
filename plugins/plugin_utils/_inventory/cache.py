# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""What is kept from one run to the next: nodes, and for their own shorter time their statuses.

Only what AWS said is kept, and nothing that follows from options. What was kept for other regions, filters or
credentials is as good as nothing, and so is what this version did not write.
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
from .options import Plan
from .presumed_status import Status

T = TypeVar("T")
_STATUSES = "_statuses"

Connect = Callable[[Sequence[str]], Mapping[str, Clients]]


@dataclasses.dataclass(frozen=True)
class Store:
    """Where entries are kept (a mapping), under which key, and with which fingerprint they count.

    Nodes count for ``nodes_for`` seconds, of which 0 are for ever as cache plugins have it, and statuses for
    ``statuses_for``, of which 0 are none at all.
    """

    entries: MutableMapping[str, Any]
    key: str
    fingerprint: str
    nodes_for: int
    statuses_for: int


def fingerprint(plan: Plan, source: Mapping[str, Any]) -> str:
    """What tells one set of nodes from another: the fields of ``plan`` that choose them, and who asks where.

    ``source`` is everything else that shapes the answers, such as who signs, role and endpoint.
    """
    chosen = {
        "version": COLLECTION_VERSION,
        "regions": plan.regions,
        "includes": [dict(each.wanted) for each in plan.selection.includes],
        "excludes": [dict(each.wanted) for each in plan.selection.excludes],
        "ec2_details": plan.ec2_details,
        "source": dict(source),
    }
    return hashlib.sha256(json.dumps(chosen, sort_keys=True).encode()).hexdigest()


def keep_private(entries: Any) -> None:
    """Let nobody but the owner read the files of the entries, where they are files.

    The cache plugins of ansible-core make their files readable for everybody, whatever the umask is.
    """
    folder: str | None = getattr(getattr(entries, "_plugin", None), "_cache_dir", None)
    if not folder:
        return
    for key in entries:
        for file in pathlib.Path(folder).glob(f"*{glob.escape(key)}"):  # ansible-core puts prefixes before the key
            with contextlib.suppress(OSError):  # the file of another user, or none any more
                file.chmod(0o600)


@contextlib.contextmanager
def private_folders() -> Iterator[None]:
    """Make folders and files that are created meanwhile accessible to their owner alone."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def find(plan: Plan, connect: Connect, store: Store | None, *, fresh: bool) -> Found:
    """Nodes and statuses, from ``store`` as far as they count there, and from AWS where not or where ``fresh``.

    ``connect`` makes the clients of regions, and is called only if there is a call to make.
    """
    kept = _nodes(store) if store and not fresh else None
    if store is None or kept is None:
        found = fetch(plan, connect(plan.regions))
        if store and not found.warnings:  # what is left out is to be told again, and asked for
            # As one text, for Ansible reads a dictionary with a key such as __ansible_type, which a tag may have, as
            # something of its own.
            regions = json.dumps({name: _plain(region) for name, region in found.regions.items()})
            store.entries[store.key] = {"fingerprint": store.fingerprint, "made": time.time(), "regions": regions}
        _keep_statuses(store, found)
        return found
    wanted = {name: ids for name, region in kept.items() if (ids := candidates(region, plan))}
    asked = _statuses(store)
    if all(target in asked for ids in wanted.values() for target in ids):
        return Found(kept, asked)
    found = ask(plan, kept, wanted, connect(list(wanted)))
    _keep_statuses(store, found)
    return found


def _nodes(store: Store) -> dict[str, Region] | None:
    return _kept(store, store.key, store.nodes_for or float("inf"), _regions)


def _statuses(store: Store) -> dict[str, Status]:
    return _kept(store, store.key + _STATUSES, store.statuses_for, _asked) or {}


def _kept(store: Store, key: str, seconds: float, read: Callable[[Any], T]) -> T | None:
    """What ``read`` makes of an entry; None unless this version wrote it, and within the last ``seconds``.

    An entry from the future, which a clock that was put back leaves, has no age that would ever end.
    """
    # What others left there may be anything, and cache plugins raise anything where they cannot read it.
    with contextlib.suppress(Exception):
        entry = store.entries[key]
        if entry["fingerprint"] == store.fingerprint and 0 <= time.time() - entry["made"] < seconds:
            return read(entry)
    return None


def _keep_statuses(store: Store | None, found: Found) -> None:
    """Keep statuses in an entry of their own: to write the nodes again would make these look younger."""
    if store and store.statuses_for:
        asked = {target: list(status) for target, status in found.asked.items()}
        entry = {"fingerprint": store.fingerprint, "made": time.time(), "asked": asked}
        store.entries[store.key + _STATUSES] = entry


def _plain(region: Region) -> dict[str, Any]:
    served_at = region.served_at.isoformat() if region.served_at else None
    return {"nodes": region.nodes, "served_at": served_at}


def _regions(entry: Any) -> dict[str, Region]:
    return {name: _region(given) for name, given in json.loads(entry["regions"]).items()}


def _region(given: Mapping[str, Any]) -> Region:
    served_at = given["served_at"]
    return Region(list(given["nodes"]), datetime.datetime.fromisoformat(served_at) if served_at else None)


def _asked(entry: Any) -> dict[str, Status]:
    return {target: Status(*given) for target, given in entry["asked"].items()}
