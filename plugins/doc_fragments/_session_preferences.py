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
      - Options for the content of a Session document. The session type of the document is C(Standard_Stream), like that
        of C(SSM-SessionManagerRunShell). The module writes the content as the console does, so that the console can
        edit it and every agent can read it.
      - By default these options are the complete document. An option that the task omits, or sets to null, gets its
        default, even if the document has another value. A task that sets only
        O(session_preferences.idle_session_timeout) therefore turns off logging, encryption with a KMS key, run-as, the
        maximum session duration and shell profiles. The task then warns. See O(purge_session_preferences).
      - The document is compared by its effect on the agent. Quotes around a boolean, or an empty C(maxSessionDuration)
        as the console writes it, create no new version. Quotes around C(cloudWatchStreamingEnabled) do, because the
        agent cannot read a document with them.
    type: dict
    suboptions:
      description:
        description:
          - The description of the document. The default is
            V(Document to hold regional settings for Session Manager).
        type: str
      s3_bucket_name:
        description: The bucket to write logs to. By default, or if empty, no logs are written to S3.
        type: str
      s3_key_prefix:
        description:
          - The prefix of the keys of logs in the bucket. Requires O(session_preferences.s3_bucket_name). The default
            is an empty prefix.
        type: str
      s3_encryption_enabled:
        description: Write logs only if the bucket is encrypted. The default is V(true).
        type: bool
      cloud_watch_log_group_name:
        description: The log group to write logs to. By default, or if empty, no logs are written to CloudWatch.
        type: str
      cloud_watch_encryption_enabled:
        description: Write logs only if the log group is encrypted. The default is V(true).
        type: bool
      cloud_watch_streaming_enabled:
        description:
          - Stream logs to the log group while a session runs, instead of writing them when it has ended. Requires
            O(session_preferences.cloud_watch_log_group_name). The default is V(false).
        type: bool
      kms_key_id:
        description:
          - The ID, the ARN or the alias of the KMS key that encrypts the data between client and node. By default, or
            if empty, no KMS key is used.
        type: str
      run_as_enabled:
        description:
          - Start sessions on Linux and macOS as a user of the operating system other than C(ssm-user). The default is
            V(false).
          - The tag C(SSMSessionRunAs) of the caller's IAM user or role names this user. Without the tag, it is
            O(session_preferences.run_as_default_user). A caller with neither cannot start a session.
        type: bool
      run_as_default_user:
        description:
          - The user to start sessions as, if the caller has no tag C(SSMSessionRunAs). The user must exist on the
            nodes. Requires O(session_preferences.run_as_enabled=true). By default, no user is set.
        type: str
      idle_session_timeout:
        description: The minutes of inactivity after which a session ends, 1 to 60. The default is V(20).
        type: int
      max_session_duration:
        description:
          - The minutes after which a session ends even if it is in use, 1 to 1440. By default, there is no such limit.
          - V(0) removes the limit, which is useful with O(purge_session_preferences=false).
        type: int
      shell_profile:
        description: The commands to run in the shell when a session starts, at most 512 characters for each shell.
        type: dict
        suboptions:
          linux:
            description: The commands for Linux and macOS. By default, there are none.
            type: str
          windows:
            description: The commands for Windows. By default, there are none.
            type: str
  purge_session_preferences:
    description:
      - With V(true), O(session_preferences) is the complete document.
      - With V(false), only the preferences that the task sets are changed. Everything else in the document stays,
        including content that O(session_preferences) has no option for.
      - With V(false), an empty string clears a string, V(false) turns off a boolean, and
        O(session_preferences.max_session_duration=0) removes the maximum session duration. An idle timeout cannot be
        removed. A preference that is null stays as it is, and the task warns.
      - With V(false), the task starts from the content of the latest version. For C(SSM-SessionManagerRunShell), it
        starts from the default version, unless O(default_version=keep). A document that does not exist is created with
        the defaults.
    type: bool
    default: true
"""
