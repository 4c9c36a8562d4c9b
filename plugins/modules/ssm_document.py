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
  - Content is compared by its meaning. White space, the order of keys, and whether the content was given as a mapping
    or as a string make no new version.
  - The name C(SSM-SessionManagerRunShell) is the document with the session preferences of the account in a region. The
    console makes it when preferences are first saved; this module takes over what it finds.
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
      - With V(absent), the document is deleted with all its versions. For C(SSM-SessionManagerRunShell) that comes with
        a warning.
    type: str
    choices: [present, absent]
    default: present
  content:
    description:
      - The content, as a mapping or as a string of JSON, YAML or text. Keys are never rewritten.
      - Required to create a document, unless O(content_path) is given.
      - Write C({{ parameter }}) of a document as V(!unsafe) or in a file, so that Ansible does not take it for a
        template.
    type: raw
  content_path:
    description: The path of a file with the content, on the host that the task runs on.
    type: path
  document_type:
    description:
      - The type of the document, which cannot be changed later.
      - Unset, AWS decides.
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
      - Unset, the format that the document has is kept. A new one is stored in the format of the string that
        O(content) is, or as JSON if it is a mapping.
    type: str
    choices: [JSON, YAML, TEXT]
  display_name:
    description: The name that AWS shows for the document.
    type: str
  target_type:
    description: The kind of resource that the document can run on, such as V(/AWS::EC2::Instance).
    type: str
  version_name:
    description: A name for the version that the task makes, if it makes one. It is unique among the versions.
    type: str
  default_version:
    description:
      - V(latest) makes the version that has the wanted content the default, even when nothing else is to be done.
      - V(keep) leaves the default as it is, so that a new version is staged, not put into force.
      - A number makes that version the default.
      - Unset, V(latest) if content is given, and V(keep) if not, so that a task about tags puts no staged version into
        force.
    type: str
  wait:
    description: Wait until a new version is active. The default is moved only then.
    type: bool
    default: true
  wait_timeout:
    description: How long to wait, in seconds.
    type: int
    default: 120
notes:
  - Takes the permissions C(ssm:DescribeDocument) and C(ssm:GetDocument), and for what it is to change
    C(ssm:CreateDocument), C(ssm:UpdateDocument), C(ssm:UpdateDocumentDefaultVersion), C(ssm:DeleteDocument),
    C(ssm:AddTagsToResource) and C(ssm:RemoveTagsFromResource). To see what AWS says of content that it has in an older
    version, also C(ssm:ListDocumentVersions).
  - To move the default version of a document that associations of State Manager use runs those associations.
extends_documentation_fragment:
  - sessionops.aws._attributes
  - sessionops.aws._attributes.changes
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
    document_type: Session
    content:
      schemaVersion: "1.0"
      description: Session preferences
      sessionType: Standard_Stream
      inputs:
        cloudWatchLogGroupName: /sessions
        cloudWatchStreamingEnabled: true
        idleSessionTimeout: "20"
        maxSessionDuration: "60"

- name: Keep a document whose content is in a file
  sessionops.aws.ssm_document:
    name: Team-PortForwarding
    document_type: Session
    content_path: files/port-forwarding.yml
    tags:
      team: platform

- name: Stage a new version without putting it into force
  sessionops.aws.ssm_document:
    name: Team-PortForwarding
    content_path: files/port-forwarding.yml
    version_name: release-2
    default_version: keep

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
    tags:
      description: The tags of the document.
      type: dict
      sample: {team: platform}
actions:
  description: What was done, or in check mode would be, in order.
  returned: always
  type: list
  elements: str
  sample: [make a new version, make it the default]
diff:
  description: The document before and after, the content and the rest apart.
  returned: always
  type: list
  elements: dict
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.sessionops.aws.plugins.module_utils._ssm import (
    content,
    document_apply,
    document_diff,
    documents,
    times,
    transform,
)
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.module import ClientFactory, Result, SSMModule

ARGUMENT_SPEC: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "content": {"type": "raw"},
    "content_path": {"type": "path"},
    "document_type": {"type": "str", "choices": list(documents.TYPES)},
    "document_format": {"type": "str", "choices": [content.JSON, content.YAML, content.TEXT]},
    "display_name": {"type": "str"},
    "target_type": {"type": "str"},
    "version_name": {"type": "str"},
    "default_version": {"type": "str"},
    "tags": {"type": "dict", "aliases": ["resource_tags"]},
    "purge_tags": {"type": "bool", "default": True},
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 120},
}


def ensure(params: Mapping[str, Any], client: ClientFactory, check_mode: bool) -> Result:
    """Bring the document to what the options say, or find what that would take."""
    times.check_seconds(params, "wait_timeout")
    spec = _spec(params)
    ssm = client("ssm")
    before = documents.read(ssm, spec)
    actions = documents.plan_absent(before) if params["state"] == "absent" else documents.plan(spec, before)
    if check_mode:
        after, done = document_diff.predicted(spec, before, actions), [str(action) for action in actions]
    else:
        done = document_apply.apply(ssm, spec, actions, params["wait_timeout"] if params["wait"] else None)
        after = documents.read(ssm, spec) if actions else before
    shown = before if check_mode else after
    return {
        **_warnings(params, actions),
        "changed": bool(done),
        "actions": done,
        "document": transform.resource({"Tags": [], **shown.latest}) if shown else None,
        "diff": document_diff.difference(before, after, spec.name),
    }


def _warnings(params: Mapping[str, Any], actions: Sequence[documents.Action]) -> Result:
    if params["name"] == documents.PREFERENCES and params["state"] == "absent" and actions:
        sentence = "With this document go the session preferences of the account in this region, logging among them."
        return {"warnings": [sentence]}
    return {}


def _spec(params: Mapping[str, Any]) -> documents.DocumentSpec:
    """The document that the options describe."""
    raw = params["content"]
    if params["content_path"] is not None:
        raw = content.read_file(params["content_path"])
    absent = params["state"] == "absent"
    return documents.DocumentSpec(
        name=params["name"],
        content=None if raw is None or absent else content.wanted(raw, params["document_format"]),
        document_type=params["document_type"],
        display_name=params["display_name"],
        target_type=params["target_type"],
        version_name=params["version_name"],
        default_version=params["default_version"] or ("keep" if raw is None else "latest"),
        tags=None if params["tags"] is None else transform.tag_dict(params["tags"]),
        purge_tags=params["purge_tags"],
    )


def main() -> None:
    SSMModule(
        argument_spec=ARGUMENT_SPEC,
        mutually_exclusive=[("content", "content_path")],
    ).report(ensure)


if __name__ == "__main__":
    main()
