# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""EC2 instances as DescribeInstances returns them, with the members of the AWS CLI's example for that command."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from ...service import without_none
from ..ssm.nodes.store import Node, private_dns_name

if TYPE_CHECKING:
    from ...world import World

STATE_CODES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}
TERMINATED = "terminated"
GROUP = {"GroupName": "default", "GroupId": "sg-0123456789abcdef0"}
# Members that are the same for every instance.
COMMON: dict[str, Any] = {
    "AmiLaunchIndex": 0,
    "Monitoring": {"State": "disabled"},
    "Hypervisor": "xen",
    "VirtualizationType": "hvm",
    "RootDeviceType": "ebs",
    "ProductCodes": [],
    "EbsOptimized": True,
    "EnaSupport": True,
    "CpuOptions": {"CoreCount": 1, "ThreadsPerCore": 2},
    "CapacityReservationSpecification": {"CapacityReservationPreference": "open"},
    "HibernationOptions": {"Configured": False},
    "MetadataOptions": {
        "State": "applied",
        "HttpTokens": "required",
        "HttpPutResponseHopLimit": 2,
        "HttpEndpoint": "enabled",
        "HttpProtocolIpv6": "disabled",
        "InstanceMetadataTags": "disabled",
    },
    "EnclaveOptions": {"Enabled": False},
    "PrivateDnsNameOptions": {
        "HostnameType": "ip-name",
        "EnableResourceNameDnsARecord": True,
        "EnableResourceNameDnsAAAARecord": False,
    },
    "MaintenanceOptions": {"AutoRecovery": "default"},
}


def reservation(node: Node, world: World, region: str) -> dict[str, Any]:
    """Return the reservation of a node. It has one instance, so that a page has MaxResults instances."""
    return {
        "ReservationId": reservation_id(node),
        "OwnerId": world.account_id,
        "Groups": [],
        "Instances": [_instance(node, world, region)],
    }


def reservation_id(node: Node) -> str:
    return f"r-{_hex_id(node)}"


def public_dns_name(node: Node, region: str) -> str:
    ip = node.get("public_ip_address")
    if ip is None:
        return ""
    suffix = "compute-1" if region == "us-east-1" else f"{region}.compute"
    return f"ec2-{ip.replace('.', '-')}.{suffix}.amazonaws.com"


def _instance(node: Node, world: World, region: str) -> dict[str, Any]:
    windows = node.platform == "Windows"
    terminated = node.instance_state == TERMINATED
    members: dict[str, Any] = {
        **COMMON,
        "InstanceId": node.id,
        "ImageId": node.get("image_id"),
        "State": {"Code": STATE_CODES[node.instance_state], "Name": node.instance_state},
        "PrivateDnsName": "",
        "PublicDnsName": "",
        "StateTransitionReason": "" if node.instance_state in ("pending", "running") else "User initiated",
        "KeyName": node.get("key_name"),
        "ClientToken": f"{_hex_id(node)[:8]}-1234-4abc-8def-{_hex_id(node)[:12]}",
        "InstanceType": node.get("instance_type"),
        "LaunchTime": node.launch_time,
        "Placement": {"AvailabilityZone": node.availability_zone, "GroupName": "", "Tenancy": "default"},
        "Platform": "windows" if windows else None,
        "PlatformDetails": "Windows" if windows else "Linux/UNIX",
        "UsageOperation": "RunInstances:0002" if windows else "RunInstances",
        "UsageOperationUpdateTime": node.launch_time,
        "Architecture": node.architecture,
        "RootDeviceName": "/dev/sda1" if windows else "/dev/xvda",
        "IamInstanceProfile": _profile(node, world),
        "SecurityGroups": [],
        "Tags": [{"Key": key, "Value": value} for key, value in node.tags.items()] or None,
        **({} if terminated else _attached(node, world, region)),
    }
    return without_none(**members)


def _attached(node: Node, world: World, region: str) -> dict[str, Any]:
    """Return the members that an instance has until it is terminated."""
    volume = {
        "AttachTime": node.launch_time,
        "DeleteOnTermination": True,
        "Status": "attached",
        "VolumeId": f"vol-{_hex_id(node)}",
    }
    return {
        "PrivateDnsName": private_dns_name(node.get("ip_address"), region) or "",
        "PublicDnsName": public_dns_name(node, region),
        "PrivateIpAddress": node.get("ip_address"),
        "PublicIpAddress": node.get("public_ip_address"),
        "SubnetId": node.get("subnet_id"),
        "VpcId": node.get("vpc_id"),
        "SourceDestCheck": True,
        "SecurityGroups": [GROUP],
        "BlockDeviceMappings": [
            {"DeviceName": "/dev/sda1" if node.platform == "Windows" else "/dev/xvda", "Ebs": volume}
        ],
        "NetworkInterfaces": [_interface(node, world, region)],
    }


def _interface(node: Node, world: World, region: str) -> dict[str, Any]:
    digits = _hex_id(node)
    address = without_none(
        PrivateDnsName=private_dns_name(node.get("ip_address"), region),
        PrivateIpAddress=node.get("ip_address"),
        Association=_association(node, region),
    )
    return {
        **address,
        "Attachment": {
            "AttachTime": node.launch_time,
            "AttachmentId": f"eni-attach-{digits}",
            "DeleteOnTermination": True,
            "DeviceIndex": 0,
            "Status": "attached",
            "NetworkCardIndex": 0,
        },
        "Description": "",
        "Groups": [GROUP],
        "Ipv6Addresses": [],
        "MacAddress": ":".join(["02", *(digits[place : place + 2] for place in range(0, 10, 2))]),
        "NetworkInterfaceId": f"eni-{digits}",
        "OwnerId": world.account_id,
        "PrivateIpAddresses": [{**address, "Primary": True}],
        "SourceDestCheck": True,
        "Status": "in-use",
        "InterfaceType": "interface",
        **without_none(SubnetId=node.get("subnet_id"), VpcId=node.get("vpc_id")),
    }


def _association(node: Node, region: str) -> dict[str, str] | None:
    ip = node.get("public_ip_address")
    if ip is None:
        return None
    return {"IpOwnerId": "amazon", "PublicDnsName": public_dns_name(node, region), "PublicIp": ip}


def _profile(node: Node, world: World) -> dict[str, str] | None:
    name = node.get("instance_profile")
    if name is None:
        return None
    digest = hashlib.sha256(name.encode()).hexdigest()[:17].upper()
    return {"Arn": f"arn:aws:iam::{world.account_id}:instance-profile/{name}", "Id": f"AIPA{digest}"}


def _hex_id(node: Node) -> str:
    """Return 17 hexadecimal digits that are always the same for a node."""
    return hashlib.sha256(node.id.encode()).hexdigest()[:17]
