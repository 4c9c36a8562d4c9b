#!/usr/bin/python
# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ssm_session_info
version_added: 0.1.0
short_description: List Session Manager sessions
description:
  - Lists the active sessions of a region, those of the last 30 days that have ended, or both, with DescribeSessions.
  - Only sessions of Session Manager are listed, not those that reach a node in another way.
  - A session that ends while both are listed is returned once, in its later state, or as it was at first where
    O(status) selects it only so.
author:
  - Contributors to the sessionops.aws collection (@sessionops)
options:
  state:
    description:
      - V(active) lists the sessions that are open, V(history) those that have ended, V(all) both.
    type: str
    choices: [active, history, all]
    default: active
  session_id:
    description:
      - The session with this ID. With O(state=all) the past ones are only looked through if no active one has it.
    type: str
  target:
    description:
      - Sessions on this node, given by its ID (C(i-...) or C(mi-...)), or on this ECS target
        (C(ecs:CLUSTER_TASK_RUNTIME)). Anything else is an error.
    type: str
  owner:
    description:
      - Sessions of this user, given as the ARN that AWS shows as the owner of a session, such as
        C(arn:aws:sts::123456789012:assumed-role/Admin/jane), or by name.
      - A name is that of an IAM user or that of a role's session. V(jane) matches the user V(jane) and the session
        V(jane) of every role. V(Admin/jane) matches only the session of the role V(Admin).
      - AWS compares ARNs only. A name is compared with what AWS returns.
      - The ARN of a role is an error, because a role's session owns the sessions that are started with it.
    type: str
  status:
    description:
      - Sessions in this status. AWS lists V(Connected), V(Connecting) and V(Disconnected) sessions only in the state
        V(active), and V(Terminated) and V(Failed) sessions only in the state V(history). With another O(state) they
        are an error.
    type: str
    choices: [Connected, Connecting, Disconnected, Terminated, Terminating, Failed]
  access_type:
    description:
      - Sessions that were opened in this way. One for which AWS gives none is V(Standard).
      - Needs botocore 1.39.0 or newer. With an older one the task fails before it makes any call.
    type: str
    choices: [Standard, JustInTime]
  invoked_after:
    description:
      - Sessions that were started at this time or later, given in ISO 8601, as in V(2026-01-31T09:30:00Z). A time
        without a zone is UTC.
      - Or how long before now that is, as in V(2h), V(1d12h) or V(2h ago), by AWS's clock.
      - A time more than a day in the future is an error. So is one that is not before O(invoked_before), if both are
        times or both are durations, and a duration that is not longer than O(older_than).
    type: str
  invoked_before:
    description: Sessions that were started before this time, given as for O(invoked_after).
    type: str
  document_name:
    description:
      - Sessions that were started with this document, given by its name or its ARN.
      - If only one of this option and the session shows the ARN, the names are compared.
      - The service has no such filter, so this one is applied to what it returns.
    type: str
  older_than:
    description:
      - Sessions that were started longer ago than this, as in V(90m), V(12h) or V(1d12h), by AWS's clock.
      - The service has no such filter, so this one is applied to what it returns.
    type: str
  max_items:
    description:
      - Return this many sessions at most, and ask for no page more than it takes to find them.
      - They are the first that AWS lists, the active ones before the past ones. AWS does not say in which order it
        lists sessions. To be sure of the newest ones, leave this out and take the first entries of RV(sessions).
    type: int
notes:
  - Takes the permission C(ssm:DescribeSessions).
  - Every filter is applied to what the service returns, whether it has that filter itself or not.
  - A session for which AWS gives no start is in no selection by time.
extends_documentation_fragment:
  - sessionops.aws._attributes
  - sessionops.aws._attributes.reads
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
seealso:
  - module: sessionops.aws.ssm_session_terminate
"""

EXAMPLES = r"""
- name: List the open sessions
  sessionops.aws.ssm_session_info:
  register: open_sessions

- name: See who is on a node
  sessionops.aws.ssm_session_info:
    target: i-0a1b2c3d4e5f60001

- name: Find sessions that have been open for more than half a day
  sessionops.aws.ssm_session_info:
    older_than: 12h

- name: See who was on a node in the last two hours
  sessionops.aws.ssm_session_info:
    state: all
    target: i-0a1b2c3d4e5f60001
    invoked_after: 2h

- name: See what a user did in January
  sessionops.aws.ssm_session_info:
    state: all
    owner: jane
    invoked_after: "2026-01-01T00:00:00Z"
    invoked_before: "2026-02-01T00:00:00Z"
"""

RETURN = r"""
sessions:
  description:
    - The sessions, newest first, and those of the same time by ID. Members that AWS does not give for a session are
      left out.
  returned: always
  type: list
  elements: dict
  contains:
    session_id:
      description: The ID of the session.
      type: str
      sample: jane-0a1b2c3d4e5f6a7b8
    target:
      description: The node that the session is on.
      type: str
      sample: i-0a1b2c3d4e5f60001
    status:
      description: The status of the session, as AWS gives it, whether or not it is a choice of O(status).
      type: str
      sample: Connected
    start_date:
      description: When the session was started, in ISO 8601 UTC.
      type: str
      sample: "2026-01-31T09:30:00Z"
    end_date:
      description: When the session ended, in ISO 8601 UTC.
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
      description: What the user gave as reason.
      type: str
      sample: INC-1234
    details:
      description: Reserved by AWS.
      type: str
    output_url:
      description: Reserved by AWS, which gives it with nothing in it; then it is left out.
      type: dict
    max_session_duration:
      description: After how many minutes the session ends at the latest.
      type: str
      sample: "60"
    access_type:
      description: How the session was opened. Botocore before 1.39.0 does not know it.
      type: str
      sample: Standard
listed_at:
  description: When AWS began to list the sessions, by its own clock, in ISO 8601 UTC.
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
