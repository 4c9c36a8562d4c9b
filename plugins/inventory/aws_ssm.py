# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: aws_ssm
version_added: 0.1.0
short_description: Nodes that Systems Manager manages, grouped by whether Session Manager can reach them
description:
  - Lists the managed nodes of one or more regions, EC2 instances and hybrid machines alike, and asks for the
    connection status of each that may be connected.
  - Every host is in one of the groups C(ssm_connected), C(ssm_not_connected) and C(ssm_unknown). The groups exist even
    when they have no hosts.
  - An instance that is not running counts as not connected, and is not asked for. Terminated instances are left out.
  - Uses a YAML configuration file whose name ends with C(aws_ssm.yml) or C(aws_ssm.yaml).
author:
  - Contributors to the sessionops.aws collection (@sessionops)
options:
  plugin:
    description: Marks the file as one for this plugin.
    type: str
    required: true
    choices: [sessionops.aws.aws_ssm]
  regions:
    description:
      - The regions whose nodes to list. They are asked side by side.
      - By default O(region), or else the region of the profile or the environment.
    type: list
    elements: str
    default: []
  statuses:
    description: Keep hosts that have one of these connection statuses.
    type: list
    elements: str
    choices: [connected, notconnected, unknown]
    default: [connected, notconnected, unknown]
  hostnames:
    description:
      - The host variables to take a host's name from. The first that a node has counts.
      - A node that has none of them, or whose name another node has too, is named by its ID.
    type: list
    elements: str
    default: [instance_id]
  hostvars_prefix:
    description: A prefix for the names of the host variables.
    type: str
    default: ""
  hostvars_suffix:
    description: A suffix for the names of the host variables.
    type: str
    default: ""
  strict_permissions:
    description:
      - Whether to fail when listing the nodes of a region is not allowed. Otherwise the region is left out, with a
        warning.
      - A node whose connection status may not be read is in C(ssm_unknown) in either case.
    type: bool
    default: true
  max_workers:
    description: How many connection statuses of one region are asked for at a time, V(64) at most.
    type: int
    default: 32
notes:
  - A host has the members that AWS gives for its node as variables, in snake_case, such as C(instance_id),
    C(computer_name), C(ip_address), C(ping_status), C(platform_type), C(resource_type) and C(region), and besides them
    C(connection_status), and C(connection_status_reason) where that is unknown. The C(Name) of a node is
    C(instance_name).
  - Takes the permissions C(ssm:DescribeInstanceProperties), or C(ssm:DescribeInstanceInformation) in its stead, and
    C(ssm:GetConnectionStatus). DescribeInstanceInformation, which also serves where botocore is too old to know the
    other, leaves out stopped instances and gives fewer variables.
  - No value that comes from AWS is treated as a template.
extends_documentation_fragment:
  - ansible.builtin.constructed
  - amazon.aws.boto3
  - amazon.aws.common.plugins
  - amazon.aws.region.plugins
  - amazon.aws.assume_role.plugins
seealso:
  - module: sessionops.aws.ssm_connection_status
"""

EXAMPLES = r"""
# All nodes of a region, in the groups ssm_connected, ssm_not_connected and ssm_unknown.
plugin: sessionops.aws.aws_ssm
region: us-east-1
---
# Two regions, hosts by computer name, one group for each platform.
plugin: sessionops.aws.aws_ssm
regions:
  - us-east-1
  - eu-west-1
hostnames:
  - computer_name
keyed_groups:
  - key: platform_type | lower
    prefix: platform
compose:
  ansible_host: instance_id
"""

from typing import Any

from ansible.errors import AnsibleParserError
from ansible_collections.amazon.aws.plugins.module_utils.common import set_collection_info
from ansible_collections.amazon.aws.plugins.plugin_utils.inventory import AWSInventoryBase
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.errors import SSMError
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.fanout import MAX_WORKERS
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.module import (
    COLLECTION_NAME,
    COLLECTION_VERSION,
    client_config,
)
from ansible_collections.sessionops.aws.plugins.plugin_utils import _inventory

# The base class has no type hints, so that to a type checker it is anything.
_Base: Any = AWSInventoryBase


class InventoryModule(_Base):  # type: ignore[misc]
    NAME = "sessionops.aws.aws_ssm"
    INVENTORY_FILE_SUFFIXES = ("aws_ssm.yml", "aws_ssm.yaml")

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        """Add the hosts that the configuration file at ``path`` describes to ``inventory``."""
        super().parse(inventory, loader, path, cache=cache)
        set_collection_info(COLLECTION_NAME, COLLECTION_VERSION)
        try:
            self._populate(self._hosts())
        except SSMError as error:
            raise AnsibleParserError(str(error)) from error

    def _hosts(self) -> list[_inventory.Host]:
        workers = self.get_option("max_workers")
        if not 1 <= workers <= MAX_WORKERS:
            raise SSMError(f"max_workers is {workers}, and may be 1 to {MAX_WORKERS}.")
        regions = [region for region in dict.fromkeys(self.get_option("regions") or [self.region]) if region]
        if not regions:
            raise SSMError("There is no region: set regions, region or AWS_REGION.")
        # Clients are safe to share between threads, the session that makes them is not.
        clients = {region: self.client("ssm", region=region, config=client_config()) for region in regions}
        found = _inventory.fetch(clients, workers, strict=self.get_option("strict_permissions"))
        for warning in found.warnings:
            self.warn(warning)
        hosts = _inventory.hosts(found.nodes, self.get_option("hostnames"))
        wanted = self.get_option("statuses")
        return [host for host in hosts if host.variables["connection_status"] in wanted]

    def _populate(self, hosts: list[_inventory.Host]) -> None:
        for group in _inventory.GROUPS.values():
            self.inventory.add_group(group)
        prefix, suffix = self.get_option("hostvars_prefix"), self.get_option("hostvars_suffix")
        for host in hosts:
            name = self.inventory.add_host(host.name, group=host.group)
            variables = {f"{prefix}{key}{suffix}": value for key, value in host.variables.items()}
            for key, value in variables.items():
                self.inventory.set_variable(name, key, value)
            self._construct(name, variables)

    def _construct(self, name: str, variables: dict[str, Any]) -> None:
        strict = self.get_option("strict")
        self._set_composite_vars(self.get_option("compose"), variables, name, strict=strict)
        self._add_host_to_composed_groups(self.get_option("groups"), variables, name, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, name, strict=strict)
