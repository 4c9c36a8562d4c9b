# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""How the connection plugin uses a session.

The plugin, ``plugins/connection/aws_ssm.py``, is the documentation of its options and a thin class. The parts, in the
order in which a task meets them:

1. ``options.py``: the options, checked before any call is made, become the ``Settings`` of ``settings.py``.
2. ``starting.py``: the holder, a process in the background that holds the sessions, is found or started.
3. ``plugin_utils/_session``: the session itself, with commands and files in it. It knows nothing of Ansible.
4. ``become.py``: the dialogue of a become plugin, seen in the output of a command.

In the holder:

5. ``holding.py``: its program. It makes sessions from the settings that a task sends.
6. ``requirements.py``: what must be installed. The worker imports none of it, because that takes long.
7. ``service.py``: the calls of AWS for the sessions with one node, and how their WebSockets are reached.
"""
