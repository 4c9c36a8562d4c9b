# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One session, from its data channel to its end."""

from __future__ import annotations

import contextlib
import dataclasses

from ..messages import Message
from .cancel import Cancel
from .commands import Command, tell_error
from .content import NON_INTERACTIVE, STANDARD_STREAM, Task, TaskError, read_content
from .encryption import Encryption, EncryptionError
from .handshake import Handshake, HandshakeError
from .programs import StartError
from .service import Service, ServiceError
from .stream import CHALLENGE_RESPONSE, HANDSHAKE_RESPONSE, OUTPUT, DataStream, UnprocessedError
from .terminal import Terminal

# How long the agent waits after a program could not be started.
FAILED_START_SECONDS = 2.0


class Session:
    """One session. ``run`` belongs to a thread of its own; ``cancel`` may be called by any."""

    def __init__(self, service: Service, session_id: str, content: object) -> None:
        self.session_id = session_id
        self._content = content
        self._service = service
        self._options = service.settings.agent
        self._cancel = Cancel()
        self._handshake = Handshake()
        self._program: Terminal | Command | None = None
        self._stream = DataStream(
            service, session_id, self._receive, self._cancel, double_on_close=self._options.double_on_close
        )

    def cancel(self) -> None:
        """End the session, as if the client had terminated it."""
        self._cancel.set()

    def run(self) -> tuple[str, str]:
        """Run the session. Return its final status, such as ``Success``, and the text of an error."""
        try:
            if self._options.fail_start is not None:
                raise TaskError(self._options.fail_start)
            task = read_content(self._content)
            # Before the channel opens, so that no input is lost where there is no handshake.
            self._handshake.done = not _has_handshake(task)
            self._open()
            try:
                return self._run(task), ""
            finally:
                self._stream.drain()
                self._stream.close()
        except TaskError as error:
            return "Failed", str(error)
        finally:
            self._cancel.close()

    def _open(self) -> None:
        try:
            self._stream.open()
        except ServiceError as error:
            raise TaskError(f"Setting up data channel with id {self.session_id} failed: {error}") from None
        self._stream.send_state("Connected")

    def _run(self, task: Task) -> str:
        if _has_handshake(task):
            self._shake_hands(task)
        if task.session_type != STANDARD_STREAM and not task.command.strip():
            raise TaskError(f"Commands cannot be empty for session type {task.session_type}")
        if self._cancel.wait(self._options.marker_delay_seconds):
            return "Cancelled"
        try:
            self._program = self._start(task)
        except StartError as error:
            raise TaskError(self._report(task, f"Unable to start command: {error}\n")) from None
        if self._options.banner is not None:
            self._stream.send(OUTPUT, self._options.banner.encode("utf-8", "surrogateescape"))
        try:
            return self._program.run(self._stream)
        except StartError as error:
            raise TaskError(str(error)) from None

    def _shake_hands(self, task: Task) -> None:
        version = self._service.settings.agent_version
        try:
            self._handshake.perform(
                self._stream, self._cancel, version, task.session_type, task.separate_output, self._encryption(task)
            )
        except HandshakeError as error:
            raise TaskError(f"Encountered error while initiating handshake. {error}") from None

    def _encryption(self, task: Task) -> Encryption | None:
        if not task.kms_key_id:
            return None
        return Encryption(
            self._service,
            self.session_id,
            task.kms_key_id,
            challenged=self._options.kms_challenge,
            required=self._options.require_kms_challenge,
        )

    def _start(self, task: Task) -> Terminal | Command:
        if task.session_type == NON_INTERACTIVE:
            return Command(task, self._options, self._cancel)
        terminal = Terminal(task, self._options, self._cancel)
        if task.session_type == STANDARD_STREAM and task.shell_profile.strip():
            with contextlib.suppress(UnprocessedError):
                terminal.write(task.shell_profile.encode() + b"\n")
        return terminal

    def _report(self, task: Task, text: str) -> str:
        """Wait as the agent does after a failed start, and tell a client that has no terminal."""
        if not self._options.fast:
            self._cancel.wait(FAILED_START_SECONDS)
        if task.session_type == NON_INTERACTIVE:
            tell_error(self._stream, self._cancel, self._options, text)
        return text

    def _receive(self, message: Message) -> None:
        """Process an input message. Raises ``UnprocessedError``, for example before the program has started."""
        if message.payload_type in (HANDSHAKE_RESPONSE, CHALLENGE_RESPONSE):
            self._handshake.receive(message)
        elif self._handshake.done:
            if self._program is None:
                raise UnprocessedError("The program has not started.")
            self._program.receive(self._decrypted(message))

    def _decrypted(self, message: Message) -> Message:
        if self._stream.encryption is None or message.payload_type != OUTPUT:
            return message
        try:
            return dataclasses.replace(message, payload=self._stream.encryption.decrypt(message.payload))
        except EncryptionError as error:
            raise UnprocessedError(str(error)) from None


def _has_handshake(task: Task) -> bool:
    return task.session_type == NON_INTERACTIVE or bool(task.kms_key_id)
