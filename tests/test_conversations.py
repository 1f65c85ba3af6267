"""Conversations on a network that is made up: whoever logged a connection, each of its bytes counts once."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import flowdb
from flowdb import FlowDB

HEADER = (
    "interface-id srcaddr srcport dstaddr dstport pkt-srcaddr pkt-dstaddr protocol packets bytes start end"
    " action tcp-flags log-status"
)
START = 1_705_276_800
NAT = "10.0.0.220"
NODE = "10.0.3.10"


@dataclass(frozen=True)
class Connection:
    """A connection as it really was."""

    client: str
    client_port: int
    server: str
    server_port: int
    sent: list[int]
    answered: list[int]
    through: str


def connections(count: int, seed: int) -> list[Connection]:
    """Connections inside the VPC, to a peered one, out through a NAT gateway, and of pods of a node."""
    random_ = random.Random(seed)
    kinds = {
        "vpc": ("10.0.1.{}", "10.0.2.{}"),
        "peering": ("10.0.1.{}", "172.31.0.{}"),
        "nat": ("10.0.1.{}", "203.0.113.{}"),
        "pod": ("10.0.3.1{}", "10.0.2.{}"),
    }
    made = []
    for number in range(count):
        kind = random_.choice(list(kinds))
        client, server = (one.format(random_.randint(1, 4)) for one in kinds[kind])
        windows = random_.randint(1, 4)
        made.append(
            Connection(
                client,
                32768 + number,
                server,
                random_.choice((443, 5432, 2049)),
                [random_.randint(40, 10**6) for _ in range(windows)],
                [random_.randint(40, 10**9) for _ in range(windows)],
                kind,
            )
        )
    return made


def line(
    interface: str,
    ends: tuple[str, int, str, int],
    packet: tuple[str, str],
    size: int,
    start: int,
    flags: int,
) -> str:
    source, source_port, target, target_port = ends
    return (
        f"{interface} {source} {source_port} {target} {target_port} {packet[0]} {packet[1]} 6 1 {size}"
        f" {start} {start + 50} ACCEPT {flags} OK"
    )


def logged(one: Connection, number: int) -> Iterator[str]:
    """What the interfaces log of a connection: those of both ends in the VPC, and those between."""
    client, server = one.client, one.server
    there, back = (client, server), (server, client)
    out = (client, one.client_port, server, one.server_port)
    home = (server, one.server_port, client, one.client_port)
    for n, (sent, answered) in enumerate(zip(one.sent, one.answered, strict=True)):
        start = START + 60 * n
        syn, answer = (2, 18) if n == 0 else (0, 0)
        # The host of a pod logs its own primary address, and the pod's as that of the packet.
        near = NODE if one.through == "pod" else client
        own = f"eni-{near}"
        yield line(own, (near, one.client_port, server, one.server_port), there, sent, start, syn)
        yield line(own, (server, one.server_port, near, one.client_port), back, answered, start, answer)
        if one.through in ("vpc", "peering", "pod"):
            yield line(f"eni-{server}", out, there, sent, start + 1, syn)
            yield line(f"eni-{server}", home, back, answered, start + 1, answer)
        if one.through == "nat":
            port = 1024 + number
            for ends, packet, size, flags in (
                ((client, one.client_port, NAT, one.server_port), there, sent, syn),
                ((NAT, port, server, one.server_port), (NAT, server), sent, syn),
                ((server, one.server_port, NAT, port), (server, NAT), answered, answer),
                ((NAT, one.server_port, client, one.client_port), back, answered, answer),
            ):
                yield line("eni-nat", ends, packet, size, start + 1, flags)


def store_of(folder: Path, lines: list[str]) -> FlowDB:
    (folder / "network.log").write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
    db = flowdb.open(folder / "store")
    report = db.ingest(folder / "network.log")
    assert (report.records, report.bad_lines) == (len(lines), 0)
    return db


def test_every_connection_is_one_row_and_every_byte_counts_once(tmp_path: Path) -> None:
    made = connections(400, seed=1)
    assert {one.through for one in made} == {"vpc", "peering", "nat", "pod"}
    lines = [text for number, one in enumerate(made) for text in logged(one, number)]
    random.Random(2).shuffle(lines)
    with store_of(tmp_path, lines) as db:
        found = db.conversations(top=None)
        columns = "client, client_port, server, server_port, bytes_to_server, bytes_to_client, client_by"
        rows = sorted(found.project(columns).fetchall())
        naive = db.sql("SELECT sum(bytes)::BIGINT FROM flows").fetchall()
        seen = {row[0] for row in found.project("nat_addr").fetchall()}
    assert rows == sorted(
        (one.client, one.client_port, one.server, one.server_port, sum(one.sent), sum(one.answered), "SYN")
        for one in made
    )
    assert naive > [(2 * sum(sum(one.sent) + sum(one.answered) for one in made),)]
    assert seen == {None, NAT, NODE}


def test_one_end_alone_tells_the_same_bytes(tmp_path: Path) -> None:
    made = [one for one in connections(100, seed=3) if one.through in ("vpc", "peering")]
    lines = [text for number, one in enumerate(made) for text in logged(one, number)]
    with store_of(tmp_path, lines) as db:
        both = db.conversations(top=None).project("client, client_port, bytes_to_server, bytes_to_client")
        clients = {f"eni-{one.client}" for one in made}
        alone = [
            row
            for interface in clients
            for row in db.conversations(top=None, interface_id=interface)
            .project("client, client_port, bytes_to_server, bytes_to_client")
            .fetchall()
        ]
        assert sorted(alone) == sorted(both.fetchall())


def test_without_flags_the_client_is_the_one_with_the_port_that_is_no_service(tmp_path: Path) -> None:
    made = connections(60, seed=4)
    lines = [text for number, one in enumerate(made) for text in logged(one, number)]
    plain = [
        text.replace(" ACCEPT 2 OK", " ACCEPT - OK").replace(" ACCEPT 18 OK", " ACCEPT - OK")
        for text in lines
    ]
    with store_of(tmp_path, plain) as db:
        rows = db.conversations(top=None).project("client, server_port, client_by").fetchall()
    low = {one.server_port for one in made if one.server_port < 1024}
    assert {row[0] for row in rows if row[1] in low} == {one.client for one in made if one.server_port in low}
    assert {row[2] for row in rows if row[1] in low} == {"ephemeral port"}
