# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""AWS's service models, as botocore has them, and the checks of requests against them.

boto3 itself checks required members, types, minimums and names. It leaves maximums, enums and patterns to the
service. This module checks all of them.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any

import botocore.loaders
import botocore.model

from . import patterns
from .service import APIError

SERVICES = ("ssm", "ec2", "sts", "iam", "kms")

# Members that AWS sends even to clients whose botocore lacks them: (shape, member) -> the first botocore with it.
SINCE: dict[tuple[str, str], str] = {
    ("Session", "AccessType"): "1.39.0",
    ("InstanceProperty", "AvailabilityZone"): "newer than 1.39.0",
    ("DocumentDescription", "CloudProviders"): "1.44.8",
    ("DocumentIdentifier", "CloudProviders"): "1.44.8",
    ("DocumentVersionInfo", "CloudProviders"): "1.44.8",
}

# Operations that an old botocore lacks. A client with that botocore cannot call them either.
SINCE_OPERATIONS: dict[tuple[str, str], str] = {("ssm", "DescribeInstanceProperties"): "1.34.100 at the latest"}

# Error codes that any operation of Systems Manager may return, even if the model does not list them for it.
COMMON_ERRORS = frozenset(
    {
        "AccessDeniedException",
        "ExpiredTokenException",
        "IncompleteSignatureException",
        "InternalFailure",
        "InternalServerError",
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "SerializationException",
        "ServiceUnavailable",
        "ThrottlingException",
        "UnknownOperationException",
        "UnrecognizedClientException",
        "ValidationException",
    }
)

# The same for the query protocols. EC2's model lists no errors at all; the others omit those of every operation.
COMMON_QUERY_ERRORS: dict[str, frozenset[str]] = {
    "ec2": frozenset(
        {
            "AuthFailure",
            "DryRunOperation",
            "InternalError",
            "InvalidAction",
            "InvalidFilter",
            "InvalidInstanceID.Malformed",
            "FilterLimitExceeded",
            "InvalidInstanceID.NotFound",
            "InvalidParameterCombination",
            "InvalidParameterValue",
            "MissingParameter",
            "RequestExpired",
            "RequestLimitExceeded",
            "UnauthorizedOperation",
            "UnknownParameter",
        }
    ),
    "sts": frozenset({"AccessDenied", "ExpiredToken", "InvalidAction", "Throttling", "ValidationError"}),
    "iam": frozenset({"AccessDenied", "ExpiredToken", "InvalidAction", "Throttling", "ValidationError"}),
}

# Error codes that AWS was seen to return, although the model does not list them for the operation.
OBSERVED_ERRORS: dict[tuple[str, str], frozenset[str]] = {
    ("ssm", "CreateDocument"): frozenset({"InvalidParameterValueException"}),
    ("ssm", "UpdateDocument"): frozenset({"InvalidParameterValueException"}),
    ("ssm", "ModifyDocumentPermission"): frozenset({"InvalidParameterException"}),
    ("ssm", "StartSession"): frozenset({"BadRequest"}),
    ("ssm", "ResumeSession"): frozenset({"BadRequest"}),
    ("ssm", "TerminateSession"): frozenset({"DoesNotExistException"}),
}


@functools.cache
def service_model(name: str) -> Any:
    """Load the newest model of a service that the installed botocore has."""
    description = botocore.loaders.Loader().load_service_model(name, "service-2")
    return botocore.model.ServiceModel(description, name)


@functools.cache
def operation_model(service: str, operation: str) -> Any:
    return service_model(service).operation_model(operation)


@functools.cache
def _operation_names(service: str) -> frozenset[str]:
    return frozenset(service_model(service).operation_names)


def has_operation(service: str, operation: str) -> bool:
    return operation in _operation_names(service)


# --- requests ---------------------------------------------------------------------------------------


def check_input(service: str, operation: str, params: Mapping[str, Any]) -> None:
    """Raise ``APIError`` if a request breaks the model, with the code and message that the service would use."""
    shape = operation_model(service, operation).input_shape
    if shape is None:
        found = [f"Value at '{_lower(key)}' failed to satisfy constraint: Member must be known" for key in params]
    else:
        found = list(_input_errors(shape, params, ""))
    if not found:
        return
    if service == "ec2":
        missing = _missing(shape, params)
        if missing:
            raise APIError("MissingParameter", f"The request must contain the parameter {missing}")
        raise APIError("InvalidParameterValue", _sentence(found))
    is_json = service_model(service).metadata["protocol"] == "json"
    raise APIError("ValidationException" if is_json else "ValidationError", _sentence(found))


def _sentence(found: list[str]) -> str:
    noun = "validation error" if len(found) == 1 else "validation errors"
    return f"{len(found)} {noun} detected: {'; '.join(found)}"


def _missing(shape: Any, params: Mapping[str, Any]) -> str | None:
    return next((name for name in shape.required_members if name not in params), None)


def _input_errors(shape: Any, value: Any, path: str) -> Iterator[str]:
    if shape.type_name == "structure":
        yield from _structure_errors(shape, value, path)
    elif shape.type_name == "list":
        yield from _bound_errors(shape, value, path)
        yield from _list_errors(shape, value, path)
    elif shape.type_name == "map":
        yield from _bound_errors(shape, value, path)
        yield from _map_errors(shape, value, path)
    else:
        yield from _bound_errors(shape, value, path)


def _structure_errors(shape: Any, value: dict[str, Any], path: str) -> Iterator[str]:
    for name in shape.required_members:
        if name not in value:
            yield f"Value null at '{_join(path, name)}' failed to satisfy constraint: Member must not be null"
    for name, item in value.items():
        if name in shape.members:
            yield from _input_errors(shape.members[name], item, _join(path, name))
        else:
            # AWS ignores unknown members. The emulator rejects them, so that a misspelt one is noticed.
            yield f"Value at '{_join(path, name)}' failed to satisfy constraint: Member must be known"


def _list_errors(shape: Any, value: list[Any], path: str) -> Iterator[str]:
    if shape.member.type_name in ("structure", "list", "map"):
        for number, item in enumerate(value, 1):
            yield from _input_errors(shape.member, item, f"{path}.{number}.member")
        return
    # For a list of scalars, AWS's message names the list and the constraints of its members.
    broken = {text: None for item in value for text in constraints(shape.member, item)}
    if broken:
        yield _at(shape, value, path, f"Member must satisfy constraint: [{', '.join(broken)}]")


def _map_errors(shape: Any, value: dict[str, Any], path: str) -> Iterator[str]:
    broken = {text: None for key in value for text in constraints(shape.key, key)}
    if broken:
        yield _at(shape, value, path, f"Map keys must satisfy constraint: [{', '.join(broken)}]")
    for key, item in value.items():
        yield from _input_errors(shape.value, item, f"{path}.{key}.member")


def _bound_errors(shape: Any, value: Any, path: str) -> Iterator[str]:
    for text in constraints(shape, value):
        yield _at(shape, value, path, text)


def constraints(shape: Any, value: Any) -> Iterator[str]:
    """Yield a message in AWS's words for each constraint of the shape itself that a value breaks."""
    metadata = shape.metadata
    noun, size = _size(value)
    if size is not None and "min" in metadata and size < metadata["min"]:
        yield f"Member must have {noun} greater than or equal to {metadata['min']}"
    if size is not None and "max" in metadata and size > metadata["max"]:
        yield f"Member must have {noun} less than or equal to {metadata['max']}"
    if "enum" in metadata and value not in metadata["enum"]:
        yield f"Member must satisfy enum value set: [{', '.join(metadata['enum'])}]"
    if "pattern" in metadata and not patterns.matches(shape.name, metadata["pattern"], value):
        yield f"Member must satisfy regular expression pattern: {metadata['pattern']}"


def _size(value: Any) -> tuple[str, float | None]:
    if isinstance(value, (str, bytes, list, dict)):
        return "length", len(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return "value", value
    return "value", None


def _at(shape: Any, value: Any, path: str, constraint: str) -> str:
    shown = "Value" if shape.metadata.get("sensitive") else f"Value '{value}'"
    return f"{shown} at '{path}' failed to satisfy constraint: {constraint}"


def _join(path: str, name: str) -> str:
    return f"{path}.{_lower(name)}" if path else _lower(name)


def _lower(name: str) -> str:
    return name[:1].lower() + name[1:]


# --- errors -----------------------------------------------------------------------------------------


def error_is_known(service: str, operation: str, code: str) -> bool:
    """Return whether AWS may return this error code for this operation."""
    if code in COMMON_QUERY_ERRORS.get(service, COMMON_ERRORS):
        return True
    if code in OBSERVED_ERRORS.get((service, operation), ()):
        return True
    shapes = operation_model(service, operation).error_shapes
    return any(code in (shape.name, shape.error_code) for shape in shapes)


def message_key(service: str, operation: str | None, code: str) -> str:
    """Return the key of the message in a JSON error: the one of the error's shape (``Message``), else ``message``."""
    if operation is None or not has_operation(service, operation):
        return "message"
    for shape in operation_model(service, operation).error_shapes:
        if code in (shape.name, shape.error_code):
            return next((name for name in shape.members if name.lower() == "message"), "message")
    return "message"
