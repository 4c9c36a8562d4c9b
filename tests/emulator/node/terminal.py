# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sessions on a terminal: Standard_Stream and InteractiveCommands.

Source: ``executeCommandsWithPty`` and ``writePump`` in agent/session/plugins/shell/shell.go of amazon-ssm-agent.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import select
import struct
import subprocess
import termios
import threading

from ..messages import Message, MessageError
from .cancel import Cancel
from .content import Task
from .options import AgentOptions
from .output import checked_text
from .programs import start_on_terminal, surroundings, wait
from .stream import OUTPUT, SIZE, DataStream, UnprocessedError

PAYLOAD_SIZE = 1024
# How much the agent reads at once. It sends it in pieces.
READ_SIZE = 4096
FIRST_OUTPUT_SECONDS = 1.0
PAUSE_SECONDS = 0.001


class Terminal:
    """One program on a terminal."""

    def __init__(self, task: Task, options: AgentOptions, cancel: Cancel) -> None:
        """Start the program. Raises ``StartError``."""
        command = ["sh", "-c", task.command] if task.command.strip() else ["sh"]
        self._options = options
        self._cancel = cancel
        # Taken while input is written. The file is closed only when no thread writes.
        self._writing = threading.Lock()
        self._closed = False
        self._process, self._file = start_on_terminal(command, surroundings(task, options))

    def receive(self, message: Message) -> None:
        """Write input to the terminal, or change its size. Blocks while the program does not read."""
        if message.payload_type == OUTPUT:
            self.write(message.payload)
        elif message.payload_type == SIZE:
            self._resize(message)

    def write(self, data: bytes) -> None:
        """Write all of the data. Raises ``UnprocessedError`` if the terminal is gone, or the session ends meanwhile."""
        poll = select.poll()
        poll.register(self._cancel, select.POLLIN)
        with self._writing:
            if self._closed:
                raise UnprocessedError("The terminal is closed.")
            poll.register(self._file, select.POLLOUT)
            while data:
                if self._cancel.is_set():
                    raise UnprocessedError("The session ends.")
                try:
                    data = data[os.write(self._file, data) :]
                except BlockingIOError:
                    poll.poll()
                except OSError as error:
                    raise UnprocessedError(str(error.strerror)) from None

    def _resize(self, message: Message) -> None:
        try:
            said = message.json()
            size = struct.pack("HHHH", said["rows"], said["cols"], 0, 0)
        except (MessageError, KeyError, TypeError, struct.error) as error:
            raise UnprocessedError(f"not a size: {error}") from None
        with self._writing:
            if not self._closed:
                with contextlib.suppress(OSError):
                    fcntl.ioctl(self._file, termios.TIOCSWINSZ, size)

    def run(self, stream: DataStream) -> str:
        """Send the output until the program has ended or the session is cancelled. Return the final status."""
        try:
            self._pump(stream)
            if not self._cancel.is_set():
                stream.drain()
                stream.send_state("Terminating")
                self._wait()
        finally:
            self._end()
        return "Success"

    def _pump(self, stream: DataStream) -> None:
        fast = self._options.fast
        if not fast and self._cancel.wait(FIRST_OUTPUT_SECONDS):
            return
        held = b""
        while data := self._read():
            for start in range(0, len(data), PAYLOAD_SIZE):
                while not stream.active.wait(PAUSE_SECONDS):
                    if self._cancel.is_set():
                        return
                sent, held = checked_text(held + data[start : start + PAYLOAD_SIZE])
                stream.send(OUTPUT, sent)
                if not fast and self._cancel.wait(PAUSE_SECONDS):
                    return

    def _read(self) -> bytes:
        """Wait for output. Returns nothing once the terminal has ended or the session is cancelled."""
        poll = select.poll()
        poll.register(self._cancel, select.POLLIN)
        poll.register(self._file, select.POLLIN)
        while not self._cancel.is_set():
            poll.poll()
            try:
                return os.read(self._file, READ_SIZE)
            except BlockingIOError:
                continue
            except OSError as error:
                if error.errno == errno.EIO:
                    return b""
                raise
        return b""

    def _wait(self) -> None:
        """Wait for the program, which may have closed its terminal before it ends."""
        while not self._cancel.is_set():
            with contextlib.suppress(subprocess.TimeoutExpired):
                wait(self._process, 0.05)
                return

    def _end(self) -> None:
        """Kill the program and close the terminal. The kernel then sends SIGHUP to what runs on it."""
        self._process.kill()
        self._cancel.set()
        with self._writing:
            self._closed = True
            os.close(self._file)
        wait(self._process)
