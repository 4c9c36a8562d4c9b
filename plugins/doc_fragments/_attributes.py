# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not use it from outside the collection.

from __future__ import annotations


class ModuleDocFragment:
    # Documentation that all modules of the collection share.
    DOCUMENTATION = r"""
attributes:
  action_group:
    description: Use C(group/sessionops.aws.aws) in C(module_defaults) to set defaults for all modules of this group.
    support: full
    membership:
      - sessionops.aws.aws
notes:
  - To share connection options between tasks, set them in C(module_defaults) under C(group/sessionops.aws.aws).
    Ansible's own C(group/aws) applies only to the modules of C(amazon.aws) and C(community.aws).
  - Throttled calls are retried in botocore's adaptive mode. O(aws_config) can change the mode.
"""

    # Modules that change something.
    CHANGES = r"""
attributes:
  check_mode:
    description: Can run in check mode, where it makes no call that changes anything.
    support: full
  diff_mode:
    description: Returns what changes, or in check mode what would change.
    support: full
  idempotent:
    description: When run twice in a row, the second run changes nothing. It makes no call that could change anything.
    support: full
"""

    # Modules that read.
    READS = r"""
attributes:
  check_mode:
    description: Never changes anything, so it does the same in check mode.
    support: full
  diff_mode:
    description: Never changes anything, so there is no diff to show.
    support: N/A
  idempotent:
    description: Never changes anything.
    support: full
"""
