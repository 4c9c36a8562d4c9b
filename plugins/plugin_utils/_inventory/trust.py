# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Keep Ansible from evaluating text that comes from AWS.

The owner of a node names it, and anybody who may tag it writes its tags. Neither may run anything on the controller.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible import template
from ansible.utils.unsafe_proxy import wrap_var

# ansible-core's type hints are partial, and differ from version to version.
_template: Any = template
_mark_unsafe: Any = wrap_var

# Since ansible-core 2.19 only text that is marked as trusted is a template, and no text from AWS is marked. Before, any
# text is a template unless it is marked as unsafe. It needs no brace, because a header in the text can set other
# delimiters. The mark also tells Ansible that text made from this text, such as by b64decode, is not a template.
TRUST_IS_MARKED = hasattr(_template, "is_trusted_as_template")


def untrusted(value: Any) -> Any:
    """Return the value with all text in it, including keys, marked so that it is never a template."""
    return value if TRUST_IS_MARKED else _mark_unsafe(value)


def untrusted_if_any(sources: Iterable[Any], value: Any) -> Any:
    """Return ``value``, as untrusted if it was made from a source that is. A user's own text may be a template."""
    return untrusted(value) if not TRUST_IS_MARKED and any(map(_is_marked, sources)) else value


def _is_marked(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_is_marked, value.values()))
    if isinstance(value, list):
        return any(map(_is_marked, value))
    return hasattr(value, "__UNSAFE__")
