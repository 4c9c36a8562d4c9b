# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The parameters of each operation that its handler reads.

AWS adds parameters to its operations. One that no handler reads would be dropped in silence, so it is a violation.
"""

from __future__ import annotations

from typing import Any

_PAGE = "MaxResults NextToken"
_READ: dict[str, str] = {
    "CreateDocument": "Attachments Content DisplayName DocumentFormat DocumentType Name Requires Tags TargetType"
    " VersionName",
    "UpdateDocument": "Attachments Content DisplayName DocumentFormat DocumentVersion Name TargetType VersionName",
    "UpdateDocumentDefaultVersion": "DocumentVersion Name",
    "DescribeDocument": "DocumentVersion Name VersionName",
    "GetDocument": "DocumentFormat DocumentVersion Name VersionName",
    "ListDocumentVersions": f"Name {_PAGE}",
    "DeleteDocument": "DocumentVersion Force Name VersionName",
    "ListDocuments": f"DocumentFilterList Filters {_PAGE}",
    # The only PermissionType is Share, which the model holds requests to.
    "DescribeDocumentPermission": f"Name PermissionType {_PAGE}",
    "ModifyDocumentPermission": "AccountIdsToAdd AccountIdsToRemove Name PermissionType SharedDocumentVersion",
    "DescribeInstanceInformation": f"Filters InstanceInformationFilterList {_PAGE}",
    "DescribeInstanceProperties": f"FiltersWithOperator InstancePropertyFilterList {_PAGE}",
    "GetConnectionStatus": "Target",
    "StartSession": "DocumentName Parameters Reason Target",
    "ResumeSession": "SessionId",
    "TerminateSession": "SessionId",
    "DescribeSessions": f"Filters State {_PAGE}",
    "AddTagsToResource": "ResourceId ResourceType Tags",
    "RemoveTagsFromResource": "ResourceId ResourceType TagKeys",
    "ListTagsForResource": "ResourceId ResourceType",
    "DescribeInstances": f"DryRun Filters InstanceIds {_PAGE}",
    "DescribeRegions": "DryRun Filters RegionNames",
    "AssumeRole": "DurationSeconds RoleArn RoleSessionName",
    "GetCallerIdentity": "",
    "ListAccountAliases": "",
}
HANDLED: dict[str, frozenset[str]] = {operation: frozenset(names.split()) for operation, names in _READ.items()}


def unread(operation: str, params: dict[str, Any]) -> list[str]:
    """Return the parameters that the operation's handler does not read."""
    return sorted(set(params) - HANDLED[operation])
