# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test what is cached and for how long, and that other options never get the same cache entry."""

from __future__ import annotations

import collections
import configparser
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from ansible_collections.sessionops.aws.plugins.plugin_utils._inventory import cache
from ansible_collections.sessionops.aws.plugins.plugin_utils._inventory.cache import (
    InventoryCache,
    find_nodes,
    fingerprint,
)
from ansible_collections.sessionops.aws.plugins.plugin_utils._inventory.connection import identity
from ansible_collections.sessionops.aws.plugins.plugin_utils._inventory.fetch import Clients, Found
from ansible_collections.sessionops.aws.plugins.plugin_utils._inventory.options import InventoryPlan
from botocore.credentials import Credentials

from emulator.service import Identity
from emulator.testing import LocalAWS
from unit.support.inventory_source import Source

WEB, STOPPED = "i-0a1b2c3d4e5f60001", "i-0a1b2c3d4e5f60002"
ROLE = "arn:aws:iam::210987654321:role/Inventory"
WORLD: dict[str, Any] = {
    "roles": [ROLE],
    "regions": {
        "us-east-1": {
            "nodes": [
                {"id": WEB, "status": ["connected", "notconnected"], "tags": {"Env": "{{ 7 * 7 }}"}},
                {"id": STOPPED, "instance_state": "stopped"},
            ]
        },
        "eu-west-1": {"nodes": [{"id": "i-0a1b2c3d4e5f60003"}]},
    },
}


def calls(aws: LocalAWS, since: int = 0) -> dict[str, int]:
    return dict(collections.Counter(call.operation for call in aws.calls(since=since)))


@pytest.mark.parametrize("details", [False, True])
def test_a_hit_with_statuses_makes_no_call_at_all_and_gives_the_same_hosts(details: bool) -> None:
    with LocalAWS(WORLD) as aws:
        source = Source(aws)
        source.write_cached(cache_statuses_seconds=60, ec2_details=details, assume_role_arn=ROLE)
        first = source.parse()
        position = aws.position
        assert source.parse().hosts == first.hosts
        assert calls(aws, position) == {}


def test_statuses_are_asked_for_each_time_unless_they_are_kept() -> None:
    with LocalAWS(WORLD) as aws:
        source = Source(aws)
        source.write_cached()
        assert source.parse().hosts[WEB]["connection_status"] == "connected"
        position = aws.position
        assert source.parse().hosts[WEB]["connection_status"] == "notconnected"
        assert calls(aws, position) == {"GetConnectionStatus": 1}


def test_a_refresh_asks_for_everything_and_keeps_it() -> None:
    with LocalAWS(WORLD) as aws:
        source = Source(aws)
        source.write_cached(cache_statuses_seconds=60)
        source.parse()
        position = aws.position
        assert source.parse(cache=False).hosts[WEB]["connection_status"] == "notconnected"
        assert calls(aws, position) == {"DescribeInstanceProperties": 1, "GetConnectionStatus": 1}
        assert source.parse().hosts[WEB]["connection_status"] == "notconnected"


def test_nodes_and_statuses_each_have_their_own_time() -> None:
    with LocalAWS(WORLD) as aws:
        source = Source(aws)
        source.write_cached(cache_timeout=1000, cache_statuses_seconds=100)
        source.parse()
        now = time.time()
        made = []
        # The files keep their real age. Only the test's clock moves on, 90 seconds a step.
        for step in range(1, 13):
            position = aws.position
            with mock.patch("time.time", return_value=now + 90 * step):
                source.parse()
            made.append(calls(aws, position))
        statuses = [step for step, each in enumerate(made, start=1) if "GetConnectionStatus" in each]
        listings = [step for step, each in enumerate(made, start=1) if "DescribeInstanceProperties" in each]
        # New statuses do not extend the age of the nodes: 12 x 90 seconds are more than 1,000, the cache_timeout.
        assert statuses == [2, 4, 6, 8, 10, 12]
        assert listings == [12]


def test_what_a_clock_that_was_put_back_left_does_not_count() -> None:
    with LocalAWS(WORLD) as aws:
        source = Source(aws)
        source.write_cached()
        source.parse()
        position = aws.position
        now = time.time()
        with mock.patch("time.time", return_value=now - 10):
            source.parse()
        assert "DescribeInstanceProperties" in calls(aws, position)


OTHERS: list[dict[str, Any]] = [
    {"region": "eu-west-1"},
    {"regions": ["us-east-1", "eu-west-1"]},
    {"filters": {"PlatformTypes": "Linux"}},
    {"include_filters": [{"PlatformTypes": "Linux"}]},
    {"exclude_filters": [{"PlatformTypes": "Linux"}]},
    {"ec2_details": True},
    {"assume_role_arn": ROLE},
]


@pytest.mark.parametrize("changed", OTHERS, ids=lambda options: next(iter(options)))
def test_changed_options_never_get_what_others_left(changed: dict[str, Any]) -> None:
    with LocalAWS(WORLD) as aws:
        source = Source(aws)
        source.write_cached(cache_statuses_seconds=60)
        source.parse()
        source.write_cached(cache_statuses_seconds=60, **changed)
        position = aws.position
        cached = source.parse()
        assert {"DescribeInstanceProperties"} <= set(calls(aws, position))
        assert cached.hosts == Source(aws, **changed).parse().hosts or "status" in str(cached.hosts)


def test_another_endpoint_access_key_or_profile_never_gets_what_others_left(tmp_path: Path) -> None:
    other = Identity("AKIAOTHEROTHEROTHER0", "secret", "210987654321", "arn:aws:iam::210987654321:user/x", "AIDAX")
    config = tmp_path / "config"
    with LocalAWS(WORLD) as aws, LocalAWS({**WORLD, "regions": {"us-east-1": {}}}) as elsewhere:
        aws.world.identities[other.access_key] = other
        own = aws.world.default_identity
        config.write_text(
            f"[profile p]\naws_access_key_id = {own.access_key}\naws_secret_access_key = {own.secret_key}\n"
        )
        source = Source(aws)
        source.write_cached(cache_statuses_seconds=60)
        assert len(source.parse().hosts) == 2
        for env in (
            elsewhere.env,
            {"AWS_ACCESS_KEY_ID": other.access_key, "AWS_SECRET_ACCESS_KEY": other.secret_key},
            {"AWS_PROFILE": "p", "AWS_CONFIG_FILE": str(config), "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""},
        ):
            before = aws.position + elsewhere.position
            source.parse(env=env)
            assert aws.position + elsewhere.position > before


KEYS = {"aws_access_key_id": "own", "aws_secret_access_key": "own"}
OTHER_KEYS = {"aws_access_key_id": "other", "aws_secret_access_key": "other"}
ROLE_OF = {"role_arn": ROLE, "source_profile": "base"}
SSO = {"sso_start_url": "https://x.awsapps.com/start", "sso_region": "us-east-1", "sso_account_id": "210987654321"}
SSO_BY_SESSION = {"sso_session": "corp", "sso_account_id": "210987654321", "sso_role_name": "Reader"}
Settings = dict[str, dict[str, str]]


@pytest.fixture
def who(tmp_path: Path) -> Callable[[Settings], Any]:
    """Return a function that computes the fingerprint's part for the credentials in a configuration file."""

    def known(sections: Settings, **options: str) -> Any:
        parser = configparser.RawConfigParser()
        parser.read_dict(sections)
        with (tmp_path / "config").open("w") as file:
            parser.write(file)
        token = tmp_path / "token"
        token.write_text("secret-token")
        settings = {"AWS_CONFIG_FILE": str(tmp_path / "config"), "AWS_EC2_METADATA_DISABLED": "true"}
        settings |= {"AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"), "HOME": str(tmp_path)}
        with mock.patch.dict(os.environ, settings, clear=True):
            return identity(options.get)

    return known


@pytest.mark.parametrize(
    ("one", "another"),
    [
        ({"default": KEYS}, {"default": OTHER_KEYS}),
        ({"default": KEYS}, {"default": {**KEYS, "endpoint_url": "http://127.0.0.1:1"}}),
        ({"default": ROLE_OF, "profile base": KEYS}, {"default": ROLE_OF, "profile base": OTHER_KEYS}),
        (
            {"default": ROLE_OF, "profile base": KEYS},
            {"default": {**ROLE_OF, "role_arn": ROLE + "2"}, "profile base": KEYS},
        ),
        (
            {"default": ROLE_OF, "profile base": {**ROLE_OF, "source_profile": "root"}, "profile root": KEYS},
            {"default": ROLE_OF, "profile base": {**ROLE_OF, "source_profile": "root"}, "profile root": OTHER_KEYS},
        ),
        (
            {"default": {**KEYS, "role_arn": ROLE, "source_profile": "default"}},
            {"default": {**OTHER_KEYS, "role_arn": ROLE, "source_profile": "default"}},
        ),
        ({"default": {**SSO, "sso_role_name": "Reader"}}, {"default": {**SSO, "sso_role_name": "Admin"}}),
        (
            {"default": SSO_BY_SESSION, "sso-session corp": {"sso_region": "a", "sso_start_url": "https://a"}},
            {"default": SSO_BY_SESSION, "sso-session corp": {"sso_region": "a", "sso_start_url": "https://b"}},
        ),
        (
            {"default": {"role_arn": ROLE, "web_identity_token_file": "/a"}},
            {"default": {"role_arn": ROLE, "web_identity_token_file": "/b"}},
        ),
    ],
)
def test_who_signs_differs_where_one_setting_does_and_is_the_same_the_next_time(
    one: Settings, another: Settings, who: Callable[[Settings], Any]
) -> None:
    plan = InventoryPlan(("us-east-1",))
    first, second = who(one), who(another)
    assert first and second and fingerprint(plan, first) != fingerprint(plan, second)
    assert fingerprint(plan, first) == fingerprint(plan, who(one))
    assert "secret" not in json.dumps([first, second])


def test_keys_of_a_container_count_themselves(who: Callable[[Settings], Any]) -> None:
    sections = {"default": {"role_arn": ROLE, "credential_source": "EcsContainer"}}
    found = []
    for key in ("AKIAONE", "AKIATWO", "AKIATWO"):
        load = mock.Mock(return_value=Credentials(key, "unseen"))
        with mock.patch("botocore.credentials.ContainerProvider.load", load):
            found.append(who(sections))
    assert found[0] != found[1] == found[2]
    assert "unseen" not in json.dumps(found)


@pytest.mark.parametrize(
    "sections", [{}, {"default": ROLE_OF}, {"default": {"aws_access_key_id": "own"}}], ids=["none", "source", "half"]
)
def test_nobody_who_signs_has_nothing_kept(sections: Settings, who: Callable[[Settings], Any]) -> None:
    assert who(sections) is None


def test_other_keys_in_the_same_file_never_get_what_others_left(tmp_path: Path) -> None:
    other = Identity("AKIAOTHEROTHEROTHER0", "secret", "210987654321", "arn:aws:iam::210987654321:user/x", "AIDAX")
    file = tmp_path / "credentials"
    env = {"AWS_SHARED_CREDENTIALS_FILE": str(file), "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    with LocalAWS(WORLD) as aws:
        aws.world.identities[other.access_key] = other
        source = Source(aws)
        source.write_cached(cache_statuses_seconds=60)
        made = []
        for each in (aws.world.default_identity, other, other):
            text = f"[default]\naws_access_key_id={each.access_key}\naws_secret_access_key={each.secret_key}\n"
            file.write_text(text)
            position = aws.position
            source.parse(env=env)
            made.append(calls(aws, position))
    assert made == [{"DescribeInstanceProperties": 1, "GetConnectionStatus": 1}] * 2 + [{}]


def test_what_is_kept_is_for_its_owner_alone(tmp_path: Path) -> None:
    with LocalAWS(WORLD) as aws:
        source = Source(aws)
        source.write_cached(cache_statuses_seconds=60, cache_connection=str(tmp_path / "kept"))
        source.parse()
    assert (tmp_path / "kept").stat().st_mode & 0o777 == 0o700
    assert [path.stat().st_mode & 0o777 for path in (tmp_path / "kept").iterdir()] == [0o600, 0o600]


def test_the_prefix_is_that_of_the_files() -> None:
    with LocalAWS(WORLD) as aws:
        source = Source(aws)
        source.write_cached(cache_prefix="fleet_")
        source.parse()
        assert [path.name[:6] for path in source.path.parent.iterdir() if path != source.path] == ["fleet_"]


def test_what_is_kept_is_what_aws_said_and_no_secret() -> None:
    with LocalAWS(WORLD) as aws:
        source = Source(aws)
        source.write_cached(
            cache_statuses_seconds=60, ec2_details=True, hostvars_prefix="x_", connection="amazon.aws.aws_ssm"
        )
        source.parse()
        kept = "".join(path.read_text() for path in source.path.parent.iterdir() if path != source.path)
        assert WEB in kept and "x_instance_id" not in kept and "ansible_connection" not in kept
        who = aws.world.default_identity
        assert who.secret_key not in kept and who.access_key not in kept
        # The cached nodes also serve another choice of host names, without a call.
        source.write_cached(cache_statuses_seconds=60, ec2_details=True, hostnames=["ip_address"])
        position = aws.position
        assert WEB not in source.parse().hosts
        assert calls(aws, position) == {}


def test_a_value_of_aws_is_no_template_after_it_was_kept() -> None:
    with LocalAWS(WORLD) as aws:
        source = Source(aws)
        source.write_cached(cache_statuses_seconds=60, ec2_details=True, compose={"env": "ec2_tags.Env"})
        for unused in range(2):
            assert source.parse().hosts[WEB]["env"] == "{{ 7 * 7 }}"


def test_an_inventory_that_lacks_a_region_is_not_kept() -> None:
    rule = {"op": "DescribeInstanceProperties", "do": {"error": "InvalidNextToken"}}
    with LocalAWS({**WORLD, "faults": [rule]}) as aws:
        source = Source(aws)
        source.write_cached(strict_permissions=False, regions=["us-east-1", "eu-west-1"])
        assert len(source.parse().warnings) == 1
        assert len(source.parse().hosts) == 3


@pytest.mark.parametrize(
    "text",
    ["", "{", "[1]", "null", '"x"', "{}", '{"regions": "other"}', '{"__payload__": "zz"}', '{"__payload__": "[1]"}'],
)
def test_what_somebody_else_wrote_does_not_count(text: str) -> None:
    with LocalAWS(WORLD) as aws:
        source = Source(aws)
        source.write_cached(cache_statuses_seconds=60)
        source.parse()
        for path in source.path.parent.iterdir():
            if path != source.path:
                path.write_text(text)
        position = aws.position
        assert len(source.parse().hosts) == 2
        source.parse()
        assert calls(aws, position) == {"DescribeInstanceProperties": 1, "GetConnectionStatus": 1}


@pytest.mark.parametrize("member", ["regions", "made", "fingerprint"])
def test_an_entry_that_lacks_something_does_not_count(member: str) -> None:
    entries: dict[str, Any] = {}
    plan = InventoryPlan(("us-east-1",), status_source="none")
    store = InventoryCache(entries, "key", "own", nodes_for=0, statuses_for=60)
    with LocalAWS(WORLD) as aws:

        def find_them() -> Found:
            return find_nodes(
                plan,
                lambda regions: {name: Clients(aws.client("ssm", region=name)) for name in regions},
                store,
                fresh=False,
            )

        find_them()
        entries["key"] = {**entries["key"], member: None}
        assert len(find_them().regions["us-east-1"].nodes) == 2
        position = aws.position
        find_them()
        assert calls(aws, position) == {}


@pytest.mark.parametrize("key", ["__ansible_type", "__ansible_unsafe", "__ansible_vault", "__payload__"])
def test_a_tag_with_a_key_of_ansibles_own_takes_no_other_with_it(key: str) -> None:
    tags = {key: "TrustedAsTemplate", "Env": "prod"}
    with LocalAWS({"regions": {"us-east-1": {"nodes": [{"id": WEB, "tags": tags}]}}}) as aws:
        source = Source(aws)
        source.write_cached(ec2_details=True)
        for unused in range(2):
            assert source.parse().hosts[WEB]["ec2_tags"] == ({"Env": "prod"} if "ansible" in key else tags)
        assert calls(aws)["DescribeInstanceProperties"] == 1


@pytest.mark.parametrize("lost", ["first", "second"])
def test_a_status_that_is_not_kept_is_asked_for_though_another_is(lost: str) -> None:
    entries: dict[str, Any] = {}
    targets = {"first": "i-0a1b2c3d4e5f60001", "second": "i-0a1b2c3d4e5f60002"}
    store = InventoryCache(entries, "key", "own", nodes_for=0, statuses_for=60)
    with LocalAWS({"regions": {"us-east-1": {"nodes": [{"id": target} for target in targets.values()]}}}) as aws:

        def find_them() -> Found:
            made = {"us-east-1": Clients(aws.client("ssm"))}
            return find_nodes(InventoryPlan(("us-east-1",)), lambda regions: made, store, fresh=False)

        find_them()
        [kept] = [key for key in entries if key != "key"]
        del entries[kept]["asked"][targets[lost]]
        position = aws.position
        assert set(find_them().asked) == set(targets.values())
        assert targets[lost] in [call.params["Target"] for call in aws.calls("GetConnectionStatus", since=position)]


def test_what_another_version_of_the_collection_kept_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    with LocalAWS(WORLD) as aws:
        source = Source(aws)
        source.write_cached(cache_statuses_seconds=60)
        source.parse()
        monkeypatch.setattr(cache, "COLLECTION_VERSION", "0.0.9")
        position = aws.position
        source.parse()
        assert calls(aws, position) == {"DescribeInstanceProperties": 1, "GetConnectionStatus": 1}


@pytest.mark.parametrize(
    ("changed", "counts"),
    [
        ({"HOME_SWEET": "x"}, False),
        ({"AWS_SESSION_TOKEN": "secret-other"}, False),
        ({"AWS_SECURITY_TOKEN": "secret-other"}, False),
        ({"AWS_SECRET_ACCESS_KEY": "secret-other"}, False),
        ({"AWS_ACCESS_KEY_ID": "other"}, True),
        ({"AWS_ENDPOINT_URL_SSM": "http://127.0.0.1:1"}, True),
        ({"AWS_CA_BUNDLE": "/other"}, True),
        ({"AWS_WEB_IDENTITY_TOKEN_FILE": "/other"}, True),
    ],
    ids=str,
)
def test_which_variables_tell_one_signer_from_another(changed: dict[str, str], counts: bool, tmp_path: Path) -> None:
    settings = {"AWS_ACCESS_KEY_ID": "own", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "secret"}
    settings |= {"AWS_CONFIG_FILE": str(tmp_path / "none"), "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none")}
    found = []
    for env in (settings, {**settings, **changed}):
        with mock.patch.dict(os.environ, env, clear=True):
            found.append(identity(dict[str, str]().get))
    assert None not in found and (found[0] != found[1]) is counts
    assert "secret" not in json.dumps(found)
    with mock.patch.dict(os.environ, settings, clear=True):
        assert (identity({"access_key": "own"}.get) != identity({"access_key": "other"}.get)) is True


def test_another_variable_of_aws_never_gets_what_others_left(tmp_path: Path) -> None:
    with LocalAWS(WORLD) as aws:
        source = Source(aws)
        source.write_cached(cache_statuses_seconds=60)
        made = []
        for env in ({}, {"AWS_CA_BUNDLE": str(tmp_path / "x")}, {"AWS_CA_BUNDLE": str(tmp_path / "x"), "OTHER": "x"}):
            position = aws.position
            source.parse(env=env)
            made.append(len(aws.calls(since=position)))
    assert made == [2, 2, 0]
