#!/usr/bin/python
# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ssm_document_info
version_added: 0.1.0
short_description: Read Systems Manager documents
description:
  - Describes documents by name, or lists those that filters select.
  - A name that does not exist is no error; the document is just not in the result.
author:
  - Contributors to the sessionops.aws collection (@sessionops)
options:
  names:
    description:
      - The documents to describe, by name, or by ARN for a document that another account shares.
      - Mutually exclusive with O(filters), O(owner) and O(document_types).
    type: list
    elements: str
    aliases: [name]
  filters:
    description:
      - Filters of ListDocuments, each a name with one value or a list, such as C(Name), which matches the beginning
        of names, C(PlatformTypes), C(TargetType), C(SearchKeyword) and C(tag:KEY).
      - C(Owner) and C(DocumentType) are filters, too, which O(owner) and O(document_types) stand for.
    type: dict
    default: {}
  owner:
    description: List the documents of this owner.
    type: str
    choices: [Self, Amazon, Public, Private, ThirdParty, All]
    default: Self
  document_types:
    description:
      - List the documents of these types, which are those of O(sessionops.aws.ssm_document#module:document_type).
      - For a type that AWS has added since, use C(DocumentType) in O(filters).
    type: list
    elements: str
  include:
    description:
      - What to return besides the description of each document. Each takes a call per document, save that the tags
        of documents given as O(names) come with their descriptions.
    type: list
    elements: str
    choices: [content, versions, permissions, tags]
    default: []
  document_version:
    description:
      - The version to describe, a number, V($LATEST) or V($DEFAULT). To describe it takes a call for each document
        that is listed.
      - Unset, it is the default version, unless O(version_name) is given. The two are mutually exclusive.
      - A document without that version counts as one that does not exist.
    type: str
  version_name:
    description: The name of the version to describe.
    type: str
  document_format:
    description: The format to return content in. Unset, it is returned byte for byte as it is stored.
    type: str
    choices: [JSON, YAML, TEXT]
notes:
  - Takes the permission C(ssm:DescribeDocument) or C(ssm:ListDocuments), and for what is to be included
    C(ssm:GetDocument), C(ssm:ListDocumentVersions), C(ssm:DescribeDocumentPermission) and
    C(ssm:ListTagsForResource).
extends_documentation_fragment:
  - sessionops.aws._attributes
  - sessionops.aws._attributes.reads
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
seealso:
  - module: sessionops.aws.ssm_document
"""

EXAMPLES = r"""
- name: Read the session preferences of the account
  sessionops.aws.ssm_document_info:
    names: SSM-SessionManagerRunShell
    include: [content]
  register: preferences

- name: List our own Session documents
  sessionops.aws.ssm_document_info:
    document_types: [Session]

- name: List the documents of a team, with all their versions
  sessionops.aws.ssm_document_info:
    filters:
      tag:team: platform
    include: [versions, tags]
"""

RETURN = r"""
documents:
  description:
    - One entry for each document, in the order of O(names), or sorted by name.
    - The keys are those that AWS gives, in snake_case. A listing gives fewer of them than a description.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: The name of the document.
      type: str
      sample: SSM-SessionManagerRunShell
    document_type:
      description: The type of the document.
      type: str
      sample: Session
    document_format:
      description: The format that the document is stored in.
      type: str
      sample: JSON
    document_version:
      description: The version that is described.
      type: str
      sample: "2"
    default_version:
      description: The version that is used when none is given.
      returned: when O(names) is given
      type: str
      sample: "2"
    latest_version:
      description: The newest version.
      returned: when O(names) is given
      type: str
      sample: "2"
    status:
      description: The status of the document.
      returned: when O(names) is given
      type: str
      sample: Active
    hash:
      description: The SHA-256 of the content.
      returned: when O(names) is given
      type: str
    owner:
      description: The account that owns the document.
      type: str
      sample: "123456789012"
    arn:
      description: The ARN of the document, which AWS leaves out.
      type: str
      sample: arn:aws:ssm:us-east-1:123456789012:document/SSM-SessionManagerRunShell
    automation_definition_arn:
      description: The other ARN that an Automation document has.
      returned: for documents of type Automation
      type: str
    session_preferences:
      description:
        - The content in the form of the option O(sessionops.aws.ssm_document#module:session_preferences), which makes
          the agent do the same. A setting without effect, such as streaming without a log group, is returned as off.
        - Null if the content says more than that option can, or if the option does not accept it.
      returned: when O(include) has V(content), for documents of type Session
      type: dict
    permissions:
      description: Who may use the document, with the version that each may use; nobody for another account's document.
      returned: when O(include) has V(permissions)
      type: dict
      sample: {account_ids: ["111122223333"], shared_document_versions: {"111122223333": $DEFAULT}}
    content:
      description:
        - The content, byte for byte as it is stored unless O(document_format) says otherwise.
        - Null, with a warning, if AWS describes the document but does not find its content.
      returned: when O(include) has V(content)
      type: str
    content_parsed:
      description: The value that the content stands for, or nothing if it is text.
      returned: when O(include) has V(content)
      type: dict
    versions:
      description: Every version of the document, newest first.
      returned: when O(include) has V(versions)
      type: list
      elements: dict
    tags:
      description: The tags of the document.
      returned: when O(names) is given, or O(include) has V(tags)
      type: dict
      sample: {team: platform}
"""

from typing import Any

from ansible_collections.sessionops.aws.plugins.module_utils._ssm.documents import content, info
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.module import SSMModule

ARGUMENT_SPEC: dict[str, Any] = {
    "names": {"type": "list", "elements": "str", "aliases": ["name"]},
    "filters": {"type": "dict", "default": {}},
    "owner": {"type": "str", "choices": [*info.OWNERS, "All"], "default": "Self"},
    "document_types": {"type": "list", "elements": "str"},
    "include": {"type": "list", "elements": "str", "choices": list(info.EXTRAS), "default": []},
    "document_version": {"type": "str"},
    "version_name": {"type": "str"},
    "document_format": {"type": "str", "choices": [content.JSON, content.YAML, content.TEXT]},
}


def main() -> None:
    module = SSMModule(argument_spec=ARGUMENT_SPEC)
    module.refuse_null("names", "document_types")
    module.report(info.run)


if __name__ == "__main__":
    main()
