# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""How the inventory is built.

1. ``templates.py`` evaluates the templates in options. ``options.py`` validates the options and returns a ``Plan``.
2. ``connection.py`` makes the boto3 clients. ``cache.py`` returns the nodes of an earlier run if the plan and the
   identity are the same. Otherwise ``fetch.py`` lists all regions in parallel, and reads statuses while it lists.
3. ``inferred_status.py`` infers the status of nodes that need no call, such as stopped instances.
4. ``hosts.py`` turns each node into a host with its variables and readiness group. ``hostnames.py`` names the hosts.
5. ``populate.py`` adds the hosts to the inventory. ``construct.py`` applies ``compose``, ``groups`` and
   ``keyed_groups``. ``expressions.py`` evaluates simple expressions much faster than Ansible's templating.

All text from AWS is untrusted: ``trust.py`` keeps Ansible from evaluating it.
"""
