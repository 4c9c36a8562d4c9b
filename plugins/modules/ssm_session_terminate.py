#!/usr/bin/python
# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ssm_session_terminate
version_added: 0.1.0
short_description: End Session Manager sessions
description:
  - Ends sessions by ID, or all active sessions that match a selection, such as sessions that have been open for more
    than a day.
  - A session that has already ended is neither an error nor a change.
author:
  - Contributors to the sessionops.aws collection (@sessionops)
options:
  session_ids:
    description:
      - The IDs of the sessions to end. Empty entries are ignored. If all entries are empty, the task does nothing.
      - Mutually exclusive with the options that select sessions, which are O(target), O(owner), O(status),
        O(document_name) and O(older_than). Set either this option or at least one of those.
    type: list
    elements: str
  target:
    description:
      - Selects the sessions on this target. Accepts a node ID (C(i-...) or C(mi-...)), an ECS target
        (C(ecs:CLUSTER_TASK_RUNTIME)) or a node of SageMaker HyperPod (C(sagemaker-cluster:CLUSTER_GROUP-INSTANCE)). Any
        other value is an error.
    type: str
  owner:
    description:
      - Selects the sessions of this user. Accepts an ARN or a name, as
        O(sessionops.aws.ssm_session_info#module:owner) does.
      - People who assume a role choose the name of the role session, so a name can match several owners. If the
        selected sessions belong to several owners, the task fails, lists the owners and ends no session.
    type: str
  status:
    description: Selects the sessions in this status.
    type: str
    choices: [Connected, Connecting, Disconnected]
  document_name:
    description: Selects the sessions that were started with this document. Accepts the name or the ARN of the document.
    type: str
  older_than:
    description:
      - Selects the sessions that were started longer ago than this duration, as in V(90m), V(12h) or V(1d12h). The
        module subtracts it from AWS's time.
    type: str
  exclude_session_ids:
    description:
      - The IDs of sessions that the task must never end. Entries that are empty or not a session ID are rejected,
        because they would protect no session.
      - The task fails and ends no session if an entry closely resembles the ID of a session that would be ended. The
        same applies to an entry that is only the user name in such an ID, as V(jane-doe) in
        C(jane-doe-0a1b2c3d4e5f6a7b8).
      - If the play itself runs over Session Manager and the selection could match its session, add that session here.
    type: list
    elements: str
    default: []
  max_sessions:
    description:
      - The maximum number of sessions that a selection may match, not counting excluded ones. If it matches more, the
        task fails and ends none of them.
      - Does not apply to O(session_ids).
    type: int
    default: 10
  missing:
    description:
      - What to do with an ID in O(session_ids) that no active session has.
      - With V(ok), the task warns and returns the ID in RV(not_active). Either the session has ended, or the ID is
        wrong. The task does not find out which, because a search of the history of sessions can take many calls.
      - With V(fail), the task searches the history, which AWS keeps for 30 days. If the ID is not there, the task fails
        and ends no session.
    type: str
    choices: [ok, fail]
    default: ok
  wait:
    description:
      - Whether the task waits until the sessions are no longer active. The wait begins after the requests to end the
        sessions.
      - If a session is still active when O(wait_timeout) expires, or if this cannot be determined, the task fails. It
        still returns the sessions in RV(terminated).
    type: bool
    default: true
  wait_timeout:
    description: How long to wait, in seconds. The sessions are checked one last time when the timeout expires.
    type: int
    default: 60
  wait_delay:
    description: How long to pause between two checks, in seconds.
    type: float
    default: 1
notes:
  - Requires the permissions C(ssm:DescribeSessions) and C(ssm:TerminateSession).
  - Policies usually allow users to end only their own sessions. Such a policy allows C(ssm:TerminateSession) on
    C(arn:aws:ssm:*:*:session/${aws:username}-*). For federated users, it is C(arn:aws:ssm:*:*:session/${aws:userid}-*).
    Newer policies instead allow it on sessions whose tag C(aws:ssmmessages:session-id) is C(${aws:userid}).
  - O(session_ids), O(exclude_session_ids) and the options that select sessions must not be null. The options that
    select sessions must not be empty either. Otherwise a variable that was never set could select every session. Omit
    an option with V(default(omit\)), not with V(default(none\)).
  - If a session cannot be ended, the task still tries to end the others, and then fails. It stops at once only if the
    credentials do not work or the endpoint cannot be reached. Even then it returns the sessions that it has ended.
  - If AWS's reply to a call is lost, the module reads the list of active sessions to determine whether the session has
    ended.
extends_documentation_fragment:
  - sessionops.aws._attributes
  - sessionops.aws._attributes.changes
  - sessionops.aws._requirements
  - amazon.aws.common.modules
  - amazon.aws.region.modules
seealso:
  - module: sessionops.aws.ssm_session_info
"""

EXAMPLES = r"""
- name: End a session
  sessionops.aws.ssm_session_terminate:
    session_ids: jane-0a1b2c3d4e5f6a7b8

- name: End sessions that have been open for more than a day
  sessionops.aws.ssm_session_terminate:
    older_than: 1d
    max_sessions: 50

- name: End all sessions on a node except one
  sessionops.aws.ssm_session_terminate:
    target: i-0a1b2c3d4e5f60001
    exclude_session_ids:
      - jane-0a1b2c3d4e5f6a7b8
"""

RETURN = r"""
terminated:
  description:
    - The sessions that the task ended, as they were before. In check mode, the sessions that it would end.
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
      description: The target of the session, such as the ID of a node.
      type: str
      sample: i-0a1b2c3d4e5f60001
    owner:
      description: The ARN of the user who started the session.
      type: str
      sample: arn:aws:sts::123456789012:assumed-role/Admin/jane
    start_date:
      description: The time at which the session was started, in ISO 8601 UTC.
      type: str
      sample: "2026-01-31T09:30:00Z"
already_ended:
  description:
    - IDs of the sessions that had already ended, or were already terminating, when the task was about to end them.
  returned: always
  type: list
  elements: str
  sample: []
not_active:
  description:
    - IDs from O(session_ids) that no active session has. Either the session has ended, or the ID is wrong.
    - Empty with O(missing=fail). The IDs that are in the history are then in RV(already_ended).
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
    - The sessions that could not be ended.
    - This list also contains sessions that the task asked AWS to end, but that may still be active when O(wait_timeout)
      expires. These are in RV(terminated), too.
    - If this list has an entry, the task fails after it has ended the other sessions.
  returned: always
  type: list
  elements: dict
  contains:
    session_id:
      description: The ID of the session.
      type: str
      sample: jane-0a1b2c3d4e5f6a7b8
    reason:
      description: Why the session could not be ended, or why it may still be active.
      type: str
selected:
  description:
    - The sessions that the selection matches, with the keys of RV(sessionops.aws.ssm_session_info#module:sessions).
  returned: when the selection matches more than O(max_sessions)
  type: list
  elements: dict
diff:
  description:
    - In C(before), the IDs of the sessions to end. In C(after), the IDs of those among them that may still be active.
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
