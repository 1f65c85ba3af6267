"""Reads flow logs line by line, with nothing but the standard library, so that flowdb can be compared.

It shares no code with flowdb, not even the names of the fields, and prefers the plain to the fast.
"""

from __future__ import annotations

import gzip
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

Value = str | int | datetime | None
Record = dict[str, Value]

_VERSION_2 = """
    version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end
    action log-status
"""
_LATER = """
    vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr
    region az-id sublocation-type sublocation-id
    pkt-src-aws-service pkt-dst-aws-service flow-direction traffic-path
    ecs-cluster-arn ecs-cluster-name ecs-container-instance-arn ecs-container-instance-id
    ecs-container-id ecs-second-container-id ecs-service-name ecs-task-definition-arn
    ecs-task-arn ecs-task-id
    reject-reason resource-id encryption-status
    instance-tag instance-tag-2 interface-tag interface-tag-2 asg-tag asg-tag-2
    interface-type next-hop-interface-id next-hop-subnet-id next-hop-az-id next-hop-vpc-id
    next-hop-interface-type
"""
_TGW = """
    version resource-type account-id tgw-id tgw-attachment-id tgw-src-vpc-account-id tgw-dst-vpc-account-id
    tgw-src-vpc-id tgw-dst-vpc-id tgw-src-subnet-id tgw-dst-subnet-id tgw-src-eni tgw-dst-eni tgw-src-az-id
    tgw-dst-az-id tgw-pair-attachment-id srcaddr dstaddr srcport dstport protocol packets bytes start end
    log-status type packets-lost-no-route packets-lost-blackhole packets-lost-mtu-exceeded
    packets-lost-ttl-expired tcp-flags region flow-direction pkt-src-aws-service pkt-dst-aws-service
"""
DEFAULT = tuple(_VERSION_2.split())
NAMES = DEFAULT + tuple(_LATER.split())
TGW_NAMES = tuple(_TGW.split())
ALL_NAMES = tuple(dict.fromkeys(NAMES + TGW_NAMES))
TAGS = ("instance-tag", "instance-tag-2", "interface-tag", "interface-tag-2", "asg-tag", "asg-tag-2")
LARGEST = {
    "version": 255,
    "protocol": 255,
    "traffic-path": 255,
    "encryption-status": 255,
    "srcport": 65_535,
    "dstport": 65_535,
    "tcp-flags": 65_535,
    "packets": 2**63 - 1,
    "bytes": 2**63 - 1,
    "packets-lost-no-route": 2**63 - 1,
    "packets-lost-blackhole": 2**63 - 1,
    "packets-lost-mtu-exceeded": 2**63 - 1,
    "packets-lost-ttl-expired": 2**63 - 1,
}
TIMES = ("start", "end")
LARGEST_SECONDS = 253_402_300_799
LONGEST_VALUE = 4096
BOM = b"\xef\xbb\xbf"

_NAME = re.compile(rb"[A-Za-z][A-Za-z0-9]*(?:[-_][A-Za-z0-9]+)*")
_DIGITS = re.compile(rb"[0-9]+")
_INSIDE_NO_LINE = re.compile(rb"[\0\t\r]")
_EPOCH = datetime(1970, 1, 1)


class NotARecord(ValueError):
    """A line that holds no record of the present layout."""


@dataclass
class Totals:
    """What adds up over the records: `dates` counts them by UTC date, None for those without a time."""

    records: int
    bytes: int
    packets: int
    rejects: int
    dates: dict[date | None, int]


@dataclass
class Reference:
    """What a log holds: records, numbers (from 1) of lines that are none, count of headers and blanks."""

    records: list[Record] = field(default_factory=list)
    bad: list[int] = field(default_factory=list)
    passed: int = 0

    @property
    def flows(self) -> list[Record]:
        """The records of VPC flow logs."""
        return [record for record in self.records if not is_tgw(record)]

    @property
    def tgw_flows(self) -> list[Record]:
        """The records of transit gateways."""
        return [record for record in self.records if is_tgw(record)]


def totals(records: Sequence[Record]) -> Totals:
    """Return the sums over records."""
    return Totals(
        records=len(records),
        bytes=sum(_count(record, "bytes") for record in records),
        packets=sum(_count(record, "packets") for record in records),
        rejects=sum(record.get("action") == "REJECT" for record in records),
        dates=dict(Counter(map(record_date, records))),
    )


def read(path: Path) -> Reference:
    """Return what a file holds, decompressed if it is gzip."""
    data = path.read_bytes()
    return read_bytes(gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data)


def read_bytes(data: bytes) -> Reference:
    """Return what the text of a log holds."""
    found = Reference()
    layout: Sequence[str] | None = None
    for number, line in enumerate(_lines(data), 1):
        if not line:
            found.passed += 1
            continue
        tokens = [token for token in line.split(b" ") if token]
        header = _header(tokens)
        if layout is None:
            layout = header or DEFAULT
            is_header = header is not None
        else:
            is_header = header is not None and _starts_layout(header, layout)
            layout = header if is_header and header else layout
        if is_header:
            found.passed += 1
            continue
        try:
            found.records.append(_record(line, tokens, layout))
        except NotARecord:
            found.bad.append(number)
    return found


def column(name: str) -> str:
    """Return the column of a field."""
    return f"{name}_time" if name in TIMES else name.replace("-", "_")


def record_date(record: Mapping[str, Value]) -> date | None:
    """Return the UTC date of a record, by its start; by its end if that is missing or a day away."""
    start, end = record.get("start_time"), record.get("end_time")
    if not isinstance(start, datetime):
        return end.date() if isinstance(end, datetime) else None
    if isinstance(end, datetime) and abs(end - start) > timedelta(days=1):
        return end.date()
    return start.date()


def _lines(data: bytes) -> list[bytes]:
    """Return the lines, trimmed at both ends."""
    lines = data.split(b"\n")
    if not lines[-1]:
        lines.pop()
    return [_trimmed(line) for line in lines]


def _trimmed(line: bytes) -> bytes:
    line = line.strip(b" \r")
    while line.startswith(BOM):
        line = line[len(BOM) :].strip(b" \r")
    return line


def _header(tokens: Sequence[bytes]) -> tuple[str, ...] | None:
    """Return the names in a line of nothing but names, at least one of which is a field's."""
    if not all(_NAME.fullmatch(token) for token in tokens):
        return None
    names = tuple(token.decode().lower().replace("_", "-") for token in tokens)
    return names if set(names) & set(ALL_NAMES) else None


def _starts_layout(header: Sequence[str], layout: Sequence[str]) -> bool:
    known = sum(name in ALL_NAMES for name in header)
    return tuple(header) == tuple(layout) or (known >= 3 and known >= len(header) / 2)


def _record(line: bytes, tokens: Sequence[bytes], layout: Sequence[str]) -> Record:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotARecord from error
    if _INSIDE_NO_LINE.search(line) or len(tokens) != len(layout):
        raise NotARecord
    known = TGW_NAMES if is_tgw(layout) else NAMES
    return {column(name): _value(name, token, known) for name, token in zip(layout, tokens, strict=True)}


def is_tgw(names: Iterable[str]) -> bool:
    """Tell whether fields, or columns, are those of a transit gateway."""
    return any(
        name.replace("_", "-").startswith(("tgw-", "packets-lost-"))
        or name in ("resource-type", "resource_type")
        for name in names
    )


def _value(name: str, token: bytes, known: Sequence[str]) -> Value:
    if token == b"-":
        return None
    if name not in known or (name not in LARGEST and name not in TIMES):
        if len(token) > LONGEST_VALUE:
            raise NotARecord
        return _tag(token) if name in TAGS and name in known else token.decode("utf-8")
    if not _DIGITS.fullmatch(token):
        raise NotARecord
    if name in TIMES:
        return _time(int(token))
    if int(token) > LARGEST[name]:
        raise NotARecord
    return int(token)


def _tag(token: bytes) -> str:
    """Return a tag's value, percent-decoded where that can be done."""
    decoded = bytearray()
    rest = token
    while rest:
        if not rest.startswith(b"%"):
            decoded.append(rest[0])
            rest = rest[1:]
            continue
        digits = rest[1:3].decode("latin-1")
        if len(digits) < 2 or not set(digits) <= set("0123456789abcdefABCDEF"):
            return token.decode("utf-8")
        decoded.append(int(digits, 16))
        rest = rest[3:]
    try:
        return decoded.decode("utf-8")
    except UnicodeDecodeError:
        return token.decode("utf-8")


def _time(moment: int) -> datetime:
    if moment <= LARGEST_SECONDS:
        return _EPOCH + timedelta(seconds=moment)
    if moment <= LARGEST_SECONDS * 1000 + 999:
        return _EPOCH + timedelta(milliseconds=moment)
    raise NotARecord


def _count(record: Mapping[str, Value], name: str) -> int:
    value = record.get(name)
    return value if isinstance(value, int) else 0
