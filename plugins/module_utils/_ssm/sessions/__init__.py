# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""How sessions are selected, listed and ended, for ssm_session_info and ssm_session_terminate.

``options.py`` makes a ``SessionFilter`` (``filters.py``) of the options and refuses what can match no session.
``listing.py`` reads DescribeSessions. AWS cuts pages before it filters, so every filter is also applied here.
``termination.py`` plans which of the listed sessions to end, ends them side by side and waits until they are gone.
Whether a session has ended is decided by the list of active sessions, never by the code of an error: AWS answers
TerminateSession for a session that has ended in more than one way.
"""
