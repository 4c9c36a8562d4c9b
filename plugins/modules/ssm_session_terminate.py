#!/usr/bin/python
# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ssm_session_terminate
version_added: 0.1.0
short_description: End Session Manager sessions
description:
  - Ends sessions by ID, or those that a selection such as "open for more than a day" describes.
  - A session that has already ended is not an error and not a change.
author:
  - Contributors to the sessionops.aws collection (@sessionops)
options:
  session_ids:
    description:
      - The sessions to end. Entries that are empty count for nothing, and with no other there is nothing to do.
      - Mutually exclusive with the options that select sessions, of which at least one must be given instead.
    type: list
    elements: str
  target:
    description:
      - Select the sessions on this node, given by its ID (C(i-...) or C(mi-...)), or on this ECS target
        (C(ecs:CLUSTER_TASK_RUNTIME)). Anything else is an error.
    type: str
  owner:
    description:
      - Select the sessions of this user, given by ARN or by name as for
        O(sessionops.aws.ssm_session_info#module:owner).
      - Whoever assumes a role chooses the name of the session. If the sessions that a name selects belong to several
        owners, the task fails, names the owners and ends no session.
    type: str
  status:
    description: Select the sessions in this status.
    type: str
    choices: [Connected, Connecting, Disconnected]
  document_name:
    description: Select the sessions that were started with this document, given by its name or its ARN.
    type: str
  older_than:
    description:
      - Select the sessions that were started longer ago than this, as in V(90m), V(12h) or V(1d12h), by AWS's clock.
    type: str
  exclude_session_ids:
    description:
      - Never end these sessions. Entries that are empty or not a session ID are rejected, because they would protect
        no session.
      - If an entry is nearly the ID of a session that would be ended, or the name that its ID begins with, the task
        fails and ends no session.
      - A play that itself runs over Session Manager names its own session here when a selection could match it.
    type: list
    elements: str
    default: []
  max_sessions:
    description:
      - How many sessions a selection may match. If it matches more, the task fails and ends none of them.
      - Does not apply to O(session_ids).
    type: int
    default: 10
  missing:
    description:
      - What to do about an ID in O(session_ids) that no active session has.
      - V(ok) returns it in RV(not_active) with a warning, because the session has ended or the ID is wrong. The task
        does not look for it in the history of sessions, which can take many calls.
      - V(fail) looks for it in the history, which AWS keeps for 30 days. If it is not there, the task fails and ends no
        session.
    type: str
    choices: [ok, fail]
    default: ok
  wait:
    description:
      - Wait until the sessions that were ended are no longer active.
      - If some still are in the end, or if it cannot be learned, the task fails and returns what it ended.
    type: bool
    default: true
  wait_timeout:
    description: How long to wait, in seconds. There is a last look when they are over.
    type: int
    default: 60
  wait_delay:
    description: How long to pause between two looks, in seconds.
    type: float
    default: 1
notes:
  - Takes the permissions C(ssm:DescribeSessions) and C(ssm:TerminateSession). Policies usually allow users to end only
    sessions of their own, on C(arn:aws:ssm:*:*:session/${aws:username}-*), for federated users on
    C(session/${aws:userid}-*), or where the tag C(aws:ssmmessages:session-id) is C(${aws:userid}).
  - Options that select sessions, or that spare some, must be neither empty nor null. A variable that was never set must
    not mean every session. Leave out an option with C(default(omit\)), not with C(default(none\)).
  - Every session is tried, whatever became of another one, and the task fails after the last. Only credentials that do
    not work, and an endpoint that cannot be reached, end it at once. What was done until then is returned all the same.
  - When the answer to a call is lost, the list of active sessions decides whether the session has ended.
extends_documentation_fragment:
  - sessionops.aws._attributes
  - sessionops.aws._attributes.changes
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
seealso:
  - module: sessionops.aws.ssm_session_info
"""

EXAMPLES = r"""
- name: End a session
  sessionops.aws.ssm_session_terminate:
    session_ids: jane-0a1b2c3d4e5f6a7b8

- name: End what has been open for more than a day
  sessionops.aws.ssm_session_terminate:
    older_than: 1d
    max_sessions: 50

- name: End all sessions on a node but one
  sessionops.aws.ssm_session_terminate:
    target: i-0a1b2c3d4e5f60001
    exclude_session_ids:
      - jane-0a1b2c3d4e5f6a7b8
"""

RETURN = r"""
terminated:
  description:
    - The sessions that were ended, or in check mode would be, as they were before.
    - The keys are those of RV(sessionops.aws.ssm_session_info#module:sessions).
  returned: always
  type: list
  elements: dict
  contains:
    session_id:
      description: The ID of the session.
      type: str
      sample: jane-0a1b2c3d4e5f6a7b8
    target:
      description: The node that the session was on.
      type: str
      sample: i-0a1b2c3d4e5f60001
    owner:
      description: The ARN of the user who started the session.
      type: str
      sample: arn:aws:sts::123456789012:assumed-role/Admin/jane
    start_date:
      description: When the session was started, in ISO 8601 UTC.
      type: str
      sample: "2026-01-31T09:30:00Z"
already_ended:
  description:
    - IDs of sessions that had already ended, or were already terminating, before this task ended them.
  returned: always
  type: list
  elements: str
  sample: []
not_active:
  description:
    - IDs from O(session_ids) that no active session has. Such a session has ended, or its ID is wrong.
    - Empty with O(missing=fail), which returns those that are in the history in RV(already_ended).
  returned: always
  type: list
  elements: str
  sample: []
msg:
  description: Why the task failed, or that the selection matches no active session.
  returned: when the task fails, or the selection matches no active session
  type: str
failures:
  description:
    - The sessions that could not be ended, and those that were ended and may still be active after O(wait_timeout).
      The latter are in RV(terminated) too. If there are any, the task fails after it has ended the rest.
  returned: always
  type: list
  elements: dict
  contains:
    session_id:
      description: The ID of the session.
      type: str
      sample: jane-0a1b2c3d4e5f6a7b8
    reason:
      description: Why it could not be ended, or is not known to be gone.
      type: str
selected:
  description:
    - The sessions that the selection matches, with the keys of RV(sessionops.aws.ssm_session_info#module:sessions).
  returned: when the selection matches more than O(max_sessions)
  type: list
  elements: dict
diff:
  description: The active sessions among those asked for, before and after.
  returned: always
  type: dict
"""

from typing import Any

from ansible_collections.sessionops.aws.plugins.module_utils._ssm.module import SSMModule
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.sessions import termination
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.sessions.options import SELECTORS

ARGUMENT_SPEC: dict[str, Any] = {
    "session_ids": {"type": "list", "elements": "str"},
    "target": {"type": "str"},
    "owner": {"type": "str"},
    "status": {"type": "str", "choices": ["Connected", "Connecting", "Disconnected"]},
    "document_name": {"type": "str"},
    "older_than": {"type": "str"},
    "exclude_session_ids": {"type": "list", "elements": "str", "default": []},
    "max_sessions": {"type": "int", "default": 10},
    "missing": {"type": "str", "choices": ["ok", "fail"], "default": "ok"},
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 60},
    "wait_delay": {"type": "float", "default": 1},
}


def main() -> None:
    module = SSMModule(
        argument_spec=ARGUMENT_SPEC,
        required_one_of=[("session_ids", *SELECTORS)],
        mutually_exclusive=[("session_ids", selector) for selector in SELECTORS],
    )
    module.refuse_null("session_ids", "exclude_session_ids", *SELECTORS)
    module.report(termination.run)


if __name__ == "__main__":
    main()
