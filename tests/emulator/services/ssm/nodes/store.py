# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The nodes of a region, as a world describes them: EC2 instances, hybrid nodes, containers and cluster nodes."""

from __future__ import annotations

import dataclasses
import datetime
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ....node.options import read_options
from ....world_values import entries, expand, time_or_age

if TYPE_CHECKING:
    from ....world import World

KINDS = {
    "ec2": re.compile(r"i-(\w{8}|\w{17})", re.ASCII),
    "hybrid": re.compile(r"mi-\w{17}", re.ASCII),
    "container": re.compile(r"ecs:\S+_\S+_\S+"),
    # A node of SageMaker HyperPod: the cluster, the instance group and the instance.
    "cluster": re.compile(r"sagemaker-cluster:[a-zA-Z0-9]+_[a-zA-Z0-9-]+-i-[0-9a-f]+"),
}
# The kinds that DescribeInstanceInformation and DescribeInstanceProperties list.
LISTED = ("ec2", "hybrid")
STATUSES = ("connected", "notconnected")
ERROR = "error:"
EC2_STATES = ("pending", "running", "shutting-down", "terminated", "stopping", "stopped")
OPTIONAL = (
    "activation_id",
    "association_status",
    "computer_name",
    "iam_role",
    "image_id",
    "instance_profile",
    "instance_type",
    "ip_address",
    "key_name",
    "name",
    "platform_name",
    "platform_version",
    "public_ip_address",
    "source_id",
    "source_type",
    "subnet_id",
    "vpc_id",
)
KEYS = frozenset(
    {
        "agent",
        "agent_version",
        "architecture",
        "availability_zone",
        "generate",
        "id",
        "instance_state",
        "is_latest_version",
        "last_ping",
        "launch_time",
        "managed",
        "ping_status",
        "platform",
        "registration_date",
        "status",
        "tags",
        *OPTIONAL,
    }
)
PLATFORM_NAMES = {
    "Linux": ("Amazon Linux", "2023"),
    "Windows": ("Microsoft Windows Server 2022 Datacenter", "10.0.20348"),
    "MacOS": ("macOS", "15.1"),
}


class Status:
    """What GetConnectionStatus returns for one target: always the same value, or a sequence with one for each call.

    A value is ``connected``, ``notconnected`` or ``error: CODE``.
    """

    def __init__(self, given: Any) -> None:
        steps = given if isinstance(given, list) else [given]
        if not steps:
            raise ValueError("a sequence of statuses must not be empty")
        self.steps = [_step(item) for item in steps]
        self.place = 0

    def poll(self) -> str:
        """Return the current value, and move to the next one. The last value stays."""
        value = self.current()
        self.place = min(self.place + 1, len(self.steps) - 1)
        return value

    def current(self) -> str:
        """Return the current value without moving to the next one."""
        return self.steps[self.place]


def _step(item: Any) -> str:
    if isinstance(item, Mapping) and list(item) == ["error"]:
        item = f"{ERROR} {item['error']}"
    if item in STATUSES or (isinstance(item, str) and item.startswith(ERROR) and item[len(ERROR) :].strip()):
        return str(item)
    raise ValueError(f"a status must be one of {', '.join(STATUSES)}, or 'error: CODE', not {item!r}")


def error_of(status: str) -> str | None:
    """Return the code of ``error: CODE``, or None for any other status."""
    return status[len(ERROR) :].strip() if status.startswith(ERROR) else None


@dataclasses.dataclass
class Node:
    """One target of GetConnectionStatus. A member that is None is left out of replies.

    ``place`` is the position in the world's description, counted from 0. ``agent`` describes the agent of a node that
    joins the gateway; such a node is connected while its control channel is open. It is None for every other node.
    """

    id: str
    kind: str
    status: Status
    platform: str
    ping_status: str
    agent_version: str
    is_latest_version: bool
    instance_state: str
    managed: bool
    architecture: str
    availability_zone: str
    last_ping: datetime.datetime
    launch_time: datetime.datetime
    registration_date: datetime.datetime
    tags: dict[str, str]
    optional: dict[str, str | None]
    place: int = 0
    agent: Mapping[str, Any] | None = None

    def get(self, name: str) -> str | None:
        return self.optional.get(name)

    @property
    def resource_type(self) -> str:
        return "EC2Instance" if self.kind == "ec2" else "ManagedInstance"

    @property
    def registered(self) -> bool:
        """Whether Systems Manager lists the node."""
        return self.managed and self.kind in LISTED and self.instance_state not in ("terminated", "shutting-down")

    @property
    def running(self) -> bool:
        return self.instance_state in ("running", "stopping")


class Nodes:
    """The nodes of one region, in the order of the world's description.

    ``other_statuses`` has the statuses of targets that are not nodes: ``{target: Status}``.
    """

    def __init__(self) -> None:
        self.by_id: dict[str, Node] = {}
        self.other_statuses: dict[str, Status] = {}

    def all(self) -> list[Node]:
        return list(self.by_id.values())

    def with_ids(self, ids: Iterable[str]) -> list[Node]:
        """Return the nodes with these IDs, in the order of the world's description. Unknown IDs are ignored."""
        found = {node.id: node for node in map(self.find, ids) if node is not None}
        return sorted(found.values(), key=lambda node: node.place)

    def find(self, target: str) -> Node | None:
        return self.by_id.get(target)

    def status_of(self, target: str) -> Status | None:
        """Return the status of a target, or None if the world does not have it."""
        node = self.find(target)
        return node.status if node is not None else self.other_statuses.get(target)

    def is_connected(self, target: str) -> bool:
        """Return whether a session could start now. A sequence of statuses does not move to its next value."""
        status = self.status_of(target)
        return status is not None and status.current() == "connected"

    def set_status(self, target: str, given: Any) -> None:
        node = self.find(target)
        if node is not None:
            node.status = Status(given)
        else:
            self.other_statuses[target] = Status(given)


def read_nodes(section: Any, world: World, region: str) -> Nodes:
    """Read the ``nodes`` of a region. Raises ``ValueError`` for a mistake in them."""
    nodes = Nodes()
    for item in entries(section, KEYS, "node"):
        for given in expand(item):
            node = make_node(given, world, region)
            if node.id in nodes.by_id:
                raise ValueError(f"{node.id}: defined twice")
            node.place = len(nodes.by_id)
            nodes.by_id[node.id] = node
    return nodes


def kind_of(target: str) -> str | None:
    return next((kind for kind, pattern in KINDS.items() if pattern.fullmatch(target)), None)


def make_node(given: Mapping[str, Any], world: World, region: str) -> Node:
    """Make a node from its description. Missing keys get defaults; an explicit null removes an optional member."""
    kind = kind_of(str(given.get("id")))
    if kind is None:
        raise ValueError(f"not a node ID: {given.get('id')!r}")
    platform = _choice(given, "platform", ("Linux", "Windows", "MacOS"), "Linux")
    state = _choice(given, "instance_state", EC2_STATES, "running")
    managed = bool(given.get("managed", True))
    alive = managed and state == "running"
    ping = _choice(
        given, "ping_status", ("Online", "ConnectionLost", "Inactive"), "Online" if alive else "ConnectionLost"
    )
    hour = datetime.timedelta(hours=1)
    started = time_or_age(given.get("launch_time", world.now - 240 * hour), world.now)
    return Node(
        id=given["id"],
        kind=kind,
        status=_status(given, alive and ping == "Online"),
        platform=platform,
        ping_status=ping,
        agent_version=given.get("agent_version", "3.3.1611.0"),
        is_latest_version=bool(given.get("is_latest_version", True)),
        instance_state=state,
        managed=managed,
        architecture=given.get("architecture", "x86_64"),
        availability_zone=given.get("availability_zone", f"{region}a"),
        last_ping=time_or_age(given.get("last_ping", world.now - hour / 60), world.now),
        launch_time=started,
        registration_date=time_or_age(given.get("registration_date", started), world.now),
        tags=_tags(given, kind),
        optional=_optional(given, kind, platform, region),
        agent=_agent(given, platform),
    )


def _agent(given: Mapping[str, Any], platform: str) -> Mapping[str, Any] | None:
    """Return the options of a node's agent, or None if the node has none."""
    agent: Mapping[str, Any] | None = given.get("agent")
    if agent is not None:
        read_options(agent, f"agent of {given['id']}")
        if platform != "Linux":
            raise ValueError(f"{given['id']}: only a Linux node can have an agent")
    return agent


def _status(given: Mapping[str, Any], alive: bool) -> Status:
    """Return the status of a node. A gateway lets the status of a node with an agent follow its control channel."""
    if given.get("agent") is not None and "status" in given:
        raise ValueError(f"{given.get('id')}: a node with an agent cannot have a status")
    return Status(given.get("status", "connected" if alive else "notconnected"))


def _tags(given: Mapping[str, Any], kind: str) -> dict[str, str]:
    """Return the tags of a node. The ``name`` of an EC2 instance becomes its Name tag."""
    tags = {str(key): str(value) for key, value in (given.get("tags") or {}).items()}
    if kind == "ec2" and given.get("name") is not None:
        return {"Name": str(given["name"]), **tags}
    return tags


def _choice(given: Mapping[str, Any], key: str, allowed: tuple[str, ...], default: str) -> str:
    value = given.get(key, default)
    if value not in allowed:
        raise ValueError(f"{given.get('id')}: {key} must be one of {', '.join(allowed)}, not {value!r}")
    return str(value)


def _optional(given: Mapping[str, Any], kind: str, platform: str, region: str) -> dict[str, str | None]:
    platform_name, platform_version = PLATFORM_NAMES[platform]
    ip = given.get("ip_address", _address(given["id"]))
    defaults: dict[str, str | None] = {
        "platform_name": platform_name,
        "platform_version": platform_version,
        "ip_address": ip,
        "source_id": given["id"],
    }
    if kind == "ec2":
        defaults |= {
            "computer_name": private_dns_name(ip, region),
            "image_id": "ami-0123456789abcdef0",
            "instance_type": "t3.micro",
            "source_type": "AWS::EC2::Instance",
            "subnet_id": "subnet-0123456789abcdef0",
            "vpc_id": "vpc-0123456789abcdef0",
        }
    else:
        defaults |= {
            "activation_id": "01234567-89ab-cdef-0123-456789abcdef",
            "computer_name": given.get("name") or given["id"],
            "iam_role": "service-role/AmazonEC2RunCommandRoleForManagedInstances",
            "source_type": "AWS::SSM::ManagedInstance",
        }
    return defaults | {key: given[key] for key in OPTIONAL if key in given}


def private_dns_name(ip: str | None, region: str) -> str | None:
    if ip is None:
        return None
    suffix = "ec2.internal" if region == "us-east-1" else f"{region}.compute.internal"
    return f"ip-{ip.replace('.', '-')}.{suffix}"


def _address(node_id: str) -> str:
    """Return a private IP address that depends only on the ID, so that it is the same in every run."""
    number = sum(ord(letter) * 31**place for place, letter in enumerate(node_id)) % (2**16 - 512)
    return f"10.0.{number // 256}.{number % 256}"
