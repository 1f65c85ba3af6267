"""A seeded VPC: its interfaces, the public addresses it knows, and who talks to whom at which port."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from benchmarks.graph import Edges, Floats, Ints, Legs, graph, zipf

RECORDS_PER_HOST = 150
FEWEST, MOST = 10, 1000
HOSTS_PER_GATEWAY, HOSTS_PER_IDLE = 50, 10
SUBNETS, SUBNET_SIZE = 16, 250
FIRST_NUMBERS = (3, 13, 18, 34, 35, 44, 52, 54, 63, 77, 91, 104, 142, 151, 185, 203)
SERVICES, SERVICE_SHARES = ("-", "AMAZON", "S3", "EC2", "DYNAMODB"), (0.6, 0.2, 0.1, 0.05, 0.05)


@dataclass(frozen=True)
class World:
    """All arrays of addresses have the hosts first, then NAT gateways, idle interfaces, publics, and `-`.

    `phases` are the seconds of the minute at which each interface tells what it saw.
    """

    hosts: int
    gateways: int
    interfaces: int
    addresses: pa.Array
    services: pa.Array
    interface_ids: pa.Array
    subnets: pa.Array
    instances: pa.Array
    zones: pa.Array
    phases: Ints
    edges: Edges
    legs: Legs
    scanners: Floats

    @property
    def nobody(self) -> int:
        """The place of the address that is missing."""
        return len(self.addresses) - 1


def world(seed: int, records_per_slot: int) -> World:
    """Make the world of a seed: one with more traffic has more hosts, with as many peers each."""
    rng = np.random.default_rng([seed])
    hosts = int(np.clip(records_per_slot // RECORDS_PER_HOST, FEWEST, MOST))
    gateways = 1 + hosts // HOSTS_PER_GATEWAY
    interfaces = hosts + gateways + 1 + hosts // HOSTS_PER_IDLE
    publics = 200 + 60 * hosts
    numbers = rng.choice(SUBNETS * SUBNET_SIZE, interfaces, replace=False).tolist()
    private = [f"10.0.{number // SUBNET_SIZE}.{number % SUBNET_SIZE + 4}" for number in numbers]
    first, rest = rng.choice(FIRST_NUMBERS, publics), rng.integers(1, 255, (3, publics))
    public = [f"{a}.{b}.{c}.{d}" for a, b, c, d in zip(first, *rest, strict=True)]
    services = rng.choice(SERVICES, publics, p=SERVICE_SHARES).tolist()
    subnets = names(rng, "subnet", SUBNETS)
    edges, legs = graph(rng, hosts, gateways, interfaces, publics)
    return World(
        hosts=hosts,
        gateways=gateways,
        interfaces=interfaces,
        addresses=pa.array([*private, *public, "-"]),
        services=pa.array(["-"] * interfaces + services + ["-"]),
        interface_ids=pa.array(names(rng, "eni", interfaces)),
        subnets=pa.array([subnets[number // SUBNET_SIZE] for number in numbers]),
        instances=pa.array(names(rng, "i", hosts) + ["-"] * (interfaces - hosts)),
        zones=pa.array([f"use1-az{number // SUBNET_SIZE % 3 + 1}" for number in numbers]),
        phases=rng.integers(0, 60, interfaces),
        edges=edges,
        legs=legs,
        scanners=zipf(publics, 0.8),
    )


def names(rng: np.random.Generator, prefix: str, count: int) -> list[str]:
    """Draw identifiers of AWS's shape: the prefix, then 17 hexadecimal digits."""
    return [f"{prefix}-0{number:016x}" for number in rng.integers(0, 2**63, count)]
