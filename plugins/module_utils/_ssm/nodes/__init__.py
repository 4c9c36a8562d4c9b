# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Find out which nodes are ready for sessions, for ssm_connection_status and the inventory.

A managed node is ready when GetConnectionStatus returns ``connected``. Its ping status is not the same: a node can be
``Online`` for minutes before sessions can start, and stay ``Online`` for minutes after they no longer can.

``connection_status.py`` gets the status of one target or many. An error becomes the status ``unknown`` with a reason,
never ``notconnected``. ``wait.py`` polls the targets that do not have the wanted status yet. ``status_task.py`` does
the work of ssm_connection_status. ``listing.py`` lists nodes with DescribeInstanceProperties, or with
DescribeInstanceInformation where the first is denied, and applies the user's filters (``filters.py``). ``ping.py``,
``ec2.py`` and ``tags.py`` add details. ``targets.py`` checks the form of target IDs.
"""
