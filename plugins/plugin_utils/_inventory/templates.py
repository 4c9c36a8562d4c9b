# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Evaluate the templates in the options of an inventory file, before ansible-core gives the options their types.

ansible-core splits the text of a list option at its commas, even inside a template, and rejects text for an option of
another type, such as a mapping. So templates are evaluated first, and can return a list or a mapping.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ansible import template
from ansible.errors import AnsibleUndefinedVariable
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.errors import SSMError

# ansible-core's type hints are partial, and differ from version to version.
_template: Any = template
# Before ansible-core 2.19 every text that is not marked as unsafe is a template.
_trusted: Callable[[str], str] = getattr(_template, "trust_as_template", lambda text: text)

# Evaluates one template.
EvaluateTemplate = Callable[[str], Any]

_CREDENTIALS = frozenset({"access_key", "secret_key", "session_token"})
_TEXTS = _CREDENTIALS | {"assume_role_arn", "endpoint_url", "profile", "region"}
# Lists of names. No name contains a comma, so a text with commas can stand for several names.
_NAMES = frozenset({"regions", "statuses"})
_FILTERS = frozenset({"exclude_filters", "include_filters"})
_TEMPLATED = _TEXTS | _NAMES | _FILTERS | {"filters"}
# An empty value would select more than the template is meant to select.
_NEVER_EMPTY = _NAMES | {"filters", "include_filters"}
_MARKS = ("{{", "{%", "{#")
_ENTRY = re.compile(r"(?:\{\{.*?\}\}|\{%.*?%\}|[^,])+", re.DOTALL)


def evaluate_templates(
    given: Mapping[str, Any], definitions: Mapping[str, Mapping[str, Any]], evaluate: EvaluateTemplate
) -> Any:
    """Return the options ``given`` in a file with their templates evaluated. Their keys may be aliases.

    ``definitions`` are those of all options. Raises ``SSMError`` if a template fails, or returns something that the
    option does not accept. The error does not show the value, which can be a secret or the content of a file.
    """
    names = {
        alias: name for name, definition in definitions.items() for alias in (name, *(definition.get("aliases") or ()))
    }
    return {key: _option(key, names.get(key, key), value, evaluate) for key, value in given.items()}


def _option(key: str, name: str, given: Any, evaluate: EvaluateTemplate) -> Any:
    """Return the value of one option. ``key`` is the name or alias that the file uses, ``name`` the name."""
    if name == "hostnames" and _is_template(given):  # evaluated for each host
        return [_trusted(entry.strip()) for entry in _ENTRY.findall(given)]
    value = given
    if name in _TEMPLATED and _has_template(given):
        value = _value(name, given, lambda text: _attempt(key, name, text, evaluate))
        if name in _NEVER_EMPTY and not value:
            raise SSMError(
                f"{key}: the template gives an empty value. Set its variable, for example with -e, or omit {key}."
            )
        _check_filters(key, name, value)
    if name in _TEXTS and isinstance(value, (list, tuple, Mapping)):
        raise SSMError(f"{key} must be a string, not a list or a mapping.")
    return value


def _value(name: str, given: Any, evaluate: EvaluateTemplate) -> Any:
    if name not in _NAMES | _FILTERS:
        return _evaluate_within(given, evaluate)
    entries = _evaluate_within(given if isinstance(given, list) else [given], evaluate)
    return [part for entry in entries for part in _names(entry)] if name in _NAMES else entries


def _names(entry: Any) -> list[Any]:
    """Return the names in an entry of a list of names."""
    return [part.strip() for part in entry.split(",") if part.strip()] if isinstance(entry, str) else [entry]


def _evaluate_within(value: Any, evaluate: EvaluateTemplate) -> Any:
    """Evaluate the templates in a value. A list from a template replaces it in its list."""
    if isinstance(value, Mapping):
        return {key: _evaluate_within(each, evaluate) for key, each in value.items()}
    if isinstance(value, list):
        return [each for entry in value for each in _entries(entry, evaluate)]
    return evaluate(value) if _is_template(value) else value


def _entries(entry: Any, evaluate: EvaluateTemplate) -> list[Any]:
    value = _evaluate_within(entry, evaluate)
    return list(value) if _is_template(entry) and isinstance(value, (list, tuple)) else [value]


def _attempt(key: str, name: str, text: str, evaluate: EvaluateTemplate) -> Any:
    try:
        return evaluate(text)
    except Exception as error:  # lookups and filters raise any exception
        is_shown = name not in _CREDENTIALS or isinstance(error, AnsibleUndefinedVariable)
        reason = ": " + " ".join(str(error).split()).rstrip(".") if is_shown else ""
        raise SSMError(f"{key}: the template fails{reason}.") from None


def _check_filters(key: str, name: str, value: Any) -> None:
    if name == "filters" and not isinstance(value, Mapping):
        raise SSMError(f"{key} must map filters to their values, such as PlatformTypes: Linux.")
    if name in _FILTERS and not all(isinstance(entry, Mapping) for entry in value):
        raise SSMError(
            f"{key} must be a list whose entries map filters to their values, such as - PlatformTypes: Linux."
        )


def _has_template(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_has_template, value.values()))
    return any(map(_has_template, value)) if isinstance(value, list) else _is_template(value)


def _is_template(value: Any) -> bool:
    return isinstance(value, str) and any(mark in value for mark in _MARKS)
