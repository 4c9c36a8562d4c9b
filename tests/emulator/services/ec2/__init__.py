# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The operations of EC2 that the collection calls; ``instances.py`` turns the world's nodes into instances."""
