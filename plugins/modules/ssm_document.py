#!/usr/bin/python
# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ssm_document
version_added: 0.1.0
short_description: Manage Systems Manager documents
description:
  - Creates, updates and deletes Systems Manager documents, among them the Session documents that say how sessions of
    Session Manager run and are logged.
  - Content is compared by its meaning. White space, the order of keys, comments, and whether the content was given as a
    mapping or as a string make no new version.
  - Whatever the task does not state stays as it is, except inside O(session_preferences), which is the complete
    document unless O(purge_session_preferences=false).
  - Only documents of the caller's own account can be changed. A document that AWS or a partner owns is an error before
    any change. To start from its content, read it with M(sessionops.aws.ssm_document_info).
  - The name C(SSM-SessionManagerRunShell) is the document with the session preferences of the account in a region. The
    console makes it when preferences are first saved; this module takes over what it finds.
attributes:
  action:
    description: Has an action plugin of the same name, which finds the file of O(content_path) on the controller.
    support: full
  async:
    description: Can run in the background with C(async).
    support: full
  vault:
    description: Decrypts a file of O(content_path) that is on the controller and is encrypted with Ansible Vault.
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
      - With V(present), the document is created or brought to what the other options say.
      - With V(absent), the document is deleted with all its versions, or with O(document_version) or O(version_name)
        only that version. Setting either of these to null is then an error; omit it instead. Deleting
        C(SSM-SessionManagerRunShell) comes with a warning.
    type: str
    choices: [present, absent]
    default: present
  content:
    description:
      - The content, as a mapping or as a string of JSON, YAML or text. Keys are never rewritten.
      - In a mapping, a number becomes a string where AWS documents a string, such as C(schemaVersion),
        C(inputs.idleSessionTimeout) and C(properties.portNumber). A string of JSON or YAML is sent as it is.
      - Errors name the line and the column, and never show the content.
      - To create a document, one of O(content), O(content_path) and O(session_preferences) is required; they are
        mutually exclusive.
      - Write C({{ parameter }}) of a document as V(!unsafe) or in a file, so that Ansible does not take it for a
        template.
    type: raw
  content_path:
    description:
      - The path of a file with the content.
      - A relative path is looked for on the controller as M(ansible.builtin.copy) looks for its source, which is in
        C(files/) of the role and in the role, then in C(files/) beside the playbook and beside the playbook. If the
        task runs on another host, the file that is found is transferred to it.
      - An absolute path, and a relative path that is not found on the controller, is a path of the host that the task
        runs on. There a relative path begins in the current directory.
      - A file on the controller that is encrypted with Ansible Vault is decrypted. An encrypted file of any other host
        is an error.
      - If the content is secret, as that of an encrypted file is, set C(no_log=true) for the task. The diff of a task
        shows the content in every mode, and C(no_log=true) hides it. Error messages never show the content.
    type: path
  content_comparison:
    description:
      - How the content is compared with what AWS stores.
      - With V(semantic), content that means the same is the same.
      - With V(exact), any other byte makes a new version, so that comments and the order of keys are kept, too.
    type: str
    choices: [semantic, exact]
    default: semantic
  document_type:
    description:
      - The type of the document. It cannot be changed; see O(recreate).
      - Unset, it is V(Session) if O(session_preferences) is given. To create any other document it is required, unless
        its C(schemaVersion) is C(1.2).
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
      - Unset, the format that the document has is kept. A string that this format cannot hold, such as YAML with
        comments for a document in JSON, is converted, or refused with O(content_comparison=exact). A new document is
        stored in the format of the string, or as JSON if O(content) is a mapping.
      - Unset, a string that begins with C({) or C([) is read as JSON, and any other string as YAML.
    type: str
    choices: [JSON, YAML, TEXT]
  display_name:
    description: The name that AWS shows for the document.
    type: str
  target_type:
    description: The kind of resource that the document can run on, such as V(/AWS::EC2::Instance).
    type: str
  version_name:
    description:
      - A name for the version that the task makes, if it makes one. A name that another version has is an error, and a
        version that is there is never renamed.
      - A task that makes no version, because it gives none of O(content), O(content_path), O(session_preferences),
        O(document_format), O(target_type) and O(recreate), is refused. To make a version that has a name the default,
        set O(default_version) to that name.
      - With O(state=absent), the name of the one version to delete.
    type: str
    aliases: [document_version_name]
  document_version:
    description:
      - With O(state=absent), the number of the one version to delete. The default version cannot be deleted.
      - With O(state=present), the version that is updated, for AWS only ever updates the latest one. Any other is an
        error.
    type: str
  default_version:
    description:
      - V(latest) makes the version that has the wanted content the default, even when nothing else is to be done.
      - V(keep) leaves the default as it is, so that a new version is staged.
      - Staging does not work for Session documents other than C(SSM-SessionManagerRunShell). A session that is started
        with a document's name uses the latest version of that document, whichever version is the default. A new version
        is therefore used at once, and a lower number does not go back to that version. Both come with a warning.
        For the same reason the task makes a new version of such a document unless the latest version has the wanted
        content, even if the default version has it.
      - The number or the name of a version makes that version the default. It must exist before the task. For the
        version that the task makes, use V(latest).
      - Digits alone are always a number, and V(latest) and V(keep) are never names, although a version can be called
        so. Put a name such as V(1.10) in quotes, so that YAML does not read a number.
      - Unset, V(latest) if content is given, and V(keep) if not, so that a task about tags puts no staged version into
        force.
    type: str
    aliases: [document_default_version]
  keep_versions:
    description:
      - How many of the newest versions to keep, 1 to 999. Older ones are deleted after the change, save the default
        version.
      - No version is deleted while the document is shared with O(permissions.shared_document_version=$ALL).
      - A document can have 1,000 versions. Unset, none is deleted.
    type: int
  requires:
    description: The documents that this one requires. That cannot be changed; see O(recreate).
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
        description: The type of the requirement.
        type: str
      version_name:
        description: The name of the version of the document.
        type: str
  attachments:
    description:
      - The files that belong to the document, such as the archives of a Package. They are sent with every new version,
        and a new version of a Package must have them.
      - AWS does not tell where an attachment came from, so they are never compared. A change of the content, such as
        a checksum in the manifest of a Package, sends them again.
    type: list
    elements: dict
    suboptions:
      key:
        description: How the values say where the files are.
        type: str
        choices: [SourceUrl, S3FileUrl, AttachmentReference]
        required: true
      values:
        description:
          - With V(SourceUrl), the URL of a folder of S3. With V(S3FileUrl), the URL of a file in S3. With
            V(AttachmentReference), the name of a document, a version and an attachment, separated by slashes.
        type: list
        elements: str
        required: true
      name:
        description: The name of the attachment.
        type: str
  permissions:
    description:
      - Who may use the document besides its own account. It is never touched unless this is given.
    type: dict
    suboptions:
      account_ids:
        description:
          - The accounts, each as a string of 12 digits, or V(all) alone for everyone.
          - An empty list shares the document with nobody.
          - The account that has the document may use it anyway, and is passed over once the document is there.
        type: list
        elements: str
        required: true
      shared_document_version:
        description:
          - The version that the accounts may use.
          - Unset, an account keeps the one that it has, and a new account gets V($DEFAULT).
        type: str
        choices: [$DEFAULT, $LATEST, $ALL]
      purge:
        description:
          - End the sharing with accounts that are not listed.
          - It takes this to make a document public that is shared with accounts, or the reverse.
        type: bool
        default: true
  recreate:
    description:
      - Delete the document and make it anew when what should change cannot be, which is O(document_type), O(requires),
        and anything in a Command document of schema version 1.2.
      - All versions are lost. The tags, the display name, the target type and the permissions stay unless the task says
        otherwise.
      - Should AWS refuse the new document, the latest version of the old one is put back with its tags and permissions,
        unless it has attachments. The failure says whether it is, and names the tags and the permissions. If it is not,
        RV(lost_content) has the content.
      - A document that is shared takes O(force_unshare), too.
    type: bool
    default: false
  force:
    description:
      - Delete documents that AWS otherwise protects, such as those of type ApplicationConfigurationSchema. IAM can
        refuse this apart from other deletions.
    type: bool
    default: false
    aliases: [force_delete]
  force_unshare:
    description:
      - End all sharing of a document that is to be deleted. Without it a document that is shared is not deleted, and
        the task fails.
    type: bool
    default: false
  wait:
    description:
      - Wait until a version that is being made is active, and until a document that is deleted is gone.
      - Even with V(false), the task waits where a later step depends on it. A version is made the default only when it
        is active, another one is made only when the latest is ready, and a document is created again only when the old
        one is gone.
    type: bool
    default: true
  wait_timeout:
    description: How long to wait, in seconds.
    type: int
    default: 120
notes:
  - Takes the permissions C(ssm:DescribeDocument) and C(ssm:GetDocument), and for what it is to change
    C(ssm:CreateDocument), C(ssm:UpdateDocument), C(ssm:UpdateDocumentDefaultVersion), C(ssm:DeleteDocument),
    C(ssm:AddTagsToResource), C(ssm:RemoveTagsFromResource), C(ssm:DescribeDocumentPermission) and
    C(ssm:ModifyDocumentPermission). For O(keep_versions), and to find content that AWS has in an older version and
    takes no second time, also C(ssm:ListDocumentVersions).
  - AWS may reject content that an older version has already. The module then makes that version the default. Sessions
    that are started with a document's name use the latest version all the same, so a warning says so.
  - Sessions that are open when the preferences change keep those that they began with, as far as AWS tells.
  - To move the default version of a document that associations of State Manager use runs those associations.
extends_documentation_fragment:
  - sessionops.aws._attributes
  - sessionops.aws._attributes.changes
  - sessionops.aws._session_preferences
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags
  - amazon.aws.boto3
seealso:
  - module: sessionops.aws.ssm_document_info
"""

EXAMPLES = r"""
- name: Keep the session preferences of the account
  sessionops.aws.ssm_document:
    name: SSM-SessionManagerRunShell
    session_preferences:
      cloud_watch_log_group_name: /sessions
      cloud_watch_streaming_enabled: true
      idle_session_timeout: 20
      max_session_duration: 60

- name: Keep a document whose content is in a file of the role, or beside the playbook
  sessionops.aws.ssm_document:
    name: Team-PortForwarding
    document_type: Session
    content_path: port-forwarding.yml  # in the folder files
    tags:
      team: platform

- name: Change one preference and keep all others
  sessionops.aws.ssm_document:
    name: SSM-SessionManagerRunShell
    session_preferences:
      idle_session_timeout: 15
    purge_session_preferences: false

- name: Stage a new version of a Command document, which stays unused until it is made the default
  sessionops.aws.ssm_document:
    name: Team-Patching
    content_path: patching.yml
    version_name: release-2
    default_version: keep

- name: Make the staged version of the Command document the default, once it has been tried
  sessionops.aws.ssm_document:
    name: Team-Patching
    default_version: release-2

- name: Share a document with two accounts, and with no other
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
    - The document as AWS describes it after the task, or in check mode before it. Nothing if there is none.
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
      description: The version that is used when none is given.
      type: str
      sample: "2"
    latest_version:
      description: The newest version, which is the one described.
      type: str
      sample: "2"
    status:
      description: The status of the newest version.
      type: str
      sample: Active
    hash:
      description: The SHA-256 of the content of the newest version.
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
    permissions:
      description: Who may use the document, with the version that each may use.
      returned: when O(permissions) is given
      type: dict
      sample: {account_ids: ["111122223333"], shared_document_versions: {"111122223333": $DEFAULT}}
    tags:
      description: The tags of the document.
      type: dict
      sample: {team: platform}
actions:
  description:
    - What was done, or in check mode would be, in order. Of a task that fails midway, what it did, with what put back a
      document that O(recreate) had deleted.
  returned: always, but by a task that fails before it has done anything
  type: list
  elements: str
  sample: [make a new version, make it the default]
lost_content:
  description: The content of the latest version of a document that O(recreate) deleted, and that is gone.
  returned: when neither the new document could be made, nor the old one be put back
  type: str
diff:
  description:
    - The document before and after, the content and the rest apart.
    - A new version is shown against the version that it replaces, which is the default version if the task makes the
      new one the default, and else the latest version. For Session documents other than C(SSM-SessionManagerRunShell)
      it is always the latest version, since sessions use that one.
    - The headers of a new version that does not become the default name the two versions that are compared, and the
      version that stays the default. The metadata shows the name of a version in parentheses after its number.
    - If a version that was there already becomes the default, its content is shown against that of the old default
      version.
    - The contents of default versions are read only in diff mode. If one cannot be read, the diff says so, and the task
      goes on.
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
