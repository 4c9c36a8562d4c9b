# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test that unmodified AWS clients work against the emulator."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import child
import pytest

EMULATOR = Path(__file__).parents[1] / "emulator"
CONTENT = '{"schemaVersion": "1.0", "sessionType": "Standard_Stream", "inputs": {}}'


def run(command: str, world: str = "demo", directory: Path | None = None) -> str:
    """Run a shell command with only the emulator's environment variables. Return what it prints."""
    emulated = [sys.executable, str(EMULATOR), "run", "--world", world, "--", "bash", "-euc", command]
    return child.run(emulated, directory or EMULATOR)


def test_the_aws_cli_creates_a_document() -> None:
    made = json.loads(run(f"aws ssm create-document --name Cli-Made --document-type Session --content '{CONTENT}'"))
    assert made["DocumentDescription"]["Status"] == "Creating"
    assert made["DocumentDescription"]["SchemaVersion"] == "1.0"


def test_the_aws_cli_describes_and_ends_a_session() -> None:
    listed = json.loads(
        run(
            """
            id=$(aws ssm describe-sessions --state Active --query 'Sessions[-1].SessionId' --output text)
            aws ssm terminate-session --session-id "$id" > /dev/null
            aws ssm describe-sessions --state Active > /dev/null
            aws ssm describe-sessions --state Active > /dev/null
            aws ssm describe-sessions --state History --filters "key=SessionId,value=$id"
            """
        )
    )
    assert [session["Status"] for session in listed["Sessions"]] == ["Terminated"]


def test_the_aws_cli_gets_a_connection_status() -> None:
    asked = json.loads(run("aws ssm get-connection-status --target i-0a1b2c3d4e5f60001"))
    assert asked == {"Target": "i-0a1b2c3d4e5f60001", "Status": "connected"}


def test_boto3() -> None:
    script = (
        f"CONTENT = {CONTENT!r}"
        + """
import boto3
ssm = boto3.client("ssm")
ssm.create_document(Name="Boto-Made", DocumentType="Session", Content=CONTENT)
pages = ssm.get_paginator("list_documents").paginate(Filters=[{"Key": "Owner", "Values": ["Self"]}])
assert "Boto-Made" in [document["Name"] for page in pages for document in page["DocumentIdentifiers"]]
print(boto3.client("sts").get_caller_identity()["Account"])
"""
    )
    assert run(f"{sys.executable} - <<'PYTHON'\n{script}\nPYTHON").strip() == "123456789012"


def playbook(tmp_path: Path, tasks: list[dict[str, Any]]) -> str:
    play = [{"name": "Stock modules", "hosts": "localhost", "gather_facts": False, "tasks": tasks}]
    (tmp_path / "playbook.yml").write_text(json.dumps(play))
    return run("ansible-playbook playbook.yml", directory=tmp_path)


def test_the_caller_info_module_of_amazon_aws(tmp_path: Path) -> None:
    caller = {"name": "Ask who we are", "amazon.aws.aws_caller_info": {}, "register": "caller"}
    check = {"name": "Check it", "ansible.builtin.assert": {"that": "caller.account == '123456789012'"}}
    assert "failed=0" in playbook(tmp_path, [caller, check])


def test_the_ec2_inventory_of_amazon_aws(tmp_path: Path) -> None:
    configuration = {"plugin": "amazon.aws.aws_ec2", "hostnames": ["instance-id"], "regions": ["us-east-1"]}
    (tmp_path / "stock.aws_ec2.yml").write_text(json.dumps(configuration))
    listed = json.loads(run("ansible-inventory -i stock.aws_ec2.yml --list", directory=tmp_path))
    hosts = listed["_meta"]["hostvars"]
    assert "i-0a1b2c3d4e5f60001" in hosts
    assert all(name.startswith("i-") for name in hosts)


@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_a_client_with_other_keys_is_refused(name: str) -> None:
    with pytest.raises(AssertionError, match=r"UnrecognizedClientException|InvalidSignatureException"):
        run(f"{name}=AKIAIOSFODNN7EXAMPLE aws ssm describe-sessions --state Active")
