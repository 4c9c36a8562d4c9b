# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run ssm_connection_status on the emulator."""

from __future__ import annotations

from ansible_collections.sessionops.aws.plugins.module_utils._ssm.nodes import status_task
from ansible_collections.sessionops.aws.plugins.modules import ssm_connection_status

from unit.support.module_runner import Runner

connection_status = Runner(ssm_connection_status.ARGUMENT_SPEC, status_task.run)
