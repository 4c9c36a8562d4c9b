# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: aws_ssm
version_added: 0.1.0
short_description: Nodes that Systems Manager manages, grouped by whether Session Manager can reach them
description:
  - Lists the managed nodes of one or more regions. These are EC2 instances and hybrid nodes, which are machines outside
    EC2 with an ID that begins with C(mi-).
  - Checks the connection status of each node. Some nodes are not checked and count as not connected (see
    O(ask_all_nodes)).
  - Every host is in one of the groups C(ssm_connected), C(ssm_not_connected) and C(ssm_unknown). The groups exist even
    when they have no hosts. O(groups) and O(keyed_groups) cannot add hosts to them or make them children of other
    groups.
  - By default, the inventory is complete or it fails. If a listing fails partway, no part of it is used. With
    O(strict_permissions=false), a region that cannot be listed is left out with a warning.
  - By default Ansible only warns about a failed inventory. To make that an error, set an environment variable to
    V(true). With E(ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED), it is an error if any source fails. With
    E(ANSIBLE_INVENTORY_UNPARSED_FAILED), it is an error if all sources fail.
  - Uses a YAML configuration file whose name ends with C(aws_ssm.yml) or C(aws_ssm.yaml). Unknown options in the file
    are an error.
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
      - The regions whose nodes to list. They are listed in parallel.
      - Defaults to O(region), or else to the region of the profile or the environment.
    type: list
    elements: str
    default: []
  filters:
    description:
      - Which nodes to list, by the filters of Systems Manager. A node must match every filter, and at least one value
        of each.
      - The keys are C(ActivationIds), C(AgentVersion), C(AssociationStatus), C(IamRole), C(InstanceIds),
        C(PingStatus), C(PlatformTypes), C(ResourceType), C(SourceIds), C(SourceTypes), C(tag-key), and C(tag:) followed
        by the key of a tag. Keys and values are case-sensitive.
      - Only DescribeInstanceInformation supports C(tag-key), C(tag:), C(SourceIds) and C(SourceTypes). If one of these
        keys is in O(filters), O(include_filters) or O(exclude_filters), the plugin makes every listing with
        DescribeInstanceInformation. This operation omits stopped instances, returns fewer variables and needs more
        calls.
      - The tags of hybrid nodes can be used like those of instances.
    type: dict
    default: {}
  include_filters:
    description:
      - A list whose entries have the form of O(filters). A node is listed if it matches at least one entry. If
        O(filters) is also set, a node that matches O(filters) is listed, too.
      - Each entry requires a separate listing.
    type: list
    elements: dict
    default: []
  exclude_filters:
    description:
      - A list whose entries have the form of O(filters). Nodes that match at least one entry are excluded, even if they
        match other filters.
      - Each entry with C(tag-key) or C(tag:) requires two additional listings, one before the nodes are listed and one
        after, so that a node that is tagged in between is excluded, too. Other entries require no call.
      - If an entry filters by a value that users choose, such as a tag or an ID, and no node matches the entry, the
        plugin warns. The entry may be misspelled, and the nodes that it should exclude are then listed.
    type: list
    elements: dict
    default: []
  ec2_details:
    description:
      - Whether to read the tags, addresses and other details of the nodes. They become variables whose names begin with
        C(ec2_), such as C(ec2_tags) and C(ec2_private_ip_address).
      - For instances, the plugin reads the details from EC2. This requires the permission C(ec2:DescribeInstances),
        which nothing else needs. An instance that EC2 does not list has none of these variables.
      - For hybrid nodes, it reads the tags from Systems Manager. A hybrid node has C(ec2_tags) but none of the other
        variables. Each hybrid node requires a call of ListTagsForResource, with the permission
        C(ssm:ListTagsForResource). Without hybrid nodes, that permission is not required.
      - Tags whose key begins with C(__ansible_) are omitted, because Ansible gives such keys a special meaning.
    type: bool
    default: false
  status_source:
    description:
      - Where the connection status of a node comes from.
      - V(connection_status) asks Session Manager, with one call for each node. Some nodes are not checked and count as
        not connected (see O(ask_all_nodes)).
      - V(ping_status) uses the ping status in the listing and makes no further calls. The ping status can be C(Online)
        minutes before sessions can be started on a node, and can stay C(Online) for minutes after sessions can no
        longer be started.
      - V(none) checks nothing and puts every host into C(ssm_unknown).
    type: str
    choices: [connection_status, ping_status, none]
    default: connection_status
  ask_all_nodes:
    description:
      - Whether to also check the nodes that are otherwise not checked and count as not connected.
      - By default, two kinds of nodes are not checked. The host variable C(connection_status_source) shows which kind a
        node is. Its value C(instance_state) means an instance that is not running. Its value C(ping_status) means a
        node that is not C(Online) and whose last ping is older than O(connection_lost_seconds).
    type: bool
    default: false
  connection_lost_seconds:
    description:
      - If the C(ping_status) of a node is not C(Online), and the last ping of its agent is older than this many
        seconds, the node is not checked. It counts as not connected. With O(ask_all_nodes), it is checked anyway.
      - The plugin compares the last ping with AWS's time, not with the clock of the controller.
      - The maximum is V(1000000000).
    type: int
    default: 86400
  statuses:
    description: Keeps only the hosts that have one of these connection statuses.
    type: list
    elements: str
    choices: [connected, notconnected, unknown]
    default: [connected, notconnected, unknown]
  hostnames:
    description:
      - How to name the hosts. The first entry that yields a name is used.
      - An entry is the name of a host variable (C(computer_name)), C(tag:) followed by the key of a tag (C(tag:Name)),
        a Jinja2 expression that uses one of these (C(computer_name | lower), C(tag:Name | lower)), or a template
        (C({{ region }}-{{ computer_name }})). C(tag:) requires O(ec2_details).
      - An entry that uses a variable or a tag that the node does not have yields no name. With O(strict), any other
        failure of an entry is an error.
      - An entry can also be a mapping with C(name), and optionally C(prefix) and C(separator), which are put before
        the name. C(name) and C(prefix) are entries as above. C(separator) defaults to C(_).
      - In a name, only letters, digits, C(_), C(.) and C(-) are kept. Every other character becomes C(_), and so does
        a C(.) or C(-) at the beginning.
      - A node is named by its ID if no entry yields a name, or if the name cannot be used. A name cannot be used if
        another node or a host of another inventory source has it, if it is the name of a group or of the controller
        (C(localhost)), or if it looks like the ID of a node. A warning lists the names that were not used.
      - There is one exception. A host of another source may have the name if it is the same node. That is the case if
        its variable C(instance_id) is the ID of the node, or if its name is that ID.
      - The plugin only sees hosts of sources that are read before this one, so make this source the last.
    type: list
    elements: raw
    default: [instance_id]
  hostvars_prefix:
    description:
      - A prefix for the names of the host variables. In O(hostnames), use the names without the prefix. In O(compose),
        O(groups) and O(keyed_groups), use the names with it.
    type: str
    default: ""
  hostvars_suffix:
    description:
      - A suffix for the names of the host variables. In O(hostnames), use the names without the suffix. In O(compose),
        O(groups) and O(keyed_groups), use the names with it.
    type: str
    default: ""
  connection:
    description:
      - The connection plugin that plays use to reach the hosts. The inventory sets its variables.
      - The variables are C(ansible_connection), C(ansible_aws_ssm_instance_id) and C(ansible_aws_ssm_region). With
        O(profile) there is also C(ansible_aws_ssm_profile), and for Windows C(ansible_shell_type=powershell).
        O(compose) can override each of them.
      - V(sessionops.aws.aws_ssm) needs no other variable, and does not support nodes that run Windows. For it, the
        inventory also sets C(ansible_aws_ssm_assume_role_arn) if O(assume_role_arn) is set, and
        C(ansible_aws_ssm_endpoint_url) if O(endpoint_url) is set.
      - V(amazon.aws.aws_ssm) also needs C(ansible_aws_ssm_bucket_name), which AWS does not return. Set it with
        O(compose) or in C(group_vars). That connection plugin does not assume the role of O(assume_role_arn).
      - The variables never contain credentials.
    type: str
    choices: [none, sessionops.aws.aws_ssm, amazon.aws.aws_ssm]
    default: none
  strict_permissions:
    description:
      - Whether to fail if the nodes of a region cannot be listed, if their details cannot be read, or if the permission
        to check connection statuses is missing.
      - If V(false), a region that cannot be listed completely is left out as a whole, with a warning. Possible causes
        are that access is denied, that the region is not enabled, or that its service does not respond. Do not use
        this where a missing host counts as deleted, such as in an inventory source of AWX with I(Overwrite) enabled.
      - If V(false), and the permission to read details is missing, the hosts lack the variables of O(ec2_details). If
        the permission to check statuses is missing, the nodes are in C(ssm_unknown). Both cause a warning.
      - With either value, the inventory fails if the credentials have expired, if they are invalid in all regions, or
        if no region can be listed.
      - Unless the inventory fails, a node whose connection status cannot be read is in C(ssm_unknown). With V(true),
        the inventory fails if every status check is denied.
    type: bool
    default: true
  max_workers:
    description:
      - The maximum number of calls for connection statuses and for tags of hybrid nodes at the same time, in all
        regions together. It can be up to V(64).
    type: int
    default: 32
  fast_expressions:
    description:
      - Evaluate simple expressions in O(compose), O(groups), O(keyed_groups) and O(hostnames) without Ansible's
        templating, which takes most of the time of a large inventory. The values are the same.
      - Set this to V(false) to let Ansible evaluate every expression.
    type: bool
    default: true
  cache_statuses_seconds:
    description:
      - How many seconds connection statuses stay in the cache if O(cache) is enabled. While the nodes and their
        statuses are both in the cache, a run makes no calls.
      - V(0) checks them in every run. The maximum is V(1000000000).
    type: int
    default: 0
notes:
  - Host variables contain what AWS returns for the node, with names in snake_case, such as C(instance_id),
    C(computer_name), C(ip_address), C(ping_status), C(platform_type), C(resource_type) and C(region). A variable whose
    name Ansible reserves gets the prefix C(instance_). For example, C(Name), which is the Name tag of an EC2 instance
    or the name of a hybrid node, is the variable C(instance_name).
  - Hosts also have the variables C(connection_status) and C(connection_status_source), and C(connection_status_reason)
    if the status is unknown. C(ssm_connected) is true if the status is C(connected), and false otherwise. AWX can use
    it as the enabled variable of an inventory source.
  - Requires the permission C(ssm:GetConnectionStatus), and either C(ssm:DescribeInstanceProperties) or
    C(ssm:DescribeInstanceInformation). The plugin uses DescribeInstanceInformation if DescribeInstanceProperties is
    denied, if botocore does not have it, or if a filter requires it (see O(filters)). Stopped instances are then
    missing, and there are fewer variables.
  - Terminated instances are left out.
  - If the plugin runs for longer than the credentials of O(assume_role_arn) are valid, it renews them.
  - The plugin assumes the role of O(assume_role_arn) at the endpoint of STS in the region, not at O(endpoint_url). Set
    the environment variable E(AWS_ENDPOINT_URL_STS) if STS has another endpoint.
  - An environment variable that is set but empty, as AWX leaves it for an unset field, counts as unset.
  - O(profile) cannot be combined with access keys. To use a profile although the environment contains keys, set
    O(access_key), O(secret_key) and O(session_token) to V("").
  - O(cache) keeps the nodes and their details, so that later runs do not list them again. Cached data is only used if
    the version of the collection, the regions, the filters, O(ec2_details), the endpoint, the C(AWS_) environment
    variables (except secret keys and session tokens) and the identity are unchanged. The identity is the access key.
    For a profile with a role, IAM Identity Center (SSO) or a sign-in by C(aws login), it is the settings of that
    profile.
  - Nodes are not cached if the run has a warning about them. That is the case if a region is left out, if details could
    not be read, or if the plugin warns about an entry of O(exclude_filters).
  - Cached nodes that were not checked when they were listed (see O(ask_all_nodes)) stay C(notconnected) until the nodes
    are listed again. With O(ask_all_nodes), their status is checked like that of other nodes.
  - With the role of an EC2 instance or a container, or with C(credential_process), cached data is used until the
    credentials are renewed.
  - Only the owner of the cache files can read them.
  - O(cache) does not keep connection statuses unless O(cache_statuses_seconds) is set.
  - O(regions), O(region), O(profile), O(assume_role_arn), O(endpoint_url), the credentials, O(statuses), O(filters),
    O(include_filters) and O(exclude_filters) can be templates. They can use lookups and the extra variables of C(-e).
    O(hostnames), O(compose), O(groups) and O(keyed_groups) are evaluated for each host. Other options are not
    evaluated.
  - One template can return a whole list, as in the examples. If an entry of a list is a template that returns a list,
    the entries of that list replace it. In O(regions) and O(statuses), a template can also return a comma-separated
    string.
  - A template that returns no entries for O(regions), O(statuses), O(filters) or O(include_filters) is an error.
  - Text from AWS is never evaluated as a template. The same is true of text that O(compose) makes from it. If
    O(compose) combines text from AWS with text of your own, the result is not evaluated either. C(ansible-inventory
    --list) shows such text as a mapping with the key C(__ansible_unsafe), which Ansible reads back as text.
extends_documentation_fragment:
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
  - sessionops.aws._requirements
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
connection: sessionops.aws.aws_ssm
---
# Hosts named by their Name tag, groups by other tags, and the private address as a variable.
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
# Production and staging, except the nodes of the platform team.
plugin: sessionops.aws.aws_ssm
region: us-east-1
include_filters:
  - tag:Environment: production
  - tag:Environment: staging
exclude_filters:
  - tag:Team: platform
---
# The regions from an extra variable: ansible-inventory -e fleet_regions=us-east-1,eu-west-1 ...
plugin: sessionops.aws.aws_ssm
regions: "{{ fleet_regions }}"
---
# The regions and the stage from the environment.
plugin: sessionops.aws.aws_ssm
regions: "{{ lookup('ansible.builtin.env', 'FLEET_REGIONS').split(',') }}"
filters:
  tag:Stage: "{{ lookup('ansible.builtin.env', 'FLEET_STAGE', default='production') }}"
---
# Another account, with nodes cached for an hour and statuses for a minute.
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
from ansible_collections.sessionops.aws.plugins.plugin_utils._assumed_role import connect
from ansible_collections.sessionops.aws.plugins.plugin_utils._environment import without_empty_variables
from ansible_collections.sessionops.aws.plugins.plugin_utils._inventory.cache import (
    InventoryCache,
    find_nodes,
    fingerprint,
    keep_private,
    private_folders,
)
from ansible_collections.sessionops.aws.plugins.plugin_utils._inventory.connection import clients, identity
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
        role = self.get_option("assume_role_arn")
        connection = connect(region or plan.regions[0], endpoint, options, role, "ansible_aws_ssm_inventory")
        return clients(connection, regions, ec2=plan.ec2_details)
