# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test which credentials the inventory uses, and its message if it cannot use them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleParserError

from emulator.testing import LocalAWS
from unit.support.inventory_source import Source

WEB = "i-0a1b2c3d4e5f60001"
WORLD: dict[str, Any] = {"regions": {"us-east-1": {"nodes": [{"id": WEB, "status": "connected"}]}}}
NO_KEYS = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SESSION_TOKEN": ""}
NO_REGION = {"AWS_REGION": "", "AWS_DEFAULT_REGION": ""}
UNKNOWN = (
    "Could not connect to AWS: the profile nosuch does not exist. "
    "Check profile, AWS_PROFILE and AWS's configuration files."
)
HINT = 'To use the profile, set access_key: "", secret_key: "" and session_token: "".'


def refusal(env: dict[str, str], **options: Any) -> str:
    """Return the error message for these options and environment variables. Check that no call was made."""
    with LocalAWS(WORLD) as aws:
        who = aws.world.default_identity
        with pytest.raises(AnsibleParserError) as raised:
            Source(aws, **options).parse(env=env)
        assert aws.calls() == []
    told = str(raised.value)
    assert not [each for each in (who.access_key, who.secret_key, "canary") if each in told]
    return told


@pytest.mark.parametrize("region", [{}, {"region": "us-east-1"}, {"regions": ["us-east-1"]}], ids=str)
@pytest.mark.parametrize("given", ["profile", "aws_profile", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"])
def test_an_unknown_profile_is_called_that(given: str, region: dict[str, Any]) -> None:
    env, options = ({given: "nosuch"}, {}) if given.isupper() else ({}, {given: "nosuch"})
    assert refusal({**NO_KEYS, **NO_REGION, **env}, **options, **region) == UNKNOWN


def test_an_unknown_profile_of_the_environment_is_told_beside_keys_too() -> None:
    keys = {"access_key": "canary-key", "secret_key": "canary-secret", "profile": ""}
    assert refusal({**NO_KEYS, **NO_REGION, "AWS_PROFILE": "nosuch"}, **keys) == UNKNOWN


@pytest.mark.parametrize(
    ("env", "options", "sentence"),
    [
        (
            {},
            {"profile": "work"},
            f"profile cannot be combined with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of the environment. {HINT}",
        ),
        (
            {"AWS_SESSION_TOKEN": "canary"},
            {"profile": "work"},
            "profile cannot be combined with AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN of the "
            f"environment. {HINT}",
        ),
        (
            {"AWS_PROFILE": "work", **NO_KEYS, "AWS_ACCESS_KEY": "canary", "AWS_SECRET_KEY": "canary"},
            {},
            f"AWS_PROFILE cannot be combined with AWS_ACCESS_KEY and AWS_SECRET_KEY of the environment. {HINT}",
        ),
        (
            {"AWS_PROFILE": "work", **NO_KEYS},
            {"access_key": "canary", "secret_key": "canary"},
            'AWS_PROFILE cannot be combined with access_key and secret_key. To use the keys, set profile: "".',
        ),
        (
            {"AWS_PROFILE": "nosuch", "AWS_SECRET_ACCESS_KEY": ""},
            {"access_key": ""},
            UNKNOWN,
        ),
        (
            NO_KEYS,
            {"profile": "work", "aws_access_key": "canary"},
            "profile cannot be combined with access_key. Set only one of them.",
        ),
        (
            NO_KEYS,
            {"profile": "work", "aws_access_key": "canary", "secret_key": "canary"},
            "profile cannot be combined with access_key and secret_key. Set only one of them.",
        ),
    ],
    ids=str,
)
def test_a_profile_beside_keys_says_where_the_keys_come_from(
    env: dict[str, str], options: dict[str, Any], sentence: str
) -> None:
    assert refusal(env, region="us-east-1", **options) == sentence
    assert refusal({**NO_REGION, **env}, **options) == sentence


def test_empty_options_get_past_keys_of_the_environment(tmp_path: Path) -> None:
    config = tmp_path / "credentials"
    with LocalAWS(WORLD) as aws:
        who = aws.world.default_identity
        config.write_text(f"[work]\naws_access_key_id = {who.access_key}\naws_secret_access_key = {who.secret_key}\n")
        env = {
            "AWS_SHARED_CREDENTIALS_FILE": str(config),
            "AWS_ACCESS_KEY_ID": "AKIAOTHER",
            "AWS_SECRET_ACCESS_KEY": "other",
            "AWS_SESSION_TOKEN": "other",
        }
        source = Source(aws, profile="work", access_key="", secret_key="", session_token="")
        assert list(source.parse(env=env).hosts) == [WEB]
