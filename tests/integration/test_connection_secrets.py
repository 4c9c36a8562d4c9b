# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test that no secret of a connection is shown or kept, and that a become password works."""

from __future__ import annotations

import contextlib
import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator.gateway import Gateway
from emulator.node.part import NodeProcesses
from emulator.services.ssm.sessions.store import Sessions
from emulator.testing import LocalAWS

NODE = "i-0123456789abcdef0"
REGION = "us-east-1"
PASSWORD = "pw-4711-correct"
WRONG = "pw-4712-mistaken"
# It asks as sudo does, and runs the command as the same user. It does not contain the password.
SUDO = f"""#!/bin/sh
while [ $# -gt 0 ]; do
    case $1 in
    -p) prompt=$2; shift ;;
    -n) echo 'sudo: a password is required' >&2; exit 1 ;;
    -u) shift ;;
    -*) ;;
    *) break ;;
    esac
    shift
done
touch "$(dirname "$0")/../asked"
printf %s "$prompt" >&2
read -r given
if [ "$(printf %s "$given" | sha256sum)" != "{hashlib.sha256(PASSWORD.encode()).hexdigest()}  -" ]; then
    echo 'Sorry, try again.' >&2
    exit 1
fi
exec "$@"
"""
# A task that waits, so that the processes can be looked at.
WAIT = "until [ -e {folder}/looked ]; do sleep 0.05; done; id -un"


class Stage:
    """A node with a program that asks for a password, and what Ansible is started with."""

    def __init__(self, aws: LocalAWS, folder: Path, node: Path) -> None:
        self.aws = aws
        self.folder = folder
        self.node = node
        who = aws.world.default_identity
        self.secrets = {"secret key": who.secret_key, "password": PASSWORD, "wrong password": WRONG}
        # The file of variables that has the secrets is outside of the folders that are searched.
        self.given = folder.parent / f"{folder.name}-given.json"
        for name in ("home", "tmp"):
            (folder / name).mkdir()
        host = {
            "ansible_connection": "sessionops.aws.aws_ssm",
            "ansible_host": NODE,
            "ansible_aws_ssm_region": REGION,
            "ansible_aws_ssm_endpoint_url": aws.url,
            "ansible_python_interpreter": sys.executable,
            "ansible_remote_tmp": str(node / "remote"),
            "ansible_aws_ssm_access_key_id": who.access_key,
        }
        (folder / "hosts.json").write_text(json.dumps({"all": {"hosts": {"n": host}}}))

    def start(self, password: str | None, *, pipelining: bool, command: str = "id -un") -> subprocess.Popen[str]:
        """Start a play as another user, with all that Ansible can print."""
        task = {"name": "Run it", "ansible.builtin.command": {"argv": ["sh", "-c", command]}, "become": True}
        play = [{"hosts": "n", "gather_facts": False, "tasks": [task]}]
        (self.folder / "play.yml").write_text(json.dumps(play))
        given = {"ansible_aws_ssm_secret_access_key": self.secrets["secret key"]}
        if password is not None:
            given["ansible_become_password"] = password
        self.given.write_text(json.dumps(given))
        kept = {k: v for k, v in self.aws.clean_env().items() if not k.startswith(("AWS_", "ANSIBLE_REMOTE"))}
        return subprocess.Popen(
            ["ansible-playbook", "-i", "hosts.json", "-vvvvvv", "--extra-vars", f"@{self.given}", "play.yml"],
            cwd=self.folder,
            env={
                **kept,
                "HOME": str(self.folder / "home"),
                "TMPDIR": str(self.folder / "tmp"),
                "ANSIBLE_HOME": str(self.folder / "home" / ".ansible"),
                "ANSIBLE_LOG_PATH": str(self.folder / "log"),
                "ANSIBLE_LOG_VERBOSITY": "6",
                "ANSIBLE_BECOME_ALLOW_SAME_USER": "true",  # the program that asks changes no user
                "ANSIBLE_PIPELINING": str(pipelining),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def shown(self, printed: str) -> list[str]:
        """Return where a secret is, other than in the memory of a process."""
        texts = {"output": printed, "frames": repr(self.aws.frames()), "calls": repr(self.aws.calls())}
        for folder in (self.folder, self.node):
            for path in folder.rglob("*"):
                if path.is_file():
                    texts[str(path)] = path.read_text("utf-8", "replace")
        return [f"{name} in {where}" for where, text in texts.items() for name in self.within(text)]

    def within(self, text: str) -> list[str]:
        tokens = {"path of a stream": "/v1/data-channel/"}
        return [name for name, secret in {**self.secrets, **tokens}.items() if secret in text]


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("node")
    (folder / "bin").mkdir()
    program = folder / "bin" / "sudo"
    program.write_text(SUDO)
    program.chmod(0o755)
    return folder


@pytest.fixture
def stage(tmp_path: Path, node: Path) -> Iterator[Stage]:
    agent = {"fast": True, "path": f"{node}/bin:/usr/local/bin:/usr/bin:/bin"}
    with LocalAWS(
        {"regions": {REGION: {"nodes": [{"id": NODE, "agent": agent}]}}}, parts=[Gateway(), NodeProcesses()]
    ) as aws:
        yield Stage(aws, tmp_path, node)


def processes_with(stage: Stage) -> list[str]:
    """Return the processes that show a secret, in their arguments or their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        for name in ("cmdline", "environ"):
            with contextlib.suppress(OSError):
                if entry.name.isdigit():
                    text = entry.joinpath(name).read_text("utf-8", "replace")
                    found += [f"{secret} in {entry}/{name}: {text[:80]}" for secret in stage.within(text)]
    return found


@pytest.mark.parametrize("pipelining", [True, False])
def test_the_right_password_works_and_nothing_secret_is_shown(stage: Stage, pipelining: bool) -> None:
    """Tokens and URLs were printed by others (backplane-cli 973, toolkit 6149, amazon.aws 2659)."""
    command = f"touch {stage.folder}/runs; {WAIT.format(folder=stage.folder)}"
    (stage.node / "asked").unlink(missing_ok=True)
    play = stage.start(PASSWORD, pipelining=pipelining, command=command)
    while not (stage.folder / "runs").exists() and play.poll() is None:
        time.sleep(0.05)
    for session in stage.aws.world.state(REGION, Sessions).by_id.values():
        stage.secrets[f"token of {session.session_id}"] = session.token or "no token"
    assert len(stage.secrets) > 3
    shown = processes_with(stage)
    (stage.folder / "looked").touch()
    printed, unused = play.communicate(timeout=120)
    assert play.returncode == 0, printed
    assert not shown
    assert not stage.shown(printed)
    assert "SESSION" in printed and (stage.node / "asked").exists()


@pytest.mark.parametrize(
    ("password", "words"), [(WRONG, "Incorrect sudo password"), (None, "Missing sudo password")], ids=["wrong", "none"]
)
def test_another_password_fails_at_once(stage: Stage, password: str | None, words: str) -> None:
    play = stage.start(password, pipelining=True)
    printed, unused = play.communicate(timeout=120)
    assert play.returncode == 2 and words in printed, printed
    assert not stage.shown(printed)
