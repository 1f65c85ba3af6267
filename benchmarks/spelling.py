"""Generated records spelt as AWS writes them: one line each, the fields in the order of a format."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.graph import NODATA, Ints, Legs
from benchmarks.traffic import Records
from benchmarks.world import World

DEFAULT_FIELDS = (
    "version", "account-id", "interface-id", "srcaddr", "dstaddr", "srcport", "dstport", "protocol",
    "packets", "bytes", "start", "end", "action", "log-status",
)  # fmt: skip
V5_FIELDS = (
    *DEFAULT_FIELDS, "vpc-id", "subnet-id", "instance-id", "tcp-flags", "type", "pkt-srcaddr", "pkt-dstaddr",
    "region", "az-id", "sublocation-type", "sublocation-id", "pkt-src-aws-service", "pkt-dst-aws-service",
    "flow-direction", "traffic-path",
)  # fmt: skip
ENCRYPTION_FIELDS = (*V5_FIELDS, "encryption-status")
ACCOUNT, REGION, VPC = "123456789012", "us-east-1", "vpc-0a1b2c3d4e5f60718"
STATUSES = (("ACCEPT", "OK"), ("REJECT", "OK"), ("-", "NODATA"), ("-", "SKIPDATA"))
# The paths out of a VPC: to something in it, by a gateway's endpoint, and by the internet gateway.
INSIDE, ENDPOINT, INTERNET = "1", "7", "8"

# The fields that the records of a flow do not have alike.
CHANGING = ("srcport", "dstport", "packets", "bytes", "start", "end", "tcp-flags")
NUMBERS = pa.array([str(number) for number in range(65536)])


class Spelling:
    """Spells a world's records in one format, whose last field is one that a flow's records have alike."""

    def __init__(self, world: World, fields: tuple[str, ...]) -> None:
        self._world = world
        self._fields = fields
        self._runs: list[tuple[str, ...]] = []
        for field in fields:
            if field in CHANGING or not self._runs or self._runs[-1][0] in CHANGING:
                self._runs.append((field,))
            else:
                self._runs[-1] += (field,)
        self._spelt = self._alike(world.legs)

    def text(self, records: Records) -> list[memoryview]:
        """Return the lines below their header, in two pieces."""
        header = (" ".join(self._fields) + "\n").encode()
        own = self._alike(records.own)
        leg = pa.array(records.leg)
        parts = []
        for run in self._runs:
            if run[0] in CHANGING:
                parts.append(_changing(run[0], records))
            else:
                parts.append(pa.concat_arrays([self._spelt[run], own[run]]).take(leg))
        lines = pc.binary_join_element_wise(*parts, " ", null_handling="replace", null_replacement="-")
        if not len(lines):
            return [memoryview(header)]
        return [memoryview(header), memoryview(lines.buffers()[2])]

    def _alike(self, legs: Legs) -> dict[tuple[str, ...], pa.Array]:
        """Spell each run of fields that the records of a leg have alike."""
        spelt = {}
        for run in self._runs:
            if run[0] not in CHANGING:
                columns = [self._field(field, legs) for field in run]
                ending = ["\n"] if run == self._runs[-1] else []
                joined = pc.binary_join_element_wise(*columns, " ")
                spelt[run] = pc.binary_join_element_wise(joined, *ending, "") if ending else joined
        return spelt

    def _field(self, field: str, legs: Legs) -> pa.Array:
        world = self._world
        match field:
            case "version":
                return pa.repeat("2" if self._fields == DEFAULT_FIELDS else "5", len(legs))
            case "account-id":
                return pa.repeat(ACCOUNT, len(legs))
            case "interface-id":
                return world.interface_ids.take(pa.array(legs.interface))
            case "srcaddr":
                return world.addresses.take(pa.array(legs.source))
            case "dstaddr":
                return world.addresses.take(pa.array(legs.target))
            case "pkt-srcaddr":
                return world.addresses.take(pa.array(legs.packet_source))
            case "pkt-dstaddr":
                return world.addresses.take(pa.array(legs.packet_target))
            case "pkt-src-aws-service":
                return world.services.take(pa.array(legs.packet_source))
            case "pkt-dst-aws-service":
                return world.services.take(pa.array(legs.packet_target))
            case "action" | "log-status":
                names = [status[field == "log-status"] for status in STATUSES]
                return pa.array(names).take(pa.array(legs.status))
            case "sublocation-type" | "sublocation-id":
                return pa.repeat("-", len(legs))
        return pc.if_else(pa.array(legs.status < NODATA), self._told(field, legs), "-")

    def _told(self, field: str, legs: Legs) -> pa.Array:
        """Spell a field that a record without data does not tell."""
        world = self._world
        interface = pa.array(legs.interface)
        match field:
            case "protocol":
                return pa.array(legs.protocol).cast(pa.string())
            case "vpc-id":
                return pa.repeat(VPC, len(legs))
            case "type":
                return pa.repeat("IPv4", len(legs))
            case "region":
                return pa.repeat(REGION, len(legs))
            case "subnet-id":
                return world.subnets.take(interface)
            case "instance-id":
                return world.instances.take(interface)
            case "az-id":
                return world.zones.take(interface)
            case "flow-direction":
                return pc.if_else(pa.array(legs.egress == 1), "egress", "ingress")
            case "traffic-path":
                return pc.if_else(pa.array(legs.egress == 1), self._path(legs), "-")
            case "encryption-status":
                return pc.if_else(pc.equal(self._path(legs), INSIDE), "1", "0")
        raise ValueError(field)

    def _path(self, legs: Legs) -> pa.Array:
        """Tell which way a leg would take out of its interface."""
        world = self._world
        # The way of a host that has no public address begins at the NAT gateway inside.
        beyond = np.maximum(legs.source, legs.target) >= world.interfaces
        through = legs.packet_target != legs.target
        endpoint = pc.is_in(world.services, value_set=pa.array(["S3", "DYNAMODB"]))
        at_endpoint = endpoint.take(pa.array(np.maximum(legs.source, legs.target)))
        path = pc.if_else(at_endpoint, ENDPOINT, INTERNET)
        return pc.if_else(pa.array(beyond & ~through), path, INSIDE)


def _changing(field: str, records: Records) -> pa.Array:
    """Spell a field of numbers, with nothing where a record has none."""
    match field:
        case "start" | "end":
            values: Ints = records.start if field == "start" else records.end
            first = int(values.min(initial=2**62))
            every = range(first, int(values.max(initial=first)) + 1)
            return pa.array([str(second) for second in every], pa.string()).take(pa.array(values - first))
        case "srcport" | "dstport" | "tcp-flags":
            values = {
                "srcport": records.source_port,
                "dstport": records.target_port,
                "tcp-flags": records.flags,
            }[field]
            return NUMBERS.take(pa.array(values, mask=values < 0))
        case _:
            values = records.packets if field == "packets" else records.bytes
            return pa.array(values, mask=values < 0).cast(pa.string())
