# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not use it from outside the collection.

"""What all plugins of the collection require. The fragment of amazon.aws names an older Python."""

from __future__ import annotations


class ModuleDocFragment:
    """The versions of Python, boto3 and botocore."""

    DOCUMENTATION = r"""
options: {}
requirements:
  - python >= 3.11
  - boto3 >= 1.34.0
  - botocore >= 1.34.0
"""
