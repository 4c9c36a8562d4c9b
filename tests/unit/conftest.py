# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Configure all unit tests.

- Hypothesis has no deadline, because examples are slow on a busy machine.
- Ansible loads the collections, because it finds plugins only in collections that it loaded itself.
- All boto3 sessions share one loader of AWS's service models. Otherwise each task would read them from the disk again,
  which takes a third of the time of a test. The sessions only read what the loader returns.
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
