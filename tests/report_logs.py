"""A small store for pages: a day of known traffic, with names that would run where they are not escaped."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import flowdb
from tests.conftest import write_log

FIELDS = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action"
    " log-status az-id flow-direction pkt-srcaddr pkt-dstaddr pkt-dst-aws-service tcp-flags"
)
MIDNIGHT = 1_705_276_800  # 2024-01-15
TITLE = "</title><script>window.ran='title'</script>\u2028\"'& ünï 漢字"
SCRIPT = "</script><script>window.ran='script'</script>"
IMAGE = "<img/src=x/onerror=window.ran='image'>"
COMMENT = "<!--<script>"
TEMPLATE = "{{constructor.constructor('window.ran=1')()}}"
FORMULA = '=HYPERLINK("https://example.com","x")'
HOSTILE = (
    SCRIPT,
    IMAGE,
    COMMENT,
    TEMPLATE,
    FORMULA,
    "'onmouseover='window.ran=2",
    "-5+1",
    "eni-\u202eevil",
    "__proto__",
)


@dataclass(frozen=True)
class Sent:
    """A record, as far as tests look at it."""

    srcaddr: str
    bytes: int
    action: str
    hour: int


def sent() -> list[Sent]:
    """The records of traffic: forty sources that differ in bytes, every fourth of them refused."""
    return [
        Sent(f"10.0.{n}.1", 1000 * (n + 1) + hour, "REJECT" if n % 4 == 3 else "ACCEPT", hour)
        for hour in range(24)
        for n in range(40)
    ]


def lines() -> list[str]:
    """The log: those records at interfaces of hostile names, and records that are none of traffic."""
    found = []
    for number, one in enumerate(sent()):
        name = HOSTILE[number % len(HOSTILE)]
        start = MIDNIGHT + 3600 * one.hour + number % 40
        ends = f"{one.srcaddr} 192.0.2.{number % 40} {33000 + number} {(22, 443, 3389)[number % 3]}"
        found.append(
            f"5 {name} {name} {ends} 6 3 {one.bytes} {start} {start + 30} {one.action} OK {name} egress"
            f" {one.srcaddr} 192.0.2.{number % 40} {name} 2"
        )
    found += [
        f"5 1 {IMAGE} - - - - - - - {start} {start + 60} - {status} {IMAGE} - - - - -"
        for start, status in zip(range(MIDNIGHT, MIDNIGHT + 3), ("NODATA", "NODATA", "SKIPDATA"), strict=True)
    ]
    return [FIELDS, *found, "no record <script>window.ran=3</script>"]


def make_store(path: Path) -> None:
    """Make a store of them."""
    log = write_log(path.parent / "hostile.log", lines())
    with flowdb.open(path) as db:
        db.ingest(log)
