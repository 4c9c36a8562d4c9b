# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""What the collection takes from amazon.aws, and a sentence where that is not installed.

ansible-core packs a module although an import inside a ``try`` cannot be found, so that the module can say what is
missing. Without the ``try`` ansible-core fails in words of its own, and the action plugin ends the whole run.
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
    # Nothing is done with these: SSMModule fails first.
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
    """The sentence for an ``ImportError``."""
    return f"sessionops.aws requires the collection amazon.aws 10.1.0 or newer, which cannot be imported: {error}."
