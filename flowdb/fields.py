"""The registry of flow-log fields: one row per field, from which everything else derives.

Names, types and meanings follow the tables of the Amazon VPC user guide ("Flow log records") and of
the guide to transit gateways ("Transit Gateway Flow Logs").
A field that AWS adds later is one new row here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "BY_NAME",
    "FIELDS",
    "TGW_FIELDS",
    "Field",
    "Kind",
    "arrow_type",
    "column_name",
]


class Kind(Enum):
    """What a field holds, and so how it is read, checked and stored."""

    TEXT = auto()  # many different values: addresses
    CODE = auto()  # few different values in one log: identifiers, actions, zones
    TAG = auto()  # the value of a tag, which a log has percent-encoded
    OCTET = auto()  # 0 to 255
    PORT = auto()  # 0 to 65,535
    COUNT = auto()  # 0 to 2^63 - 1
    TIME = auto()  # seconds since 1970, or milliseconds when there are 13 digits

    @property
    def is_text(self) -> bool:
        """Whether any text is a value."""
        return self in (Kind.TEXT, Kind.CODE, Kind.TAG)

    @property
    def sql_type(self) -> str:
        """The DuckDB type of the column."""
        return _SQL_TYPES[self]

    @property
    def largest(self) -> int:
        """The largest value of a number; times are in seconds."""
        return _LARGEST[self]


_SQL_TYPES = {
    Kind.TEXT: "VARCHAR",
    Kind.CODE: "VARCHAR",
    Kind.TAG: "VARCHAR",
    Kind.OCTET: "INTEGER",
    Kind.PORT: "INTEGER",
    Kind.COUNT: "BIGINT",
    Kind.TIME: "TIMESTAMP",
}
# The largest time is the end of the year 9999, the last that every reader of the store can show.
_LARGEST = {Kind.OCTET: 255, Kind.PORT: 65_535, Kind.COUNT: 2**63 - 1, Kind.TIME: 253_402_300_799}


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its name in a log's header, its column, what it holds, the version that brought it."""

    name: str
    kind: Kind
    version: int
    meaning: str

    @property
    def column(self) -> str:
        """The column's name in a view of records."""
        return column_name(self.name)


def column_name(name: str) -> str:
    """Return the column of a field: underscores for hyphens; `start` and `end`, SQL words, become times.

    A field that the registry lacks, but whose column flowdb uses itself, gets an underscore more.
    """
    if name in ("start", "end"):
        return f"{name}_time"
    column = name.replace("-", "_")
    return f"{column}_" if column in _OWN_COLUMNS else column


_OWN_COLUMNS = ("date", "source_id", "start_time", "end_time", "filename", "file_row_number", "file_index")


FIELDS: tuple[Field, ...] = tuple(
    Field(name, kind, version, meaning)
    for name, kind, version, meaning in (
        ("version", Kind.OCTET, 2, "highest version among the fields of the record"),
        ("account-id", Kind.CODE, 2, "account that owns the interface; text, since zeros may lead"),
        ("interface-id", Kind.CODE, 2, "network interface that saw the traffic"),
        ("srcaddr", Kind.TEXT, 2, "source; of outgoing traffic, the interface's own primary address"),
        ("dstaddr", Kind.TEXT, 2, "destination; of incoming traffic, the interface's own primary address"),
        ("srcport", Kind.PORT, 2, "source port; 0 where the protocol has none"),
        ("dstport", Kind.PORT, 2, "destination port; 0 where the protocol has none"),
        ("protocol", Kind.OCTET, 2, "IANA protocol number: 6 TCP, 17 UDP, 1 ICMP"),
        ("packets", Kind.COUNT, 2, "packets in the window"),
        ("bytes", Kind.COUNT, 2, "bytes in the window"),
        ("start", Kind.TIME, 2, "first packet of the window, UTC"),
        ("end", Kind.TIME, 2, "last packet of the window, UTC"),
        ("action", Kind.CODE, 2, "ACCEPT or REJECT"),
        ("log-status", Kind.CODE, 2, "OK, NODATA or SKIPDATA"),
        ("vpc-id", Kind.CODE, 3, "VPC of the interface"),
        ("subnet-id", Kind.CODE, 3, "subnet of the interface"),
        ("instance-id", Kind.CODE, 3, "instance of the interface"),
        ("tcp-flags", Kind.PORT, 3, "OR of the TCP flags seen: FIN 1, SYN 2, RST 4, SYN-ACK 18"),
        ("type", Kind.CODE, 3, "IPv4, IPv6 or EFA"),
        ("pkt-srcaddr", Kind.TEXT, 3, "original source, as the packet has it"),
        ("pkt-dstaddr", Kind.TEXT, 3, "original destination, as the packet has it"),
        ("region", Kind.CODE, 4, "region of the interface"),
        ("az-id", Kind.CODE, 4, "availability zone id of the interface"),
        ("sublocation-type", Kind.CODE, 4, "wavelength, outpost or localzone"),
        ("sublocation-id", Kind.CODE, 4, "sublocation of the interface"),
        ("pkt-src-aws-service", Kind.CODE, 5, "AWS service that has pkt_srcaddr"),
        ("pkt-dst-aws-service", Kind.CODE, 5, "AWS service that has pkt_dstaddr"),
        ("flow-direction", Kind.CODE, 5, "ingress or egress, seen from the interface"),
        ("traffic-path", Kind.OCTET, 5, "way out of egress traffic: 1 same VPC ... 8 internet gateway"),
        ("ecs-cluster-arn", Kind.CODE, 7, "ECS cluster of the task"),
        ("ecs-cluster-name", Kind.CODE, 7, "ECS cluster of the task"),
        ("ecs-container-instance-arn", Kind.CODE, 7, "ECS container instance, absent on Fargate"),
        ("ecs-container-instance-id", Kind.CODE, 7, "ECS container instance, absent on Fargate"),
        ("ecs-container-id", Kind.CODE, 7, "runtime id of the task's first container"),
        ("ecs-second-container-id", Kind.CODE, 7, "runtime id of the task's second container"),
        ("ecs-service-name", Kind.CODE, 7, "ECS service that started the task"),
        ("ecs-task-definition-arn", Kind.CODE, 7, "ECS task definition"),
        ("ecs-task-arn", Kind.CODE, 7, "ECS task"),
        ("ecs-task-id", Kind.CODE, 7, "ECS task"),
        ("reject-reason", Kind.CODE, 8, "BPA (block public access) or EC (encryption controls)"),
        ("resource-id", Kind.CODE, 9, "resource that logged without an interface: a regional NAT gateway"),
        ("encryption-status", Kind.OCTET, 10, "0 clear, 1 Nitro, 2 application, 3 both"),
        ("instance-tag", Kind.TAG, 11, "value of the instance's first chosen tag"),
        ("instance-tag-2", Kind.TAG, 11, "value of the instance's second chosen tag"),
        ("interface-tag", Kind.TAG, 11, "value of the interface's first chosen tag"),
        ("interface-tag-2", Kind.TAG, 11, "value of the interface's second chosen tag"),
        ("asg-tag", Kind.TAG, 11, "value of the Auto Scaling group's first chosen tag"),
        ("asg-tag-2", Kind.TAG, 11, "value of the Auto Scaling group's second chosen tag"),
        (
            "interface-type",
            Kind.CODE,
            11,
            "nat_gateway, network_load_balancer, transit_gateway, vpc_endpoint",
        ),
        ("next-hop-interface-id", Kind.CODE, 11, "interface at the other side of the hop"),
        ("next-hop-subnet-id", Kind.CODE, 11, "subnet at the other side of the hop"),
        ("next-hop-az-id", Kind.CODE, 11, "availability zone id at the other side of the hop"),
        ("next-hop-vpc-id", Kind.CODE, 11, "VPC at the other side of the hop"),
        ("next-hop-interface-type", Kind.CODE, 11, "type of the interface at the other side of the hop"),
    )
)
# Every field that transit gateways log, in the order of their default format. Version 6 is theirs alone;
# the fields of other versions are of the same kind in VPC flow logs.
TGW_FIELDS: tuple[Field, ...] = tuple(
    Field(name, kind, version, meaning)
    for name, kind, version, meaning in (
        ("version", Kind.OCTET, 2, "highest version among the fields of the record"),
        ("resource-type", Kind.CODE, 6, "what logged: TransitGateway or TransitGatewayAttachment"),
        ("account-id", Kind.CODE, 2, "account that owns the transit gateway; text, since zeros may lead"),
        ("tgw-id", Kind.CODE, 6, "transit gateway"),
        ("tgw-attachment-id", Kind.CODE, 6, "attachment that saw the traffic"),
        ("tgw-src-vpc-account-id", Kind.CODE, 6, "account of the VPC that the traffic comes from"),
        ("tgw-dst-vpc-account-id", Kind.CODE, 6, "account of the VPC that the traffic goes to"),
        ("tgw-src-vpc-id", Kind.CODE, 6, "VPC that the traffic comes from"),
        ("tgw-dst-vpc-id", Kind.CODE, 6, "VPC that the traffic goes to"),
        ("tgw-src-subnet-id", Kind.CODE, 6, "subnet that the traffic comes from"),
        ("tgw-dst-subnet-id", Kind.CODE, 6, "subnet that the traffic goes to"),
        ("tgw-src-eni", Kind.CODE, 6, "interface of the attachment that the traffic comes from"),
        ("tgw-dst-eni", Kind.CODE, 6, "interface of the attachment that the traffic goes to"),
        ("tgw-src-az-id", Kind.CODE, 6, "availability zone id that the traffic comes from"),
        ("tgw-dst-az-id", Kind.CODE, 6, "availability zone id that the traffic goes to"),
        ("tgw-pair-attachment-id", Kind.CODE, 6, "attachment at the other end of the flow"),
        ("srcaddr", Kind.TEXT, 2, "source, as the packet has it"),
        ("dstaddr", Kind.TEXT, 2, "destination, as the packet has it"),
        ("srcport", Kind.PORT, 2, "source port; 0 where the protocol has none"),
        ("dstport", Kind.PORT, 2, "destination port; 0 where the protocol has none"),
        ("protocol", Kind.OCTET, 2, "IANA protocol number: 6 TCP, 17 UDP, 1 ICMP"),
        ("packets", Kind.COUNT, 2, "packets in the window"),
        ("bytes", Kind.COUNT, 2, "bytes in the window"),
        ("start", Kind.TIME, 2, "first packet of the window, UTC"),
        ("end", Kind.TIME, 2, "last packet of the window, UTC"),
        ("log-status", Kind.CODE, 2, "OK, NODATA or SKIPDATA"),
        ("type", Kind.CODE, 3, "IPv4, IPv6 or EFA"),
        ("packets-lost-no-route", Kind.COUNT, 6, "packets lost for want of a route"),
        ("packets-lost-blackhole", Kind.COUNT, 6, "packets lost to a route that leads nowhere"),
        ("packets-lost-mtu-exceeded", Kind.COUNT, 6, "packets lost for being too large"),
        ("packets-lost-ttl-expired", Kind.COUNT, 6, "packets lost at the end of their time to live"),
        ("tcp-flags", Kind.PORT, 3, "OR of the TCP flags seen: FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32"),
        ("region", Kind.CODE, 4, "region of the transit gateway"),
        ("flow-direction", Kind.CODE, 5, "ingress or egress, seen from the transit gateway"),
        ("pkt-src-aws-service", Kind.CODE, 5, "AWS service that has srcaddr"),
        ("pkt-dst-aws-service", Kind.CODE, 5, "AWS service that has dstaddr"),
    )
)
BY_NAME: dict[str, Field] = {field.name: field for field in (*TGW_FIELDS, *FIELDS)}


@cache
def arrow_type(kind: Kind) -> pa.DataType:
    """Return the Arrow type in which a kind is stored."""
    import pyarrow as pa

    return {
        Kind.TEXT: pa.string(),
        Kind.CODE: pa.string(),
        Kind.TAG: pa.string(),
        Kind.OCTET: pa.int32(),
        Kind.PORT: pa.int32(),
        Kind.COUNT: pa.int64(),
        Kind.TIME: pa.timestamp("ms"),
    }[kind]
