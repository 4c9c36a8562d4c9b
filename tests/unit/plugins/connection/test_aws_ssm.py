# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test the connection plugin as ansible-core uses it: commands, files, endings, and what users of others have met."""

from __future__ import annotations

import gc
import getpass
import hashlib
import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure, AnsibleError, AnsibleFileNotFound
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import become_loader
from ansible_collections.sessionops.aws.plugins.plugin_utils._connection import starting

from emulator.testing import LocalAWS
from unit.support.connection_plugin import OTHER, environment, keys_of, make
from unit.support.module_payload import MEMBERS, a_module
from unit.support.session_client import NODE, REGION, a_node, without_python
from unit.support.session_holder import LocalHolder, a_holder, instead_of_a_process
from unit.support.session_stage import still_open


@pytest.fixture(autouse=True)
def _nothing_of_the_user() -> Iterator[None]:
    with environment(AWS_REGION=REGION):
        yield


@pytest.fixture(autouse=True)
def holder() -> Iterator[LocalHolder]:
    with a_holder() as running, instead_of_a_process(running):
        yield running


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAWS]:
    with a_node() as served:
        yield served


def variables(aws: LocalAWS, **more: Any) -> dict[str, Any]:
    known = {"ansible_host": NODE, "ansible_aws_ssm_endpoint_url": aws.url, **keys_of(aws)}
    return {**known, "ansible_aws_ssm_connect_timeout": 60, **more}


def a_sudo(folder: Path) -> str:
    """Return a program that runs a command as sudo does, but as the same user."""
    program = folder / "sudo"
    program.write_text('#!/bin/sh\nfor last; do :; done\nexec sh -c "$last"\n')
    program.chmod(0o755)
    return str(program)


@pytest.fixture
def plugin(aws: LocalAWS) -> Iterator[Any]:
    made = make(variables(aws))
    yield made
    made.close()


def test_one_session_serves_all_commands_and_files(aws: LocalAWS, plugin: Any, tmp_path: Path) -> None:
    """A session for each command took seconds (community.aws 1853, 2209, amazon.aws 2636)."""
    before = aws.position
    (tmp_path / "in").write_bytes(bytes(range(256)))
    assert plugin.exec_command("echo out; echo err >&2; exit 3") == (3, b"out\n", b"err\n")
    assert plugin.exec_command("cat", in_data=b"\0\xff") == (0, b"\0\xff", b"")
    plugin.put_file(str(tmp_path / "in"), str(tmp_path / "node"))
    plugin.fetch_file(str(tmp_path / "node"), str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == bytes(range(256))
    plugin.close()
    plugin.exec_command("true")
    assert [call.operation for call in aws.calls(since=before)] == ["StartSession"]


def test_tasks_share_the_session_of_their_host(aws: LocalAWS, holder: LocalHolder) -> None:
    """Each task has a connection of its own, and so has each item of a loop that is delegated.

    Reported in amazon.aws 2680 and 2753, and community.aws 494.
    """
    before = aws.position
    for number in range(3):
        plugin = make(variables(aws))
        assert plugin.exec_command(f"echo {number}") == (0, b"%d\n" % number, b"")
        if number:
            plugin.close()
        del plugin
    holder.end()
    assert [call.operation for call in aws.calls(since=before)] == ["StartSession", "TerminateSession"]


def test_the_user_is_that_of_the_session(plugin: Any) -> None:
    """ansible-core does not become a user that it takes to be the present one (amazon.aws 2991, community.aws 2047)."""
    assert plugin.default_user == getpass.getuser()
    assert "remote_user" not in plugin.get_options()


def test_reset_without_a_session_does_nothing(aws: LocalAWS) -> None:
    """It is called before anything else, and again and again (ansible 33590)."""
    before = aws.position
    plugin = make(variables(aws))
    plugin.reset()
    plugin.reset()
    assert aws.calls(since=before) == []


def test_reset_ends_the_session_and_the_next_command_starts_another(aws: LocalAWS, plugin: Any) -> None:
    """A user who was added to a group gets it so (ansible 24794, 66414, 29997, 7922, modules-core 921)."""
    before = aws.position
    plugin.exec_command("true")
    plugin.reset()
    assert plugin.exec_command("echo here") == (0, b"here\n", b"")
    calls = [call.operation for call in aws.calls(since=before)]
    assert calls == ["StartSession", "TerminateSession", "StartSession"]


def test_an_address_that_is_a_template_is_replaced(aws: LocalAWS, plugin: Any) -> None:
    """Otherwise ansible-core takes the next item of a loop for another host, and starts another session."""
    context = PlayContext()
    context.remote_addr = "{{ node_id }}"
    plugin._play_context = context
    assert plugin._play_context.remote_addr == NODE


def test_a_session_that_was_ended_is_replaced_before_the_next_command(aws: LocalAWS, plugin: Any) -> None:
    plugin.exec_command("true")
    (session,) = still_open(aws)
    aws.client("ssm").terminate_session(SessionId=session)
    time.sleep(1.1)  # a session that answered less than a second ago is not asked
    assert plugin.exec_command("echo here") == (0, b"here\n", b"")


def test_a_lost_session_is_never_a_status(aws: LocalAWS, plugin: Any) -> None:
    """A command whose end is not known is not taken for one that has ended (ansible 79992, 13876, 83018)."""
    with pytest.raises(
        AnsibleConnectionFailure,
        match=r"The session was terminated, and no reason was given\..* The command may have run\.",
    ):
        plugin.exec_command("kill -KILL $PPID; sleep 60")
    assert plugin.exec_command("echo here") == (0, b"here\n", b"")


def test_the_commands_limit_is_not_that_of_connecting(aws: LocalAWS) -> None:
    """The two were one option, of 60 seconds (community.aws 662, 235)."""
    plugin = make(variables(aws, ansible_aws_ssm_timeout=1))
    with pytest.raises(AnsibleConnectionFailure, match="The command took longer than 1 second,"):
        plugin.exec_command("sleep 60")
    assert plugin.exec_command("echo here") == (0, b"here\n", b"")
    plugin.close()
    patient = make(variables(aws, ansible_aws_ssm_connect_timeout=3))
    assert patient.exec_command("sleep 4; echo late") == (0, b"late\n", b"")
    patient.close()


def test_files_that_cannot_be_read_or_written_are_told(plugin: Any, tmp_path: Path) -> None:
    with pytest.raises(AnsibleFileNotFound, match="nosuch does not exist"):
        plugin.put_file(str(tmp_path / "nosuch"), str(tmp_path / "node"))
    with pytest.raises(AnsibleError, match=r"Could not fetch /no/such to .*: No such file or directory"):
        plugin.fetch_file("/no/such", str(tmp_path / "back"))
    assert os.listdir(tmp_path) == []


def test_a_connection_goes_to_the_node_of_each_item() -> None:
    """In a loop, ansible-core keeps the connection, and sets the options of each item."""
    agent = {"fast": True}
    with a_node(region={"nodes": [{"id": node, "agent": agent} for node in (NODE, OTHER)]}) as aws:
        plugin = make(variables(aws))
        for node in (NODE, NODE, OTHER, NODE):
            plugin.set_options(var_options=variables(aws, ansible_aws_ssm_instance_id=node))
            assert plugin.exec_command("echo here") == (0, b"here\n", b"")
        plugin.close()
        assert [call.params["Target"] for call in aws.calls("StartSession")] == [NODE, OTHER]


def test_a_time_limit_of_the_task_ends_its_command_and_nothing_else(aws: LocalAWS, plugin: Any, tmp_path: Path) -> None:
    """ansible-core raises its limit from a signal, which may come between two steps of a transfer."""

    class LimitError(BaseException):
        pass

    def expire(*unused: object) -> None:
        raise LimitError

    before = aws.position
    plugin.exec_command("true")
    earlier = signal.signal(signal.SIGALRM, expire)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.5)
        with pytest.raises(LimitError):
            plugin.exec_command(f"echo $$ > {tmp_path}/pid; exec sleep 60")
    finally:
        signal.signal(signal.SIGALRM, earlier)
    assert plugin.exec_command("echo here") == (0, b"here\n", b"")
    assert plugin.exec_command(f"while kill -0 $(cat {tmp_path}/pid); do sleep 0.1; done")[0] == 0
    assert [call.operation for call in aws.calls(since=before)] == ["StartSession"]


def test_become_works_on_a_node_without_python(tmp_path: Path) -> None:
    """It is needed to install Python with raw (ansible's documentation of raw)."""
    sudo = a_sudo(tmp_path)
    with a_node(without_python(tmp_path)) as aws:
        plugin = make(variables(aws, ansible_become_exe=sudo))
        for password in (None, "secret"):
            become = become_loader.get("sudo")
            become.set_options(direct={"become_exe": sudo, "become_pass": password})
            plugin.set_become_plugin(become)
            command = become.build_become_command("echo out; echo err >&2; exit 3", plugin._shell)
            if password is None:
                assert plugin.exec_command(command) == (3, b"out\n", b"err\n")
            else:
                with pytest.raises(AnsibleError, match=r"a password for become requires Python 3\.8"):
                    plugin.exec_command(command)
        plugin.close()


@pytest.mark.parametrize("becomes", [False, True])
@pytest.mark.parametrize("cached", [False, True])
def test_what_modules_have_in_common_is_sent_once(aws: LocalAWS, tmp_path: Path, cached: bool, becomes: bool) -> None:
    plugin = make(variables(aws, ansible_aws_ssm_module_cache=cached))
    command = "sha256sum"
    if becomes:
        sudo = a_sudo(tmp_path)
        become = become_loader.get("sudo")
        become.set_options(direct={"become_exe": sudo})
        plugin.set_become_plugin(become)
        command = become.build_become_command(command, plugin._shell)
    sizes = []
    for text in ("id", "uptime"):
        module = a_module(*MEMBERS, text=text)
        latest = max((frame.seq for frame in aws.frames()), default=0)
        digest = f"{hashlib.sha256(module).hexdigest()}  -\n".encode()
        assert plugin.exec_command(command, in_data=module) == (0, digest, b"")
        sent = [frame for frame in aws.frames(since=latest) if frame.direction == "client to agent"]
        sizes.append(sum(frame.size for frame in sent))
    plugin.close()
    assert sizes[0] > 70_000
    assert sizes[1] < 2000 if cached else sizes[1] > 70_000


def test_a_become_plugin_that_requires_a_terminal_has_one(plugin: Any, tmp_path: Path) -> None:
    """It asks at the terminal, and not on the standard error (ansible 13487, beaker 656)."""
    program = tmp_path / "asks"
    program.write_text(
        '#!/bin/sh\nfor last; do :; done\nprintf "[sudo via ansible, key=x] password:" >/dev/tty\n'
        'read -r given </dev/tty; test "$given" = secret || exit 1\nexec sh -c "$last"\n'
    )
    program.chmod(0o755)
    become = become_loader.get("sudo")
    become.require_tty = True
    become.set_options(direct={"become_exe": str(program), "become_pass": "secret"})
    plugin.set_become_plugin(become)
    assert plugin.has_tty and not plugin.has_pipelining
    command = become.build_become_command("echo out; echo err >&2; exit 3", plugin._shell)
    become.prompt = "[sudo via ansible, key=x] password:"
    assert plugin.exec_command(command) == (3, b"out\nerr\n", b"")


def test_a_session_that_is_lost_is_told_also_with_become(plugin: Any, tmp_path: Path) -> None:
    """It is not taken for a become plugin that takes too long."""
    become = become_loader.get("sudo")
    program = tmp_path / "sudo"
    program.write_text("#!/bin/sh\nkill -KILL $(ps -o ppid= $PPID); sleep 60\n")
    program.chmod(0o755)
    become.set_options(direct={"become_exe": str(program)})
    plugin.set_become_plugin(become)
    command = become.build_become_command("echo out", plugin._shell)
    with pytest.raises(
        AnsibleConnectionFailure,
        match=r"The session was terminated, and no reason was given\..* The command may have run\.",
    ):
        plugin.exec_command(command)


def test_a_holder_that_ends_at_the_same_moment_is_replaced(
    aws: LocalAWS, holder: LocalHolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have accepted the connection, and has sent nothing to the node (ansible 16731)."""
    ours, theirs = socket.socketpair()
    theirs.close()
    found = iter([ours])
    find = starting.find_or_start
    monkeypatch.setattr(starting, "find_or_start", lambda persist: next(found, None) or find(persist))
    plugin = make(variables(aws))
    assert plugin.exec_command("echo here") == (0, b"here\n", b"")
    plugin.close()


def test_a_connection_that_ansible_drops_is_closed(aws: LocalAWS, plugin: Any, tmp_path: Path) -> None:
    """ansible-core takes another for each item of a loop, and closes none. The holder serves only so many."""
    other = make(variables(aws))
    assert other.exec_command("echo here") == (0, b"here\n", b"")
    other.set_become_plugin(become_loader.get("sudo"))
    sudo = a_sudo(tmp_path)
    other.become.set_options(direct={"become_exe": sudo, "become_pass": None})
    command = other.become.build_become_command("echo here", other._shell)
    assert other.exec_command(command)[0] == 0
    connection = other._remote._connection
    gc.collect()
    gc.disable()
    try:
        del other
        assert connection.fileno() == -1
    finally:
        gc.enable()


def test_files_of_the_controller_that_cannot_be_used_are_told(plugin: Any, tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"x")
    with pytest.raises(AnsibleError, match="nosuch/back: No such file or directory"):
        plugin.fetch_file(str(tmp_path / "in"), str(tmp_path / "nosuch" / "back"))
    with pytest.raises(AnsibleError, match="Is a directory"):
        plugin.put_file(str(tmp_path), str(tmp_path / "node"))
    (tmp_path / "folder").mkdir()
    with pytest.raises(AnsibleError, match="folder: Is a directory"):
        plugin.fetch_file(str(tmp_path / "in"), str(tmp_path / "folder"))
    assert sorted(os.listdir(tmp_path)) == ["folder", "in"]


@pytest.mark.parametrize(
    ("given", "started"),
    [
        ({}, ["AWS-StartInteractiveCommand", "AWS-StartNonInteractiveCommand"]),
        ({"ansible_aws_ssm_document": ""}, ["AWS-StartInteractiveCommand", "AWS-StartNonInteractiveCommand"]),
        ({"ansible_aws_ssm_fetch_session": False}, ["AWS-StartInteractiveCommand"]),
        ({"ansible_aws_ssm_document": "Own"}, ["Own"]),
    ],
)
def test_a_large_file_is_fetched_in_a_second_session(tmp_path: Path, given: dict[str, Any], started: list[str]) -> None:
    """Whoever names a document has a reason not to use those of AWS."""
    content = {
        "schemaVersion": "1.0",
        "sessionType": "InteractiveCommands",
        "parameters": {"command": {"type": "String"}},
        "properties": {"linux": {"commands": "{{ command }}"}},
    }
    region = {"documents": [{"name": "Own", "document_type": "Session", "content": content}]}
    with a_node(region=region) as aws, a_holder() as holder, instead_of_a_process(holder):
        plugin = make(variables(aws, **given))
        for size in (256 * 1024, 256 * 1024 + 1):
            (tmp_path / "in").write_bytes(os.urandom(size))
            plugin.fetch_file(str(tmp_path / "in"), str(tmp_path / "out"))
            assert (tmp_path / "out").read_bytes() == (tmp_path / "in").read_bytes()
        plugin.close()
        assert [call.params["DocumentName"] for call in aws.calls("StartSession")] == started


def test_a_file_that_is_fetched_replaces_only_a_file_and_does_not_open_it_to_others(
    plugin: Any, tmp_path: Path
) -> None:
    (tmp_path / "in").write_bytes(b"new")
    (tmp_path / "secret").write_bytes(b"old")
    (tmp_path / "secret").chmod(0o600)
    (tmp_path / "link").symlink_to("secret")
    plugin.fetch_file(str(tmp_path / "in"), str(tmp_path / "link"))
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "secret").read_bytes() == b"new"
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(AnsibleError, match="pipe: it is not a regular file"):
        plugin.fetch_file(str(tmp_path / "in"), str(tmp_path / "pipe"))
    assert (tmp_path / "pipe").is_fifo()
    assert sorted(os.listdir(tmp_path)) == ["in", "link", "pipe", "secret"]
