# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the files that describe the collection say agrees with the code."""

from __future__ import annotations

from pathlib import Path

import yaml
from ansible_collections.sessionops.aws.plugins.module_utils._ssm import fanout, module

ROOT = Path(__file__).parents[4]
GALAXY = yaml.safe_load((ROOT / "galaxy.yml").read_text())


def test_the_user_agent_names_this_version_of_this_collection() -> None:
    assert f"{GALAXY['namespace']}.{GALAXY['name']}" == module.COLLECTION_NAME
    assert GALAXY["version"] == module.COLLECTION_VERSION


def test_clients_adapt_their_rate_and_keep_a_connection_for_each_worker() -> None:
    settings = module.client_config()
    assert settings.retries["mode"] == "adaptive"
    assert settings.max_pool_connections == fanout.MAX_WORKERS
