#!/usr/bin/python
# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ssm_document_info
version_added: 0.1.0
short_description: Read Systems Manager documents
description:
  - Describes documents by name, or lists the documents that match filters.
  - A name that does not exist is not an error. The result then has no entry for it.
author:
  - Contributors to the sessionops.aws collection (@sessionops)
options:
  names:
    description:
      - The documents to describe, by name. For a document that another account shares, use its ARN.
      - Mutually exclusive with O(filters), O(owner) and O(document_types).
    type: list
    elements: str
    aliases: [name]
  filters:
    description:
      - Filters of ListDocuments, as a mapping of filter names to a value or a list of values. Examples of filters are
        C(PlatformTypes), C(TargetType), C(SearchKeyword) and C(tag:KEY). C(Name) matches the beginning of names.
      - O(owner) and O(document_types) set the filters C(Owner) and C(DocumentType). Set either the option or the
        filter. The filter C(Owner) replaces the default of O(owner).
    type: dict
    default: {}
  owner:
    description: List the documents of this owner.
    type: str
    choices: [Self, Amazon, Public, Private, ThirdParty, All]
    default: Self
  document_types:
    description:
      - List the documents of these types. The types are those of O(sessionops.aws.ssm_document#module:document_type).
      - For a type that AWS added later, use C(DocumentType) in O(filters).
    type: list
    elements: str
  include:
    description:
      - What else to return for each document. Each entry requires one call per document.
      - V(tags) is the exception. It requires no call for documents that are described (see RV(documents)), because the
        description contains the tags.
    type: list
    elements: str
    choices: [content, versions, permissions, tags]
    default: []
  document_version:
    description:
      - The version to describe, as a number, V($LATEST) or V($DEFAULT). If documents are listed, describing a version
        other than the default one requires one call for each document.
      - By default, the default version is described, unless O(version_name) is set. The two options are mutually
        exclusive.
      - A document without that version is treated as one that does not exist.
    type: str
  version_name:
    description: The name of the version to describe.
    type: str
  document_format:
    description: The format to return content in. By default, content is returned byte for byte as it is stored.
    type: str
    choices: [JSON, YAML, TEXT]
notes:
  - Requires the permission C(ssm:DescribeDocument) to describe documents (see RV(documents)), and C(ssm:ListDocuments)
    to list them. Depending on O(include), also requires C(ssm:GetDocument), C(ssm:ListDocumentVersions),
    C(ssm:DescribeDocumentPermission) and C(ssm:ListTagsForResource).
extends_documentation_fragment:
  - sessionops.aws._attributes
  - sessionops.aws._attributes.reads
  - sessionops.aws._requirements
  - amazon.aws.common.modules
  - amazon.aws.region.modules
seealso:
  - module: sessionops.aws.ssm_document
"""

EXAMPLES = r"""
- name: Read the session preferences of the account
  sessionops.aws.ssm_document_info:
    names: SSM-SessionManagerRunShell
    include: [content]
  register: preferences

- name: List the Session documents of this account
  sessionops.aws.ssm_document_info:
    document_types: [Session]

- name: List the documents of a team, with all their versions and tags
  sessionops.aws.ssm_document_info:
    filters:
      tag:team: platform
    include: [versions, tags]
"""

RETURN = r"""
documents:
  description:
    - One entry for each document, in the order of O(names). Listed documents are sorted by name.
    - The keys are those that AWS returns, in snake_case. A listing returns fewer keys than a description.
    - Documents are described, and not only listed, if O(names) or O(version_name) is set, or if O(document_version) is
      set to a value other than V($DEFAULT).
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
      description: The version that AWS uses if no version is given.
      returned: when documents are described (see RV(documents))
      type: str
      sample: "2"
    latest_version:
      description: The latest version.
      returned: when documents are described (see RV(documents))
      type: str
      sample: "2"
    status:
      description: The status of the document.
      returned: when documents are described (see RV(documents))
      type: str
      sample: Active
    hash:
      description: The SHA-256 of the content.
      returned: when documents are described (see RV(documents))
      type: str
    owner:
      description: The account that owns the document.
      type: str
      sample: "123456789012"
    arn:
      description: The ARN of the document. AWS does not return this key, so the module adds it.
      type: str
      sample: arn:aws:ssm:us-east-1:123456789012:document/SSM-SessionManagerRunShell
    automation_definition_arn:
      description: The second ARN of an Automation document.
      returned: for documents of type Automation
      type: str
    session_preferences:
      description:
        - The content as a value of the option O(sessionops.aws.ssm_document#module:session_preferences), with the same
          effect on the agent. A preference without effect, such as streaming without a log group, is returned with its
          default.
        - Null if the content has keys that the option does not have, or values that it does not accept.
      returned: when O(include) has V(content), for documents of type Session
      type: dict
    permissions:
      description:
        - The accounts that may use the document, and the version that each may use.
        - Empty for a document that another account owns.
      returned: when O(include) has V(permissions)
      type: dict
      sample: {account_ids: ["111122223333"], shared_document_versions: {"111122223333": $DEFAULT}}
    content:
      description:
        - The content, byte for byte as it is stored unless O(document_format) is set.
        - Null if AWS describes the document but does not find its content. The task then warns.
      returned: when O(include) has V(content)
      type: str
    content_parsed:
      description: The parsed content. Null for content in the format TEXT, and for content that cannot be parsed.
      returned: when O(include) has V(content)
      type: dict
    versions:
      description: Every version of the document, newest first.
      returned: when O(include) has V(versions)
      type: list
      elements: dict
    tags:
      description: The tags of the document.
      returned: when documents are described (see RV(documents)), or O(include) has V(tags)
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
