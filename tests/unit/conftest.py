# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Settings of Hypothesis for all tests: a busy machine is slow, and how long an example takes proves nothing."""

from __future__ import annotations

import hypothesis

hypothesis.settings.register_profile("sessionops", deadline=None, database=None)
hypothesis.settings.load_profile("sessionops")
