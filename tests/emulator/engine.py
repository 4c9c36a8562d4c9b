# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Handle one request: find the operation, verify the signature, parse, validate, answer, check the reply, record it."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import datetime
import json
import random
import traceback
import uuid
from typing import Any

from . import journal, model, paging, performing, replies, sigv4, wire
from .replies import Reply
from .service import APIError, Call, Identity, NoSuchHostError, ViolationError
from .sigv4 import Request, Scope
from .world import World

VIOLATION = "EmulatorContractViolation"
NO_HOST = "no such host"


@dataclasses.dataclass(frozen=True)
class Handled:
    """A handled request: the reply, and whether the connection is closed early."""

    reply: Reply
    request_id: str
    # "drop": close the connection without a reply. "truncate": close it after half of the body. None: send all of it.
    close_mode: str | None = None
    # The outcome that the journal records.
    recorded_as: str = "ok"


@dataclasses.dataclass
class Target:
    """The service, operation and region that a request names, before its signature is verified.

    ``protocol`` is the model's: ``json``, ``ec2`` or ``query``. ``form`` is the body of the query protocols.
    """

    service: str
    protocol: str
    operation: str = ""
    region: str = ""
    form: wire.QueryForm | None = None


@dataclasses.dataclass
class Progress:
    """The fields that the journal records of a request. They are filled in step by step."""

    target: Target
    params: dict[str, Any] = dataclasses.field(default_factory=dict)
    access_key: str = ""
    fault: str | None = None


class Engine:
    """Answers requests from a world. Every request becomes an entry of the journal, whatever happens to it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.journal = journal.Journal()
        self.violations: list[str] = []
        # Not the world's own generator, so that concurrent calls do not change the IDs of sessions.
        self._ids = random.Random(f"request ids {world.seed}")

    async def answer(self, request: Request) -> Handled:
        """Answer a request. The latency of its operation includes the time that the work takes."""
        clock = asyncio.get_running_loop()
        received = clock.time()
        progress, handled = await self._handle(request)
        remaining = received + self.world.latency(progress.target.operation) - clock.time()
        if remaining > 0:
            await asyncio.sleep(remaining)
        return handled

    def answer_at_once(self, request: Request) -> Handled:
        """Answer a request in the calling thread. The world must have no latency, and no fault that delays."""
        try:
            self._handle(request).send(None)
        except StopIteration as done:
            handled: Handled = done.value[1]
            return handled
        raise RuntimeError("a fault delays this request, so it cannot be answered at once")

    async def _handle(self, request: Request) -> tuple[Progress, Handled]:
        request_id = str(uuid.UUID(int=self._ids.getrandbits(128), version=4))
        scope = sigv4.read_scope(request.headers)
        progress = Progress(_find_service(request, scope))
        try:
            handled = await self._answer(request, scope, progress, request_id)
            self._record(progress, handled.recorded_as)
            return progress, handled
        except NoSuchHostError:
            self._record(progress, NO_HOST)
            return progress, _dropped(request_id, NO_HOST)
        except ViolationError as breach:
            error = self._violated(progress, str(breach))
        except APIError as refused:
            error = refused
        except Exception:  # report a bug of the emulator as a violation, and keep the server running
            error = self._violated(progress, traceback.format_exc())
        self._record(progress, error.code)
        return progress, Handled(self._error(progress.target, error, request_id), request_id)

    async def _answer(self, request: Request, scope: Scope | None, progress: Progress, request_id: str) -> Handled:
        target = progress.target
        if scope is not None and scope.service not in model.SERVICES:
            raise ViolationError(f"a request for {scope.service}, which is not emulated")
        _find_operation(request, target)
        identity = sigv4.verify(
            request, scope, target.protocol, self.world.identities, datetime.datetime.now(datetime.UTC)
        )
        progress.access_key = identity.access_key
        performing.check_host(self.world, target.service, target.operation, target.region)
        self._read(request, progress)
        if not self.world.throttle.allows(target.operation, target.region):
            raise throttled(target.protocol)
        return await self._perform(progress, identity, request_id)

    def _read(self, request: Request, progress: Progress) -> None:
        target = progress.target
        shape = model.operation_model(target.service, target.operation).input_shape
        if target.form is not None:
            params = target.form.read(shape, target.protocol == "ec2")
        else:
            params = wire.parse_json(shape, request.body)
        progress.params = params
        model.check_input(target.service, target.operation, params)

    async def _perform(self, progress: Progress, identity: Identity, request_id: str) -> Handled:
        target = progress.target
        call = Call(target.service, target.operation, progress.params, identity, target.region)
        fault = self.world.faults.match(target.operation, progress.params, self._page(call))
        if fault is None:
            result = performing.handle(self.world, call)
            return Handled(self._serialise(target, result, request_id), request_id)
        progress.fault = fault.describe()
        if "delay" in fault.do:
            await asyncio.sleep(float(fault.do["delay"]))
        return self._misbehave(fault.do, target, call, request_id)

    def _misbehave(self, do: dict[str, Any], target: Target, call: Call, request_id: str) -> Handled:
        if "raw" in do:
            reply = Reply(do.get("status", 200), _raw(do["raw"]), do.get("content_type", "text/html"))
            return Handled(reply, request_id, recorded_as="raw")
        if do.get("drop") == "before":
            # The call was not performed, so the journal must not record it as one that was.
            return _dropped(request_id, "dropped")
        error = APIError(do["error"], do.get("message", ""), do.get("status", 400)) if "error" in do else None
        if error and not do.get("commit"):
            raise error
        result = self._empty_page(call) if do.get("page") == "empty" else performing.handle(self.world, call)
        if error:
            raise error
        if do.get("page") == "repeat":
            result = {**result, "NextToken": self._same_token(call)}
        # A handler may return objects that are part of the world.
        result = copy.deepcopy(result)
        for path, value in do.get("set", {}).items():
            _assign(result, path.split("."), value)
        close_mode = "drop" if "drop" in do else "truncate" if "truncate" in do else None
        return Handled(self._serialise(target, result, request_id), request_id, close_mode)

    def _page(self, call: Call) -> int:
        try:
            return paging.read_token(call, self.world)[1]
        except APIError:
            return 1

    def _empty_page(self, call: Call) -> dict[str, Any]:
        """Return a page without items, whose token is for a page that starts where this one should have."""
        shape = model.operation_model(call.service, call.operation).output_shape
        offset, page = paging.read_token(call, self.world)
        token = paging.make_token(call, offset, page + 1, self.world)
        lists: dict[str, Any] = {name: [] for name, member in shape.members.items() if member.type_name == "list"}
        return {**lists, "NextToken": token}

    def _same_token(self, call: Call) -> str:
        return call.params.get("NextToken") or paging.make_token(call, 0, 1, self.world)

    def _serialise(self, target: Target, result: dict[str, Any], request_id: str) -> Reply:
        operation = model.operation_model(target.service, target.operation)
        namespace = _namespace(target.service)
        if target.protocol == "json":
            return replies.json_reply(operation.output_shape, result)
        if target.protocol == "ec2":
            return replies.ec2_reply(operation, namespace, result, request_id)
        return replies.query_reply(operation, namespace, result, request_id)

    def _error(self, target: Target, error: APIError, request_id: str) -> Reply:
        key = model.message_key(target.service, target.operation, error.code) if target.protocol == "json" else ""
        return replies.error_reply(target.protocol, _namespace(target.service), error, request_id, key)

    def _violated(self, progress: Progress, text: str) -> APIError:
        self.violations.append(f"{progress.target.service}:{progress.target.operation}: {text}")
        return APIError(VIOLATION, text)

    def _record(self, progress: Progress, outcome: str) -> None:
        target = progress.target
        shape = None
        if target.operation and model.has_operation(target.service, target.operation):
            shape = model.operation_model(target.service, target.operation).input_shape
        self.journal.add(
            service=target.service,
            operation=target.operation,
            region=target.region,
            params=journal.redacted(shape, progress.params),
            access_key=progress.access_key,
            outcome=outcome,
            fault=progress.fault,
        )


def throttled(protocol: str) -> APIError:
    """Return the error of a call that exceeds the rate, with the code of its protocol."""
    if protocol == "ec2":
        return APIError("RequestLimitExceeded", "Request limit exceeded.", 503)
    return APIError("ThrottlingException" if protocol == "json" else "Throttling", "Rate exceeded")


def _dropped(request_id: str, recorded_as: str) -> Handled:
    """Return a handled request whose connection is closed without a reply."""
    return Handled(Reply(200, b"", ""), request_id, "drop", recorded_as)


def _namespace(service: str) -> str:
    return str(model.service_model(service).metadata.get("xmlNamespace", ""))


def _find_service(request: Request, scope: Scope | None) -> Target:
    """Find the service of a request. AWS's host name would name it, but here all services share one address."""
    if scope is not None and scope.service in model.SERVICES:
        name = scope.service
    elif "x-amz-target" in request.headers or not request.body.startswith(b"Action="):
        name = "ssm"
    else:
        name = next((name for name in ("sts", "iam") if _version(name) in request.body), "ec2")
    protocol = str(model.service_model(name).metadata["protocol"])
    return Target(name, protocol, region=scope.region if scope else "")


def _version(service: str) -> bytes:
    return f"Version={model.service_model(service).metadata['apiVersion']}".encode()


def _find_operation(request: Request, target: Target) -> None:
    if target.protocol == "json":
        _find_json_operation(request, target)
    else:
        _find_action(request, target)


def _find_json_operation(request: Request, target: Target) -> None:
    prefix, unused, name = request.headers.get("x-amz-target", "").partition(".")
    wanted = model.service_model(target.service).metadata["targetPrefix"]
    is_json = request.headers.get("content-type", "").split(";")[0] == wire.JSON_TYPE
    if prefix == wanted:
        target.operation = name
    if request.method != "POST" or not is_json or prefix != wanted or not model.has_operation(target.service, name):
        raise APIError("UnknownOperationException")


def _find_action(request: Request, target: Target) -> None:
    target.form = form = wire.QueryForm(request.body)
    target.operation = form.action
    if not form.action:
        raise APIError("MissingAction", "The request must contain the parameter Action")
    version = model.service_model(target.service).metadata["apiVersion"]
    if request.method == "POST" and form.version == version and model.has_operation(target.service, form.action):
        return
    if target.protocol == "ec2":
        raise APIError("InvalidAction", f"The action {form.action} is not valid for this web service.")
    raise APIError("InvalidAction", f"Could not find operation {form.action} for version {form.version}")


def _raw(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


def _assign(container: Any, path: list[str], value: Any) -> None:
    """Set the value at a path such as ``["Sessions", "0", "Status"]``. Numbers are indexes of lists."""
    for part in path[:-1]:
        container = container[int(part)] if isinstance(container, list) else container[part]
    if isinstance(container, list):
        container[int(path[-1])] = value
    else:
        container[path[-1]] = value
