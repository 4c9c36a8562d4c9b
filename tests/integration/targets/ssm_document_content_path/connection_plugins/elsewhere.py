# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A connection to localhost that Ansible treats as a connection to another host."""

from __future__ import annotations

from ansible.plugins.connection import local

DOCUMENTATION = """
name: elsewhere
short_description: Run on this machine as if it was another
description: Runs on this machine as if it was another.
author: Contributors to the sessionops.aws collection
"""


class Connection(local.Connection):
    """The local connection plugin under another name."""

    transport = "elsewhere"
