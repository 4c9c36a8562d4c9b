# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test that AWX can update from the inventory."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from awx import NEEDED, SOURCE, UPDATE, configure, enabled, listing, permissions, project, run, update
from environment import ROOT

from emulator.testing import LocalAWS

NODE, OTHER = "i-0a1b2c3d4e5f60001", "i-0a1b2c3d4e5f60007"
CONNECTED = [NODE, OTHER, "mi-0a1b2c3d4e5f60006"]


def test_an_update_lists_every_node_and_enables_those_that_are_connected(tmp_path: Path) -> None:
    with LocalAWS("demo") as aws:
        job = update(aws, project(tmp_path, "update"))
        assert job.status == 0, job.printed
        inventory = job.inventory()
        assert len(inventory["_meta"]["hostvars"]) == 8
        assert enabled(inventory) == inventory["ssm_connected"]["hosts"] == CONNECTED
        assert inventory["platform_windows"]["hosts"] == [OTHER]
        assert permissions(aws) == NEEDED[SOURCE["source_path"]]


def test_an_update_that_finds_what_was_there_changes_nothing(tmp_path: Path) -> None:
    nodes = [{"id": "i-%017x", "generate": 30}]
    described: dict[str, Any] = {"regions": {"us-east-1": {"nodes": nodes}, "eu-west-1": {}}}
    with LocalAWS(described) as aws:
        first, second = (update(aws, project(tmp_path, name)) for name in ("first", "second"))
        assert first.output.read_bytes() == second.output.read_bytes()


def test_an_update_of_no_node_is_one_of_no_host(tmp_path: Path) -> None:
    with LocalAWS({"regions": {"us-east-1": {}, "eu-west-1": {}}}) as aws:
        job = update(aws, project(tmp_path, "update"))
        assert job.status == 0, job.printed
        assert job.inventory()["_meta"]["hostvars"] == {}


@pytest.mark.parametrize("verbosity", [[], ["-vvvvv"]], ids=["quiet", "verbose"])
def test_nothing_but_the_inventory_is_on_standard_output(verbosity: list[str], tmp_path: Path) -> None:
    """Check also that the warning about a skipped region is not on standard output."""
    regions = {"us-east-1": {"nodes": [{"id": NODE}]}, "eu-west-1": {"nodes": [{"id": OTHER}]}}
    once = {"op": "DescribeInstanceProperties", "do": {"error": "InvalidNextToken"}}
    with LocalAWS({"regions": regions, "faults": [once]}) as aws:
        folder = project(tmp_path, "update")
        configure(folder, "strict_permissions: false")
        job = run(aws, folder, "--", *listing(folder), *verbosity, **UPDATE)
        assert job.status == 0
        assert len(json.loads(job.printed)["_meta"]["hostvars"]) == 1
        warned = (job.artifacts / "stderr").read_text()
        assert "InvalidNextToken" in warned
        assert "Traceback" not in warned


def test_names_are_texts_that_awx_reads_as_they_are(tmp_path: Path) -> None:
    """AWX fails on a name that is not a string, and treats what follows a colon in a host name as a port."""
    nodes = [
        {"id": NODE, "tags": {"Name": "web[1:3] {{ 7 * 7 }}:22", "Team": "a:b {{ x }}"}},
        {"id": OTHER, "tags": {"Name": "db", "Team": "data"}},
    ]
    with LocalAWS({"regions": {"us-east-1": {"nodes": nodes}, "eu-west-1": {}}}) as aws:
        folder = project(tmp_path, "update")
        configure(folder, 'ec2_details: true\nhostnames: ["{{ ec2_tags.Name | upper }}"]\ngroups: {all_of_them: true}')
        inventory = update(aws, folder).inventory()
        assert sorted(inventory["_meta"]["hostvars"]) == ["DB", "WEB_1_3_____7___7____22"]
        assert inventory["all_of_them"]["hosts"] == inventory["ssm_connected"]["hosts"]
        assert sorted(inventory["ssm_connected"]["hosts"]) == ["DB", "WEB_1_3_____7___7____22"]


def test_an_update_exports_the_variables_that_lie_beside_the_file(tmp_path: Path) -> None:
    with LocalAWS("demo") as aws:
        folder = project(tmp_path, "update")
        for kind, name in (("group", "ssm_connected"), ("host", CONNECTED[0])):
            beside = folder / "project" / f"{kind}_vars" / f"{name}.yml"
            beside.parent.mkdir()
            beside.write_text(f"ours: of a {kind}\n")
        inventory = update(aws, folder).inventory()
        assert inventory["ssm_connected"]["vars"] == {"ours": "of a group"}
        first, second, *_others = (inventory["_meta"]["hostvars"][host] for host in CONNECTED)
        assert first["ours"] == "of a host"
        assert "ours" not in second


def test_a_source_can_set_the_region_of_a_file_without_one(tmp_path: Path) -> None:
    """AWX exports the variables of a source as environment variables of its updates."""
    with LocalAWS("demo") as aws:
        folder = project(tmp_path, "update")
        (folder / "project" / SOURCE["source_path"]).write_text("plugin: sessionops.aws.aws_ssm\n")
        hosts = update(aws, folder, AWS_REGION="eu-west-1").inventory()["_meta"]["hostvars"]
        assert {known["region"] for known in hosts.values()} == {"eu-west-1"}


def shown_by_the_guide() -> str:
    """Return the guide's message for an update that is not allowed to list nodes."""
    block = re.search(r"code-block:: text\n\n(.*?)\n\n\S", (ROOT / "docs/docsite/rst/awx.rst").read_text(), re.DOTALL)
    assert block
    return block[1].split("us-east-1: ")[1]


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("AccessDeniedException", shown_by_the_guide()),
        ("ExpiredTokenException", "Could not list the managed nodes: ExpiredTokenException"),
    ],
    ids=["denied", "expired"],
)
def test_an_update_that_cannot_list_fails_with_a_sentence(code: str, sentence: str, tmp_path: Path) -> None:
    operations = ("DescribeInstanceProperties", "DescribeInstanceInformation")
    faults = [{"op": operation, "times": "always", "do": {"error": code}} for operation in operations]
    with LocalAWS({"regions": {"us-east-1": {}, "eu-west-1": {}}, "faults": faults}, strict=False) as aws:
        job = update(aws, project(tmp_path, "update"))
        assert job.status != 0
        assert not job.output.exists()
        assert " ".join(sentence.split()) in job.sentences
        assert "not YAML inventory" not in job.sentences  # the message of the next inventory plugin
        assert "Traceback" not in job.printed


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("max_workers: 0", "max_workers: 0 is out of range"),
        ("status_source: guess", "status_source"),
        ("hostnames: [tag:Name]", "ec2_details"),
    ],
)
def test_an_update_with_a_bad_option_fails_with_a_sentence(line: str, sentence: str, tmp_path: Path) -> None:
    with LocalAWS("demo") as aws:
        folder = project(tmp_path, "update")
        configure(folder, line)
        job = update(aws, folder)
        assert job.status != 0
        assert not job.output.exists()
        assert sentence in job.sentences
        assert "Traceback" not in job.printed
        assert aws.calls() == []


def test_an_update_without_a_region_fails_with_a_sentence(tmp_path: Path) -> None:
    with LocalAWS("demo") as aws:
        folder = project(tmp_path, "update")
        (folder / "project" / SOURCE["source_path"]).write_text("plugin: sessionops.aws.aws_ssm\n")
        job = update(aws, folder)
        assert job.status != 0
        assert "region" in job.printed
        assert "Traceback" not in job.printed
