# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Import what the collection needs from amazon.aws, or keep the reason why it cannot be imported.

ansible-core packs a module even if an import inside a ``try`` cannot be found, so the module can report what is
missing. Without the ``try``, ansible-core fails with its own message, and the action plugin aborts the whole run.
"""

from __future__ import annotations

import_error = ""
try:
    from ansible_collections.amazon.aws.plugins.module_utils.botocore import get_aws_connection_info
    from ansible_collections.amazon.aws.plugins.module_utils.exceptions import AnsibleAWSError
    from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
    from ansible_collections.amazon.aws.plugins.module_utils.tagging import compare_aws_tags
except ImportError as error:
    import_error = str(error)
    # These only let the other files be imported: SSMModule fails before it uses them.
    AnsibleAWSError, AnsibleAWSModule = Exception, object  # type: ignore[assignment, misc]
    get_aws_connection_info = compare_aws_tags = None  # type: ignore[assignment]

__all__ = [
    "AnsibleAWSError",
    "AnsibleAWSModule",
    "compare_aws_tags",
    "get_aws_connection_info",
    "import_error",
    "requirement",
]


def requirement(error: object) -> str:
    """Return the error message for an ``ImportError`` of amazon.aws."""
    return (
        f"sessionops.aws requires the collection amazon.aws 10.1.0 or newer, which cannot be imported: {error}. "
        "Run ansible-galaxy collection install --upgrade amazon.aws on the controller."
    )
