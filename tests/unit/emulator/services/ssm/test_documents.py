# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test the operations on documents."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from emulator.direct import Direct
from emulator.service import APIError
from emulator.services.ssm.documents.content import convert
from emulator.services.ssm.documents.store import Documents
from emulator.testing import LocalAWS
from emulator.world_values import WorldError

SESSION = {"schemaVersion": "1.0", "sessionType": "Standard_Stream", "inputs": {}}
COMMAND: dict[str, Any] = {
    "schemaVersion": "2.2",
    "parameters": {"what": {"type": "StringList", "description": "things", "default": ["a"]}},
    "mainSteps": [{"action": "aws:runShellScript", "name": "say", "inputs": {"runCommand": ["true"]}}],
}
OLD_COMMAND = {
    "schemaVersion": "1.2",
    "description": "old",
    "runtimeConfig": {"aws:runShellScript": {"properties": []}},
}
AUTOMATION = {
    "schemaVersion": "0.3",
    "parameters": {"who": {"type": "String"}},
    "mainSteps": [{"action": "aws:sleep", "name": "wait", "inputs": {"Duration": "PT{{ who }}S", "x": "{{ a.b }}"}}],
}
PACKAGE = {
    "schemaVersion": "2.0",
    "version": "1.0",
    "packages": {"linux": {"_any": {"x86_64": {"file": "one.zip"}}}},
    "files": {"one.zip": {"checksums": {"sha256": "0" * 64}}},
}
SOURCE = [{"Key": "SourceUrl", "Values": ["s3://bucket/folder"]}]
OTHERS = [f"{number:012d}" for number in range(1, 46)]


def text(content: Any, **changes: Any) -> str:
    return json.dumps({**content, **changes})


def make(aws: Direct, name: str = "mine", content: Any = None, **params: Any) -> dict[str, Any]:
    """Make a document and wait until it is Active."""
    content = content if isinstance(content, str) else json.dumps(content or SESSION)
    made = aws("CreateDocument", Name=name, Content=content, **{"DocumentType": "Session", **params})
    aws("DescribeDocument", Name=name)
    return dict(made["DocumentDescription"])


def change(aws: Direct, content: str, name: str = "mine", **params: Any) -> dict[str, Any]:
    """Make a version and wait until it is Active."""
    made = aws("UpdateDocument", Name=name, Content=content, **{"DocumentVersion": "$LATEST", **params})
    aws("DescribeDocument", Name=name, DocumentVersion="$LATEST")
    return dict(made["DocumentDescription"])


def describe(aws: Direct, name: str = "mine", **params: Any) -> dict[str, Any]:
    return dict(aws("DescribeDocument", Name=name, **params)["Document"])


@pytest.fixture
def aws() -> Direct:
    return Direct()


# --- making ---------------------------------------------------------------------------------------------------------


def test_a_new_document_is_described_by_its_content(aws: Direct) -> None:
    made = make(
        aws, content=COMMAND, DocumentType="Command", Tags=[{"Key": "b", "Value": "2"}, {"Key": "a", "Value": ""}]
    )
    found = describe(aws)
    assert (made.pop("Status"), found.pop("Status")) == ("Creating", "Active")
    assert made == found
    assert found["Hash"] == hashlib.sha256(json.dumps(COMMAND).encode()).hexdigest()
    assert found["HashType"] == "Sha256"
    assert found["Owner"] == aws.world.account_id
    assert found["SchemaVersion"] == "2.2"
    assert found["Parameters"] == [
        {"Name": "what", "Type": "StringList", "Description": "things", "DefaultValue": '["a"]'}
    ]
    assert found["PlatformTypes"] == ["Linux", "MacOS"]
    assert found["Tags"] == [{"Key": "a", "Value": ""}, {"Key": "b", "Value": "2"}]
    assert found["DocumentFormat"] == "JSON"
    assert found["LatestVersion"] == found["DefaultVersion"] == found["DocumentVersion"] == "1"
    assert "Description" not in found
    assert "Content" not in found


def test_platforms_follow_the_steps(aws: Direct) -> None:
    step = {"action": "aws:runPowerShellScript", "name": "win"}
    windows = {**step, "precondition": {"StringEquals": ["platformType", "Windows"]}}
    for name, steps, platforms in (
        ("both", [step], ["Windows", "Linux"]),
        ("windows", [windows], ["Windows"]),
        ("all", [{"action": "aws:softwareInventory", "name": "any"}], ["Windows", "Linux", "MacOS"]),
        ("two", [windows, {**COMMAND["mainSteps"][0]}], ["Windows", "Linux", "MacOS"]),
    ):
        found = make(aws, name, {"schemaVersion": "2.2", "mainSteps": steps}, DocumentType="Command")
        assert found["PlatformTypes"] == platforms, name


@pytest.mark.parametrize("reads", [0, 1, 3])
def test_creating_and_updating_last_for_so_many_reads(reads: int) -> None:
    aws = Direct(limits={"document_transition_reads": reads})
    aws("CreateDocument", Name="mine", Content=text(SESSION), DocumentType="Session")
    assert [describe(aws)["Status"] for unused in range(reads + 2)] == ["Creating"] * reads + ["Active"] * 2
    aws("UpdateDocument", Name="mine", Content=text(SESSION, description="2"), DocumentVersion="1")
    # This describes the default version, which is still version 1.
    assert describe(aws)["Status"] == "Active"
    seen = [aws("ListDocumentVersions", Name="mine")["DocumentVersions"][0]["Status"] for unused in range(reads)]
    assert seen == ["Updating"] * reads
    assert aws("GetDocument", Name="mine", DocumentVersion="2")["Status"] == "Active"


def test_each_kind_of_read_counts() -> None:
    aws = Direct(limits={"document_transition_reads": 3})
    aws("CreateDocument", Name="mine", Content=text(SESSION), DocumentType="Session")
    assert aws("GetDocument", Name="mine")["Status"] == "Creating"
    assert aws("ListDocumentVersions", Name="mine")["DocumentVersions"][0]["Status"] == "Creating"
    assert describe(aws)["Status"] == "Creating"
    assert describe(aws)["Status"] == "Active"


def test_a_version_can_be_made_to_fail() -> None:
    world = [{"name": "mine", "document_type": "Session", "content": SESSION, "fail_versions": {2: "no room"}}]
    aws = Direct({"us-east-1": {"documents": [*world, {"name": "other", "fail_versions": [1]}]}})
    aws("UpdateDocument", Name="mine", Content=text(SESSION, description="2"), DocumentVersion="1")
    first = describe(aws, DocumentVersion="2")
    assert (first["Status"], first.get("StatusInformation")) == ("Updating", None)
    second = describe(aws, DocumentVersion="2")
    assert (second["Status"], second["StatusInformation"]) == ("Failed", "no room")
    assert aws.code("UpdateDocumentDefaultVersion", Name="mine", DocumentVersion="2") == "InvalidDocumentVersion"
    change(aws, text(SESSION, description="3"))
    assert describe(aws, DocumentVersion="3")["Status"] == "Active"
    make(aws, "other")
    assert describe(aws, "other")["Status"] == "Failed"


@pytest.mark.parametrize(
    ("document_type", "content", "code"),
    [
        ("Session", {**SESSION, "schemaVersion": "2.0"}, "InvalidDocumentSchemaVersion"),
        ("Session", {**SESSION, "schemaVersion": 1.0}, "InvalidDocumentContent"),
        ("Session", {**SESSION, "sessionType": "Bogus"}, "InvalidDocumentContent"),
        ("Session", {**SESSION, "extra": 1}, "InvalidDocumentContent"),
        ("Session", {"schemaVersion": "1.0", "sessionType": "Standard_Stream"}, "InvalidDocumentContent"),
        ("Session", {"schemaVersion": "1.0", "sessionType": "Port"}, "InvalidDocumentContent"),
        ("Session", {**SESSION, "inputs": {"idleSessionTimeout": 20}}, "InvalidDocumentContent"),
        ("Session", {**SESSION, "inputs": {"idleSessionTimeout": "61"}}, "InvalidDocumentContent"),
        ("Session", {**SESSION, "inputs": {"maxSessionDuration": "1441"}}, "InvalidDocumentContent"),
        ("Session", {**SESSION, "inputs": {"s3BucketName": 5}}, "InvalidDocumentContent"),
        ("Session", {**SESSION, "inputs": {"runAsEnabled": "maybe"}}, "InvalidDocumentContent"),
        ("Session", {**SESSION, "inputs": {"shellProfile": {"mac": ""}}}, "InvalidDocumentContent"),
        ("Session", {**SESSION, "inputs": {"s3Bucket": ""}}, "InvalidDocumentContent"),
        ("Session", {**SESSION, "inputs": []}, "InvalidDocumentContent"),
        ("Session", [], "InvalidDocumentContent"),
        ("Session", {"sessionType": "Standard_Stream", "inputs": {}}, "InvalidDocumentContent"),
        ("Command", {**COMMAND, "schemaVersion": "9.9"}, "InvalidDocumentSchemaVersion"),
        ("Command", {**COMMAND, "name": "x"}, "InvalidDocumentContent"),
        ("Command", {**COMMAND, "mainSteps": []}, "InvalidDocumentContent"),
        ("Command", {**COMMAND, "mainSteps": [{"action": "aws:x"}]}, "InvalidDocumentContent"),
        ("Command", {**COMMAND, "mainSteps": COMMAND["mainSteps"] * 2}, "InvalidDocumentContent"),
        (
            "Command",
            {**COMMAND, "mainSteps": [{"action": "aws:x", "name": "n", "inputs": []}]},
            "InvalidDocumentContent",
        ),
        ("Command", {**COMMAND, "parameters": {"p": {"type": "Bogus"}}}, "InvalidDocumentContent"),
        ("Command", {**COMMAND, "parameters": {"p": {"type": "String", "kind": 1}}}, "InvalidDocumentContent"),
        ("Command", {**COMMAND, "parameters": []}, "InvalidDocumentContent"),
        ("Command", {**COMMAND, "description": 5}, "InvalidDocumentContent"),
        ("Command", {**OLD_COMMAND, "mainSteps": []}, "InvalidDocumentContent"),
        ("Policy", OLD_COMMAND, "InvalidDocumentSchemaVersion"),
        ("Automation", {**AUTOMATION, "schemaVersion": "3.0"}, "InvalidDocumentContent"),
        ("Automation", {**AUTOMATION, "parameters": {}}, "InvalidDocumentContent"),
        ("CloudFormation", {"Resources": {}}, "InvalidDocumentContent"),
        ("ChangeCalendar", {"a": 1}, "InvalidDocumentContent"),
        (None, COMMAND, "InvalidDocumentSchemaVersion"),
        (None, {"a": 1}, "InvalidDocumentContent"),
        (None, OLD_COMMAND, "ok"),
        ("Session", {**SESSION, "inputs": {"maxSessionDuration": "1440", "idleSessionTimeout": ""}}, "ok"),
        ("Session", {**SESSION, "inputs": {"runAsEnabled": "true", "s3KeyPrefix": "{{ p }}"}}, "ok"),
        ("Session", {"schemaVersion": "1.0", "sessionType": "Port", "properties": {"portNumber": "80"}}, "ok"),
        ("Automation", AUTOMATION, "ok"),
        ("Policy", COMMAND, "ok"),
        ("CloudFormation", {"schemaVersion": "1.0", "templateBody": "x"}, "ok"),
        ("ApplicationConfiguration", {"any": ["thing"]}, "ok"),
        ("QuickSetup", {"schemaVersion": "anything", "parameters": 7}, "ok"),
    ],
)
def test_each_type_has_its_schema(aws: Direct, document_type: str | None, content: Any, code: str) -> None:
    params = {"DocumentType": document_type} if document_type else {}
    assert aws.code("CreateDocument", Name="mine", Content=json.dumps(content), **params) == code
    assert bool(aws.world.state("us-east-1", Documents).own()) is (code == "ok")


def test_what_a_session_document_may_hold_is_a_choice() -> None:
    inputs = {"idleSessionTimeout": 20, "mine": 1}
    content = text(SESSION, inputs=inputs)
    aws = Direct(switches={"session_numbers": "accepted", "session_unknown_inputs": "accepted"})
    assert aws.code("CreateDocument", Name="mine", Content=content, DocumentType="Session") == "ok"
    content = text(SESSION, inputs={**inputs, "idleSessionTimeout": 61})
    assert aws.code("CreateDocument", Name="two", Content=content, DocumentType="Session") == "InvalidDocumentContent"


@pytest.mark.parametrize(
    ("document_format", "content"),
    [
        ("JSON", "{x"),
        ("JSON", '{"schemaVersion": "1.0", "schemaVersion": "1.0"}'),
        ("JSON", '{"a": NaN}'),
        ("JSON", '{"a": "\\ud800"}'),
        ("JSON", "[" * 20000),
        ("YAML", "a: [b"),
        ("YAML", "a: !!set {b}"),
        ("YAML", "a: !!python/object:os.system {}"),
        ("YAML", "{a: 1}: 2"),
        ("YAML", "a: &a [*a]"),
        ("YAML", "just a word"),
        ("YAML", 'a: "\\ud800"'),
        ("YAML", "a: .nan"),
        ("YAML", "a: 1\na: 2"),
    ],
)
def test_what_cannot_be_read_is_refused(aws: Direct, document_format: str, content: str) -> None:
    params = {"Name": "mine", "Content": content, "DocumentFormat": document_format, "DocumentType": "Session"}
    assert aws.code("CreateDocument", **params) == "InvalidDocumentContent"


def test_the_place_of_a_mistake_is_told(aws: Direct) -> None:
    with pytest.raises(APIError, match=r"JSON not well-formed\. at Line: 2, Column: 2"):
        make(aws, content="{\n x: 1}")
    with pytest.raises(APIError, match=r"2\.0 is not a valid schema version for Session document type"):
        make(aws, content=text(SESSION, schemaVersion="2.0"))
    with pytest.raises(APIError, match=r"Document type is required for schema version 2\.2"):
        aws("CreateDocument", Name="mine", Content=text(COMMAND))


def test_64_kilobytes_are_the_limit(aws: Direct) -> None:
    content = text(SESSION)
    fits = content + " " * (64 * 1024 - len(content))
    assert aws.code("CreateDocument", Name="fits", Content=fits, DocumentType="Session") == "ok"
    code = aws.code("CreateDocument", Name="more", Content=fits + " ", DocumentType="Session")
    assert code == "MaxDocumentSizeExceeded"


def test_names(aws: Direct) -> None:
    make(aws)
    with pytest.raises(APIError, match="Document with same name mine already exists") as found:
        make(aws)
    assert found.value.code == "DocumentAlreadyExists"
    for name in ("aws-mine", "AWS_mine", "Amazon.mine", "amzn-x", "AWSSupport-x"):
        assert aws.code("CreateDocument", Name=name, Content=text(SESSION)) == "ValidationException", name
    observed = Direct(switches={"reserved_names": "observed"})
    assert observed.code("CreateDocument", Name="aws_mine", Content=text(SESSION), DocumentType="Session") == "ok"
    assert observed.code("CreateDocument", Name="aws-mine", Content=text(SESSION)) == "ValidationException"


def test_an_account_has_so_many_documents() -> None:
    aws = Direct(limits={"documents": 1})
    make(aws)
    assert aws.code("CreateDocument", Name="two", Content=text(SESSION)) == "DocumentLimitExceeded"


def test_tags_are_held_to_the_rules(aws: Direct) -> None:
    def code(*keys: str) -> str:
        tags = [{"Key": key, "Value": ""} for key in keys]
        return aws.code("CreateDocument", Name="mine", Content=text(SESSION), DocumentType="Session", Tags=tags)

    assert code("aws:mine") == code("a", "a") == code(*map(str, range(51))) == "ValidationException"
    assert code(*map(str, range(50))) == "ok"


def test_the_port_document_of_awss_own_page_is_accepted(aws: Direct) -> None:
    port = {"type": "string", "description": "the port", "default": "80", "allowedPattern": "^[0-9]{1,5}$"}
    content = {
        "schemaVersion": "1.0",
        "sessionType": "Port",
        "parameters": {"portNumber": port},
        "properties": {"portNumber": "{{ portNumber }}", "type": "LocalPortForwarding"},
    }
    aws("CreateDocument", Name="port", DocumentType="Session", Content=json.dumps(content))
    assert describe(aws, "port")["Parameters"][0]["Type"] == "String"


# --- versions -------------------------------------------------------------------------------------------------------


def test_only_the_latest_version_can_be_updated(aws: Direct) -> None:
    make(aws)
    change(aws, text(SESSION, description="2"))
    for wrong in ({}, {"DocumentVersion": "1"}, {"DocumentVersion": "$DEFAULT"}, {"DocumentVersion": "7"}):
        with pytest.raises(
            APIError, match=r"mine is not latest\. Please provide the latest version to update document mine$"
        ) as found:
            aws("UpdateDocument", Name="mine", Content=text(SESSION, description="3"), **wrong)
        assert found.value.code == "InvalidDocumentVersion"
    assert change(aws, text(SESSION, description="3"), DocumentVersion="2")["DocumentVersion"] == "3"


def test_what_a_read_means_by_a_version(aws: Direct) -> None:
    make(aws, VersionName="one")
    change(aws, text(SESSION, description="2"), VersionName="two")
    for params, number in (
        ({}, "1"),
        ({"DocumentVersion": "$DEFAULT"}, "1"),
        ({"DocumentVersion": "$LATEST"}, "2"),
        ({"DocumentVersion": "2"}, "2"),
        ({"VersionName": "two"}, "2"),
    ):
        assert describe(aws, **params)["DocumentVersion"] == number
        assert aws("GetDocument", Name="mine", **params)["DocumentVersion"] == number
        assert (describe(aws, **params)["DefaultVersion"], describe(aws, **params)["LatestVersion"]) == ("1", "2")
    for operation in ("DescribeDocument", "GetDocument"):
        assert aws.code(operation, Name="mine", DocumentVersion="3") == "InvalidDocumentVersion"
        assert aws.code(operation, Name="mine", VersionName="three") == "InvalidDocumentVersion"
        both = {"DocumentVersion": "1", "VersionName": "one"}
        assert aws.code(operation, Name="mine", **both) == "ValidationException"


def test_the_default_version_moves_when_told(aws: Direct) -> None:
    make(aws)
    change(aws, text(SESSION, description="2"), VersionName="two")
    moved = aws("UpdateDocumentDefaultVersion", Name="mine", DocumentVersion="2")
    assert moved == {"Description": {"Name": "mine", "DefaultVersion": "2", "DefaultVersionName": "two"}}
    assert describe(aws)["DocumentVersion"] == "2"
    assert aws.code("UpdateDocumentDefaultVersion", Name="mine", DocumentVersion="3") == "InvalidDocumentVersion"
    assert aws.code("UpdateDocumentDefaultVersion", Name="mine", DocumentVersion="$LATEST") == "ValidationException"


@pytest.mark.parametrize(
    ("choice", "update", "promote"),
    [
        ({}, "InvalidDocumentOperation", "ok"),
        ({"update_unready": "ok", "promote_unready": "InvalidDocumentVersion"}, "ok", "InvalidDocumentVersion"),
    ],
)
def test_a_version_that_is_not_ready(choice: dict[str, str], update: str, promote: str) -> None:
    aws = Direct(switches=choice)
    make(aws)
    aws("UpdateDocument", Name="mine", Content=text(SESSION, description="2"), DocumentVersion="1")
    assert aws.code("UpdateDocumentDefaultVersion", Name="mine", DocumentVersion="2") == promote
    again = {"Content": text(SESSION, description="3"), "DocumentVersion": "$LATEST"}
    assert aws.code("UpdateDocument", Name="mine", **again) == update


@pytest.mark.parametrize(("scope", "older"), [("latest", "ok"), ("any", "DuplicateDocumentContent")])
def test_content_that_is_there_already(scope: str, older: str) -> None:
    aws = Direct(switches={"duplicate_scope": scope})
    make(aws, TargetType="/")
    first, second = text(SESSION), text(SESSION, description="2")
    change(aws, second, TargetType="/")

    def code(content: str, **params: Any) -> str:
        return aws.code("UpdateDocument", Name="mine", Content=content, DocumentVersion="$LATEST", **params)

    assert code(second) == code(second, VersionName="new") == code(second, TargetType="/") == "DuplicateDocumentContent"
    assert code(first) == older
    aws("DescribeDocument", Name="mine", DocumentVersion="$LATEST")
    if older == "ok":
        change(aws, second, TargetType="/")
    assert code(second, TargetType="/AWS::EC2::Instance") == "ok"
    aws("DescribeDocument", Name="mine", DocumentVersion="$LATEST")
    assert code(second, TargetType="/AWS::EC2::Instance", DocumentFormat="YAML") == "ok"
    aws("DescribeDocument", Name="mine", DocumentVersion="$LATEST")
    assert code(second + " ") == "ok"


def test_a_version_name_is_there_once(aws: Direct) -> None:
    make(aws, VersionName="one")
    params = {"Name": "mine", "Content": text(SESSION, description="2"), "DocumentVersion": "1"}
    assert aws.code("UpdateDocument", **params, VersionName="one") == "DuplicateDocumentVersionName"
    assert aws.code("UpdateDocument", **params, VersionName="two") == "ok"


@pytest.mark.parametrize(("choice", "kept"), [("dropped", None), ("kept", "/AWS::EC2::Instance")])
def test_what_an_update_does_not_give(choice: str, kept: str | None) -> None:
    aws = Direct(switches={"target_type_omitted": choice})
    make(aws, DisplayName="Shown", TargetType="/AWS::EC2::Instance", VersionName="one", Requires=[{"Name": "other"}])
    made = change(aws, text(SESSION, description="2"))
    assert made["DisplayName"] == "Shown"
    assert made.get("TargetType") == kept
    assert "VersionName" not in made
    assert made["Requires"] == aws("GetDocument", Name="mine")["Requires"] == [{"Name": "other"}]
    assert change(aws, text(SESSION, description="3"), DisplayName="New")["DisplayName"] == "New"
    assert describe(aws)["DisplayName"] == "Shown"


def test_the_oldest_schema_cannot_be_updated(aws: Direct) -> None:
    make(aws, content=OLD_COMMAND, DocumentType="Command")
    params = {"Name": "mine", "Content": text(OLD_COMMAND, description="new"), "DocumentVersion": "1"}
    assert aws.code("UpdateDocument", **params) == "InvalidDocumentSchemaVersion"


def test_a_document_has_so_many_versions() -> None:
    aws = Direct(limits={"document_versions": 2})
    make(aws)
    change(aws, text(SESSION, description="2"))
    params = {"Name": "mine", "DocumentVersion": "2", "Content": text(SESSION, description="3")}
    assert aws.code("UpdateDocument", **params) == "DocumentVersionLimitExceeded"


def test_an_update_is_held_to_the_schema_and_leaves_nothing_behind(aws: Direct) -> None:
    make(aws)
    params = {"Name": "mine", "DocumentVersion": "1"}
    assert aws.code("UpdateDocument", **params, Content=text(COMMAND)) == "InvalidDocumentSchemaVersion"
    assert aws.code("UpdateDocument", **params, Content="{") == "InvalidDocumentContent"
    # Without DocumentFormat, the format of the new version is JSON, whatever that of the older one is.
    assert aws.code("UpdateDocument", **params, Content="a: 1") == "InvalidDocumentContent"
    assert [info["DocumentVersion"] for info in aws.every("ListDocumentVersions", "DocumentVersions", Name="mine")] == [
        "1"
    ]


def test_the_order_of_versions_is_a_choice() -> None:
    for order, numbers in (("newest", ["2", "1"]), ("oldest", ["1", "2"])):
        aws = Direct(switches={"version_order": order})
        make(aws)
        change(aws, text(SESSION, description="2"))
        found = aws("ListDocumentVersions", Name="mine")["DocumentVersions"]
        assert [info["DocumentVersion"] for info in found] == numbers
        assert {info["DocumentVersion"]: info["IsDefaultVersion"] for info in found} == {"1": True, "2": False}


# --- reading --------------------------------------------------------------------------------------------------------


def test_content_comes_back_as_it_was_sent_or_converted(aws: Direct) -> None:
    content = f"\n# kept\n{yaml.safe_dump({**SESSION, 'description': '2024-01-01'}, sort_keys=True)}\n"
    make(aws, content=content, DocumentFormat="YAML")
    native = aws("GetDocument", Name="mine", DocumentFormat="YAML")
    assert (native["Content"], native["DocumentFormat"]) == (content, "YAML")
    converted = aws("GetDocument", Name="mine")
    assert converted["DocumentFormat"] == "JSON"
    assert json.loads(converted["Content"]) == {**SESSION, "description": "2024-01-01"}
    make(aws, "two", text(SESSION, description="é"))
    assert yaml.safe_load(aws("GetDocument", Name="two", DocumentFormat="YAML")["Content"])["description"] == "é"


def test_a_text_stays_a_text(aws: Direct) -> None:
    calendar = "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"
    make(aws, content=calendar, DocumentType="ChangeCalendar", DocumentFormat="TEXT")
    found = aws("GetDocument", Name="mine", DocumentFormat="JSON")
    assert (found["Content"], found["DocumentFormat"]) == (calendar, "TEXT")
    make(aws, "two")
    assert aws("GetDocument", Name="two", DocumentFormat="TEXT")["DocumentFormat"] == "JSON"


def test_an_unquoted_date_in_yaml_is_a_string(aws: Direct) -> None:
    make(
        aws,
        content="schemaVersion: '1.0'\nsessionType: Port\ndescription: 2024-01-01\nproperties: {a: b}\n",
        DocumentFormat="YAML",
    )
    assert describe(aws)["Description"] == "2024-01-01"


def test_a_document_that_is_not_there(aws: Direct) -> None:
    params: dict[str, dict[str, Any]] = {
        "DescribeDocument": {},
        "GetDocument": {},
        "ListDocumentVersions": {},
        "DeleteDocument": {},
        "UpdateDocument": {"Content": text(SESSION), "DocumentVersion": "1"},
        "UpdateDocumentDefaultVersion": {"DocumentVersion": "1"},
        "DescribeDocumentPermission": {"PermissionType": "Share"},
        "ModifyDocumentPermission": {"PermissionType": "Share", "AccountIdsToAdd": ["all"]},
    }
    for operation, given_params in params.items():
        with pytest.raises(APIError, match=r"Document with name mine does not exist\.") as found:
            aws(operation, Name="mine", **given_params)
        assert found.value.code == "InvalidDocument"


def test_reads_take_an_arn(aws: Direct) -> None:
    make(aws)
    make(aws, "auto", AUTOMATION, DocumentType="Automation")
    for arn, code in (
        ("arn:aws:ssm:us-east-1:123456789012:document/mine", "ok"),
        ("arn:aws:ssm:us-east-1:123456789012:automation-definition/auto", "ok"),
        ("arn:aws:ssm:us-east-1::document/AWS-RunShellScript", "ok"),
        ("arn:aws:ssm:us-east-1:123456789012:automation-definition/mine", "InvalidDocument"),
        ("arn:aws:ssm:eu-west-1:123456789012:document/mine", "InvalidDocument"),
        ("arn:aws:ssm:us-east-1:210987654321:document/mine", "InvalidDocument"),
        ("arn:aws:ssm:us-east-1:123456789012:mine", "InvalidDocument"),
        ("mine/mine", "InvalidDocument"),
    ):
        for operation in ("DescribeDocument", "GetDocument", "ListDocumentVersions"):
            assert aws.code(operation, Name=arn) == code, arn
    assert describe(aws, "arn:aws:ssm:us-east-1:123456789012:document/mine")["Name"] == "mine"


def test_documents_of_aws_can_be_read_and_not_changed(aws: Direct) -> None:
    found = describe(aws, "AWS-StartPortForwardingSession")
    assert (found["Owner"], found["DocumentType"], found["SchemaVersion"]) == ("Amazon", "Session", "1.0")
    assert json.loads(aws("GetDocument", Name="AWS-RunShellScript")["Content"])["schemaVersion"] == "1.2"
    assert aws.code("DeleteDocument", Name="AWS-RunShellScript") == "InvalidDocument"


def test_regions_are_apart() -> None:
    aws = Direct({"us-east-1": {}, "eu-west-1": {}})
    make(aws)
    with pytest.raises(APIError, match="does not exist"):
        aws("DescribeDocument", region="eu-west-1", Name="mine")


# --- deleting -------------------------------------------------------------------------------------------------------


def test_deleting_a_document_and_making_it_anew(aws: Direct) -> None:
    make(aws)
    change(aws, text(SESSION, description="2"))
    assert aws("DeleteDocument", Name="mine") == {}
    assert aws.code("DescribeDocument", Name="mine") == "InvalidDocument"
    assert make(aws)["DocumentVersion"] == "1"


def test_deleting_versions(aws: Direct) -> None:
    make(aws, VersionName="one")
    change(aws, text(SESSION, description="2"), VersionName="two")
    for version in ({"DocumentVersion": "1"}, {"VersionName": "one"}, {"DocumentVersion": "$DEFAULT"}):
        with pytest.raises(APIError, match="Default version of the document can't be deleted") as found:
            aws("DeleteDocument", Name="mine", **version)
        assert found.value.code == "InvalidDocumentOperation"
    aws("DeleteDocument", Name="mine", VersionName="two")
    assert describe(aws, DocumentVersion="$LATEST")["LatestVersion"] == "1"
    # The number is not used again, but the name can be.
    assert change(aws, text(SESSION, description="3"), VersionName="two")["DocumentVersion"] == "3"


@pytest.mark.parametrize("code", ["InvalidDocumentOperation", "InvalidDocument"])
def test_deleting_a_version_that_is_not_there(code: str) -> None:
    aws = Direct(switches={"delete_missing_version": code})
    make(aws)
    assert aws.code("DeleteDocument", Name="mine", DocumentVersion="2") == code
    assert aws.code("DeleteDocument", Name="mine", VersionName="two") == code
    both = {"DocumentVersion": "1", "VersionName": "one"}
    assert aws.code("DeleteDocument", Name="mine", **both) == "ValidationException"
    assert aws.code("DescribeDocument", Name="mine") == "ok"


def test_what_keeps_a_document_from_being_deleted() -> None:
    world = [{"name": "used", "document_type": "Session", "content": SESSION, "associated": True}]
    aws = Direct({"us-east-1": {"documents": world}})
    assert aws.code("DeleteDocument", Name="used") == "AssociatedInstances"
    make(aws)
    share(aws, OTHERS[:1])
    assert aws.code("DeleteDocument", Name="mine") == "InvalidDocumentOperation"
    share(aws, [], OTHERS[:1])
    assert aws.code("DeleteDocument", Name="mine") == "ok"
    make(aws, "schema", {"type": "object"}, DocumentType="ApplicationConfigurationSchema")
    assert aws.code("DeleteDocument", Name="schema", Force=False) == "InvalidDocumentOperation"
    assert aws.code("DeleteDocument", Name="schema", Force=True) == "ok"


def test_a_document_can_take_its_time_to_go() -> None:
    aws = Direct(limits={"document_deleting_reads": 2})
    make(aws)
    aws("DeleteDocument", Name="mine")
    assert aws.code("DeleteDocument", Name="mine") == "InvalidDocumentOperation"
    assert aws.code("CreateDocument", Name="mine", Content=text(SESSION)) == "DocumentAlreadyExists"
    params = {"Name": "mine", "Content": text(SESSION, description="2"), "DocumentVersion": "1"}
    assert aws.code("UpdateDocument", **params) == "InvalidDocumentOperation"
    assert aws.code("ListTagsForResource", ResourceType="Document", ResourceId="mine") == "InvalidResourceId"
    assert [describe(aws)["Status"] for unused in range(2)] == ["Deleting", "Deleting"]
    assert aws.code("DescribeDocument", Name="mine") == "InvalidDocument"
    assert make(aws)["DocumentVersion"] == "1"


# --- sharing --------------------------------------------------------------------------------------------------------


def share(aws: Direct, add: list[str], remove: list[str] | None = None, **params: Any) -> None:
    aws(
        "ModifyDocumentPermission",
        Name="mine",
        PermissionType="Share",
        AccountIdsToAdd=add,
        AccountIdsToRemove=remove or [],
        **params,
    )


def shared(aws: Direct) -> dict[str, str]:
    infos = aws.every("DescribeDocumentPermission", "AccountSharingInfoList", Name="mine", PermissionType="Share")
    return {info["AccountId"]: info["SharedDocumentVersion"] for info in infos}


def test_sharing_with_accounts(aws: Direct) -> None:
    make(aws)
    assert shared(aws) == {}
    share(aws, OTHERS[:20])
    share(aws, OTHERS[20:40], SharedDocumentVersion="$ALL")
    share(aws, OTHERS[40:], OTHERS[1:20])
    share(aws, [OTHERS[0], OTHERS[1]], [OTHERS[1]], SharedDocumentVersion="$LATEST")
    assert shared(aws) == {
        OTHERS[0]: "$LATEST",
        **dict.fromkeys(OTHERS[20:40], "$ALL"),
        **dict.fromkeys(OTHERS[40:], "$DEFAULT"),
    }
    ids = aws.every("DescribeDocumentPermission", "AccountIds", Name="mine", PermissionType="Share", MaxResults=7)
    assert ids == sorted(shared(aws))


def test_no_more_than_20_accounts_in_a_call(aws: Direct) -> None:
    make(aws)
    for key in ("AccountIdsToAdd", "AccountIdsToRemove"):
        params = {"Name": "mine", "PermissionType": "Share", key: OTHERS[:21]}
        assert aws.code("ModifyDocumentPermission", **params) == "ValidationException"
    assert shared(aws) == {}


def test_everyone_or_somebody(aws: Direct) -> None:
    make(aws)

    def code(add: list[str], remove: list[str] | None = None) -> str:
        params = {"AccountIdsToAdd": add, "AccountIdsToRemove": remove or []}
        return aws.code("ModifyDocumentPermission", Name="mine", PermissionType="Share", **params)

    assert code([]) == "InvalidParameterException"
    both: dict[str, Any] = {"Name": "mine", "PermissionType": "Share", "AccountIdsToAdd": ["all", OTHERS[0]]}
    with pytest.raises(APIError, match="Accounts can either be all or a group of AWS accounts"):
        aws("ModifyDocumentPermission", **both)
    assert code(["all", OTHERS[0]]) == "DocumentPermissionLimit"
    assert code([OTHERS[0]]) == "ok"
    assert code(["all"]) == "DocumentPermissionLimit"
    assert code([aws.world.account_id]) == "ValidationException"
    assert shared(aws) == {OTHERS[0]: "$DEFAULT"}
    assert code(["all"], [OTHERS[0]]) == "ok"
    assert shared(aws) == {"all": "$DEFAULT"}
    assert code([], ["all"]) == "ok"
    # AWS accepts it without any effect.
    assert code(["All"]) == "ok"
    assert shared(aws) == {}


def test_limits_of_sharing() -> None:
    aws = Direct(limits={"document_accounts": 2, "document_public": 1})
    make(aws)
    params = {"Name": "mine", "PermissionType": "Share"}
    assert aws.code("ModifyDocumentPermission", **params, AccountIdsToAdd=OTHERS[:3]) == "DocumentPermissionLimit"
    assert shared(aws) == {}
    share(aws, ["all"])
    share(aws, ["all"])
    make(aws, "two")
    params["Name"] = "two"
    assert aws.code("ModifyDocumentPermission", **params, AccountIdsToAdd=["all"]) == "DocumentPermissionLimit"


# --- listing --------------------------------------------------------------------------------------------------------

LISTED = {
    "us-east-1": {
        "documents": [
            {"name": "Team-A", "document_type": "Session", "content": SESSION, "tags": {"team": "a"}},
            {"name": "Team-B", "document_type": "Session", "content": SESSION, "tags": {"team": "b"},
             "target_type": "/x"},
            {"name": "team-c", "document_type": "Command", "content": COMMAND, "permissions": ["all"]},
            {"name": "Given", "owner": "210987654321", "document_type": "Session", "content": SESSION,
             "permissions": {"123456789012": "$ALL"}},
            {"name": "Hidden", "owner": "210987654321", "document_type": "Session", "content": SESSION},
            {"name": "Sold", "owner": "310987654321", "document_type": "Command", "content": COMMAND,
             "third_party": True, "permissions": ["all"]},
        ]
    }
}  # fmt: skip
GIVEN = "arn:aws:ssm:us-east-1:210987654321:document/Given"
SOLD = "arn:aws:ssm:us-east-1:310987654321:document/Sold"


def listing(aws: Direct, **filters: Any) -> list[str]:
    """Return the names that a listing with these filters has, without the documents of AWS."""
    values = [{"Key": key.replace("_", ":"), "Values": value} for key, value in filters.items()]
    found = aws.every("ListDocuments", "DocumentIdentifiers", Filters=values)
    return [item["Name"] for item in found if item["Owner"] != "Amazon"]


def test_filters() -> None:
    aws = Direct(LISTED)
    assert listing(aws) == ["Team-A", "Team-B", GIVEN, SOLD, "team-c"]
    assert listing(aws, Owner=["Self"]) == ["Team-A", "Team-B", "team-c"]
    assert listing(aws, Owner=["Private"]) == [GIVEN]
    assert listing(aws, Owner=["Public"]) == [SOLD, "team-c"]
    assert listing(aws, Owner=["ThirdParty"]) == [SOLD]
    assert listing(aws, Owner=["Amazon"]) == []
    assert listing(aws, Name=["Team"]) == ["Team-A", "Team-B"]
    assert listing(aws, Name=["Team-A", "team"]) == ["Team-A", "team-c"]
    assert listing(aws, Owner=["Self"], DocumentType=["Command"]) == ["team-c"]
    assert listing(aws, Owner=["Self"], PlatformTypes=["Windows"]) == ["Team-A", "Team-B"]
    assert listing(aws, TargetType=["/x"]) == ["Team-B"]
    assert listing(aws, tag_team=["a", "b"]) == ["Team-A", "Team-B"]
    assert listing(aws, tag_team=["c"]) == []
    assert listing(aws, SearchKeyword=["TEAM"]) == ["Team-A", "Team-B", "team-c"]
    old = aws(
        "ListDocuments", DocumentFilterList=[{"key": "Owner", "value": "Self"}, {"key": "Name", "value": "Team-A"}]
    )
    assert [item["Name"] for item in old["DocumentIdentifiers"]] == ["Team-A"]
    amazon = aws("ListDocuments", Filters=[{"Key": "Owner", "Values": ["Amazon"]}])["DocumentIdentifiers"]
    assert {item["Owner"] for item in amazon} == {"Amazon"}
    assert "AWS-StartPortForwardingSession" in [item["Name"] for item in amazon]


def test_another_accounts_document_has_its_arn_for_a_name() -> None:
    aws = Direct(LISTED)
    assert (describe(aws, GIVEN)["Name"], describe(aws, GIVEN)["Owner"]) == (GIVEN, "210987654321")
    assert aws.code("DescribeDocument", Name="Given") == "InvalidDocument"
    assert aws.code("DescribeDocument", Name=GIVEN.replace("Given", "Hidden")) == "InvalidDocument"


@pytest.mark.parametrize(
    ("filters", "code"),
    [
        ([{"Key": "Colour", "Values": ["x"]}], "InvalidFilterKey"),
        ([{"Key": "tag:", "Values": ["x"]}], "InvalidFilterKey"),
        ([{"Values": ["x"]}], "InvalidFilterKey"),
        ([{"Key": "tag:a", "Values": ["x"]}, {"Key": "tag:b", "Values": ["y"]}], "ValidationException"),
        ([{"Key": "Name"}], "ValidationException"),
        ([{"Key": "Name", "Values": []}], "ValidationException"),
        ([{"Key": "Owner", "Values": ["Me"]}], "ValidationException"),
        ([{"Key": "Owner", "Values": ["Self", "Amazon"]}], "ValidationException"),
        ([{"Key": "PlatformTypes", "Values": ["BSD"]}], "ValidationException"),
        ([{"Key": "Name", "Values": ["a"]}, {"Key": "Name", "Values": ["b"]}], "ValidationException"),
    ],
)
def test_filters_that_aws_does_not_have(aws: Direct, filters: list[dict[str, Any]], code: str) -> None:
    assert aws.code("ListDocuments", Filters=filters) == code


def test_bad_tokens(aws: Direct) -> None:
    make(aws)
    assert aws.code("ListDocuments", NextToken="1") == "InvalidNextToken"
    assert aws.code("ListDocumentVersions", Name="mine", NextToken="1") == "InvalidNextToken"
    params = {"Name": "mine", "PermissionType": "Share", "NextToken": "1"}
    assert aws.code("DescribeDocumentPermission", **params) == "InvalidNextToken"


# --- attachments ----------------------------------------------------------------------------------------------------


def test_attachments_of_a_package(aws: Direct) -> None:
    assert aws.code("CreateDocument", Name="mine", Content=text(PACKAGE), DocumentType="Package") != "ok"
    make(aws, content=PACKAGE, DocumentType="Package", Attachments=SOURCE)
    assert describe(aws)["AttachmentsInformation"] == [{"Name": "one.zip"}]
    (found,) = aws("GetDocument", Name="mine")["AttachmentsContent"]
    assert (found["Name"], found["Hash"], found["HashType"]) == ("one.zip", "0" * 64, "Sha256")
    assert ".invalid/" in found["Url"]
    params = {"Name": "mine", "Content": text(PACKAGE, version="2"), "DocumentVersion": "1"}
    assert aws.code("UpdateDocument", **params) != "ok"
    assert aws.code("UpdateDocument", **params, Attachments=SOURCE) == "ok"


def test_attachments_by_file_and_by_reference(aws: Direct) -> None:
    file = {"Key": "S3FileUrl", "Values": ["s3://bucket/a/tool.zip"]}
    make(aws, Attachments=[file])
    assert describe(aws)["AttachmentsInformation"] == [{"Name": "tool.zip"}]
    reference = {"Key": "AttachmentReference", "Values": ["mine/1/tool.zip"]}
    make(aws, "two", Attachments=[reference])
    assert aws("GetDocument", Name="two")["AttachmentsContent"] == aws("GetDocument", Name="mine")["AttachmentsContent"]
    for wrong in (
        [file, file],
        [{"Key": "S3FileUrl"}],
        [{"Key": "AttachmentReference", "Values": ["mine/2/tool.zip"]}],
        [{"Key": "AttachmentReference", "Values": ["mine/x/tool.zip"]}],
    ):
        params = {"Name": "three", "Content": text(SESSION), "DocumentType": "Session"}
        assert aws.code("CreateDocument", **params, Attachments=wrong) == "ValidationException"


# --- the world's file -----------------------------------------------------------------------------------------------


def test_a_world_with_versions() -> None:
    entry = {
        "name": "mine",
        "document_type": "Session",
        "document_format": "YAML",
        "versions": [
            {"content": SESSION, "version_name": "one", "created": "3d"},
            {"content": {**SESSION, "description": "4"}, "version": 4, "status": "Failed", "status_information": "no"},
            {"content": text(SESSION, description="5"), "document_format": "JSON", "status": "Updating", "reads": 2},
        ],
        "default_version": 1,
        "permissions": {OTHERS[0]: "$LATEST"},
        "tags": {"aws:x": "y"},
        "attachments": ["a.zip"],
    }
    aws = Direct({"us-east-1": {"documents": [{**entry, "attachments": []}]}})
    found = aws("ListDocumentVersions", Name="mine")["DocumentVersions"]
    assert [(info["DocumentVersion"], info["Status"], info["DocumentFormat"]) for info in found] == [
        ("5", "Updating", "JSON"),
        ("4", "Failed", "YAML"),
        ("1", "Active", "YAML"),
    ]
    assert found[2]["CreatedDate"].isoformat() == "2026-11-20T12:00:00+00:00"
    assert aws("GetDocument", Name="mine", DocumentFormat="YAML")["Content"].startswith("schemaVersion: '1.0'\n")
    assert shared(aws) == {OTHERS[0]: "$LATEST"}
    assert describe(aws)["Tags"] == [{"Key": "aws:x", "Value": "y"}]


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({}, "must be a list"),
        (["x"], "must be a mapping"),
        ([{"content": SESSION}], "must have a name"),
        ([{"name": "a", "colour": "red"}], "unknown key colour"),
        ([{"name": "a", "versions": [{"colour": "red"}]}], "unknown key colour"),
        ([{"name": "a", "versions": []}], "versions is empty"),
        ([{"name": "a", "content": SESSION, "versions": [{}]}], "mutually exclusive"),
        ([{"name": "a", "document_type": "Session", "content": COMMAND}], "not a valid schema version"),
        ([{"name": "a", "document_type": "Session", "content": SESSION}] * 2, "defined twice"),
        ([{"name": "a", "document_type": "Session", "content": SESSION, "default_version": 2}], "default_version 2"),
        ([{"name": "a", "document_type": "Session", "content": SESSION, "status": "Fine"}], "Fine"),
        ([{"name": "a", "document_type": "Session", "content": SESSION, "tags": {"a": 1}}], "quotes"),
        ([{"name": "a", "document_type": "Session", "content": SESSION, "created": "soon"}], "soon"),
        (
            [{"name": "a", "document_type": "Session",
              "versions": [{"content": SESSION, "version_name": "x"}, {"content": SESSION, "version_name": "x"}]}],
            "duplicate version name x",
        ),
        (
            [{"name": "a", "document_type": "Session", "versions": [{"content": SESSION, "version": 2}] * 2}],
            "comes after",
        ),
    ],
)  # fmt: skip
def test_a_world_with_a_mistake(section: Any, message: str) -> None:
    with pytest.raises(WorldError, match=message):
        Direct({"us-east-1": {"documents": section}})


# --- properties -----------------------------------------------------------------------------------------------------


class Versions(RuleBasedStateMachine):
    """Check that numbers are not reused, that the default version exists, and that content is stored as sent."""

    def __init__(self) -> None:
        super().__init__()
        self.aws = Direct(limits={"document_transition_reads": 0})
        self.sent: dict[int, str] = {}
        self.default = 1
        self.given = 0

    @initialize(spaces=st.integers(0, 3))
    def create(self, spaces: int) -> None:
        content = text(SESSION) + " " * spaces
        make(self.aws, content=content)
        self.sent, self.given = {1: content}, 1

    @rule(word=st.text(max_size=3), yaml_wanted=st.booleans())
    def update(self, word: str, yaml_wanted: bool) -> None:
        content = text(SESSION, description=word)
        params = {"Name": "mine", "Content": content, "DocumentVersion": "$LATEST"}
        code = self.aws.code("UpdateDocument", **params, DocumentFormat="YAML" if yaml_wanted else "JSON")
        assert code in ("ok", "DuplicateDocumentContent")
        if code == "ok":
            self.given += 1
            self.sent[self.given] = content

    @rule(data=st.data())
    def promote(self, data: st.DataObject) -> None:
        self.default = data.draw(st.sampled_from(sorted(self.sent)))
        self.aws("UpdateDocumentDefaultVersion", Name="mine", DocumentVersion=str(self.default))

    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.sent)))
        code = self.aws.code("DeleteDocument", Name="mine", DocumentVersion=str(number))
        assert code == ("InvalidDocumentOperation" if number == self.default else "ok")
        if code == "ok":
            del self.sent[number]

    @precondition(lambda self: self.given > 1)
    @rule(number=st.integers(1, 9))
    def promote_what_is_not_there(self, number: int) -> None:
        if number not in self.sent:
            params = {"Name": "mine", "DocumentVersion": str(number)}
            assert self.aws.code("UpdateDocumentDefaultVersion", **params) == "InvalidDocumentVersion"

    @invariant()
    def versions_are_those_that_were_made(self) -> None:
        if not self.sent:
            return
        found = self.aws.every("ListDocumentVersions", "DocumentVersions", Name="mine", MaxResults=2)
        assert [int(info["DocumentVersion"]) for info in found] == sorted(self.sent, reverse=True)
        assert [int(info["DocumentVersion"]) for info in found if info["IsDefaultVersion"]] == [self.default]
        assert describe(self.aws)["DocumentVersion"] == str(self.default)
        for info in found:
            version = {"Name": "mine", "DocumentVersion": info["DocumentVersion"]}
            sent = self.sent[int(info["DocumentVersion"])]
            assert self.aws("GetDocument", **version, DocumentFormat=info["DocumentFormat"])["Content"] == sent
            described = self.aws("DescribeDocument", **version)["Document"]
            assert described["Hash"] == hashlib.sha256(sent.encode()).hexdigest()
            assert described["LatestVersion"] == str(max(self.sent))


TestVersions = Versions.TestCase
TestVersions.settings = settings(max_examples=60, stateful_step_count=25)


@settings(max_examples=30)
@given(count=st.integers(0, 60), size=st.integers(1, 50), page_size=st.integers(1, 50))
def test_every_document_is_listed_once(count: int, size: int, page_size: int) -> None:
    world = [{"name": f"doc-{number}", "document_type": "Session", "content": SESSION} for number in range(count)]
    aws = Direct({"us-east-1": {"documents": world}}, limits={"page_size": page_size})
    mine = {"Filters": [{"Key": "Owner", "Values": ["Self"]}], "MaxResults": size}
    pages = list(aws.pages("ListDocuments", "DocumentIdentifiers", **mine))
    assert [item["Name"] for page in pages for item in page] == sorted(str(entry["name"]) for entry in world)
    assert all(len(page) <= min(size, page_size) for page in pages)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@settings(max_examples=60)
@given(value=st.dictionaries(st.text(max_size=5), JSON_VALUES, max_size=4))
def test_converting_keeps_the_meaning(value: dict[str, Any]) -> None:
    content = json.dumps(value)
    there = convert(content, "JSON", "YAML")
    assert json.loads(convert(there, "YAML", "JSON")) == value


# --- through boto3 --------------------------------------------------------------------------------------------------


def test_a_document_through_boto3() -> None:
    with LocalAWS({"regions": {"us-east-1": {}}}) as local:
        ssm = local.client("ssm")
        made = ssm.create_document(Name="mine", Content=text(SESSION), DocumentType="Session")["DocumentDescription"]
        assert made["Status"] == "Creating"
        assert made["CreatedDate"].isoformat() == "2026-11-23T12:00:00+00:00"
        ssm.describe_document(Name="mine")
        ssm.update_document(Name="mine", Content=text(SESSION, description="é"), DocumentVersion="$LATEST")
        pages = ssm.get_paginator("list_document_versions").paginate(Name="mine", PaginationConfig={"PageSize": 1})
        assert [info["DocumentVersion"] for page in pages for info in page["DocumentVersions"]] == ["2", "1"]
        ssm.update_document_default_version(Name="mine", DocumentVersion="2")
        ssm.modify_document_permission(Name="mine", PermissionType="Share", AccountIdsToAdd=OTHERS[:20])
        with pytest.raises(ssm.exceptions.InvalidDocumentOperation):
            ssm.delete_document(Name="mine")
        ssm.modify_document_permission(Name="mine", PermissionType="Share", AccountIdsToRemove=OTHERS[:20])
        assert ssm.get_document(Name="mine")["Content"] == text(SESSION, description="é")
        ssm.delete_document(Name="mine")
        with pytest.raises(ssm.exceptions.InvalidDocument, match="does not exist"):
            ssm.describe_document(Name="mine")
