# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test the connection plugin as ansible-core uses it: commands, files, endings, and what users of others have met."""

from __future__ import annotations

import getpass
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure, AnsibleError, AnsibleFileNotFound
from ansible.playbook.play_context import PlayContext

from emulator.testing import LocalAWS
from unit.support.connection_plugin import environment, keys_of, make
from unit.support.session_client import NODE, REGION, a_node


@pytest.fixture(autouse=True)
def _nothing_of_the_user() -> Iterator[None]:
    with environment(AWS_REGION=REGION):
        yield


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAWS]:
    with a_node() as served:
        yield served


def variables(aws: LocalAWS, **more: Any) -> dict[str, Any]:
    known = {"ansible_host": NODE, "ansible_aws_ssm_endpoint_url": aws.url, **keys_of(aws)}
    return {**known, "ansible_aws_ssm_connect_timeout": 60, **more}


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
    before = aws.position
    plugin.exec_command("true")
    plugin.reset()
    assert plugin.exec_command("echo here") == (0, b"here\n", b"")
    calls = [call.operation for call in aws.calls(since=before)]
    assert calls == ["StartSession", "TerminateSession", "StartSession"]


def test_a_connection_that_is_dropped_ends_its_session(aws: LocalAWS) -> None:
    """In a loop, ansible-core drops connections without closing them (amazon.aws 2680, 2753, community.aws 494)."""
    before = aws.position
    plugin = make(variables(aws))
    plugin.exec_command("true")
    del plugin
    assert [call.operation for call in aws.calls(since=before)] == ["StartSession", "TerminateSession"]


def test_an_address_that_is_a_template_is_replaced(aws: LocalAWS, plugin: Any) -> None:
    """Otherwise ansible-core takes the next item of a loop for another host, and starts another session."""
    context = PlayContext()
    context.remote_addr = "{{ node_id }}"
    plugin._play_context = context
    assert plugin._play_context.remote_addr == NODE


def test_a_session_that_was_ended_is_replaced_before_the_next_command(aws: LocalAWS, plugin: Any) -> None:
    plugin.exec_command("true")
    aws.client("ssm").terminate_session(SessionId=plugin._session.session_id)
    time.sleep(1.1)  # a session that answered less than a second ago is not asked
    assert plugin.exec_command("echo here") == (0, b"here\n", b"")


def test_a_lost_session_is_never_a_status(aws: LocalAWS, plugin: Any) -> None:
    """A command whose end is not known is not taken for one that has ended (ansible 79992, 13876, 83018)."""
    with pytest.raises(AnsibleConnectionFailure, match=r"The session was ended\. The command may have run\."):
        plugin.exec_command("kill -KILL $PPID; sleep 60")
    assert plugin.exec_command("echo here") == (0, b"here\n", b"")


def test_the_commands_limit_is_not_that_of_connecting(aws: LocalAWS) -> None:
    """The two were one option, of 60 seconds (community.aws 662, 235)."""
    plugin = make(variables(aws, ansible_aws_ssm_timeout=1))
    with pytest.raises(AnsibleConnectionFailure, match="The command took longer than 1 seconds"):
        plugin.exec_command("sleep 60")
    assert plugin.exec_command("echo here") == (0, b"here\n", b"")
    plugin.close()
    patient = make(variables(aws, ansible_aws_ssm_connect_timeout=3))
    assert patient.exec_command("sleep 4; echo late") == (0, b"late\n", b"")
    patient.close()


def test_files_that_cannot_be_read_or_written_are_told(plugin: Any, tmp_path: Path) -> None:
    with pytest.raises(AnsibleFileNotFound, match="nosuch does not exist"):
        plugin.put_file(str(tmp_path / "nosuch"), str(tmp_path / "node"))
    with pytest.raises(AnsibleError, match="Could not read /no/such: No such file or directory"):
        plugin.fetch_file("/no/such", str(tmp_path / "back"))
    assert os.listdir(tmp_path) == []
