# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test that a document that is recreated, restored or updated keeps what AWS returns and accepts."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.documents import content, requests, sharing
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.documents.model import DocumentSpec, DocumentState

ONE = {"schemaVersion": "1.0", "sessionType": "Standard_Stream", "inputs": {}}
# Every member that DescribeDocument returns.
FOUND: dict[str, Any] = {
    "Name": "Team-Doc",
    "DocumentVersion": "3",
    "LatestVersion": "3",
    "DefaultVersion": "3",
    "DocumentType": "Command",
    "DocumentFormat": "YAML",
    "DisplayName": "Shown",
    "TargetType": "/AWS::EC2::Instance",
    "VersionName": "release-3",
    "CloudProviders": ["AWS"],
    "Requires": [{"Name": "Other-Doc"}],
    "Tags": [{"Key": "team", "Value": "a"}],
}
# The members that CreateDocument or UpdateDocument accepts, so that a restored document keeps them.
PUT_BACK = {
    "CloudProviders",
    "DisplayName",
    "DocumentFormat",
    "DocumentType",
    "Requires",
    "Tags",
    "TargetType",
    "VersionName",
}
OTHERWISE = {
    "Name": "each call names the document",
    "Content": "GetDocument returns it",
    "DocumentVersion": "an update names the version that it follows",
    "Attachments": "AWS does not return where they came from, so a document with any is not put back",
}
# Members that belong to one version, or that only CreateDocument accepts.
NOT_IN_A_NEW_VERSION = {"VersionName", "DocumentType", "Requires", "Tags"}
STATE = DocumentState(FOUND, latest_content="schemaVersion: '2.2'\n")


def members(operation: str) -> set[str]:
    model = botocore.session.get_session().get_service_model("ssm")
    return set(model.operation_model(operation).input_shape.members)


@pytest.mark.parametrize("operation", ["CreateDocument", "UpdateDocument"])
def test_every_member_that_aws_accepts_is_known(operation: str) -> None:
    new = members(operation) - PUT_BACK - set(OTHERWISE)
    assert not new, (
        f"{operation} accepts {', '.join(sorted(new))}. Decide for each: if DescribeDocument or GetDocument returns "
        "it, document_requests has to send it again (add it to _KEPT, and here to PUT_BACK and FOUND), else say in "
        "OTHERWISE why a document that is created again or updated does not lose it."
    )


def test_a_document_that_is_put_back_has_every_member() -> None:
    request = requests.restore(STATE)
    assert request is not None
    assert {member: request[member] for member in PUT_BACK} == {member: FOUND[member] for member in PUT_BACK}


def test_a_document_that_is_created_again_has_every_member_but_the_name_of_its_version() -> None:
    request = requests.recreate(DocumentSpec("Team-Doc", recreate=True, document_type="Session"), STATE)
    kept = PUT_BACK - {"DocumentType", "VersionName"}
    assert {member: request[member] for member in kept} == {member: FOUND[member] for member in kept}
    assert request["DocumentType"] == "Session"


def test_a_new_version_has_every_member_of_the_one_before_it() -> None:
    request = requests.update(DocumentSpec("Team-Doc", content=content.wanted_content(ONE, None)), STATE)
    assert request is not None
    kept = PUT_BACK - NOT_IN_A_NEW_VERSION
    assert {member: request[member] for member in kept} == {member: FOUND[member] for member in kept}


def test_permissions_are_returned_in_the_order_of_the_accounts() -> None:
    shown = sharing.as_result({"222222222222": "$DEFAULT", "111111111111": "$ALL"})
    assert list(shown["shared_document_versions"].items()) == [("111111111111", "$ALL"), ("222222222222", "$DEFAULT")]
    assert shown["account_ids"] == ["111111111111", "222222222222"]
