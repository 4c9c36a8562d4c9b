# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Call AWS for the sessions with one node, and say how their WebSockets are reached."""

from __future__ import annotations

import contextlib
import functools
import json
import time
import urllib.parse
from collections.abc import Callable
from typing import Any

from ansible_collections.sessionops.aws.plugins.module_utils._ssm import api
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.errors import NOT_CONNECTED, SSMError

from .._assumed_role import connect
from .._environment import without_empty_variables
from .._session.lines import bootstrap
from .._session.link import CallError, Started
from .._session.stream import Route
from .interrupts import held
from .options import DOCUMENT, PARAMETER, Settings

try:
    from botocore.utils import get_environ_proxies
except ImportError:
    pass  # the plugin reports a missing boto3

ROLE_SESSION = "ansible_aws_ssm_connection"
# A call must not wait longer than a node may stay silent.
_CLIENT = {"connect_timeout": 10, "read_timeout": 20}
_TEMPORARY = frozenset({"InternalServerError", "ThrottlingException", "Throttling", "ServiceUnavailable"})


class Calls:
    """The calls of AWS for the sessions with one node. They raise ``CallError``.

    ``tell`` takes a verbosity and a line of text for the user.
    """

    def __init__(self, settings: Settings, tell: Callable[[int, str], None]) -> None:
        """Connect to AWS. Makes no call, except to assume a role."""
        self._settings = settings
        self._tell = tell
        self._unended: str | None = None
        try:
            with without_empty_variables():
                self._connection = connect(
                    settings.region, settings.endpoint, settings.credentials, settings.role, ROLE_SESSION
                )
                self._client = self._connection.client("ssm", settings.region, **_CLIENT)
        except SSMError as error:
            raise CallError(_with_region(str(error)), lasting=True) from None
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
            parameters[self._parameter] = [bootstrap(self._settings.interpreters)]
        if parameters:
            request["Parameters"] = parameters
        left = self._settings.attempts
        while True:
            left -= 1
            try:
                with held():
                    reply = api.start_session(self._client, self._settings.target, request)
                    self._unended = reply["SessionId"]
            except SSMError as error:
                if not (left and error.code in NOT_CONNECTED):
                    raise self._why_not_started(error) from None
                self._tell(3, f"{error} Waiting {self._settings.wait:g} s")
                time.sleep(self._settings.wait)
            else:
                return self._started(reply)

    def resume(self, session_id: str) -> str | None:
        """Return a new token for the session; None if it has ended."""
        try:
            return api.resume_session(self._hurried, session_id)
        except SSMError as error:
            # The same call may succeed if nobody replied, or if AWS said that it is busy.
            lasting = error.code is not None and error.code not in _TEMPORARY and not error.may_have_worked
            raise CallError(str(error), lasting=lasting) from None

    def terminate(self, session_id: str) -> None:
        """End the session. Without the permission for it, the session ends at its own time limits."""
        try:
            with held():
                self._unended = None
                api.terminate_session(self._hurried, session_id)
        except SSMError as error:
            raise CallError(str(error), lasting=True, denied=error.denied) from None

    def give_up(self) -> None:
        """End the session that was started last, unless it was ended already. Raises nothing that a call raises."""
        if self._unended is not None:
            with contextlib.suppress(CallError):
                self.terminate(self._unended)

    def route(self, url: str) -> Route:
        """Return how a WebSocket is reached: through the proxies, and with the certificates, that botocore uses."""
        parts = urllib.parse.urlsplit(url)
        scheme = "http" if parts.scheme == "ws" else "https"
        trusted = self._connection.trusted_certificates()
        proxies = get_environ_proxies(f"{scheme}://{parts.netloc}/")
        return Route(proxies.get(scheme, ""), trusted, verify=trusted is not None)

    @functools.cached_property
    def _hurried(self) -> Any:
        """A client whose calls fail early, because something waits for them."""
        retries = {"mode": "standard", "total_max_attempts": 2}
        with without_empty_variables():
            return self._connection.client("ssm", self._settings.region, **_CLIENT, retries=retries)

    def _started(self, reply: dict[str, Any]) -> Started:
        """Return the reply of StartSession. Raises ``CallError`` for a stream that must not be used, and ends it."""
        try:
            return Started(reply["SessionId"], reply["TokenValue"], self._stream_url(reply["StreamUrl"]))
        except CallError:
            self.give_up()
            raise

    def _stream_url(self, given: str) -> str:
        """Return the URL of the WebSocket, on the host that the settings name. Raises ``CallError``."""
        parts = urllib.parse.urlsplit(given)
        if self._settings.stream_endpoint:
            wanted = urllib.parse.urlsplit(self._settings.stream_endpoint)
            scheme = {"https": "wss", "http": "ws"}.get(wanted.scheme, wanted.scheme)
            parts = parts._replace(scheme=scheme, netloc=wanted.netloc)
        plain = self._client.meta.endpoint_url.startswith("http://")
        if parts.scheme != "wss" and not (plain and parts.scheme == "ws"):
            raise CallError("Session Manager returned a stream that is not encrypted.", lasting=True)
        return urllib.parse.urlunsplit(parts)

    def _command_parameter(self) -> str:
        """Return the parameter of the document that takes the command; an empty text if it runs a shell."""
        settings = self._settings
        if settings.command_parameter is not None:
            return settings.command_parameter
        if settings.document == DOCUMENT:
            return PARAMETER
        try:
            found = api.get_document(self._client, settings.document, "$LATEST", "JSON")
            content = json.loads(found["Content"]) if found else {}
        except (SSMError, ValueError) as error:
            self._tell(3, f"{error} Taking {PARAMETER} for the parameter of the document that has the command.")
            return PARAMETER
        if content.get("sessionType") == "Standard_Stream":
            return ""
        declared = list(content.get("parameters") or {})
        return PARAMETER if PARAMETER in declared or len(declared) != 1 else str(declared[0])

    def _why_not_started(self, error: SSMError) -> CallError:
        """Return an error that says what would help."""
        text = _with_region(str(error))
        if error.code in NOT_CONNECTED and not self._settings.looks_like_target:
            text += " This is not the ID of a node. Set ansible_aws_ssm_instance_id or ansible_host to it."
        elif error.code in NOT_CONNECTED:
            text += " Check it with sessionops.aws.ssm_connection_status."
        elif error.denied and self._settings.document == DOCUMENT:
            text += f" If policies do not allow {DOCUMENT}, set ansible_aws_ssm_document to a document that they allow."
        return CallError(text, lasting=True)


def _with_region(text: str) -> str:
    return f"{text} Set ansible_aws_ssm_region or AWS_REGION." if "specify a region" in text else text
