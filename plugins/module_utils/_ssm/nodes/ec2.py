# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""What EC2 knows of the instances among the managed nodes: their tags, addresses and the like."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from .. import api, conversion
from . import tags

# EC2's limit for the values of one filter (API reference, Filter).
BATCH = 200

Details = dict[str, Any]


def details(client: api.Client, ids: Iterable[str]) -> dict[str, Details]:
    """The variables of each EC2 instance of ``ids`` that EC2 has in the client's region, by ID.

    IDs that EC2 does not know (any more) are missing: they are given as a filter, for which that is no error.
    """
    wanted = {given for given in ids if given.startswith("i-")}
    found: dict[str, Details] = {}
    for page in _pages(client, wanted):
        for shape in page:
            wanted.discard(shape["InstanceId"])
            found[shape["InstanceId"]] = _details(shape)
    return found


def _pages(client: api.Client, wanted: set[str]) -> Iterator[list[api.Shape]]:
    """Pages with the instances of ``wanted``, which the caller makes smaller by what it got.

    Most accounts have few instances that are not managed, and then pages of all instances are the fewest calls. As
    soon as such a page has fewer of those wanted than a request that names them, the rest are named.
    """
    if len(wanted) > BATCH:
        for page in api.describe_instances(client, []):
            hits = [shape for shape in page if shape["InstanceId"] in wanted]
            yield hits
            if len(hits) < BATCH or len(wanted) <= BATCH:
                break
        else:
            return  # every instance was seen
    rest = sorted(wanted)
    for at in range(0, len(rest), BATCH):
        yield from api.describe_instances(client, [{"Name": "instance-id", "Values": rest[at : at + BATCH]}])


def _details(shape: api.Shape) -> Details:
    members = {variable: read(shape) for variable, read in _VARIABLES.items()}
    return {variable: value for variable, value in members.items() if value not in (None, "", [])} | {
        tags.VARIABLE: tags.tag_values(shape.get("Tags"))
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
# Every variable that there may be.
VARIABLES = frozenset({*_VARIABLES, tags.VARIABLE})
