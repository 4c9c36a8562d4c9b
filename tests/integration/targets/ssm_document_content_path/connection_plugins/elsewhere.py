# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host that is not the controller, as far as Ansible knows."""

from __future__ import annotations

from ansible.plugins.connection import local

DOCUMENTATION = """
name: elsewhere
short_description: Run on this machine as if it was another
description: Runs on this machine as if it was another.
author: Contributors to the sessionops.aws collection
"""


class Connection(local.Connection):
    """The connection of localhost under another name."""

    transport = "elsewhere"
