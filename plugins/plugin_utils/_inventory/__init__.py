# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""How the inventory is made.

1. ``templates.py`` evaluates templates in options, and ``options.py`` checks the options and makes a ``Plan`` of them.
2. ``connection.py`` connects. ``cache.py`` returns the nodes of an earlier run if the plan and the identity are the
   same, else ``fetch.py`` lists all regions at once and asks for statuses while it lists.
3. ``presumed_status.py`` says for which nodes no call is needed, such as a stopped instance.
4. ``hosts.py`` makes a host of each node, with its variables and its readiness group. ``hostnames.py`` names it.
5. ``populate.py`` puts the hosts into the inventory. ``construct.py`` does ``compose``, ``groups`` and
   ``keyed_groups``; ``expressions.py`` evaluates simple expressions much faster than Ansible's templating does.

Every text of AWS is untrusted: ``trust.py`` keeps Ansible from evaluating it.
"""
