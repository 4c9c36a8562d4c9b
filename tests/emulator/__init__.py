# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A local AWS endpoint: Systems Manager, and the few operations of EC2, STS and IAM that the collection calls."""
