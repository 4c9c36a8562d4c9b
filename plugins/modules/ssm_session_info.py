#!/usr/bin/python
# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ssm_session_info
version_added: 0.1.0
short_description: List Session Manager sessions
description:
  - Lists the active sessions of a region, the sessions of the last 30 days that have ended, or both. Uses
    DescribeSessions.
  - Lists only Session Manager sessions. Other connections to a node, such as SSH without Session Manager, are not
    included.
  - With O(state=all), the task first lists active sessions, then ended ones. A session that ends in between is in both
    listings. The task returns such a session once, with the data of the second listing. If only the data of the first
    listing matches O(status), the task returns the data of the first listing.
author:
  - Contributors to the sessionops.aws collection (@sessionops)
options:
  state:
    description:
      - Which sessions to list. V(active) lists active sessions, V(history) lists sessions that
        have ended, and V(all) lists both.
    type: str
    choices: [active, history, all]
    default: active
  session_id:
    description:
      - Lists only the session with this ID. With O(state=all), the module searches ended sessions only if no active
        session has this ID.
    type: str
  target:
    description:
      - Lists only the sessions on this target. Accepts a node ID (C(i-...) or C(mi-...)), an ECS target
        (C(ecs:CLUSTER_TASK_RUNTIME)) or a node of SageMaker HyperPod (C(sagemaker-cluster:CLUSTER_GROUP-INSTANCE)). Any
        other value is an error.
    type: str
  owner:
    description:
      - Lists only the sessions of this user. Accepts a name, or the ARN that AWS shows as the owner of a session, such
        as C(arn:aws:sts::123456789012:assumed-role/Admin/jane).
      - A name is the name of an IAM user or of a role session. V(jane) matches the sessions of the IAM user
        V(jane) and of the role session V(jane) of any role. V(Admin/jane) matches only those of the role session
        V(jane) of the role V(Admin).
      - AWS can only filter by ARN. The module itself compares a name with the owners that AWS returns.
      - The ARN of a role is an error, because the owner of a session is a role session and not the role itself.
    type: str
  status:
    description:
      - Lists only the sessions in this status.
      - AWS lists V(Connected), V(Connecting) and V(Disconnected) sessions only in the state V(active), and
        V(Terminated) and V(Failed) sessions only in the state V(history). It may list V(Terminating) sessions in either
        state. Combining a status with a O(state) that cannot contain it is an error.
    type: str
    choices: [Connected, Connecting, Disconnected, Terminated, Terminating, Failed]
  access_type:
    description:
      - Lists only the sessions with this access type. A session for which AWS returns no access type is V(Standard).
      - Requires botocore 1.39.0 or newer. With an older version, the task fails before it calls AWS.
    type: str
    choices: [Standard, JustInTime]
  invoked_after:
    description:
      - Lists only the sessions that were started at this time or later. Use ISO 8601, as in V(2026-01-31T09:30:00Z). A
        time without a time zone is UTC.
      - Also accepts a duration before now, as in V(2h), V(1d12h) or V(2h ago). The module subtracts it from AWS's time.
      - A time more than a day in the future is an error.
      - If this option and O(invoked_before) are both times, this one must be earlier. If both are durations, this one
        must be longer. If this option is a duration, it must also be longer than O(older_than).
    type: str
  invoked_before:
    description:
      - Lists only the sessions that were started before this time. Accepts a time or a duration as O(invoked_after)
        does. The time can also be in the future.
    type: str
  document_name:
    description:
      - Lists only the sessions that were started with this document. Accepts the name or the ARN of the document.
      - If this option and what AWS returns are both ARNs, they must be equal. Otherwise only the names are compared.
      - AWS has no such filter, so the module filters the sessions that AWS returns.
    type: str
  older_than:
    description:
      - Lists only the sessions that were started longer ago than this duration, as in V(90m), V(12h) or V(1d12h). The
        module subtracts it from AWS's time.
      - AWS has no such filter, so the module filters the sessions that AWS returns.
    type: str
  max_items:
    description:
      - The maximum number of sessions to return. The module stops requesting pages once it has found that many.
      - The task requests active sessions first, then ended ones, and stops at the maximum. AWS does not document the
        order in which it lists sessions, so the newest sessions can be missing. The task sorts the sessions that it
        returns, newest first. To get the newest sessions, omit this option and use the first entries of RV(sessions).
    type: int
notes:
  - Requires the permission C(ssm:DescribeSessions).
  - The module checks every filter against the sessions that AWS returns, even if AWS has already applied that filter.
  - A session without a start time never matches O(invoked_after), O(invoked_before) or O(older_than).
extends_documentation_fragment:
  - sessionops.aws._attributes
  - sessionops.aws._attributes.reads
  - sessionops.aws._requirements
  - amazon.aws.common.modules
  - amazon.aws.region.modules
seealso:
  - module: sessionops.aws.ssm_session_terminate
"""

EXAMPLES = r"""
- name: List the active sessions
  sessionops.aws.ssm_session_info:
  register: active_sessions

- name: List the active sessions on a node
  sessionops.aws.ssm_session_info:
    target: i-0a1b2c3d4e5f60001

- name: Find sessions that have been open for more than half a day
  sessionops.aws.ssm_session_info:
    older_than: 12h

- name: List all sessions on a node that were started in the last two hours
  sessionops.aws.ssm_session_info:
    state: all
    target: i-0a1b2c3d4e5f60001
    invoked_after: 2h

- name: List the sessions that a user started in January
  sessionops.aws.ssm_session_info:
    state: all
    owner: jane
    invoked_after: "2026-01-01T00:00:00Z"
    invoked_before: "2026-02-01T00:00:00Z"
"""

RETURN = r"""
sessions:
  description:
    - The sessions, newest first. Sessions with the same start time are sorted by ID. Keys for which AWS returns no
      value are omitted.
  returned: always
  type: list
  elements: dict
  contains:
    session_id:
      description: The ID of the session.
      type: str
      sample: jane-0a1b2c3d4e5f6a7b8
    target:
      description: The target of the session, such as the ID of a node.
      type: str
      sample: i-0a1b2c3d4e5f60001
    status:
      description: The status of the session as AWS returns it, even if it is not a choice of O(status).
      type: str
      sample: Connected
    start_date:
      description: The time at which the session was started, in ISO 8601 UTC.
      type: str
      sample: "2026-01-31T09:30:00Z"
    end_date:
      description: The time at which the session ended, in ISO 8601 UTC.
      type: str
      sample: "2026-01-31T10:30:00Z"
    document_name:
      description: The document that the session was started with.
      type: str
      sample: SSM-SessionManagerRunShell
    owner:
      description: The ARN of the user who started the session.
      type: str
      sample: arn:aws:sts::123456789012:assumed-role/Admin/jane
    reason:
      description: The reason that the user gave for the session.
      type: str
      sample: INC-1234
    details:
      description: Reserved by AWS.
      type: str
    output_url:
      description: Reserved by AWS. Omitted if AWS returns it empty.
      type: dict
    max_session_duration:
      description: The maximum duration of the session, in minutes.
      type: str
      sample: "60"
    access_type:
      description: The access type of the session. Not returned with botocore older than 1.39.0.
      type: str
      sample: Standard
listed_at:
  description: The time at which AWS began to list the sessions, by AWS's clock, in ISO 8601 UTC.
  returned: always
  type: str
  sample: "2026-01-31T12:00:00Z"
"""

from typing import Any

from ansible_collections.sessionops.aws.plugins.module_utils._ssm.module import SSMModule
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.sessions import filters, listing, options

ARGUMENT_SPEC: dict[str, Any] = {
    "state": {"type": "str", "choices": list(options.STATES), "default": "active"},
    "session_id": {"type": "str"},
    "target": {"type": "str"},
    "owner": {"type": "str"},
    "status": {"type": "str", "choices": list(filters.STATUSES)},
    "access_type": {"type": "str", "choices": ["Standard", "JustInTime"]},
    "invoked_after": {"type": "str"},
    "invoked_before": {"type": "str"},
    "document_name": {"type": "str"},
    "older_than": {"type": "str"},
    "max_items": {"type": "int"},
}


def main() -> None:
    SSMModule(argument_spec=ARGUMENT_SPEC).report(listing.run)


if __name__ == "__main__":
    main()
