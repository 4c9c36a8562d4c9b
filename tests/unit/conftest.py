# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Settings for all unit tests.

A busy machine is slow, and how long an example takes proves nothing. Collections are loaded by Ansible, as they are in
use: it finds plugins of those only that it loaded itself.

Each task makes a session of boto3 of its own, and a third of the time of a test would go into reading AWS's service
models from the disk again. All sessions share one reader of them here; they only read what it returns.
"""

from __future__ import annotations

import functools

import botocore.loaders
import botocore.session
import hypothesis
from ansible.plugins.loader import init_plugin_loader

hypothesis.settings.register_profile("sessionops", deadline=None, database=None)
hypothesis.settings.load_profile("sessionops")
init_plugin_loader()
setattr(botocore.session, "create_loader", functools.cache(botocore.loaders.create_loader))  # noqa: B010 - private
