# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Select, list and terminate sessions, for ssm_session_info and ssm_session_terminate.

``options.py`` converts the options to a ``SessionFilter`` (``filters.py``) and rejects those that can match no session.
``listing.py`` calls DescribeSessions. AWS cuts pages before it filters, so every filter is also applied here.
``termination.py`` plans which of the listed sessions to terminate, terminates them in parallel and waits until they are
closed. Whether a session has ended is decided by the list of active sessions, never by an error code: AWS replies to
TerminateSession for an ended session in more than one way (``tests/emulator/FIDELITY.md``).
"""
