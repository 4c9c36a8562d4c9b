#!/usr/bin/python
# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ssm_document
version_added: 0.1.0
short_description: Manage Systems Manager documents
description:
  - Creates, updates and deletes Systems Manager documents, including the Session documents that configure Session
    Manager sessions and their logging.
  - Content is compared by its meaning. If only white space, comments or the order of keys change, the task creates no
    new version. It makes no difference whether the content is a string or a mapping.
  - What the task does not set stays as it is, with two exceptions. O(session_preferences) replaces the whole content,
    unless O(purge_session_preferences=false). A task with content makes the version with that content the default,
    unless O(default_version) is set to another value than V(latest).
  - Only documents of the caller's own account can be changed. The task fails before any change if AWS or a partner owns
    the document. To start from the content of such a document, read it with M(sessionops.aws.ssm_document_info).
  - The document C(SSM-SessionManagerRunShell) contains the session preferences of the account in a region. The console
    creates it when preferences are first saved. If it exists already, this module updates it.
attributes:
  idempotent:
    description: When run twice in a row, the second run changes nothing. It makes no call that could change anything.
    details:
      - There is one exception. AWS may reject content that an older version already has. Later runs may then send the
        update again if O(default_version) is set to another value than V(latest), or if the document is a Session
        document other than C(SSM-SessionManagerRunShell). Check mode then reports that update. AWS rejects it again, so
        nothing changes.
    support: full
  action:
    description: Has a corresponding action plugin, which finds the file in O(content_path) on the controller.
    support: full
  async:
    description: Can run in the background with C(async).
    support: full
  vault:
    description: Decrypts the file in O(content_path) if it is on the controller and encrypted with Ansible Vault.
    support: full
author:
  - Contributors to the sessionops.aws collection (@sessionops)
options:
  name:
    description: The name of the document.
    type: str
    required: true
  state:
    description:
      - With V(present), creates the document, or updates it to match the other options.
      - With V(absent), deletes the document with all its versions, or only one version if O(document_version) or
        O(version_name) is set. With V(absent), setting either of these to null is an error; omit it instead.
      - The task warns if it deletes C(SSM-SessionManagerRunShell).
    type: str
    choices: [present, absent]
    default: present
  content:
    description:
      - The content, as a mapping or as a string of JSON, YAML or text. Keys are never rewritten.
      - In a mapping, a number becomes a string where AWS documents a string, such as C(schemaVersion),
        C(inputs.idleSessionTimeout) and C(properties.portNumber).
      - In a string of JSON or YAML, values are never converted. The string is sent as it is, unless the document has a
        format that cannot hold it; see O(document_format).
      - Errors in the content are reported with the line and the column. Error messages never show the content.
      - Creating a document requires one of O(content), O(content_path) and O(session_preferences). They are mutually
        exclusive.
      - If the content has parameters of the document such as C({{ parameter }}), mark it as V(!unsafe) or put it in a
        file, so that Ansible does not evaluate them as templates.
    type: raw
  content_path:
    description:
      - The path of a file with the content.
      - A relative path is first searched for on the controller, in the same places as
        O(ansible.builtin.copy#module:src). These are C(files/) of the role, the folder of the role, C(files/) beside
        the playbook, and the folder of the playbook, in this order. If the task runs on another host, the file is
        transferred to that host.
      - An absolute path, or a relative path that is not found on the controller, is a path on the host that the task
        runs on. There, a relative path is relative to the working directory of the module.
      - A file on the controller that is encrypted with Ansible Vault is decrypted. An encrypted file on any other host
        is an error.
      - If the content is secret, for example because the file is encrypted, set C(no_log=true) for the task. The task
        returns the content in RV(diff) even without C(--diff) and outside check mode. C(no_log=true) hides it. Error
        messages never show the content.
    type: path
  content_comparison:
    description:
      - How to compare the content with what AWS stores.
      - With V(semantic), contents with the same meaning are equal.
      - With V(exact), only identical bytes are equal. A change of comments or of the order of keys then creates a new
        version, too.
    type: str
    choices: [semantic, exact]
    default: semantic
  document_type:
    description:
      - The type of the document. It cannot be changed; see O(recreate).
      - If O(session_preferences) is set, the default is V(Session). Otherwise, this option is required to create a
        document. The exception is content with the C(schemaVersion) C(1.2), for which AWS creates a Command document.
    type: str
    choices:
      - ApplicationConfiguration
      - ApplicationConfigurationSchema
      - AutoApprovalPolicy
      - Automation
      - Automation.ChangeTemplate
      - ChangeCalendar
      - CloudFormation
      - Command
      - ConformancePackTemplate
      - DeploymentStrategy
      - ManualApprovalPolicy
      - Package
      - Policy
      - ProblemAnalysis
      - ProblemAnalysisTemplate
      - QuickSetup
      - Session
  document_format:
    description:
      - The format to store the content in.
      - If this option is not set, a string that begins with C({) or C([) is read as JSON, and any other string as YAML.
        A new document is then stored in that format, or as JSON if O(content) is a mapping. An existing document keeps
        its format.
      - If the format of the document cannot hold the string, the module converts the string. For example, YAML is
        converted for a document in JSON and loses its comments. JSON with tabs is converted for a document in YAML.
        With O(content_comparison=exact), such a string is an error.
    type: str
    choices: [JSON, YAML, TEXT]
  display_name:
    description:
      - The display name of the document, as AWS shows it.
      - If nothing but the display name differs, the task fails, because AWS creates no version for that.
    type: str
  target_type:
    description: The kind of resource that the document can run on, such as V(/AWS::EC2::Instance).
    type: str
  version_name:
    description:
      - The name of the version that the task creates, if it creates one. Existing versions are never renamed. Creating
        a version with a name that another version already has is an error. If the task creates no version, it warns if
        the version with the content does not have this name.
      - Requires an option that can create a version, which is one of O(content), O(content_path),
        O(session_preferences), O(document_format), O(target_type) and O(recreate). To make an existing version the
        default by its name, set O(default_version) to that name.
      - With O(state=absent), the name of the one version to delete.
    type: str
    aliases: [document_version_name]
  document_version:
    description:
      - With O(state=absent), the number of the one version to delete. The default version cannot be deleted.
      - With O(state=present), the version to update, as a number or V($LATEST). AWS updates only the latest version, so
        updating any other version is an error.
    type: str
  default_version:
    description:
      - The version to make the default.
      - V(latest) makes the version with the content of the task the default, or the latest version if the task has no
        content. It does so even if nothing else is to be changed.
      - V(keep) leaves the default version as it is. A new version then does not become the default.
      - For Session documents other than C(SSM-SessionManagerRunShell), the default version does not decide what
        sessions use. A session that is started with the name of a document uses the latest version of that document.
      - Sessions therefore use a new version of such a document at once, even with V(keep). Making an older version the
        default changes nothing for them. For such a document, the task warns if it creates a version that does not
        become the default, or if it makes an older version the default.
      - If the default version of such a document has the content of the task and the latest version does not, the task
        creates a new version, so that sessions use the content.
      - The number or the name of a version makes that version the default. It must exist before the task. For the
        version that the task creates, use V(latest).
      - A value with only digits is always a number. V(latest) and V(keep) always have the meanings above. To make a
        version with the name V(latest) or V(keep) the default, use its number. Put a name such as V(1.10) in quotes, so
        that YAML does not read it as a number.
      - If this option is not set, V(latest) applies to a task with content, and V(keep) to any other task. A task that
        only changes tags therefore never changes the default version.
    type: str
    aliases: [document_default_version]
  keep_versions:
    description:
      - How many of the newest versions to keep, 1 to 999. Older versions are deleted after the change. If the document
        has 1,000 versions, some are deleted before the change, to make room for a new version.
      - The default version and the version with the content of the task are never deleted.
      - No version is deleted while the document is shared with O(permissions.shared_document_version=$ALL).
      - By default, no version is deleted. A document can have at most 1,000 versions.
    type: int
  requires:
    description:
      - The documents that this document requires. This list cannot be changed once the document exists; see
        O(recreate).
    type: list
    elements: dict
    suboptions:
      name:
        description: The name or the ARN of the document.
        type: str
        required: true
      version:
        description: The version of the document.
        type: str
      require_type:
        description: The document type of the required document.
        type: str
      version_name:
        description: The name of the version of the document.
        type: str
  attachments:
    description:
      - The files that belong to the document, such as the archives of a Package. They are sent with every new version,
        and a new version of a Package requires them.
      - They are never compared, because AWS does not return where an attachment came from. A change of the content,
        such as a new checksum in the manifest of a Package, sends them again.
    type: list
    elements: dict
    suboptions:
      key:
        description: The kind of location that O(attachments[].values) contains.
        type: str
        choices: [SourceUrl, S3FileUrl, AttachmentReference]
        required: true
      values:
        description:
          - The location of the files, as a list with exactly one value.
          - With V(SourceUrl), it is the URL of a folder in S3. With V(S3FileUrl), it is the URL of a file in S3. With
            V(AttachmentReference), it is the name of a document, a version and an attachment, separated by slashes.
        type: list
        elements: str
        required: true
      name:
        description: The name of the attachment.
        type: str
  permissions:
    description:
      - The accounts that may use the document, besides the account that owns it. If this option is not set, the
        sharing stays as it is.
    type: dict
    suboptions:
      account_ids:
        description:
          - The accounts, each as a string of 12 digits, or V(all) alone, which makes the document public.
          - An empty list ends all sharing, unless O(permissions.purge=false).
          - The account that owns the document can use it anyway, so its ID in this list changes nothing. A task that
            creates the document still sends the ID to AWS.
        type: list
        elements: str
        required: true
      shared_document_version:
        description:
          - The version that the accounts may use.
          - By default, an account that may already use the document keeps its version, and an account that the task
            adds gets V($DEFAULT).
        type: str
        choices: [$DEFAULT, $LATEST, $ALL]
      purge:
        description:
          - Stop sharing the document with accounts that are not listed.
          - Must be V(true) if a document that is shared with accounts is to become public, or if a public document is
            to be shared with accounts instead.
        type: bool
        default: true
  recreate:
    description:
      - Delete the document and create it again if it cannot be updated. That is the case for a change of
        O(document_type) or O(requires), and for every change that requires a new version of a Command document of
        schema version 1.2.
      - All versions are lost. The tags, the display name, the target type and the permissions stay unless the task
        changes them.
      - If AWS rejects the new document, the module restores the latest version of the old document with its tags and
        permissions. It cannot restore a document that had attachments. The error message says whether the old document
        was restored, and lists its tags and permissions. If it was not restored, RV(lost_content) contains its content.
      - A document that is shared also requires O(force_unshare).
    type: bool
    default: false
  force:
    description:
      - Delete documents that AWS otherwise protects, such as those of type ApplicationConfigurationSchema. IAM can
        deny this separately from other deletions.
    type: bool
    default: false
    aliases: [force_delete]
  force_unshare:
    description:
      - End all sharing of a document before deleting it. By default, a shared document is not deleted and the task
        fails.
    type: bool
    default: false
  wait:
    description:
      - Wait until a new version is active, and until a deleted document is gone.
      - Even with V(false), the task waits in three cases. Before it makes a version the default, it waits until that
        version is active. Before it creates a new version, it waits until the latest one is ready. Before it creates a
        document again, it waits until the old one is gone.
    type: bool
    default: true
  wait_timeout:
    description: How long to wait, in seconds.
    type: int
    default: 120
notes:
  - Requires the permissions C(ssm:DescribeDocument) and C(ssm:GetDocument). Depending on what is to be changed, also
    requires C(ssm:CreateDocument), C(ssm:UpdateDocument), C(ssm:UpdateDocumentDefaultVersion), C(ssm:DeleteDocument),
    C(ssm:AddTagsToResource), C(ssm:RemoveTagsFromResource), C(ssm:DescribeDocumentPermission) and
    C(ssm:ModifyDocumentPermission). The permission C(ssm:ListDocumentVersions) is required for O(keep_versions). It is
    also required if AWS rejects content as a duplicate, to find the older version that has this content.
  - AWS may reject content that an older version already has. The module then makes that version the default,
    unless O(default_version) is set to another value than V(latest). If sessions still use the latest version, because
    they are started with the name of the document, the task warns.
  - Sessions that are open when the preferences change are expected to keep the preferences that they started with. AWS
    does not document this.
  - If State Manager associations use a document, changing its default version runs those associations.
extends_documentation_fragment:
  - sessionops.aws._attributes
  - sessionops.aws._attributes.changes
  - sessionops.aws._session_preferences
  - sessionops.aws._requirements
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags
seealso:
  - module: sessionops.aws.ssm_document_info
"""

EXAMPLES = r"""
- name: Set the session preferences of the account
  sessionops.aws.ssm_document:
    name: SSM-SessionManagerRunShell
    session_preferences:
      cloud_watch_log_group_name: /sessions
      cloud_watch_streaming_enabled: true
      idle_session_timeout: 20
      max_session_duration: 60

- name: Create or update a document with content from a file of the role, or beside the playbook
  sessionops.aws.ssm_document:
    name: Team-PortForwarding
    document_type: Session
    content_path: port-forwarding.yml  # in the folder files/
    tags:
      team: platform

- name: Change one preference and keep all others
  sessionops.aws.ssm_document:
    name: SSM-SessionManagerRunShell
    session_preferences:
      idle_session_timeout: 15
    purge_session_preferences: false

- name: Create a version of a Command document without making it the default
  sessionops.aws.ssm_document:
    name: Team-Patching
    content_path: patching.yml
    version_name: release-2
    default_version: keep

- name: Make that version the default, after testing it
  sessionops.aws.ssm_document:
    name: Team-Patching
    default_version: release-2

- name: Share a document with exactly two accounts
  sessionops.aws.ssm_document:
    name: Team-PortForwarding
    permissions:
      account_ids: ["111122223333", "444455556666"]

- name: Keep the ten newest versions
  sessionops.aws.ssm_document:
    name: Team-PortForwarding
    content_path: port-forwarding.yml
    keep_versions: 10

- name: Delete one version
  sessionops.aws.ssm_document:
    name: Team-PortForwarding
    state: absent
    document_version: "3"

- name: Delete a document
  sessionops.aws.ssm_document:
    name: Team-PortForwarding
    state: absent
"""

RETURN = r"""
document:
  description:
    - The document as AWS describes it after the task, or in check mode before it. Null if it does not exist.
    - The keys are those of DescribeDocument in snake_case.
  returned: always
  type: dict
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
    default_version:
      description: The version that AWS uses if no version is given.
      type: str
      sample: "2"
    latest_version:
      description: The latest version, which the other keys describe.
      type: str
      sample: "2"
    status:
      description: The status of the latest version.
      type: str
      sample: Active
    hash:
      description: The SHA-256 of the content of the latest version.
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
    permissions:
      description: The accounts that may use the document, and the version that each may use.
      returned: when O(permissions) is set
      type: dict
      sample: {account_ids: ["111122223333"], shared_document_versions: {"111122223333": $DEFAULT}}
    tags:
      description: The tags of the document.
      type: dict
      sample: {team: platform}
actions:
  description:
    - What the task did, in order. In check mode, what it would do.
    - If a task fails midway, what it did before the failure. This includes the actions that restored a document that
      O(recreate) had deleted.
  returned: always, unless a task fails before it has done anything
  type: list
  elements: str
  sample: [create a new version, make it the default]
lost_content:
  description: If O(recreate) deleted a document that could not be restored, the content of its latest version.
  returned: when the new document could not be created, and the old one could not be restored
  type: str
diff:
  description:
    - The document before and after the task. The content is shown separately from the metadata.
    - A new version is compared with the version that it replaces. That is the default version if the new version
      becomes the default, and otherwise the latest version. For Session documents other than
      C(SSM-SessionManagerRunShell), it is always the latest version, because sessions use that one.
    - If a new version does not become the default, the headers name the two versions that are compared, and the
      default version. The metadata shows the name of a version in parentheses after its number.
    - If an existing version becomes the default, its content is compared with that of the old default version.
    - The contents of default versions are read only in diff mode. If one cannot be read, the diff says so, and the task
      continues.
  returned: always
  type: list
  elements: dict
"""

import functools
from typing import Any

from ansible_collections.sessionops.aws.plugins.module_utils._ssm.documents import (
    content,
    ensure,
    model,
    options,
    preferences,
    sharing,
)
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.module import SSMModule

ARGUMENT_SPEC: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "content": {"type": "raw"},
    "content_path": {"type": "path"},
    "session_preferences": {"type": "dict", "options": preferences.OPTIONS},
    "purge_session_preferences": {"type": "bool", "default": True},
    "content_comparison": {"type": "str", "choices": ["semantic", "exact"], "default": "semantic"},
    "document_type": {"type": "str", "choices": list(model.TYPES)},
    "document_format": {"type": "str", "choices": [content.JSON, content.YAML, content.TEXT]},
    "display_name": {"type": "str"},
    "target_type": {"type": "str"},
    "version_name": {"type": "str", "aliases": ["document_version_name"]},
    "document_version": {"type": "str"},
    "default_version": {"type": "str", "aliases": ["document_default_version"]},
    "keep_versions": {"type": "int"},
    "requires": {
        "type": "list",
        "elements": "dict",
        "options": {
            "name": {"type": "str", "required": True},
            "version": {"type": "str"},
            "require_type": {"type": "str"},
            "version_name": {"type": "str"},
        },
    },
    "attachments": {
        "type": "list",
        "elements": "dict",
        "options": {
            "key": {
                "type": "str",
                "choices": list(options.ATTACHMENT_KEYS),
                "required": True,
                "no_log": False,
            },
            "values": {"type": "list", "elements": "str", "required": True},
            "name": {"type": "str"},
        },
    },
    "permissions": {
        "type": "dict",
        "options": {
            "account_ids": {"type": "list", "elements": "str", "required": True},
            "shared_document_version": {"type": "str", "choices": list(sharing.VERSIONS)},
            "purge": {"type": "bool", "default": True},
        },
    },
    "tags": {"type": "dict", "aliases": ["resource_tags"]},
    "purge_tags": {"type": "bool", "default": True},
    "recreate": {"type": "bool", "default": False},
    "force": {"type": "bool", "default": False, "aliases": ["force_delete"]},
    "force_unshare": {"type": "bool", "default": False},
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 120},
}


def main() -> None:
    module = SSMModule(
        argument_spec=ARGUMENT_SPEC,
        mutually_exclusive=[("content", "content_path", "session_preferences")],
    )
    if module.params["state"] == "absent":
        # Without them the whole document is deleted.
        module.refuse_null("document_version", "version_name")
    elif not module.params["purge_session_preferences"]:
        for warning in preferences.null_warnings(module.nulls("session_preferences")):
            module.warn(warning)
    module.report(functools.partial(ensure.run, diff_mode=module._diff, origin=module.from_action))


if __name__ == "__main__":
    main()
