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
    when they have no hosts. O(groups) and O(keyed_groups) add nothing to them, and do not put them into other groups.
  - The inventory is complete or it fails. A listing that breaks off is an error and never a shorter inventory.
  - By default Ansible only warns of an inventory that failed. Set E(ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED) or
    E(ANSIBLE_INVENTORY_UNPARSED_FAILED) to make that an error.
  - Uses a YAML configuration file whose name ends with C(aws_ssm.yml) or C(aws_ssm.yaml). A key that is no option is an
    error.
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
  filters:
    description:
      - Which nodes to list, by the names that Systems Manager has for its filters. A node must match each of them, and
        one value of each.
      - The keys are C(ActivationIds), C(AgentVersion), C(AssociationStatus), C(IamRole), C(InstanceIds),
        C(PingStatus), C(PlatformTypes), C(ResourceType), C(SourceIds), C(SourceTypes), C(tag-key), and C(tag:) followed
        by the key of a tag. Case counts, in keys and in values.
      - C(tag-key), C(tag:), C(SourceIds) and C(SourceTypes) are filters of DescribeInstanceInformation alone. A
        configuration that has one of them in any of its filters lists all nodes with that operation, which
        leaves out stopped instances, gives fewer variables and takes more calls.
      - Tags of hybrid machines can be filtered by like those of instances.
    type: dict
    default: {}
  include_filters:
    description:
      - A list of O(filters). Nodes that match one of its entries, or O(filters) if that is set too, are listed.
      - Each entry takes a listing of its own.
    type: list
    elements: dict
    default: []
  exclude_filters:
    description:
      - A list of O(filters). Nodes that match one of its entries are left out, whatever else they match.
      - Each entry with C(tag-key) or C(tag:) takes two listings of its own, one before the nodes are listed and one
        after, so that a node which gets such a tag in the meantime is left out too. Other entries take no call.
      - An entry with a tag, an ID or another value of your own that no listed node has is a warning, because a
        misspelled entry would show the nodes that it is for.
    type: list
    elements: dict
    default: []
  ec2_details:
    description:
      - Whether to read the tags, addresses and other details of the nodes. They become variables whose names begin with
        C(ec2_), such as C(ec2_tags) and C(ec2_private_ip_address).
      - EC2 has the details of instances. Reading them takes the permission C(ec2:DescribeInstances), which nothing else
        needs. An instance that EC2 does not know has none of these variables.
      - Systems Manager has the tags of hybrid machines. A hybrid machine has C(ec2_tags) and no other of these
        variables. Reading its tags takes a call of its own, ListTagsForResource, and the permission
        C(ssm:ListTagsForResource), which is not needed where there are no hybrid machines.
      - Tags whose key begins with C(__ansible_) are left out, for Ansible reads them as something of its own.
    type: bool
    default: false
  status_source:
    description:
      - Where the connection status of a node comes from.
      - V(connection_status) asks Session Manager, one call for each node that may be connected.
      - V(ping_status) takes what the listing says of the agent and makes no further call. Systems Manager calls an
        agent C(Online) minutes before a session can be started on it, and for minutes after none can.
      - With V(none) nobody is asked, and every host is in C(ssm_unknown).
    type: str
    choices: [connection_status, ping_status, none]
    default: connection_status
  ask_all_nodes:
    description:
      - Whether to ask for the connection status of nodes too that cannot be connected.
      - By default two kinds are not asked and count as not connected, and C(connection_status_source) tells which. One
        is an instance that is not running (C(instance_state)), the other a node whose agent has been silent for
        longer than O(connection_lost_seconds) (C(ping_status)).
    type: bool
    default: false
  connection_lost_seconds:
    description:
      - How long ago the last ping of an agent may be for its node to be asked for its connection status all the same,
        once C(ping_status) is no longer C(Online). Compared with the time of the service, not of the controller.
        V(1000000000) at most.
    type: int
    default: 86400
  statuses:
    description: Keep hosts that have one of these connection statuses.
    type: list
    elements: str
    choices: [connected, notconnected, unknown]
    default: [connected, notconnected, unknown]
  hostnames:
    description:
      - Where a host's name comes from. The first entry that gives a node a name counts.
      - An entry is the name of a host variable (C(computer_name)), C(tag:) and the key of a tag (C(tag:Name), which
        takes O(ec2_details)), a Jinja2 expression on either (C(computer_name | lower), C(tag:Name | lower)), or a
        template (C({{ region }}-{{ computer_name }})).
      - An entry that needs a variable or a tag which the node does not have gives it no name. With O(strict) an entry
        that fails in another way is an error.
      - An entry can also be a dictionary with C(name), and C(prefix) and C(separator) to put before it. The first two
        are entries as above, and the separator is C(_) unless told.
      - Any character of a name other than letters, digits, C(_), C(.) and C(-) becomes C(_), and so does a C(.) or
        C(-) at its beginning.
      - A node is named by its ID when no entry gives it a name, when another node or a host of another inventory source
        has the same name, when the name is that of a group or of the controller (C(localhost)), or when it looks like a
        node's ID. A warning lists the names that were not used.
      - A host of another source is the same node if its variable C(instance_id) is the node's ID, or if it is named by
        it. The plugin sees the hosts of sources that are read before this one, so it must be the last.
    type: list
    elements: raw
    default: [instance_id]
  hostvars_prefix:
    description: A prefix for the names of the host variables. O(hostnames) uses them without it.
    type: str
    default: ""
  hostvars_suffix:
    description: A suffix for the names of the host variables. O(hostnames) uses them without it.
    type: str
    default: ""
  connection:
    description:
      - Sets the variables with which plays reach the hosts through a connection plugin.
      - These are C(ansible_connection), C(ansible_aws_ssm_instance_id) and C(ansible_aws_ssm_region),
        C(ansible_aws_ssm_profile) if there is a O(profile), and C(ansible_shell_type=powershell) for Windows.
        O(compose) can set each to something else.
      - V(amazon.aws.aws_ssm) also needs C(ansible_aws_ssm_bucket_name), which no service tells. It is set by O(compose)
        or in C(group_vars). It does not assume the role of O(assume_role_arn).
      - Credentials are never among the variables.
    type: str
    choices: [none, amazon.aws.aws_ssm]
    default: none
  strict_permissions:
    description:
      - Whether to fail when the nodes of a region cannot be listed, their details cannot be read, or the
        permission to ask for connection statuses is missing.
      - Otherwise a region that cannot be listed to its end, whether this is forbidden, the region is not enabled, or
        its service does not answer, is left out as a whole with a warning. Beware of that where a missing host is
        taken for one that is gone, such as by an inventory source of AWX that overwrites.
      - Credentials that are expired or wrong for every region always fail, and so do regions of which none can
        be listed.
      - A node whose connection status cannot be read is in C(ssm_unknown) in either case.
    type: bool
    default: true
  max_workers:
    description:
      - How many connection statuses, and tags of hybrid machines, are asked for at a time, in all regions together.
        V(64) at most.
    type: int
    default: 32
  cache_statuses_seconds:
    description:
      - How long connection statuses are kept when O(cache) is on. Before that time is over, a run makes no call at all.
      - V(0) asks each time, and V(1000000000) is the most.
    type: int
    default: 0
notes:
  - A host has the members that AWS gives for its node as variables, in snake_case, such as C(instance_id),
    C(computer_name), C(ip_address), C(ping_status), C(platform_type), C(resource_type) and C(region). The C(Name) of a
    node is C(instance_name). A name that Ansible reserves gets the prefix C(instance_).
  - Besides them it has C(connection_status), C(connection_status_source), C(connection_status_reason) where the status
    is unknown, and C(ssm_connected), which is true where the status is C(connected) and false otherwise. AWX takes it
    as the enabled variable of an inventory source.
  - Takes the permissions C(ssm:DescribeInstanceProperties), or C(ssm:DescribeInstanceInformation) in its stead, and
    C(ssm:GetConnectionStatus). DescribeInstanceInformation, which also serves where botocore is too old to know the
    other, leaves out stopped instances and gives fewer variables.
  - Terminated instances are left out.
  - The credentials of O(assume_role_arn) are renewed while the inventory is made, however long that takes.
  - An empty environment variable, such as AWX sets, is taken for one that is not set.
  - A O(profile) cannot be combined with keys. To use one where the environment has keys, set O(access_key),
    O(secret_key) and O(session_token) to V("").
  - O(cache) keeps the nodes and their details, and a run that finds them does not list them again. What was kept
    is only used for the same regions, filters, endpoint and identity. The identity is the access key, or for a profile
    with a role, SSO or a login the settings that name it. An instance that was stopped then counts as not connected
    until the nodes are listed anew.
  - With the role of an EC2 instance or a container, or with C(credential_process), what was kept is used until the
    credentials are renewed.
  - Files of the cache can be read by their owner alone.
  - Connection statuses are asked for all the same, unless O(cache_statuses_seconds) says otherwise.
  - O(regions), O(region), O(profile), O(assume_role_arn), O(endpoint_url), the credentials, O(statuses), O(filters),
    O(include_filters) and O(exclude_filters) can be templates, also with lookups and with the extra variables of C(-e).
    O(hostnames), O(compose), O(groups) and O(keyed_groups) are evaluated for each host. Other options are taken as they
    are.
  - One template can give a whole list, as in the examples. Where an entry of a list is a template that gives a list,
    its entries take the place of that entry. O(regions) and O(statuses) also accept a template that gives a text with
    commas.
  - A template that gives O(regions), O(statuses), O(filters) or O(include_filters) no entry is an error.
  - No text that comes from AWS is ever evaluated as a template, nor what O(compose) makes of it. In its JSON
    C(ansible-inventory --list) shows such a text as a dictionary of C(__ansible_unsafe), which Ansible reads back as
    the text.
extends_documentation_fragment:
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
  - amazon.aws.boto3
  - amazon.aws.common.plugins
  - amazon.aws.region.plugins
  - amazon.aws.assume_role.plugins
seealso:
  - module: sessionops.aws.ssm_connection_status
  - plugin: amazon.aws.aws_ec2
    plugin_type: inventory
"""

EXAMPLES = r"""
# All nodes of a region, in the groups ssm_connected, ssm_not_connected and ssm_unknown.
plugin: sessionops.aws.aws_ssm
region: us-east-1
---
# Linux nodes that can be reached now, ready for plays over Session Manager.
plugin: sessionops.aws.aws_ssm
regions:
  - us-east-1
  - eu-west-1
filters:
  PlatformTypes: Linux
statuses:
  - connected
connection: amazon.aws.aws_ssm
compose:
  ansible_aws_ssm_bucket_name: "'transfers-' ~ region"
---
# Hosts by their Name tag, groups by other tags, and the private address as a variable.
plugin: sessionops.aws.aws_ssm
region: us-east-1
ec2_details: true
hostnames:
  - tag:Name
  - computer_name | lower
keyed_groups:
  - key: ec2_tags.Role
    prefix: role
  - key: platform_type | lower
    prefix: platform
groups:
  hybrid: resource_type == 'ManagedInstance'
compose:
  private_address: ec2_private_ip_address
---
# Production and staging, but no node of the team that looks after itself.
plugin: sessionops.aws.aws_ssm
region: us-east-1
include_filters:
  - tag:Environment: production
  - tag:Environment: staging
exclude_filters:
  - tag:Team: platform
---
# The regions of a variable: ansible-inventory -e fleet_regions=us-east-1,eu-west-1 ...
plugin: sessionops.aws.aws_ssm
regions: "{{ fleet_regions }}"
---
# The regions and the stage from the environment.
plugin: sessionops.aws.aws_ssm
regions: "{{ lookup('ansible.builtin.env', 'FLEET_REGIONS').split(',') }}"
filters:
  tag:Stage: "{{ lookup('ansible.builtin.env', 'FLEET_STAGE', default='production') }}"
---
# Another account, with nodes kept for an hour and statuses for a minute.
plugin: sessionops.aws.aws_ssm
region: us-east-1
assume_role_arn: arn:aws:iam::123456789012:role/Inventory
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ~/.cache/ansible/inventory
cache_timeout: 3600
cache_statuses_seconds: 60
"""

import gc
from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleParserError
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.amazon import requirement

try:
    from ansible_collections.amazon.aws.plugins.plugin_utils.botocore import get_aws_connection_info
    from ansible_collections.amazon.aws.plugins.plugin_utils.inventory import AWSInventoryBase
except ImportError as error:
    raise AnsibleParserError(requirement(error)) from None

from ansible_collections.sessionops.aws.plugins.module_utils._ssm.credentials import check_credentials
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.errors import SSMError
from ansible_collections.sessionops.aws.plugins.plugin_utils._inventory.cache import (
    InventoryCache,
    find_nodes,
    fingerprint,
    keep_private,
    private_folders,
)
from ansible_collections.sessionops.aws.plugins.plugin_utils._inventory.connection import (
    clients,
    connect,
    identity,
    without_empty_variables,
)
from ansible_collections.sessionops.aws.plugins.plugin_utils._inventory.construct import FastConstructable
from ansible_collections.sessionops.aws.plugins.plugin_utils._inventory.fetch import Clients
from ansible_collections.sessionops.aws.plugins.plugin_utils._inventory.hostnames import (
    check_hostnames,
    name_hosts,
    refused_names_warning,
)
from ansible_collections.sessionops.aws.plugins.plugin_utils._inventory.hosts import (
    READINESS_GROUPS,
    all_warnings,
    make_hosts,
)
from ansible_collections.sessionops.aws.plugins.plugin_utils._inventory.options import (
    InventoryPlan,
    check_config,
    make_plan,
)
from ansible_collections.sessionops.aws.plugins.plugin_utils._inventory.populate import (
    hosts_of_other_sources,
    hostvar_naming,
    known_variables,
    populate,
)
from ansible_collections.sessionops.aws.plugins.plugin_utils._inventory.templates import evaluate_templates

# The base class has no type hints, so it is Any to a type checker.
_Base: Any = AWSInventoryBase


class InventoryModule(FastConstructable, _Base):  # type: ignore[misc] # the base class has no type hints
    NAME = "sessionops.aws.aws_ssm"
    INVENTORY_FILE_SUFFIXES = ("aws_ssm.yml", "aws_ssm.yaml")

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        """Add the hosts that the configuration file at ``path`` describes to ``inventory``."""
        with without_empty_variables():
            # The method of AWSInventoryBase is skipped: it assumes the role even if all nodes are cached, and does not
            # renew its credentials.
            super(_Base, self).parse(inventory, loader, path, cache=cache)
            self.require_aws_sdk()
            try:
                with private_folders():  # the cache plugin makes its folder here
                    self._read_config_data(path)
                self._add_hosts(path, fresh=not cache)
            except SSMError as error:
                raise AnsibleParserError(str(error)) from None  # the message says it all

    def update_cache_if_changed(self) -> None:
        """Write the cache so that only its owner can read it."""
        with private_folders():
            super().update_cache_if_changed()
        keep_private(self.cache)

    def set_options(self, task_keys: Any = None, var_options: Any = None, direct: Any = None) -> None:
        """Set the options, with the templates in those of the file (``direct``) evaluated. Raises ``SSMError``."""
        if direct:
            check_config(direct, self.option_definitions)
            self.templar.available_variables = self._vars  # the extra variables of -e
            direct = evaluate_templates(direct, self.option_definitions, self.templar.template)
        super().set_options(task_keys=task_keys, var_options=var_options, direct=direct)

    def get_option(self, option: str, hostvars: Any = None) -> Any:
        """Return an option's value. AWSInventoryBase would evaluate it as a template, which ansible-core deprecates."""
        return super(_Base, self).get_option(option, hostvars)

    def get_options(self, hostvars: Any = None) -> Any:
        """Return the values of all options by name."""
        return super(_Base, self).get_options(hostvars)

    def _add_hosts(self, path: str, *, fresh: bool) -> None:
        gc.freeze()  # what is imported by now stays until the end, so garbage collections can skip it
        check_credentials(self.get_options())
        plan = make_plan(self.get_option, self.region)
        hostnames = self.get_option("hostnames")
        check_hostnames(hostnames, tags=plan.ec2_details)
        variable_name = hostvar_naming(self.get_option("hostvars_prefix"), self.get_option("hostvars_suffix"))
        found = find_nodes(plan, lambda regions: self._clients(plan, regions), self._store(path, plan), fresh=fresh)
        hosts = make_hosts(found, plan, self.get_option)
        self.prepare(known_variables(hosts, variable_name))
        taken = {*self.inventory.groups, *READINESS_GROUPS.values()}
        named = name_hosts(
            hosts, hostnames, self.evaluate, taken, hosts_of_other_sources(self.inventory, variable_name)
        )
        populate(self, dict(zip(named.used, hosts, strict=True)), variable_name)
        for warning in [*all_warnings(found), *([refused_names_warning(named.refused)] if named.refused else [])]:
            self.warn(warning)

    def _store(self, path: str, plan: InventoryPlan) -> InventoryCache | None:
        source = identity(self.get_option) if self.get_option("cache") else None
        if source is None:  # without an identity, an entry would be valid for everybody
            return None
        return InventoryCache(
            entries=self.cache,
            key=self.get_cache_key(path),
            fingerprint=fingerprint(plan, source),
            nodes_for=self.get_option("cache_timeout"),
            statuses_for=self.get_option("cache_statuses_seconds"),
        )

    def _clients(self, plan: InventoryPlan, regions: Sequence[str]) -> Mapping[str, Clients]:
        region, endpoint, options = get_aws_connection_info(self)
        connection = connect(region or plan.regions[0], endpoint, options, self.get_option("assume_role_arn"))
        return clients(connection, regions, ec2=plan.ec2_details)
