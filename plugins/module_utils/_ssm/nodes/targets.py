# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Check the IDs of targets: nodes and containers on which sessions can be started."""

from __future__ import annotations

import re

from ..errors import SSMError
from ..option_text import quoted

FORMS = "i-..., mi-..., ecs:CLUSTER_TASK_RUNTIME or sagemaker-cluster:CLUSTER_GROUP-INSTANCE"

_NODE = re.compile(r"i-(?:[0-9a-f]{8}|[0-9a-f]{17})|mi-[0-9a-f]{17}")
# The name of a cluster may contain underscores. If the last part looks like a task ID, it is one, and the runtime ID is
# missing: a runtime ID is the task ID followed by a hyphen and digits, or has twice the length of a task ID.
_ECS = re.compile(r"ecs:[a-zA-Z0-9_-]{1,255}_[a-zA-Z0-9-]+_(?![0-9a-f]{32}$)[a-zA-Z0-9-]+")
# A node of SageMaker HyperPod: cluster, instance group and instance. Source: the Amazon SageMaker AI Developer Guide,
# on access to the nodes of a cluster.
_SAGEMAKER = re.compile(r"sagemaker-cluster:[a-zA-Z0-9]+_[a-zA-Z0-9-]+-i-[0-9a-f]+")
_IN_ARN = re.compile(r"arn:[^/]*/(.*)", re.DOTALL)
# A session ID: the name of its user, a hyphen and one of these suffixes.
_LIKELY_SESSION_ID = re.compile(r"[^\s,;/]+-(?:0[0-9a-f]{16}|[a-z0-9]{26})")
_MAX_LENGTH = 400


def is_node(text: str) -> bool:
    """Return whether a text is the ID of a managed node, which Systems Manager may list."""
    return _NODE.fullmatch(text) is not None


def is_target(text: str) -> bool:
    """Return whether a text is the ID of a target, on which a session can be started."""
    return len(text) <= _MAX_LENGTH and any(form.fullmatch(text) for form in (_NODE, _ECS, _SAGEMAKER))


def check_target(text: str, option: str) -> None:
    """Raise ``SSMError`` if a text is not a target ID. AWS would return that such a target is not connected."""
    if not is_target(text):
        raise SSMError(f"{option}: {quoted(text)} is not a target ID; expected {FORMS}.{_advice(text)}")


def _advice(text: str) -> str:
    arn = _IN_ARN.fullmatch(text)
    if arn and is_node(arn.group(1)):
        return f" Use the ID in the ARN: {arn.group(1)}."
    if text.startswith("ecs:") and is_target(f"{text}_0"):
        return " The runtime ID is missing. Amazon ECS returns it as runtimeId in describe-tasks."
    return " This looks like a session ID." if _LIKELY_SESSION_ID.fullmatch(text) else ""
