# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""One small function for each AWS operation.

Each pages to the end, and takes a reply that lacks the member which the operation always gives for an error:
botocore reads an HTML page or an empty body with status 200 as an empty result, and "there are no sessions" must
never mean "a proxy answered". ``client`` is a boto3 client; errors are ``SSMError``.
"""

from __future__ import annotations

import datetime
import email.utils
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from .errors import MISSING_DOCUMENT, MISSING_DOCUMENT_VERSION, NO_TAGS, attempting, tolerating

Client = Any
Shape = dict[str, Any]
T = TypeVar("T")

_MISSING = MISSING_DOCUMENT | MISSING_DOCUMENT_VERSION
# As the User Guide has it under "Additional sample IAM policies for Session Manager".
_OWN_SESSIONS = (
    "Policies usually grant it for the caller's own sessions only: on arn:aws:ssm:*:*:session/${aws:username}-*, for "
    "federated users on session/${aws:userid}-*, or where the tag aws:ssmmessages:session-id is ${aws:userid}."
)
# What DescribeDocument always says, and the modules go by.
_DESCRIBED = ("Name", "DocumentVersion", "DefaultVersion")


class SessionPage(NamedTuple):
    """One page of DescribeSessions."""

    sessions: list[Shape]
    served_at: datetime.datetime


class NodePage(NamedTuple):
    """One page of a listing of managed nodes."""

    nodes: list[Shape]
    served_at: datetime.datetime


def describe_document(client: Client, name: str, version: str) -> Shape | None:
    """The DocumentDescription of one version (a number, ``$LATEST``, ``$DEFAULT``); None if there is no such one."""
    return describe_selected(client, name, {"DocumentVersion": version})


def describe_selected(client: Client, name: str, selector: Mapping[str, str]) -> Shape | None:
    """The DocumentDescription of the version that ``DocumentVersion`` or ``VersionName`` selects; None if none is."""
    with tolerating(_MISSING), attempting(f"describe document {name}", needs="ssm:DescribeDocument"):
        return _having(_shape(client.describe_document(Name=name, **selector), "Document"), *_DESCRIBED)
    return None


def get_document(client: Client, name: str, version: str, document_format: str) -> Shape | None:
    """GetDocument's reply with ``Content``; None if there is no such document or version.

    The service converts between JSON and YAML: pass the format that DescribeDocument gave to get the stored bytes.
    """
    return get_selected(client, name, {"DocumentVersion": version}, document_format)


def get_selected(client: Client, name: str, selector: Mapping[str, str], document_format: str) -> Shape | None:
    """``get_document`` of the version that ``DocumentVersion`` or ``VersionName`` selects."""
    with tolerating(_MISSING), attempting(f"get the content of document {name}", needs="ssm:GetDocument"):
        reply = client.get_document(Name=name, DocumentFormat=document_format, **selector)
        _text(reply, "Content")
        return _without_metadata(reply)
    return None


def list_documents(client: Client, filters: Sequence[Shape]) -> list[Shape]:
    """The DocumentIdentifiers that match all ``filters`` (``{"Key": ..., "Values": [...]}``)."""
    with attempting("list documents", needs="ssm:ListDocuments"):
        return _pages(client, "list_documents", "DocumentIdentifiers", "Name", Filters=list(filters))


def list_document_versions(client: Client, name: str) -> list[Shape]:
    """The DocumentVersionInfo of every version; empty if there is no such document."""
    needs = "ssm:ListDocumentVersions"
    with tolerating(MISSING_DOCUMENT), attempting(f"list the versions of document {name}", needs=needs):
        return _pages(client, "list_document_versions", "DocumentVersions", "DocumentVersion", Name=name)
    return []


def create_document(client: Client, name: str, request: Mapping[str, Any]) -> Shape:
    """Create a document; its DocumentDescription, whose Status is usually still ``Creating``."""
    with attempting(f"create document {name}", needs="ssm:CreateDocument"):
        reply = client.create_document(Name=name, **request)
        return _having(_shape(reply, "DocumentDescription"), "DocumentVersion")


def update_document(client: Client, name: str, request: Mapping[str, Any]) -> Shape:
    """Make a new version after the latest one, the only one that can be updated; its DocumentDescription."""
    with attempting(f"update document {name}", needs="ssm:UpdateDocument"):
        reply = client.update_document(Name=name, DocumentVersion="$LATEST", **request)
        return _having(_shape(reply, "DocumentDescription"), "DocumentVersion")


def update_document_default_version(client: Client, name: str, version: str) -> None:
    """Make ``version`` (digits: the service takes no ``$LATEST`` here) the default one."""
    with attempting(f"make version {version} the default of document {name}", needs="ssm:UpdateDocumentDefaultVersion"):
        _shape(client.update_document_default_version(Name=name, DocumentVersion=version), "Description")


def delete_document(client: Client, name: str, *, force: bool = False) -> None:
    """Delete a document with all its versions.

    Some types need ``force``, which IAM can refuse apart from the rest.
    """
    request = {"Force": True} if force else {}
    with attempting(f"delete document {name}", needs="ssm:DeleteDocument"):
        _empty(client.delete_document(Name=name, **request))


def delete_document_version(client: Client, name: str, version: str) -> None:
    """Delete one version, by number. The default one cannot be."""
    with attempting(f"delete version {version} of document {name}", needs="ssm:DeleteDocument"):
        _empty(client.delete_document(Name=name, DocumentVersion=version))


def describe_document_permission(client: Client, name: str) -> dict[str, str]:
    """The accounts that a document is shared with, or ``all``, each with the version that it may use.

    Empty for a document that is not there, or that belongs to somebody else.
    """
    found: dict[str, str] = {}
    with (
        tolerating(MISSING_DOCUMENT),
        attempting(f"read the permissions of document {name}", needs="ssm:DescribeDocumentPermission"),
    ):
        for page in _permission_pages(client, name):
            found |= {str(account): "$DEFAULT" for account in _list(page, "AccountIds")}
            for info in page.get("AccountSharingInfoList") or ():
                found[info["AccountId"]] = info.get("SharedDocumentVersion") or "$DEFAULT"
    return found


def modify_document_permission(
    client: Client, name: str, add: Sequence[str], remove: Sequence[str], version: str | None
) -> None:
    """Share ``version`` of a document with at most 20 accounts, and end the sharing with at most 20."""
    request = {"AccountIdsToAdd": list(add), "AccountIdsToRemove": list(remove), "SharedDocumentVersion": version}
    given = {key: value for key, value in request.items() if value}
    with attempting(f"change the permissions of document {name}", needs="ssm:ModifyDocumentPermission"):
        _empty(client.modify_document_permission(Name=name, PermissionType="Share", **given))


def list_document_tags(client: Client, name: str) -> list[Shape]:
    """The tags of a document as ``{"Key": ..., "Value": ...}``."""
    with attempting(f"list the tags of document {name}", needs="ssm:ListTagsForResource"):
        return _list(client.list_tags_for_resource(ResourceType="Document", ResourceId=name), "TagList")


def list_node_tags(client: Client, node: str) -> list[Shape] | None:
    """The tags of a hybrid node as ``{"Key": ..., "Value": ...}``; None if the node is not registered (any more).

    The service has none for an EC2 instance, whose ID it refuses.
    """
    with tolerating(NO_TAGS), attempting(f"list the tags of node {node}", needs="ssm:ListTagsForResource"):
        return _list(client.list_tags_for_resource(ResourceType="ManagedInstance", ResourceId=node), "TagList")
    return None


def add_document_tags(client: Client, name: str, tags: Sequence[Shape]) -> None:
    """Set tags of a document."""
    with attempting(f"tag document {name}", needs="ssm:AddTagsToResource"):
        _empty(client.add_tags_to_resource(ResourceType="Document", ResourceId=name, Tags=list(tags)))


def remove_document_tags(client: Client, name: str, keys: Sequence[str]) -> None:
    """Remove tags of a document by key."""
    with attempting(f"remove tags of document {name}", needs="ssm:RemoveTagsFromResource"):
        _empty(client.remove_tags_from_resource(ResourceType="Document", ResourceId=name, TagKeys=list(keys)))


def describe_sessions(client: Client, state: str, filters: Sequence[Shape]) -> Iterator[SessionPage]:
    """Yield the pages of sessions in ``state`` (``Active`` or ``History``), each asked for when it is needed.

    ``filters`` are ``{"key": ..., "value": ...}``. The service cuts pages before it filters, so a page may be empty
    while more follow. Of a session's members only ``SessionId`` is sure to be there.
    """
    request = {"Filters": list(filters)} if filters else {}
    with attempting(f"list the sessions in state {state}", needs="ssm:DescribeSessions"):
        for page in _replies(client, "describe_sessions", 200, State=state, **request):
            yield SessionPage(_entries(page, "Sessions", "SessionId"), _served_at(page))


def terminate_session(client: Client, session_id: str) -> None:
    """Ask for a session's end, which takes effect shortly after."""
    with attempting(f"terminate session {session_id}", needs="ssm:TerminateSession", granted=_OWN_SESSIONS):
        _text(client.terminate_session(SessionId=session_id), "SessionId")


def get_connection_status(client: Client, target: str) -> str:
    """The Status that GetConnectionStatus gives for one target, as the service spells it."""
    with attempting(f"get the connection status of {target}", needs="ssm:GetConnectionStatus"):
        return _text(client.get_connection_status(Target=target), "Status")


def describe_instance_properties(client: Client, filters: Sequence[Shape]) -> Iterator[NodePage]:
    """Yield the pages of InstanceProperties of the managed nodes, EC2 and hybrid, in the client's region.

    ``filters`` are ``{"key": ..., "valueSet": [...]}``, all of which a node must match.
    """
    request = {"InstancePropertyFilterList": list(filters)} if filters else {}
    with attempting("list the managed nodes", needs="ssm:DescribeInstanceProperties"):
        for page in _replies(client, "describe_instance_properties", 1000, **request):
            yield NodePage(_entries(page, "InstanceProperties", "InstanceId"), _served_at(page))


def describe_instance_information(client: Client, filters: Sequence[Shape]) -> Iterator[NodePage]:
    """Yield the pages of InstanceInformation of the managed nodes that are not stopped or terminated.

    ``filters`` are ``{"Key": ..., "Values": [...]}``, all of which a node must match.
    """
    request = {"Filters": list(filters)} if filters else {}
    with attempting("list the managed nodes", needs="ssm:DescribeInstanceInformation"):
        for page in _replies(client, "describe_instance_information", 50, **request):
            yield NodePage(_entries(page, "InstanceInformationList", "InstanceId"), _served_at(page))


def describe_instances(client: Client, filters: Sequence[Shape]) -> Iterator[list[Shape]]:
    """Yield the pages of instances; ``client`` is one of EC2, ``filters`` are ``{"Name": ..., "Values": [...]}``."""
    request = {"Filters": list(filters)} if filters else {}
    with attempting("read the details of EC2 instances", needs="ec2:DescribeInstances"):
        for page in _replies(client, "describe_instances", 1000, **request):
            yield [one for part in _list(page, "Reservations") for one in _entries(part, "Instances", "InstanceId")]


def assume_role(client: Client, role: str, session_name: str) -> Shape:
    """The Credentials of a role, given by its ARN; ``client`` is one of STS."""
    with attempting(f"assume the role {role}", needs="sts:AssumeRole"):
        found = _shape(client.assume_role(RoleArn=role, RoleSessionName=session_name), "Credentials")
        _typed(found, "Expiration", datetime.datetime)
        return _having(found, "AccessKeyId", "SecretAccessKey", "SessionToken")


def _permission_pages(client: Client, name: str) -> Iterator[Shape]:
    """Yield the replies of DescribeDocumentPermission, which botocore has no paginator for."""
    request = {"Name": name, "PermissionType": "Share", "MaxResults": 200}
    seen: set[str] = set()
    while True:
        page = client.describe_document_permission(**request)
        yield page
        token = page.get("NextToken")
        if not token:
            return
        if token in seen:
            raise ValueError("the same page was given twice")
        seen.add(token)
        request["NextToken"] = token


def _replies(client: Client, operation: str, page_size: int, **request: Any) -> Iterator[Shape]:
    """Yield the reply of each page. A token that comes twice is botocore's PaginationError."""
    yield from client.get_paginator(operation).paginate(**request, PaginationConfig={"PageSize": page_size})


def _pages(client: Client, operation: str, member: str, key: str, **request: Any) -> list[Shape]:
    """The entries of a listing of documents over all pages, of which the largest have 50."""
    return [entry for page in _replies(client, operation, 50, **request) for entry in _entries(page, member, key)]


def _served_at(reply: Shape) -> datetime.datetime:
    """When the service answered, by its own clock: the controller's may be off."""
    header = reply["ResponseMetadata"]["HTTPHeaders"].get("date")
    return email.utils.parsedate_to_datetime(header) if header else datetime.datetime.now(datetime.UTC)


def _list(reply: Shape, member: str) -> list[Shape]:
    return _typed(reply, member, list)


def _shape(reply: Shape, member: str) -> Shape:
    return _typed(reply, member, dict)


def _text(reply: Shape, member: str) -> str:
    return _typed(reply, member, str)


def _empty(reply: Shape) -> None:
    """Check the reply of an operation that answers with nothing, of which only the headers can be wrong."""
    kind = reply["ResponseMetadata"]["HTTPHeaders"].get("content-type", "")
    if kind and "json" not in kind:
        raise ValueError(f"the reply is {kind}")


def _entries(reply: Shape, member: str, key: str) -> list[Shape]:
    """The list ``member``, each of whose entries has the text ``key``."""
    return [_having(entry, key) for entry in _list(reply, member)]


def _having(shape: Shape, *members: str) -> Shape:
    """The shape, with members that it always carries."""
    for member in members:
        _text(shape, member)
    return shape


def _typed(reply: Shape, member: str, kind: type[T]) -> T:
    """The member that this reply always carries; a ValueError, which ``attempting`` explains, if it does not."""
    value = reply.get(member)
    if not isinstance(value, kind):
        raise ValueError(f"the reply has no {member}")
    return value


def _without_metadata(reply: Shape) -> Shape:
    return {key: value for key, value in reply.items() if key != "ResponseMetadata"}
