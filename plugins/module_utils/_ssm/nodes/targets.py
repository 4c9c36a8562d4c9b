# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""The IDs of what sessions are started on."""

from __future__ import annotations

import re

from ..errors import SSMError
from ..option_text import quoted

FORMS = "i-..., mi-... or ecs:CLUSTER_TASK_RUNTIME"

_NODE = re.compile(r"i-(?:[0-9a-f]{8}|[0-9a-f]{17})|mi-[0-9a-f]{17}")
# The name of a cluster may contain underscores. A last part that looks like the ID of a task is one, so that the ID of
# the runtime is missing: that has a hyphen and digits after the ID of the task, or twice its length.
_ECS = re.compile(r"ecs:[a-zA-Z0-9_-]{1,255}_[a-zA-Z0-9-]+_(?![0-9a-f]{32}$)[a-zA-Z0-9-]+")
# A node of SageMaker HyperPod: the cluster, the instance group and the instance, as in the part of the Amazon
# SageMaker AI Developer Guide on access to the nodes of a cluster.
_SAGEMAKER = re.compile(r"sagemaker-cluster:[a-zA-Z0-9]+_[a-zA-Z0-9-]+-i-[0-9a-f]+")
_IN_ARN = re.compile(r"arn:[^/]*/(.*)", re.DOTALL)
# A session has an ID that ends so, after the name of its user.
_OF_SESSION = re.compile(r"[^\s,;/]+-(?:0[0-9a-f]{16}|[a-z0-9]{26})")
_LONGEST = 400


def is_node(text: str) -> bool:
    """Tell whether a text is the ID of a managed node, which Systems Manager may list."""
    return _NODE.fullmatch(text) is not None


def is_target(text: str) -> bool:
    """Tell whether a session can be started on something with this ID."""
    return len(text) <= _LONGEST and any(form.fullmatch(text) for form in (_NODE, _ECS, _SAGEMAKER))


def check(text: str, option: str) -> None:
    """Raise an ``SSMError`` for a text that is not the ID of a target: AWS takes it for one that is not connected."""
    if not is_target(text):
        raise SSMError(f"{option}: {quoted(text)} is not a target ID; expected {FORMS}.{_advice(text)}")


def _advice(text: str) -> str:
    named = _IN_ARN.fullmatch(text)
    if named and is_node(named.group(1)):
        return f" Use the ID in the ARN: {named.group(1)}."
    if text.startswith("ecs:") and is_target(f"{text}_0"):
        return " The ID of the runtime is missing: describe-tasks of Amazon ECS returns it as runtimeId."
    return " This looks like a session ID." if _OF_SESSION.fullmatch(text) else ""
