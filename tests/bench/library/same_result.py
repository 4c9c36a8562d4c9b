# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A module that returns the result in a file, to measure the time that Ansible needs for a result of that size."""

from __future__ import annotations

import json
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """Return the saved result."""
    module = AnsibleModule(argument_spec={"path": {"type": "path", "required": True}})
    result = json.loads(Path(module.params["path"]).read_text())
    module.exit_json(**{key: value for key, value in result.items() if key not in ("failed", "invocation")})


if __name__ == "__main__":
    main()
