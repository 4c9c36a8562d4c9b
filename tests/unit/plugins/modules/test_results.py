# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test that the RETURN block of each module documents exactly the members of its result type.

``unit.support.module_runner`` checks the results themselves, in every test that runs a module.
"""

from __future__ import annotations

import types
from typing import Any, Union, get_args, get_origin, get_type_hints, is_typeddict

import pytest
import yaml
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.module import ModuleResult
from ansible_collections.sessionops.aws.plugins.modules import (
    ssm_connection_status,
    ssm_document,
    ssm_document_info,
    ssm_session_info,
    ssm_session_terminate,
)

from unit.support.connection_status import connection_status
from unit.support.document_stage import document_info, ensure_document
from unit.support.module_runner import required_members
from unit.support.session_stage import list_sessions, terminate_sessions

MODULES = {
    "ssm_connection_status": (ssm_connection_status, connection_status),
    "ssm_document": (ssm_document, ensure_document),
    "ssm_document_info": (ssm_document_info, document_info),
    "ssm_session_info": (ssm_session_info, list_sessions),
    "ssm_session_terminate": (ssm_session_terminate, terminate_sessions),
}
# Ansible documents these values for all modules.
COMMON = set(ModuleResult.__annotations__)
NAMES = {str: "str", bool: "bool", dict: "dict", list: "list"}


def without_none(hint: Any) -> Any:
    if get_origin(hint) in (Union, types.UnionType):
        (hint,) = (one for one in get_args(hint) if one is not types.NoneType)
    return hint


def type_name(hint: Any) -> str:
    return "dict" if is_typeddict(hint) else NAMES[get_origin(hint) or hint]


def compare(documented: dict[str, Any], hints: dict[str, Any], required: frozenset[str], where: str) -> None:
    """Compare documented members with those of the type, and the members of an entry that has ``contains`` likewise."""
    assert set(documented) == set(hints), where
    for name, entry in documented.items():
        hint = without_none(hints[name])
        assert entry["type"] == type_name(hint), f"{where}.{name}"
        assert (entry.get("returned", "always").startswith("always")) == (name in required), f"{where}.{name}"
        inner = get_args(hint)[0] if get_origin(hint) is list else hint
        if get_origin(hint) is list:
            assert entry["elements"] == type_name(inner), f"{where}.{name}"
        if is_typeddict(inner) and "contains" in entry:
            compare(entry["contains"], get_type_hints(inner), required_members(inner), f"{where}.{name}")


@pytest.mark.parametrize("name", MODULES)
def test_the_documentation_and_the_type_of_a_result_have_the_same_members(name: str) -> None:
    module, runner = MODULES[name]
    documented = {key: entry for key, entry in yaml.safe_load(module.RETURN).items() if key not in COMMON}
    hints = {key: hint for key, hint in get_type_hints(runner.result_type).items() if key not in COMMON}
    compare(documented, hints, required_members(runner.result_type), name)


@pytest.mark.parametrize("name", MODULES)
def test_each_returned_value_says_when_it_is_returned(name: str) -> None:
    returned = yaml.safe_load(MODULES[name][0].RETURN)
    assert [key for key, entry in returned.items() if not entry.get("returned")] == []
