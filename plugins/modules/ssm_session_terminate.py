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
  - A session that has ended already is no error and no change.
author:
  - Contributors to the sessionops.aws collection (@sessionops)
options:
  session_ids:
    description:
      - The sessions to end. With an empty list there is nothing to do.
      - Mutually exclusive with the options that select sessions, of which at least one must be given instead.
    type: list
    elements: str
  target:
    description: Select the sessions on this node.
    type: str
  owner:
    description: Select the sessions of the user with this ARN.
    type: str
  status:
    description: Select the sessions in this status.
    type: str
    choices: [Connected, Connecting, Disconnected]
  document_name:
    description: Select the sessions that were started with this document.
    type: str
  older_than:
    description:
      - Select the sessions that were started longer ago than this, as in V(90m), V(12h) or V(1d12h), by AWS's clock.
    type: str
  exclude_session_ids:
    description: Never end these sessions.
    type: list
    elements: str
    default: []
  max_sessions:
    description:
      - How many sessions a selection may hold. The task fails and ends none of them if it holds more.
      - Does not apply to O(session_ids).
    type: int
    default: 10
  missing:
    description:
      - What to do about an ID in O(session_ids) that AWS does not know. AWS forgets a session 30 days after its end.
      - V(fail) ends no session at all when there is one.
    type: str
    choices: [ok, fail]
    default: ok
  wait:
    description: Wait until the sessions are no longer active.
    type: bool
    default: true
  wait_timeout:
    description: How long to wait, in seconds.
    type: int
    default: 60
  wait_delay:
    description: How long to pause between two looks, in seconds.
    type: float
    default: 1
notes:
  - Takes the permissions C(ssm:DescribeSessions) and C(ssm:TerminateSession). Policies often allow a user to end only
    sessions of their own, whose ARN holds C(${aws:username}) or C(${aws:userid}).
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
  description: The IDs of sessions that had ended before, and of unknown ones with O(missing=ok).
  returned: always
  type: list
  elements: str
  sample: []
failures:
  description: The sessions that could not be ended. If there are any, the task fails after it has ended the rest.
  returned: always
  type: list
  elements: dict
  contains:
    session_id:
      description: The ID of the session.
      type: str
      sample: jane-0a1b2c3d4e5f6a7b8
    reason:
      description: Why it could not be ended.
      type: str
selected:
  description: The IDs that the selection holds.
  returned: when the selection holds more than O(max_sessions)
  type: list
  elements: str
diff:
  description: The active sessions among those asked for, before and after.
  returned: always
  type: dict
"""

from collections.abc import Mapping
from typing import Any

from ansible_collections.sessionops.aws.plugins.module_utils._ssm import sessions, times, transform
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.errors import SSMError
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.module import ClientFactory, Result, SSMModule

SELECTORS = ("target", "owner", "status", "document_name", "older_than")

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


def session_terminate(params: Mapping[str, Any], client: ClientFactory, check_mode: bool) -> Result:
    """End the sessions that the options name or select."""
    times.check_seconds(params, "wait_timeout", "wait_delay")
    ssm = client("ssm") if params["session_ids"] != [] else None
    chosen = _chosen(ssm, params)
    if params["session_ids"] is None and len(chosen.running) > params["max_sessions"]:
        return _too_many(chosen, params["max_sessions"])
    ids = [session["SessionId"] for session in chosen.running]
    if check_mode or not ids:
        return _result(chosen, ids, {})
    outcomes = sessions.terminate(ssm, ids)
    ended = [outcome.target for outcome in outcomes if outcome.value]
    failures = {outcome.target: str(outcome.error) for outcome in outcomes if outcome.error}
    chosen.ended.extend(outcome.target for outcome in outcomes if outcome.value is False)
    if ended and params["wait"]:
        for left in sessions.wait_until_gone(ssm, ended, params["wait_timeout"], params["wait_delay"]):
            failures[left] = f"Session {left} is still active {params['wait_timeout']} seconds after it was ended."
    return _result(chosen, ended, failures)


def _chosen(ssm: Any, params: Mapping[str, Any]) -> sessions.Selection:
    """The sessions to end, and what has become of the others that were asked for."""
    if params["session_ids"] == []:
        return sessions.Selection([], [], [])
    excluded = params["exclude_session_ids"]
    if params["session_ids"] is None:
        wanted = sessions.SessionFilter(
            target=params["target"],
            owner=params["owner"],
            status=params["status"],
            document_name=params["document_name"],
            older_than=times.option_duration(params, "older_than"),
        )
        found = sessions.find(ssm, [sessions.ACTIVE], wanted)
        return sessions.Selection([s for s in found if sessions.may_be_ended(s, excluded)], [], [])
    chosen = sessions.select(ssm, [entry for entry in params["session_ids"] if entry not in excluded])
    if chosen.unknown and params["missing"] == "fail":
        raise SSMError(f"AWS knows no session {', '.join(chosen.unknown)}; no session was ended.")
    chosen.ended.extend(chosen.unknown)
    return chosen


def _result(chosen: sessions.Selection, ended: list[str], failures: Mapping[str, str]) -> Result:
    terminated = [transform.resource(session) for session in chosen.running if session["SessionId"] in ended]
    asked = [session["SessionId"] for session in chosen.running]
    gone = set(ended) - set(failures)
    result = {
        "changed": bool(ended),
        "terminated": terminated,
        "already_ended": chosen.ended,
        "failures": [{"session_id": session_id, "reason": reason} for session_id, reason in failures.items()],
        "diff": {
            "before": "".join(f"{session_id}\n" for session_id in asked),
            "after": "".join(f"{session_id}\n" for session_id in asked if session_id not in gone),
        },
    }
    if failures:
        first = next(iter(failures.values()))
        result |= {"failed": True, "msg": f"{len(failures)} of {len(asked)} sessions could not be ended. {first}"}
    return result


def _too_many(chosen: sessions.Selection, limit: int) -> Result:
    ids = [session["SessionId"] for session in chosen.running]
    message = f"The selection holds {len(ids)} sessions, and max_sessions allows {limit}: no session was ended."
    return {"failed": True, "msg": message, "selected": ids, **_result(sessions.Selection([], [], []), [], {})}


def main() -> None:
    SSMModule(
        argument_spec=ARGUMENT_SPEC,
        required_one_of=[("session_ids", *SELECTORS)],
        mutually_exclusive=[("session_ids", selector) for selector in SELECTORS],
    ).report(session_terminate)


if __name__ == "__main__":
    main()
