# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""One small function for each AWS operation.

Each function reads every page and checks each reply against botocore's model of the service, so its callers never meet
a wrong type. ``client`` is a boto3 client. Errors are raised as ``SSMError``.
"""

from __future__ import annotations

import datetime
import email.utils
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from . import replies
from .errors import (
    MISSING_DOCUMENT,
    MISSING_DOCUMENT_VERSION,
    NO_TAGS,
    NOT_RESUMABLE,
    attempting,
    tolerating,
)

Client = Any
Shape = dict[str, Any]

_MISSING = MISSING_DOCUMENT | MISSING_DOCUMENT_VERSION
# Source: the User Guide, "Additional sample IAM policies for Session Manager".
_OWN_SESSIONS = (
    "Policies usually allow this only for the caller's own sessions. For IAM users, these are "
    "arn:aws:ssm:*:*:session/${aws:username}-*. For federated users, they are arn:aws:ssm:*:*:session/${aws:userid}-*. "
    "Newer policies instead name sessions whose tag aws:ssmmessages:session-id is ${aws:userid}."
)
# Source: the User Guide, "Quickstart default IAM policies for Session Manager".
_NODE_AND_DOCUMENT = "The permission ssm:StartSession is required on the node and on the Session document."


class SessionPage(NamedTuple):
    """One page of DescribeSessions."""

    sessions: list[Shape]
    served_at: datetime.datetime  # by the service's clock, in UTC


class NodePage(NamedTuple):
    """One page of a listing of managed nodes."""

    nodes: list[Shape]
    served_at: datetime.datetime  # by the service's clock, in UTC


def describe_document(client: Client, name: str, version: str) -> Shape | None:
    """Return the DocumentDescription of a version, or None if there is no such document or version.

    ``version`` is a number, ``$LATEST`` or ``$DEFAULT``.
    """
    return describe_selected(client, name, {"DocumentVersion": version})


def describe_selected(client: Client, name: str, selector: Mapping[str, str]) -> Shape | None:
    """Return the DocumentDescription of the version that ``selector`` selects, or None if it selects none.

    ``selector`` is such as ``{"DocumentVersion": "2"}`` or ``{"VersionName": "blue"}``.
    """
    attempt = attempting(f"describe document {name}", needs="ssm:DescribeDocument")
    with tolerating(_MISSING):
        return _document(_call(client, attempt, "describe_document", Name=name, **selector), "Document")
    return None


def get_document(client: Client, name: str, version: str, document_format: str) -> Shape | None:
    """Return GetDocument's reply with ``Content``, or None if there is no such document or version.

    The service converts between JSON and YAML. To get the stored bytes, pass the format that DescribeDocument returned.
    """
    return get_selected(client, name, {"DocumentVersion": version}, document_format)


def get_selected(client: Client, name: str, selector: Mapping[str, str], document_format: str) -> Shape | None:
    """Do the same as ``get_document`` for the version that ``selector`` selects, as in ``describe_selected``."""
    attempt = attempting(f"get the content of document {name}", needs="ssm:GetDocument")
    with tolerating(_MISSING):
        reply = _call(client, attempt, "get_document", Name=name, DocumentFormat=document_format, **selector)
        return {key: value for key, value in reply.items() if key != "ResponseMetadata"}
    return None


def list_documents(client: Client, filters: Sequence[Shape]) -> list[Shape]:
    """Return the DocumentIdentifiers that match all ``filters`` (``{"Key": ..., "Values": [...]}``)."""
    attempt = attempting("list documents", needs="ssm:ListDocuments")
    pages = _pages(client, attempt, "list_documents", 50, Filters=list(filters))
    return [entry for page in pages for entry in page["DocumentIdentifiers"]]


def list_document_versions(client: Client, name: str) -> list[Shape]:
    """Return the DocumentVersionInfo of every version; an empty list if there is no such document."""
    attempt = attempting(f"list the versions of document {name}", needs="ssm:ListDocumentVersions")
    with tolerating(MISSING_DOCUMENT):
        pages = _pages(client, attempt, "list_document_versions", 50, Name=name)
        return [entry for page in pages for entry in page["DocumentVersions"]]
    return []


def create_document(client: Client, name: str, request: Mapping[str, Any]) -> Shape:
    """Create a document and return its DocumentDescription, whose Status is usually still ``Creating``."""
    attempt = attempting(f"create document {name}", needs="ssm:CreateDocument")
    return _document(_call(client, attempt, "create_document", Name=name, **request), "DocumentDescription")


def update_document(client: Client, name: str, request: Mapping[str, Any]) -> Shape:
    """Create a version by updating the latest one, and return its DocumentDescription.

    AWS updates the latest version only (trap 5 of docs/docsite/rst/document_traps.rst).
    """
    attempt = attempting(f"update document {name}", needs="ssm:UpdateDocument")
    reply = _call(client, attempt, "update_document", Name=name, DocumentVersion="$LATEST", **request)
    return _document(reply, "DocumentDescription")


def update_document_default_version(client: Client, name: str, version: str) -> None:
    """Make ``version`` the default version.

    It must be a number: the service does not accept ``$LATEST`` here (trap 8 of docs/docsite/rst/document_traps.rst).
    """
    what = f"make version {version} the default of document {name}"
    attempt = attempting(what, needs="ssm:UpdateDocumentDefaultVersion")
    _call(client, attempt, "update_document_default_version", Name=name, DocumentVersion=version)


def delete_document(client: Client, name: str, *, force: bool = False) -> None:
    """Delete a document with all its versions.

    Some types require ``force``, which an IAM policy can deny separately.
    """
    request = {"Force": True} if force else {}
    attempt = attempting(f"delete document {name}", needs="ssm:DeleteDocument")
    _call(client, attempt, "delete_document", Name=name, **request)


def delete_document_version(client: Client, name: str, version: str) -> None:
    """Delete one version by its number. The default version cannot be deleted."""
    attempt = attempting(f"delete version {version} of document {name}", needs="ssm:DeleteDocument")
    _call(client, attempt, "delete_document", Name=name, DocumentVersion=version)


def describe_document_permission(client: Client, name: str) -> dict[str, str]:
    """Return the accounts that a document is shared with, and the version that each may use.

    An example is ``{"123456789012": "$DEFAULT"}``. The account of a public document is ``all``. The result is empty if
    the document does not exist or belongs to somebody else.
    """
    found: dict[str, str] = {}
    attempt = attempting(f"read the permissions of document {name}", needs="ssm:DescribeDocumentPermission")
    with tolerating(MISSING_DOCUMENT):
        for page in _pages(client, attempt, "describe_document_permission", 200, Name=name, PermissionType="Share"):
            found |= dict.fromkeys(page["AccountIds"], "$DEFAULT")
            for info in page.get("AccountSharingInfoList", ()):
                found[info["AccountId"]] = info.get("SharedDocumentVersion") or "$DEFAULT"
    return found


def modify_document_permission(
    client: Client, name: str, add: Sequence[str], remove: Sequence[str], version: str | None
) -> None:
    """Share ``version`` of a document with the accounts in ``add``, and stop sharing it with those in ``remove``.

    AWS accepts at most 20 accounts in each list (trap 22 of docs/docsite/rst/document_traps.rst).
    """
    request = {"AccountIdsToAdd": list(add), "AccountIdsToRemove": list(remove), "SharedDocumentVersion": version}
    given = {key: value for key, value in request.items() if value}
    attempt = attempting(f"change the permissions of document {name}", needs="ssm:ModifyDocumentPermission")
    _call(client, attempt, "modify_document_permission", Name=name, PermissionType="Share", **given)


def list_document_tags(client: Client, name: str) -> list[Shape]:
    """Return the tags of a document, each as ``{"Key": ..., "Value": ...}``."""
    attempt = attempting(f"list the tags of document {name}", needs="ssm:ListTagsForResource")
    reply = _call(client, attempt, "list_tags_for_resource", ResourceType="Document", ResourceId=name)
    tags: list[Shape] = reply["TagList"]
    return tags


def list_node_tags(client: Client, node: str) -> list[Shape] | None:
    """Return the tags of a hybrid node, each as ``{"Key": ..., "Value": ...}``.

    The result is None if the node is not registered (any more). The service rejects the ID of an EC2 instance ("Tags of
    a ManagedInstance" in ``tests/emulator/FIDELITY.md``).
    """
    attempt = attempting(f"list the tags of node {node}", needs="ssm:ListTagsForResource")
    with tolerating(NO_TAGS):
        reply = _call(client, attempt, "list_tags_for_resource", ResourceType="ManagedInstance", ResourceId=node)
        tags: list[Shape] = reply["TagList"]
        return tags
    return None


def add_document_tags(client: Client, name: str, tags: Sequence[Shape]) -> None:
    """Add tags to a document, or change their values."""
    attempt = attempting(f"tag document {name}", needs="ssm:AddTagsToResource")
    _call(client, attempt, "add_tags_to_resource", ResourceType="Document", ResourceId=name, Tags=list(tags))


def remove_document_tags(client: Client, name: str, keys: Sequence[str]) -> None:
    """Remove tags from a document by key."""
    attempt = attempting(f"remove tags of document {name}", needs="ssm:RemoveTagsFromResource")
    _call(client, attempt, "remove_tags_from_resource", ResourceType="Document", ResourceId=name, TagKeys=list(keys))


def describe_sessions(client: Client, state: str, filters: Sequence[Shape]) -> Iterator[SessionPage]:
    """Yield the pages of sessions in ``state`` (``Active`` or ``History``). Each is requested when it is needed.

    ``filters`` are ``{"key": ..., "value": ...}``. The service cuts pages before it filters, so a page may be empty
    while more follow ("DescribeSessions: filters" in ``tests/emulator/FIDELITY.md``). Of the members of a session, only
    ``SessionId`` is guaranteed.
    """
    request = {"Filters": list(filters)} if filters else {}
    attempt = attempting(f"list the sessions in state {state}", needs="ssm:DescribeSessions")
    for page in _pages(client, attempt, "describe_sessions", 200, State=state, **request):
        yield SessionPage(page["Sessions"], _served_at(page))


def start_session(client: Client, target: str, request: Mapping[str, Any]) -> Shape:
    """Start a session with a node, and return SessionId, TokenValue and StreamUrl. The last two are secret.

    ``request`` may have ``DocumentName``, ``Parameters`` (``{"command": ["id"]}``) and ``Reason``.
    """
    attempt = attempting(f"start a session with {target}", needs="ssm:StartSession", granted=_NODE_AND_DOCUMENT)
    return _call(client, attempt, "start_session", Target=target, **request)


def resume_session(client: Client, session_id: str) -> str | None:
    """Return a new token for a session; None if the session has ended. The old token becomes invalid.

    The service says in either of two ways that a session has ended ("ResumeSession of an ended session" in
    ``tests/emulator/FIDELITY.md``).
    """
    attempt = attempting(f"resume session {session_id}", needs="ssm:ResumeSession", granted=_OWN_SESSIONS)
    with tolerating(NOT_RESUMABLE):
        return _call(client, attempt, "resume_session", SessionId=session_id).get("TokenValue") or None
    return None


def terminate_session(client: Client, session_id: str) -> None:
    """Terminate a session. It ends shortly after the call returns."""
    attempt = attempting(f"end session {session_id}", needs="ssm:TerminateSession", granted=_OWN_SESSIONS)
    _call(client, attempt, "terminate_session", SessionId=session_id)


def get_connection_status(client: Client, target: str) -> str:
    """Return the Status of GetConnectionStatus for one target, as the service spells it."""
    attempt = attempting(f"get the connection status of {target}", needs="ssm:GetConnectionStatus")
    return str(_call(client, attempt, "get_connection_status", Target=target)["Status"])


def describe_instance_properties(client: Client, filters: Sequence[Shape]) -> Iterator[NodePage]:
    """Yield the pages of InstanceProperties of the managed nodes, EC2 and hybrid, in the client's region.

    ``filters`` are ``{"key": ..., "valueSet": [...]}``. A node must match all of them.
    """
    request = {"InstancePropertyFilterList": list(filters)} if filters else {}
    attempt = attempting("list the managed nodes", needs="ssm:DescribeInstanceProperties")
    for page in _pages(client, attempt, "describe_instance_properties", 1000, **request):
        yield NodePage(page["InstanceProperties"], _served_at(page))


def describe_instance_information(client: Client, filters: Sequence[Shape]) -> Iterator[NodePage]:
    """Yield the pages of InstanceInformation of the managed nodes that are not stopped or terminated.

    ``filters`` are ``{"Key": ..., "Values": [...]}``. A node must match all of them.
    """
    request = {"Filters": list(filters)} if filters else {}
    attempt = attempting("list the managed nodes", needs="ssm:DescribeInstanceInformation")
    for page in _pages(client, attempt, "describe_instance_information", 50, **request):
        yield NodePage(page["InstanceInformationList"], _served_at(page))


def describe_instances(client: Client, filters: Sequence[Shape]) -> Iterator[list[Shape]]:
    """Yield the pages of EC2 instances. ``client`` is an EC2 client.

    ``filters`` are ``{"Name": ..., "Values": [...]}``.
    """
    request = {"Filters": list(filters)} if filters else {}
    attempt = attempting("read the details of EC2 instances", needs="ec2:DescribeInstances")
    for page in _pages(client, attempt, "describe_instances", 1000, **request):
        yield [instance for reservation in page["Reservations"] for instance in reservation["Instances"]]


def assume_role(client: Client, role: str, session_name: str) -> Shape:
    """Assume a role, given by its ARN, and return its Credentials. ``client`` is an STS client."""
    attempt = attempting(f"assume the role {role}", needs="sts:AssumeRole")
    reply = _call(client, attempt, "assume_role", RoleArn=role, RoleSessionName=session_name)
    credentials: Shape = reply["Credentials"]
    return credentials


def generate_data_key(client: Client, key_id: str, size: int, context: Mapping[str, str]) -> Shape:
    """Return Plaintext, which is secret, and CiphertextBlob of a new data key of ``size`` bytes.

    ``client`` is one of AWS KMS. Decrypt requires the same encryption context.
    """
    attempt = attempting(f"generate a data key with the AWS KMS key {key_id}", needs="kms:GenerateDataKey")
    return _call(
        client, attempt, "generate_data_key", KeyId=key_id, NumberOfBytes=size, EncryptionContext=dict(context)
    )


def _call(client: Client, attempt: attempting, method: str, **request: Any) -> Shape:
    """Call a method of the client and return the reply, once it is checked."""
    with attempt:
        return replies.checked(client, method, getattr(client, method)(**request))


def _pages(client: Client, attempt: attempting, method: str, page_size: int, **request: Any) -> Iterator[Shape]:
    """Yield every page of a listing. Each is requested when it is needed."""
    seen_tokens: set[str] = set()
    request["MaxResults"] = page_size
    while True:
        page = _call(client, attempt, method, **request)
        yield page
        token = page.get("NextToken")
        if not token:
            return
        with attempt:
            if token in seen_tokens:
                raise replies.WrongReplyError  # no listing returns the same token twice
        seen_tokens.add(token)
        request["NextToken"] = token


def _document(reply: Shape, member: str) -> Shape:
    description: Shape = reply[member]
    return description


def _served_at(reply: Shape) -> datetime.datetime:
    """Return the time of the reply by the service's clock, because the controller's clock may be wrong.

    If the reply has no time, for example behind a proxy that does not pass it on, return the controller's time.
    """
    try:
        served_at = email.utils.parsedate_to_datetime(reply["ResponseMetadata"]["HTTPHeaders"].get("date"))
        return served_at.replace(tzinfo=served_at.tzinfo or datetime.UTC).astimezone(datetime.UTC)
    except (OverflowError, TypeError, ValueError):
        return datetime.datetime.now(datetime.UTC)
