# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test each option, variable and environment variable of the connection plugin alone, and which of several is used."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible_collections.sessionops.aws.plugins.plugin_utils._connection.options import UNUSED
from ansible_collections.sessionops.aws.plugins.plugin_utils._connection.service import Calls
from ansible_collections.sessionops.aws.plugins.plugin_utils._connection.settings import Settings
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.errors import CallError
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.lines import INTERPRETERS

from emulator.testing import LocalAWS
from unit.support.connection_plugin import HOST, OTHER, TARGET, WORLD, environment, keys_of, make, settings, start
from unit.support.session_client import Told
from unit.support.session_holder import a_holder, instead_of_a_process

Read = Callable[[Settings], Any]


def credential(name: str) -> Read:
    return lambda found: found.credentials.get(name)


def first_interpreter(found: Settings) -> str:
    return found.interpreters[0]


# Each option: what to read of the settings, its variables, its environment variables, its aliases, a value, and what
# the value becomes.
OPTIONS: dict[str, tuple[Read, list[str], list[str], list[str], Any, Any]] = {
    "instance_id": (lambda found: found.target, ["ansible_aws_ssm_instance_id"], [], [], TARGET, TARGET),
    "host": (lambda found: found.target, ["inventory_hostname", "ansible_host"], [], [], TARGET, TARGET),
    "region": (
        lambda found: found.region,
        ["ansible_aws_ssm_region"],
        ["AWS_REGION", "AWS_DEFAULT_REGION"],
        [],
        "eu-west-1",
        "eu-west-1",
    ),
    "profile": (
        credential("profile_name"),
        ["ansible_aws_ssm_profile"],
        ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"],
        [],
        "ops",
        "ops",
    ),
    "access_key": (
        credential("aws_access_key_id"),
        ["ansible_aws_ssm_access_key_id", "ansible_aws_ssm_access_key"],
        ["AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY"],
        ["access_key_id", "aws_access_key_id"],
        "AKIA1",
        "AKIA1",
    ),
    "secret_key": (
        credential("aws_secret_access_key"),
        ["ansible_aws_ssm_secret_access_key", "ansible_aws_ssm_secret_key"],
        ["AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY"],
        ["secret_access_key", "aws_secret_access_key"],
        "canary",
        "canary",
    ),
    "session_token": (
        credential("aws_session_token"),
        ["ansible_aws_ssm_session_token"],
        ["AWS_SESSION_TOKEN"],
        ["aws_session_token"],
        "canary",
        "canary",
    ),
    "assume_role_arn": (
        lambda found: found.role,
        ["ansible_aws_ssm_assume_role_arn"],
        [],
        [],
        "arn:aws:iam::123456789012:role/Ops",
        "arn:aws:iam::123456789012:role/Ops",
    ),
    "endpoint_url": (
        lambda found: found.endpoint,
        ["ansible_aws_ssm_endpoint_url"],
        [],
        [],
        "https://ssm.example.com",
        "https://ssm.example.com",
    ),
    "stream_endpoint_url": (
        lambda found: found.stream_endpoint,
        ["ansible_aws_ssm_stream_endpoint_url"],
        [],
        [],
        "https://vpce.example.com",
        "https://vpce.example.com",
    ),
    "aws_ca_bundle": (
        credential("verify"),
        ["ansible_aws_ssm_ca_bundle"],
        ["AWS_CA_BUNDLE"],
        [],
        "/etc/ssl/own.pem",
        "/etc/ssl/own.pem",
    ),
    "validate_certs": (credential("verify"), ["ansible_aws_ssm_validate_certs"], [], [], "no", False),
    "document": (lambda found: found.document, ["ansible_aws_ssm_document"], [], ["ssm_document"], "Own", "Own"),
    "document_command_parameter": (
        lambda found: found.command_parameter,
        ["ansible_aws_ssm_document_command_parameter"],
        [],
        [],
        "cmd",
        "cmd",
    ),
    "document_parameters": (
        lambda found: found.parameters,
        ["ansible_aws_ssm_document_parameters"],
        [],
        [],
        {"ticket": 4711, "tags": ["a", "b"]},
        {"ticket": ["4711"], "tags": ["a", "b"]},
    ),
    "reason": (lambda found: found.reason, ["ansible_aws_ssm_reason"], [], [], "Change 4711", "Change 4711"),
    "timeout": (
        lambda found: found.limits.connect,
        ["ansible_aws_ssm_connect_timeout"],
        ["ANSIBLE_TIMEOUT"],
        [],
        "7",
        7.0,
    ),
    "command_timeout": (
        lambda found: found.command_timeout,
        ["ansible_aws_ssm_command_timeout", "ansible_aws_ssm_timeout"],
        [],
        [],
        "60",
        60.0,
    ),
    "connect_retries": (
        lambda found: found.attempts,
        ["ansible_aws_ssm_connect_retries", "ansible_aws_ssm_retries"],
        [],
        ["reconnection_retries"],
        "4",
        5,
    ),
    "connect_wait": (lambda found: found.wait, ["ansible_aws_ssm_connect_wait"], [], [], "2", 2.0),
    "resume_timeout": (lambda found: found.limits.resume, ["ansible_aws_ssm_resume_timeout"], [], [], "9", 9.0),
    "alive_interval": (lambda found: found.limits.alive_interval, ["ansible_aws_ssm_alive_interval"], [], [], "0", 0.0),
    "alive_count": (lambda found: found.limits.alive_count, ["ansible_aws_ssm_alive_count"], [], [], "5", 5),
    "idle_timeout": (lambda found: found.idle, ["ansible_aws_ssm_idle_timeout"], [], [], "11", 11.0),
    "session_lifetime": (lambda found: found.lifetime, ["ansible_aws_ssm_session_lifetime"], [], [], "11", 11.0),
    "persist": (lambda found: found.persist, ["ansible_aws_ssm_persist"], [], [], "yes", True),
    "keepalive_interval": (
        lambda found: found.limits.keepalive,
        ["ansible_aws_ssm_keepalive_interval"],
        [],
        [],
        "12",
        12.0,
    ),
    "python_interpreter": (
        first_interpreter,
        ["ansible_python_interpreter", "ansible_aws_ssm_python_interpreter"],
        [],
        [],
        "/opt/python/bin/python3",
        "/opt/python/bin/python3",
    ),
}
# Read by ansible-core and by the class, not by ``read``.
ELSEWHERE = {"fetch_session", "module_cache", "pipelining", *UNUSED}


def sources() -> list[tuple[str, dict[str, Any], dict[str, str], dict[str, Any]]]:
    """Return every source of every option: the option, and variables, environment and options by name."""
    found: list[tuple[str, dict[str, Any], dict[str, str], dict[str, Any]]] = []
    for option, (unused_read, variables, env, aliases, value, unused_wanted) in OPTIONS.items():
        found += [(option, {name: value}, {}, {}) for name in variables]
        found += [(option, {}, {name: value}, {}) for name in env]
        found += [(option, {}, {}, {name: value}) for name in (option, *aliases)]
    return found


@pytest.mark.parametrize(("option", "variables", "env", "direct"), sources(), ids=str)
def test_each_source_alone_sets_its_option(
    option: str, variables: dict[str, Any], env: dict[str, str], direct: dict[str, Any]
) -> None:
    read, *unused, wanted = OPTIONS[option]
    with environment(**env):
        assert read(settings(variables, direct=direct)) == wanted
    with environment():
        assert read(settings()) != wanted


def test_the_table_has_every_source_of_the_documentation() -> None:
    definitions = make().option_definitions
    assert set(definitions) - {"remote_user", "persistent_command_timeout"} == {*OPTIONS, *ELSEWHERE}
    for option, (unused_read, variables, env, aliases, *unused) in OPTIONS.items():
        known = definitions[option]
        assert [entry["name"] for entry in known.get("vars", [])] == variables, option
        assert sorted(entry["name"] for entry in known.get("env", [])) == sorted(env), option
        assert known.get("aliases", []) == aliases, option


@pytest.mark.parametrize("option", [option for option, entry in OPTIONS.items() if entry[2]])
def test_a_variable_comes_before_the_environment(option: str) -> None:
    read, variables, env, unused_aliases, value, wanted = OPTIONS[option]
    with environment(**dict.fromkeys(env, "11")):
        assert read(settings({variables[0]: value})) == wanted


@pytest.mark.parametrize(
    ("variables", "target"),
    [
        ({}, HOST),
        ({"ansible_host": TARGET}, TARGET),
        ({"ansible_aws_ssm_instance_id": TARGET}, TARGET),
        ({"ansible_host": OTHER, "ansible_aws_ssm_instance_id": TARGET}, TARGET),
        ({"ansible_host": "10.0.0.1", "ansible_aws_ssm_instance_id": ""}, "10.0.0.1"),
        ({"ansible_host": "ecs:c_t_r"}, "ecs:c_t_r"),
        ({"inventory_hostname": OTHER}, OTHER),
    ],
    ids=str,
)
def test_the_target_is_the_id_of_the_node(variables: dict[str, str], target: str) -> None:
    """A host may be named by its ID or by a tag, with the ID in ``ansible_host`` (amazon.aws 2652, 2661, 2637)."""
    assert settings(variables).target == target


def test_variables_of_ssh_are_passed_over() -> None:
    with environment():
        assert settings({"ansible_user": "ubuntu", "ansible_port": 22, "ansible_password": "canary"}) == settings()


KEYS = {"ansible_aws_ssm_access_key_id": "AKIA1", "ansible_aws_ssm_secret_access_key": "canary"}
KEYS_OF_ENV = {"AWS_ACCESS_KEY_ID": "AKIA2", "AWS_SECRET_ACCESS_KEY": "canary-2", "AWS_SESSION_TOKEN": "canary-3"}


@pytest.mark.parametrize(
    ("variables", "env", "key", "token", "profile"),
    [
        (KEYS, {}, "AKIA1", None, None),
        ({}, KEYS_OF_ENV, "AKIA2", "canary-3", None),
        (KEYS, KEYS_OF_ENV, "AKIA1", None, None),
        (KEYS, {"AWS_PROFILE": "ops"}, "AKIA1", None, None),
        ({"ansible_aws_ssm_profile": "ops"}, KEYS_OF_ENV, None, None, "ops"),
        ({}, {**KEYS_OF_ENV, "AWS_PROFILE": "ops"}, "AKIA2", "canary-3", None),
        ({}, {"AWS_PROFILE": "ops"}, None, None, "ops"),
    ],
    ids=str,
)
def test_what_the_task_sets_comes_before_the_environment(
    variables: dict[str, str], env: dict[str, str], key: str | None, token: str | None, profile: str | None
) -> None:
    """Keys of the task are not mixed with a profile or a token of the environment (community.aws 1223)."""
    with environment(**env):
        found = settings(variables).credentials
    assert (found.get("aws_access_key_id"), found.get("aws_session_token")) == (key, token)
    assert found["profile_name"] == profile


def profiles(folder: Path, aws: LocalAWS) -> dict[str, str]:
    """Write a profile with the keys of the world, and return the variables that name its files."""
    who = aws.world.default_identity
    lines = ["[ops]", f"aws_access_key_id = {who.access_key}", f"aws_secret_access_key = {who.secret_key}"]
    (folder / "credentials").write_text("\n".join(lines))
    (folder / "config").write_text("[profile ops]\nregion = eu-west-1\n")
    return {
        "AWS_CONFIG_FILE": str(folder / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "credentials"),
    }


@pytest.mark.parametrize(
    ("variables", "env", "region"),
    [
        ({"ansible_aws_ssm_region": "eu-west-1"}, {}, "eu-west-1"),
        ({}, {"AWS_REGION": "eu-west-1"}, "eu-west-1"),
        ({}, {"AWS_DEFAULT_REGION": "eu-west-1"}, "eu-west-1"),
        ({}, {"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "us-east-1"}, "eu-west-1"),
        ({"ansible_aws_ssm_region": "eu-west-1"}, {"AWS_REGION": "us-east-1"}, "eu-west-1"),
        ({"ansible_aws_ssm_profile": "ops"}, {}, "eu-west-1"),
        ({"ansible_aws_ssm_profile": "ops"}, {"AWS_REGION": "us-east-1"}, "us-east-1"),
        ({}, {"AWS_PROFILE": "ops"}, "eu-west-1"),
        # AWX sets the variables of a credential that the user left empty.
        ({}, {"AWS_REGION": "", "AWS_DEFAULT_REGION": "eu-west-1"}, "eu-west-1"),
        ({}, {"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": ""}, "eu-west-1"),
        ({}, {"AWS_PROFILE": "ops", "AWS_DEFAULT_PROFILE": "", "AWS_REGION": ""}, "eu-west-1"),
        ({}, {"AWS_REGION": "eu-west-1", "AWS_PROFILE": "", "AWS_CA_BUNDLE": "", "AWS_SESSION_TOKEN": ""}, "eu-west-1"),
    ],
    ids=str,
)
def test_the_region_and_the_keys_of_the_first_call(
    tmp_path: Path, variables: dict[str, str], env: dict[str, str], region: str
) -> None:
    """No variable and no profile is ignored (community.aws 1725)."""
    with LocalAWS(WORLD) as aws:
        with environment(**profiles(tmp_path, aws), **env):
            keys = {} if "ops" in str((variables, env)) else keys_of(aws)
            call, unused = start(aws, {"ansible_host": TARGET, **keys, **variables})
    assert (call.region, call.access_key) == (region, aws.world.default_identity.access_key)


def test_empty_variables_are_as_they_were_afterwards() -> None:
    with LocalAWS(WORLD) as aws, environment(AWS_PROFILE="", AWS_REGION="us-east-1"):
        start(aws, {"ansible_host": TARGET, **keys_of(aws)})
        assert os.environ["AWS_PROFILE"] == ""


def test_an_empty_variable_is_no_folder_of_certificates() -> None:
    with environment(AWS_CA_BUNDLE=""):
        assert settings().credentials["verify"] is None


def refused(aws: LocalAWS, variables: Mapping[str, Any]) -> str:
    """Return why no session is started. Check that no call was made."""
    with pytest.raises((AnsibleError, CallError)) as raised:
        start(aws, variables)
    assert aws.calls() == []
    told = str(raised.value)
    assert "\n" not in told and "canary" not in told and "Traceback" not in told
    return told


def test_without_a_region_it_says_what_to_set() -> None:
    """No region is guessed."""
    with LocalAWS(WORLD) as aws, environment():
        told = refused(aws, {"ansible_host": TARGET, **keys_of(aws)})
    assert told.endswith("You must specify a region. Set ansible_aws_ssm_region or AWS_REGION.")


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        (
            {"ansible_aws_ssm_profile": "ops", **KEYS},
            "ansible_aws_ssm_profile cannot be combined with ansible_aws_ssm_access_key_id and "
            "ansible_aws_ssm_secret_access_key. Set either the profile or the keys.",
        ),
        (
            {"ansible_aws_ssm_profile": "nosuch"},
            "the profile nosuch does not exist. Check ansible_aws_ssm_profile, AWS_PROFILE and AWS's configuration",
        ),
        (
            {"ansible_aws_ssm_connect_timeout": 0},
            "ansible_aws_ssm_connect_timeout must be a number of seconds that is 1 or more, but it is 0.",
        ),
        ({"ansible_aws_ssm_connect_timeout": "soon"}, "timeout"),
        # The name is the one that the user has written.
        ({"ansible_aws_ssm_timeout": -1}, "ansible_aws_ssm_timeout must be a number of seconds that is 0 or more"),
        (
            {"ansible_aws_ssm_command_timeout": -1},
            "ansible_aws_ssm_command_timeout must be a number of seconds that is 0 or more, but it is -1.",
        ),
        (
            {"ansible_aws_ssm_retries": -1},
            "ansible_aws_ssm_retries must be a whole number that is 0 or more, but it is -1.",
        ),
        ({"ansible_aws_ssm_connect_wait": -1}, "ansible_aws_ssm_connect_wait must be a number of seconds that is 0"),
        ({"ansible_aws_ssm_resume_timeout": 0}, "ansible_aws_ssm_resume_timeout must be a number of seconds that is 1"),
        ({"ansible_aws_ssm_alive_interval": -5}, "ansible_aws_ssm_alive_interval must be a number of seconds that is"),
        (
            {"ansible_aws_ssm_alive_count": 1},
            "ansible_aws_ssm_alive_count must be a whole number that is 2 or more, but it is 1.",
        ),
        ({"ansible_aws_ssm_keepalive_interval": 0}, "ansible_aws_ssm_keepalive_interval must be a number of seconds"),
        ({"ansible_aws_ssm_endpoint_url": "x.example"}, "ansible_aws_ssm_endpoint_url must be a URL such as https://v"),
        (
            {"ansible_aws_ssm_stream_endpoint_url": "ftp://x"},
            "ansible_aws_ssm_stream_endpoint_url must be a URL such as https://vpce-",
        ),
        ({"ansible_aws_ssm_stream_endpoint_url": "https://x:port"}, "ansible_aws_ssm_stream_endpoint_url must be a U"),
        (
            {"ansible_aws_ssm_ca_bundle": "/nosuch/ca.pem"},
            "The CA certificates in /nosuch/ca.pem cannot be read: No such file or directory. Set "
            "ansible_aws_ssm_ca_bundle or AWS_CA_BUNDLE to a file or folder with CA certificates in PEM format",
        ),
        ({"ansible_aws_ssm_document_parameters": "ticket"}, "document_parameters"),
        (
            {"ansible_aws_ssm_assume_role_arn": "arn:aws:iam::123456789012:role/Ops"},
            "Set ansible_aws_ssm_access_key_id and ansible_aws_ssm_secret_access_key, or ansible_aws_ssm_profile, or ",
        ),
    ],
    ids=str,
)
def test_a_bad_value_is_one_sentence_before_any_call(variables: dict[str, Any], told: str) -> None:
    with LocalAWS(WORLD) as aws, environment(AWS_REGION="us-east-1"):
        assert told in refused(aws, {"ansible_host": TARGET, **variables})


def test_a_bad_value_of_the_environment_is_told_by_its_variable() -> None:
    with environment(ANSIBLE_TIMEOUT="0"), pytest.raises(AnsibleConnectionFailure, match="ANSIBLE_TIMEOUT must be"):
        settings()


def test_a_bundle_of_the_environment_or_the_profile_is_checked_before_any_call(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("[profile ops]\nca_bundle = /nosuch/ca.pem\n")
    for env, variables in (
        ({"AWS_CA_BUNDLE": "/nosuch/ca.pem"}, {}),
        ({"AWS_CONFIG_FILE": str(config)}, {"ansible_aws_ssm_profile": "ops"}),
    ):
        with LocalAWS(WORLD) as aws, environment(AWS_REGION="us-east-1", **env):
            assert "The CA certificates in /nosuch/ca.pem cannot be read" in refused(
                aws, {"ansible_host": TARGET, **variables}
            )


@pytest.mark.parametrize(
    ("variables", "same"),
    [
        ({"ansible_aws_ssm_reason": "Change 4711"}, True),
        ({"ansible_aws_ssm_command_timeout": 60}, True),
        ({"ansible_aws_ssm_region": "eu-west-1"}, False),
        ({"ansible_host": OTHER}, False),
        ({"ansible_python_interpreter": "/usr/bin/python3.12"}, True),
        (
            {"ansible_aws_ssm_connect_timeout": 60, "ansible_aws_ssm_alive_count": 4},
            True,
        ),  # as wait_for_connection does
        ({"ansible_aws_ssm_connect_retries": 3, "ansible_aws_ssm_connect_wait": 1}, True),
        ({"ansible_aws_ssm_idle_timeout": 3, "ansible_aws_ssm_session_lifetime": 9}, True),
        ({"ansible_aws_ssm_access_key_id": "AKIA", "ansible_aws_ssm_secret_access_key": "canary"}, False),
        ({"ansible_aws_ssm_profile": "ops"}, False),
        ({"ansible_aws_ssm_document": "Shell"}, False),
        ({"ansible_aws_ssm_document_parameters": {"ticket": "4711"}}, False),
        ({"ansible_aws_ssm_document_command_parameter": "run"}, False),
        ({"ansible_aws_ssm_endpoint_url": "https://vpce.example.com"}, False),
        ({"ansible_aws_ssm_stream_endpoint_url": "https://vpce.example.com"}, False),
        ({"ansible_aws_ssm_assume_role_arn": "arn:aws:iam::123456789012:role/Ops"}, False),
    ],
    ids=str,
)
def test_which_settings_can_share_a_session(variables: dict[str, Any], same: bool) -> None:
    with environment():
        given = {"ansible_host": TARGET}
        one, other = settings({**given, **variables}), settings(given)
    assert (one == other, one.key == other.key) == (same, same)


def test_settings_arrive_at_the_holder_as_they_are() -> None:
    with environment():
        given = settings(
            {
                "ansible_host": TARGET,
                "ansible_aws_ssm_document_parameters": {"ticket": ["4711", "\udcff"]},
                "ansible_aws_ssm_command_timeout": 3,
                "ansible_python_interpreter": "/usr/bin/python3.12",
                **KEYS,
            }
        )
    assert dataclasses.astuple(Settings.from_json(json.loads(json.dumps(given.as_json())))) == dataclasses.astuple(
        given
    )


def test_secrets_are_not_shown() -> None:
    with environment(**KEYS_OF_ENV):
        assert "canary" not in repr(settings(KEYS))


class TestReason:
    """The reason that other people see in the list of sessions."""

    def test_it_names_host_user_and_controller(self) -> None:
        assert settings().reason.startswith(f"Ansible: {HOST} by ")

    def test_it_has_at_most_256_characters(self) -> None:
        assert settings({"ansible_aws_ssm_reason": "x" * 300}).reason == "x" * 256

    def test_it_is_ascii(self) -> None:
        """AWS accepts no host name with an umlaut (mitogen 687)."""
        with LocalAWS(WORLD) as aws, environment(AWS_REGION="us-east-1"):
            variables = {"ansible_host": TARGET, "ansible_aws_ssm_reason": "bücher", **keys_of(aws)}
            call, unused = start(aws, variables)
        assert call.params["Reason"] == "b\\xfccher"


class TestInterpreters:
    """Where Python is looked for on a node (mitogen 673, 658, 597)."""

    @pytest.mark.parametrize("given", ["auto", "auto_silent", "python3", "", "/no; rm", "/opt/$(id)", None])
    def test_what_is_no_path_is_not_tried(self, given: str | None) -> None:
        assert settings({"ansible_python_interpreter": given}).interpreters == INTERPRETERS

    def test_a_path_is_tried_first(self) -> None:
        found = settings({"ansible_python_interpreter": "/usr/bin/python3.12"}).interpreters
        assert found == ("/usr/bin/python3.12", *INTERPRETERS)


class TestTimeout:
    """The time for connecting is ``timeout``, the name by which ansible-core sets it (community.aws 662)."""

    SCRIPT = """
import json, sys
from ansible.cli.adhoc import AdHocCLI
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import connection_loader, init_plugin_loader
AdHocCLI(["ansible", "all", "-m", "ping", *sys.argv[2:]]).parse()
init_plugin_loader()
context = PlayContext()
plugin = connection_loader.get("sessionops.aws.aws_ssm", context)
# As ansible-core does it for each task.
plugin.set_options(task_keys={"timeout": context.timeout}, var_options=json.loads(sys.argv[1]))
print(plugin.get_option("timeout"))
"""

    @pytest.mark.parametrize(
        ("arguments", "env", "ini", "variables", "wanted"),
        [
            ([], {}, "", {}, 10),
            ([], {}, "timeout = 5", {}, 5),
            ([], {"ANSIBLE_TIMEOUT": "4"}, "timeout = 5", {}, 4),
            (["-T", "3"], {"ANSIBLE_TIMEOUT": "4"}, "timeout = 5", {}, 3),
        ],
        ids=str,
    )
    def test_its_sources(
        self,
        tmp_path: Path,
        arguments: list[str],
        env: dict[str, str],
        ini: str,
        variables: dict[str, int],
        wanted: int,
    ) -> None:
        (tmp_path / "ansible.cfg").write_text(f"[defaults]\n{ini}\n")
        with environment(**env, ANSIBLE_CONFIG=str(tmp_path / "ansible.cfg")):
            command = [sys.executable, "-c", self.SCRIPT, json.dumps(variables), *arguments]
            done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
        assert done.stdout.split() == [str(wanted)]

    def test_wait_for_connection_sets_it(self) -> None:
        """``wait_for_connection`` and ``reboot`` set the option by its name for each try."""
        plugin = make({"ansible_aws_ssm_connect_timeout": 30}, keys={"timeout": 10})
        assert plugin.get_option("timeout") == 30
        plugin.set_option("timeout", 7)
        assert plugin.get_option("timeout") == 7


class TestTrust:
    """Which certificates are trusted, by the API and by the stream (session-manager-plugin 68)."""

    @pytest.mark.parametrize(
        ("variables", "env", "trusted", "verify"),
        [
            ({"ansible_aws_ssm_ca_bundle": "own.pem"}, {}, "own.pem", True),
            ({}, {"AWS_CA_BUNDLE": "own.pem"}, "own.pem", True),
            ({"ansible_aws_ssm_validate_certs": False}, {"AWS_CA_BUNDLE": "own.pem"}, None, False),
            ({"ansible_aws_ssm_ca_bundle": "own.pem"}, {"AWS_CA_BUNDLE": "other.pem"}, "own.pem", True),
        ],
        ids=str,
    )
    def test_the_stream_trusts_what_the_calls_trust(
        self,
        tmp_path: Path,
        variables: dict[str, Any],
        env: dict[str, str],
        trusted: str | None,
        verify: bool,
    ) -> None:
        def placed(given: Mapping[str, Any]) -> dict[str, Any]:
            return {
                name: str(tmp_path / value) if value in ("own.pem", "other.pem") else value
                for name, value in given.items()
            }

        for name in ("own.pem", "other.pem"):
            (tmp_path / name).touch()
        with environment(**placed(env), AWS_REGION="us-east-1"):
            route = Calls(settings({**KEYS, **placed(variables)}), Told()).route(
                "wss://ssmmessages.us-east-1.amazonaws.com/x"
            )
        assert (route.ca_file, route.verify) == (str(tmp_path / trusted) if trusted else None, verify)

    def test_by_default_it_is_what_botocore_trusts(self) -> None:
        with environment(AWS_REGION="us-east-1"):
            route = Calls(settings(KEYS), Told()).route("wss://ssmmessages.us-east-1.amazonaws.com/x")
        assert route.verify and Path(str(route.ca_file)).is_file()


def test_pipelining_is_on_unless_it_is_turned_off() -> None:
    with environment():
        assert make().get_option("pipelining") is True
        assert make({"ansible_pipelining": "no"}).get_option("pipelining") is False
        assert make({"ansible_aws_ssm_pipelining": False}).get_option("pipelining") is False
    with environment(ANSIBLE_PIPELINING="0"):
        assert make().get_option("pipelining") is False


def test_options_of_the_peer_that_need_a_bucket_are_accepted(capsys: pytest.CaptureFixture[str]) -> None:
    """A fleet that used a bucket can use this plugin with its variables as they are."""
    given = {f"ansible_aws_ssm_{name}": "x" for name in UNUSED if name != "s3_addressing_style"}
    with LocalAWS(WORLD) as aws, environment(AWS_REGION="us-east-1"), a_holder() as holder:
        plugin = make({"ansible_host": "i-00000000000000009", "ansible_aws_ssm_endpoint_url": aws.url, **given})
        with instead_of_a_process(holder), pytest.raises(AnsibleConnectionFailure):
            plugin._connect()
    told = " ".join(capsys.readouterr().err.split())
    assert "ansible_aws_ssm_bucket_name, ansible_aws_ssm_bucket_endpoint_url" in told and "have no effect: " in told
