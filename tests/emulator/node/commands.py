# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sessions of NonInteractiveCommands: a command without a shell, a terminal and input.

Source: ``executeCommandsWithExec`` in agent/session/plugins/shell/shell.go of amazon-ssm-agent.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import select
import signal
import subprocess
import tempfile

from ..messages import Message
from .cancel import Cancel
from .content import Task
from .options import AgentOptions
from .output import checked_text
from .programs import StartError, start_with_output, surroundings, wait
from .stream import EXIT_CODE, OUTPUT, STD_ERR, DataStream, UnprocessedError
from .terminal import PAUSE_SECONDS, PAYLOAD_SIZE
from .words import split_words

# The agent waits before it sends the text of an error.
ERROR_SECONDS = 1.0
_SIGNALS = {0x03: signal.SIGINT, 0x1C: signal.SIGQUIT}


@dataclasses.dataclass
class _Pipe:
    """One of the two pipes that a command writes to."""

    file: int
    payload_type: int
    prefix: bytes
    held: bytes = b""
    needs_prefix: bool = True

    def read(self) -> bytes | None:
        """Return what to send of the next piece of output. None means the end."""
        data = os.read(self.file, PAYLOAD_SIZE - len(self.prefix))
        if not data:
            return None
        start = self.prefix if self.needs_prefix else b""
        self.needs_prefix = data.endswith(b"\n")
        sent, self.held = checked_text(self.held + start + data)
        return sent


class Command:
    """One command. Its output is streamed if it is separate, and sent when the command has ended otherwise."""

    def __init__(self, task: Task, options: AgentOptions, cancel: Cancel) -> None:
        """Prepare the command. Raises ``StartError`` if it cannot be split into words, or its user cannot be used."""
        try:
            self._words = split_words(task.command)
        except ValueError as error:
            raise StartError(f"Failed to parse commands input: {error}\n") from None
        if not self._words:
            raise StartError("Failed to parse commands input: it has no words\n")
        self._task = task
        self._options = options
        self._cancel = cancel
        self._around = surroundings(task, options)
        self._process: subprocess.Popen[bytes] | None = None

    def receive(self, message: Message) -> None:
        """Send the signal that the first control character of input stands for. All other input is ignored."""
        if message.payload_type != OUTPUT:
            return
        wanted = next((_SIGNALS[byte] for byte in message.payload if byte in _SIGNALS), None)
        if wanted is None:
            return
        if self._process is None or self._process.poll() is not None:
            raise UnprocessedError("The command does not run.")
        self._process.send_signal(wanted)

    def run(self, stream: DataStream) -> str:
        """Run the command to its end, or until the session is cancelled. Return the final status.

        Raises ``StartError`` if the command cannot be started, once the client was told.
        """
        try:
            status = self._run_separate(stream) if self._task.separate_output else self._run_together(stream)
        except StartError as error:
            if self._task.separate_output:
                stream.send(EXIT_CODE, b"EXIT_CODE: 1")
            tell_error(stream, self._cancel, self._options, str(error))
            raise
        stream.drain()
        stream.send_state("Terminating")
        return status

    def _run_separate(self, stream: DataStream) -> str:
        process = start_with_output(self._words, self._around, subprocess.PIPE, subprocess.PIPE)
        with process:
            self._process = process
            complete = self._pump(process, stream)
            status = self._wait(process)
        if status is None:
            return "Success"
        if stream.active.is_set():
            stream.send(EXIT_CODE, f"EXIT_CODE: {max(status, -1)}".encode())
        return "Success" if complete else "Failed"

    def _pump(self, process: subprocess.Popen[bytes], stream: DataStream) -> bool:
        """Send the output of both pipes until they end. Return False if a pause of the client lost some of it."""
        if process.stdout is None or process.stderr is None:
            raise RuntimeError("the command was started without pipes")
        prefixes = self._task.prefixes
        pipes = {
            process.stdout.fileno(): _Pipe(process.stdout.fileno(), OUTPUT, prefixes[0]),
            process.stderr.fileno(): _Pipe(process.stderr.fileno(), STD_ERR, prefixes[1]),
        }
        poll = select.poll()
        poll.register(self._cancel, select.POLLIN)
        for file in pipes:
            poll.register(file, select.POLLIN)
        complete = True
        while pipes:
            ready = [file for file, unused in poll.poll()]
            if self._cancel.is_set():
                break
            for file in ready:
                data = pipes[file].read()
                if data is not None:
                    stream.send(pipes[file].payload_type, data)
                # The agent looks for a pause after each read, and then gives up what the pipe still has.
                lost = data is not None and not stream.active.is_set()
                if data is None or lost:
                    poll.unregister(file)
                    del pipes[file]
                    complete = complete and not lost
        return complete

    def _run_together(self, stream: DataStream) -> str:
        with tempfile.TemporaryFile() as output:
            self._process = start_with_output(self._words, self._around, output, output)
            self._wait(self._process)
            output.seek(0)
            held = b""
            while not self._cancel.is_set() and (data := output.read(PAYLOAD_SIZE)):
                while not stream.active.wait(PAUSE_SECONDS) and not self._cancel.is_set():
                    pass
                sent, held = checked_text(held + data)
                stream.send(OUTPUT, sent)
                if not self._options.fast:
                    self._cancel.wait(PAUSE_SECONDS)
        return "Success"

    def _wait(self, process: subprocess.Popen[bytes]) -> int | None:
        """Return the exit status of the command, negative for a signal; None if the session was cancelled first."""
        while not self._cancel.is_set():
            with contextlib.suppress(subprocess.TimeoutExpired):
                return wait(process, 0.05)
        process.kill()
        wait(process)
        return None


def tell_error(stream: DataStream, cancel: Cancel, options: AgentOptions, text: str) -> None:
    """Send the text of an error to the client, after the pause that the agent makes."""
    if not options.fast:
        cancel.wait(ERROR_SECONDS)
    stream.send(STD_ERR, text.encode())
