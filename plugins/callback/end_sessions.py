# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: end_sessions
type: aggregate
version_added: 0.1.0
short_description: End the sessions of a playbook before Ansible ends
description:
  - Ends all sessions of the connection plugin P(sessionops.aws.aws_ssm#connection) at the end of each playbook. Ansible
    waits up to 60 seconds until they have ended.
  - Without this callback, a background process ends them as soon as Ansible has ended. In a container that ends with
    Ansible, as with AWX, C(ansible-navigator) or CI, that process is killed before it can do so. The sessions then stay
    open until their idle timeout.
  - Sessions that are kept with the option O(sessionops.aws.aws_ssm#connection:persist) are not ended.
  - If Ansible is interrupted, the callback does not run.
author:
  - Contributors to the sessionops.aws collection (@sessionops)
requirements:
  - C(sessionops.aws.end_sessions) in C(callbacks_enabled) of C(ansible.cfg) or in E(ANSIBLE_CALLBACKS_ENABLED)
  - for the command C(ansible), also the environment variable E(ANSIBLE_LOAD_CALLBACK_PLUGINS=true)
seealso:
  - plugin: sessionops.aws.aws_ssm
    plugin_type: connection
  - module: sessionops.aws.ssm_session_info
  - module: sessionops.aws.ssm_session_terminate
"""

import functools
from typing import Any

from ansible.plugins.callback import CallbackBase
from ansible_collections.sessionops.aws.plugins.plugin_utils._connection import starting
from ansible_collections.sessionops.aws.plugins.plugin_utils._connection.showing import show
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.errors import SessionError


class CallbackModule(CallbackBase):
    """Ends the sessions of this process of Ansible."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "sessionops.aws.end_sessions"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_stats(self, unused_stats: Any) -> None:
        """End the sessions. A failure is a warning, because the playbook has ended."""
        try:
            starting.ask("stop", functools.partial(show, ""), persist=False)
        except SessionError as error:
            show("", 0, f"Could not end the sessions of this playbook. {error}")
