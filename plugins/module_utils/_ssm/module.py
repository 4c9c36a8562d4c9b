# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""The AnsibleAWSModule of this collection."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from ansible_collections.amazon.aws.plugins.module_utils.common import set_collection_info
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from .errors import SSMError
from .fanout import MAX_WORKERS

try:
    from botocore.config import Config
except ImportError:
    pass  # AnsibleAWSModule reports a missing boto3

COLLECTION_NAME = "sessionops.aws"
COLLECTION_VERSION = "0.1.0"

ClientFactory = Callable[[str], Any]
Result = dict[str, Any]


def client_config() -> Any:
    """The botocore settings that every client of this collection starts from; a user's ``aws_config`` wins.

    Adaptive retries hold a client to the rate that the service allows. The other modes give up on a good part of a
    large fleet once Systems Manager throttles, since they only space out the attempts of one call at a time.
    """
    settings: dict[str, Any] = {
        "retries": {"mode": "adaptive", "total_max_attempts": 8},
        "max_pool_connections": MAX_WORKERS,
    }
    return Config(**settings)


def empty_variables() -> list[str]:
    """The environment variables of AWS that are empty, which botocore takes for a profile or a region without a name.

    AWX sets those that a credential has no value for to nothing.
    """
    return [name for name, value in os.environ.items() if name.startswith("AWS_") and not value]


class SSMModule(AnsibleAWSModule):
    """AnsibleAWSModule with this collection's user agent, retries and error sentences."""

    def __init__(self, **kwargs: Any) -> None:
        for name in empty_variables():
            del os.environ[name]  # of the module's own process
        super().__init__(supports_check_mode=True, **kwargs)  # type: ignore[no-untyped-call] # theirs has no hints
        set_collection_info(COLLECTION_NAME, COLLECTION_VERSION)

    def client(self, service: str, retry_decorator: Any = None, **extra_params: Any) -> Any:
        """A boto3 client of ``service`` made from the connection options."""
        if not self.region:
            self.fail_json(
                msg=f"The {self._name} module requires a region and none was found: set region or AWS_REGION."
            )
        return super().client(service, retry_decorator, config=client_config(), **extra_params)

    def fail_json_aws(self, exception: BaseException, msg: str | None = None, **kwargs: Any) -> NoReturn:
        """Fail with one sentence, and with AWS's answer as data; the parent adds a traceback, of no use to users."""
        sentence = " ".join(str(exception).split())
        response = getattr(exception, "response", None) or {}
        details = {"error": _error(response)} if response.get("Error") else {}
        self.fail_json(msg=f"{msg}: {sentence}" if msg else sentence, **details, **self._gather_versions(), **kwargs)

    def report(self, work: Callable[[Mapping[str, Any], ClientFactory, bool], Result]) -> NoReturn:
        """Run ``work`` with the module's parameters, a client factory and check mode, and exit with its result.

        This is the only place where an error becomes a failed task. A result with the key ``failed`` fails the task
        too, and keeps what the work did get done.
        """
        # What is imported by now stays to the end. To look through it for garbage time and again is a sixth of the CPU
        # of a long listing.
        gc.freeze()
        try:
            result = work(self.params, self.client, self.check_mode)
        except SSMError as error:
            failure = error
        else:
            if result.get("failed"):
                self.fail_json(**result)
            self.exit_json(**result)
        self.fail_json_aws_error(failure)

    def fail_json_aws_error(self, exception: SSMError) -> NoReturn:
        """Fail with the sentence of an ``SSMError``, and with AWS's answer as data."""
        self.fail_json_aws(exception)


def _error(response: Mapping[str, Any]) -> dict[str, str]:
    """AWS's error in the form that amazon.aws modules return it."""
    return {key.lower(): str(value) for key, value in response["Error"].items() if key in ("Code", "Message")}
