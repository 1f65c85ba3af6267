"""A seeded world of hosts, and the flow-log records its traffic leaves in one five-minute slot."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

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
ACCOUNT = "123456789012"
REGION = "us-east-1"
SLOT_SECONDS = 300

HOSTS, PUBLICS = 400, 4000
PORTS = 65536
NOBODY = HOSTS + PUBLICS
NODATA_SHARE, REJECT_SHARE = 0.01, 0.04
ONE_PACKET, EIGHT_PACKETS = 0.48, 0.84

# (port, protocol, share) of the service at the server's end.
SERVICES = (
    (443, 6, 0.52), (80, 6, 0.10), (22, 6, 0.03), (3306, 6, 0.05), (5432, 6, 0.05), (6379, 6, 0.05),
    (8080, 6, 0.02), (9092, 6, 0.02), (53, 17, 0.10), (123, 17, 0.02), (443, 17, 0.02), (0, 1, 0.02),
)  # fmt: skip
SCANNED_PORTS = (22, 23, 80, 443, 445, 1433, 3306, 3389, 5432, 5900, 6379, 8080)
PROBE_SIZES = (40, 44, 52, 60)
ONE_PACKET_SIZES = (40, 44, 52, 60, 64, 71, 76, 84, 97, 129, 181, 262)

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class World:
    """The hosts, the public addresses and `NOBODY` (spelt `-`), in one numbering by the arrays' places."""

    addresses: pa.Array
    ports: pa.Array
    interfaces: pa.Array
    subnets: pa.Array
    instances: pa.Array
    zones: pa.Array
    services: pa.Array
    host_weights: Floats
    public_weights: Floats
    scanner_weights: Floats


@dataclass(frozen=True)
class Records:
    """One slot's records in file order, as parallel arrays; a NODATA row has but host, start and end."""

    host: Ints
    source: Ints
    target: Ints
    source_port: Ints
    target_port: Ints
    protocol: Ints
    packets: Ints
    bytes: Ints
    start: Ints
    end: Ints
    rejected: npt.NDArray[np.bool_]
    nodata: npt.NDArray[np.bool_]


def world(seed: int) -> World:
    """Make the world of a seed, the same for every slot."""
    rng = np.random.default_rng([seed])
    hosts = rng.choice(16 * 250, HOSTS, replace=False)
    subnet = hosts // 250
    first = rng.choice([3, 13, 18, 34, 35, 44, 52, 54, 63, 77, 91, 104, 142, 151, 185, 203], PUBLICS)
    rest = rng.integers(1, 255, (3, PUBLICS))
    private = [f"10.0.{net}.{number % 250 + 4}" for net, number in zip(subnet, hosts, strict=True)]
    public = [f"{a}.{b}.{c}.{d}" for a, b, c, d in zip(first, *rest, strict=True)]
    services = rng.choice(["-", "AMAZON", "S3", "EC2", "DYNAMODB"], PUBLICS, p=[0.6, 0.2, 0.1, 0.05, 0.05])
    subnets = names(rng, "subnet", 16)
    return World(
        addresses=pa.array([*private, *public, "-"]),
        ports=pa.array([*map(str, range(PORTS)), "-"]),
        interfaces=pa.array(names(rng, "eni", HOSTS)),
        subnets=pa.array([subnets[net] for net in subnet]),
        instances=pa.array(names(rng, "i", HOSTS)),
        zones=pa.array([f"use1-az{net % 3 + 1}" for net in subnet]),
        services=pa.array(["-"] * HOSTS + services.tolist() + ["-"]),
        host_weights=_zipf(HOSTS, 1.0),
        public_weights=_zipf(PUBLICS, 0.9),
        scanner_weights=_zipf(PUBLICS, 1.2),
    )


def traffic(world: World, rng: np.random.Generator, slot: int, records: int) -> Records:
    """Draw one slot's records: conversations seen in both directions, rejected probes, and NODATA rows.

    `slot` is the slot's first second since 1970; a record ends in the slot and starts at most 59 s before.
    """
    nodata = rng.binomial(records, NODATA_SHARE)
    probes = rng.binomial(records - nodata, REJECT_SHARE)
    directed = records - nodata - probes
    talks = (directed + 1) // 2

    service = rng.choice(len(SERVICES), talks, p=[share for *_, share in SERVICES])
    port, protocol = (np.array([row[column] for row in SERVICES])[service] for column in (0, 1))
    client_port = np.where(protocol == 1, 0, rng.integers(32768, 61000, talks))
    owner = _pick(rng, world.host_weights, talks)
    kind = rng.random(talks)
    other_host, public = _pick(rng, world.host_weights, talks), _pick(rng, world.public_weights, talks)
    other_host = np.where(other_host == owner, (owner + 1) % HOSTS, other_host)
    peer = np.where(kind < 0.4, other_host, HOSTS + public)
    serves = kind > 0.65
    client, server = np.where(serves, peer, owner), np.where(serves, owner, peer)

    luck = rng.random(talks)
    answer_luck = np.where(rng.random(talks) < 0.7, luck, rng.random(talks))
    asked, answered = _packets(luck), _packets(answer_luck)
    there = (owner, client, server, client_port, port, protocol, asked, _bytes(rng, asked, 90))
    back = (owner, server, client, port, client_port, protocol, answered, _bytes(rng, answered, 500))
    both = [np.stack(pair, axis=1).ravel()[:directed] for pair in zip(there, back, strict=True)]

    probe_packets = rng.choice((1, 1, 1, 2, 3), probes)
    target = rng.integers(0, HOSTS, probes)
    probe = (
        target,
        HOSTS + PUBLICS - 1 - _pick(rng, world.scanner_weights, probes),
        target,
        rng.integers(32768, 61000, probes),
        rng.choice(SCANNED_PORTS, probes),
        np.full(probes, 6),
        probe_packets,
        probe_packets * rng.choice(PROBE_SIZES, probes),
    )
    silent = (rng.integers(0, HOSTS, nodata), *[np.zeros(nodata, np.int64)] * 7)

    columns = [np.concatenate(parts) for parts in zip(both, probe, silent, strict=True)]
    kinds = np.repeat([0, 1, 2], [directed, probes, nodata])
    # A conversation's two records end together and lie near each other, amid others of the same minute.
    minute, second, place = np.concatenate(
        [np.repeat(_moments(rng, talks), 2, axis=1)[:, :directed], _moments(rng, probes + nodata)], axis=1
    )
    order = np.argsort(minute + place + rng.random(records) * 0.05, kind="stable")
    end = slot + (60 * minute + second).astype(np.int64)
    start = end - rng.integers(0, 60, records)
    columns = [column[order] for column in (*columns, start, end, kinds == 1, kinds == 2)]
    return Records(*columns)


def text(world: World, records: Records, fields: tuple[str, ...]) -> list[pa.Array]:
    """Spell records as one string array per field, `-` where the record has no value."""
    seen = pa.array(~records.nodata)
    rows = len(records.host)
    earliest = int(records.start.min(initial=0x7FFFFFFF))
    seconds = pa.array([str(second) for second in range(earliest, earliest + 2 * SLOT_SECONDS)])

    def maybe(values: pa.Array) -> pa.Array:
        return pc.if_else(seen, values, "-")

    def number(values: Ints) -> pa.Array:
        return maybe(pa.array(values).cast(pa.string()))

    def port(values: Ints) -> pa.Array:
        return world.ports.take(pa.array(np.where(records.nodata, PORTS, values)))

    def second(values: Ints) -> pa.Array:
        return seconds.take(pa.array(values - earliest))

    def same(value: str) -> pa.Array:
        return pa.repeat(value, rows)

    host = pa.array(records.host)
    source, target = (pa.array(np.where(records.nodata, NOBODY, e)) for e in (records.source, records.target))
    addresses = world.addresses.take(source), world.addresses.take(target)
    spelt = {
        "version": same("2" if fields == DEFAULT_FIELDS else "5"),
        "account-id": same(ACCOUNT),
        "interface-id": world.interfaces.take(host),
        "srcaddr": addresses[0],
        "dstaddr": addresses[1],
        "srcport": port(records.source_port),
        "dstport": port(records.target_port),
        "protocol": port(records.protocol),
        "packets": number(records.packets),
        "bytes": number(records.bytes),
        "start": second(records.start),
        "end": second(records.end),
        "action": maybe(pc.if_else(pa.array(records.rejected), "REJECT", "ACCEPT")),
        "log-status": pc.if_else(seen, "OK", "NODATA"),
    }
    if fields != DEFAULT_FIELDS:
        incoming = records.target == records.host
        flags = np.where(records.rejected, 2, np.where(incoming, 3, 19)) * (records.protocol == 6)
        path = np.where(np.maximum(records.source, records.target) < HOSTS, "1", "8")
        spelt |= {
            "vpc-id": maybe(same("vpc-0a1b2c3d4e5f60718")),
            "subnet-id": maybe(world.subnets.take(host)),
            "instance-id": maybe(world.instances.take(host)),
            "tcp-flags": port(flags),
            "type": maybe(same("IPv4")),
            "pkt-srcaddr": addresses[0],
            "pkt-dstaddr": addresses[1],
            "region": maybe(same(REGION)),
            "az-id": maybe(world.zones.take(host)),
            "sublocation-type": same("-"),
            "sublocation-id": same("-"),
            "pkt-src-aws-service": world.services.take(source),
            "pkt-dst-aws-service": world.services.take(target),
            "flow-direction": maybe(pc.if_else(pa.array(incoming), "ingress", "egress")),
            "traffic-path": maybe(pa.array(np.where(incoming, "-", path))),
            "encryption-status": maybe(pa.array(np.where(path == "1", "1", "0"))),
        }
    return [spelt[field] for field in fields]


def names(rng: np.random.Generator, prefix: str, count: int) -> list[str]:
    """Draw identifiers of AWS's shape: the prefix, then 17 hexadecimal digits."""
    return [f"{prefix}-0{number:016x}" for number in rng.integers(0, 2**63, count)]


def _zipf(count: int, exponent: float) -> Floats:
    weights: Floats = np.arange(1, count + 1, dtype=np.float64) ** -exponent
    return np.cumsum(weights / weights.sum())


def _pick(rng: np.random.Generator, cumulative: Floats, count: int) -> Ints:
    return np.minimum(np.searchsorted(cumulative, rng.random(count)), len(cumulative) - 1)


def _moments(rng: np.random.Generator, count: int) -> Floats:
    """Draw minutes of the slot, seconds of the minute, and places in the file among that minute's records."""
    minute, second = (rng.integers(0, limit, count) for limit in (SLOT_SECONDS // 60, 60))
    return np.stack([minute, second, rng.random(count)])


def _packets(luck: Floats) -> Ints:
    """Turn quantiles into packet counts: one, then two to eight, then a heavy tail."""
    few = 2 + (luck - ONE_PACKET) / (EIGHT_PACKETS - ONE_PACKET) * 7
    many = 9 * ((1 - EIGHT_PACKETS) / (1 - np.maximum(luck, EIGHT_PACKETS))) ** 0.9
    counts = np.where(luck < ONE_PACKET, 1, np.where(luck < EIGHT_PACKETS, few, many))
    return np.minimum(counts, 2_000_000).astype(np.int64)


def _bytes(rng: np.random.Generator, packets: Ints, typical: float) -> Ints:
    """Draw byte counts of 40 to 1500 a packet, about `typical` a packet where there are several."""
    size = np.clip(rng.lognormal(np.log(typical), 0.7, len(packets)), 40, 1500)
    return np.where(
        packets == 1, rng.choice(ONE_PACKET_SIZES, len(packets)), (packets * size).astype(np.int64)
    )
