# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""What a connection depends on. The holder of sessions knows it, too, so nothing here imports Ansible."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from typing import Any

from .._session.limits import Limits

DOCUMENT = "AWS-StartInteractiveCommand"
PARAMETER = "command"
# Runs a command that has no terminal, and sends its output at once, and not from a file at the end.
FETCH_DOCUMENT = "AWS-StartNonInteractiveCommand"
FETCH_PARAMETERS = {"separateOutputStream": ["true"]}

# What users set the options by. Most variables have the prefix and the name of the option.
_PREFIX = "ansible_aws_ssm_"
_VARIABLES = {
    "access_key": "access_key_id",
    "secret_key": "secret_access_key",
    "timeout": "connect_timeout",
}
# The IDs that Session Manager accepts as a target.
_TARGET = re.compile(r"(i-|mi-|ecs:|sagemaker-cluster:).+")


@dataclasses.dataclass(frozen=True)
class Settings:
    """Everything that a connection depends on. ``credentials`` are arguments for ``Connection``, with secrets.

    Two that are equal share a session. What is not compared applies to sessions that are started later.
    """

    target: str
    region: str | None
    endpoint: str | None
    stream_endpoint: str | None
    credentials: Mapping[str, Any] = dataclasses.field(repr=False)
    role: str | None
    document: str
    command_parameter: str | None
    parameters: Mapping[str, list[str]]
    reason: str = dataclasses.field(compare=False)
    interpreters: tuple[str, ...] = dataclasses.field(compare=False)
    limits: Limits = dataclasses.field(compare=False)
    command_timeout: float | None = dataclasses.field(compare=False)
    attempts: int = dataclasses.field(compare=False)
    wait: float = dataclasses.field(compare=False)
    idle: float = dataclasses.field(compare=False)
    lifetime: float = dataclasses.field(compare=False)
    persist: bool = dataclasses.field(compare=False)

    @property
    def key(self) -> str:
        """A text that is the same for equal settings. It has the secrets."""
        names = [field.name for field in dataclasses.fields(self) if field.compare]
        return json.dumps([getattr(self, name) for name in names], sort_keys=True)

    @property
    def account_key(self) -> str:
        """A text that is the same for settings with the same credentials, region and endpoint. It has the secrets."""
        return json.dumps([self.region, self.endpoint, self.credentials, self.role], sort_keys=True)

    def as_json(self) -> dict[str, Any]:
        """Return what ``from_json`` takes. Its values are those of the settings, because copies take a millisecond."""
        return {**vars(self), "limits": vars(self.limits)}

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Settings:
        """Return the settings that ``as_json`` returned. Raises ``TypeError`` or ``KeyError`` for anything else."""
        given = {"limits": Limits(**said["limits"]), "interpreters": tuple(said["interpreters"])}
        return cls(**{**said, **given})

    @property
    def looks_like_target(self) -> bool:
        return bool(_TARGET.match(self.target))


def variable(option: str) -> str:
    """Return the variable of an option."""
    return f"{_PREFIX}{_VARIABLES.get(option, option)}"
