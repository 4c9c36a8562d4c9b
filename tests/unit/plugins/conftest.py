# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Configure the tests of the collection: what runs in the same process as the emulator needs no HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from unit.support.in_process import carried_in_process


@pytest.fixture(autouse=True, scope="module")
def _in_process() -> Iterator[None]:
    with carried_in_process():
        yield
