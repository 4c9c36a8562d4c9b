# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Managed nodes and their connection status. ``store.py`` has their state, ``filters.py`` the listings' filters."""
