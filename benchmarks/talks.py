"""How big and how long generated conversations are: the flow mixture that AGH's campus was seen to have.

Of all flows 47.8 % are of one packet and 84 % of eight or fewer, while the 0.01 % above 100,000 packets carry
a third of all packets.
"""

from dataclasses import dataclass, fields, replace

import numpy as np

from benchmarks.graph import Edges, Floats, Ints, pick

ONE_PACKET, FEW_PACKETS, ELEPHANT = 0.478, 0.84, 0.9999
ELEPHANT_PACKETS, ELEPHANT_EXCESS = 100_000, 72_000
TAIL_FROM = 9
TAIL = np.log((1 - FEW_PACKETS) / (1 - ELEPHANT)) / np.log(ELEPHANT_PACKETS / TAIL_FROM)
# Conversations above this quantile last for several windows of a minute, at most as many as `HISTORY` slots
# have: those that begin in one slot go on in the next ones.
LONG = 0.9
HISTORY, WINDOWS = 12, 5
LONGEST = (HISTORY - 1) * WINDOWS
KEPT_OPEN, KEPT_LONGER = 0.06, 8
# The share of conversations that are of their edge's usual size, as health checks are, of those whose two
# ways are alike, and of those that nobody answers.
USUAL, ALIKE, UNANSWERED = 0.88, 0.85, 0.04
SIZES = np.array((40, 44, 52, 52, 56, 60, 60, 64, 71, 84, 97, 129))
CHATS = 0.6
BIG_SIZES, SPREAD = (np.log(110), np.log(700)), 0.6
FIRST_PORT, LAST_PORT, FIRST_TRANSLATED = 32768, 60999, 1024


@dataclass(frozen=True)
class Talks:
    """Conversations, as parallel arrays; those of two rows have what was asked, then what was answered.

    `begun` is the window, counted within its slot, that has the first packet; `windows` says how many have
    some, and `growth` how unequally.
    """

    edge: Ints
    client_port: Ints
    translated_port: Ints
    packets: Ints
    sizes: Floats
    begun: Ints
    windows: Ints
    growth: Floats

    def __len__(self) -> int:
        return len(self.edge)

    @classmethod
    def joined(cls, *parts: "Talks") -> "Talks":
        """Put several one after another."""
        return cls(
            *(np.concatenate([getattr(part, one.name) for part in parts], axis=-1) for one in fields(cls))
        )

    def later(self, slots: int) -> "Talks":
        """Return them as they are seen `slots` slots on: begun before the first window."""
        return Talks(**{**vars(self), "begun": self.begun - slots * WINDOWS})


def short(rng: np.random.Generator, edges: Edges, number: int, count: int) -> Talks:
    """Draw conversations of one window for slot `number`: a client's ports go up by two."""
    talks = _talks(rng, edges, count, 0, LONG)
    share = np.diff(edges.weights, prepend=0)[talks.edge]
    used = number * (2 * share * count + 4).astype(np.int64) + _ranks(talks.edge)
    port = FIRST_PORT + (talks.edge * 7919 + 2 * used) % (LAST_PORT + 1 - FIRST_PORT)
    return replace(talks, client_port=np.where(edges.port[talks.edge] == 0, 0, port))


def _ranks(values: Ints) -> Ints:
    """Tell of each value how many that are equal come before it."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    firsts = np.searchsorted(ordered, ordered)
    ranks = np.empty(len(values), np.int64)
    ranks[order] = np.arange(len(values)) - firsts
    return ranks


def long(rng: np.random.Generator, edges: Edges, records: int) -> Talks:
    """Draw the conversations of several windows that begin in a slot of so many records."""
    share = (1 - LONG) / LONG
    flows = records / edges.mean_legs / (1 + share * MEAN_WINDOWS)
    return _talks(rng, edges, rng.poisson(flows * share), LONG, 1)


def _talks(rng: np.random.Generator, edges: Edges, count: int, low: float, high: float) -> Talks:
    edge = pick(rng, edges.weights, count)
    luck, usual = low + (high - low) * rng.random(count), rng.random(count) < USUAL
    if low < FEW_PACKETS:
        habit = low + (high - low) * edges.habit[edge]
        big = FEW_PACKETS + (high - FEW_PACKETS) * rng.random(count)
        luck = np.where(usual, np.where(habit < FEW_PACKETS, habit, big), luck)
    other = np.where(rng.random(count) < ALIKE, luck, low + (high - low) * rng.random(count))
    packets = np.stack([_packets(luck), _packets(other)])
    portless = edges.port[edge] == 0
    answered = np.where(rng.random(count) < UNANSWERED, 0, 1)
    return Talks(
        edge=edge,
        client_port=np.where(portless, 0, rng.integers(FIRST_PORT, LAST_PORT + 1, count)),
        translated_port=np.where(portless, 0, rng.integers(FIRST_TRANSLATED, 65536, count)),
        packets=packets * np.stack([np.ones(count, np.int64), answered]),
        sizes=_sizes(rng, packets, edge, usual),
        begun=rng.integers(0, WINDOWS, count),
        windows=_windows(rng, luck, packets) if low >= LONG else np.ones(count, np.int64),
        growth=rng.uniform(0.8, 1.25, count),
    )


def _packets(luck: Floats) -> Ints:
    """Turn quantiles into packet counts: one, then two to eight, then a heavy tail, then elephants."""
    few = 2 + (luck - ONE_PACKET) / (FEW_PACKETS - ONE_PACKET) * 7
    rest = 1 - np.clip(luck, FEW_PACKETS, 1 - 1e-9)
    many = TAIL_FROM * ((1 - FEW_PACKETS) / rest) ** (1 / TAIL)
    huge = ELEPHANT_PACKETS + 1 - ELEPHANT_EXCESS * np.log(np.minimum(rest / (1 - ELEPHANT), 1))
    counts = np.where(luck < FEW_PACKETS, few, np.where(luck < ELEPHANT, many, huge))
    return np.where(luck < ONE_PACKET, 1, counts.astype(np.int64))


def _windows(rng: np.random.Generator, luck: Floats, packets: Ints) -> Ints:
    """Draw how many windows see a long conversation: the bigger it is the more, and some are kept open."""
    kept = np.where(rng.random(len(luck)) < KEPT_OPEN, KEPT_LONGER, 1)
    windows = (1.9 * kept * ((1 - LONG) / np.maximum(1 - luck, 1e-9)) ** 0.35).astype(np.int64)
    return np.clip(windows, 1, np.minimum(LONGEST, packets.min(axis=0)))


def _sizes(rng: np.random.Generator, packets: Ints, edge: Ints, usual: np.ndarray) -> Floats:
    """Draw the bytes a packet: few values where packets are few, an edge's own where it does as usual."""
    rows = np.arange(2)[:, None]
    small = np.where(usual, edge * 7 + rows * 5, rng.integers(0, len(SIZES), packets.shape)) % len(SIZES)
    big = np.clip(rng.lognormal(0, SPREAD, packets.shape) * np.exp(BIG_SIZES)[:, None], 40, 1500)
    chats = rng.random(packets.shape) < CHATS
    return np.where((packets < TAIL_FROM) | chats, SIZES[small], big)


def _mean_windows() -> float:
    rng = np.random.default_rng(0)
    luck = LONG + (1 - LONG) * rng.random(1_000_000)
    return float(_windows(rng, luck, _packets(luck)[None]).mean())


MEAN_WINDOWS = _mean_windows()
