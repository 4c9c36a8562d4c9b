# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Validate the options of the inventory, before any call to AWS."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.errors import SSMError
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.fanout import DEFAULT_WORKERS, check_max_workers
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.nodes.connection_status import UNKNOWN
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.nodes.filters import ALL_NODES, Selection, selection
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.option_text import quoted, suggestion
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.option_time import check_range

CONNECTION_STATUS = "connection_status"
PING_STATUS = "ping_status"
NO_SOURCE = "none"
# botocore accepts what can be a part of a host name.
_REGION = re.compile(r"[A-Za-z0-9-]{1,63}")

GetOption = Callable[[str], Any]


@dataclasses.dataclass(frozen=True)
class InventoryPlan:
    """The validated inventory options that decide which API calls are made, under their own names."""

    regions: tuple[str, ...]
    selection: Selection = ALL_NODES  # filters, include_filters and exclude_filters
    ec2_details: bool = False
    status_source: str = CONNECTION_STATUS
    ask_all_nodes: bool = False
    connection_lost_seconds: int = 86400
    strict_permissions: bool = True
    max_workers: int = DEFAULT_WORKERS


def make_plan(get: GetOption, region: str | None) -> InventoryPlan:
    """Validate the options and return the plan. ``region`` is the default of ``regions``. Raises ``SSMError``."""
    plan = InventoryPlan(
        regions=_regions(get("regions"), region),
        selection=selection(get("filters"), get("include_filters"), get("exclude_filters")),
        ec2_details=get("ec2_details"),
        status_source=get("status_source"),
        ask_all_nodes=get("ask_all_nodes"),
        connection_lost_seconds=get("connection_lost_seconds"),
        strict_permissions=get("strict_permissions"),
        max_workers=get("max_workers"),
    )
    check_max_workers(plan.max_workers)
    if plan.status_source == NO_SOURCE and UNKNOWN not in get("statuses"):
        raise SSMError("With status_source=none every status is unknown, so statuses must include unknown.")
    seconds = ("connection_lost_seconds", "cache_statuses_seconds")
    check_range({option: get(option) for option in seconds}, *seconds)
    return plan


def check_config(given: Mapping[str, Any], definitions: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise ``SSMError`` for mistakes in a configuration that Ansible itself would ignore.

    These are keys that are not options, and text that is not a boolean for a boolean option, which would count as
    false.
    """
    known = {
        name: definition
        for option, definition in definitions.items()
        for name in (option, *(definition.get("aliases") or ()))
    }
    for key, value in given.items():
        if key not in known:
            raise SSMError(f"Unknown option {quoted(str(key))}.{suggestion(str(key), known)}")
        if known[key].get("type") == "bool" and value is not None:
            _check_boolean(key, value)


def _check_boolean(option: str, value: Any) -> None:
    try:
        boolean(value, strict=True)
    except TypeError:
        raise SSMError(f"{option}: {value!r} is not a boolean; expected true or false.") from None


def _regions(given: list[Any], region: str | None) -> tuple[str, ...]:
    option = "regions" if given else "region"
    names = given or [region or ""]
    for name in names:
        if not isinstance(name, str) or (name and not _REGION.fullmatch(name)):
            raise SSMError(f"{option}: {quoted(str(name))} is not the name of a region, such as us-east-1.")
    regions = tuple(dict.fromkeys(filter(None, names)))
    if not regions:
        raise SSMError("No region was found. Set regions, region or AWS_REGION, or use a profile that has a region.")
    return regions
