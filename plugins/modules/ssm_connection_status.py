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
    Systems Manager. A node can be C(Online) for minutes before sessions can start, and can stay C(Online) for minutes
    after they no longer can.
  - Checking 1,000 targets in one task is more than 100 times faster than looping over the module.
  - With C(ansible-playbook -v) a task that takes long says every second or at every pause how far it is, before it
    ends, where its connection is C(local).
author:
  - Contributors to the sessionops.aws collection (@sessionops)
options:
  targets:
    description:
      - The targets to ask for, each an instance ID (C(i-...)), the ID of a hybrid node (C(mi-...)), or an ECS target
        (C(ecs:CLUSTER_TASK_RUNTIME)).
      - Blanks around an entry are removed. A target that is given twice is checked once.
      - Anything else, such as a host name, an ARN or an ECS target without its runtime ID, is an error. AWS would
        answer that it is not connected, and a wait would last until its timeout.
      - C(sagemaker-cluster:CLUSTER_GROUP-INSTANCE), a node of SageMaker HyperPod, is also accepted.
    type: list
    elements: str
    required: true
  wait_for:
    description:
      - Wait until every target has this status. The task fails if one does not have it after O(wait_timeout) seconds,
        and returns the statuses all the same.
      - Only targets that do not have it yet are asked for again.
      - A status that is unknown is never the one that is waited for. If AWS refuses to tell of all that are left for
        60 seconds, as it does where a permission is missing, the wait is given up.
      - If nodes are not V(connected) when the wait ends, the message has the ping status, the last ping and
        the instance state of each, and names those that Systems Manager does not list.
        This requires one of the permissions for O(include_ping), and is left out without them.
      - Unset, every target is asked for once.
    type: str
    choices: [connected, notconnected]
  wait_timeout:
    description:
      - How long to wait, in seconds.
      - Remaining targets are checked one last time when the timeout expires, regardless of O(wait_delay). V(0) means
        to check once. Checking thousands of targets takes additional time.
    type: int
    default: 300
  wait_delay:
    description:
      - How long to pause before asking again, in seconds.
      - Each pause is up to a quarter longer or shorter, so that tasks which were started together do not ask together.
    type: float
    default: 5
  consecutive:
    description:
      - How many times in a row a target must have the status that is waited for. Any other answer starts the count
        again, an unknown status too.
      - Agents may be connected, gone and connected again for a while after a reboot; V(2) or V(3) gets past that.
    type: int
    default: 1
  include_ping:
    description:
      - Whether to return what Systems Manager last heard of each node, which helps to find out why one is not
        connected.
      - This is one listing for all of them rather than a call for each, made while the statuses are asked for, or after
        a wait. If it fails, there is a warning, and the statuses are returned without.
    type: bool
    default: false
  max_workers:
    description:
      - How many questions may be under way at a time, V(64) at most. For few targets there are fewer, since a
        connection takes longer to set up than it would save.
      - A higher number does not get past the limits of AWS. Where it throttles, the questions adapt to the rate that
        it allows, whatever this number is, and none is lost.
    type: int
    default: 32
notes:
  - If every call fails, a task without O(wait_for) fails and returns no statuses. Any task does so at once when no
    further call can do better, as with credentials that have expired or a network that does not reach AWS.
  - Where the environment variable E(SESSIONOPS_PROGRESS_FILE) names a file, lines about how far the task is are added
    to it. That is how C(ansible-playbook -v) learns of them, and anything else may do the same.
  - Takes the permission C(ssm:GetConnectionStatus), and for O(include_ping) C(ssm:DescribeInstanceProperties) or
    C(ssm:DescribeInstanceInformation).
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

- name: Find out why nodes are not connected
  sessionops.aws.ssm_connection_status:
    targets: "{{ groups['web'] }}"
    include_ping: true
  register: readiness

- name: Show them with what their agents last said
  ansible.builtin.debug:
    msg: "{{ readiness.statuses | rejectattr('status', 'eq', 'connected') }}"
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
    ping:
      description:
        - The last agent ping that Systems Manager recorded. Null for ECS targets, for nodes that Systems Manager does
          not list, and for all targets when RV(ping_error) is set.
        - C(is_latest_version) is there only where the caller may not use C(ssm:DescribeInstanceProperties), and
          C(instance_state) only otherwise and for EC2 instances.
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
late:
  description:
    - Targets that did not reach O(wait_for) before O(wait_timeout). They also appear in RV(connected),
      RV(not_connected) or RV(unknown).
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
