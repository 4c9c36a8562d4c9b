# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a node asks of AWS: tokens of the message gateway, and the WebSockets that these open; Decrypt of AWS KMS."""

from __future__ import annotations

import base64
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
    """AWS gave no token, no WebSocket, or no key."""


class SessionTerminatedError(ServiceError):
    """The gateway says that the session has ended. The agent does not try again then."""


class Service:
    """The services, as one node sees them."""

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
        status, answer = self._post(path, body, {"Content-Type": "application/json", **headers})
        found = _TOKEN.search(answer)
        if status == http.client.CREATED and found is not None:
            return found[1]
        if _ALREADY_TERMINATED in answer:
            raise SessionTerminatedError(_ALREADY_TERMINATED)
        raise ServiceError(f"{path}: no token, status {status}")

    def decrypt(self, ciphertext: str, key_id: str, context: Mapping[str, str]) -> bytes:
        """Return the plaintext of a data key in base64, from AWS KMS. Raises ``ServiceError``."""
        body = json.dumps({"CiphertextBlob": ciphertext, "KeyId": key_id, "EncryptionContext": context}).encode()
        target = {"x-amz-target": "TrentService.Decrypt"}
        headers = signed_headers(self.settings, "POST", "/", self._host, body, service="kms", more=target)
        status, answer = self._post("/", body, {"Content-Type": "application/x-amz-json-1.1", **headers})
        try:
            said = json.loads(answer)
            if status != http.client.OK:
                raise ServiceError(f"{said['__type'].rpartition('#')[2]}: {said.get('message', '')}")
            return base64.b64decode(said["Plaintext"], validate=True)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ServiceError(f"Decrypt: status {status}") from None

    def _post(self, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
        """Return the status and the text of a reply. Raises ``ServiceError``."""
        connection = http.client.HTTPConnection(self.settings.host, self.settings.port, timeout=POST_SECONDS)
        try:
            connection.request("POST", path, body, headers)
            response = connection.getresponse()
            return response.status, response.read().decode("utf-8", "replace")
        except (OSError, http.client.HTTPException) as error:
            raise ServiceError(f"{path}: {type(error).__name__}") from None
        finally:
            connection.close()

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
