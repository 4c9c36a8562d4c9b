# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""How readiness is asked, for ssm_connection_status and the inventory.

A managed node is ready when GetConnectionStatus says ``connected``. Its ping status is not the same: a node can be
``Online`` for minutes before sessions can start, and stay ``Online`` for minutes after they no longer can.

``connection_status.py`` asks for one target or many. An error is the status ``unknown`` with a reason, never
``notconnected``. ``wait.py`` asks again for those that are not there yet, and ``status_task.py`` is the work of
ssm_connection_status. ``listing.py`` lists nodes by DescribeInstanceProperties, or where that is denied by
DescribeInstanceInformation, with the ``filters.py`` of a user. ``ping.py``, ``ec2.py`` and ``tags.py`` add details.
``targets.py`` knows the forms of target IDs.
"""
