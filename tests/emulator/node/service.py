# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a node asks of the message gateway: tokens, by POST, and the WebSockets that these open."""

from __future__ import annotations

import http.client
import json
import re
import uuid
from collections.abc import Mapping
from urllib.parse import quote

from .settings import Settings
from .signing import signed_headers
from .websocket import SocketClosedError, WebSocket

POST_SECONDS = 15.0
SCHEMA = "1.0"
# A token has no characters that XML escapes.
_TOKEN = re.compile(r"<TokenValue>([^<&]+)</TokenValue>")
_ALREADY_TERMINATED = "Session is already terminated"


class ServiceError(Exception):
    """The gateway gave no token, or no WebSocket."""


class SessionTerminatedError(ServiceError):
    """The gateway says that the session has ended. The agent does not try again then."""


class Service:
    """The message gateway, as one node sees it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._host = f"{settings.host}:{settings.port}"

    def open_control_channel(self) -> WebSocket:
        """Return a control channel whose token was sent. Raises ``ServiceError``."""
        settings = self.settings
        path = f"/v1/control-channel/{quote(settings.node_id, safe='')}"
        token = self._create(path, {})
        opened = self._open(f"{path}?role=subscribe&stream=input")
        said = {
            "Cookie": None,
            "MessageSchemaVersion": SCHEMA,
            "RequestId": str(uuid.uuid4()),
            "TokenValue": token,
            "AgentVersion": settings.agent_version,
            "PlatformType": settings.platform,
        }
        return _introduced(opened, said)

    def open_data_channel(self, session_id: str) -> WebSocket:
        """Return a data channel whose token was sent. Raises ``ServiceError``."""
        path = f"/v1/data-channel/{quote(session_id, safe='')}"
        token = self._create(path, {"ClientId": ""})
        opened = self._open(f"{path}?role=publish_subscribe")
        said = {
            "MessageSchemaVersion": SCHEMA,
            "RequestId": str(uuid.uuid4()),
            "TokenValue": token,
            "ClientInstanceId": self.settings.node_id,
            "ClientId": "",
        }
        return _introduced(opened, said)

    def _create(self, path: str, more: dict[str, str]) -> str:
        """Return the token of a new channel."""
        body = json.dumps({"MessageSchemaVersion": SCHEMA, "RequestId": str(uuid.uuid4()), **more}).encode()
        headers = signed_headers(self.settings, "POST", path, self._host, body)
        connection = http.client.HTTPConnection(self.settings.host, self.settings.port, timeout=POST_SECONDS)
        try:
            connection.request("POST", path, body, {"Content-Type": "application/json", **headers})
            response = connection.getresponse()
            status, answer = response.status, response.read().decode("utf-8", "replace")
        except (OSError, http.client.HTTPException) as error:
            raise ServiceError(f"{path}: {type(error).__name__}") from None
        finally:
            connection.close()
        found = _TOKEN.search(answer)
        if status == http.client.CREATED and found is not None:
            return found[1]
        if _ALREADY_TERMINATED in answer:
            raise SessionTerminatedError(_ALREADY_TERMINATED)
        raise ServiceError(f"{path}: no token, status {status}")

    def _open(self, target: str) -> WebSocket:
        opened = WebSocket(self.settings.host, self.settings.port, target)
        try:
            opened.open(signed_headers(self.settings, "GET", target, self._host))
        except SocketClosedError as error:
            raise ServiceError(str(error)) from None
        return opened


def _introduced(opened: WebSocket, said: Mapping[str, str | None]) -> WebSocket:
    """Send the first frame, which has the token, and the first ping."""
    try:
        opened.send_text(json.dumps(said))
        opened.ping()
    except SocketClosedError as error:
        opened.discard()
        raise ServiceError(str(error)) from None
    return opened
