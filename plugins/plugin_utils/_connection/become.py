# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""The dialogue of a become plugin, in the output of a command: prompt, password, success or failure.

The prompt may be on either stream, because ``sudo`` prompts on one and ``su`` on the other. What a command gets as
standard input must wait until the dialogue is over, because the password is read from there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleError


class Escalation:
    """The dialogue of one command.

    ``is_answered`` is whether the password was sent, and ``is_over`` whether the command itself runs now. ``send``
    must be set to what gives the command a part of its standard input.
    """

    send: Callable[[bytes], None]

    def __init__(self, become: Any) -> None:
        """``become`` is the become plugin."""
        self._become = become
        self.is_answered = False
        self._streams = {"o": bytearray(), "e": bytearray()}
        self._searched = {"o": 0, "e": 0}
        self.is_over = not become.success

    @property
    def has_password(self) -> bool:
        """Whether the command must wait for a password."""
        return bool(self._become.expect_prompt())

    @property
    def out(self) -> bytes:
        return bytes(self._streams["o"])

    @property
    def err(self) -> bytes:
        return bytes(self._streams["e"])

    def take(self, kind: str, data: bytes) -> None:
        """Take output. Raises ``AnsibleError`` for a password that is wrong or missing."""
        stream = self._streams[kind]
        stream += data
        if self.is_over:
            return
        new = bytes(stream[self._searched[kind] :])
        if self._become.check_success(new):
            self._drop_success(kind)
        elif self._become.check_incorrect_password(new):
            raise AnsibleError(f"Incorrect {self._become.name} password")
        elif self._become.check_missing_password(new):
            raise AnsibleError(f"Missing {self._become.name} password")
        elif not self._become.expect_prompt():
            # Without a password, only a line that waits for one is taken for a prompt.
            if self._become.check_password_prompt(new.rsplit(b"\n", 1)[-1]):
                raise AnsibleError(f"Missing {self._become.name} password")
        elif self._become.check_password_prompt(new):
            self._answer(kind)

    def _answer(self, kind: str) -> None:
        """Send the password, and take the prompt, which is the last line, off the output."""
        if self.is_answered:
            raise AnsibleError(f"Incorrect {self._become.name} password")
        self.is_answered = True
        stream = self._streams[kind]
        del stream[stream.rstrip().rfind(b"\n") + 1 :]
        self._searched = {name: len(held) for name, held in self._streams.items()}
        password = self._become.get_option("become_pass") or ""
        self.send(password.encode("utf-8", "surrogateescape") + b"\n")

    def _drop_success(self, kind: str) -> None:
        """Take the line that says that the command runs off the output, once its end has come."""
        stream = self._streams[kind]
        at = stream.find(self._become.success.encode(), self._searched[kind])
        end = stream.find(b"\n", at)
        if end >= 0:
            del stream[stream.rfind(b"\n", 0, at) + 1 : end + 1]
            self.is_over = True
