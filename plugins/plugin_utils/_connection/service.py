# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Call AWS for the sessions with one node, and say how their WebSockets are reached."""

from __future__ import annotations

import json
import random
import threading
import time
import urllib.parse
import weakref
from collections.abc import Callable
from typing import Any, TypeVar

from ansible_collections.sessionops.aws.plugins.module_utils._ssm import api
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.errors import (
    BAD_CREDENTIALS,
    MISSING_DOCUMENT,
    NOT_CONNECTED,
    NOT_TERMINABLE,
    SSMError,
    advice,
)

from .._assumed_role import connect
from .._environment import without_empty_variables
from .._session.encryption import KEY_SIZE, DataKey
from .._session.errors import CallError
from .._session.lines import bootstrap
from .._session.link import Pause, Started
from .._session.stream import NOT_TRUSTED, PROXY_CREDENTIALS, Route, StreamError, check_certificates
from .settings import DOCUMENT, PARAMETER, Settings, variable

try:
    from botocore import exceptions as boto
    from botocore.utils import get_environ_proxies
except ImportError:
    pass  # the plugin reports a missing boto3

_Reply = TypeVar("_Reply")

ROLE_SESSION = "ansible_aws_ssm_connection"
# A call must not wait longer than a node may stay silent.
_ONE_ATTEMPT: dict[str, Any] = {
    "connect_timeout": 10,
    "read_timeout": 20,
    "retries": {"mode": "standard", "total_max_attempts": 1},
}
# Signals wait for the end of TerminateSession, and all sessions with a role wait for AssumeRole.
_FIVE_ATTEMPTS: dict[str, Any] = {
    "connect_timeout": 5,
    "read_timeout": 5,
    "retries": {"mode": "standard", "total_max_attempts": 5},
}
# SSM Agent waits 15 seconds for a data key, and the session takes and sends nothing meanwhile.
_TWO_ATTEMPTS: dict[str, Any] = {
    "connect_timeout": 3,
    "read_timeout": 4,
    "retries": {"mode": "standard", "total_max_attempts": 2},
}
# How often StartSession is tried if it is certain that no session was started. Many hosts start theirs at once.
_THROTTLED_ATTEMPTS, _UNSENT_ATTEMPTS = 8, 3
_LONGEST_PAUSE = 20.0
# What StartSession returns for parameters that the document does not have or allow.
_WRONG_REQUEST = frozenset({"InvalidParameters", "ValidationException"})
_CONTROLLER = frozenset({"localhost", "127.0.0.1", "::1"})
_LEFT = "The session stays open until its time limits. To end it earlier, use sessionops.aws.ssm_session_terminate."
_KEY_OF_DOCUMENT = (
    "The key encrypts the session. It is set as kmsKeyId in the Session document or in the preferences of Session "
    "Manager."
)
_IF_SHELL = (
    "If the session type of the document is Standard_Stream, set ansible_aws_ssm_document_command_parameter to an "
    "empty string. Otherwise, set it to the name of the parameter for the command."
)
_MAY_BE_LEFT = (
    "Session Manager may have started a session in spite of this. It then stays open until its time limits. To end it "
    "earlier, use sessionops.aws.ssm_session_terminate."
)


class Clients:
    """Clients that sign the calls for some settings."""

    def __init__(self, settings: Settings) -> None:
        """Connect to AWS. Makes no call, except to assume a role. Raises ``CallError``."""
        try:
            check_certificates(settings.credentials.get("verify") or None)
            with without_empty_variables():
                connection = connect(
                    settings.region,
                    settings.endpoint,
                    settings.credentials,
                    settings.role,
                    ROLE_SESSION,
                    **_FIVE_ATTEMPTS,
                )
                self.certificates = connection.trusted_certificates()
                check_certificates(self.certificates)
                self.once = connection.client("ssm", settings.region, **_ONE_ATTEMPT)
                # For calls that may be carried out twice.
                self.repeating = connection.client("ssm", settings.region, **_FIVE_ATTEMPTS)
        except StreamError as error:
            raise CallError(str(error), lasting=True) from None
        except SSMError as error:
            raise CallError(_text(error), lasting=True) from None
        self._connection = connection
        self._lock = threading.Lock()
        self._kms: Any = None

    def kms(self) -> Any:
        """Return a client of AWS KMS. It is made when it is first used, because few sessions are encrypted."""
        with self._lock:
            if self._kms is None:
                region = self.once.meta.region_name
                with without_empty_variables():
                    self._kms = self._connection.client("kms", region, use_endpoint=False, **_TWO_ATTEMPTS)
            return self._kms


class Account:
    """The clients of all sessions with the same credentials, region and endpoint. Threads can share it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._clients: Clients | None = None
        self._failure: CallError | None = None  # the latest
        self.no_fetch: CallError | None = None  # why no session can be started that prints a file

    def clients(self, refused: Clients | None = None) -> Clients:
        """Return the clients. They are made anew in place of those whose credentials were refused.

        A profile is read again then, so that renewed credentials are found. Raises ``CallError``, also for all who
        wait for an attempt that fails, because each can take long.
        """
        before = self._failure
        with self._lock:
            if self._failure not in (None, before):
                raise CallError(str(self._failure), lasting=True)
            if self._clients is None or self._clients is refused:
                try:
                    self._clients = Clients(self._settings)
                except CallError as error:
                    self._failure = error
                    raise
                self._failure = None
            return self._clients


class Accounts:
    """The accounts that are in use. Threads can share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: weakref.WeakValueDictionary[str, Account] = weakref.WeakValueDictionary()

    def get(self, settings: Settings) -> Account:
        """Return the account for some settings."""
        with self._lock:
            account = self._known.get(settings.account_key) or Account(settings)
            self._known[settings.account_key] = account
            return account


class Calls:
    """The calls of AWS for the sessions with one node. They raise ``CallError``.

    ``tell`` takes a verbosity and a line of text for the user. ``pause`` waits for some seconds; what it raises ends
    the attempts to start a session.
    """

    def __init__(
        self,
        settings: Settings,
        tell: Callable[[int, str], None],
        accounts: Accounts | None = None,
        pause: Pause = time.sleep,
        command: str = "",
    ) -> None:
        """Connect to AWS. Sessions run ``command``, which is the bootstrap of the helper by default."""
        self._settings = settings
        self._command = command or bootstrap(settings.interpreters)
        self._tell = tell
        self._sleep = pause
        self._account = (accounts or Accounts()).get(settings)
        self._clients = self._account.clients()
        self._unread = ""  # why the document could not be read
        self._parameter = self._command_parameter()

    @property
    def typed(self) -> bool:
        """Whether the session runs a shell, and takes no command as a parameter."""
        return not self._parameter

    def start(self) -> Started:
        """Start a session. If the node is not connected, try again as often as the settings say."""
        request: dict[str, Any] = {"DocumentName": self._settings.document, "Reason": self._settings.reason}
        parameters = dict(self._settings.parameters)
        if self._parameter:
            parameters[self._parameter] = [self._command]
        if parameters:
            request["Parameters"] = parameters
        left = self._settings.attempts
        while True:
            left -= 1
            try:
                reply = self._start(request)
            except SSMError as error:
                if not (left and error.code in NOT_CONNECTED):
                    raise self._why_not_started(error) from None
                self._tell(3, f"{error} Waiting {self._settings.wait:g} s")
                self._sleep(self._settings.wait)
            else:
                return self._started(reply)

    def _start(self, request: dict[str, Any]) -> dict[str, Any]:
        """Call StartSession. Call it again only after an attempt that certainly started no session.

        The call is not idempotent, so botocore must not retry it: if a reply is lost, the session of that reply would
        be left.
        """
        attempt = 0
        while True:
            attempt += 1
            try:
                return self._signed(lambda clients: api.start_session(clients.once, self._settings.target, request))
            except SSMError as error:
                most = _THROTTLED_ATTEMPTS if error.throttled else _UNSENT_ATTEMPTS if error.not_sent else 1
                if attempt >= most:
                    raise
                self._tell(4, f"{error} Attempt {attempt} of {most}.")
            self._sleep(random.random() * min(2.0 ** (attempt - 1), _LONGEST_PAUSE))  # noqa: S311 - not a secret

    def resume(self, session_id: str) -> str | None:
        """Return a new token for the session; None if it has ended. Whoever calls it tries again."""
        try:
            return self._signed(lambda clients: api.resume_session(clients.once, session_id))
        except SSMError as error:
            raise CallError(_text(error), lasting=_is_lasting(error)) from None

    def terminate(self, session_id: str) -> None:
        """End the session, unless it has ended already. If that fails, the error says that it is left."""
        try:
            self._signed(lambda clients: api.terminate_session(clients.repeating, session_id))
        except SSMError as error:
            if error.code not in NOT_TERMINABLE:
                raise CallError(f"{_text(error)} {_LEFT}", lasting=True) from None

    def data_key(self, session_id: str, key_id: str, challenge: str) -> DataKey:
        """Return a data key of an AWS KMS key. SSM Agent decrypts it with the same encryption context."""
        context = {"aws:ssm:SessionId": session_id, "aws:ssm:TargetId": self._settings.target}
        if challenge:
            context["aws:ssm:RandomChallenge"] = challenge
        try:
            reply = self._signed(lambda clients: api.generate_data_key(clients.kms(), key_id, KEY_SIZE, context))
        except SSMError as error:
            raise CallError(f"{_text(error, _kms_variable)} {_KEY_OF_DOCUMENT}", lasting=True) from None
        return DataKey(reply["Plaintext"], reply["CiphertextBlob"])

    def route(self, url: str) -> Route:
        """Return how a WebSocket is reached: through the proxies, and with the certificates, that botocore uses."""
        parts = urllib.parse.urlsplit(url)
        scheme = "http" if parts.scheme == "ws" else "https"
        trusted = self._clients.certificates
        proxies = get_environ_proxies(f"{scheme}://{parts.netloc}/")
        return Route(proxies.get(scheme, ""), trusted, verify=trusted is not None)

    def _signed(self, call: Callable[[Clients], _Reply]) -> _Reply:
        """Make a call. If the credentials are not valid any more, read them again, and make the call once more."""
        try:
            return call(self._clients)
        except SSMError as error:
            if error.code not in BAD_CREDENTIALS:
                raise
        self._clients = self._account.clients(self._clients)
        return call(self._clients)

    def _started(self, reply: dict[str, Any]) -> Started:
        """Return the reply of StartSession. Raises ``CallError`` for a stream that must not be used, and ends it."""
        try:
            return Started(reply["SessionId"], reply["TokenValue"], self._stream_url(reply["StreamUrl"]))
        except CallError:
            self._end_unused(reply["SessionId"])
            raise

    def _end_unused(self, session_id: str) -> None:
        try:
            self.terminate(session_id)
        except CallError as error:
            self._tell(0, str(error))

    def _stream_url(self, given: str) -> str:
        """Return the URL of the WebSocket, on the host that the settings name. Raises ``CallError``."""
        try:
            parts = urllib.parse.urlsplit(given)
            usable = bool(parts.hostname) and parts.port != 0  # reading the port checks it
        except ValueError:
            usable = False
        if not usable:
            text = "Session Manager returned a stream whose URL is not valid. Check ansible_aws_ssm_endpoint_url."
            raise CallError(text, lasting=True)
        if self._settings.stream_endpoint:
            wanted = urllib.parse.urlsplit(self._settings.stream_endpoint)
            scheme = {"https": "wss", "http": "ws"}.get(wanted.scheme, wanted.scheme)
            parts = parts._replace(scheme=scheme, netloc=wanted.netloc)
        plain = self._clients.once.meta.endpoint_url.startswith("http://")
        if parts.scheme != "wss" and not (plain and parts.scheme == "ws"):
            raise CallError(
                "The session has a stream that is not encrypted. Set ansible_aws_ssm_stream_endpoint_url to a URL that "
                "begins with https://.",
                lasting=True,
            )
        return urllib.parse.urlunsplit(parts)

    def _command_parameter(self) -> str:
        """Return the parameter of the document that takes the command; an empty text if it runs a shell."""
        settings = self._settings
        if settings.command_parameter is not None:
            return settings.command_parameter
        if settings.document == DOCUMENT:
            return PARAMETER
        try:
            found = self._signed(
                lambda clients: api.get_document(clients.repeating, settings.document, "$LATEST", "JSON")
            )
            content = json.loads(found["Content"]) if found else {}
        except (SSMError, ValueError) as error:
            self._tell(3, f"Could not read the document: {error} Passing the command in its parameter {PARAMETER}.")
            self._unread = str(error)
            return PARAMETER
        kind = content.get("sessionType", "InteractiveCommands")
        if kind not in ("InteractiveCommands", "Standard_Stream"):
            text = f"The document {settings.document} has the session type {kind}."
            remedy = "Set ansible_aws_ssm_document to a document of the type InteractiveCommands or Standard_Stream."
            raise CallError(f"{text} {remedy}", lasting=True)
        if kind == "Standard_Stream":
            return ""
        declared = list(content.get("parameters") or {})
        return PARAMETER if PARAMETER in declared or len(declared) != 1 else str(declared[0])

    def _why_not_started(self, error: SSMError) -> CallError:
        """Return an error that says what would help."""
        text = " ".join(filter(None, (_text(error), self._remedy(error))))
        return CallError(text, lasting=_is_lasting(error) and error.code not in NOT_CONNECTED)

    def _remedy(self, error: SSMError) -> str:
        """Return what would help after StartSession failed; an empty text if nothing is known."""
        document = self._settings.document
        if error.throttled:
            return "Try again later, or start fewer sessions at once: lower forks below 20, or use throttle or serial."
        if error.failed_inside or (error.may_have_worked and error.http_status < 400):
            return _MAY_BE_LEFT
        if error.code in NOT_CONNECTED:
            return self._why_not_connected()
        if error.denied and document == DOCUMENT:
            return f"If policies do not allow {DOCUMENT}, set ansible_aws_ssm_document to a document that they allow."
        if error.code in MISSING_DOCUMENT:
            return "Check ansible_aws_ssm_document and ansible_aws_ssm_region."
        if error.code in _WRONG_REQUEST:
            parameters = "ansible_aws_ssm_document_parameters and ansible_aws_ssm_document_command_parameter"
            check = f"Check the target {self._settings.target}, ansible_aws_ssm_document, {parameters}."
            return f"{check} {self._unread} {_IF_SHELL}" if self._unread else check
        return ""

    def _why_not_connected(self) -> str:
        """Return what would help if a target is not connected. AWS does not say whether there is such a node."""
        if self._settings.target in _CONTROLLER:
            return "A task on the controller requires the variable ansible_connection with the value local."
        if not self._settings.looks_like_target:
            target = self._settings.target
            return f"{target} is not the ID of a node. Set ansible_aws_ssm_instance_id or ansible_host to the ID."
        return (
            f"If the node is in the region {self._clients.once.meta.region_name}, check it with "
            "sessionops.aws.ssm_connection_status. Otherwise, set ansible_aws_ssm_region."
        )


def _is_lasting(error: SSMError) -> bool:
    """Whether the same call would fail again. It may succeed if nobody replied, or if AWS said that it is busy."""
    return not (error.code is None or error.throttled or error.http_status >= 500 or error.may_have_worked)


def _kms_variable(option: str) -> str:
    """Return the variable of an option, for calls of AWS KMS."""
    return "AWS_ENDPOINT_URL_KMS" if option == "endpoint_url" else variable(option)


def _text(error: SSMError, named: Callable[[str], str] = variable) -> str:
    """Return what an error says, with the variables of a host in place of the options of a module."""
    text, cause = str(error), error.exception
    general, here = advice(cause), advice(cause, named)
    if general:
        text = text.replace(f"{general}.", f"{here}.")
    if "specify a region" in text or "region_name" in text:
        return f"{text} Set ansible_aws_ssm_region or AWS_REGION."
    if isinstance(cause, boto.ProxyConnectionError):
        return f"{text} {PROXY_CREDENTIALS if ' 407 ' in str(cause.kwargs.get('error')) else 'Check HTTPS_PROXY.'}"
    if isinstance(cause, boto.SSLError):
        return f"{text} {NOT_TRUSTED}"
    return text
