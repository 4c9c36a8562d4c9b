# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: aws_ssm
version_added: 0.1.0
short_description: Run tasks on nodes through Session Manager
description:
  - Runs commands and transfers files over a session of Session Manager. The node needs no open port, and the controller
    needs neither an S3 bucket nor the Session Manager plugin of the AWS CLI.
  - Starts one session for each host, with the document O(document). All tasks on that host in a run of
    C(ansible-playbook) or C(ansible) use this session. Large files are fetched in a second session, see
    O(fetch_session).
  - A background process holds the sessions. The first task starts it. It ends the sessions and itself when the run
    ends, unless O(persist) is set. M(ansible.builtin.meta) with V(reset_connection) ends the session of a host earlier.
  - In a container that ends with Ansible, as with AWX, C(ansible-navigator) or CI, enable the callback
    P(sessionops.aws.end_sessions#callback). Otherwise sessions stay open until their idle timeout.
  - Runs the commands with a small Python program that the plugin sends over the session. The program is not written to
    the node's disk. It requires Python 3.8 or newer on the node. Without Python, only M(ansible.builtin.raw) works, for
    example to install Python.
  - Commands run as the user of the session, which is C(ssm-user) by default. A Session document or the Session Manager
    preferences of the account can name another user. The variable C(ansible_user) has no effect. Use C(become) to run
    tasks as another user.
  - Commands start in the home directory of the user. They have no terminal, unless the become plugin requires one. They
    have the environment of the shell that SSM Agent starts for the session, which is not a login shell.
author:
  - Contributors to the sessionops.aws collection (@sessionops)
options:
  instance_id:
    description:
      - The ID of the node, such as C(i-0123456789abcdef0) or C(mi-0123456789abcdef0), or another target that Session
        Manager accepts.
      - Defaults to C(ansible_host), or else to the name of the host in the inventory.
      - Set it for each host, not in the variables of a play. Otherwise the tasks of all hosts run on the same node.
    type: str
    vars:
      - name: ansible_aws_ssm_instance_id
  host:
    description: The ID of the node if O(instance_id) is not set.
    type: str
    vars:
      - name: inventory_hostname
      - name: ansible_host
  region:
    description:
      - The AWS region of the node. Defaults to the region of the profile.
      - If both environment variables are set, E(AWS_REGION) is used.
    type: str
    vars:
      - name: ansible_aws_ssm_region
    env:
      - name: AWS_DEFAULT_REGION
      - name: AWS_REGION
  profile:
    description:
      - The profile of the AWS CLI to take the credentials from.
      - Without O(profile) and O(access_key), boto3 finds the credentials, for example those of the role of an instance.
      - A profile from the environment is not used if O(access_key) is set.
    type: str
    vars:
      - name: ansible_aws_ssm_profile
    env:
      - name: AWS_PROFILE
      - name: AWS_DEFAULT_PROFILE
  access_key:
    description: The access key ID. Cannot be combined with O(profile), unless one of them is from the environment.
    type: str
    aliases: [access_key_id, aws_access_key_id]
    vars:
      - name: ansible_aws_ssm_access_key_id
      - name: ansible_aws_ssm_access_key
    env:
      - name: AWS_ACCESS_KEY_ID
      - name: AWS_ACCESS_KEY
  secret_key:
    description: The secret access key.
    type: str
    aliases: [secret_access_key, aws_secret_access_key]
    vars:
      - name: ansible_aws_ssm_secret_access_key
      - name: ansible_aws_ssm_secret_key
    env:
      - name: AWS_SECRET_ACCESS_KEY
      - name: AWS_SECRET_KEY
  session_token:
    description: The session token of temporary keys.
    type: str
    aliases: [aws_session_token]
    vars:
      - name: ansible_aws_ssm_session_token
    env:
      - name: AWS_SESSION_TOKEN
  assume_role_arn:
    description:
      - The ARN of a role to assume with the other credentials. The calls are then made as this role.
      - The plugin assumes it at the endpoint of STS in the region, not at O(endpoint_url). Set E(AWS_ENDPOINT_URL_STS)
        if STS has another endpoint.
    type: str
    vars:
      - name: ansible_aws_ssm_assume_role_arn
  endpoint_url:
    description:
      - The URL of the service C(ssm), if it is not the default one of the region, for example that of a VPC endpoint.
    type: str
    vars:
      - name: ansible_aws_ssm_endpoint_url
  stream_endpoint_url:
    description:
      - The URL of the service C(ssmmessages), if the name that Session Manager returns cannot be reached, as with some
        VPC endpoints.
      - The plugin replaces the host of the URL that Session Manager returns, and keeps the rest.
    type: str
    vars:
      - name: ansible_aws_ssm_stream_endpoint_url
  aws_ca_bundle:
    description: A file or folder with the CA certificates to trust. Defaults to those that boto3 trusts.
    type: path
    vars:
      - name: ansible_aws_ssm_ca_bundle
    env:
      - name: AWS_CA_BUNDLE
  validate_certs:
    description: Whether to check the certificates of the services.
    type: bool
    default: true
    vars:
      - name: ansible_aws_ssm_validate_certs
  document:
    description:
      - The Session document to start sessions with. Its C(sessionType) must be C(InteractiveCommands) or
        C(Standard_Stream).
      - A document with C(InteractiveCommands) must have a parameter for the command.
      - With C(Standard_Stream), it runs a shell. Sessions fail if the shell profile starts a shell that is not a POSIX
        shell.
      - If the document, or the Session Manager preferences of the account, set an AWS KMS key, sessions are encrypted
        with it. The caller then requires the permission C(kms:GenerateDataKey) for the key, and the role of the node
        requires C(kms:Decrypt).
    type: str
    default: AWS-StartInteractiveCommand
    aliases: [ssm_document]
    vars:
      - name: ansible_aws_ssm_document
  document_command_parameter:
    description:
      - The parameter of O(document) for the command. Set it to V("") if the document runs a shell.
      - By default, the plugin reads the document to find the parameter. This requires the permission
        C(ssm:GetDocument). Without the permission, the plugin uses C(command), so a document that runs a shell requires
        this option.
    type: str
    vars:
      - name: ansible_aws_ssm_document_command_parameter
  document_parameters:
    description: Values for further parameters of O(document), as a mapping of names to values or lists of values.
    type: dict
    vars:
      - name: ansible_aws_ssm_document_parameters
  reason:
    description:
      - The reason of the session. Only its first 256 characters are used.
      - By default, it names the host, the user, the controller and the process.
      - Applies when a session starts. With O(persist), later runs keep the first reason.
    type: str
    vars:
      - name: ansible_aws_ssm_reason
  timeout:
    description:
      - How many seconds the node may take to answer after Session Manager has started the session.
      - Also how many seconds C(become) may take to ask for a password and start the command.
      - Defaults to the connection timeout of Ansible, which is 10 seconds by default.
      - The variable C(ansible_aws_ssm_timeout) does not set this option, but O(command_timeout).
    type: int
    default: 10
    vars:
      - name: ansible_aws_ssm_connect_timeout
    env:
      - name: ANSIBLE_TIMEOUT
    ini:
      - section: defaults
        key: timeout
    cli:
      - name: timeout
  command_timeout:
    description:
      - How many seconds a command may take. A command that takes longer is ended on the node, and the host is
        unreachable.
      - A command that runs with C(become) can continue to run on the node. Unless the user of the session is C(root),
        that user is not allowed to end it.
      - V(0) means that there is no limit.
    type: int
    default: 0
    vars:
      - name: ansible_aws_ssm_command_timeout
      - name: ansible_aws_ssm_timeout
  connect_retries:
    description:
      - How many times to try again to start a session if the node is not connected.
      - M(ansible.builtin.wait_for_connection) and M(ansible.builtin.reboot) try again even if it is V(0).
      - Only the start of a session is tried again. The plugin never runs the same command twice.
    type: int
    default: 0
    aliases: [reconnection_retries]
    vars:
      - name: ansible_aws_ssm_connect_retries
      - name: ansible_aws_ssm_retries
  connect_wait:
    description: How many seconds to wait before each retry of O(connect_retries).
    type: int
    default: 5
    vars:
      - name: ansible_aws_ssm_connect_wait
  resume_timeout:
    description:
      - How many seconds to try to resume a session whose connection is lost. Commands on the node keep running.
    type: int
    default: 60
    vars:
      - name: ansible_aws_ssm_resume_timeout
  alive_interval:
    description:
      - How many seconds a running command may be silent before the plugin asks the node for an answer.
      - Each question is input of the session, so it also keeps Session Manager from ending the session as idle.
      - V(0) means that the plugin never asks.
    type: int
    default: 15
    vars:
      - name: ansible_aws_ssm_alive_interval
  alive_count:
    description:
      - How many times O(alive_interval) may pass without an answer. After that, the host is unreachable.
      - Must be 2 or more, because the node is asked after the first interval.
    type: int
    default: 3
    vars:
      - name: ansible_aws_ssm_alive_count
  keepalive_interval:
    description: How many seconds to wait between two WebSocket pings, so that no proxy closes an idle connection.
    type: int
    default: 30
    vars:
      - name: ansible_aws_ssm_keepalive_interval
  idle_timeout:
    description:
      - How many seconds to keep a session that no task uses.
      - Session Manager ends idle sessions, too, after 20 minutes by default. The next task then starts another session.
      - V(0) means that there is no limit here.
    type: int
    default: 1200
    vars:
      - name: ansible_aws_ssm_idle_timeout
  session_lifetime:
    description:
      - The maximum age of a session, in seconds. If a session is older, the plugin ends it as soon as no command runs
        in it. The next command starts another.
      - Set it to the maximum session duration of the document or of the Session Manager preferences, in seconds, minus
        the time of your longest task. Otherwise Session Manager ends the session even if a command runs.
      - V(0) means that there is no limit.
    type: int
    default: 0
    vars:
      - name: ansible_aws_ssm_session_lifetime
  persist:
    description:
      - Whether to keep the sessions after the run, for O(idle_timeout) seconds, so that the next run of the same user
        can use them.
      - By default, they are ended when C(ansible-playbook) or C(ansible) ends.
      - The next run must use the same variables of the connection, the same installation of Ansible and of this
        collection, and the same environment variables E(HOME) and E(XDG_RUNTIME_DIR), C(AWS_*), C(SSL_CERT_*) and those
        of proxies. Otherwise it starts sessions of its own.
      - A background process keeps the sessions. Until the last session ends, this process also keeps the credentials in
        its memory.
    type: bool
    default: false
    vars:
      - name: ansible_aws_ssm_persist
  python_interpreter:
    description:
      - A Python on the node to try first, before C(python3), C(python3.14) to C(python3.8),
        C(/usr/libexec/platform-python) and C(python). An absolute path is tried. Any other value, such as C(auto), is
        ignored.
    type: str
    vars:
      - name: ansible_python_interpreter
      - name: ansible_aws_ssm_python_interpreter
  module_cache:
    description:
      - Whether the node keeps parts of modules in memory, so that they are not sent again with the next task.
      - It keeps at most 32 MiB for each session, and nothing of it on disk. The arguments of the latest module are kept
        in memory, too.
      - Only modules that are sent by pipelining use it.
    type: bool
    default: true
    vars:
      - name: ansible_aws_ssm_module_cache
  fetch_session:
    description:
      - Whether to fetch a file of more than 256 KiB in a second session, which is faster if the connection to AWS
        allows it.
      - The second session uses the document C(AWS-StartNonInteractiveCommand). This requires the permission
        C(ssm:StartSession) on that document, too. Without it, and whenever the second session fails, the file is
        fetched in the session of the host.
      - Has no effect if O(document) is set to another document than the default one.
    type: bool
    default: true
    vars:
      - name: ansible_aws_ssm_fetch_session
  pipelining:
    description:
      - Whether to send a module to the node as the standard input of Python, and not as a file.
      - Unlike with other connection plugins, the default is V(true), because this saves several round trips per task.
      - Pipelining is not possible with a become plugin that requires a terminal.
    type: boolean
    default: true
    env:
      - name: ANSIBLE_PIPELINING
    ini:
      - section: defaults
        key: pipelining
      - section: connection
        key: pipelining
    vars:
      - name: ansible_pipelining
      - name: ansible_aws_ssm_pipelining
  bucket_name:
    description: Has no effect. It is accepted because P(amazon.aws.aws_ssm#connection) has this option.
    type: str
    vars:
      - name: ansible_aws_ssm_bucket_name
  bucket_endpoint_url:
    description: Has no effect. It is accepted because P(amazon.aws.aws_ssm#connection) has this option.
    type: str
    vars:
      - name: ansible_aws_ssm_bucket_endpoint_url
  bucket_sse_mode:
    description: Has no effect. It is accepted because P(amazon.aws.aws_ssm#connection) has this option.
    type: str
    vars:
      - name: ansible_aws_ssm_bucket_sse_mode
  bucket_sse_kms_key_id:
    description: Has no effect. It is accepted because P(amazon.aws.aws_ssm#connection) has this option.
    type: str
    vars:
      - name: ansible_aws_ssm_bucket_sse_kms_key_id
  s3_addressing_style:
    description: Has no effect. It is accepted because P(amazon.aws.aws_ssm#connection) has this option.
    type: str
    vars:
      - name: ansible_aws_ssm_s3_addressing_style
  plugin:
    description: Has no effect. It is accepted because P(amazon.aws.aws_ssm#connection) has this option.
    type: str
    vars:
      - name: ansible_aws_ssm_plugin
requirements:
  - python >= 3.11
  - boto3 >= 1.34.0
  - botocore >= 1.34.0
  - websockets >= 13.0
  - cryptography, which ansible-core also requires, for sessions that are encrypted with an AWS KMS key
  - the collection amazon.aws >= 10.1.0
notes:
  - Requires the permission C(ssm:StartSession) on the node and on the document, and C(ssm:ResumeSession) and
    C(ssm:TerminateSession) on the caller's own sessions.
  - Nodes that run Windows are not supported. Use P(amazon.aws.aws_ssm#connection) for them.
  - M(ansible.posix.synchronize) is not supported. Use M(ansible.builtin.copy) or M(ansible.builtin.unarchive).
  - If the document, or the Session Manager preferences of the account, log sessions, the log contains the results of
    all tasks in an encoded form, also of tasks with C(no_log), and all files that are fetched. Treat the log as secret,
    or use a document without logging.
seealso:
  - plugin: sessionops.aws.aws_ssm
    plugin_type: inventory
  - plugin: sessionops.aws.end_sessions
    plugin_type: callback
  - module: sessionops.aws.ssm_document
  - module: sessionops.aws.ssm_session_info
  - module: sessionops.aws.ssm_session_terminate
"""

EXAMPLES = r"""
# An inventory that finds the nodes and sets the variables of this connection plugin (fleet.aws_ssm.yml).
# The filter leaves out nodes that run Windows.
plugin: sessionops.aws.aws_ssm
regions:
  - us-east-1
filters:
  PlatformTypes: Linux
connection: sessionops.aws.aws_ssm
---
# The same without this inventory plugin (hosts.yml)
all:
  hosts:
    web-1:
      ansible_host: i-0123456789abcdef0
    lab-1:
      ansible_host: mi-0123456789abcdef0
  vars:
    ansible_connection: sessionops.aws.aws_ssm
    ansible_aws_ssm_region: us-east-1
---
# A playbook for either inventory
- name: Install a web server
  hosts: all
  tasks:
    - name: Show who runs the commands
      ansible.builtin.command: id
      changed_when: false

    - name: Install a package as root
      ansible.builtin.package:
        name: nginx
      become: true

    - name: Restart the node, and wait until it is connected again
      ansible.builtin.reboot:
      become: true

    - name: Wait for a port from the controller
      ansible.builtin.wait_for:
        host: "{{ ansible_facts.fqdn }}"
        port: 443
      delegate_to: localhost
      vars:
        ansible_connection: local
"""

import contextlib
import errno
import functools
import os
import stat
import tempfile
import time
import weakref
from collections.abc import Iterator
from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError, AnsibleFileNotFound
from ansible.plugins.connection import ConnectionBase
from ansible_collections.sessionops.aws.plugins.plugin_utils._connection import starting
from ansible_collections.sessionops.aws.plugins.plugin_utils._connection.become import Escalation
from ansible_collections.sessionops.aws.plugins.plugin_utils._connection.options import UNUSED, read
from ansible_collections.sessionops.aws.plugins.plugin_utils._connection.settings import DOCUMENT, Settings, variable
from ansible_collections.sessionops.aws.plugins.plugin_utils._connection.showing import show
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.errors import (
    GoneError,
    JobError,
    NotSentError,
    SessionError,
    TooLongError,
)
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.jobs import Jobs
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.remote import Remote
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.words import in_words

_LARGE = 256 * 1024  # bytes of a file; below that, a second session takes longer than it saves


class Connection(ConnectionBase):
    """Run commands and transfer files over the session of the host, which another process holds."""

    transport = "sessionops.aws.aws_ssm"
    has_tty = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._remote: Remote | None = None
        self._jobs: Jobs | None = None
        self._said: dict[str, Any] | None = None  # the settings that the holder was told

    @property
    def _play_context(self) -> Any:
        return self._context

    @_play_context.setter
    def _play_context(self, context: Any) -> None:
        """Keep the context that ansible-core sets for each item of a loop, with an address that is not a template.

        ansible-core compares the address with that of the next item, to decide whether to go on with this connection.
        """
        self._context = context
        if "{{" in str(context.remote_addr or "") and getattr(self, "_options", None):
            context.remote_addr = self._option("host")

    @property
    def has_pipelining(self) -> bool:  # type: ignore[override] # theirs is an attribute, and is only read
        """Whether a module can be standard input, which a become plugin that requires a terminal prevents."""
        return not getattr(self.become, "require_tty", False)

    @property
    def default_user(self) -> str:  # type: ignore[override] # as above
        """The user that commands run as. ansible-core asks for it to decide whether to become another."""
        return self._open().node.user

    def _connect(self) -> Connection:
        self._open()
        return self

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        """Run a command, and return its exit status and what it printed."""
        self._tell(3, f"EXEC {cmd}")
        command = cmd.encode("utf-8", "surrogateescape")
        become = self.become if sudoable and getattr(self.become, "success", None) else None
        started = time.monotonic()
        with self._explained("The command may have run."), self._explaining("Could not run the command"):
            status, out, err = self._run(self._open(), command, in_data, become)
        taken = time.monotonic() - started
        self._tell(3, f"RC {status}, {len(out)} and {len(err)} bytes, {taken:.2f} s")
        return status, out, err

    def put_file(self, in_path: str, out_path: str) -> None:
        """Copy a file to the node."""
        self._tell(3, f"PUT {in_path} TO {out_path}")
        try:
            source = open(in_path, "rb")  # noqa: SIM115 - only this line may fail because the file is missing
        except FileNotFoundError:
            raise AnsibleFileNotFound(f"The file {in_path} does not exist on the controller.") from None
        except OSError as error:
            raise AnsibleError(f"Could not read {in_path} on the controller: {error.strerror}.") from None
        with source, self._explained(), self._explaining(f"Could not copy {in_path} to {out_path}"):
            self._open().put(source, out_path.encode("utf-8", "surrogateescape"))

    def fetch_file(self, in_path: str, out_path: str) -> None:
        """Copy a file from the node."""
        self._tell(3, f"FETCH {in_path} TO {out_path}")
        path = os.path.realpath(out_path)
        with self._explained(), self._explaining(f"Could not fetch {in_path} to {out_path}"):
            mode = _mode_for(path)
            handle, beside = tempfile.mkstemp(dir=os.path.dirname(path))
            try:
                with os.fdopen(handle, "wb") as target:
                    jobs = self._open()
                    jobs.get(in_path.encode("utf-8", "surrogateescape"), target, self._most_in_one_session())
                os.chmod(beside, mode)
                os.replace(beside, path)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(beside)
                raise

    def reset(self) -> None:
        """End the session of the host. The next task starts another."""
        self.close()
        settings = self._settings()
        with self._explained():
            starting.ask("reset", self._tell, settings.as_json(), persist=settings.persist)

    def close(self) -> None:
        """Disconnect from the process that holds the session. It ends what still runs, and keeps the session."""
        remote, self._remote, self._jobs, self._connected = self._remote, None, None, False
        if remote is not None:
            remote.close()

    def _settings(self) -> Settings:
        return read(self.get_option_and_origin, str(self._play_context.remote_addr))

    def _open(self) -> Jobs:
        """Return what runs jobs in the session of the host.

        ansible-core gives one connection to all items of a loop, and sets the options of each.
        """
        settings = self._settings()
        said = settings.as_json()
        if self._jobs is not None and self._remote is not None and said == self._said and self._remote.is_there():
            return self._jobs
        self.close()
        if getattr(self._shell, "_IS_WINDOWS", False):
            raise AnsibleConnectionFailure(
                "sessionops.aws.aws_ssm does not support nodes that run Windows. Use amazon.aws.aws_ssm."
            )
        self._warn_of_unused()
        try:
            with self._explained():
                try:
                    jobs = self._take_part(said, settings.persist)
                except GoneError:  # it ended at the same moment, and nothing was sent to the node
                    jobs = self._take_part(said, settings.persist)
        except BaseException:
            self.close()
            raise
        self._jobs, self._said, self._connected = jobs, said, True
        self._tell(3, f"SESSION with {settings.target}, as {jobs.node.user}")
        if not jobs.node.python:
            self._tell(
                0,
                "No Python 3.8 or newer was found on the node, so only raw works. Install Python with raw. If it is "
                "there, but not in the PATH of the session, set ansible_python_interpreter to its path.",
            )
        return jobs

    def _take_part(self, said: dict[str, Any], persist: bool) -> Jobs:
        """Connect to the holder, and return what runs jobs in a session with these settings."""
        self.close()
        # Without a reference to this object. Otherwise the socket of a connection that ansible-core drops stays open.
        tell = functools.partial(show, str(self._play_context.remote_addr))
        self._remote = remote = Remote(starting.find_or_start(persist), tell)
        weakref.finalize(self, remote.close)  # ansible-core drops connections without closing them
        return Jobs(remote, remote.open(said), tell)

    def _most_in_one_session(self) -> int | None:
        """Return how many bytes a file may have to be fetched in the session of the host; None if that is all files."""
        uses_default = (self._option("document") or DOCUMENT) == DOCUMENT
        return _LARGE if uses_default and self._option("fetch_session") else None

    def _run(self, jobs: Jobs, command: bytes, in_data: bytes | None, become: Any) -> tuple[int, bytes, bytes]:
        limit = self._option("command_timeout") or None
        if become is None:
            ended = jobs.run(command, in_data, limit, reuse=self._option("module_cache"))
            return ended.status, ended.out, ended.err
        escalation = Escalation(become)
        if not jobs.node.python:
            return self._run_without_dialogue(jobs, command, escalation, limit)
        stdin = "terminal" if getattr(become, "require_tty", False) else "open"
        job = jobs.execute(command, stdin, escalation.take)
        escalation.send = functools.partial(jobs.feed_now, job)
        seconds = self._option("timeout")
        if not jobs.wait_until(lambda: escalation.is_over or job.is_over, job, seconds):
            jobs.abandon(job)
            did = "neither asked for a password nor started"
            if escalation.is_answered:
                did = "got the password, but did not start"
            raise AnsibleConnectionFailure(
                f"{become.name} {did} the command within {in_words(seconds)}. To allow more time, raise "
                "ansible_aws_ssm_connect_timeout."
            )
        jobs.give(job, in_data or b"", reuse=self._option("module_cache"))
        status = jobs.finish(job, limit).status
        return status, escalation.out, escalation.err

    def _run_without_dialogue(
        self, jobs: Jobs, command: bytes, escalation: Escalation, limit: float | None
    ) -> tuple[int, bytes, bytes]:
        """Run a command on a node without Python, where it has no input and all output comes at its end."""
        if escalation.has_password:
            raise JobError("a password for become requires Python 3.8 or newer on the node, where none was found")
        ended = jobs.run(command, None, limit)
        escalation.take("e", ended.err)
        escalation.take("o", ended.out)
        return ended.status, escalation.out, escalation.err

    @contextlib.contextmanager
    def _explained(self, addition: str = "") -> Iterator[None]:
        """Turn failures of the session into errors of Ansible. ``addition`` is for those after something was sent."""
        try:
            yield
        except NotSentError as error:
            raise AnsibleConnectionFailure(str(error)) from None
        except SessionError as error:
            self.close()
            raise AnsibleConnectionFailure(f"{error} {addition}".strip()) from None
        except TooLongError as error:
            remedy = "To allow more time, raise ansible_aws_ssm_command_timeout."
            raise AnsibleConnectionFailure(f"The command {error}. {remedy}") from None
        except BaseException as error:
            if not isinstance(error, Exception):  # the time limit of a task, which may come in the middle of a step
                self.close()
            raise

    @contextlib.contextmanager
    def _explaining(self, what: str) -> Iterator[None]:
        try:
            yield
        except JobError as error:
            raise AnsibleError(f"{what}: {error}.") from None
        except OSError as error:  # of a file on the controller
            raise AnsibleError(f"{what}: {error.strerror or error}, on the controller.") from None

    def _warn_of_unused(self) -> None:
        given = [variable(name) for name in UNUSED if self._option(name)]
        if given:
            show(
                "",
                0,
                "sessionops.aws.aws_ssm needs neither a bucket nor the Session Manager plugin. These variables have no "
                f"effect: {', '.join(given)}.",
            )

    def _option(self, name: str) -> Any:
        return self.get_option(name)  # type: ignore[no-untyped-call] # theirs has no hints

    def _tell(self, verbosity: int, text: str) -> None:
        show(str(self._play_context.remote_addr), verbosity, text)


def _mode_for(path: str) -> int:
    """Return the mode for a file: that of the one that it replaces, which may be secret, or that of a new one.

    Raises ``OSError`` if something else than a file would be replaced.
    """
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is not a regular file")
    return mode & 0o777
