# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""The base class of this collection's modules."""

from __future__ import annotations

import functools
import gc
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn, NotRequired, TypedDict

from ansible.module_utils import basic
from ansible.module_utils.common import warnings

from . import from_action
from .amazon import AnsibleAWSModule, get_aws_connection_info, import_error, requirement
from .clients import Connection, empty_variables
from .credentials import check_credentials
from .errors import SSMError, without_userinfo
from .urls import passwords

try:
    from botocore.exceptions import BotoCoreError
except ImportError:
    pass  # AnsibleAWSModule reports a missing boto3

ClientFactory = Callable[[str], Any]


class ModuleResult(TypedDict):
    """What every module returns. ``warnings`` are shown, and are not part of the result that users see."""

    changed: bool
    failed: NotRequired[bool]
    msg: NotRequired[str]
    warnings: NotRequired[list[str]]


class _Module(basic.AnsibleModule):
    """AnsibleModule that hides the passwords of URLs in all its output, including errors about other options.

    It also takes the data that an action plugin of this collection passes besides the options.
    """

    def _load_params(self) -> None:
        super()._load_params()  # type: ignore[no-untyped-call] # theirs has no hints
        self.no_log_values.update(passwords(self.params, os.environ))
        self.from_action = from_action.take(self.params)


class SSMModule(AnsibleAWSModule):
    """AnsibleAWSModule with this collection's user agent, retries and error messages."""

    def __init__(self, **kwargs: Any) -> None:
        if import_error:
            _fail(requirement(import_error))
        for name in _null_options(basic._load_params() or {}, kwargs["argument_spec"]):
            # ansible-core has no message for null, or takes it for false.
            _fail(f"{name} is null. Set a value or omit the option.")
        for name in empty_variables():
            del os.environ[name]  # only in the module's own process
        # The parent reads the class from these settings and ignores an argument for it.
        AnsibleAWSModule.default_settings["module_class"] = _Module
        super().__init__(supports_check_mode=True, **kwargs)  # type: ignore[no-untyped-call] # theirs has no hints

    def refuse_null(self, *options: str) -> None:
        """Fail if one of ``options`` is null or has an entry that is null: either would count as omitted."""
        # Only the raw input distinguishes null from omitted. ansible-core allows modules to call this function.
        given = basic._load_params()
        for option in options:
            for name in (option, *self.argument_spec[option].get("aliases", ())):
                value = given.get(name, "")
                if value is None:
                    self.fail_json(msg=f"{name} is null. Set a value or omit the option.")
                if isinstance(value, list) and None in value:
                    self.fail_json(msg=f"{name} has an entry that is null. Set a value or omit the entry.")

    def nulls(self, option: str) -> list[str]:
        """Return the names of the suboptions of ``option`` that the task sets to null, such as ``profile.linux``."""
        given = basic._load_params().get(option)
        return list(_nulls(given)) if isinstance(given, Mapping) else []

    @property
    def from_action(self) -> Mapping[str, Any]:
        """The data that the module's action plugin passed; empty if it passed none."""
        passed: Mapping[str, Any] = self._module.from_action
        return passed

    def connect(self, service: str) -> Any:
        """Return a boto3 client of ``service`` made from the connection options; fail if there is no region."""
        connection = self._connection  # first, because invalid credentials can be the reason why no region is found
        if not self.region:
            self.fail_json(msg="No region was found. Set region or AWS_REGION, or use a profile that has a region.")
        return connection.client(service, self.region)

    @functools.cached_property
    def _connection(self) -> Connection:
        check_credentials(self.params)
        try:
            unused, endpoint, options = get_aws_connection_info(self)
        except (TypeError, BotoCoreError) as error:  # the parent checks every option except aws_config
            raise SSMError(f"aws_config is not a valid botocore config: {str(error).rstrip('.')}.") from None
        return Connection(endpoint, options)

    def warn(self, warning: str) -> None:
        """Show a warning with the result. The parent would put it into the result, which ansible-core deprecates."""
        warnings.warn(warning)

    def fail_json_aws(self, exception: BaseException, msg: str | None = None, **kwargs: Any) -> NoReturn:
        """Fail with one sentence, and with AWS's error as data.

        The parent would add a traceback, which does not help users.
        """
        sentence = without_userinfo(" ".join(str(exception).split()))
        response = getattr(exception, "response", None) or {}
        details = {"error": _error(response)} if response.get("Error") else {}
        self.fail_json(msg=f"{msg}: {sentence}" if msg else sentence, **details, **self._gather_versions(), **kwargs)

    def report(self, work: Callable[[Mapping[str, Any], ClientFactory, bool], ModuleResult]) -> NoReturn:
        """Run ``work`` with the module's parameters, a client factory and check mode, and exit with its result.

        This is the only place where an error becomes a failed task. A result with the key ``failed`` also fails the
        task, and still returns what was done. The ``warnings`` of a result are shown.
        """
        # Everything imported so far stays until the end. Searching it for garbage again and again would take a sixth of
        # the CPU time of a long listing.
        gc.freeze()
        try:
            result = work(self.params, self.connect, self.check_mode)
        except SSMError as error:
            failure = error
        else:
            for warning in result.pop("warnings", ()):
                self.warn(warning)
            if result.get("failed"):
                self.fail_json(**result)
            self.exit_json(**result)
        self.fail_json_aws_error(failure)

    def fail_json_aws_error(self, exception: SSMError) -> NoReturn:
        """Fail with the sentence and the ``result`` of an ``SSMError``, and with AWS's error as data."""
        self.fail_json_aws(exception, **exception.result)


def _null_options(given: Mapping[str, Any], spec: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of the options that have a default and are set to null, such as ``profile.linux``."""
    for option, described in spec.items():
        for name in (option, *described.get("aliases", ())):
            value = given.get(name, "")
            if value is None and described.get("default") is not None:
                yield name
            elif isinstance(value, Mapping):
                yield from (f"{name}.{inner}" for inner in _null_options(value, described.get("options", {})))


def _nulls(given: Mapping[str, Any]) -> Iterator[str]:
    for name, value in given.items():
        if value is None:
            yield name
        elif isinstance(value, Mapping):
            yield from (f"{name}.{inner}" for inner in _nulls(value))


def _fail(msg: str) -> NoReturn:
    """Fail before there is an AnsibleAWSModule.

    Only that class defines which of the common options are secret, so no parameter is logged or returned.
    """
    given = [name for name in basic._load_params() if not name.startswith("_ansible_")]
    module = basic.AnsibleModule({name: {"type": "raw"} for name in given}, no_log=True, supports_check_mode=True)
    module.fail_json(msg=msg, invocation={})


def _error(response: Mapping[str, Any]) -> dict[str, str]:
    """Return AWS's error as amazon.aws modules return it, such as ``{"code": "InvalidDocument", "message": "..."}``."""
    return {key.lower(): str(value) for key, value in response["Error"].items() if key in ("Code", "Message")}
