# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test how worlds are read and checked."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest

from emulator import paging, registry
from emulator.service import APIError, Call
from emulator.services.ssm.nodes.store import Nodes
from emulator.world import WORLDS, World
from emulator.world_values import WorldError
from unit.support.every_operation import KEY


@pytest.mark.parametrize(
    ("description", "text"),
    [
        ({"colour": "red"}, "the world: unknown key colour; allowed: account_id, "),
        ({"regions": ["us-east-1"]}, "regions must be a mapping, not list"),
        (
            {"regions": {"us-east-1": {"nods": []}}},
            "region us-east-1: unknown key nods; allowed: documents, kms_keys, nodes, sessions",
        ),
        ({"regions": {"us-east-1": {"nodes": {}}}}, "us-east-1.nodes: nodes must be a list, not dict"),
        ({"regions": {"us-east-1": {"nodes": None}}}, None),
        (
            {"regions": {"us-east-1": {"sessions": [{"target": "i-1", "generate": 0}]}}},
            "generate must be a number of at least 1",
        ),
        (
            {"regions": {"us-east-1": {"nodes": [{"id": "i-12345678", "last_ping": "2 d ago"}]}}},
            "neither a time nor an",
        ),
        ({"regions": {"us-east-1": {"nodes": {"id": "i-1"}}}}, "us-east-1.nodes: nodes must be a list"),
        ({"regions": {"us-east-1": {"nodes": [{"id": "x"}]}}}, "us-east-1.nodes: not a node ID: 'x'"),
        ({"regions": {"us-east-1": {"nodes": [{"id": "i-12345678", "color": 1}]}}}, "a node: unknown key color"),
        ({"regions": {"us-east-1": {"nodes": [{"id": "i-12345678"}] * 2}}}, "i-12345678: defined twice"),
        ({"regions": {"us-east-1": {"nodes": [{"id": "i-12345678", "status": "up"}]}}}, "a status must be one of"),
        ({"regions": {"us-east-1": {"nodes": [{"id": "i-12345678", "platform": "BeOS"}]}}}, "platform must be one of"),
        (
            {"regions": {"us-east-1": {"nodes": [{"generate": "x", "id": "i-%08x"}]}}},
            "generate must be a number of at least 1",
        ),
        ({"regions": {"us-east-1": {"sessions": [{"bogus": 1}]}}}, "us-east-1.sessions: "),
        ({"switches": {"status_case": "upper"}}, "switch status_case must be one of lower, title, not 'upper'"),
        ({"switches": {"bogus": "x"}}, "switches: unknown key bogus"),
        ({"limits": {"bogus": 1}}, "limits: unknown key bogus"),
        ({"limits": {"page_size": "many"}}, "limit page_size must be a whole number, not 'many'"),
        ({"throttle": {"Bogus": {"rate": 1}}}, "throttle: unknown key Bogus"),
        ({"throttle": {"DescribeSessions": {"speed": 1}}}, "throttle DescribeSessions: unknown key speed"),
        ({"latency_ms": {"Bogus": 1}}, "latency_ms: unknown key Bogus"),
        ({"account_id": 12}, "account_id must be 12 digits"),
        ({"clock": "yesterday"}, "not an ISO 8601 time: 'yesterday'"),
        ({"seed": True}, "seed must be a whole number"),
        ({"faults": [{"op": "Bogus", "do": {"drop": "before"}}]}, "op of a fault must be an emulated operation"),
        ({"identities": [{"password": "x"}]}, "an identity: unknown key password"),
        ({"regions": {"us-east-1": {"kms_keys": [{"id": "key-1"}]}}}, "id of a kms_key must be a UUID, not 'key-1'"),
        (
            {"regions": {"us-east-1": {"kms_keys": [{"id": KEY, "alias": "sessions"}]}}},
            "alias of a kms_key must begin with alias/: 'sessions'",
        ),
        (
            {"regions": {"us-east-1": {"kms_keys": [{"id": KEY, "enabled": "no"}]}}},
            "enabled of a kms_key must be true or false, not 'no'",
        ),
        (["x"], "the world must be a mapping"),
    ],
)
def test_a_mistake_is_named(description: Any, text: str | None) -> None:
    if text is None:
        World(description)
        return
    with pytest.raises(WorldError) as error:
        World(description)
    assert text in str(error.value)


def test_defaults() -> None:
    world = World()
    assert world.now == datetime.datetime(2026, 11, 23, 12, tzinfo=datetime.UTC)
    assert world.account_id == "123456789012"
    assert world.regions == ["us-east-1"]
    assert world.default_identity.arn == "arn:aws:iam::123456789012:user/operator"
    assert {name: world.switch(name) for name in registry.switches()} == {
        name: values[0] for name, values in registry.switches().items()
    }
    assert world.limit("page_size") == 1000


def test_keys_are_new_each_time_and_numbers_are_not() -> None:
    one, other = World({"seed": 4}), World({"seed": 4})
    assert one.default_identity.secret_key != other.default_identity.secret_key
    assert one.default_identity.access_key != other.default_identity.access_key
    assert one.random.random() == other.random.random()


def test_every_value_of_every_switch_can_be_chosen() -> None:
    for name, values in registry.switches().items():
        assert len(set(values)) == len(values) > 1
        for value in values:
            assert World({"switches": {name: value}}).switch(name) == value


def test_a_state_is_one_for_each_region() -> None:
    world = World({"regions": {"us-east-1": {"nodes": [{"id": "i-12345678"}]}}})
    here = world.state("us-east-1", Nodes)
    assert world.state("us-east-1", Nodes) is here and here.find("i-12345678") is not None
    with pytest.raises(WorldError, match="region eu-west-1 is not in the world"):
        world.state("eu-west-1", Nodes)
    two = World({"regions": {"us-east-1": {"nodes": [{"id": "i-12345678"}]}, "eu-west-1": {}}})
    assert two.state("eu-west-1", Nodes).all() == []


def test_latency_is_for_all_or_for_one() -> None:
    assert World({"latency_ms": 20}).latency("DescribeSessions") == 0.02
    world = World({"latency_ms": {"default": 5, "StartSession": 1000}})
    assert (world.latency("StartSession"), world.latency("DescribeSessions")) == (1.0, 0.005)


@pytest.mark.parametrize("path", sorted(WORLDS.glob("*.yml")), ids=lambda path: path.stem)
def test_every_world_that_ships_loads_by_name_and_by_path(path: Path) -> None:
    assert World.load(path.stem).regions == World.load(path).regions


def test_an_unknown_world_names_those_that_are_there(tmp_path: Path) -> None:
    with pytest.raises(WorldError, match="no world nowhere: it is neither a file nor one of demo, edge, empty"):
        World.load("nowhere")
    broken = tmp_path / "broken.yml"
    broken.write_text("a: [", encoding="utf-8")
    with pytest.raises(WorldError, match="cannot read"):
        World.load(broken)


def call(world: World, **params: Any) -> Call:
    return Call("ssm", "DescribeSessions", params, world.default_identity, "us-east-1")


def test_pages_cover_everything_once_and_the_last_has_no_token() -> None:
    world = World()
    items = list(range(23))
    params: dict[str, Any] = {"MaxResults": 5, "State": "Active"}
    seen: list[int] = []
    token: str | None = ""
    pages = 0
    while token is not None:
        asked = call(world, **params, **({"NextToken": token} if token else {}))
        page, token = paging.paginate(items, asked, default=9, world=world)
        seen += page
        pages += 1
        assert token is None or not token.isdigit()
    assert (seen, pages) == (items, 5)
    assert paging.paginate([], call(world, **params), default=9, world=world) == ([], None)
    assert paging.paginate(list(range(5)), call(world, **params), default=9, world=world) == ([0, 1, 2, 3, 4], None)


def test_a_token_belongs_to_its_request() -> None:
    world = World()
    _page, token = paging.paginate(range(9), call(world, MaxResults=5), default=5, world=world)
    assert token is not None
    flipped = token[:-2] + ("A" if token[-2] != "A" else "B") + token[-1]
    for params in ({"NextToken": token, "Filters": []}, {"NextToken": flipped}, {"NextToken": "5"}, {"NextToken": "é"}):
        with pytest.raises(APIError) as error:
            paging.paginate(range(9), call(world, **params), default=5, world=world)
        assert error.value.code == "InvalidNextToken"
    with pytest.raises(APIError):
        paging.paginate(range(9), call(world, NextToken=token), default=5, world=World({"seed": 99}))


def test_the_service_may_give_smaller_pages_than_were_asked_for() -> None:
    world = World({"limits": {"page_size": 2}})
    assert paging.paginate(range(9), call(world, MaxResults=5), default=5, world=world)[0] == [0, 1]
