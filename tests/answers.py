"""What analyses answer, worked out of records in plain Python, from docs/analyses.md and not from the SQL.

Each function has the rows of the analysis of its name, with every column, in no order.
"""

from __future__ import annotations

import ipaddress
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from tests.reference import Record, Value

Row = tuple[object, ...]
Key = tuple[Value, ...]
Groups = dict[Key, list[Record]]
Services = dict[tuple[int, int], str]
Own = dict[Key, Value]

_A_MONDAY = datetime(2000, 1, 3)
_HOUR = timedelta(hours=1)
_FIRST_EPHEMERAL, _LAST_EPHEMERAL = 32_768, 61_000
_IDENTITY = (
    *("interface_id", "srcaddr", "dstaddr", "srcport", "dstport", "protocol", "start_time", "end_time"),
    *("packets", "bytes", "action", "log_status"),
)
_FIVE = ("srcaddr", "srcport", "dstaddr", "dstport", "protocol")


# ---- what many of them need


def traffic(records: Iterable[Record]) -> list[Record]:
    """Return the records of traffic; without a status it takes bytes or a source to be one."""
    return [
        one
        for one in records
        if one.get("log_status") not in ("NODATA", "SKIPDATA")
        and (one.get("log_status") or one.get("bytes") is not None or one.get("srcaddr"))
    ]


def refused(records: Iterable[Record]) -> list[Record]:
    """Return the records of traffic that were refused."""
    return [one for one in traffic(records) if one.get("action") == "REJECT"]


def groups(records: Iterable[Record], *names: str) -> Groups:
    """Return the records by these columns."""
    found: Groups = defaultdict(list)
    for one in records:
        found[tuple(one.get(name) for name in names)].append(one)
    return found


def number(record: Record, name: str) -> int | None:
    """Return a number of a record, None if it has none."""
    value = record.get(name)
    return value if isinstance(value, int) else None


def total(records: Iterable[Record], name: str) -> int | None:
    """Return a sum, None if no record has the number."""
    numbers = [value for one in records if (value := number(one, name)) is not None]
    return sum(numbers) if numbers else None


def times(records: Iterable[Record], *names: str) -> list[datetime]:
    """Return the times in these columns, in order."""
    return sorted(value for one in records for name in names if isinstance(value := one.get(name), datetime))


def seen(records: Iterable[Record], *names: str) -> tuple[datetime | None, datetime | None]:
    """Return the first and the last start, or time of these columns."""
    found = times(records, *(names or ("start_time",)))
    return (found[0], found[-1]) if found else (None, None)


def part(some: int | None, whole: int | None, digits: int = 6) -> float | None:
    """Return a share, None where there is none."""
    return None if some is None or not whole else round(some / whole, digits)


def count(records: Iterable[Record], action: str) -> int:
    """Return how many records have this action."""
    return sum(one.get("action") == action for one in records)


def distinct(records: Iterable[Record], name: str) -> int:
    """Return how many values there are in a column."""
    return len({one.get(name) for one in records} - {None})


def floor(moment: datetime, bucket: timedelta) -> datetime:
    """Return the start of the bucket in which a moment is."""
    return moment - (moment - _A_MONDAY) % bucket


def counting_moment(record: Record) -> datetime:
    """Return when a record counts: at its start, without one at its end."""
    return times([record], "start_time")[0] if record.get("start_time") else times([record], "end_time")[0]


def is_private(addr: Value) -> bool:
    """Tell whether an address is of RFC 1918, 6598, 3927 or 4193, or stays on its link or its host."""
    networks = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16")
    others = ("127.0.0.0/8", "fc00::/7", "fe80::/10", "::1/128")
    return any(inside(addr, network) for network in networks + others)


def inside(addr: Value, network: str) -> bool:
    """Tell whether an address lies in a range."""
    return isinstance(addr, str) and ipaddress.ip_address(addr) in ipaddress.ip_network(network)


def is_ephemeral(port: Value) -> bool:
    """Tell whether a port is in the range of Linux."""
    return isinstance(port, int) and _FIRST_EPHEMERAL <= port <= _LAST_EPHEMERAL


def with_packet_ends(records: Iterable[Record]) -> list[Record]:
    """Return the records with the addresses of the packets, where they have them."""
    return [
        one
        | {
            "srcaddr": one.get("pkt_srcaddr") or one.get("srcaddr"),
            "dstaddr": one.get("pkt_dstaddr") or one.get("dstaddr"),
            "interface_srcaddr": one.get("srcaddr"),
            "interface_dstaddr": one.get("dstaddr"),
        }
        for one in records
    ]


def largest(records: Iterable[Record], name: str) -> int | None:
    """Return the largest of the sums of the interfaces."""
    sums = [total(each, name) for each in groups(records, "interface_id").values()]
    return max((value for value in sums if value is not None), default=None)


def most_records(records: Iterable[Record]) -> int:
    """Return the most records that one interface has."""
    return max(len(each) for each in groups(records, "interface_id").values())


def added(values: Iterable[object]) -> int | None:
    """Return a sum, None if there is nothing to add."""
    numbers = [value for value in values if isinstance(value, int)]
    return sum(numbers) if numbers else None


# ---- what was refused


def rejects(records: Iterable[Record]) -> list[Row]:
    names = ("interface_id", "srcaddr", "srcport", "dstaddr", "dstport", "protocol", "packets", "bytes")
    return [
        (
            one.get("start_time"),
            one.get("end_time"),
            counting_moment(one).strftime("%A"),
            *(one.get(name) for name in names),
        )
        for one in refused(records)
    ]


def rejected_sources(records: Iterable[Record]) -> list[Row]:
    return [
        (
            *(*key, len(ones), total(ones, "packets"), total(ones, "bytes")),
            *(distinct(ones, "dstport"), distinct(ones, "dstaddr"), *seen(ones)),
        )
        for key, ones in groups(refused(records), "srcaddr").items()
    ]


def rejected_ports(records: Iterable[Record], services: Services) -> list[Row]:
    return [
        (
            *(port, protocol, service(services, protocol, port), len(ones)),
            *(distinct(ones, "srcaddr"), distinct(ones, "dstaddr")),
            *(total(ones, "packets"), total(ones, "bytes"), *seen(ones)),
        )
        for (port, protocol), ones in groups(refused(records), "dstport", "protocol").items()
    ]


def service(services: Services, protocol: Value, port: Value) -> str | None:
    """Return the name of a service."""
    return services.get((protocol, port)) if isinstance(protocol, int) and isinstance(port, int) else None


def rejects_by(records: Iterable[Record], *names: str) -> list[Row]:
    everything = groups(traffic(records), *names)
    whole = len(refused(records))
    rows: list[Row] = []
    for key, ones in groups(refused(records), *names).items():
        flows = len(everything[key])
        sums = (total(ones, "packets"), total(ones, "bytes"))
        shares = (part(len(ones), whole), flows, part(len(ones), flows))
        rows.append((*key, len(ones), *shares, *sums, *seen(ones)))
    return rows


def rejects_over_time(records: Iterable[Record]) -> list[Row]:
    hours: dict[datetime, list[Record]] = defaultdict(list)
    for one in traffic(records):
        hours[floor(counting_moment(one), _HOUR)].append(one)
    rows: list[Row] = []
    for moment in buckets(min(hours), max(hours), _HOUR):
        accepted, rejected = (count(hours[moment], action) for action in ("ACCEPT", "REJECT"))
        rows.append((moment, accepted, rejected, part(rejected, accepted + rejected)))
    return rows


def buckets(first: datetime, last: datetime, bucket: timedelta) -> list[datetime]:
    """Return the starts of the buckets from the first to the last."""
    return [first + bucket * step for step in range((last - first) // bucket + 1)]


def port_probes(records: Iterable[Record], ports: Sequence[int], threshold: int) -> list[Row]:
    tried = [one for one in refused(records) if one.get("dstport") in ports]
    asked = [one for one in tried if (number(one, "tcp_flags") or 0) & 18 != 18]
    return [
        (
            *(*key, len(ones), sorted({one["dstport"] for one in ones}, key=str), distinct(ones, "dstaddr")),
            *(total(ones, "packets"), total(ones, "bytes"), *seen(ones)),
        )
        for key, ones in groups(asked, "srcaddr").items()
        if len(ones) >= threshold
    ]


def diagnose_acl(records: Iterable[Record]) -> list[Row]:
    own = own_addresses(traffic(records))
    rows: list[Row] = []
    for ones in groups(both_ways(traffic(records)), "interface_id", "protocol", "low", "high").values():
        for conversation in without_pause(ones, timedelta(minutes=10)):
            if refused(conversation):
                rows.append(_diagnosis(conversation, own))
    return rows


def _diagnosis(ones: list[Record], own: Own) -> Row:
    client, client_port, server, server_port = _asking(ones)
    requests = [one for one in ones if (one["srcaddr"], one["srcport"]) == (client, client_port)]
    if client_port == server_port:
        requests = [one for one in ones if one["srcaddr"] == client]
    answers = [one for one in ones if one not in requests]
    accepted = [one for one in requests if one.get("action") == "ACCEPT"]
    accepted_back = [one for one in answers if one.get("action") == "ACCEPT"]
    is_answer = bool(refused(answers) and (accepted or not requests))
    no = refused(answers if is_answer else requests)
    closed = (
        bool(accepted and accepted_back)
        and ones[0]["protocol"] == 6
        and times(no, "start_time")[0] > times(accepted + accepted_back, "start_time")[-1]
        and not any((number(one, "tcp_flags") or 0) & 2 for one in no)
    )
    verdict = "network ACL" if is_answer and accepted else "security group or network ACL"
    who = own.get((ones[0]["interface_id"], ":" in str(client)))
    sender, receiver = (server, client) if is_answer else (client, server)
    way = "egress" if who == sender else "ingress" if who == receiver else None
    return (
        *("after the close" if closed else verdict, "answer" if is_answer else "request", way),
        *(ones[0]["interface_id"], ones[0]["protocol"], client, client_port, server, server_port),
        *(len(no), total(no, "packets"), *seen(no), seen(accepted)[0]),
    )


def _asking(ones: list[Record]) -> Key:
    """Return client, its port, server and its port of a conversation."""
    ways = groups(ones, "srcaddr", "srcport", "dstaddr", "dstport")
    for one in sorted(ones, key=counting_moment):
        flags = (number(one, "tcp_flags") or 0) & 18 if one["protocol"] == 6 else 0
        there, back = (one["srcaddr"], one["srcport"]), (one["dstaddr"], one["dstport"])
        if flags & 2:
            return (*there, *back) if flags == 2 else (*back, *there)

    def rank(way: Key) -> tuple[object, ...]:
        port = way[1] if isinstance(way[1], int) else 0
        return (times(ways[way], "start_time")[0], -port, -count(ways[way], "ACCEPT"))

    return min(ways, key=rank)


def both_ways(records: Iterable[Record]) -> list[Record]:
    """Return the records with their two ends in one order, as low and high."""
    found = []
    for one in records:
        ends = sorted(f"{one.get(end + 'addr')} {one.get(end + 'port')}" for end in ("src", "dst"))
        found.append(one | {"low": ends[0], "high": ends[1]})
    return found


def without_pause(ones: Iterable[Record], pause: timedelta) -> list[list[Record]]:
    """Return the records cut where there is a longer pause."""
    found: list[list[Record]] = []
    for one in sorted(ones, key=counting_moment):
        if found and counting_moment(one) - times(found[-1], "start_time", "end_time")[-1] <= pause:
            found[-1].append(one)
        else:
            found.append([one])
    return found


def own_addresses(records: Iterable[Record]) -> Own:
    """Return each interface's own address of a family: in most of its records; of two the private one."""
    found: Own = {}
    families = [one | {"is_ipv6": ":" in str(one.get("srcaddr"))} for one in records]
    for (interface, is_ipv6), ones in groups(families, "interface_id", "is_ipv6").items():
        ends = Counter(one[end] for one in ones for end in ("srcaddr", "dstaddr") if one.get(end))
        most = [addr for addr, times_seen in ends.items() if times_seen * 2 > len(ones)]
        most = [addr for addr in most if ends[addr] == max(ends.values())]
        private = [addr for addr in most if is_private(addr)]
        found[interface, is_ipv6] = most[0] if len(most) == 1 else private[0] if len(private) == 1 else None
    return found


# ---- what is in the logs beside traffic


def log_status(records: Sequence[Record], *, by_interface: bool) -> list[Row]:
    rows: list[Row] = []
    found = [one | {"log_status": one.get("log_status") or "absent"} for one in records]
    for (interface,), every in groups(found, *(["interface_id"] if by_interface else ["nothing"])).items():
        for (status,), ones in groups(every, "log_status").items():
            sums = (total(ones, "packets"), total(ones, "bytes"))
            rows.append((interface, status, len(ones), part(len(ones), len(every)), *sums, *seen(ones)))
    return rows


def skipped_over_time(records: Iterable[Record]) -> list[Row]:
    hours: dict[datetime, list[Record]] = defaultdict(list)
    for one in records:
        hours[floor(counting_moment(one), timedelta(hours=1))].append(one)
    rows: list[Row] = []
    for moment, ones in hours.items():
        skipped, nothing = (
            [one for one in ones if one.get("log_status") == status] for status in ("SKIPDATA", "NODATA")
        )
        counts = (len(ones), len(skipped), len(nothing), part(len(skipped), len(ones)))
        rows.append((moment, *counts, distinct(ones, "interface_id"), distinct(skipped, "interface_id")))
    return rows
