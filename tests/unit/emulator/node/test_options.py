# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test the options of an agent, and the settings of a node."""

from __future__ import annotations

import json
from typing import Any

import pytest

from emulator.node.options import AgentOptions, read_options
from emulator.node.settings import Settings
from emulator.world import World
from emulator.world_values import WorldError

GIVEN = {
    "endpoint": "http://127.0.0.1:40000",
    "region": "us-east-1",
    "node_id": "i-0123456789abcdef0",
    "access_key": "AKIAEXAMPLE",
    "secret_key": "not to be shown",
    "session_token": "not to be shown either",
    "agent_version": "3.3.1611.0",
    "platform": "linux",
    "agent": {"fast": True},
}


def test_the_defaults_are_those_of_an_agent() -> None:
    options = read_options({})
    assert options == AgentOptions()
    assert (options.fast, options.double_on_close, options.cwd) == (False, True, "/usr/bin")


def test_every_option() -> None:
    given: dict[str, Any] = {
        "fast": True,
        "double_on_close": False,
        "run_as": "nobody",
        "environment": {"NAME": "caf\udce9"},
        "path": "/bin",
        "home": "/home/x",
        "cwd": "/tmp",  # noqa: S108 - not used
        "marker_delay_seconds": 1,
        "fail_start": "no",
        "banner": "Welcome",
        "open_files": 64,
        "mask": "077",
        "reconnect_seconds": 0.5,
    }
    assert read_options(given) == AgentOptions(**{**given, "marker_delay_seconds": 1.0, "mask": 0o77})


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"fsat": True}, "agent: unknown key fsat"),
        ({"fast": "yes"}, "fast of agent must be true or false"),
        ({"double_on_close": 1}, "double_on_close of agent must be true or false"),
        ({"run_as": ""}, "run_as of agent must be a string that is not empty"),
        ({"environment": {"A": 1}}, "environment of agent must map strings to strings"),
        ({"environment": {"A=B": "1"}}, "environment of agent: no variable can have the name 'A=B'"),
        ({"path": None}, "path of agent must be a string"),
        ({"home": "x"}, "home of agent must be an absolute path"),
        ({"cwd": "~"}, "cwd of agent must be an absolute path"),
        ({"marker_delay_seconds": -1}, "marker_delay_seconds of agent must be a number of seconds"),
        ({"fail_start": 3}, "fail_start of agent must be a string"),
        ({"banner": ""}, "banner of agent must be a string that is not empty"),
        ({"open_files": 3}, "open_files of agent must be a whole number of at least 16"),
        ({"mask": 77}, "mask of agent must be three octal digits in quotes"),
        ({"mask": "088"}, "mask of agent must be three octal digits in quotes"),
        ({"reconnect_seconds": True}, "reconnect_seconds of agent must be a number of seconds"),
        ("fast", "agent must be a mapping"),
    ],
)
def test_a_mistake(given: Any, text: str) -> None:
    with pytest.raises(WorldError, match=text):
        read_options(given)


def test_a_world_is_refused_for_a_mistake() -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"agent": {"fsat": True}}, "us-east-1.nodes: agent of i-0123456789abcdef0: unknown key fsat"),
        ({"agent": {}, "platform": "Windows"}, "i-0123456789abcdef0: only a Linux node can have an agent"),
    ]
    for node, text in wrong:
        with pytest.raises(WorldError, match=text):
            World({"regions": {"us-east-1": {"nodes": [{"id": GIVEN["node_id"], **node}]}}})


def test_settings() -> None:
    settings = Settings.parse(json.dumps(GIVEN))
    assert (settings.host, settings.port, settings.agent.fast) == ("127.0.0.1", 40000, True)
    assert "not to be shown" not in repr(settings)
    assert Settings.parse(json.dumps({**GIVEN, "session_token": None, "agent": {}})).agent == AgentOptions()


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("", "the settings are not JSON"),
        ("[]", "the settings must be a mapping"),
        (json.dumps({**GIVEN, "more": 1}), "the settings: unknown key more"),
        (json.dumps({**GIVEN, "secret_key": ""}), "secret_key of the settings must be a string"),
        (json.dumps({**GIVEN, "session_token": 1}), "session_token of the settings must be a string or null"),
        (json.dumps({**GIVEN, "endpoint": "https://aws"}), "endpoint of the settings must be like http"),
        (json.dumps({**GIVEN, "agent": {"fsat": 1}}), "agent: unknown key fsat"),
    ],
)
def test_wrong_settings(line: str, text: str) -> None:
    with pytest.raises(WorldError, match=text) as caught:
        Settings.parse(line)
    assert "not to be shown" not in str(caught.value)
