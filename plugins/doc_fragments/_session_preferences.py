# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not use it from outside the collection.

"""The option session_preferences."""

from __future__ import annotations


class ModuleDocFragment:
    """The preferences of Session Manager as options."""

    DOCUMENTATION = r"""
options:
  session_preferences:
    description:
      - The content of a Session document of the session type Standard_Stream, such as C(SSM-SessionManagerRunShell),
        as options. It is written as the console writes it, so that the console can edit it and every agent can read it.
      - What is not given has its default, and not the value that the document has.
    type: dict
    suboptions:
      description:
        description: What the document is for.
        type: str
        default: Document to hold regional settings for Session Manager
      s3_bucket_name:
        description: The bucket to write logs to. Unset, no logs are written to S3.
        type: str
        default: ""
      s3_key_prefix:
        description: What the keys of logs begin with in the bucket.
        type: str
        default: ""
      s3_encryption_enabled:
        description: Log only to a bucket that encrypts.
        type: bool
        default: true
      cloud_watch_log_group_name:
        description: The log group to write logs to. Unset, no logs are written to CloudWatch.
        type: str
        default: ""
      cloud_watch_encryption_enabled:
        description: Log only to a log group that encrypts.
        type: bool
        default: true
      cloud_watch_streaming_enabled:
        description: Stream logs to the log group while a session runs, instead of when it has ended.
        type: bool
        default: false
      kms_key_id:
        description: The ID, the ARN or the alias of the KMS key that encrypts what goes between client and node.
        type: str
        default: ""
      run_as_enabled:
        description:
          - Start sessions on Linux and macOS as a user of the operating system other than C(ssm-user).
          - It is the one that the tag C(SSMSessionRunAs) of the caller's IAM user or role names, else
            O(session_preferences.run_as_default_user). A caller with neither cannot start a session.
        type: bool
        default: false
      run_as_default_user:
        description: The user to start sessions as. It takes O(session_preferences.run_as_enabled=true).
        type: str
        default: ""
      idle_session_timeout:
        description: After how many minutes without input or output a session ends, 1 to 60.
        type: int
        default: 20
      max_session_duration:
        description: After how many minutes a session ends in any case, 1 to 1440. Unset, there is no such limit.
        type: int
      shell_profile:
        description: What to run in the shell when a session begins, with 512 characters at most for each.
        type: dict
        suboptions:
          linux:
            description: The commands for Linux and macOS.
            type: str
            default: ""
          windows:
            description: The commands for Windows.
            type: str
            default: ""
"""
