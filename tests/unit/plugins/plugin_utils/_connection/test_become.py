# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test the dialogue of ansible-core's become plugins: prompts of any language on either stream, cut anywhere."""

from __future__ import annotations

from typing import Any

import hypothesis
import pytest
from ansible.errors import AnsibleError
from ansible.plugins.loader import become_loader, shell_loader
from ansible_collections.sessionops.aws.plugins.plugin_utils._connection.become import Escalation
from hypothesis import strategies

PASSWORD = "pw-4711-ü"
SENT = f"{PASSWORD}\n".encode()


class Dialogue:
    """The escalation of one command, and what was sent to it."""

    def __init__(self, name: str, password: str | None = PASSWORD, **options: Any) -> None:
        self.plugin = become_loader.get(name)
        self.plugin.set_options(direct={"become_user": "root", "become_pass": password, **options})
        self.command = self.plugin.build_become_command("id -u", shell_loader.get("sh"))
        self.sent: list[bytes] = []
        self.escalation = Escalation(self.plugin)
        self.escalation.send = self.sent.append

    @property
    def prompt(self) -> bytes:
        return str(self.plugin.prompt).encode()

    @property
    def success(self) -> bytes:
        return f"{self.plugin.success}\n".encode()

    def take(self, *pieces: tuple[str, bytes]) -> Escalation:
        for kind, data in pieces:
            self.escalation.take(kind, data)
        return self.escalation


@pytest.mark.parametrize("stream", ["o", "e"])
def test_sudo_gets_its_password_once(stream: str) -> None:
    dialogue = Dialogue("sudo")
    assert not dialogue.take((stream, dialogue.prompt)).is_over
    assert dialogue.sent == [SENT]
    done = dialogue.take((stream, b"\n"), ("o", dialogue.success), ("o", b"0\n"), ("e", b"warning\n"))
    assert done.is_over
    assert dialogue.sent == [SENT]
    assert (done.out.lstrip(b"\n"), done.err.lstrip(b"\n")) == (b"0\n", b"warning\n")


LOCALISED = [
    "Password: ",
    "口令\uff1a",
    "Heslo:",
    "Mot de passe : ",
    "Пароль: ",
    "Passwort:\n",
    "密码\uff1a",
    "パスワード: ",
]


@pytest.mark.parametrize("prompt", LOCALISED)
@pytest.mark.parametrize("stream", ["o", "e"])
def test_su_is_answered_in_any_language(prompt: str, stream: str) -> None:
    """The prompt is not always ``Password:`` (ansible 9407, 17867, 11788, mitogen 429)."""
    dialogue = Dialogue("su")
    done = dialogue.take((stream, prompt.encode()), ("o", dialogue.success + b"0\n"))
    assert dialogue.sent == [SENT]
    assert (done.out, done.err) == (b"0\n", b"")


def test_a_prompt_of_the_users_own_is_answered() -> None:
    """The prompts of other systems can be listed (ansible 9407)."""
    prompt = "FSUM5019 Enter the password for USER1"
    dialogue = Dialogue("su", prompt_l10n=[prompt])
    dialogue.take(("e", f"{prompt}: ".encode()))
    assert dialogue.sent == [SENT]


@hypothesis.given(
    cuts=strategies.lists(strategies.integers(1, 9), min_size=1, max_size=8), prompt=strategies.sampled_from(LOCALISED)
)
def test_pieces_are_as_good_as_the_whole(cuts: list[int], prompt: str) -> None:
    """No cut loses a part of the output, or adds the end of the line of success to it."""
    dialogue = Dialogue("su")
    before, after = b"Lecture.\n" + prompt.rstrip("\n").encode(), dialogue.success + b"\n\xff0\nPassword: \n"
    for text, kind in ((before, "e"), (after, "o")):
        position, turn = 0, 0
        while position < len(text):
            size = cuts[turn % len(cuts)]
            dialogue.take((kind, text[position : position + size]))
            position, turn = position + size, turn + 1
    # What follows a prompt that is already answered, such as the space after its colon, is not the program's.
    assert dialogue.sent == [SENT]
    assert dialogue.escalation.out == b"\n\xff0\nPassword: \n"
    assert dialogue.escalation.err.startswith(b"Lecture.\n")


@pytest.mark.parametrize("name", ["sudo", "su"])
def test_output_that_looks_like_a_prompt_is_output(name: str) -> None:
    """After the command has started, nothing is taken for a prompt or for a wrong password (ansible 75077)."""
    dialogue = Dialogue(name, password=None)
    text = b"[sudo] password for root: Password: Sorry, try again. Authentication failure\nsudo: a password is required"
    done = dialogue.take(("o", dialogue.success), ("o", text), ("e", text))
    assert (done.out, done.err, dialogue.sent) == (text, text, [])


def test_nothing_is_sent_to_sudo_that_may_not_ask() -> None:
    dialogue = Dialogue("sudo", password=None)
    assert " -n" in dialogue.command and "-p" not in dialogue.command.split("BECOME")[0]
    done = dialogue.take(("e", b"Password: \n"), ("o", dialogue.success + b"0\n"))
    assert (done.out, done.err, dialogue.sent) == (b"0\n", b"Password: \n", [])


@pytest.mark.parametrize(
    ("name", "password", "printed", "told"),
    [
        ("sudo", None, "sudo: a password is required\n", "Missing sudo password"),
        ("sudo", PASSWORD, "{prompt}\nSorry, try again.\n{prompt}", "Incorrect sudo password"),
        ("sudo", PASSWORD, "{prompt}\n{prompt}", "Incorrect sudo password"),
        ("su", None, "Password: ", "Missing su password"),
        ("su", None, "口令\uff1a", "Missing su password"),
        ("su", PASSWORD, "Password: \nsu: Authentication failure\n", "Incorrect su password"),
    ],
)
def test_a_wrong_or_missing_password_is_told_at_once(name: str, password: str | None, printed: str, told: str) -> None:
    """A task does not hang at a prompt that nobody answers (amazon.aws 2640, community.aws 1949)."""
    dialogue = Dialogue(name, password)
    text = printed.format(prompt=dialogue.plugin.prompt).encode()
    head, newline, tail = text.partition(b"\n")
    with pytest.raises(AnsibleError) as raised:
        dialogue.take(("e", head + newline), ("e", tail))
    assert str(raised.value) == told
    assert PASSWORD not in str(raised.value)


def test_a_line_about_passwords_is_no_prompt_if_none_is_expected() -> None:
    """A profile that prints such a line does not stop ``su`` without a password."""
    dialogue = Dialogue("su", password=None)
    done = dialogue.take(("o", b"Password: expires in 3 days\n"), ("o", dialogue.success + b"0\n"))
    assert done.is_over
    assert done.out == b"Password: expires in 3 days\n0\n"


def test_the_line_of_success_of_another_command_is_output() -> None:
    dialogue = Dialogue("sudo", password=None)
    done = dialogue.take(("o", b"BECOME-SUCCESS-not-a-key\n"))
    assert not done.is_over
    assert done.out == b"BECOME-SUCCESS-not-a-key\n"
