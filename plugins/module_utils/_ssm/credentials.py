# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Check the options for credentials before they are used."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from .errors import SSMError, attempting

try:
    import botocore.session
except ImportError:
    pass  # AnsibleAWSModule and AWSInventoryBase report a missing boto3

# The environment variables that amazon.aws reads for each option, in its order.
_VARIABLES = {
    "profile": ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"),
    "access_key": ("AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY"),
    "secret_key": ("AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY"),
    "session_token": ("AWS_SESSION_TOKEN",),
}
_KEYS = ("access_key", "secret_key", "session_token")


def check_credentials(options: Mapping[str, Any]) -> None:
    """Raise ``SSMError`` if a profile is combined with keys, or if the profile does not exist.

    ``options`` has ``profile``, ``access_key``, ``secret_key`` and ``session_token``, including the values that come
    from environment variables. If ``profile`` is empty, botocore still reads the environment variable for it.
    """
    profile = options["profile"] or None
    keys = [option for option in _KEYS if options[option]]
    if profile and keys:
        raise SSMError(_both({option: _variable(option, options[option]) for option in ("profile", *keys)}))
    with attempting("connect to AWS", needs=""):
        botocore.session.Session(profile=profile).get_scoped_config()


def _variable(option: str, value: Any) -> str:
    """Return the name of the environment variable that an option has its value from; an empty text if there is none."""
    return next((name for name in _VARIABLES[option] if os.environ.get(name) == value), "")


def _both(variables: dict[str, str]) -> str:
    """Return the error message for a profile that is combined with keys.

    ``variables`` has the environment variable that each option has its value from, such as
    ``{"profile": "AWS_PROFILE", "access_key": ""}``; an empty text if the value is from the task.
    """
    profile = variables.pop("profile")
    keys = _listed([variable or option for option, variable in variables.items()])
    place = " of the environment" if all(variables.values()) else ""
    advice = "Set only one of them."
    if any(variables.values()):
        advice = 'To use the profile, set access_key: "", secret_key: "" and session_token: "".'
    elif profile:
        advice = 'To use the keys, set profile: "".'
    return f"{profile or 'profile'} cannot be combined with {keys}{place}. {advice}"


def _listed(names: Sequence[str]) -> str:
    """Join the names, as in ``a, b and c``."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
