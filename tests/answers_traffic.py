"""What analyses of traffic and of the logs' quality answer, worked out as in tests/answers.py."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from fractions import Fraction

from tests.answers import (
    Key,
    Row,
    Services,
    added,
    both_ways,
    buckets,
    count,
    distinct,
    floor,
    groups,
    inside,
    is_ephemeral,
    is_private,
    largest,
    most_records,
    number,
    part,
    seen,
    service,
    times,
    total,
    traffic,
    with_packet_ends,
)
from tests.reference import Record, Value

_HALF = Fraction(1, 2)
_FIVE = ("srcaddr", "srcport", "dstaddr", "dstport", "protocol")
_IDENTITY = (
    *("interface_id", "srcaddr", "dstaddr", "srcport", "dstport", "protocol", "start_time", "end_time"),
    *("packets", "bytes", "action", "log_status"),
)


def top_talkers(records: Iterable[Record], *names: str, dedup: bool = False) -> list[Row]:
    """Without the share that adds up, which depends on the order."""
    found = traffic(records)
    sums = {key: _sums(ones, dedup) for key, ones in groups(found, *names).items()}
    whole = added(size for _, _, size in sums.values())
    return [
        (*key, *sums[key], part(sums[key][2], whole), *seen(ones), 1)
        for key, ones in groups(found, *names).items()
    ]


def _sums(ones: Sequence[Record], dedup: bool) -> tuple[int, int | None, int | None]:
    if not dedup:
        return len(ones), total(ones, "packets"), total(ones, "bytes")
    ways = groups(with_packet_ends(ones), *_FIVE).values()
    flows = sum(most_records(way) for way in ways)
    return flows, added(largest(way, "packets") for way in ways), added(largest(way, "bytes") for way in ways)


def traffic_of(records: Iterable[Record], network: str) -> list[Row]:
    """By peer."""
    ends = []
    for one in traffic(records):
        if inside(one.get("srcaddr"), network):
            ends.append(one | {"peer": one.get("dstaddr"), "way": "out"})
        if inside(one.get("dstaddr"), network):
            ends.append(one | {"peer": one.get("srcaddr"), "way": "in"})
    rows: list[Row] = []
    for (peer,), ones in groups(ends, "peer").items():
        ways = [[one for one in ones if one["way"] == way] for way in ("in", "out")]
        each = [groups(way, *_FIVE, "action").values() for way in ways]
        flows = [sum(most_records(flow) for flow in way) for way in each]
        packets = [added(largest(flow, "packets") for flow in way) for way in each]
        sizes = [added(largest(flow, "bytes") for flow in way) for way in each]
        ports = {min(_ports(one), default=None) for one in ones} - {None}
        rows.append((peer, *flows, *packets, *sizes, 1, len(ports), *seen(ones)))
    return rows


def _ports(one: Record) -> list[int]:
    return [port for name in ("srcport", "dstport") if (port := number(one, name)) is not None]


def large_transfers(records: Iterable[Record], threshold: int) -> list[Row]:
    found = [one for one in with_packet_ends(traffic(records)) if one.get("srcaddr") and one.get("dstaddr")]
    pairs: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for one in found:
        low, high = sorted((str(one["srcaddr"]), str(one["dstaddr"])))
        pairs[low, high].append(one)
    rows: list[Row] = []
    for (low, high), ones in pairs.items():
        ways = [groups([one for one in ones if one["srcaddr"] == end], *_FIVE) for end in (low, high)]
        there, back = (added(largest(flow, "bytes") for flow in way.values()) or 0 for way in ways)
        packets = added(largest(flow, "packets") for way in ways for flow in way.values())
        connections = len(groups(both_ways(ones), "protocol", "low", "high"))
        if there + back > threshold:
            last = seen(ones, "start_time", "end_time")[1]
            rows.append((low, high, there + back, there, back, packets, connections, seen(ones)[0], last))
    return rows


def conversations(records: Iterable[Record], services: Services) -> list[Row]:
    found = [one for one in with_packet_ends(traffic(records)) if one.get("srcaddr") and one.get("dstaddr")]
    translated = set()
    for one in found:
        for end in ("src", "dst"):
            if one[f"{end}addr"] != one[f"interface_{end}addr"]:
                translated.add(_leg(one, end, one[f"interface_{end}addr"]))
    once = [
        one
        for one in found
        if _leg(one, "src", one["dstaddr"]) not in translated
        and _leg(one, "dst", one["srcaddr"]) not in translated
    ]
    connections = groups(both_ways(once), "protocol", "low", "high")
    return [_conversation(ones, services) for ones in connections.values()]


def _leg(one: Record, end: str, gateway: Value) -> Key:
    """Return a gateway's interface, its address, and with whom it talks for others, at an end."""
    return (one.get("interface_id"), gateway, one[f"{end}addr"], one.get(f"{end}port"), one.get("protocol"))


def _conversation(ones: list[Record], services: Services) -> Row:
    *ends, client_by = _client(ones, services)
    there = [one for one in ones if (one["srcaddr"], one.get("srcport")) == tuple(ends[:2])]
    back = [one for one in ones if one not in there]
    actions = {one.get("action") for one in ones} - {None}
    action = "mixed" if len(actions) > 1 else next(iter(actions), None)
    stood = {
        str(one[f"interface_{end}"])
        for one in ones
        for end in ("srcaddr", "dstaddr")
        if one[f"interface_{end}"] != one[end]
    }
    first, last = seen(ones, "start_time", "end_time")
    return (
        *(*ends, ones[0].get("protocol"), action),
        *(largest(there, "bytes"), largest(back, "bytes")),
        *(largest(there, "packets"), largest(back, "packets"), len(ones), first, last),
        (last - first).total_seconds() if first and last else None,
        ", ".join(sorted({str(one["interface_id"]) for one in ones if one.get("interface_id")})) or None,
        *(max(stood, default=None), client_by),
    )


def _client(ones: list[Record], services: Services) -> Key:
    """Return client, its port, server, its port and how that was told."""
    ways = groups(ones, "srcaddr", "srcport", "dstaddr", "dstport")
    for way, each in ways.items():
        flags = {(number(one, "tcp_flags") or 0) & 18 for one in each if one.get("protocol") == 6}
        if 2 in flags:
            return (*way, "SYN")
        if 18 in flags:
            return (*way[2:], *way[:2], "SYN")
    way = next(iter(ways))
    turned = (*way[2:], *way[:2])
    ports = _ports(ones[0])
    known = {port for _, port in services}
    kinds = [(port >= 32768, port < 1024, port in known) for port in ports]
    if ports and kinds[0] != kinds[1]:
        surely = min(ports) < 1024 and max(ports) >= 32768
        is_told = (ports[0] in known) != (ports[1] in known) and not surely
        server_port = next(port for port in ports if port in known) if is_told else min(ports)
        return (*(way if way[3] == server_port else turned), "ephemeral port")
    starts = {seen(each)[0]: each_way for each_way, each in ways.items() if seen(each)[0]}
    if starts and (len(starts) == 2 or len(ways) == 1):
        return (*starts[min(start for start in starts if start)], "first seen")
    if ports and ports[0] != ports[1]:
        return (*(way if way[1] == max(ports) else turned), "higher port")
    return (*max(way, turned, key=str), "address")


def service_flows(records: Iterable[Record]) -> list[Row]:
    hidden = [
        one | {name: None for name in ("srcport", "dstport") if is_ephemeral(one.get(name))}
        for one in traffic(records)
    ]
    names = ("interface_id", "protocol", "srcaddr", "srcport", "dstaddr", "dstport", "action")
    return [
        (*key, len(ones), total(ones, "packets"), total(ones, "bytes"), *seen(ones))
        for key, ones in groups(hidden, *names).items()
    ]


def public_exposure(records: Iterable[Record], services: Services) -> list[Row]:
    open_ones = [
        one
        for one in traffic(records)
        if one.get("action") == "ACCEPT"
        and not is_private(one.get("srcaddr"))
        and is_private(one.get("dstaddr"))
        and is_request(one, services)
    ]
    return [
        (
            *(*key, service(services, key[2], key[1]), distinct(ones, "srcaddr"), len(ones)),
            *(total(ones, "packets"), total(ones, "bytes"), *seen(ones)),
        )
        for key, ones in groups(open_ones, "dstaddr", "dstport", "protocol").items()
    ]


def is_request(one: Record, services: Services) -> bool:
    """Tell whether a record surely goes towards the port of a service."""
    source, target = number(one, "srcport"), number(one, "dstport")
    flags = (number(one, "tcp_flags") or 0) & 18
    if flags & 2:
        return flags == 2
    if source is None or target is None or source == target:
        return False
    if is_ephemeral(source) and is_ephemeral(target):
        return False
    if target < 1024 and is_ephemeral(source):
        return True
    if source < 1024 and is_ephemeral(target):
        return False
    known = {port for _, port in services}
    if (source in known) != (target in known):
        return target in known
    return target < source


def in_list(records: Iterable[Record], cidrs: Sequence[str]) -> list[Row]:
    ends = []
    for one in traffic(records):
        for mine, other in (("srcaddr", "dstaddr"), ("dstaddr", "srcaddr")):
            entries = [cidr for cidr in cidrs if inside(one.get(mine), cidr)]
            if entries:
                entry = max(entries, key=lambda cidr: int((cidr + "/128").split("/")[1]))
                ends.append(one | {"cidr": entry, "addr": one[mine], "peer": one[other], "mine": mine})
    rows: list[Row] = []
    for key, ones in groups(ends, "cidr", "addr", "peer").items():
        sent, got = ([one for one in ones if one["mine"] == end] for end in ("srcaddr", "dstaddr"))
        sums = (total(ones, "packets"), total(sent, "bytes"), total(got, "bytes"))
        rows.append((*key, len(ones), count(ones, "ACCEPT"), count(ones, "REJECT"), *sums, *seen(ones)))
    return rows


def unusual_protocols(
    records: Iterable[Record], usual: Sequence[int], names: Mapping[Value, str]
) -> list[Row]:
    found = [one for one in traffic(records) if one.get("protocol") not in (*usual, None)]
    return [
        (
            *(key[0], names[key[0]], *key[1:], len(ones), count(ones, "ACCEPT"), count(ones, "REJECT")),
            *(total(ones, "packets"), total(ones, "bytes"), *seen(ones)),
        )
        for key, ones in groups(found, "protocol", "srcaddr", "dstaddr").items()
    ]


def outside_hours(records: Iterable[Record], *names: str) -> list[Row]:
    """Outside of 8 to 18 from Monday to Friday."""
    rows: list[Row] = []
    for key, every in groups(traffic(records), *names).items():
        ones = [one for one in every if _is_outside(times([one], "start_time"))]
        if ones:
            sums = (total(ones, "packets"), total(ones, "bytes"))
            shares = part(sums[1], total(every, "bytes"))
            counts = (len(ones), count(ones, "ACCEPT"), count(ones, "REJECT"))
            rows.append((*key, *counts, *sums, shares, *seen(ones)))
    return rows


def _is_outside(start: Sequence[datetime]) -> bool:
    return bool(start) and not (start[0].isoweekday() <= 5 and 8 <= start[0].hour < 18)


def traffic_over_time(records: Iterable[Record], bucket: timedelta) -> list[Row]:
    flows: dict[datetime, int] = defaultdict(int)
    sums: dict[tuple[datetime, str], int] = defaultdict(int)
    moments = set()
    for one in traffic(records):
        start, end = times([one], "start_time")[0], times([one], "end_time")[0]
        flows[floor(start, bucket)] += 1
        for moment in buckets(floor(start, bucket), floor(end, bucket), bucket):
            moments.add(moment)
            size, packets = (
                _carried(one, name, moment + bucket) - _carried(one, name, moment)
                for name in ("bytes", "packets")
            )
            sums[moment, "packets"] += packets
            sums[moment, "bytes"] += size
            sums[moment, str(one.get("action"))] += size
    rows: list[Row] = []
    for moment in buckets(min(moments), max(moments), bucket):
        names = ("packets", "bytes", "ACCEPT", "REJECT")
        rate = round(sums[moment, "bytes"] * 8 / bucket.total_seconds(), 3)
        rows.append((moment, flows[moment], *(sums[moment, name] for name in names), rate))
    return rows


def _carried(one: Record, name: str, until: datetime) -> int:
    """Return what a record had carried by a moment, to the nearest whole number."""
    start, end = times([one], "start_time")[0], times([one], "end_time")[0]
    whole = number(one, name) or 0
    if until > end:
        return whole
    if until <= start:
        return 0
    gone = Fraction((until - start) // timedelta(microseconds=1), (end - start) // timedelta(microseconds=1))
    return int(whole * gone + _HALF)


def formats_seen(logs: Iterable[Sequence[Record]]) -> list[Row]:
    formats: dict[str, list[Sequence[Record]]] = defaultdict(list)
    for records in logs:
        if records:
            formats[" ".join(_field(name) for name in records[0])].append(records)
    rows: list[Row] = []
    for written, sources in formats.items():
        ones = [one for records in sources for one in records]
        fields = written.split()
        others = [other.split() for other in formats if other != written]
        only = [name for name in fields if not any(name in other for other in others)]
        lacking = {name for other in others for name in other} - set(fields)
        version = max((value for one in ones if (value := number(one, "version")) is not None), default=None)
        counts = (len(fields), version, len(sources), len(ones), *seen(ones))
        rows.append((*counts, " ".join(sorted(only)) or None, " ".join(sorted(lacking)) or None, written))
    return rows


def _field(column: str) -> str:
    return {"start_time": "start", "end_time": "end"}.get(column, column.replace("_", "-"))


def duplicate_records(logs: Sequence[Sequence[Record]]) -> list[Row]:
    found = [one | {"source": source} for source, records in enumerate(logs) for one in records]
    packets = ("packet_srcaddr", "packet_dstaddr")
    for one in found:
        for plain, packet in zip(("srcaddr", "dstaddr"), packets, strict=True):
            one[packet] = one.get(f"pkt_{plain}") or one.get(plain)
    same = [(key, ones) for key, ones in groups(found, *_IDENTITY, *packets).items() if len(ones) > 1]
    rows: list[Row] = []
    for key, ones in same:
        scope = "across sources" if distinct(ones, "source") > 1 else "within one source"
        size = number(ones[0], "bytes")
        repeated = len(ones) - 1
        twice = None if size is None else size * repeated
        rows.append(("example", scope, 1, len(ones), repeated, twice, *key[: len(_IDENTITY)]))
    sums: list[Row] = []
    for scope in {str(row[1]) for row in rows}:
        counts = [added(row[place] for row in rows if row[1] == scope) for place in range(2, 6)]
        sums.append(("sum", scope, *counts, *[None] * len(_IDENTITY)))
    return [*sums, *rows]


def nat_traffic(records: Iterable[Record], per_gb: float) -> list[Row]:
    """Where the records are of interfaces without an instance."""
    found = traffic(records)
    gateways = {one["interface_id"] for one in found if _is_from_client(one) and _goes_on(one, found)}
    of_gateways = [one for one in found if one.get("interface_id") in gateways]
    legs: list[Record] = []
    for one in of_gateways:
        if _is_from_client(one):
            legs.append(one | {"client": one["pkt_srcaddr"], "destination": one["pkt_dstaddr"], "way": "up"})
        elif one["srcaddr"] != one["pkt_srcaddr"]:
            legs.append(
                one | {"client": one["pkt_dstaddr"], "destination": one["pkt_srcaddr"], "way": "down"}
            )
    whole = total(legs, "bytes")
    rows: list[Row] = []
    for key, ones in groups(legs, "interface_id", "client", "destination").items():
        up, down = (total([one for one in ones if one["way"] == way], "bytes") or 0 for way in ("up", "down"))
        money = round((up + down) / 2**30 * per_gb, 6)
        gigabytes = round((up + down) / 2**30, 6)
        sizes = (len(ones), up, down, up + down, gigabytes, money, part(up + down, whole))
        rows.append(("processed", *key, None, *sizes))
    rests = {
        "not processed": len(of_gateways) - len(legs),
        "elsewhere": len(found) - len(of_gateways),
    }
    sizes_of = {
        "not processed": (total(of_gateways, "bytes") or 0) - (whole or 0),
        "elsewhere": (total(found, "bytes") or 0) - (total(of_gateways, "bytes") or 0),
    }
    for name, flows in rests.items():
        size = sizes_of[name]
        rows.append((name, *[None] * 4, flows, None, None, size, round(size / 2**30, 6), None, None))
    return rows


def _is_from_client(one: Record) -> bool:
    return (
        one.get("instance_id") is None
        and one.get("pkt_dstaddr") not in (None, one["dstaddr"])
        and one.get("pkt_srcaddr") == one["srcaddr"]
    )


def _goes_on(one: Record, found: Iterable[Record]) -> bool:
    """Tell whether who took a packet at an interface also sent packets of its own to whom it was for."""
    ends = (one["interface_id"], one["dstaddr"], one["pkt_dstaddr"])
    return any(
        (other.get("interface_id"), other.get("pkt_srcaddr"), other.get("pkt_dstaddr")) == ends
        for other in found
    )
