# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Say what must be installed, before any call is made."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re

from ansible_collections.sessionops.aws.plugins.module_utils._ssm import amazon

from .._session import stream

_LEAST = {"boto3": "1.34.0", "botocore": "1.34.0", "websockets": "13.0"}


def missing() -> str:
    """Return a sentence if a library or amazon.aws is missing, or if a library is too old; otherwise an empty text."""
    wanted = [f"{name}>={least}" for name, least in _LEAST.items() if not _is_there(name, least)]
    if wanted:
        quoted = " ".join(f'"{name}"' for name in wanted)
        return (
            f"sessionops.aws.aws_ssm requires {' and '.join(wanted)} on the controller. Run pip install {quoted} with "
            "the Python of Ansible, or add what is missing to the execution environment."
        )
    return amazon.requirement(amazon.import_error) if amazon.import_error else ""


def _is_there(name: str, least: str) -> bool:
    if importlib.util.find_spec(name) is None or (name == "websockets" and stream.MISSING):
        return False
    try:
        return _numbers(importlib.metadata.version(name)) >= _numbers(least)
    except importlib.metadata.PackageNotFoundError:  # installed without the records of pip
        return True


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)[:2]]
