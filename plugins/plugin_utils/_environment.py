# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Pass over empty environment variables, which botocore takes for a profile or a region with an empty name."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from ansible_collections.sessionops.aws.plugins.module_utils._ssm.clients import empty_variables


@contextlib.contextmanager
def without_empty_variables() -> Iterator[None]:
    """Unset empty AWS environment variables inside the context. Afterwards they are empty again."""
    empty = empty_variables()
    for name in empty:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(dict.fromkeys(empty, ""))
