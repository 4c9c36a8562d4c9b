# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The agent of one node: its control channel, and the sessions that it starts and ends."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from ..messages import FIN, Message, MessageError
from .control import ControlChannel
from .service import Service
from .session import Session
from .settings import Settings


class Agent:
    """The agent. ``joined`` is called each time that its control channel is open."""

    def __init__(self, settings: Settings, joined: Callable[[], None]) -> None:
        self._service = Service(settings)
        self._control = ControlChannel(self._service, self._receive, joined)
        self._sessions: dict[str, Session] = {}
        self._lock = threading.Lock()

    def start(self) -> None:
        """Join the gateway, in a thread."""
        threading.Thread(target=self._control.run, name="control channel", daemon=True).start()

    def _receive(self, message: Message) -> None:
        if message.type not in ("interactive_shell", "channel_closed"):
            return
        said = message.json()
        if not isinstance(said, dict):
            raise MessageError(f"The payload of {message.type} is not an object.")
        if message.type == "interactive_shell":
            self._start_session(str(said.get("TaskId")), said.get("Content"))
        else:
            self._end_session(str(said.get("SessionId")))

    def _start_session(self, session_id: str, content: Any) -> None:
        with self._lock:
            if session_id in self._sessions:
                return
            session = self._sessions[session_id] = Session(self._service, session_id, content)
        threading.Thread(target=self._run, args=(session,), name=f"session {session_id}", daemon=True).start()

    def _end_session(self, session_id: str) -> None:
        with self._lock:
            session = self._sessions.get(session_id)
        if session is not None:
            session.cancel()

    def _run(self, session: Session) -> None:
        status, output = "Failed", "The session worker of this node crashed."
        try:
            status, output = session.run()
        finally:
            with self._lock:
                del self._sessions[session.session_id]
            self._control.send(self._completion(session.session_id, status, output))

    def _completion(self, session_id: str, status: str, output: str) -> Message:
        said = {
            "SchemaVersion": 1,
            "TaskId": session_id,
            "Topic": "agent_task_complete",
            "FinalTaskStatus": status,
            "IsRoutingFailure": False,
            "AwsAccountId": "",
            "InstanceId": self._service.settings.node_id,
            "Output": output,
            "S3Bucket": "",
            "S3UrlSuffix": "",
            "CwlGroup": "",
            "CwlStream": "",
            "RetryNumber": 1,
        }
        return Message.of_json("agent_task_complete", said, flags=FIN)
