# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Say what must be installed, before any call is made."""

from __future__ import annotations

import importlib.util

from ansible.errors import AnsibleConnectionFailure
from ansible_collections.sessionops.aws.plugins.module_utils._ssm import amazon

from .._session import stream


def check_requirements() -> None:
    """Raise ``AnsibleConnectionFailure`` if a library or amazon.aws is missing."""
    missing = [name for name in ("boto3", "botocore") if importlib.util.find_spec(name) is None]
    if stream.MISSING:
        missing.append("websockets")
    if missing:
        raise AnsibleConnectionFailure(
            f"sessionops.aws.aws_ssm requires {' and '.join(missing)} on the controller. Run pip install "
            f"{' '.join(missing)} with the Python of Ansible, or add it to the execution environment."
        )
    if amazon.import_error:
        raise AnsibleConnectionFailure(amazon.requirement(amazon.import_error))
