"""Who talks to whom in a generated VPC, and which records each conversation leaves at which interface."""

from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

EDGES_PER_HOST = 300
# The first hosts are in private subnets, the last ones are servers that the world may reach.
PRIVATE_SHARE, FRONT_SHARE = 0.6, 0.25
# The shares of conversations: both ends in the VPC, a public client, a public server that is reached
# directly, and one that is reached through a NAT gateway.
SHARES = (0.30, 0.36, 0.27, 0.07)
# (port, protocol, share) of the services inside, of those open to the world, and of those outside.
INSIDE = (
    (443, 6, 0.22), (8080, 6, 0.14), (10250, 6, 0.10), (5432, 6, 0.10), (3306, 6, 0.05), (6379, 6, 0.09),
    (9092, 6, 0.06), (2379, 6, 0.03), (22, 6, 0.02), (53, 17, 0.14), (8125, 17, 0.02), (0, 41, 0.02),
    (0, 1, 0.01),
)  # fmt: skip
OPEN = ((443, 6, 0.80), (80, 6, 0.12), (22, 6, 0.01), (443, 17, 0.06), (0, 1, 0.01))
OUTSIDE = ((443, 6, 0.78), (80, 6, 0.06), (53, 17, 0.10), (123, 17, 0.04), (443, 17, 0.02))

# What a record tells, in the order of `spelling.STATUSES`.
ACCEPTED, REJECTED, NODATA, SKIPDATA = range(4)
# Whose port stands at an end of a record: the client's, the one that a NAT gateway has for it, the server's.
CLIENT, TRANSLATED, SERVER = range(3)


@dataclass(frozen=True)
class Legs:
    """What all records of a flow at an interface have alike, as parallel arrays.

    Interfaces and ends are places in `World.addresses`. `egress` and `answers` are 1 or 0: whether the flow
    leaves the interface, and whether it goes from the server to the client.
    """

    interface: Ints
    source: Ints
    target: Ints
    packet_source: Ints
    packet_target: Ints
    source_role: Ints
    target_role: Ints
    egress: Ints
    answers: Ints
    protocol: Ints
    status: Ints

    def __len__(self) -> int:
        return len(self.interface)

    @classmethod
    def joined(cls, *parts: "Legs") -> "Legs":
        """Put several one after another."""
        return cls(*(np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(cls)))


@dataclass(frozen=True)
class Edges:
    """The pairs of client and service: cumulative weights, ports, and where the legs of each lie together.

    `habit` is where in the order of sizes the usual conversation of an edge is; by weight they are uniform.
    `mean_legs` tells how many records of one window a conversation leaves on average.
    """

    weights: Floats
    port: Ints
    protocol: Ints
    first_leg: Ints
    leg_count: Ints
    habit: Floats
    mean_legs: float


def graph(
    rng: np.random.Generator, hosts: int, gateways: int, interfaces: int, publics: int
) -> tuple[Edges, Legs]:
    """Draw edges and their legs: a host has few peers, and some peers are everyone's."""
    counts = [max(int(share * hosts * EDGES_PER_HOST), 1) for share in SHARES]
    local, into, out, through = counts
    behind = int(hosts * PRIVATE_SHARE)
    known = zipf(publics // 10, 1.0)

    client, server = rng.integers(0, hosts, local), pick(rng, zipf(hosts, 0.7), local)
    server = np.where(server == client, (server + 1) % hosts, server)
    caller = rng.integers(0, publics, into)
    front = hosts - 1 - pick(rng, zipf(int(hosts * FRONT_SHARE), 0.7), into)
    asker, outside = rng.integers(behind, hosts, out), pick(rng, known, out)
    inner, beyond = rng.integers(0, behind, through), pick(rng, known, through)

    drawn = [
        _services(rng, offered, count)
        for offered, count in zip((INSIDE, OPEN, OUTSIDE, OUTSIDE), counts, strict=True)
    ]
    ports, protocols = ([service[row] for service in drawn] for row in (0, 1))
    parts = [
        between(client, server, protocols[0], (client, server)),
        between(interfaces + caller, front, protocols[1], (front,)),
        between(asker, interfaces + outside, protocols[2], (asker,)),
        _translated(inner, hosts + inner % gateways, interfaces + beyond, protocols[3]),
    ]
    leg_count = np.repeat([len(part) // count for part, count in zip(parts, counts, strict=True)], counts)
    weights = np.concatenate([_weights(rng, *pair) for pair in zip(SHARES, counts, strict=True)])
    shuffled = rng.permutation(len(weights))
    habit = np.empty(len(weights))
    habit[shuffled] = np.cumsum(weights[shuffled]) - weights[shuffled] * rng.random(len(weights))
    edges = Edges(
        weights=np.cumsum(weights),
        port=np.concatenate(ports),
        protocol=np.concatenate(protocols),
        first_leg=np.cumsum(leg_count) - leg_count,
        leg_count=leg_count,
        habit=habit,
        mean_legs=float((weights * leg_count).sum()),
    )
    return edges, Legs.joined(*parts)


def between(client: Ints, server: Ints, protocol: Ints, interfaces: tuple[Ints, ...]) -> Legs:
    """Return the legs there and back as each interface sees them, those of one edge together."""
    there = [
        _leg(interface, client, server, protocol, (CLIENT, SERVER), answers=0) for interface in interfaces
    ]
    back = [
        _leg(interface, server, client, protocol, (SERVER, CLIENT), answers=1) for interface in interfaces
    ]
    return _woven([*there, *back])


def _translated(host: Ints, gateway: Ints, server: Ints, protocol: Ints) -> Legs:
    """Return the legs of a host's way out through a NAT gateway: two at the host's, four at the gateway's.

    The gateway's interface has its own address at one end of each, and the packet's on the inner side.
    """
    inward = _leg(gateway, host, gateway, protocol, (CLIENT, SERVER), answers=0)
    outward = _leg(gateway, gateway, server, protocol, (TRANSLATED, SERVER), answers=0)
    returned = _leg(gateway, server, gateway, protocol, (SERVER, TRANSLATED), answers=1)
    handed = _leg(gateway, gateway, host, protocol, (SERVER, CLIENT), answers=1)
    return _woven(
        [
            _leg(host, host, server, protocol, (CLIENT, SERVER), answers=0),
            replace(inward, packet_target=server),
            outward,
            returned,
            replace(handed, packet_source=server),
            _leg(host, server, host, protocol, (SERVER, CLIENT), answers=1),
        ]
    )


def _leg(
    interface: Ints, source: Ints, target: Ints, protocol: Ints, roles: tuple[int, int], answers: int
) -> Legs:
    zeros = np.zeros(len(source), np.int64)
    return Legs(
        interface=interface,
        source=source,
        target=target,
        packet_source=source,
        packet_target=target,
        source_role=zeros + roles[0],
        target_role=zeros + roles[1],
        egress=(source == interface).astype(np.int64),
        answers=zeros + answers,
        protocol=protocol,
        status=zeros + ACCEPTED,
    )


def _woven(legs: list[Legs]) -> Legs:
    """Lay the legs of edges edge by edge."""
    columns = ([getattr(leg, one.name) for leg in legs] for one in fields(Legs))
    return Legs(*(np.stack(column, axis=1).ravel() for column in columns))


def _services(
    rng: np.random.Generator, offered: tuple[tuple[int, int, float], ...], count: int
) -> tuple[Ints, Ints]:
    places = rng.choice(len(offered), count, p=[share for *_, share in offered])
    return np.array([port for port, *_ in offered])[places], np.array([row[1] for row in offered])[places]


def _weights(rng: np.random.Generator, share: float, count: int) -> Floats:
    """Spread a share over edges of Zipf's ranks, in random order."""
    ranks = rng.permutation(np.diff(zipf(count, 0.6), prepend=0))
    return np.asarray(share * ranks)


def zipf(count: int, exponent: float) -> Floats:
    """Return the cumulative weights that Zipf's law gives to ranks."""
    weights: Floats = np.arange(1, count + 1, dtype=np.float64) ** -exponent
    return np.cumsum(weights / weights.sum())


def pick(rng: np.random.Generator, cumulative: Floats, count: int) -> Ints:
    """Draw places by their cumulative weights."""
    return np.minimum(np.searchsorted(cumulative, rng.random(count)), len(cumulative) - 1)
