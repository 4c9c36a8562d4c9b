#!/usr/bin/python
# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ssm_connection_status
version_added: 0.1.0
short_description: Check which nodes Session Manager can reach, and wait for them
description:
  - Calls GetConnectionStatus for many targets at once, and can wait until they are connected or not connected.
  - A session can be started on a connected node. The C(Online) ping status of Systems Manager does not mean the same.
    The ping status can be C(Online) minutes before sessions can be started on a node, and can stay C(Online) for
    minutes after sessions can no longer be started.
  - Checking 1,000 targets in one task is more than 100 times faster than a loop with one target for each task.
  - With C(ansible-playbook -v) and a C(local) connection, a long task shows its progress. It prints a line every second
    during the checks. It also prints a line before each pause of O(wait_delay), but not more than one each second.
author:
  - Contributors to the sessionops.aws collection (@sessionops)
options:
  targets:
    description:
      - The targets to check. Each is an instance ID (C(i-...)), the ID of a hybrid node (C(mi-...)), an ECS target
        (C(ecs:CLUSTER_TASK_RUNTIME)), or a node of SageMaker HyperPod (C(sagemaker-cluster:CLUSTER_GROUP-INSTANCE)).
      - Any other value, such as a host name, an ARN or an ECS target without its runtime ID, is an error. AWS would
        report it as not connected, and a wait would last until its timeout.
      - Spaces around an entry are removed. A target that is listed twice is checked once.
    type: list
    elements: str
    required: true
  wait_for:
    description:
      - Waits until every target has this status. If a target does not have it after O(wait_timeout) seconds, the task
        fails and still returns the statuses.
      - A target is not checked again once it has had the status often enough in a row (see O(consecutive)).
      - An unknown status never counts as the wanted one. If AWS denies the check of every remaining target for 60
        seconds, for example because a permission is missing, the wait ends early.
      - If a wait for V(connected) ends with RV(late) targets, the message shows the ping status, the last ping and the
        instance state of the nodes that are not connected. It also names those that Systems Manager does not list. This
        requires one of the permissions for O(include_ping). Without them, the message omits these details.
      - If O(wait_for) is not set, every target is checked once.
    type: str
    choices: [connected, notconnected]
  wait_timeout:
    description:
      - How long to wait, in seconds.
      - Remaining targets are checked one last time when the timeout expires, regardless of O(wait_delay). Checking
        thousands of targets takes additional time.
      - V(0) means to check once, so that values of O(consecutive) above V(1) cannot be reached.
    type: int
    default: 300
  wait_delay:
    description:
      - How many seconds to pause before the remaining targets are checked again.
      - Each pause is up to a quarter longer or shorter, so that tasks that start together do not call AWS at the same
        time.
    type: float
    default: 5
  consecutive:
    description:
      - How many times in a row a target must have the status in O(wait_for). Any other status, including an unknown
        one, resets the count. Values above V(1) require O(wait_for).
      - After a reboot, an agent can connect, disconnect and connect again for a while. With V(2) or V(3), the task
        waits until the agent stays connected.
    type: int
    default: 1
  include_ping:
    description:
      - Whether to return the last agent ping that Systems Manager recorded for each node. It helps to find out why a
        node is not connected.
      - The module reads the pings of all targets with one listing instead of one call for each node. Without
        O(wait_for), it reads them during the checks. With O(wait_for), it reads them after the wait. If the listing
        fails, the task warns and returns the statuses without pings.
    type: bool
    default: false
  max_workers:
    description:
      - The maximum number of checks at the same time, up to V(64). If there are few targets, the module opens fewer
        connections, because a further connection would cost more time than it saves.
      - A higher number does not raise the rate limits of AWS. If AWS throttles calls, the module adapts to the allowed
        rate and still checks every target.
    type: int
    default: 32
notes:
  - If every call fails, a task without O(wait_for) fails and returns no statuses. With or without O(wait_for), the task
    fails at once if no further call can succeed, for example because the credentials have expired or AWS cannot be
    reached.
  - If the environment variable E(SESSIONOPS_PROGRESS_FILE) names a file, the module appends lines about its progress to
    it, and other programs can read them. C(ansible-playbook -v) uses a file of its own. If you set this variable,
    C(ansible-playbook -v) shows no progress.
  - Requires the permission C(ssm:GetConnectionStatus). O(include_ping) also requires
    C(ssm:DescribeInstanceProperties) or C(ssm:DescribeInstanceInformation).
extends_documentation_fragment:
  - sessionops.aws._attributes
  - sessionops.aws._attributes.reads
  - sessionops.aws._requirements
  - amazon.aws.common.modules
  - amazon.aws.region.modules
"""

EXAMPLES = r"""
- name: Check which nodes are connected
  sessionops.aws.ssm_connection_status:
    targets:
      - i-0a1b2c3d4e5f60001
      - mi-0a1b2c3d4e5f60002
  register: readiness

- name: Show the nodes that are not connected
  ansible.builtin.debug:
    var: readiness.not_connected

- name: Wait until a node that was just started can be reached
  sessionops.aws.ssm_connection_status:
    targets: i-0a1b2c3d4e5f60001
    wait_for: connected
    wait_timeout: 600
    consecutive: 2

- name: Find out why nodes are not connected
  sessionops.aws.ssm_connection_status:
    targets: "{{ groups['web'] | map('extract', hostvars, 'instance_id') | list }}"
    include_ping: true
  register: readiness

- name: Show these nodes with the last pings of their agents
  ansible.builtin.debug:
    msg: "{{ readiness.statuses | rejectattr('status', 'eq', 'connected') }}"
"""

RETURN = r"""
statuses:
  description: One entry for each target, in the order of O(targets). A target that is listed twice has one entry.
  returned: always if the task succeeds, and if it fails only because of RV(late) targets
  type: list
  elements: dict
  contains:
    target:
      description: The target, without spaces around it.
      type: str
      sample: i-0a1b2c3d4e5f60001
    status:
      description:
        - V(connected), V(notconnected), or V(unknown) if the call failed or AWS returned anything else.
      type: str
      sample: connected
    reason:
      description: Why the status is unknown.
      returned: when the status is unknown
      type: str
      sample: "Could not get the connection status of i-0a1b2c3d4e5f60001: ThrottlingException: Rate exceeded."
    ping:
      description:
        - The last agent ping that Systems Manager recorded. Null for ECS targets and nodes of SageMaker HyperPod, for
          nodes that Systems Manager does not list, and for all targets when RV(ping_error) is set.
        - C(instance_state) is returned only for EC2 instances, and only if the caller has the permission
          C(ssm:DescribeInstanceProperties). C(is_latest_version), which says whether the agent is the latest version,
          is returned only if the caller does not have that permission, or if botocore is too old for
          DescribeInstanceProperties.
      returned: when O(include_ping) is true
      type: dict
      sample:
        agent_version: 3.3.1611.0
        computer_name: ip-10-0-0-1.ec2.internal
        instance_state: running
        last_ping_date_time: "2026-01-31T09:30:00Z"
        ping_status: Online
        platform_name: Amazon Linux
        platform_type: Linux
        platform_version: "2023"
        resource_type: EC2Instance
connected:
  description: The targets that are connected.
  returned: always if the task succeeds, and if it fails only because of RV(late) targets
  type: list
  elements: str
  sample: [i-0a1b2c3d4e5f60001]
not_connected:
  description: The targets that are not connected.
  returned: always if the task succeeds, and if it fails only because of RV(late) targets
  type: list
  elements: str
  sample: []
unknown:
  description: The targets whose status is unknown.
  returned: always if the task succeeds, and if it fails only because of RV(late) targets
  type: list
  elements: str
  sample: []
late:
  description:
    - Targets that did not have the status in O(wait_for) when O(wait_timeout) expired. They also appear in
      RV(connected), RV(not_connected) or RV(unknown).
  returned: when O(wait_for) is set
  type: list
  elements: str
  sample: []
ping_error:
  description: Why there is no ping data.
  returned: when O(include_ping) is true and the nodes could not be listed
  type: str
  sample: "Could not list the managed nodes: AccessDeniedException."
"""

from typing import Any

from ansible_collections.sessionops.aws.plugins.module_utils._ssm.fanout import DEFAULT_WORKERS
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.module import SSMModule
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.nodes import connection_status, status_task

ARGUMENT_SPEC: dict[str, Any] = {
    "targets": {"type": "list", "elements": "str", "required": True},
    "wait_for": {"type": "str", "choices": [connection_status.CONNECTED, connection_status.NOT_CONNECTED]},
    "wait_timeout": {"type": "int", "default": 300},
    "wait_delay": {"type": "float", "default": 5},
    "consecutive": {"type": "int", "default": 1},
    "include_ping": {"type": "bool", "default": False},
    "max_workers": {"type": "int", "default": DEFAULT_WORKERS},
}


def main() -> None:
    SSMModule(argument_spec=ARGUMENT_SPEC).report(status_task.run)


if __name__ == "__main__":
    main()
