#!/usr/bin/python
# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ssm_connection_status
version_added: 0.1.0
short_description: Ask which nodes Session Manager can reach, and wait for them
description:
  - Asks GetConnectionStatus for many targets at once, and can wait until they are connected, or no longer are.
  - A connected node is one that a session can be started on. That is not the same as the C(Online) ping status of
    Systems Manager, which a node may have minutes before a session can be started, and after none can.
author:
  - Contributors to the sessionops.aws collection (@sessionops)
options:
  targets:
    description:
      - The targets to ask for, each an instance ID (C(i-...)), the ID of a hybrid node (C(mi-...)), or an ECS target
        (C(ecs:CLUSTER_TASK_RUNTIME)).
      - They are passed on as they are. A target given twice is asked for once.
    type: list
    elements: str
    required: true
  wait_for:
    description:
      - Wait until every target has this status. The task fails if one does not have it after O(wait_timeout) seconds.
      - Unset, every target is asked once.
    type: str
    choices: [connected, notconnected]
  wait_timeout:
    description: How long to wait, in seconds.
    type: int
    default: 300
  wait_delay:
    description: How long to pause between an answer and the next question, in seconds.
    type: float
    default: 5
  consecutive:
    description:
      - How many times in a row a target must have the status that is waited for.
      - Agents may be connected, gone and connected again for a while after a reboot; V(2) or V(3) gets past that.
    type: int
    default: 1
  max_workers:
    description: How many questions may be under way at a time, V(64) at most.
    type: int
    default: 32
notes:
  - Takes the permission C(ssm:GetConnectionStatus).
extends_documentation_fragment:
  - sessionops.aws._attributes
  - sessionops.aws._attributes.reads
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: See which nodes are connected
  sessionops.aws.ssm_connection_status:
    targets:
      - i-0a1b2c3d4e5f60001
      - mi-0a1b2c3d4e5f60002
  register: readiness

- name: Name the ones that are not
  ansible.builtin.debug:
    var: readiness.not_connected

- name: Wait until a node that was just started can be reached
  sessionops.aws.ssm_connection_status:
    targets: i-0a1b2c3d4e5f60001
    wait_for: connected
    wait_timeout: 600
    consecutive: 2
"""

RETURN = r"""
statuses:
  description: One entry for each target, in the order given.
  returned: always
  type: list
  elements: dict
  contains:
    target:
      description: The target as given.
      type: str
      sample: i-0a1b2c3d4e5f60001
    status:
      description:
        - V(connected), V(notconnected), or V(unknown) when AWS did not say, or said something else.
      type: str
      sample: connected
    reason:
      description: Why the status is unknown.
      returned: when the status is unknown
      type: str
      sample: "Could not get the connection status of i-0a1b2c3d4e5f60001: ThrottlingException: Rate exceeded."
connected:
  description: The targets that are connected.
  returned: always
  type: list
  elements: str
  sample: [i-0a1b2c3d4e5f60001]
not_connected:
  description: The targets that are not connected.
  returned: always
  type: list
  elements: str
  sample: []
unknown:
  description: The targets whose status could not be learned.
  returned: always
  type: list
  elements: str
  sample: []
"""

from collections.abc import Mapping
from typing import Any

from ansible_collections.sessionops.aws.plugins.module_utils._ssm import readiness, times
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.errors import SSMError
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.fanout import DEFAULT_WORKERS, MAX_WORKERS
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.module import ClientFactory, Result, SSMModule

ARGUMENT_SPEC: dict[str, Any] = {
    "targets": {"type": "list", "elements": "str", "required": True},
    "wait_for": {"type": "str", "choices": [readiness.CONNECTED, readiness.NOT_CONNECTED]},
    "wait_timeout": {"type": "int", "default": 300},
    "wait_delay": {"type": "float", "default": 5},
    "consecutive": {"type": "int", "default": 1},
    "max_workers": {"type": "int", "default": DEFAULT_WORKERS},
}


def connection_status(params: Mapping[str, Any], client: ClientFactory, check_mode: bool) -> Result:
    """The status of every target, after waiting for them if that was asked for."""
    targets = list(dict.fromkeys(params["targets"]))
    _check(params, targets)
    ssm = client("ssm")
    wanted = params["wait_for"]
    if not wanted:
        statuses = readiness.ask(ssm, targets, params["max_workers"])
        readiness.require_any(statuses)
        return _result(statuses)
    statuses = readiness.wait(
        lambda pending: readiness.ask(ssm, pending, params["max_workers"]),
        targets,
        wanted,
        timeout=params["wait_timeout"],
        delay=params["wait_delay"],
        consecutive=params["consecutive"],
    )
    late = [found.target for found in statuses if not found.settled]
    if late:
        message = (
            f"{len(late)} of {len(targets)} targets are not {wanted} after {params['wait_timeout']} seconds: "
            f"{', '.join(late[:10])}{', ...' if len(late) > 10 else ''}."
        )
        return {"failed": True, "msg": message, **_result(statuses)}
    return _result(statuses)


def _check(params: Mapping[str, Any], targets: list[str]) -> None:
    if not targets:
        raise SSMError("targets is empty: give at least one.")
    if not all(0 < len(target) <= 400 for target in targets):
        raise SSMError("targets has an entry that is empty or longer than the 400 characters that AWS allows.")
    if not 1 <= params["max_workers"] <= MAX_WORKERS:
        raise SSMError(f"max_workers is {params['max_workers']}, and may be 1 to {MAX_WORKERS}.")
    if params["consecutive"] < 1:
        raise SSMError(f"consecutive is {params['consecutive']}, and must be at least 1.")
    times.check_seconds(params, "wait_timeout", "wait_delay")


def _result(statuses: list[readiness.Readiness]) -> Result:
    def having(status: str) -> list[str]:
        return [found.target for found in statuses if found.status == status]

    return {
        "changed": False,
        "statuses": [found.as_dict() for found in statuses],
        "connected": having(readiness.CONNECTED),
        "not_connected": having(readiness.NOT_CONNECTED),
        "unknown": having(readiness.UNKNOWN),
    }


def main() -> None:
    SSMModule(argument_spec=ARGUMENT_SPEC).report(connection_status)


if __name__ == "__main__":
    main()
