# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Text that comes from AWS, which Ansible must never evaluate.

Whoever has a node names it, and whoever may tag it writes its tags: neither may run anything on the controller.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible import template
from ansible.utils.unsafe_proxy import wrap_var

# ansible-core's hints are partial, and differ from version to version.
_template: Any = template
_mark_unsafe: Any = wrap_var

# Since ansible-core 2.19 only a text that is marked as trusted is a template, and none of AWS's is. Before, each is one
# that is not marked as unsafe. It takes no brace to be one: a header in the text sets other delimiters. And the mark is
# what tells Ansible that a text made from this one, such as by b64decode, is no template either.
TRUST_IS_MARKED = hasattr(_template, "is_trusted_as_template")


def untrusted(value: Any) -> Any:
    """The value with every text in it, those of keys too, as one that is never a template."""
    return value if TRUST_IS_MARKED else _mark_unsafe(value)


def as_untrusted_as(sources: Iterable[Any], value: Any) -> Any:
    """What was made of ``sources``, untrusted if one of them is; a user's own text may be a template."""
    return untrusted(value) if not TRUST_IS_MARKED and any(map(_is_marked, sources)) else value


def _is_marked(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_is_marked, value.values()))
    if isinstance(value, list):
        return any(map(_is_marked, value))
    return hasattr(value, "__UNSAFE__")
