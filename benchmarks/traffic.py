"""The flow-log records that the traffic of a generated world leaves in one slot of five minutes."""

from dataclasses import dataclass

import numpy as np

from benchmarks.graph import (
    CLIENT,
    NODATA,
    REJECTED,
    SERVER,
    SKIPDATA,
    TRANSLATED,
    Ints,
    Legs,
    between,
    pick,
)
from benchmarks.talks import FIRST_PORT, LAST_PORT, WINDOWS, Talks, short
from benchmarks.world import World

SLOT_SECONDS = 300
NODATA_SHARE, SKIPDATA_SHARE, REJECT_SHARE = 0.01, 0.0002, 0.04
# Of refused probes, those that go from host to host, and those that go from port to port.
SWEEPS, PORT_SCANS, SWEEP_SIZE = 0.35, 0.15, 16
SCANNED_PORTS = (22, 23, 80, 443, 445, 1433, 3306, 3389, 5432, 5900, 6379, 8080)
PROBE_SIZES = (40, 44, 52, 60)
# Seconds from the first packet to the last in a window, and how they spread between and within interfaces.
DURATION, BETWEEN, WITHIN, LONGEST = 26, 4.0, 3.0, 52
ALIKE = 0.93


@dataclass(frozen=True)
class Records:
    """One slot's records in file order, as parallel arrays; a number that a record has not is -1.

    `leg` tells places in `legs`, which are the world's, and then in those that only this slot has.
    """

    legs: Legs
    own: Legs
    leg: Ints
    source_port: Ints
    target_port: Ints
    packets: Ints
    bytes: Ints
    start: Ints
    end: Ints
    flags: Ints

    @property
    def status(self) -> Ints:
        """What each record tells, by its leg."""
        return np.concatenate([self.legs.status, self.own.status])[self.leg]


def traffic(
    world: World, rng: np.random.Generator, going: list[Talks], number: int, first: int, count: int
) -> Records:
    """Draw the `count` records of the slot `number` of a set that begins at second `first`.

    `going` are the long conversations that begin in the slot, then those that began one slot before it, and
    so on.
    """
    nodata = rng.binomial(count, NODATA_SHARE)
    skipped = rng.binomial(count - nodata, SKIPDATA_SHARE)
    probes = rng.binomial(count - nodata - skipped, REJECT_SHARE)
    talking = count - nodata - skipped - probes

    old = _expanded(world, Talks.joined(*(talks.later(ago) for ago, talks in enumerate(going))))
    old = [column[: talking - talking // 8] for column in old]
    fresh = talking - len(old[0])
    new = _expanded(world, short(rng, world.edges, number, fresh // 2 + 16))
    new = [column[:fresh] for column in new]

    own, probing = _probes(world, rng, probes, len(world.legs))
    silent_own, silent = _silent(world, rng, nodata, skipped, len(world.legs) + probes)
    own = Legs.joined(own, silent_own)
    leg, source_port, target_port, packets, size, flags, window = (
        np.concatenate(parts) for parts in zip(old, new, probing, silent, strict=True)
    )
    interface = np.concatenate([world.legs.interface, own.interface])[leg]
    lasted = np.clip(_jitter(world, rng, interface, window), 0, LONGEST).astype(np.int64)
    lasted = np.where(packets < 0, SLOT_SECONDS // WINDOWS - 1, lasted)
    end = first + number * SLOT_SECONDS + window * (SLOT_SECONDS // WINDOWS) + world.phases[interface]
    order = _order(rng, world, interface, window)
    columns = (leg, source_port, target_port, packets, size, end - lasted, end, flags)
    return Records(world.legs, own, *(column[order] for column in columns))


def _expanded(world: World, talks: Talks) -> list[Ints]:
    """Return what each window of the slot sees of conversations, at every interface they pass."""
    edges = world.edges
    since = np.arange(WINDOWS)[:, None] - talks.begun
    window, talk = np.nonzero((since >= 0) & (since < talks.windows))
    counts = edges.leg_count[talks.edge[talk]]
    place = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    window, talk = np.repeat(window, counts), np.repeat(talk, counts)
    leg = edges.first_leg[talks.edge[talk]] + place
    answers = world.legs.answers[leg]
    kept = talks.packets[answers, talk] > 0
    window, talk, leg, answers = window[kept], talk[kept], leg[kept], answers[kept]

    whole, windows, growth = talks.packets[answers, talk], talks.windows[talk], talks.growth[talk]
    nth = window - talks.begun[talk]
    until, before = (whole * (moment / windows) ** growth for moment in (nth + 1, nth))
    packets = np.maximum(until.astype(np.int64) - before.astype(np.int64), 1)
    ports = np.stack([talks.client_port, talks.translated_port, edges.port[talks.edge]])
    assert (CLIENT, TRANSLATED, SERVER) == (0, 1, 2)
    # SYN and FIN are of the first and the last window, ACK is told with SYN alone.
    begins, ends = nth == 0, (nth == windows - 1) & (packets > 1)
    flags = (begins * np.where(answers, 18, 2) + ends) * (edges.protocol[talks.edge[talk]] == 6)
    return [
        leg,
        ports[world.legs.source_role[leg], talk],
        ports[world.legs.target_role[leg], talk],
        packets,
        (packets * talks.sizes[answers, talk]).astype(np.int64),
        flags,
        window,
    ]


def _probes(world: World, rng: np.random.Generator, count: int, first: int) -> tuple[Legs, list[Ints]]:
    """Draw refused packets: sweeps over hosts, scans of ports, and what comes one by one."""
    scanner, port, target = (
        pick(rng, world.scanners, count),
        rng.choice(SCANNED_PORTS, count),
        rng.integers(0, world.hosts, count),
    )
    source_port = rng.integers(FIRST_PORT, LAST_PORT + 1, count)
    place = np.arange(count)
    sweeps, scans = int(count * SWEEPS), int(count * (SWEEPS + PORT_SCANS))
    leader = np.where(place < scans, place - place % SWEEP_SIZE, place)
    target = np.where(place < sweeps, target[leader] + place - leader, target[leader]) % world.hosts
    port = np.where((sweeps <= place) & (place < scans), 1 + rng.integers(0, 1024, count), port[leader])
    packets = rng.choice((1, 1, 1, 2, 3), count)
    seen = between(world.interfaces + scanner[leader], target, np.full(count, 6), (target,))
    there = Legs(*(getattr(seen, name)[::2] for name in vars(seen)))
    legs = Legs(**{**vars(there), "status": np.full(count, REJECTED)})
    sizes = packets * rng.choice(PROBE_SIZES, count)
    flags = np.full(count, 2)
    return legs, [
        first + place, source_port[leader], port, packets, sizes, flags, rng.integers(0, WINDOWS, count)
    ]  # fmt: skip


def _silent(
    world: World, rng: np.random.Generator, nodata: int, skipped: int, first: int
) -> tuple[Legs, list[Ints]]:
    """Draw the windows in which an interface saw nothing, mostly an idle one, or in which some was missed."""
    count = nodata + skipped
    idle = rng.integers(world.hosts + world.gateways, world.interfaces, count)
    interface = np.where(rng.random(count) < 0.7, idle, rng.integers(0, world.hosts, count))
    nobody, none = np.full(count, world.nobody), np.full(count, -1)
    zeros = np.zeros(count, np.int64)
    status = np.repeat([NODATA, SKIPDATA], [nodata, skipped])
    legs = Legs(interface, nobody, nobody, nobody, nobody, zeros, zeros, zeros, zeros, none, status)
    window = rng.integers(0, WINDOWS, count)
    return legs, [first + np.arange(count), none, none, none, none, none, window]


def _jitter(world: World, rng: np.random.Generator, interface: Ints, window: Ints) -> np.ndarray:
    shared = rng.normal(DURATION, BETWEEN, (world.interfaces, WINDOWS))
    own = rng.normal(0, WITHIN, len(interface))
    return np.rint(shared[interface, window] + np.where(rng.random(len(own)) < ALIKE, 0, own))


def _order(rng: np.random.Generator, world: World, interface: Ints, window: Ints) -> Ints:
    """Put what an interface saw in a window together, the interfaces in another order each window."""
    turn = rng.permuted(np.tile(np.arange(world.interfaces), (WINDOWS, 1)), axis=1)
    batch = window * world.interfaces + turn[window, interface]
    # No two keys are equal: which sort is used does not matter.
    place = np.arange(len(batch))
    near = (place * 1.0 + rng.random(len(batch)) * 4).astype(np.int64)
    return np.argsort((batch << 44) + (near << 22) + place % (1 << 22))
