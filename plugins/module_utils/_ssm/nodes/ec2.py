# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Read the EC2 details of managed nodes, such as tags and addresses, with DescribeInstances."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from .. import api, conversion
from . import tags

# EC2's limit for the values of one filter (API reference, Filter).
BATCH = 200

Details = dict[str, Any]


def details(client: api.Client, ids: Iterable[str]) -> dict[str, Details]:
    """Return the variables of each EC2 instance of ``ids`` in the client's region, by ID.

    An example is ``{"i-0a1b2c3d4e5f6a7b8": {"ec2_instance_type": "t3.micro", "ec2_tags": {"team": "ops"}}}``. IDs that
    EC2 does not have (any more) are missing. They are sent as a filter, so they cause no error.
    """
    wanted = {instance_id for instance_id in ids if instance_id.startswith("i-")}
    found: dict[str, Details] = {}
    for page in _pages(client, wanted):
        for shape in page:
            wanted.discard(shape["InstanceId"])
            found[shape["InstanceId"]] = _details(shape)
    return found


def _pages(client: api.Client, wanted: set[str]) -> Iterator[list[api.Shape]]:
    """Yield pages with the instances of ``wanted``. The caller removes from ``wanted`` what each page had.

    In most accounts few instances are not managed, so pages of all instances take the fewest calls. Once such a page
    has fewer wanted instances than a request by ID can return, the rest are requested by ID.
    """
    if len(wanted) > BATCH:
        for page in api.describe_instances(client, []):
            matching = [shape for shape in page if shape["InstanceId"] in wanted]
            yield matching
            if len(matching) < BATCH or len(wanted) <= BATCH:
                break
        else:
            return  # the listing is complete
    rest = sorted(wanted)
    for at in range(0, len(rest), BATCH):
        yield from api.describe_instances(client, [{"Name": "instance-id", "Values": rest[at : at + BATCH]}])


def _details(shape: api.Shape) -> Details:
    members = {variable: read(shape) for variable, read in _VARIABLES.items()}
    return {variable: value for variable, value in members.items() if value not in (None, "", [])} | {
        tags.HOST_VARIABLE: tags.tag_values(shape.get("Tags"))
    }


def _member(name: str) -> Callable[[api.Shape], Any]:
    return lambda shape: shape.get(name)


def _nested(name: str, member: str) -> Callable[[api.Shape], Any]:
    return lambda shape: (shape.get(name) or {}).get(member)


def _listed(name: str, member: str) -> Callable[[api.Shape], Any]:
    return lambda shape: [entry[member] for entry in shape.get(name) or () if member in entry]


def _launch_time(shape: Mapping[str, Any]) -> str | None:
    return conversion.iso8601(shape["LaunchTime"]) if "LaunchTime" in shape else None


_VARIABLES: dict[str, Callable[[api.Shape], Any]] = {
    "ec2_availability_zone": _nested("Placement", "AvailabilityZone"),
    "ec2_iam_instance_profile_arn": _nested("IamInstanceProfile", "Arn"),
    "ec2_image_id": _member("ImageId"),
    "ec2_instance_state": _nested("State", "Name"),
    "ec2_instance_type": _member("InstanceType"),
    "ec2_ipv6_address": _member("Ipv6Address"),
    "ec2_launch_time": _launch_time,
    "ec2_private_dns_name": _member("PrivateDnsName"),
    "ec2_private_ip_address": _member("PrivateIpAddress"),
    "ec2_public_dns_name": _member("PublicDnsName"),
    "ec2_public_ip_address": _member("PublicIpAddress"),
    "ec2_security_group_ids": _listed("SecurityGroups", "GroupId"),
    "ec2_subnet_id": _member("SubnetId"),
    "ec2_vpc_id": _member("VpcId"),
}
# All variables that an instance can have.
VARIABLES = frozenset({*_VARIABLES, tags.HOST_VARIABLE})
