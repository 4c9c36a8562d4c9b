# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test that a member of a request which no handler reads is a violation."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

import botocore.model
import pytest

from emulator import model, performing, reading, registry
from emulator.direct import Direct
from emulator.service import APIError, Call, ViolationError
from emulator.testing import LocalAWS
from emulator.world import World
from unit.support import every_operation, signed_requests
from unit.support.every_operation import Asked

BASES = every_operation.bases()
VARIANTS = [variant for base in BASES for variant in every_operation.variants(base)]
# Members that a handler itself reports as not emulated.
REFUSED = {"DescribeRegions.Filters"}
# Members that the base request excludes.
EXCLUDED = {"GenerateDataKey.KeySpec"}


def outcome(given: Asked, world: World | None = None) -> str:
    """Make a call and return ``ok``, the error code, or the text of the violation."""
    world = world or World(every_operation.WORLD)
    try:
        performing.perform(world, given.call(world))
    except APIError as error:
        return error.code
    except ViolationError as violation:
        return str(violation)
    return "ok"


def not_read(given: Asked) -> str:
    return f"the emulator does not read {given.path} of {given.operation}"


# --- every member of every operation -----------------------------------------------------------------


@pytest.mark.parametrize("base", BASES, ids=str)
def test_the_base_of_each_operation_is_answered(base: Asked) -> None:
    # Otherwise the results for requests with one more member would mean nothing.
    assert outcome(base) == "ok"


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_each_member_that_the_model_has_is_read_or_reported(variant: Asked) -> None:
    found = outcome(variant)
    if str(variant) in REFUSED:
        assert found.endswith("is not emulated")
    elif str(variant) in EXCLUDED:
        assert found == "ValidationException"
    elif variant.path == "NextToken":
        # The sample is not a token that the emulator issued.
        assert found == ("InvalidParameterValue" if variant.service == "ec2" else "InvalidNextToken")
    elif found != "ok":
        parent = re.split(r"[.\[]", variant.path)[0]
        assert found in (not_read(variant), f"the emulator does not read {parent} of {variant.operation}")


def test_every_member_of_systems_manager_is_read() -> None:
    """Check all members; new ones of a newer botocore fail here until a handler reads them."""
    unread = {str(variant) for variant in VARIANTS if "does not read" in outcome(variant) and variant.service == "ssm"}
    assert unread == set()


def test_the_variants_are_all_members_at_any_depth() -> None:
    paths = {str(variant) for variant in VARIANTS}
    assert {"CreateDocument.Requires[0].RequireType", "UpdateDocument.Attachments[0].Name"} <= paths
    assert "DescribeInstanceProperties.FiltersWithOperator[0].Operator" in paths
    for base in BASES:
        shape = model.operation_model(base.service, base.operation).input_shape
        for name in shape.members if shape else ():
            assert name in base.params or f"{base.operation}.{name}" in paths


# --- the recorder itself -----------------------------------------------------------------------------


def read_all_but(value: Any, path: str, left_out: str) -> None:
    """Read all members of a request except one."""
    for place, name in value._places():
        deeper = f"{path}{name}".removeprefix(".")
        if deeper == left_out:
            continue
        if isinstance(inner := value[place], reading._Recording):
            read_all_but(inner, deeper, left_out)


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_a_member_that_a_handler_forgets_is_a_violation(monkeypatch: pytest.MonkeyPatch, variant: Asked) -> None:
    def forgetful(world: World, call: Call) -> dict[str, Any]:
        read_all_but(call.params, "", variant.path)
        return {}

    monkeypatch.setitem(registry.declared(), (variant.service, variant.operation), forgetful)
    assert outcome(variant) == not_read(variant)


def recording(**params: Any) -> Any:
    return reading.recording(model.operation_model("ssm", "CreateDocument").input_shape, params)


def test_looking_whether_a_member_is_there_is_not_reading_it() -> None:
    params = recording(Name="a", Tags=[])
    assert "Name" in params and "Content" not in params and len(params) == 2
    assert reading.unread(params) == ["Name", "Tags"]
    assert params["Name"] == "a" and params.get("Content") is None and params["Tags"] is not None
    assert reading.unread(params) == []


def test_a_structure_cannot_be_copied_as_if_all_of_it_were_read() -> None:
    params = recording(Name="a", Requires=[{"Name": "b"}])
    for attempt in (lambda: {**params}, lambda: dict(params), lambda: list(params), lambda: list(params.values())):
        with pytest.raises(TypeError):
            attempt()
    with pytest.raises(TypeError):
        params["Name"] = "b"
    assert reading.unread(params) == ["Name", "Requires"]


def test_an_item_of_a_list_that_nobody_looks_at_is_not_read() -> None:
    params = recording(Requires=[{"Name": "a"}, {"Name": "b", "Version": "1"}])
    first, second = params["Requires"]
    assert reading.unread(params) == ["Requires[0].Name", "Requires[1].Name", "Requires[1].Version"]
    assert (first["Name"], second.get("Name")) == ("a", "b")
    assert reading.unread(params) == ["Requires[1].Version"]

    tags = recording(Attachments=[{"Values": ["a", "b"]}])["Attachments"]
    assert tags[-1]["Values"][0] == "a"
    assert reading.unread(tags) == ["[0].Values[1]"]
    assert tags[0]["Values"][1:] == ["b"] and reading.unread(tags) == []


def test_looking_for_an_item_reads_the_whole_list() -> None:
    values = recording(Attachments=[{"Values": ["a", "b"]}])["Attachments"][0]["Values"]
    assert "a" in values and reading.unread(values) == []


def test_a_map_is_read_by_its_values() -> None:
    shape = model.operation_model("ssm", "StartSession").input_shape
    params = reading.recording(shape, {"Parameters": {"command": ["id"], "port": ["22"]}})
    assert sorted(params["Parameters"]) == ["command", "port"]
    assert reading.unread(params) == ["Parameters[command]", "Parameters[port]"]
    assert params["Parameters"]["command"][0] == "id"
    assert reading.unread(params) == ["Parameters[port]"]


def test_what_is_stored_is_a_copy_and_counts_as_read() -> None:
    given = [{"Name": "a", "Version": "1"}]
    params = recording(Requires=given)
    stored = reading.copy_all(params["Requires"])
    assert stored == given and stored is not given and stored.__class__ is list
    assert reading.unread(params) == []
    assert reading.copy_all([1]) == [1] and reading.unread("text") == []


def test_a_look_at_the_unwrapped_value_reads_nothing() -> None:
    params = recording(Name="a")
    assert reading.unwrapped(params) == {"Name": "a"} and reading.unread(params) == ["Name"]


# --- members that this botocore lacks ----------------------------------------------------------------


@pytest.fixture
def newer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use a model with members that AWS added later, at the top level and nested."""
    description = copy.deepcopy(model.service_model("ssm")._service_description)
    shapes = description["shapes"]
    shapes["NewerNames"] = {"type": "list", "member": {"shape": "NewerName"}}
    shapes["NewerName"] = {"type": "string", "enum": ["ONE", "TWO"]}
    for name in ("CreateDocumentRequest", "UpdateDocumentRequest", "Tag", "GetConnectionStatusRequest"):
        shapes[name]["members"]["NewerMember"] = {"shape": "NewerNames"}
    # The shapes of botocore 1.44.8.
    shapes["CloudProviderList"] = {"type": "list", "member": {"shape": "CloudProvider"}, "min": 1, "max": 10}
    shapes["CloudProvider"] = {"type": "string", "enum": ["AWS", "Azure", "GCP"]}
    for name in (
        "CreateDocumentRequest",
        "UpdateDocumentRequest",
        "DocumentDescription",
        "DocumentIdentifier",
        "DocumentVersionInfo",
    ):
        shapes[name]["members"]["CloudProviders"] = {"shape": "CloudProviderList"}
    changed = botocore.model.ServiceModel(description, "ssm")
    whole = model.operation_model

    def operation_model(service: str, operation: str) -> Any:
        return changed.operation_model(operation) if service == "ssm" else whole(service, operation)

    monkeypatch.setattr(model, "operation_model", operation_model)


@pytest.mark.parametrize(
    ("operation", "path"),
    [
        ("CreateDocument", "NewerMember"),
        ("CreateDocument", "Tags[0].NewerMember"),
        ("UpdateDocument", "NewerMember"),
        ("GetConnectionStatus", "NewerMember"),
        ("AddTagsToResource", "Tags[0].NewerMember"),
    ],
)
@pytest.mark.usefixtures("newer")
def test_a_member_that_is_newer_than_the_handlers_is_a_violation(operation: str, path: str) -> None:
    [base] = [base for base in BASES if base.operation == operation]
    assert outcome(base) == "ok"
    [variant] = [variant for variant in every_operation.variants(base) if variant.path == path]
    assert outcome(variant) == not_read(variant)
    with LocalAWS(every_operation.WORLD, strict=False) as aws:
        answer = signed_requests.call_json(aws, operation, variant.params)
        assert (answer.code, answer.message) == ("EmulatorContractViolation", not_read(variant))
        assert len(aws.violations) == 1


@pytest.mark.usefixtures("newer")
def test_cloud_providers_are_kept_until_others_are_given() -> None:
    aws = Direct()

    def update(text: str, **more: Any) -> Any:
        content = json.dumps({**every_operation.STREAM, "description": text})
        made = aws("UpdateDocument", Name="mine", Content=content, DocumentVersion="$LATEST", **more)
        aws("DescribeDocument", Name="mine", DocumentVersion="$LATEST")
        return made["DocumentDescription"]["CloudProviders"]

    made = aws("CreateDocument", **every_operation.BASES["CreateDocument"] | {"Name": "mine"})
    assert made["DocumentDescription"]["CloudProviders"] == ["AWS"]
    aws("DescribeDocument", Name="mine")
    assert update("2", CloudProviders=["AWS", "GCP"]) == ["AWS", "GCP"]
    assert update("3") == ["AWS", "GCP"]
    with pytest.raises(APIError, match="DuplicateDocumentContent"):
        update("3", CloudProviders=["Azure"])
    versions = aws("ListDocumentVersions", Name="mine")["DocumentVersions"]
    assert [version["CloudProviders"] for version in versions] == [["AWS", "GCP"], ["AWS", "GCP"], ["AWS"]]

    def listed(value: str) -> list[str]:
        filters = [{"Key": "CloudProviders", "Values": [value]}, {"Key": "Owner", "Values": ["Self"]}]
        return [item["Name"] for item in aws("ListDocuments", Filters=filters)["DocumentIdentifiers"]]

    # The filter applies to the default version.
    assert (listed("AWS"), listed("GCP")) == (["mine"], [])
    aws("UpdateDocumentDefaultVersion", Name="mine", DocumentVersion="3")
    assert (listed("AWS"), listed("GCP"), listed("Azure")) == (["mine"], ["mine"], [])
